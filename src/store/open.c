/*
 * Opening: the lock, the database, what a crash left in the journal, the schema, the root key, and
 * all rows into memory.
 *
 * The schema is brought up to date in one transaction, so that a crash leaves the old one or the
 * new one.  What this binary does not know is refused rather than ignored: an older daemon that
 * wrote rows without a newer one's columns would lose them quietly.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "store/internal.h"
#include "sys/datadir.h"

enum {
    APPLICATION_ID = 0x574c4b4e, /* "WLKN" */
    LOAD_BYTES_MAX = 64 << 20,
    BUSY_MS = 30000, /* how long somebody's open write transaction may hold up our start */
};

#define KEY_FILE "root.key"
#define META "welkin_meta"
#define JOURNAL "welkin_journal" /* in META, so that a Welkin without a journal refuses */

/* Add a migration here when a table's version grows; see struct store_migration. */
static const struct store_migration built_in_migrations[] = {
    {NULL, 0, NULL},
};

static int PRINTF_LIKE(3, 4)
refuse(char why[STORE_WHY_BYTES], int err, const char *fmt, ...)
{
    va_list ap;

    assert(err > 0);
    va_start(ap, fmt);
    vsnprintf(why, STORE_WHY_BYTES, fmt, ap);
    va_end(ap);
    return -err;
}

static int
refuse_sql(char why[STORE_WHY_BYTES], const struct store *store)
{
    return refuse(why, EIO, "%s: %s", store->path, sqlite3_errmsg(store->db));
}

int
db_exec(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int
db_open(struct store *store, sqlite3 **ret)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int rc = sqlite3_open_v2(store->path, ret, flags, store->vfs);

    if (rc == SQLITE_OK) {
        sqlite3_extended_result_codes(*ret, 1);
        sqlite3_busy_timeout(*ret, BUSY_MS);
        sqlite3_wal_autocheckpoint(*ret, 0);
        sqlite3_db_config(*ret, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        /* Before whatever reads the schema, so that no shared memory is asked of the VFS. */
        if (!store->wants_thread)
            rc = db_exec(*ret, "PRAGMA locking_mode = EXCLUSIVE");
        /*
         * EXTRA is FULL once there is a WAL.  Before, it syncs the deletion of the journal that
         * makes the database: one that came back after a crash would roll all of it back.
         */
        if (rc == SQLITE_OK)
            rc = db_exec(*ret, "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;"
                               "PRAGMA cache_size = -8192; PRAGMA synchronous = EXTRA");
    }
    return rc == SQLITE_OK ? 0 : -EIO;
}

int
db_run(sqlite3_stmt *stmt)
{
    int rc = sqlite3_step(stmt), rc2 = sqlite3_reset(stmt);

    assert(stmt);
    return rc == SQLITE_DONE ? SQLITE_OK : rc2 != SQLITE_OK ? rc2 : SQLITE_INTERNAL;
}

/* The first column of the first row; 0 when there is none. */
static int
query_int(struct store *store, const char *sql, int64_t *ret)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);

    assert(sql && ret);
    *ret = 0;
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *ret = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : -EIO;
}

static int
exec_with(struct store *store, const char *sql, const char *name, int64_t number)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);

    assert(sql && name);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(stmt, 2, number);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? 0 : -EIO;
}

/* A column that the disk has and we do not: somebody newer wrote it. */
static int
check_columns(struct store *store, const struct store_table *t, bool *has, char *why)
{
    char sql[128];
    sqlite3_stmt *stmt = NULL;
    int r = 0;

    assert(t->n_columns <= STORE_COLUMNS_MAX);
    /* What a statement would answer is known without a walk, as PRAGMA table_info is one. */
    snprintf(sql, sizeof(sql), "SELECT * FROM \"%s\"", t->name);
    if (sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return refuse_sql(why, store);
    for (int c = 0; c < sqlite3_column_count(stmt) && r == 0; c++) {
        const char *name = sqlite3_column_name(stmt, c);
        bool known = strcmp(name, "_row") == 0;

        for (unsigned i = 0; i < t->n_columns; i++)
            if (strcmp(name, t->columns[i].name) == 0)
                known = has[i] = true;
        if (!known)
            r = refuse(why, EPROTO,
                       "%s was written by a newer Welkin: table %s has a column %s that this one "
                       "does not know",
                       store->path, t->name, name);
    }
    sqlite3_finalize(stmt);
    return r;
}

static int
migrate(struct store *store, const struct store_config *config, const struct store_table *t,
        int64_t from, char *why)
{
    const struct store_migration *all =
        config->migrations ? config->migrations : built_in_migrations;

    assert(from > 0 && from < t->version);
    for (; from < t->version; from++) {
        const struct store_migration *m = all;

        while (m->table && (strcmp(m->table, t->name) != 0 || m->from != from))
            m++;
        if (!m->table)
            return refuse(why, EPROTO, "%s: there is no way from version %d of table %s to %d",
                          store->path, (int)from, t->name, (int)from + 1);
        if (m->fn(store->db) != SQLITE_OK)
            return refuse_sql(why, store);
        log_info("table %s was brought from version %d to %d", t->name, (int)from, (int)from + 1);
    }
    return exec_with(store, "UPDATE " META " SET version = ?2 WHERE name = ?1", t->name,
                     t->version) < 0
               ? refuse_sql(why, store)
               : 0;
}

/* version: what the disk has, 0 when it has no such table. */
static int
bring_up_table(struct store *store, const struct store_config *config, const struct store_table *t,
               int64_t version, char *why)
{
    bool has[STORE_COLUMNS_MAX] = {false};
    int r;

    assert(t->n_columns <= STORE_COLUMNS_MAX);
    if (version == 0) {
        if (db_exec(store->db, t->sql_create) != SQLITE_OK ||
            exec_with(store, "INSERT INTO " META " VALUES (?, ?)", t->name, t->version) < 0)
            return refuse_sql(why, store);
        return 0;
    }
    if (version > t->version)
        return refuse(why, EPROTO,
                      "%s was written by a newer Welkin: table %s has version %d and this one "
                      "knows %d",
                      store->path, t->name, (int)version, t->version);
    if (version < t->version) {
        r = migrate(store, config, t, version, why);
        if (r < 0)
            return r;
    }
    r = check_columns(store, t, has, why);
    for (unsigned i = 0; i < t->n_columns && r == 0; i++) {
        if (has[i])
            continue;
        if (i == t->key)
            return refuse(why, EPROTO, "%s: table %s lacks its key", store->path, t->name);
        log_info("table %s gets a column %s", t->name, t->columns[i].name);
        if (db_exec(store->db, t->columns[i].sql_add) != SQLITE_OK)
            r = refuse_sql(why, store);
    }
    return r;
}

/* The version on disk of each table, 0 when there is none; all tables there must be ours. */
static int
read_versions(struct store *store, const struct store_config *config, int64_t *ret, char *why)
{
    sqlite3_stmt *stmt = NULL;
    int rc, r = 0;

    memset(ret, 0, config->n_tables * sizeof(*ret));
    rc = sqlite3_prepare_v2(store->db, "SELECT name, version FROM " META " ORDER BY name", -1,
                            &stmt, NULL);
    while (r == 0 && rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        bool known = strcmp(name, JOURNAL) == 0;

        for (size_t i = 0; i < config->n_tables && !known; i++) {
            known = strcmp(name, config->tables[i]->name) == 0;
            if (known)
                ret[i] = sqlite3_column_int64(stmt, 1);
        }
        if (!known)
            r = refuse(why, EPROTO,
                       "%s was written by a newer Welkin: it has a table %s that this one does not "
                       "know",
                       store->path, name);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(stmt);
    return r < 0 ? r : rc == SQLITE_DONE ? 0 : refuse_sql(why, store);
}

/* SQLite answers with the mode that it got, and without an error when that is another. */
static int
log_mode(struct store *store, char *why)
{
    sqlite3_stmt *stmt = NULL;
    const char *mode = NULL;
    int r = 0;

    if (sqlite3_prepare_v2(store->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        mode = (const char *)sqlite3_column_text(stmt, 0);
    if (!mode)
        r = refuse_sql(why, store);
    else if (strcmp(mode, "wal") != 0)
        r = refuse(why, ENOTSUP, "%s: a write-ahead log cannot be kept here", store->path);
    sqlite3_finalize(stmt);
    return r;
}

/* ---- the journal ---- */

struct replayed {
    struct filer *filer;
    uint64_t last;
};

static int
file_group(void *ctx, uint64_t number, struct str records)
{
    struct replayed *r = ctx;
    int rc = sqlite3_get_autocommit(r->filer->db) ? filer_begin(r->filer) : SQLITE_OK;

    assert(number > r->last);
    r->last = number;
    return rc == SQLITE_OK ? filer_file(r->filer, records) : rc;
}

/* Files what a crash left in the journal.  The database has a table for it. */
static int
replay(struct store *store, struct filer *filer, char *why)
{
    struct replayed r = {.filer = filer};
    uint64_t first = 0;
    int64_t filed;
    int rc;

    if (query_int(store, "SELECT number FROM welkin_filed", &filed) < 0 ||
        filer_use_recorded(filer) != SQLITE_OK)
        return refuse_sql(why, store);
    r.last = (uint64_t)filed;
    rc = journal_replay(store->journal, r.last, file_group, &r, &first);
    if (rc == SQLITE_CORRUPT)
        return refuse(why, EUCLEAN,
                      "%s/journal.0 and .1 do not belong to %s: they go on with group %llu and it "
                      "ends with group %lld; put the right ones there, or move them away to go on "
                      "without what they hold",
                      store->dir, store->path, (unsigned long long)first, (long long)filed);
    if (rc == SQLITE_OK && r.last > (uint64_t)filed) {
        rc = filer_commit(filer, r.last);
        log_info("%llu groups of commits were brought from the journal into %s",
                 (unsigned long long)(r.last - (uint64_t)filed), store->path);
    }
    if (rc == SQLITE_OK)
        rc = journal_reset(store->journal, r.last);
    filer_rollback(filer);
    store->unfiled_number = store->filed_number = r.last;
    return rc == SQLITE_OK ? 0
                           : refuse(why, EIO, "%s: the journal cannot be read or filed: %s",
                                    store->path, sqlite3_errstr(rc));
}

/* Opens the journal and, unless the database is older than that or new, files what is in it. */
static int
recover(struct store *store, struct filer *filer, char *why)
{
    int64_t has_tables;
    int rc = journal_open(&store->journal, store->vfs, store->dir, store->journal_bytes);

    if (rc != SQLITE_OK)
        return refuse(why, EIO, "%s/journal.0: %s", store->dir, sqlite3_errstr(rc));
    if (query_int(store, "SELECT count(*) FROM sqlite_master WHERE name = 'welkin_filed'",
                  &has_tables) < 0)
        return refuse_sql(why, store);
    if (has_tables)
        return replay(store, filer, why);
    rc = journal_reset(store->journal, 0);
    return rc == SQLITE_OK ? 0
                           : refuse(why, EIO, "%s/journal.0: %s", store->dir, sqlite3_errstr(rc));
}

/* Within the transaction that brings up the schema: from now on the journal is of our tables. */
static int
bring_up_journal(struct store *store, const struct filer *recorded, char *why)
{
    filer_use_tables(&store->filer, store);
    if (filer_same_tables(&store->filer, recorded))
        return 0;
    if (db_exec(store->db,
                "CREATE TABLE IF NOT EXISTS welkin_filed (number INTEGER NOT NULL);"
                "INSERT INTO welkin_filed SELECT 0"
                " WHERE NOT EXISTS (SELECT * FROM welkin_filed);"
                "CREATE TABLE IF NOT EXISTS welkin_journal (number INTEGER PRIMARY KEY,"
                " put TEXT NOT NULL, gone TEXT NOT NULL, kinds TEXT NOT NULL);"
                "INSERT OR IGNORE INTO " META " VALUES ('" JOURNAL "', 1)") != SQLITE_OK ||
        filer_record_tables(&store->filer) != SQLITE_OK)
        return refuse_sql(why, store);
    return 0;
}

/* The transaction has begun. */
static int
bring_up_all(struct store *store, const struct store_config *config, bool is_new,
             const struct filer *recorded, char *why)
{
    int64_t *versions;
    char sql[64];
    int r;

    assert(!sqlite3_get_autocommit(store->db));
    snprintf(sql, sizeof(sql), "PRAGMA application_id = %d", APPLICATION_ID);
    if ((is_new && db_exec(store->db, sql) != SQLITE_OK) ||
        db_exec(store->db, "CREATE TABLE IF NOT EXISTS " META
                           " (name TEXT NOT NULL UNIQUE, version INTEGER NOT NULL)") != SQLITE_OK)
        return refuse_sql(why, store);
    versions = store_alloc(config->n_tables * sizeof(*versions));
    r = read_versions(store, config, versions, why);
    for (size_t i = 0; i < config->n_tables && r == 0; i++)
        r = bring_up_table(store, config, config->tables[i], versions[i], why);
    free(versions);
    if (r == 0)
        r = bring_up_journal(store, recorded, why);
    if (r == 0 && db_exec(store->db, "COMMIT") != SQLITE_OK)
        r = refuse_sql(why, store);
    return r;
}

static int
bring_up_schema(struct store *store, const struct store_config *config, char *why)
{
    struct filer recorded = {.db = store->db};
    int64_t id, n_objects;
    int r;

    if (query_int(store, "PRAGMA application_id", &id) < 0 ||
        query_int(store, "SELECT count(*) FROM sqlite_master", &n_objects) < 0)
        return refuse_sql(why, store);
    if (id != APPLICATION_ID && (id != 0 || n_objects != 0))
        return refuse(why, EPROTO, "%s is a database of another program", store->path);
    r = log_mode(store, why);
    if (r == 0)
        r = recover(store, &recorded, why);
    if (r == 0 && db_exec(store->db, "BEGIN IMMEDIATE") != SQLITE_OK)
        r = refuse_sql(why, store);
    if (r == 0)
        r = bring_up_all(store, config, id == 0, &recorded, why);
    filer_done(&recorded);
    return r;
}

static int
load_row(struct store *store, struct table *t, sqlite3_stmt *stmt, struct arena *a, void *row,
         char *why)
{
    int64_t row_id = sqlite3_column_int64(stmt, 0);
    const char *column = "";
    struct store_key keys[STORE_INDEX_COLUMNS_MAX + 1];
    struct version *v;
    int r = row_from_sql(t->desc, stmt, &store->seal, a, row, &column);

    if (r == -ENOKEY)
        return refuse(why, ENOKEY,
                      "%s/" KEY_FILE " %s that sealed column %s of table %s (row %lld): put the "
                      "right file back",
                      store->dir, store->seal.has_key ? "is not the key" : "is missing, the key",
                      column, t->desc->name, (long long)row_id);
    if (r < 0)
        return refuse(why, EUCLEAN, "%s is damaged: table %s, row %lld, column %s", store->path,
                      t->desc->name, (long long)row_id, column);
    if (row_id <= 0 || row_key(t->desc, row).n == 0)
        return refuse(why, EUCLEAN, "%s is damaged: table %s, row %lld has no %s", store->path,
                      t->desc->name, (long long)row_id, row_id <= 0 ? "number" : "key");
    if (hash_get(&t->hash, t->desc, row_key(t->desc, row), store->hash_seed))
        return refuse(why, EUCLEAN, "%s is damaged: table %s has the key of row %lld twice",
                      store->path, t->desc->name, (long long)row_id);
    for (unsigned i = 0; i < t->desc->n_indexes; i++) {
        const struct store_index *x = t->desc->indexes[i];

        order_keys(x, row, keys, x->n_columns);
        if (x->unique && order_covers(x, row) && order_find(&t->orders[i], keys, x->n_columns))
            return refuse(why, EUCLEAN, "%s is damaged: table %s, row %lld is twice in %s",
                          store->path, t->desc->name, (long long)row_id, x->name);
    }
    v = version_new(t->desc, row, row_id);
    if (!v)
        return refuse(why, EUCLEAN, "%s is damaged: table %s, row %lld is too large", store->path,
                      t->desc->name, (long long)row_id);
    hash_put(&t->hash, t->desc, v, store->hash_seed);
    for (unsigned i = 0; i < t->desc->n_indexes; i++)
        order_change(&t->orders[i], NULL, v);
    t->next_row_id = MAX(t->next_row_id, row_id + 1);
    store->n_rows++;
    store->row_bytes += v->bytes;
    return 0;
}

static int
load_table(struct store *store, struct table *t, char *why)
{
    sqlite3_stmt *stmt = NULL;
    struct arena a;
    void *row = store_alloc(t->desc->row_bytes);
    int rc, r = 0;

    assert(t->hash.n == 0);
    arena_init(&a, LOAD_BYTES_MAX);
    rc = sqlite3_prepare_v2(store->db, t->desc->sql_load, -1, &stmt, NULL);
    while (r == 0 && rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        r = load_row(store, t, stmt, &a, row, why);
        arena_reset(&a);
        rc = SQLITE_OK;
    }
    if (r == 0 && rc != SQLITE_DONE)
        r = refuse_sql(why, store);
    sqlite3_finalize(stmt);
    arena_done(&a);
    if (t->desc->has_secrets)
        explicit_bzero(row, t->desc->row_bytes);
    free(row);
    return r;
}

/* Reads root.key, when a table has secrets.  Absent is no error here: see make_key(). */
static int
read_key(struct store *store, const struct store_config *config, bool *ret_wanted, char *why)
{
    uint8_t key[STORE_ROOT_KEY_BYTES];
    int r = 0;

    assert(!store->seal.has_key);
    *ret_wanted = false;
    for (size_t i = 0; i < config->n_tables; i++)
        *ret_wanted |= config->tables[i]->has_secrets;
    if (!*ret_wanted)
        return 0;
    if (seal_init(&store->seal) < 0)
        return refuse(why, ENOTSUP, "libcrypto has no AES-256-GCM");
    if (config->root_key) {
        seal_set_key(&store->seal, config->root_key);
        return 0;
    }
    if (store->vfs)
        return refuse(why, ENOKEY, "a store on a fake disk needs a root key for its secrets");
    r = datadir_read_key(store->dir, KEY_FILE, key, sizeof(key));
    if (r == 0)
        seal_set_key(&store->seal, key);
    explicit_bzero(key, sizeof(key));
    if (r == -EPERM)
        return refuse(why, EPERM, "%s/" KEY_FILE " may be read by others: make its mode 0600",
                      store->dir);
    if (r < 0 && r != -ENOENT)
        return refuse(why, -r, "%s/" KEY_FILE ": %s", store->dir,
                      r == -EUCLEAN ? "it does not hold 32 bytes" : strerror(-r));
    return 0;
}

/* The first start, or nothing was ever sealed: everything was loaded without a key. */
static int
make_key(struct store *store, char *why)
{
    uint8_t key[STORE_ROOT_KEY_BYTES];
    int r;

    assert(!store->seal.has_key);
    store->env->random(store->env, key, sizeof(key));
    r = datadir_write_key(store->dir, KEY_FILE, key, sizeof(key));
    if (r == 0)
        seal_set_key(&store->seal, key);
    explicit_bzero(key, sizeof(key));
    return r < 0 ? refuse(why, -r, "%s/" KEY_FILE " cannot be made: %s", store->dir, strerror(-r))
                 : 0;
}

static void
make_tables(struct store *store, const struct store_config *config)
{
    size_t slots;

    assert(store->n_tables == 0);
    store->n_tables = config->n_tables;
    store->tables = store_alloc(config->n_tables * sizeof(*store->tables));
    while ((slots = (size_t)1 << ++store->by_desc_bits) < config->n_tables * 2 + 1)
        ;
    store->by_desc = store_alloc(slots * sizeof(*store->by_desc));
    memset(store->by_desc, 0, slots * sizeof(*store->by_desc));
    for (size_t i = 0; i < config->n_tables; i++) {
        const struct store_table *desc = config->tables[i];
        struct table *t = &store->tables[i];
        size_t j = store_table_slot(store, desc);

        *t = (struct table){.desc = desc, .number = (unsigned)i, .next_row_id = 1};
        t->watches_end = &t->watches;
        t->orders = store_alloc(desc->n_indexes * sizeof(*t->orders));
        for (unsigned k = 0; k < desc->n_indexes; k++)
            t->orders[k] = (struct order){.index = desc->indexes[k]};
        while (store->by_desc[j])
            j = (j + 1) & (slots - 1);
        store->by_desc[j] = t;
    }
}

static int
lock_dir(struct store *store, char *why)
{
    static const char *const files[] = {"welkin.db", "journal.0", "journal.1"};
    char path[PATH_MAX];
    int pid = 0, r;

    assert(store->lock_fd < 0);
    r = datadir_make(store->dir);
    if (r < 0)
        return refuse(why, -r, "%s cannot be made: %s", store->dir, strerror(-r));
    r = datadir_lock(store->dir, "welkin.lock", &store->lock_fd, &pid);
    if (r == -EBUSY)
        return refuse(why, EBUSY, "another daemon (process %d) uses %s", pid, store->dir);
    for (size_t i = 0; i < ARRAY_LEN(files) && r == 0; i++) {
        snprintf(path, sizeof(path), "%s/%s", store->dir, files[i]);
        r = datadir_private_file(path);
    }
    return r < 0 ? refuse(why, -r, "%s: %s", store->dir, strerror(-r)) : 0;
}

static int
open_all(struct store *store, const struct store_config *config, char *why)
{
    bool wants_key = false;
    int r = 0;

    if (!store->vfs)
        r = lock_dir(store, why);
    if (r == 0 && db_open(store, &store->db) < 0)
        r = refuse_sql(why, store);
    store->filer.db = store->db;
    if (r == 0)
        r = bring_up_schema(store, config, why);
    if (r == 0)
        r = read_key(store, config, &wants_key, why);
    for (size_t i = 0; i < store->n_tables && r == 0; i++)
        r = load_table(store, &store->tables[i], why);
    if (r == 0 && wants_key && !store->seal.has_key)
        r = make_key(store, why);
    if (r == 0) {
        sqlite3_db_release_memory(store->db);
        r = commit_start(store, store->wants_thread);
        if (r < 0)
            refuse(why, -r, "the store's threads cannot be started");
    }
    return r;
}

int
store_open(struct store **ret, const struct store_config *config, char why[STORE_WHY_BYTES])
{
    struct store *store = store_alloc(sizeof(*store));
    size_t n = strlen(config->dir);
    pthread_condattr_t steady;
    int r;

    assert(config->n_tables > 0 && config->n_tables < UINT16_MAX);
    *store = (struct store){.env = config->env, .vfs = config->env->vfs};
    store->wants_thread = config->thread;
    store->lock_fd = store->event_fd = -1;
    store->txn.store = store;
    store->waiters.next = store->waiters.prev = &store->waiters;
    store->queue_bytes_max = config->queue_bytes_max ? config->queue_bytes_max : 8 << 20;
    store->journal_bytes = config->journal_bytes ? config->journal_bytes : 8 << 20;
    store->wal_bytes_checkpoint =
        config->wal_bytes_checkpoint ? config->wal_bytes_checkpoint : 4 << 20;
    store->dir = store_alloc(n + 1);
    memcpy(store->dir, config->dir, n + 1);
    store->path = store_alloc(n + sizeof("/welkin.db"));
    snprintf(store->path, n + sizeof("/welkin.db"), "%s/welkin.db", config->dir);
    store->env->random(store->env, &store->hash_seed, sizeof(store->hash_seed));
    pthread_mutex_init(&store->mutex, NULL);
    pthread_cond_init(&store->work, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&store->file_work, &steady);
    pthread_condattr_destroy(&steady);
    pthread_cond_init(&store->done, NULL);
    make_tables(store, config);
    why[0] = '\0';
    r = open_all(store, config, why);
    if (r < 0) {
        assert(why[0]);
        store_abandon(store);
        return r;
    }
    *ret = store;
    return 0;
}

static void
free_table(struct table *t)
{
    struct watch *w, *next;

    for (size_t i = 0; i < t->hash.cap; i++)
        version_free(t->desc, t->hash.slots[i].v);
    hash_done(&t->hash);
    for (unsigned i = 0; i < t->desc->n_indexes; i++)
        order_done(&t->orders[i]);
    free(t->orders);
    for (w = t->watches; w; w = next) {
        next = w->next;
        free(w);
    }
}

struct store *
store_abandon(struct store *store)
{
    if (!store)
        return NULL;
    assert(!store->txn.ending);
    if (store->txn.open)
        store_rollback(&store->txn);
    if (store->attachment)
        store->detach(store);
    commit_stop(store);
    filer_done(&store->filer);
    sqlite3_close(store->db);
    journal_close(store->journal);
    for (size_t i = 0; i < store->n_tables; i++)
        free_table(&store->tables[i]);
    free(store->tables);
    free(store->by_desc);
    free(store->txn.steps);
    free(store->txn.dead);
    seal_done(&store->seal);
    pthread_cond_destroy(&store->work);
    pthread_cond_destroy(&store->file_work);
    pthread_cond_destroy(&store->done);
    pthread_mutex_destroy(&store->mutex);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    free(store->dir);
    free(store->path);
    free(store);
    return NULL;
}

struct store *
store_close(struct store *store)
{
    if (store) {
        assert(!store->txn.open && !store->txn.ending);
        if (store_settle(store) == 0)
            (void)journal_reset(store->journal, store->filed_number); /* or it is filed again */
        store_abandon(store);
    }
    return NULL;
}
