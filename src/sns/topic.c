/*
 * Topics.  What is set by name is a table: where an attribute's text lies in the row, and what it
 * may be; the others are computed when they are asked for.
 */
#include "sns/sns.h"

struct attribute {
    const char *name;
    /* Takes the text into the row: 0 or positive with the fault. */
    int (*take)(struct api_call *call, struct sns_topic_row *row, struct str text);
};

/* ---- attributes, as they are set ---- */

static int
bad_value(struct api_call *call, const char *name, struct str text)
{
    return SNS_INVALID(call, "Attributes Reason: %s: Invalid value [%.*s]", name, STR_ARG(text));
}

static int
take_policy(struct api_call *call, struct sns_topic_row *row, struct str text)
{
    if (!text.n) { /* the one that it had at first */
        row->policy = sns_policy_default(call->arena, row->id, row->account);
        return 0;
    }
    row->policy = text;
    return sns_policy_check(call, text);
}

static int
take_display_name(struct api_call *call, struct sns_topic_row *row, struct str text)
{
    row->display_name = text;
    if (str_chars(text) > SNS_DISPLAY_NAME_MAX)
        return SNS_INVALID(call, "DisplayName");
    return 0;
}

static int
take_delivery_policy(struct api_call *call, struct sns_topic_row *row, struct str text)
{
    row->delivery_policy = text;
    return text.n ? sns_retry_check(call, text, true) : 0;
}

static int
take_signature_version(struct api_call *call, struct sns_topic_row *row, struct str text)
{
    row->signature_version = text;
    return str_is(text, "1") || str_is(text, "2") ? 0 : bad_value(call, "SignatureVersion", text);
}

static int
take_tracing(struct api_call *call, struct sns_topic_row *row, struct str text)
{
    row->tracing = text;
    if (str_is(text, "Active"))
        return sns_unsupported(call, "TracingConfig", text);
    return !text.n || str_is(text, "PassThrough") ? 0 : bad_value(call, "TracingConfig", text);
}

static int
take_fifo(struct api_call *call, struct sns_topic_row *row, struct str text)
{
    return sns_bool(text, &row->fifo) ? 0 : bad_value(call, "FifoTopic", text);
}

static int
take_dedup(struct api_call *call, struct sns_topic_row *row, struct str text)
{
    if (!sns_bool(text, &row->dedup_content))
        return bad_value(call, "ContentBasedDeduplication", text);
    if (row->dedup_content && !row->fifo)
        return SNS_INVALID(call, "Attributes Reason: Content-based deduplication can only be set "
                                 "for FIFO topics");
    return 0;
}

static int
take_throughput(struct api_call *call, struct sns_topic_row *row, struct str text)
{
    row->throughput = text;
    if (!row->fifo)
        return SNS_INVALID(call, "Attributes Reason: FifoThroughputScope can only be set for FIFO "
                                 "topics");
    return str_is(text, "Topic") || str_is(text, "MessageGroup")
               ? 0
               : bad_value(call, "FifoThroughputScope", text);
}

/* FifoTopic comes first: others depend on it. */
static const struct attribute attributes[] = {
    {"FifoTopic", take_fifo},
    {"Policy", take_policy},
    {"DisplayName", take_display_name},
    {"DeliveryPolicy", take_delivery_policy},
    {"SignatureVersion", take_signature_version},
    {"TracingConfig", take_tracing},
    {"ContentBasedDeduplication", take_dedup},
    {"FifoThroughputScope", take_throughput},
};
/* What a topic may have on AWS; no text is what it is without. */
static const char *const absent[] = {"KmsMasterKeyId", "ArchivePolicy"};

static int
take(struct api_call *call, struct sns_topic_row *row, struct str name, struct str text)
{
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
        if (str_is(name, attributes[i].name))
            return attributes[i].take(call, row, text);
    for (size_t i = 0; i < ARRAY_LEN(absent); i++)
        if (str_is(name, absent[i]))
            return text.n ? sns_unsupported(call, "attribute", name) : 0;
    if (str_ends(name, S("FeedbackRoleArn")) || str_ends(name, S("FeedbackSampleRate")))
        return text.n ? sns_unsupported(call, "attribute", name) : 0;
    return SNS_INVALID(call, "AttributeName");
}

static int
take_all(struct api_call *call, const struct sns_TextMap *map, struct sns_topic_row *row)
{
    int r = 0;

    for (size_t i = 0; i < map->n && r == 0; i++)
        if (str_is(map->v[i].key, "FifoTopic"))
            r = take_fifo(call, row, map->v[i].value);
    for (size_t i = 0; i < map->n && r == 0; i++)
        r = take(call, row, map->v[i].key, map->v[i].value);
    return r;
}

/* ---- CreateTopic, DeleteTopic ---- */

static int
check_name(struct api_call *call, struct str name, bool fifo)
{
    static const char *const text =
        "must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and "
        "hyphens, and must be between 1 and 256 characters long.";
    struct str stem = fifo && str_ends(name, S(".fifo")) ? str_cut(name, 0, name.n - 5) : name;
    bool ok = stem.n > 0 && name.n <= SNS_NAME_MAX && fifo == (stem.n != name.n);

    for (size_t i = 0; i < stem.n; i++) {
        char c = stem.p[i];

        ok = ok && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '_');
    }
    if (ok)
        return 0;
    return SNS_INVALID(call, "Topic Name Reason: %s %s",
                       fifo ? "Fifo Topic names must end with .fifo and" : "Topic names", text);
}

/* The same topic again: what is said of it must be what it is. */
static int
again(struct api_call *call, const struct sns_CreateTopicInput *req,
      const struct sns_topic_row *old)
{
    struct sns_topic_row row = *old;
    struct str_list tags = {0};
    int r = take_all(call, &req->attributes, &row);

    if (r)
        return r;
    if (!str_eq(row.policy, old->policy) || !str_eq(row.display_name, old->display_name) ||
        !str_eq(row.delivery_policy, old->delivery_policy) || row.fifo != old->fifo ||
        row.dedup_content != old->dedup_content ||
        !str_eq(row.signature_version, old->signature_version) ||
        !str_eq(row.throughput, old->throughput))
        return SNS_INVALID(call,
                           "Attributes Reason: Topic already exists with different attributes");
    r = sns_tags_put(call, &req->tags, &tags);
    if (r == 0 && req->tags.n && !str_list_eq(&tags, &old->tags))
        return SNS_INVALID(call, "Tags Reason: Topic already exists with different tags");
    return r;
}

int
sns_create_topic(struct api_call *call, const struct sns_CreateTopicInput *req,
                 struct sns_CreateTopicResponse *res)
{
    struct sns_topic_row row = {.account = call->account,
                                .region = call->region,
                                .name = req->name,
                                .created_ms = call->now_ms};
    const struct sns_topic_row *old;
    size_t n = 0;

    if (req->data_protection_policy.p)
        return sns_unsupported(call, "parameter", S("DataProtectionPolicy"));
    row.id = str_fmt(call->arena, "arn:aws:sns:%.*s:%.*s:%.*s", STR_ARG(call->region),
                     STR_ARG(call->account), STR_ARG(req->name));
    row.policy = sns_policy_default(call->arena, row.id, row.account);
    res->topic_arn = row.id;
    old = sns_topic_get(call->txn, row.id);
    if (old)
        return again(call, req, old);
    int r = take_all(call, &req->attributes, &row);

    if (r == 0)
        r = check_name(call, req->name, row.fifo);
    if (r == 0)
        r = sns_tags_put(call, &req->tags, &row.tags);
    if (r)
        return r;
    if (row.fifo && !row.throughput.n)
        row.throughput = S("Topic");
    STORE_EACH(call->txn, sns_topic_by_owner, each, call->account, call->region)
        n += each->id.n > 0;
    if (n >= SNS_TOPICS_MAX)
        return api_fault(call, &SNS_ERR(TopicLimitExceeded),
                         "You have reached the limit of %d topics.", SNS_TOPICS_MAX);
    sns_topic_assert(&row);
    return sns_topic_insert(call->txn, &row);
}

/* There may be none: AWS answers the same. */
int
sns_delete_topic(struct api_call *call, const struct sns_DeleteTopicInput *req,
                 struct sns_DeleteTopicResult *res UNUSED)
{
    const struct sns_topic_row *topic;
    int r = sns_topic_find(call, req->topic_arn, &topic);

    if (r > 0 && str_is(call->fault.code, "NotFound")) {
        call->fault = (struct api_fault){0};
        return 0;
    }
    if (r)
        return r;
    struct str id = str_dup(call->arena, topic->id);

    STORE_EACH(call->txn, sns_subscription_by_topic, row, id) {
        if (r >= 0)
            r = sns_subscription_drop(call, row);
    }
    STORE_EACH(call->txn, sns_dedup_by_key, row) {
        if (r >= 0 && str_starts(row->id, id) && row->id.n > id.n && row->id.p[id.n] == ' ')
            r = sns_dedup_delete(call->txn, row->id);
    }
    return r < 0 ? r : sns_topic_delete(call->txn, id);
}

/* ---- attributes, as they are shown ---- */

static struct str
number(struct api_call *call, int64_t v)
{
    return str_fmt(call->arena, "%lld", (long long)v);
}

int
sns_get_topic_attributes(struct api_call *call, const struct sns_GetTopicAttributesInput *req,
                         struct sns_GetTopicAttributesResponse *res)
{
    struct sns_TextMap *map = &res->attributes;
    const struct sns_topic_row *row;
    int64_t pending = 0, confirmed = 0;
    int r = sns_topic_find(call, req->topic_arn, &row);

    if (r)
        return r;
    STORE_EACH(call->txn, sns_subscription_by_topic, s, row->id)
        *(s->pending ? &pending : &confirmed) += 1;
    sns_put_attribute(call, map, "Policy", row->policy);
    sns_put_attribute(call, map, "Owner", row->account);
    sns_put_attribute(call, map, "SubscriptionsPending", number(call, pending));
    sns_put_attribute(call, map, "TopicArn", row->id);
    sns_put_attribute(call, map, "EffectiveDeliveryPolicy",
                      sns_retry_effective(call->arena, row, NULL));
    sns_put_attribute(call, map, "SubscriptionsConfirmed", number(call, confirmed));
    sns_put_attribute(call, map, "DisplayName", row->display_name);
    sns_put_attribute(call, map, "SubscriptionsDeleted", number(call, row->deleted));
    if (row->delivery_policy.n)
        sns_put_attribute(call, map, "DeliveryPolicy", row->delivery_policy);
    if (row->signature_version.n)
        sns_put_attribute(call, map, "SignatureVersion", row->signature_version);
    if (row->tracing.n)
        sns_put_attribute(call, map, "TracingConfig", row->tracing);
    if (!row->fifo)
        return 0;
    sns_put_attribute(call, map, "FifoTopic", S("true"));
    sns_put_attribute(call, map, "ContentBasedDeduplication", sns_bool_text(row->dedup_content));
    sns_put_attribute(call, map, "FifoThroughputScope", row->throughput);
    return 0;
}

int
sns_set_topic_attributes(struct api_call *call, const struct sns_SetTopicAttributesInput *req,
                         struct sns_SetTopicAttributesResult *res UNUSED)
{
    const struct sns_topic_row *old;
    int r = sns_topic_find(call, req->topic_arn, &old);

    if (r)
        return r;
    struct sns_topic_row row = *old;
    struct str text = req->attribute_value.p ? req->attribute_value : S("");

    if (str_is(req->attribute_name, "FifoTopic"))
        return SNS_INVALID(call, "AttributeName");
    r = take(call, &row, req->attribute_name, text);
    if (r)
        return r;
    sns_topic_assert(&row);
    return sns_topic_update(call->txn, &row);
}

int
sns_list_topics(struct api_call *call, const struct sns_ListTopicsInput *req,
                struct sns_ListTopicsResponse *res)
{
    struct api_page page;
    int r = sns_page_open(call, req->next_token, &page);

    if (r)
        return r;
    API_PRESENT(&res->topics);
    struct store_cursor c =
        store_seek(call->txn, &sns_topic_by_owner, STORE_KEYS(call->account, call->region));
    const struct sns_topic_row *row;

    if (page.after.n)
        store_after(&c, STORE_KEYS(page.after));
    while (!page.more && (row = sns_topic_by_owner_next(&c)))
        if (api_page_take(&page, row->name))
            *LIST_PUSH(call->arena, &res->topics) = (struct sns_Topic){.topic_arn = row->id};
    res->next_token = sns_page_next(call, &page);
    return 0;
}
