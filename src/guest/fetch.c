/*
 * HTTP as a client: metadata over one connection, includes over one each.
 *
 * Metadata requests are pipelined behind the token, as HTTP/1.1 allows: it saves three
 * round trips, 0.2 ms.  What is not answered that way is asked for again alone, so that
 * a server that cannot do it costs one timeout and not the boot.
 */
#include "fetch.h"

#include "file.h"
#include "http.h"
#include "run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
    FETCH_MAX = 1 << 20,
    IMDS_TRY_MS = 10000,
    IMDS_ANSWER_MS = 1000,
    IMDS_FIRST_CONNECT_MS = 4,
    FETCH_ANSWER_MS = 5000,
    REDIRECTS_MAX = 5,
    TRIES = 3,
};

static void
set_timeouts(int fd, int ms)
{
    struct timeval t = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

    assert(fd >= 0 && ms > 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)); /* connect too */
}

static int
dial(struct in_addr ip, uint16_t port, int timeout_ms)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = ip};

    assert(port > 0 && timeout_ms > 0);
    if (fd < 0)
        return -errno;
    set_timeouts(fd, timeout_ms);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
        int r = errno == EINPROGRESS ? -ETIMEDOUT : -errno;

        close(fd);
        return r;
    }
    return fd;
}

/* Reads one answer; what follows it stays in *in for the next. */
static int
receive(struct arena *a, int fd, struct buf *in, struct http_response *ret)
{
    char chunk[16384];
    ssize_t n = 0;
    int one = 1;

    assert(fd >= 0 && in->n <= in->max_bytes);
    /* A server that answers in small pieces without TCP_NODELAY waits for our ACK: 40 ms. */
    setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
    for (bool closed = false;; closed = n == 0) {
        enum http_parsed r = in->n || closed ? http_parse(a, buf_str(in), closed, ret) : HTTP_MORE;

        if (r == HTTP_BAD)
            return -EBADMSG;
        if (r == HTTP_DONE)
            break;
        if (closed)
            return -ECONNRESET;
        do
            n = recv(fd, chunk, sizeof(chunk), 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        buf_add(in, (struct str){chunk, (size_t)n});
        if (in->over)
            return -EFBIG;
    }
    struct str rest = str_cut(buf_str(in), ret->used_bytes, in->n);
    assert(ret->used_bytes > 0 && ret->used_bytes <= in->n);
    *in = buf_new(a, in->max_bytes);
    buf_add(in, rest);
    return 0;
}

static int
exchange(struct arena *a, int fd, struct str request, struct buf *in, struct http_response *ret)
{
    assert(fd >= 0 && request.n > 0);
    if (!write_all(fd, request))
        return errno ? -errno : -EPIPE;
    return receive(a, fd, in, ret);
}

static int
imds_dial(struct imds *m, int connect_ms)
{
    struct in_addr ip = {htonl(0xa9fea9fe)};
    int fd = dial(ip, 80, connect_ms);

    assert(m->fd < 0);
    if (fd < 0)
        return fd;
    set_timeouts(fd, IMDS_ANSWER_MS);
    m->fd = fd;
    m->in = buf_new(m->a, FETCH_MAX);
    return 0;
}

static int
imds_token(struct imds *m, int connect_ms)
{
    static const struct str put = S("PUT /latest/api/token HTTP/1.1\r\nHost: 169.254.169.254\r\n"
                                    "X-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"
                                    "Content-Length: 0\r\n\r\n");
    struct http_response res;
    int r = imds_dial(m, connect_ms);

    if (r < 0)
        return r;
    r = exchange(m->a, m->fd, put, &m->in, &res);
    if (r == 0 && (res.status != 200 || res.body.n == 0 || res.body.n > 1024))
        r = -EPROTO;
    if (r < 0) {
        imds_close(m);
        return r;
    }
    m->token = arena_dup(m->a, str_trim(res.body));
    if (!res.keep_alive)
        imds_close(m);
    return 0;
}

/*
 * Begins with short patience: the far end of a link that has just come up drops packets until a
 * kernel thread of the host has switched it on, and TCP sends its first packet again only after a
 * second.  A new connection is a new first packet.
 */
int
imds_open(struct imds *m, struct arena *a)
{
    int64_t give_up_ms = now_ms() + IMDS_TRY_MS, wait_ms = 1;
    int r, connect_ms = IMDS_FIRST_CONNECT_MS;

    *m = (struct imds){.a = a, .fd = -1};
    while ((r = imds_token(m, connect_ms)) < 0 && now_ms() + wait_ms < give_up_ms) {
        struct timespec t = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000};

        if (r == -ETIMEDOUT && connect_ms < IMDS_ANSWER_MS) {
            connect_ms = connect_ms * 2 > IMDS_ANSWER_MS ? IMDS_ANSWER_MS : connect_ms * 2;
            continue;
        }
        if (wait_ms == 1)
            log_info("Metadata does not answer yet: %s", strerror(-r));
        nanosleep(&t, NULL);
        wait_ms = wait_ms * 2 > 500 ? 500 : wait_ms * 2;
    }
    return r;
}

static struct str
imds_request(struct imds *m, const char *item)
{
    assert(item[0] != '/');
    return arena_fmt(m->a, "GET /latest/%s HTTP/1.1\r\nHost: 169.254.169.254\r\n"
                           "X-aws-ec2-metadata-token: %.*s\r\n\r\n",
                     item, STR_ARG(m->token));
}

static int
imds_result(const struct http_response *res, struct str *ret)
{
    if (res->status == 404)
        return -ENOENT;
    if (res->status != 200)
        return -EPROTO;
    *ret = res->body;
    return 0;
}

int
imds_get(struct imds *m, const char *item, struct str *ret)
{
    struct http_response res;
    struct str request = imds_request(m, item);
    int r = -ENOTCONN;

    for (int try = 0; try < TRIES; try++) {
        if (m->fd < 0 && (r = imds_dial(m, IMDS_ANSWER_MS)) < 0)
            continue;
        r = exchange(m->a, m->fd, request, &m->in, &res);
        if (r < 0 || !res.keep_alive)
            imds_close(m);
        if (r == 0 && res.status < 500)
            break;
        if (r == 0)
            r = -EPROTO;
    }
    return r < 0 ? r : imds_result(&res, ret);
}

void
imds_get_all(struct imds *m, const char *const items[], size_t n, struct str ret[], int r[])
{
    struct buf requests = buf_new(m->a, 16384);
    struct http_response res;
    size_t done = 0;

    for (size_t i = 0; i < n; i++)
        buf_add(&requests, imds_request(m, items[i]));
    if (m->fd >= 0 && write_all(m->fd, buf_str(&requests))) {
        while (done < n && m->fd >= 0 && receive(m->a, m->fd, &m->in, &res) == 0) {
            if (res.status >= 500)
                break;
            r[done] = imds_result(&res, &ret[done]);
            done++;
            if (!res.keep_alive)
                imds_close(m);
        }
    }
    if (done < n)
        imds_close(m); /* whatever is still on its way belongs to nobody */
    assert(done <= n);
    for (; done < n; done++)
        r[done] = imds_get(m, items[done], &ret[done]);
}

void
imds_close(struct imds *m)
{
    if (m->fd >= 0)
        close(m->fd);
    m->fd = -1;
}

static bool
hosts_file(struct arena *a, struct str name, struct in_addr *ret)
{
    struct str text, line;

    if (!file_read(a, "/etc/hosts", 256 * 1024, &text))
        return false;
    while (str_line(&text, &line)) {
        struct in_addr ip;
        struct str word, address = S("");

        line = str_cut(line, 0, str_find(line, S("#"), 0));
        while (line.n) {
            size_t n = strcspn(arena_cstr(a, line), " \t");

            word = str_cut(line, 0, n);
            line = str_cut(line, n + 1, line.n);
            if (word.n == 0)
                continue;
            if (address.n == 0)
                address = word;
            else if (str_ieq(word, name) && inet_pton(AF_INET, arena_cstr(a, address), &ip) == 1) {
                *ret = ip;
                return true;
            }
        }
    }
    return false;
}

static enum dns_parsed
ask(struct arena *a, struct in_addr server, struct str name, struct in_addr *ret)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53), .sin_addr = server};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    enum dns_parsed got = DNS_BAD;
    uint16_t id = 0;
    char answer[1500];

    assert(name.n > 0);
    if (fd < 0)
        return DNS_BAD;
    set_timeouts(fd, 2000);
    if (getrandom(&id, sizeof(id), GRND_NONBLOCK) < 0)
        id = (uint16_t)now_ms();
    struct str q = dns_query(a, name, id);
    for (int try = 0; q.n && try < TRIES && got == DNS_BAD; try++) {
        if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 || !write_all(fd, q))
            break;
        ssize_t n = recv(fd, answer, sizeof(answer), 0);
        if (n > 0)
            got = dns_answer((struct str){answer, (size_t)n}, id, (uint8_t *)ret);
    }
    close(fd);
    return got;
}

static bool
resolve(struct arena *a, struct str host, struct in_addr *ret, struct str *ret_why)
{
    struct str text, line;

    if (inet_pton(AF_INET, arena_cstr(a, host), ret) == 1 || hosts_file(a, host, ret))
        return true;
    *ret_why = S("no name server in /etc/resolv.conf");
    if (!file_read(a, "/etc/resolv.conf", 65536, &text))
        return false;
    while (str_line(&text, &line)) {
        struct in_addr server;

        if (!str_starts(line, S("nameserver")))
            continue;
        struct str ip = str_trim(str_cut(line, strlen("nameserver"), line.n));
        if (inet_pton(AF_INET, arena_cstr(a, ip), &server) != 1)
            continue;
        switch (ask(a, server, host, ret)) {
        case DNS_ADDRESS:
            return true;
        case DNS_NONE:
            *ret_why = S("Name or service not known");
            return false;
        case DNS_TRUNCATED:
            *ret_why = S("the DNS answer needs TCP, which is not supported here");
            return false;
        case DNS_BAD:
            *ret_why = S("no answer from the name server");
        }
    }
    return false;
}

bool
fetch_send(struct arena *a, const struct url *u, struct str request, size_t max_bytes,
           int timeout_ms, struct http_response *ret, struct str *ret_why)
{
    struct in_addr ip;
    struct buf in = buf_new(a, max_bytes + 65536);

    assert(max_bytes > 0 && request.n > 0);
    if (!resolve(a, u->host, &ip, ret_why))
        return false;
    int fd = dial(ip, u->port, timeout_ms);
    int r = fd;
    if (fd >= 0) {
        r = exchange(a, fd, request, &in, ret);
        close(fd);
    }
    if (r == 0 && ret->body.n > max_bytes)
        r = -EFBIG;
    if (r < 0)
        *ret_why = r == -EFBIG ? arena_fmt(a, "it is larger than %zu MiB", max_bytes >> 20)
                               : str_c(strerror(-r));
    return r == 0;
}

static bool
fetch_http(struct arena *a, const struct url *u, struct http_response *ret, struct str *ret_why)
{
    struct str port = u->port == 80 ? S("") : arena_fmt(a, ":%u", u->port);
    struct str request = arena_fmt(a, "GET %.*s HTTP/1.1\r\nHost: %.*s%.*s\r\nUser-Agent: "
                                      "welkin-init\r\nAccept: */*\r\n"
                                      "Connection: close\r\n\r\n",
                                   STR_ARG(u->path), STR_ARG(u->host), STR_ARG(port));

    return fetch_send(a, u, request, FETCH_MAX, FETCH_ANSWER_MS, ret, ret_why);
}

/* TLS is not in this program; an image that has curl or wget has it. */
static bool
fetch_https(struct arena *a, struct str url, struct str *ret, struct str *ret_why)
{
    char *u = arena_cstr(a, url);
    char out[] = "/run/welkin-init.fetch", limit[] = "1048576";
    char *curl[] = {"curl", "-fsSL", "--max-time", "30", "--max-filesize", limit, "-o", out,
                    "--", u, NULL};
    char *wget[] = {"wget", "-q", "-T", "30", "-O", out, "--", u, NULL};
    char **argv = run_find(a, "curl").n ? curl : run_find(a, "wget").n ? wget : NULL;
    int status;

    *ret_why = S("https needs curl or wget, and the image has neither");
    if (!argv)
        return false;
    unlink(out);
    int r = run_wait(a, argv, NULL, &status);
    *ret_why = r < 0 ? str_c(strerror(-r)) : arena_fmt(a, "%s ended with %d", argv[0], status);
    bool good = r == 0 && status == 0;
    if (good && !file_read(a, out, FETCH_MAX, ret)) {
        *ret_why = S("it is larger than 1 MiB");
        good = false;
    }
    unlink(out);
    return good;
}

static bool
fetch_once(struct arena *a, struct str url, struct str *ret, struct str *ret_why, bool *ret_final)
{
    struct http_response res;
    struct url u;

    *ret_final = true;
    for (int hop = 0; hop <= REDIRECTS_MAX; hop++) {
        *ret_why = S("it is not a URL this can read");
        if (!url_parse(url, &u))
            return false;
        if (str_ieq(u.scheme, S("https")))
            return fetch_https(a, url, ret, ret_why);
        if (str_ieq(u.scheme, S("file")) && hop == 0) {
            *ret_why = S("the file cannot be read or is larger than 1 MiB");
            return file_read(a, arena_cstr(a, u.path), FETCH_MAX, ret);
        }
        if (!str_ieq(u.scheme, S("http")))
            return false;
        *ret_final = false;
        if (!fetch_http(a, &u, &res, ret_why))
            return false;
        if (res.status / 100 == 2) {
            *ret = res.body;
            return true;
        }
        *ret_why = arena_fmt(a, "invalid http code of %u", res.status);
        *ret_final = res.status < 500;
        if (res.status / 100 != 3 || res.location.n == 0)
            return false;
        url = str_starts(res.location, S("/"))
                  ? arena_fmt(a, "http://%.*s:%u%.*s", STR_ARG(u.host), u.port,
                              STR_ARG(res.location))
                  : arena_dup(a, res.location);
    }
    *ret_why = S("more than 5 redirects");
    *ret_final = true;
    return false;
}

bool
fetch_url(struct arena *a, struct str url, struct str *ret, struct str *ret_why)
{
    bool final = false;

    for (int try = 0; try < TRIES && !final; try++) {
        struct timespec t = {.tv_sec = try};

        nanosleep(&t, NULL);
        if (fetch_once(a, url, ret, ret_why, &final))
            return true;
    }
    return false;
}
