/*
 * See disk_fake.h.  Data is small (a test's database), so files are flat arrays and unsynced
 * writes a list; a sync costs what was written since the last one.
 */
#include "sys/disk_fake.h"

#include "sys/env.h"

#include <stdio.h>
#include <stdlib.h>

enum { FILE_BYTES_MAX = 1 << 30, PATH_BYTES_MAX = 512 };

struct image {
    char *p;
    size_t n, cap;
};

/* Something done since the last sync: bytes at an offset, or (p == NULL) a new size. */
struct change {
    struct change *next;
    char *p;
    size_t at, n;
};

struct disk_fake_file {
    struct disk_fake_file *next;
    char name[PATH_BYTES_MAX];
    struct image now, synced;
    struct change *changes, **changes_end;
    bool exists, synced_exists;
    const void *locker;
};

struct handle {
    sqlite3_file base;
    struct disk_fake *disk;
    struct disk_fake_file *file;
    unsigned epoch;
    bool delete_on_close;
};

static void *
must(void *p)
{
    if (!p)
        abort();
    return p;
}

static uint64_t
draw(struct disk_fake *disk)
{
    return env_fake_draw(&disk->rng);
}

static void
image_resize(struct image *image, size_t n)
{
    assert(image->n <= image->cap);
    if (n > image->cap) {
        image->cap = MAX(n, image->cap * 2);
        image->p = must(realloc(image->p, image->cap));
    }
    if (n > image->n)
        memset(image->p + image->n, 0, n - image->n);
    image->n = n;
}

static void
image_write(struct image *image, const char *p, size_t at, size_t n)
{
    if (n == 0)
        return;
    if (at + n > image->n)
        image_resize(image, at + n);
    memcpy(image->p + at, p, n);
    assert(image->n <= image->cap);
}

static void
image_apply(struct image *image, const struct change *c)
{
    if (c->p)
        image_write(image, c->p, c->at, c->n);
    else
        image_resize(image, c->at);
}

static void
note(struct disk_fake_file *f, const void *p, size_t at, size_t n)
{
    struct change *c = must(calloc(1, sizeof(*c)));

    assert(at <= FILE_BYTES_MAX && n <= FILE_BYTES_MAX - at);
    c->at = at;
    c->n = n;
    if (p) {
        c->p = must(malloc(MAX(n, 1)));
        memcpy(c->p, p, n);
    }
    assert(*f->changes_end == NULL);
    *f->changes_end = c;
    f->changes_end = &c->next;
    image_apply(&f->now, c);
}

static void
forget_changes(struct disk_fake_file *f)
{
    while (f->changes) {
        struct change *c = f->changes;

        f->changes = c->next;
        free(c->p);
        free(c);
    }
    f->changes_end = &f->changes;
}

static struct disk_fake_file *
find(const struct disk_fake *disk, const char *name)
{
    struct disk_fake_file *f = disk->files;

    while (f && strcmp(f->name, name) != 0)
        f = f->next;
    return f;
}

static struct disk_fake_file *
add_file(struct disk_fake *disk, const char *name)
{
    struct disk_fake_file *f = must(calloc(1, sizeof(*f)));

    assert(strlen(name) < sizeof(f->name));
    f->changes_end = &f->changes;
    snprintf(f->name, sizeof(f->name), "%s", name);
    f->next = disk->files;
    return disk->files = f;
}

static bool
op_fails(struct disk_fake *disk)
{
    assert(disk->fail_at == 0 || disk->fail_errno > 0);
    disk->n_ops++;
    return disk->fail_at &&
           (disk->n_ops == disk->fail_at || (disk->fail_on && disk->n_ops > disk->fail_at));
}

static int
full_or(const struct disk_fake *disk, int rc)
{
    return disk->fail_errno == ENOSPC ? SQLITE_FULL : rc;
}

static bool
dead(const struct handle *h)
{
    return h->epoch != h->disk->epoch;
}

static int
io_close(sqlite3_file *file)
{
    struct handle *h = (struct handle *)file;

    if (!dead(h) && h->file->locker == h)
        h->file->locker = NULL;
    if (!dead(h) && h->delete_on_close)
        h->file->exists = h->file->synced_exists = false;
    return SQLITE_OK;
}

static int
io_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
    struct handle *h = (struct handle *)file;
    const struct image *image = &h->file->now;
    size_t have;

    assert(n >= 0 && at >= 0);
    if (dead(h))
        return SQLITE_IOERR_READ;
    have = (size_t)at < image->n ? MIN(image->n - (size_t)at, (size_t)n) : 0;
    if (have)
        memcpy(p, image->p + at, have);
    memset((char *)p + have, 0, (size_t)n - have);
    return have == (size_t)n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int
io_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    struct handle *h = (struct handle *)file;

    assert(n >= 0 && at >= 0);
    if (dead(h))
        return SQLITE_IOERR_WRITE;
    if (at + n > FILE_BYTES_MAX)
        return SQLITE_FULL;
    if (op_fails(h->disk)) {
        if (draw(h->disk) & 1)
            note(h->file, p, (size_t)at, (size_t)n / 2);
        return full_or(h->disk, SQLITE_IOERR_WRITE);
    }
    assert(h->file->exists || h->delete_on_close);
    note(h->file, p, (size_t)at, (size_t)n);
    return SQLITE_OK;
}

static int
io_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct handle *h = (struct handle *)file;

    assert(size >= 0);
    if (dead(h) || op_fails(h->disk))
        return SQLITE_IOERR_TRUNCATE;
    note(h->file, NULL, (size_t)size, 0);
    return SQLITE_OK;
}

static int
io_sync(sqlite3_file *file, int flags)
{
    struct handle *h = (struct handle *)file;

    (void)flags;
    if (dead(h) || op_fails(h->disk))
        return SQLITE_IOERR_FSYNC;
    for (struct change *c = h->file->changes; c; c = c->next)
        image_apply(&h->file->synced, c);
    forget_changes(h->file);
    h->file->synced_exists = h->file->exists;
    return SQLITE_OK;
}

static int
io_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    struct handle *h = (struct handle *)file;

    if (dead(h))
        return SQLITE_IOERR_FSTAT;
    *ret = (sqlite3_int64)h->file->now.n;
    return SQLITE_OK;
}

static int
io_lock(sqlite3_file *file, int level)
{
    struct handle *h = (struct handle *)file;

    (void)level;
    if (dead(h))
        return SQLITE_IOERR_LOCK;
    if (h->file->locker && h->file->locker != h)
        return SQLITE_BUSY;
    h->file->locker = h;
    return SQLITE_OK;
}

static int
io_unlock(sqlite3_file *file, int level)
{
    struct handle *h = (struct handle *)file;

    if (!dead(h) && level == SQLITE_LOCK_NONE && h->file->locker == h)
        h->file->locker = NULL;
    return SQLITE_OK;
}

static int
io_check_lock(sqlite3_file *file, int *ret)
{
    struct handle *h = (struct handle *)file;

    *ret = h->file->locker && h->file->locker != h;
    return SQLITE_OK;
}

static int
io_control(sqlite3_file *file, int op, void *arg)
{
    (void)file;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int
io_sector(sqlite3_file *file)
{
    return (int)((struct handle *)file)->disk->sector_bytes;
}

/* Bytes beside those written are never harmed, as SQLite assumes of real disks, too. */
static int
io_traits(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* Version 1: no shared memory, so WAL works in exclusive mode only. */
static const sqlite3_io_methods io_methods = {
    .iVersion = 1,
    .xClose = io_close,
    .xRead = io_read,
    .xWrite = io_write,
    .xTruncate = io_truncate,
    .xSync = io_sync,
    .xFileSize = io_size,
    .xLock = io_lock,
    .xUnlock = io_unlock,
    .xCheckReservedLock = io_check_lock,
    .xFileControl = io_control,
    .xSectorSize = io_sector,
    .xDeviceCharacteristics = io_traits,
};

static int
vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    struct disk_fake *disk = vfs->pAppData;
    struct handle *h = (struct handle *)file;
    struct disk_fake_file *f = find(disk, name ? name : "temporary");

    h->base.pMethods = NULL;
    if (!f || !f->exists) {
        if (!(flags & SQLITE_OPEN_CREATE))
            return SQLITE_CANTOPEN;
        if (!f)
            f = add_file(disk, name ? name : "temporary");
        if (!f->synced_exists) {
            forget_changes(f);
            f->now.n = f->synced.n = 0;
        } else if (f->now.n) { /* deleted without a sync, and made anew: as if emptied */
            note(f, NULL, 0, 0);
        }
        f->exists = true;
    }
    *h = (struct handle){.base.pMethods = &io_methods, .disk = disk, .file = f,
                         .epoch = disk->epoch,
                         .delete_on_close = flags & SQLITE_OPEN_DELETEONCLOSE};
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int
vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    struct disk_fake *disk = vfs->pAppData;
    struct disk_fake_file *f = find(disk, name);

    if (!f || !f->exists)
        return SQLITE_IOERR_DELETE_NOENT;
    if (op_fails(disk))
        return SQLITE_IOERR_DELETE;
    f->exists = false;
    if (sync)
        f->synced_exists = false;
    return SQLITE_OK;
}

static int
vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
    struct disk_fake_file *f = find(vfs->pAppData, name);

    (void)flags;
    *ret = f && f->exists;
    return SQLITE_OK;
}

static int
vfs_path(sqlite3_vfs *vfs, const char *name, int n, char *ret)
{
    (void)vfs;
    return snprintf(ret, (size_t)n, "%s", name) < MIN(n, PATH_BYTES_MAX) ? SQLITE_OK
                                                                        : SQLITE_CANTOPEN;
}

static int
vfs_random(sqlite3_vfs *vfs, int n, char *p)
{
    for (int i = 0; i < n; i++)
        p[i] = (char)draw(vfs->pAppData);
    return n;
}

static int
vfs_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

static int
vfs_time(sqlite3_vfs *vfs, double *ret)
{
    (void)vfs;
    *ret = 2461000.5; /* a Julian day in November 2025; the store asks SQLite for no times */
    return SQLITE_OK;
}

static int
vfs_last_error(sqlite3_vfs *vfs, int n, char *ret)
{
    (void)n;
    (void)ret;
    return ((struct disk_fake *)vfs->pAppData)->fail_errno;
}

void
disk_fake_init(struct disk_fake *disk, uint64_t seed, unsigned sector_bytes)
{
    assert(sector_bytes > 0);
    assert(sector_bytes == 512 || sector_bytes == 4096);
    *disk = (struct disk_fake){.rng = seed, .sector_bytes = sector_bytes};
    snprintf(disk->name, sizeof(disk->name), "disk-fake-%p", (void *)disk);
    disk->vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = sizeof(struct handle),
        .mxPathname = PATH_BYTES_MAX - 1,
        .zName = disk->name,
        .pAppData = disk,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_path,
        .xRandomness = vfs_random,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_last_error,
    };
    if (sqlite3_vfs_register(&disk->vfs, 0) != SQLITE_OK)
        abort();
}

void
disk_fake_copy(struct disk_fake *to, const struct disk_fake *from)
{
    assert(!to->files);
    for (const struct disk_fake_file *f = from->files; f; f = f->next) {
        if (!f->exists)
            continue;
        struct disk_fake_file *copy = add_file(to, f->name);

        image_write(&copy->now, f->now.p, 0, f->now.n);
        image_write(&copy->synced, f->now.p, 0, f->now.n);
        copy->exists = copy->synced_exists = true;
    }
}

void
disk_fake_done(struct disk_fake *disk)
{
    sqlite3_vfs_unregister(&disk->vfs);
    while (disk->files) {
        struct disk_fake_file *f = disk->files;

        disk->files = f->next;
        forget_changes(f);
        free(f->now.p);
        free(f->synced.p);
        free(f);
    }
}

void
disk_fake_fail_after(struct disk_fake *disk, uint64_t n, int err, bool on)
{
    assert(n == 0 || err > 0);
    disk->fail_at = n ? disk->n_ops + n : 0;
    disk->fail_errno = err;
    disk->fail_on = on;
}

/* Keeps, loses or tears each sector of a write that was not synced. */
static void
crash_write(struct disk_fake *disk, struct image *image, const struct change *c)
{
    size_t sector = disk->sector_bytes, n;

    for (size_t i = 0; i < c->n; i += n) {
        n = MIN(sector - (c->at + i) % sector, c->n - i);
        assert(n > 0 && n <= sector);
        switch (draw(disk) % 5) {
        case 0:
        case 1:
            break;
        case 2:
            image_write(image, c->p + i, c->at + i, draw(disk) % n);
            break;
        default:
            image_write(image, c->p + i, c->at + i, n);
        }
    }
}

static void
crash_file(struct disk_fake *disk, struct disk_fake_file *f)
{
    unsigned luck = draw(disk) % 4; /* 0: all is lost, 1: all is kept, else a part */

    for (const struct change *c = f->changes; c && luck; c = c->next) {
        if (luck == 1)
            image_apply(&f->synced, c);
        else if (c->p)
            crash_write(disk, &f->synced, c);
        else if (draw(disk) & 1)
            image_resize(&f->synced, c->at);
    }
    forget_changes(f);
    if (f->exists != f->synced_exists) /* made or deleted, and not synced */
        f->exists = f->synced_exists = draw(disk) & 1;
    f->locker = NULL;
    image_resize(&f->now, 0);
    image_write(&f->now, f->synced.p, 0, f->synced.n);
}

void
disk_fake_crash(struct disk_fake *disk)
{
    disk->epoch++;
    for (struct disk_fake_file *f = disk->files; f; f = f->next)
        crash_file(disk, f);
}

bool
disk_fake_holds(const struct disk_fake *disk, const void *p, size_t n)
{
    assert(n > 0);
    for (const struct disk_fake_file *f = disk->files; f; f = f->next)
        if (f->exists && f->now.n >= n && memmem(f->now.p, f->now.n, p, n))
            return true;
    return false;
}
