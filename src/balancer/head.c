/*
 * Heads that are written: a request as its target gets it, an answer as its client gets it, and the
 * node's own pages, worded as Elastic Load Balancing words them.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
 */
#include "balancer/balancer.h"

#include "base/timefmt.h"

#include <stdio.h>

/* ---- what is left out ---- */

/* Headers that are about one connection, and those that the node writes itself. */
static bool
is_hop(struct str name)
{
    static const struct str hop[] = {
        S_INIT("connection"), S_INIT("keep-alive"),        S_INIT("proxy-connection"),
        S_INIT("te"),         S_INIT("transfer-encoding"), S_INIT("upgrade"),
        S_INIT("expect")};

    for (size_t i = 0; i < ARRAY_LEN(hop); i++)
        if (str_eq_nocase(name, hop[i]))
            return true;
    return false;
}

/*
 * What a Connection header names is about that connection as well; but nobody takes the length off
 * a body by it.
 */
static bool
is_named(const struct http_head *head, struct str name)
{
    size_t place = 0;

    assert(name.n > 0);
    if (!head->known[HTTP_CONNECTION].p || str_eq_nocase(name, S("content-length")))
        return false;
    for (struct str v; (v = http_header_next(head, S("connection"), &place)).p;)
        if (http_has_token(v, name))
            return true;
    return false;
}

/* "-A-Za-z0-9": others are dropped where the balancer's attribute says so. */
static bool
is_plain(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z'))
            return false;
    }
    return true;
}

static void
put_header(struct buf *out, struct str name, struct str value)
{
    buf_add_str(out, name);
    buf_add_lit(out, ": ");
    buf_add_str(out, value);
    buf_add_lit(out, "\r\n");
}

/* ---- requests ---- */

static void
put_ip(struct buf *out, uint32_t ip)
{
    buf_add_fmt(out, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

static void
put_forwarded_for(const struct bal_asked *asked, struct buf *out)
{
    const struct http_head *head = asked->head;
    size_t place = 0;
    bool any = false;

    if (asked->config->forwarded == BAL_REMOVE)
        return;
    for (struct str v; (v = http_header_next(head, S("x-forwarded-for"), &place)).p; any = true) {
        buf_add_str(out, any ? S(", ") : S("X-Forwarded-For: "));
        buf_add_str(out, v);
    }
    if (asked->config->forwarded == BAL_APPEND) {
        buf_add_str(out, any ? S(", ") : S("X-Forwarded-For: "));
        put_ip(out, asked->client);
        if (asked->config->forwarded_port)
            buf_add_fmt(out, ":%u", asked->client_port);
        any = true;
    }
    if (any)
        buf_add_lit(out, "\r\n");
}

/* "Root=1-67891233-abcdef012345678912345678"; one that came with the request stays
 * behind it. */
static void
put_trace(struct bal *bal, const struct http_head *head, struct buf *out)
{
    struct str before = http_header_get(head, S("x-amzn-trace-id"));
    bool rooted = str_find(before, S("Root=")) != SIZE_MAX;
    uint32_t r[3];

    bal->env->random(bal->env, r, sizeof(r));
    buf_add_fmt(out, "X-Amzn-Trace-Id: %s=1-%08x-%08x%08x%08x", rooted ? "Self" : "Root",
                (unsigned)bal_wall_s(bal), r[0], r[1], r[2]);
    if (before.n) {
        buf_add_char(out, ';');
        buf_add_str(out, before);
    }
    buf_add_lit(out, "\r\n");
}

/* The listener's port is in it unless it is the usual one, or as the client sent it. */
static void
put_host(const struct bal_asked *asked, struct buf *out)
{
    struct str host = asked->head->host;
    size_t colon = str_find_char(host, ':');

    buf_add_lit(out, "Host: ");
    buf_add_str(out,
                asked->config->preserve_host || host.p[0] == '[' ? host : str_cut(host, 0, colon));
    if (!asked->config->preserve_host && asked->listener->port != 80 && host.p[0] != '[')
        buf_add_fmt(out, ":%u", asked->listener->port);
    buf_add_lit(out, "\r\n");
}

/* Written by the node itself, or left out. */
static bool
is_replaced(const struct bal_asked *asked, struct str name)
{
    static const struct str own[] = {S_INIT("host"), S_INIT("x-forwarded-for"),
                                     S_INIT("x-forwarded-proto"), S_INIT("x-forwarded-port"),
                                     S_INIT("x-amzn-trace-id")};

    if (is_hop(name) || is_named(asked->head, name))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (str_eq_nocase(name, own[i]))
            return true;
    return asked->config->drop_invalid && !is_plain(name);
}

void
bal_head_forward(struct bal *bal, const struct bal_asked *asked, struct buf *out)
{
    const struct http_head *head = asked->head;

    assert(head->path.n > 0 && head->method_name.n > 0);
    buf_add_str(out, head->method_name);
    buf_add_char(out, ' ');
    buf_add_str(out, head->path);
    if (head->query.p) {
        buf_add_char(out, '?');
        buf_add_str(out, head->query);
    }
    buf_add_lit(out, " HTTP/1.1\r\n");
    put_forwarded_for(asked, out);
    buf_add_fmt(out, "X-Forwarded-Proto: http\r\nX-Forwarded-Port: %u\r\n", asked->listener->port);
    if (head->host.n)
        put_host(asked, out);
    else
        buf_add_lit(out, "Host: \r\n"); /* HTTP/1.0 needs none */
    put_trace(bal, head, out);
    for (size_t i = 0; i < head->n_headers; i++)
        if (!is_replaced(asked, head->headers[i].name))
            put_header(out, head->headers[i].name, head->headers[i].value);
    if (head->chunked)
        buf_add_lit(out, "Transfer-Encoding: chunked\r\n");
    if (asked->upgrade) {
        buf_add_lit(out, "Connection: Upgrade\r\n");
        put_header(out, S("Upgrade"), http_header_get(head, S("upgrade")));
    }
    buf_add_lit(out, "\r\n");
}

/* ---- answers ---- */

static void
put_status(struct buf *out, unsigned status)
{
    struct str reason = http_reason(status);

    assert(status >= 100 && status <= 599);
    buf_add_fmt(out, "HTTP/1.1 %u %.*s\r\n", status, STR_ARG(reason));
}

static void
put_date(struct bal *bal, struct buf *out)
{
    struct arena a;

    arena_init(&a, 1024);
    put_header(out, S("Date"), time_http(&a, bal_wall_s(bal) * 1000));
    arena_done(&a);
}

void
bal_head_answer(struct bal *bal, const struct http_head *head, unsigned status, bool server,
                bool keep, struct str extra, struct buf *out)
{
    put_status(out, status);
    if (!head->known[HTTP_DATE].p)
        put_date(bal, out);
    for (size_t i = 0; i < head->n_headers; i++) {
        struct str name = head->headers[i].name;

        if (!is_hop(name) && !is_named(head, name) && (server || !str_eq_nocase(name, S("server"))))
            put_header(out, name, head->headers[i].value);
    }
    buf_add_str(out, extra);
    if (head->chunked)
        buf_add_lit(out, "Transfer-Encoding: chunked\r\n");
    if (status == 101) {
        buf_add_lit(out, "Connection: upgrade\r\n");
        put_header(out, S("Upgrade"), http_header_get(head, S("upgrade")));
    } else {
        buf_add_str(out, keep ? S("Connection: keep-alive\r\n") : S("Connection: close\r\n"));
    }
    buf_add_lit(out, "\r\n");
}

/* ---- pages of its own ---- */

static void
put_own(struct bal *bal, unsigned status, struct str title, struct str type, struct str location,
        struct str body, bool keep, bool no_body, struct buf *out)
{
    buf_add_fmt(out, "HTTP/1.1 %u %.*s\r\nServer: awselb/2.0\r\n", status, STR_ARG(title));
    put_date(bal, out);
    if (type.n)
        put_header(out, S("Content-Type"), type);
    buf_add_fmt(out, "Content-Length: %zu\r\n", body.n);
    buf_add_str(out, keep ? S("Connection: keep-alive\r\n") : S("Connection: close\r\n"));
    if (location.p)
        put_header(out, S("Location"), location);
    buf_add_lit(out, "\r\n");
    if (!no_body)
        buf_add_str(out, body);
}

void
bal_page(struct bal *bal, unsigned status, struct str location, bool keep, bool no_body,
         struct buf *out)
{
    char room[512];
    struct str reason = status == 503   ? S("Service Temporarily Unavailable")
                        : status == 504 ? S("Gateway Time-out")
                                        : http_reason(status);
    int n = snprintf(room, sizeof(room),
                     "<html>\r\n<head><title>%u %.*s</title></head>\r\n<body>\r\n"
                     "<center><h1>%u %.*s</h1></center>\r\n</body>\r\n</html>\r\n",
                     status, STR_ARG(reason), status, STR_ARG(reason));

    assert(n > 0 && (size_t)n < sizeof(room));
    put_own(bal, status, reason, S("text/html"), location, str_of(room, (size_t)n), keep, no_body,
            out);
}

void
bal_fixed(struct bal *bal, const struct bal_action *action, bool keep, bool no_body,
          struct buf *out)
{
    struct str type = action->type.n ? action->type : S("text/plain");
    char room[64];
    int n = snprintf(room, sizeof(room), "%.*s; charset=utf-8", STR_ARG(type));

    assert(action->does == BAL_RESPOND && n > 0 && (size_t)n < sizeof(room));
    put_own(bal, action->status, http_reason(action->status), str_of(room, (size_t)n), STR_NONE,
            action->body, keep, no_body, out);
}
