/*
 * Event notifications: which changes of objects are told to whom.  A change is told in its own
 * transaction, by S3 as itself, so the policies of topic, queue and function decide; they were
 * asked when the configuration was put, by a test event.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 */
#include "s3/s3.h"

#include "api/actor.h"
#include "api/authorize.h"
#include "api/event.h"
#include "api/notify.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "codec/json.h"
#include "gen/api/lambda.h"

#define VIA "s3.amazonaws.com"
#define TEXT_MAX ((size_t)32 << 10)

enum { CONFIGURATIONS_MAX = 100, ID_MAX = 255 };

/* ---- telling ---- */

static struct api_call
as_service(struct api_call *call, const struct s3_bucket_row *bucket)
{
    struct api_call s3 =
        api_service_call(call->api, call->arena, VIA, bucket->account, bucket->region,
                         str_cat(call->arena, S("arn:aws:s3:::"), bucket->name));

    assert(call->txn && bucket->name.n);
    s3.txn = call->txn;
    return s3;
}

static int
send(struct api_call *call, const struct s3_bucket_row *bucket, struct str target, struct str text)
{
    struct api_call s3 = as_service(call, bucket);
    const struct api_notice notice = {
        .target = target, .subject = S("Amazon S3 Notification"), .text = text, .via = VIA};
    int r = api_notify(&s3, &notice);

    if (r > 0)
        call->fault = s3.fault;
    return r;
}

static struct str
end(struct arena *a, struct buf *buf)
{
    struct str text = buf_failed(buf) ? STR_NONE : str_dup(a, buf_str(buf));

    assert(text.p); /* keys are short */
    buf_done(buf);
    return text;
}

/* The key as a form has it: blanks are plus signs. */
static struct str
coded_key(struct arena *a, struct str key)
{
    struct buf buf;

    buf_init(&buf, TEXT_MAX);
    for (size_t i = 0; i < key.n; i++) {
        unsigned char c = (unsigned char)key.p[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '_' || c == '.' || c == '*' || c == '/')
            buf_add_char(&buf, (char)c);
        else if (c == ' ')
            buf_add_char(&buf, '+');
        else
            buf_add_fmt(&buf, "%%%02X", c);
    }
    return end(a, &buf);
}

static void
put_user(struct json_out *o, const char *name, struct str id)
{
    json_key(o, str_from(name));
    json_open(o, '{');
    json_key_str(o, "principalId", id);
    json_close(o, '}');
}

/* What is larger came later. */
static struct str
sequencer(struct arena *a, const struct s3_object_row *row)
{
    assert(row->rank <= 0 && row->modified_ms > 0);
    return str_fmt(a, "%016llX",
                   (unsigned long long)row->modified_ms * 4096 +
                       (unsigned long long)(-row->rank & 4095));
}

static void
put_object(struct json_out *o, struct arena *a, const struct s3_object_row *row, bool is_created)
{
    json_key(o, S("object"));
    json_open(o, '{');
    json_key_str(o, "key", coded_key(a, row->object_key));
    if (is_created) {
        json_key_int(o, "size", row->size);
        json_key_str(o, "eTag", row->etag);
    } else if (row->marker) {
        json_key_str(o, "eTag", S("d41d8cd98f00b204e9800998ecf8427e"));
    }
    if (row->version.n && !str_is(row->version, "null"))
        json_key_str(o, "versionId", row->version);
    json_key_str(o, "sequencer", sequencer(a, row));
    json_close(o, '}');
}

static struct str
record_of(struct api_call *call, const struct s3_bucket_row *bucket, const struct s3_notice_row *to,
          const struct s3_object_row *row, const char *event)
{
    struct arena *a = call->arena;
    struct str peer = call->request && !call->via.p ? call->request->peer : STR_NONE;
    struct buf buf;
    struct json_out o = {&buf};

    buf_init(&buf, TEXT_MAX);
    buf_add_lit(&buf, "{\"Records\":[");
    json_open(&o, '{');
    json_key_str(&o, "eventVersion", S("2.1"));
    json_key_str(&o, "eventSource", S("aws:s3"));
    json_key_str(&o, "awsRegion", bucket->region);
    json_key_str(&o, "eventTime", time_iso(a, call->now_ms));
    json_key_str(&o, "eventName", str_from(event));
    put_user(&o, "userIdentity",
             call->principal_id.n ? str_fmt(a, "AWS:%.*s", STR_ARG(call->principal_id)) : S(VIA));
    json_key(&o, S("requestParameters"));
    json_open(&o, '{');
    json_key_str(&o, "sourceIPAddress", peer.n ? peer : S(VIA));
    json_close(&o, '}');
    json_key(&o, S("responseElements"));
    json_open(&o, '{');
    json_key_str(&o, "x-amz-request-id", call->request_id);
    json_key_str(&o, "x-amz-id-2", call->request_id);
    json_close(&o, '}');
    json_key(&o, S("s3"));
    json_open(&o, '{');
    json_key_str(&o, "s3SchemaVersion", S("1.0"));
    json_key_str(&o, "configurationId", to->name);
    json_key(&o, S("bucket"));
    json_open(&o, '{');
    json_key_str(&o, "name", bucket->name);
    put_user(&o, "ownerIdentity", bucket->account);
    json_key_str(&o, "arn", str_cat(a, S("arn:aws:s3:::"), bucket->name));
    json_close(&o, '}');
    put_object(&o, a, row, str_starts(str_from(event), S("ObjectCreated:")));
    json_close(&o, '}');
    json_close(&o, '}');
    buf_add_lit(&buf, "]}");
    return end(a, &buf);
}

/* Whether one of the events asked for is this one: "s3:ObjectCreated:*". */
static bool
asks(const struct str_list *events, const char *event)
{
    assert(events->n > 0 && event[0] != '\0');
    LIST_EACH(events, e) {
        struct str name = str_cut(*e, 3, e->n);

        if (str_is(name, event) ||
            (str_ends(name, S("*")) && str_starts(str_from(event), str_cut(name, 0, name.n - 1))))
            return true;
    }
    return false;
}

/* EventBridge's form of it. */
static int
tell_bus(struct api_call *call, const struct s3_bucket_row *bucket, const struct s3_object_row *row,
         const char *event)
{
    bool is_created = str_starts(str_from(event), S("ObjectCreated:"));
    struct str rest = str_from(event), reason;
    struct str arn = str_cat(call->arena, S("arn:aws:s3:::"), bucket->name);
    struct buf buf;
    struct json_out o = {&buf};

    str_split(&rest, ':');
    assert(rest.n > 0);
    reason = str_is(rest, "Put")    ? S("PutObject")
             : str_is(rest, "Post") ? S("POST Object")
             : str_is(rest, "Copy") ? S("CopyObject")
             : is_created           ? S("CompleteMultipartUpload")
                                    : S("DeleteObject");
    buf_init(&buf, TEXT_MAX);
    json_open(&o, '{');
    json_key_str(&o, "version", S("0"));
    json_key(&o, S("bucket"));
    json_open(&o, '{');
    json_key_str(&o, "name", bucket->name);
    json_close(&o, '}');
    json_key(&o, S("object"));
    json_open(&o, '{');
    json_key_str(&o, "key", row->object_key);
    if (is_created) {
        json_key_int(&o, "size", row->size);
        json_key_str(&o, "etag", row->etag);
    }
    if (!str_is(row->version, "null"))
        json_key_str(&o, "version-id", row->version);
    json_key_str(&o, "sequencer", str_lower(call->arena, sequencer(call->arena, row)));
    json_close(&o, '}');
    json_key_str(&o, "request-id", call->request_id);
    json_key_str(&o, "requester", call->account.n ? call->account : S(VIA));
    json_key_str(&o, "reason", reason);
    if (!is_created)
        json_key_str(&o, "deletion-type",
                     row->marker ? S("Delete Marker Created") : S("Permanently Deleted"));
    json_close(&o, '}');
    const struct api_event e = {.account = bucket->account,
                                .region = bucket->region,
                                .time_ms = call->now_ms,
                                .source = "aws.s3",
                                .detail_type = is_created ? "Object Created" : "Object Deleted",
                                .resources = {&arn, 1},
                                .detail = end(call->arena, &buf)};

    return api_event_write(call->txn, call->env, &e);
}

int
s3_tell(struct api_call *call, const struct s3_bucket_row *bucket, const struct s3_object_row *row,
        const char *event)
{
    int r = bucket->event_bridge ? tell_bus(call, bucket, row, event) : 0;

    assert(str_find_char(str_from(event), ':') != SIZE_MAX && row->object_key.n);
    STORE_EACH(call->txn, s3_notice_of_bucket, to, bucket->name) {
        if (r < 0)
            break;
        if (!asks(&to->events, event) || !str_starts(row->object_key, to->prefix) ||
            !str_ends(row->object_key, to->suffix))
            continue;
        r = send(call, bucket, to->target, record_of(call, bucket, to, row, event));
        if (r > 0) {
            log_info("%.*s is not told of %.*s: %.*s", STR_ARG(to->target),
                     STR_ARG(row->object_key), STR_ARG(call->fault.message));
            call->fault = (struct api_fault){0};
            r = 0;
        }
    }
    return MIN(r, 0);
}

/* ---- PutBucketNotificationConfiguration ---- */

static int
bad(struct api_call *call, const char *text)
{
    return api_fault(call, &S3_ERR(InvalidArgument), "%s", text);
}

/* What happens here is told or refused; what never happens here (a replication) never comes. */
static int
check_event(struct api_call *call, struct str event)
{
    static const char *const untold[] = {
        "s3:LifecycleExpiration:", "s3:ObjectTagging:", "s3:ObjectAcl:"};

    for (size_t i = 0; i < ARRAY_LEN(untold); i++)
        if (str_starts(event, str_from(untold[i])))
            return S3_NOT_YET(call, "notifications of expirations, tags and access lists");
    return 0;
}

static int
read_rules(struct api_call *call, const struct s3_NotificationConfigurationFilter *filter,
           struct s3_notice_row *row)
{
    const struct s3_FilterRuleList *rules =
        filter && filter->key ? &filter->key->filter_rules : NULL;

    for (size_t i = 0; rules && i < rules->n; i++) {
        struct str name = rules->v[i].name, value = rules->v[i].value;
        bool prefix = str_eq_nocase(name, S("prefix"));

        if (!prefix && !str_eq_nocase(name, S("suffix")))
            return bad(call, "filter rule name must be either prefix or suffix");
        if (prefix ? row->has_prefix : row->has_suffix)
            return bad(call, "Cannot specify more than one prefix rule in a filter.");
        *(prefix ? &row->prefix : &row->suffix) = value.p ? value : S("");
        *(prefix ? &row->has_prefix : &row->has_suffix) = true;
    }
    return 0;
}

/* Whether two lists name an event in common. */
static bool
events_meet(const struct str_list *a, const struct str_list *b)
{
    LIST_EACH(a, x) {
        LIST_EACH(b, y) {
            struct str s = str_ends(*x, S("*")) ? str_cut(*x, 0, x->n - 1) : *x;
            struct str t = str_ends(*y, S("*")) ? str_cut(*y, 0, y->n - 1) : *y;

            if (str_eq(*x, *y) || (s.n < x->n && str_starts(*y, s)) ||
                (t.n < y->n && str_starts(*x, t)))
                return true;
        }
    }
    return false;
}

static bool
overlap(const struct s3_notice_row *a, const struct s3_notice_row *b)
{
    return events_meet(&a->events, &b->events) &&
           (str_starts(a->prefix, b->prefix) || str_starts(b->prefix, a->prefix)) &&
           (str_ends(a->suffix, b->suffix) || str_ends(b->suffix, a->suffix));
}

struct putting {
    struct api_call *call;
    const struct s3_bucket_row *bucket;
    bool check;
    int64_t n;
};

static int
unable(struct api_call *call)
{
    return bad(call, "Unable to validate the following destination configurations");
}

/* There is no test event for a function: only whether its policy lets S3 in. */
static int
check_function(struct putting *p, const struct s3_notice_row *row)
{
    struct api_call s3 = as_service(p->call, p->bucket);
    const struct lambda_InvocationRequest req = {.function_name = row->target,
                                                 .invocation_type = S("DryRun")};
    struct lambda_InvocationResponse res = {0};
    int r = api_call_internal(&s3, "lambda", "Invoke", &req, &res, VIA);

    return r > 0 ? unable(p->call) : r;
}

static int
check_target(struct putting *p, const struct s3_notice_row *row)
{
    struct api_call *call = p->call;
    struct buf buf;
    struct json_out o = {&buf};

    if (!p->check)
        return 0;
    if (row->kind == S3_NOTICE_FUNCTION)
        return check_function(p, row);
    buf_init(&buf, TEXT_MAX);
    json_open(&o, '{');
    json_key_str(&o, "Service", S("Amazon S3"));
    json_key_str(&o, "Event", S("s3:TestEvent"));
    json_key_str(&o, "Time", time_iso(call->arena, call->now_ms));
    json_key_str(&o, "Bucket", p->bucket->name);
    json_key_str(&o, "RequestId", call->request_id);
    json_key_str(&o, "HostId", call->request_id);
    json_close(&o, '}');
    int r = send(call, p->bucket, row->target, end(call->arena, &buf));

    return r > 0 ? unable(call) : r;
}

static int
put_one(struct putting *p, int kind, struct str id, struct str target,
        const struct str_list *events, const struct s3_NotificationConfigurationFilter *filter)
{
    static const char *const patterns[] = {[S3_NOTICE_TOPIC] = "arn:aws:sns:*:*:?*",
                                           [S3_NOTICE_QUEUE] = "arn:aws:sqs:*:*:?*",
                                           [S3_NOTICE_FUNCTION] = "arn:aws:lambda:*:*:function:?*"};
    struct api_call *call = p->call;
    struct s3_notice_row row = {
        .id = str_fmt(call->arena, "%.*s/%04lld", STR_ARG(p->bucket->name), (long long)p->n),
        .bucket = p->bucket->name,
        .number = p->n++,
        .name = id.n ? id : str_base64(call->arena, api_uuid(call->env, call->arena)),
        .kind = kind,
        .target = target,
        .events = *events,
        .prefix = S(""),
        .suffix = S("")};
    int r = read_rules(call, filter, &row);

    if (r == 0 && (p->n > CONFIGURATIONS_MAX || row.name.n > ID_MAX || !events->n))
        r = bad(call, "The notification configuration is not valid.");
    LIST_EACH(events, event) {
        if (r == 0)
            r = check_event(call, *event);
    }
    if (r == 0 && !str_glob(str_from(patterns[kind]), target))
        r = bad(call, "The ARN is not well formed");
    if (r == 0 && str_ends(target, S(".fifo")))
        r = unable(call);
    STORE_EACH(call->txn, s3_notice_of_bucket, other, p->bucket->name) {
        if (r == 0 && overlap(&row, other))
            r = bad(call, "Configurations overlap. Configurations on the same bucket cannot share "
                          "a common event type.");
        if (r == 0 && str_eq(row.name, other->name))
            r = bad(call, "Same ID used for multiple configurations. IDs must be unique");
    }
    if (r == 0)
        r = check_target(p, &row);
    return r ? r : s3_notice_insert(call->txn, &row);
}

int
s3_notices_drop(struct txn *txn, struct str bucket)
{
    int r = 0;

    STORE_EACH(txn, s3_notice_of_bucket, row, bucket) {
        if (r >= 0)
            r = s3_notice_delete(txn, row->id);
    }
    return r;
}

int
s3_put_bucket_notification_configuration(
    struct api_call *call, const struct s3_PutBucketNotificationConfigurationRequest *req,
    struct s3_PutBucketNotificationConfigurationResult *res UNUSED)
{
    const struct s3_NotificationConfiguration *c = req->notification_configuration;
    struct putting p = {.call = call,
                        .check = !opt_bool_or(req->skip_destination_validation, false)};
    int r = s3_open_to_set(call, req->bucket, "s3:PutBucketNotification", &p.bucket);

    if (r)
        return r;
    struct s3_bucket_row bucket = *p.bucket;

    r = s3_notices_drop(call->txn, bucket.name);
    for (size_t i = 0; i < c->topic_configurations.n && r == 0; i++) {
        const struct s3_TopicConfiguration *t = &c->topic_configurations.v[i];

        r = put_one(&p, S3_NOTICE_TOPIC, t->id, t->topic_arn, &t->events, t->filter);
    }
    for (size_t i = 0; i < c->queue_configurations.n && r == 0; i++) {
        const struct s3_QueueConfiguration *q = &c->queue_configurations.v[i];

        r = put_one(&p, S3_NOTICE_QUEUE, q->id, q->queue_arn, &q->events, q->filter);
    }
    for (size_t i = 0; i < c->lambda_function_configurations.n && r == 0; i++) {
        const struct s3_LambdaFunctionConfiguration *f = &c->lambda_function_configurations.v[i];

        r = put_one(&p, S3_NOTICE_FUNCTION, f->id, f->lambda_function_arn, &f->events, f->filter);
    }
    bucket.event_bridge = c->event_bridge_configuration != NULL;
    return r ? r : s3_bucket_update(call->txn, &bucket);
}

/* ---- GetBucketNotificationConfiguration ---- */

static struct s3_NotificationConfigurationFilter *
show_filter(struct arena *a, const struct s3_notice_row *row)
{
    const struct {
        bool has;
        struct str name, value;
    } rules[] = {{row->has_prefix, S("Prefix"), row->prefix},
                 {row->has_suffix, S("Suffix"), row->suffix}};
    struct s3_NotificationConfigurationFilter *filter;

    if (!row->has_prefix && !row->has_suffix)
        return NULL;
    filter = ARENA_NEW(a, struct s3_NotificationConfigurationFilter);
    filter->key = ARENA_NEW(a, struct s3_S3KeyFilter);
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (rules[i].has)
            *LIST_PUSH(a, &filter->key->filter_rules) =
                (struct s3_FilterRule){.name = rules[i].name, .value = rules[i].value};
    return filter;
}

int
s3_get_bucket_notification_configuration(
    struct api_call *call, const struct s3_GetBucketNotificationConfigurationRequest *req,
    struct s3_NotificationConfiguration *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:GetBucketNotification", &bucket);

    if (r)
        return r;
    assert(str_eq(bucket->name, req->bucket));
    STORE_EACH(call->txn, s3_notice_of_bucket, row, bucket->name) {
        struct s3_NotificationConfigurationFilter *filter = show_filter(call->arena, row);

        if (row->kind == S3_NOTICE_TOPIC)
            *LIST_PUSH(call->arena, &res->topic_configurations) = (struct s3_TopicConfiguration){
                .id = row->name, .topic_arn = row->target, .events = row->events, .filter = filter};
        else if (row->kind == S3_NOTICE_QUEUE)
            *LIST_PUSH(call->arena, &res->queue_configurations) = (struct s3_QueueConfiguration){
                .id = row->name, .queue_arn = row->target, .events = row->events, .filter = filter};
        else
            *LIST_PUSH(call->arena, &res->lambda_function_configurations) =
                (struct s3_LambdaFunctionConfiguration){.id = row->name,
                                                        .lambda_function_arn = row->target,
                                                        .events = row->events,
                                                        .filter = filter};
    }
    if (bucket->event_bridge)
        res->event_bridge_configuration =
            ARENA_NEW(call->arena, struct s3_EventBridgeConfiguration);
    return 0;
}
