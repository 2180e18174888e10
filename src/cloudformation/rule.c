/*
 * Rules have functions of their own, over values of parameters alone: no resource, no condition
 * of the template and no Fn::If (which AWS's documentation names and AWS refuses).
 */
#include "cloudformation/rule.h"

#include "base/list.h"
#include "cloudformation/tree.h"

/* ---- functions ---- */

static bool
usage(struct cfn_scope *scope, struct str name, const char *wants)
{
    assert(wants[0]);
    return cfn_wrong(scope, "Template error: every %.*s object requires %s", STR_ARG(name), wants);
}

static bool
is_in(const struct json *list, const struct json *value)
{
    assert(list->kind == JSON_ARRAY && value);
    for (size_t i = 0; i < list->n; i++)
        if (cfn_equal(&list->v[i], value))
            return true;
    return false;
}

/* Fn::Contains, Fn::EachMemberIn, Fn::EachMemberEquals. */
static bool
compare(struct cfn_scope *scope, struct str name, const struct json *arg, struct json *ret)
{
    bool contains = str_is(name, "Fn::Contains"), in = str_is(name, "Fn::EachMemberIn"), ok = true;
    struct json x, y;

    if (arg->kind != JSON_ARRAY || arg->n != 2)
        return usage(scope, name, "a list of two parameters");
    if (!cfn_resolve(scope, &arg->v[0], &x) || !cfn_resolve(scope, &arg->v[1], &y))
        return false;
    if (x.kind != JSON_ARRAY || (in && y.kind != JSON_ARRAY))
        return usage(scope, name, "a list of strings");
    if (contains)
        ok = is_in(&x, &y);
    for (size_t i = 0; i < x.n && !contains; i++)
        ok = ok && (in ? is_in(&y, &x.v[i]) : cfn_equal(&x.v[i], &y));
    assert(x.kind == JSON_ARRAY);
    *ret = cfn_bool(ok);
    return true;
}

/* Fn::RefAll: the values of all parameters of a type. */
static bool
ref_all(struct cfn_scope *scope, struct str name, const struct json *arg, struct json *ret)
{
    const struct json *section = json_get(scope->root, "Parameters");

    if (arg->kind != JSON_STRING)
        return usage(scope, name, "the name of a type of parameters");
    *ret = cfn_array();
    for (size_t i = 0; section && i < section->n; i++) {
        const struct json *value = json_get_str(&scope->values, section->names[i]);

        if (value && str_eq(json_text(&section->v[i], "Type"), arg->text))
            cfn_push(scope->arena, ret, *value);
    }
    return true;
}

/* Attributes of what a parameter names (VpcId of a subnet, Tags of a VPC …) are not known here. */
static bool
value_of(struct cfn_scope *scope, struct str name)
{
    return cfn_wrong(scope, "Welkin does not implement %.*s in Rules yet", STR_ARG(name));
}

static bool
rule_function(struct cfn_scope *scope, struct str name, const struct json *arg, struct json *ret)
{
    assert(arg && name.n > 0);
    if (str_is(name, "Fn::Contains") || str_is(name, "Fn::EachMemberIn") ||
        str_is(name, "Fn::EachMemberEquals"))
        return compare(scope, name, arg, ret);
    if (str_is(name, "Fn::RefAll"))
        return ref_all(scope, name, arg, ret);
    if (str_is(name, "Fn::ValueOf") || str_is(name, "Fn::ValueOfAll"))
        return value_of(scope, name);
    return cfn_wrong(scope, "Template validation error: %.*s is not supported in Rules",
                     STR_ARG(name));
}

/* ---- the form ---- */

static struct str
check_functions(struct arena *a, const struct json *j)
{
    static const char *const known[] = {
        "Ref",         "Fn::And",          "Fn::Or",        "Fn::Not",
        "Fn::Equals",  "Fn::Contains",     "Fn::RefAll",    "Fn::EachMemberEquals",
        "Fn::ValueOf", "Fn::EachMemberIn", "Fn::ValueOfAll"};
    struct str name, wrong = STR_NONE;

    if (cfn_function(j, &name)) {
        bool ok = false;

        for (size_t i = 0; i < ARRAY_LEN(known); i++)
            ok = ok || str_is(name, known[i]);
        if (!ok)
            return str_fmt(a, "Template validation error: %.*s is not supported in Rules",
                           STR_ARG(name));
    }
    for (size_t i = 0; i < j->n && !wrong.p; i++)
        wrong = check_functions(a, &j->v[i]);
    return wrong;
}

static struct str
check_rule(struct arena *a, struct str name, const struct json *rule)
{
    const struct json *assertions = json_get(rule, "Assertions");
    const struct json *condition = json_get(rule, "RuleCondition");
    struct str wrong = STR_NONE;

    for (size_t i = 0; rule->kind == JSON_OBJECT && i < rule->n; i++)
        if (!str_is(rule->names[i], "Assertions") && !str_is(rule->names[i], "RuleCondition"))
            return str_fmt(a, "Template format error: Invalid property %.*s of rule %.*s",
                           STR_ARG(rule->names[i]), STR_ARG(name));
    if (!assertions || assertions->kind != JSON_ARRAY || assertions->n == 0)
        return str_fmt(a,
                       "Template format error: Rule %.*s must have a list of at least one of "
                       "Assertions",
                       STR_ARG(name));
    if (condition)
        wrong = check_functions(a, condition);
    for (size_t i = 0; i < assertions->n && !wrong.p; i++) {
        if (!json_get(&assertions->v[i], "Assert"))
            return str_fmt(a,
                           "Template format error: Every assertion of rule %.*s must have an "
                           "Assert",
                           STR_ARG(name));
        wrong = check_functions(a, json_get(&assertions->v[i], "Assert"));
    }
    return wrong;
}

struct str
cfn_rules_check(struct arena *a, const struct json *root)
{
    const struct json *rules = json_get(root, "Rules");
    struct str wrong = STR_NONE;

    if (rules && rules->kind != JSON_OBJECT)
        return S("Template format error: Rules must be an object");
    for (size_t i = 0; rules && i < rules->n && !wrong.p; i++)
        wrong = check_rule(a, rules->names[i], &rules->v[i]);
    return wrong;
}

/* ---- whether they hold ---- */

static bool
one_rule(struct cfn_scope *scope, struct str name, const struct json *rule)
{
    const struct json *condition = json_get(rule, "RuleCondition");
    const struct json *assertions = json_get(rule, "Assertions");
    bool holds = true;

    assert(assertions && assertions->kind == JSON_ARRAY);
    if (condition && !cfn_truth(scope, condition, &holds))
        return false;
    for (size_t i = 0; holds && i < assertions->n; i++) {
        struct str said = json_text(&assertions->v[i], "AssertDescription");
        bool ok;

        if (!cfn_truth(scope, json_get(&assertions->v[i], "Assert"), &ok))
            return false;
        if (!ok)
            return cfn_wrong(scope, "Rule %.*s failed: %.*s", STR_ARG(name),
                             STR_ARG(said.p ? said : S("an assertion does not hold")));
    }
    return true;
}

bool
cfn_rules(struct cfn_scope *scope)
{
    const struct json *rules = json_get(scope->root, "Rules");

    assert(scope->root && !scope->resource && !scope->attribute);
    scope->more = rule_function;
    for (size_t i = 0; rules && i < rules->n; i++)
        if (!one_rule(scope, rules->names[i], &rules->v[i]))
            return false;
    return true;
}
