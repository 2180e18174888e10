/*
 * A process that only holds descriptors, so that a kill -9 of the privileged process closes
 * nothing: consoles (a closed pty master would hang up the guest's terminal for good) and the
 * VPCs' listening sockets (a client that is waiting in a backlog goes on waiting).
 *
 * It parses one fixed struct, from root only, and never looks into what it holds.
 */
#include "host/sandbox/sandbox.h"

#include "base/error.h"
#include "base/log.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define KEEPER_SOCKET "../keeper.sock" /* of DATA/run/stage */

enum { KEEP, DROP, GIVE, QUIT };

struct keeper_message {
    uint32_t op;
    char name[PRIV_ID_MAX + 8];
};

struct shelf {
    struct kept *v;
    size_t n;
};

static void
shelf_drop(struct shelf *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->v[i].name, name) == 0) {
            fd_close(&s->v[i].fd);
            s->v[i--] = s->v[--s->n];
        }
}

static void
shelf_keep(struct shelf *s, const char *name, int fd)
{
    assert(fd >= 0 && name[0] != '\0');
    shelf_drop(s, name);
    struct kept *more = realloc(s->v, (s->n + 1) * sizeof(*more));

    if (!more) {
        fd_close(&fd);
        return;
    }
    s->v = more;
    s->v[s->n] = (struct kept){.fd = fd};
    text_set(s->v[s->n++].name, sizeof(more->name), "%s", name);
    assert(s->n > 0 && strcmp(s->v[s->n - 1].name, name) == 0);
}

static void
give_all(const struct shelf *s, int sock)
{
    struct keeper_message m = {.op = GIVE};

    for (size_t i = 0; i < s->n; i++) {
        text_set(m.name, sizeof(m.name), "%s", s->v[i].name);
        if (fds_send(sock, &m, sizeof(m), &s->v[i].fd, 1, 0) < 0)
            return;
    }
    m.name[0] = '\0';
    fds_send(sock, &m, sizeof(m), NULL, 0, 0);
}

/* Serves one client until it goes away. */
static void
serve(struct shelf *s, int sock)
{
    struct keeper_message m;

    for (;;) {
        int fd = -1;
        size_t n = 1;

        if (fds_recv(sock, &m, sizeof(m), &fd, &n, 0) != sizeof(m))
            return;
        m.name[sizeof(m.name) - 1] = '\0';
        if (m.op == KEEP && n == 1)
            shelf_keep(s, m.name, fd_steal(&fd));
        else if (m.op == DROP)
            shelf_drop(s, m.name);
        else if (m.op == GIVE)
            give_all(s, sock);
        else if (m.op == QUIT)
            _exit(0);
        fd_close(&fd);
    }
}

static NORETURN void
keeper_main(int listener)
{
    struct shelf s = {0};
    struct ucred who;
    socklen_t n = sizeof(who);

    process_title("welkin-keep", NULL);
    setsid();
    /* Nobody waits for it: a word to it must not take the processor from a launch. */
    setpriority(PRIO_PROCESS, 0, 0);
    sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
    if (dup2(listener, 3) < 0 || close_range(4, ~0u, 0) < 0)
        _exit(1);
    for (;;) {
        int sock = accept4(3, NULL, NULL, SOCK_CLOEXEC);

        if (sock < 0)
            continue;
        if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 && who.uid == 0)
            serve(&s, sock);
        close(sock);
    }
}

static int
start(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = KEEPER_SOCKET};
    FD_CLEANUP int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    unlink(KEEPER_SOCKET);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 4) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0)
        keeper_main(fd);
    return 0;
}

static int
connect_keeper(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = KEEPER_SOCKET};
    FD_CLEANUP int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
        return -errno;
    return fd_steal(&fd);
}

int
keeper_open(struct host *h)
{
    struct keeper_message m = {.op = GIVE};
    struct shelf s = {0};

    h->keeper = connect_keeper();
    if (h->keeper < 0) {
        int r = start();

        if (r == 0)
            h->keeper = connect_keeper();
        if (r < 0 || h->keeper < 0)
            return error_origin(r < 0 ? -r : -h->keeper, "the keeper of descriptors");
    }
    int r = fds_send(h->keeper, &m, sizeof(m), NULL, 0, 0);
    while (r == 0) {
        int fd = -1;
        size_t n = 1;

        if (fds_recv(h->keeper, &m, sizeof(m), &fd, &n, 0) != sizeof(m) || !m.name[0])
            break;
        if (fd >= 0) /* it does not come when we may not have so many */
            shelf_keep(&s, m.name, fd);
    }
    h->kept = s.v;
    h->n_kept = s.n;
    return r;
}

static void
tell(struct host *h, uint32_t op, const char *name, const int *fds, size_t n)
{
    struct keeper_message m = {.op = op};

    assert(strlen(name) < sizeof(m.name));
    if (h->keeper < 0)
        return;
    text_set(m.name, sizeof(m.name), "%s", name);
    if (fds_send(h->keeper, &m, sizeof(m), fds, n, 0) < 0) {
        log_warn("the keeper is gone: a crash of this process would cost consoles");
        fd_close(&h->keeper);
    }
}

void
keeper_put(struct host *h, const char *name, int fd)
{
    assert(fd >= 0 && name[0] != '\0');
    tell(h, KEEP, name, &fd, 1);
}

void
keeper_drop(struct host *h, const char *name)
{
    tell(h, DROP, name, NULL, 0);
}

void
keeper_quit(struct host *h)
{
    tell(h, QUIT, "", NULL, 0);
    fd_close(&h->keeper);
    unlink(KEEPER_SOCKET);
}

int
keeper_take(struct host *h, const char *name)
{
    for (size_t i = 0; i < h->n_kept; i++)
        if (strcmp(h->kept[i].name, name) == 0)
            return fd_steal(&h->kept[i].fd);
    return -1;
}
