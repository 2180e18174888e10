/*
 * Patterns are read a value at a time, as AWS's reader does it, so that the first mistake and its
 * place are the same: behind the token that was looked at, of a string behind its opening quote.
 */
#include "codec/event_pattern_tree.h"

#include "base/list.h"
#include "codec/doc.h"

enum { SOURCE_SHOWN_MAX = 500, VALUES_MAX = 100000 };

struct reader {
    struct doc_in in;
    struct event_pattern *pattern;
    size_t at; /* behind the newest token */
    struct str why;
};

/* ---- what is wrong ---- */

/* "\n at [Source: (String)"…"; line: 1, column: 12]" behind the sentence. */
static bool fault(struct reader *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool
fault(struct reader *r, const char *fmt, ...)
{
    struct str text = r->in.text, shown = str_cut(text, 0, SOURCE_SHOWN_MAX);
    size_t line = 1, column = 1;
    va_list ap;

    if (r->why.p)
        return false;
    assert(r->at <= text.n);
    for (size_t i = 0; i < r->at; i++) {
        column++;
        if (text.p[i] == '\n') {
            line++;
            column = 1;
        }
    }
    va_start(ap, fmt);
    struct str sentence = str_vfmt(r->in.arena, fmt, ap);
    va_end(ap);
    struct str more = text.n > shown.n
                          ? str_fmt(r->in.arena, "[truncated %zu chars]", text.n - shown.n)
                          : STR_NONE;
    r->why =
        str_fmt(r->in.arena, "%.*s\n at [Source: (String)\"%.*s\"%.*s; line: %zu, column: %zu]",
                STR_ARG(sentence), STR_ARG(shown), STR_ARG(more), line, column);
    assert(r->why.n > sentence.n);
    return false;
}

static bool
is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The text is no JSON. */
static bool
syntax_fault(struct reader *r)
{
    static const char expected[] =
        "JSON String, Number, Array, Object or token 'null', 'true' or 'false'";
    struct str text = r->in.text;
    size_t from = MIN(r->in.at, text.n), to = from;

    while (to < text.n && is_letter(text.p[to]))
        to++;
    r->at = MIN(to == from ? from + 1 : to, text.n);
    if (from == text.n)
        return fault(r, "Unexpected end-of-input");
    if (to > from)
        return fault(r, "Unrecognized token '%.*s': was expecting (%s)", (int)(to - from),
                     text.p + from, expected);
    return fault(r, "Unexpected character ('%c' (code %d)): expected a valid value (%s)",
                 text.p[from], (unsigned char)text.p[from], expected);
}

/* ---- tokens ---- */

static size_t
value_begin(const struct reader *r)
{
    size_t at = r->in.at;

    assert(at <= r->in.text.n);
    while (at < r->in.text.n && memchr(" \t\r\n", r->in.text.p[at], 4))
        at++;
    return at;
}

/* Where a value that begins here is known. */
static size_t
value_known(const struct reader *r, size_t begin)
{
    struct str text = r->in.text;
    size_t at = begin;

    assert(begin >= r->in.at && begin <= text.n);
    if (at < text.n && memchr("\"[{", text.p[at], 3))
        return at + 1;
    while (at < text.n && !memchr(" \t\r\n,]}", text.p[at], 7))
        at++;
    return at;
}

static bool
next(struct reader *r, struct doc_value *ret)
{
    size_t known = value_known(r, value_begin(r));

    if (r->why.p)
        return false;
    if (!doc_next(&r->in, ret))
        return syntax_fault(r);
    r->at = known;
    return true;
}

static bool
more(struct reader *r, struct doc_value *container, struct str *ret_name)
{
    assert(container->kind == DOC_MAP || container->kind == DOC_LIST);
    if (r->why.p)
        return false;
    if (doc_more(&r->in, container, ret_name)) {
        if (container->kind == DOC_MAP) /* the reader has looked at the value already */
            r->at = value_known(r, value_begin(r));
        return true;
    }
    if (r->in.failed)
        return syntax_fault(r);
    r->at = r->in.at;
    return false;
}

/* Nothing may follow. */
static bool
last(struct reader *r, struct doc_value *container, const char *sentence)
{
    struct doc_value v;
    struct str name;

    if (!more(r, container, &name))
        return !r->why.p;
    return container->kind == DOC_MAP || next(r, &v) ? fault(r, "%s", sentence) : false;
}

static const char one_key[] = "Only one key allowed in match expression";
static const char too_many[] = "Too many elements in numeric expression";

/* ---- values ---- */

bool
event_address(struct str text, struct ip6_block *ret)
{
    uint32_t ip;

    *ret = (struct ip6_block){.bits = 128};
    if (!ip4_parse(text, &ip))
        return ip6_parse(text, &ret->ip);
    ret->ip.b[10] = ret->ip.b[11] = 0xff;
    for (unsigned i = 0; i < 4; i++)
        ret->ip.b[12 + i] = (uint8_t)(ip >> (24 - 8 * i));
    return true;
}

static bool
number(struct reader *r, const struct doc_value *v, double *ret)
{
    if (!doc_f64(v, ret) || *ret < -EVENT_NUMBER_LIMIT || *ret > EVENT_NUMBER_LIMIT)
        return fault(r, "Value must be between -5.0E9 and 5.0E9, inclusive");
    return true;
}

static bool
wildcard_check(struct reader *r, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char after = i + 1 < text.n ? text.p[i + 1] : 0;

        if (text.p[i] == '*' && after == '*') /* places count the quote */
            return fault(r, "Consecutive wildcard characters at pos %zu", i + 1);
        if (text.p[i] == '\\' && after != '*' && after != '\\')
            return fault(r, "Invalid escape character at pos %zu", i + 1);
        i += text.p[i] == '\\';
    }
    return true;
}

/* ---- {"numeric": [">", 0, "<=", 5]} ---- */

static bool
numeric_upper(struct reader *r, struct doc_value *list, struct event_value *value)
{
    struct doc_value op, top;
    struct str name;

    if (!next(r, &op))
        return false;
    if (op.kind != DOC_TEXT)
        return fault(r, "Bad value in numeric range: %.*s", STR_ARG(op.text));
    if (!str_is(op.text, "<") && !str_is(op.text, "<="))
        return fault(r, "Bad numeric range operator: %.*s", STR_ARG(op.text));
    value->open_high = str_is(op.text, "<");
    if (!more(r, list, &name) || (next(r, &top) && top.kind != DOC_NUMBER))
        return fault(r, "Value of %.*s must be numeric", STR_ARG(op.text));
    if (r->why.p || !number(r, &top, &value->high))
        return false;
    if (!last(r, list, "Too many terms in numeric range expression"))
        return false;
    return value->low < value->high || fault(r, "Bottom must be less than top");
}

static bool
numeric_parse(struct reader *r, struct event_test *test)
{
    struct event_value *value = LIST_PUSH(r->in.arena, &test->values);
    struct doc_value list, op, v;
    struct str name;
    double n;

    test->kind = EVENT_TEST_RANGE;
    *value = (struct event_value){.low = -EVENT_NUMBER_LIMIT, .high = EVENT_NUMBER_LIMIT};
    if (!next(r, &list))
        return false;
    if (list.kind != DOC_LIST)
        return fault(r, "Value of numeric must be an array.");
    if (!more(r, &list, &name))
        return fault(r, "Invalid member in numeric match: ]");
    if (!next(r, &op))
        return false;
    if (op.kind != DOC_TEXT)
        return fault(r, "Invalid member in numeric match: %.*s", STR_ARG(op.text));
    bool low = str_starts(op.text, S(">")), equal = str_is(op.text, "=");
    bool open = op.text.n == 1;

    if (!equal && !str_is(op.text, ">") && !str_is(op.text, ">=") && !str_is(op.text, "<") &&
        !str_is(op.text, "<="))
        return fault(r, "Unrecognized numeric range operator: %.*s", STR_ARG(op.text));
    if (!more(r, &list, &name) || (next(r, &v) && v.kind != DOC_NUMBER))
        return fault(r, "Value of %.*s must be numeric", STR_ARG(equal ? S("equals") : op.text));
    if (r->why.p || !number(r, &v, &n))
        return false;
    if (low || equal)
        value->low = n;
    if (!low)
        value->high = n;
    value->open_low = low && open;
    value->open_high = !low && !equal && open;
    if (low)
        return more(r, &list, &name) ? numeric_upper(r, &list, value) : !r->why.p;
    return last(r, &list, too_many);
}

/* ---- {"cidr": "10.0.0.0/8"} ---- */

static bool
cidr_parse(struct reader *r, struct str text, struct event_value *value)
{
    struct str bits = text, ip = str_split(&bits, '/');
    unsigned before;
    int64_t n;

    if (!bits.n || str_find_char(bits, '/') != SIZE_MAX)
        return fault(r, "Malformed CIDR, one '/' required");
    if (!str_to_i64(bits, &n))
        return fault(r, "Malformed CIDR, mask bits must be an integer");
    if (n < 0)
        return fault(r, "Malformed CIDR, mask bits must not be negative");
    if (!event_address(ip, &value->block))
        return fault(r, "Nonstandard IP address: %.*s", STR_ARG(ip));
    before = str_find_char(ip, ':') == SIZE_MAX ? 96 : 0;
    if (before && n > 32)
        return fault(r, "IPv4 mask bits must be < 33");
    if (!before && n > 128)
        return fault(r, "IPv6 mask bits must be < 129");
    value->block.bits = before + (unsigned)n;
    assert(value->block.bits <= 128);
    return true;
}

/* ---- operators of one text ---- */

static const struct operator
{
    const char *name;
    enum event_test_kind kind;
    bool any_case;
    const char *sentence; /* when it is of no text */
    const char *title;    /* of those that take {"equals-ignore-case": …} too; else NULL */
}
operators[] = {
    {"exactly", EVENT_TEST_TEXT, false, "exact match pattern must be a string", NULL},
    {"prefix", EVENT_TEST_PREFIX, false, "prefix match pattern must be a string", "Prefix"},
    {"suffix", EVENT_TEST_SUFFIX, false, "suffix match pattern must be a string", "Suffix"},
    {"cidr", EVENT_TEST_BLOCK, false, "prefix match pattern must be a string", NULL},
    {"equals-ignore-case", EVENT_TEST_TEXT, true,
     "equals-ignore-case match pattern must be a string", NULL},
    {"wildcard", EVENT_TEST_WILDCARD, false, "wildcard match pattern must be a string", NULL},
};

static const struct operator* operator_named(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(operators); i++)
        if (str_is(name, operators[i].name))
            return &operators[i];
    return NULL;
}

static bool
text_add(struct reader *r, struct event_test *test, struct str text)
{
    struct event_value *value = LIST_PUSH(r->in.arena, &test->values);

    assert(test->kind != EVENT_TEST_RANGE && test->kind != EVENT_TEST_EXISTS);
    value->text = text;
    if (test->kind == EVENT_TEST_WILDCARD)
        return wildcard_check(r, text);
    return test->kind != EVENT_TEST_BLOCK || cidr_parse(r, text, value);
}

/* {"prefix": {"equals-ignore-case": "a"}} */
static bool
any_case_parse(struct reader *r, const struct operator* op, struct doc_value *map,
               struct event_test *test)
{
    struct doc_value v;
    struct str name;

    if (!more(r, map, &name))
        return fault(r, "%s expression name not found", op->title);
    if (!str_is(name, "equals-ignore-case"))
        return fault(r, "Unsupported %s pattern: %.*s", op->name, STR_ARG(name));
    if (!next(r, &v))
        return false;
    if (v.kind != DOC_TEXT)
        return fault(r, "equals-ignore-case match pattern must be a string");
    test->any_case = true;
    return text_add(r, test, v.text) && last(r, map, one_key);
}

static bool
operator_parse(struct reader *r, const struct operator* op, struct event_test *test)
{
    struct doc_value v;

    test->kind = op->kind;
    test->any_case = op->any_case;
    assert(!op->title || op->kind == EVENT_TEST_PREFIX || op->kind == EVENT_TEST_SUFFIX);
    if (!next(r, &v))
        return false;
    if (op->title && v.kind == DOC_MAP)
        return any_case_parse(r, op, &v, test);
    if (v.kind != DOC_TEXT)
        return fault(r, "%s", op->sentence);
    return text_add(r, test, v.text);
}

/* ---- {"anything-but": …} ---- */

static const char *
but_sentence(const struct operator* op)
{
    if (!op)
        return "Inside anything but list, start|null|boolean is not supported.";
    if (op->kind == EVENT_TEST_TEXT)
        return "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not "
               "supported.";
    return op->kind == EVENT_TEST_WILDCARD ? op->sentence
                                           : "prefix/suffix match pattern must be a string";
}

static bool
but_value(struct reader *r, const struct operator* op, const struct doc_value *v,
          struct event_test *test)
{
    bool is_number = v->kind == DOC_NUMBER;

    if (v->kind != DOC_TEXT && (op || !is_number))
        return fault(r, "%s", but_sentence(op));
    if (op && !v->text.n && (op->kind == EVENT_TEST_PREFIX || op->kind == EVENT_TEST_SUFFIX))
        return fault(r, "Null prefix/suffix not allowed");
    if (!op && test->values.n && (test->kind == EVENT_TEST_NUMBER) != is_number)
        return fault(r, "Inside anything but list, either all values are number or string, mixed "
                        "type is not supported");
    if (!is_number)
        return text_add(r, test, v->text);
    test->kind = EVENT_TEST_NUMBER;
    struct event_value *value = LIST_PUSH(r->in.arena, &test->values);

    value->text = v->text;
    return number(r, v, &value->low);
}

static bool
but_values(struct reader *r, const struct operator* op, struct doc_value *v,
           struct event_test *test)
{
    struct doc_value element;
    struct str name;

    if (v->kind == DOC_TEXT || v->kind == DOC_NUMBER)
        return but_value(r, op, v, test);
    if (v->kind != DOC_LIST)
        return fault(r, "Value of anything-but must be an array or single string/number value.");
    while (more(r, v, &name))
        if (next(r, &element))
            but_value(r, op, &element, test);
    if (!r->why.p && !op && !test->values.n)
        return fault(r, "Inside anything but list, either all values are number or string, mixed "
                        "type is not supported");
    return !r->why.p;
}

static bool
but_parse(struct reader *r, struct event_test *test)
{
    const struct operator* op;
    struct doc_value v, inner;
    struct str name;

    test->but = true;
    test->kind = EVENT_TEST_TEXT;
    if (!next(r, &v))
        return false;
    if (v.kind != DOC_MAP)
        return but_values(r, NULL, &v, test);
    if (!more(r, &v, &name))
        return fault(r, "Anything-But expression name not found");
    op = operator_named(name);
    if (!op || op->kind == EVENT_TEST_BLOCK || str_is(name, "exactly"))
        return fault(r, "Unsupported anything-but pattern: %.*s", STR_ARG(name));
    test->kind = op->kind;
    test->any_case = op->any_case;
    return next(r, &inner) && but_values(r, op, &inner, test) && last(r, &v, too_many);
}

/* ---- lists of values ---- */

static bool
exists_parse(struct reader *r, struct event_test *test)
{
    struct doc_value v;

    if (!next(r, &v))
        return false;
    if (v.kind != DOC_BOOL)
        return fault(r, "exists match pattern must be either true or false.");
    test->kind = v.truth ? EVENT_TEST_EXISTS : EVENT_TEST_ABSENT;
    return true;
}

static bool
expression_parse(struct reader *r, struct doc_value *map, struct event_test *test)
{
    const struct operator* op;
    struct str name;
    bool ok;

    if (!more(r, map, &name))
        return fault(r, "Match expression name not found");
    op = operator_named(name);
    bool numeric = str_is(name, "numeric"), but = str_is(name, "anything-but");

    if (op)
        ok = operator_parse(r, op, test);
    else if (numeric)
        ok = numeric_parse(r, test);
    else if (but)
        ok = but_parse(r, test);
    else if (str_is(name, "exists"))
        ok = exists_parse(r, test);
    else
        return fault(r, "Unrecognized match type %.*s", STR_ARG(name));
    return ok && last(r, map, numeric || but ? too_many : one_key);
}

static bool
value_parse(struct reader *r, struct event_tests *tests)
{
    struct event_test *test = LIST_PUSH(r->in.arena, tests);
    struct event_value *value;
    struct doc_value v;

    if (!next(r, &v))
        return false;
    if (v.kind == DOC_MAP)
        return expression_parse(r, &v, test);
    if (v.kind == DOC_LIST)
        return fault(r, "Match value must be String, number, true, false, or null");
    value = LIST_PUSH(r->in.arena, &test->values);
    value->text = v.text;
    test->kind = v.kind == DOC_TEXT     ? EVENT_TEST_TEXT
                 : v.kind == DOC_NUMBER ? EVENT_TEST_NUMBER
                                        : EVENT_TEST_WORD;
    if (v.kind == DOC_NUMBER)
        return doc_f64(&v, &value->low) || fault(r, "Value must be between -5.0E9 and 5.0E9, "
                                                    "inclusive");
    if (v.kind == DOC_BOOL || v.kind == DOC_NULL)
        value->text = v.kind == DOC_NULL ? S("null") : v.truth ? S("true") : S("false");
    else if (event_address(v.text, &value->block))
        test->kind = EVENT_TEST_BLOCK; /* one address has many texts */
    return true;
}

static bool
list_parse(struct reader *r, struct doc_value *list, struct event_field *field, unsigned depth)
{
    struct event_pattern_size *size = &r->pattern->size;
    struct str name;

    assert(list->kind == DOC_LIST && field->name.p);
    if (!field->tests.n) {
        if (size->fields == EVENT_PATTERN_FIELDS_MAX)
            return fault(r, "There are more than %d fields", EVENT_PATTERN_FIELDS_MAX);
        field->number = size->fields++;
    }
    field->tests = (struct event_tests){0};
    while (more(r, list, &name))
        value_parse(r, &field->tests);
    if (r->why.p)
        return false;
    if (!field->tests.n)
        return fault(r, "Empty arrays are not allowed");
    size->depth = MAX(size->depth, depth);
    if (size->combinations <= UINT64_MAX / VALUES_MAX)
        size->combinations *= field->tests.n;
    return true;
}

/* ---- objects ---- */

static struct event_field *
field_of(struct reader *r, struct event_node *node, struct str name,
         const struct event_field *parent)
{
    for (size_t i = 0; i < node->fields.n; i++)
        if (str_eq(node->fields.v[i]->name, name))
            return node->fields.v[i];
    struct event_field *field = ARENA_NEW(r->in.arena, struct event_field);

    field->name = name;
    field->parent = parent;
    *LIST_PUSH(r->in.arena, &node->fields) = field;
    return field;
}

static bool
is_reserved(struct str name)
{
    static const char *const names[] = {
        "numeric",
        "anything-but",
        "exists",
        "=",
        "<",
        "<=",
        ">",
        ">=",
        "regex",
        "not-wildcard",
        "not-equals-ignore-case",
        "date-after",
        "date-on-or-after",
        "date-before",
        "date-on-or-before",
        "in-date-range",
        "ip-address-in-range",
        "ip-address-not-in-range",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_is(name, names[i]))
            return true;
    return operator_named(name) != NULL;
}

static bool object_parse(struct reader *r, struct doc_value *map, struct event_node *node,
                         const struct event_field *parent, unsigned depth, bool in_or);

static bool
or_parse(struct reader *r, struct event_node *node, const struct event_field *parent,
         unsigned depth)
{
    struct event_nodes *alternatives = LIST_PUSH(r->in.arena, &node->ors);
    struct doc_value list, v;
    struct str name;

    if (!next(r, &list))
        return false;
    if (list.kind != DOC_LIST)
        return fault(r, "It must be an Array followed with $or.");
    while (more(r, &list, &name)) {
        if (!next(r, &v))
            return false;
        if (v.kind != DOC_MAP)
            return fault(r, "Only JSON object is allowed in array of $or relationship.");
        struct event_node *alternative = ARENA_NEW(r->in.arena, struct event_node);

        *LIST_PUSH(r->in.arena, alternatives) = alternative;
        if (!object_parse(r, &v, alternative, parent, depth, true))
            return false;
    }
    if (!r->why.p && alternatives->n < 2)
        return fault(r, "There must have at least 2 Objects in $or relationship.");
    return !r->why.p;
}

static bool
object_parse(struct reader *r, struct doc_value *map, struct event_node *node,
             const struct event_field *parent, unsigned depth, bool in_or)
{
    struct doc_value v;
    struct str name;
    bool any = false;

    assert(depth >= 1 && depth <= DOC_DEPTH_MAX);
    for (; more(r, map, &name); any = true) {
        if (str_is(name, "$or")) {
            or_parse(r, node, parent, depth);
            continue;
        }
        if (in_or && is_reserved(name))
            return fault(r, "%.*s is Ruler reserved fieldName which cannot be used inside $or.",
                         STR_ARG(name));
        if (!next(r, &v))
            return false;
        if (v.kind != DOC_MAP && v.kind != DOC_LIST)
            return fault(r, "\"%.*s\" must be an object or an array", STR_ARG(name));
        struct event_field *field = field_of(r, node, name, parent);

        if (v.kind == DOC_LIST) {
            list_parse(r, &v, field, depth);
            continue;
        }
        if (!field->node)
            field->node = ARENA_NEW(r->in.arena, struct event_node);
        object_parse(r, &v, field->node, field, depth + 1, in_or);
    }
    if (!r->why.p && !any)
        return fault(r, "Empty objects are not allowed");
    return !r->why.p;
}

bool
event_pattern_parse(struct arena *a, struct str text, const struct event_pattern **ret,
                    struct str *ret_why)
{
    struct event_pattern *pattern = ARENA_NEW(a, struct event_pattern);
    struct reader r = {
        .in = {.format = &doc_json, .arena = a, .text = text, .values_left = VALUES_MAX},
        .pattern = pattern,
    };
    struct doc_value v;

    pattern->size.combinations = 1;
    *ret_why = STR_NONE;
    if (!str_is_utf8(text))
        fault(&r, "Invalid UTF-8");
    else if (value_begin(&r) == text.n)
        fault(&r, "Filter is not an object");
    else if (next(&r, &v) && v.kind != DOC_MAP)
        fault(&r, "Filter is not an object");
    else if (!r.why.p && object_parse(&r, &v, &pattern->root, NULL, 1, false) && !doc_end(&r.in))
        syntax_fault(&r);
    if (r.why.p) {
        *ret_why = r.why;
        return false;
    }
    assert(pattern->size.fields > 0 && pattern->size.fields <= EVENT_PATTERN_FIELDS_MAX);
    *ret = pattern;
    return true;
}

struct event_pattern_size
event_pattern_size(const struct event_pattern *pattern)
{
    assert(pattern->size.fields > 0 && pattern->size.combinations > 0);
    return pattern->size;
}
