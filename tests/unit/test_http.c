#include "codec/http.h"

#include "harness/harness.h"

static struct http_head head;

static int
parse(const char *text)
{
    size_t n;

    return http_parse_head(str_from(text), &head, &n);
}

TEST(a_request_is_cut_into_its_parts)
{
    const char text[] = "\r\nPOST /a%20b?x=1&y HTTP/1.1\r\nHost: h:4566\r\n"
                        "X-A:\t b c \t\r\ncontent-LENGTH: 5\r\nx-a: d\r\n"
                        "Expect: 100-Continue\r\nEmpty:\r\n\r\nhello";
    size_t n, place = 0;

    CHECK_INT(http_parse_head(str_from(text), &head, &n), HTTP_COMPLETE);
    CHECK_INT(n, sizeof(text) - 1 - 5);
    CHECK_INT(head.method, HTTP_POST);
    CHECK_STR(head.method_name, "POST");
    CHECK_STR(head.target, "/a%20b?x=1&y");
    CHECK_STR(head.path, "/a%20b");
    CHECK_STR(head.query, "x=1&y");
    CHECK_STR(head.host, "h:4566");
    CHECK_INT(head.content_length, 5);
    CHECK_INT(head.minor, 1);
    CHECK(head.keep_alive && head.expect_continue && !head.chunked);
    CHECK_INT(head.n_headers, 6);
    CHECK_STR(http_header_next(&head, S("X-a"), &place), "b c");
    CHECK_STR(http_header_next(&head, S("x-A"), &place), "d");
    CHECK(!http_header_next(&head, S("x-A"), &place).p);
    CHECK(http_header_get(&head, S("empty")).p);
    CHECK(!head.known[HTTP_AUTHORIZATION].p);
}

TEST(every_head_cut_short_asks_for_more)
{
    const char text[] = "PUT /x?y HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    size_t n;

    for (size_t i = 0; i < sizeof(text) - 1; i++)
        CHECK_INT(http_parse_head(str_of(text, i), &head, &n), HTTP_MORE);
    CHECK_INT(http_parse_head(str_of(text, sizeof(text) - 1), &head, &n), HTTP_COMPLETE);
    CHECK(head.chunked);
    /* The shortcut that avoids parsing at every byte misses no end. */
    for (size_t seen = 0; seen < sizeof(text) - 1; seen++)
        CHECK(http_head_may_end(str_of(text, sizeof(text) - 1), seen));
    CHECK(!http_head_may_end(str_of(text, sizeof(text) - 2), 0));
}

#define GET "GET / HTTP/1.1\r\nHost: h\r\n"

/* What two programs could read differently: RFC 9112 §11 and the smuggling literature. */
TEST(ambiguous_requests_are_refused)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = {
        {400, GET "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {400, GET "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"},
        {0, GET "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"},
        {400, GET "Content-Length: 1, 1\r\n\r\n"},
        {400, GET "Content-Length: +1\r\n\r\n"},
        {400, GET "Content-Length: -1\r\n\r\n"},
        {400, GET "Content-Length: 0x1\r\n\r\n"},
        {400, GET "Content-Length: 1 2\r\n\r\n"},
        {400, GET "Content-Length:\r\n\r\n"},
        {400, GET "Content-Length: 9999999999999999999\r\n\r\n"},
        {0, GET "Content-Length: 999999999999999999\r\n\r\n"},
        {400, GET "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {501, GET "Transfer-Encoding: gzip, chunked\r\n\r\n"},
        {501, GET "Transfer-Encoding: xchunked\r\n\r\n"},
        {501, GET "Transfer-Encoding:\r\n\r\n"},
        {0, GET "Transfer-Encoding: Chunked\r\n\r\n"},
        {400, "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {400, GET "Transfer-Encoding : chunked\r\n\r\n"},
        {400, GET "X: a\r\n b\r\n\r\n"},
        {400, GET " X: a\r\n\r\n"},
        {400, GET "X: a\rb\r\n\r\n"},
        {400, GET "X: a\nY: b\r\n\r\n"},
        {400, GET "X: a\x01\r\n\r\n"},
        {400, GET "X: a\x7f\r\n\r\n"},
        {400, GET "X\r\n\r\n"},
        {400, GET ": x\r\n\r\n"},
        {400, GET "X(: x\r\n\r\n"},
        {400, GET "\n"},
        {400, "GET / HTTP/1.1\nHost: h\n\n"},
        {400, "GET / HTTP/1.1\r\n\r\n"},
        {0, "GET / HTTP/1.0\r\n\r\n"},
        {400, GET "Host: h\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
        {400, "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n"},
        {400, GET "Authorization: a\r\nAuthorization: b\r\n\r\n"},
        {400, "G(T / HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, " GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET  / HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET /a\tb HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET a HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET * HTTP/1.1\r\nHost: h\r\n\r\n"},
        {0, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET http:///x HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "GET http://u@h/x HTTP/1.1\r\nHost: h\r\n\r\n"},
        {505, "GET / HTTP/2.0\r\nHost: h\r\n\r\n"},
        {505, "GET / HTTP/1.2\r\nHost: h\r\n\r\n"},
        {505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
        {400, "GET / HTTP/1.11\r\nHost: h\r\n\r\n"},
        {400, "GET / http/1.1\r\nHost: h\r\n\r\n"},
        {400, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\nHost: h\r\n\r\n"},
        {400, "\x16\x03\x01\x02\x00\x01"},
        {417, GET "Expect: the best\r\n\r\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (parse(rows[i].text) != rows[i].status)
            FAIL("\"%s\" is %d, not %d", rows[i].text, parse(rows[i].text), rows[i].status);
    struct str nul = S("GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n");
    size_t n;
    CHECK_INT(http_parse_head(nul, &head, &n), 400);
}

TEST(an_absolute_target_names_the_host)
{
    CHECK_INT(parse("GET http://ec2.aws:80?a HTTP/1.1\r\nHost: other\r\n\r\n"), 0);
    CHECK_STR(head.host, "ec2.aws:80");
    CHECK_STR(head.path, "/");
    CHECK_STR(head.query, "a");
}

TEST(connections_are_kept_as_the_version_says)
{
    CHECK_INT(parse(GET "Connection: Upgrade, Close\r\n\r\n"), 0);
    CHECK(!head.keep_alive);
    CHECK_INT(parse("GET / HTTP/1.0\r\n\r\n"), 0);
    CHECK(!head.keep_alive);
    CHECK_INT(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), 0);
    CHECK(head.keep_alive);
}

TEST(too_many_headers_are_refused)
{
    struct str text = S(GET);

    for (int i = 1; i < HTTP_HEADERS_MAX; i++)
        text = str_cat(test_arena(), text, S("X: y\r\n"));
    size_t n;
    CHECK_INT(http_parse_head(str_cat(test_arena(), text, S("\r\n")), &head, &n), 0);
    CHECK_INT(http_parse_head(str_cat(test_arena(), text, S("X: y\r\n\r\n")), &head, &n), 431);
}

/* Decodes in pieces of n bytes; NULL when refused or unfinished. */
static struct str
decode(struct str in, size_t piece, size_t *ret_used)
{
    struct http_chunked c = {0};
    char *out = arena_alloc(test_arena(), in.n + 1);
    size_t made = 0, at = 0;

    while (at < in.n) {
        size_t used, n, give = MIN(piece, in.n - at);
        int r = http_chunked_decode(&c, in.p + at, give, out + made, &used, &n);
        if (r > 0)
            return STR_NONE;
        at += used;
        made += n;
        if (r == HTTP_COMPLETE) {
            *ret_used = at;
            return str_of(out, made);
        }
        CHECK(used == give);
    }
    return STR_NONE;
}

TEST(chunks_come_in_pieces_of_any_size)
{
    struct str in = S("5\r\nhello\r\n00b;x=\"y\"\r\n, big world\r\n0\r\nTrailer: x\r\n\r\nGET ");
    size_t used;

    for (size_t piece = 1; piece < in.n; piece++) {
        CHECK_STR(decode(in, piece, &used), "hello, big world");
        CHECK_INT(used, in.n - 4);
    }
}

TEST(malformed_chunks_are_refused)
{
    static const char *const bad[] = {
        "x\r\n",           "\r\n",          "5\nhello\r\n",      "5\r\nhelloX",
        "5\r\nhello\n0",   "-5\r\n",        "0x5\r\n",           "5 5\nx",
        " 5\r\n",          "5;a\x01\r\n",   "fffffffffffffffff", "0\r\nX: y\n",
        "0\r\n X: y\r\n",  "0\r\n\rX",      "5\rX",              "5_\r\n",
    };
    size_t used;
    struct http_chunked c = {0};
    char out[64];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        size_t n;
        c = (struct http_chunked){0};
        if (http_chunked_decode(&c, bad[i], strlen(bad[i]), out, &used, &n) != 400)
            FAIL("\"%s\" is accepted", bad[i]);
    }
    char long_line[HTTP_CHUNK_LINE_MAX_BYTES + 2];
    memset(long_line, 'a', sizeof(long_line));
    memcpy(long_line, "1;", 2);
    CHECK(!decode(str_of(long_line, sizeof(long_line)), 7, &used).p);
    struct str trailers = S("0\r\n");
    for (int i = 0; i < HTTP_TRAILERS_MAX_BYTES / 4; i++)
        trailers = str_cat(test_arena(), trailers, S("A:b\r\n"));
    CHECK(!decode(str_cat(test_arena(), trailers, S("\r\n")), 100, &used).p);
}
