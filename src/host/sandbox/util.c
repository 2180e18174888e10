/*
 * Small things around system calls that several files need.
 */
#include "host/sandbox/sandbox.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int
why_set(struct why *why, int err, const char *fmt, ...)
{
    va_list ap;

    assert(err > 0);
    va_start(ap, fmt);
    vsnprintf(why->text, sizeof(why->text), fmt, ap);
    va_end(ap);
    return -err;
}

void
fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

int
fd_steal(int *fd)
{
    int was = *fd;

    *fd = -1;
    return was;
}

void
text_set(char *to, size_t n, const char *fmt, ...)
{
    assert(n > 0);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(to, n, fmt, ap);
    va_end(ap);
}

const char *
ip_text(uint32_t ip)
{
    static char texts[4][16];
    static unsigned turn;
    char *to = texts[turn++ % 4];

    text_set(to, sizeof(texts[0]), "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255,
             ip & 255);
    return to;
}

/*
 * Ours are blocked for signalfd, and who started us may have had some ignored (a shell does so with
 * what it puts into the background): a shell as a guest's init could not trap those.
 */
void
signals_reset(void)
{
    struct sigaction by_default = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int sig = 1; sig < NSIG; sig++)
        sigaction(sig, &by_default, NULL); /* SIGKILL, SIGSTOP and the C library's own stay */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int64_t
mono_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Fields 48 and 49 of /proc/self/stat say where the arguments are. */
void
process_title(const char *title, const char *data_dir)
{
    char text[2048], *p;
    uintptr_t at[2] = {0, 0};

    prctl(PR_SET_NAME, title);
    if (file_get(AT_FDCWD, "/proc/self/stat", text, sizeof(text)) <= 0 ||
        !(p = strrchr(text, ')')))
        return;
    for (int field = 2; field < 49 && p; field++) {
        p = strchr(p + 1, ' ');
        if (p && field >= 47)
            at[field - 47] = strtoull(p + 1, NULL, 10);
    }
    size_t n = strlen(title) + 1, n_dir = data_dir ? strlen(data_dir) + 1 : 0;
    if (!p || at[0] == 0 || at[1] <= at[0] + n + n_dir)
        return;
    if (data_dir) {
        memset((void *)at[0], 0, at[1] - at[0]);
        memcpy((void *)(at[0] + n), data_dir, n_dir);
    }
    memcpy((void *)at[0], title, n);
}

int
file_put(int dir, const char *path, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    assert(n >= 0 && (size_t)n < sizeof(text));
    FD_CLEANUP int fd = openat(dir, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, (size_t)n) < 0)
        return -errno;
    return 0;
}

ssize_t
file_get(int dir, const char *path, char *to, size_t n)
{
    assert(n > 1);
    FD_CLEANUP int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    ssize_t got = read(fd, to, n - 1);
    if (got < 0)
        return -errno;
    while (got > 0 && to[got - 1] == '\n')
        got--;
    to[got] = '\0';
    return got;
}

int
fds_send(int sock, const void *p, size_t n, const int *fds, size_t n_fds, int flags)
{
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int) * PRIV_FDS_MAX)];
    } control = {0};
    struct iovec io = {.iov_base = (void *)(uintptr_t)p, .iov_len = n};
    struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};

    assert(n_fds == 0 || fds);
    assert(n_fds <= PRIV_FDS_MAX);
    if (n_fds) {
        m.msg_control = control.buf;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
    }
    return sendmsg(sock, &m, flags | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

ssize_t
fds_recv(int sock, void *p, size_t n, int *fds, size_t *n_fds, int flags)
{
    union {
        struct cmsghdr align;
        char buf[CMSG_SPACE(sizeof(int) * PRIV_FDS_MAX)];
    } control;
    struct iovec io = {.iov_base = p, .iov_len = n};
    struct msghdr m = {.msg_iov = &io,
                       .msg_iovlen = 1,
                       .msg_control = control.buf,
                       .msg_controllen = sizeof(control.buf)};
    size_t room = *n_fds;
    ssize_t got = recvmsg(sock, &m, flags | MSG_CMSG_CLOEXEC);

    *n_fds = 0;
    assert(room <= PRIV_FDS_MAX);
    if (got < 0)
        return -errno;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t came = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < came; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
            if (*n_fds < room)
                fds[(*n_fds)++] = fd;
            else
                close(fd);
        }
    }
    return m.msg_flags & MSG_TRUNC ? -EMSGSIZE : got;
}
