/*
 * Control groups of both versions at once.  Limits sit in version 1 where the host uses it (then
 * the guest cannot even see them), else in version 2.  In either case the machine gets a
 * directory in the cgroup2 hierarchy: clone3 puts it there for nothing, systemd in a guest needs
 * it, and it gives freeze.
 */
#include "host/sandbox/sandbox.h"

#include "base/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mntent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CPU, CPUACCT, MEMORY, FREEZER, PIDS };
enum { FREEZE_TRIES = 500 }; /* ms */
static const char *const names[] = {"cpu", "cpuacct", "memory", "freezer", "pids", "io"};

static int
ours(const char *mount, const char *tag)
{
    char path[PATH_MAX];

    assert(mount[0] == '/' && tag[0] != '\0');
    text_set(path, sizeof(path), "%s/welkin-%s", mount, tag);
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        return -1;
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void
open_v2(struct cgroups *cg, const char *mount, const char *tag)
{
    static const int wanted[] = {CPU, MEMORY, PIDS, CG_IO};
    char have[512], enable[32];

    static_assert(ARRAY_LEN(names) == CG_IO + 1, "a name each");
    assert(cg->v2 < 0 && cg->v2_has == 0);
    FD_CLEANUP int root = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || file_get(root, "cgroup.controllers", have, sizeof(have)) < 0)
        return;
    cg->v2 = ours(mount, tag);
    for (size_t i = 0; cg->v2 >= 0 && i < ARRAY_LEN(wanted); i++) {
        text_set(enable, sizeof(enable), "+%s", names[wanted[i]]);
        /* One at a time: one that cannot be had must not take the others with it. */
        if (strstr(have, names[wanted[i]]) &&
            file_put(root, "cgroup.subtree_control", "%s", enable) == 0 &&
            file_put(cg->v2, "cgroup.subtree_control", "%s", enable) == 0)
            cg->v2_has |= 1u << wanted[i];
    }
}

void
cg_open(struct cgroups *cg, const char *tag)
{
    struct mntent m;
    char buf[4096];
    FILE *f = setmntent("/proc/self/mounts", "re");

    *cg = (struct cgroups){.v2 = -1, .v1 = {-1, -1, -1, -1, -1}, .blkio = -1};
    while (f && getmntent_r(f, &m, buf, sizeof(buf))) {
        if (strcmp(m.mnt_type, "cgroup2") == 0 && cg->v2 < 0)
            open_v2(cg, m.mnt_dir, tag);
        if (strcmp(m.mnt_type, "cgroup") == 0 && hasmntopt(&m, "blkio") && cg->blkio < 0)
            cg->blkio = open(m.mnt_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        for (int i = 0; i < CG_V1 && strcmp(m.mnt_type, "cgroup") == 0; i++)
            if (hasmntopt(&m, names[i]) && cg->v1[i] < 0)
                cg->v1[i] = ours(m.mnt_dir, tag);
    }
    if (f)
        endmntent(f);
    if (cg->v1[CPU] >= 0 || cg->v1[MEMORY] >= 0)
        cg->version = 1;
    else if (cg->v2_has & ~(1u << CG_IO))
        cg->version = 2;
}

void
cg_close(struct cgroups *cg)
{
    for (int i = 0; i < CG_V1; i++)
        fd_close(&cg->v1[i]);
    fd_close(&cg->v2);
    fd_close(&cg->blkio);
}

/* Removes a group and those that a guest made in it, innermost first. */
static int
remove_tree(int dir, const char *name)
{
    assert(name[0] != '\0' && !strchr(name, '/'));
    if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    while (d && (e = readdir(d)))
        if (e->d_type == DT_DIR && e->d_name[0] != '.')
            remove_tree(dirfd(d), e->d_name);
    if (d)
        closedir(d);
    if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
        return 0;
    return -errno;
}

void
cg_remove_all(struct cgroups *cg, const char *tag)
{
    int dirs[CG_V1 + 1];

    memcpy(dirs, cg->v1, sizeof(cg->v1));
    dirs[CG_V1] = cg->v2;
    for (int i = 0; i <= CG_V1; i++) {
        char name[32];

        if (dirs[i] < 0)
            continue;
        FD_CLEANUP int up = openat(dirs[i], "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        text_set(name, sizeof(name), "welkin-%s", tag);
        int r = up < 0 ? -errno : remove_tree(up, name);
        if (r < 0)
            log_warn("control group %s of %s stays: %s", name, i < CG_V1 ? names[i] : "cgroup2",
                     strerror(-r));
    }
}

static int
group_dir(int base, const char *id)
{
    assert(id[0] != '\0');
    return base < 0 ? -1 : openat(base, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
limits_v1(struct cgroups *cg, const char *id, const struct priv_limits *l)
{
    assert(cg->version == 1);
    FD_CLEANUP int cpu = group_dir(cg->v1[CPU], id);
    FD_CLEANUP int memory = group_dir(cg->v1[MEMORY], id);
    FD_CLEANUP int pids = group_dir(cg->v1[PIDS], id);
    int r = 0, e;

    /* A period of 100 ms; the least quota that the kernel takes is 1 ms. */
    e = file_put(cpu, "cpu.cfs_quota_us", "%d",
                 l->cpu_milli ? (int)MAX(l->cpu_milli, 10u) * 100 : -1);
    r = cpu >= 0 && e < 0 ? e : r;
    e = file_put(memory, "memory.limit_in_bytes", "%" PRId64,
                 l->memory_bytes ? (int64_t)l->memory_bytes : -1);
    r = memory >= 0 && e < 0 ? e : r;
    if (pids >= 0)
        e = l->pids ? file_put(pids, "pids.max", "%u", l->pids) : file_put(pids, "pids.max", "max");
    return pids >= 0 && e < 0 ? e : r;
}

static int
put_or_max(int dir, const char *file, uint64_t value, const char *after)
{
    assert(dir >= 0);
    return value ? file_put(dir, file, "%" PRIu64 "%s", value, after)
                 : file_put(dir, file, "max%s", after);
}

static int
limits_v2(struct cgroups *cg, const char *id, const struct priv_limits *l)
{
    assert(cg->version == 2 && cg->v2 >= 0);
    FD_CLEANUP int dir = group_dir(cg->v2, id);
    int r = 0;

    if (dir < 0)
        return -errno;
    if (cg->v2_has & 1u << CPU)
        r = put_or_max(dir, "cpu.max", (uint64_t)l->cpu_milli * 100, " 100000");
    if (r == 0 && (cg->v2_has & 1u << MEMORY))
        r = put_or_max(dir, "memory.max", l->memory_bytes, "");
    if (r == 0 && (cg->v2_has & 1u << PIDS))
        r = put_or_max(dir, "pids.max", l->pids, "");
    return r;
}

int
cg_limits(struct cgroups *cg, const char *id, const struct priv_limits *limits)
{
    return cg->version == 1 ? limits_v1(cg, id, limits)
           : cg->version == 2 ? limits_v2(cg, id, limits)
                              : -EOPNOTSUPP;
}

/* What systemd in the guest must own to make groups below its own; never the limits. */
static int
delegate(int dir, uint32_t uid)
{
    static const char *const files[] = {"cgroup.procs", "cgroup.threads", "cgroup.subtree_control"};

    assert(dir >= 0 && uid >= 65536);
    if (fchown(dir, uid, uid) < 0)
        return -errno;
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (fchownat(dir, files[i], uid, uid, 0) < 0)
            return -errno;
    return 0;
}

int
cg_make(struct cgroups *cg, const char *id, uint32_t uid, const struct priv_limits *limits,
        struct cg_join *ret, struct why *why)
{
    bool limited = limits->cpu_milli || limits->memory_bytes || limits->pids;

    assert(uid >= 65536);
    assert(id[0] != '\0');
    for (int i = 0; i < CG_V1; i++)
        if (cg->v1[i] >= 0 && mkdirat(cg->v1[i], id, 0755) < 0 && errno != EEXIST)
            return why_set(why, errno, "the control group in %s could not be made: %s", names[i],
                           strerror(errno));
    if (cg->v2 >= 0 && mkdirat(cg->v2, id, 0755) < 0 && errno != EEXIST)
        return why_set(why, errno, "the control group could not be made: %s", strerror(errno));
    int r = limited || cg->version == 2 ? cg_limits(cg, id, limits) : 0;
    if (r < 0 && limited)
        return why_set(why, -r, "the limits of CPU, memory or processes could not be set: %s",
                       strerror(-r));
    r = cg_join_open(cg, id, 0, ret);
    if (r < 0)
        return why_set(why, -r, "the control group could not be opened: %s", strerror(-r));
    r = ret->v2 >= 0 ? delegate(ret->v2, uid) : 0;
    if (r < 0) {
        cg_join_close(ret);
        return why_set(why, -r, "the control group could not be given to the guest: %s",
                       strerror(-r));
    }
    return 0;
}

/*
 * Where a process of the machine is: a systemd in it has moved all from the machine's own
 * directory to ones below, and version 2 then takes no process there.
 */
static int
group_of(struct cgroups *cg, uint32_t pid)
{
    char path[32], text[1024], *p;

    assert(pid > 0);
    text_set(path, sizeof(path), "/proc/%u/cgroup", pid);
    if (cg->v2 < 0 || file_get(AT_FDCWD, path, text, sizeof(text)) <= 0 ||
        !(p = strstr(text, "0::/welkin-")) || !(p = strchr(p + 4, '/')))
        return -1;
    p[strcspn(p, "\n")] = '\0';
    return openat(cg->v2, p + 1, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int
cg_join_open(struct cgroups *cg, const char *id, uint32_t pid, struct cg_join *ret)
{
    char path[PRIV_ID_MAX + 16];
    struct cg_join j = {.v1 = {-1, -1, -1, -1, -1}, .v2 = -1};

    text_set(path, sizeof(path), "%s/tasks", id);
    for (int i = 0; i < CG_V1; i++) {
        if (cg->v1[i] >= 0)
            j.v1[i] = openat(cg->v1[i], path, O_WRONLY | O_CLOEXEC);
        if (cg->v1[i] >= 0 && j.v1[i] < 0) {
            int err = errno;

            cg_join_close(&j);
            return -err;
        }
    }
    j.v2 = pid ? group_of(cg, pid) : group_dir(cg->v2, id);
    *ret = j;
    return 0;
}

void
cg_join_close(struct cg_join *join)
{
    for (int i = 0; i < CG_V1; i++)
        fd_close(&join->v1[i]);
    fd_close(&join->v2);
}

int
cg_join_enter(const struct cg_join *join)
{
    for (int i = 0; i < CG_V1; i++)
        if (join->v1[i] >= 0 && write(join->v1[i], "0", 1) != 1)
            return -errno;
    return 0;
}

static uint64_t
number(int dir, const char *file)
{
    char text[64];

    return dir >= 0 && file_get(dir, file, text, sizeof(text)) > 0 ? strtoull(text, NULL, 10) : 0;
}

/* Tasks stop where they come next, which takes some ms. */
static bool
stands_still(int v1, int v2)
{
    char text[256];

    if (v1 >= 0)
        return file_get(v1, "freezer.state", text, sizeof(text)) > 0 &&
               strncmp(text, "FROZEN", 6) == 0;
    return file_get(v2, "cgroup.events", text, sizeof(text)) > 0 && strstr(text, "frozen 1");
}

int
cg_freeze(struct cgroups *cg, const char *id, bool frozen)
{
    assert(machine_id_ok(id));
    FD_CLEANUP int v1 = group_dir(cg->v1[FREEZER], id);
    FD_CLEANUP int v2 = group_dir(cg->v2, id);
    int r = v1 >= 0   ? file_put(v1, "freezer.state", frozen ? "FROZEN" : "THAWED")
            : v2 >= 0 ? file_put(v2, "cgroup.freeze", "%d", frozen)
                      : -EOPNOTSUPP;

    for (int i = 0; r == 0 && frozen && !stands_still(v1, v2); i++) {
        if (i < FREEZE_TRIES) {
            poll(NULL, 0, 1);
            continue;
        }
        /* One of them waits in the kernel for something that does not come. */
        if (v1 >= 0)
            file_put(v1, "freezer.state", "THAWED");
        else
            file_put(v2, "cgroup.freeze", "0");
        r = -ETIMEDOUT;
    }
    return r;
}

void
cg_reclaim(struct cgroups *cg, const char *id)
{
    FD_CLEANUP int v1 = group_dir(cg->v1[MEMORY], id);
    FD_CLEANUP int v2 = group_dir(cg->v2, id);

    if (v1 >= 0)
        file_put(v1, "memory.force_empty", "0");
    else if (v2 >= 0)
        file_put(v2, "memory.reclaim", "%" PRIu64, number(v2, "memory.current"));
}

/*
 * Version 1 does not know who made the page cache write: its writes, and machines, which join no
 * group of this controller, are the root's.  The device is one machine's alone, so that will do.
 */
static int
volume_v1(struct cgroups *cg, int loop, uint64_t iops, uint64_t bytes)
{
    static const char *const files[] = {"blkio.throttle.read_iops_device",
                                        "blkio.throttle.write_iops_device",
                                        "blkio.throttle.read_bps_device",
                                        "blkio.throttle.write_bps_device"};
    int r = 0;

    assert(cg->blkio >= 0 && loop >= 0);
    for (size_t i = 0; i < ARRAY_LEN(files) && r == 0; i++)
        r = file_put(cg->blkio, files[i], "%d:%d %" PRIu64, LOOP_MAJOR, loop,
                     i < 2 ? iops : bytes);
    return r;
}

int
cg_volume(struct cgroups *cg, const char *machine, int loop, uint32_t iops, uint32_t mibps)
{
    uint64_t bytes = (uint64_t)mibps << 20;
    char n[2][24] = {"max", "max"};

    assert(loop >= 0 && machine_id_ok(machine));
    if (cg->blkio >= 0)
        return volume_v1(cg, loop, iops, bytes);
    FD_CLEANUP int dir = cg->v2_has >> CG_IO & 1 ? group_dir(cg->v2, machine) : -1;
    if (dir < 0)
        return -EOPNOTSUPP;
    if (iops)
        text_set(n[0], sizeof(n[0]), "%u", iops);
    if (bytes)
        text_set(n[1], sizeof(n[1]), "%" PRIu64, bytes);
    return file_put(dir, "io.max", "%d:%d rbps=%s wbps=%s riops=%s wiops=%s", LOOP_MAJOR, loop,
                    n[1], n[1], n[0], n[0]);
}

static uint64_t
cpu_ns(struct cgroups *cg, const char *id)
{
    char path[PRIV_ID_MAX + 16], text[1024], *usec;

    if (cg->v1[CPUACCT] >= 0) {
        text_set(path, sizeof(path), "%s/cpuacct.usage", id);
        return number(cg->v1[CPUACCT], path);
    }
    text_set(path, sizeof(path), "%s/cpu.stat", id);
    if (cg->v2 < 0 || file_get(cg->v2, path, text, sizeof(text)) <= 0 ||
        !(usec = strstr(text, "usage_usec ")))
        return 0;
    return strtoull(usec + 11, NULL, 10) * 1000;
}

/* "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0" a line */
void
cg_io_parse(const char *text, struct priv_meter *ret)
{
    uint64_t most = 0;

    for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        uint64_t rb, wb, r, w;

        if (sscanf(line, "%*u:%*u rbytes=%" SCNu64 " wbytes=%" SCNu64 " rios=%" SCNu64
                         " wios=%" SCNu64, &rb, &wb, &r, &w) != 4 || rb + wb < most)
            continue;
        most = rb + wb;
        ret->read_bytes = rb;
        ret->written_bytes = wb;
        ret->reads = r;
        ret->writes = w;
    }
}

/*
 * Version 1 does not know whose bytes the page cache writes back, and would count nearly no writes:
 * there it is not asked.
 */
void
cg_meter(struct cgroups *cg, const char *id, struct priv_meter *ret)
{
    char path[PRIV_ID_MAX + 16], text[4096];

    assert(machine_id_ok(id));
    ret->cpu_ns = cpu_ns(cg, id);
    ret->has_disk = cg->version == 2 && cg->v2_has >> CG_IO & 1;
    if (!ret->has_disk)
        return;
    text_set(path, sizeof(path), "%s/io.stat", id);
    if (file_get(cg->v2, path, text, sizeof(text)) > 0)
        cg_io_parse(text, ret);
}

void
cg_stats(struct cgroups *cg, const char *id, struct priv_stats_reply *ret)
{
    assert(machine_id_ok(id));
    FD_CLEANUP int memory = group_dir(cg->v1[MEMORY], id);
    FD_CLEANUP int pids = group_dir(cg->v1[PIDS], id);
    FD_CLEANUP int v2 = group_dir(cg->v2, id);

    ret->cpu_ns = cpu_ns(cg, id);
    ret->memory_bytes = number(memory, "memory.usage_in_bytes");
    ret->pids = number(pids, "pids.current");
    if (memory < 0)
        ret->memory_bytes = number(v2, "memory.current");
    if (pids < 0)
        ret->pids = number(v2, "pids.current");
}

int
cg_remove(struct cgroups *cg, const char *id)
{
    int r = cg->v2 < 0 ? 0 : remove_tree(cg->v2, id);

    assert(id[0] != '\0');
    for (int i = 0; i < CG_V1; i++)
        if (cg->v1[i] >= 0 && unlinkat(cg->v1[i], id, AT_REMOVEDIR) < 0 && errno != ENOENT)
            r = -errno;
    return r;
}
