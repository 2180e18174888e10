/*
 * The console of a machine: a pty, so that the guest sees a terminal, whose output is kept as a
 * ring in a file.  A file and not memory, because a thousand idle machines should cost nothing
 * and because it must survive both processes.
 *
 * The file: a head with the count of all bytes ever written, then PRIV_CONSOLE_MAX bytes, byte i
 * at i modulo that.  The data goes first and the head after it: a crash between the two loses
 * the newest piece and nothing else.
 */
#include "host/sandbox/sandbox.h"

#include "base/error.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#define CONSOLE_MAGIC 0x57454c4b43310001ull
#define PIECE 8192
#define PIECES_A_TURN 4 /* then other machines get their turn */

struct console_head {
    uint64_t magic;
    uint64_t end;
};

int
console_new(uint32_t uid, int *ret_master, int *ret_slave)
{
    struct termios t;
    FD_CLEANUP int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    FD_CLEANUP int slave = -1;

    assert(uid >= 65536);
    if (master < 0 || unlockpt(master) < 0)
        return -errno;
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0 || tcgetattr(slave, &t) < 0)
        return -errno;
    /* As a serial line shows it: no echo, CR before LF. */
    cfmakeraw(&t);
    t.c_oflag |= OPOST | ONLCR;
    if (tcsetattr(slave, TCSANOW, &t) < 0 || fchown(slave, uid, uid) < 0)
        return -errno;
    *ret_master = fd_steal(&master);
    *ret_slave = fd_steal(&slave);
    return 0;
}

static int
console_file(struct host *h, const char *id, int flags)
{
    char path[PRIV_ID_MAX + 16];

    assert(machine_id_ok(id));
    text_set(path, sizeof(path), "%s/console.log", id);
    return openat(h->machines, path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static bool
read_head(int fd, struct console_head *ret)
{
    assert(fd >= 0);
    return pread(fd, ret, sizeof(*ret), 0) == sizeof(*ret) && ret->magic == CONSOLE_MAGIC;
}

uint64_t
console_recover(struct host *h, const char *id)
{
    FD_CLEANUP int fd = console_file(h, id, O_RDONLY);
    struct console_head head;

    return fd >= 0 && read_head(fd, &head) ? head.end : 0;
}

static int
keep(struct host *h, struct machine *m, const char *p, size_t n)
{
    FD_CLEANUP int fd = console_file(h, m->saved.id, O_WRONLY | O_CREAT);
    struct console_head head = {.magic = CONSOLE_MAGIC, .end = m->console_end + n};
    size_t at = (size_t)(m->console_end % PRIV_CONSOLE_MAX);
    size_t first = MIN(n, (size_t)PRIV_CONSOLE_MAX - at);

    assert(at < PRIV_CONSOLE_MAX);
    assert(n > 0 && n <= PIECE && first <= n);
    m->console_end += n;
    if (fd < 0 || pwrite(fd, p, first, (off_t)(sizeof(head) + at)) < 0 ||
        (n > first && pwrite(fd, p + first, n - first, sizeof(head)) < 0) ||
        pwrite(fd, &head, sizeof(head), 0) < 0)
        return error_origin(errno, "console.log of %s", m->saved.id);
    return 0;
}

bool
console_drain(struct host *h, struct machine *m)
{
    char piece[PIECE];

    assert(m->console.fd >= 0);
    for (int i = 0; i < PIECES_A_TURN; i++) {
        ssize_t n = read(m->console.fd, piece, sizeof(piece));

        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0)
            return false;
        assert(n <= (ssize_t)sizeof(piece));
        struct priv_ev_console e = {.at = m->console_end, .n = (uint32_t)n};
        keep(h, m, piece, (size_t)n);
        memcpy(e.id, m->saved.id, sizeof(e.id));
        if (m->followers)
            event(h, PRIV_EV_CONSOLE, &e, sizeof(e), piece, (size_t)n, m->followers);
    }
    return true;
}

ssize_t
console_read(struct host *h, const char *id, uint64_t from, struct priv_console_reply *ret,
             char *to, size_t room)
{
    assert(room > 0 && room <= PRIV_CONSOLE_PIECE);
    FD_CLEANUP int fd = console_file(h, id, O_RDONLY);
    struct console_head head;

    *ret = (struct priv_console_reply){0};
    if (fd < 0 || !read_head(fd, &head))
        return 0; /* nothing was ever written */
    ret->end = head.end;
    ret->begin = head.end > PRIV_CONSOLE_MAX ? head.end - PRIV_CONSOLE_MAX : 0;
    if (from == UINT64_MAX)
        from = head.end > room ? head.end - room : 0;
    ret->at = MIN(MAX(from, ret->begin), ret->end);
    size_t n = (size_t)MIN(ret->end - ret->at, (uint64_t)room);
    size_t at = (size_t)(ret->at % PRIV_CONSOLE_MAX);
    size_t first = MIN(n, (size_t)PRIV_CONSOLE_MAX - at);
    if (pread(fd, to, first, (off_t)(sizeof(head) + at)) != (ssize_t)first ||
        pread(fd, to + first, n - first, sizeof(head)) != (ssize_t)(n - first))
        return error_origin(EIO, "console.log of %s", id);
    ret->n = (uint32_t)n;
    assert(ret->begin <= ret->at && ret->at + ret->n <= ret->end && n <= room);
    return (ssize_t)n;
}
