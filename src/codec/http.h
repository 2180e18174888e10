/*
 * HTTP/1.1 requests as text: the head (request line and headers) and the chunked body.  Pure:
 * bytes in, slices out.  loop/http_server.h moves the bytes.
 *
 * The parser is strict on purpose (RFC 9112 §11): what two programs could read differently is
 * refused and never guessed at.  Refused are a line that ends without CR, a CR or NUL anywhere
 * else, folded headers, blanks before a colon, a Content-Length that is not plain digits or that
 * differs from another, a Content-Length beside a Transfer-Encoding, any coding but `chunked`,
 * and an HTTP/1.1 request without exactly one Host.
 */
#pragma once

#include "base/str.h"

#define HTTP_HEADERS_MAX 100
/* A request line is at most the head; a method at most this. */
#define HTTP_METHOD_MAX_BYTES 32

enum http_method {
    HTTP_OTHER, /* a well-formed method that is none of these */
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_PATCH,
    HTTP_OPTIONS,
};

/* Headers that are recognised while parsing, so that looking them up costs nothing. */
enum http_known {
    HTTP_HOST,
    HTTP_AUTHORIZATION,
    HTTP_CONTENT_LENGTH,
    HTTP_CONTENT_TYPE,
    HTTP_CONTENT_ENCODING,
    HTTP_TRANSFER_ENCODING,
    HTTP_CONNECTION,
    HTTP_EXPECT,
    HTTP_DATE,
    HTTP_X_AMZ_DATE,
    HTTP_X_AMZ_TARGET,
    HTTP_X_AMZ_CONTENT_SHA256,
    HTTP_X_AMZ_SECURITY_TOKEN,
    HTTP_X_FORWARDED_FOR, /* IMDSv2 refuses a token to a request that has one */
    HTTP_N_KNOWN,
};

/* The value is without blanks at both ends. */
struct http_header {
    struct str name, value;
};

/* All slices point into the bytes that were parsed. */
struct http_head {
    enum http_method method;
    struct str method_name;
    struct str target; /* as it was sent */
    struct str path;   /* raw, still percent-coded, begins with '/' (or is "*") */
    struct str query;  /* raw, without '?'; p is NULL when there was no '?' */
    struct str host;   /* of the target when that is absolute, else of the Host header */
    unsigned minor;    /* HTTP/1.minor: 0 or 1 */
    bool keep_alive;   /* the client would send more requests */
    bool chunked;
    bool expect_continue;
    int64_t content_length; /* -1 when there is none */

    size_t n_headers;
    struct str known[HTTP_N_KNOWN]; /* value of the first with that name; p NULL when absent */
    struct http_header headers[HTTP_HEADERS_MAX];
};

enum http_parsed {
    HTTP_COMPLETE = 0,
    HTTP_MORE = -1, /* so far good, the head goes on */
    /* or a positive HTTP status: 400 malformed, 417 unknown expectation, 431 too many headers,
     * 501 unknown transfer coding, 505 unknown version */
};

/*
 * Parses a head from the start of `in`.  *ret_bytes is its length with the empty line, on
 * HTTP_COMPLETE only.  *head may be partly filled on any answer; what is filled is valid.
 * Empty lines before the request line are skipped (RFC 9112 §2.2).
 */
int http_parse_head(struct str in, struct http_head *head, size_t *ret_bytes);

/*
 * The same of an answer, for who asks: "HTTP/1.1 200 OK" and headers.  Of the head only `minor`,
 * keep_alive, chunked, content_length and the headers are filled; *ret_status is set on
 * HTTP_COMPLETE.
 */
int http_parse_answer(struct str in, struct http_head *head, unsigned *ret_status,
                      size_t *ret_bytes);

/*
 * After HTTP_MORE, parsing anew at every byte would be quadratic.  Answers whether the bytes
 * from `seen` on (those not there the last time) may end a head.
 */
bool http_head_may_end(struct str in, size_t seen);

/* The value of the first header of that name, in any case; p is NULL when there is none. */
struct str http_header_get(const struct http_head *head, struct str name);
/* The next header of that name at or after *place; *place moves behind it. */
struct str http_header_next(const struct http_head *head, struct str name, size_t *place);

/* Whether a comma-separated value holds the token, in any case: "keep-alive, Upgrade". */
bool http_has_token(struct str value, struct str token);

/* The reason phrase of a status, "" when it has none. */
struct str http_reason(unsigned status);

/* A chunked body on its way.  Zero it to begin. */
struct http_chunked {
    int state;
    uint64_t left;       /* of the chunk, or the size read so far */
    unsigned line_bytes; /* of the size line with its extension, or of the trailers */
};

#define HTTP_CHUNK_LINE_MAX_BYTES 256
#define HTTP_TRAILERS_MAX_BYTES 4096

/*
 * Takes up to n bytes at p and moves the data among them to out (which may be p itself: the data
 * never outgrows what was read).  *ret_used and *ret_out say how far it came; trailers are
 * checked and dropped.  HTTP_COMPLETE when the last byte of the body was used, HTTP_MORE when
 * all n were used, or 400.
 */
int http_chunked_decode(struct http_chunked *c, const char *p, size_t n, char *out,
                        size_t *ret_used, size_t *ret_out);
