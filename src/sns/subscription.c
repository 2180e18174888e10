/*
 * Subscriptions.  A queue or function of the subscriber's own is confirmed at once, as on AWS; all
 * others when somebody sends back the token that went to the endpoint.  No mail is sent from here,
 * so a subscription of an e-mail address stays unconfirmed, and gets nothing, as one on AWS whose
 * message nobody answers.
 */
#include "sns/sns.h"

#include "api/authorize.h"
#include "api/wire.h"
#include "base/log.h"
#include "codec/aws_endpoint.h"
#include "codec/event_pattern.h"

#define ENDPOINT_MAX 2048
#define TOKEN_BYTES 120

enum { FILTER_KEYS_MAX = 5, FILTER_COMBINATIONS_MAX = 150 };

/* ---- protocols ---- */

static bool
is_url(struct str text, const char *scheme)
{
    return str_starts(text, str_from(scheme)) && text.n > strlen(scheme);
}

static int
check_http(struct api_call *call, const struct sns_topic_row *topic UNUSED, struct str endpoint)
{
    return is_url(endpoint, "http://")
               ? 0
               : SNS_INVALID(call, "Endpoint must match the specified protocol");
}

static int
check_https(struct api_call *call, const struct sns_topic_row *topic UNUSED, struct str endpoint)
{
    return is_url(endpoint, "https://")
               ? 0
               : SNS_INVALID(call, "Endpoint must match the specified protocol");
}

static int
check_sqs(struct api_call *call, const struct sns_topic_row *topic, struct str endpoint)
{
    if (!str_starts(endpoint, S("arn:aws:sqs:")) || sns_arn_part(endpoint, 4).n != 12 ||
        !sns_arn_part(endpoint, 5).n)
        return SNS_INVALID(call, "SQS endpoint ARN");
    if (!topic->fifo && str_ends(endpoint, S(".fifo")))
        return SNS_INVALID(call, "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be "
                                 "subscribed to standard SNS topics");
    return 0;
}

static int
check_lambda(struct api_call *call, const struct sns_topic_row *topic UNUSED, struct str endpoint)
{
    if (!str_starts(endpoint, S("arn:aws:lambda:")) || sns_arn_part(endpoint, 4).n != 12 ||
        !str_starts(sns_arn_part(endpoint, 5), S("function:")))
        return SNS_INVALID(call, "Lambda endpoint ARN");
    return 0;
}

static int
check_email(struct api_call *call, const struct sns_topic_row *topic UNUSED, struct str endpoint)
{
    size_t at = str_find_char(endpoint, '@');

    if (at == SIZE_MAX || at == 0 || at + 1 == endpoint.n)
        return SNS_INVALID(call, "Email address");
    return 0;
}

static int
check_none(struct api_call *call, const struct sns_topic_row *topic UNUSED,
           struct str endpoint UNUSED)
{
    return SNS_INVALID(call, "Welkin does not deliver by this protocol");
}

static const struct protocol {
    const char *name;
    int (*check)(struct api_call *call, const struct sns_topic_row *topic, struct str endpoint);
    bool own;  /* an ARN: one of the subscriber's account needs no confirmation */
    bool fifo; /* FIFO topics deliver to it */
} protocols[] = {
    {"sqs", check_sqs, true, true},         {"lambda", check_lambda, true, false},
    {"http", check_http, false, false},     {"https", check_https, false, false},
    {"email", check_email, false, false},   {"email-json", check_email, false, false},
    {"sms", check_none, false, false},      {"application", check_none, false, false},
    {"firehose", check_none, false, false},
};

static int
protocol_find(struct api_call *call, struct str name, const struct protocol **ret)
{
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
        if (str_is(name, protocols[i].name)) {
            *ret = &protocols[i];
            return 0;
        }
    return SNS_INVALID(call, "Amazon SNS does not support this protocol string: %.*s",
                       STR_ARG(name));
}

/* ---- attributes ---- */

static int
take_raw(struct api_call *call, struct sns_subscription_row *row, struct str text)
{
    if (!sns_bool(text, &row->raw))
        return SNS_INVALID(call,
                           "Attributes Reason: RawMessageDelivery: Invalid value [%.*s]. Must be "
                           "true or false.",
                           STR_ARG(text));
    if (row->raw && !str_is(row->protocol, "sqs") && !str_starts(row->protocol, S("http")))
        return SNS_INVALID(call,
                           "Attributes Reason: Delivery protocol [%.*s] does not support raw "
                           "message delivery.",
                           STR_ARG(row->protocol));
    return 0;
}

static int
take_filter(struct api_call *call UNUSED, struct sns_subscription_row *row, struct str text)
{
    row->filter = text;
    return 0; /* with its scope, below */
}

static int
take_filter_scope(struct api_call *call, struct sns_subscription_row *row, struct str text)
{
    row->filter_scope = text;
    if (str_is(text, "MessageAttributes") || str_is(text, "MessageBody"))
        return 0;
    return SNS_INVALID(call,
                       "FilterPolicyScope: Invalid value [%.*s]. Please use either MessageBody or "
                       "MessageAttributes",
                       STR_ARG(text));
}

static int
take_redrive(struct api_call *call, struct sns_subscription_row *row, struct str text)
{
    struct json policy;

    row->redrive = text;
    if (!text.n)
        return 0;
    if (!sns_json(call->arena, text, &policy))
        return SNS_INVALID(call, "RedrivePolicy: failed to parse JSON");
    struct str queue = json_text(&policy, "deadLetterTargetArn");

    if (policy.n != 1 || !str_starts(queue, S("arn:aws:sqs:")) || sns_arn_part(queue, 4).n != 12 ||
        !sns_arn_part(queue, 5).n)
        return SNS_INVALID(call, "RedrivePolicy: deadLetterTargetArn is an invalid arn");
    return 0;
}

static int
take_delivery_policy(struct api_call *call, struct sns_subscription_row *row, struct str text)
{
    row->delivery_policy = text;
    if (text.n && !str_starts(row->protocol, S("http")))
        return SNS_INVALID(call,
                           "Attributes Reason: Delivery protocol [%.*s] does not support delivery "
                           "policies.",
                           STR_ARG(row->protocol));
    return text.n ? sns_retry_check(call, text, false) : 0;
}

static const struct {
    const char *name;
    int (*take)(struct api_call *call, struct sns_subscription_row *row, struct str text);
} attributes[] = {
    {"RawMessageDelivery", take_raw},         {"FilterPolicy", take_filter},
    {"FilterPolicyScope", take_filter_scope}, {"RedrivePolicy", take_redrive},
    {"DeliveryPolicy", take_delivery_policy},
};

static int
take(struct api_call *call, struct sns_subscription_row *row, struct str name, struct str text)
{
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
        if (str_is(name, attributes[i].name))
            return attributes[i].take(call, row, text);
    if (str_is(name, "SubscriptionRoleArn") || str_is(name, "ReplayPolicy"))
        return sns_unsupported(call, "attribute", name);
    return SNS_INVALID(call, "AttributeName");
}

/* The policy together with its scope. */
static int
check_filter(struct api_call *call, struct sns_subscription_row *row)
{
    const struct event_pattern *pattern;
    struct json policy;
    struct str why;

    if (!row->filter.n)
        return 0;
    if (!sns_json(call->arena, row->filter, &policy))
        return SNS_INVALID(call, "FilterPolicy: failed to parse JSON");
    if (!policy.n)
        return 0;
    if (policy.n > FILTER_KEYS_MAX)
        return SNS_INVALID(call, "FilterPolicy: Filter policy can not have more than %d keys",
                           FILTER_KEYS_MAX);
    if (!event_pattern_parse(call->arena, row->filter, &pattern, &why))
        return SNS_INVALID(call, "FilterPolicy: %.*s", STR_ARG(why));
    struct event_pattern_size size = event_pattern_size(pattern);

    if (size.depth > 1 && str_is(row->filter_scope, "MessageAttributes"))
        return SNS_INVALID(call, "Filter policy scope MessageAttributes does not support nested "
                                 "filter policy");
    if (size.combinations * size.depth > FILTER_COMBINATIONS_MAX)
        return SNS_INVALID(call, "FilterPolicy: Filter policy is too complex");
    return 0;
}

static int
take_all(struct api_call *call, const struct sns_TextMap *map, struct sns_subscription_row *row)
{
    int r = 0;

    LIST_EACH(map, e) {
        if (r == 0)
            r = take(call, row, e->key, e->value);
    }
    return r ? r : check_filter(call, row);
}

/* ---- Subscribe ---- */

/* Where links in messages lead: to AWS's name, or by the way that the subscriber came. */
static struct str
base_url(struct api_call *call)
{
    struct str host = call->request ? api_header(call->request, S("Host")) : STR_NONE, name = host;
    struct aws_endpoint e;

    if (!host.n || host.n > 255 || call->via.p || str_find_char(host, '/') != SIZE_MAX ||
        aws_endpoint_parse(str_lower(call->arena, str_split(&name, ':')), &e))
        return str_fmt(call->arena, "https://sns.%.*s.amazonaws.com/", STR_ARG(call->region));
    return str_fmt(call->arena, "%s://%.*s/", call->request->secure ? "https" : "http",
                   STR_ARG(host));
}

static struct str
new_token(struct api_call *call)
{
    uint8_t random[TOKEN_BYTES];

    call->env->random(call->env, random, sizeof(random));
    return str_hex(call->arena, random, sizeof(random));
}

/* The same subscription again: its ARN, unless other attributes are asked for. */
static int
again(struct api_call *call, const struct sns_SubscribeInput *req,
      const struct sns_subscription_row *old, struct sns_SubscribeResponse *res)
{
    struct sns_subscription_row row = *old;
    int r = take_all(call, &req->attributes, &row);

    if (r)
        return r;
    if (row.raw != old->raw || !str_eq(row.filter, old->filter) ||
        !str_eq(row.filter_scope, old->filter_scope) || !str_eq(row.redrive, old->redrive) ||
        !str_eq(row.delivery_policy, old->delivery_policy))
        return SNS_INVALID(call, "Attributes Reason: Subscription already exists with different "
                                 "attributes");
    res->subscription_arn = old->id;
    return 0;
}

static int
insert(struct api_call *call, const struct sns_topic_row *topic, struct sns_subscription_row *row,
       bool show_arn, struct sns_SubscribeResponse *res)
{
    sns_subscription_assert(row);
    int r = sns_subscription_insert(call->txn, row);

    if (r == 0 && row->pending)
        r = sns_deliver_confirm(call, topic, row, false);
    if (r == 0 && row->pending && str_starts(row->protocol, S("email")))
        log_warn("no mail is sent: %.*s stays unconfirmed, and gets nothing", STR_ARG(row->id));
    res->subscription_arn = row->pending && !show_arn ? S("pending confirmation") : row->id;
    return r;
}

static int
check_endpoint(struct api_call *call, const struct sns_topic_row *topic,
               const struct protocol *protocol, struct str endpoint)
{
    if (!endpoint.n || endpoint.n > ENDPOINT_MAX)
        return SNS_INVALID(call, "Endpoint");
    if (topic->fifo && !protocol->fifo)
        return SNS_INVALID(call, "Invalid parameter: Endpoint Reason: Please use FIFO SQS queue");
    return protocol->check(call, topic, endpoint);
}

int
sns_subscribe(struct api_call *call, const struct sns_SubscribeInput *req,
              struct sns_SubscribeResponse *res)
{
    bool show_arn = opt_bool_or(req->return_subscription_arn, false);
    const struct protocol *protocol = NULL;
    const struct sns_topic_row *topic;
    size_t n = 0;
    int r = sns_topic_find(call, req->topic_arn, &topic);

    if (r == 0)
        r = protocol_find(call, req->protocol, &protocol);
    if (r == 0)
        r = check_endpoint(call, topic, protocol, req->endpoint);
    if (r)
        return r;
    STORE_EACH(call->txn, sns_subscription_by_topic, old, topic->id) {
        n++;
        if (str_eq(old->protocol, req->protocol) && str_eq(old->endpoint, req->endpoint) &&
            str_eq(old->account, call->account) && !old->pending)
            return again(call, req, old, res);
    }
    if (n >= SNS_SUBSCRIPTIONS_MAX)
        return api_fault(call, &SNS_ERR(SubscriptionLimitExceeded),
                         "You have reached the limit of %d subscriptions.", SNS_SUBSCRIPTIONS_MAX);
    struct sns_subscription_row row = {
        .id = str_fmt(call->arena, "%.*s:%.*s", STR_ARG(topic->id),
                      STR_ARG(api_uuid(call->env, call->arena))),
        .topic = topic->id,
        .account = call->account,
        .region = call->region,
        .protocol = req->protocol,
        .endpoint = req->endpoint,
        .principal = call->principal_arn,
        .pending = !protocol->own || !str_eq(sns_arn_part(req->endpoint, 4), call->account),
        .filter_scope = S("MessageAttributes"),
        .base_url = base_url(call),
        .created_ms = call->now_ms,
    };
    row.authenticated = !row.pending;
    row.token = row.pending ? new_token(call) : S("");
    r = take_all(call, &req->attributes, &row);
    return r ? r : insert(call, topic, &row, show_arn, res);
}

/* ---- ConfirmSubscription, Unsubscribe ---- */

int
sns_confirm_subscription(struct api_call *call, const struct sns_ConfirmSubscriptionInput *req,
                         struct sns_ConfirmSubscriptionResponse *res)
{
    bool closed = false, named = call->principal.kind != POLICY_ANONYMOUS;
    const struct sns_topic_row *topic;
    int r = sns_topic_find(call, req->topic_arn, &topic);

    if (r)
        return r;
    if (req->authenticate_on_unsubscribe.n && !sns_bool(req->authenticate_on_unsubscribe, &closed))
        return SNS_INVALID(call, "AuthenticateOnUnsubscribe");
    STORE_EACH(call->txn, sns_subscription_by_topic, old, topic->id) {
        struct sns_subscription_row row = *old;

        if (!old->token.n || !str_eq_consttime(old->token, req->token))
            continue;
        row.pending = false;
        row.authenticated = old->authenticated || (named && closed);
        row.closed = old->closed || (named && closed);
        res->subscription_arn = row.id;
        return sns_subscription_update(call->txn, &row);
    }
    return SNS_INVALID(call, "Token");
}

int
sns_subscription_drop(struct api_call *call, const struct sns_subscription_row *row)
{
    struct str id = str_dup(call->arena, row->id);
    const struct sns_topic_row *topic = sns_topic_get(call->txn, row->topic);
    int r = 0;

    STORE_EACH(call->txn, sns_delivery_by_subscription, delivery, id) {
        if (r >= 0)
            r = sns_delivery_delete(call->txn, delivery->id);
    }
    if (r >= 0)
        r = sns_subscription_delete(call->txn, id);
    if (r < 0 || !topic)
        return r;
    struct sns_topic_row counted = *topic;

    counted.deleted++;
    return sns_topic_update(call->txn, &counted);
}

/* NotFound of what is not there. */
static int
find(struct api_call *call, struct str arn, const struct sns_subscription_row **ret)
{
    if (!str_starts(arn, S("arn:aws:sns:")))
        return SNS_INVALID(call,
                           "SubscriptionArn Reason: An ARN must have at least 6 elements, not 1");
    *ret = sns_subscription_get(call->txn, arn);
    if (!*ret || !str_eq((*ret)->region, sns_arn_part(arn, 3)))
        return api_fault(call, &SNS_ERR(NotFound), "Subscription does not exist");
    sns_subscription_assert(*ret);
    return 0;
}

/* Its owners are the subscriber's account and the topic's; their policies speak of the topic. */
static int
authorize(struct api_call *call, const struct sns_subscription_row *row)
{
    bool own = str_eq(row->account, call->account);
    const struct api_resource thing = {.arn = row->topic,
                                       .account = own ? row->account : sns_arn_part(row->topic, 4)};

    return api_authorize_on(call, api_action(call), &thing, NULL);
}

/* Without a signature by whoever knows the ARN, unless its confirmation forbade that. */
int
sns_unsubscribe(struct api_call *call, const struct sns_UnsubscribeInput *req,
                struct sns_UnsubscribeResult *res UNUSED)
{
    bool named = call->principal.kind != POLICY_ANONYMOUS;
    const struct sns_subscription_row *row;
    int r = find(call, req->subscription_arn, &row);

    if (r > 0 && str_is(call->fault.code, "NotFound") &&
        sns_topic_get(call->txn,
                      str_cut(req->subscription_arn, 0,
                              req->subscription_arn.n > 37 ? req->subscription_arn.n - 37 : 0))) {
        call->fault = (struct api_fault){0};
        return 0; /* of one that is gone AWS says nothing */
    }
    if (r == 0 && row->closed && !named)
        return api_fault(call, &SNS_ERR(AuthorizationError),
                         "This subscription cannot be cancelled without a signature");
    if (r == 0 && named)
        r = authorize(call, row);
    if (r)
        return r;
    const struct sns_topic_row *topic = sns_topic_get(call->txn, row->topic);
    struct sns_subscription_row gone = *row;

    assert(topic);
    r = sns_subscription_drop(call, row);
    if (r == 0 && !gone.pending && str_starts(gone.protocol, S("http"))) {
        gone.token = new_token(call);
        r = sns_deliver_confirm(call, topic, &gone, true);
    }
    return r;
}

/* ---- attributes, as they are asked for ---- */

int
sns_get_subscription_attributes(struct api_call *call,
                                const struct sns_GetSubscriptionAttributesInput *req,
                                struct sns_GetSubscriptionAttributesResponse *res)
{
    struct sns_TextMap *map = &res->attributes;
    const struct sns_subscription_row *row;
    int r = find(call, req->subscription_arn, &row);

    if (r == 0)
        r = authorize(call, row);
    if (r)
        return r;
    const struct sns_topic_row *topic = sns_topic_get(call->txn, row->topic);

    assert(topic);
    sns_put_attribute(call, map, "Owner", row->account);
    sns_put_attribute(call, map, "RawMessageDelivery", sns_bool_text(row->raw));
    sns_put_attribute(call, map, "TopicArn", row->topic);
    sns_put_attribute(call, map, "Endpoint", row->endpoint);
    sns_put_attribute(call, map, "Protocol", row->protocol);
    sns_put_attribute(call, map, "PendingConfirmation", sns_bool_text(row->pending));
    sns_put_attribute(call, map, "ConfirmationWasAuthenticated", sns_bool_text(row->authenticated));
    sns_put_attribute(call, map, "SubscriptionArn", row->id);
    sns_put_attribute(call, map, "SubscriptionPrincipal", row->principal);
    if (row->filter.n) {
        sns_put_attribute(call, map, "FilterPolicy", row->filter);
        sns_put_attribute(call, map, "FilterPolicyScope", row->filter_scope);
    }
    if (row->redrive.n)
        sns_put_attribute(call, map, "RedrivePolicy", row->redrive);
    if (row->delivery_policy.n)
        sns_put_attribute(call, map, "DeliveryPolicy", row->delivery_policy);
    if (str_starts(row->protocol, S("http")))
        sns_put_attribute(call, map, "EffectiveDeliveryPolicy",
                          sns_retry_effective(call->arena, topic, row));
    return 0;
}

int
sns_set_subscription_attributes(struct api_call *call,
                                const struct sns_SetSubscriptionAttributesInput *req,
                                struct sns_SetSubscriptionAttributesResult *res UNUSED)
{
    const struct sns_subscription_row *old;
    int r = find(call, req->subscription_arn, &old);

    if (r == 0)
        r = authorize(call, old);
    if (r)
        return r;
    struct sns_subscription_row row = *old;

    r = take(call, &row, req->attribute_name,
             req->attribute_value.p ? req->attribute_value : S(""));
    if (r == 0)
        r = check_filter(call, &row);
    return r ? r : sns_subscription_update(call->txn, &row);
}

/* ---- lists ---- */

static void
show(struct api_call *call, const struct sns_subscription_row *row, struct sns_SubscriptionList *to)
{
    *LIST_PUSH(call->arena, to) = (struct sns_Subscription){
        .subscription_arn = row->pending ? S("PendingConfirmation") : row->id,
        .owner = row->account,
        .protocol = row->protocol,
        .endpoint = row->endpoint,
        .topic_arn = row->topic,
    };
}

static struct str
list(struct api_call *call, struct store_cursor c, struct api_page *page,
     const struct sns_subscription_row *next(struct store_cursor *cursor),
     struct sns_SubscriptionList *to)
{
    const struct sns_subscription_row *row;

    API_PRESENT(to);
    if (page->after.n)
        store_after(&c, STORE_KEYS(page->after));
    while (!page->more && (row = next(&c)))
        if (api_page_take(page, row->id))
            show(call, row, to);
    return sns_page_next(call, page);
}

int
sns_list_subscriptions(struct api_call *call, const struct sns_ListSubscriptionsInput *req,
                       struct sns_ListSubscriptionsResponse *res)
{
    struct store_cursor c =
        store_seek(call->txn, &sns_subscription_by_owner, STORE_KEYS(call->account, call->region));
    struct api_page page;
    int r = sns_page_open(call, req->next_token, &page);

    if (r == 0)
        res->next_token = list(call, c, &page, sns_subscription_by_owner_next, &res->subscriptions);
    return r;
}

int
sns_list_subscriptions_by_topic(struct api_call *call,
                                const struct sns_ListSubscriptionsByTopicInput *req,
                                struct sns_ListSubscriptionsByTopicResponse *res)
{
    const struct sns_topic_row *topic;
    struct api_page page;
    int r = sns_topic_find(call, req->topic_arn, &topic);

    if (r == 0)
        r = sns_page_open(call, req->next_token, &page);
    if (r)
        return r;
    struct store_cursor c =
        store_seek(call->txn, &sns_subscription_by_topic, STORE_KEYS(topic->id));

    res->next_token = list(call, c, &page, sns_subscription_by_topic_next, &res->subscriptions);
    return 0;
}
