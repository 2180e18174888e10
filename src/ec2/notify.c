/*
 * What EventBridge is told of instances, volumes and snapshots, when a rule may look for it.
 *
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-state-changes.html
 * https://docs.aws.amazon.com/ebs/latest/userguide/ebs-cloud-watch-events.html
 */
#include "ec2/volume.h"

#include "api/event.h"
#include "base/timefmt.h"
#include "codec/json.h"
#include "ec2/instance.h"

enum { DETAIL_BYTES_MAX = 4 << 10, ARENA_BYTES_MAX = 64 << 10 };

struct notice {
    struct txn *txn;
    struct str account, region, resource;
    int64_t now_ms;
    const char *type;
    struct arena arena;
    struct buf detail;
    struct json_out out;
};

/* Of a row, in the transaction that changes it. */
#define NOTICE(what)                                                                               \
    ((struct notice){.txn = txn,                                                                   \
                     .account = row->account,                                                      \
                     .region = row->region,                                                        \
                     .now_ms = now_ms,                                                             \
                     .type = what})

/* False: nobody wants to hear of it. */
static bool
begin(struct notice *n)
{
    assert(n->account.n == 12 && n->type[0] != '\0');
    if (!api_event_wanted(n->txn, n->account, n->region, S("aws.ec2")))
        return false;
    arena_init(&n->arena, ARENA_BYTES_MAX);
    buf_init(&n->detail, DETAIL_BYTES_MAX);
    n->out = (struct json_out){.buf = &n->detail};
    json_open(&n->out, '{');
    return true;
}

static int
end(struct notice *n)
{
    json_close(&n->out, '}');
    assert(!buf_failed(&n->detail) && n->resource.n > 0);
    const struct api_event event = {
        .account = n->account,
        .region = n->region,
        .time_ms = n->now_ms,
        .source = "aws.ec2",
        .detail_type = n->type,
        .resources = {&n->resource, 1},
        .detail = buf_str(&n->detail),
    };
    int r = api_event_write(n->txn, NULL, &event);

    buf_done(&n->detail);
    arena_done(&n->arena);
    return r;
}

int
ec2_notify_instance(struct txn *txn, const struct ec2_instance_row *row, int64_t now_ms)
{
    struct notice n = NOTICE("EC2 Instance State-change Notification");

    if (!begin(&n))
        return 0;
    n.resource = str_fmt(&n.arena, "arn:aws:ec2:%.*s:%.*s:instance/%.*s", STR_ARG(row->region),
                         STR_ARG(row->account), STR_ARG(row->id));
    json_key_str(&n.out, "instance-id", row->id);
    json_key_str(&n.out, "state", str_from(ec2_instance_sm.states[row->state].name));
    return end(&n);
}

int
ec2_notify_volume(struct txn *txn, const struct ec2_volume_row *row, const char *event,
                  int64_t now_ms)
{
    struct notice n = NOTICE("EBS Volume Notification");
    bool deleted = strcmp(event, "deleteVolume") == 0;

    if (!begin(&n))
        return 0;
    n.resource = str_fmt(&n.arena, "arn:aws:ec2:%.*s:%.*s:volume/%.*s", STR_ARG(row->region),
                         STR_ARG(row->account), STR_ARG(row->id));
    json_key_str(&n.out, "result",
                 deleted                       ? S("deleted")
                 : str_is(row->state, "error") ? S("failed")
                                               : S("available"));
    json_key_str(&n.out, "cause", S(""));
    json_key_str(&n.out, "event", str_from(event));
    json_key_str(&n.out, "request-id", S(""));
    return end(&n);
}

int
ec2_notify_snapshot(struct txn *txn, const struct ec2_snapshot_row *row, int64_t now_ms)
{
    struct notice n = NOTICE("EBS Snapshot Notification");

    if (!begin(&n))
        return 0;
    /* of a snapshot EBS tells an ARN without an account */
    n.resource = str_fmt(&n.arena, "arn:aws:ec2::%.*s:snapshot/%.*s", STR_ARG(row->region),
                         STR_ARG(row->id));
    json_key_str(&n.out, "event", S("createSnapshot"));
    json_key_str(&n.out, "result", str_is(row->state, "completed") ? S("succeeded") : S("failed"));
    json_key_str(&n.out, "cause", row->message);
    json_key_str(&n.out, "request-id", S(""));
    json_key_str(&n.out, "snapshot_id", n.resource);
    json_key_str(&n.out, "source",
                 str_fmt(&n.arena, "arn:aws:ec2::%.*s:volume/%.*s", STR_ARG(row->region),
                         STR_ARG(row->volume_id)));
    json_key_str(&n.out, "startTime", time_iso_s(&n.arena, row->started_ms));
    json_key_str(&n.out, "endTime", time_iso_s(&n.arena, now_ms));
    return end(&n);
}
