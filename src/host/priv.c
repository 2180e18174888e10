/*
 * What root may do for the daemon: the table of operations below, and nothing else.
 *
 * A request is a struct of fixed size.  Before a handler runs, its size, the machine's name in
 * it, and the asker (root or the daemon's user, by SO_PEERCRED) have been checked; the handler
 * checks the rest.  Nothing here is a path that leaves DATA, a command line on the host, or a
 * name that the asker chooses on the host: those come from numbers.
 */
#include "host/priv.h"
#include "host/sandbox/server.h"

#include "base/error.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

static int
do_hello(struct host *h, struct call *c)
{
    const struct priv_hello *q = c->req;
    struct priv_hello_reply r = {
        .pid = (uint32_t)getpid(),
        .can_launch = h->probe.can_launch,
        .cgroup_version = (uint32_t)h->cg.version,
        .n_machines = h->n_machines,
        .started_ns = (uint64_t)h->started_ns,
        .can_volumes = !h->no_volumes,
        .text_n = (uint32_t)h->probe.n,
    };

    memcpy(r.boot_id, h->boot_id, sizeof(r.boot_id));
    memcpy(r.tag, h->tag, sizeof(r.tag));
    c->conn->hello = true;
    c->conn->want_events = q->want_events;
    return call_reply(c, &r, sizeof(r), h->probe.text, h->probe.n);
}

static void
list_entry(const struct machine *m, struct priv_list_entry *e)
{
    assert(m->state >= PRIV_STARTING && m->state <= PRIV_EXITED);
    *e = (struct priv_list_entry){
        .state = m->saved.frozen && m->state == PRIV_RUNNING ? PRIV_HIBERNATED : m->state,
        .pid = m->saved.pid, .exit = m->exit, .status = m->status,
        .vpc = m->saved.vpc, .slot = m->saved.slot, .private_ip = m->saved.private_ip,
        .class = m->saved.class, .adopted = m->adopted, .started_ms = m->saved.started_ms,
    };
    memcpy(e->id, m->saved.id, sizeof(e->id));
}

/* As many as fit in one message. */
#define LIST_PIECE ((PRIV_MESSAGE_MAX - 1024) / sizeof(struct priv_list_entry))

static int
do_list(struct host *h, struct call *c)
{
    const struct priv_list *q = c->req;
    static struct priv_list_entry entries[LIST_PIECE];
    struct priv_list_reply r = {0};
    uint32_t at = 0;

    for (size_t b = 0; b < HASH_MACHINES; b++)
        for (const struct machine *m = h->by_id[b]; m; m = m->next) {
            if (at++ < q->start)
                continue;
            if (r.n == ARRAY_LEN(entries)) {
                r.more = 1;
                break;
            }
            list_entry(m, &entries[r.n++]);
        }
    assert(r.n <= ARRAY_LEN(entries));
    return call_reply(c, &r, sizeof(r), entries, r.n * sizeof(entries[0]));
}

/* The machine, or NULL with the sentence set. */
static struct machine *
known(struct host *h, struct call *c, const char *id)
{
    struct machine *m = machine_find(h, id);

    if (!m)
        why_set(&c->why, ENOENT, "there is no machine %s", id);
    return m;
}

static struct machine *
running(struct host *h, struct call *c, const char *id)
{
    struct machine *m = known(h, c, id);

    if (m && m->state != PRIV_RUNNING) {
        why_set(&c->why, ESRCH, "machine %s is not running", id);
        return NULL;
    }
    assert(!m || machine_alive(m));
    return m;
}

static int
do_ack(struct host *h, struct call *c)
{
    const struct priv_machine *q = c->req;
    struct machine *m = machine_find(h, q->id);

    if (m && machine_alive(m))
        return why_set(&c->why, EBUSY, "machine %s runs", q->id);
    if (m)
        machine_free(h, m);
    return 0;
}

static int
do_vpc_open(struct host *h, struct call *c)
{
    const struct priv_vpc_open *q = c->req;
    struct vpc *v;

    if (!h->probe.can_launch)
        return why_set(&c->why, EPERM, "this host cannot run sandboxes: %.*s",
                       (int)strcspn(h->probe.text, "\n"), h->probe.text);
    int r = vpc_open(h, q, &v, &c->why);
    if (r < 0)
        return r;
    struct priv_vpc_reply reply = {.host_ip = vpc_host_ip(h, q->number),
                                   .router_ip = vpc_router_ip(h, q->number),
                                   .host_routed = v->saved.host_routed,
                                   .n_fds = v->n_listeners};
    assert(vpc_ok(h, v) && v->saved.open.number == q->number);
    c->reply_fds = v->listeners;
    c->n_reply_fds = v->n_listeners;
    return call_reply(c, &reply, sizeof(reply), NULL, 0);
}

static struct vpc *
open_vpc(struct host *h, struct call *c, uint32_t number)
{
    struct vpc *v = vpc_get(h, number);

    if (!v)
        why_set(&c->why, ENOENT, "VPC %u is not open", number);
    assert(!v || vpc_ok(h, v));
    return v;
}

static int
do_vpc_close(struct host *h, struct call *c)
{
    const struct priv_vpc *q = c->req;
    struct vpc *v = vpc_get(h, q->number);

    assert(!v || v->saved.open.number == q->number);
    return v ? vpc_close(h, v, &c->why) : 0;
}

static int
do_group(struct host *h, struct call *c)
{
    const struct priv_group *q = c->req;
    struct vpc *v = open_vpc(h, c, q->vpc);

    if (!v)
        return -ENOENT;
    return fw_group(v, q->group, c->tail, q->n_rules, &c->why);
}

static int
do_group_drop(struct host *h, struct call *c)
{
    const struct priv_group_drop *q = c->req;
    struct vpc *v = open_vpc(h, c, q->vpc);

    return v ? fw_group_drop(h, v, q->group, &c->why) : -ENOENT;
}

static int
do_class(struct host *h, struct call *c)
{
    const struct priv_class *q = c->req;
    struct vpc *v = open_vpc(h, c, q->vpc);

    return v ? fw_class(h, v, q, &c->why) : -ENOENT;
}

static int
do_subnet(struct host *h, struct call *c)
{
    const struct priv_subnet *q = c->req;
    struct vpc *v = open_vpc(h, c, q->vpc);

    return v ? fw_subnet(v, q, c->tail, &c->why) : -ENOENT;
}

static int
do_subnet_drop(struct host *h, struct call *c)
{
    const struct priv_subnet_drop *q = c->req;
    struct vpc *v = open_vpc(h, c, q->vpc);

    return v ? fw_subnet_drop(h, v, q->subnet, &c->why) : -ENOENT;
}

static int
do_machine_class(struct host *h, struct call *c)
{
    const struct priv_machine_class *q = c->req;
    struct machine *m = running(h, c, q->id);

    return m ? machine_set_class(h, m, q->class, &c->why) : -ENOENT;
}

static int
do_nics(struct host *h, struct call *c)
{
    const struct priv_nics *q = c->req;
    struct machine *m = known(h, c, q->id);

    if (!m)
        return -ENOENT;
    if (!machine_alive(m))
        return why_set(&c->why, ESRCH, "machine %s is not running", q->id);
    return machine_nics(h, m, q, c->tail, &c->why);
}

static int
do_peer(struct host *h, struct call *c)
{
    return peer_set(h, c->req, &c->why);
}

static int
do_public_ip(struct host *h, struct call *c)
{
    const struct priv_public_ip *q = c->req;
    struct vpc *v = open_vpc(h, c, q->vpc);

    return v ? vpc_public_ip(h, v, q, &c->why) : -ENOENT;
}

/*
 * Cuts n NUL-terminated strings from the front of the tail; v gets n + 1 pointers, the last NULL.
 * That they are there has been checked.
 */
static void
cut_strings(struct call *c, char **v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *end = memchr(c->tail, 0, c->tail_n);

        assert(end);
        v[i] = c->tail;
        c->tail_n -= (size_t)(end + 1 - (char *)c->tail);
        c->tail = end + 1;
    }
    v[n] = NULL;
}

static int
do_launch(struct host *h, struct call *c)
{
    const struct priv_launch *q = c->req;
    char *argv[UINT8_MAX + 1];

    cut_strings(c, argv, q->argc);
    int r = machine_launch(h, q, argv, &c->ticket, &c->why);
    if (r < 0) {
        log_warn("machine %s did not start: %s", q->id, c->why.text);
        return r;
    }
    c->later = true;
    assert(c->ticket.seq != 0);
    if (q->public_ip) {
        struct priv_public_ip p = {.vpc = q->vpc, .public_ip = q->public_ip,
                                   .private_ip = q->private_ip};
        struct why why;

        if (vpc_public_ip(h, vpc_get(h, q->vpc), &p, &why) < 0)
            log_warn("machine %s has no public address: %s", q->id, why.text);
    }
    return 0;
}

static int
do_signal(struct host *h, struct call *c)
{
    const struct priv_signal *q = c->req;
    struct machine *m = running(h, c, q->id);

    return m ? machine_signal(h, m, q->how, &c->why) : -ENOENT;
}

static int
do_remove(struct host *h, struct call *c)
{
    const struct priv_machine *q = c->req;
    struct machine *m = machine_find(h, q->id);

    if (m && machine_alive(m))
        return why_set(&c->why, EBUSY, "machine %s runs", q->id);
    if (m)
        machine_free(h, m);
    return remove_machine(h, q->id, &c->why);
}

static int
do_console_read(struct host *h, struct call *c)
{
    const struct priv_console_read *q = c->req;
    static char piece[PRIV_CONSOLE_PIECE];
    struct priv_console_reply r;
    ssize_t n = console_read(h, q->id, q->from, &r, piece, sizeof(piece));

    if (n < 0)
        return why_set(&c->why, EIO, "the console of %s could not be read", q->id);
    assert(n <= (ssize_t)sizeof(piece));
    return call_reply(c, &r, sizeof(r), piece, (size_t)n);
}

static int
do_console_write(struct host *h, struct call *c)
{
    const struct priv_console_write *q = c->req;
    struct machine *m = running(h, c, q->id);

    assert(c->tail_n == q->n);
    if (!m)
        return -ENOENT;
    if (m->console.fd < 0)
        return why_set(&c->why, EINVAL, "nothing can be written to the console of %s", q->id);
    ssize_t n = write(m->console.fd, c->tail, c->tail_n);
    if (n != (ssize_t)c->tail_n)
        return why_set(&c->why, EAGAIN, "the guest does not read its console");
    return 0;
}

static int
do_console_follow(struct host *h, struct call *c)
{
    const struct priv_console_follow *q = c->req;
    struct machine *m = known(h, c, q->id);
    uint8_t bit = (uint8_t)(1u << c->conn->slot);

    assert(c->conn->slot < 8);
    if (!m)
        return -ENOENT;
    m->followers = (uint8_t)(q->on ? m->followers | bit : m->followers & ~bit);
    return 0;
}

static int
do_exec(struct host *h, struct call *c)
{
    const struct priv_exec *q = c->req;
    struct machine *m = running(h, c, q->id);
    struct priv_exec_reply r;
    char *cwd[2] = {NULL, NULL};

    assert(q->cwd <= 1);
    if (!m)
        return -ENOENT;
    if (m->saved.frozen)
        return why_set(&c->why, EBUSY, "machine %s is hibernated", q->id);
    CLEANUP(free_strings) char **argv = calloc(q->argc + 1u, sizeof(*argv));
    CLEANUP(free_strings) char **env = calloc(q->envc + 1u, sizeof(*env));
    if (!argv || !env)
        return why_set(&c->why, ENOMEM, "out of memory");
    cut_strings(c, argv, q->argc);
    cut_strings(c, env, q->envc);
    cut_strings(c, cwd, q->cwd);
    int status = exec_start(h, m, q, argv, env, cwd[0], c->fds, c->n_fds, c->conn->id, &r.exec,
                            &c->why);
    return status < 0 ? status : call_reply(c, &r, sizeof(r), NULL, 0);
}

static int
do_exec_kill(struct host *h, struct call *c)
{
    const struct priv_exec_kill *q = c->req;
    int r = q->exec ? exec_kill(h, q->exec, c->conn->id) : -ENOENT;

    return r < 0 ? why_set(&c->why, -r, "there is no command %u", q->exec) : 0;
}

static int
do_stats(struct host *h, struct call *c)
{
    const struct priv_machine *q = c->req;
    struct machine *m = running(h, c, q->id);
    struct priv_stats_reply r;

    if (!m)
        return -ENOENT;
    int status = machine_stats(h, m, &r);
    if (status < 0)
        return why_set(&c->why, -status, "the meters of %s could not be read", q->id);
    return call_reply(c, &r, sizeof(r), NULL, 0);
}

/* A few at a time: launches wait meanwhile, and a machine costs some fifteen microseconds. */
#define METERS_PIECE 64u
#define METERS_MAX ((PRIV_MESSAGE_MAX - 1024) / sizeof(struct priv_meter))

static int
do_meters(struct host *h, struct call *c)
{
    const struct priv_meters *q = c->req;
    static struct priv_meter meters[METERS_MAX];
    struct priv_meters_reply r = {0};
    uint32_t place = MIN(q->place, (uint32_t)HASH_MACHINES);

    static_assert(METERS_MAX > 2 * METERS_PIECE, "whole buckets fit");
    for (; place < HASH_MACHINES && r.n < METERS_PIECE; place++)
        for (const struct machine *m = h->by_id[place]; m; m = m->next)
            if (m->state == PRIV_RUNNING && !m->saved.frozen && r.n < ARRAY_LEN(meters))
                machine_meter(h, m, &meters[r.n++]);
    r.next = place < HASH_MACHINES ? place : 0;
    return call_reply(c, &r, sizeof(r), meters, r.n * sizeof(meters[0]));
}

static int
do_limits(struct host *h, struct call *c)
{
    const struct priv_limits_set *q = c->req;

    if (!running(h, c, q->id))
        return -ENOENT;
    int r = cg_limits(&h->cg, q->id, &q->limits);
    return r < 0 ? why_set(&c->why, -r, "the limits of %s could not be set: %s", q->id,
                           strerror(-r))
                 : 0;
}

static int
do_freeze(struct host *h, struct call *c)
{
    const struct priv_freeze *q = c->req;

    if (!running(h, c, q->id))
        return -ENOENT;
    int r = cg_freeze(&h->cg, q->id, q->frozen);
    return r < 0 ? why_set(&c->why, -r, "machine %s could not be frozen or thawed: %s", q->id,
                           strerror(-r))
                 : 0;
}

static int
do_hibernate(struct host *h, struct call *c)
{
    const struct priv_machine *q = c->req;
    struct machine *m = running(h, c, q->id);

    return m ? machine_hibernate(h, m, &c->why) : -ENOENT;
}

static int
do_wake(struct host *h, struct call *c)
{
    const struct priv_machine *q = c->req;
    struct machine *m = running(h, c, q->id);

    return m ? machine_wake(h, m, &c->why) : -ENOENT;
}

static int
do_inspect(struct host *h, struct call *c)
{
    const struct priv_machine *q = c->req;
    const struct machine *m = running(h, c, q->id);
    const struct priv_inspect_reply r = {.wiped = m && machine_wiped(m)};

    return m ? call_reply(c, &r, sizeof(r), NULL, 0) : -ENOENT;
}

static int
do_disk(struct host *h, struct call *c)
{
    const struct priv_disk *q = c->req;
    const struct machine *m = machine_find(h, q->id);
    int r = m && machine_alive(m) ? why_set(&c->why, EBUSY, "machine %s runs", q->id)
                                  : disk_open(h, q, &c->why);

    /* The message is in a buffer that others follow in. */
    explicit_bzero((void *)(uintptr_t)q->key, sizeof(q->key));
    return r;
}

static int
do_snapshot(struct host *h, struct call *c)
{
    return snapshot_make(h, c->req, &c->ticket, &c->later, &c->why);
}

static int
do_snapshot_drop(struct host *h, struct call *c)
{
    const struct priv_snapshot_drop *q = c->req;

    return snapshot_drop(h, q->name, &c->why);
}

static int
do_volume_in(struct host *h, struct call *c)
{
    return volume_in(h, c->req, &c->ticket, &c->later, &c->why);
}

static int
do_volume_out(struct host *h, struct call *c)
{
    return volume_out(h, c->req, &c->ticket, &c->later, &c->why);
}

static int
do_volume_drop(struct host *h, struct call *c)
{
    return volume_drop(h, c->req, &c->why);
}

static int
do_volume_copy(struct host *h, struct call *c)
{
    return volume_copy(h, c->req, &c->ticket, &c->later, &c->why);
}

static int
do_trust(struct host *h, struct call *c)
{
    const struct priv_trust *q = c->req;

    assert(c->tail_n == q->n && q->n <= sizeof(h->trust));
    memcpy(h->trust, c->tail, q->n);
    h->trust_n = q->n;
    h->trust_hash = q->hash;
    return 0;
}

static int
do_shutdown(struct host *h, struct call *c)
{
    const struct priv_shutdown *q = c->req;

    h->kill_all = q->kill_all != 0;
    h->stopping = 1;
    return 0;
}

#define ID_FIRST (1u << 0) /* the struct begins with a machine's id */
#define TAIL (1u << 1)     /* bytes may follow the struct */
#define FDS (1u << 2)      /* descriptors may come with it */

static const struct op {
    const char *name;
    size_t n;
    unsigned flags;
    int (*fn)(struct host *h, struct call *c);
    int (*check)(const void *req, struct str tail, struct why *why); /* NULL: any value will do */
} ops[PRIV_OPS] = {
    /* Tells versions and what is missing.  Changes nothing. */
    [PRIV_HELLO] = {"HELLO", sizeof(struct priv_hello), 0, do_hello},
    /* Reads the table of machines. */
    [PRIV_LIST] = {"LIST", sizeof(struct priv_list), 0, do_list},
    /* Forgets a machine that has ended. */
    [PRIV_ACK] = {"ACK", sizeof(struct priv_machine), ID_FIRST, do_ack},
    /* Makes a namespace, a veth named by us, routes of networks that the host does not use
     * itself, and our own table of rules.  Sets net.ipv4.ip_forward. */
    [PRIV_VPC_OPEN] = {"VPC_OPEN", sizeof(struct priv_vpc_open), 0, do_vpc_open, check_vpc_open},
    /* Removes what VPC_OPEN made; refused while machines run in it. */
    [PRIV_VPC_CLOSE] = {"VPC_CLOSE", sizeof(struct priv_vpc), 0, do_vpc_close},
    /* These change rules inside a VPC's own namespace only. */
    [PRIV_GROUP] = {"GROUP", sizeof(struct priv_group), TAIL, do_group, check_group},
    [PRIV_GROUP_DROP] = {"GROUP_DROP", sizeof(struct priv_group_drop), 0,
                         do_group_drop, check_group_drop},
    [PRIV_CLASS] = {"CLASS", sizeof(struct priv_class), 0, do_class, check_class},
    [PRIV_MACHINE_CLASS] = {"MACHINE_CLASS", sizeof(struct priv_machine_class), ID_FIRST,
                            do_machine_class},
    /* Makes interfaces in the VPC's namespace with their other ends in the machine's, and there
     * sets addresses, routes and rules, by netlink that the guest cannot answer. */
    [PRIV_NICS] = {"NICS", sizeof(struct priv_nics), ID_FIRST | TAIL, do_nics, check_nics},
    /* A veth from one VPC's namespace to another's; both have to be open. */
    [PRIV_PEER] = {"PEER", sizeof(struct priv_link), 0, do_peer, check_peer},
    /* The above, and a /32 route on the host within the configured pool. */
    [PRIV_PUBLIC_IP] = {"PUBLIC_IP", sizeof(struct priv_public_ip), 0,
                        do_public_ip, check_public_ip},
    /* Clones a sandbox whose root is nobody on the host, on an image beneath DATA/images (openat2
     * RESOLVE_BENEATH) and a disk beneath DATA/machines, in control groups of our own. */
    [PRIV_LAUNCH] = {"LAUNCH", sizeof(struct priv_launch), ID_FIRST | TAIL,
                     do_launch, check_launch},
    /* Signals the init of a machine by its pidfd: never a process that is not ours. */
    [PRIV_SIGNAL] = {"SIGNAL", sizeof(struct priv_signal), ID_FIRST, do_signal, check_signal},
    /* Moves DATA/machines/ID away and deletes it without following links. */
    [PRIV_REMOVE] = {"REMOVE", sizeof(struct priv_machine), ID_FIRST, do_remove},
    /* These read and write a machine's terminal and the ring file beside its disk. */
    [PRIV_CONSOLE_READ] = {"CONSOLE_READ", sizeof(struct priv_console_read), ID_FIRST,
                           do_console_read},
    [PRIV_CONSOLE_WRITE] = {"CONSOLE_WRITE", sizeof(struct priv_console_write), ID_FIRST | TAIL,
                            do_console_write, check_console_write},
    [PRIV_CONSOLE_FOLLOW] = {"CONSOLE_FOLLOW", sizeof(struct priv_console_follow), ID_FIRST,
                             do_console_follow},
    /* Runs a program of the guest inside all of its namespaces, groups, caps and filter, with
     * the asker's own descriptors. */
    [PRIV_EXEC] = {"EXEC", sizeof(struct priv_exec), ID_FIRST | TAIL | FDS, do_exec, check_exec},
    [PRIV_EXEC_KILL] = {"EXEC_KILL", sizeof(struct priv_exec_kill), 0, do_exec_kill},
    /* Read and write files of the machine's own control groups. */
    [PRIV_STATS] = {"STATS", sizeof(struct priv_machine), ID_FIRST, do_stats},
    [PRIV_METERS] = {"METERS", sizeof(struct priv_meters), 0, do_meters},
    [PRIV_LIMITS] = {"LIMITS", sizeof(struct priv_limits_set), ID_FIRST, do_limits, check_limits},
    [PRIV_FREEZE] = {"FREEZE", sizeof(struct priv_freeze), ID_FIRST, do_freeze, check_freeze},
    /* These change rules inside a VPC's own namespace only. */
    [PRIV_SUBNET] = {"SUBNET", sizeof(struct priv_subnet), TAIL, do_subnet, check_subnet},
    [PRIV_SUBNET_DROP] = {"SUBNET_DROP", sizeof(struct priv_subnet_drop), 0, do_subnet_drop,
                          check_subnet_drop},
    /* The same, and take its elements out of the firewall or put them back. */
    [PRIV_HIBERNATE] = {"HIBERNATE", sizeof(struct priv_machine), ID_FIRST, do_hibernate},
    [PRIV_WAKE] = {"WAKE", sizeof(struct priv_machine), ID_FIRST, do_wake},
    /* Looks for names in the guest's root, and follows nothing. */
    [PRIV_INSPECT] = {"INSPECT", sizeof(struct priv_machine), ID_FIRST, do_inspect},
    /* Makes and mounts a file system of ours in a file of DATA/machines/ID; no guest has been there
     * but through the kernel's ext4. */
    [PRIV_DISK] = {"DISK", sizeof(struct priv_disk), ID_FIRST, do_disk, check_disk},
    /* Copies a machine's folder to a new one of DATA/images, whose name is a snapshot's, and moves
     * such a one away; nothing is opened by a path of the guest's. */
    [PRIV_SNAPSHOT] = {"SNAPSHOT", sizeof(struct priv_snapshot), ID_FIRST, do_snapshot,
                       check_snapshot},
    [PRIV_SNAPSHOT_DROP] = {"SNAPSHOT_DROP", sizeof(struct priv_snapshot_drop), 0,
                            do_snapshot_drop, check_snapshot_drop},
    /* Makes a file of DATA/volumes, whose name is a volume's, a loop device, and mounts a node of
     * it that is the guest's into the guest's /dev, with the guest's rights; or takes both away. */
    [PRIV_VOLUME_IN] = {"VOLUME_IN", sizeof(struct priv_volume), ID_FIRST, do_volume_in,
                        check_volume},
    [PRIV_VOLUME_OUT] = {"VOLUME_OUT", sizeof(struct priv_volume_out), ID_FIRST, do_volume_out,
                         check_volume_out},
    /* Delete and copy files of DATA/volumes, whose names are a volume's or a snapshot's. */
    [PRIV_VOLUME_DROP] = {"VOLUME_DROP", sizeof(struct priv_volume_drop), ID_FIRST, do_volume_drop,
                          check_volume_drop},
    [PRIV_VOLUME_COPY] = {"VOLUME_COPY", sizeof(struct priv_volume_copy), ID_FIRST, do_volume_copy,
                          check_volume_copy},
    /* Ends this process and, if told so, everything that bears our tag. */
    [PRIV_SHUTDOWN] = {"SHUTDOWN", sizeof(struct priv_shutdown), 0, do_shutdown},
    /* Keeps a certificate, which later launches write inside the guest's own root. */
    [PRIV_TRUST] = {"TRUST", sizeof(struct priv_trust), TAIL, do_trust, check_trust},
};

int
priv_check(uint16_t number, const void *req, size_t n, size_t n_fds, struct why *why)
{
    const struct op *op = number < PRIV_OPS ? &ops[number] : NULL;

    assert(req && why);
    if (!op || !op->fn)
        return why_set(why, ENOSYS, "there is no operation %u", number);
    if (n < op->n || (n > op->n && !(op->flags & TAIL)) || (n_fds && !(op->flags & FDS)))
        return why_set(why, EINVAL, "%s is not well formed", op->name);
    if ((op->flags & ID_FIRST) && !machine_id_ok(req))
        return why_set(why, EINVAL, "%s does not name a machine", op->name);
    if (!op->check)
        return 0;
    return op->check(req, str_of((const char *)req + op->n, n - op->n), why);
}

int
priv_dispatch(struct host *h, struct call *c, uint16_t number, size_t n)
{
    int r = priv_check(number, c->req, n, c->n_fds, &c->why);

    if (r < 0)
        return r;
    if (!c->conn->hello && number != PRIV_HELLO)
        return why_set(&c->why, EPROTO, "HELLO must come first");
    c->tail = (char *)(uintptr_t)c->req + ops[number].n;
    c->tail_n = n - ops[number].n;
    assert(c->tail_n == 0 || ops[number].flags & TAIL);
    return ops[number].fn(h, c);
}
