/*
 * From the journal into SQLite.
 *
 * Groups are filed many at a time: of all records of a row only the newest is written, and pages
 * that many commits touched are written once.  The number of the newest group that is filed is
 * changed in the same transaction, so a group is filed whole or not at all, and a restart knows
 * where to go on.
 *
 * A record speaks of a table by its number and has the columns in the order that the program had
 * which wrote it.  That program kept the SQL of its tables in the database (welkin_journal), and a
 * restart files with that, whatever the tables have become since.
 */
#include <stdlib.h>

#include "base/log.h"
#include "store/internal.h"

enum { PUT, GONE };

static char *
copy_text(const char *text)
{
    size_t n = strlen(text ? text : "") + 1;
    char *copy = store_alloc(n);

    memcpy(copy, text ? text : "", n);
    return copy;
}

void
filer_use_tables(struct filer *f, const struct store *store)
{
    assert(!f->tables && store->n_tables > 0);
    f->n_tables = store->n_tables;
    f->tables = store_alloc(f->n_tables * sizeof(*f->tables));
    for (size_t i = 0; i < f->n_tables; i++) {
        const struct store_table *t = store->tables[i].desc;

        f->tables[i] = (struct filed){
            .sql = {copy_text(t->sql_put), copy_text(t->sql_delete)},
            .kinds = record_kinds(t),
        };
    }
}

static int
step_row(struct filer *f, sqlite3_stmt *stmt, size_t *cap)
{
    assert(f->n_tables <= *cap);
    if ((size_t)sqlite3_column_int64(stmt, 0) != f->n_tables)
        return SQLITE_CORRUPT;
    if (f->n_tables == *cap) {
        *cap = MAX(*cap * 2, 64);
        f->tables = store_grow(f->tables, *cap * sizeof(*f->tables));
    }
    f->tables[f->n_tables++] = (struct filed){
        .sql = {copy_text((const char *)sqlite3_column_text(stmt, 1)),
                copy_text((const char *)sqlite3_column_text(stmt, 2))},
        .kinds = copy_text((const char *)sqlite3_column_text(stmt, 3)),
    };
    return SQLITE_OK;
}

int
filer_use_recorded(struct filer *f)
{
    sqlite3_stmt *stmt = NULL;
    size_t cap = 0;
    int rc;

    assert(!f->tables);
    rc = sqlite3_prepare_v2(f->db,
                            "SELECT number, put, gone, kinds FROM welkin_journal"
                            " ORDER BY number",
                            -1, &stmt, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        rc = step_row(f, stmt, &cap);
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

bool
filer_same_tables(const struct filer *a, const struct filer *b)
{
    assert(a != b);
    if (a->n_tables != b->n_tables)
        return false;
    for (size_t i = 0; i < a->n_tables; i++)
        if (strcmp(a->tables[i].sql[PUT], b->tables[i].sql[PUT]) != 0 ||
            strcmp(a->tables[i].sql[GONE], b->tables[i].sql[GONE]) != 0 ||
            strcmp(a->tables[i].kinds, b->tables[i].kinds) != 0)
            return false;
    return true;
}

int
filer_record_tables(const struct filer *f)
{
    sqlite3_stmt *stmt = NULL;
    int rc = db_exec(f->db, "DELETE FROM welkin_journal");

    assert(!sqlite3_get_autocommit(f->db));
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(f->db, "INSERT INTO welkin_journal VALUES (?, ?, ?, ?)", -1, &stmt,
                                NULL);
    for (size_t i = 0; i < f->n_tables && rc == SQLITE_OK; i++) {
        const struct filed *t = &f->tables[i];

        sqlite3_bind_int64(stmt, 1, (int64_t)i);
        sqlite3_bind_text(stmt, 2, t->sql[PUT], -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 3, t->sql[GONE], -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 4, t->kinds, -1, SQLITE_STATIC);
        rc = db_run(stmt);
    }
    sqlite3_finalize(stmt);
    return rc;
}

void
filer_done(struct filer *f)
{
    assert(f->tables || f->n_tables == 0);
    for (size_t i = 0; i < f->n_tables; i++) {
        for (unsigned k = 0; k < ARRAY_LEN(f->tables[i].sql); k++) {
            sqlite3_finalize(f->tables[i].stmt[k]);
            free(f->tables[i].sql[k]);
        }
        free(f->tables[i].kinds);
    }
    free(f->tables);
    sqlite3_finalize(f->begin);
    sqlite3_finalize(f->commit);
    sqlite3_finalize(f->note);
    buf_done(&f->scratch);
    *f = (struct filer){.db = f->db};
}

static int
prepare(struct filer *f, sqlite3_stmt **stmt, const char *sql)
{
    assert(sql[0]);
    if (*stmt)
        return SQLITE_OK;
    return sqlite3_prepare_v3(f->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
}

int
filer_begin(struct filer *f)
{
    int rc = prepare(f, &f->begin, "BEGIN IMMEDIATE");

    assert(sqlite3_get_autocommit(f->db));
    if (!f->scratch.max)
        buf_init(&f->scratch, STORE_ROW_BYTES_MAX * (size_t)8);
    return rc == SQLITE_OK ? db_run(f->begin) : rc;
}

static int
file_record(struct filer *f, const struct record *head, struct str columns)
{
    unsigned kind = head->kind == RECORD_PUT ? PUT : GONE;
    struct filed *t = &f->tables[head->table];
    int rc = prepare(f, &t->stmt[kind], t->sql[kind]);

    assert(head->table < f->n_tables);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(t->stmt[kind], 1, head->row_id);
    if (rc == SQLITE_OK && kind == PUT)
        rc = record_bind(t->kinds, columns, &f->scratch, t->stmt[kind]);
    return rc == SQLITE_OK ? db_run(t->stmt[kind]) : rc;
}

int
filer_file(struct filer *f, struct str records)
{
    struct record head;
    struct str columns;
    int rc = SQLITE_OK;

    assert(!sqlite3_get_autocommit(f->db));
    while (records.n && rc == SQLITE_OK) {
        if (!record_next(&records, &head, &columns) || head.table >= f->n_tables)
            return SQLITE_CORRUPT;
        if (!head.dead)
            rc = file_record(f, &head, columns);
    }
    return rc;
}

int
filer_commit(struct filer *f, uint64_t number)
{
    assert(number > 0);
    int rc = prepare(f, &f->note, "UPDATE welkin_filed SET number = ?");

    assert(!sqlite3_get_autocommit(f->db));
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(f->note, 1, (int64_t)number);
    if (rc == SQLITE_OK)
        rc = db_run(f->note);
    if (rc == SQLITE_OK)
        rc = prepare(f, &f->commit, "COMMIT");
    return rc == SQLITE_OK ? db_run(f->commit) : rc;
}

void
filer_rollback(struct filer *f)
{
    if (!sqlite3_get_autocommit(f->db))
        db_exec(f->db, "ROLLBACK");
}

/* ---- what a later record makes needless ---- */

static uint32_t *
slot_of(uint32_t *slots, size_t mask, const char *records, const struct record *head)
{
    size_t i =
        (size_t)(((uint64_t)head->row_id * 2 + 1) * (head->table + 0x9e3779b97f4a7c15) >> 20);
    struct record there;

    for (;; i++) {
        uint32_t *slot = &slots[i & mask];

        if (*slot == UINT32_MAX)
            return slot;
        memcpy(&there, records + *slot, sizeof(there));
        if (there.row_id == head->row_id && there.table == head->table)
            return slot;
    }
}

void
filer_thin_out(struct buf *records)
{
    size_t n = 0, cap = 64;
    struct str rest = buf_str(records), columns;
    struct record head;
    uint32_t *slots;

    assert(records->n < UINT32_MAX);
    while (record_next(&rest, &head, &columns))
        n++;
    while (cap < 2 * n)
        cap *= 2;
    slots = store_alloc(cap * sizeof(*slots));
    memset(slots, 0xff, cap * sizeof(*slots));
    for (rest = buf_str(records); rest.n;) {
        uint32_t at = (uint32_t)(records->n - rest.n), *slot;
        bool ok = record_next(&rest, &head, &columns);

        assert(ok);
        (void)ok;
        if (head.dead)
            continue;
        slot = slot_of(slots, cap - 1, records->p, &head);
        if (*slot != UINT32_MAX)
            records->p[*slot + offsetof(struct record, dead)] = 1;
        *slot = at;
    }
    free(slots);
}

/* ---- the log of SQLite into the database ---- */

static int
note_pages(void *arg, sqlite3 *db, const char *name, int n_pages)
{
    assert(n_pages >= 0);
    (void)db;
    (void)name;
    ((struct filer *)arg)->wal_pages = (uint64_t)n_pages;
    return SQLITE_OK;
}

void
filer_own_checkpoints(struct filer *f)
{
    assert(f->db && f->wal_pages == 0);
    /* This replaces SQLite's own, which would run inside a commit. */
    sqlite3_wal_hook(f->db, note_pages, f);
}

/* A failure loses nothing: the log keeps what was not copied, and a disk that stays bad will fail
 * a commit. */
void
filer_checkpoint(struct filer *f)
{
    assert(sqlite3_get_autocommit(f->db));
    int rc = sqlite3_wal_checkpoint_v2(f->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

    if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY)
        log_warn("store: checkpoint failed: %s", sqlite3_errmsg(f->db));
    f->wal_pages = 0;
}
