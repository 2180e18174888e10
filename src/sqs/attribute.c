/* Attributes of queues: a table of names, where their value lies in a row, and what it may be. */
#include "sqs/sqs.h"

#include "api/authorize.h"

#define POLICY_MAX 8192
#define NUMBER(member) .number = offsetof(struct sqs_queue_row, member) + 1

enum { NODES_MAX = 1000, RECEIVES_MAX = 1000 };

struct attribute {
    const char *name;
    size_t number;    /* the offset of an int, plus one; 0: it is none */
    int64_t min, max; /* of it */
    int (*take)(struct api_call *call, struct sqs_queue_row *row, struct str text);
    struct str (*show)(struct api_call *call, const struct sqs_queue_row *row);
    bool fifo; /* of FIFO queues alone */
};

static int
bad(struct api_call *call, const char *name)
{
    return api_fault(call, &SQS_ERR(InvalidAttributeValue), "Invalid value for the parameter %s.",
                     name);
}

static bool
read_bool(struct str text, bool *ret)
{
    *ret = str_is(text, "true");
    return *ret || str_is(text, "false");
}

static struct str
number(struct api_call *call, int64_t v)
{
    return str_fmt(call->arena, "%lld", (long long)v);
}

static struct str
truth(bool v)
{
    return v ? S("true") : S("false");
}

/* ---- policies ---- */

static int
take_policy(struct api_call *call, struct sqs_queue_row *row, struct str text)
{
    struct policy *policy = NULL;
    struct str why;

    row->policy = text;
    if (!text.n)
        return 0;
    int r =
        text.n > POLICY_MAX ? 1 : policy_parse(&policy, text, POLICY_RESOURCE, call->arena, &why);

    policy_free(policy);
    if (r < 0)
        return error_origin(-r, "a policy cannot be read");
    return r ? bad(call, "Policy") : 0;
}

static struct str
show_policy(struct api_call *call UNUSED, const struct sqs_queue_row *row)
{
    return row->policy.n ? row->policy : STR_NONE;
}

static int
bad_redrive(struct api_call *call, struct str text, const char *why)
{
    return sqs_bad_value(call, text, "RedrivePolicy", why);
}

/* Whether the dead-letter queue lets this one name it. */
static bool
allows(struct api_call *call, const struct sqs_queue_row *dead, struct str source)
{
    struct json policy;
    size_t at;

    if (!dead->redrive_allow.n ||
        !json_parse(call->arena, dead->redrive_allow, NODES_MAX, &policy, &at))
        return true;
    const struct json *arns = json_get(&policy, "sourceQueueArns");
    struct str permission = json_text(&policy, "redrivePermission");

    if (!str_is(permission, "byQueue"))
        return !str_is(permission, "denyAll");
    for (size_t i = 0; arns && i < arns->n; i++)
        if (str_eq(arns->v[i].text, source))
            return true;
    return false;
}

static int
take_redrive(struct api_call *call, struct sqs_queue_row *row, struct str text)
{
    struct str target;
    struct json policy;
    int64_t max = 0;
    size_t at;

    row->redrive = text;
    if (!text.n)
        return 0;
    if (!json_parse(call->arena, text, NODES_MAX, &policy, &at) || policy.kind != JSON_OBJECT)
        return bad_redrive(call, text, "Redrive policy is not a valid JSON map.");
    if (!json_text(&policy, "deadLetterTargetArn").p)
        return bad_redrive(call, text,
                           "Redrive policy does not contain mandatory attribute: "
                           "deadLetterTargetArn.");
    if (!json_get(&policy, "maxReceiveCount"))
        return bad_redrive(call, text,
                           "Redrive policy does not contain mandatory attribute: "
                           "maxReceiveCount.");
    if (!sqs_redrive(call->arena, text, &target, &max) || max < 1 || max > RECEIVES_MAX)
        return bad_redrive(call, text,
                           "Invalid value for maxReceiveCount: valid values are from "
                           "1 to 1000 both inclusive.");
    const struct sqs_queue_row *dead = sqs_queue_get(call->txn, target);

    if (!dead || !str_eq(dead->account, row->account) || !str_eq(dead->region, row->region))
        return bad_redrive(call, text, "Dead letter target does not exist.");
    if (dead->fifo != row->fifo)
        return bad_redrive(call, text,
                           "Dead-letter queue must be same type of queue as the "
                           "source.");
    if (!allows(call, dead, row->id))
        return bad_redrive(call, text,
                           "Source queue is not permitted by the redrive allow policy "
                           "of the dead-letter queue.");
    return 0;
}

static struct str
show_redrive(struct api_call *call UNUSED, const struct sqs_queue_row *row)
{
    return row->redrive.n ? row->redrive : STR_NONE;
}

static int
take_redrive_allow(struct api_call *call, struct sqs_queue_row *row, struct str text)
{
    struct json policy;
    size_t at;

    row->redrive_allow = text;
    if (!text.n)
        return 0;
    if (!json_parse(call->arena, text, NODES_MAX, &policy, &at) || policy.kind != JSON_OBJECT)
        return bad(call, "RedriveAllowPolicy");
    const struct json *arns = json_get(&policy, "sourceQueueArns");
    struct str permission = json_text(&policy, "redrivePermission");
    bool by_queue = str_is(permission, "byQueue");

    if (!by_queue && !str_is(permission, "allowAll") && !str_is(permission, "denyAll"))
        return bad(call, "RedriveAllowPolicy");
    if (by_queue != (arns && arns->kind == JSON_ARRAY && arns->n > 0 && arns->n <= 10))
        return bad(call, "RedriveAllowPolicy");
    return 0;
}

static struct str
show_redrive_allow(struct api_call *call UNUSED, const struct sqs_queue_row *row)
{
    return row->redrive_allow.n ? row->redrive_allow : STR_NONE;
}

/* ---- FIFO ---- */

static int
take_fifo(struct api_call *call, struct sqs_queue_row *row, struct str text)
{
    bool fifo;

    if (!read_bool(text, &fifo) || fifo != row->fifo)
        return bad(call, "FifoQueue");
    return 0;
}

static struct str
show_fifo(struct api_call *call UNUSED, const struct sqs_queue_row *row)
{
    return truth(row->fifo);
}

static int
take_dedup(struct api_call *call, struct sqs_queue_row *row, struct str text)
{
    return read_bool(text, &row->dedup_content) ? 0 : bad(call, "ContentBasedDeduplication");
}

static struct str
show_dedup(struct api_call *call UNUSED, const struct sqs_queue_row *row)
{
    return truth(row->dedup_content);
}

static int
take_scope(struct api_call *call, struct sqs_queue_row *row, struct str text)
{
    row->dedup_scope = text;
    return str_is(text, "queue") || str_is(text, "messageGroup") ? 0
                                                                 : bad(call, "DeduplicationScope");
}

static struct str
show_scope(struct api_call *call UNUSED, const struct sqs_queue_row *row)
{
    return row->dedup_scope;
}

static int
take_throughput(struct api_call *call, struct sqs_queue_row *row, struct str text)
{
    row->throughput = text;
    return str_is(text, "perQueue") || str_is(text, "perMessageGroupId")
               ? 0
               : bad(call, "FifoThroughputLimit");
}

static struct str
show_throughput(struct api_call *call UNUSED, const struct sqs_queue_row *row)
{
    return row->throughput;
}

/* ---- encryption: messages are always sealed on disk, under the cloud's own key ---- */

static int
take_sse(struct api_call *call, struct sqs_queue_row *row, struct str text)
{
    bool sealed;

    if (!read_bool(text, &sealed))
        return bad(call, "SqsManagedSseEnabled");
    row->plain = !sealed;
    return 0;
}

static struct str
show_sse(struct api_call *call UNUSED, const struct sqs_queue_row *row)
{
    return truth(!row->plain);
}

static int
take_kms(struct api_call *call, struct sqs_queue_row *row UNUSED, struct str text)
{
    if (!text.n)
        return 0;
    return api_fault(call, &SQS_ERR(InvalidAttributeValue),
                     "Welkin does not implement the attribute KmsMasterKeyId.");
}

/* ---- what is counted ---- */

static struct str
count(struct api_call *call, const struct sqs_queue_row *row, bool visible, bool received)
{
    int64_t n = 0;

    STORE_EACH(call->txn, sqs_message_by_visible, m, row->id)
        n += m->expires_ms > call->now_ms && (m->visible_ms <= call->now_ms) == visible &&
             (visible || (m->received > 0) == received);
    return number(call, n);
}

static struct str
show_visible(struct api_call *call, const struct sqs_queue_row *row)
{
    return count(call, row, true, false);
}

static struct str
show_flight(struct api_call *call, const struct sqs_queue_row *row)
{
    return count(call, row, false, true);
}

static struct str
show_delayed(struct api_call *call, const struct sqs_queue_row *row)
{
    return count(call, row, false, false);
}

static struct str
show_created(struct api_call *call, const struct sqs_queue_row *row)
{
    return number(call, row->created_ms / 1000);
}

static struct str
show_modified(struct api_call *call, const struct sqs_queue_row *row)
{
    return number(call, row->modified_ms / 1000);
}

static struct str
show_arn(struct api_call *call UNUSED, const struct sqs_queue_row *row)
{
    return row->id;
}

/* ---- the table ---- */

static const struct attribute attributes[] = {
    {"QueueArn", .show = show_arn},
    {"ApproximateNumberOfMessages", .show = show_visible},
    {"ApproximateNumberOfMessagesNotVisible", .show = show_flight},
    {"ApproximateNumberOfMessagesDelayed", .show = show_delayed},
    {"CreatedTimestamp", .show = show_created},
    {"LastModifiedTimestamp", .show = show_modified},
    {"VisibilityTimeout", NUMBER(visibility_s), 0, SQS_VISIBILITY_MAX_S},
    {"MaximumMessageSize", NUMBER(bytes_max), 1024, SQS_MESSAGE_MAX},
    {"MessageRetentionPeriod", NUMBER(retention_s), 60, 1209600},
    {"DelaySeconds", NUMBER(delay_s), 0, SQS_DELAY_MAX_S},
    {"ReceiveMessageWaitTimeSeconds", NUMBER(wait_s), 0, SQS_WAIT_MAX_S},
    {"Policy", .take = take_policy, .show = show_policy},
    {"RedrivePolicy", .take = take_redrive, .show = show_redrive},
    {"RedriveAllowPolicy", .take = take_redrive_allow, .show = show_redrive_allow},
    {"SqsManagedSseEnabled", .take = take_sse, .show = show_sse},
    {"KmsMasterKeyId", .take = take_kms},
    {"FifoQueue", .take = take_fifo, .show = show_fifo, .fifo = true},
    {"ContentBasedDeduplication", .take = take_dedup, .show = show_dedup, .fifo = true},
    {"DeduplicationScope", .take = take_scope, .show = show_scope, .fifo = true},
    {"FifoThroughputLimit", .take = take_throughput, .show = show_throughput, .fifo = true},
};

static const struct attribute *
find(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++)
        if (str_is(name, attributes[i].name))
            return &attributes[i];
    return NULL;
}

static int
unknown(struct api_call *call, struct str name)
{
    return api_fault(call, &SQS_ERR(InvalidAttributeName), "Unknown Attribute %.*s.",
                     STR_ARG(name));
}

static int64_t *
number_of(struct sqs_queue_row *row, const struct attribute *at)
{
    assert(at->number > 0);
    return (int64_t *)((char *)row + at->number - 1);
}

static int
take_one(struct api_call *call, struct sqs_queue_row *row, struct str name, struct str text)
{
    const struct attribute *at = find(name);
    int64_t v;

    if (!at || (!at->number && !at->take) || (at->fifo && !row->fifo))
        return unknown(call, name);
    if (at->take)
        return at->take(call, row, text);
    if (!str_to_i64(text, &v) || v < at->min || v > at->max)
        return bad(call, at->name);
    *number_of(row, at) = v;
    return 0;
}

int
sqs_attributes_take(struct api_call *call, const struct sqs_TextMap *map, struct sqs_queue_row *row)
{
    int r = 0;

    LIST_EACH(map, e) {
        if (r == 0)
            r = take_one(call, row, e->key, e->value.p ? e->value : S(""));
    }
    if (r == 0 && str_is(row->throughput, "perMessageGroupId") &&
        !str_is(row->dedup_scope, "messageGroup"))
        return bad(call, "FifoThroughputLimit");
    return r;
}

static struct str
text_of(struct api_call *call, const struct sqs_queue_row *row, const struct attribute *at)
{
    struct sqs_queue_row copy = *row;

    if (at->number)
        return number(call, *number_of(&copy, at));
    if (!at->show || (at->fifo && !row->fifo))
        return STR_NONE;
    return at->show(call, row);
}

const char *
sqs_attributes_differ(struct api_call *call, const struct sqs_TextMap *map,
                      const struct sqs_queue_row *row)
{
    struct sqs_queue_row other = *row;

    if (sqs_attributes_take(call, map, &other))
        return "";
    LIST_EACH(map, e) {
        const struct attribute *at = find(e->key);

        assert(at);
        if (!str_eq(text_of(call, row, at), text_of(call, &other, at)))
            return at->name;
    }
    return NULL;
}

int
sqs_attributes_show(struct api_call *call, const struct sqs_queue_row *row,
                    const struct str_list *names, struct sqs_TextMap *ret)
{
    bool all = str_in(names, S("All"));

    LIST_EACH(names, name) {
        if (!str_is(*name, "All") && !find(*name) && !str_is(*name, "KmsDataKeyReusePeriodSeconds"))
            return unknown(call, *name);
    }
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        struct str name = str_from(attributes[i].name);
        struct str text =
            all || str_in(names, name) ? text_of(call, row, &attributes[i]) : STR_NONE;

        if (text.p)
            *LIST_PUSH(call->arena, ret) = (struct sqs_TextMapEntry){.key = name, .value = text};
    }
    return 0;
}
