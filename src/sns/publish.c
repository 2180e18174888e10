/* Publish and PublishBatch: what may be said, and that it was said before. */
#include "sns/sns.h"

#include "codec/crypto.h"

enum { ID_MAX = 80, DEDUP_MAX = 128, NODES_MAX = 10000, ATTRIBUTE_NAME_MAX = 256 };

/* ---- attributes ---- */

static int
bad_attribute(struct api_call *call, struct str name, const char *what)
{
    assert(what[0] != '\0');
    return api_fault(call, &SNS_ERR(ParameterValueInvalid), "The message attribute '%.*s' %s",
                     STR_ARG(name), what);
}

static bool
is_of(struct str type, const char *base)
{
    struct str rest = type;

    return str_is(str_split(&rest, '.'), base);
}

static int
take_attribute(struct api_call *call, const struct sns_MessageAttributeValueMapEntry *e,
               struct sns_message *m, size_t *bytes)
{
    struct json number = {.kind = JSON_NUMBER};
    double v;

    if (!e->key.n || e->key.n > ATTRIBUTE_NAME_MAX)
        return bad_attribute(call, e->key, "must have a name of 1 to 256 characters.");
    if (!e->value || !e->value->data_type.n)
        return bad_attribute(call, e->key, "must contain non-empty message attribute type.");
    struct str type = e->value->data_type, text = e->value->string_value;
    bool binary = is_of(type, "Binary");

    if (!binary && !is_of(type, "String") && !is_of(type, "Number"))
        return bad_attribute(call, e->key,
                             "has an invalid message attribute type, the set of supported type "
                             "prefixes is Binary, Number, and String.");
    if (binary ? !e->value->binary_value.n : !text.n)
        return bad_attribute(call, e->key, "must contain non-empty message attribute value.");
    number.text = text;
    if (is_of(type, "Number") && !json_f64(&number, &v))
        return api_fault(call, &SNS_ERR(ParameterValueInvalid),
                         "Could not cast message attribute '%.*s' value to number.",
                         STR_ARG(e->key));
    *bytes += e->key.n + type.n + (binary ? e->value->binary_value.n : text.n);
    *LIST_PUSH(call->arena, &m->attributes) = (struct sns_attribute){
        .name = e->key,
        .type = type,
        .value = binary ? str_base64(call->arena, e->value->binary_value) : text,
    };
    return 0;
}

/* ---- the message ---- */

struct said {
    struct str message, subject, structure, dedup, group;
    const struct sns_MessageAttributeValueMap *attributes;
};

static int
check_subject(struct api_call *call, struct str subject)
{
    bool ok = subject.n > 0 && str_is_utf8(subject) && str_chars(subject) <= SNS_SUBJECT_MAX;

    for (size_t i = 0; i < subject.n; i++)
        ok = ok && (unsigned char)subject.p[i] >= 0x20 && subject.p[i] != 0x7f;
    return ok ? 0 : SNS_INVALID(call, "Subject");
}

/* MessageStructure json: a text for each protocol, and one for all others. */
static int
read_structure(struct api_call *call, struct str text, struct sns_message *m)
{
    struct json *bodies = ARENA_NEW(call->arena, struct json);

    if (!sns_json(call->arena, text, bodies))
        return SNS_INVALID(call, "Message Structure - JSON message body failed to parse");
    if (!json_text(bodies, "default").p)
        return SNS_INVALID(call, "Message Structure - No default entry in JSON message body");
    m->bodies = bodies;
    m->body = json_text(bodies, "default");
    return 0;
}

static struct str
content_hash(struct api_call *call, struct str text)
{
    uint8_t digest[SHA256_LEN];

    crypto_sha256(text.p, text.n, digest);
    return str_hex(call->arena, digest, sizeof(digest));
}

static int
check_fifo(struct api_call *call, const struct said *said, struct sns_message *m)
{
    if (!m->topic->fifo) {
        if (said->dedup.p)
            return SNS_INVALID(call, "MessageDeduplicationId Reason: The request includes "
                                     "MessageDeduplicationId parameter that is not valid for this "
                                     "topic type");
        m->group = said->group.n ? said->group : STR_NONE;
        return 0;
    }
    if (!said->group.n)
        return SNS_INVALID(call, "The MessageGroupId parameter is required for FIFO topics");
    if (!said->dedup.n && !m->topic->dedup_content)
        return SNS_INVALID(call, "The topic should either have ContentBasedDeduplication enabled "
                                 "or MessageDeduplicationId provided explicitly");
    if (said->dedup.n > DEDUP_MAX || said->group.n > DEDUP_MAX)
        return SNS_INVALID(call, "%s",
                           said->dedup.n > DEDUP_MAX ? "MessageDeduplicationId" : "MessageGroupId");
    m->group = said->group;
    m->dedup = said->dedup.n ? said->dedup : content_hash(call, said->message);
    return 0;
}

/* Reads and checks it; *bytes grows by its size. */
static int
read_message(struct api_call *call, const struct said *said, struct sns_message *m, size_t *bytes)
{
    int r = 0;

    if (!said->message.n)
        return SNS_INVALID(call, "Empty message");
    if (said->subject.p)
        r = check_subject(call, said->subject);
    if (r == 0 && said->structure.n && !str_is(said->structure, "json"))
        r = SNS_INVALID(call, "MessageStructure");
    m->subject = said->subject;
    m->body = said->message;
    *bytes += said->message.n;
    if (said->attributes->n > SNS_ATTRIBUTES_MAX)
        return SNS_INVALID(call, "MessageAttributes");
    LIST_EACH(said->attributes, e) {
        if (r == 0)
            r = take_attribute(call, e, m, bytes);
    }
    if (r == 0 && *bytes > SNS_MESSAGE_MAX)
        r = SNS_INVALID(call, "Message too long");
    if (r == 0 && said->structure.n)
        r = read_structure(call, said->message, m);
    return r ? r : check_fifo(call, said, m);
}

/* ---- FIFO ---- */

static int
drop_old(struct api_call *call)
{
    int r = 0;

    STORE_EACH(call->txn, sns_dedup_by_until, row) {
        if (r < 0 || row->until_ms > call->now_ms)
            break;
        r = sns_dedup_delete(call->txn, row->id);
    }
    return r;
}

/* Whether it was sent before: then *m has its id and number.  Else it gets a number. */
static int
deduplicate(struct api_call *call, struct sns_message *m, bool *ret_again)
{
    bool by_group = str_is(m->topic->throughput, "MessageGroup");
    struct str key =
        str_fmt(call->arena, "%.*s %.*s%s%.*s", STR_ARG(m->topic->id),
                STR_ARG(by_group ? m->group : S("")), by_group ? " " : "", STR_ARG(m->dedup));
    int r = drop_old(call);
    const struct sns_dedup_row *old = r < 0 ? NULL : sns_dedup_get(call->txn, key);
    struct sns_topic_row topic = *m->topic;

    *ret_again = old != NULL;
    topic.sequence += old ? 0 : 1;
    m->sequence =
        str_fmt(call->arena, "1%019lld", (long long)(old ? old->sequence : topic.sequence) * 1000);
    if (old)
        m->id = str_dup(call->arena, old->message);
    if (r < 0 || old)
        return r;
    const struct sns_dedup_row row = {.id = key,
                                      .message = m->id,
                                      .sequence = topic.sequence,
                                      .until_ms = call->now_ms + SNS_DEDUP_MS};

    r = sns_dedup_insert(call->txn, &row);
    return r < 0 ? r : sns_topic_update(call->txn, &topic);
}

static int
send(struct api_call *call, struct sns_message *m)
{
    bool again = false;
    int r = 0;

    m->id = api_uuid(call->env, call->arena);
    m->at_ms = call->now_ms;
    if (m->topic->fifo)
        r = deduplicate(call, m, &again);
    return r < 0 || again ? r : sns_deliver(call, m);
}

/* ---- the operations ---- */

int
sns_publish(struct api_call *call, const struct sns_PublishInput *req,
            struct sns_PublishResponse *res)
{
    const struct said said = {.message = req->message,
                              .subject = req->subject,
                              .structure = req->message_structure,
                              .dedup = req->message_deduplication_id,
                              .group = req->message_group_id,
                              .attributes = &req->message_attributes};
    struct str arn = req->topic_arn.p ? req->topic_arn : req->target_arn;
    struct sns_message m = {0};
    size_t bytes = 0;

    if (req->phone_number.p)
        return sns_unsupported(call, "parameter", S("PhoneNumber"));
    if (!arn.n || (req->topic_arn.p && req->target_arn.p))
        return SNS_INVALID(call, "TopicArn or TargetArn Reason: %s",
                           arn.n ? "only one of them may be given"
                                 : "no value for required "
                                   "parameter");
    if (str_find(arn, S(":endpoint/")) != SIZE_MAX)
        return sns_unsupported(call, "target", arn);
    int r = sns_topic_find(call, arn, &m.topic);

    if (r == 0)
        r = read_message(call, &said, &m, &bytes);
    if (r == 0)
        r = send(call, &m);
    res->message_id = m.id;
    res->sequence_number = m.sequence;
    return r;
}

static int
check_ids(struct api_call *call, const struct sns_PublishBatchRequestEntryList *entries)
{
    if (!entries->n)
        return api_fault(call, &SNS_ERR(EmptyBatchRequest),
                         "The batch request doesn't contain any entries.");
    if (entries->n > SNS_BATCH_MAX)
        return api_fault(call, &SNS_ERR(TooManyEntriesInBatchRequest),
                         "The batch request contains more entries than permissible.");
    for (size_t i = 0; i < entries->n; i++) {
        struct str id = entries->v[i].id;
        bool ok = id.n > 0 && id.n <= ID_MAX;

        for (size_t k = 0; k < id.n; k++)
            ok = ok && ((id.p[k] >= 'a' && id.p[k] <= 'z') || (id.p[k] >= 'A' && id.p[k] <= 'Z') ||
                        (id.p[k] >= '0' && id.p[k] <= '9') || id.p[k] == '-' || id.p[k] == '_');
        if (!ok)
            return api_fault(call, &SNS_ERR(InvalidBatchEntryId),
                             "The Id of a batch entry in a batch request doesn't abide by the "
                             "specification.");
        for (size_t k = 0; k < i; k++)
            if (str_eq(id, entries->v[k].id))
                return api_fault(call, &SNS_ERR(BatchEntryIdsNotDistinct),
                                 "Two or more batch entries in the request have the same Id.");
    }
    return 0;
}

int
sns_publish_batch(struct api_call *call, const struct sns_PublishBatchInput *req,
                  struct sns_PublishBatchResponse *res)
{
    const struct sns_topic_row *topic;
    size_t all = 0;
    int r = sns_topic_find(call, req->topic_arn, &topic);

    if (r == 0)
        r = check_ids(call, &req->publish_batch_request_entries);
    API_PRESENT(&res->successful);
    API_PRESENT(&res->failed);
    for (size_t i = 0; i < req->publish_batch_request_entries.n && r == 0; i++) {
        const struct sns_PublishBatchRequestEntry *e = &req->publish_batch_request_entries.v[i];
        const struct said said = {.message = e->message,
                                  .subject = e->subject,
                                  .structure = e->message_structure,
                                  .dedup = e->message_deduplication_id,
                                  .group = e->message_group_id,
                                  .attributes = &e->message_attributes};
        /* the topic's row changes with each message of a FIFO topic */
        struct sns_message m = {.topic = sns_topic_get(call->txn, req->topic_arn)};
        size_t bytes = 0;
        int got = read_message(call, &said, &m, &bytes);

        all += bytes;
        if (all > SNS_MESSAGE_MAX)
            return api_fault(call, &SNS_ERR(BatchRequestTooLong),
                             "The length of all the batch messages put together is more than the "
                             "limit.");
        if (got == 0)
            r = send(call, &m);
        if (got == 0 && r == 0) {
            *LIST_PUSH(call->arena, &res->successful) = (struct sns_PublishBatchResultEntry){
                .id = e->id, .message_id = m.id, .sequence_number = m.sequence};
        } else if (got > 0) {
            *LIST_PUSH(call->arena, &res->failed) =
                (struct sns_BatchResultErrorEntry){.id = e->id,
                                                   .code = call->fault.code,
                                                   .message = call->fault.message,
                                                   .sender_fault = opt_bool(true)};
            call->fault = (struct api_fault){0};
        } else if (got < 0) {
            r = got;
        }
    }
    return r;
}
