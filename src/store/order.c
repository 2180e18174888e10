/*
 * Rows in the order of an index: a sorted array of leaves, each a sorted array of pointers.
 *
 * Two levels do what a B+tree does at our sizes: a search is two binary searches; a split moves
 * the array of leaves, 8 bytes for each 126 rows, once in 63 insertions (a million rows: 64 KiB).
 * There are no separators to keep: a leaf is known by its first row.  Leaves are never empty.
 *
 * An update that leaves the index's columns alone replaces a pointer and moves nothing, so walks
 * go on without a new search.
 */
#include <stdlib.h>

#include "store/internal.h"

struct place {
    size_t leaf, at;
};

void
order_done(struct order *o)
{
    for (size_t i = 0; i < o->n; i++)
        free(o->leaves[i]);
    free(o->leaves);
    o->leaves = NULL;
    o->n = o->cap = 0;
}

void
order_keys(const struct store_index *x, const void *row, struct store_key *keys, unsigned n)
{
    assert(n <= x->n_sorted && n <= STORE_INDEX_COLUMNS_MAX + 1);
    for (unsigned i = 0; i < n; i++) {
        const struct store_column *c = &x->table->columns[x->columns[i]];

        if (c->type == STORE_STR)
            keys[i] = store_key_str(*column_str(c, row));
        else
            keys[i] =
                store_key_int(c->type == STORE_INT ? *column_int(c, row) : *column_bool(c, row));
    }
}

static int
compare(const struct store_index *x, const void *row, const struct store_key *keys, unsigned n)
{
    assert(n <= x->n_sorted);
    for (unsigned i = 0; i < n; i++) {
        const struct store_column *c = &x->table->columns[x->columns[i]];
        int64_t number;
        int r;

        assert(keys[i].is_str == (c->type == STORE_STR));
        if (c->type == STORE_STR) {
            r = str_cmp(*column_str(c, row), keys[i].s);
        } else {
            number = c->type == STORE_INT ? *column_int(c, row) : *column_bool(c, row);
            r = (number > keys[i].i) - (number < keys[i].i);
        }
        if (r)
            return r;
    }
    return 0;
}

/* The first place whose row is not before the keys, or (after) is behind them; else the end. */
static struct place
search(const struct order *o, const struct store_key *keys, unsigned n, bool after)
{
    size_t low = 0, high = o->n;
    const struct leaf *leaf;

    assert(n <= o->index->n_sorted);
    assert(keys || n == 0);
    while (low < high) {
        size_t mid = (low + high) / 2;

        if (compare(o->index, o->leaves[mid]->v[0]->row, keys, n) < after)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == 0)
        return (struct place){0, 0};
    leaf = o->leaves[low - 1];
    struct place p = {low - 1, 1};
    for (high = leaf->n; p.at < high;) {
        size_t mid = (p.at + high) / 2;

        if (compare(o->index, leaf->v[mid]->row, keys, n) < after)
            p.at = mid + 1;
        else
            high = mid;
    }
    return p.at < leaf->n ? p : (struct place){low, 0};
}

static struct version *
at(const struct order *o, struct place p)
{
    assert(p.leaf >= o->n || p.at < o->leaves[p.leaf]->n);
    return p.leaf < o->n ? o->leaves[p.leaf]->v[p.at] : NULL;
}

static struct place
place_of(const struct order *o, const struct version *v)
{
    struct store_key keys[STORE_INDEX_COLUMNS_MAX + 1];
    struct place p;

    assert(v->row_id > 0);
    order_keys(o->index, v->row, keys, o->index->n_sorted);
    p = search(o, keys, o->index->n_sorted, false);
    assert(at(o, p) == v);
    return p;
}

static struct leaf *
add_leaf(struct order *o, size_t i)
{
    assert(i <= o->n && o->n <= o->cap);
    if (o->n == o->cap) {
        o->cap = MAX(o->cap * 2, 4);
        o->leaves = store_grow(o->leaves, o->cap * sizeof(*o->leaves));
    }
    memmove(o->leaves + i + 1, o->leaves + i, (o->n - i) * sizeof(*o->leaves));
    o->n++;
    o->leaves[i] = store_alloc(sizeof(struct leaf));
    o->leaves[i]->n = 0;
    return o->leaves[i];
}

static void
insert(struct order *o, struct version *v)
{
    struct store_key keys[STORE_INDEX_COLUMNS_MAX + 1];
    struct leaf *leaf, *right;
    struct place p;

    order_keys(o->index, v->row, keys, o->index->n_sorted);
    p = search(o, keys, o->index->n_sorted, false);
    if (p.at == 0 && p.leaf > 0) { /* rather at the end of the leaf before */
        p.leaf--;
        p.at = o->leaves[p.leaf]->n;
    }
    leaf = p.leaf < o->n ? o->leaves[p.leaf] : add_leaf(o, 0);
    if (leaf->n == LEAF_ROWS) {
        /* Rows that come in order fill their leaves: only the newcomer goes to a new one. */
        size_t keep = p.at == LEAF_ROWS && p.leaf + 1 == o->n ? LEAF_ROWS : LEAF_ROWS / 2;

        right = add_leaf(o, p.leaf + 1);
        right->n = leaf->n - keep;
        memcpy(right->v, leaf->v + keep, right->n * sizeof(*leaf->v));
        leaf->n = keep;
        if (p.at >= keep && (p.at > keep || right->n == 0)) {
            leaf = right;
            p.at -= keep;
        }
    }
    memmove(leaf->v + p.at + 1, leaf->v + p.at, (leaf->n - p.at) * sizeof(*leaf->v));
    leaf->v[p.at] = v;
    leaf->n++;
    o->changes++;
}

static void
drop_leaf(struct order *o, size_t i)
{
    assert(i < o->n);
    free(o->leaves[i]);
    memmove(o->leaves + i, o->leaves + i + 1, (o->n - i - 1) * sizeof(*o->leaves));
    o->n--;
}

static void
take_out(struct order *o, struct version *v)
{
    struct place p = place_of(o, v);
    struct leaf *leaf = o->leaves[p.leaf];

    leaf->n--;
    memmove(leaf->v + p.at, leaf->v + p.at + 1, (leaf->n - p.at) * sizeof(*leaf->v));
    o->changes++;
    if (leaf->n == 0) {
        drop_leaf(o, p.leaf);
    } else if (leaf->n < LEAF_ROWS / 4 && p.leaf + 1 < o->n) {
        struct leaf *right = o->leaves[p.leaf + 1];

        if (leaf->n + right->n <= LEAF_ROWS * 3 / 4) {
            memcpy(leaf->v + leaf->n, right->v, right->n * sizeof(*leaf->v));
            leaf->n += right->n;
            drop_leaf(o, p.leaf + 1);
        }
    }
}

bool
order_covers(const struct store_index *x, const void *row)
{
    struct store_key last[STORE_INDEX_COLUMNS_MAX + 1];

    assert(x->n_columns > 0);
    if (!x->unique)
        return true;
    order_keys(x, row, last, x->n_columns);
    return last[x->n_columns - 1].is_str ? last[x->n_columns - 1].s.n > 0
                                         : last[x->n_columns - 1].i != 0;
}

void
order_change(struct order *o, struct version *old, struct version *new)
{
    const struct store_index *x = o->index;
    struct store_key keys[STORE_INDEX_COLUMNS_MAX + 1];

    assert(old || new);
    assert(o->n <= o->cap);
    if (old && !order_covers(x, old->row))
        old = NULL;
    if (new && !order_covers(x, new->row))
        new = NULL;
    if (old && new) {
        order_keys(x, new->row, keys, x->n_sorted);
        if (compare(x, old->row, keys, x->n_sorted) == 0) {
            struct place p = place_of(o, old);

            o->leaves[p.leaf]->v[p.at] = new;
            return;
        }
    }
    if (old)
        take_out(o, old);
    if (new)
        insert(o, new);
}

struct version *
order_find(const struct order *o, const struct store_key *keys, unsigned n)
{
    struct version *v = at(o, search(o, keys, n, false));

    assert(n > 0);
    return v && compare(o->index, v->row, keys, n) == 0 ? v : NULL;
}

const char *
order_check(const struct order *o, size_t n_rows)
{
    struct store_key keys[STORE_INDEX_COLUMNS_MAX + 1];
    const void *last = NULL;
    size_t n = 0;

    for (size_t i = 0; i < o->n; i++) {
        if (o->leaves[i]->n == 0 || o->leaves[i]->n > LEAF_ROWS)
            return "a leaf is empty or too full";
        for (size_t j = 0; j < o->leaves[i]->n; j++, n++) {
            const void *row = o->leaves[i]->v[j]->row;

            order_keys(o->index, row, keys, o->index->n_sorted);
            if (last && compare(o->index, last, keys, o->index->n_sorted) >= 0)
                return "rows are out of order";
            last = row;
        }
    }
    return n == n_rows ? NULL : "the number of rows is wrong";
}

struct store_cursor
store_seek(struct txn *txn, const struct store_index *index, const struct store_key *prefix,
           unsigned n)
{
    struct store_cursor c = {.txn = txn,
                             .index = index,
                             .n_prefix = n,
                             .n_keys = n,
                             .open = true,
                             .end_changes = UINT64_MAX};

    assert(prefix || n == 0);
    assert(index->n_columns <= index->n_sorted);
    assert(txn->open);
    assert(n <= index->n_columns);
    for (unsigned i = 0; i < n; i++)
        c.keys[i] = prefix[i];
    return c;
}

void
store_from(struct store_cursor *c, const struct store_key *keys, unsigned n)
{
    assert(c->open);
    assert(!c->row && c->n_prefix + n <= c->index->n_sorted);
    for (unsigned i = 0; i < n; i++)
        c->keys[c->n_prefix + i] = keys[i];
    c->n_keys = c->n_prefix + n;
}

void
store_after(struct store_cursor *c, const struct store_key *keys, unsigned n)
{
    store_from(c, keys, n);
    c->after = n > 0;
}

/*
 * Whether the place is one of the prefix.  The first row is asked; a walk that goes on looks up
 * where the prefix ends, and then needs no row for that: theirs is the only memory that is far.
 */
static bool
within_prefix(struct store_cursor *c, const struct order *o, struct place p)
{
    struct version *v = at(o, p);

    if (c->row && c->changes == o->changes && c->end_changes != o->changes) {
        struct place end = search(o, c->keys, c->n_prefix, true);

        c->end_leaf = end.leaf;
        c->end_place = end.at;
        c->end_changes = o->changes;
    }
    if (c->end_changes == o->changes)
        return p.leaf < c->end_leaf || (p.leaf == c->end_leaf && p.at < c->end_place);
    return v && compare(c->index, v->row, c->keys, c->n_prefix) == 0;
}

enum { AHEAD = 3 }; /* rows that a walk asks the memory for */

const void *
store_next(struct store_cursor *c)
{
    const struct order *o =
        &store_table_of(c->txn->store, c->index->table)->orders[c->index->number];
    struct store_key keys[STORE_INDEX_COLUMNS_MAX + 1];
    struct place p = {c->leaf, c->place};
    struct version *v;

    assert(c->n_prefix <= c->n_keys && c->n_keys <= c->index->n_sorted);
    assert(c->txn->open);
    if (!c->open)
        return NULL;
    if (!c->row) {
        p = search(o, c->keys, c->n_keys, c->after);
    } else if (c->changes != o->changes) {
        order_keys(c->index, c->row, keys, c->index->n_sorted);
        p = search(o, keys, c->index->n_sorted, true);
    }
    if (!within_prefix(c, o, p)) {
        c->open = false;
        return NULL;
    }
    v = at(o, p);
    assert(v);
    if (++p.at == o->leaves[p.leaf]->n)
        p = (struct place){p.leaf + 1, 0};
    else if (p.at + AHEAD < o->leaves[p.leaf]->n)
        __builtin_prefetch(o->leaves[p.leaf]->v[p.at + AHEAD]->row);
    c->leaf = p.leaf;
    c->place = p.at;
    c->changes = o->changes;
    c->row = v->row;
    return c->row;
}
