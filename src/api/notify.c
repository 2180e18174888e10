/* See notify.h.  A row a service. */
#include "api/notify.h"

#include "api/authorize.h"
#include "gen/api/lambda.h"
#include "gen/api/sns.h"
#include "gen/api/sqs.h"

enum { REGION_PART = 3 };

static struct str
part(struct str arn, unsigned n)
{
    for (unsigned i = 0; i < n && arn.p; i++)
        str_split(&arn, ':');
    return arn.p ? str_split(&arn, ':') : S("");
}

static int
to_topic(struct api_call *call, const struct api_notice *n)
{
    const struct sns_PublishInput req = {.topic_arn = n->target,
                                         .subject = n->subject,
                                         .message = n->text,
                                         .message_group_id = n->group};
    struct sns_PublishResponse res = {0};

    return api_call_internal(call, "sns", "Publish", &req, &res, n->via);
}

static int
to_queue(struct api_call *call, const struct api_notice *n)
{
    struct str account = part(n->target, REGION_PART + 1), name = part(n->target, REGION_PART + 2);
    struct sqs_SendMessageRequest req = {
        .queue_url = str_fmt(call->arena, "https://sqs.%.*s.amazonaws.com/%.*s/%.*s",
                             STR_ARG(call->region), STR_ARG(account), STR_ARG(name)),
        .message_body = n->text,
        .message_group_id = n->group};
    struct sqs_SendMessageResult res = {0};

    assert(n->attributes.n % 2 == 0);
    for (size_t i = 0; i + 1 < n->attributes.n; i += 2) {
        __typeof__(req.message_attributes.v) to = LIST_PUSH(call->arena, &req.message_attributes);

        to->key = n->attributes.v[i];
        to->value = ARENA_NEW(call->arena, struct sqs_MessageAttributeValue);
        to->value->string_value = n->attributes.v[i + 1];
        to->value->data_type = S("String");
    }
    return api_call_internal(call, "sqs", "SendMessage", &req, &res, n->via);
}

static int
to_function(struct api_call *call, const struct api_notice *n)
{
    const struct lambda_InvocationRequest req = {
        .function_name = n->target, .invocation_type = S("Event"), .payload = n->text};
    struct lambda_InvocationResponse res = {0};

    return api_call_internal(call, "lambda", "Invoke", &req, &res, n->via);
}

static const struct {
    const char *pattern;
    int (*tell)(struct api_call *call, const struct api_notice *notice);
} kinds[] = {
    {"arn:aws:sns:*:*:?*", to_topic},
    {"arn:aws:sqs:*:*:?*", to_queue},
    {"arn:aws:lambda:*:*:function:?*", to_function},
};

bool
api_notice_takes(struct str target)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (str_glob(str_from(kinds[i].pattern), target))
            return true;
    return false;
}

int
api_notify(struct api_call *call, const struct api_notice *notice)
{
    struct api_call there = *call;
    size_t i = 0;

    assert(api_notice_takes(notice->target) && notice->text.p && notice->via && call->txn);
    there.region = part(notice->target, REGION_PART);
    while (!str_glob(str_from(kinds[i].pattern), notice->target))
        i++;
    int r = kinds[i].tell(&there, notice);

    if (r > 0)
        call->fault = there.fault;
    return r;
}
