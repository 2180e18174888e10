/* Addresses are numeric: a daemon that resolves names to listen on waits for a network. */
#include "loop/net.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096 /* the kernel takes the lesser of this and net.core.somaxconn */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un un;
};

static socklen_t
parse_address(struct str text, uint16_t port, union address *ret)
{
    char cstr[INET6_ADDRSTRLEN];

    assert(str_ok(text));
    if (text.n == 0 || text.n >= sizeof(cstr))
        return 0;
    memcpy(cstr, text.p, text.n);
    cstr[text.n] = '\0';
    assert(text.n < sizeof(cstr));
    *ret = (union address){0};
    if (inet_pton(AF_INET, cstr, &ret->v4.sin_addr) == 1) {
        ret->v4.sin_family = AF_INET;
        ret->v4.sin_port = htons(port);
        return sizeof(ret->v4);
    }
    if (inet_pton(AF_INET6, cstr, &ret->v6.sin6_addr) == 1) {
        ret->v6.sin6_family = AF_INET6;
        ret->v6.sin6_port = htons(port);
        return sizeof(ret->v6);
    }
    return 0;
}

/* Closes the socket when it cannot listen. */
static int
bind_and_listen(int fd, const union address *at, socklen_t n, const char *what)
{
    assert(fd >= 0 && n > 0);
    if (bind(fd, &at->any, n) < 0 || listen(fd, BACKLOG) < 0) {
        int r = error_origin(errno, "cannot listen on %s", what);
        close(fd);
        return r;
    }
    return 0;
}

static bool
is_loopback(const union address *at)
{
    return at->any.sa_family == AF_INET ? ntohl(at->v4.sin_addr.s_addr) >> 24 == 127
                                        : IN6_IS_ADDR_LOOPBACK(&at->v6.sin6_addr);
}

int
net_listen_tcp(struct str address, uint16_t port, int *ret_fd)
{
    char what[INET6_ADDRSTRLEN + 8] = "";
    const int on = 1;
    union address at;
    socklen_t n = parse_address(address, port, &at);

    assert(ret_fd);
    if (!n)
        return -EINVAL;
    int fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_origin(errno, "cannot make a socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (at.any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    /* Within a machine there is nobody to pace for: BBR, where it is the default, takes a fifth of
     * the cost of a large reply.  Accepted sockets inherit it. */
    if (is_loopback(&at))
        setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
    inet_ntop(at.any.sa_family,
              at.any.sa_family == AF_INET ? (void *)&at.v4.sin_addr : (void *)&at.v6.sin6_addr,
              what, sizeof(what));
    int r = bind_and_listen(fd, &at, n, what);
    if (r == 0)
        *ret_fd = fd;
    return r;
}

int
net_listen_unix(const char *path, unsigned mode, int *ret_fd)
{
    union address at = {.un.sun_family = AF_UNIX};
    size_t n = strlen(path);

    assert(mode <= 0777 && ret_fd);
    if (n >= sizeof(at.un.sun_path))
        return error_origin(ENAMETOOLONG, "cannot listen on %s", path);
    memcpy(at.un.sun_path, path, n + 1);

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_origin(errno, "cannot make a socket");
    /* Nobody answers at an abandoned file. */
    if (connect(fd, &at.any, sizeof(at.un)) == 0) {
        close(fd);
        return -EADDRINUSE;
    }
    if (errno == ECONNREFUSED)
        unlink(path);
    /* Never more open than asked for, not even between bind(2) and chmod(2). */
    fchmod(fd, mode);
    int r = bind_and_listen(fd, &at, sizeof(at.un), path);
    if (r < 0)
        return r;
    if (chmod(path, mode) < 0) {
        r = error_origin(errno, "cannot set the mode of %s", path);
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

uint16_t
net_port(int fd)
{
    union address at;
    socklen_t n = sizeof(at);

    assert(fd >= 0);
    if (getsockname(fd, &at.any, &n) < 0)
        return 0;
    if (at.any.sa_family == AF_INET)
        return ntohs(at.v4.sin_port);
    return at.any.sa_family == AF_INET6 ? ntohs(at.v6.sin6_port) : 0;
}
