/* What the API asks of this service beside its operations, and what its files share. */
#include "elbv2/elbv2.h"

#include "api/actor.h"
#include "gen/api/iam.h"
#include "gen/store/iam_rows.h"

#define ROLE_NAME "AWSServiceRoleForElasticLoadBalancing"
#define ROLE_PATH "/aws-service-role/" ELB_VIA "/"

const struct api_error elb_errors[ELB_N_ERRORS] = {
#define X(name) [ELB_ERROR_##name] = {#name, 0},
    ELB_ERRORS(X)
#undef X
};

/* ---- authorization ---- */

static const struct str_list *
tags_of(struct txn *txn, struct str arn)
{
    const struct elb_balancer_row *balancer = elb_balancer_get(txn, arn);
    const struct elb_target_group_row *group = elb_target_group_get(txn, arn);
    const struct elb_listener_row *listener = elb_listener_get(txn, arn);
    const struct elb_rule_row *rule = elb_rule_get(txn, arn);

    return balancer   ? &balancer->tags
           : group    ? &group->tags
           : listener ? &listener->tags
           : rule     ? &rule->tags
                      : NULL;
}

/* Requests name things by their ARNs, but for those that they make. */
static int
resource_find(struct api_call *call, struct str type UNUSED, struct str id,
              struct api_resource *resource)
{
    if (!str_starts(id, S("arn:")))
        return 0;
    resource->arn = id;
    resource->tags = tags_of(call->txn, id);
    return 0;
}

const struct api_service_hooks elbv2_hooks = {.service = &elbv2_service, .resource = resource_find};

int
elb_as_service(struct api_call *call, struct api_call *ret)
{
    struct str arn =
        str_fmt(call->arena, "arn:aws:iam::%.*s:role" ROLE_PATH ROLE_NAME, STR_ARG(call->account));
    const struct iam_CreateServiceLinkedRoleRequest ask = {
        .aws_service_name = S(ELB_VIA),
        .description = S("Allows ELB to call AWS services on your behalf."),
    };
    struct iam_CreateServiceLinkedRoleResponse made = {0};
    bool is = iam_role_by_name_get(call->txn, call->account,
                                   str_lower(call->arena, S(ROLE_NAME))) != NULL;
    int r =
        is ? 0 : api_call_internal(call, "iam", "CreateServiceLinkedRole", &ask, &made, ELB_VIA);

    if (r)
        return r;
    struct str_list actor = api_actor_role(call, arn, S("ElasticLoadBalancing"));

    if (!actor.n || !api_actor_call(call->api, call->arena, &actor, call->region, ret))
        return error_origin(ENOENT, "there is no role %.*s", STR_ARG(arn));
    ret->txn = call->txn;
    ret->service = call->service;
    assert(str_eq(ret->account, call->account));
    return 0;
}

/* ---- refusals ---- */

int
elb_unsupported(struct api_call *call, const char *what)
{
    assert(what[0] != '\0');
    return ELB_INVALID(call, "%s is not implemented by Welkin", what);
}

int
elb_written(int r, const char *what, struct str id)
{
    return r < 0 ? error_origin(-r, "%s %.*s cannot be written", what, STR_ARG(id)) : 0;
}

/* ---- rows ---- */

static bool
mine(const struct api_call *call, struct str account, struct str region)
{
    return str_eq(call->account, account) && str_eq(call->region, region);
}

/* An ARN of another kind of thing is told apart from one that there is not. */
static int
arn_check(struct api_call *call, struct str arn, const char *kind, const char *what)
{
    struct str sign = str_fmt(call->arena, ":%s/", kind);

    if (str_starts(arn, S("arn:")) && str_find(arn, sign) != SIZE_MAX)
        return 0;
    return ELB_INVALID(call, "'%.*s' is not a valid %s ARN", STR_ARG(arn), what);
}

int
elb_balancer_find(struct api_call *call, struct str arn, const struct elb_balancer_row **ret)
{
    const struct elb_balancer_row *row = elb_balancer_get(call->txn, arn);
    int r = arn_check(call, arn, "loadbalancer", "load balancer");

    if (r)
        return r;
    if (!row || !mine(call, row->account, row->region))
        return api_fault(call, &ELB_ERR(LoadBalancerNotFound), "Load balancer '%.*s' not found",
                         STR_ARG(arn));
    assert(elb_balancer_ok(row));
    *ret = row;
    return 0;
}

int
elb_group_find(struct api_call *call, struct str arn, const struct elb_target_group_row **ret)
{
    const struct elb_target_group_row *row = elb_target_group_get(call->txn, arn);
    int r = arn_check(call, arn, "targetgroup", "target group");

    if (r)
        return r;
    if (!row || !mine(call, row->account, row->region))
        return api_fault(call, &ELB_ERR(TargetGroupNotFound), "Target groups '%.*s' not found",
                         STR_ARG(arn));
    assert(elb_group_ok(row));
    *ret = row;
    return 0;
}

int
elb_listener_find(struct api_call *call, struct str arn, const struct elb_listener_row **ret)
{
    const struct elb_listener_row *row = elb_listener_get(call->txn, arn);
    int r = arn_check(call, arn, "listener", "listener");

    if (r)
        return r;
    if (!row || !mine(call, row->account, row->region))
        return api_fault(call, &ELB_ERR(ListenerNotFound), "One or more listeners not found");
    assert(elb_listener_ok(row));
    *ret = row;
    return 0;
}

int
elb_rule_find(struct api_call *call, struct str arn, const struct elb_rule_row **ret)
{
    const struct elb_rule_row *row = elb_rule_get(call->txn, arn);
    int r = arn_check(call, arn, "listener-rule", "listener rule");

    if (r)
        return r;
    if (row) {
        const struct elb_listener_row *listener = elb_listener_of(call->txn, row);

        if (!mine(call, listener->account, listener->region))
            row = NULL;
    }
    if (!row)
        return api_fault(call, &ELB_ERR(RuleNotFound), "One or more rules not found");
    *ret = row;
    return 0;
}

const struct elb_listener_row *
elb_listener_of(struct txn *txn, const struct elb_rule_row *rule)
{
    const struct elb_listener_row *row = elb_listener_get(txn, rule->listener_id);

    assert(elb_rule_ok(rule));
    assert(row && elb_listener_ok(row));
    return row;
}

/* ---- names ---- */

struct str
elb_hex(struct api_call *call)
{
    uint8_t bytes[8];

    call->env->random(call->env, bytes, sizeof(bytes));
    return str_hex(call->arena, bytes, sizeof(bytes));
}

struct str
elb_arn_rest(struct str arn, const char *kind)
{
    char sign[24] = ":";
    size_t n = strlen(kind);

    assert(n + 3 <= sizeof(sign));
    memcpy(sign + 1, kind, n);
    sign[n + 1] = '/';
    size_t at = str_find(arn, str_of(sign, n + 2));

    assert(at != SIZE_MAX);
    return str_cut(arn, at + n + 2, arn.n);
}

static bool
alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int
elb_name_check(struct api_call *call, const char *what, struct str name)
{
    enum { NAME_MAX_CHARS = 32 };

    if (!name.n)
        return ELB_INVALID(call, "%s name cannot be empty", what);
    if (name.n > NAME_MAX_CHARS)
        return ELB_INVALID(call, "%s name '%.*s' cannot be longer than '%d' characters", what,
                           STR_ARG(name), NAME_MAX_CHARS);
    for (size_t i = 0; i < name.n; i++)
        if (!alnum(name.p[i]) && name.p[i] != '-')
            return ELB_INVALID(call,
                               "%s name '%.*s' can only contain characters that are alphanumeric "
                               "characters or hyphens(-)",
                               what, STR_ARG(name));
    if (name.p[0] == '-' || name.p[name.n - 1] == '-')
        return ELB_INVALID(call, "%s name '%.*s' cannot begin or end with '-'", what,
                           STR_ARG(name));
    return 0;
}

/* ---- pages ---- */

int
elb_page_open(struct api_call *call, struct str marker, struct opt_i64 size, struct api_page *ret)
{
    const struct api_page_rule rule = {.min = 1, .max = 400, .otherwise = 400};
    const struct api_page_scope scope = api_page_scope(call);

    return api_page_open(call->arena, &scope, &rule, marker, size, false, ret, &call->fault);
}

struct str
elb_page_next(struct api_call *call, const struct api_page *page)
{
    const struct api_page_scope scope = api_page_scope(call);

    return api_page_next(call->arena, &scope, page);
}
