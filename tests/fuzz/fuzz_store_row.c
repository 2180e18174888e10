/*
 * The store's readers of bytes: lists of text as JSON, groups and records of the journal, sealed
 * values.
 *
 * The input is read as JSON, which must survive writing and reading again; as a record's columns,
 * which must be bound or refused; as the journal; as a sealed value, which must not open; and as a
 * row, which must come back from SQLite as it went in.
 */
#include <stdlib.h>

#include "base/list.h"
#include "gen/tests/store_test_rows.h"
#include "store/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    struct env_fake env;
    struct arena arena;
    struct seal seal;
    sqlite3 *db;
    sqlite3_stmt *put, *load;
    struct table table;
    char *kinds;
    struct buf scratch;
} fuzz;

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
start(void)
{
    static const uint8_t key[STORE_ROOT_KEY_BYTES] = {1, 2, 3};
    const struct store_table *t = &st_thing_table;

    env_fake_init(&fuzz.env, 1);
    arena_init(&fuzz.arena, 64 << 20);
    must(seal_init(&fuzz.seal) == 0);
    seal_set_key(&fuzz.seal, key);
    fuzz.table.desc = t;
    fuzz.kinds = record_kinds(t);
    buf_init(&fuzz.scratch, 64 << 20);
    must(sqlite3_open(":memory:", &fuzz.db) == SQLITE_OK);
    must(db_exec(fuzz.db, t->sql_create) == SQLITE_OK);
    must(sqlite3_prepare_v2(fuzz.db, t->sql_put, -1, &fuzz.put, NULL) == SQLITE_OK);
    must(sqlite3_prepare_v2(fuzz.db, t->sql_load, -1, &fuzz.load, NULL) == SQLITE_OK);
}

static void
fuzz_json(struct str in)
{
    struct str_list list, again;
    struct buf packed, b;

    if (!strs_read(&fuzz.arena, in, &list))
        return;
    buf_init(&packed, 16 << 20);
    buf_init(&b, 16 << 20);
    strs_pack(&packed, &list);
    must(strs_json(&b, buf_str(&packed)) && strs_read(&fuzz.arena, buf_str(&b), &again));
    must(list.n == again.n);
    for (size_t i = 0; i < list.n; i++)
        must(str_eq(list.v[i], again.v[i]));
    buf_done(&packed);
    buf_done(&b);
}

static void
fuzz_record(struct str in)
{
    int rc = record_bind(fuzz.kinds, in, &fuzz.scratch, fuzz.put);

    must(rc == SQLITE_OK || rc == SQLITE_CORRUPT);
    sqlite3_clear_bindings(fuzz.put);
}

/* Groups, and the records in them, until something is damaged. */
static void
fuzz_journal(struct str in)
{
    struct str records, columns;
    struct record head;
    uint64_t number = 0;
    size_t n;

    while (journal_parse(in, number, &number, &records, &n)) {
        must(n >= JOURNAL_HEAD_BYTES && n <= in.n);
        while (record_next(&records, &head, &columns))
            must(columns.n <= n);
        in = str_cut(in, n, in.n);
        number++;
    }
    while (record_next(&in, &head, &columns))
        must(head.row_id > 0);
}

static void
fuzz_seal(struct str in)
{
    const struct store_table *t = &st_credential_table;
    const struct store_column *c = &t->columns[t->n_columns - 1];
    struct str plain;
    struct buf b;

    must(!seal_open(&fuzz.seal, &fuzz.arena, t, c, S("ak"), in, &plain) || in.n == 0);
    buf_init(&b, 16 << 20);
    must(seal_close(&fuzz.seal, &fuzz.env.env, t, c, S("ak"), in, &b));
    must(seal_open(&fuzz.seal, &fuzz.arena, t, c, S("ak"), buf_str(&b), &plain));
    must(str_eq(plain, in));
    must(!seal_open(&fuzz.seal, &fuzz.arena, t, c, S("al"), buf_str(&b), &plain) || in.n == 0);
    buf_done(&b);
}

/* Fields are cut at 0xfe; the rest is the list, cut at 0xff. */
static void
fuzz_row(struct str in)
{
    const struct store_table *t = &st_thing_table;
    struct st_thing_row row = {.id = str_split(&in, '\xfe')}, back;
    const char *column = "";
    struct version *v;
    struct buf b;

    row.account = str_split(&in, '\xfe');
    row.data = str_split(&in, '\xfe');
    row.state = in.n ? in.p[0] * 0x00ffffffffffffffll : INT64_MIN;
    row.optimized = in.n & 1;
    while (in.p)
        *LIST_PUSH(&fuzz.arena, &row.tags) = str_split(&in, '\xff');
    v = version_new(t, &row, 1);
    must(v && row_equal(t, v->row, &row));
    buf_init(&b, 64 << 20);
    must(record_put(&b, &fuzz.table, v, &fuzz.seal, &fuzz.env.env));
    must(sqlite3_bind_int64(fuzz.put, 1, 1) == SQLITE_OK);
    must(record_bind(fuzz.kinds, str_cut(buf_str(&b), sizeof(struct record), b.n), &fuzz.scratch,
                     fuzz.put) == SQLITE_OK);
    must(sqlite3_step(fuzz.put) == SQLITE_DONE);
    sqlite3_reset(fuzz.put);
    sqlite3_clear_bindings(fuzz.put);
    must(sqlite3_step(fuzz.load) == SQLITE_ROW);
    must(row_from_sql(t, fuzz.load, &fuzz.seal, &fuzz.arena, &back, &column) == 0);
    must(row_equal(t, &back, &row));
    sqlite3_reset(fuzz.load);
    must(db_exec(fuzz.db, "DELETE FROM st_thing") == SQLITE_OK);
    buf_done(&b);
    version_free(t, v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = str_of(data, size);

    if (!fuzz.db)
        start();
    if (size > 1 << 16)
        return 0;
    fuzz_json(in);
    fuzz_record(in);
    fuzz_journal(in);
    fuzz_seal(in);
    fuzz_row(in);
    arena_reset(&fuzz.arena);
    return 0;
}
