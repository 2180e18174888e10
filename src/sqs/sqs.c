/* What the API asks of SQS beside its operations, and what its files share. */
#include "sqs/sqs.h"

#include "api/authorize.h"

const struct api_error sqs_errors[SQS_N_ERRORS] = {
#define X(name) [SQS_ERROR_##name] = {#name, 0},
    SQS_ERRORS(X)
#undef X
};

enum { ID_MAX = 80, NODES_MAX = 1000 };

int
sqs_bad_value(struct api_call *call, struct str value, const char *name, const char *why)
{
    assert(name[0] != '\0' && why[0] != '\0');
    return api_fault(call, &SQS_ERR(InvalidParameterValue),
                     "Value %.*s for parameter %s is invalid. Reason: %s", STR_ARG(value), name,
                     why);
}

/* ---- names ---- */

struct str
sqs_arn(struct arena *a, struct str region, struct str account, struct str name)
{
    return str_fmt(a, "arn:aws:sqs:%.*s:%.*s:%.*s", STR_ARG(region), STR_ARG(account),
                   STR_ARG(name));
}

struct str
sqs_url(struct arena *a, const struct sqs_queue_row *queue)
{
    return str_fmt(a, "https://sqs.%.*s.amazonaws.com/%.*s/%.*s", STR_ARG(queue->region),
                   STR_ARG(queue->account), STR_ARG(queue->name));
}

/* Account and name are the last two parts of a path, whatever host stands before it. */
static bool
split_url(struct str url, struct str *ret_account, struct str *ret_name)
{
    size_t slash = url.n;

    while (slash > 0 && url.p[slash - 1] != '/')
        slash--;
    if (slash < 2)
        return false;
    *ret_name = str_cut(url, slash, url.n);
    size_t before = slash - 1;

    while (before > 0 && url.p[before - 1] != '/')
        before--;
    *ret_account = str_cut(url, before, slash - 1);
    for (size_t i = 0; i < ret_account->n; i++)
        if (ret_account->p[i] < '0' || ret_account->p[i] > '9')
            return false;
    return ret_account->n == 12 && ret_name->n > 0;
}

int
sqs_queue_find(struct api_call *call, struct str url, const struct sqs_queue_row **ret)
{
    struct str account, name;

    if (!split_url(url, &account, &name))
        return api_fault(call, &SQS_ERR(InvalidAddress),
                         "The address %.*s is not valid for this endpoint.", STR_ARG(url));
    *ret = sqs_queue_get(call->txn, sqs_arn(call->arena, call->region, account, name));
    if (!*ret)
        return api_fault(call, &SQS_ERR(QueueDoesNotExist), "The specified queue does not exist.");
    sqs_queue_assert(*ret);
    return 0;
}

/* ---- rows ---- */

void
sqs_queue_assert(const struct sqs_queue_row *row)
{
    assert(str_starts(row->id, S("arn:aws:sqs:")) && row->account.n == 12 && row->region.n);
    assert(row->name.n && row->name.n <= SQS_NAME_MAX);
    assert(row->fifo == str_ends(row->name, S(".fifo")));
    assert(row->visibility_s >= 0 && row->visibility_s <= SQS_VISIBILITY_MAX_S);
    assert(row->retention_s > 0 && row->bytes_max > 0 && row->tags.n % 2 == 0);
}

void
sqs_message_assert(const struct sqs_message_row *row)
{
    assert(row->id.n && row->queue.n && row->body.n);
    assert((row->received > 0) == (row->first_ms > 0) && row->number > 0);
    assert(row->expires_ms > row->sent_ms);
}

bool
sqs_redrive(struct arena *a, struct str text, struct str *ret_target, int64_t *ret_max)
{
    struct json policy;
    size_t at;

    if (!text.n || !json_parse(a, text, NODES_MAX, &policy, &at))
        return false;
    const struct json *max = json_get(&policy, "maxReceiveCount");

    *ret_target = json_text(&policy, "deadLetterTargetArn");
    if (max && max->kind == JSON_STRING)
        return ret_target->n && str_to_i64(max->text, ret_max);
    return ret_target->n && max && json_i64(max, ret_max);
}

/* ---- batches ---- */

int
sqs_batch_check(struct api_call *call, const char *what, struct str (*id_of)(const void *e),
                const void *entries, size_t size, size_t n)
{
    if (!n)
        return api_fault(call, &SQS_ERR(EmptyBatchRequest),
                         "There should be at least one %s in the request.", what);
    if (n > SQS_BATCH_MAX)
        return api_fault(call, &SQS_ERR(TooManyEntriesInBatchRequest),
                         "Maximum number of entries per request are %d. You have sent %zu.",
                         SQS_BATCH_MAX, n);
    for (size_t i = 0; i < n; i++) {
        struct str id = id_of((const char *)entries + i * size);
        bool ok = id.n > 0 && id.n <= ID_MAX;

        for (size_t k = 0; k < id.n; k++)
            ok = ok && ((id.p[k] >= 'a' && id.p[k] <= 'z') || (id.p[k] >= 'A' && id.p[k] <= 'Z') ||
                        (id.p[k] >= '0' && id.p[k] <= '9') || id.p[k] == '-' || id.p[k] == '_');
        if (!ok)
            return api_fault(call, &SQS_ERR(InvalidBatchEntryId),
                             "A batch entry id can only contain alphanumeric characters, hyphens "
                             "and underscores. It can be at most 80 letters long.");
        for (size_t k = 0; k < i; k++)
            if (str_eq(id, id_of((const char *)entries + k * size)))
                return api_fault(call, &SQS_ERR(BatchEntryIdsNotDistinct), "Id %.*s repeated.",
                                 STR_ARG(id));
    }
    return 0;
}

struct sqs_BatchResultErrorEntry
sqs_batch_fault(struct api_call *call, struct str id)
{
    const struct sqs_BatchResultErrorEntry entry = {.id = id,
                                                    .code = call->fault.code,
                                                    .message = call->fault.message,
                                                    .sender_fault = opt_bool(true)};

    assert(call->fault.code.n > 0);
    call->fault = (struct api_fault){0};
    return entry;
}

/* ---- authorization ---- */

/* A queue, by its URL; of what is to be made, by its name. */
static int
resource_find(struct api_call *call, struct str type UNUSED, struct str id,
              struct api_resource *resource)
{
    struct str account, name;

    assert(resource->arn.n > 0);
    if (split_url(id, &account, &name)) {
        resource->arn = sqs_arn(call->arena, call->region, account, name);
        resource->account = account;
    }
    const struct sqs_queue_row *row = sqs_queue_get(call->txn, resource->arn);

    if (!row)
        return 0;
    sqs_queue_assert(row);
    resource->tags = &row->tags;
    resource->policy = row->policy;
    resource->policy_kind = POLICY_RESOURCE;
    return 0;
}

const struct api_service_hooks sqs_hooks = {.service = &sqs_service,
                                            .resource = resource_find,
                                            .resource_policies = true};
