/*
 * See journal.h.
 */
#include "store/journal.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MAGIC = 0x4a4b4c57,         /* "WLKJ" */
    PIECE_BYTES_MAX = 64 << 10, /* SQLite's own unix VFS takes no more than 0x1ffff at once */
    AHEAD_BYTES_MIN = 64 << 10,
    AHEAD_BYTES_MAX = 1 << 20,
    FILES = 2,
};

struct head {
    uint32_t magic;
    uint32_t bytes; /* with this head */
    uint64_t number;
    uint64_t check; /* str_hash() of the records, seeded with the number */
};

static_assert(sizeof(struct head) == JOURNAL_HEAD_BYTES, "the head is what lies on disk");

struct file {
    sqlite3_file *io; /* of the VFS; NULL: closed */
    char *path;
    int64_t end, size;
    bool begun;    /* a group lies at its beginning */
    uint64_t last; /* the newest group in it */
};

struct journal {
    sqlite3_vfs *vfs;
    struct file files[FILES];
    unsigned current;
    int64_t file_bytes;
    uint64_t next;
};

bool
journal_parse(struct str bytes, uint64_t number, uint64_t *ret_number, struct str *ret_records,
              size_t *ret_bytes)
{
    struct head head;

    assert(str_ok(bytes));
    if (bytes.n < sizeof(head))
        return false;
    memcpy(&head, bytes.p, sizeof(head));
    if (head.magic != MAGIC || head.bytes < sizeof(head) || head.bytes > bytes.n ||
        head.number == 0 || (number && head.number != number))
        return false;
    *ret_records = str_cut(bytes, sizeof(head), head.bytes);
    *ret_number = head.number;
    *ret_bytes = head.bytes;
    return str_hash(*ret_records, head.number) == head.check;
}

static int
open_file(struct journal *j, struct file *f, const char *dir, unsigned which)
{
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_JOURNAL;
    sqlite3_file *io = calloc(1, (size_t)j->vfs->szOsFile);
    size_t n = strlen(dir) + sizeof("/journal.0");
    sqlite3_int64 size = 0;
    int rc;

    assert(which < FILES && !f->io);
    f->path = malloc(n);
    if (!io || !f->path) {
        free(io);
        return SQLITE_NOMEM;
    }
    snprintf(f->path, n, "%s/journal.%u", dir, which);
    rc = j->vfs->xOpen(j->vfs, f->path, io, flags, NULL);
    if (!io->pMethods) {
        free(io);
        return rc == SQLITE_OK ? SQLITE_INTERNAL : rc;
    }
    f->io = io;
    if (rc == SQLITE_OK)
        rc = io->pMethods->xFileSize(io, &size);
    f->size = size;
    if (rc == SQLITE_OK && size >= JOURNAL_HEAD_BYTES) {
        uint32_t magic;

        rc = io->pMethods->xRead(io, &magic, sizeof(magic), 0);
        f->begun = rc == SQLITE_OK && magic == MAGIC;
    }
    return rc;
}

int
journal_open(struct journal **ret, const char *vfs, const char *dir, uint64_t file_bytes)
{
    struct journal *j = calloc(1, sizeof(*j));
    int rc = SQLITE_OK;

    assert(file_bytes > 0 && file_bytes < INT64_MAX / 2);
    if (!j)
        return SQLITE_NOMEM;
    j->file_bytes = (int64_t)file_bytes;
    j->next = 1;
    j->vfs = sqlite3_vfs_find(vfs);
    if (!j->vfs)
        rc = SQLITE_ERROR;
    for (unsigned i = 0; i < FILES && rc == SQLITE_OK; i++)
        rc = open_file(j, &j->files[i], dir, i);
    if (rc != SQLITE_OK) {
        journal_close(j);
        return rc;
    }
    *ret = j;
    return SQLITE_OK;
}

struct journal *
journal_close(struct journal *j)
{
    for (unsigned i = 0; j && i < FILES; i++) {
        if (j->files[i].io)
            j->files[i].io->pMethods->xClose(j->files[i].io);
        free(j->files[i].io);
        free(j->files[i].path);
    }
    free(j);
    return NULL;
}

const char *
journal_path(const struct journal *j)
{
    assert(j->current < FILES);
    return j->files[j->current].path;
}

/* ---- reading ---- */

static int
read_file(struct file *f, struct buf *b)
{
    int rc = SQLITE_OK;

    assert(b->n == 0 && f->begun);
    if (!buf_reserve(b, (size_t)f->size))
        return SQLITE_NOMEM;
    while (rc == SQLITE_OK && (int64_t)b->n < f->size) {
        int n = (int)MIN(f->size - (int64_t)b->n, (int64_t)PIECE_BYTES_MAX);

        rc = f->io->pMethods->xRead(f->io, b->p + b->n, n, (sqlite3_int64)b->n);
        b->n += (size_t)n;
    }
    return rc;
}

struct replay {
    struct buf bytes[FILES];
    uint64_t first[FILES]; /* the first group of each file; 0: none */
};

static int
replay_file(struct journal *j, struct str all, uint64_t applied,
            int (*fn)(void *ctx, uint64_t number, struct str records), void *ctx)
{
    uint64_t number = 0;
    struct str records;
    size_t n;
    int rc = SQLITE_OK;

    assert(j->next > applied);
    while (rc == SQLITE_OK && journal_parse(all, number, &number, &records, &n)) {
        if (number > applied)
            rc = number == j->next ? fn(ctx, number, records) : SQLITE_CORRUPT;
        if (number > applied && rc == SQLITE_OK)
            j->next = number + 1;
        number++;
        all = str_cut(all, n, all.n);
    }
    return rc;
}

int
journal_replay(struct journal *j, uint64_t applied,
               int (*fn)(void *ctx, uint64_t number, struct str records), void *ctx,
               uint64_t *ret_first)
{
    struct replay r = {0};
    struct str records;
    size_t n;
    int rc = SQLITE_OK;

    assert(j->files[0].end == 0 && j->files[1].end == 0);
    for (unsigned i = 0; i < FILES; i++)
        buf_init(&r.bytes[i], (size_t)1 << 40);
    for (unsigned i = 0; i < FILES && rc == SQLITE_OK; i++) {
        if (j->files[i].begun)
            rc = read_file(&j->files[i], &r.bytes[i]);
        if (rc == SQLITE_OK)
            (void)journal_parse(buf_str(&r.bytes[i]), 0, &r.first[i], &records, &n);
    }
    j->next = applied + 1;
    *ret_first = MAX(r.first[0], r.first[1]);
    for (unsigned k = 0; k < FILES && rc == SQLITE_OK; k++) {
        unsigned i = r.first[0] <= r.first[1] ? k : 1 - k; /* the older file first */

        rc = replay_file(j, buf_str(&r.bytes[i]), applied, fn, ctx);
    }
    for (unsigned i = 0; i < FILES; i++)
        buf_done(&r.bytes[i]);
    return rc;
}

/* ---- writing ---- */

static int
write_at(struct file *f, const char *p, int64_t n, int64_t at)
{
    int rc = SQLITE_OK;

    assert(at >= 0);
    for (int64_t i = 0; i < n && rc == SQLITE_OK; i += PIECE_BYTES_MAX)
        rc = f->io->pMethods->xWrite(f->io, p + i, (int)MIN(n - i, (int64_t)PIECE_BYTES_MAX),
                                     at + i);
    return rc;
}

/*
 * The file has reached its end: zeroes for some time to come.  A sync of bytes within a file leaves
 * the file system's journal alone, which costs several times the sync itself.
 */
static int
write_ahead(struct file *f, int64_t end)
{
    static const char zeroes[AHEAD_BYTES_MIN];
    int64_t goal = end + MIN(MAX(end, (int64_t)AHEAD_BYTES_MIN), (int64_t)AHEAD_BYTES_MAX);
    int rc = SQLITE_OK;

    assert(end > f->size && goal > end);
    for (f->size = end; rc == SQLITE_OK && f->size < goal;) {
        int64_t n = MIN(goal - f->size, (int64_t)sizeof(zeroes));

        rc = write_at(f, zeroes, n, f->size);
        if (rc == SQLITE_OK)
            f->size += n;
    }
    return rc;
}

static int
sync_file(struct file *f)
{
    return f->io->pMethods->xSync(f->io, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
}

int
journal_reset(struct journal *j, uint64_t applied)
{
    static const char zeroes[JOURNAL_HEAD_BYTES];
    int rc = SQLITE_OK;

    assert(applied + 1 >= j->next);
    for (unsigned i = 0; i < FILES && rc == SQLITE_OK; i++) {
        struct file *f = &j->files[i];

        if (f->begun) {
            rc = write_at(f, zeroes, sizeof(zeroes), 0);
            if (rc == SQLITE_OK)
                rc = sync_file(f);
        }
        f->begun = rc != SQLITE_OK;
        f->end = 0;
        f->last = 0;
    }
    j->next = applied + 1;
    return rc;
}

bool
journal_ready(const struct journal *j, uint64_t applied)
{
    const struct file *f = &j->files[j->current], *other = &j->files[1 - j->current];

    assert(applied < j->next);
    return f->end < j->file_bytes || other->last <= applied;
}

/* The other file from its beginning; one that a huge group had grown gives its space back. */
static int
turn_over(struct journal *j)
{
    struct file *f = &j->files[1 - j->current];

    assert(f->last < j->files[j->current].last || f->last == 0);
    j->current = 1 - j->current;
    f->end = 0;
    if (f->size <= 4 * j->file_bytes)
        return SQLITE_OK;
    f->size = 0;
    return f->io->pMethods->xTruncate(f->io, 0);
}

int
journal_write(struct journal *j, struct buf *group, uint64_t *ret)
{
    struct head head = {.magic = MAGIC, .bytes = (uint32_t)group->n, .number = j->next};
    struct file *f;
    int64_t end;
    int rc = SQLITE_OK;

    assert(group->n >= sizeof(head) && group->n <= UINT32_MAX);
    head.check = str_hash(str_cut(buf_str(group), sizeof(head), group->n), head.number);
    memcpy(group->p, &head, sizeof(head));
    if (j->files[j->current].end >= j->file_bytes)
        rc = turn_over(j);
    f = &j->files[j->current];
    end = f->end + (int64_t)group->n;
    if (rc == SQLITE_OK)
        rc = write_at(f, group->p, (int64_t)group->n, f->end);
    if (rc == SQLITE_OK && end > f->size)
        rc = write_ahead(f, end);
    if (rc == SQLITE_OK)
        rc = sync_file(f);
    if (rc != SQLITE_OK)
        return rc;
    assert(f->last < j->next && end <= f->size);
    f->begun = true;
    f->end = end;
    f->last = *ret = j->next++;
    return SQLITE_OK;
}
