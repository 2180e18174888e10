/*
 * The server's state machine: a client that sends the input in pieces, stops in the middle, closes
 * or half-closes, and an owner that answers now, later, as a stream, or never before the end.
 * Nothing may crash, leak (ASan), or be handed out twice.
 *
 * Byte 0 chooses the owner's manners, byte 1 the client's; then each piece is a length and bytes.
 */
#include "loop/http_server.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct http_request *held;
static uint8_t manners;

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
answer(struct http_request *req)
{
    static char large[40000];
    struct buf body;

    switch (manners & 3) {
    case 0:
        http_respond(req, 200, NULL, 0, req->body);
        break;
    case 1:
        http_respond(req, 200, NULL, 0, str_of(large, sizeof(large)));
        break;
    case 2:
        buf_init(&body, sizeof(large));
        buf_add(&body, large, sizeof(large));
        http_respond_buf(req, 201, NULL, 0, &body);
        buf_done(&body);
        break;
    default:
        http_stream_begin(req, 200, NULL, 0);
        for (int i = 0; i < 3; i++)
            http_stream_write(req, str_of(large, MIN(sizeof(large), 1 + req->body.n * 1000)));
        http_stream_end(req);
    }
}

static void
on_gone(struct http_request *req)
{
    must(req->gone && req == held);
    if (manners & 8) {
        held = NULL;
        answer(req);
    }
}

static void
on_request(struct http_request *req)
{
    must(!held && req->head.path.n);
    for (size_t i = 0; i < req->head.n_headers; i++)
        must(req->head.headers[i].name.n);
    if (req->head.query.n && *req->head.query.p == 'c')
        http_request_close(req);
    if (!(manners & 4)) {
        answer(req);
        return;
    }
    held = req;
    req->on_gone = on_gone;
}

static void
turn(struct loop *loop)
{
    for (int i = 0; i < 2; i++)
        must(loop_turn(loop, 0) == 0);
}

static void
act(struct loop *loop, int fd, const uint8_t *data, size_t n)
{
    char sink[65536];

    for (size_t i = 0; i < n;) {
        size_t k = MIN((size_t)data[i], n - i - 1);
        if (k && send(fd, data + i + 1, k, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            break;
        i += k + 1;
        turn(loop);
        if (held && k % 2) {
            struct http_request *req = held;
            held = NULL;
            answer(req);
        }
        if (manners & 16)
            while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
                turn(loop);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const struct http_config config = {.max_body_bytes = 5000,
                                       .max_header_bytes = 5000,
                                       .max_stream_bytes = 30000,
                                       .on_request = on_request};
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    socklen_t at_n = sizeof(sa_family_t);
    struct http_server *server;
    struct loop *loop;

    if (n < 2)
        return 0;
    log_init(-1, LOG_ERROR, NULL);
    manners = data[0];
    held = NULL;
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), fd;
    /* A bare family binds to a fresh abstract name. */
    must(listener >= 0 && bind(listener, (struct sockaddr *)&at, at_n) == 0);
    at_n = sizeof(at);
    must(listen(listener, 4) == 0 && getsockname(listener, (struct sockaddr *)&at, &at_n) == 0);
    must(loop_new(&loop, env_real(), true) == 0);
    must(http_server_new(&server, loop, &config) == 0);
    must(http_server_listen(server, listener, NULL, NULL) == 0);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    must(fd >= 0 && connect(fd, (struct sockaddr *)&at, at_n) == 0);
    turn(loop);
    act(loop, fd, data + 2, n - 2);
    if (data[1] & 1)
        shutdown(fd, SHUT_WR);
    if (data[1] & 2)
        http_server_stop(server);
    turn(loop);
    if (data[1] & 4) {
        close(fd);
        fd = -1;
        turn(loop);
    }
    if (held && data[1] & 8) {
        struct http_request *req = held;
        held = NULL;
        answer(req);
        turn(loop);
    }
    manners &= (uint8_t)~8;
    http_server_free(server);
    loop_free(loop);
    if (fd >= 0)
        close(fd);
    return 0;
}
