/*
 * The front: requests of the API come in as HTTP and leave when they are durable.  There are two
 * servers, that for this machine and that for instances, so that no guest can take the connections
 * of the others; who asks from inside a VPC is known by its source address, which it cannot forge.
 *
 * A call's memory (arena, reply) is an exchange, kept for the next call: in the steady state a
 * call allocates nothing.
 */
#include "daemon/daemon.h"

#include "api/later.h"
#include "api/stream.h"
#include "api/upload.h"
#include "base/log.h"
#include "codec/ip.h"
#include "loop/net.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <unistd.h>

#define CALL_MAX_BYTES ((size_t)64 << 20)
#define REPLY_MAX_BYTES ((size_t)64 << 20)
/* A larger reply takes its memory along, so that idle exchanges stay small. */
#define REPLY_KEPT_BYTES ((size_t)64 << 10)
#define BODY_MAX_BYTES ((size_t)16 << 20)
#define EXCHANGES_KEPT 64
#define PIECE_BYTES ((size_t)128 << 10) /* read of a stream at once */
#define CA_PATH "/_welkin/ca.pem"
#define INSIDE_CONNECTIONS 8192
#define INSIDE_CONNECTIONS_PER_PEER 256 /* of one instance */

struct exchange {
    struct front *front;
    struct exchange *next, *prev; /* among the free or the busy ones */
    struct http_request *req;
    struct store_waiter durable;
    struct arena arena;
    struct api_reply reply;
    struct api_upload *upload; /* the body, when it comes in pieces */
    bool refused;              /* before its body was read: the reply is there */
    bool inside;               /* it came from a VPC */
    bool foreign;              /* a page of another machine's sent it */
};

/* A VPC whose instances ask; its listeners' context. */
struct front_vpc {
    struct front_vpc *next;
    struct http_listener *listeners[2]; /* TLS, plain */
    size_t id_n;
    char id[PRIV_ID_MAX];
};

struct front {
    struct daemon *d;
    struct http_server *server;
    struct http_server *inside; /* for VPCs */
    struct front_vpc *vpcs;
    struct exchange *free, *busy; /* busy: not yet answered */
    unsigned n_free;
    char *piece; /* PIECE_BYTES, when a stream was sent once */
    struct arena reject_arena;
    struct api_reply reject;
};

static void give_back(struct exchange *x);
static void is_durable(struct store_waiter *waiter);

/* ---- replies that are read while they are sent ---- */

static void
end_stream(struct exchange *x)
{
    assert(x->req && x->reply.stream);
    x->req->on_gone = NULL;
    x->req->on_drain = NULL;
    http_stream_end(x->req);
    give_back(x);
}

/* Until the client's buffers are full, and then again when they have room. */
static void
pump(struct http_request *req)
{
    struct exchange *x = req->user;
    struct api_stream *stream = x->reply.stream;
    ssize_t n;

    assert(x->req == req && stream && x->front->piece);
    while ((n = api_stream_read(stream, x->front->piece, PIECE_BYTES)) > 0) {
        int r = http_stream_write(req, str_of(x->front->piece, (size_t)n));

        if (r == -EAGAIN) {
            assert(stream->done >= (uint64_t)n);
            stream->done -= (size_t)n;
            return;
        }
        if (r < 0)
            break;
    }
    if (n < 0)
        log_error("an object cannot be read: %s", strerror((int)-n));
    end_stream(x);
}

static void
stream_gone(struct http_request *req)
{
    assert(req->user);
    /* one that closed its own side only still reads */
    if (http_request_fd(req) < 0)
        end_stream(req->user);
}

static void
begin_stream(struct exchange *x, const struct http_header *headers, size_t n)
{
    struct front *front = x->front;

    assert(x->req && x->reply.stream);
    if (!front->piece && !(front->piece = malloc(PIECE_BYTES)))
        abort();
    http_stream_begin_sized(x->req, (unsigned)x->reply.status, headers, n, x->reply.stream->bytes);
    x->req->user = x;
    x->req->on_drain = pump;
    x->req->on_gone = stream_gone;
    pump(x->req);
}

/* Answers and gives the exchange back, at once or when all is sent. */
static void
respond(struct exchange *x)
{
    struct http_header own[] = {
        {S("x-amzn-RequestId"), x->reply.request_id},
        {S("Server"), S("Welkin")},
        {S("Content-Type"), x->reply.content_type},
    };
    size_t n_own = ARRAY_LEN(own) - (x->reply.content_type.n == 0), n = n_own + x->reply.headers.n;
    struct http_header *headers = own;

    assert(!x->durable.waiting);
    assert(x->req && x->reply.status >= 200 && x->reply.status <= 599);
    if (x->reply.headers.n) {
        headers = ARENA_ARRAY(&x->arena, struct http_header, n);
        memcpy(headers, own, n_own * sizeof(own[0]));
        memcpy(headers + n_own, x->reply.headers.v, x->reply.headers.n * sizeof(own[0]));
    }
    if (x->reply.stream) {
        begin_stream(x, headers, n);
        return;
    }
    if (x->reply.length.set && x->req->head.method == HTTP_HEAD) {
        http_stream_begin_sized(x->req, (unsigned)x->reply.status, headers, n,
                                (uint64_t)x->reply.length.v);
        http_stream_end(x->req);
    } else if (x->reply.body.n > REPLY_KEPT_BYTES)
        http_respond_buf(x->req, (unsigned)x->reply.status, headers, n, &x->reply.body);
    else
        http_respond(x->req, (unsigned)x->reply.status, headers, n, buf_str(&x->reply.body));
    give_back(x);
}

static struct exchange *
exchange_new(struct front *front)
{
    struct exchange *x = calloc(1, sizeof(*x));

    if (!x)
        abort();
    x->front = front;
    arena_init(&x->arena, CALL_MAX_BYTES);
    buf_init(&x->reply.body, REPLY_MAX_BYTES);
    return x;
}

static void
exchange_free(struct exchange *x)
{
    assert(!x->upload && !x->reply.stream && !x->durable.waiting);
    arena_done(&x->arena);
    buf_done(&x->reply.body);
    free(x);
}

static struct exchange *
take(struct front *front)
{
    struct exchange *x = front->free;

    if (x) {
        front->free = x->next;
        front->n_free--;
        assert((front->n_free == 0) == (front->free == NULL));
    } else {
        x = exchange_new(front);
    }
    assert(!x->req && !x->upload && !x->reply.stream && !x->durable.waiting);
    x->prev = NULL;
    x->next = front->busy;
    if (x->next)
        x->next->prev = x;
    front->busy = x;
    return x;
}

/* What it holds beside memory. */
static void
forget(struct exchange *x)
{
    x->upload = api_upload_free(x->upload);
    if (x->reply.stream) {
        api_stream_wipe(x->reply.stream);
        blobs_release(x->reply.stream->blobs);
    }
    x->reply.stream = NULL;
    if (x->reply.later)
        api_later_leave(x->reply.later);
    x->reply.later = NULL;
    x->refused = x->foreign = false;
}

static void
give_back(struct exchange *x)
{
    struct front *front = x->front;

    assert(!x->durable.waiting);
    forget(x);
    if (x->reply.secret) {
        arena_wipe(&x->arena);
        buf_wipe(&x->reply.body);
    }
    arena_reset(&x->arena);
    buf_reset(&x->reply.body);
    x->req = NULL;
    if (x->next)
        x->next->prev = x->prev;
    if (x->prev)
        x->prev->next = x->next;
    else
        front->busy = x->next;
    if (front->n_free == EXCHANGES_KEPT) {
        exchange_free(x);
        return;
    }
    x->next = front->free;
    assert(front->n_free < EXCHANGES_KEPT);
    front->free = x;
    front->n_free++;
}

static void
is_there(void *ctx)
{
    struct exchange *x = ctx;

    api_later_reply(x->reply.later, &x->reply);
    x->durable.fn = is_durable;
    store_wait(cloud_store(x->front->d->cloud), x->reply.wait_seq, &x->durable);
}

static void
is_durable(struct store_waiter *waiter)
{
    struct exchange *x = CONTAINER_OF(waiter, struct exchange, durable);

    if (x->reply.later)
        api_later_wait(x->reply.later, is_there, x);
    else
        respond(x);
}

/* ---- web pages ---- */

/* Whether a list with commas holds the origin. */
static bool
is_allowed(struct str origin, struct str origins)
{
    while (origins.p) {
        struct str one = str_trim(str_split(&origins, ','));

        if (one.n && (str_is(one, "*") || str_eq_nocase(one, origin)))
            return true;
    }
    return false;
}

bool
front_is_foreign(const struct http_head *head, struct str origins)
{
    struct str origin = http_header_get(head, S("Origin"));
    struct str site = http_header_get(head, S("Sec-Fetch-Site"));

    if (!origin.p) {
        /* An image or a link of a page has no Origin, but browsers say that it is another's. */
        bool other = str_eq_nocase(site, S("cross-site")) || str_eq_nocase(site, S("same-site"));

        return other && !is_allowed(S(""), origins);
    }
    size_t at = str_find(origin, S("://"));
    bool own = at != SIZE_MAX && daemon_own_name(str_cut(origin, at + 3, origin.n));
    return !own && !is_allowed(origin, origins);
}

static void
refuse_page(struct front *front, struct http_request *req)
{
    struct http_header type = {S("Content-Type"), S("text/xml;charset=UTF-8")};

    arena_reset(&front->reject_arena);
    buf_reset(&front->reject.body);
    api_reject(cloud_api(front->d->cloud), &front->reject_arena, 403, &front->reject);
    http_respond(req, 403, &type, 1, buf_str(&front->reject.body));
}

/* ---- requests ---- */

static struct str
peer_text(struct exchange *x, const union http_addr *peer)
{
    char room[INET6_ADDRSTRLEN];

    if (peer->any.sa_family == AF_INET)
        return ip4_text(&x->arena, ntohl(peer->v4.sin_addr.s_addr));
    if (peer->any.sa_family != AF_INET6 ||
        !inet_ntop(AF_INET6, &peer->v6.sin6_addr, room, sizeof(room)))
        return STR_NONE;
    return str_dup(&x->arena, str_from(room));
}

/* What the API is to know of a request. */
static struct api_request
request_of(struct exchange *x, struct http_request *req, bool inside)
{
    const struct front *front = x->front;
    struct api_request call = {.http = sigv4_request_of(&req->head, req->body),
                               .peer = peer_text(x, &req->peer),
                               .secure = req->tls,
                               .upload = x->upload,
                               /* Else every guest were the cloud's owner. */
                               .no_root_keys =
                                   x->foreign || (inside && !front->d->config.allow_test_keys)};
    const struct front_vpc *vpc = inside ? req->listener_ctx : NULL;

    assert(x->front && (!x->upload || x->req == req));
    /* that of functions is nobody's VPC */
    if (vpc && !str_is(str_of(vpc->id, vpc->id_n), HOST_FUNCTIONS_VPC))
        call.source_vpc = str_of(vpc->id, vpc->id_n);
    return call;
}

/*
 * Whether the sender may send it: not a page of another machine's, or one to a service that anybody
 * may ask, where keys that everybody knows are worth nothing then.
 */
static bool
may_send(struct exchange *x, struct http_request *req, bool inside)
{
    struct front *front = x->front;

    if (inside || !front_is_foreign(&req->head, front->d->config.allow_origins))
        return true;
    const struct api_request call = request_of(x, req, inside);

    x->foreign = true;
    return api_takes_pages(cloud_api(front->d->cloud), &x->arena, &call);
}

/* ---- bodies that come in pieces ---- */

static enum http_body_way
look_at_head(struct front *front, struct http_request *req, bool inside)
{
    struct exchange *x;

    if (admin_owns(req->head.path) || req->head.method != HTTP_PUT)
        return HTTP_WHOLE;
    x = take(front);
    if (!may_send(x, req, inside)) {
        give_back(x);
        return HTTP_WHOLE; /* and then refused */
    }
    const struct api_request call = request_of(x, req, inside);

    x->req = req;
    req->user = x;
    switch (api_upload_begin(cloud_api(front->d->cloud), &x->arena, &call, &x->upload, &x->reply)) {
    case API_UPLOAD_BEGUN:
        return HTTP_PIECEWISE;
    case API_UPLOAD_REFUSED:
        x->refused = true;
        return HTTP_ANSWER;
    case API_UPLOAD_NONE:
        break;
    }
    req->user = NULL;
    give_back(x);
    return HTTP_WHOLE;
}

static enum http_body_way
on_head(struct http_request *req)
{
    return look_at_head(req->ctx, req, false);
}

static enum http_body_way
on_inside_head(struct http_request *req)
{
    return look_at_head(req->ctx, req, true);
}

static bool
on_body(struct http_request *req, struct str piece)
{
    struct exchange *x = req->user;

    assert(x && x->req == req && x->upload && !x->refused);
    return api_upload_add(x->upload, piece);
}

static void
on_cut(struct http_request *req)
{
    assert(req->user && ((struct exchange *)req->user)->req == req);
    give_back(req->user);
    req->user = NULL;
}

/* ---- requests that are whole ---- */

/* All of the request is there, and its body is on the disk. */
static void
carry_on(void *ctx)
{
    struct exchange *x = ctx;
    struct front *front = x->front;
    struct http_request *req = x->req;
    bool inside = x->inside;

    if (!x->refused) {
        const struct api_request call = request_of(x, req, inside);

        api_handle(cloud_api(front->d->cloud), &x->arena, &call, &x->reply);
    }
    x->durable.fn = is_durable;
    store_wait(cloud_store(front->d->cloud), x->reply.wait_seq, &x->durable);
}

static void
carry_out(struct exchange *x, struct http_request *req, bool inside)
{
    x->req = req;
    x->inside = inside;
    if (!x->upload || api_upload_end_later(x->upload, carry_on, x))
        carry_on(x);
}

static void
handle(struct front *front, struct http_request *req, bool inside)
{
    if (req->user) {
        carry_out(req->user, req, inside);
        return;
    }
    if (str_is(req->head.path, CA_PATH) && req->head.method == HTTP_GET) {
        struct http_header type = {S("Content-Type"), S("application/x-pem-file")};

        http_respond(req, 200, &type, 1, trust_pem(front->d->trust));
        return;
    }
    if (admin_owns(req->head.path)) {
        admin_request(front->d->admin, req);
        return;
    }
    struct exchange *x = take(front);

    if (may_send(x, req, inside)) {
        carry_out(x, req, inside);
        return;
    }
    give_back(x);
    refuse_page(front, req);
}

static void
on_request(struct http_request *req)
{
    handle(req->ctx, req, false);
}

static void
on_inside_request(struct http_request *req)
{
    handle(req->ctx, req, true);
}

static struct str
on_reject(struct http_request *req, unsigned status, struct str *ret_content_type)
{
    struct front *front = req->ctx;

    assert(status >= 400);
    arena_reset(&front->reject_arena);
    buf_reset(&front->reject.body);
    api_reject(cloud_api(front->d->cloud), &front->reject_arena, (int)status, &front->reject);
    *ret_content_type = front->reject.content_type;
    return buf_str(&front->reject.body);
}

int
front_new(struct front **ret, struct daemon *d, int listen_fd)
{
    struct front *front = calloc(1, sizeof(*front));
    struct http_listener *listener;
    struct http_config config = {
        .max_body_bytes = BODY_MAX_BYTES,
        .tls = trust_tls(d->trust),
        /* chunks and their signatures come on top */
        .max_piecewise_bytes = API_UPLOAD_MAX_BYTES + API_UPLOAD_MAX_BYTES / 16,
        .on_request = on_request,
        .on_head = on_head,
        .on_body = on_body,
        .on_cut = on_cut,
        .on_reject = on_reject,
        .ctx = front,
    };

    assert(listen_fd >= 0 && d->trust && d->cloud);
    if (!front)
        return error_origin(ENOMEM, "the front cannot be made");
    front->d = d;
    arena_init(&front->reject_arena, 4096);
    buf_init(&front->reject.body, 4096);
    int r = http_server_new(&front->server, d->loop, &config);
    config.on_request = on_inside_request;
    config.on_head = on_inside_head;
    config.max_connections = INSIDE_CONNECTIONS;
    config.max_connections_per_peer = INSIDE_CONNECTIONS_PER_PEER;
    if (r >= 0)
        r = http_server_new(&front->inside, d->loop, &config);
    if (r >= 0)
        r = http_server_listen(front->server, listen_fd, NULL, &listener);
    if (r < 0) {
        front_free(front);
        return r;
    }
    *ret = front;
    return 0;
}

void
front_add_vpc(struct front *front, struct str vpc_id, int tls_fd, int http_fd)
{
    const int fds[] = {tls_fd, http_fd};
    struct front_vpc *vpc = calloc(1, sizeof(*vpc));

    assert(vpc_id.n > 0 && tls_fd >= 0 && http_fd >= 0);
    if (!vpc || vpc_id.n > sizeof(vpc->id))
        abort();
    vpc->id_n = vpc_id.n;
    memcpy(vpc->id, vpc_id.p, vpc_id.n);
    vpc->next = front->vpcs;
    front->vpcs = vpc;
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        if (http_server_listen(front->inside, fds[i], vpc, &vpc->listeners[i]) < 0)
            close(fds[i]);
}

void
front_remove_vpc(struct front *front, struct str vpc_id)
{
    struct front_vpc **at = &front->vpcs, *vpc;

    while (*at && !str_eq(str_of((*at)->id, (*at)->id_n), vpc_id))
        at = &(*at)->next;
    vpc = *at;
    if (!vpc)
        return;
    *at = vpc->next;
    for (size_t i = 0; i < ARRAY_LEN(vpc->listeners); i++)
        if (vpc->listeners[i])
            http_server_unlisten(vpc->listeners[i]);
    free(vpc);
}

void
front_stop(struct front *front)
{
    http_server_stop(front->server);
    http_server_stop(front->inside);
}

struct front *
front_free(struct front *front)
{
    if (!front)
        return NULL;
    http_server_free(front->server);
    http_server_free(front->inside);
    while (front->vpcs) {
        struct front_vpc *vpc = front->vpcs;

        front->vpcs = vpc->next;
        free(vpc);
    }
    while (front->free) {
        struct exchange *x = front->free;

        front->free = x->next;
        exchange_free(x);
    }
    /* The store outlives us, and must not call back for those that were never answered. */
    while (front->busy) {
        struct exchange *x = front->busy;

        front->busy = x->next;
        store_wait_cancel(cloud_store(front->d->cloud), &x->durable);
        forget(x);
        exchange_free(x);
    }
    free(front->piece);
    arena_done(&front->reject_arena);
    buf_done(&front->reject.body);
    free(front);
    return NULL;
}
