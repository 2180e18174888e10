/*
 * What EventBridge is told of objects, of buckets that have it on.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
 */
#include "s3/s3.h"
#include "s3/holds.h"

#include "api/event.h"
#include "codec/json.h"

enum { DETAIL_BYTES_MAX = 16 << 10 };

/* ---- the setting ---- */

int
s3_put_bucket_notification_configuration(
    struct api_call *call, const struct s3_PutBucketNotificationConfigurationRequest *req,
    struct s3_PutBucketNotificationConfigurationResult *res UNUSED)
{
    const struct s3_NotificationConfiguration *wanted = req->notification_configuration;
    const struct s3_bucket_row *bucket;
    int r = s3_open_to_set(call, req->bucket, "s3:PutBucketNotification", &bucket);

    if (r == 0 && wanted->topic_configurations.n)
        r = S3_NOT_YET(call, "notifications to topics");
    if (r == 0 && wanted->queue_configurations.n)
        r = S3_NOT_YET(call, "notifications to queues");
    if (r == 0 && wanted->lambda_function_configurations.n)
        r = S3_NOT_YET(call, "notifications to functions");
    if (r)
        return r;
    struct s3_bucket_row row = *bucket;

    row.event_bridge = wanted->event_bridge_configuration != NULL;
    s3_bucket_assert(&row);
    return s3_bucket_update(call->txn, &row);
}

int
s3_get_bucket_notification_configuration(
    struct api_call *call, const struct s3_GetBucketNotificationConfigurationRequest *req,
    struct s3_NotificationConfiguration *res)
{
    const struct s3_bucket_row *bucket;
    int r = s3_open(call, req->bucket, STR_NONE, "s3:GetBucketNotification", &bucket);

    if (r == 0 && bucket->event_bridge)
        res->event_bridge_configuration =
            ARENA_NEW(call->arena, struct s3_EventBridgeConfiguration);
    return r;
}

/* ---- events ---- */

/* Of the versions of a key the later one's is the greater. */
static struct str
sequencer(struct arena *a, const struct s3_object_row *row, int64_t now_ms)
{
    assert(row->rank <= 0);
    return str_fmt(a, "%012llx%04llx", (unsigned long long)now_ms,
                   (unsigned long long)(-row->rank & 0xffff));
}

static void
put_object(struct json_out *o, struct api_call *call, const struct s3_bucket_row *bucket,
           const struct s3_object_row *row, bool created)
{
    json_key(o, S("object"));
    json_open(o, '{');
    json_key_str(o, "key", row->object_key);
    if (created)
        json_key_int(o, "size", row->size);
    if (!row->marker)
        json_key_str(o, "etag", row->etag);
    if (s3_is_versioned(bucket))
        json_key_str(o, "version-id", row->version);
    json_key_str(o, "sequencer", sequencer(call->arena, row, call->now_ms));
    json_close(o, '}');
}

int
s3_notify(struct api_call *call, const struct s3_bucket_row *bucket,
          const struct s3_object_row *row, const char *reason, const char *deletion)
{
    struct str_list resources = {0};
    struct buf buf;
    struct json_out o = {.buf = &buf};

    assert(reason[0] != '\0' && row->object_key.n > 0);
    if (!bucket->event_bridge ||
        !api_event_wanted(call->txn, bucket->account, bucket->region, S("aws.s3")))
        return 0;
    buf_init(&buf, DETAIL_BYTES_MAX);
    json_open(&o, '{');
    json_key_str(&o, "version", S("0"));
    json_key(&o, S("bucket"));
    json_open(&o, '{');
    json_key_str(&o, "name", bucket->name);
    json_close(&o, '}');
    put_object(&o, call, bucket, row, !deletion);
    json_key_str(&o, "request-id", call->request_id);
    json_key_str(&o, "requester", call->request ? call->account : S("s3.amazonaws.com"));
    if (call->request && call->request->peer.n)
        json_key_str(&o, "source-ip-address", call->request->peer);
    json_key_str(&o, "reason", str_from(reason));
    if (deletion)
        json_key_str(&o, "deletion-type", str_from(deletion));
    json_close(&o, '}');
    assert(!buf_failed(&buf));
    *LIST_PUSH(call->arena, &resources) =
        str_fmt(call->arena, "arn:aws:s3:::%.*s", STR_ARG(bucket->name));
    const struct api_event event = {
        .account = bucket->account,
        .region = bucket->region,
        .time_ms = call->now_ms,
        .source = "aws.s3",
        .detail_type = deletion ? "Object Deleted" : "Object Created",
        .resources = resources,
        .detail = buf_str(&buf),
    };
    int r = api_event_write(call->txn, call->env, &event);

    buf_done(&buf);
    return r;
}
