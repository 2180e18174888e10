/*
 * The store on the loop: one sync for all commits of a turn, and waiters called when the
 * committer's descriptor is readable.
 */
#include <stdlib.h>
#include <sys/epoll.h>

#include "loop/loop.h"
#include "store/internal.h"

struct attachment {
    struct store *store;
    struct loop *loop;
    struct loop_fd source;
    struct loop_task turn_end;
};

static void
on_durable(struct loop_fd *source, uint32_t events)
{
    assert(source->fd >= 0);
    (void)events;
    store_poll(CONTAINER_OF(source, struct attachment, source)->store);
}

static void
on_turn_end(struct loop_task *task)
{
    struct store *store = CONTAINER_OF(task, struct attachment, turn_end)->store;

    if (store_poll_fd(store) >= 0)
        store_kick(store);
    else
        store_flush(store);
}

static void
on_commit(struct store *store)
{
    assert(store->attachment && store->attachment->store == store);
    loop_defer(store->attachment->loop, &store->attachment->turn_end);
}

/* The loop must not run any more with this store's task queued: its owner closes the store last. */
static void
detach(struct store *store)
{
    assert(store->attachment->store == store);
    if (store_poll_fd(store) >= 0)
        loop_fd_remove(store->attachment->loop, &store->attachment->source);
    free(store->attachment);
    store->attachment = NULL;
}

int
store_attach(struct store *store, struct loop *loop)
{
    struct attachment *a = store_alloc(sizeof(*a));
    int r = 0;

    assert(loop);
    assert(!store->attachment);
    *a = (struct attachment){.store = store,
                             .loop = loop,
                             .source = {.fd = store_poll_fd(store), .fn = on_durable},
                             .turn_end = {.fn = on_turn_end}};
    if (a->source.fd >= 0)
        r = loop_fd_add(loop, &a->source, EPOLLIN);
    if (r < 0) {
        free(a);
        return r;
    }
    store->attachment = a;
    store->on_commit = on_commit;
    store->detach = detach;
    store_hold(store);
    return 0;
}
