/*
 * The store in memory: transactions, indexes, walks, watches, waiters.
 */
#include <stdlib.h>

#include "unit/store_fixture.h"

static struct fixture world;

static struct store *
start(void)
{
    fixture_init(&world, 7, 512);
    struct store_config config = fixture_config(&world);
    return fixture_open(&config);
}

static void
finish(struct store *store)
{
    fixture_check(store);
    store_close(store);
    disk_fake_done(&world.disk);
}

/* The ids of a walk, joined by blanks. */
static struct str
ids(struct store_cursor c)
{
    struct str all = S("");
    const struct st_thing_row *row;

    while ((row = st_thing_by_owner_next(&c)))
        all = str_fmt(test_arena(), "%.*s%s%.*s", STR_ARG(all), all.n ? " " : "",
                      STR_ARG(row->id));
    return all;
}

TEST(a_transaction_reads_its_own_writes)
{
    struct store *store = start();
    struct txn *txn = store_begin(store);
    struct st_thing_row row = thing("i-1", "1", 5);
    const struct st_thing_row *seen, *changed;

    CHECK(!st_thing_get(txn, S("i-1")));
    CHECK(!store_changed(txn));
    CHECK_INT(st_thing_insert(txn, &row), 0);
    CHECK(store_changed(txn));
    CHECK_INT(st_thing_insert(txn, &row), -EEXIST);
    seen = st_thing_get(txn, S("i-1"));
    CHECK(seen && seen != &row);
    CHECK_STR(seen->account, "1");
    CHECK(seen->token.p && seen->token.n == 0);
    CHECK(!seen->tags.v && seen->tags.n == 0);

    row = *seen;
    row.state = 16;
    CHECK_INT(st_thing_update(txn, &row), 0);
    changed = st_thing_get(txn, S("i-1"));
    CHECK_INT(changed->state, 16);
    CHECK_INT(seen->state, 0); /* the old version is still there */
    CHECK_INT(store_count(txn, &st_thing_table), 1);

    CHECK_INT(st_thing_delete(txn, S("i-1")), 0);
    CHECK_INT(st_thing_delete(txn, S("i-1")), -ENOENT);
    CHECK_INT(st_thing_update(txn, &row), -ENOENT);
    CHECK(!st_thing_get(txn, S("i-1")));
    CHECK_STR(changed->account, "1");
    CHECK_INT(store_commit(txn), 1);
    finish(store);
}

TEST(a_rollback_leaves_no_trace)
{
    struct store *store = start();
    struct st_thing_row a = thing("i-a", "1", 1), b = thing("i-b", "1", 2);
    struct txn *txn;

    a.token = S("t");
    CHECK_INT(put(store, &a), 1);
    txn = store_begin(store);
    CHECK_INT(st_thing_insert(txn, &b), 0);
    CHECK_INT(st_thing_delete(txn, a.id), 0);
    b.launched_ms = 9;
    CHECK_INT(st_thing_update(txn, &b), 0);
    store_rollback(txn);

    txn = store_begin(store);
    CHECK_STR(ids(store_seek(txn, &st_thing_by_owner, STORE_KEYS())), "i-a");
    CHECK(st_thing_by_token_get(txn, S("1"), S("t")));
    CHECK_INT(store_commit(txn), 1);
    CHECK_INT((long long)store_stats(store).rows, 1);
    finish(store);
}

TEST(a_savepoint_takes_back_what_came_after)
{
    struct store *store = start();
    struct st_thing_row a = thing("i-a", "1", 1), b = thing("i-b", "1", 2);
    struct txn *txn = store_begin(store);
    const struct st_thing_row *seen;
    size_t mark;

    CHECK_INT(st_thing_insert(txn, &a), 0);
    mark = store_savepoint(txn);
    a.state = 3;
    CHECK_INT(st_thing_update(txn, &a), 0);
    CHECK_INT(st_thing_insert(txn, &b), 0);
    seen = st_thing_get(txn, b.id);
    store_rollback_to(txn, mark);
    CHECK_STR(seen->id, "i-b"); /* taken back, and readable until the end */
    CHECK(!st_thing_get(txn, b.id));
    CHECK_INT(st_thing_get(txn, a.id)->state, 0);
    store_commit(txn);
    finish(store);
}

TEST(an_update_that_changes_nothing_is_no_commit)
{
    struct store *store = start();
    struct st_thing_row a = thing("i-a", "1", 1);
    struct txn *txn;

    a.tags = (struct str_list){(struct str[]){S("k"), S("v")}, 2};
    CHECK_INT(put(store, &a), 1);
    txn = store_begin(store);
    CHECK_INT(st_thing_update(txn, &a), 0);
    CHECK(!store_changed(txn));
    CHECK_INT(store_commit(txn), 1);
    finish(store);
}

TEST(a_unique_index_refuses_a_second_row_and_leaves_out_the_empty)
{
    struct store *store = start();
    struct st_thing_row a = thing("i-a", "1", 1), b = thing("i-b", "1", 2);
    struct txn *txn = store_begin(store);

    CHECK_INT(st_thing_insert(txn, &a), 0);
    CHECK_INT(st_thing_insert(txn, &b), 0); /* two without a token, two with number 0 */
    a.token = S("t");
    CHECK_INT(st_thing_update(txn, &a), 0);
    b.token = S("t");
    CHECK_INT(st_thing_update(txn, &b), -EEXIST);
    b.account = S("2");
    CHECK_INT(st_thing_update(txn, &b), 0);
    a.number = b.number = 7;
    CHECK_INT(st_thing_update(txn, &a), 0);
    CHECK_INT(st_thing_update(txn, &b), -EEXIST);
    CHECK_STR(st_thing_by_number_get(txn, 7)->id, "i-a");
    CHECK_STR(st_thing_by_token_get(txn, S("2"), S("t"))->id, "i-b");
    CHECK(!st_thing_by_token_get(txn, S("3"), S("t")));
    CHECK(!st_thing_by_number_get(txn, 0));
    CHECK_INT(st_thing_delete(txn, a.id), 0);
    CHECK_INT(st_thing_update(txn, &b), 0); /* the number is free now */
    store_commit(txn);
    finish(store);
}

TEST(walks_are_ordered_and_keep_to_their_prefix)
{
    struct store *store = start();
    static const char *const rows[][2] = {{"i-d", "2"}, {"i-b", "1"}, {"i-a", "1"},
                                          {"i-c", "1"}, {"i-e", "11"}};
    struct store_cursor c;
    struct txn *txn;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct st_thing_row row = thing(rows[i][0], rows[i][1], -(int64_t)i);

        put(store, &row);
    }
    txn = store_begin(store);
    CHECK_STR(ids(store_seek(txn, &st_thing_by_owner, STORE_KEYS())), "i-c i-a i-b i-e i-d");
    CHECK_STR(ids(store_seek(txn, &st_thing_by_key, STORE_KEYS())), "i-a i-b i-c i-d i-e");
    CHECK_STR(ids(store_seek(txn, &st_thing_by_owner, STORE_KEYS(S("1")))), "i-c i-a i-b");
    CHECK_STR(ids(store_seek(txn, &st_thing_by_owner, STORE_KEYS(S("3")))), "");
    CHECK_STR(ids(store_seek(txn, &st_thing_by_owner, STORE_KEYS(S("1"), S("us-east-1"), -2))),
              "i-a");
    CHECK_STR(ids(store_seek(txn, &st_thing_by_state, STORE_KEYS(true))), "");

    c = store_seek(txn, &st_thing_by_owner, STORE_KEYS(S("1"), S("us-east-1")));
    store_from(&c, STORE_KEYS(-2));
    CHECK_STR(ids(c), "i-a i-b");
    c = store_seek(txn, &st_thing_by_owner, STORE_KEYS(S("1"), S("us-east-1")));
    store_after(&c, STORE_KEYS(-2, S("i-a")));
    CHECK_STR(ids(c), "i-b");
    c = store_seek(txn, &st_thing_by_owner, STORE_KEYS(S("1")));
    store_after(&c, STORE_KEYS(S("us-east-1")));
    CHECK_STR(ids(c), "");
    STORE_EACH(txn, st_thing_by_owner, row, S("1")) {
        if (str_is(row->id, "i-c"))
            continue;
        CHECK_STR(row->id, "i-a");
        break;
    }
    store_rollback(txn);
    finish(store);
}

TEST(a_walk_survives_what_its_body_does)
{
    struct store *store = start();
    int n = 0, moved = 0;
    struct txn *txn = store_begin(store);

    for (int i = 0; i < 1000; i++) {
        struct st_thing_row row = thing("", "1", i);

        row.id = fixture_id("i", i);
        CHECK_INT(st_thing_insert(txn, &row), 0);
    }
    STORE_EACH(txn, st_thing_by_owner, row, S("1"), S("us-east-1")) {
        struct st_thing_row new = *row;

        CHECK_INT(row->launched_ms, n);
        if (n % 3 == 0) {
            CHECK_INT(st_thing_delete(txn, row->id), 0);
        } else if (n % 3 == 1) { /* backwards in the order: not met again */
            new.launched_ms = -n;
            CHECK_INT(st_thing_update(txn, &new), 0);
        } else { /* not a column of the index */
            new.state = n;
            CHECK_INT(st_thing_update(txn, &new), 0);
        }
        CHECK_STR(row->account, "1");
        n++;
    }
    CHECK_INT(n, 1000);
    CHECK_INT(store_count(txn, &st_thing_table), 666);
    /* Forwards in the order of the walk: met again, each time that it moves. */
    STORE_EACH(txn, st_thing_by_state, row, false) {
        struct st_thing_row new = *row;

        if (row->state < 998)
            continue;
        moved++;
        new.state++;
        if (new.state <= 1001)
            CHECK_INT(st_thing_update(txn, &new), 0);
    }
    CHECK_INT(moved, 4);
    STORE_EACH(txn, st_thing_by_key, row) /* everything goes, also what lies ahead */
        STORE_EACH(txn, st_thing_by_key, each)
            CHECK_INT(st_thing_delete(txn, each->id), 0);
    CHECK_INT(store_count(txn, &st_thing_table), 0);
    store_commit(txn);
    finish(store);
}

/* A naive twin: things by number, with what the indexes order by. */
enum { MODEL_ROWS = 400 };

struct model {
    bool there[MODEL_ROWS];
    int64_t launched_ms[MODEL_ROWS];
    int64_t state[MODEL_ROWS];
};

static uint64_t rng_state = 99;

static unsigned
below(unsigned n)
{
    rng_state = rng_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(rng_state >> 33) % n;
}

static void
random_step(struct txn *txn, struct model *m)
{
    int i = (int)below(MODEL_ROWS);
    struct st_thing_row row = thing("", i % 2 ? "1" : "2", below(50));
    int r;

    row.id = fixture_id("i", i);
    row.state = below(4);
    switch (below(3)) {
    case 0:
        r = st_thing_insert(txn, &row);
        CHECK_INT(r, m->there[i] ? -EEXIST : 0);
        break;
    case 1:
        r = st_thing_update(txn, &row);
        CHECK_INT(r, m->there[i] ? 0 : -ENOENT);
        break;
    default:
        r = st_thing_delete(txn, row.id);
        CHECK_INT(r, m->there[i] ? 0 : -ENOENT);
        m->there[i] = false;
        return;
    }
    if (r == 0) {
        m->there[i] = true;
        m->launched_ms[i] = row.launched_ms;
        m->state[i] = row.state;
    }
}

static void
compare_with_model(struct txn *txn, const struct model *m)
{
    size_t n = 0, seen = 0;
    int64_t last = -1;

    for (int i = 0; i < MODEL_ROWS; i++) {
        const struct st_thing_row *row = st_thing_get(txn, fixture_id("i", i));

        CHECK((row != NULL) == m->there[i]);
        n += m->there[i];
        if (row)
            CHECK(row->launched_ms == m->launched_ms[i] && row->state == m->state[i]);
    }
    CHECK_INT(store_count(txn, &st_thing_table), n);
    for (int account = 1; account <= 2; account++) {
        last = -1;
        STORE_EACH(txn, st_thing_by_owner, row, account == 1 ? S("1") : S("2")) {
            CHECK(row->launched_ms >= last);
            last = row->launched_ms;
            seen++;
        }
    }
    CHECK_INT(seen, n);
}

TEST(any_sequence_of_changes_agrees_with_a_naive_model)
{
    struct store *store = start();
    struct model m = {0}, before;

    for (int round = 0; round < 150; round++) {
        struct txn *txn = store_begin(store);
        size_t mark = 0;

        before = m;
        for (unsigned i = below(60); i > 0; i--) {
            if (below(20) == 0) {
                mark = store_savepoint(txn);
                before = m;
            }
            random_step(txn, &m);
            if (below(20) == 0) {
                store_rollback_to(txn, mark);
                m = before;
            }
        }
        compare_with_model(txn, &m);
        store_commit(txn);
        if (round % 10 == 0)
            fixture_check(store);
    }
    finish(store);
}

struct log {
    char text[256];
};

static void
note(void *ctx, const void *old_row, const void *new_row)
{
    struct log *log = ctx;
    const struct st_thing_row *old = old_row, *new = new_row;
    size_t n = strlen(log->text);

    snprintf(log->text + n, sizeof(log->text) - n, "%s%.*s:%d>%d", n ? " " : "",
             STR_ARG(new ? new->id : old->id), old ? (int)old->state : -1,
             new ? (int)new->state : -1);
}

TEST(a_watch_sees_each_changed_row_once_a_commit)
{
    struct store *store = start();
    struct st_thing_row a = thing("a", "1", 1), b = thing("b", "1", 1), c = thing("c", "1", 1);
    struct log log = {""};
    struct txn *txn;

    put(store, &b);
    store_watch(store, &st_thing_table, note, &log);
    txn = store_begin(store);
    CHECK_INT(st_thing_insert(txn, &a), 0);
    a.state = 1;
    CHECK_INT(st_thing_update(txn, &a), 0);
    CHECK_INT(st_thing_insert(txn, &c), 0);
    CHECK_INT(st_thing_delete(txn, c.id), 0); /* came and went: nothing */
    b.state = 5;
    CHECK_INT(st_thing_update(txn, &b), 0);
    a.state = 2;
    CHECK_INT(st_thing_update(txn, &a), 0);
    CHECK_STR(str_from(log.text), "");
    store_commit(txn);
    CHECK_STR(str_from(log.text), "a:-1>2 b:0>5");

    log.text[0] = '\0';
    txn = store_begin(store);
    b.state = 6;
    CHECK_INT(st_thing_update(txn, &b), 0);
    CHECK_INT(st_thing_delete(txn, b.id), 0);
    b.state = 7;
    CHECK_INT(st_thing_insert(txn, &b), 0);
    store_commit(txn);
    CHECK_STR(str_from(log.text), "b:5>-1 b:-1>7");

    log.text[0] = '\0';
    txn = store_begin(store);
    CHECK_INT(st_thing_delete(txn, a.id), 0);
    store_rollback(txn);
    CHECK_STR(str_from(log.text), "");
    finish(store);
}

struct counted {
    struct store_waiter waiter;
    unsigned order;
};

static unsigned n_called;

static void
on_durable(struct store_waiter *w)
{
    CONTAINER_OF(w, struct counted, waiter)->order = ++n_called;
}

TEST(waiters_are_called_in_order_when_their_commit_is_durable)
{
    struct store *store = start();
    struct counted w[5] = {0};
    struct st_thing_row row = thing("a", "1", 1);
    uint64_t seq1 = put(store, &row), seq2;

    row.id = S("b");
    seq2 = put(store, &row);
    CHECK_INT(seq2, seq1 + 1);
    for (size_t i = 0; i < ARRAY_LEN(w); i++)
        w[i].waiter.fn = on_durable;
    store_wait(store, 0, &w[0].waiter);
    CHECK_INT(w[0].order, 1);
    store_wait(store, seq2, &w[1].waiter);
    store_wait(store, seq1, &w[2].waiter);
    store_wait(store, seq2, &w[3].waiter);
    store_wait(store, seq1, &w[4].waiter);
    store_wait_cancel(store, &w[4].waiter);
    store_wait_cancel(store, &w[4].waiter);
    store_poll(store);
    CHECK_INT(n_called, 1);
    CHECK_INT(store_durable_seq(store), 0);
    CHECK_INT(store_flush(store), 0);
    CHECK_INT(store_durable_seq(store), seq2);
    CHECK_INT(w[2].order, 2);
    CHECK_INT(w[1].order, 3);
    CHECK_INT(w[3].order, 4);
    CHECK_INT(w[4].order, 0);
    store_wait(store, seq2, &w[4].waiter); /* durable already: called at once */
    CHECK_INT(w[4].order, 5);
    finish(store);
}

TEST(rows_and_transactions_have_a_largest_size)
{
    struct store *store = start();
    struct st_thing_row row = thing("a", "1", 1);
    struct txn *txn = store_begin(store);
    char *much = calloc(1, STORE_ROW_BYTES_MAX);
    int n = 0, r;

    row.data = str_of(much, STORE_ROW_BYTES_MAX);
    CHECK_INT(st_thing_insert(txn, &row), -E2BIG);
    row.data = str_of(much, STORE_ROW_BYTES_MAX - 4096);
    do {
        row.id = fixture_id("i", n);
        r = st_thing_insert(txn, &row);
    } while (r == 0 && ++n < 100);
    CHECK_INT(r, -E2BIG);
    CHECK_INT(n, 16);
    store_rollback(txn);
    free(much);
    finish(store);
}

TEST(what_waits_for_the_disk_is_counted)
{
    struct store *store = start();
    struct st_thing_row row = thing("a", "1", 1);
    char *much = calloc(1, 3 << 20);

    row.data = str_of(much, 3 << 20);
    for (int i = 0; i < 3; i++) {
        row.id = fixture_id("i", i);
        put(store, &row);
    }
    CHECK_INT(store_stats(store).queued_commits, 3);
    CHECK(store_stats(store).queued_bytes > 9 << 20);
    CHECK_INT(store_flush(store), 0);
    CHECK_INT(store_stats(store).queued_bytes, 0);
    CHECK_INT(store_stats(store).groups, 1);
    free(much);
    finish(store);
}
