/*
 * Volumes: files of DATA/volumes that are block devices of machines.
 *
 *   file        DATA/volumes/vol-…, sparse, as large as the volume
 *   device      a loop device of the host, as long as the volume is attached
 *   node        DATA/run/nodes/vol-…, mounted into the guest's /dev (volume_node.c)
 *
 * Which volume a device is, of which machine and how it is named there, is written in the device
 * (lo_file_name), where it is as long as the device is.  So there is no state to be kept beside:
 * a process that comes back after a kill -9 reads it from the kernel, and a host that was
 * restarted has no devices.
 *
 * Taking a device away by force: it is made to show 4 KiB behind the volume's end instead of the
 * volume, so whoever still has it reads and writes nothing of the volume any more.
 */
#include "host/sandbox/sandbox.h"

#include "base/error.h"
#include "base/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SPARE 4096
#define NVME_MAX 128
#define UID_BASE(slot) (65536u * ((slot) + 1))

bool
volume_ok(const struct host *h, const struct volume *v)
{
    assert(machine_id_ok(v->is.id) && machine_id_ok(v->is.machine) && h->volume_files >= 0);
    assert((v->loop < 0) == (v->doing == VOLUME_COPYING));
    assert(!v->entered || !v->revoked);
    assert(v->doing == VOLUME_STILL || v->ticket.seq != 0);
    return true;
}

struct volume *
volume_find(struct host *h, const char *id)
{
    struct volume *v = h->volumes;

    while (v && strcmp(v->is.id, id) != 0)
        v = v->next;
    assert(!v || volume_ok(h, v));
    return v;
}

bool
volume_is_of(const struct volume *v, const char *machine)
{
    return v->loop >= 0 && !v->revoked && strcmp(v->is.machine, machine) == 0;
}

int
volumes_send(struct host *h, const char *machine, uint32_t slot, int sock)
{
    int r = 0;

    for (struct volume *v = h->volumes; v && r == 0; v = v->next) {
        if (!volume_is_of(v, machine))
            continue;
        FD_CLEANUP int tree = node_tree(h, v, slot);
        r = tree < 0 ? tree : fds_send(sock, "V", 1, &tree, 1, 0);
        v->entered = r == 0;
    }
    return r;
}

static struct volume *
volume_new(struct host *h, const struct priv_volume *q)
{
    struct volume *v = calloc(1, sizeof(*v)), **at = &h->volumes;

    if (!v)
        return NULL;
    v->is = *q;
    v->loop = -1;
    /* At the end: a launch numbers its messages by the order. */
    while (*at)
        at = &(*at)->next;
    *at = v;
    return v;
}

static void
volume_free(struct host *h, struct volume *v)
{
    struct volume **at = &h->volumes;

    assert(v->doing == VOLUME_STILL);
    while (*at != v)
        at = &(*at)->next;
    *at = v->next;
    free(v);
}

static int
open_file(struct host *h, const char *id)
{
    assert(machine_id_ok(id) && h->volume_files >= 0);
    int fd = openat(h->volume_files, id, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

    return fd < 0 ? -errno : fd;
}

/* ---- the device ---- */

static void
device_name(const struct host *h, const struct volume *v, char to[LO_NAME_SIZE])
{
    text_set(to, LO_NAME_SIZE, "%s %s %s %s %u", h->tag, v->is.id, v->is.machine, v->is.device,
             v->nvme);
}

/* Not of a volume any more. */
static void
dead_name(const struct host *h, char to[LO_NAME_SIZE])
{
    text_set(to, LO_NAME_SIZE, "%s -", h->tag);
}

static uint32_t
nvme_number(struct host *h, const char *machine)
{
    uint64_t used[NVME_MAX / 64] = {0};

    for (struct volume *v = h->volumes; v; v = v->next)
        if (strcmp(v->is.machine, machine) == 0 && v->nvme < NVME_MAX)
            used[v->nvme / 64] |= 1ull << v->nvme % 64;
    for (uint32_t n = 1; n < NVME_MAX; n++) /* nvme0n1 is the root */
        if (!(used[n / 64] >> n % 64 & 1))
            return n;
    return 0;
}

static int
device_open(struct host *h, struct volume *v, struct why *why)
{
    FD_CLEANUP int file = open_file(h, v->is.id);
    struct loop_info64 info = {.lo_sizelimit = v->is.bytes};

    assert(v->loop < 0 && v->is.bytes > 0);
    if (file < 0)
        return why_set(why, -file, "the volume's file could not be opened: %s", strerror(-file));
    v->nvme = v->is.nvme ? nvme_number(h, v->is.machine) : 0;
    device_name(h, v, (char *)info.lo_file_name);
    FD_CLEANUP int device = loop_attach(file, &info, &v->loop);
    if (device < 0)
        return why_set(why, -device, "no block device could be made: %s", strerror(-device));
    return 0;
}

static int
device_grow(struct host *h, struct volume *v, uint64_t bytes, struct why *why)
{
    FD_CLEANUP int file = open_file(h, v->is.id);
    FD_CLEANUP int device = loop_open(v->loop, O_RDWR);
    char name[LO_NAME_SIZE];

    assert(bytes > v->is.bytes);
    device_name(h, v, name);
    int r = file < 0 ? file : device < 0 ? device : ftruncate(file, (off_t)bytes) < 0 ? -errno : 0;
    if (r == 0)
        r = loop_change(device, 0, bytes, name);
    if (r < 0)
        return why_set(why, -r, "the volume could not grow: %s", strerror(-r));
    v->is.bytes = bytes;
    return 0;
}

/* Whether a file system of it is mounted, or somebody keeps others from it (mkfs does). */
static bool
is_claimed(const struct volume *v)
{
    assert(v->loop >= 0);
    FD_CLEANUP int fd = loop_open(v->loop, O_RDONLY | O_EXCL);

    return fd == -EBUSY;
}

/* Whether the device is still that of the volume: something has it open then. */
static bool
is_there(const struct host *h, const struct volume *v)
{
    FD_CLEANUP int fd = loop_open(v->loop, O_RDONLY);
    struct loop_info64 info;
    char name[LO_NAME_SIZE];

    assert(v->loop >= 0 && v->doing != VOLUME_COPYING);
    device_name(h, v, name);
    return fd >= 0 && loop_status(fd, &info) == 0 &&
           strncmp((const char *)info.lo_file_name, name, LO_NAME_SIZE) == 0;
}

static int
device_kill(struct host *h, const struct volume *v)
{
    FD_CLEANUP int file = open_file(h, v->is.id);
    FD_CLEANUP int device = loop_open(v->loop, O_RDWR);
    char name[LO_NAME_SIZE];

    if (file < 0 || device < 0)
        return MIN(file, device);
    assert(v->is.bytes > 0 && v->is.bytes % SPARE == 0);
    dead_name(h, name);
    if (ftruncate(file, (off_t)(v->is.bytes + SPARE)) < 0)
        return -errno;
    return loop_change(device, v->is.bytes, SPARE, name);
}

/* 0: the volume is free.  -EBUSY: something in the guest holds it. */
static int
device_close(struct host *h, struct volume *v)
{
    int device = loop_open(v->loop, O_RDWR);
    int r = device < 0 ? device : loop_clear(device);

    assert(v->loop >= 0 && !v->entered);
    fd_close(&device);
    node_revoke(h, v->is.id);
    v->revoked = true;
    return r < 0 ? r : is_there(h, v) ? -EBUSY : 0;
}

/* ---- in and out of a guest ---- */

struct moving {
    const struct volume *v;
    int machine; /* pidfd */
    int tree;    /* -1: out */
    uint32_t slot;
};

static int
move(const void *arg)
{
    const struct moving *m = arg;
    gid_t id = UID_BASE(m->slot);

    assert(m->machine >= 0 && m->slot < PRIV_SLOTS);
    if (setns(m->machine, CLONE_NEWNS) < 0)
        return -errno;
    /* What is made belongs to the guest's root; whose rights are enough. */
    setfsgid(id);
    setfsuid(id);
    return m->tree < 0 ? node_remove(m->v) : node_place(m->tree, m->v);
}

static int
move_begin(struct host *h, struct volume *v, const struct machine *m, bool in, job_done_fn *done)
{
    FD_CLEANUP int tree = in ? node_tree(h, v, m->saved.slot) : -1;
    struct moving moving = {.v = v, .machine = m->process.fd, .tree = tree, .slot = m->saved.slot};
    struct job_plan plan = {
        .fn = move, .arg = &moving, .keep = {m->process.fd, tree}, .n_keep = in ? 2 : 1};

    assert(m->state == PRIV_RUNNING && v->doing == VOLUME_STILL);
    return in && tree < 0 ? tree : job_start(h, &plan, done, v);
}

static struct machine *
guest_of(struct host *h, const struct volume *v)
{
    struct machine *m = machine_find(h, v->is.machine);

    return m && m->state == PRIV_RUNNING ? m : NULL;
}

static void
answer_in_words(struct host *h, const struct ticket *t, int status, const char *id,
                const char *what)
{
    struct why why = {""};

    if (status < 0)
        why_set(&why, -status, "volume %s %s: %s", id, what, strerror(-status));
    answer(h, t, status, why.text, strlen(why.text));
}

static void
entered(struct host *h, void *ctx, int status)
{
    struct volume *v = ctx;

    assert(volume_ok(h, v) && v->doing == VOLUME_ENTERING);
    v->doing = VOLUME_STILL;
    v->entered = status == 0 && guest_of(h, v);
    if (status < 0 && !guest_of(h, v))
        status = 0; /* it has ended, and its next boot has the volume */
    answer_in_words(h, &v->ticket, status, v->is.id, "could not become a device of the guest");
    if (status == 0)
        log_info("volume %s is loop%d, %s of %s", v->is.id, v->loop, v->is.device, v->is.machine);
    else if (device_close(h, v) == 0)
        volume_free(h, v);
}

/* 0: it is in, or *ret_later. */
static int
enter(struct host *h, struct volume *v, const struct ticket *ticket, bool *ret_later,
      struct why *why)
{
    struct machine *m = guest_of(h, v);

    assert(v->loop >= 0 && !v->revoked && ticket->seq != 0);
    if (!m || v->entered)
        return 0;
    int r = move_begin(h, v, m, true, entered);
    if (r < 0)
        return why_set(why, -r, "the volume's device could not be made: %s", strerror(-r));
    v->doing = VOLUME_ENTERING;
    v->ticket = *ticket;
    *ret_later = true;
    return 0;
}

/* With its bytes there. */
static int
begin(struct host *h, struct volume *v, const struct ticket *ticket, bool *ret_later,
      struct why *why)
{
    int r = device_open(h, v, why);

    assert(r < 0 || (v->loop >= 0 && !v->entered));
    if (r == 0)
        r = enter(h, v, ticket, ret_later, why);
    if (r < 0 && (v->loop < 0 || device_close(h, v) == 0))
        volume_free(h, v);
    return r;
}

static int
copy_in_child(const void *arg)
{
    return bytes_copy(arg);
}

static void
filled(struct host *h, void *ctx, int status)
{
    struct volume *v = ctx;
    struct ticket ticket = v->ticket;
    bool later = false;
    struct why why = {""};

    assert(volume_ok(h, v) && v->doing == VOLUME_COPYING);
    v->doing = VOLUME_STILL;
    if (status < 0) {
        answer_in_words(h, &ticket, status, v->is.id, "could not be made of its snapshot");
        volume_free(h, v);
        return;
    }
    int r = begin(h, v, &ticket, &later, &why);
    if (!later)
        answer(h, &ticket, r, why.text, strlen(why.text));
}

/* A volume that was in no guest yet has no file.  Its bytes may be those of a snapshot. */
static int
fill_begin(struct host *h, struct volume *v, const struct ticket *ticket, struct why *why)
{
    FD_CLEANUP int source = v->is.from[0] ? open_file(h, v->is.from) : -1;
    struct bytes_copy c = {.source = source,
                           .to = h->volume_files,
                           .loop = -1,
                           .bytes = v->is.bytes,
                           .name = v->is.id};
    struct job_plan plan = {.fn = copy_in_child,
                            .arg = &c,
                            .is_long = true,
                            .keep = {h->volume_files, source},
                            .n_keep = source < 0 ? 1 : 2};

    if (v->is.from[0] && source < 0)
        return why_set(why, -source, "the snapshot %s could not be opened: %s", v->is.from,
                       strerror(-source));
    int r = job_start(h, &plan, filled, v);
    if (r < 0)
        return why_set(why, -r, "no process could be made to copy the snapshot");
    v->doing = VOLUME_COPYING;
    v->ticket = *ticket;
    return 0;
}

static int
attach(struct host *h, const struct priv_volume *q, const struct ticket *ticket, bool *ret_later,
       struct why *why)
{
    struct volume *v = volume_new(h, q);
    int r;

    if (!v)
        return why_set(why, ENOMEM, "out of memory");
    if (faccessat(h->volume_files, q->id, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return begin(h, v, ticket, ret_later, why);
    r = fill_begin(h, v, ticket, why);
    if (r < 0)
        volume_free(h, v);
    *ret_later = r == 0;
    return r;
}

int
volume_in(struct host *h, const struct priv_volume *q, const struct ticket *ticket, bool *ret_later,
          struct why *why)
{
    struct volume *v = volume_find(h, q->id);

    *ret_later = false;
    if (h->no_volumes)
        return why_set(why, EOPNOTSUPP, "%s", h->no_volumes);
    if (v && v->doing == VOLUME_STILL && (strcmp(v->is.machine, q->machine) != 0 || v->revoked) &&
        !guest_of(h, v) && device_close(h, v) == 0) {
        volume_free(h, v); /* of a machine that ended while no daemon was there */
        v = NULL;
    }
    if (!v)
        return attach(h, q, ticket, ret_later, why);
    if (strcmp(v->is.machine, q->machine) != 0 || v->revoked || v->doing == VOLUME_LEAVING)
        return why_set(why, EBUSY, "volume %s is still in use in %s", q->id, v->is.machine);
    if (v->doing != VOLUME_STILL) { /* the daemon that asked first is gone */
        v->ticket = *ticket;
        *ret_later = true;
        return 0;
    }
    int r = q->bytes > v->is.bytes ? device_grow(h, v, q->bytes, why) : 0;

    return r < 0 ? r : enter(h, v, ticket, ret_later, why);
}

static void
left(struct host *h, void *ctx, int status)
{
    struct volume *v = ctx;
    struct ticket ticket = v->ticket;
    char id[PRIV_ID_MAX];

    assert(volume_ok(h, v) && v->doing == VOLUME_LEAVING);
    v->doing = VOLUME_STILL;
    memcpy(id, v->is.id, sizeof(id));
    if (status < 0 && guest_of(h, v))
        log_warn("the device of volume %s stays in %s and opens nothing: %s", id, v->is.machine,
                 strerror(-status));
    v->entered = false;
    status = device_close(h, v);
    if (status == 0)
        volume_free(h, v);
    answer_in_words(h, &ticket, status, id, "is still open in the guest");
}

int
volume_out(struct host *h, const struct priv_volume_out *q, const struct ticket *ticket,
           bool *ret_later, struct why *why)
{
    struct volume *v = volume_find(h, q->id);
    struct machine *m = v ? guest_of(h, v) : NULL;
    int r = 0;

    *ret_later = false;
    if (!v)
        return 0;
    if (v->doing != VOLUME_STILL)
        return why_set(why, EBUSY, "volume %s is being moved", q->id);
    if (!q->force && !v->revoked && is_claimed(v))
        return why_set(why, EBUSY, "volume %s is mounted in %s", q->id, v->is.machine);
    if (q->force && (r = device_kill(h, v)) < 0)
        return why_set(why, -r, "volume %s could not be taken away: %s", q->id, strerror(-r));
    if (m && v->entered) {
        node_revoke(h, v->is.id);
        if ((r = move_begin(h, v, m, false, left)) < 0)
            return why_set(why, -r, "volume %s could not be taken away: %s", q->id, strerror(-r));
        v->doing = VOLUME_LEAVING;
        v->ticket = *ticket;
        *ret_later = true;
        return 0;
    }
    r = device_close(h, v);
    if (r < 0)
        return why_set(why, -r, "volume %s is still in use in %s", q->id, v->is.machine);
    volume_free(h, v);
    return 0;
}

/* ---- bytes ---- */

int
volume_drop(struct host *h, const struct priv_volume_drop *q, struct why *why)
{
    struct volume *v = volume_find(h, q->id);

    if (v && (v->doing != VOLUME_STILL || device_close(h, v) < 0))
        return why_set(why, EBUSY, "volume %s is in use", q->id);
    if (v)
        volume_free(h, v);
    if (h->volume_files >= 0 && unlinkat(h->volume_files, q->id, 0) < 0 && errno != ENOENT)
        return why_set(why, errno, "the bytes of %s could not be deleted", q->id);
    return 0;
}

struct copying {
    struct ticket ticket;
    char id[PRIV_ID_MAX];
};

static void
copied(struct host *h, void *ctx, int status)
{
    struct copying *c = ctx;

    answer_in_words(h, &c->ticket, status, c->id, "could not be copied");
    free(c);
}

int
volume_copy(struct host *h, const struct priv_volume_copy *q, const struct ticket *ticket,
            bool *ret_later, struct why *why)
{
    const struct volume *v = volume_find(h, q->id);
    FD_CLEANUP int file = open_file(h, q->id);
    FD_CLEANUP int from = file < 0 && q->from[0] ? open_file(h, q->from) : -1;
    int source = file >= 0 ? file : from;
    struct bytes_copy c = {.source = source,
                           .to = h->volume_files,
                           .bytes = q->bytes,
                           .name = q->name,
                           .loop = v ? v->loop : -1,
                           .mounted = v && v->loop >= 0 && is_claimed(v)};
    /* A file system that stands still must go on. */
    struct job_plan plan = {.fn = copy_in_child,
                            .arg = &c,
                            .is_long = true,
                            .outlives = true,
                            .keep = {h->volume_files, source},
                            .n_keep = source < 0 ? 1 : 2};

    *ret_later = false;
    if (faccessat(h->volume_files, q->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return 0; /* it was asked for before, and is whole */
    if (file < 0 && q->from[0] && from < 0)
        return why_set(why, -from, "the snapshot %s could not be opened: %s", q->from,
                       strerror(-from));
    struct copying *copying = calloc(1, sizeof(*copying));
    int r = copying ? job_start(h, &plan, copied, copying) : -ENOMEM;

    if (r < 0) {
        free(copying);
        return why_set(why, -r, "no process could be made to copy the volume");
    }
    copying->ticket = *ticket;
    memcpy(copying->id, q->id, sizeof(copying->id));
    *ret_later = true;
    return 0;
}

/* ---- life ---- */

/* "TAG vol-… i-… sdf 0" */
static bool
parse(const struct host *h, const char *name, struct priv_volume *ret, uint32_t *ret_nvme)
{
    char tag[8];

    *ret = (struct priv_volume){0};
    return sscanf(name, "%7s %31s %31s %11s %u", tag, ret->id, ret->machine, ret->device,
                  ret_nvme) == 5 &&
           strcmp(tag, h->tag) == 0 && machine_id_ok(ret->id) && machine_id_ok(ret->machine);
}

static void
adopt(struct host *h, int number)
{
    FD_CLEANUP int fd = loop_open(number, O_RDONLY);
    char name[LO_NAME_SIZE + 1] = {0};
    struct loop_info64 info;
    struct priv_volume is;
    uint32_t nvme;

    if (fd < 0 || loop_status(fd, &info) < 0)
        return;
    memcpy(name, info.lo_file_name, LO_NAME_SIZE);
    if (!parse(h, name, &is, &nvme) || volume_find(h, is.id))
        return;
    is.bytes = info.lo_sizelimit;
    is.nvme = nvme > 0;
    struct volume *v = volume_new(h, &is);
    if (!v)
        return;
    v->loop = number;
    v->nvme = nvme;
    /* Without a node of its own it was on its way in or out: whoever asked asks again. */
    v->entered = guest_of(h, v) && faccessat(h->nodes, is.id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    v->revoked = (info.lo_flags & LO_FLAGS_AUTOCLEAR) != 0;
    v->entered = v->entered && !v->revoked;
    assert(volume_ok(h, v));
    log_info("volume %s, loop%d of %s, is adopted", is.id, number, is.machine);
}

const char *
volumes_missing(struct host *h)
{
    FD_CLEANUP int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
    FD_CLEANUP int device = number < 0 ? -1 : loop_open(number, O_RDWR);

    if (h->volume_files < 0 || h->nodes < 0)
        return "its folders could not be made";
    if (control < 0 || number < 0)
        return "this host has no loop devices (`modprobe loop`, or run outside of the container "
               "that hides /dev/loop-control)";
    return device < 0 ? "loop devices cannot be opened here" : NULL;
}

void
volumes_adopt(struct host *h)
{
    DIR *d = opendir("/sys/block");
    struct dirent *e;

    while (d && !h->no_volumes && (e = readdir(d))) {
        uint64_t number;

        if (strncmp(e->d_name, "loop", 4) == 0 && str_to_u64(str_from(e->d_name + 4), &number) &&
            number < INT32_MAX)
            adopt(h, (int)number);
    }
    if (d)
        closedir(d);
}

void
volumes_close(struct host *h)
{
    while (h->volumes) {
        struct volume *v = h->volumes;

        v->entered = false;
        v->doing = VOLUME_STILL; /* whatever was begun ends with us */
        if (v->loop >= 0 && device_close(h, v) < 0)
            log_warn("the device of volume %s goes when nothing holds it any more", v->is.id);
        volume_free(h, v);
    }
}

void
volumes_left(struct host *h, const char *machine)
{
    assert(machine_id_ok(machine));
    for (struct volume *v = h->volumes; v; v = v->next)
        if (strcmp(v->is.machine, machine) == 0)
            v->entered = false;
}
