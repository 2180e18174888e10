/*
 * Where the end of an asynchronous invocation is told: a function's destinations, which get a
 * record of it.  They are called as the function's role, in the transaction in which the event
 * goes; a refusal is a line of the log, and the event is gone, as on AWS.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 */
#include "lambda/runner_internal.h"

#include "api/actor.h"
#include "api/authorize.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "codec/json.h"

#define VIA "lambda.amazonaws.com"
#define RECORD_BYTES_MAX ((size_t)16 << 20)

/* ---- as the function's role ---- */

bool
lambda_as_role(struct api_call *call, const struct lambda_function_row *function,
               struct api_call *ret)
{
    struct api_call owner = *call;

    owner.account = function->account;
    struct str_list actor = api_actor_role(&owner, function->role, function->name);

    if (!api_role_trusts(&owner, function->role, VIA) ||
        !api_actor_call(call->api, call->arena, &actor, function->region, ret))
        return false;
    ret->txn = call->txn;
    ret->now_ms = call->now_ms;
    assert(str_eq(ret->account, function->account));
    return true;
}

/* ---- the record ---- */

static struct str
latest_or(struct arena *a, const struct lambda_event_row *event)
{
    const struct lambda_name name = {event->account, event->region, event->function,
                                     event->qualifier.n ? event->qualifier : S(LAMBDA_LATEST)};

    return lambda_arn(a, &name);
}

static struct str
record(struct arena *a, const struct lambda_told *told, int64_t now_ms)
{
    const struct lambda_event_row *event = told->event;
    const struct lambda_outcome *how = told->how;
    struct buf buf;
    struct json_out o = {&buf};

    buf_init(&buf, RECORD_BYTES_MAX);
    json_open(&o, '{');
    json_key_str(&o, "version", S("1.0"));
    json_key_str(&o, "timestamp", time_iso(a, now_ms));
    json_key(&o, S("requestContext"));
    json_open(&o, '{');
    json_key_str(&o, "requestId", event->id);
    json_key_str(&o, "functionArn", latest_or(a, event));
    json_key_str(&o, "condition", str_from(told->condition));
    json_key_int(&o, "approximateInvokeCount", event->attempts);
    json_close(&o, '}');
    json_key(&o, S("requestPayload"));
    json_raw(&o, event->payload);
    if (how) {
        json_key(&o, S("responseContext"));
        json_open(&o, '{');
        json_key_int(&o, "statusCode", 200);
        json_key_str(&o, "executedVersion", how->version);
        if (how->failed)
            json_key_str(&o, "functionError", S("Unhandled"));
        json_close(&o, '}');
        json_key(&o, S("responsePayload"));
        json_raw(&o, how->payload.n ? how->payload : S("null"));
    }
    json_close(&o, '}');
    assert(!buf_failed(&buf)); /* both payloads are limited, far below */
    struct str text = str_dup(a, buf_str(&buf));

    buf_done(&buf);
    return text;
}

/* ---- the ways ---- */

static int
to_function(struct api_call *role, struct str arn, struct str body,
            const struct lambda_told *told UNUSED)
{
    const struct lambda_InvocationRequest req = {
        .function_name = arn, .invocation_type = S("Event"), .payload = body};
    struct lambda_InvocationResponse res = {0};

    return api_call_internal(role, "lambda", "Invoke", &req, &res, VIA);
}

static const struct way {
    const char *service, *action, *verb;
    bool dead_letter;
    int (*send)(struct api_call *role, struct str arn, struct str body,
                const struct lambda_told *told);
} ways[] = {
    {"lambda", "lambda:InvokeFunction", "InvokeFunction", false, to_function},
};

static const struct way *
way_of(struct str arn)
{
    struct str rest = arn;

    str_split(&rest, ':');
    str_split(&rest, ':');
    struct str service = str_split(&rest, ':');

    for (size_t i = 0; i < ARRAY_LEN(ways); i++)
        if (str_is(service, ways[i].service))
            return &ways[i];
    return NULL;
}

int
lambda_destination_check(struct api_call *call, const struct lambda_function_row *function,
                         struct str arn, bool dead_letter)
{
    const struct way *way = way_of(arn);
    const struct api_resource target = {.arn = arn};
    struct api_call role;

    if (!arn.n)
        return 0;
    if (!way || (dead_letter && !way->dead_letter))
        return lambda_bad(call, "Welkin does not send to the destination %.*s", STR_ARG(arn));
    if (lambda_as_role(call, function, &role)) {
        role.service = call->service;
        role.op = call->op;
        if (api_may(&role, str_from(way->action), &target, NULL))
            return 0;
    }
    return lambda_bad(call,
                      "The function's execution role does not have permissions to call %s on "
                      "%.*s",
                      way->verb, STR_ARG(arn));
}

static void
send(struct api_call *call, const struct lambda_told *told, struct str arn, struct str body)
{
    const struct way *way = way_of(arn);
    struct api_call role;

    assert(arn.n > 0 && body.n > 0);
    int r = way && lambda_as_role(call, told->function, &role) ? way->send(&role, arn, body, told)
                                                               : -EACCES;

    if (r == 0)
        return;
    log_warn("the end of an invocation of %.*s cannot be told to %.*s: %.*s",
             STR_ARG(told->function->name), STR_ARG(arn),
             STR_ARG(r > 0 ? role.fault.message : S("its role cannot be assumed")));
}

void
lambda_tell(struct api_call *call, const struct lambda_told *told)
{
    bool ok = told->how && !told->how->failed;
    struct str to = ok ? told->on_success : told->on_failure;

    assert(told->event && told->function && told->condition[0] != '\0');
    if (to.n)
        send(call, told, to, record(call->arena, told, call->now_ms));
}
