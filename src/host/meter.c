/*
 * The meter of burstable instances: reads what they use, keeps their credits (codec/cpu_credit.h)
 * and holds them to what these last for.
 *
 * All are looked at when the one with the fewest credits could have run out, at the latest after
 * an hour; one alone when it booted or its credit option changed.  A row is all that is kept, so
 * a daemon that comes back goes on where the last one was.
 */
#include "host/host.h"

#include "base/log.h"
#include "base/map.h"
#include "codec/cpu_credit.h"

#include <stdlib.h>

#define PERIOD_MIN_MS INT64_C(60000)
#define PERIOD_MAX_MS INT64_C(3600000)

struct dirty {
    size_t n;
    char id[];
};

struct host_meter {
    struct loop *loop;
    struct store *store;
    const struct host_driver *driver;
    struct loop_timer timer;
    struct loop_task task;
    struct map dirty; /* by instance id */
};

static bool
is_unlimited(const struct ec2_instance_row *instance)
{
    return str_is(instance->cpu_credits, "unlimited");
}

static struct cpu_credit
credits_of(const struct host_credit_row *row)
{
    assert(row->balance >= 0 && row->launch >= 0 && row->surplus >= 0 && row->charged >= 0);
    return (struct cpu_credit){row->balance, row->launch, row->surplus, row->charged};
}

/* A boot: what was measured before was of another cgroup, unless it was only thawed. */
static void
begin(const struct ec2_instance_row *instance, const struct host_machine_row *machine,
      const struct cpu_credit_rate *rate, struct host_credit_row *row, struct cpu_credit *c)
{
    bool thawed = row->boots == machine->boots;

    assert(machine->boots > 0 && instance->vcpus > 0);
    if (row->start_generation != instance->start_generation)
        cpu_credit_start(rate, c, row->start_generation ? machine->booted_ms - row->at_ms : -1);
    row->start_generation = instance->start_generation;
    row->boots = machine->boots;
    row->at_ms = machine->booted_ms;
    if (!thawed)
        row->cpu_ns = 0;
    row->limit_milli = instance->vcpus * 1000; /* as it was booted */
}

static void
hold(struct host_meter *meter, const struct ec2_instance_row *instance, int64_t limit_milli,
     struct host_credit_row *row)
{
    int r;

    assert(limit_milli > 0 && limit_milli <= instance->vcpus * 1000);
    if (row->limit_milli == limit_milli)
        return;
    r = meter->driver->limit(meter->driver->ctx, instance->id, (unsigned)limit_milli,
                             (uint64_t)instance->memory_mib << 20);
    if (r < 0)
        error_origin(-r, "the use of %.*s cannot be limited", STR_ARG(instance->id));
    else
        row->limit_milli = limit_milli;
}

/*
 * Brings one up to date, by what its meter showed (-1: it is asked).  Answers when it is to be
 * looked at again, in ms from now.
 */
static int64_t
look_at(struct host_meter *meter, struct txn *txn, const struct ec2_instance_row *instance,
        int64_t now_ms, int64_t read_ns)
{
    const struct host_machine_row *machine = host_machine_get(txn, instance->id);
    const struct host_credit_row *old = host_credit_get(txn, instance->id);
    struct host_credit_row row = old ? *old : (struct host_credit_row){.id = instance->id};
    struct cpu_credit c = credits_of(&row);
    bool unlimited = is_unlimited(instance);
    assert(unlimited || str_is(instance->cpu_credits, "standard"));
    struct cpu_credit_rate rate;
    uint64_t ns = (uint64_t)read_ns;

    assert(instance->cpu_credits.n > 0 && read_ns >= -1);
    if (!machine || machine->phase != HOST_UP || instance->state != EC2_RUNNING ||
        !cpu_credit_rate(instance->type, instance->vcpus, &rate))
        return PERIOD_MAX_MS;
    if (row.start_generation != instance->start_generation || row.boots != machine->boots)
        begin(instance, machine, &rate, &row, &c);
    /* One that has just booted has used nothing worth asking for. */
    if (now_ms > row.at_ms &&
        (read_ns >= 0 || meter->driver->cpu(meter->driver->ctx, instance->id, &ns) >= 0)) {
        cpu_credit_pass(&rate, &c, unlimited, now_ms - row.at_ms, MAX((int64_t)ns - row.cpu_ns, 0));
        row.cpu_ns = (int64_t)ns;
        row.at_ms = now_ms;
    }
    assert(row.at_ms >= 0 && row.cpu_ns >= 0);
    hold(meter, instance, cpu_credit_limit(&rate, &c, unlimited, instance->vcpus), &row);
    row.balance = c.balance;
    row.launch = c.launch;
    row.surplus = c.surplus;
    row.charged = c.charged;
    int r = old ? host_credit_update(txn, &row) : host_credit_insert(txn, &row);
    if (r < 0)
        error_origin(-r, "the credits of %.*s cannot be written", STR_ARG(instance->id));
    return cpu_credit_lasts_ms(&rate, &c, unlimited, instance->vcpus);
}

/* Never later than was said before: that was for another one. */
static void
again_in(struct host_meter *meter, int64_t ms)
{
    int64_t due_ms =
        loop_now_ms(meter->loop, LOOP_CLOUD) + MIN(MAX(ms, PERIOD_MIN_MS), PERIOD_MAX_MS);

    assert(due_ms > 0);
    if (!meter->timer.node.place || meter->timer.node.due > due_ms)
        loop_timer_set(meter->loop, &meter->timer, LOOP_CLOUD, due_ms);
}

static void
look_at_all(struct host_meter *meter)
{
    struct txn *txn = store_begin(meter->store);
    int64_t now_ms = loop_now_ms(meter->loop, LOOP_CLOUD);
    int64_t next_ms = PERIOD_MAX_MS;

    assert(!meter->timer.node.place);
    STORE_EACH(txn, ec2_instance_by_state, instance, EC2_RUNNING)
        if (instance->cpu_credits.n)
            next_ms = MIN(next_ms, look_at(meter, txn, instance, now_ms, -1));
    store_commit(txn);
    again_in(meter, next_ms);
}

void
host_meter_read(struct host_meter *meter, struct txn *txn, const struct ec2_instance_row *instance,
                int64_t now_ms, int64_t cpu_ns)
{
    assert(cpu_ns >= 0 && instance->cpu_credits.n > 0);
    again_in(meter, look_at(meter, txn, instance, now_ms, cpu_ns));
}

static void
due(struct loop_timer *timer)
{
    look_at_all(CONTAINER_OF(timer, struct host_meter, timer));
}

/* It does not come back. */
static int
forget(struct txn *txn, struct str id)
{
    int r = host_credit_get(txn, id) ? host_credit_delete(txn, id) : 0;

    assert(id.n > 0);
    return r >= 0 && host_usage_get(txn, id) ? host_usage_delete(txn, id) : r;
}

/* Those that changed; the timer may have to come earlier for them. */
static void
look_at_dirty(struct loop_task *task)
{
    struct host_meter *meter = CONTAINER_OF(task, struct host_meter, task);
    struct txn *txn = store_begin(meter->store);
    int64_t now_ms = loop_now_ms(meter->loop, LOOP_CLOUD);
    int64_t next_ms = PERIOD_MAX_MS;

    MAP_EACH(&meter->dirty, entry) {
        const struct ec2_instance_row *instance = ec2_instance_get(txn, entry->key);
        bool lives = instance && instance->state != EC2_TERMINATED;
        int r = lives ? 0 : forget(txn, entry->key);

        if (lives && instance->cpu_credits.n)
            next_ms = MIN(next_ms, look_at(meter, txn, instance, now_ms, -1));
        if (r < 0)
            error_origin(-r, "the meters of %.*s cannot be deleted", STR_ARG(entry->key));
    }
    store_commit(txn);
    MAP_EACH(&meter->dirty, entry)
        free(entry->value);
    map_done(&meter->dirty);
    map_init(&meter->dirty, 0);
    if (next_ms < PERIOD_MAX_MS)
        again_in(meter, next_ms);
}

static void
mark(struct host_meter *meter, struct str id)
{
    assert(id.n > 0);
    if (map_get(&meter->dirty, id))
        return;
    struct dirty *dirty = malloc(sizeof(*dirty) + id.n);

    if (!dirty)
        abort();
    dirty->n = id.n;
    memcpy(dirty->id, id.p, id.n);
    map_put(&meter->dirty, str_of(dirty->id, dirty->n), dirty);
    loop_defer(meter->loop, &meter->task);
}

static void
instance_changed(void *ctx, const void *old_row, const void *new_row)
{
    const struct ec2_instance_row *old = old_row, *new = new_row;

    assert(old || new);
    if (!old)
        return; /* it has not booted */
    if (!new || new->state == EC2_TERMINATED || !str_eq(old->cpu_credits, new->cpu_credits))
        mark(ctx, old->id);
}

static void
machine_changed(void *ctx, const void *old_row, const void *new_row)
{
    const struct host_machine_row *old = old_row, *new = new_row;

    assert(!new || new->phase != HOST_UP || new->boots > 0);
    if (new &&new->phase == HOST_UP && (!old || old->boots != new->boots || old->phase != HOST_UP))
        mark(ctx, new->id);
}

int
host_meter_new(struct host_meter **ret, struct loop *loop, struct store *store,
               const struct host_driver *driver)
{
    struct host_meter *meter = calloc(1, sizeof(*meter));

    assert(driver->cpu && driver->limit);
    if (!meter)
        return error_origin(ENOMEM, "the meter of CPU credits cannot be made");
    meter->loop = loop;
    meter->store = store;
    meter->driver = driver;
    meter->timer.fn = due;
    meter->task.fn = look_at_dirty;
    map_init(&meter->dirty, 0);
    store_watch(store, &ec2_instance_table, instance_changed, meter);
    store_watch(store, &host_machine_table, machine_changed, meter);
    again_in(meter, PERIOD_MIN_MS); /* all, once they were adopted */
    *ret = meter;
    return 0;
}

struct host_meter *
host_meter_free(struct host_meter *meter)
{
    if (!meter)
        return NULL;
    loop_timer_stop(meter->loop, &meter->timer);
    loop_task_cancel(meter->loop, &meter->task);
    MAP_EACH(&meter->dirty, entry)
        free(entry->value);
    map_done(&meter->dirty);
    free(meter);
    return NULL;
}
