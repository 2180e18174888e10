/*
 * The table of machines, their state files, their ends, and taking over those that an earlier
 * privileged process left running.
 */
#include "host/sandbox/sandbox.h"

#include "base/error.h"
#include "base/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

bool
machine_id_ok(const char *id)
{
    size_t n = strnlen(id, PRIV_ID_MAX);

    if (n < 2 || n == PRIV_ID_MAX || id[0] < 'a' || id[0] > 'z')
        return false;
    for (size_t i = 0; i < n; i++)
        if (!(id[i] >= 'a' && id[i] <= 'z') && !(id[i] >= '0' && id[i] <= '9') && id[i] != '-')
            return false;
    return true;
}

bool
machine_ok(const struct host *h, const struct machine *m)
{
    assert(m->saved.magic == SAVED_MAGIC && machine_id_ok(m->saved.id));
    assert(m->saved.slot < PRIV_SLOTS && m->saved.vpc < PRIV_VPCS && h->n_machines > 0);
    switch (m->state) {
    case PRIV_STARTING:
        assert(m->process.fd >= 0 && m->ticket.seq != 0 && m->exit == PRIV_EXIT_NONE);
        assert(slot_used(h, m->saved.slot) && !m->saved.frozen);
        break;
    case PRIV_RUNNING:
        assert(m->process.fd >= 0 && m->saved.pid > 1 && m->exit == PRIV_EXIT_NONE);
        assert(slot_used(h, m->saved.slot) && m->starting.fd < 0 && !m->failure);
        break;
    case PRIV_EXITED:
        assert(m->process.fd < 0 && m->console.fd < 0 && m->starting.fd < 0);
        assert(!m->filtered && !m->recorded && m->exit != PRIV_EXIT_NONE);
        break;
    case PRIV_HIBERNATED: /* for LIST alone: such a machine runs, and is frozen */
        assert(false);
    }
    return true;
}

static size_t
bucket(const char *id)
{
    return str_hash(str_from(id), 0) % HASH_MACHINES;
}

struct machine *
machine_find(struct host *h, const char *id)
{
    struct machine *m = h->by_id[bucket(id)];

    assert(id[0] != '\0');
    while (m && strcmp(m->saved.id, id) != 0)
        m = m->next;
    return m;
}

struct machine *
machine_new(struct host *h, const char *id)
{
    struct machine *m = calloc(1, sizeof(*m));
    size_t b = bucket(id);

    assert(machine_id_ok(id) && !machine_find(h, id));
    if (!m)
        return NULL;
    m->saved.magic = SAVED_MAGIC;
    text_set(m->saved.id, sizeof(m->saved.id), "%s", id);
    memcpy(m->saved.boot_id, h->boot_id, sizeof(m->saved.boot_id));
    m->state = PRIV_STARTING;
    m->process.fd = m->console.fd = m->starting.fd = m->slave = -1;
    m->next = h->by_id[b];
    h->by_id[b] = m;
    h->n_machines++;
    return m;
}

/*
 * The states of all machines are one file of records by slot.  A file each would be clearer, but
 * deleting one waits for the disk where the file system discards at once (2-4 ms on ext4 with
 * `discard`), and everybody else's launch with it.  It need not survive a power loss: neither do
 * machines.
 */
#define STATES "machines"
#define STATE_BYTES 256
_Static_assert(sizeof(struct machine_saved) <= STATE_BYTES, "a state fits in its record");
/* A record never crosses a page: a kill leaves its old bytes or its new ones. */
_Static_assert(4096 % STATE_BYTES == 0, "records do not cross pages");

static int
state_write(struct host *h, uint32_t slot, const struct machine_saved *s)
{
    char record[STATE_BYTES] = {0};

    assert(!s || s->slot == slot);
    assert(slot < PRIV_SLOTS && h->states >= 0);
    if (s)
        memcpy(record, s, sizeof(*s));
    if (pwrite(h->states, record, sizeof(record), (off_t)slot * STATE_BYTES) != sizeof(record))
        return error_origin(errno, "run/" STATES);
    return 0;
}

int
machine_save(struct host *h, struct machine *m)
{
    assert(slot_used(h, m->saved.slot) && machine_alive(m));
    int r = state_write(h, m->saved.slot, &m->saved);

    m->recorded = m->recorded || r == 0;
    return r;
}

/* Closes what a running machine needs; what it left is kept until it is acknowledged. */
static void
release(struct host *h, struct machine *m)
{
    char name[PRIV_ID_MAX + 16];

    assert(h->n_machines > 0);
    source_close(h, &m->process);
    source_close(h, &m->console);
    source_close(h, &m->starting);
    fd_close(&m->slave);
    text_set(name, sizeof(name), "c%s", m->saved.id);
    keeper_drop(h, name);
    /* Once: afterwards the slot may be another machine's. */
    if (m->recorded)
        state_write(h, m->saved.slot, NULL);
    m->recorded = false;
    assert(m->process.fd < 0 && m->console.fd < 0 && m->slave < 0);
}

void
machine_free(struct host *h, struct machine *m)
{
    struct machine **at = &h->by_id[bucket(m->saved.id)];

    release(h, m);
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    assert(h->n_machines > 0 && m->starting.fd < 0 && m->process.fd < 0);
    h->n_machines--;
    free(m->failure);
    free(m->nics);
    free(m);
}

bool
slot_used(const struct host *h, uint32_t slot)
{
    assert(slot < PRIV_SLOTS);
    return h->slots[slot / 8] >> slot % 8 & 1;
}

void
slot_set(struct host *h, uint32_t slot, bool used)
{
    uint8_t bit = (uint8_t)(1u << slot % 8);

    assert(slot < PRIV_SLOTS);
    h->slots[slot / 8] = (uint8_t)(used ? h->slots[slot / 8] | bit : h->slots[slot / 8] & ~bit);
}

/* Field 22 of /proc/PID/stat, counted after the last ')': the name may hold anything. */
uint64_t
process_start_ticks(uint32_t pid)
{
    char path[32], text[1024], *p;

    text_set(path, sizeof(path), "/proc/%u/stat", pid);
    if (file_get(AT_FDCWD, path, text, sizeof(text)) <= 0 || !(p = strrchr(text, ')')))
        return 0;
    for (int field = 2; field < 22 && p; field++)
        p = strchr(p + 1, ' ');
    return p ? strtoull(p + 1, NULL, 10) : 0;
}

/* ---- the end of a machine ---- */

static enum priv_exit
exit_kind(const struct machine *m, const siginfo_t *si, int *ret_status)
{
    bool by_signal = si->si_code == CLD_KILLED || si->si_code == CLD_DUMPED;

    assert(si->si_code != 0);
    *ret_status = by_signal ? si->si_status : si->si_status << 8;
    /* reboot(2) in a pid namespace ends its init so: RB_AUTOBOOT SIGHUP, the others SIGINT. */
    if (by_signal && si->si_status == SIGHUP)
        return PRIV_EXIT_REBOOT;
    if (by_signal && si->si_status == SIGINT)
        return PRIV_EXIT_POWEROFF;
    if (by_signal && si->si_status == SIGKILL && m->killed)
        return PRIV_EXIT_KILLED;
    return PRIV_EXIT_CRASHED;
}

/* PIDFD_GET_INFO of Linux 6.13, whose exit code (6.15) is there for others than the parent. */
struct pidfd_info_v2 {
    uint64_t mask, cgroup;
    uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    int32_t exit_code;
    uint32_t coredump_mask, spare;
};
#define PIDFD_INFO_HAS_EXIT (1ull << 3)
#define REAP_MS 5

static bool
adopted_exit(const struct machine *m, siginfo_t *ret)
{
    struct pidfd_info_v2 info = {.mask = PIDFD_INFO_HAS_EXIT};
    struct pollfd reaped = {.fd = m->process.fd}; /* POLLHUP */

    /* The kernel tells it when the host's init, now its parent, has reaped it: at once, mostly. */
    poll(&reaped, 1, REAP_MS);
    if (ioctl(m->process.fd, _IOWR(0xff, 11, struct pidfd_info_v2), &info) < 0 ||
        !(info.mask & PIDFD_INFO_HAS_EXIT))
        return false;
    int sig = WTERMSIG(info.exit_code);
    /*
     * It is the process's own code, not what reboot(2) made of it: an init that powers off or
     * reboots by itself ends with 0, one whose child does so is killed.
     */
    if (info.exit_code == 0 || (sig == SIGKILL && !m->killed))
        return false;
    *ret = (siginfo_t){.si_code = sig ? CLD_KILLED : CLD_EXITED};
    ret->si_status = sig ? sig : WEXITSTATUS(info.exit_code);
    return true;
}

static void
busy_add(struct host *h, const char *id)
{
    void *more = realloc(h->busy, (h->n_busy + 1) * sizeof(*h->busy));

    assert(machine_id_ok(id));
    if (!more)
        return;
    h->busy = more;
    text_set(h->busy[h->n_busy++], PRIV_ID_MAX, "%s", id);
}

void
busy_retry(struct host *h)
{
    for (size_t i = h->n_busy; i-- > 0;) {
        const struct machine *m = machine_find(h, h->busy[i]);

        if (!(m && machine_alive(m)) && cg_remove(&h->cg, h->busy[i]) == -EBUSY)
            continue;
        memmove(h->busy[i], h->busy[--h->n_busy], sizeof(*h->busy));
    }
}

/* Everything but the word to the world. */
static void
taken_down(struct host *h, struct machine *m)
{
    struct vpc *v = vpc_get(h, m->saved.vpc);

    assert(machine_alive(m) && slot_used(h, m->saved.slot));
    /* Its last words: a pty holds less than three turns read. */
    for (int i = 0; i < 3 && m->console.fd >= 0; i++)
        if (!console_drain(h, m))
            break;
    /* The veth goes with the guest's namespace, in the kernel's own time. */
    if (v && m->filtered)
        fw_machine_remove(v, m);
    if (v)
        machine_vias_drop(v, m);
    if (v && v->n_machines > 0)
        v->n_machines--;
    volumes_left(h, m->saved.id);
    mounts_close(h, m->saved.id);
    release(h, m);
    slot_set(h, m->saved.slot, false);
    m->state = PRIV_EXITED;
    assert(machine_ok(h, m));
    if (cg_remove(&h->cg, m->saved.id) == -EBUSY)
        busy_add(h, m->saved.id);
}

void
machine_ended(struct host *h, struct machine *m)
{
    static const char *const kinds[] = {"",       "powered off", "rebooted",
                                        "killed", "crashed",     "ended, how is unknown"};
    siginfo_t si = {0};
    bool known = waitid(P_PIDFD, (id_t)m->process.fd, &si, WEXITED | WNOHANG) == 0 && si.si_pid;

    assert(machine_ok(h, m));
    if (!known)
        known = adopted_exit(m, &si);
    m->exit = known ? exit_kind(m, &si, &m->status) : PRIV_EXIT_UNKNOWN;
    assert(machine_alive(m) && m->exit != PRIV_EXIT_NONE);
    bool failed_launch = m->state == PRIV_STARTING;
    taken_down(h, m);
    if (failed_launch) {
        struct ticket ticket = m->ticket;
        char *failure = steal_pointer(&m->failure);
        const char *text = failure ? failure : "the sandbox's process ended before its init";

        machine_free(h, m);
        answer(h, &ticket, -ECHILD, text, strlen(text));
        free(failure);
        return;
    }
    assert((size_t)m->exit < ARRAY_LEN(kinds));
    log_info("machine %s %s, status %d", m->saved.id, kinds[m->exit], m->status);
    struct priv_ev_exited e = {.exit = m->exit, .status = m->status};
    memcpy(e.id, m->saved.id, sizeof(e.id));
    event(h, PRIV_EV_EXITED, &e, sizeof(e), NULL, 0, 0);
}

static void
process_event(struct host *h, struct source *s, uint32_t events)
{
    struct machine *m = CONTAINER_OF(s, struct machine, process);

    (void)events;
    /* While it starts, the launch socket tells first what went wrong. */
    if (m->starting.fd >= 0)
        m->starting.fn(h, &m->starting, 0);
    else
        machine_ended(h, m);
}

static void
console_event(struct host *h, struct source *s, uint32_t events)
{
    struct machine *m = CONTAINER_OF(s, struct machine, console);

    (void)events;
    if (!console_drain(h, m))
        source_close(h, s);
}

int
machine_watch(struct host *h, struct machine *m)
{
    assert(m->process.fd < 0 || machine_alive(m));
    m->process.fn = process_event;
    m->console.fn = console_event;
    int r = source_add(h, &m->process, EPOLLIN);

    if (r == 0 && m->console.fd >= 0)
        r = source_add(h, &m->console, EPOLLIN);
    return r;
}

int
machine_signal(struct host *h, struct machine *m, uint32_t how, struct why *why)
{
    bool systemd = m->saved.init == PRIV_INIT_SYSTEMD;
    int sig;

    assert(machine_alive(m));
    switch (how) {
    case PRIV_POWER_BUTTON:
        sig = systemd ? SIGRTMIN + 4 : SIGPWR;
        break;
    case PRIV_REBOOT:
        sig = systemd ? SIGRTMIN + 5 : SIGINT;
        break;
    case PRIV_KILL:
        sig = SIGKILL;
        m->killed = true;
        break;
    default:
        return why_set(why, EINVAL, "there is no signal %u", how);
    }
    if (syscall(SYS_pidfd_send_signal, m->process.fd, sig, NULL, 0) < 0)
        return why_set(why, errno, "machine %s could not be signalled: %s", m->saved.id,
                       strerror(errno));
    /* Version 1 holds even the dead, and FREEZE leaves no note.  Nothing of it runs again: the
     * signal comes first. */
    if (how == PRIV_KILL)
        cg_freeze(&h->cg, m->saved.id, false);
    return 0;
}

/* Names, not a list of all that is there: a guest may have made a million. */
bool
machine_wiped(const struct machine *m)
{
    static const char *const names[] = {"bin", "sbin", "lib",  "usr", "etc",
                                        "var", "root", "home", "opt", "srv"};
    char path[32];

    text_set(path, sizeof(path), "/proc/%u/root", m->saved.pid);
    FD_CLEANUP int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; root >= 0 && i < ARRAY_LEN(names); i++)
        if (faccessat(root, names[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            return false;
    return root >= 0;
}

int
machine_first_nic(struct machine *m)
{
    const struct machine_saved *s = &m->saved;
    struct nic *nic = calloc(1, sizeof(*nic));

    assert(!m->nics);
    if (!nic)
        return -ENOMEM;
    nic->ifindex = s->ifindex;
    nic->is = (struct priv_nic){
        .class = s->class, .subnet = s->subnet, .cluster = s->cluster, .n_ips = 1,
        .ips = {s->private_ip}};
    memcpy(nic->is.mac, s->mac, sizeof(nic->is.mac));
    m->nics = nic;
    m->n_nics = 1;
    return 0;
}

int
machine_set_class(struct host *h, struct machine *m, uint32_t class, struct why *why)
{
    struct vpc *v = vpc_get(h, m->saved.vpc);
    struct nic now = m->nics[0];
    int r = 0;

    assert(v && m->n_nics > 0);
    now.is.class = class;
    if (m->filtered)
        r = fw_nics(v, m, &m->nics[0], 1, &now, 1);
    if (r < 0)
        return why_set(why, -r, "the security groups of %s could not be changed", m->saved.id);
    m->nics[0] = now;
    m->saved.class = class;
    return machine_save(h, m);
}

static void
take_stats(void *arg, const struct nlmsghdr *msg)
{
    struct priv_meter *ret = arg;
    const struct nlattr *a;

    mnl_attr_for_each(a, msg, sizeof(struct ifinfomsg)) {
        struct rtnl_link_stats64 s;

        if (mnl_attr_get_type(a) != IFLA_STATS64 || mnl_attr_get_payload_len(a) < sizeof(s))
            continue;
        memcpy(&s, mnl_attr_get_payload(a), sizeof(s));
        /* Our end receives what the guest sends. */
        ret->rx_bytes += s.tx_bytes;
        ret->tx_bytes += s.rx_bytes;
        ret->rx_packets += s.tx_packets;
        ret->tx_packets += s.rx_packets;
    }
}

static int
network_meter(struct vpc *v, const struct machine *m, struct priv_meter *ret)
{
    int r = 0;

    for (size_t i = 0; i < PRIV_NICS_MAX && r == 0; i++) {
        uint32_t ifindex = i ? m->saved.more_ifindexes[i - 1] : m->saved.ifindex;
        struct nl_batch b;

        if (!ifindex)
            continue;
        b.n = b.count = 0;
        struct nlmsghdr *q = nl_begin(&b, RTM_GETLINK, 0);
        struct ifinfomsg *info = mnl_nlmsg_put_extra_header(q, sizeof(*info));
        info->ifi_index = (int)ifindex;
        nl_end(&b, q, ENODEV);
        r = nl_query(&v->route, &b, take_stats, ret);
    }
    return r;
}

void
machine_meter(struct host *h, const struct machine *m, struct priv_meter *ret)
{
    struct vpc *v = vpc_get(h, m->saved.vpc);

    assert(m->state == PRIV_RUNNING && !m->saved.frozen);
    *ret = (struct priv_meter){0};
    memcpy(ret->id, m->saved.id, sizeof(ret->id));
    cg_meter(&h->cg, m->saved.id, ret);
    int r = v ? network_meter(v, m, ret) : 0;
    if (r < 0)
        error_origin(-r, "the interfaces of %s cannot be read", m->saved.id);
}

int
machine_stats(struct host *h, struct machine *m, struct priv_stats_reply *ret)
{
    struct vpc *v = vpc_get(h, m->saved.vpc);
    struct priv_meter meter = {0};

    assert(m->saved.slot < PRIV_SLOTS);
    *ret = (struct priv_stats_reply){0};
    cg_stats(&h->cg, m->saved.id, ret);
    int r = v ? network_meter(v, m, &meter) : 0;
    ret->rx_bytes = meter.rx_bytes;
    ret->tx_bytes = meter.tx_bytes;
    ret->rx_packets = meter.rx_packets;
    ret->tx_packets = meter.tx_packets;
    return r;
}

/* ---- adoption ---- */

static void
adopt(struct host *h, const struct machine_saved *s)
{
    struct machine *m = machine_new(h, s->id);
    struct vpc *v = vpc_get(h, s->vpc);
    char name[PRIV_ID_MAX + 8];

    assert(s->pid > 1 && !slot_used(h, s->slot));
    assert(s->magic == SAVED_MAGIC && s->slot < PRIV_SLOTS);
    if (!m)
        return;
    m->saved = *s;
    m->adopted = m->recorded = true;
    m->state = PRIV_RUNNING;
    m->console_end = console_recover(h, s->id);
    if (v) {
        v->n_machines++;
        v->next_ifindex = MAX(v->next_ifindex, s->ifindex + 1);
        for (size_t i = 0; i < ARRAY_LEN(s->more_ifindexes); i++)
            v->next_ifindex = MAX(v->next_ifindex, s->more_ifindexes[i] + 1);
    }
    if (machine_first_nic(m) < 0)
        abort();
    slot_set(h, s->slot, true);
    m->process.fd = (int)syscall(SYS_pidfd_open, s->pid, 0);
    text_set(name, sizeof(name), "c%s", s->id);
    m->console.fd = keeper_take(h, name);
    bool same = m->process.fd >= 0 && process_start_ticks(s->pid) == s->start_ticks;
    if (!same || !v || machine_watch(h, m) < 0) {
        log_warn("machine %s ended while nobody watched", s->id);
        m->exit = PRIV_EXIT_UNKNOWN;
        taken_down(h, m);
        return;
    }
    if (m->console.fd >= 0)
        m->slave = ioctl(m->console.fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    else
        log_warn("the console of machine %s is lost", s->id);
    mounts_adopt(h, m->saved.id);
    if (!s->frozen && fw_machine_add(v, m) < 0)
        log_warn("the security groups of machine %s are not in force: it is cut off", s->id);
    log_info("machine %s, pid %u, is adopted", s->id, s->pid);
}

/* Whether a record is whole, of this boot, and makes sense beside those before it. */
static bool
state_ok(struct host *h, const struct machine_saved *s, uint32_t slot)
{
    return s->magic == SAVED_MAGIC && memchr(s->id, 0, sizeof(s->id)) && machine_id_ok(s->id) &&
           s->slot == slot && !slot_used(h, slot) && s->pid > 1 &&
           memcmp(s->boot_id, h->boot_id, sizeof(s->boot_id)) == 0 && !machine_find(h, s->id);
}

void
adopt_all(struct host *h)
{
    static const char empty[STATE_BYTES];
    char record[STATE_BYTES];
    struct machine_saved s;

    for (uint32_t slot = 0; slot < PRIV_SLOTS; slot++) {
        if (pread(h->states, record, sizeof(record), (off_t)slot * STATE_BYTES) != sizeof(record))
            return;
        memcpy(&s, record, sizeof(s));
        if (state_ok(h, &s, slot))
            adopt(h, &s);
        else if (memcmp(record, empty, sizeof(record)) != 0)
            state_write(h, slot, NULL); /* of another boot, or not ours */
    }
}

int
states_open(struct host *h)
{
    h->states = openat(h->run, STATES, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    return h->states < 0 ? error_origin(errno, "run/" STATES) : 0;
}
