/*
 * From a topic to its subscribers.  Queues and functions get a message in the transaction of the
 * Publish, by SNS as itself: what their policies refuse is dead at once, as on AWS, and goes to the
 * subscription's dead-letter queue or nowhere.  A POST is a row, which the engine makes.
 */
#include "sns/sns.h"

#include "api/actor.h"
#include "api/authorize.h"
#include "base/log.h"
#include "codec/event_pattern.h"
#include "gen/api/lambda.h"
#include "gen/api/sqs.h"

#define VIA "sns.amazonaws.com"

/* SNS itself, for a topic. */
static struct api_call
as_service(struct api_call *call, struct str topic, struct str region)
{
    struct api_call sns =
        api_service_call(call->api, call->arena, VIA, sns_arn_part(topic, 4), region, topic);

    assert(call->txn);
    sns.txn = call->txn;
    return sns;
}

/* ---- filters ---- */

/* Attributes as an object: numbers are numbers, a String.Array is a list; bytes match nothing. */
static struct json
attributes_as_json(struct arena *a, const struct sns_message *m)
{
    struct json object = {.kind = JSON_OBJECT};

    object.v = arena_alloc(a, (m->attributes.n + 1) * sizeof(*object.v));
    object.names = arena_alloc(a, (m->attributes.n + 1) * sizeof(*object.names));
    LIST_EACH(&m->attributes, at) {
        struct json *v = &object.v[object.n];
        size_t where;

        *v = (struct json){.kind = JSON_STRING, .text = at->value};
        if (str_starts(at->type, S("Binary")))
            continue;
        if (str_starts(at->type, S("Number")))
            v->kind = JSON_NUMBER;
        else if (str_is(at->type, "String.Array") &&
                 !json_parse(a, at->value, m->attributes.n + 1000, v, &where))
            continue;
        object.names[object.n++] = at->name;
    }
    return object;
}

static bool
wanted(struct api_call *call, const struct sns_message *m, const struct sns_subscription_row *to)
{
    const struct event_pattern *pattern;
    struct json against, policy;
    struct str why;

    if (!to->filter.n || (sns_json(call->arena, to->filter, &policy) && !policy.n))
        return true;
    if (!event_pattern_parse(call->arena, to->filter, &pattern, &why))
        return false;
    if (str_is(to->filter_scope, "MessageAttributes"))
        against = attributes_as_json(call->arena, m);
    else if (!sns_json(call->arena, sns_message_body(m, to->protocol), &against))
        return false;
    return event_pattern_match(pattern, &against);
}

/* ---- queues ---- */

static struct str
queue_url(struct arena *a, struct str arn)
{
    return str_fmt(a, "https://sqs.%.*s.amazonaws.com/%.*s/%.*s", STR_ARG(sns_arn_part(arn, 3)),
                   STR_ARG(sns_arn_part(arn, 4)), STR_ARG(sns_arn_part(arn, 5)));
}

static void
add_attribute(struct api_call *call, struct sqs_SendMessageRequest *req,
              const struct sns_attribute *at)
{
    struct sqs_MessageAttributeValue *value =
        ARENA_NEW(call->arena, struct sqs_MessageAttributeValue);

    value->data_type = at->type;
    if (!str_starts(at->type, S("Binary")) ||
        !str_unbase64(call->arena, at->value, &value->binary_value))
        value->string_value = at->value;
    *LIST_PUSH(call->arena, &req->message_attributes) =
        (struct sqs_MessageAttributeValueMapEntry){.key = at->name, .value = value};
}

static int
send_to_queue(struct api_call *call, const struct sns_message *m, struct str topic,
              struct str queue, struct sqs_SendMessageRequest *req)
{
    struct api_call sns = as_service(call, topic, sns_arn_part(queue, 3));
    struct sqs_SendMessageResult res = {0};

    req->queue_url = queue_url(call->arena, queue);
    /* a queue that keeps no order wants no deduplication */
    if (m && str_ends(queue, S(".fifo"))) {
        req->message_deduplication_id = m->dedup;
        req->message_group_id = m->group;
    } else if (m && m->group.p) {
        req->message_group_id = m->group;
    }
    int r = api_call_internal(&sns, "sqs", "SendMessage", req, &res, VIA);

    if (r > 0)
        call->fault = sns.fault;
    return r;
}

static int
to_queue(struct api_call *call, struct sns_message *m, const struct sns_subscription_row *to)
{
    struct sqs_SendMessageRequest req = {0};

    if (to->raw) {
        req.message_body = sns_message_body(m, to->protocol);
        for (size_t i = 0; i < m->attributes.n; i++)
            add_attribute(call, &req, &m->attributes.v[i]);
    } else {
        req.message_body = sns_message_envelope(call, m, to);
    }
    return send_to_queue(call, m, m->topic->id, to->endpoint, &req);
}

/* ---- functions ---- */

static int
to_function(struct api_call *call, struct sns_message *m, const struct sns_subscription_row *to)
{
    struct api_call sns = as_service(call, m->topic->id, sns_arn_part(to->endpoint, 3));
    const struct lambda_InvocationRequest req = {.function_name = to->endpoint,
                                                 .invocation_type = S("Event"),
                                                 .payload = sns_message_event(call, m, to)};
    struct lambda_InvocationResponse res = {0};
    int r = api_call_internal(&sns, "lambda", "Invoke", &req, &res, VIA);

    if (r > 0)
        call->fault = sns.fault;
    return r;
}

/* ---- POSTs ---- */

static struct str
redrive_queue(struct arena *a, const struct sns_subscription_row *to)
{
    struct json policy;

    return to->redrive.n && sns_json(a, to->redrive, &policy)
               ? json_text(&policy, "deadLetterTargetArn")
               : S("");
}

static int
put_post(struct api_call *call, const struct sns_topic_row *topic,
         const struct sns_subscription_row *to, struct str message, struct str kind,
         struct str body)
{
    struct str retry = sns_retry_effective(call->arena, topic, to);
    const struct sns_delivery_row row = {
        .id = api_uuid(call->env, call->arena),
        .subscription = to->id,
        .topic = topic->id,
        .message = message,
        .kind = kind,
        .url = to->endpoint,
        .content_type = sns_retry_content_type(call->arena, retry),
        .raw = to->raw && str_is(kind, "Notification"),
        .body = body,
        .redrive = redrive_queue(call->arena, to),
        .retry = retry,
        .created_ms = call->now_ms,
        .due_ms = call->now_ms,
    };

    assert(row.body.n > 0 && str_starts(row.url, S("http")));
    return sns_delivery_insert(call->txn, &row);
}

static int
to_url(struct api_call *call, struct sns_message *m, const struct sns_subscription_row *to)
{
    struct str body =
        to->raw ? sns_message_body(m, to->protocol) : sns_message_envelope(call, m, to);

    return put_post(call, m->topic, to, m->id, S("Notification"), body);
}

/* ---- all ---- */

static const struct {
    const char *protocol;
    int (*to)(struct api_call *call, struct sns_message *m, const struct sns_subscription_row *to);
} ways[] = {{"sqs", to_queue}, {"lambda", to_function}, {"http", to_url}, {"https", to_url}};

int
sns_deliver_dead(struct api_call *call, struct str topic, struct str queue, struct str body,
                 const struct sns_message *m, int status, struct str why)
{
    const struct sns_attribute about[] = {
        {S("RequestID"), S("String"), call->request_id},
        {S("ErrorCode"), S("String"), str_fmt(call->arena, "%d", status)},
        {S("ErrorMessage"), S("String"), why.n ? why : S("Unknown")},
    };
    struct sqs_SendMessageRequest req = {.message_body = body};

    for (size_t i = 0; i < ARRAY_LEN(about); i++)
        add_attribute(call, &req, &about[i]);
    int r = send_to_queue(call, m, topic, queue, &req);

    if (r > 0)
        log_warn("a message of %.*s is lost: its dead-letter queue %.*s refuses it: %.*s",
                 STR_ARG(topic), STR_ARG(queue), STR_ARG(call->fault.message));
    call->fault = (struct api_fault){0};
    return MIN(r, 0);
}

/* What a queue or a function refused. */
static int
refused(struct api_call *call, struct sns_message *m, const struct sns_subscription_row *to)
{
    struct str queue = redrive_queue(call->arena, to), why = call->fault.message;
    int status = call->fault.http;

    log_info("%.*s does not get message %.*s: %.*s", STR_ARG(to->endpoint), STR_ARG(m->id),
             STR_ARG(why));
    call->fault = (struct api_fault){0};
    if (!queue.n)
        return 0;
    return sns_deliver_dead(call, m->topic->id, queue,
                            to->raw ? sns_message_body(m, to->protocol)
                                    : sns_message_envelope(call, m, to),
                            m, status, why);
}

int
sns_deliver(struct api_call *call, struct sns_message *m)
{
    STORE_EACH(call->txn, sns_subscription_by_topic, to, m->topic->id) {
        int r = 0;

        if (to->pending || !wanted(call, m, to))
            continue;
        sns_subscription_assert(to);
        for (size_t i = 0; i < ARRAY_LEN(ways) && r == 0; i++)
            if (str_is(to->protocol, ways[i].protocol))
                r = ways[i].to(call, m, to);
        if (r > 0)
            r = refused(call, m, to);
        if (r < 0)
            return r;
    }
    return 0;
}

int
sns_deliver_confirm(struct api_call *call, const struct sns_topic_row *topic,
                    const struct sns_subscription_row *to, bool leave)
{
    struct str id = api_uuid(call->env, call->arena);
    struct str kind = leave ? S("UnsubscribeConfirmation") : S("SubscriptionConfirmation");

    if (str_starts(to->protocol, S("http")))
        return put_post(call, topic, to, id, kind, sns_message_confirm(call, topic, to, id, leave));
    if (!str_is(to->protocol, "sqs"))
        return 0;
    struct sqs_SendMessageRequest req = {.message_body =
                                             sns_message_confirm(call, topic, to, id, leave)};
    int r = send_to_queue(call, NULL, topic->id, to->endpoint, &req);

    call->fault = (struct api_fault){0};
    return MIN(r, 0);
}
