/*
 * A blocking HTTP client for one's own daemon: HTTP/1.1 with `Connection: close`, so that the end
 * of an answer is the end of the connection but for chunked streams.
 */
#include "daemon/client.h"

#include "base/buf.h"
#include "codec/http.h"
#include "codec/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define REPLY_MAX_BYTES ((size_t)16 << 20)

static void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static int
dial(const char *endpoint, int *ret_fd)
{
    struct str port = str_from(endpoint), host = str_split(&port, ':');
    uint64_t number;
    uint32_t ip;

    if (!ip4_parse(host, &ip) || !str_to_u64(port, &number) || number > 65535)
        return -EINVAL;
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)number), .sin_addr.s_addr = htonl(ip)};
    CLEANUP(close_fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        return -errno;
    *ret_fd = fd;
    fd = -1;
    return 0;
}

/* The status and where the body begins; false while the head is not whole. */
static bool
parse_head(struct str in, int *ret_status, size_t *ret_body, bool *ret_chunked)
{
    size_t end = str_find(in, S("\r\n\r\n"));
    int64_t status;

    assert(str_ok(in));
    if (end == SIZE_MAX || !str_to_i64(str_cut(in, 9, 12), &status))
        return false;
    struct str head = str_cut(in, 0, end + 2);
    *ret_status = (int)status;
    *ret_body = end + 4;
    *ret_chunked = str_find(head, S("Transfer-Encoding: chunked\r\n")) != SIZE_MAX;
    return true;
}

struct reading {
    struct buf in;
    struct http_chunked chunks;
    size_t body; /* where it begins in `in` */
    int status;
    bool head_done, chunked, done;
    void (*sink)(struct str piece);
};

/* Takes the bytes from `from` on, which have just come. */
static int
take(struct reading *rd, size_t from)
{
    assert(from <= rd->in.n);
    if (!rd->head_done) {
        if (!parse_head(buf_str(&rd->in), &rd->status, &rd->body, &rd->chunked))
            return 0;
        rd->head_done = true;
        from = rd->body;
    }
    assert(rd->body <= from && from <= rd->in.n);
    size_t n = rd->in.n - from;
    if (rd->chunked) {
        size_t used, out;
        int r = http_chunked_decode(&rd->chunks, rd->in.p + from, n, rd->in.p + from, &used, &out);

        if (r > 0)
            return -EPROTO;
        rd->done = r == HTTP_COMPLETE;
        rd->in.n = from + out;
        assert(used <= n && out <= n);
        n = out;
    }
    if (rd->sink && rd->status == 200) {
        rd->sink(str_of(rd->in.p + from, n));
        rd->in.n = from;
    }
    return 0;
}

int
client_call(struct arena *arena, const char *endpoint, const char *method, const char *path,
            struct str body, void (*sink)(struct str piece), struct client_reply *ret)
{
    struct str head = str_fmt(arena,
                              "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
                              "Content-Length: %zu\r\n\r\n",
                              method, path, endpoint, body.n);
    struct str req = str_cat(arena, head, body);
    struct reading rd = {.sink = sink};
    CLEANUP(close_fd) int fd = -1;
    int r = dial(endpoint, &fd);

    if (r < 0)
        return r;
    if (send(fd, req.p, req.n, MSG_NOSIGNAL) != (ssize_t)req.n)
        return -EPIPE;
    buf_init(&rd.in, REPLY_MAX_BYTES);
    while (r == 0 && !rd.done) {
        size_t from = rd.in.n;

        if (!buf_reserve(&rd.in, 65536)) {
            r = -EMSGSIZE;
            break;
        }
        ssize_t n = recv(fd, rd.in.p + from, 65536, 0);
        if (n <= 0) {
            r = n < 0 ? -errno : 0;
            break;
        }
        rd.in.n += (size_t)n;
        r = take(&rd, from);
    }
    if (r == 0 && !rd.head_done)
        r = -ECONNRESET;
    if (r == 0) {
        ret->status = rd.status;
        assert(rd.body <= rd.in.n);
        ret->body = str_dup(arena, str_cut(buf_str(&rd.in), rd.body, rd.in.n));
    }
    buf_done(&rd.in);
    return r;
}
