/*
 * What machines use: once a minute, at its end on the cloud's clock, the driver reads the meters of
 * all that run, in few requests that nobody waits for, and the difference to the minute before
 * becomes a row.  Who makes metrics of it reads rows (src/cloudwatch/collect_ec2.c).
 *
 * A row holds the meters that it was made of, so that a daemon that comes back goes on where the
 * last one was: the first minute is then a longer one, and says so.
 *
 * Guests that fetch metadata without a token are counted in memory until the minute ends; what a
 * crash loses is less than a minute's.
 */
#include "host/host.h"

#include "base/log.h"
#include "base/map.h"

#include <stdlib.h>

#define MINUTE_MS INT64_C(60000)
#define FIVE_MS (5 * MINUTE_MS)
#define SHORT_MS 1000 /* one that has just booted is measured with its next minute */

/* Calls without a token since the minute began. */
struct calls {
    int64_t taken, refused;
    size_t n;
    char id[];
};

struct host_usage {
    struct loop *loop;
    struct store *store;
    const struct host_driver *driver;
    struct host_meter *meter;
    struct loop_timer timer;
    struct map calls; /* by instance id */
    struct map ended; /* those of the minute that is being measured … */
    int64_t at_ms;    /* … and its end */
};

/* ---- one machine ---- */

static void
add_calls(struct host_usage *usage, struct host_usage_row *row)
{
    const struct calls *calls = map_get(&usage->ended, row->id);

    row->no_token = calls ? calls->taken : 0;
    row->no_token_refused = calls ? calls->refused : 0;
}

/* A meter that shows less than before lost an interface that was taken away. */
static int64_t
used(int64_t *meter, uint64_t now)
{
    int64_t before = *meter;

    *meter = (int64_t)MIN(now, (uint64_t)INT64_MAX);
    return MAX(*meter - before, 0);
}

/*
 * Of burstable ones: what they used since these five minutes began, over all boots, and what that
 * cost.  last_ms: of the sample before.
 */
static void
add_credits(struct host_usage *usage, struct txn *txn, const struct ec2_instance_row *instance,
            int64_t last_ms, struct host_usage_row *row)
{
    if ((last_ms - 1) / FIVE_MS != (usage->at_ms - 1) / FIVE_MS) {
        row->five_cpu_ns = 0;
        row->five_charged = row->charged;
    }
    row->five_cpu_ns += row->cpu_ns;
    if (!instance->cpu_credits.n)
        return;
    if (usage->at_ms % FIVE_MS == 0)
        host_meter_read(usage->meter, txn, instance, usage->at_ms, row->cpu_ns_meter);
    const struct host_credit_row *credit = host_credit_get(txn, row->id);
    row->charged = credit ? credit->charged : 0;
}

static int
write_one(struct host_usage *usage, struct txn *txn, const struct host_use *use)
{
    const struct ec2_instance_row *instance = ec2_instance_get(txn, use->id);
    const struct host_machine_row *machine = host_machine_get(txn, use->id);
    const struct host_usage_row *old = host_usage_get(txn, use->id);
    const struct host_credit_row *credit = host_credit_get(txn, use->id);
    struct host_usage_row row =
        old ? *old
            : (struct host_usage_row){.id = use->id, .charged = credit ? credit->charged : 0};

    if (!instance || instance->state != EC2_RUNNING || !machine || machine->phase != HOST_UP)
        return 0;
    if (row.boots != machine->boots) {
#define USAGE_FORGET(name) row.name##_meter = 0;
        HOST_USES(USAGE_FORGET)
#undef USAGE_FORGET
        row.boots = machine->boots;
    }
    int64_t last_ms = row.at_ms;

    row.from_ms = MAX(last_ms, machine->booted_ms); /* it may have been off or frozen between */
    row.at_ms = usage->at_ms;
    if (row.at_ms < row.from_ms + SHORT_MS)
        return 0;
#define USAGE_TAKE(name) row.name = used(&row.name##_meter, use->name);
    HOST_USES(USAGE_TAKE)
#undef USAGE_TAKE
    row.has_disk = use->has_disk;
    add_calls(usage, &row);
    add_credits(usage, txn, instance, last_ms, &row);
    assert(row.from_ms < row.at_ms && row.at_ms % MINUTE_MS == 0 && row.boots > 0);
    return old ? host_usage_update(txn, &row) : host_usage_insert(txn, &row);
}

static void
measured(void *ctx, const struct host_use *uses, size_t n)
{
    struct host_usage *usage = ctx;
    struct txn *txn = store_begin(usage->store);
    int r = 0;

    assert(n > 0 && usage->at_ms > 0);
    for (size_t i = 0; i < n && r >= 0; i++)
        r = write_one(usage, txn, &uses[i]);
    if (r >= 0) {
        store_commit(txn);
        return;
    }
    store_rollback(txn);
    error_origin(-r, "what %zu instances used cannot be written", n);
}

/* ---- the minute ---- */

static void
forget(struct map *calls)
{
    MAP_EACH(calls, entry)
        free(entry->value);
    map_done(calls);
    map_init(calls, 0);
}

static void
arm(struct host_usage *usage)
{
    int64_t now_ms = loop_now_ms(usage->loop, LOOP_CLOUD);

    assert(now_ms >= 0);
    if (!usage->timer.node.place)
        loop_timer_set(usage->loop, &usage->timer, LOOP_CLOUD,
                       (now_ms / MINUTE_MS + 1) * MINUTE_MS);
}

/* A cloud in which nothing runs rests. */
static void
arm_if_needed(struct host_usage *usage)
{
    struct txn *txn = store_begin(usage->store);

    STORE_EACH(txn, ec2_instance_by_state, row, EC2_RUNNING) {
        assert(row->state == EC2_RUNNING);
        arm(usage);
        break;
    }
    store_rollback(txn);
}

static void
due(struct loop_timer *timer)
{
    struct host_usage *usage = CONTAINER_OF(timer, struct host_usage, timer);

    forget(&usage->ended);
    usage->ended = usage->calls;
    map_init(&usage->calls, 0);
    usage->at_ms = loop_now_ms(usage->loop, LOOP_CLOUD) / MINUTE_MS * MINUTE_MS;
    int r = usage->driver->measure(usage->driver->ctx, measured, usage);

    if (r < 0)
        error_origin(-r, "what instances use cannot be measured");
    arm_if_needed(usage);
}

static void
instance_changed(void *ctx, const void *old_row UNUSED, const void *new_row)
{
    const struct ec2_instance_row *new = new_row;

    if (new &&new->state == EC2_RUNNING)
        arm(ctx);
}

void
host_usage_no_token(struct host_usage *usage, struct str id, bool refused)
{
    struct calls *calls = map_get(&usage->calls, id);

    assert(id.n > 0);
    if (!calls) {
        calls = calloc(1, sizeof(*calls) + id.n);
        if (!calls)
            abort();
        calls->n = id.n;
        memcpy(calls->id, id.p, id.n);
        map_put(&usage->calls, str_of(calls->id, calls->n), calls);
    }
    calls->taken += !refused;
    calls->refused += refused;
}

int
host_usage_new(struct host_usage **ret, struct loop *loop, struct store *store,
               const struct host_driver *driver, struct host_meter *meter)
{
    struct host_usage *usage = calloc(1, sizeof(*usage));

    assert(driver->measure && meter);
    if (!usage)
        return error_origin(ENOMEM, "the meter of what instances use cannot be made");
    usage->loop = loop;
    usage->store = store;
    usage->driver = driver;
    usage->meter = meter;
    usage->timer.fn = due;
    map_init(&usage->calls, 0);
    map_init(&usage->ended, 0);
    store_watch(store, &ec2_instance_table, instance_changed, usage);
    arm_if_needed(usage);
    *ret = usage;
    return 0;
}

struct host_usage *
host_usage_free(struct host_usage *usage)
{
    if (!usage)
        return NULL;
    loop_timer_stop(usage->loop, &usage->timer);
    forget(&usage->calls);
    forget(&usage->ended);
    map_done(&usage->calls);
    map_done(&usage->ended);
    free(usage);
    return NULL;
}
