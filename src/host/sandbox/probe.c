/*
 * What this host lacks, in sentences that say what to do.  "missing" is what no sandbox starts
 * without, "note" a limitation.  Features are tried, not looked up: versions and configuration
 * files say little about what a container or a hardened kernel allows.
 */
#include "host/sandbox/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void PRINTF_LIKE(3, 4)
say(struct probe *p, bool missing, const char *fmt, ...)
{
    assert(p->n < sizeof(p->text));
    va_list ap;
    char line[500];

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    if (missing)
        p->can_launch = false;
    int n = snprintf(p->text + p->n, sizeof(p->text) - p->n, "%s: %s\n",
                     missing ? "missing" : "note", line);
    p->n = MIN(p->n + (size_t)MAX(n, 0), sizeof(p->text) - 1);
}

static bool
has_cap(unsigned cap)
{
    char text[4096], *p;

    assert(cap < 64);
    if (file_get(AT_FDCWD, "/proc/self/status", text, sizeof(text)) <= 0 ||
        !(p = strstr(text, "CapEff:")))
        return false;
    return strtoull(p + 7, NULL, 16) >> cap & 1;
}

static void
probe_caps(struct probe *p)
{
    static const struct {
        unsigned cap;
        const char *name, *use;
        bool needed;
    } caps[] = {
        {CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "to make namespaces and mounts", true},
        {CAP_NET_ADMIN, "CAP_NET_ADMIN", "to make interfaces and firewalls", true},
        {CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE", "to serve ports 53, 67 and 80", true},
        {CAP_SETUID, "CAP_SETUID", "to give user ids to sandboxes", true},
        {CAP_SETGID, "CAP_SETGID", "to give group ids to sandboxes", true},
        {CAP_CHOWN, "CAP_CHOWN", "to give consoles to sandboxes", true},
        {CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE", "to delete what guests wrote", true},
        {CAP_KILL, "CAP_KILL", "to stop sandboxes", true},
        {CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE",
         "to raise limits: the number of open files stays as it is", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(caps); i++)
        if (!has_cap(caps[i].cap))
            say(p, caps[i].needed, "this process does not have %s, which it needs %s",
                caps[i].name, caps[i].use);
}

/* Tries what a launch does first; leaves the child's user namespace in *ret. */
static int
try_clone(int *ret_userns)
{
    struct clone_args args = {.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS |
                                       CLONE_NEWIPC | CLONE_NEWNET,
                              .exit_signal = SIGCHLD};
    char path[40];
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
    int r;

    if (pid < 0)
        return -errno;
    if (pid == 0)
        for (;;)
            pause();
    text_set(path, sizeof(path), "/proc/%d/uid_map", pid);
    r = file_put(AT_FDCWD, path, "0 65536 65536\n");
    text_set(path, sizeof(path), "/proc/%d/gid_map", pid);
    if (r == 0)
        r = file_put(AT_FDCWD, path, "0 65536 65536\n");
    text_set(path, sizeof(path), "/proc/%d/ns/user", pid);
    if (r == 0) {
        *ret_userns = open(path, O_RDONLY | O_CLOEXEC);
        r = *ret_userns < 0 ? -errno : 0;
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return r;
}

static void
probe_sandbox(struct host *h, struct probe *p)
{
    struct mount_attr a = {.attr_set = MOUNT_ATTR_IDMAP};
    char text[4096] = "";
    FD_CLEANUP int userns = -1;
    FD_CLEANUP int tree = -1;
    int r = try_clone(&userns);

    if (r < 0) {
        say(p, true, "user namespaces cannot be made (%s): raise user.max_user_namespaces, or run "
            "outside of a container that forbids them", strerror(-r));
        return;
    }
    a.userns_fd = (uint64_t)userns;
    tree = (int)syscall(SYS_open_tree, h->machines, "",
                        AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &a, sizeof(a)) < 0)
        say(p, true, "%s is on a file system or kernel without idmapped mounts (%s): put it on "
            "ext4, xfs or btrfs with Linux 5.19 or later", h->config->data_dir, strerror(errno));
    if (file_get(AT_FDCWD, "/proc/filesystems", text, sizeof(text)) <= 0 ||
        !strstr(text, "\toverlay\n"))
        say(p, true, "the kernel has no overlay file system: load it with `modprobe overlay`");
}

static void
probe_network(struct host *h, struct probe *p)
{
    struct fw_dropping drop;
    struct nft_tx tx;

    if (h->route.fd < 0 || h->nft.fd < 0) {
        say(p, true, "netlink sockets cannot be opened: the kernel needs nf_tables");
        return;
    }
    nft_begin(&tx, "welkin_probe");
    nft_del_table(&tx);
    if (nft_commit(&tx, &h->nft) < 0)
        say(p, true, "nftables cannot be changed: load it with `modprobe nf_tables`");
    else if (fw_host_dropping(h, &drop))
        say(p, false, "a firewall of this host (nft %s) drops what is forwarded: machines reach "
            "nothing outside until it accepts interfaces wk%s*, e.g. by `iptables -I FORWARD -i "
            "wk%s+ -j ACCEPT; iptables -I FORWARD -o wk%s+ -j ACCEPT`", drop.name, h->tag, h->tag,
            h->tag);
}

static void
probe_cgroups(struct host *h, struct probe *p)
{
    static const char *const what[] = {"cpu", "", "memory", "", "pids"};
    const struct cgroups *cg = &h->cg;

    if (cg->version == 0) {
        say(p, false, "no control groups with cpu or memory: instance types do not limit anything");
        return;
    }
    for (int i = 0; i < CG_V1; i++)
        if (what[i][0] && (cg->version == 1 ? cg->v1[i] < 0 : !(cg->v2_has >> i & 1)))
            say(p, false, "the %s controller is missing from control groups version %d: no such "
                "limit is set", what[i], cg->version);
    if (cg->v2 < 0)
        say(p, false, "cgroup2 is not mounted: images with systemd do not start");
}

void
probe_run(struct host *h)
{
    struct probe *p = &h->probe;
    struct rlimit files;

    *p = (struct probe){.can_launch = true};
    if (geteuid() != 0) {
        say(p, true, "sandboxes need root: start welkin with sudo (it gives root up itself, all "
            "but for one small process)");
        return;
    }
    probe_caps(p);
    if (p->can_launch)
        probe_sandbox(h, p);
    if (p->can_launch)
        probe_network(h, p);
    probe_cgroups(h, p);
    if (h->filter.len == 0)
        say(p, true, "system call filters cannot be made: the kernel needs seccomp");
    h->no_volumes = volumes_missing(h);
    if (h->no_volumes)
        say(p, false, "no volumes: %s", h->no_volumes);
    if (h->init_fd < 0)
        say(p, false, "welkin-init is not installed beside welkin: only images with systemd start");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < 1000000)
        say(p, false, "%llu open files: about %llu machines at once (raise LimitNOFILE)",
            (unsigned long long)files.rlim_cur, (unsigned long long)(files.rlim_cur - 200) / 3);
}
