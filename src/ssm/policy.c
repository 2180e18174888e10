/* Parameter policies: see the header. */
#include "ssm/policy.h"

#include "base/timefmt.h"
#include "codec/json.h"

#define HOUR_MS INT64_C(3600000)

enum { NODES_MAX = 256, SPAN_HOURS_MAX = 24 * 366 * 100 };

static const char *const type_names[] = {
    [SSM_EXPIRATION] = "Expiration",
    [SSM_EXPIRATION_NOTIFICATION] = "ExpirationNotification",
    [SSM_NO_CHANGE_NOTIFICATION] = "NoChangeNotification",
};

/* The members that a policy of each kind must have, and no others. */
static const char *const attribute_names[][2] = {
    [SSM_EXPIRATION] = {"Timestamp", NULL},
    [SSM_EXPIRATION_NOTIFICATION] = {"Before", "Unit"},
    [SSM_NO_CHANGE_NOTIFICATION] = {"After", "Unit"},
};

static_assert(ARRAY_LEN(type_names) == ARRAY_LEN(attribute_names), "a row for each kind");
static bool
kind_of(struct str type, enum ssm_policy_kind *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(type_names); i++)
        if (str_is(type, type_names[i])) {
            *ret = (enum ssm_policy_kind)i;
            return true;
        }
    return false;
}

/* "15" and "Days". */
static bool
span_of(const struct json *attributes, const char *name, int64_t *ret)
{
    struct str unit = json_text(attributes, "Unit");
    int64_t n, hours = str_is(unit, "Days") ? 24 : str_is(unit, "Hours") ? 1 : 0;

    if (!hours || !str_to_i64(json_text(attributes, name), &n) || n < 1 ||
        n > SPAN_HOURS_MAX / hours)
        return false;
    *ret = n * hours * HOUR_MS;
    assert(*ret > 0);
    return true;
}

static bool
attributes_read(const struct json *attributes, struct ssm_policy *policy)
{
    const char *const *names = attribute_names[policy->kind];
    size_t want = names[1] ? 2 : 1;

    if (!attributes || attributes->kind != JSON_OBJECT || attributes->n != want)
        return false;
    if (policy->kind == SSM_EXPIRATION)
        return time_parse_iso(json_text(attributes, names[0]), &policy->at_ms) && policy->at_ms > 0;
    return span_of(attributes, names[0], &policy->span_ms);
}

static struct str
policy_text(struct arena *a, const struct json *j)
{
    struct buf b;

    buf_init(&b, 16 << 10);
    struct json_out o = {.buf = &b};

    json_value(&o, j);
    assert(!buf_failed(&b)); /* as long as what was read */
    struct str text = str_dup(a, buf_str(&b));

    buf_done(&b);
    return text;
}

static enum ssm_policy_error
policy_read(struct arena *a, const struct json *j, struct ssm_policy *policy, struct str *ret_why)
{
    struct str type = json_text(j, "Type");

    if (j->kind != JSON_OBJECT || j->n != 3) {
        *ret_why = S("A policy has a Type, a Version and Attributes.");
        return SSM_POLICY_MALFORMED;
    }
    if (!kind_of(type, &policy->kind)) {
        *ret_why =
            S("The policy type isn't supported. Parameter Store supports the following policy "
              "types: Expiration, ExpirationNotification, and NoChangeNotification.");
        return SSM_POLICY_TYPE;
    }
    policy->type = type;
    policy->text = policy_text(a, j);
    if (!str_is(json_text(j, "Version"), "1.0") ||
        !attributes_read(json_get(j, "Attributes"), policy)) {
        *ret_why =
            str_fmt(a, "A policy attribute or its value is invalid: %.*s", STR_ARG(policy->text));
        return SSM_POLICY_ATTRIBUTE;
    }
    assert(policy->text.n > 0 && (policy->at_ms > 0 || policy->span_ms > 0));
    return SSM_POLICY_OK;
}

static const struct ssm_policy *
expiration_of(const struct ssm_policies *policies)
{
    for (size_t i = 0; i < policies->n; i++)
        if (policies->v[i].kind == SSM_EXPIRATION)
            return &policies->v[i];
    return NULL;
}

static enum ssm_policy_error
together(const struct ssm_policies *policies, struct str *ret_why)
{
    size_t n = 0, notices = 0;

    assert(policies->n <= SSM_POLICIES_MAX);
    for (size_t i = 0; i < policies->n; i++) {
        n += policies->v[i].kind == SSM_EXPIRATION;
        notices += policies->v[i].kind == SSM_EXPIRATION_NOTIFICATION;
    }
    if (n <= 1 && (!notices || n))
        return SSM_POLICY_OK;
    *ret_why = n > 1 ? S("There is a conflict in the policies specified for this parameter: only "
                         "one Expiration policy can be specified.")
                     : S("There is a conflict in the policies specified for this parameter: an "
                         "ExpirationNotification policy needs an Expiration policy.");
    return SSM_POLICY_INCOMPATIBLE;
}

enum ssm_policy_error
ssm_policies_parse(struct arena *a, struct str text, struct ssm_policies *ret, struct str *ret_why)
{
    struct ssm_policies policies = {.n = 0};
    struct json list;
    size_t at;

    *ret_why = str_fmt(a, "Invalid policies input: %.*s.", STR_ARG(text));
    if (!json_parse(a, text, NODES_MAX, &list, &at) || list.kind != JSON_ARRAY)
        return SSM_POLICY_MALFORMED;
    bool none = list.n == 1 && list.v[0].kind == JSON_OBJECT && list.v[0].n == 0;

    if (list.n > SSM_POLICIES_MAX) {
        *ret_why = S("You specified more than the maximum number of allowed policies for the "
                     "parameter. The maximum is 10.");
        return SSM_POLICY_TOO_MANY;
    }
    for (size_t i = 0; i < list.n && !none; i++) {
        enum ssm_policy_error e = policy_read(a, &list.v[i], &policies.v[policies.n++], ret_why);

        if (e)
            return e;
    }
    *ret = policies;
    return together(&policies, ret_why);
}

int64_t
ssm_policy_due_ms(const struct ssm_policies *policies, size_t i, int64_t modified_ms)
{
    const struct ssm_policy *policy = &policies->v[i], *expiration = expiration_of(policies);

    assert(i < policies->n);
    switch (policy->kind) {
    case SSM_EXPIRATION:
        return policy->at_ms;
    case SSM_EXPIRATION_NOTIFICATION:
        assert(expiration); /* together() said so */
        return MAX(expiration->at_ms - policy->span_ms, 1);
    case SSM_NO_CHANGE_NOTIFICATION:
        return modified_ms + policy->span_ms;
    }
    return 0;
}

int64_t
ssm_policies_due_ms(const struct ssm_policies *policies, int64_t done, int64_t modified_ms)
{
    int64_t due = 0;

    assert(policies->n <= SSM_POLICIES_MAX && done >> SSM_POLICIES_MAX == 0);
    for (size_t i = 0; i < policies->n; i++) {
        int64_t at = ssm_policy_due_ms(policies, i, modified_ms);

        if (!(done >> i & 1) && (!due || at < due))
            due = at;
    }
    assert(due >= 0);
    return due;
}
