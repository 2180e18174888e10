/*
 * Does memory equal disk?  The oracle of the simulation after each crash, and of the tests.
 */
#include <stdio.h>
#include <stdlib.h>

#include "store/internal.h"

static int PRINTF_LIKE(2, 3)
found(char why[STORE_WHY_BYTES], const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, STORE_WHY_BYTES, fmt, ap);
    va_end(ap);
    return -EUCLEAN;
}

static int
check_indexes(struct store *store, const struct table *t, char *why)
{
    assert(t->hash.n <= t->hash.cap);
    for (unsigned i = 0; i < t->desc->n_indexes; i++) {
        const struct store_index *x = t->desc->indexes[i];
        size_t n = 0;
        const char *wrong;

        for (size_t j = 0; j < t->hash.cap; j++) {
            const struct version *v = t->hash.slots[j].v;
            struct store_key keys[STORE_INDEX_COLUMNS_MAX + 1];

            if (!v || !order_covers(x, v->row))
                continue;
            n++;
            order_keys(x, v->row, keys, x->n_sorted);
            if (order_find(&t->orders[i], keys, x->n_sorted) != v)
                return found(why, "index %s of table %s lacks a row", x->name, t->desc->name);
            if (i == 0 &&
                hash_get(&t->hash, t->desc, row_key(t->desc, v->row), store->hash_seed) != v)
                return found(why, "a row of table %s is not found by its key", t->desc->name);
        }
        wrong = order_check(&t->orders[i], n);
        if (wrong)
            return found(why, "index %s of table %s: %s", x->name, t->desc->name, wrong);
    }
    return 0;
}

static int
check_rows(struct store *store, sqlite3 *db, const struct table *t, char *why)
{
    void *row = store_alloc(t->desc->row_bytes);
    sqlite3_stmt *stmt = NULL;
    const char *column = "";
    struct arena a;
    size_t n = 0;
    int rc, r = 0;

    arena_init(&a, 64 << 20);
    rc = sqlite3_prepare_v2(db, t->desc->sql_load, -1, &stmt, NULL);
    while (r == 0 && rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct version *v;

        r = row_from_sql(t->desc, stmt, &store->seal, &a, row, &column);
        if (r < 0) {
            r = found(why, "column %s of table %s cannot be read", column, t->desc->name);
            break;
        }
        v = hash_get(&t->hash, t->desc, row_key(t->desc, row), store->hash_seed);
        if (!v || v->row_id != sqlite3_column_int64(stmt, 0) || !row_equal(t->desc, v->row, row))
            r = found(why, "row %.*s of table %s is another on disk than in memory",
                      STR_ARG(row_key(t->desc, row)), t->desc->name);
        n++;
        arena_reset(&a);
        rc = SQLITE_OK;
    }
    if (r == 0 && rc != SQLITE_DONE)
        r = found(why, "table %s: %s", t->desc->name, sqlite3_errmsg(db));
    if (r == 0 && n != t->hash.n)
        r = found(why, "table %s has %zu rows on disk and %zu in memory", t->desc->name, n,
                  t->hash.n);
    sqlite3_finalize(stmt);
    arena_done(&a);
    free(row);
    return r;
}

static int
check_database(sqlite3 *db, char *why)
{
    sqlite3_stmt *stmt = NULL;
    const char *answer = NULL;
    int r = 0;

    if (sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        answer = (const char *)sqlite3_column_text(stmt, 0);
    if (!answer || strcmp(answer, "ok") != 0)
        r = found(why, "the database is damaged: %s", answer ? answer : sqlite3_errmsg(db));
    sqlite3_finalize(stmt);
    return r;
}

int
store_integrity_check(struct store *store, char why[STORE_WHY_BYTES])
{
    sqlite3 *db = store->db;
    int r = 0;

    assert(!store->txn.open);
    if (store_settle(store) < 0)
        return found(why, "the store has failed: %s",
                     store_failed(store) ? store_failed(store) : "the database is locked");
    /* The filer's connection is its own while its thread runs. */
    if (store->threaded && db_open(store, &db) < 0)
        r = found(why, "%s: %s", store->path, sqlite3_errmsg(db));
    if (r == 0)
        r = check_database(db, why);
    for (size_t i = 0; i < store->n_tables && r == 0; i++) {
        r = check_rows(store, db, &store->tables[i], why);
        if (r == 0)
            r = check_indexes(store, &store->tables[i], why);
    }
    if (db != store->db)
        sqlite3_close(db);
    return r;
}
