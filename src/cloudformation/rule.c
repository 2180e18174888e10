/*
 * Functions of rules are those of conditions and a few about lists.  Those that look at values of
 * all parameters of a type (RefAll, ValueOf, ValueOfAll) are refused by name.
 */
#include "cloudformation/rule.h"

#include "cloudformation/tree.h"

enum { DEPTH_MAX = 10, OPERANDS_MAX = 100 };

static bool holds(struct cfn_scope *scope, const struct json *in, unsigned depth, bool *ret);

static bool
fail(struct cfn_scope *scope, struct str wrong)
{
    if (!scope->wrong.p)
        scope->wrong = wrong;
    return false;
}

static bool
malformed(struct cfn_scope *scope, struct str name)
{
    return fail(scope, str_fmt(scope->arena,
                               "Template format error: %.*s in a rule has the wrong arguments.",
                               STR_ARG(name)));
}

/* And, Or, Not: over rules. */
static bool
combine(struct cfn_scope *scope, struct str name, const struct json *arg, unsigned depth, bool *ret)
{
    bool all = str_is(name, "Fn::And"), one;

    if (arg->kind != JSON_ARRAY || !arg->n || arg->n > OPERANDS_MAX ||
        (str_is(name, "Fn::Not") && arg->n != 1))
        return malformed(scope, name);
    *ret = all;
    for (size_t i = 0; i < arg->n; i++) {
        if (!holds(scope, &arg->v[i], depth + 1, &one))
            return false;
        *ret = all ? *ret && one : *ret || one;
    }
    if (str_is(name, "Fn::Not"))
        *ret = !*ret;
    return true;
}

static bool
contains(const struct json *list, const struct json *value)
{
    for (size_t i = 0; i < list->n; i++)
        if (cfn_equal(&list->v[i], value))
            return true;
    return false;
}

/* Two values that are compared. */
static bool
compare(struct cfn_scope *scope, struct str name, const struct json *arg, bool *ret)
{
    struct json a, b;

    if (arg->kind != JSON_ARRAY || arg->n != 2)
        return malformed(scope, name);
    if (!cfn_resolve(scope, &arg->v[0], &a) || !cfn_resolve(scope, &arg->v[1], &b))
        return false;
    if (str_is(name, "Fn::Equals")) {
        *ret = cfn_equal(&a, &b);
        return true;
    }
    if (a.kind != JSON_ARRAY)
        return malformed(scope, name);
    if (str_is(name, "Fn::Contains")) {
        *ret = contains(&a, &b);
        return true;
    }
    *ret = true;
    for (size_t i = 0; i < a.n && *ret; i++)
        *ret = str_is(name, "Fn::EachMemberIn") ? b.kind == JSON_ARRAY && contains(&b, &a.v[i])
                                                : cfn_equal(&a.v[i], &b);
    return true;
}

static bool
holds(struct cfn_scope *scope, const struct json *in, unsigned depth, bool *ret)
{
    static const char *const compares[] = {"Fn::Equals", "Fn::Contains", "Fn::EachMemberEquals",
                                           "Fn::EachMemberIn"};
    struct str name = in->kind == JSON_OBJECT && in->n == 1 ? in->names[0] : STR_NONE;

    if (!name.p || depth > DEPTH_MAX)
        return malformed(scope, S("a condition"));
    if (str_is(name, "Fn::And") || str_is(name, "Fn::Or") || str_is(name, "Fn::Not"))
        return combine(scope, name, &in->v[0], depth, ret);
    for (size_t i = 0; i < ARRAY_LEN(compares); i++)
        if (str_is(name, compares[i]))
            return compare(scope, name, &in->v[0], ret);
    return fail(scope, str_fmt(scope->arena, "Welkin does not implement %.*s in Rules yet",
                               STR_ARG(name)));
}

static bool
one_rule(struct cfn_scope *scope, struct str name, const struct json *rule)
{
    const struct json *when = json_get(rule, "RuleCondition");
    const struct json *assertions = json_get(rule, "Assertions");
    bool yes = true;

    if (when && !holds(scope, when, 0, &yes))
        return false;
    if (!assertions || assertions->kind != JSON_ARRAY)
        return malformed(scope, S("Assertions"));
    for (size_t i = 0; yes && i < assertions->n; i++) {
        const struct json *assertion = json_get(&assertions->v[i], "Assert");
        struct str why = json_text(&assertions->v[i], "AssertDescription");
        bool good;

        if (!assertion)
            return malformed(scope, S("Assertions"));
        if (!holds(scope, assertion, 0, &good))
            return false;
        if (!good)
            return fail(scope, str_fmt(scope->arena, "Rule %.*s failed: %.*s", STR_ARG(name),
                                       STR_ARG(why.p ? why : S("an assertion does not hold"))));
    }
    return true;
}

struct str
cfn_rules(struct cfn_scope *scope, const struct json *root)
{
    const struct json *rules = json_get(root, "Rules");

    for (size_t i = 0; rules && i < rules->n; i++)
        if (!one_rule(scope, rules->names[i], &rules->v[i]))
            return scope->wrong;
    return STR_NONE;
}
