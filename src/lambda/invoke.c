/* Invoke: who may, what is too large, and which way it goes. */
#include "lambda/runner.h"

#include "api/authorize.h"
#include "api/later.h"
#include "codec/doc.h"

/* ---- what was sent ---- */

static bool
is_json(struct arena *a, struct str text)
{
    struct doc_in in = {
        .format = &doc_json, .arena = a, .text = text, .values_left = LAMBDA_PAYLOAD_MAX};

    if (!str_is_utf8(text))
        return false;
    doc_skip(&in);
    return doc_end(&in);
}

static int
check(struct api_call *call, const struct lambda_InvocationRequest *req, bool event)
{
    size_t max = event ? LAMBDA_EVENT_MAX : LAMBDA_PAYLOAD_MAX;

    if (req->tenant_id.p || req->durable_execution_name.p)
        return lambda_unsupported(call, req->tenant_id.p ? "TenantId" : "DurableExecutionName");
    if (req->payload.n > max)
        return api_fault(call, &LAMBDA_ERR(RequestTooLargeException),
                         "Request must be smaller than %zu bytes for the InvokeFunction operation",
                         max);
    if (req->payload.n && !is_json(call->arena, req->payload))
        return api_fault(call, &LAMBDA_ERR(InvalidRequestContentException),
                         "Could not parse request body into json: Could not parse payload into "
                         "json");
    return 0;
}

/* ---- who sent it ---- */

/* The policy is that of the version or alias that is named, as AWS's is. */
static int
authorize(struct api_call *call, const struct lambda_name *name)
{
    const struct lambda_function_row *row;
    struct lambda_name plain = *name;
    struct api_resource thing = {.arn = lambda_arn(call->arena, name),
                                 .account = name->account,
                                 .policy = lambda_policy(call, name),
                                 .policy_kind = POLICY_RESOURCE};

    plain.qualifier = STR_NONE;
    row = lambda_function_get(call->txn, lambda_key(call->arena, &plain, S(LAMBDA_LATEST)));
    if (row)
        thing.tags = &row->tags;
    return api_authorize_on(call, S("lambda:InvokeFunction"), &thing, NULL);
}

/* ---- which way it goes ---- */

/* Who waits is answered. */
static void
answer(void *ctx, const struct lambda_outcome *how)
{
    struct api_later *later = ctx;
    struct lambda_InvocationResponse *res = later->res;
    struct arena *a = later->call->arena;

    if (how->sentence.p) {
        int r =
            api_fault(later->call, &LAMBDA_ERR(ServiceException), "%.*s", STR_ARG(how->sentence));

        api_later_done(later, r);
        return;
    }
    res->status_code = opt_i64(200);
    res->payload = str_dup(a, how->payload);
    res->executed_version = str_dup(a, how->version);
    if (how->failed)
        res->function_error = S("Unhandled");
    if (how->tail.p)
        res->log_result = str_base64(a, how->tail);
    api_later_done(later, 0);
}

/* Who asked has gone: the function goes on, as on AWS. */
static void
on_leave(struct api_later *later)
{
    lambda_work_await(later->who, NULL, NULL);
}

/*
 * `asker`: a service that wants to know the outcome.  Its call is one of another's, so that no
 * reply can come later; it finds it in the row of its request's id.
 */
static int
keep_event(struct api_call *call, const struct lambda_InvocationRequest *req,
           const struct lambda_name *name, struct str asker)
{
    const struct lambda_event_row row = {
        .id = call->via.p && !asker.n ? api_uuid(call->env, call->arena) : call->request_id,
        .asker = asker,
        .account = name->account,
        .region = name->region,
        .function = name->name,
        .qualifier = name->qualifier.p ? name->qualifier : S(""),
        .client_context = req->client_context.p ? req->client_context : S(""),
        .payload = req->payload.n ? req->payload : S("{}"),
        .created_ms = call->now_ms,
        .due_ms = call->now_ms,
    };

    return lambda_event_insert(call->txn, &row);
}

int
lambda_invoke(struct api_call *call, const struct lambda_InvocationRequest *req,
              struct lambda_InvocationResponse *res)
{
    bool event = str_is(req->invocation_type, "Event");
    struct lambda_order order = {.request_id = call->request_id,
                                 .client_context = req->client_context,
                                 .payload = req->payload.n ? req->payload : S("{}"),
                                 .tail = str_is(req->log_type, "Tail")};
    struct lambda_work *work;
    struct lambda_name name;
    int r = lambda_name_read(call, req->function_name, req->qualifier, &name);

    if (r == 0)
        r = authorize(call, &name);
    if (r == 0)
        r = lambda_find_version(call, &name, !event, &order.function);
    if (r == 0)
        r = check(call, req, event);
    if (r)
        return r;
    if (str_is(req->invocation_type, "DryRun")) {
        res->status_code = opt_i64(204);
        return 0;
    }
    if (event || !call->reply) {
        assert(call->reply || call->via.n);
        res->status_code = opt_i64(202);
        return keep_event(call, req, &name, event ? S("") : call->via);
    }
    order.arn = lambda_arn(call->arena, &name);
    r = lambda_run(call, &order, &work);
    if (r == 0)
        lambda_work_await(work, answer, api_later_new(call, res, on_leave, work));
    return r;
}
