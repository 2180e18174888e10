/* SendMessage and its batch: what may be sent, and that it was sent before. */
#include "sqs/sqs.h"

#include "codec/crypto.h"

enum { TOKEN_MAX = 128 };

/* What is sent, by itself or in a batch. */
struct said {
    struct str body, dedup, group;
    struct opt_i64 delay;
    const struct sqs_MessageAttributeValueMap *attributes;
    const struct sqs_MessageSystemAttributeValueMap *system;
};

struct sent {
    struct str id, md5, md5_attributes, md5_system, sequence;
};

/* ---- numbers ---- */

struct str
sqs_sequence_text(struct arena *a, int64_t number)
{
    assert(number > 0);
    return str_fmt(a, "%020lld", (long long)number + INT64_C(1000000000000000000));
}

int
sqs_number(struct api_call *call, struct str id, int64_t *ret)
{
    const struct sqs_queue_row *queue = sqs_queue_get(call->txn, id);
    struct sqs_queue_row row;

    assert(queue);
    if (!queue->fifo) {
        *ret = sqs_waits_number(call);
        return 0;
    }
    row = *queue;
    *ret = ++row.sequence;
    return sqs_queue_update(call->txn, &row);
}

/* ---- checks ---- */

/* Characters that XML can carry, which is what messages once were sent in. */
static bool
is_clean(struct str s)
{
    if (!str_is_utf8(s))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
            return false;
        /* U+FFFE and U+FFFF */
        if (c == 0xef && i + 2 < s.n && (unsigned char)s.p[i + 1] == 0xbf &&
            (unsigned char)s.p[i + 2] >= 0xbe)
            return false;
    }
    return true;
}

static bool
is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
            return false;
    return s.n <= TOKEN_MAX;
}

static int
check_order(struct api_call *call, const struct sqs_queue_row *queue, const struct said *said)
{
    static const char *const alien =
        "The request include parameter that is not valid for this queue type.";

    if (!is_token(said->group))
        return sqs_bad_value(call, said->group, "MessageGroupId",
                             "MessageGroupId can only include alphanumeric and punctuation "
                             "characters. 1 to 128 in length.");
    if (!is_token(said->dedup))
        return sqs_bad_value(call, said->dedup, "MessageDeduplicationId",
                             "MessageDeduplicationId can only include alphanumeric and punctuation "
                             "characters. 1 to 128 in length.");
    if (!queue->fifo)
        return said->dedup.p ? sqs_bad_value(call, said->dedup, "MessageDeduplicationId", alien)
                             : 0;
    if (said->delay.set && said->delay.v > 0)
        return sqs_bad_value(call, str_fmt(call->arena, "%lld", (long long)said->delay.v),
                             "DelaySeconds", alien);
    if (!said->group.n)
        return api_fault(call, &SQS_ERR(MissingParameter),
                         "The request must contain the parameter MessageGroupId.");
    if (!said->dedup.n && !queue->dedup_content)
        return api_fault(call, &SQS_ERR(InvalidParameterValue),
                         "The queue should either have ContentBasedDeduplication enabled or "
                         "MessageDeduplicationId provided explicitly");
    return 0;
}

static int
check(struct api_call *call, const struct sqs_queue_row *queue, const struct said *said)
{
    if (!said->body.n)
        return api_fault(call, &SQS_ERR(MissingParameter),
                         "The request must contain the parameter MessageBody.");
    if (!is_clean(said->body))
        return api_fault(call, &SQS_ERR(InvalidMessageContents),
                         "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | "
                         "#x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF");
    if (said->delay.set && (said->delay.v < 0 || said->delay.v > SQS_DELAY_MAX_S))
        return sqs_bad_value(call, str_fmt(call->arena, "%lld", (long long)said->delay.v),
                             "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.");
    return check_order(call, queue, said);
}

/* AWSTraceHeader is all there is. */
static int
take_system(struct api_call *call, const struct said *said, struct sqs_message_row *row,
            struct sent *sent)
{
    struct sqs_MessageAttributeValueMap as = {0};

    LIST_EACH(said->system, e) {
        struct sqs_MessageAttributeValue *v =
            ARENA_NEW(call->arena, struct sqs_MessageAttributeValue);

        if (!e->value || !str_is(e->value->data_type, "String") || !e->value->string_value.n)
            return api_fault(call, &SQS_ERR(InvalidParameterValue),
                             "The message system attribute '%.*s' must be a non-empty String.",
                             STR_ARG(e->key));
        v->data_type = e->value->data_type;
        v->string_value = row->trace = e->value->string_value;
        *LIST_PUSH(call->arena, &as) =
            (struct sqs_MessageAttributeValueMapEntry){.key = e->key, .value = v};
    }
    sent->md5_system = sqs_md5_attributes(call->arena, &as);
    return 0;
}

/* ---- FIFO ---- */

static struct str
content_hash(struct api_call *call, struct str text)
{
    uint8_t digest[SHA256_LEN];

    crypto_sha256(text.p, text.n, digest);
    return str_hex(call->arena, digest, sizeof(digest));
}

static struct str
dedup_key(struct api_call *call, const struct sqs_queue_row *queue,
          const struct sqs_message_row *row)
{
    bool by_group = str_is(queue->dedup_scope, "messageGroup");

    assert(row->dedup.n > 0);
    return str_fmt(call->arena, "%.*s %.*s%s%.*s", STR_ARG(queue->id),
                   STR_ARG(by_group ? row->group_id : S("")), by_group ? " " : "",
                   STR_ARG(row->dedup));
}

/* ---- sending ---- */

static int
keep(struct api_call *call, const struct sqs_queue_row *queue, struct sqs_message_row *row,
     struct sent *sent)
{
    struct str key = queue->fifo ? dedup_key(call, queue, row) : S("");
    const struct sqs_dedup_row *old = queue->fifo ? sqs_dedup_get(call->txn, key) : NULL;

    if (old && old->until_ms > call->now_ms) {
        sent->id = old->message;
        sent->sequence = sqs_sequence_text(call->arena, old->number);
        return 0;
    }
    int r = sqs_number(call, queue->id, &row->number);

    if (r < 0)
        return r;
    if (queue->fifo) {
        const struct sqs_dedup_row dedup = {.id = key,
                                            .message = row->id,
                                            .number = row->number,
                                            .until_ms = call->now_ms + SQS_DEDUP_MS};

        sent->sequence = sqs_sequence_text(call->arena, row->number);
        r = old ? sqs_dedup_update(call->txn, &dedup) : sqs_dedup_insert(call->txn, &dedup);
        if (r < 0)
            return r;
    }
    sent->id = row->id;
    sqs_message_assert(row);
    return sqs_message_insert(call->txn, row);
}

/* *bytes is the size of a batch so far. */
static int
send(struct api_call *call, const struct sqs_queue_row *queue, const struct said *said,
     size_t *bytes, struct sent *sent)
{
    struct sqs_message_row row = {
        .id = api_uuid(call->env, call->arena),
        .queue = queue->id,
        .body = said->body,
        .sender = call->principal_id.n ? call->principal_id : call->principal_arn,
        .group_id = said->group.p ? said->group : S(""),
        .sent_ms = call->now_ms,
        .visible_ms = call->now_ms + opt_i64_or(said->delay, queue->delay_s) * 1000,
        .expires_ms = call->now_ms + queue->retention_s * 1000,
    };
    size_t more;
    int r = check(call, queue, said);

    if (r == 0)
        r = sqs_content_read(call, said->attributes, &row.attributes, &more);
    if (r == 0)
        r = take_system(call, said, &row, sent);
    if (r)
        return r;
    *bytes += said->body.n + more;
    if (said->body.n + more > (size_t)queue->bytes_max)
        return api_fault(call, &SQS_ERR(InvalidParameterValue),
                         "One or more parameters are invalid. Reason: Message must be shorter than "
                         "%lld bytes.",
                         (long long)queue->bytes_max);
    if (queue->fifo)
        row.dedup = said->dedup.n ? said->dedup : content_hash(call, said->body);
    sent->md5 = sqs_md5(call->arena, said->body);
    sent->md5_attributes = sqs_md5_attributes(call->arena, said->attributes);
    return keep(call, queue, &row, sent);
}

int
sqs_send_message(struct api_call *call, const struct sqs_SendMessageRequest *req,
                 struct sqs_SendMessageResult *res)
{
    const struct said said = {.body = req->message_body,
                              .dedup = req->message_deduplication_id,
                              .group = req->message_group_id,
                              .delay = req->delay_seconds,
                              .attributes = &req->message_attributes,
                              .system = &req->message_system_attributes};
    const struct sqs_queue_row *queue;
    struct sent sent = {0};
    size_t bytes = 0;
    int r = sqs_queue_find(call, req->queue_url, &queue);

    if (r == 0)
        r = send(call, queue, &said, &bytes, &sent);
    if (r)
        return r;
    *res = (struct sqs_SendMessageResult){.message_id = sent.id,
                                          .md5_of_message_body = sent.md5,
                                          .md5_of_message_attributes = sent.md5_attributes,
                                          .md5_of_message_system_attributes = sent.md5_system,
                                          .sequence_number = sent.sequence};
    return 0;
}

static struct str
entry_id(const void *e)
{
    return ((const struct sqs_SendMessageBatchRequestEntry *)e)->id;
}

int
sqs_send_message_batch(struct api_call *call, const struct sqs_SendMessageBatchRequest *req,
                       struct sqs_SendMessageBatchResult *res)
{
    const struct sqs_queue_row *queue;
    size_t bytes = 0;
    int r = sqs_queue_find(call, req->queue_url, &queue);

    if (r == 0)
        r = sqs_batch_check(call, "SendMessageBatchRequestEntry", entry_id, req->entries.v,
                            sizeof(*req->entries.v), req->entries.n);
    API_PRESENT(&res->successful);
    API_PRESENT(&res->failed);
    for (size_t i = 0; i < req->entries.n && r == 0; i++) {
        const struct sqs_SendMessageBatchRequestEntry *e = &req->entries.v[i];
        const struct said said = {.body = e->message_body,
                                  .dedup = e->message_deduplication_id,
                                  .group = e->message_group_id,
                                  .delay = e->delay_seconds,
                                  .attributes = &e->message_attributes,
                                  .system = &e->message_system_attributes};
        struct sent sent = {0};
        int got = send(call, queue, &said, &bytes, &sent);

        if (bytes > SQS_MESSAGE_MAX)
            return api_fault(call, &SQS_ERR(BatchRequestTooLong),
                             "Batch requests cannot be longer than %d bytes. You have sent %zu "
                             "bytes.",
                             SQS_MESSAGE_MAX, bytes);
        if (got > 0)
            *LIST_PUSH(call->arena, &res->failed) = sqs_batch_fault(call, e->id);
        else if (got < 0)
            r = got;
        else
            *LIST_PUSH(call->arena, &res->successful) = (struct sqs_SendMessageBatchResultEntry){
                .id = e->id,
                .message_id = sent.id,
                .md5_of_message_body = sent.md5,
                .md5_of_message_attributes = sent.md5_attributes,
                .md5_of_message_system_attributes = sent.md5_system,
                .sequence_number = sent.sequence};
    }
    return r;
}
