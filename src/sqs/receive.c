/*
 * ReceiveMessage.  Of a standard queue the rows come in the order in which they became visible, so
 * a look ends at the first that is not.  Of a FIFO queue they come by group: a group whose first
 * message is not visible is passed over, and the groups take turns.
 */
#include "sqs/sqs.h"

enum { NONCE_BYTES = 12, MESSAGES_MAX = 10 };

struct receiving {
    struct api_call *call;
    const struct sqs_queue_row *queue;
    const struct sqs_ReceiveMessageRequest *req;
    struct sqs_ReceiveMessageResult *res;
    struct str dead; /* the queue for what was received too often; empty: none */
    int64_t receives_max, visibility_s, left, next_ms;
};

/* ---- showing ---- */

static bool
asks(const struct sqs_ReceiveMessageRequest *req, const char *name)
{
    return str_in(&req->message_system_attribute_names, str_from(name)) ||
           str_in(&req->message_system_attribute_names, S("All")) ||
           str_in(&req->attribute_names, str_from(name)) || str_in(&req->attribute_names, S("All"));
}

static struct str
number(struct arena *a, int64_t v)
{
    return str_fmt(a, "%lld", (long long)v);
}

static void
show_system(struct receiving *r, const struct sqs_message_row *row, struct sqs_Message *to)
{
    struct arena *a = r->call->arena;
    const struct {
        const char *name;
        struct str value;
    } all[] = {
        {"SenderId", row->sender},
        {"SentTimestamp", number(a, row->sent_ms)},
        {"ApproximateReceiveCount", number(a, row->received)},
        {"ApproximateFirstReceiveTimestamp", number(a, row->first_ms)},
        {"SequenceNumber", r->queue->fifo ? sqs_sequence_text(a, row->number) : S("")},
        {"MessageDeduplicationId", row->dedup},
        {"MessageGroupId", row->group_id},
        {"AWSTraceHeader", row->trace},
        {"DeadLetterQueueSourceArn", row->origin},
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].value.n && asks(r->req, all[i].name))
            *LIST_PUSH(a, &to->attributes) =
                (struct sqs_TextMapEntry){.key = str_from(all[i].name), .value = all[i].value};
}

static void
show(struct receiving *r, const struct sqs_message_row *row)
{
    struct arena *a = r->call->arena;
    struct sqs_Message *to = LIST_PUSH(a, &r->res->messages);

    /* the reply is written when the transaction has ended, perhaps after it waited */
    to->message_id = str_dup(a, row->id);
    to->body = str_dup(a, row->body);
    to->md5_of_body = sqs_md5(a, row->body);
    to->receipt_handle =
        str_base64(a, str_fmt(a, "%.*s %.*s", STR_ARG(row->id), STR_ARG(row->nonce)));
    sqs_content_show(a, str_dup(a, row->attributes), &r->req->message_attribute_names,
                     &to->message_attributes);
    to->md5_of_message_attributes = sqs_md5_attributes(a, &to->message_attributes);
    show_system(r, row, to);
}

/* ---- taking ---- */

static int
bury(struct receiving *r, const struct sqs_message_row *old)
{
    struct sqs_message_row row = *old;
    const struct sqs_queue_row *dead = sqs_queue_get(r->call->txn, r->dead);
    int got = sqs_number(r->call, r->dead, &row.number);

    assert(dead);
    row.queue = r->dead;
    row.origin = r->queue->id;
    row.visible_ms = r->call->now_ms;
    row.nonce = S("");
    /* its time counts from when it was sent first; of a FIFO queue from now on */
    if (dead->fifo)
        row.sent_ms = r->call->now_ms;
    row.expires_ms = MAX(row.sent_ms + dead->retention_s * 1000, row.sent_ms + 1);
    return got < 0 ? got : sqs_message_update(r->call->txn, &row);
}

/* One that is visible: to the caller, or to the dead-letter queue. */
static int
take(struct receiving *r, const struct sqs_message_row *old)
{
    struct api_call *call = r->call;
    struct sqs_message_row row = *old;
    uint8_t random[NONCE_BYTES];

    sqs_message_assert(old);
    if (r->dead.n && old->received >= r->receives_max)
        return bury(r, old);
    call->env->random(call->env, random, sizeof(random));
    row.nonce = str_hex(call->arena, random, sizeof(random));
    row.received++;
    if (!row.first_ms)
        row.first_ms = call->now_ms;
    row.visible_ms = call->now_ms + r->visibility_s * 1000;
    int got = sqs_message_update(call->txn, &row);

    if (got < 0)
        return got;
    show(r, &row);
    r->left--;
    return 0;
}

static void
later(struct receiving *r, int64_t visible_ms)
{
    if (!r->next_ms || visible_ms < r->next_ms)
        r->next_ms = visible_ms;
}

static int
receive_standard(struct receiving *r)
{
    int64_t now_ms = r->call->now_ms;
    /* what is taken is met again if it is visible at once; each but once */
    const struct sqs_message_row *taken[MESSAGES_MAX];
    size_t n = 0;

    STORE_EACH(r->call->txn, sqs_message_by_visible, row, r->queue->id) {
        if (row->visible_ms > now_ms)
            later(r, row->visible_ms);
        if (row->visible_ms > now_ms || n == (size_t)r->left)
            break;
        if (row->expires_ms > now_ms)
            taken[n++] = row;
    }
    for (size_t i = 0; i < n; i++) {
        int got = take(r, taken[i]);

        if (got < 0)
            return got;
    }
    return 0;
}

/* The messages of one group, from its first on, while they are visible. */
static int
receive_group(struct receiving *r, struct str group)
{
    int64_t now_ms = r->call->now_ms;
    const struct sqs_message_row *taken[MESSAGES_MAX];
    size_t n = 0;

    STORE_EACH(r->call->txn, sqs_message_by_group, row, r->queue->id, group) {
        if (n == (size_t)r->left)
            break;
        if (row->expires_ms <= now_ms)
            continue;
        if (row->visible_ms > now_ms) {
            later(r, row->visible_ms);
            break;
        }
        taken[n++] = row;
    }
    for (size_t i = 0; i < n; i++) {
        int got = take(r, taken[i]);

        if (got < 0)
            return got;
    }
    return 0;
}

/* The first group behind one; p NULL: there is none. */
static struct str
group_after(struct receiving *r, struct str group)
{
    struct store_cursor c =
        store_seek(r->call->txn, &sqs_message_by_group, STORE_KEYS(r->queue->id));

    if (group.n)
        store_after(&c, STORE_KEYS(group, INT64_MAX));
    const struct sqs_message_row *row = sqs_message_by_group_next(&c);

    return row ? row->group_id : STR_NONE;
}

static int
receive_fifo(struct receiving *r)
{
    struct str from = r->queue->last_group, group = from, last = STR_NONE;
    bool again = false;
    int got = 0;

    while (r->left > 0 && got == 0) {
        int64_t before = r->left;

        group = group_after(r, group);
        if (!group.p && !again && from.n) { /* once around */
            again = true;
            group = S("");
            continue;
        }
        if (!group.p || (again && str_cmp(group, from) > 0))
            break;
        got = receive_group(r, group);
        if (r->left < before)
            last = group;
    }
    const struct sqs_queue_row *queue = sqs_queue_get(r->call->txn, r->queue->id);
    struct sqs_queue_row row = *queue;

    if (got < 0 || !last.p)
        return got;
    row.last_group = last;
    return sqs_queue_update(r->call->txn, &row);
}

int
sqs_receive(struct api_call *call, const struct sqs_queue_row *queue,
            const struct sqs_ReceiveMessageRequest *req, struct sqs_ReceiveMessageResult *res,
            int64_t *ret_next_ms)
{
    struct receiving r = {.call = call,
                          .queue = queue,
                          .req = req,
                          .res = res,
                          .visibility_s = opt_i64_or(req->visibility_timeout, queue->visibility_s),
                          .left = opt_i64_or(req->max_number_of_messages, 1)};

    assert(r.left >= 1 && r.left <= MESSAGES_MAX);
    if (!sqs_redrive(call->arena, queue->redrive, &r.dead, &r.receives_max) ||
        !sqs_queue_get(call->txn, r.dead))
        r.dead = S("");
    int got = queue->fifo ? receive_fifo(&r) : receive_standard(&r);

    *ret_next_ms = r.next_ms;
    return got;
}

/* ---- the operation ---- */

static int
check(struct api_call *call, const struct sqs_ReceiveMessageRequest *req)
{
    const struct {
        struct opt_i64 v;
        int64_t min, max;
        const char *name, *why;
    } all[] = {
        {req->max_number_of_messages, 1, MESSAGES_MAX, "MaxNumberOfMessages",
         "Must be between 1 and 10, if provided."},
        {req->wait_time_seconds, 0, SQS_WAIT_MAX_S, "WaitTimeSeconds",
         "Must be >= 0 and <= 20, if provided."},
        {req->visibility_timeout, 0, SQS_VISIBILITY_MAX_S, "VisibilityTimeout",
         "Must be between 0 and 43200, if provided."},
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].v.set && (all[i].v.v < all[i].min || all[i].v.v > all[i].max))
            return sqs_bad_value(call, str_fmt(call->arena, "%lld", (long long)all[i].v.v),
                                 all[i].name, all[i].why);
    if (req->receive_request_attempt_id.p)
        return api_fault(call, &SQS_ERR(InvalidParameterValue),
                         "Welkin does not implement the parameter ReceiveRequestAttemptId.");
    return 0;
}

int
sqs_receive_message(struct api_call *call, const struct sqs_ReceiveMessageRequest *req,
                    struct sqs_ReceiveMessageResult *res)
{
    const struct sqs_queue_row *queue;
    int64_t next_ms;
    int r = sqs_queue_find(call, req->queue_url, &queue);

    if (r == 0)
        r = check(call, req);
    if (r == 0)
        r = sqs_receive(call, queue, req, res, &next_ms);
    if (r || res->messages.n)
        return r;
    int64_t wait_s = opt_i64_or(req->wait_time_seconds, queue->wait_s);

    /* inside another call nobody can wait */
    if (wait_s && call->reply)
        sqs_wait(call, req, res, str_dup(call->arena, queue->id), call->now_ms + wait_s * 1000);
    return 0;
}
