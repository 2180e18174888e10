/* Rules are a table: a name, what may be said of it, and whether a value is so. */
#include "sns/filter.h"

#include "codec/ip.h"

#define NUMBER_MAX 1e9

/* A value of the message; `absent` when the name is not there. */
struct value {
    const struct json *j;
    bool absent;
};

struct rule {
    const char *name;
    /* The mistake in it, or NULL. */
    const char *(*check)(const struct json *said);
    bool (*holds)(struct arena *a, const struct json *said, const struct value *v);
};

/* ---- values ---- */

static bool
is_number(const struct json *j, double *ret)
{
    return j->kind == JSON_NUMBER && json_f64(j, ret);
}

static bool
same(const struct json *a, const struct json *b)
{
    double x, y;

    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return a->truth == b->truth;
    case JSON_NUMBER:
        return is_number(a, &x) && is_number(b, &y) && x == y;
    case JSON_STRING:
        return str_eq(a->text, b->text);
    default:
        return false;
    }
}

static bool
is_scalar(const struct json *j)
{
    return j->kind != JSON_ARRAY && j->kind != JSON_OBJECT;
}

/* ---- rules of text ---- */

static const char *
check_text(const struct json *said)
{
    return said->kind == JSON_STRING ? NULL : "match pattern must be a string";
}

static bool
prefix(struct arena *a UNUSED, const struct json *said, const struct value *v)
{
    return v->j->kind == JSON_STRING && str_starts(v->j->text, said->text);
}

static bool
suffix(struct arena *a UNUSED, const struct json *said, const struct value *v)
{
    return v->j->kind == JSON_STRING && str_ends(v->j->text, said->text);
}

static bool
ignore_case(struct arena *a UNUSED, const struct json *said, const struct value *v)
{
    return v->j->kind == JSON_STRING && str_eq_nocase(v->j->text, said->text);
}

/* Only `*` is special here, so what str_glob() takes as such is quoted. */
static bool
wildcard(struct arena *a, const struct json *said, const struct value *v)
{
    struct str pattern = S("");

    for (size_t i = 0; i < said->text.n; i++) {
        struct str c = str_cut(said->text, i, i + 1);

        if (*c.p == '\\' && i + 1 < said->text.n)
            c = str_cut(said->text, i, ++i + 1);
        else if (*c.p == '?' || *c.p == '\\')
            c = str_fmt(a, "\\%c", *c.p);
        pattern = str_cat(a, pattern, c);
    }
    return v->j->kind == JSON_STRING && str_glob(pattern, v->j->text);
}

static const char *
check_cidr(const struct json *said)
{
    struct ip_prefix net;

    return said->kind == JSON_STRING && ip_prefix_parse(said->text, &net)
               ? NULL
               : "Malformed CIDR, one '/' required";
}

static bool
cidr(struct arena *a UNUSED, const struct json *said, const struct value *v)
{
    struct ip_prefix net;
    struct ip_addr address;

    return v->j->kind == JSON_STRING && ip_prefix_parse(said->text, &net) &&
           ip_addr_parse(v->j->text, &address) && ip_prefix_has(&net, &address);
}

/* ---- exists ---- */

static const char *
check_exists(const struct json *said)
{
    return said->kind == JSON_BOOL ? NULL : "exists match pattern must be either true or false.";
}

/* ---- numeric ---- */

static bool
operator_is(const struct json *j, const char *text)
{
    return j->kind == JSON_STRING && str_is(j->text, text);
}

static const char *
check_numeric(const struct json *said)
{
    double low, high;

    if (said->kind != JSON_ARRAY || !said->n || said->v[0].kind != JSON_STRING)
        return "Invalid member in numeric match";
    bool lower = operator_is(&said->v[0], ">") || operator_is(&said->v[0], ">=");

    if (!lower && !operator_is(&said->v[0], "=") && !operator_is(&said->v[0], "<") &&
        !operator_is(&said->v[0], "<="))
        return "Unrecognized numeric range operator";
    if (said->n < 2 || !is_number(&said->v[1], &low))
        return "Value of the numeric range operator must be numeric";
    if (said->n == 2)
        return NULL;
    if (!lower || said->n > 4)
        return "Too many elements in numeric expression";
    if (!operator_is(&said->v[2], "<") && !operator_is(&said->v[2], "<="))
        return "Bad numeric range operator";
    if (said->n < 4 || !is_number(&said->v[3], &high))
        return "Value of the numeric range operator must be numeric";
    return low < high ? NULL : "Bottom must be less than top";
}

static bool
numeric(struct arena *a UNUSED, const struct json *said, const struct value *v)
{
    double is, limit;
    bool ok = is_number(v->j, &is);

    for (size_t i = 0; i + 1 < said->n && ok; i += 2) {
        struct str op = said->v[i].text;

        ok = is_number(&said->v[i + 1], &limit) && ((str_is(op, "=") && is == limit) ||
                                                    (str_is(op, "<") && is < limit) ||
                                                    (str_is(op, "<=") && is <= limit) ||
                                                    (str_is(op, ">") && is > limit) ||
                                                    (str_is(op, ">=") && is >= limit));
    }
    return ok;
}

/* ---- anything-but, and the table ---- */

static const struct rule *rule_find(struct str name);

static const char *
check_anything_but(const struct json *said)
{
    const struct rule *inner;

    if (is_scalar(said) || (said->kind == JSON_ARRAY && said->n))
        return NULL;
    if (said->kind != JSON_OBJECT || said->n != 1)
        return "Inner anything-but must be a string, a number, a list or an object";
    inner = rule_find(said->names[0]);
    if (!inner || inner->check != check_text)
        return "Unsupported anything-but pattern";
    return said->v[0].kind == JSON_ARRAY ? NULL : inner->check(&said->v[0]);
}

static bool
anything_but(struct arena *a, const struct json *said, const struct value *v)
{
    const struct rule *inner = said->kind == JSON_OBJECT ? rule_find(said->names[0]) : NULL;
    const struct json *list = inner ? &said->v[0] : said;
    size_t n = list->kind == JSON_ARRAY ? list->n : 1;

    for (size_t i = 0; i < n; i++) {
        const struct json *each = list->kind == JSON_ARRAY ? &list->v[i] : list;

        if (inner ? inner->holds(a, each, v) : same(each, v->j))
            return false;
    }
    return true;
}

static const struct rule rules[] = {
    {"prefix", check_text, prefix},
    {"suffix", check_text, suffix},
    {"equals-ignore-case", check_text, ignore_case},
    {"wildcard", check_text, wildcard},
    {"cidr", check_cidr, cidr},
    {"numeric", check_numeric, numeric},
    {"anything-but", check_anything_but, anything_but},
    {"exists", check_exists, NULL}, /* of names, not of values */
};

static const struct rule *
rule_find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (str_is(name, rules[i].name))
            return &rules[i];
    return NULL;
}

/* ---- checking ---- */

struct check {
    struct arena *arena;
    bool of_body;
    size_t combinations;
    struct str wrong;
};

static void
check_rule(struct check *c, const struct json *j)
{
    double v;

    if (j->kind == JSON_ARRAY || (j->kind == JSON_OBJECT && j->n != 1)) {
        c->wrong = S("FilterPolicy: Match value must be String, number, true, false, or null");
    } else if (j->kind == JSON_NUMBER) {
        if (!json_f64(j, &v) || v < -NUMBER_MAX || v > NUMBER_MAX)
            c->wrong = S("FilterPolicy: Number must be between -1e9 and 1e9");
    } else if (j->kind == JSON_OBJECT) {
        const struct rule *rule = rule_find(j->names[0]);
        const char *wrong = rule ? rule->check(&j->v[0]) : NULL;

        if (!rule)
            c->wrong = str_fmt(c->arena, "FilterPolicy: Unrecognized match type %.*s",
                               STR_ARG(j->names[0]));
        else if (wrong)
            c->wrong = str_fmt(c->arena, "FilterPolicy: %s", wrong);
    }
}

static void
check_object(struct check *c, const struct json *j, size_t depth)
{
    for (size_t i = 0; i < j->n && !c->wrong.p; i++) {
        const struct json *v = &j->v[i];
        bool any = str_is(j->names[i], "$or") && v->kind == JSON_ARRAY;

        if (v->kind == JSON_OBJECT && !c->of_body) {
            c->wrong = S("Filter policy scope MessageAttributes does not support nested filter "
                         "policy");
        } else if (v->kind == JSON_OBJECT) {
            check_object(c, v, depth + 1);
        } else if (v->kind != JSON_ARRAY) {
            c->wrong = str_fmt(c->arena, "FilterPolicy: \"%.*s\" must be an object or an array",
                               STR_ARG(j->names[i]));
        } else if (!v->n) {
            c->wrong = S("FilterPolicy: Empty arrays are not allowed");
        } else {
            if (c->combinations <= SNS_FILTER_COMBINATIONS_MAX)
                c->combinations *= v->n * depth;
            for (size_t k = 0; k < v->n && !c->wrong.p; k++) {
                if (any && v->v[k].kind == JSON_OBJECT)
                    check_object(c, &v->v[k], depth);
                else if (any)
                    c->wrong = S("FilterPolicy: \"$or\" must be a list of objects");
                else
                    check_rule(c, &v->v[k]);
            }
        }
    }
}

struct str
sns_filter_check(struct arena *a, const struct json *policy, bool of_body)
{
    struct check c = {.arena = a, .of_body = of_body, .combinations = 1};

    assert(policy->kind == JSON_OBJECT);
    if (policy->n > SNS_FILTER_KEYS_MAX)
        return str_fmt(a, "FilterPolicy: Filter policy can not have more than %d keys",
                       SNS_FILTER_KEYS_MAX);
    check_object(&c, policy, 1);
    if (!c.wrong.p && c.combinations > SNS_FILTER_COMBINATIONS_MAX)
        return S("FilterPolicy: Filter policy is too complex");
    return c.wrong;
}

/* ---- matching ---- */

/* One rule of one value; an array's elements are values of the same name. */
static bool
rule_holds(struct arena *a, const struct json *rule, const struct json *j)
{
    const struct value v = {.j = j};

    if (j && j->kind == JSON_ARRAY) {
        for (size_t i = 0; i < j->n; i++)
            if (rule_holds(a, rule, &j->v[i]))
                return true;
        return false;
    }
    if (rule->kind != JSON_OBJECT)
        return j && same(rule, j);
    const struct rule *known = rule_find(rule->names[0]);

    assert(known && rule->n == 1); /* it was checked when it was put */
    if (!known->holds)
        return (j != NULL) == rule->v[0].truth;
    return j && is_scalar(j) && known->holds(a, &rule->v[0], &v);
}

static bool
object_passes(struct arena *a, const struct json *policy, const struct json *message);

/* What stands behind a name of the policy. */
static bool
name_passes(struct arena *a, const struct json *wanted, const struct json *j)
{
    if (wanted->kind == JSON_OBJECT) {
        static const struct json nothing = {.kind = JSON_OBJECT};

        if (!j || j->kind == JSON_OBJECT)
            return object_passes(a, wanted, j ? j : &nothing);
        for (size_t i = 0; j->kind == JSON_ARRAY && i < j->n; i++)
            if (name_passes(a, wanted, &j->v[i]))
                return true;
        return false;
    }
    for (size_t i = 0; i < wanted->n; i++)
        if (rule_holds(a, &wanted->v[i], j))
            return true;
    return false;
}

static bool
object_passes(struct arena *a, const struct json *policy, const struct json *message)
{
    for (size_t i = 0; i < policy->n; i++) {
        const struct json *wanted = &policy->v[i];
        bool ok = false;

        if (str_is(policy->names[i], "$or") && wanted->kind == JSON_ARRAY) {
            for (size_t k = 0; k < wanted->n && !ok; k++)
                ok = object_passes(a, &wanted->v[k], message);
        } else {
            ok = name_passes(a, wanted, json_get_str(message, policy->names[i]));
        }
        if (!ok)
            return false;
    }
    return true;
}

bool
sns_filter_passes(struct arena *a, const struct json *policy, const struct json *message)
{
    assert(policy->kind == JSON_OBJECT);
    return message->kind == JSON_OBJECT && object_passes(a, policy, message);
}
