/*
 * Rotation: what a secret's owner says of it.  The row secret_rotation tells what shall be done and
 * how far it is; rotator.c does it.
 */
#include "secretsmanager/schedule.h"
#include "secretsmanager/secretsmanager.h"

#include "api/actor.h"
#include "gen/api/lambda.h"

static int
invalid_rules(struct api_call *call, const char *what, const char *why)
{
    assert(what && why);
    return api_fault(call, &SECRET_ERR(InvalidParameterException), "Invalid %s: %s.", what, why);
}

static int
rules_check(struct api_call *call, const struct secretsmanager_RotationRulesType *rules)
{
    struct schedule schedule = {.hourly = false};
    int64_t duration_ms = 0;

    if (!rules)
        return 0;
    if (rules->automatically_after_days.set && rules->schedule_expression.p)
        return api_fault(call, &SECRET_ERR(InvalidParameterException),
                         "You can't specify both AutomaticallyAfterDays and ScheduleExpression.");
    if (rules->duration.p && !schedule_duration(rules->duration, &duration_ms))
        return invalid_rules(call, "Duration", "it must be between 1h and 24h");
    if (rules->schedule_expression.p) {
        if (!schedule_parse(rules->schedule_expression, &schedule))
            return invalid_rules(call, "ScheduleExpression",
                                 "it must be a rate() or cron() expression");
    } else if (rules->automatically_after_days.set) {
        schedule.when.every_ms = rules->automatically_after_days.v * SECRET_DAY_MS;
    } else {
        return invalid_rules(call, "RotationRules",
                             "AutomaticallyAfterDays or ScheduleExpression must be given");
    }
    assert(duration_ms >= 0 && schedule.when.every_ms >= 0);
    const char *why = schedule_fault(&schedule, duration_ms, call->now_ms);

    return why ? invalid_rules(call, "RotationRules", why) : 0;
}

static int
external_check(struct api_call *call, const struct secretsmanager_RotateSecretRequest *req)
{
    bool metadata = req->external_secret_rotation_metadata.v != NULL;

    if (!metadata && !req->external_secret_rotation_role_arn.p)
        return 0;
    return api_fault(call, &SECRET_ERR(InvalidParameterException),
                     "Welkin has no managed external secrets: %s is not supported.",
                     metadata ? "ExternalSecretRotationMetadata" : "ExternalSecretRotationRoleArn");
}

/* ---- the row ---- */

static bool
schedule_of(const struct secret_rotation_row *row, struct schedule *ret, int64_t *ret_duration_ms)
{
    *ret_duration_ms = 0;
    *ret = (struct schedule){.when.every_ms = row->days * SECRET_DAY_MS};
    if (row->duration.n && !schedule_duration(row->duration, ret_duration_ms))
        return false;
    assert(*ret_duration_ms >= 0 && row->step >= 0 && row->step < SECRET_STEPS);
    return row->schedule.n ? schedule_parse(row->schedule, ret) : row->days > 0;
}

int64_t
secret_rotation_next(const struct secret_rotation_row *row, int64_t now_ms)
{
    struct schedule schedule;
    int64_t duration_ms;

    if (!row->enabled || !schedule_of(row, &schedule, &duration_ms))
        return 0;
    return schedule_next(&schedule, now_ms);
}

/* The last second of the window that begins at next_ms: the rotation is done by then. */
static int64_t
window_end(const struct secret_rotation_row *row)
{
    struct schedule schedule;
    assert(row->next_ms > 0);
    int64_t duration_ms, midnight = row->next_ms - row->next_ms % SECRET_DAY_MS + SECRET_DAY_MS;

    if (!schedule_of(row, &schedule, &duration_ms))
        return row->next_ms;
    if (duration_ms)
        return row->next_ms + duration_ms - 1000;
    return schedule.hourly ? row->next_ms + 3600 * 1000 - 1000 : midnight - 1000;
}

void
secret_rotation_show(struct api_call *call, struct str arn,
                     struct secretsmanager_SecretListEntry *shown)
{
    const struct secret_rotation_row *row = secret_rotation_get(call->txn, arn);

    if (!row)
        return;
    shown->rotation_enabled = opt_bool(row->enabled);
    shown->rotation_lambda_arn = row->function;
    shown->rotation_rules = ARENA_NEW(call->arena, struct secretsmanager_RotationRulesType);
    if (row->days)
        shown->rotation_rules->automatically_after_days = opt_i64(row->days);
    if (row->schedule.n)
        shown->rotation_rules->schedule_expression = row->schedule;
    if (row->duration.n)
        shown->rotation_rules->duration = row->duration;
    if (row->last_ms)
        shown->last_rotated_date = opt_i64(row->last_ms);
    assert(!row->next_ms || row->enabled);
    if (row->next_ms)
        shown->next_rotation_date = opt_i64(window_end(row));
}

int
secret_rotation_begin(struct api_call *call, const struct secret_row *secret, struct str token,
                      bool test, struct secret_rotation_row *row)
{
    int r = secret_version_begin(call, secret, token, test);

    assert(!row->token.n && !row->request.n && row->enabled);
    row->token = token;
    row->test = test;
    row->step = test ? SECRET_STEPS - 2 : 0;
    row->attempts = 0;
    row->due_ms = call->now_ms;
    assert(r || row->token.n > 0);
    return r;
}

int
secret_rotation_end(struct api_call *call, struct secret_rotation_row *row, bool gone)
{
    int r = 0;

    assert(!gone || row->token.n > 0);
    if (gone) {
        struct str key = secret_version_key(call->arena, row->arn, row->token);

        if (secret_version_get(call->txn, key))
            r = secret_version_delete(call->txn, key);
    }
    row->token = row->request = S("");
    row->step = row->due_ms = row->attempts = 0;
    row->test = false;
    return r;
}

/* ---- the operations ---- */

/* Both must be allowed to call the function: who asks, and the service, for this secret. */
static int
function_check(struct api_call *call, const struct secret_row *secret, struct str function)
{
    const struct lambda_InvocationRequest req = {.function_name = function,
                                                 .invocation_type = S("DryRun")};
    struct lambda_InvocationResponse res = {0};
    struct api_call service = api_service_call(call->api, call->arena, SECRET_SERVICE,
                                               secret->account, secret->region, secret->arn);
    int r = api_call_internal(call, "lambda", "Invoke", &req, &res, SECRET_SERVICE);

    service.txn = call->txn;
    if (r == 0)
        r = api_call_internal(&service, "lambda", "Invoke", &req, &res, SECRET_SERVICE);
    if (r <= 0)
        return r;
    return api_fault(call, &SECRET_ERR(AccessDeniedException),
                     "Secrets Manager cannot invoke the specified Lambda function. Ensure that the "
                     "function policy grants access to the principal "
                     "secretsmanager.amazonaws.com.");
}

static void
rules_take(const struct secretsmanager_RotationRulesType *rules, struct secret_rotation_row *row)
{
    if (!rules)
        return;
    row->days = opt_i64_or(rules->automatically_after_days, 0);
    row->schedule = rules->schedule_expression.p ? rules->schedule_expression : S("");
    row->duration = rules->duration.p ? rules->duration : S("");
}

/* Whether a rotation is on its way: the version that it makes has its label, and is not current. */
static const struct secret_version_row *
pending(struct api_call *call, const struct secret_row *secret)
{
    const struct secret_version_row *version =
        secret_staged(call->txn, secret->arn, S("AWSPENDING"));

    return version && !str_in(&version->stages, S("AWSCURRENT")) ? version : NULL;
}

/* It is tried again at once. */
static int
not_complete(struct api_call *call)
{
    return api_fault(call, &SECRET_ERR(InvalidRequestException),
                     "A previous rotation isn't complete. That rotation will be "
                     "reattempted.");
}

static int
request_check(struct api_call *call, const struct secretsmanager_RotateSecretRequest *req)
{
    int r = 0;

    if (!req->client_request_token.p)
        return api_fault(call, &SECRET_ERR(InvalidParameterException),
                         "You must provide a ClientRequestToken value. We recommend a UUID-type "
                         "value.");
    r = external_check(call, req);
    return r ? r : rules_check(call, req->rotation_rules);
}

static int
rotation_write(struct api_call *call, struct secret_rotation_row *row, bool is_new)
{
    row->next_ms = secret_rotation_next(row, call->now_ms);
    assert(!row->next_ms || row->next_ms > call->now_ms);
    int r =
        is_new ? secret_rotation_insert(call->txn, row) : secret_rotation_update(call->txn, row);

    return r < 0 ? error_origin(-r, "the rotation of %.*s cannot be written", STR_ARG(row->arn))
                 : 0;
}

int
secretsmanager_rotate_secret(struct api_call *call,
                             const struct secretsmanager_RotateSecretRequest *req,
                             struct secretsmanager_RotateSecretResponse *res)
{
    const struct secret_row *secret;
    int r = secret_find(call, req->secret_id, 0, &secret);

    if (r == 0)
        r = request_check(call, req);
    if (r)
        return r;
    const struct secret_rotation_row *old = secret_rotation_get(call->txn, secret->arn);
    const struct secret_version_row *running = pending(call, secret);
    struct secret_rotation_row row = {
        .arn = secret->arn, .account = secret->account, .region = secret->region};

    if (old)
        row = *old;
    if (req->rotation_lambda_arn.n)
        row.function = req->rotation_lambda_arn;
    if (!row.function.n)
        return api_fault(call, &SECRET_ERR(InvalidRequestException),
                         "No Lambda rotation function ARN is associated with this secret.");
    res->arn = secret->arn;
    res->name = secret->name;
    res->version_id = req->client_request_token;
    if (running && str_eq(running->version_id, req->client_request_token))
        return 0;
    if (running || row.token.n)
        return not_complete(call);
    r = function_check(call, secret, row.function);
    if (r)
        return r;
    rules_take(req->rotation_rules, &row);
    row.enabled = true;
    if (secret_version_get(call->txn,
                           secret_version_key(call->arena, secret->arn, req->client_request_token)))
        return rotation_write(call, &row, !old); /* that version was made before */
    r = secret_rotation_begin(call, secret, req->client_request_token,
                              !opt_bool_or(req->rotate_immediately, true), &row);
    if (r == 0)
        r = rotation_write(call, &row, !old);
    return r ? r : secret_changed(call, secret);
}

int
secretsmanager_cancel_rotate_secret(struct api_call *call,
                                    const struct secretsmanager_CancelRotateSecretRequest *req,
                                    struct secretsmanager_CancelRotateSecretResponse *res)
{
    const struct secret_row *secret;
    int r = secret_find(call, req->secret_id, 0, &secret);

    if (r)
        return r;
    const struct secret_rotation_row *old = secret_rotation_get(call->txn, secret->arn);

    assert(!old || old->function.n > 0);
    if (!old)
        return api_fault(call, &SECRET_ERR(InvalidRequestException),
                         "You tried to enable rotation on a secret that doesn't already have a "
                         "Lambda function ARN configured and you didn't include such an ARN as a "
                         "parameter in this call.");
    struct secret_rotation_row row = *old;

    res->arn = secret->arn;
    res->name = secret->name;
    if (row.token.n)
        res->version_id = row.token;
    row.enabled = false;
    r = secret_rotation_end(call, &row, row.test);
    if (r == 0)
        r = rotation_write(call, &row, false);
    return r ? r : secret_changed(call, secret);
}
