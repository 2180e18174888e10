/* Queues: made, found, emptied, tagged and deleted. */
#include "sqs/sqs.h"

#include "api/authorize.h"

enum {
    VISIBILITY_S = 30,
    RETENTION_S = 345600,
};

/* ---- CreateQueue ---- */

static bool
name_ok(struct str name, bool fifo)
{
    struct str stem = fifo ? str_cut(name, 0, name.n - 5) : name;

    for (size_t i = 0; i < stem.n; i++) {
        char c = stem.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_'))
            return false;
    }
    return stem.n > 0 && name.n <= SQS_NAME_MAX;
}

static bool
asks_fifo(const struct sqs_TextMap *map)
{
    LIST_EACH(map, e) {
        if (str_is(e->key, "FifoQueue"))
            return str_is(e->value, "true");
    }
    return false;
}

static int
check_name(struct api_call *call, const struct sqs_CreateQueueRequest *req, bool fifo)
{
    if (fifo != asks_fifo(&req->attributes) || !name_ok(req->queue_name, fifo))
        return api_fault(call, &SQS_ERR(InvalidParameterValue), "%s",
                         asks_fifo(&req->attributes)
                             ? "The name of a FIFO queue can only include alphanumeric characters, "
                               "hyphens, or underscores, must end with .fifo suffix and be 1 to 80 "
                               "in length."
                             : "Can only include alphanumeric characters, hyphens, or underscores. "
                               "1 to 80 in length");
    return 0;
}

static int
put_tags(struct api_call *call, const struct sqs_TextMap *tags, struct str_list *to)
{
    assert(to->n % 2 == 0);
    LIST_EACH(tags, tag) {
        if (api_tag_reserved(call, tag->key))
            return api_fault(call, &SQS_ERR(InvalidParameterValue),
                             "Tag keys may not start with reserved word 'aws:'.");
        if (!tag->key.n || tag->key.n > 128 || tag->value.n > 256)
            return api_fault(call, &SQS_ERR(InvalidParameterValue),
                             "Tag keys must be between 1 and 128 characters in length, values at "
                             "most 256.");
        *to = api_tags_put(call->arena, to, tag->key, tag->value.p ? tag->value : S(""));
    }
    if (api_tags_own(to) > SQS_TAGS_MAX)
        return api_fault(call, &SQS_ERR(InvalidParameterValue), "Too many tags added for queue.");
    return 0;
}

/* The same queue again: what is said of it must be what it is. */
static int
again(struct api_call *call, const struct sqs_CreateQueueRequest *req,
      const struct sqs_queue_row *old)
{
    const char *differs = sqs_attributes_differ(call, &req->attributes, old);

    if (!differs)
        return 0;
    if (!differs[0])
        return 1; /* one of them is no value at all */
    return api_fault(call, &SQS_ERR(QueueNameExists),
                     "A queue already exists with the same name and a different value for "
                     "attribute %s",
                     differs);
}

int
sqs_create_queue(struct api_call *call, const struct sqs_CreateQueueRequest *req,
                 struct sqs_CreateQueueResult *res)
{
    bool fifo = str_ends(req->queue_name, S(".fifo"));
    struct sqs_queue_row row = {
        .id = sqs_arn(call->arena, call->region, call->account, req->queue_name),
        .account = call->account,
        .region = call->region,
        .name = req->queue_name,
        .fifo = fifo,
        .visibility_s = VISIBILITY_S,
        .bytes_max = SQS_MESSAGE_MAX,
        .retention_s = RETENTION_S,
        .dedup_scope = fifo ? S("queue") : S(""),
        .throughput = fifo ? S("perQueue") : S(""),
        .created_ms = call->now_ms,
        .modified_ms = call->now_ms,
    };
    int r = check_name(call, req, fifo);
    const struct sqs_queue_row *old = r ? NULL : sqs_queue_get(call->txn, row.id);
    const struct sqs_deleted_row *gone = r ? NULL : sqs_deleted_get(call->txn, row.id);

    res->queue_url = sqs_url(call->arena, &row);
    if (old)
        return again(call, req, old);
    if (r == 0 && gone && gone->until_ms > call->now_ms)
        return api_fault(call, &SQS_ERR(QueueDeletedRecently),
                         "You must wait 60 seconds after deleting a queue before you can create "
                         "another with the same name.");
    if (r == 0)
        r = sqs_attributes_take(call, &req->attributes, &row);
    if (r == 0)
        r = put_tags(call, &req->tags, &row.tags);
    if (r == 0 && gone)
        r = sqs_deleted_delete(call->txn, row.id);
    if (r)
        return r;
    sqs_queue_assert(&row);
    return sqs_queue_insert(call->txn, &row);
}

/* ---- DeleteQueue, PurgeQueue ---- */

static int
drop_messages(struct api_call *call, struct str queue)
{
    int r = 0;

    STORE_EACH(call->txn, sqs_message_by_visible, m, queue) {
        if (r >= 0)
            r = sqs_message_delete(call->txn, m->id);
    }
    return r;
}

int
sqs_delete_queue(struct api_call *call, const struct sqs_DeleteQueueRequest *req,
                 struct sqs_DeleteQueueResult *res UNUSED)
{
    const struct sqs_queue_row *row;
    int r = sqs_queue_find(call, req->queue_url, &row);

    if (r)
        return r;
    const struct sqs_deleted_row gone = {.id = str_dup(call->arena, row->id),
                                         .until_ms = call->now_ms + SQS_AGAIN_MS};

    r = drop_messages(call, gone.id);
    STORE_EACH(call->txn, sqs_dedup_by_key, dedup) {
        if (r >= 0 && str_starts(dedup->id, gone.id) && dedup->id.p[gone.id.n] == ' ')
            r = sqs_dedup_delete(call->txn, dedup->id);
    }
    if (r >= 0)
        r = sqs_queue_delete(call->txn, gone.id);
    if (r < 0)
        return r;
    return sqs_deleted_get(call->txn, gone.id) ? sqs_deleted_update(call->txn, &gone)
                                               : sqs_deleted_insert(call->txn, &gone);
}

int
sqs_purge_queue(struct api_call *call, const struct sqs_PurgeQueueRequest *req,
                struct sqs_PurgeQueueResult *res UNUSED)
{
    const struct sqs_queue_row *old;
    int r = sqs_queue_find(call, req->queue_url, &old);

    if (r)
        return r;
    struct sqs_queue_row row = *old;

    if (row.purged_ms && call->now_ms < row.purged_ms + SQS_AGAIN_MS)
        return api_fault(call, &SQS_ERR(PurgeQueueInProgress),
                         "Only one PurgeQueue operation on %.*s is allowed every 60 seconds.",
                         STR_ARG(row.name));
    row.purged_ms = call->now_ms;
    r = drop_messages(call, row.id);
    return r < 0 ? r : sqs_queue_update(call->txn, &row);
}

/* ---- finding ---- */

int
sqs_get_queue_url(struct api_call *call, const struct sqs_GetQueueUrlRequest *req,
                  struct sqs_GetQueueUrlResult *res)
{
    struct str account =
        req->queue_owner_aws_account_id.n ? req->queue_owner_aws_account_id : call->account;
    struct api_resource thing = {
        .arn = sqs_arn(call->arena, call->region, account, req->queue_name), .account = account};
    const struct sqs_queue_row *row = sqs_queue_get(call->txn, thing.arn);

    if (row) {
        thing.policy = row->policy;
        thing.policy_kind = POLICY_RESOURCE;
        thing.tags = &row->tags;
    }
    int r = api_authorize_on(call, S("sqs:GetQueueUrl"), &thing, NULL);

    if (r == 0 && !row)
        r = api_fault(call, &SQS_ERR(QueueDoesNotExist), "The specified queue does not exist.");
    if (r == 0)
        res->queue_url = sqs_url(call->arena, row);
    return r;
}

/* Pages only when their size is asked for, as on AWS. */
static int
page_open(struct api_call *call, struct str token, struct opt_i64 max, struct api_page *ret)
{
    const struct api_page_rule rule = {.min = 1, .max = SQS_LIST_MAX, .otherwise = SQS_LIST_MAX};
    const struct api_page_scope scope = api_page_scope(call);

    if (max.set && (max.v < 1 || max.v > SQS_LIST_MAX))
        return sqs_bad_value(call, str_fmt(call->arena, "%lld", (long long)max.v), "MaxResults",
                             "MaxResults must be an integer between 1 and 1000");
    if (api_page_open(call->arena, &scope, &rule, token.n ? token : STR_NONE, max, false, ret,
                      &call->fault))
        return api_fault(call, &SQS_ERR(InvalidParameterValue), "Invalid or expired next token.");
    return 0;
}

static struct str
page_next(struct api_call *call, const struct api_page *page, struct opt_i64 max)
{
    const struct api_page_scope scope = api_page_scope(call);

    return max.set ? api_page_next(call->arena, &scope, page) : STR_NONE;
}

int
sqs_list_queues(struct api_call *call, const struct sqs_ListQueuesRequest *req,
                struct sqs_ListQueuesResult *res)
{
    struct api_page page;
    int r = page_open(call, req->next_token, req->max_results, &page);

    if (r)
        return r;
    STORE_EACH(call->txn, sqs_queue_by_owner, row, call->account, call->region) {
        if (str_starts(row->name, req->queue_name_prefix) && api_page_take(&page, row->name))
            *LIST_PUSH(call->arena, &res->queue_urls) = sqs_url(call->arena, row);
        if (page.more)
            break;
    }
    res->next_token = page_next(call, &page, req->max_results);
    return 0;
}

int
sqs_list_dead_letter_source_queues(struct api_call *call,
                                   const struct sqs_ListDeadLetterSourceQueuesRequest *req,
                                   struct sqs_ListDeadLetterSourceQueuesResult *res)
{
    const struct sqs_queue_row *dead;
    struct api_page page;
    int r = sqs_queue_find(call, req->queue_url, &dead);

    if (r == 0)
        r = page_open(call, req->next_token, req->max_results, &page);
    if (r)
        return r;
    API_PRESENT(&res->queue_urls);
    STORE_EACH(call->txn, sqs_queue_by_owner, row, dead->account, dead->region) {
        struct str target;
        int64_t max;

        if (sqs_redrive(call->arena, row->redrive, &target, &max) && str_eq(target, dead->id) &&
            api_page_take(&page, row->name))
            *LIST_PUSH(call->arena, &res->queue_urls) = sqs_url(call->arena, row);
        if (page.more)
            break;
    }
    res->next_token = page_next(call, &page, req->max_results);
    return 0;
}

/* ---- attributes ---- */

int
sqs_get_queue_attributes(struct api_call *call, const struct sqs_GetQueueAttributesRequest *req,
                         struct sqs_GetQueueAttributesResult *res)
{
    const struct sqs_queue_row *row;
    int r = sqs_queue_find(call, req->queue_url, &row);

    return r ? r : sqs_attributes_show(call, row, &req->attribute_names, &res->attributes);
}

int
sqs_set_queue_attributes(struct api_call *call, const struct sqs_SetQueueAttributesRequest *req,
                         struct sqs_SetQueueAttributesResult *res UNUSED)
{
    const struct sqs_queue_row *old;
    int r = sqs_queue_find(call, req->queue_url, &old);

    if (r)
        return r;
    struct sqs_queue_row row = *old;

    row.modified_ms = call->now_ms;
    r = sqs_attributes_take(call, &req->attributes, &row);
    if (r)
        return r;
    sqs_queue_assert(&row);
    return sqs_queue_update(call->txn, &row);
}

/* ---- tags ---- */

int
sqs_tag_queue(struct api_call *call, const struct sqs_TagQueueRequest *req,
              struct sqs_TagQueueResult *res UNUSED)
{
    const struct sqs_queue_row *old;
    int r = sqs_queue_find(call, req->queue_url, &old);

    if (r)
        return r;
    struct sqs_queue_row row = *old;

    r = put_tags(call, &req->tags, &row.tags);
    return r ? r : sqs_queue_update(call->txn, &row);
}

int
sqs_untag_queue(struct api_call *call, const struct sqs_UntagQueueRequest *req,
                struct sqs_UntagQueueResult *res UNUSED)
{
    const struct sqs_queue_row *old;
    int r = sqs_queue_find(call, req->queue_url, &old);

    if (r)
        return r;
    struct sqs_queue_row row = *old;

    row.tags = api_tags_without(call->arena, &old->tags, &req->tag_keys);
    return sqs_queue_update(call->txn, &row);
}

int
sqs_list_queue_tags(struct api_call *call, const struct sqs_ListQueueTagsRequest *req,
                    struct sqs_ListQueueTagsResult *res)
{
    const struct sqs_queue_row *row;
    int r = sqs_queue_find(call, req->queue_url, &row);

    for (size_t i = 0; r == 0 && i + 1 < row->tags.n; i += 2)
        *LIST_PUSH(call->arena, &res->tags) =
            (struct sqs_TextMapEntry){.key = row->tags.v[i], .value = row->tags.v[i + 1]};
    return r;
}
