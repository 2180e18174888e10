/*
 * Conditions.  All conditions of a statement must hold; of the values of one, any.
 *
 *   key absent                 false; true of a negated operator; true with IfExists
 *   several values in policy   or; of a negated operator nor
 *   ForAllValues               each value of the request matches; true when there are none
 *   ForAnyValue                one value of the request matches; false when there are none
 *
 * A negated operator (StringNotEquals …) holds when its positive twin matches none of the values:
 * in a set, for each value of the request by itself.  A request's only value that is empty text
 * counts as no value in a set.  A multivalued key without ForAllValues or ForAnyValue, which AWS
 * leaves undefined, is taken as ForAnyValue (negated: as ForAllValues).
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/ with, at its end,
 *   reference_policies_elements_condition_operators.html
 *   reference_policies_condition-single-vs-multi-valued-context-keys.html
 */
#include "policy/internal.h"

#define OP(text, ...)                                                                              \
    {                                                                                              \
        .name = S_INIT(text), __VA_ARGS__                                                          \
    }
#define STRINGS .type = OPERATOR_TEXT, .variables = true
#define ARNS .type = OPERATOR_ARN, .glob = true, .variables = true
#define RELATED(type_, name_, relation_) OP(name_, .type = (type_), .relation = (relation_))
#define RELATIONS(type_, prefix)                                                                   \
    RELATED(type_, prefix "Equals", RELATION_EQ),                                                  \
        OP(prefix "NotEquals", .type = (type_), .negated = true),                                  \
        RELATED(type_, prefix "LessThan", RELATION_LT),                                            \
        RELATED(type_, prefix "LessThanEquals", RELATION_LE),                                      \
        RELATED(type_, prefix "GreaterThan", RELATION_GT),                                         \
        RELATED(type_, prefix "GreaterThanEquals", RELATION_GE)

static const struct operator_ operators[] = {
    OP("StringEquals", STRINGS),
    OP("StringNotEquals", STRINGS, .negated = true),
    OP("StringEqualsIgnoreCase", STRINGS, .fold = true),
    OP("StringNotEqualsIgnoreCase", STRINGS, .fold = true, .negated = true),
    OP("StringLike", STRINGS, .glob = true),
    OP("StringNotLike", STRINGS, .glob = true, .negated = true),
    RELATIONS(OPERATOR_NUMBER, "Numeric"),
    RELATIONS(OPERATOR_DATE, "Date"),
    OP("Bool", .type = OPERATOR_BOOL, .fold = true, .variables = true),
    OP("BinaryEquals", .type = OPERATOR_BINARY),
    OP("IpAddress", .type = OPERATOR_IP),
    OP("NotIpAddress", .type = OPERATOR_IP, .negated = true),
    OP("ArnEquals", ARNS),
    OP("ArnLike", ARNS),
    OP("ArnNotEquals", ARNS, .negated = true),
    OP("ArnNotLike", ARNS, .negated = true),
    OP("Null", .type = OPERATOR_NULL),
};

const struct operator_ *
operator_find(struct str text, enum set *ret_set, bool *ret_if_exists)
{
    static const struct str all = S_INIT("ForAllValues:"), any = S_INIT("ForAnyValue:"),
                            if_exists = S_INIT("IfExists");
    enum set set = str_starts(text, all) ? SET_ALL : str_starts(text, any) ? SET_ANY : SET_NONE;

    assert(str_ok(text));
    if (set != SET_NONE)
        text = str_cut(text, set == SET_ALL ? all.n : any.n, text.n);
    bool exists = str_ends(text, if_exists);

    if (exists)
        text.n -= if_exists.n;
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        const struct operator_ *op = &operators[i];

        if (!str_eq(text, op->name))
            continue;
        if (op->type == OPERATOR_NULL && (exists || set != SET_NONE))
            return NULL;
        *ret_set = set;
        *ret_if_exists = exists;
        return op;
    }
    return NULL;
}

/* ---- compiling ---- */

/* The end of the part of an ARN that begins at i: a colon that is not within a variable. */
static size_t
part_end(struct str s, size_t i)
{
    assert(i <= s.n);
    while (i < s.n && s.p[i] != ':') {
        struct piece piece;
        size_t skip = 0;

        if (s.p[i] == '$' && i + 1 < s.n && s.p[i + 1] == '{')
            skip = variable_parse(str_cut(s, i, s.n), &piece);
        i += skip ? skip : 1;
    }
    return i;
}

/* Cuts an ARN at its first five colons; false when it has fewer. */
static bool
arn_cut(struct str s, struct str ret[ARN_PARTS])
{
    size_t from = 0;

    assert(str_ok(s));
    for (int i = 0; i < ARN_PARTS - 1; i++) {
        size_t end = part_end(s, from);

        if (end == s.n)
            return false;
        ret[i] = str_cut(s, from, end);
        from = end + 1;
    }
    ret[ARN_PARTS - 1] = str_cut(s, from, s.n);
    return true;
}

static void
compile_value(struct block *b, const struct operator_ *op, struct str text, unsigned flags,
              struct value *ret)
{
    struct str parts[ARN_PARTS], bytes;

    switch (op->type) {
    case OPERATOR_ARN:
        if (arn_cut(text, parts)) {
            struct pattern *p = BLOCK_ARRAY(b, struct pattern, ARN_PARTS);

            for (int i = 0; i < ARN_PARTS; i++)
                pattern_compile(b, parts[i], flags, &p[i]);
            ret->parts = p;
            return;
        }
        pattern_compile(b, text, flags, &ret->pattern);
        return;
    case OPERATOR_TEXT:
    case OPERATOR_BOOL:
        pattern_compile(b, text, flags, &ret->pattern);
        return;
    case OPERATOR_BINARY: {
        struct arena scratch;

        arena_init(&scratch, 4 * text.n + 4096);
        if (str_unbase64(&scratch, text, &bytes)) {
            pattern_compile(b, bytes, 0, &ret->pattern);
            ret->scalar.kind = SCALAR_BYTES;
        }
        arena_done(&scratch);
        return;
    }
    case OPERATOR_NUMBER:
        ret->scalar = scalar_number(text);
        return;
    case OPERATOR_DATE:
        ret->scalar = scalar_date(text);
        return;
    case OPERATOR_IP:
        ret->scalar = scalar_ip(text);
        return;
    case OPERATOR_NULL:
        ret->scalar = scalar_bool(text);
        return;
    }
}

static struct str
value_text(const struct json *j)
{
    assert(j->kind == JSON_STRING || j->kind == JSON_NUMBER || j->kind == JSON_BOOL);
    return j->kind != JSON_BOOL ? j->text : j->truth ? S("true") : S("false");
}

void
condition_compile(struct block *b, struct str op, struct str key, const struct json *values,
                  bool variables, struct condition *ret)
{
    size_t n;
    const struct json *v = json_values(values, &n);

    ret->op = operator_find(op, &ret->set, &ret->if_exists);
    assert(ret->op);
    ret->key = block_text(b, key);
    struct value *out = BLOCK_ARRAY(b, struct value, n);
    unsigned flags = (ret->op->glob ? PATTERN_GLOB : 0u) |
                     (ret->op->variables && variables ? PATTERN_VARIABLES : 0u);

    for (size_t i = 0; i < n; i++)
        compile_value(b, ret->op, value_text(&v[i]), flags, &out[i]);
    ret->v = out;
    ret->n = n;
}

/* ---- holding ---- */

static bool
related(const struct scalar *have, const struct scalar *want, enum relation relation)
{
    assert(have->kind != SCALAR_BYTES && want->kind != SCALAR_BYTES);
    if (have->kind == SCALAR_NONE || want->kind == SCALAR_NONE)
        return false;
    int order;

    if (have->kind != SCALAR_FLOAT && want->kind != SCALAR_FLOAT) {
        order = (have->i > want->i) - (have->i < want->i);
    } else {
        double x = have->kind == SCALAR_FLOAT ? have->d : (double)have->i;
        double y = want->kind == SCALAR_FLOAT ? want->d : (double)want->i;

        order = (x > y) - (x < y);
    }
    switch (relation) {
    case RELATION_EQ:
        return order == 0;
    case RELATION_LT:
        return order < 0;
    case RELATION_LE:
        return order <= 0;
    case RELATION_GT:
        return order > 0;
    case RELATION_GE:
        return order >= 0;
    }
    return false;
}

static bool
ip_within(const struct scalar *have, const struct scalar *want)
{
    if (have->kind != want->kind)
        return false;
    if (have->kind == SCALAR_IP4)
        return ip4_block_covers(want->ip4, have->ip4);
    if (have->kind != SCALAR_IP6 || have->ip6.bits < want->ip6.bits)
        return false;
    struct ip6_block cut = {have->ip6.ip, want->ip6.bits};
    struct ip6_block x = ip6_block_canonical(cut), y = ip6_block_canonical(want->ip6);

    return memcmp(&x.ip, &y.ip, sizeof(x.ip)) == 0;
}

static enum match
match_arn(const struct value *v, struct str have, const struct policy_context *context)
{
    enum match all = MATCH_YES;

    assert(v->pattern.kind == PATTERN_ANY || !v->parts);

    if (!v->parts)
        return pattern_match(&v->pattern, have, context, false);
    for (int i = 0; i < ARN_PARTS; i++) {
        bool last = i == ARN_PARTS - 1;
        size_t end = last ? have.n : str_find_char(have, ':');

        if (end == SIZE_MAX)
            return MATCH_NO;
        enum match m = pattern_match(&v->parts[i], str_cut(have, 0, end), context, false);

        if (m != MATCH_YES && all != MATCH_UNRESOLVED)
            all = m;
        have = str_cut(have, end + 1, have.n);
    }
    return all;
}

/* The request's value, read as the operator's type. */
static struct scalar
read_scalar(enum operator_type type, struct str s)
{
    assert(str_ok(s));
    switch (type) {
    case OPERATOR_NUMBER:
        return scalar_number(s);
    case OPERATOR_DATE:
        return scalar_date(s);
    case OPERATOR_IP:
        return scalar_ip(s);
    default:
        return (struct scalar){.kind = SCALAR_NONE};
    }
}

static enum match
match_value(const struct condition *c, const struct value *v, struct str have,
            const struct scalar *scalar, const struct policy_context *context)
{
    switch (c->op->type) {
    case OPERATOR_ARN:
        return match_arn(v, have, context);
    case OPERATOR_NUMBER:
    case OPERATOR_DATE:
        return related(scalar, &v->scalar, c->op->relation) ? MATCH_YES : MATCH_NO;
    case OPERATOR_IP:
        return ip_within(scalar, &v->scalar) ? MATCH_YES : MATCH_NO;
    case OPERATOR_BOOL:
        if (scalar_bool(have).kind == SCALAR_NONE)
            return MATCH_NO;
        return pattern_match(&v->pattern, have, context, true);
    case OPERATOR_BINARY:
        if (v->scalar.kind != SCALAR_BYTES)
            return MATCH_NO;
        return pattern_match(&v->pattern, have, context, false);
    case OPERATOR_TEXT:
        return pattern_match(&v->pattern, have, context, c->op->fold);
    case OPERATOR_NULL:
        break;
    }
    assert(!"Null is decided without values");
    return MATCH_NO;
}

/* Whether one value of the request satisfies the operator. */
static bool
satisfies(const struct condition *c, struct str have, const struct policy_context *context)
{
    struct scalar scalar = read_scalar(c->op->type, have);
    bool unresolved = false;

    assert(c->v || c->n == 0);
    for (size_t i = 0; i < c->n; i++) {
        enum match m = match_value(c, &c->v[i], have, &scalar, context);

        if (m == MATCH_YES)
            return !c->op->negated;
        unresolved |= m == MATCH_UNRESOLVED;
    }
    return c->op->negated && !unresolved;
}

static bool
resolves(const struct condition *c, const struct policy_context *context)
{
    assert(c->v || c->n == 0);
    for (size_t i = 0; i < c->n; i++) {
        if (!pattern_resolves(&c->v[i].pattern, context))
            return false;
        for (int j = 0; c->v[i].parts && j < ARN_PARTS; j++)
            if (!pattern_resolves(&c->v[i].parts[j], context))
                return false;
    }
    return true;
}

static bool
null_holds(const struct condition *c, bool absent)
{
    assert(c->op->type == OPERATOR_NULL);
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].scalar.kind == SCALAR_BOOL && c->v[i].scalar.truth == absent)
            return true;
    return false;
}

bool
condition_holds(const struct condition *c, const struct policy_context *context)
{
    const struct policy_key *key = context_find(context, c->key);
    size_t n = key ? key->n : 0;

    assert(c->op && c->key.n == (key ? key->name.n : c->key.n));
    bool all = c->set == SET_ALL || (c->set == SET_NONE && c->op->negated);

    if (c->op->type == OPERATOR_NULL)
        return null_holds(c, n == 0);
    if (n == 0 && c->if_exists)
        return true;
    if (c->set != SET_NONE && n == 1 && key->values[0].n == 0)
        n = 0;
    if (n == 0 && c->set == SET_NONE)
        return c->op->negated && resolves(c, context);
    for (size_t i = 0; i < n; i++)
        if (satisfies(c, key->values[i], context) != all)
            return !all;
    return all;
}
