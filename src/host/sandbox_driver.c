/*
 * What the privileged process must know, and when it is told:
 *
 *   a VPC        before the first launch in it in this daemon's life; the answer brings listeners
 *   a group      all its rules, before the first class that holds it and at each change of a rule
 *   a class      a set of groups, before the first machine in it; its number is a hash of the set,
 *                so that a daemon that comes back finds the number that is in use
 *   a machine    at launch; its class again when its interface got other groups
 *   an address   at the launch of its machine; again when an interface that runs got another
 *                public address, and when one that had it has it no more
 *
 * Requests on one connection are carried out in order, so nothing here waits for an answer but
 * at the start.
 */
#include "host/sandbox_driver.h"

#include "base/log.h"
#include "base/map.h"
#include "codec/ip.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ANSWER_LIMIT_MS 5000
#define LEFT_KEY_MAX 64

struct vpc {
    struct host_sandbox *s;
    int64_t number;
    struct priv_cidr cidr;
    bool plain; /* asked for again, without the API's listeners */
    uint8_t id_n;
    char id[30];
    struct map groups;  /* sent to this VPC: by group id, struct sent */
    struct map classes; /* by their number as text */
};

/* A key that lies in its own allocation: all that is kept of a group or class that was sent. */
struct sent {
    size_t n;
    char key[];
};

/* A machine that something was asked for. */
struct launch {
    struct host_sandbox *s;
    size_t n;
    char id[PRIV_ID_MAX];
    struct priv_launch req; /* of a boot */
};

struct host_sandbox {
    struct host_sandbox_config config;
    struct host_driver driver;
    struct host_events events;
    struct priv_conn *conn; /* requests and events, watched by the loop */
    struct priv_conn *asks; /* questions that are waited for: no event can come in between */
    struct loop_fd source;
    struct loop_task flush;
    struct loop_task look;
    struct map vpcs;         /* by id */
    struct map dirty_groups; /* by group id, struct sent: rules changed */
    struct map dirty_nics;   /* by interface id, struct sent */
    struct map left_publics; /* by "VPC ADDRESS", struct sent: an interface has it no more */
    char boot_id[40];
    void (*on_console)(void *ctx, const struct priv_ev_console *ev, struct str bytes);
    void *console_ctx;
};

/* ---- sets of keys ---- */

static bool
remember(struct map *m, struct str key)
{
    if (map_get(m, key))
        return false;
    struct sent *sent = malloc(sizeof(*sent) + key.n);
    if (!sent)
        abort();
    sent->n = key.n;
    memcpy(sent->key, key.p, key.n);
    map_put(m, str_of(sent->key, key.n), sent);
    return true;
}

static void
forget_all(struct map *m)
{
    MAP_EACH(m, entry)
        free(entry->value);
    map_done(m);
}

static void
copy_id(char out[PRIV_ID_MAX], struct str id)
{
    size_t n = MIN(id.n, (size_t)PRIV_ID_MAX - 1);

    memset(out, 0, PRIV_ID_MAX);
    memcpy(out, id.p, n);
}

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

/* Failures of what nobody waits for are only logged. */
static void
logged(void *arg, struct priv_message *m)
{
    if (m->status < 0)
        log_warn("the privileged process refused %s: %.*s", (const char *)arg, STR_ARG(m->body));
}

static int
ask(struct host_sandbox *s, enum priv_op op, const void *req, size_t n, struct str tail,
    priv_reply_fn *fn, const void *arg)
{
    int r = priv_send(s->conn, op, req, n, tail.p, tail.n, NULL, 0, fn, (void *)arg);

    loop_defer(s->config.loop, &s->flush);
    return r;
}

/* ---- security groups ---- */

static void
send_group(struct host_sandbox *s, struct vpc *vpc, struct txn *txn,
           const struct ec2_security_group_row *group)
{
    struct priv_rule rules[PRIV_RULES_MAX];
    size_t n = 0;

    STORE_EACH(txn, ec2_sg_rule_by_group, row, group->id) {
        if (n < PRIV_RULES_MAX && host_sandbox_rule(txn, row, &rules[n]))
            n++;
    }
    struct priv_group req = {
        .vpc = (uint32_t)vpc->number, .group = (uint32_t)group->number, .n_rules = (uint32_t)n};
    ask(s, PRIV_GROUP, &req, sizeof(req), str_of(rules, n * sizeof(rules[0])), logged,
        "the rules of a security group");
    remember(&vpc->groups, group->id);
}

static uint32_t
class_number(const uint32_t *groups, size_t n)
{
    uint32_t h = (uint32_t)str_hash(str_of(groups, n * sizeof(*groups)), 0);

    return (h & 0x7fffffff) | 1;
}

/* The class of an interface's groups; what it needs is sent first.  0: no groups. */
static uint32_t
send_class(struct host_sandbox *s, struct vpc *vpc, struct txn *txn,
           const struct str_list *group_ids)
{
    struct priv_class req = {.vpc = (uint32_t)vpc->number};

    LIST_EACH(group_ids, id) {
        const struct ec2_security_group_row *group = ec2_security_group_get(txn, *id);

        if (!group || req.n_groups == PRIV_CLASS_GROUPS_MAX)
            continue;
        if (!map_get(&vpc->groups, group->id))
            send_group(s, vpc, txn, group);
        req.groups[req.n_groups++] = (uint32_t)group->number;
    }
    if (!req.n_groups)
        return 0;
    req.class = class_number(req.groups, req.n_groups);
    if (remember(&vpc->classes, str_of(&req.class, sizeof(req.class))))
        ask(s, PRIV_CLASS, &req, sizeof(req), STR_NONE, logged, "a set of security groups");
    return req.class;
}

/* No private address: the translation goes. */
static void
send_public(struct host_sandbox *s, const struct vpc *vpc, struct str public, struct str private)
{
    struct priv_public_ip req = {.vpc = (uint32_t)vpc->number, .remove = !private.n};

    if (ip4_parse(public, &req.public_ip) && (!private.n || ip4_parse(private, &req.private_ip)))
        ask(s, PRIV_PUBLIC_IP, &req, sizeof(req), STR_NONE, logged, "a public address");
}

static void
sync_interface(struct host_sandbox *s, struct txn *txn, struct str id)
{
    const struct ec2_interface_row *row = ec2_interface_get(txn, id);
    struct vpc *vpc = row ? map_get(&s->vpcs, row->vpc_id) : NULL;

    if (!vpc || !row->instance_id.n)
        return;
    const struct host_machine_row *seen = host_machine_get(txn, row->instance_id);
    if (!seen || seen->phase != HOST_UP)
        return;
    struct priv_machine_class req = {.class = send_class(s, vpc, txn, &row->group_ids)};
    copy_id(req.id, row->instance_id);
    ask(s, PRIV_MACHINE_CLASS, &req, sizeof(req), STR_NONE, logged, "a machine's security groups");
    if (row->public_ip.n)
        send_public(s, vpc, row->public_ip, row->private_ip);
}

/* An address that an interface had goes, unless another of the VPC has it now: adding replaces. */
static void
sync_left_public(struct host_sandbox *s, struct txn *txn, struct str key)
{
    struct str ip = key, vpc_id = str_split(&ip, ' ');
    const struct vpc *vpc = map_get(&s->vpcs, vpc_id);
    const struct ec2_interface_row *now = ec2_interface_by_public_ip_get(txn, ip);

    if (vpc && !(now && str_eq(now->vpc_id, vpc_id)))
        send_public(s, vpc, ip, STR_NONE);
}

/* A group that a class in use refers to is sent to every VPC that knows it. */
static void
sync_group(struct host_sandbox *s, struct txn *txn, struct str id)
{
    const struct ec2_security_group_row *group = ec2_security_group_get(txn, id);
    struct vpc *vpc = group ? map_get(&s->vpcs, group->vpc_id) : NULL;

    if (vpc && map_get(&vpc->groups, id))
        send_group(s, vpc, txn, group);
}

static void
look(struct loop_task *task)
{
    struct host_sandbox *s = CONTAINER_OF(task, struct host_sandbox, look);
    struct txn *txn = store_begin(s->config.store);

    MAP_EACH(&s->dirty_groups, entry)
        sync_group(s, txn, entry->key);
    MAP_EACH(&s->left_publics, entry)
        sync_left_public(s, txn, entry->key);
    MAP_EACH(&s->dirty_nics, entry)
        sync_interface(s, txn, entry->key);
    store_rollback(txn);
    forget_all(&s->left_publics);
    forget_all(&s->dirty_groups);
    forget_all(&s->dirty_nics);
}

static void
rule_changed(void *ctx, const void *old_row, const void *new_row)
{
    struct host_sandbox *s = ctx;
    const struct ec2_sg_rule_row *row = new_row ? new_row : old_row;

    remember(&s->dirty_groups, row->group_id);
    loop_defer(s->config.loop, &s->look);
}

static void
group_changed(void *ctx, const void *old_row, const void *new_row)
{
    struct host_sandbox *s = ctx;
    const struct ec2_security_group_row *row = old_row;
    struct vpc *vpc = row && !new_row ? map_get(&s->vpcs, row->vpc_id) : NULL;

    if (!vpc || !map_get(&vpc->groups, row->id))
        return;
    struct priv_group_drop req = {(uint32_t)vpc->number, (uint32_t)row->number};
    ask(s, PRIV_GROUP_DROP, &req, sizeof(req), STR_NONE, logged, "to drop a security group");
    free(map_remove(&vpc->groups, row->id));
}

static void
interface_changed(void *ctx, const void *old_row, const void *new_row)
{
    struct host_sandbox *s = ctx;
    const struct ec2_interface_row *before = old_row, *after = new_row;

    if (before && before->public_ip.n && !(after && str_eq(before->public_ip, after->public_ip))) {
        char key[LEFT_KEY_MAX];
        int n = snprintf(key, sizeof(key), "%.*s %.*s", STR_ARG(before->vpc_id),
                         STR_ARG(before->public_ip));

        assert(n > 0 && n < (int)sizeof(key));
        remember(&s->left_publics, str_of(key, (size_t)n));
        loop_defer(s->config.loop, &s->look);
    }
    if (!before || !after)
        return; /* a launch sends it, an exit ends it */
    remember(&s->dirty_nics, after->id);
    loop_defer(s->config.loop, &s->look);
}

/* ---- VPCs ---- */

static void
vpc_free(struct vpc *vpc)
{
    forget_all(&vpc->groups);
    forget_all(&vpc->classes);
    free(vpc);
}

static void vpc_answered(void *arg, struct priv_message *m);

static void
ask_vpc(struct vpc *vpc)
{
    struct priv_vpc_open req = {.number = (uint32_t)vpc->number,
                                .n_cidrs = 1,
                                .cidrs = {vpc->cidr},
                                .n_extra = vpc->plain ? 0 : PRIV_LISTEN_ALL - PRIV_LISTEN_EXTRA,
                                .extra = {{PRIV_API_IP, 443}, {PRIV_API_IP, 80}}};

    copy_id(req.id, str_of(vpc->id, vpc->id_n));
    if (vpc->plain)
        memset(req.extra, 0, sizeof(req.extra));
    ask(vpc->s, PRIV_VPC_OPEN, &req, sizeof(req), STR_NONE, vpc_answered, vpc);
}

static void
vpc_answered(void *arg, struct priv_message *m)
{
    struct vpc *vpc = arg;
    struct host_sandbox *s = vpc->s;
    int fds[PRIV_LISTEN_ALL];

    if ((m->status == -EINVAL || m->status == -EEXIST) && !vpc->plain) {
        /* It runs since before there was an API inside VPCs: it changes no listeners (EINVAL) and
         * takes two at one address for a mistake (EEXIST). */
        log_warn("instances in %.*s do not reach the API by its names: `welkin down` and `welkin "
                 "up` change that",
                 (int)vpc->id_n, vpc->id);
        vpc->plain = true;
        ask_vpc(vpc);
        return;
    }
    if (m->status < 0 || m->n_fds < PRIV_LISTEN_EXTRA) {
        struct str why = m->status < 0 ? m->body : S("it came without its listeners");

        /* Forgotten, so that the next launch in it tries again. */
        log_error("the network of %.*s cannot be made: %.*s", (int)vpc->id_n, vpc->id,
                  STR_ARG(why));
        map_remove(&s->vpcs, str_of(vpc->id, vpc->id_n));
        vpc_free(vpc);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = i < m->n_fds ? m->fds[i] : -1;
        if (i < m->n_fds)
            m->fds[i] = -1;
    }
    s->config.vpc_opened(s->config.ctx, str_of(vpc->id, vpc->id_n), fds);
}

static struct vpc *
open_vpc(struct host_sandbox *s, const struct ec2_vpc_row *row)
{
    struct vpc *vpc = map_get(&s->vpcs, row->id);
    struct ip4_block block;

    if (vpc)
        return vpc;
    vpc = calloc(1, sizeof(*vpc));
    if (!vpc || row->id.n > sizeof(vpc->id) || !ip4_block_parse(row->cidr, &block)) {
        free(vpc);
        return NULL;
    }
    vpc->s = s;
    vpc->number = row->number;
    vpc->id_n = (uint8_t)row->id.n;
    memcpy(vpc->id, row->id.p, row->id.n);
    vpc->cidr = (struct priv_cidr){block.ip, block.bits};
    map_put(&s->vpcs, str_of(vpc->id, vpc->id_n), vpc);
    ask_vpc(vpc);
    return vpc;
}

/* ---- the driver ---- */

static void
launched(void *arg, struct priv_message *m)
{
    struct launch *launch = arg;
    struct host_sandbox *s = launch->s;
    struct str id = str_of(launch->id, launch->n);

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

    if (launch) {
        launch->s = s;
        launch->n = id.n;
        copy_id(launch->id, id);
    }
    return launch;
}

/* An operation on a machine that needs its name only. */
static int
ask_about(struct host_sandbox *s, enum priv_op op, struct str id, priv_reply_fn *fn)
{
    struct priv_machine req = {0};
    struct launch *launch = launch_new(s, id);

    if (!launch)
        return -ENOMEM;
    copy_id(req.id, id);
    int r = ask(s, op, &req, sizeof(req), STR_NONE, fn, launch);
    if (r < 0)
        free(launch);
    return r;
}

static int
ask_launch(struct launch *launch)
{
    return ask(launch->s, PRIV_LAUNCH, &launch->req, sizeof(launch->req), STR_NONE, launched,
               launch);
}

static void
disk_opened(void *arg, struct priv_message *m)
{
    struct launch *launch = arg;

    if (m->status >= 0 && ask_launch(launch) >= 0)
        return;
    launch->s->events.failed(launch->s->events.ctx, str_of(launch->id, launch->n), m->body);
    free(launch);
}

/* The disk of an encrypted root volume goes before the launch, which must not come without it. */
static int
ask_disk(struct host_sandbox *s, const struct ec2_volume_row *volume, struct launch *launch)
{
    struct priv_disk req = {.bytes = (uint64_t)volume->size_gib << 30};

    if (volume->plain_key.n != sizeof(req.key))
        return error_origin(ENOKEY, "the key of %.*s is not at hand", STR_ARG(volume->id));
    memcpy(req.id, launch->id, sizeof(req.id));
    memcpy(req.key, volume->plain_key.p, sizeof(req.key));
    int r = ask(s, PRIV_DISK, &req, sizeof(req), STR_NONE, disk_opened, launch);

    explicit_bzero(&req, sizeof(req));
    return r;
}

static int
sandbox_boot(void *ctx, const struct host_boot *boot)
{
    struct host_sandbox *s = ctx;
    const struct ec2_volume_row *root = ec2_volume_get(boot->txn, boot->instance->root_volume_id);
    struct vpc *vpc = open_vpc(s, boot->vpc);
    struct launch *launch = launch_new(s, boot->instance->id);

    if (!launch)
        return -ENOMEM;
    if (!vpc || !host_sandbox_launch(boot, &launch->req)) {
        free(launch);
        return -EINVAL;
    }
    launch->req.class = send_class(s, vpc, boot->txn, &boot->interface->group_ids);
    int r = root && root->encrypted ? ask_disk(s, root, launch) : ask_launch(launch);

    if (r < 0)
        free(launch);
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
    struct priv_machine_class class = {0};
    struct vpc *vpc = open_vpc(s, boot->vpc);
    struct launch *launch = launch_new(s, boot->instance->id);

    if (!vpc || !launch) {
        free(launch);
        return launch ? -EINVAL : -ENOMEM;
    }
    copy_id(req.id, boot->instance->id);
    copy_id(class.id, boot->instance->id);
    class.class = send_class(s, vpc, boot->txn, &boot->interface->group_ids);
    ask(s, PRIV_MACHINE_CLASS, &class, sizeof(class), STR_NONE, logged,
        "a machine's security groups");
    if (boot->interface->public_ip.n)
        send_public(s, vpc, boot->interface->public_ip, boot->interface->private_ip);
    int r = ask(s, PRIV_WAKE, &req, sizeof(req), STR_NONE, thawed, launch);
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

    copy_id(req.id, id);
    return ask(ctx, PRIV_SIGNAL, &req, sizeof(req), STR_NONE, logged, "a signal to a machine");
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

    copy_id(req.id, id);
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

static int
sandbox_limit(void *ctx, struct str id, unsigned cpu_milli, uint64_t memory_bytes)
{
    struct priv_limits_set req = {.limits = {.cpu_milli = cpu_milli,
                                             .memory_bytes = memory_bytes}};

    copy_id(req.id, id);
    return ask(ctx, PRIV_LIMITS, &req, sizeof(req), STR_NONE, logged, "the limits of a machine");
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

    copy_id(req.id, id);
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

    copy_id(req.id, id);
    return ask(s, PRIV_CONSOLE_FOLLOW, &req, sizeof(req), STR_NONE, logged, "to follow a console");
}

/* ---- life ---- */

/* Opens the networks of all instances that are alive, so that their metadata goes on. */
static void
reopen(struct host_sandbox *s)
{
    struct txn *txn = store_begin(s->config.store);

    STORE_EACH(txn, ec2_instance_by_key, row) {
        const struct ec2_vpc_row *vpc = ec2_vpc_get(txn, row->vpc_id);
        const struct ec2_interface_row *nic = ec2_interface_get(txn, row->interface_id);
        struct vpc *open;

        if (row->state == EC2_TERMINATED || row->state == EC2_STOPPED || !vpc || !nic)
            continue;
        open = open_vpc(s, vpc);
        if (!open)
            continue;
        send_class(s, open, txn, &nic->group_ids);
        if (nic->public_ip.n) /* it may have changed in the daemon's last moment */
            send_public(s, open, nic->public_ip, nic->private_ip);
    }
    STORE_EACH(txn, ec2_address_by_key, row) {
        if (!row->association_id.n)
            MAP_EACH(&s->vpcs, entry)
                send_public(s, entry->value, row->public_ip, STR_NONE);
    }
    store_rollback(txn);
}

/* Before the first launch. */
static void
send_trust(struct host_sandbox *s)
{
    struct str pem = s->config.trust;
    struct priv_trust req = {.n = (uint32_t)pem.n, .hash = s->config.trust_hash};

    assert(pem.n <= PRIV_TRUST_MAX);
    if (pem.n)
        ask(s, PRIV_TRUST, &req, sizeof(req), pem, logged, "to trust the authority");
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
    return reply->can_launch ? 0 : -EPERM;
}

int
host_sandbox_new(struct host_sandbox **ret, const struct host_sandbox_config *config,
                 struct arena *arena, struct str *why)
{
    struct host_sandbox *s = calloc(1, sizeof(*s));
    int r = s ? priv_connect(&s->conn, config->data_dir) : -ENOMEM;

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
                                     .ctx = s,
                                     .boot = sandbox_boot,
                                     .power = sandbox_power,
                                     .freeze = sandbox_freeze,
                                     .thaw = sandbox_thaw,
                                     .inspect = sandbox_inspect,
                                     .remove = sandbox_remove,
                                     .cpu = sandbox_cpu,
                                     .limit = sandbox_limit,
                                     .list = sandbox_list,
                                     .boot_id = sandbox_boot_id,
                                     .console = sandbox_console};
    s->flush.fn = flush;
    s->look.fn = look;
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

struct host_sandbox *
host_sandbox_free(struct host_sandbox *s)
{
    if (!s)
        return NULL;
    if (s->source.fd >= 0)
        loop_fd_remove(s->config.loop, &s->source);
    priv_conn_free(s->conn);
    priv_conn_free(s->asks);
    MAP_EACH(&s->vpcs, entry) {
        vpc_free(entry->value);
    }
    map_done(&s->vpcs);
    forget_all(&s->dirty_groups);
    forget_all(&s->dirty_nics);
    forget_all(&s->left_publics);
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
    s->events = *events;
    priv_on_event(s->conn, on_event, s);
    store_watch(s->config.store, &ec2_sg_rule_table, rule_changed, s);
    store_watch(s->config.store, &ec2_security_group_table, group_changed, s);
    store_watch(s->config.store, &ec2_interface_table, interface_changed, s);
    send_trust(s);
    reopen(s);
}
