/*
 * Files of blobs whose rows are gone.  A file is removed when the commit that took its row is
 * durable, never before: after a crash the row might be there again.  At the start all files that
 * no row names are removed: bodies that never became an object.
 */
#include "s3/s3.h"

#include "base/log.h"

#include <stdlib.h>

struct gone {
    struct store_waiter waiter;
    struct s3_janitor *janitor;
    struct gone *next, *prev;
    char name[BLOB_NAME_BYTES];
};

struct s3_janitor {
    struct env *env;
    struct store *store;
    struct gone *all; /* that wait */
};

static void
unlink_gone(struct gone *g)
{
    struct s3_janitor *janitor = g->janitor;

    assert(!g->next || g->next->prev == g);
    assert(g->prev ? g->prev->next == g : janitor->all == g);
    if (g->prev)
        g->prev->next = g->next;
    else
        janitor->all = g->next;
    if (g->next)
        g->next->prev = g->prev;
    free(g);
}

static void
is_durable(struct store_waiter *waiter)
{
    struct gone *g = CONTAINER_OF(waiter, struct gone, waiter);

    assert(g->janitor->env->blobs);
    blobs_remove(g->janitor->env->blobs, str_of(g->name, sizeof(g->name)));
    unlink_gone(g);
}

static void
on_blob(void *ctx, const void *old_row, const void *new_row)
{
    struct s3_janitor *janitor = ctx;
    const struct s3_blob_row *old = old_row;
    struct gone *g;

    if (new_row || !old || old->id.n != BLOB_NAME_BYTES)
        return;
    g = calloc(1, sizeof(*g));
    if (!g)
        return; /* swept later */
    assert(old->refs >= 1);
    g->janitor = janitor;
    memcpy(g->name, old->id.p, sizeof(g->name));
    g->waiter.fn = is_durable;
    g->next = janitor->all;
    if (g->next)
        g->next->prev = g;
    janitor->all = g;
    assert(!g->prev && janitor->all == g);
    store_wait(janitor->store, store_seq(janitor->store), &g->waiter);
}

static bool
is_named(void *ctx, struct str name)
{
    assert(name.n > 0);
    return s3_blob_get(ctx, name) != NULL;
}

int
s3_janitor_new(struct s3_janitor **ret, struct env *env, struct store *store)
{
    struct s3_janitor *janitor = calloc(1, sizeof(*janitor));
    struct txn *txn;

    assert(env && store);
    if (!janitor)
        return -ENOMEM;
    janitor->env = env;
    janitor->store = store;
    if (env->blobs) {
        txn = store_begin(store);
        int r = env->blobs->driver->sweep(env->blobs, is_named, txn);

        store_rollback(txn);
        if (r < 0)
            log_warn("object files cannot be swept: %s", strerror(-r));
        store_watch(store, &s3_blob_table, on_blob, janitor);
    }
    *ret = janitor;
    return 0;
}

struct s3_janitor *
s3_janitor_free(struct s3_janitor *janitor)
{
    if (!janitor)
        return NULL;
    while (janitor->all) {
        struct gone *g = janitor->all;

        store_wait_cancel(janitor->store, &g->waiter);
        unlink_gone(g);
    }
    assert(!janitor->all);
    free(janitor);
    return NULL;
}
