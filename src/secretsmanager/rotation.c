/*
 * Rotation.  A secret is rotated by a function of Lambda, and RotateSecret asks it before it
 * changes anything.  This cloud has no functions yet, so all of a request is checked and then
 * answered as AWS does when the function cannot be called; no secret ever has rotation turned on.
 */
#include "secretsmanager/schedule.h"
#include "secretsmanager/secretsmanager.h"

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

/* RotateImmediately only says which steps the function is called for: all, or testSecret. */
int
secretsmanager_rotate_secret(struct api_call *call,
                             const struct secretsmanager_RotateSecretRequest *req,
                             struct secretsmanager_RotateSecretResponse *res UNUSED)
{
    const struct secret_row *secret;
    int r = secret_find(call, req->secret_id, 0, &secret);

    if (r)
        return r;
    if (!req->client_request_token.p)
        return api_fault(call, &SECRET_ERR(InvalidParameterException),
                         "You must provide a ClientRequestToken value. We recommend a UUID-type "
                         "value.");
    r = external_check(call, req);
    if (r == 0)
        r = rules_check(call, req->rotation_rules);
    if (r)
        return r;
    if (!req->rotation_lambda_arn.n)
        return api_fault(call, &SECRET_ERR(InvalidRequestException),
                         "No Lambda rotation function ARN is associated with this secret.");
    return api_fault(call, &SECRET_ERR(AccessDeniedException),
                     "Secrets Manager cannot invoke the specified Lambda function. Ensure that the "
                     "function policy grants access to the principal "
                     "secretsmanager.amazonaws.com.");
}

int
secretsmanager_cancel_rotate_secret(struct api_call *call,
                                    const struct secretsmanager_CancelRotateSecretRequest *req,
                                    struct secretsmanager_CancelRotateSecretResponse *res UNUSED)
{
    const struct secret_row *secret;
    int r = secret_find(call, req->secret_id, 0, &secret);

    if (r)
        return r;
    return api_fault(call, &SECRET_ERR(InvalidRequestException),
                     "You tried to enable rotation on a secret that doesn't already have a Lambda "
                     "function ARN configured and you didn't include such an ARN as a parameter in "
                     "this call.");
}
