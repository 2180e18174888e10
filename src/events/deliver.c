/*
 * Targets: a table of the forms of ARNs, each with what is called there.
 *
 * EventBridge calls as itself, and the policy of the function, topic, queue or bus decides; with a
 * role of the target, as that role.
 */
#include "events/events.h"

#include "api/actor.h"
#include "api/authorize.h"
#include "api/event.h"
#include "codec/json.h"
#include "gen/api/ec2.h"
#include "gen/api/lambda.h"

struct parcel {
    struct api_call *call; /* of EventBridge, or of the target's role */
    const struct events_target_row *target;
    const struct events_delivery_row *delivery;
    struct str payload;
};

struct kind {
    const char *pattern;
    bool role; /* it needs one */
    int (*deliver)(struct parcel *p);
};

/* ---- AWS Lambda ---- */

static int
to_lambda(struct parcel *p)
{
    struct lambda_InvocationRequest req = {
        .function_name = p->target->arn,
        .invocation_type = S("Event"),
        .payload = p->payload,
    };
    struct lambda_InvocationResponse res = {0};

    return api_call_internal(p->call, "lambda", "Invoke", &req, &res, EVENTS_SERVICE);
}

/* ---- another bus ---- */

static int
bus_authorize(struct parcel *p, const struct events_bus_row *bus)
{
    struct api_call call = *p->call;
    const struct api_resource resource = {
        .arn = bus->id,
        .account = bus->account,
        .tags = &bus->tags,
        .policy = bus->policy,
        .policy_kind = POLICY_RESOURCE,
    };

    call.service = &events_service;
    call.via = S(EVENTS_SERVICE);
    int r = api_authorize_on(&call, S("events:PutEvents"), &resource, NULL);

    p->call->fault = call.fault;
    return r;
}

/* The event goes on as it is. */
static int
to_bus(struct parcel *p)
{
    const struct events_bus_row *bus = events_bus_get(p->call->txn, p->target->arn);

    assert(p->delivery->hops >= 0);
    if (!bus)
        return api_fault(p->call, &EVENTS_ERR(ResourceNotFoundException),
                         "Event bus %.*s does not exist.", STR_ARG(p->target->arn));
    if (p->delivery->hops >= EVENTS_HOPS_MAX)
        return api_fault(p->call, &EVENTS_ERR(LimitExceededException),
                         "The event came through %d buses.", EVENTS_HOPS_MAX);
    /* between buses of one account no permission is needed */
    int r =
        !p->target->role.n && str_eq(bus->account, p->target->account) ? 0 : bus_authorize(p, bus);

    if (r)
        return r;
    const struct events_sent_row row = {
        .id = str_fmt(p->call->arena, "%016llx-%.*s", (unsigned long long)p->call->now_ms,
                      STR_ARG(p->delivery->id)),
        .account = bus->account,
        .region = bus->region,
        .bus = bus->name,
        .event = p->delivery->event,
        .hops = p->delivery->hops + 1,
        .sent_ms = p->call->now_ms,
    };

    return events_sent_insert(p->call->txn, &row);
}

/* ---- EC2: the four calls that a rule can make by itself, with an id as their input ---- */

static int
terminate_instance(struct api_call *call, struct str id)
{
    const struct ec2_TerminateInstancesRequest req = {.instance_ids = {&id, 1}};
    struct ec2_TerminateInstancesResult res = {0};

    return api_call_internal(call, "ec2", "TerminateInstances", &req, &res, EVENTS_SERVICE);
}

static int
stop_instance(struct api_call *call, struct str id)
{
    const struct ec2_StopInstancesRequest req = {.instance_ids = {&id, 1}};
    struct ec2_StopInstancesResult res = {0};

    return api_call_internal(call, "ec2", "StopInstances", &req, &res, EVENTS_SERVICE);
}

static int
reboot_instance(struct api_call *call, struct str id)
{
    const struct ec2_RebootInstancesRequest req = {.instance_ids = {&id, 1}};
    struct ec2_RebootInstancesResult res = {0};

    return api_call_internal(call, "ec2", "RebootInstances", &req, &res, EVENTS_SERVICE);
}

static int
create_snapshot(struct api_call *call, struct str id)
{
    const struct ec2_CreateSnapshotRequest req = {.volume_id = id};
    struct ec2_Snapshot res = {0};

    return api_call_internal(call, "ec2", "CreateSnapshot", &req, &res, EVENTS_SERVICE);
}

static const struct builtin {
    const char *name;
    int (*call)(struct api_call *call, struct str id);
} builtins[] = {
    {"terminate-instance", terminate_instance},
    {"stop-instance", stop_instance},
    {"reboot-instance", reboot_instance},
    {"create-snapshot", create_snapshot},
};

static const struct builtin *
builtin_of(struct str arn)
{
    for (size_t i = 0; i < ARRAY_LEN(builtins); i++)
        if (str_ends(arn, str_from(builtins[i].name)) &&
            arn.p[arn.n - strlen(builtins[i].name) - 1] == '/')
            return &builtins[i];
    return NULL;
}

static int
to_builtin(struct parcel *p)
{
    const struct builtin *builtin = builtin_of(p->target->arn);
    struct json id;
    size_t at;

    assert(builtin);
    if (!json_parse(p->call->arena, p->payload, EVENTS_NODES_MAX, &id, &at) ||
        id.kind != JSON_STRING)
        return api_fault(p->call, &EVENTS_ERR(ValidationException), "The input of %s is not an id.",
                         builtin->name);
    return builtin->call(p->call, id.text);
}

/* ---- all ---- */

static const struct kind kinds[] = {
    {"arn:aws:lambda:*:*:function:*", false, to_lambda},
    {"arn:aws:events:*:*:event-bus/*", false, to_bus},
    {"arn:aws:events:*:*:target/*", true, to_builtin},
};

static const struct kind *
kind_of(struct str arn)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_glob(str_from(kinds[i].pattern), arn))
            return kinds[i].deliver != to_builtin || builtin_of(arn) ? &kinds[i] : NULL;
    return NULL;
}

int
events_target_check(struct api_call *call, const struct events_Target *target)
{
    const struct kind *kind = kind_of(target->arn);
    struct str rest = target->arn;

    if (!str_glob(S("arn:*:*:*:*:?*"), target->arn))
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "Parameter %.*s is not valid. Reason: Provided Arn is not in correct "
                         "format.",
                         STR_ARG(target->arn));
    str_split(&rest, ':');
    str_split(&rest, ':');
    struct str service = str_split(&rest, ':');

    if (!kind)
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "Parameter %.*s is not valid. Reason: Welkin does not have this target of "
                         "%.*s yet.",
                         STR_ARG(target->arn), STR_ARG(service));
    if (kind->role && !target->role_arn.n)
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "RoleArn is required for target %.*s.", STR_ARG(target->arn));
    return 0;
}

/* The call as the target's role. */
static int
assume(struct api_call *call, struct str role, struct api_call *ret)
{
    struct str_list actor = {0};

    assert(role.n > 0 && call->txn);
    if (api_role_trusts(call, role, EVENTS_SERVICE))
        actor = api_actor_role(call, role, S("EventBridge"));
    if (!actor.n || !api_actor_call(call->api, call->arena, &actor, call->region, ret))
        return api_fault(call, &(struct api_error){"AccessDeniedException", 400},
                         "EventBridge cannot assume the role %.*s.", STR_ARG(role));
    ret->txn = call->txn;
    return 0;
}

int
events_deliver(struct api_call *call, const struct events_target_row *target,
               const struct events_delivery_row *delivery)
{
    const struct kind *kind = kind_of(target->arn);
    struct parcel p = {.call = call, .target = target, .delivery = delivery};
    struct api_call role;
    int r = 0;

    events_target_assert(target);
    assert(call->txn && kind);
    if (!events_input_make(call->arena, target, delivery->event, delivery->began_ms, &p.payload))
        return api_fault(call, &EVENTS_ERR(ValidationException),
                         "The input of target %.*s is too large.", STR_ARG(target->target));
    if (target->role.n && kind->deliver != to_lambda) {
        r = assume(call, target->role, &role);
        p.call = &role;
    }
    if (r == 0)
        r = kind->deliver(&p);
    if (r > 0 && p.call != call && p.call == &role && role.fault.code.p)
        call->fault = role.fault;
    return r;
}
