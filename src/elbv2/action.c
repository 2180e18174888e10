/*
 * Actions of rules, checked and completed: a rule has one that ends it (forward, redirect, fixed
 * response).  What authenticates users first is not implemented.
 */
#include "elbv2/elbv2.h"

static int
action_fault(struct api_call *call, const char *text)
{
    return api_fault(call, &ELB_ERR(InvalidLoadBalancerAction), "%s", text);
}

/* ---- forward ---- */

static int
group_check(struct api_call *call, const struct elb_balancer_row *balancer, struct str arn)
{
    const struct elb_target_group_row *group = elb_target_group_get(call->txn, arn);

    if (!group || !str_eq(group->account, call->account) || !str_eq(group->region, call->region))
        return api_fault(call, &ELB_ERR(TargetGroupNotFound), "Target group '%.*s' not found",
                         STR_ARG(arn));
    assert(elb_group_ok(group));
    if (!str_eq(group->vpc_id, balancer->vpc_id))
        return api_fault(call, &ELB_ERR(InvalidConfigurationRequest),
                         "Target group '%.*s' is in a different VPC than load balancer '%.*s'",
                         STR_ARG(arn), STR_ARG(balancer->id));
    return 0;
}

static int
tuples_check(struct api_call *call, const struct elb_balancer_row *balancer,
             const struct elbv2_TargetGroupTupleList *tuples)
{
    if (tuples->n > ELB_FORWARD_MAX)
        return ELB_INVALID(call, "A forward action cannot have more than '%d' target groups",
                           ELB_FORWARD_MAX);
    LIST_EACH(tuples, tuple) {
        int64_t weight = opt_i64_or(tuple->weight, 1);
        int r = tuple->target_group_arn.p
                    ? group_check(call, balancer, tuple->target_group_arn)
                    : action_fault(call, "A target group ARN must be specified");

        if (r)
            return r;
        if (weight < 0 || weight > 999)
            return ELB_INVALID(
                call, "The weight for each target group must be between 0 and 999, inclusive");
        for (const struct elbv2_TargetGroupTuple *other = tuples->v; other < tuple; other++)
            if (str_eq(other->target_group_arn, tuple->target_group_arn))
                return ELB_INVALID(call, "The target group '%.*s' was specified more than once",
                                   STR_ARG(tuple->target_group_arn));
    }
    return 0;
}

static int
stickiness_check(struct api_call *call, const struct elbv2_TargetGroupStickinessConfig *s)
{
    enum { SECONDS_MAX = 604800 };

    if (!s || !opt_bool_or(s->enabled, false))
        return 0;
    if (!s->duration_seconds.set)
        return ELB_INVALID(call, "A stickiness duration must be specified when target group "
                                 "stickiness is enabled");
    if (s->duration_seconds.v < 1 || s->duration_seconds.v > SECONDS_MAX)
        return ELB_INVALID(call, "The stickiness duration must be between 1 and %d seconds",
                           SECONDS_MAX);
    return 0;
}

/* One group may be named in either of two places, or in both alike. */
static int
forward(struct api_call *call, const struct elb_balancer_row *balancer,
        const struct elbv2_Action *in, struct elbv2_Action *out)
{
    struct elbv2_ForwardActionConfig *config =
        ARENA_NEW(call->arena, struct elbv2_ForwardActionConfig);
    const struct elbv2_ForwardActionConfig *given = in->forward_config;

    if (given)
        LIST_EACH(&given->target_groups, tuple)
            *LIST_PUSH(call->arena, &config->target_groups) = *tuple;
    if (!config->target_groups.n && !in->target_group_arn.p)
        return action_fault(call, "A target group ARN must be specified");
    if (!config->target_groups.n)
        LIST_PUSH(call->arena, &config->target_groups)->target_group_arn = in->target_group_arn;
    else if (in->target_group_arn.p &&
             (config->target_groups.n != 1 ||
              !str_eq(config->target_groups.v[0].target_group_arn, in->target_group_arn)))
        return action_fault(call, "You cannot specify both a target group ARN and a forward "
                                  "configuration with other target groups");
    int r = tuples_check(call, balancer, &config->target_groups);

    if (!r && given)
        r = stickiness_check(call, given->target_group_stickiness_config);
    if (r)
        return r;
    LIST_EACH(&config->target_groups, tuple)
        tuple->weight = opt_i64(opt_i64_or(tuple->weight, 1));
    struct elbv2_TargetGroupStickinessConfig *sticky =
        ARENA_NEW(call->arena, struct elbv2_TargetGroupStickinessConfig);

    if (given && given->target_group_stickiness_config)
        *sticky = *given->target_group_stickiness_config;
    sticky->enabled = opt_bool(opt_bool_or(sticky->enabled, false));
    config->target_group_stickiness_config = sticky;
    out->forward_config = config;
    if (config->target_groups.n == 1)
        out->target_group_arn = config->target_groups.v[0].target_group_arn;
    assert(config->target_groups.n >= 1 && config->target_groups.n <= ELB_FORWARD_MAX);
    return 0;
}

/* ---- redirect ---- */

static bool
is_port(struct str s)
{
    int64_t n;

    return str_is(s, "#{port}") || (str_to_i64(s, &n) && n >= 1 && n <= 65535);
}

static bool
is_printable(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
            return false;
    return true;
}

/* What is not said stays as the request has it; a redirect to the same place would never end. */
static int
redirect(struct api_call *call, const struct elbv2_Action *in, struct elbv2_Action *out)
{
    if (!in->redirect_config)
        return action_fault(call, "A redirect configuration must be specified");
    struct elbv2_RedirectActionConfig *c =
        ARENA_NEW(call->arena, struct elbv2_RedirectActionConfig);

    *c = *in->redirect_config;
    c->protocol = c->protocol.p ? c->protocol : S("#{protocol}");
    c->port = c->port.p ? c->port : S("#{port}");
    c->host = c->host.p ? c->host : S("#{host}");
    c->path = c->path.p ? c->path : S("/#{path}");
    c->query = c->query.p ? c->query : S("#{query}");
    if (!is_port(c->port))
        return ELB_INVALID(call,
                           "The redirect port '%.*s' must be in the range 1-65535 or "
                           "'#{port}'",
                           STR_ARG(c->port));
    if (c->path.p[0] != '/')
        return ELB_INVALID(call, "The redirect path '%.*s' must begin with a '/' character",
                           STR_ARG(c->path));
    if (!is_printable(c->host) || !is_printable(c->path) || !is_printable(c->query))
        return ELB_INVALID(call, "The redirect configuration has invalid characters");
    if (str_is(c->protocol, "#{protocol}") && str_is(c->port, "#{port}") &&
        str_is(c->host, "#{host}") && str_is(c->path, "/#{path}"))
        return action_fault(call, "The redirect configuration is not valid because it creates a "
                                  "loop.");
    out->redirect_config = c;
    return 0;
}

/* ---- fixed response ---- */

static int
fixed_response(struct api_call *call, const struct elbv2_Action *in, struct elbv2_Action *out)
{
    static const char *const types[] = {"text/plain", "text/css", "text/html",
                                        "application/javascript", "application/json"};
    bool known = false;

    if (!in->fixed_response_config)
        return action_fault(call, "A fixed response configuration must be specified");
    struct str type = in->fixed_response_config->content_type;

    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        known = known || str_is(type, types[i]);
    if (type.n && !known)
        return action_fault(call, "The ContentType must be one of:'text/html', 'application/json', "
                                  "'application/javascript', 'text/css', 'text/plain'");
    out->fixed_response_config = in->fixed_response_config;
    return 0;
}

/* ---- the list ---- */

int
elb_actions_check(struct api_call *call, const struct elb_balancer_row *balancer,
                  const struct elbv2_ActionList *actions, struct elbv2_ActionList *ret)
{
    *ret = (struct elbv2_ActionList){0};
    if (!actions->n)
        return action_fault(call, "You must specify an action");
    if (actions->n > 1)
        return api_fault(call, &ELB_ERR(TooManyActions),
                         "Only one action may be specified: Welkin implements none that comes "
                         "before it");
    const struct elbv2_Action *in = &actions->v[0];
    struct elbv2_Action *out = LIST_PUSH(call->arena, ret);

    *out = (struct elbv2_Action){.type = in->type, .order = in->order};
    if (str_is(in->type, "forward"))
        return forward(call, balancer, in, out);
    if (str_is(in->type, "redirect"))
        return redirect(call, in, out);
    if (str_is(in->type, "fixed-response"))
        return fixed_response(call, in, out);
    return elb_unsupported(
        call,
        str_cstr(call->arena, str_fmt(call->arena, "The action type '%.*s'", STR_ARG(in->type))));
}
