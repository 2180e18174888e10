/*
 * See disk_real.h.  Files other than logs are opened by the system's VFS in the memory that was
 * meant for us, and we are not in their way afterwards.
 */
#include "sys/disk_real.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "base/base.h"

enum {
    RUN_BYTES_MAX = 120 << 10, /* SQLite's own unix VFS takes no more than 0x1ffff bytes at once */
    AHEAD_BYTES_MIN = 64 << 10,
    AHEAD_BYTES_MAX = 1 << 20,
};

/* An open log.  The system's own file struct follows it. */
struct log_file {
    sqlite3_file base;
    char *run;        /* bytes that the kernel has not seen: one contiguous piece */
    sqlite3_int64 at; /* where it belongs */
    int n, cap;
    sqlite3_int64 size;       /* of the file, zeroes ahead included; -1: not asked yet */
    _Alignas(8) char inner[]; /* as SQLite aligns us */
};

static sqlite3_file *
inner_of(sqlite3_file *file)
{
    return (sqlite3_file *)((struct log_file *)file)->inner;
}

/*
 * The log has reached its end: zeroes for some time to come.  A sync of bytes within a file leaves
 * the file system's journal alone, which costs several times the sync itself.  SQLite takes zeroes
 * for the end of the log, as it takes what an earlier round left there.
 */
static int
write_ahead(sqlite3_file *file, sqlite3_int64 end)
{
    static const char zeroes[AHEAD_BYTES_MIN];
    struct log_file *f = (struct log_file *)file;
    sqlite3_int64 goal = end + MIN(MAX(end, AHEAD_BYTES_MIN), AHEAD_BYTES_MAX);
    int rc = SQLITE_OK;

    assert(end > 0 && f->size < end);
    for (f->size = end; rc == SQLITE_OK && f->size < goal;) {
        int n = (int)MIN(goal - f->size, (sqlite3_int64)sizeof(zeroes));
        assert(n > 0);

        rc = inner_of(file)->pMethods->xWrite(inner_of(file), zeroes, n, f->size);
        if (rc == SQLITE_OK)
            f->size += n;
        assert(f->size <= goal);
    }
    return rc;
}

/* What is lost when this fails was not synced, so nobody was told of it. */
static int
flush(sqlite3_file *file)
{
    struct log_file *f = (struct log_file *)file;
    sqlite3_int64 end = f->at + f->n;
    int n = f->n, rc = SQLITE_OK;

    assert(f->n >= 0 && f->n <= f->cap && f->at >= 0);
    f->n = 0;
    if (n == 0)
        return SQLITE_OK;
    if (f->size < 0)
        rc = inner_of(file)->pMethods->xFileSize(inner_of(file), &f->size);
    assert(rc != SQLITE_OK || f->size >= 0);
    if (rc == SQLITE_OK)
        rc = inner_of(file)->pMethods->xWrite(inner_of(file), f->run, n, f->at);
    if (rc == SQLITE_OK && end > f->size)
        rc = write_ahead(file, end);
    return rc;
}

static int
log_close(sqlite3_file *file)
{
    int rc = flush(file), rc2 = inner_of(file)->pMethods->xClose(inner_of(file));

    free(((struct log_file *)file)->run);
    return rc == SQLITE_OK ? rc2 : rc;
}

static int
log_read(sqlite3_file *file, void *p, int n, sqlite3_int64 at)
{
    int rc = flush(file);

    assert(n >= 0 && at >= 0);
    return rc == SQLITE_OK ? inner_of(file)->pMethods->xRead(inner_of(file), p, n, at) : rc;
}

static int
log_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    struct log_file *f = (struct log_file *)file;

    assert(f->n <= f->cap && f->cap <= RUN_BYTES_MAX);
    assert(n >= 0 && at >= 0);
    if (f->n && (at != f->at + f->n || n > RUN_BYTES_MAX - f->n)) {
        int rc = flush(file);

        if (rc != SQLITE_OK)
            return rc;
    }
    if (n > RUN_BYTES_MAX) {
        f->size = -1;
        assert(f->n == 0);
        return inner_of(file)->pMethods->xWrite(inner_of(file), p, n, at);
    }
    if (f->n + n > f->cap) {
        int cap = MIN(MAX(2 * f->cap, MAX(f->n + n, 1 << 16)), RUN_BYTES_MAX);
        char *run = realloc(f->run, (size_t)cap);

        if (!run)
            return SQLITE_NOMEM;
        f->run = run;
        f->cap = cap;
    }
    if (f->n == 0)
        f->at = at;
    assert(at == f->at + f->n);
    memcpy(f->run + f->n, p, (size_t)n);
    f->n += n;
    assert(f->n <= f->cap);
    return SQLITE_OK;
}

static int
log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = flush(file);

    assert(size >= 0);
    ((struct log_file *)file)->size = -1;
    return rc == SQLITE_OK ? inner_of(file)->pMethods->xTruncate(inner_of(file), size) : rc;
}

static int
log_sync(sqlite3_file *file, int flags)
{
    int rc = flush(file);

    return rc == SQLITE_OK ? inner_of(file)->pMethods->xSync(inner_of(file), flags) : rc;
}

static int
log_size(sqlite3_file *file, sqlite3_int64 *ret)
{
    int rc = flush(file);

    return rc == SQLITE_OK ? inner_of(file)->pMethods->xFileSize(inner_of(file), ret) : rc;
}

static int
log_lock(sqlite3_file *file, int level)
{
    return inner_of(file)->pMethods->xLock(inner_of(file), level);
}

static int
log_unlock(sqlite3_file *file, int level)
{
    return inner_of(file)->pMethods->xUnlock(inner_of(file), level);
}

static int
log_check_lock(sqlite3_file *file, int *ret)
{
    return inner_of(file)->pMethods->xCheckReservedLock(inner_of(file), ret);
}

static int
log_control(sqlite3_file *file, int op, void *arg)
{
    return inner_of(file)->pMethods->xFileControl(inner_of(file), op, arg);
}

static int
log_sector(sqlite3_file *file)
{
    return inner_of(file)->pMethods->xSectorSize(inner_of(file));
}

static int
log_traits(sqlite3_file *file)
{
    return inner_of(file)->pMethods->xDeviceCharacteristics(inner_of(file));
}

static const sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_size,
    .xLock = log_lock,
    .xUnlock = log_unlock,
    .xCheckReservedLock = log_check_lock,
    .xFileControl = log_control,
    .xSectorSize = log_sector,
    .xDeviceCharacteristics = log_traits,
};

static int
vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    sqlite3_vfs *system = vfs->pAppData;
    struct log_file *f = (struct log_file *)file;
    int rc;

    assert(system && file);
    if (!(flags & SQLITE_OPEN_WAL))
        return system->xOpen(system, name, file, flags, ret_flags);
    *f = (struct log_file){.size = -1};
    rc = system->xOpen(system, name, inner_of(file), flags, ret_flags);
    if (inner_of(file)->pMethods) /* set means that SQLite will call xClose, failed or not */
        f->base.pMethods = &log_methods;
    return rc;
}

static sqlite3_vfs gathering;

static void
make_vfs(void)
{
    sqlite3_vfs *system = sqlite3_vfs_find(NULL);

    if (!system)
        return;
    gathering = *system; /* its functions other than xOpen ask nothing of the struct */
    gathering.pNext = NULL;
    gathering.zName = "welkin";
    assert(gathering.szOsFile > 0);
    gathering.szOsFile = system->szOsFile + (int)sizeof(struct log_file);
    gathering.pAppData = system;
    gathering.xOpen = vfs_open;
    if (sqlite3_vfs_register(&gathering, 0) != SQLITE_OK)
        gathering.zName = NULL;
}

const char *
disk_real_vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_vfs);
    return gathering.zName;
}
