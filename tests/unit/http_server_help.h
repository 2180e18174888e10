/*
 * A server and its clients in one thread: a client writes, the loop turns, the client reads.  Real
 * time does not pass: the monotonic clock is the test's.
 */
#pragma once

#include "harness/harness.h"
#include "loop/http_server.h"
#include "loop/net.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static struct env env;
static int64_t mono_ms = 1000;
static struct loop *loop;
static struct http_server *server;
static struct http_listener *listener;
static uint16_t port;

static int64_t
mono_ns(struct env *unused UNUSED)
{
    return mono_ms * 1000000;
}

/* The server, on a port of its own. */
static void
serve_with(const struct http_config *config)
{
    int fd;

    env = *env_real();
    env.mono_ns = mono_ns;
    CHECK_INT(loop_new(&loop, &env, true), 0);
    CHECK_INT(http_server_new(&server, loop, config), 0);
    CHECK_INT(net_listen_tcp(S("127.0.0.1"), 0, &fd), 0);
    port = net_port(fd);
    CHECK_INT(http_server_listen(server, fd, &listener, &listener), 0);
}

static void
turn(unsigned n)
{
    while (n--)
        CHECK_INT(loop_turn(loop, 0), 0);
}

static int
dial(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    turn(3);
    return fd;
}
