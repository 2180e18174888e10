/* What is done by a receipt handle: DeleteMessage, ChangeMessageVisibility, and their batches. */
#include "sqs/sqs.h"

/*
 * The message that a handle is of: NULL when it is gone, or was received again since.
 * ReceiptHandleIsInvalid of what never was one.
 */
static int
find(struct api_call *call, const struct sqs_queue_row *queue, struct str handle,
     const struct sqs_message_row **ret)
{
    struct str nonce, id;

    if (!str_unbase64(call->arena, handle, &nonce) ||
        (id = str_split(&nonce, ' '), !nonce.n || id.n != 36))
        return api_fault(call, &SQS_ERR(ReceiptHandleIsInvalid),
                         "The input receipt handle \"%.*s\" is not a valid receipt handle.",
                         STR_ARG(handle));
    *ret = sqs_message_get(call->txn, id);
    if (*ret && (!str_eq((*ret)->queue, queue->id) || !str_eq((*ret)->nonce, nonce)))
        *ret = NULL;
    return 0;
}

/* ---- DeleteMessage ---- */

static int
delete_one(struct api_call *call, const struct sqs_queue_row *queue, struct str handle)
{
    const struct sqs_message_row *row;
    int r = find(call, queue, handle, &row);

    if (r || !row)
        return r;
    sqs_message_assert(row);
    /* of a FIFO queue the handle ends with its visibility timeout */
    if (queue->fifo && row->visible_ms <= call->now_ms)
        return sqs_bad_value(call, handle, "ReceiptHandle", "The receipt handle has expired.");
    return sqs_message_delete(call->txn, row->id);
}

int
sqs_delete_message(struct api_call *call, const struct sqs_DeleteMessageRequest *req,
                   struct sqs_DeleteMessageResult *res UNUSED)
{
    const struct sqs_queue_row *queue;
    int r = sqs_queue_find(call, req->queue_url, &queue);

    return r ? r : delete_one(call, queue, req->receipt_handle);
}

static struct str
delete_id(const void *e)
{
    return ((const struct sqs_DeleteMessageBatchRequestEntry *)e)->id;
}

int
sqs_delete_message_batch(struct api_call *call, const struct sqs_DeleteMessageBatchRequest *req,
                         struct sqs_DeleteMessageBatchResult *res)
{
    const struct sqs_queue_row *queue;
    int r = sqs_queue_find(call, req->queue_url, &queue);

    if (r == 0)
        r = sqs_batch_check(call, "DeleteMessageBatchRequestEntry", delete_id, req->entries.v,
                            sizeof(*req->entries.v), req->entries.n);
    API_PRESENT(&res->successful);
    API_PRESENT(&res->failed);
    for (size_t i = 0; i < req->entries.n && r == 0; i++) {
        int got = delete_one(call, queue, req->entries.v[i].receipt_handle);

        if (got > 0)
            *LIST_PUSH(call->arena, &res->failed) = sqs_batch_fault(call, req->entries.v[i].id);
        else if (got < 0)
            r = got;
        else
            LIST_PUSH(call->arena, &res->successful)->id = req->entries.v[i].id;
    }
    return r;
}

/* ---- ChangeMessageVisibility ---- */

static int
change_one(struct api_call *call, const struct sqs_queue_row *queue, struct str handle,
           struct opt_i64 seconds)
{
    const struct sqs_message_row *old;
    int r = find(call, queue, handle, &old);

    if (r)
        return r;
    if (!seconds.set)
        return api_fault(call, &SQS_ERR(MissingParameter),
                         "The request must contain the parameter VisibilityTimeout.");
    if (seconds.v < 0 || seconds.v > SQS_VISIBILITY_MAX_S)
        return sqs_bad_value(call, str_fmt(call->arena, "%lld", (long long)seconds.v),
                             "VisibilityTimeout", "Must be between 0 and 43200, if provided.");
    if (!old)
        return sqs_bad_value(call, handle, "ReceiptHandle",
                             "Message does not exist or is not available for visibility timeout "
                             "change.");
    if (old->visible_ms <= call->now_ms)
        return api_fault(call, &SQS_ERR(MessageNotInflight), "The message is not in flight.");
    struct sqs_message_row row = *old;

    row.visible_ms = call->now_ms + seconds.v * 1000;
    return sqs_message_update(call->txn, &row);
}

int
sqs_change_message_visibility(struct api_call *call,
                              const struct sqs_ChangeMessageVisibilityRequest *req,
                              struct sqs_ChangeMessageVisibilityResult *res UNUSED)
{
    const struct sqs_queue_row *queue;
    int r = sqs_queue_find(call, req->queue_url, &queue);

    return r ? r : change_one(call, queue, req->receipt_handle, req->visibility_timeout);
}

static struct str
change_id(const void *e)
{
    return ((const struct sqs_ChangeMessageVisibilityBatchRequestEntry *)e)->id;
}

int
sqs_change_message_visibility_batch(struct api_call *call,
                                    const struct sqs_ChangeMessageVisibilityBatchRequest *req,
                                    struct sqs_ChangeMessageVisibilityBatchResult *res)
{
    const struct sqs_queue_row *queue;
    int r = sqs_queue_find(call, req->queue_url, &queue);

    if (r == 0)
        r = sqs_batch_check(call, "ChangeMessageVisibilityBatchRequestEntry", change_id,
                            req->entries.v, sizeof(*req->entries.v), req->entries.n);
    API_PRESENT(&res->successful);
    API_PRESENT(&res->failed);
    for (size_t i = 0; i < req->entries.n && r == 0; i++) {
        const struct sqs_ChangeMessageVisibilityBatchRequestEntry *e = &req->entries.v[i];
        int got = change_one(call, queue, e->receipt_handle, e->visibility_timeout);

        if (got > 0)
            *LIST_PUSH(call->arena, &res->failed) = sqs_batch_fault(call, e->id);
        else if (got < 0)
            r = got;
        else
            LIST_PUSH(call->arena, &res->successful)->id = e->id;
    }
    return r;
}
