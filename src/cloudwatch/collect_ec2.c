/*
 * The metrics of EC2, namespace AWS/EC2.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_metrics_with_cloudwatch.html
 *
 * What a machine used in a minute is a row of the host's (host_usage): when it changes, the
 * instance is looked at, and its datapoints are put.  Status checks are a timer's, each minute, and
 * are what DescribeInstanceStatus says, so that metric and answer never differ.  Both go on in
 * turns of their own, some instances each: a thousand of them do not hold up calls.
 *
 * With detailed monitoring a minute has a datapoint.  Without, five minutes have one, with the time
 * of their begin, to which each minute adds a sample, as AWS's Nitro hypervisor does it: so a
 * restart of the daemon loses nothing, and nothing but datapoints is kept.
 *
 * What several instances have together (a type, an image, an Auto Scaling group, all) is summed up
 * in memory and put once a turn.
 */
#include "cloudwatch/ec2.h"

#include "api/actor.h"
#include "api/authorize.h"
#include "base/log.h"
#include "base/map.h"
#include "cloudwatch/metric.h"
#include "gen/api/ec2.h"
#include "gen/store/ec2_rows.h"
#include "gen/store/host_rows.h"
#include "store/states.h"

#include <stdlib.h>

#define FIVE_MS (5 * CLOUDWATCH_MINUTE_MS)
#define CREDIT 1e6 /* of the units of host_credit */
#define GROUP_TAG "aws:autoscaling:groupName"

enum {
    INSTANCES_A_TURN = 32,
    STATUSES_A_TURN = 50,
    ID_BYTES_MAX = 32,
    ARENA_BYTES_MAX = 16 << 20,
};

enum metric {
    CPU,
    NETWORK_IN,
    NETWORK_OUT,
    PACKETS_IN,
    PACKETS_OUT,
    EBS_READS,
    EBS_WRITES,
    EBS_READ_BYTES,
    EBS_WRITE_BYTES,
    DISK_READS,
    DISK_WRITES,
    DISK_READ_BYTES,
    DISK_WRITE_BYTES,
    NO_TOKEN,
    NO_TOKEN_REFUSED,
    CREDIT_USAGE,
    CREDIT_BALANCE,
    SURPLUS_BALANCE,
    SURPLUS_CHARGED,
    FAILED,
    FAILED_INSTANCE,
    FAILED_SYSTEM,
    FAILED_EBS,
    N_METRICS,
};

/* How fine a metric is: as monitoring says, always five minutes, always one. */
enum grain { BY_MONITORING, FIVE, MINUTE };

static const struct {
    const char *name, *unit;
    enum grain grain;
    bool together; /* also of a type, an image, and all instances, with detailed monitoring */
} metrics[N_METRICS] = {
    [CPU] = {"CPUUtilization", "Percent", BY_MONITORING, true},
    [NETWORK_IN] = {"NetworkIn", "Bytes", BY_MONITORING, true},
    [NETWORK_OUT] = {"NetworkOut", "Bytes", BY_MONITORING, true},
    [PACKETS_IN] = {"NetworkPacketsIn", "Count", FIVE, false},
    [PACKETS_OUT] = {"NetworkPacketsOut", "Count", FIVE, false},
    [EBS_READS] = {"EBSReadOps", "Count", BY_MONITORING, true},
    [EBS_WRITES] = {"EBSWriteOps", "Count", BY_MONITORING, true},
    [EBS_READ_BYTES] = {"EBSReadBytes", "Bytes", BY_MONITORING, true},
    [EBS_WRITE_BYTES] = {"EBSWriteBytes", "Bytes", BY_MONITORING, true},
    [DISK_READS] = {"DiskReadOps", "Count", BY_MONITORING, true},
    [DISK_WRITES] = {"DiskWriteOps", "Count", BY_MONITORING, true},
    [DISK_READ_BYTES] = {"DiskReadBytes", "Bytes", BY_MONITORING, true},
    [DISK_WRITE_BYTES] = {"DiskWriteBytes", "Bytes", BY_MONITORING, true},
    [NO_TOKEN] = {"MetadataNoToken", "Count", BY_MONITORING, true},
    [NO_TOKEN_REFUSED] = {"MetadataNoTokenRejected", "Count", BY_MONITORING, true},
    [CREDIT_USAGE] = {"CPUCreditUsage", "Count", FIVE, false},
    [CREDIT_BALANCE] = {"CPUCreditBalance", "Count", FIVE, false},
    [SURPLUS_BALANCE] = {"CPUSurplusCreditBalance", "Count", FIVE, false},
    [SURPLUS_CHARGED] = {"CPUSurplusCreditsCharged", "Count", FIVE, false},
    [FAILED] = {"StatusCheckFailed", "Count", MINUTE, false},
    [FAILED_INSTANCE] = {"StatusCheckFailed_Instance", "Count", MINUTE, false},
    [FAILED_SYSTEM] = {"StatusCheckFailed_System", "Count", MINUTE, false},
    [FAILED_EBS] = {"StatusCheckFailed_AttachedEBS", "Count", MINUTE, false},
};

/* An instance to look at. */
struct mark {
    uint8_t n;
    char id[ID_BYTES_MAX];
};

/* What there is to know of a type. */
struct type {
    size_t n;
    bool nitro, has_disks;
    char name[];
};

/* An account in a region, where something runs. */
struct owner {
    struct str account, region;
};

struct cloudwatch_ec2 {
    struct loop *loop;
    struct store *store;
    struct api *api;
    struct loop_timer uses, minute, statuses;
    struct mark *marks; /* whose use was measured; oldest first */
    size_t n_marks, next_mark, marks_cap;
    struct map types; /* by name */
    /* The round of status checks: whose are asked next, and from where on. */
    struct arena round;
    struct {
        struct owner *v;
        size_t n;
    } owners;
    size_t next_owner;
    struct str token;
    int64_t round_ms; /* begin of the minute that they are of */
};

/* ---- datapoints ---- */

/* A metric of several instances at a time, as far as this turn has seen it. */
struct together {
    struct cloudwatch_metric_name name;
    enum metric metric;
    int64_t time_ms;
    struct cloudwatch_set set;
};

struct turn {
    struct txn *txn;
    struct arena *arena;
    int64_t now_ms;
    struct map together;
    const struct ec2_instance_row *instance; /* whose datapoints come */
    struct str group;                        /* its Auto Scaling group; empty: none */
    int64_t minute_ms;                       /* begin of their minute */
    unsigned dropped;
    int r;
};

static struct cloudwatch_metric_name
name_of(struct turn *t, enum metric metric, const char *dimension, struct str value)
{
    struct cloudwatch_metric_name name = {
        .account = t->instance->account,
        .region = t->instance->region,
        .namespace = S("AWS/EC2"),
        .name = str_from(metrics[metric].name),
    };

    if (!dimension)
        return name;
    assert(value.n > 0);
    *LIST_PUSH(t->arena, &name.dimensions) = str_from(dimension);
    *LIST_PUSH(t->arena, &name.dimensions) = value;
    return name;
}

static void
put(struct turn *t, const struct cloudwatch_metric_name *name, enum metric metric, int64_t time_ms,
    struct cloudwatch_set set)
{
    const struct cloudwatch_datum datum = {
        .metric = *name,
        .unit = str_from(metrics[metric].unit),
        .time_ms = time_ms,
        .set = set,
    };

    assert(set.count > 0 && time_ms % CLOUDWATCH_MINUTE_MS == 0);
    int r = t->r < 0 ? t->r : cloudwatch_metric_put(t->txn, t->now_ms, &datum);

    /* There are more metrics than are kept: those that are known go on. */
    if (r == -ENOSPC)
        t->dropped++;
    else
        t->r = r;
}

static void
put_together(struct turn *t, enum metric metric, const char *dimension, struct str value,
             int64_t time_ms, double v)
{
    const struct ec2_instance_row *row = t->instance;
    struct str key =
        str_fmt(t->arena, "%.*s %.*s %d %lld %s %.*s", STR_ARG(row->account), STR_ARG(row->region),
                (int)metric, (long long)time_ms, dimension ? dimension : "", STR_ARG(value));
    struct together *to = map_get(&t->together, key);

    if (!to) {
        to = ARENA_NEW(t->arena, struct together);
        *to = (struct together){.name = name_of(t, metric, dimension, value),
                                .metric = metric,
                                .time_ms = time_ms,
                                .set = {0, 0, v, v}};
        map_put(&t->together, key, to);
    }
    assert(to->metric == metric && to->time_ms == time_ms);
    to->set.count++;
    to->set.sum += v;
    to->set.min = MIN(to->set.min, v);
    to->set.max = MAX(to->set.max, v);
}

/* A sample of this instance's, and of all that it belongs to. */
static void
record(struct turn *t, enum metric metric, double v)
{
    const struct ec2_instance_row *row = t->instance;
    enum grain grain = metrics[metric].grain;
    bool minute = grain == MINUTE || (grain == BY_MONITORING && row->monitoring);
    int64_t time_ms = t->minute_ms - (minute ? 0 : t->minute_ms % FIVE_MS);
    const struct cloudwatch_metric_name name = name_of(t, metric, "InstanceId", row->id);

    assert(v >= 0);
    put(t, &name, metric, time_ms, (struct cloudwatch_set){1, v, v, v});
    if (t->group.n)
        put_together(t, metric, "AutoScalingGroupName", t->group, time_ms, v);
    if (!row->monitoring || !metrics[metric].together)
        return;
    put_together(t, metric, "ImageId", row->image_id, time_ms, v);
    put_together(t, metric, "InstanceType", row->type, time_ms, v);
    put_together(t, metric, NULL, S(""), time_ms, v);
}

static void
turn_of(struct turn *t, const struct ec2_instance_row *row, int64_t minute_ms)
{
    assert(row->state == EC2_RUNNING && minute_ms >= 0);
    t->instance = row;
    t->minute_ms = minute_ms;
    t->group = S("");
    for (size_t i = 0; i + 1 < row->tags.n; i += 2)
        if (str_is(row->tags.v[i], GROUP_TAG))
            t->group = row->tags.v[i + 1];
}

static void
turn_begin(struct turn *t, struct cloudwatch_ec2 *c, struct arena *arena)
{
    arena_init(arena, ARENA_BYTES_MAX);
    *t = (struct turn){
        .txn = store_begin(c->store), .arena = arena, .now_ms = loop_now_ms(c->loop, LOOP_CLOUD)};
    map_init(&t->together, 0);
}

static void
turn_end(struct turn *t)
{
    MAP_EACH(&t->together, entry) {
        const struct together *one = entry->value;

        put(t, &one->name, one->metric, one->time_ms, one->set);
    }
    map_done(&t->together);
    if (t->dropped)
        log_warn("%u datapoints of EC2 are dropped: there are too many metrics", t->dropped);
    if (t->r >= 0) {
        store_commit(t->txn);
    } else {
        store_rollback(t->txn);
        error_origin(-t->r, "metrics of EC2 cannot be written");
    }
    arena_done(t->arena);
}

/* ---- what was used ---- */

/* Asked of EC2 once a type: NULL when it does not answer. */
static const struct type *
type_of(struct cloudwatch_ec2 *c, struct turn *t)
{
    const struct ec2_instance_row *row = t->instance;
    struct type *type = map_get(&c->types, row->type);
    const struct ec2_InstanceTypeInfo *info;
    struct str_list actor;
    struct api_call call;

    assert(row->type.n > 0);
    if (type)
        return type;
    actor = api_actor_account(t->arena, row->account);
    if (!api_actor_call(c->api, t->arena, &actor, row->region, &call))
        return NULL;
    call.txn = t->txn;
    if (cloudwatch_ec2_type(&call, row->type, &info) != 0)
        return NULL;
    type = calloc(1, sizeof(*type) + row->type.n);
    if (!type)
        abort();
    type->n = row->type.n;
    memcpy(type->name, row->type.p, row->type.n);
    type->nitro = str_is(info->hypervisor, "nitro");
    type->has_disks = opt_bool_or(info->instance_storage_supported, false);
    map_put(&c->types, str_of(type->name, type->n), type);
    return type;
}

static void
record_disks(struct cloudwatch_ec2 *c, struct turn *t, const struct host_usage_row *use)
{
    const struct type *type = type_of(c, t);

    if (type && type->nitro && use->has_disk) {
        record(t, EBS_READS, (double)use->reads);
        record(t, EBS_WRITES, (double)use->writes);
        record(t, EBS_READ_BYTES, (double)use->bytes_read);
        record(t, EBS_WRITE_BYTES, (double)use->bytes_written);
    }
    /* Instances have none of the disks of their types, so nothing is read from them. */
    for (int m = DISK_READS; type && type->has_disks && m <= DISK_WRITE_BYTES; m++)
        record(t, (enum metric)m, 0);
}

static void
record_credits(struct turn *t, const struct host_usage_row *use)
{
    const struct host_credit_row *credit = host_credit_get(t->txn, use->id);

    if (!credit || !t->instance->cpu_credits.n || use->at_ms % FIVE_MS)
        return;
    record(t, CREDIT_USAGE, (double)use->five_cpu_ns / 60e9);
    record(t, CREDIT_BALANCE, (double)(credit->balance + credit->launch) / CREDIT);
    record(t, SURPLUS_BALANCE, (double)credit->surplus / CREDIT);
    record(t, SURPLUS_CHARGED, (double)MAX(use->charged - use->five_charged, 0) / CREDIT);
}

static void
record_use(struct cloudwatch_ec2 *c, struct turn *t, struct str id)
{
    const struct ec2_instance_row *row = ec2_instance_get(t->txn, id);
    const struct host_usage_row *use = host_usage_get(t->txn, id);

    if (!row || !use || row->state != EC2_RUNNING)
        return;
    double could_ns = (double)(use->at_ms - use->from_ms) * 1e6 * (double)row->vcpus;

    assert(could_ns > 0 && use->at_ms % CLOUDWATCH_MINUTE_MS == 0);
    turn_of(t, row, use->at_ms - CLOUDWATCH_MINUTE_MS);
    record(t, CPU, MIN((double)use->cpu_ns / could_ns * 100, 100));
    record(t, NETWORK_IN, (double)use->bytes_in);
    record(t, NETWORK_OUT, (double)use->bytes_out);
    record(t, PACKETS_IN, (double)use->packets_in);
    record(t, PACKETS_OUT, (double)use->packets_out);
    record(t, NO_TOKEN, (double)use->no_token);
    record(t, NO_TOKEN_REFUSED, (double)use->no_token_refused);
    record_disks(c, t, use);
    record_credits(t, use);
}

/* In the next turn, so that others have theirs. */
static void
go_on(struct cloudwatch_ec2 *c, struct loop_timer *timer)
{
    if (!timer->node.place)
        loop_timer_set(c->loop, timer, LOOP_CLOUD, loop_now_ms(c->loop, LOOP_CLOUD));
}

static void
uses_due(struct loop_timer *timer)
{
    struct cloudwatch_ec2 *c = CONTAINER_OF(timer, struct cloudwatch_ec2, uses);
    struct arena arena;
    struct turn turn;

    turn_begin(&turn, c, &arena);
    for (size_t i = 0; i < INSTANCES_A_TURN && c->next_mark < c->n_marks; i++) {
        const struct mark *mark = &c->marks[c->next_mark++];

        record_use(c, &turn, str_of(mark->id, mark->n));
    }
    turn_end(&turn);
    assert(c->next_mark <= c->n_marks);
    if (c->next_mark < c->n_marks)
        go_on(c, &c->uses);
    else
        c->next_mark = c->n_marks = 0;
}

static void
usage_changed(void *ctx, const void *old_row, const void *new_row)
{
    struct cloudwatch_ec2 *c = ctx;
    const struct host_usage_row *old = old_row, *new = new_row;

    if (!new || (old && old->at_ms == new->at_ms))
        return;
    assert(new->id.n <= ID_BYTES_MAX && c->n_marks <= c->marks_cap);
    if (c->n_marks == c->marks_cap) {
        c->marks_cap = c->marks_cap ? 2 * c->marks_cap : 64;
        c->marks = realloc(c->marks, c->marks_cap * sizeof(*c->marks));
        if (!c->marks)
            abort();
    }
    struct mark *mark = &c->marks[c->n_marks++];
    mark->n = (uint8_t) new->id.n;
    memcpy(mark->id, new->id.p, new->id.n);
    go_on(c, &c->uses);
}

/* ---- status checks ---- */

static void
record_status(struct turn *t, const struct ec2_InstanceStatus *status)
{
    bool instance = str_is(status->instance_status->status, "impaired");
    bool system = str_is(status->system_status->status, "impaired");
    bool ebs = str_is(status->attached_ebs_status->status, "impaired");

    assert(str_eq(status->instance_id, t->instance->id));
    record(t, FAILED, instance || system || ebs);
    record(t, FAILED_INSTANCE, instance);
    record(t, FAILED_SYSTEM, system);
    record(t, FAILED_EBS, ebs);
}

/* One page of one owner's instances; what comes next is in the collector.  False: no answer. */
static bool
ask_page(struct cloudwatch_ec2 *c, struct turn *t)
{
    const struct owner *owner = &c->owners.v[c->next_owner];
    struct str_list actor = api_actor_account(t->arena, owner->account);
    struct ec2_DescribeInstanceStatusRequest req = {.max_results = opt_i64(STATUSES_A_TURN),
                                                    .next_token = c->token};
    struct ec2_DescribeInstanceStatusResult res = {0};
    struct api_call call;

    assert(c->next_owner < c->owners.n);
    c->token = STR_NONE;
    if (!api_actor_call(c->api, t->arena, &actor, owner->region, &call))
        return false;
    call.txn = t->txn;
    if (api_call_internal(&call, "ec2", "DescribeInstanceStatus", &req, &res, CLOUDWATCH_VIA) != 0)
        return false;
    LIST_EACH(&res.instance_statuses, status) {
        const struct ec2_instance_row *row = ec2_instance_get(t->txn, status->instance_id);

        if (!row || row->state != EC2_RUNNING)
            continue;
        turn_of(t, row, c->round_ms);
        record_status(t, status);
    }
    if (res.next_token.n)
        c->token = str_dup(&c->round, res.next_token);
    return true;
}

static void
statuses_due(struct loop_timer *timer)
{
    struct cloudwatch_ec2 *c = CONTAINER_OF(timer, struct cloudwatch_ec2, statuses);
    struct arena arena;
    struct turn turn;

    if (c->next_owner == c->owners.n)
        return;
    turn_begin(&turn, c, &arena);
    if (!ask_page(c, &turn))
        log_error("the status of instances cannot be asked for");
    if (!c->token.n)
        c->next_owner++;
    turn_end(&turn);
    if (c->next_owner < c->owners.n)
        go_on(c, &c->statuses);
}

static bool
is_listed(const struct cloudwatch_ec2 *c, const struct ec2_instance_row *row)
{
    LIST_EACH(&c->owners, owner)
        if (str_eq(owner->account, row->account) && str_eq(owner->region, row->region))
            return true;
    return false;
}

/* Whose instances run. */
static void
list_owners(struct cloudwatch_ec2 *c)
{
    struct txn *txn = store_begin(c->store);

    arena_done(&c->round);
    arena_init(&c->round, ARENA_BYTES_MAX);
    c->owners.v = NULL;
    c->owners.n = c->next_owner = 0;
    assert(!c->minute.node.place);
    c->token = STR_NONE;
    STORE_EACH(txn, ec2_instance_by_state, row, EC2_RUNNING)
        if (!is_listed(c, row))
            *LIST_PUSH(&c->round, &c->owners) =
                (struct owner){str_dup(&c->round, row->account), str_dup(&c->round, row->region)};
    store_rollback(txn);
}

static void
arm_minute(struct cloudwatch_ec2 *c)
{
    int64_t now_ms = loop_now_ms(c->loop, LOOP_CLOUD);

    if (!c->minute.node.place)
        loop_timer_set(c->loop, &c->minute, LOOP_CLOUD,
                       (now_ms / CLOUDWATCH_MINUTE_MS + 1) * CLOUDWATCH_MINUTE_MS);
}

static void
minute_due(struct loop_timer *timer)
{
    struct cloudwatch_ec2 *c = CONTAINER_OF(timer, struct cloudwatch_ec2, minute);
    int64_t now_ms = loop_now_ms(c->loop, LOOP_CLOUD);

    list_owners(c);
    c->round_ms = (now_ms / CLOUDWATCH_MINUTE_MS - 1) * CLOUDWATCH_MINUTE_MS;
    if (!c->owners.n)
        return; /* until something runs again */
    go_on(c, &c->statuses);
    arm_minute(c);
}

static void
instance_changed(void *ctx, const void *old_row UNUSED, const void *new_row)
{
    const struct ec2_instance_row *new = new_row;

    if (new &&new->state == EC2_RUNNING)
        arm_minute(ctx);
}

int
cloudwatch_ec2_new(struct cloudwatch_ec2 **ret, struct loop *loop, struct store *store,
                   struct api *api)
{
    struct cloudwatch_ec2 *c = calloc(1, sizeof(*c));

    assert(loop && store && api);
    if (!c)
        return error_origin(ENOMEM, "the collector of EC2's metrics cannot be made");
    c->loop = loop;
    c->store = store;
    c->api = api;
    c->uses.fn = uses_due;
    c->minute.fn = minute_due;
    c->statuses.fn = statuses_due;
    map_init(&c->types, 0);
    arena_init(&c->round, ARENA_BYTES_MAX);
    store_watch(store, &host_usage_table, usage_changed, c);
    store_watch(store, &ec2_instance_table, instance_changed, c);
    arm_minute(c); /* what runs already */
    *ret = c;
    return 0;
}

struct cloudwatch_ec2 *
cloudwatch_ec2_free(struct cloudwatch_ec2 *c)
{
    if (!c)
        return NULL;
    loop_timer_stop(c->loop, &c->uses);
    loop_timer_stop(c->loop, &c->minute);
    loop_timer_stop(c->loop, &c->statuses);
    MAP_EACH(&c->types, entry)
        free(entry->value);
    map_done(&c->types);
    arena_done(&c->round);
    free(c->marks);
    free(c);
    return NULL;
}
