/*
 * An HTTP/1.1 server on the loop: the API front, the metadata service in VPC namespaces, the
 * admin API.  It knows no protocol above HTTP and never blocks.
 *
 * A request is handed to on_request() whole, body and all.  Its owner answers it exactly once,
 * at once or later (a write waits for its commit), with http_respond() or with http_stream_begin
 * … http_stream_end(); the request and all its slices live until then, even when the client has
 * left.  A connection's requests are handed out one after the other, so that answers keep their
 * order.
 *
 * Cost: a request that comes in one segment and is answered at once is one recv(2), one send(2)
 * and no malloc(3).  An idle connection holds about 300 bytes and no buffer.
 *
 * TLS lies between conn_recv()/conn_send() and the socket: a server that is given one answers both
 * on the same listeners, by the first byte of a connection.
 */
#pragma once

#include "base/buf.h"
#include "codec/http.h"
#include "loop/loop.h"

#include <netinet/in.h>

struct http_server;
struct http_listener;
struct http_request;
struct tls;

union http_addr {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

enum http_body_way { HTTP_WHOLE, HTTP_PIECEWISE, HTTP_ANSWER };

/* 0 means the default that is named. */
struct http_config {
    size_t max_header_bytes; /* request line and headers: 16 KiB; from 1 to 64 KiB; else 431 */
    size_t max_body_bytes;   /* 1 MiB; else 413 before a byte of it is read */
    size_t max_stream_bytes; /* unsent bytes of a streamed answer: 1 MiB */
    uint64_t max_piecewise_bytes; /* of a body that on_body() takes; 413 */

    int header_timeout_ms; /* from its first byte to the end of a head: 10 s */
    int body_timeout_ms;   /* in which 16 KiB of a body or its rest must come: 20 s */
    int idle_timeout_ms;   /* between requests: 60 s */
    int write_timeout_ms;  /* in which a client must take some of its answer: 20 s */

    unsigned max_connections;          /* 4096; at the limit the kernel's backlog waits */
    unsigned max_connections_per_peer; /* from one address on one listener; no limit */

    struct tls *tls; /* NULL: plain HTTP only; must outlive the server */

    void (*on_request)(struct http_request *req);
    /*
     * Whether a body that is large, or of unknown size, shall come piece by piece: asked when the
     * head is there.  HTTP_ANSWER: on_request() is called at once, and the connection closes after
     * the answer, for the body is not read.  NULL: bodies come whole.
     */
    enum http_body_way (*on_head)(struct http_request *req);
    /* A piece; then on_request() with an empty body.  False: the same as HTTP_ANSWER. */
    bool (*on_body)(struct http_request *req, struct str piece);
    /* Such a request ended before its body did, and will not come to on_request(). */
    void (*on_cut)(struct http_request *req);
    /*
     * Words the answer to a request that never reaches on_request(): 400, 413, 417, 431, 501,
     * 505.  req->head is filled as far as it was understood (method_name.p is NULL when it was
     * not); for 413 it is whole.  Answers the body, which must stay until the next call, and its
     * type.  NULL: a line of plain text.
     */
    struct str (*on_reject)(struct http_request *req, unsigned status,
                            struct str *ret_content_type);
    void *ctx;
};

struct http_request {
    struct http_head head;
    struct str body;
    union http_addr peer;
    bool tls;           /* it came over TLS */
    void *ctx;          /* the server's */
    void *listener_ctx; /* which VPC, which front */

    /* For the owner of a held request. */
    void *user;
    /*
     * Called at most once, when the client has closed its side or the connection broke: it will
     * probably not read the answer.  The request must still be answered, now (also from inside)
     * or later.  Never called from within a call of the owner's.  `gone` says the same to who
     * only looks.
     */
    void (*on_gone)(struct http_request *req);
    bool gone;
    /* Called each time that all of a stream has been taken by the kernel after -EAGAIN. */
    void (*on_drain)(struct http_request *req);
};

/* 0 or -errno. */
int http_server_new(struct http_server **ret, struct loop *loop, const struct http_config *config);
/*
 * Closes everything.  Held requests are told (on_gone) and then gone: they must not be answered
 * any more after this returned.
 */
struct http_server *http_server_free(struct http_server *server);

/* Serves a listening, non-blocking socket and takes it over.  0 or -errno (fd stays yours). */
int http_server_listen(struct http_server *server, int fd, void *listener_ctx,
                       struct http_listener **ret);
/*
 * Closes the socket and what is idle on it; requests in progress are answered and their
 * connections then closed.  Requests made on it have listener_ctx NULL from then on.
 */
void http_server_unlisten(struct http_listener *listener);
/* Unlistens everything: the graceful stop.  Done when stats say that no connection is left. */
void http_server_stop(struct http_server *server);

struct http_stats {
    uint64_t accepted, refused; /* connections */
    uint64_t requests, rejected, timeouts;
    unsigned connections, held; /* now */
};
struct http_stats http_server_stats(const struct http_server *server);

/*
 * Answers.  Headers and body are copied or sent before it returns.  Date, Content-Length and
 * Connection are added (not Content-Type).  A control character in a header is sent as a blank.
 * A HEAD request gets the length and not the body; 1xx, 204 and 304 have no body.
 */
void http_respond(struct http_request *req, unsigned status, const struct http_header *headers,
                  size_t n_headers, struct str body);
/* The same, taking over the memory of a large body; *body is empty and usable afterwards. */
void http_respond_buf(struct http_request *req, unsigned status,
                      const struct http_header *headers, size_t n_headers, struct buf *body);

/*
 * An answer whose `length` bytes follow with http_stream_write(), all of them: what ends before
 * closes the connection.  A HEAD request gets the length alone.
 */
void http_stream_begin_sized(struct http_request *req, unsigned status,
                             const struct http_header *headers, size_t n_headers, uint64_t length);
/* An answer whose length is not known: chunked, or until close for HTTP/1.0. */
void http_stream_begin(struct http_request *req, unsigned status,
                       const struct http_header *headers, size_t n_headers);
/*
 * 0; -EAGAIN when max_stream_bytes wait already (nothing was taken: wait for on_drain); -EPIPE
 * when the client is gone.  A piece larger than the limit is taken when nothing waits.
 */
int http_stream_write(struct http_request *req, struct str data);
void http_stream_end(struct http_request *req);

/* Closes the connection after this request's answer. */
void http_request_close(struct http_request *req);
/* The connection's socket, to set options on (IP_TTL); -1 when it is gone. */
int http_request_fd(const struct http_request *req);
