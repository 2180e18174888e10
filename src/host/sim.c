/*
 * The sim host: nothing runs, all else is true.  It keeps what a real host would keep (which
 * machines run) and takes its time on the cloud's clock, so that a test or a user who stops the
 * clock sees `pending` for as long as he likes.
 */
#include "host/host.h"

#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>

enum { MACHINES_MAX = 1000000 /* they cost a row */, STORAGE_MS = 20 };

enum sim_doing { SIM_BOOTING, SIM_RUNNING, SIM_STOPPING, SIM_REMOVING, SIM_FREEZING, SIM_FROZEN };

struct sim_machine {
    struct host_sim *sim;
    struct loop_timer timer;
    enum sim_doing doing;
    enum host_exit exit_kind;
    const char *fail_reason;
    unsigned wants_milli, limit_milli; /* of processors; limit 0: none */
    struct host_use load;              /* beside them, a second */
    struct host_use used;              /* by then */
    int64_t used_at_ms;
    char id[32];
    size_t id_n;
};

/* Something of a volume or snapshot that takes its time. */
struct sim_job {
    struct sim_job *next;
    struct host_sim *sim;
    struct loop_timer timer;
    const char *fail_reason;
    bool snapshot;
    char id[32];
    size_t id_n;
};

struct host_sim {
    struct host_sim_config config;
    struct host_driver driver;
    struct host_events events;
    struct map machines;
    struct sim_job *jobs;
    const char *fail_next, *fail_freeze, *fail_storage;
    bool refuse_storage;
    unsigned boots; /* of the host */
    char boot_id[16];
};

static struct str
machine_id(const struct sim_machine *m)
{
    return str_of(m->id, m->id_n);
}

static struct sim_machine *
find(const struct host_sim *sim, struct str id)
{
    return map_get(&sim->machines, id);
}

static void
forget(struct sim_machine *m)
{
    assert(find(m->sim, machine_id(m)) == m);
    loop_timer_stop(m->sim->config.loop, &m->timer);
    map_remove(&m->sim->machines, machine_id(m));
    free(m);
}

static void
finish_boot(struct host_sim *sim, struct sim_machine *m)
{
    char id[sizeof(m->id)];
    struct str text = str_of(id, m->id_n);
    const char *reason = m->fail_reason;

    assert(m->doing == SIM_BOOTING);
    memcpy(id, m->id, sizeof(id));
    if (reason) {
        forget(m);
        sim->events.failed(sim->events.ctx, text, str_from(reason));
        return;
    }
    m->doing = SIM_RUNNING;
    m->used_at_ms = loop_now_ms(sim->config.loop, LOOP_CLOUD);
    sim->events.booted(sim->events.ctx, text);
}

static void
finish_freeze(struct host_sim *sim, struct sim_machine *m)
{
    const char *reason = sim->fail_freeze;

    assert(m->doing == SIM_FREEZING);
    sim->fail_freeze = NULL;
    m->doing = reason ? SIM_RUNNING : SIM_FROZEN;
    if (reason)
        sim->events.not_frozen(sim->events.ctx, machine_id(m), str_from(reason));
    else
        sim->events.frozen(sim->events.ctx, machine_id(m));
}

static void
finish(struct loop_timer *timer)
{
    struct sim_machine *m = CONTAINER_OF(timer, struct sim_machine, timer);
    struct host_sim *sim = m->sim;
    enum sim_doing doing = m->doing;
    enum host_exit kind = m->exit_kind;
    char id[sizeof(m->id)];
    struct str text = str_of(id, m->id_n);

    assert(m->id_n > 0 && m->id_n <= sizeof(id));
    memcpy(id, m->id, sizeof(id));
    if (doing == SIM_BOOTING) {
        finish_boot(sim, m);
        return;
    }
    if (doing == SIM_FREEZING) {
        finish_freeze(sim, m);
        return;
    }
    assert(doing != SIM_RUNNING && doing != SIM_FROZEN);
    forget(m);
    if (doing == SIM_REMOVING)
        sim->events.removed(sim->events.ctx, text);
    else
        sim->events.exited(sim->events.ctx, text, kind);
}

static void
start(struct sim_machine *m, enum sim_doing doing, int64_t after_ms)
{
    struct loop *loop = m->sim->config.loop;

    assert(after_ms >= 0 && doing != SIM_RUNNING && doing != SIM_FROZEN);
    m->doing = doing;
    loop_timer_set(loop, &m->timer, LOOP_CLOUD, loop_now_ms(loop, LOOP_CLOUD) + after_ms);
}

static struct sim_machine *
machine_new(struct host_sim *sim, struct str id)
{
    struct sim_machine *m = calloc(1, sizeof(*m));

    assert(id.n > 0 && !find(sim, id));
    if (!m || id.n > sizeof(m->id)) {
        free(m);
        return NULL;
    }
    m->sim = sim;
    m->timer.fn = finish;
    memcpy(m->id, id.p, id.n);
    m->id_n = id.n;
    map_put(&sim->machines, machine_id(m), m);
    return m;
}

static int
sim_boot(void *ctx, const struct host_boot *boot)
{
    struct host_sim *sim = ctx;

    assert(boot->interface && boot->subnet && boot->vpc);
    if (find(sim, boot->instance->id))
        return -EEXIST;
    struct sim_machine *m = machine_new(sim, boot->instance->id);
    if (!m)
        return -ENOMEM;
    m->fail_reason = sim->fail_next;
    sim->fail_next = NULL;
    start(m, SIM_BOOTING, sim->config.boot_ms);
    return 0;
}

static int
sim_power(void *ctx, struct str id, enum host_power how)
{
    struct host_sim *sim = ctx;
    struct sim_machine *m = find(sim, id);

    if (!m || m->doing == SIM_REMOVING)
        return -ESRCH;
    m->exit_kind = how == HOST_POWER_KILL     ? HOST_EXIT_KILLED
                   : how == HOST_POWER_REBOOT ? HOST_EXIT_REBOOT
                                              : HOST_EXIT_POWEROFF;
    start(m, SIM_STOPPING, how == HOST_POWER_KILL ? 0 : sim->config.stop_ms);
    return 0;
}

static int
sim_remove(void *ctx, struct str id)
{
    struct host_sim *sim = ctx;

    if (find(sim, id))
        return -EBUSY;
    struct sim_machine *m = machine_new(sim, id);
    if (!m)
        return -ENOMEM;
    start(m, SIM_REMOVING, 0);
    return 0;
}

/* Brings what it used up to now. */
static void
use(struct sim_machine *m)
{
    int64_t now_ms = loop_now_ms(m->sim->config.loop, LOOP_CLOUD);
    uint64_t ms = m->doing == SIM_RUNNING ? (uint64_t)(now_ms - m->used_at_ms) : 0;
    unsigned milli = m->limit_milli ? MIN(m->wants_milli, m->limit_milli) : m->wants_milli;

    assert(now_ms >= m->used_at_ms);
#define SIM_USE(name) m->used.name += m->load.name * ms / 1000;
    HOST_USES(SIM_USE)
#undef SIM_USE
    m->used.cpu_ns += ms * 1000 * milli;
    m->used_at_ms = now_ms;
}

static int
sim_freeze(void *ctx, struct str id)
{
    struct host_sim *sim = ctx;
    struct sim_machine *m = find(sim, id);

    /* A daemon that comes back asks again. */
    if (!m || (m->doing != SIM_RUNNING && m->doing != SIM_FREEZING && m->doing != SIM_FROZEN))
        return -ESRCH;
    use(m);
    start(m, SIM_FREEZING, sim->config.stop_ms);
    return 0;
}

static int
sim_thaw(void *ctx, const struct host_boot *boot)
{
    struct host_sim *sim = ctx;
    struct sim_machine *m = find(sim, boot->instance->id);

    assert(boot->interface && boot->vpc);
    if (!m || m->doing != SIM_FROZEN)
        return -ESRCH;
    m->fail_reason = sim->fail_next;
    sim->fail_next = NULL;
    start(m, SIM_BOOTING, sim->config.boot_ms);
    return 0;
}

/* ---- volumes and snapshots: they hold nothing ---- */

static void
job_done(struct loop_timer *timer)
{
    struct sim_job *job = CONTAINER_OF(timer, struct sim_job, timer);
    const struct host_events *events = &job->sim->events;
    struct str id = str_of(job->id, job->id_n);
    struct str reason = job->fail_reason ? str_from(job->fail_reason) : S("");
    struct sim_job **at = &job->sim->jobs;

    assert(events->snapshotted && events->volume_moved);
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    (job->snapshot ? events->snapshotted
                   : events->volume_moved)(events->ctx, id, job->fail_reason ? -EIO : 0, reason);
    free(job);
}

static int
job_start(struct host_sim *sim, struct str id, bool snapshot, bool may_fail)
{
    struct sim_job *job = NULL;

    assert(id.n > 0 && id.n <= sizeof(job->id));
    if (may_fail && sim->refuse_storage)
        sim->refuse_storage = false;
    else
        job = calloc(1, sizeof(*job));
    if (!job)
        return -ENOMEM;
    job->sim = sim;
    job->snapshot = snapshot;
    job->timer.fn = job_done;
    job->id_n = id.n;
    memcpy(job->id, id.p, id.n);
    if (may_fail) {
        job->fail_reason = sim->fail_storage;
        sim->fail_storage = NULL;
    }
    job->next = sim->jobs;
    sim->jobs = job;
    loop_timer_set(sim->config.loop, &job->timer, LOOP_CLOUD,
                   loop_now_ms(sim->config.loop, LOOP_CLOUD) + STORAGE_MS);
    return 0;
}

static int
sim_volume_in(void *ctx, const struct host_volume *volume)
{
    assert(volume->bytes > 0 && volume->device.n > 0);
    return job_start(ctx, volume->id, false, true);
}

static int
sim_volume_out(void *ctx, struct str id, struct str instance_id UNUSED, bool force UNUSED)
{
    return job_start(ctx, id, false, false);
}

static int
sim_snapshot(void *ctx, const struct host_snapshot *want)
{
    assert(want->volume_id.n > 0 && want->bytes > 0);
    return job_start(ctx, want->id, true, true);
}

static int
sim_forget(void *ctx UNUSED, enum host_content content UNUSED, struct str id UNUSED)
{
    return 0;
}

void
host_sim_fail_next_storage(struct host_sim *sim, const char *reason)
{
    assert(reason && reason[0] && !sim->fail_storage);
    sim->fail_storage = reason;
}

void
host_sim_refuse_next_storage(struct host_sim *sim)
{
    assert(!sim->refuse_storage);
    sim->refuse_storage = true;
}

static int
sim_cpu(void *ctx, struct str id, uint64_t *ret_ns)
{
    struct sim_machine *m = find(ctx, id);

    if (!m || m->doing != SIM_RUNNING)
        return -ENOENT;
    use(m);
    *ret_ns = m->used.cpu_ns;
    return 0;
}

static int
sim_measure(void *ctx, host_use_fn *fn, void *fn_ctx)
{
    struct host_sim *sim = ctx;

    assert(fn);
    MAP_EACH(&sim->machines, entry) {
        struct sim_machine *m = entry->value;

        if (m->doing != SIM_RUNNING)
            continue;
        use(m);
        m->used.id = machine_id(m);
        m->used.has_disk = true;
        fn(fn_ctx, &m->used, 1);
    }
    return 0;
}

static int
sim_limit(void *ctx, struct str id, unsigned cpu_milli, uint64_t memory_bytes UNUSED)
{
    struct sim_machine *m = find(ctx, id);

    assert(cpu_milli > 0);
    if (!m)
        return -ENOENT;
    use(m);
    m->limit_milli = cpu_milli;
    return 0;
}

void
host_sim_use(struct host_sim *sim, struct str id, unsigned cpu_milli)
{
    struct sim_machine *m = find(sim, id);

    assert(m && m->doing == SIM_RUNNING);
    use(m);
    m->wants_milli = cpu_milli;
}

void
host_sim_load(struct host_sim *sim, struct str id, const struct host_use *a_second)
{
    struct sim_machine *m = find(sim, id);

    assert(m && m->doing == SIM_RUNNING && a_second->cpu_ns == 0);
    use(m);
    m->load = *a_second;
}

static int
sim_list(void *ctx, void (*fn)(void *fn_ctx, struct str id, bool frozen), void *fn_ctx)
{
    struct host_sim *sim = ctx;

    MAP_EACH(&sim->machines, entry) {
        struct sim_machine *m = entry->value;

        if (m->doing != SIM_REMOVING)
            fn(fn_ctx, machine_id(m), m->doing == SIM_FROZEN);
    }
    return 0;
}

static struct str
sim_boot_id(void *ctx)
{
    struct host_sim *sim = ctx;
    int n = snprintf(sim->boot_id, sizeof(sim->boot_id), "sim-%u", sim->boots);

    assert(n > 0 && (size_t)n < sizeof(sim->boot_id));
    return str_of(sim->boot_id, (size_t)n);
}

static int
sim_console(void *ctx, struct arena *arena, struct str id, struct str *ret_text, int64_t *ret_ms)
{
    struct host_sim *sim = ctx;

    *ret_text = find(sim, id) ? str_fmt(arena,
                                        "welkin: %.*s is simulated: the sim host runs nothing, "
                                        "so there is no console\r\n",
                                        STR_ARG(id))
                              : S("");
    *ret_ms = loop_now_ms(sim->config.loop, LOOP_CLOUD);
    return 0;
}

struct host_sim *
host_sim_new(const struct host_sim_config *config)
{
    struct host_sim *sim = calloc(1, sizeof(*sim));

    assert(config->loop && config->boot_ms >= 0 && config->stop_ms >= 0);
    if (!sim)
        return NULL;
    sim->config = *config;
    sim->driver = (struct host_driver){.name = "sim",
                                       .machines_max = MACHINES_MAX,
                                       .ctx = sim,
                                       .boot = sim_boot,
                                       .power = sim_power,
                                       .freeze = sim_freeze,
                                       .thaw = sim_thaw,
                                       .remove = sim_remove,
                                       .cpu = sim_cpu,
                                       .measure = sim_measure,
                                       .limit = sim_limit,
                                       .volume_in = sim_volume_in,
                                       .volume_out = sim_volume_out,
                                       .snapshot = sim_snapshot,
                                       .forget = sim_forget,
                                       .list = sim_list,
                                       .boot_id = sim_boot_id,
                                       .console = sim_console};
    map_init(&sim->machines, 0);
    return sim;
}

/* Forgets all machines and answers nothing to anybody. */
void
host_sim_power_loss(struct host_sim *sim)
{
    MAP_EACH(&sim->machines, entry) {
        struct sim_machine *m = entry->value;

        loop_timer_stop(sim->config.loop, &m->timer);
        free(m);
    }
    map_done(&sim->machines);
    while (sim->jobs) {
        struct sim_job *job = sim->jobs;

        sim->jobs = job->next;
        loop_timer_stop(sim->config.loop, &job->timer);
        free(job);
    }
    sim->boots++;
}

void
host_sim_lose(struct host_sim *sim, struct str id)
{
    struct sim_machine *m = find(sim, id);

    assert(m && m->doing == SIM_RUNNING);
    forget(m);
}

struct host_sim *
host_sim_free(struct host_sim *sim)
{
    if (!sim)
        return NULL;
    host_sim_power_loss(sim);
    free(sim);
    return NULL;
}

const struct host_driver *
host_sim_driver(struct host_sim *sim)
{
    return &sim->driver;
}

void
host_sim_attach(struct host_sim *sim, const struct host_events *events)
{
    sim->events = *events;
}

void
host_sim_exit(struct host_sim *sim, struct str id, enum host_exit kind)
{
    struct sim_machine *m = find(sim, id);

    assert(kind != HOST_EXIT_HOST_LOST);
    assert(m && m->doing == SIM_RUNNING);
    m->exit_kind = kind;
    start(m, SIM_STOPPING, 0);
}

void
host_sim_fail_next_boot(struct host_sim *sim, const char *reason)
{
    sim->fail_next = reason;
}

void
host_sim_fail_next_freeze(struct host_sim *sim, const char *reason)
{
    sim->fail_freeze = reason;
}

bool
host_sim_frozen(const struct host_sim *sim, struct str id)
{
    const struct sim_machine *m = find(sim, id);

    return m && m->doing == SIM_FROZEN;
}

bool
host_sim_runs(const struct host_sim *sim, struct str id)
{
    const struct sim_machine *m = find(sim, id);

    return m && m->doing == SIM_RUNNING;
}

size_t
host_sim_running(const struct host_sim *sim)
{
    size_t n = 0;

    MAP_EACH(&sim->machines, entry)
        n += ((struct sim_machine *)entry->value)->doing == SIM_RUNNING;
    return n;
}
