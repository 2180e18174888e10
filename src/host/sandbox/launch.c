/*
 * The parent's side of a launch.  See child.c for the conversation.
 *
 * Nothing here waits for the child: it works on its mounts while the parent makes the interface
 * and the firewall's elements, and whether init was exec'd arrives as an event.
 */
#include "host/sandbox/sandbox.h"

#include "base/error.h"
#include "base/log.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UID_BASE(slot) (65536u * ((slot) + 1))
#define IDS 65536u

/* What is open during one launch. */
struct launch {
    struct host *h;
    const struct priv_launch *req;
    struct vpc *v;
    struct why *why;
    int layers[PRIV_LAYERS_MAX], disk; /* O_PATH */
    unsigned n_layers;
    int master, slave, console;
    int parent_sock, child_sock;
    int pidfd;
    pid_t pid;
    struct cg_join join;
};

static int
open_layer(struct launch *l, struct str name)
{
    char path[sizeof(l->req->image)];
    struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};

    if (l->n_layers == PRIV_LAYERS_MAX || !name.n || name.p[0] == '/')
        return why_set(l->why, EINVAL, "the image %s has no valid layers", l->req->image);
    text_set(path, sizeof(path), "%.*s", STR_ARG(name));
    int fd = (int)syscall(SYS_openat2, l->h->images, path, &how, sizeof(how));

    if (fd < 0)
        return why_set(l->why, errno, "the image %s could not be opened: %s", path,
                       strerror(errno));
    l->layers[l->n_layers++] = fd;
    return 0;
}

static int
open_image(struct launch *l)
{
    struct str rest = str_from(l->req->image);
    int r = 0;

    assert(rest.n > 0 && l->n_layers == 0);
    while (rest.p && r == 0)
        r = open_layer(l, str_split(&rest, ':'));
    return r;
}

/*
 * The machine's folder.  Owners in it are 0 … 65535 whatever slot it runs in, because it is
 * mounted idmapped: the folder itself keeps everybody else on the host out.
 */
static int
open_disk(struct launch *l)
{
    char name[PRIV_ID_MAX + 8];
    const char *id = l->req->id;

    assert(l->disk < 0);
    if (mkdirat(l->h->machines, id, 0700) < 0 && errno != EEXIST)
        return why_set(l->why, errno, "the machine's folder could not be made: %s",
                       strerror(errno));
    l->disk = disk_is_encrypted(l->h, id)
                  ? disk_take(l->h, id)
                  : openat(l->h->machines, id, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (l->disk < 0 && disk_is_encrypted(l->h, id))
        return why_set(l->why, ENOKEY, "the disk of %s is encrypted and its key was not given", id);
    if (l->disk < 0)
        return why_set(l->why, errno, "the machine's folder could not be opened");
    for (int i = 0; i < 2; i++) {
        text_set(name, sizeof(name), "%s", i ? "work" : "upper");
        if (mkdirat(l->disk, name, 0755) < 0 && errno != EEXIST)
            return why_set(l->why, errno, "the machine's disk could not be made: %s",
                           strerror(errno));
    }
    return 0;
}

static int
open_console(struct launch *l)
{
    int r = console_new(UID_BASE(l->req->slot), &l->master, &l->slave);

    if (r < 0)
        return why_set(l->why, -r, "a terminal for the console could not be made: %s",
                       strerror(-r));
    l->console = (int)syscall(SYS_open_tree, l->slave, "",
                              AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (l->console < 0)
        return why_set(l->why, errno, "the console could not be mounted: %s", strerror(errno));
    return 0;
}

uint32_t
cpus_of(uint32_t cpu_milli, uint32_t n_host)
{
    uint32_t n = cpu_milli / 1000 + (cpu_milli % 1000 != 0);

    assert(n * 1000ull >= cpu_milli);
    return n < n_host ? n : 0;
}

struct str
cpuinfo_cut(struct str cpuinfo, uint32_t n)
{
    size_t at = 0;

    assert(str_ok(cpuinfo) && n > 0);
    /* Each description ends with an empty line. */
    for (uint32_t i = 0; i < n; i++) {
        size_t end = str_find(str_cut(cpuinfo, at, cpuinfo.n), S("\n\n"));

        if (end == SIZE_MAX)
            return cpuinfo;
        at += end + 2;
    }
    return str_cut(cpuinfo, 0, at);
}

static int
clone_child(struct launch *l, char *const *argv)
{
    uint32_t cpus = cpus_of(l->req->limits.cpu_milli, l->h->n_cpus);
    int pair[2];

    assert(l->n_layers > 0 && l->disk >= 0 && l->console >= 0);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return why_set(l->why, errno, "a socket could not be made: %s", strerror(errno));
    l->parent_sock = pair[0];
    l->child_sock = pair[1];
    struct clone_args args = {
        .flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC |
                 CLONE_NEWNET | CLONE_PIDFD | (l->join.v2 >= 0 ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uint64_t)(uintptr_t)&l->pidfd,
        .exit_signal = SIGCHLD,
        .cgroup = (uint64_t)(l->join.v2 >= 0 ? l->join.v2 : 0),
    };
    l->pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
    if (l->pid < 0)
        return why_set(l->why, errno, "the sandbox's process could not be made: %s",
                       strerror(errno));
    if (l->pid == 0) {
        const struct child_plan plan = {.req = l->req,
                                        .argv = argv,
                                        .join = l->join,
                                        .sock = l->child_sock,
                                        .console = l->console,
                                        .init_fd = l->h->init_fd,
                                        .cgroup2 = l->join.v2 >= 0,
                                        .filter = &l->h->filter,
                                        .trust = str_of(l->h->trust, l->h->trust_n),
                                        .trust_hash = l->h->trust_hash,
                                        .n_layers = l->n_layers,
                                        .volumes = l->h->volumes,
                                        .guest_mounts = l->h->guest_mounts,
                                        .cpus = cpus,
                                        .cpuinfo = cpus ? cpuinfo_cut(l->h->cpuinfo, cpus)
                                                        : STR_NONE};
        /* Else the child would keep its own socket open and never see that we are gone. */
        close(l->parent_sock);
        child_main(&plan);
    }
    fd_close(&l->child_sock);
    return 0;
}

static int
idmapped(int from, int userns, uint64_t more)
{
    struct mount_attr a = {.attr_set = MOUNT_ATTR_IDMAP | more, .userns_fd = (uint64_t)userns};
    FD_CLEANUP int tree = (int)syscall(SYS_open_tree, from, "",
                                       AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &a, sizeof(a)) < 0)
        return -errno;
    return fd_steal(&tree);
}

/* Gives the child its ids and its file systems: the layers of the image, then the disk. */
static int
send_mounts(struct launch *l)
{
    char path[40], map[40];
    int trees[PRIV_LAYERS_MAX + 1];
    unsigned n = 0;

    assert(l->pid > 0 && l->req->slot < PRIV_SLOTS);
    text_set(path, sizeof(path), "/proc/%d", l->pid);
    FD_CLEANUP int proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    text_set(map, sizeof(map), "0 %u %u\n", UID_BASE(l->req->slot), IDS);
    int r = file_put(proc, "uid_map", "%s", map);
    if (r == 0)
        r = file_put(proc, "gid_map", "%s", map);
    if (r < 0)
        return why_set(l->why, -r, "the ids of the user namespace could not be set: %s",
                       strerror(-r));
    FD_CLEANUP int userns = openat(proc, "ns/user", O_RDONLY | O_CLOEXEC);
    for (; r >= 0 && n <= l->n_layers; n += r >= 0) {
        r = n < l->n_layers ? idmapped(l->layers[n], userns, MOUNT_ATTR_RDONLY)
                            : idmapped(l->disk, userns, 0);
        trees[n] = r;
    }
    if (r < 0)
        why_set(l->why, -r, "the file system of DATA cannot be mounted with shifted owners: %s",
                strerror(-r));
    else if ((r = fds_send(l->parent_sock, "M", 1, trees, n, 0)) < 0)
        why_set(l->why, -r, "the sandbox's process ended early");
    while (n > 0)
        fd_close(&trees[--n]);
    return MIN(r, 0);
}

static int
connect_network(struct launch *l, struct machine *m)
{
    const struct priv_launch *q = l->req;

    assert(l->pid > 0 && !m->filtered && l->v->next_ifindex >= VPC_FIRST_IF);
    static const uint8_t router_mac[6] = VPC_ROUTER_MAC;
    char name[16], path[40];
    struct nl_batch b = {0};

    m->saved.ifindex = l->v->next_ifindex++;
    text_set(name, sizeof(name), "wk%u", m->saved.ifindex);
    text_set(path, sizeof(path), "/proc/%d/ns/net", l->pid);
    FD_CLEANUP int netns = open(path, O_RDONLY | O_CLOEXEC);
    if (netns < 0)
        return why_set(l->why, errno, "the sandbox's process ended early");
    const struct nl_end near = {.name = name, .ifindex = (int)m->saved.ifindex, .netns_fd = -1,
                                .mac = router_mac};
    const struct nl_end far = {.name = "eth0", .ifindex = 2, .netns_fd = netns, .mac = q->mac};
    nl_add_veth(&b, &near, &far, q->mtu ? q->mtu : 9001);
    nl_add_proxy_at_once(&b, (int)m->saved.ifindex);
    nl_add_address(&b, VPC_LO, q->gateway, 32);
    nl_add_route(&b, (int)m->saved.ifindex, q->private_ip, 32, 0, 0, false);
    nl_add_neighbour(&b, (int)m->saved.ifindex, q->private_ip, q->mac);
    int r = nl_send(&l->v->route, &b);
    if (r == 0)
        r = machine_first_nic(m);
    if (r == 0)
        r = fw_machine_add(l->v, m);
    if (r < 0)
        return why_set(l->why, -r, "the network interface could not be made: %s", strerror(-r));
    return 0;
}

/* ---- the child's answer ---- */

static void
started(struct host *h, struct machine *m)
{
    struct priv_launch_reply reply = {.pid = m->saved.pid, .ifindex = m->saved.ifindex};

    assert(m->state == PRIV_STARTING && m->saved.pid && m->recorded && m->filtered);
    m->state = PRIV_RUNNING;
    reply.ns = (uint64_t)(mono_ns() - m->began_ns);
    log_info("machine %s runs as pid %u after %u us", m->saved.id, m->saved.pid,
             (unsigned)(reply.ns / 1000));
    answer(h, &m->ticket, 0, &reply, sizeof(reply));
}

/* Whoever asked is told when the child has ended, so that it may try again at once. */
static void
fail(struct host *h, struct machine *m, const char *text)
{
    struct why ignored;

    assert(m->state == PRIV_STARTING);
    log_warn("machine %s did not start: %s", m->saved.id, text);
    source_close(h, &m->starting);
    m->failure = strdup(text);
    machine_signal(h, m, PRIV_KILL, &ignored);
}

static void
starting_event(struct host *h, struct source *s, uint32_t events)
{
    struct machine *m = CONTAINER_OF(s, struct machine, starting);
    struct pollfd dead = {.fd = m->process.fd, .events = POLLIN};
    char text[400] = "the sandbox's process ended before its init";
    int listener = -1;
    size_t n_fds = 1;
    ssize_t n = fds_recv(s->fd, text, sizeof(text) - 1, &listener, &n_fds, MSG_DONTWAIT);

    assert(m->state == PRIV_STARTING && s->fd >= 0);
    (void)events;
    if (n_fds == 1 && mounts_watch(h, m->saved.id, listener, true) < 0)
        log_warn("machine %s cannot mount volumes", m->saved.id);
    if (n == -EAGAIN || n_fds == 1)
        return;
    source_close(h, s);
    if (n <= 0 && poll(&dead, 1, 0) == 0) {
        started(h, m);
        return;
    }
    if (n > 0)
        text[n] = '\0';
    fail(h, m, text);
}

/* ---- the order of things ---- */

static int
check(struct host *h, const struct priv_launch *q, struct why *why)
{
    const struct machine *m = machine_find(h, q->id);

    if (!h->probe.can_launch)
        return why_set(why, EPERM, "this host cannot run sandboxes: %.*s",
                       (int)strcspn(h->probe.text, "\n"), h->probe.text);
    if (m && machine_alive(m))
        return why_set(why, EEXIST, "machine %s runs already", q->id);
    if (slot_used(h, q->slot))
        return why_set(why, EBUSY, "the user slot %u is taken", q->slot);
    if (!vpc_get(h, q->vpc))
        return why_set(why, ENOENT, "VPC %u is not open", q->vpc);
    if (q->init == PRIV_INIT_WELKIN && h->init_fd < 0)
        return why_set(why, ENOENT, "welkin-init is not installed");
    return 0;
}

static struct machine *
machine_for(struct launch *l, const struct ticket *ticket)
{
    struct host *h = l->h;
    struct machine *m = machine_find(h, l->req->id);

    assert(l->pid > 0 && ticket->seq != 0);
    if (m)
        machine_free(h, m); /* it had ended */
    m = machine_new(h, l->req->id);
    if (!m)
        return NULL;
    m->ticket = *ticket;
    m->began_ns = mono_ns();
    m->saved.started_ms = (uint64_t)(m->began_ns / 1000000);
    m->saved.vpc = l->req->vpc;
    m->saved.slot = l->req->slot;
    m->saved.private_ip = l->req->private_ip;
    m->saved.class = l->req->class;
    m->saved.subnet = l->req->subnet;
    m->saved.cluster = l->req->cluster;
    m->saved.mbit = l->req->mbit;
    m->saved.init = l->req->init;
    memcpy(m->saved.mac, l->req->mac, sizeof(m->saved.mac));
    m->console_end = console_recover(h, l->req->id);
    slot_set(h, l->req->slot, true);
    l->v->n_machines++;
    return m;
}

/* From a live child to one that may go on.  On failure the child is left to machine_ended(). */
static int
equip(struct launch *l, struct machine *m)
{
    struct host *h = l->h;
    char name[PRIV_ID_MAX + 8];

    assert(l->parent_sock >= 0 && l->n_layers > 0 && l->disk >= 0);
    m->starting.fn = starting_event;
    int r = send_mounts(l);
    if (r == 0 && (r = volumes_send(h, m->saved.id, m->saved.slot, l->parent_sock)) < 0)
        why_set(l->why, -r, "the devices of its volumes could not be made: %s", strerror(-r));
    if (r == 0)
        r = connect_network(l, m);
    m->saved.pid = (uint32_t)l->pid;
    m->saved.start_ticks = process_start_ticks(m->saved.pid);
    if (r == 0 && (r = machine_save(h, m)) < 0)
        return why_set(l->why, -r, "the machine's state could not be written: %s", strerror(-r));
    if (r < 0)
        return r;
    text_set(name, sizeof(name), "c%s", m->saved.id);
    keeper_put(h, name, m->console.fd);
    if ((r = source_add(h, &m->starting, EPOLLIN)) == 0)
        r = fds_send(m->starting.fd, "G", 1, NULL, 0, 0);
    return r < 0 ? why_set(l->why, -r, "the sandbox's process ended early") : 0;
}

static void
launch_close(struct launch *l)
{
    disk_close(l->h, l->req->id); /* the child has its own view of it */
    while (l->n_layers > 0)
        fd_close(&l->layers[--l->n_layers]);
    fd_close(&l->disk);
    fd_close(&l->master);
    fd_close(&l->slave);
    fd_close(&l->console);
    fd_close(&l->parent_sock);
    fd_close(&l->child_sock);
    fd_close(&l->pidfd);
    cg_join_close(&l->join);
}

static int
prepare(struct launch *l, char *const *argv)
{
    int r = open_image(l);

    if (r == 0)
        r = open_disk(l);
    if (r == 0)
        r = open_console(l);
    if (r == 0)
        r = cg_make(&l->h->cg, l->req->id, UID_BASE(l->req->slot), &l->req->limits, &l->join,
                    l->why);
    if (r == 0)
        r = clone_child(l, argv);
    return r;
}

int
machine_launch(struct host *h, const struct priv_launch *req, char *const *argv,
               const struct ticket *ticket, struct why *why)
{
    struct launch l = {.h = h, .req = req, .why = why, .v = vpc_get(h, req->vpc),
                       .disk = -1, .master = -1, .slave = -1, .console = -1,
                       .parent_sock = -1, .child_sock = -1, .pidfd = -1,
                       .join = {.v1 = {-1, -1, -1, -1, -1}, .v2 = -1}};
    int64_t began = mono_ns();
    int r = check(h, req, why);

    assert(req->slot < PRIV_SLOTS && machine_id_ok(req->id));
    if (r < 0) {
        disk_close(h, req->id);
        return r;
    }
    r = prepare(&l, argv);
    struct machine *m = r < 0 ? NULL : machine_for(&l, ticket);
    if (r == 0 && !m) {
        kill(l.pid, SIGKILL);
        r = why_set(why, ENOMEM, "out of memory");
    }
    if (r < 0) {
        launch_close(&l);
        cg_remove(&h->cg, req->id);
        return r;
    }
    m->began_ns = began;
    m->process.fd = fd_steal(&l.pidfd);
    m->console.fd = fd_steal(&l.master);
    m->slave = fd_steal(&l.slave);
    m->starting.fd = l.parent_sock; /* equip() still talks over it as l's */
    r = machine_watch(h, m);
    assert(machine_ok(h, m));
    if (r == 0)
        r = equip(&l, m);
    l.parent_sock = -1;
    launch_close(&l);
    if (r < 0)
        fail(h, m, why->text);
    return 0;
}
