/* See balancer.h.  Growth is bounded by who puts: a head and what one read brings. */
#include "balancer/balancer.h"

#include <stdlib.h>
#include <sys/socket.h>

enum { FIFO_HARD_MAX = 512 << 10, READ_BYTES = 16 << 10 };

static void
room(struct fifo *f, size_t n)
{
    assert(f->n + n <= FIFO_HARD_MAX);
    if (f->at + f->n + n <= f->cap)
        return;
    if (f->at) {
        memmove(f->p, f->p + f->at, f->n);
        f->at = 0;
    }
    if (f->n + n <= f->cap)
        return;
    f->cap = MAX(f->n + n, (size_t)READ_BYTES);
    f->p = realloc(f->p, f->cap);
    if (!f->p)
        abort();
}

void
fifo_put(struct fifo *f, const void *p, size_t n)
{
    if (!n)
        return;
    room(f, n);
    memcpy(f->p + f->at + f->n, p, n);
    f->n += n;
}

void
fifo_done(struct fifo *f)
{
    free(f->p);
    *f = (struct fifo){0};
}

void
fifo_drop(struct fifo *f, size_t n)
{
    assert(n <= f->n);
    f->at += n;
    f->n -= n;
    if (!f->n)
        fifo_done(f);
}

ssize_t
fifo_recv(struct fifo *f, int fd, size_t max)
{
    size_t want = MIN((size_t)READ_BYTES, max - f->n);
    ssize_t n;

    assert(f->n < max && fd >= 0);
    room(f, want);
    do
        n = recv(fd, f->p + f->at + f->n, want, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        f->n += (size_t)n;
    int error = errno;

    if (!f->n)
        fifo_done(f);
    return n < 0 ? -error : n;
}

ssize_t
fifo_send(struct fifo *f, int fd)
{
    while (f->n) {
        ssize_t n = send(fd, f->p + f->at, f->n, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? (ssize_t)f->n : -errno;
        fifo_drop(f, (size_t)n);
    }
    return 0;
}
