/*
 * HTTP/1.1 responses and URLs, as little as a client needs.
 *
 * The whole response is looked at from its start each time more bytes came.  That
 * is quadratic, but the caller's limit is 1 MiB and metadata answers are one packet;
 * in exchange there is no parser state to get wrong.
 */
#include "http.h"

#include <string.h>

bool
url_parse(struct str text, struct url *ret)
{
    struct url u = {0};
    size_t colon = str_find(text, S("://"), 0);
    uint64_t port;

    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= ' ' || text.p[i] == 0x7f)
            return false;
    if (colon == SIZE_MAX || colon == 0)
        return false;
    u.scheme = str_cut(text, 0, colon);
    struct str rest = str_cut(text, colon + 3, text.n);
    rest = str_cut(rest, 0, str_find(rest, S("#"), 0));
    size_t slash = 0;
    while (slash < rest.n && rest.p[slash] != '/' && rest.p[slash] != '?')
        slash++;
    u.host = str_cut(rest, 0, slash);
    u.path = str_cut(rest, slash, rest.n);
    size_t at = str_find(u.host, S("@"), 0);
    if (at != SIZE_MAX)
        return false; /* credentials in a URL are not supported, and must not be logged */
    u.port = str_ieq(u.scheme, S("https")) ? 443 : 80;
    size_t c = str_find(u.host, S(":"), 0);
    if (c != SIZE_MAX) {
        if (!str_u64(str_cut(u.host, c + 1, u.host.n), 10, &port) || port == 0 || port > 65535)
            return false;
        u.port = (uint16_t)port;
        u.host = str_cut(u.host, 0, c);
    }
    if (u.host.n == 0 && !str_ieq(u.scheme, S("file")))
        return false;
    if (u.path.n == 0)
        u.path = S("/");
    assert(u.port > 0 && u.path.n > 0);
    *ret = u;
    return true;
}

struct head {
    bool chunked, has_length;
    uint64_t length;
};

static bool
head_field(struct str line, struct head *h, struct http_response *res)
{
    size_t colon = str_find(line, S(":"), 0);

    assert(line.n > 0);
    if (colon == SIZE_MAX || colon == 0)
        return false;
    struct str name = str_cut(line, 0, colon);
    struct str value = str_trim(str_cut(line, colon + 1, line.n));
    if (str_ieq(name, S("content-length"))) {
        h->has_length = true;
        return str_u64(value, 10, &h->length);
    }
    if (str_ieq(name, S("transfer-encoding")))
        h->chunked = str_ifind(value, S("chunked"), 0) != SIZE_MAX;
    else if (str_ieq(name, S("connection")) && str_ieq(value, S("close")))
        res->keep_alive = false;
    else if (str_ieq(name, S("connection")) && str_ieq(value, S("keep-alive")))
        res->keep_alive = true;
    else if (str_ieq(name, S("location")))
        res->location = value;
    return true;
}

/* Walks the chunks from `at`; puts their bytes into `body` unless that is NULL. */
static enum http_parsed
chunks_walk(struct str in, size_t at, struct buf *body, size_t *ret_end)
{
    assert(at <= in.n);
    for (;;) {
        size_t eol = str_find(in, S("\r\n"), at);
        uint64_t size;

        if (eol == SIZE_MAX)
            return in.n - at > 256 ? HTTP_BAD : HTTP_MORE;
        struct str line = str_cut(in, at, eol);
        line = str_trim(str_cut(line, 0, str_find(line, S(";"), 0)));
        if (!str_u64(line, 16, &size))
            return HTTP_BAD;
        at = eol + 2;
        if (size == 0)
            break;
        if (size > in.n - at || in.n - at - size < 2)
            return HTTP_MORE;
        if (in.p[at + size] != '\r' || in.p[at + size + 1] != '\n')
            return HTTP_BAD;
        if (body)
            buf_add(body, str_cut(in, at, at + size));
        at += size + 2;
        assert(at <= in.n);
    }
    for (;;) { /* trailers, up to an empty line */
        size_t eol = str_find(in, S("\r\n"), at);

        if (eol == SIZE_MAX)
            return HTTP_MORE;
        if (eol == at)
            break;
        at = eol + 2;
    }
    assert(at + 2 <= in.n);
    *ret_end = at + 2;
    return HTTP_DONE;
}

/* Two walks: nothing is copied until all of it is there. */
static enum http_parsed
chunked_body(struct arena *a, struct str in, size_t at, struct http_response *res)
{
    struct buf body = buf_new(a, in.n);
    size_t end = 0;
    enum http_parsed r = chunks_walk(in, at, NULL, &end);

    if (r != HTTP_DONE)
        return r;
    chunks_walk(in, at, &body, &end);
    res->body = buf_str(&body);
    res->used_bytes = end;
    assert(end > at && end <= in.n && !body.over);
    return HTTP_DONE;
}

enum http_parsed
http_parse(struct arena *a, struct str in, bool closed, struct http_response *ret)
{
    struct http_response res = {0};
    struct head h = {0};
    size_t end = str_find(in, S("\r\n\r\n"), 0);
    struct str rest, line;
    uint64_t status;

    if (end == SIZE_MAX)
        return closed || in.n > 65536 ? HTTP_BAD : HTTP_MORE;
    rest = str_cut(in, 0, end + 2);
    str_line(&rest, &line);
    if (!str_starts(line, S("HTTP/1.")) || line.n < 12 ||
        !str_u64(str_cut(line, 9, 12), 10, &status))
        return HTTP_BAD;
    res.status = (unsigned)status;
    res.keep_alive = line.p[7] == '1';
    while (str_line(&rest, &line))
        if (!head_field(line, &h, &res))
            return HTTP_BAD;
    size_t at = end + 4;
    assert(at <= in.n);
    if (status / 100 == 1 || status == 204 || status == 304) {
        res.used_bytes = at;
    } else if (h.chunked) {
        enum http_parsed r = chunked_body(a, in, at, &res);
        if (r != HTTP_DONE)
            return r == HTTP_MORE && closed ? HTTP_BAD : r;
    } else if (h.has_length) {
        if (h.length > in.n - at)
            return closed ? HTTP_BAD : HTTP_MORE;
        res.body = str_cut(in, at, at + h.length);
        res.used_bytes = at + h.length;
    } else {
        if (!closed)
            return HTTP_MORE;
        res.body = str_cut(in, at, in.n);
        res.used_bytes = in.n;
        res.keep_alive = false;
    }
    assert(res.used_bytes <= in.n && res.body.n <= in.n);
    *ret = res;
    return HTTP_DONE;
}
