/*
 * Transactions over rows in memory.
 *
 * A transaction is a list of steps {old version, new version}.  A step is applied to the hash and
 * to the orders as it is made, so reads see it and nothing is merged at commit; taking back walks
 * the list from its end.  Versions that a step replaced, and those that were taken back, are freed
 * when the transaction ends and not before: whoever read one holds a pointer to it.
 */
#include <stdlib.h>

#include "base/log.h"
#include "store/internal.h"

enum { CACHE_LINE_BYTES = 64, HINT_TEXT_BYTES = 512 };

void *
store_alloc(size_t n)
{
    return store_grow(NULL, n);
}

void *
store_grow(void *p, size_t n)
{
    assert(n <= SIZE_MAX / 2);
    p = realloc(p, MAX(n, 1));
    if (!p) {
        log_error("out of memory in the store");
        abort();
    }
    return p;
}

size_t
store_table_slot(const struct store *store, const struct store_table *desc)
{
    assert(store->by_desc_bits > 0 && store->by_desc_bits < 64);
    return (size_t)(((uintptr_t)desc * 0x9e3779b97f4a7c15u) >> (64 - store->by_desc_bits));
}

struct table *
store_table_of(struct store *store, const struct store_table *desc)
{
    size_t mask = ((size_t)1 << store->by_desc_bits) - 1;

    assert(desc);
    for (size_t i = store_table_slot(store, desc); store->by_desc[i]; i = (i + 1) & mask)
        if (store->by_desc[i]->desc == desc)
            return store->by_desc[i];
    log_error("table %s was not given to store_open()", desc->name);
    abort();
}

struct txn *
store_begin(struct store *store)
{
    struct txn *txn = &store->txn;

    assert(txn->n_steps == 0 && txn->n_dead == 0);
    assert(!txn->open && !txn->ending);
    txn->open = true;
    return txn;
}

bool
store_changed(const struct txn *txn)
{
    assert(txn->open || txn->ending);
    return txn->n_steps > 0;
}

const void *
store_get(struct txn *txn, const struct store_table *desc, struct str key)
{
    struct version *v;

    assert(str_ok(key));
    assert(txn->open);
    v = hash_get(&store_table_of(txn->store, desc)->hash, desc, key, txn->store->hash_seed);
    return v ? v->row : NULL;
}

/* How much text a row has is not asked, since its head may be far away: some lines of it. */
static void
hint(const struct store_table *desc, const struct version *v)
{
    size_t n = sizeof(*v) + desc->row_bytes + HINT_TEXT_BYTES;

    for (size_t at = 0; at < n; at += CACHE_LINE_BYTES)
        __builtin_prefetch((const char *)v + at);
}

void
store_hint(const struct store_table *desc, const void *row)
{
    hint(desc, CONTAINER_OF(row, struct version, row));
}

void
store_hint_key(struct txn *txn, const struct store_table *desc, struct str key)
{
    const struct version *v =
        hash_probable(&store_table_of(txn->store, desc)->hash, key, txn->store->hash_seed);

    if (v)
        hint(desc, v);
}

size_t
store_count(struct txn *txn, const struct store_table *desc)
{
    assert(txn->open);
    return store_table_of(txn->store, desc)->hash.n;
}

const void *
store_get_unique(struct txn *txn, const struct store_index *index, const struct store_key *keys,
                 unsigned n)
{
    const struct table *t = store_table_of(txn->store, index->table);
    struct version *v;

    assert(keys);
    assert(txn->open && index->unique && n == index->n_columns);
    v = order_find(&t->orders[index->number], keys, n);
    return v ? v->row : NULL;
}

/* Puts `new` in place of `old`; either may be NULL.  Cannot fail. */
static void
apply(struct store *store, struct table *t, struct version *old, struct version *new)
{
    assert(old != new);
    assert(!old || !new || old->row_id == new->row_id);
    assert(old || new);
    if (new)
        hash_put(&t->hash, t->desc, new, store->hash_seed);
    else
        hash_remove(&t->hash, t->desc, row_key(t->desc, old->row), store->hash_seed);
    for (unsigned i = 0; i < t->desc->n_indexes; i++)
        order_change(&t->orders[i], old, new);
    store->n_rows += (new != NULL) - (uint64_t)(old != NULL);
    store->row_bytes += (new ? new->bytes : 0) - (uint64_t)(old ? old->bytes : 0);
}

static void
add_step(struct txn *txn, struct table *t, struct version *old, struct version *new)
{
    assert(txn->open);
    assert(!new || new->step == 0);
    if (txn->n_steps == txn->cap_steps) {
        txn->cap_steps = MAX(txn->cap_steps * 2, 16);
        txn->steps = store_grow(txn->steps, txn->cap_steps * sizeof(*txn->steps));
    }
    txn->steps[txn->n_steps++] = (struct step){.table = t, .old = old, .new = new};
    if (new)
        new->step = (uint32_t)txn->n_steps;
    apply(txn->store, t, old, new);
}

/* Whether another row than `self` holds a place of this one in a unique index. */
static bool
taken(const struct table *t, const void *row, const struct version *self)
{
    struct store_key keys[STORE_INDEX_COLUMNS_MAX + 1];

    assert(!self || self->row_id > 0);
    for (unsigned i = 0; i < t->desc->n_indexes; i++) {
        const struct store_index *x = t->desc->indexes[i];
        const struct version *v;

        if (!x->unique || !order_covers(x, row))
            continue;
        order_keys(x, row, keys, x->n_columns);
        v = order_find(&t->orders[i], keys, x->n_columns);
        if (v && v != self)
            return true;
    }
    return false;
}

static int
make_version(struct txn *txn, struct table *t, const void *row, int64_t row_id,
             struct version **ret)
{
    struct version *v = version_new(t->desc, row, row_id);

    assert(row_id > 0);
    if (v && txn->bytes + v->bytes > STORE_TXN_BYTES_MAX) {
        version_free(t->desc, v);
        v = NULL;
    }
    if (!v)
        return -E2BIG;
    txn->bytes += v->bytes;
    *ret = v;
    return 0;
}

int
store_insert(struct txn *txn, const struct store_table *desc, const void *row)
{
    struct store *store = txn->store;
    struct table *t = store_table_of(store, desc);
    struct version *new;
    int r;

    assert(txn->open);
    assert(row_key(desc, row).n > 0);
    if (hash_get(&t->hash, desc, row_key(desc, row), store->hash_seed) || taken(t, row, NULL))
        return -EEXIST;
    r = make_version(txn, t, row, t->next_row_id, &new);
    if (r < 0)
        return r;
    t->next_row_id++;
    add_step(txn, t, NULL, new);
    return 0;
}

int
store_update(struct txn *txn, const struct store_table *desc, const void *row)
{
    struct table *t = store_table_of(txn->store, desc);
    struct version *old, *new;
    int r;

    assert(row_key(desc, row).n > 0);
    assert(txn->open);
    old = hash_get(&t->hash, desc, row_key(desc, row), txn->store->hash_seed);
    if (!old)
        return -ENOENT;
    if (row_equal(desc, old->row, row))
        return 0;
    if (taken(t, row, old))
        return -EEXIST;
    r = make_version(txn, t, row, old->row_id, &new);
    if (r < 0)
        return r;
    add_step(txn, t, old, new);
    return 0;
}

int
store_delete(struct txn *txn, const struct store_table *desc, struct str key)
{
    struct table *t = store_table_of(txn->store, desc);
    struct version *old = hash_get(&t->hash, desc, key, txn->store->hash_seed);

    assert(str_ok(key));
    assert(txn->open);
    if (!old)
        return -ENOENT;
    add_step(txn, t, old, NULL);
    return 0;
}

size_t
store_savepoint(const struct txn *txn)
{
    assert(txn->open);
    return txn->n_steps;
}

static void
bury(struct txn *txn, struct table *t, struct version *v)
{
    assert(v && v->row_id > 0);
    if (txn->n_dead == txn->cap_dead) {
        txn->cap_dead = MAX(txn->cap_dead * 2, 16);
        txn->dead = store_grow(txn->dead, txn->cap_dead * sizeof(*txn->dead));
    }
    txn->dead[txn->n_dead++] = (struct dead){t, v};
}

void
store_rollback_to(struct txn *txn, size_t savepoint)
{
    assert(txn->open && savepoint <= txn->n_steps);
    while (txn->n_steps > savepoint) {
        struct step *s = &txn->steps[--txn->n_steps];

        apply(txn->store, s->table, s->new, s->old);
        if (s->new)
            bury(txn, s->table, s->new);
    }
}

static void
end(struct txn *txn)
{
    assert(txn->open || txn->ending);
    for (size_t i = 0; i < txn->n_dead; i++)
        version_free(txn->dead[i].table->desc, txn->dead[i].v);
    txn->n_dead = txn->n_steps = 0;
    txn->bytes = 0;
    if (txn->cap_steps > 4096) { /* a large one is rare: give its lists back */
        free(txn->steps);
        txn->steps = NULL;
        txn->cap_steps = 0;
    }
    if (txn->cap_dead > 4096) {
        free(txn->dead);
        txn->dead = NULL;
        txn->cap_dead = 0;
    }
    txn->open = txn->ending = false;
}

void
store_rollback(struct txn *txn)
{
    assert(txn->open);
    store_rollback_to(txn, 0);
    end(txn);
}

/* Finds for each row the step that touched it first, and leaves there what became of the row. */
static void
collapse(struct txn *txn)
{
    assert(txn->ending);
    for (size_t i = 0; i < txn->n_steps; i++) {
        struct step *s = &txn->steps[i];

        s->root = s->old && s->old->step ? txn->steps[s->old->step - 1].root : i;
        assert(s->root <= i);
        txn->steps[s->root].final = s->new;
    }
}

static void
call_watches(const struct txn *txn)
{
    assert(txn->ending);
    for (size_t i = 0; i < txn->n_steps; i++) {
        const struct step *s = &txn->steps[i];

        if (s->root != i || (!s->old && !s->final))
            continue;
        for (struct watch *w = s->table->watches; w; w = w->next)
            w->fn(w->ctx, s->old ? s->old->row : NULL, s->final ? s->final->row : NULL);
    }
}

uint64_t
store_commit(struct txn *txn)
{
    struct store *store = txn->store;

    assert(txn->open);
    txn->open = false;
    txn->ending = true;
    if (txn->n_steps > 0) {
        collapse(txn);
        store->seq++;
        commit_append(store, txn);
        if (store->on_commit)
            store->on_commit(store);
        call_watches(txn);
        for (size_t i = 0; i < txn->n_steps; i++) {
            if (txn->steps[i].new)
                txn->steps[i].new->step = 0;
            if (txn->steps[i].old)
                bury(txn, txn->steps[i].table, txn->steps[i].old);
        }
    }
    end(txn);
    return store->seq;
}

void
store_watch(struct store *store, const struct store_table *desc,
            void (*fn)(void *ctx, const void *old_row, const void *new_row), void *ctx)
{
    struct table *t = store_table_of(store, desc);
    struct watch *w = store_alloc(sizeof(*w));

    assert(fn);
    *w = (struct watch){.fn = fn, .ctx = ctx};
    *t->watches_end = w;
    t->watches_end = &w->next;
}

uint64_t
store_seq(const struct store *store)
{
    return store->seq;
}

void
store_wait(struct store *store, uint64_t seq, struct store_waiter *w)
{
    struct store_waiter *before = store->waiters.prev;

    assert(!w->waiting && seq <= store->seq);
    bool first = store->waiters.next == &store->waiters || store->waiters.next->seq > seq;

    w->seq = seq;
    /* Behind one that is about to be called it takes its turn: they are called in order. */
    if (first && seq <= store_durable_seq(store)) {
        w->fn(w);
        return;
    }
    while (before != &store->waiters && before->seq > seq)
        before = before->prev;
    w->prev = before;
    w->next = before->next;
    w->prev->next = w->next->prev = w;
    w->waiting = true;
}

void
store_wait_cancel(struct store *store, struct store_waiter *w)
{
    assert(!w->waiting || (w->prev->next == w && w->next->prev == w));
    (void)store;
    if (!w->waiting)
        return;
    w->prev->next = w->next;
    w->next->prev = w->prev;
    w->waiting = false;
}

void
store_poll(struct store *store)
{
    uint64_t durable;

    assert(!store->txn.ending);
    commit_drain_event(store);
    durable = store_durable_seq(store);
    while (store->waiters.next != &store->waiters && store->waiters.next->seq <= durable) {
        struct store_waiter *w = store->waiters.next;

        store_wait_cancel(store, w);
        w->fn(w);
    }
}
