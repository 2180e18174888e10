/*
 * A deny beats every allow, and what no statement allows is denied: once a stack has a policy, all
 * of its resources are protected.  Only the words that stack policies have are taken; a condition
 * that is not known would protect less than its author thinks, so it is refused when it is set.
 */
#include "cloudformation/policy.h"

static bool
any(const struct json *patterns, struct str s)
{
    const struct json one = {.kind = JSON_ARRAY, .v = (struct json *)patterns, .n = 1};

    assert(s.p);
    if (patterns && patterns->kind != JSON_ARRAY)
        patterns = &one;
    for (size_t i = 0; patterns && i < patterns->n; i++)
        if (str_glob(cfn_scalar(&patterns->v[i]), s))
            return true;
    return false;
}

/* The pattern that speaks of it, as the refusal shows it. */
static struct str
spoken(const struct json *patterns, struct str s)
{
    for (size_t i = 0; patterns && patterns->kind == JSON_ARRAY && i < patterns->n; i++)
        if (str_glob(cfn_scalar(&patterns->v[i]), s))
            return cfn_scalar(&patterns->v[i]);
    return patterns && patterns->kind != JSON_ARRAY ? cfn_scalar(patterns) : s;
}

static bool
condition_holds(const struct json *condition, struct str type)
{
    bool holds = true;

    for (size_t i = 0; condition && i < condition->n; i++) {
        const struct json *wanted = json_get(&condition->v[i], "ResourceType");

        holds = holds && wanted && any(wanted, type);
    }
    return holds;
}

static bool
speaks(const struct json *statement, struct str action, struct str resource, struct str type)
{
    const struct json *act = json_get(statement, "Action");
    const struct json *not_act = json_get(statement, "NotAction");
    const struct json *res = json_get(statement, "Resource");
    const struct json *not_res = json_get(statement, "NotResource");

    return (act ? any(act, action) : !any(not_act, action)) &&
           (res ? any(res, resource) : !any(not_res, resource)) &&
           condition_holds(json_get(statement, "Condition"), type);
}

static bool
statement_good(const struct json *s)
{
    struct str effect = json_text(s, "Effect");
    const struct json *condition = json_get(s, "Condition"), *principal = json_get(s, "Principal");
    struct str who = principal && principal->kind == JSON_OBJECT ? json_text(principal, "AWS")
                                                                 : cfn_scalar(principal);

    for (size_t i = 0; condition && i < condition->n; i++)
        if ((!str_is(condition->names[i], "StringEquals") &&
             !str_is(condition->names[i], "StringLike")) ||
            condition->v[i].n != 1 || !json_get(&condition->v[i], "ResourceType"))
            return false;
    return (str_is(effect, "Allow") || str_is(effect, "Deny")) && str_is(who, "*") &&
           !json_get(s, "Action") != !json_get(s, "NotAction") &&
           !json_get(s, "Resource") != !json_get(s, "NotResource");
}

struct str
cfn_policy_check(struct arena *a, struct str text)
{
    struct json policy;
    const struct json *statements;

    if (text.n > CFN_POLICY_BYTES_MAX)
        return S("1 validation error detected: Value at 'stackPolicyBody' failed to satisfy "
                 "constraint: Member must have length less than or equal to 16384");
    if (!cfn_read(a, text, &policy))
        return S("Error validating stack policy: Invalid JSON");
    statements = json_get(&policy, "Statement");
    if (!statements || statements->kind != JSON_ARRAY || statements->n == 0)
        return S("Error validating stack policy: Statement must be a list");
    for (size_t i = 0; i < statements->n; i++)
        if (!statement_good(&statements->v[i]))
            return str_fmt(a, "Error validating stack policy: Statement [#%zu] is not valid",
                           i + 1);
    return STR_NONE;
}

struct str
cfn_policy_denies(struct arena *a, struct str text, const char *action_name, struct str logical,
                  struct str type)
{
    struct str action = str_from(action_name), resource;
    struct json policy;
    bool allowed = false;

    assert(str_starts(action, S("Update:")) && logical.n > 0);
    if (!text.n || !cfn_read(a, text, &policy))
        return STR_NONE;
    const struct json *statements = json_get(&policy, "Statement");

    resource = str_fmt(a, "LogicalResourceId/%.*s", STR_ARG(logical));
    for (size_t i = 0; statements && i < statements->n; i++) {
        const struct json *s = &statements->v[i];

        if (!speaks(s, action, resource, type))
            continue;
        if (str_is(json_text(s, "Effect"), "Deny"))
            return str_fmt(a,
                           "Action denied by stack policy: Statement [#%zu] does not allow "
                           "[%.*s] for resource [%.*s]",
                           i + 1, STR_ARG(spoken(json_get(s, "Action"), action)), STR_ARG(logical));
        allowed = true;
    }
    return allowed ? STR_NONE
                   : str_fmt(a,
                             "Action not allowed by stack policy: no statement allows [%s] for "
                             "resource [%.*s]",
                             action_name, STR_ARG(logical));
}
