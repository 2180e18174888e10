/*
 * The child's side of a launch: from clone3 to the exec of the guest's init.
 *
 *   parent                                    child
 *   clone3 ────────────────────────────────▶  joins its control groups
 *   uid_map, gid_map
 *   idmapped image and disk    ── "M"+fds ─▶  becomes root of its user namespace
 *   a volume's node            ── "V"+fd ──▶  overlay, /proc, /sys, /dev, pivot_root; volumes
 *   veth, route, firewall
 *   state file                 ── "G" ─────▶  addresses, capabilities, seccomp
 *   listens to mount(2)        ◀── "N"+fd ──
 *   socket closes: it runs     ◀───────────  exec
 *   a sentence: it does not    ◀───────────  whatever failed
 *
 * The child is a copy of a root process but not dumpable, and its memory holds no secret: the
 * guest cannot look into it before exec, and afterwards it is gone.
 *
 * Host paths are never walked by name here: the guest's root may not traverse DATA.  What is
 * needed comes as descriptors, is staged on a tmpfs, and disappears with pivot_root.
 */
#include "host/sandbox/sandbox.h"

#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct child_plan *plan;

/* "AWS_CA_BUNDLE=/etc/…" for init's environment, or empty. */
static char ca_bundle[TRUST_PATH_MAX + 16];

/* Tells the parent in words, and ends. */
static NORETURN void PRINTF_LIKE(1, 2)
die(const char *fmt, ...)
{
    int err = errno;
    char text[300];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    n = MIN(MAX(n, 0), (int)sizeof(text) - 1);
    if (err)
        n += snprintf(text + n, sizeof(text) - (size_t)n, ": %s", strerror(err));
    n = MIN(n, (int)sizeof(text) - 1);
    assert(n >= 0 && n < (int)sizeof(text));
    (void)!write(plan->sock, text, (size_t)n);
    _exit(1);
}

/* Waits for a word of the parent.  Without a parent there is nothing to be done. */
static void
await(char word, int *fds, size_t n_fds)
{
    char c = 0;
    size_t n = n_fds;

    assert(n_fds <= PRIV_FDS_MAX);
    if (fds_recv(plan->sock, &c, 1, fds, &n, 0) != 1 || c != word || n != n_fds)
        _exit(1);
}

static void
mount_at(const char *what, const char *where, const char *type, unsigned long flags,
         const char *options)
{
    if (mount(what, where, type, flags, options) < 0)
        die("%s could not be mounted on %s", type ? type : what ? what : "a view", where);
}

static void
make_dir(const char *path, mode_t mode)
{
    if (mkdir(path, mode) < 0 && errno != EEXIST)
        die("the directory %s could not be made", path);
}

static void
make_file(const char *path, struct str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);

    if (fd < 0 || (text.n && write(fd, text.p, text.n) != (ssize_t)text.n))
        die("the file %s could not be made", path);
    close(fd);
}

static int
attach(int tree, const char *where)
{
    return (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, where, MOVE_MOUNT_F_EMPTY_PATH);
}

/*
 * Leaves us in the root of the new file system, with the real sysfs on ../s, and ../dev and
 * ../sys of the stage to be bound there: each further file system would cost the kernel a
 * shrinker in every memory group on the host.  The working directory is DATA/run/stage: the
 * parent's is, and a copied mount namespace keeps it.
 */
static void
stage(int *layers, int disk)
{
    char options[64 + 4 * PRIV_LAYERS_MAX] = "lowerdir=", name[8];
    int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);

    assert(plan->n_layers > 0 && plan->n_layers <= PRIV_LAYERS_MAX && disk >= 0);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        die("the mounts of the host could not be left");
    if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "size", "2m", 0) < 0 ||
        syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        die("a tmpfs could not be made");
    int root = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
    if (root < 0 ||
        syscall(SYS_move_mount, root, "", AT_FDCWD, ".", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
        fchdir(root) < 0)
        die("the stage could not be mounted");
    close(fs);
    close(root);
    umask(0);
    make_dir("u", 0755);
    make_dir("r", 0755);
    make_dir("s", 0755);
    make_dir("dev", 0755);
    make_dir("sys", 0755);
    for (unsigned i = 0; i < plan->n_layers; i++) {
        size_t n = strlen(options);

        text_set(name, sizeof(name), "l%u", i);
        make_dir(name, 0755);
        if (attach(layers[i], name) < 0)
            die("the image could not be mounted");
        close(layers[i]);
        text_set(options + n, sizeof(options) - n, "%s%s", i ? ":" : "", name);
    }
    if (attach(disk, "u") < 0)
        die("the disk could not be mounted");
    size_t n = strlen(options);
    text_set(options + n, sizeof(options) - n, ",upperdir=u/upper,workdir=u/work,userxattr");
    mount_at("overlay", "r", "overlay", 0, options);
    mount_at("sysfs", "s", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    if (chdir("r") < 0)
        die("the disk could not be entered");
    close(disk);
}

static void
place_trust(void)
{
    char path[TRUST_PATH_MAX];
    FD_CLEANUP int root = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    FD_CLEANUP int disk = open("../u", O_PATH | O_DIRECTORY | O_CLOEXEC);

    assert(plan->trust.n <= PRIV_TRUST_MAX);
    if (root >= 0 && disk >= 0 &&
        trust_place(root, disk, plan->trust, plan->trust_hash, path))
        text_set(ca_bundle, sizeof(ca_bundle), "AWS_CA_BUNDLE=%s", path);
}

static void
place_helpers(void)
{
    assert(plan->init_fd >= 0);
    FD_CLEANUP int root = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (root >= 0)
        helpers_place(root, plan->init_fd);
}

static void
mount_proc(void)
{
    /* Closed to the guest by ownership already; covered lest a mistake there be grave. */
    static const char *const hidden[] = {"proc/kcore",      "proc/sysrq-trigger", "proc/timer_list",
                                         "proc/sched_debug", "proc/keys",         "proc/kmsg",
                                         "proc/kallsyms"};

    make_dir("proc", 0555);
    mount_at("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    if (plan->cpuinfo.n) {
        make_file("../cpuinfo", plan->cpuinfo);
        mount_at("../cpuinfo", "proc/cpuinfo", NULL, MS_BIND, NULL);
        mount_at(NULL, "proc/cpuinfo", NULL,
                 MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
        if (mount("dev/null", hidden[i], NULL, MS_BIND, NULL) < 0 && errno != ENOENT)
            die("/%s could not be hidden", hidden[i]);
}

/*
 * /sys is a tmpfs with binds of the real directories, because cloud-init and many scripts take
 * /sys/hypervisor/uuid for the sign of EC2 and sysfs has no such directory here.  Read-only, which
 * tells systemd that there are no devices to manage; firmware and power are left out.
 */
static void
mount_sys(void)
{
    static const char *const real[] = {"block", "bus", "class", "dev",
                                       "devices", "fs", "kernel", "module"};
    char from[32], to[32], uuid[40];
    const unsigned long quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC;

    make_dir("sys", 0555);
    mount_at("../sys", "sys", NULL, MS_BIND, NULL);
    for (size_t i = 0; i < ARRAY_LEN(real); i++) {
        text_set(from, sizeof(from), "../s/%s", real[i]);
        text_set(to, sizeof(to), "sys/%s", real[i]);
        make_dir(to, 0755);
        if (mount(from, to, NULL, MS_BIND, NULL) < 0 && errno != ENOENT)
            die("%s could not be mounted", to);
    }
    make_dir("sys/hypervisor", 0755);
    make_file("sys/hypervisor/type", S("xen\n"));
    uint64_t seed = str_hash(str_from(plan->req->id), 0);
    text_set(uuid, sizeof(uuid), "ec2%05x-%04x-%04x-%04x-%012llx\n", (unsigned)(seed & 0xfffff),
             (unsigned)(seed >> 20 & 0xffff), 0x4000u | (unsigned)(seed >> 36 & 0xfff),
             0x8000u | (unsigned)(seed >> 48 & 0x3fff),
             (unsigned long long)(str_hash(str_from(plan->req->id), 1) & 0xffffffffffffull));
    make_file("sys/hypervisor/uuid", str_from(uuid));
    if (plan->cgroup2)
        mount_at("cgroup2", "sys/fs/cgroup", "cgroup2", quiet, NULL);
    if (mount(NULL, "sys", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | quiet, NULL) < 0)
        die("/sys could not be made read-only");
}

static void
mount_dev(void)
{
    static const char *const nodes[] = {"null", "zero", "full", "random", "urandom", "tty"};
    static const struct {
        const char *to, *at;
    } links[] = {{"/proc/self/fd", "dev/fd"},     {"/proc/self/fd/0", "dev/stdin"},
                 {"/proc/self/fd/1", "dev/stdout"}, {"/proc/self/fd/2", "dev/stderr"},
                 {"pts/ptmx", "dev/ptmx"}};
    char from[32], to[32];

    make_dir("dev", 0755);
    mount_at("../dev", "dev", NULL, MS_BIND, NULL);
    mount_at(NULL, "dev", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL);
    /* mknod in a user namespace makes nodes that do not open: the host's are bound instead. */
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++) {
        text_set(from, sizeof(from), "/dev/%s", nodes[i]);
        text_set(to, sizeof(to), "dev/%s", nodes[i]);
        make_file(to, STR_NONE);
        mount_at(from, to, NULL, MS_BIND, NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(links); i++)
        if (symlink(links[i].to, links[i].at) < 0)
            die("/%s could not be made", links[i].at);
    make_dir("dev/pts", 0755);
    mount_at("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
             "newinstance,ptmxmode=0666,mode=0620,gid=5");
    make_dir("dev/shm", 01777);
    mount_at("shm", "dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
    make_file("dev/console", STR_NONE);
    if (attach(plan->console, "dev/console") < 0)
        die("/dev/console could not be mounted");
}

static void
enter_root(void)
{
    mount_dev();
    mount_proc();
    mount_sys();
    if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        die("the root directory could not be changed");
    umask(022);
}

static void
place_volumes(void)
{
    for (const struct volume *v = plan->volumes; v; v = v->next) {
        int tree = -1;

        if (!volume_is_of(v, plan->req->id))
            continue;
        await('V', &tree, 1);
        int r = node_place(tree, v);
        if (r < 0) {
            errno = -r;
            die("the device of volume %s could not be made", v->is.id);
        }
        close(tree);
    }
}

static void
configure_network(void)
{
    static const uint8_t router_mac[6] = VPC_ROUTER_MAC;
    const struct priv_launch *q = plan->req;
    struct nl_batch b = {0};
    struct nl nl;
    int r = nl_open(&nl, NETLINK_ROUTE);

    assert(q->prefix >= 8 && q->prefix <= 30 && q->gateway);
    /* With systemd eth0 is left to the image's DHCP client, as on EC2. */
    nl_add_link_up(&b, 1);
    if (q->init != PRIV_INIT_SYSTEMD) {
        nl_add_address(&b, 2, q->private_ip, q->prefix);
        nl_add_link_up(&b, 2);
        nl_add_route(&b, 2, 0, 0, q->gateway, 0, false);
        nl_add_neighbour(&b, 2, q->gateway, router_mac);
    }
    if (r == 0)
        r = nl_send(&nl, &b);
    if (r < 0) {
        errno = -r;
        die("the network interface could not be set up");
    }
    nl_close(&nl);
}

static void
enter_console(void)
{
    setsid();
    int fd = open("/dev/console", O_RDWR | O_NOCTTY);
    if (fd < 0 || dup2(fd, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
        die("the console could not be opened");
    if (fd > 2)
        close(fd);
}

/*
 * Last: until exec the parent's thousands of descriptors are open here as well, and the listener
 * is given the number after theirs.
 */
static void
set_limits(void)
{
    struct rlimit files;

    /* Failure is no failure: without CAP_SYS_RESOURCE a limit cannot be raised. */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = MIN(files.rlim_max, (rlim_t)1024);
        setrlimit(RLIMIT_NOFILE, &files);
    }
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, RLIM_INFINITY});
}

/*
 * As many processors as the instance type has, so that programs start as many threads: from where
 * we are, which the kernel chose as the idlest.  Guests may undo it; the quota is what limits.
 */
static void
take_processors(void)
{
    cpu_set_t all, some;
    int at = sched_getcpu();

    if (!plan->cpus || at < 0 || sched_getaffinity(0, sizeof(all), &all) < 0)
        return;
    CPU_ZERO(&some);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&some) < (int)plan->cpus; i++)
        if (CPU_ISSET((at + i) % CPU_SETSIZE, &all))
            CPU_SET((at + i) % CPU_SETSIZE, &some);
    if (sched_setaffinity(0, sizeof(some), &some) < 0)
        die("the processors could not be taken");
}

/* execve(2) promises not to write, but was declared before const. */
static char *const *
argv_of(const char *const *v)
{
    return (char *const *)(uintptr_t)v;
}

static NORETURN void
exec_init(void)
{
    const char *const env[] = {"container=welkin", "TERM=linux", "HOME=/",
                               "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                               ca_bundle[0] ? ca_bundle : NULL, NULL};
    static const char *const welkin[] = {"init", NULL};
    static const char *const systemd[] = {"/sbin/init",
                                    "ci.datasource=Ec2",
                                    "systemd.mask=sys-kernel-debug.mount",
                                    "systemd.mask=sys-kernel-tracing.mount",
                                    "systemd.mask=systemd-udevd.service",
                                    NULL};
    take_processors();
    setpriority(PRIO_PROCESS, 0, 0); /* ours is higher */
    int listener = -1;
    const char *failed = jail_enter(plan->filter, plan->guest_mounts ? &listener : NULL);

    assert(plan->req->init != PRIV_INIT_COMMAND || plan->argv[0]);
    if (failed)
        die("%s", failed);
    if (listener >= 0 && fds_send(plan->sock, "N", 1, &listener, 1, 0) < 0)
        die("the listener could not be sent");
    set_limits();
    switch (plan->req->init) {
    case PRIV_INIT_WELKIN:
        syscall(SYS_execveat, plan->init_fd, "", welkin, env, AT_EMPTY_PATH);
        die("welkin-init could not be run");
    case PRIV_INIT_SYSTEMD:
        execve(systemd[0], argv_of(systemd), argv_of(env));
        die("the image's /sbin/init could not be run");
    default:
        execve(plan->argv[0], plan->argv, argv_of(env));
        die("the image's %s could not be run", plan->argv[0]);
    }
}

void
child_main(const struct child_plan *p)
{
    int trees[PRIV_LAYERS_MAX + 1];

    assert(p->sock >= 0 && p->console >= 0 && p->filter->len > 0);
    plan = p;
    signals_reset();
    int r = cg_join_enter(&plan->join);
    if (r < 0) {
        errno = -r;
        die("the control groups could not be joined");
    }
    await('M', trees, plan->n_layers + 1);
    if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
        die("the user namespace could not be entered");
    /* After joining: a control group namespace begins where its maker is. */
    if (unshare(CLONE_NEWCGROUP) < 0)
        die("the control group namespace could not be made");
    stage(trees, trees[plan->n_layers]);
    if (plan->trust.n)
        place_trust();
    if (plan->init_fd >= 0)
        place_helpers();
    enter_root();
    if (sethostname(plan->req->hostname, strlen(plan->req->hostname)) < 0)
        die("the host name could not be set");
    enter_console();
    place_volumes();
    await('G', NULL, 0);
    configure_network();
    exec_init();
}
