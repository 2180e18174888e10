/*
 * mount(2) of a volume's file system, for guests.
 *
 * The kernel lets nobody in a user namespace mount ext4, xfs or vfat of a device: their drivers
 * trust what they read.  So the guest's call is told to us (seccomp's notification), and a child of
 * ours does it, for a device that is a volume of that very machine, and no other.  All other calls
 * go on as if nobody had looked.
 *
 *   caller     must have CAP_SYS_ADMIN in the machine's own user namespace; what it names is
 *              opened in its mounts, its root and its rights, once, and judged by the descriptor
 *   options    those of a list; errors=remount-ro whatever is asked, and whatever the superblock
 *              says: `panic` would be the host's
 *   nodev      locked.  The superblock belongs to the host's user namespace, so device nodes in it
 *              would be real; and the guest, which is root over its mounts, could take the flag
 *              away.  A mount that was copied into the mounts of another user namespace keeps its
 *              flags for good, so it is, once.
 *   owners     idmapped as the machine's root is: the same on disk in whatever slot a guest runs.
 *              So setuid programs and file capabilities of it mean the guest's root, and are let
 *
 * `--guest-mounts off` leaves all of this out, and the kernel's answer is then EPERM.
 */
#include "host/sandbox/sandbox.h"

#include "base/log.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define TYPE_MAX 8
#define OPTIONS_MAX 1024
#define LOOP_MAJOR 7
#define WORKERS_MAX 4 /* of a machine at once */
#define GO_ON 254     /* a child's end: it is no call of ours */

/* ---- file systems ---- */

static const struct fs_kind {
    const char *name, *driver;
    const char *forced[2]; /* "name=value" or "name" */
    const char *options;   /* that may be asked for */
} kinds[] = {
    {"ext4",
     "ext4",
     {"errors=remount-ro"},
     " acl noacl user_xattr nouser_xattr barrier nobarrier commit data delalloc nodelalloc "
     "discard nodiscard errors init_itable noinit_itable noload norecovery stripe "},
    /* Older ones are mounted by the same driver; under its other names it takes no idmap. */
    {"ext3", "ext4", {"errors=remount-ro"}, " acl noacl user_xattr barrier commit data errors "},
    {"ext2", "ext4", {"errors=remount-ro"}, " acl noacl user_xattr errors "},
    {"xfs",
     "xfs",
     {"nouuid", "noquota"}, /* a copy of it may be mounted elsewhere on the host */
     " allocsize attr2 discard nodiscard inode64 largeio nolargeio logbsize logbufs norecovery "
     "nouuid noquota sunit swidth wsync "},
    {"vfat",
     "vfat",
     {"errors=remount-ro"},
     " uid gid umask dmask fmask shortname utf8 quiet flush showexec errors "},
};

static const struct {
    unsigned long flag;
    const char *option; /* of the superblock */
    uint64_t attr;      /* of the mount */
} flags[] = {
    {MS_RDONLY, "ro", MOUNT_ATTR_RDONLY},
    {MS_NOSUID, NULL, MOUNT_ATTR_NOSUID},
    {MS_NOEXEC, NULL, MOUNT_ATTR_NOEXEC},
    {MS_NOATIME, NULL, MOUNT_ATTR_NOATIME},
    {MS_NODIRATIME, NULL, MOUNT_ATTR_NODIRATIME},
    {MS_STRICTATIME, NULL, MOUNT_ATTR_STRICTATIME},
    {MS_SYNCHRONOUS, "sync", 0},
    {MS_DIRSYNC, "dirsync", 0},
    {MS_LAZYTIME, "lazytime", 0},
};

static const struct fs_kind *
kind_of(const char *name)
{
    assert(name);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

static int
configure(int fs, char *option)
{
    char *value = strchr(option, '=');

    if (value)
        *value++ = '\0';
    return syscall(SYS_fsconfig, fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, option, value,
                   0) < 0
               ? -errno
               : 0;
}

/* What the guest asks for; what is not on the list is EINVAL, as an unknown one is. */
static int
configure_asked(int fs, const struct fs_kind *kind, char *options)
{
    char *save = NULL;
    int r = 0;

    for (char *o = strtok_r(options, ",", &save); o && r == 0; o = strtok_r(NULL, ",", &save)) {
        char word[40];

        text_set(word, sizeof(word), " %.*s ", (int)MIN(strcspn(o, "="), 32ul), o);
        r = strstr(kind->options, word) ? configure(fs, o) : -EINVAL;
    }
    return r;
}

int
guest_fs_open(const char *type, const char *source, unsigned long mount_flags, char *options)
{
    const struct fs_kind *kind = kind_of(type);
    char word[32];
    uint64_t attr = MOUNT_ATTR_NODEV;
    int r = 0;

    assert(kind && source[0] == '/');
    FD_CLEANUP int fs = (int)syscall(SYS_fsopen, kind->driver, FSOPEN_CLOEXEC);
    if (fs < 0 || syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "source", source, 0) < 0)
        return -errno;
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (!(mount_flags & flags[i].flag))
            continue;
        attr |= flags[i].attr;
        if (r == 0 && flags[i].option) {
            text_set(word, sizeof(word), "%s", flags[i].option);
            r = configure(fs, word);
        }
    }
    if (r == 0)
        r = configure_asked(fs, kind, options);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(kind->forced) && kind->forced[i]; i++) {
        text_set(word, sizeof(word), "%s", kind->forced[i]);
        r = configure(fs, word);
    }
    if (r == 0 && syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        r = -errno;
    if (r < 0)
        return r;
    int tree = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attr);

    return tree < 0 ? -errno : tree;
}

/* ---- the child: one call ---- */

struct call_plan {
    const struct host *h;
    const struct seccomp_notif *req;
    const char *machine;
    uint32_t init; /* the machine's first process */
    int listener;
};

/* The caller, as it is found. */
struct caller {
    int root, cwd, mounts, users, ours;
    uint32_t uid, gid;
    char type[TYPE_MAX + 1], options[OPTIONS_MAX], source[PATH_MAX], target[PATH_MAX];
};

static bool
still_waits(const struct call_plan *p)
{
    return ioctl(p->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &p->req->id) == 0;
}

/* A text of the caller's; -ENAMETOOLONG: it does not end. */
static int
read_text(int memory, uint64_t at, char *to, size_t n)
{
    size_t got = 0;

    to[0] = '\0';
    while (at && got < n) {
        /* not beyond a page: the next may not be there */
        size_t piece = MIN(n - got, 4096 - (size_t)((at + got) & 4095));
        ssize_t r = pread(memory, to + got, piece, (off_t)(at + got));

        if (r <= 0)
            return -EFAULT;
        if (memchr(to + got, 0, (size_t)r))
            return 0;
        got += (size_t)r;
    }
    return at ? -ENAMETOOLONG : 0;
}

static int
open_of(uint32_t pid, const char *what, int how)
{
    char path[48];

    text_set(path, sizeof(path), "/proc/%u/%s", pid, what);
    int fd = open(path, how | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

/* "Name:\t1\t2…": the n-th number, from 0. */
static uint64_t
status_number(const char *text, const char *name, int n, int base)
{
    const char *p = strstr(text, name);

    for (p = p ? p + strlen(name) : ""; n > 0 && *p; n--)
        p += strspn(p, " \t"), p += strcspn(p, " \t\n");
    return strtoull(p, NULL, base);
}

static bool
same_namespace(uint32_t a, uint32_t b)
{
    FD_CLEANUP int x = open_of(a, "ns/user", O_RDONLY);
    FD_CLEANUP int y = open_of(b, "ns/user", O_RDONLY);
    struct stat sx, sy;

    return x >= 0 && y >= 0 && fstat(x, &sx) == 0 && fstat(y, &sy) == 0 && sx.st_ino == sy.st_ino;
}

/* Whether the kernel would let it, were this a file system for everybody. */
static bool
may_mount(const struct call_plan *p, struct caller *c)
{
    char text[4096], path[32];

    text_set(path, sizeof(path), "/proc/%u/status", p->req->pid);
    if (file_get(AT_FDCWD, path, text, sizeof(text)) <= 0)
        return false;
    c->uid = (uint32_t)status_number(text, "\nUid:", 3, 10);
    c->gid = (uint32_t)status_number(text, "\nGid:", 3, 10);
    return c->uid >= 65536 && status_number(text, "\nCapEff:", 0, 16) >> CAP_SYS_ADMIN & 1 &&
           same_namespace(p->req->pid, p->init);
}

static int
find_caller(const struct call_plan *p, struct caller *c)
{
    const uint64_t *args = (const uint64_t *)p->req->data.args;
    uint32_t pid = p->req->pid;
    FD_CLEANUP int memory = open_of(pid, "mem", O_RDONLY);
    int r = memory;

    if (r >= 0)
        r = read_text(memory, args[0], c->source, sizeof(c->source));
    if (r >= 0)
        r = read_text(memory, args[1], c->target, sizeof(c->target));
    if (r >= 0)
        r = read_text(memory, args[4], c->options, sizeof(c->options));
    if (r < 0)
        return r;
    c->root = open_of(pid, "root", O_PATH | O_DIRECTORY);
    c->cwd = open_of(pid, "cwd", O_PATH | O_DIRECTORY);
    c->mounts = open_of(pid, "ns/mnt", O_RDONLY);
    c->users = open_of(p->init, "ns/user", O_RDONLY);
    c->ours = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (c->root < 0 || c->cwd < 0 || c->mounts < 0 || c->users < 0 || c->ours < 0)
        return -ESRCH;
    if (!may_mount(p, c))
        return -GO_ON;
    return still_waits(p) ? 0 : -ESRCH; /* all of it was that process's */
}

static int
go_there(const struct caller *c)
{
    if (setns(c->mounts, CLONE_NEWNS) < 0 || fchdir(c->root) < 0 || chroot(".") < 0 ||
        fchdir(c->cwd) < 0)
        return -errno;
    return 0;
}

/* The volume of the machine that the source is the device of. */
static int
find_volume(const struct call_plan *p, const char *source, const struct volume **ret)
{
    FD_CLEANUP int fd = open(source, O_PATH | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISBLK(st.st_mode) || major(st.st_rdev) != LOOP_MAJOR)
        return -GO_ON;
    for (const struct volume *v = p->h->volumes; v; v = v->next)
        if (v->loop == (int)minor(st.st_rdev) && v->entered && !v->revoked &&
            strcmp(v->is.machine, p->machine) == 0) {
            *ret = v;
            return 0;
        }
    return -GO_ON;
}

static int
resolve(const struct call_plan *p, const struct caller *c, const struct volume **ret,
        int *ret_target)
{
    int r = go_there(c);

    assert(c->uid >= 65536 && c->ours >= 0);
    if (r < 0)
        return r;
    setfsgid(c->gid);
    setfsuid(c->uid);
    r = find_volume(p, c->source, ret);
    *ret_target = open(c->target, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (r >= 0 && *ret_target < 0)
        r = -errno;
    setfsuid(0);
    setfsgid(0);
    if (setns(c->ours, CLONE_NEWNS) < 0)
        return -errno;
    return r;
}

/* The child's child: in the mounts of a user namespace of its own its view of them is locked. */
static NORETURN void
lock_in_child(int sock)
{
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        _exit(1);
    /* The working directory is the root of the new mount, and now of its copy. */
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, "",
                            AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    _exit(tree < 0 || fds_send(sock, "T", 1, &tree, 1, 0) < 0);
}

/*
 * From here on in mounts of our own, with a /dev in which the device has the name that it has in
 * the guest: what was given as the source is what /proc/mounts, df and umount show and take.
 */
static int
name_device(const struct volume *v, char source[32])
{
    char name[NODE_NAME_MAX];

    node_name(v, name);
    text_set(source, 32, "/dev/%s", name);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("dev", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "size=4k,mode=700") < 0 ||
        mknod(source, S_IFBLK | 0600, makedev(LOOP_MAJOR, (unsigned)v->loop)) < 0)
        return -errno;
    return 0;
}

/* A copy of the mount whose flags nobody takes away. */
static int
locked(int mount_fd)
{
    int pair[2], tree = -1, status;
    size_t n = 1;
    char c;

    if (syscall(SYS_move_mount, mount_fd, "", AT_FDCWD, "/dev", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
        fchdir(mount_fd) < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid == 0)
        lock_in_child(pair[1]);
    close(pair[1]);
    ssize_t got = pid < 0 ? -EAGAIN : fds_recv(pair[0], &c, 1, &tree, &n, 0);
    close(pair[0]);
    if (pid > 0)
        waitpid(pid, &status, 0);
    return got == 1 && n == 1 ? tree : -EPERM;
}

static int
mount_it(struct caller *c, const struct volume *v, int target, unsigned long mount_flags)
{
    struct mount_attr a = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)c->users};
    char source[32];
    int r = name_device(v, source);

    assert(v->loop >= 0 && v->entered && !v->revoked && target >= 0);
    if (r < 0)
        return r;
    FD_CLEANUP int tree = guest_fs_open(c->type, source, mount_flags, c->options);
    if (tree < 0)
        return tree;
    if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &a, sizeof(a)) < 0)
        return -errno;
    FD_CLEANUP int fixed = locked(tree);
    if (fixed < 0)
        return fixed;
    r = go_there(c);
    if (r == 0 && syscall(SYS_move_mount, fixed, "", target, "",
                          MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        r = -errno;
    return r;
}

static int
carry_out(const void *arg)
{
    const struct call_plan *p = arg;
    static struct caller c; /* large */
    const struct volume *v = NULL;
    FD_CLEANUP int target = -1;
    FD_CLEANUP int memory = open_of(p->req->pid, "mem", O_RDONLY);
    int r = memory < 0 ? memory : read_text(memory, p->req->data.args[2], c.type, sizeof(c.type));

    if (r == 0 && !kind_of(c.type))
        r = -GO_ON;
    if (r == 0)
        r = find_caller(p, &c);
    if (r == 0)
        r = resolve(p, &c, &v, &target);
    return r < 0 ? r : mount_it(&c, v, target, (unsigned long)p->req->data.args[3]);
}

/* ---- what is told ---- */

/* A filter's descriptor: of a machine's init and all that comes of it, or of an exec. */
struct listener {
    struct listener *next;
    struct source source;
    uint32_t number; /* never reused */
    uint32_t n_mounting;
    bool kept; /* the keeper has it too */
    char machine[PRIV_ID_MAX];
};

struct working {
    uint64_t id;
    uint32_t listener;
};

static void
reply(int listener, uint64_t id, int status)
{
    struct seccomp_notif_resp r = {.id = id};

    if (status == -GO_ON)
        r.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    else
        r.error = status;
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r); /* the caller may be gone */
}

static void
carried_out(struct host *h, void *ctx, int status)
{
    struct working *w = ctx;
    struct listener *l = h->listeners;

    while (l && l->number != w->listener)
        l = l->next;
    if (l) {
        assert(l->n_mounting > 0);
        l->n_mounting--;
        reply(l->source.fd, w->id, status);
    }
    free(w);
}

/* Whether it names a type of ours: most calls do not, and need no child. */
static bool
is_ours(const struct seccomp_notif *req)
{
    FD_CLEANUP int memory = open_of(req->pid, "mem", O_RDONLY);
    char type[TYPE_MAX + 1];

    return memory >= 0 && read_text(memory, req->data.args[2], type, sizeof(type)) == 0 &&
           kind_of(type);
}

static void
begin(struct host *h, struct listener *l, const struct seccomp_notif *req)
{
    const struct machine *m = machine_find(h, l->machine);
    const struct call_plan call = {.h = h,
                                   .req = req,
                                   .machine = l->machine,
                                   .init = m ? m->saved.pid : 0,
                                   .listener = l->source.fd};
    const struct job_plan plan = {
        .fn = carry_out, .arg = &call, .keep = {l->source.fd}, .n_keep = 1};
    struct working *w = m && l->n_mounting < WORKERS_MAX ? calloc(1, sizeof(*w)) : NULL;
    int r = w ? 0 : -EAGAIN;

    if (r == 0) {
        *w = (struct working){.id = req->id, .listener = l->number};
        r = job_start(h, &plan, carried_out, w);
    }
    if (r == 0) {
        l->n_mounting++;
        return;
    }
    free(w);
    reply(l->source.fd, req->id, r);
}

static void
kept_name(const char *machine, char to[PRIV_ID_MAX + 8])
{
    text_set(to, PRIV_ID_MAX + 8, "m%s", machine);
}

static void
listener_close(struct host *h, struct listener *l)
{
    struct listener **at = &h->listeners;
    assert(l->source.fd >= 0 && l->number > 0);
    char name[PRIV_ID_MAX + 8];

    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    kept_name(l->machine, name);
    if (l->kept)
        keeper_drop(h, name);
    source_close(h, &l->source);
    free(l);
}

static void
told(struct host *h, struct source *s, uint32_t events)
{
    struct listener *l = CONTAINER_OF(s, struct listener, source);
    struct seccomp_notif req = {0};

    if (!(events & EPOLLIN)) { /* nobody is left who could call */
        listener_close(h, l);
        return;
    }
    if (ioctl(s->fd, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0)
        return; /* the caller is gone */
    if (is_ours(&req))
        begin(h, l, &req);
    else
        reply(s->fd, req.id, -GO_ON);
}

int
mounts_watch(struct host *h, const char *machine, int fd, bool keep)
{
    struct listener *l = calloc(1, sizeof(*l));
    char name[PRIV_ID_MAX + 8];

    assert(fd >= 0 && machine_id_ok(machine));
    if (!l) {
        close(fd);
        return -ENOMEM;
    }
    l->source = (struct source){.fd = fd, .fn = told};
    l->number = ++h->next_listener;
    l->kept = keep;
    text_set(l->machine, sizeof(l->machine), "%s", machine);
    kept_name(machine, name);
    int r = source_add(h, &l->source, EPOLLIN);

    if (r < 0) {
        close(fd);
        free(l);
        return r;
    }
    if (keep)
        keeper_put(h, name, fd);
    l->next = h->listeners;
    h->listeners = l;
    return 0;
}

void
mounts_adopt(struct host *h, const char *machine)
{
    char name[PRIV_ID_MAX + 8];

    kept_name(machine, name);
    int fd = keeper_take(h, name);

    if (fd >= 0)
        mounts_watch(h, machine, fd, true);
}

void
mounts_close(struct host *h, const char *machine)
{
    for (struct listener *l = h->listeners, *next; l; l = next) {
        next = l->next;
        if (strcmp(l->machine, machine) == 0)
            listener_close(h, l);
    }
}
