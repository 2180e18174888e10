/*
 * What the privileged process must know, and when it is told:
 *
 *   a VPC        before the first launch in it in this daemon's life; the answer brings listeners
 *   a group      all its rules, before the first class that holds it and at each change of a rule
 *   a class      a set of groups, before the first machine in it; its number is a hash of the set,
 *                so that a daemon that comes back finds the number that is in use
 *   a subnet     its routes and its network ACL, before the first launch in it, and when a row that
 *                they come from changed
 *   a machine    at launch
 *   interfaces   all of a machine, right after its launch when there is more to them than the
 *                launch says, and when one of them came, went, or got other groups or addresses
 *   an address   at the launch of its machine; again when an interface that runs got another
 *                public address, and when one that had it has it no more; those of a NAT gateway
 *                with the subnets that have a route to it
 *   a peering    when both VPCs are open
 *
 * Requests on one connection are carried out in order, so nothing here waits for an answer but
 * at the start.
 */
#include "host/sandbox_internal.h"
#include "host/functions.h"
#include "host/sandbox_rows.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ANSWER_LIMIT_MS 5000

struct launch {
    struct host_sandbox *s;
    size_t n;
    char id[PRIV_ID_MAX];
    struct priv_launch req; /* of a boot */
};

/* ---- the connection ---- */

static void
watch_writes(struct host_sandbox *s)
{
    uint32_t events = EPOLLIN | (priv_wants_write(s->conn) ? (uint32_t)EPOLLOUT : 0);

    loop_fd_change(s->config.loop, &s->source, events);
}

static void
process(struct host_sandbox *s)
{
    int r = priv_process(s->conn);

    if (r < 0) {
        error_origin(-r, "the connection to the privileged process is lost");
        loop_fd_remove(s->config.loop, &s->source);
        s->config.lost(s->config.ctx);
        return;
    }
    watch_writes(s);
}

static void
readable(struct loop_fd *source, uint32_t events UNUSED)
{
    process(CONTAINER_OF(source, struct host_sandbox, source));
}

/* What a turn queued is sent at its end. */
static void
flush(struct loop_task *task)
{
    process(CONTAINER_OF(task, struct host_sandbox, flush));
}

/* Failures of what nobody waits for are only sandbox_logged. */
void
sandbox_logged(void *arg, struct priv_message *m)
{
    if (m->status < 0)
        log_warn("the privileged process refused %s: %.*s", (const char *)arg, STR_ARG(m->body));
}

int
sandbox_ask(struct host_sandbox *s, enum priv_op op, const void *req, size_t n, struct str tail,
            priv_reply_fn *fn, const void *arg)
{
    int r = priv_send(s->conn, op, req, n, tail.p, tail.n, NULL, 0, fn, (void *)arg);

    loop_defer(s->config.loop, &s->flush);
    return r;
}

/* ---- the driver ---- */

static void
launched(void *arg, struct priv_message *m)
{
    struct launch *launch = arg;
    struct host_sandbox *s = launch->s;
    struct str id = str_of(launch->id, launch->n);

    assert(launch->n > 0 && launch->n < sizeof(launch->id));
    if (m->status < 0) {
        s->events.failed(s->events.ctx, id, m->body);
    } else {
        const struct priv_launch_reply *reply = PRIV_BODY(struct priv_launch_reply, m->body);

        if (reply)
            log_info("instance %.*s booted in %u.%03u ms (pid %u)", STR_ARG(id),
                     (unsigned)(reply->ns / 1000000), (unsigned)(reply->ns / 1000 % 1000),
                     reply->pid);
        s->events.booted(s->events.ctx, id);
    }
    free(launch);
}

static struct launch *
launch_new(struct host_sandbox *s, struct str id)
{
    struct launch *launch = calloc(1, sizeof(*launch));

    assert(id.n > 0 && id.n < PRIV_ID_MAX);
    if (launch) {
        launch->s = s;
        launch->n = id.n;
        sandbox_id(launch->id, id);
    }
    return launch;
}

/* An operation on a machine that needs its name only. */
static int
ask_about(struct host_sandbox *s, enum priv_op op, struct str id, priv_reply_fn *fn)
{
    struct priv_machine req = {0};
    struct launch *launch = launch_new(s, id);

    assert(op > 0 && op < PRIV_OPS);
    if (!launch)
        return -ENOMEM;
    sandbox_id(req.id, id);
    int r = sandbox_ask(s, op, &req, sizeof(req), STR_NONE, fn, launch);
    if (r < 0)
        free(launch);
    return r;
}

static void
disk_opened(void *arg, struct priv_message *m)
{
    struct launch *launch = arg;

    if (m->status >= 0) {
        int r = sandbox_ask(launch->s, PRIV_LAUNCH, &launch->req, sizeof(launch->req), STR_NONE,
                            launched, launch);

        if (r >= 0) {
            sandbox_machine_dirty(launch->s, str_of(launch->id, launch->n));
            return;
        }
    }
    launch->s->events.failed(launch->s->events.ctx, str_of(launch->id, launch->n), m->body);
    free(launch);
}

/* The disk of an encrypted root volume goes before the launch, which must not come without it. */
static int
ask_disk(struct host_sandbox *s, const struct ec2_volume_row *volume, struct launch *launch)
{
    struct priv_disk req = {.bytes = (uint64_t)volume->size_gib << 30};

    assert(volume->encrypted && volume->size_gib > 0);
    if (volume->plain_key.n != sizeof(req.key))
        return error_origin(ENOKEY, "the key of %.*s is not at hand", STR_ARG(volume->id));
    memcpy(req.id, launch->id, sizeof(req.id));
    memcpy(req.key, volume->plain_key.p, sizeof(req.key));
    int r = sandbox_ask(s, PRIV_DISK, &req, sizeof(req), STR_NONE, disk_opened, launch);

    explicit_bzero(&req, sizeof(req));
    return r;
}

static int
sandbox_boot(void *ctx, const struct host_boot *boot)
{
    struct host_sandbox *s = ctx;
    const struct ec2_volume_row *root = ec2_volume_get(boot->txn, boot->instance->root_volume_id);
    struct sandbox_vpc *vpc = sandbox_vpc_open(s, boot->vpc);
    struct launch *launch = launch_new(s, boot->instance->id);

    assert(!root || str_eq(root->instance_id, boot->instance->id));
    assert(boot->interface && boot->subnet && boot->vpc);
    if (!launch)
        return -ENOMEM;
    if (!vpc || !sandbox_launch_of(boot, &launch->req)) {
        free(launch);
        return -EINVAL;
    }
    launch->req.class = sandbox_network_ready(s, vpc, boot->txn, boot->interface);
    int r = root && root->encrypted ? ask_disk(s, root, launch)
                                    : sandbox_ask(s, PRIV_LAUNCH, &launch->req, sizeof(launch->req),
                                                  STR_NONE, launched, launch);

    if (r < 0)
        free(launch);
    else if (!(root && root->encrypted) && sandbox_has_more(boot->instance, boot->interface))
        sandbox_machine_network(s, vpc, boot->txn, boot->instance->id);
    return r;
}

/* ---- a look at the disk ---- */

static void
inspected(void *arg, struct priv_message *m)
{
    struct launch *launch = arg;
    const struct priv_inspect_reply *reply =
        m->status < 0 ? NULL : PRIV_BODY(struct priv_inspect_reply, m->body);

    /* One that has ended meanwhile, or a helper that is too old to look, says nothing. */
    launch->s->events.inspected(launch->s->events.ctx, str_of(launch->id, launch->n),
                                reply && reply->wiped);
    free(launch);
}

static int
sandbox_inspect(void *ctx, struct str id)
{
    return ask_about(ctx, PRIV_INSPECT, id, inspected);
}

/* ---- snapshots ---- */

static void
snapshotted(void *arg, struct priv_message *m)
{
    struct launch *launch = arg;

    assert(launch->n > 0 && launch->n < sizeof(launch->id));
    launch->s->events.snapshotted(launch->s->events.ctx, str_of(launch->id, launch->n),
                                  MIN(m->status, 0), m->status < 0 ? m->body : S(""));
    free(launch);
}

static int
sandbox_snapshot(void *ctx, const struct host_snapshot *want)
{
    struct host_sandbox *s = ctx;
    struct launch *launch = launch_new(s, want->id);
    int r;

    assert(want->id.n > 0 && (!want->is_root || want->instance_id.n > 0));
    if (!launch)
        return -ENOMEM;
    if (want->is_root) {
        struct priv_snapshot req = {0};

        sandbox_id(req.name, want->id);
        sandbox_id(req.id, want->instance_id);
        r = sandbox_ask(s, PRIV_SNAPSHOT, &req, sizeof(req), STR_NONE, snapshotted, launch);
    } else {
        struct priv_volume_copy req = {.bytes = want->bytes};

        sandbox_id(req.name, want->id);
        sandbox_id(req.id, want->volume_id);
        if (want->from.n)
            sandbox_id(req.from, want->from);
        r = sandbox_ask(s, PRIV_VOLUME_COPY, &req, sizeof(req), STR_NONE, snapshotted, launch);
    }
    if (r < 0)
        free(launch);
    return r;
}

static int
sandbox_forget(void *ctx, enum host_content content, struct str id)
{
    struct priv_snapshot_drop layer = {0};
    struct priv_volume_drop bytes = {0};

    assert(id.n > 0 && id.n < PRIV_ID_MAX);
    sandbox_id(layer.name, id);
    sandbox_id(bytes.id, id);
    /* A snapshot is a layer or bytes: whichever it is not is not there. */
    int r = content == HOST_CONTENT_VOLUME
                ? 0
                : sandbox_ask(ctx, PRIV_SNAPSHOT_DROP, &layer, sizeof(layer), STR_NONE,
                              sandbox_logged, "to delete a snapshot");

    return r < 0 ? r
                 : sandbox_ask(ctx, PRIV_VOLUME_DROP, &bytes, sizeof(bytes), STR_NONE,
                               sandbox_logged, "to delete bytes");
}

/* ---- volumes ---- */

static void
volume_moved(void *arg, struct priv_message *m)
{
    struct launch *launch = arg;
    struct host_events *events = &launch->s->events;

    assert(launch->n > 0 && launch->n < sizeof(launch->id));
    events->volume_moved(events->ctx, str_of(launch->id, launch->n), MIN(m->status, 0),
                         m->status < 0 ? m->body : S(""));
    free(launch);
}

static int
ask_volume(struct host_sandbox *s, enum priv_op op, struct str id, const void *req, size_t n)
{
    struct launch *launch = launch_new(s, id);
    int r = launch ? sandbox_ask(s, op, req, n, STR_NONE, volume_moved, launch) : -ENOMEM;

    if (r < 0)
        free(launch);
    return r;
}

static int
sandbox_volume_in(void *ctx, const struct host_volume *volume)
{
    struct priv_volume req = {.bytes = volume->bytes,
                              .nvme = volume->nvme,
                              .iops = (uint32_t)volume->iops,
                              .mibps = (uint32_t)volume->mibps};
    struct str device = volume->device;

    if (str_starts(device, S("/dev/")))
        device = str_cut(device, 5, device.n);
    assert(device.n > 0 && device.n < sizeof(req.device));
    sandbox_id(req.id, volume->id);
    sandbox_id(req.machine, volume->instance_id);
    if (volume->from.n)
        sandbox_id(req.from, volume->from);
    memcpy(req.device, device.p, device.n);
    req.encrypted = volume->key.n > 0;
    if (volume->key.n == sizeof(req.key))
        memcpy(req.key, volume->key.p, sizeof(req.key));
    int r = volume->key.n && volume->key.n != sizeof(req.key)
                ? -EKEYREJECTED
                : ask_volume(ctx, PRIV_VOLUME_IN, volume->id, &req, sizeof(req));

    explicit_bzero(&req, sizeof(req));
    return r;
}

static int
sandbox_volume_out(void *ctx, struct str id, struct str instance_id UNUSED, bool force)
{
    struct priv_volume_out req = {.force = force};

    sandbox_id(req.id, id);
    return ask_volume(ctx, PRIV_VOLUME_OUT, id, &req, sizeof(req));
}

/* ---- hibernation ---- */

static void
frozen(void *arg, struct priv_message *m)
{
    struct launch *launch = arg;
    struct host_events *events = &launch->s->events;
    struct str id = str_of(launch->id, launch->n);

    if (m->status < 0)
        events->not_frozen(events->ctx, id, m->body);
    else
        events->frozen(events->ctx, id);
    free(launch);
}

static int
sandbox_freeze(void *ctx, struct str id)
{
    return ask_about(ctx, PRIV_HIBERNATE, id, frozen);
}

/* One that cannot go on is of no use any more. */
static void
thawed(void *arg, struct priv_message *m)
{
    struct launch *launch = arg;
    struct host_events *events = &launch->s->events;
    struct str id = str_of(launch->id, launch->n);

    if (m->status < 0) {
        launch->s->driver.power(launch->s, id, HOST_POWER_KILL);
        events->failed(events->ctx, id, m->body);
    } else {
        events->booted(events->ctx, id);
    }
    free(launch);
}

/* Its groups and its public address may be others than when it was frozen. */
static int
sandbox_thaw(void *ctx, const struct host_boot *boot)
{
    struct host_sandbox *s = ctx;
    struct priv_machine req = {0};
    struct sandbox_vpc *vpc = sandbox_vpc_open(s, boot->vpc);
    struct launch *launch = launch_new(s, boot->instance->id);

    assert(boot->interface && boot->vpc);
    if (!vpc || !launch) {
        free(launch);
        return launch ? -EINVAL : -ENOMEM;
    }
    sandbox_id(req.id, boot->instance->id);
    sandbox_machine_network(s, vpc, boot->txn, boot->instance->id);
    int r = sandbox_ask(s, PRIV_WAKE, &req, sizeof(req), STR_NONE, thawed, launch);
    if (r < 0)
        free(launch);
    return r;
}

static int
sandbox_power(void *ctx, struct str id, enum host_power how)
{
    static const enum priv_how hows[] = {[HOST_POWER_BUTTON] = PRIV_POWER_BUTTON,
                                         [HOST_POWER_REBOOT] = PRIV_REBOOT,
                                         [HOST_POWER_KILL] = PRIV_KILL};
    struct priv_signal req = {.how = hows[how]};

    assert((size_t)how < ARRAY_LEN(hows) && hows[how]);
    sandbox_id(req.id, id);
    return sandbox_ask(ctx, PRIV_SIGNAL, &req, sizeof(req), STR_NONE, sandbox_logged,
                       "a signal to a machine");
}

static void
removed(void *arg, struct priv_message *m)
{
    struct launch *launch = arg;
    struct host_sandbox *s = launch->s;

    if (m->status < 0)
        log_warn("the disk of %.*s cannot be removed: %.*s", (int)launch->n, launch->id,
                 STR_ARG(m->body));
    s->events.removed(s->events.ctx, str_of(launch->id, launch->n));
    free(launch);
}

static int
sandbox_remove(void *ctx, struct str id)
{
    return ask_about(ctx, PRIV_REMOVE, id, removed);
}

static int
sandbox_cpu(void *ctx, struct str id, uint64_t *ret_ns)
{
    struct host_sandbox *s = ctx;
    struct priv_machine req = {0};
    struct priv_answer answer;
    struct arena arena;

    sandbox_id(req.id, id);
    arena_init(&arena, 64 << 10);
    int r = priv_call_wait(s->asks, &arena, PRIV_STATS, &req, sizeof(req), NULL, 0, NULL, 0,
                           ANSWER_LIMIT_MS, &answer);
    const struct priv_stats_reply *reply =
        r < 0 ? NULL : PRIV_BODY(struct priv_stats_reply, answer.body);

    if (reply)
        *ret_ns = reply->cpu_ns;
    arena_done(&arena);
    return reply ? 0 : r < 0 ? r : -EPROTO;
}

/* ---- meters ---- */

struct measure {
    struct host_sandbox *s;
    host_use_fn *fn;
    void *fn_ctx;
    uint32_t place;
};

static int ask_meters(struct measure *measure);

static void
tell_uses(const struct measure *measure, const struct priv_meter *meters, uint32_t n)
{
    enum { PIECE = 64 };

    assert(measure->fn);
    for (uint32_t at = 0; at < n; at += PIECE) {
        struct host_use uses[PIECE];
        uint32_t m = MIN(n - at, (uint32_t)PIECE);

        for (uint32_t i = 0; i < m; i++) {
            const struct priv_meter *p = &meters[at + i];

            assert(memchr(p->id, 0, sizeof(p->id)));
            uses[i] = (struct host_use){
                .id = str_of(p->id, strnlen(p->id, sizeof(p->id))),
                .cpu_ns = p->cpu_ns,
                .bytes_in = p->rx_bytes,
                .bytes_out = p->tx_bytes,
                .packets_in = p->rx_packets,
                .packets_out = p->tx_packets,
                .reads = p->reads,
                .writes = p->writes,
                .bytes_read = p->read_bytes,
                .bytes_written = p->written_bytes,
                .has_disk = p->has_disk,
            };
        }
        measure->fn(measure->fn_ctx, uses, m);
    }
}

static void
metered(void *arg, struct priv_message *m)
{
    struct measure *measure = arg;
    const struct priv_meters_reply *reply =
        m->status < 0 ? NULL : PRIV_BODY(struct priv_meters_reply, m->body);

    /* One that is too old to know of meters says nothing, and nothing is measured. */
    if (!reply || m->body.n < sizeof(*reply) + reply->n * sizeof(struct priv_meter)) {
        if (m->status != -ECONNRESET)
            log_warn("the meters cannot be read: %.*s", STR_ARG(m->body));
        free(measure);
        return;
    }
    tell_uses(measure, (const void *)(reply + 1), reply->n);
    measure->place = reply->next;
    if (!measure->place || ask_meters(measure) < 0)
        free(measure);
}

static int
ask_meters(struct measure *measure)
{
    const struct priv_meters req = {.place = measure->place};

    assert(measure->s && measure->fn);
    return sandbox_ask(measure->s, PRIV_METERS, &req, sizeof(req), STR_NONE, metered, measure);
}

static int
sandbox_measure(void *ctx, host_use_fn *fn, void *fn_ctx)
{
    struct measure *measure = calloc(1, sizeof(*measure));

    if (!measure)
        return -ENOMEM;
    *measure = (struct measure){.s = ctx, .fn = fn, .fn_ctx = fn_ctx};
    int r = ask_meters(measure);
    if (r < 0)
        free(measure);
    return r;
}

static int
sandbox_limit(void *ctx, struct str id, unsigned cpu_milli, uint64_t memory_bytes)
{
    struct priv_limits_set req = {.limits = {.cpu_milli = cpu_milli, .memory_bytes = memory_bytes}};

    sandbox_id(req.id, id);
    return sandbox_ask(ctx, PRIV_LIMITS, &req, sizeof(req), STR_NONE, sandbox_logged,
                       "the limits of a machine");
}

static int
sandbox_list(void *ctx, void (*fn)(void *fn_ctx, struct str id, bool frozen), void *fn_ctx)
{
    struct host_sandbox *s = ctx;
    struct priv_list req = {0};
    const struct priv_list_reply *reply;
    struct arena arena;
    int r;

    arena_init(&arena, (size_t)64 << 20);
    do {
        struct priv_answer answer;

        r = priv_call_wait(s->asks, &arena, PRIV_LIST, &req, sizeof(req), NULL, 0, NULL, 0,
                           ANSWER_LIMIT_MS, &answer);
        reply = r < 0 ? NULL : PRIV_BODY(struct priv_list_reply, answer.body);
        if (!reply || answer.body.n < sizeof(*reply) + reply->n * sizeof(struct priv_list_entry)) {
            r = r < 0 ? r : -EPROTO;
            break;
        }
        const struct priv_list_entry *entries = (const void *)(reply + 1);
        for (uint32_t i = 0; i < reply->n; i++)
            if (entries[i].state != PRIV_EXITED)
                fn(fn_ctx, str_from(entries[i].id), entries[i].state == PRIV_HIBERNATED);
        req.start += reply->n;
    } while (reply->more);
    arena_done(&arena);
    return r < 0 ? error_origin(-r, "the running machines cannot be listed") : 0;
}

static struct str
sandbox_boot_id(void *ctx)
{
    struct host_sandbox *s = ctx;

    return str_of(s->boot_id, strnlen(s->boot_id, sizeof(s->boot_id)));
}

int
host_sandbox_console(struct host_sandbox *s, struct arena *arena, struct str id,
                     struct str *ret_text, uint64_t *ret_end)
{
    struct priv_console_read req = {.from = 0};
    char *text = arena_alloc_raw(arena, PRIV_CONSOLE_MAX);
    size_t n = 0;

    sandbox_id(req.id, id);
    for (;;) {
        struct priv_answer answer;
        int r = priv_call_wait(s->asks, arena, PRIV_CONSOLE_READ, &req, sizeof(req), NULL, 0, NULL,
                               0, ANSWER_LIMIT_MS, &answer);
        const struct priv_console_reply *reply =
            r < 0 ? NULL : PRIV_BODY(struct priv_console_reply, answer.body);

        if (r == -ENOENT)
            break; /* it never ran */
        if (!reply || answer.body.n < sizeof(*reply) + reply->n)
            return r < 0 ? r : -EPROTO;
        size_t piece = MIN((size_t)reply->n, PRIV_CONSOLE_MAX - n);
        memcpy(text + n, reply + 1, piece);
        n += piece;
        assert(n <= PRIV_CONSOLE_MAX);
        req.from = reply->at + piece;
        if (piece == 0 || req.from >= reply->end || n == PRIV_CONSOLE_MAX)
            break;
    }
    *ret_text = str_of(text, n);
    *ret_end = req.from;
    return 0;
}

static int
sandbox_console(void *ctx, struct arena *arena, struct str id, struct str *ret_text,
                int64_t *ret_ms)
{
    struct host_sandbox *s = ctx;
    uint64_t end;
    int r = host_sandbox_console(s, arena, id, ret_text, &end);

    if (r < 0)
        return r;
    *ret_ms = loop_now_ms(s->config.loop, LOOP_CLOUD);
    return 0;
}

/* ---- events ---- */

static enum host_exit
exit_kind(uint32_t exit)
{
    switch ((enum priv_exit)exit) {
    case PRIV_EXIT_POWEROFF:
        return HOST_EXIT_POWEROFF;
    case PRIV_EXIT_REBOOT:
        return HOST_EXIT_REBOOT;
    case PRIV_EXIT_KILLED:
        return HOST_EXIT_KILLED;
    case PRIV_EXIT_CRASHED:
        return HOST_EXIT_CRASHED;
    case PRIV_EXIT_NONE:
    case PRIV_EXIT_UNKNOWN:
        break;
    }
    return HOST_EXIT_UNKNOWN;
}

static void
on_event(void *arg, struct priv_message *m)
{
    struct host_sandbox *s = arg;

    if (m->op == PRIV_EV_EXITED) {
        const struct priv_ev_exited *ev = PRIV_BODY(struct priv_ev_exited, m->body);

        if (ev)
            s->events.exited(s->events.ctx, str_from(ev->id), exit_kind(ev->exit));
    } else if (m->op == PRIV_EV_CONSOLE && s->on_console) {
        const struct priv_ev_console *ev = PRIV_BODY(struct priv_ev_console, m->body);

        if (ev && m->body.n >= sizeof(*ev) + ev->n)
            s->on_console(s->console_ctx, ev, str_of(ev + 1, ev->n));
    }
}

void
host_sandbox_on_console(struct host_sandbox *s,
                        void (*fn)(void *ctx, const struct priv_ev_console *ev, struct str bytes),
                        void *ctx)
{
    s->on_console = fn;
    s->console_ctx = ctx;
}

int
host_sandbox_follow(struct host_sandbox *s, struct str id, bool on)
{
    struct priv_console_follow req = {.on = on};

    sandbox_id(req.id, id);
    return sandbox_ask(s, PRIV_CONSOLE_FOLLOW, &req, sizeof(req), STR_NONE, sandbox_logged,
                       "to follow a console");
}

/* ---- life ---- */

/* Before the first launch. */
static void
send_trust(struct host_sandbox *s)
{
    struct str pem = s->config.trust;
    struct priv_trust req = {.n = (uint32_t)pem.n, .hash = s->config.trust_hash};

    assert(pem.n <= PRIV_TRUST_MAX);
    if (pem.n)
        sandbox_ask(s, PRIV_TRUST, &req, sizeof(req), pem, sandbox_logged,
                    "to trust the authority");
}

static int
hello(struct host_sandbox *s, struct priv_conn *conn, bool events, struct arena *arena,
      struct str *why)
{
    struct priv_hello req = {.want_events = events};
    struct priv_answer answer;
    int r = priv_call_wait(conn, arena, PRIV_HELLO, &req, sizeof(req), NULL, 0, NULL, 0,
                           ANSWER_LIMIT_MS, &answer);
    const struct priv_hello_reply *reply =
        r < 0 ? NULL : PRIV_BODY(struct priv_hello_reply, answer.body);

    if (!reply || answer.body.n < sizeof(*reply) + reply->text_n)
        return error_origin(r < 0 ? -r : EPROTO, "the privileged process does not answer");
    *why = str_of(reply + 1, reply->text_n);
    static_assert(sizeof(s->boot_id) == sizeof(reply->boot_id), "the same text");
    memcpy(s->boot_id, reply->boot_id, sizeof(s->boot_id));
    if (!reply->can_volumes)
        s->driver.no_volumes = "This host has no loop devices, which volumes beside the root of an "
                               "instance need; Welkin's log says more";
    return reply->can_launch ? 0 : -EPERM;
}

int
host_sandbox_new(struct host_sandbox **ret, const struct host_sandbox_config *config,
                 struct arena *arena, struct str *why)
{
    struct host_sandbox *s = calloc(1, sizeof(*s));
    int r = s ? priv_connect(&s->conn, config->data_dir) : -ENOMEM;

    assert(config->loop && config->store && config->vpc_opened && config->lost);
    if (r >= 0)
        r = priv_connect(&s->asks, config->data_dir);
    if (r < 0) {
        if (s)
            priv_conn_free(s->conn);
        free(s);
        return error_origin(-r, "the privileged process cannot be reached");
    }
    s->config = *config;
    s->driver = (struct host_driver){.name = "sandbox",
                                     /* slots are from 1 */
                                     .machines_max = PRIV_SLOTS - 1 - HOST_FUNCTIONS_MAX,
                                     .runs_guests = true,
                                     .ctx = s,
                                     .volume_in = sandbox_volume_in,
                                     .volume_out = sandbox_volume_out,
                                     .no_encrypted_snapshots = "Welkin's sandboxes make no "
                                                               "snapshots of encrypted volumes",
                                     .snapshot = sandbox_snapshot,
                                     .forget = sandbox_forget,
                                     .boot = sandbox_boot,
                                     .power = sandbox_power,
                                     .freeze = sandbox_freeze,
                                     .thaw = sandbox_thaw,
                                     .inspect = sandbox_inspect,
                                     .remove = sandbox_remove,
                                     .cpu = sandbox_cpu,
                                     .measure = sandbox_measure,
                                     .limit = sandbox_limit,
                                     .list = sandbox_list,
                                     .boot_id = sandbox_boot_id,
                                     .console = sandbox_console};
    s->flush.fn = flush;
    sandbox_network_init(s);
    s->source = (struct loop_fd){.fd = priv_fd(s->conn), .fn = readable};
    r = hello(s, s->conn, true, arena, why);
    if (r >= 0)
        r = hello(s, s->asks, false, arena, why);
    if (r >= 0)
        r = loop_fd_add(config->loop, &s->source, EPOLLIN);
    if (r < 0) {
        s->source.fd = -1;
        host_sandbox_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

static void
to_nobody(void *ctx UNUSED, struct str id UNUSED)
{
}

static void
why_to_nobody(void *ctx UNUSED, struct str id UNUSED, struct str reason UNUSED)
{
}

static void
inspected_to_nobody(void *ctx UNUSED, struct str id UNUSED, bool wiped UNUSED)
{
}

static void
moved_to_nobody(void *ctx UNUSED, struct str id UNUSED, int status UNUSED,
                struct str reason UNUSED)
{
}

struct host_sandbox *
host_sandbox_free(struct host_sandbox *s)
{
    if (!s)
        return NULL;
    /* Requests on their way end with the connection, and who asked is gone.  What became of a
     * launch is seen at the next start. */
    s->events = (struct host_events){.booted = to_nobody,
                                     .failed = why_to_nobody,
                                     .removed = to_nobody,
                                     .frozen = to_nobody,
                                     .not_frozen = why_to_nobody,
                                     .inspected = inspected_to_nobody,
                                     .snapshotted = moved_to_nobody,
                                     .volume_moved = moved_to_nobody};
    if (s->source.fd >= 0)
        loop_fd_remove(s->config.loop, &s->source);
    priv_conn_free(s->conn);
    priv_conn_free(s->asks);
    sandbox_network_done(s);
    free(s);
    return NULL;
}

const struct host_driver *
host_sandbox_driver(struct host_sandbox *s)
{
    return &s->driver;
}

void
host_sandbox_attach(struct host_sandbox *s, const struct host_events *events)
{
    assert(events->frozen && events->not_frozen && events->inspected);
    assert(events->booted && events->failed && events->exited && events->removed);
    s->events = *events;
    priv_on_event(s->conn, on_event, s);
    send_trust(s);
    sandbox_network_attach(s);
}
