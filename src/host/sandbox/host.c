/*
 * The privileged process from start to end.
 *
 * Its working directory is DATA/run/stage: a socket path has 108 bytes at most, and a child of a
 * launch finds the one host directory that it needs without walking a path.
 */
#include "host/sandbox/server.h"

#include "base/error.h"
#include "base/log.h"
#include "sys/env.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#define PTYS 65536
#define NICE (-10)

/*
 * A folder of ours, made if need be.  The daemon's user may make entries in DATA: one that is not
 * ours alone is refused, else who took over the daemon could swap what lies in it under our hands.
 */
static int
folder(int at, const char *name, mode_t mode)
{
    struct stat st;

    assert(at >= 0 && name[0] != '/');
    if (mkdirat(at, name, mode) < 0 && errno != EEXIST)
        return error_origin(errno, "folder %s", name);
    FD_CLEANUP int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) < 0)
        return error_origin(errno, "folder %s", name);
    if (st.st_uid != geteuid())
        return error_origin(EPERM, "folder %s belongs to user %u: give it to root or delete it",
                            name, st.st_uid);
    if (fchmod(fd, mode) < 0)
        return error_origin(errno, "folder %s", name);
    return fd_steal(&fd);
}

static int
open_folders(struct host *h)
{
    const char *data = h->config->data_dir;

    assert(data[0] == '/');
    h->data = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (h->data < 0)
        return error_origin(errno, "%s", data);
    /* Disks and images hold setuid programs: nobody else on the host may reach them. */
    h->machines = folder(h->data, "machines", 0700);
    h->images = folder(h->data, "images", 0700);
    h->volume_files = folder(h->data, "volumes", 0700);
    h->run = folder(h->data, "run", 0711);
    if (h->machines < 0 || h->images < 0 || h->volume_files < 0 || h->run < 0)
        return -EIO;
    h->nodes = folder(h->run, "nodes", 0700);
    FD_CLEANUP int netns = folder(h->run, "netns", 0700);
    FD_CLEANUP int stage = folder(h->run, "stage", 0755);
    if (netns < 0 || stage < 0 || fchdir(stage) < 0)
        return -EIO;
    h->lock = openat(h->run, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int r = h->lock < 0 ? -errno : -EWOULDBLOCK;
    /* A killed predecessor may still be on its way out. */
    for (int i = 0; i < 500 && r == -EWOULDBLOCK; i++) {
        r = flock(h->lock, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
        if (r == -EWOULDBLOCK)
            poll(NULL, 0, 10);
    }
    return r < 0 ? error_origin(-r, "another privileged process has %s", data) : states_open(h);
}

/* A name for all that we make, from where DATA is: two daemons on one host do not meet. */
static void
identify(struct host *h)
{
    struct stat st = {0};

    fstat(h->data, &st);
    uint64_t hash = str_hash(str_of(&st.st_dev, sizeof(st.st_dev)), st.st_ino);
    text_set(h->tag, sizeof(h->tag), "%06x", (unsigned)(hash & 0xffffff));
    file_get(AT_FDCWD, "/proc/sys/kernel/random/boot_id", h->boot_id, sizeof(h->boot_id));
    h->links = h->config->links;
    if (!h->links.prefix)
        h->links = (struct priv_cidr){0x64400000u + (uint32_t)(hash >> 24 & 1023) * 4096, 20};
    assert(h->links.prefix <= 30);
    h->pool = h->config->pool;
    if (!h->pool.prefix)
        h->pool = (struct priv_cidr){0xc6120000u, 15};
}

/*
 * The guest's init as a sealed memory file: no guest can change what another runs, and
 * /proc/1/exe in a guest tells no host path.
 */
static int
load_init(const char *path)
{
    FD_CLEANUP int from = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    FD_CLEANUP int fd = -1;
    struct stat st;

    if (from < 0 || fstat(from, &st) < 0)
        return -1;
    fd = memfd_create("init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || fchmod(fd, 0555) < 0)
        return -1;
    for (off_t at = 0; at < st.st_size;)
        if (sendfile(fd, from, &at, (size_t)(st.st_size - at)) <= 0)
            return -1;
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
        return -1;
    /* A descriptor open for writing would make exec fail with ETXTBSY. */
    char self[32];
    text_set(self, sizeof(self), "/proc/self/fd/%d", fd);
    return open(self, O_RDONLY | O_CLOEXEC);
}

static void
raise_limits(void)
{
    struct rlimit files;
    char text[32] = "";

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        struct rlimit more = {1 << 20, 1 << 20};

        files.rlim_cur = files.rlim_max;
        if (files.rlim_max >= more.rlim_max || setrlimit(RLIMIT_NOFILE, &more) < 0)
            setrlimit(RLIMIT_NOFILE, &files);
    }
    if (file_get(AT_FDCWD, "/proc/sys/kernel/pty/max", text, sizeof(text)) > 0 &&
        strtoul(text, NULL, 10) < PTYS &&
        file_put(AT_FDCWD, "/proc/sys/kernel/pty/max", "%d", PTYS) == 0)
        log_info("kernel.pty.max is now %d (it was %s): a machine's console is a terminal", PTYS,
                 text);
}

#define CPUINFO_MAX (512u << 10)

/* Once: frequencies in it change, what matters does not. */
static void
read_processors(struct host *h)
{
    FD_CLEANUP int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : malloc(CPUINFO_MAX);
    size_t n = 0;
    cpu_set_t set;

    while (text && n < CPUINFO_MAX) {
        ssize_t got = read(fd, text + n, CPUINFO_MAX - n);

        if (got <= 0)
            break;
        n += (size_t)got;
    }
    h->cpuinfo = str_of(text, n);
    h->n_cpus = sched_getaffinity(0, sizeof(set), &set) < 0 ? 0 : (uint32_t)CPU_COUNT(&set);
}

static void
signal_event(struct host *h, struct source *s, uint32_t events)
{
    struct signalfd_siginfo si;

    (void)events;
    if (read(s->fd, &si, sizeof(si)) == sizeof(si))
        h->stopping = 1;
}

static int
open_signals(struct host *h)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    h->signals = (struct source){.fn = signal_event};
    h->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return source_add(h, &h->signals, EPOLLIN);
}

/* Namespaces first: machines lie in them. */
static void
adopt_everything(struct host *h)
{
    int fd = openat(h->run, "netns", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    while (d && (e = readdir(d))) {
        uint64_t number;

        if (str_to_u64(str_from(e->d_name), &number) && number < PRIV_VPCS)
            vpc_adopt(h, (uint32_t)number);
    }
    if (d)
        closedir(d);
    adopt_all(h);
    volumes_adopt(h);
    for (size_t i = 0; i < h->n_kept; i++)
        if (h->kept[i].fd >= 0) {
            keeper_drop(h, h->kept[i].name);
            fd_close(&h->kept[i].fd);
        }
    free(h->kept);
    h->kept = NULL;
    h->n_kept = 0;
}

static int
host_open(struct host *h)
{
    h->epoll = epoll_create1(EPOLL_CLOEXEC);
    h->started_ns = mono_ns();
    h->slots = calloc(1, PRIV_SLOTS / 8 + 1);
    if (h->epoll < 0 || !h->slots)
        return error_origin(ENOMEM, "privileged process");
    int r = open_folders(h);
    if (r < 0)
        return r;
    identify(h);
    raise_limits();
    /* Short work that somebody waits for, beside guests who take all the processor they get. */
    setpriority(PRIO_PROCESS, 0, NICE);
    file_put(AT_FDCWD, "/proc/self/autogroup", "%d", NICE); /* sessions compete, where it is on */
    prctl(PR_SET_DUMPABLE, 0);
    h->init_fd = load_init(h->config->guest_init);
    read_processors(h);
    if (geteuid() == 0) {
        h->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        nl_open(&h->route, NETLINK_ROUTE);
        nl_open(&h->nft, NETLINK_NETFILTER);
        cg_open(&h->cg, h->tag);
        h->guest_mounts = !h->config->no_guest_mounts;
        jail_compile(&h->filter, h->guest_mounts);
        keeper_open(h);
    }
    probe_run(h);
    if (h->probe.can_launch)
        adopt_everything(h);
    remove_rest(h);
    r = open_signals(h);
    return r < 0 ? r : server_open(h);
}

static void
kill_all(struct host *h)
{
    struct why ignored;

    for (size_t b = 0; b < HASH_MACHINES; b++)
        for (struct machine *m = h->by_id[b]; m; m = m->next)
            if (machine_alive(m))
                machine_signal(h, m, PRIV_KILL, &ignored);
    for (int64_t until = mono_ns() + 20000000000; mono_ns() < until;) {
        bool any = h->n_execs > 0; /* their helpers are in the machines' control groups */

        for (size_t b = 0; b < HASH_MACHINES && !any; b++)
            for (struct machine *m = h->by_id[b]; m && !any; m = m->next)
                any = machine_alive(m);
        if (!any)
            return;
        reactor_turn(h, 10);
    }
    log_warn("some machines do not end");
}

void
host_clean(struct host *h)
{
    assert(h->kill_all);
    kill_all(h);
    volumes_close(h);
    for (uint32_t i = 0; i < PRIV_VPCS; i++) {
        struct why why;

        if (h->vpcs[i] && vpc_close(h, h->vpcs[i], &why) < 0)
            log_warn("%s", why.text);
    }
    if (geteuid() != 0)
        return;
    fw_host_close(h);
    busy_retry(h);
    cg_remove_all(&h->cg, h->tag);
    keeper_quit(h);
}

static void
host_close(struct host *h)
{
    for (size_t b = 0; b < HASH_MACHINES; b++)
        while (h->by_id[b]) {
            struct machine *m = h->by_id[b];

            h->by_id[b] = m->next;
            free(m);
        }
    for (uint32_t i = 0; i < PRIV_VPCS; i++)
        if (h->vpcs[i])
            vpc_free(h, h->vpcs[i]);
    cg_close(&h->cg);
    nl_close(&h->route);
    nl_close(&h->nft);
    free(h->slots);
    free(h->busy);
    free(h->filter.filter);
    free((void *)(uintptr_t)h->cpuinfo.p);
}

int
priv_main(const struct priv_config *config)
{
    static struct host host;
    struct host *h = &host;

    host = (struct host){.config = config, .init_fd = -1, .keeper = -1, .netns = -1};
    h->listener.fd = h->signals.fd = h->remover.fd = -1;
    h->route.fd = h->nft.fd = h->cg.v2 = -1;
    for (int i = 0; i < CG_V1; i++)
        h->cg.v1[i] = -1;
    signal(SIGPIPE, SIG_IGN); /* the log may be a pipe of a daemon that is gone */
    log_init(config->log_fd, LOG_INFO, env_real_wall_ms);
    int r = host_open(h);
    if (r < 0)
        return 1;
    log_info("privileged process %d serves %s as %s%s", getpid(), config->data_dir, h->tag,
             h->probe.can_launch ? "" : ", without sandboxes");
    while (!h->stopping && r >= 0) {
        r = reactor_turn(h, h->n_busy ? 50 : -1);
        if (h->n_busy)
            busy_retry(h);
    }
    if (h->kill_all)
        host_clean(h);
    log_info("privileged process %d ends%s", getpid(),
             h->n_machines && !h->kill_all ? "; its machines run on" : "");
    server_close(h);
    host_close(h);
    return r < 0;
}
