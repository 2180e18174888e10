/*
 * Descriptors and what to call for them.  The daemon's loop is not used here: this process has no
 * timers, no deferred work and no clock that a user can stop, and what is root should be short.
 */
#include "host/sandbox/sandbox.h"

#include "base/error.h"

#include <sys/epoll.h>

#define FETCH 64

int
source_add(struct host *h, struct source *s, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = s};

    assert(s->fd >= 0 && s->fn);
    if (epoll_ctl(h->epoll, EPOLL_CTL_ADD, s->fd, &e) < 0)
        return error_origin(errno, "epoll");
    return 0;
}

int
source_change(struct host *h, struct source *s, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = s};

    assert(s->fd >= 0);
    if (epoll_ctl(h->epoll, EPOLL_CTL_MOD, s->fd, &e) < 0)
        return error_origin(errno, "epoll");
    return 0;
}

void
source_close(struct host *h, struct source *s)
{
    if (s->fd < 0)
        return;
    /* By hand: a forked child may hold the same file open, and epoll would go on reporting it. */
    epoll_ctl(h->epoll, EPOLL_CTL_DEL, s->fd, NULL);
    for (int i = 0; i < h->n_fetched; i++)
        if (h->fetched[i].data.ptr == s)
            h->fetched[i].data.ptr = NULL;
    fd_close(&s->fd);
}

int
reactor_turn(struct host *h, int timeout_ms)
{
    struct epoll_event events[FETCH];
    int n = epoll_wait(h->epoll, events, FETCH, timeout_ms);

    assert(!h->fetched && h->n_fetched == 0);
    if (n < 0)
        return errno == EINTR ? 0 : error_origin(errno, "epoll_wait");
    h->fetched = events;
    h->n_fetched = n;
    for (int i = 0; i < n; i++) {
        struct source *s = events[i].data.ptr;

        if (s)
            s->fn(h, s, events[i].events);
    }
    h->fetched = NULL;
    h->n_fetched = 0;
    return n;
}
