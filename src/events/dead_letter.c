/*
 * Where an event goes that its target did not take: a queue, with what went wrong in the message's
 * attributes.  The queue's policy decides whether EventBridge may; what it refuses is lost.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
 */
#include "events/events.h"

#include "api/notify.h"
#include "base/log.h"

/* AWS's names for what happens, by the codes of targets' refusals. */
static struct str
code_of(struct str code)
{
    static const struct {
        const char *pattern, *name;
    } names[] = {
        {"*AccessDenied*", "NO_PERMISSIONS"},
        {"AuthorizationError", "NO_PERMISSIONS"},
        {"*NotFound*", "NO_RESOURCE"},
        {"*NonExistentQueue", "NO_RESOURCE"},
        {"*Throttl*", "THROTTLING"},
        {"TooManyRequestsException", "THROTTLING"},
        {"InvalidRequestContentException", "INVALID_JSON"},
        {"ValidationException", "INVALID_PARAMETER"},
        {"InvalidParameter*", "INVALID_PARAMETER"},
    };

    assert(code.n > 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_glob(str_from(names[i].pattern), code))
            return str_from(names[i].name);
    return S("ERROR_FROM_TARGET");
}

static void
put(struct arena *a, struct str_list *to, const char *name, struct str value)
{
    if (!value.n)
        return;
    *LIST_PUSH(a, to) = str_from(name);
    *LIST_PUSH(a, to) = value;
    assert(to->n % 2 == 0);
}

int
events_dead_letter(struct api_call *call, const struct events_target_row *target,
                   const struct events_delivery_row *delivery, const char *exhausted,
                   bool *ret_sent)
{
    struct api_notice notice = {
        .target = target->dead_letter, .text = delivery->event, .via = EVENTS_SERVICE};
    struct arena *a = call->arena;

    assert(target->dead_letter.n > 0 && call->fault.code.n > 0);
    put(a, &notice.attributes, "RULE_ARN", target->rule);
    put(a, &notice.attributes, "TARGET_ARN", target->arn);
    put(a, &notice.attributes, "ERROR_CODE", code_of(call->fault.code));
    put(a, &notice.attributes, "ERROR_MESSAGE", call->fault.message);
    put(a, &notice.attributes, "EXHAUSTED_RETRY_CONDITION", str_from(exhausted));
    put(a, &notice.attributes, "RETRY_ATTEMPTS", str_fmt(a, "%lld", (long long)delivery->attempts));
    int r = api_notify(call, &notice);

    *ret_sent = r == 0;
    if (r > 0)
        log_info("rule %.*s: dead letters cannot be sent to %.*s: %.*s", STR_ARG(target->rule),
                 STR_ARG(target->dead_letter), STR_ARG(call->fault.message));
    return MIN(r, 0);
}
