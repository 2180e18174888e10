/*
 * SNS: topics, who is subscribed to them, and the messages that go from one to the other.  Handlers
 * are declared by the generated header; here is what the service's files share.
 *
 *   publish.c ──▶ deliver.c ──▶ SQS, Lambda     in the transaction of Publish itself
 *                     └───────▶ sns_delivery    a row for each POST, which engine.c makes
 *
 * So a message that was acknowledged is in its queues, or has a row that brings it there.
 */
#pragma once

#include "api/api.h"
#include "api/tags.h"
#include "base/error.h"
#include "codec/json.h"
#include "gen/api/sns.h"
#include "gen/store/sns_rows.h"

extern const struct api_service_hooks sns_hooks;

enum {
    SNS_NAME_MAX = 256,
    SNS_MESSAGE_MAX = 262144, /* bytes, with attributes; of a batch too */
    SNS_BATCH_MAX = 10,
    SNS_SUBJECT_MAX = 100,
    SNS_DISPLAY_NAME_MAX = 100,
    SNS_POLICY_MAX = 30720,
    SNS_TAGS_MAX = 50,
    SNS_TOPICS_MAX = 100000, /* of an account in a Region; 1000 FIFO ones on AWS */
    SNS_PAGE = 100,
    SNS_SUBSCRIPTIONS_MAX = 10000, /* of a topic; AWS: 12,500,000 */
    SNS_ATTRIBUTES_MAX = 100,      /* of a message */
};
#define SNS_DEDUP_MS (INT64_C(5) * 60 * 1000)
#define SNS_PENDING_MS (INT64_C(2) * 86400 * 1000) /* a confirmation's time */

#define SNS_ERRORS(X)                                                                              \
    X(AuthorizationError, 403)                                                                     \
    X(BatchEntryIdsNotDistinct, 0)                                                                 \
    X(EmptyBatchRequest, 0)                                                                        \
    X(InternalError, 500)                                                                          \
    X(InvalidBatchEntryId, 0)                                                                      \
    X(InvalidParameter, 0)                                                                         \
    X(NotFound, 404)                                                                               \
    X(ParameterValueInvalid, 0)                                                                    \
    X(ResourceNotFound, 404)                                                                       \
    X(SubscriptionLimitExceeded, 403)                                                              \
    X(TagLimitExceeded, 0)                                                                         \
    X(TopicLimitExceeded, 403)                                                                     \
    X(TooManyEntriesInBatchRequest, 0)                                                             \
    X(BatchRequestTooLong, 0)

enum sns_error {
#define X(name, http) SNS_ERROR_##name,
    SNS_ERRORS(X)
#undef X
        SNS_N_ERRORS
};
extern const struct api_error sns_errors[SNS_N_ERRORS];
#define SNS_ERR(name) (sns_errors[SNS_ERROR_##name])
/* "Invalid parameter: …" */
#define SNS_INVALID(call, fmt, ...)                                                                \
    api_fault((call), &SNS_ERR(InvalidParameter), "Invalid parameter: " fmt, ##__VA_ARGS__)

/* ---- sns.c ---- */

/* The topic of an ARN.  InvalidParameter: it is none; NotFound. */
int sns_topic_find(struct api_call *call, struct str arn, const struct sns_topic_row **ret);
/* "Welkin does not implement …", InvalidParameter. */
int sns_unsupported(struct api_call *call, const char *what, struct str name);
/* "true" or "false". */
bool sns_bool(struct str text, bool *ret);
struct str sns_bool_text(bool v);
void sns_put_attribute(struct api_call *call, struct sns_TextMap *map, const char *name,
                       struct str value);
/* Part n of an ARN: 3 is the Region, 4 the account, 5 the rest; empty when there is none. */
struct str sns_arn_part(struct str arn, unsigned n);
int sns_page_open(struct api_call *call, struct str token, struct api_page *ret);
struct str sns_page_next(struct api_call *call, const struct api_page *page);
/* Whether a JSON text is an object, read into *ret. */
bool sns_json(struct arena *a, struct str text, struct json *ret);
void sns_topic_assert(const struct sns_topic_row *row);
void sns_subscription_assert(const struct sns_subscription_row *row);

/* ---- permission.c ---- */

struct str sns_policy_default(struct arena *a, struct str topic, struct str account);
/* InvalidParameter. */
int sns_policy_check(struct api_call *call, struct str policy);

/* ---- tag.c ---- */

int sns_tags_put(struct api_call *call, const struct sns_TagList *tags, struct str_list *to);

/* ---- subscription.c ---- */

/* A subscription goes, with what was to be delivered to it. */
int sns_subscription_drop(struct api_call *call, const struct sns_subscription_row *row);

/* ---- retry.c: delivery policies ---- */

/* Of a subscription or (`of_topic`) a topic.  0 or positive with the fault. */
int sns_retry_check(struct api_call *call, struct str policy, bool of_topic);
/* The policy that counts, as EffectiveDeliveryPolicy shows it and sns_retry_delay() reads it. */
struct str sns_retry_effective(struct arena *a, const struct sns_topic_row *topic,
                               const struct sns_subscription_row *subscription);
struct str sns_retry_content_type(struct arena *a, struct str effective);
/* How long to wait after so many failures; -1: no more. */
int64_t sns_retry_delay(struct arena *a, struct str effective, int64_t attempts);

/* ---- message.c ---- */

struct sns_attribute {
    struct str name, type, value; /* binary: base64 */
};

struct sns_message {
    const struct sns_topic_row *topic;
    struct str id, subject, body; /* subject: p NULL when there is none */
    const struct json *bodies;    /* MessageStructure json: by protocol; else NULL */
    struct {
        struct sns_attribute *v;
        size_t n;
    } attributes;
    struct str group, dedup, sequence; /* of FIFO topics */
    int64_t at_ms;
    struct str signed_body, signature, certificate; /* of the text that was signed last */
};

/* What a protocol's subscribers get of it. */
struct str sns_message_body(const struct sns_message *m, struct str protocol);
/* The JSON document around a message. */
struct str sns_message_envelope(struct api_call *call, struct sns_message *m,
                                const struct sns_subscription_row *to);
/* The event of a function. */
struct str sns_message_event(struct api_call *call, struct sns_message *m,
                             const struct sns_subscription_row *to);
/* A document that asks for a confirmation, or (`leave`) tells that a subscription is gone. */
struct str sns_message_confirm(struct api_call *call, const struct sns_topic_row *topic,
                               const struct sns_subscription_row *to, struct str id, bool leave);

/* ---- deliver.c ---- */

/* To all subscribers whose filters let it pass.  0 or negative. */
int sns_deliver(struct api_call *call, struct sns_message *m);
/* The request to confirm, or that one is gone, to a subscription's endpoint. */
int sns_deliver_confirm(struct api_call *call, const struct sns_topic_row *topic,
                        const struct sns_subscription_row *to, bool leave);
/* What could not be delivered goes to the queue of the redrive policy.  0 or negative. */
int sns_deliver_dead(struct api_call *call, struct str topic, struct str queue, struct str body,
                     const struct sns_message *raw, int status, struct str why);

/* ---- signer.c ---- */

/* base64; version 1: SHA-1, 2: SHA-256. */
int sns_sign(struct api_call *call, struct str text, int version, struct str *ret_signature,
             struct str *ret_certificate);
bool sns_signer_owns(const struct api_request *req);
void
sns_signer_answer(struct api_call *call, const struct api_request *req, struct api_reply *reply);
