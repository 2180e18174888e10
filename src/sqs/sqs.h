/*
 * SQS: queues and their messages.  Handlers are declared by the generated header; here is what the
 * service's files share.
 *
 * A message is visible from visible_ms on, and what is on its way, delayed or received is so by
 * that time alone: nothing has to happen for it to come back.  It goes when somebody deletes it,
 * when its retention ends, and to another queue when it was received too often.
 */
#pragma once

#include "api/api.h"
#include "api/tags.h"
#include "base/error.h"
#include "codec/json.h"
#include "gen/api/sqs.h"
#include "gen/store/sqs_rows.h"
#include "loop/loop.h"

extern const struct api_service_hooks sqs_hooks;

enum {
    SQS_NAME_MAX = 80,
    SQS_BATCH_MAX = 10,
    SQS_MESSAGE_MAX = 1048576, /* bytes; of a batch too */
    SQS_VISIBILITY_MAX_S = 43200,
    SQS_DELAY_MAX_S = 900,
    SQS_WAIT_MAX_S = 20,
    SQS_ATTRIBUTES_MAX = 10, /* of a message */
    SQS_TAGS_MAX = 50,
    SQS_LIST_MAX = 1000,
};
#define SQS_DEDUP_MS (INT64_C(5) * 60 * 1000)
#define SQS_AGAIN_MS (INT64_C(60) * 1000) /* until a name can be used again, or a queue purged */

#define SQS_ERRORS(X)                                                                              \
    X(BatchEntryIdsNotDistinct)                                                                    \
    X(BatchRequestTooLong)                                                                         \
    X(EmptyBatchRequest)                                                                           \
    X(InvalidAddress)                                                                              \
    X(InvalidAttributeName)                                                                        \
    X(InvalidAttributeValue)                                                                       \
    X(InvalidBatchEntryId)                                                                         \
    X(InvalidMessageContents)                                                                      \
    X(InvalidParameterValue)                                                                       \
    X(MessageNotInflight)                                                                          \
    X(MissingParameter)                                                                            \
    X(OverLimit)                                                                                   \
    X(PurgeQueueInProgress)                                                                        \
    X(QueueDeletedRecently)                                                                        \
    X(QueueDoesNotExist)                                                                           \
    X(QueueNameExists)                                                                             \
    X(ReceiptHandleIsInvalid)                                                                      \
    X(TooManyEntriesInBatchRequest)                                                                \
    X(UnsupportedOperation)

enum sqs_error {
#define X(name) SQS_ERROR_##name,
    SQS_ERRORS(X)
#undef X
        SQS_N_ERRORS
};
extern const struct api_error sqs_errors[SQS_N_ERRORS];
#define SQS_ERR(name) (sqs_errors[SQS_ERROR_##name])
/* "Value V for parameter NAME is invalid. Reason: WHY" */
int sqs_bad_value(struct api_call *call, struct str value, const char *name, const char *why);

/* ---- sqs.c ---- */

struct str sqs_arn(struct arena *a, struct str region, struct str account, struct str name);
struct str sqs_url(struct arena *a, const struct sqs_queue_row *queue);
/* InvalidAddress, QueueDoesNotExist. */
int sqs_queue_find(struct api_call *call, struct str url, const struct sqs_queue_row **ret);
void sqs_queue_assert(const struct sqs_queue_row *row);
void sqs_message_assert(const struct sqs_message_row *row);
/* RedrivePolicy of a queue; false: it has none. */
bool sqs_redrive(struct arena *a, struct str text, struct str *ret_target, int64_t *ret_max);
/* The entries of a batch: their number, their ids.  `what` is their type's name. */
int sqs_batch_check(struct api_call *call, const char *what, struct str (*id)(const void *e),
                    const void *entries, size_t size, size_t n);
/* The fault of a call, as an entry's; it is forgotten. */
struct sqs_BatchResultErrorEntry sqs_batch_fault(struct api_call *call, struct str id);

/* ---- attribute.c: attributes of queues ---- */

/* Takes what is given into the row.  InvalidAttributeName, InvalidAttributeValue. */
int sqs_attributes_take(struct api_call *call, const struct sqs_TextMap *map,
                        struct sqs_queue_row *row);
/* The first one that is given and differs, or NULL. */
const char *sqs_attributes_differ(struct api_call *call, const struct sqs_TextMap *map,
                                  const struct sqs_queue_row *row);
int sqs_attributes_show(struct api_call *call, const struct sqs_queue_row *row,
                        const struct str_list *names, struct sqs_TextMap *ret);

/* ---- content.c: attributes of messages ---- */

/* As they are kept; *ret_bytes is their size. */
int sqs_content_read(struct api_call *call, const struct sqs_MessageAttributeValueMap *map,
                     struct str *ret, size_t *ret_bytes);
void sqs_content_show(struct arena *a, struct str kept, const struct str_list *names,
                      struct sqs_MessageAttributeValueMap *ret);
/* In hexadecimal. */
struct str sqs_md5(struct arena *a, struct str text);
/* Of attributes, as AWS numbers them; p NULL when there are none. */
struct str sqs_md5_attributes(struct arena *a, const struct sqs_MessageAttributeValueMap *map);

/* ---- send.c ---- */

/* The next number of a message: of a FIFO queue its sequence number. */
int sqs_number(struct api_call *call, struct str queue, int64_t *ret);
struct str sqs_sequence_text(struct arena *a, int64_t number);

/* ---- wait.c: who waits for messages ---- */

/* 0 or -errno. */
int sqs_waits_new(struct sqs_waits **ret, struct loop *loop, struct store *store);
struct sqs_waits *sqs_waits_free(struct sqs_waits *waits);
/* The call's reply comes when there is a message, or the time is up. */
void sqs_wait(struct api_call *call, const struct sqs_ReceiveMessageRequest *req,
              struct sqs_ReceiveMessageResult *res, struct str queue, int64_t until_ms);
/* A number that is larger than any before. */
int64_t sqs_waits_number(struct api_call *call);

/* ---- receive.c ---- */

/* Messages that are visible now; *ret_next_ms is when the next one may be, 0: none. */
int sqs_receive(struct api_call *call, const struct sqs_queue_row *queue,
                const struct sqs_ReceiveMessageRequest *req, struct sqs_ReceiveMessageResult *res,
                int64_t *ret_next_ms);
