/*
 * The Runtime API, by which what runs in a sandbox asks for work and tells what became of it.  Who
 * asks is known by its address, which it cannot forge.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
#include "host/functions_internal.h"

#include "codec/ip.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <time.h>

#define BASE "/2018-06-01/runtime/"
#define BODY_MAX ((size_t)16 << 20)
#define CONTEXT_MAX ((size_t)3583)

static void
answer(struct http_request *req, unsigned status, const char *json)
{
    const struct http_header type = {S("Content-Type"), S("application/json")};

    http_respond(req, status, &type, 1, str_from(json));
}

static struct box *
box_of(struct host_functions *f, const union http_addr *peer)
{
    if (peer->any.sa_family != AF_INET)
        return NULL;
    uint32_t place = ntohl(peer->v4.sin_addr.s_addr) - FUNCTIONS_FIRST_IP;
    struct box *box = place < HOST_FUNCTIONS_MAX ? f->boxes[place] : NULL;

    assert(!box || box->slot == place);
    return box && box->runs && !box->stopping ? box : NULL;
}

/* The runtime gave up waiting: it may ask again. */
static void
gone(struct http_request *req)
{
    struct box *box = req->user;

    assert(box->held == req);
    box->held = NULL;
    answer(req, 410, "{\"errorMessage\":\"\",\"errorType\":\"Gone\"}");
}

static void
next(struct box *box, struct http_request *req)
{
    struct host_functions *f = box->f;

    assert(box->runs && !box->stopping);
    if (box->held) {
        answer(req, 403, "{\"errorMessage\":\"It waits already\",\"errorType\":\"InvalidState\"}");
        return;
    }
    box->held = req;
    req->user = box;
    req->on_gone = gone;
    f->events.next(f->events.ctx, box_id(box));
}

static void
answered(struct box *box, struct http_request *req, struct str request_id, bool error)
{
    struct host_functions *f = box->f;

    assert(box->runs && !box->stopping);
    box_drain(box);
    switch (f->events.answered(f->events.ctx, box_id(box), request_id, error, req->body)) {
    case API_FUNCTION_TAKEN:
        answer(req, 202, "{\"status\":\"OK\"}");
        break;
    case API_FUNCTION_NOT_ITS:
        answer(req, 400,
               "{\"errorMessage\":\"Invalid request ID\",\"errorType\":\"InvalidRequestID\"}");
        break;
    case API_FUNCTION_TOO_LARGE:
        answer(req, 413,
               "{\"errorMessage\":\"Exceeded maximum allowed payload size (6291556 bytes).\","
               "\"errorType\":\"RequestEntityTooLarge\"}");
        break;
    }
}

static void
on_request(struct http_request *req)
{
    struct host_functions *f = req->ctx;
    struct box *box = box_of(f, &req->peer);
    struct str path = req->head.path;
    bool post = req->head.method == HTTP_POST;

    if (!box || !str_starts(path, S(BASE))) {
        answer(req, box ? 404 : 403, "{\"errorMessage\":\"\",\"errorType\":\"NotFound\"}");
        return;
    }
    path = str_cut(path, sizeof(BASE) - 1, path.n);
    if (!post && str_is(path, "invocation/next")) {
        next(box, req);
        return;
    }
    if (post && str_is(path, "init/error")) {
        box_drain(box);
        f->events.init_error(f->events.ctx, box_id(box), req->body);
        answer(req, 202, "{\"status\":\"OK\"}");
        return;
    }
    struct str kind = path, invocation = str_split(&kind, '/'), id = str_split(&kind, '/');

    if (post && str_is(invocation, "invocation") &&
        (str_is(kind, "response") || str_is(kind, "error")))
        answered(box, req, id, str_is(kind, "error"));
    else
        answer(req, 404, "{\"errorMessage\":\"\",\"errorType\":\"NotFound\"}");
}

void
functions_api_give(struct box *box, const struct api_function_work *work)
{
    struct http_request *req = box->held;
    struct timespec now;
    char deadline[32];
    struct arena a;

    assert(work->request_id.n && work->function_arn.n);
    assert(box->runs && !box->stopping && !box->frozen);
    if (!req)
        return; /* its runtime is gone, which is told of */
    box->held = NULL;
    req->on_gone = NULL;
    /* the guest's clock is the host's, whatever time the cloud has */
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t left_ms = work->deadline_ms - loop_now_ms(box->f->config.loop, LOOP_CLOUD);
    int n = snprintf(deadline, sizeof(deadline), "%lld",
                     (long long)(now.tv_sec * 1000 + now.tv_nsec / 1000000 + left_ms));
    struct http_header headers[5] = {
        {S("Content-Type"), S("application/json")},
        {S("Lambda-Runtime-Aws-Request-Id"), work->request_id},
        {S("Lambda-Runtime-Deadline-Ms"), str_of(deadline, (size_t)n)},
        {S("Lambda-Runtime-Invoked-Function-Arn"), work->function_arn},
    };
    size_t n_headers = 4;
    struct str said;

    arena_init(&a, CONTEXT_MAX * 4);
    if (work->client_context.n && work->client_context.n <= CONTEXT_MAX &&
        str_unbase64(&a, work->client_context, &said))
        headers[n_headers++] = (struct http_header){S("Lambda-Runtime-Client-Context"), said};
    http_respond(req, 200, headers, n_headers, work->payload);
    arena_done(&a);
}

void
functions_api_end(struct box *box)
{
    struct http_request *req = box->held;

    assert(box->stopping);
    box->held = NULL;
    if (req)
        req->on_gone = NULL;
    if (req)
        answer(req, 410, "{\"errorMessage\":\"\",\"errorType\":\"Gone\"}");
}

int
functions_api_new(struct host_functions *f)
{
    const struct http_config config = {.max_body_bytes = BODY_MAX,
                                       .max_connections = 4 * HOST_FUNCTIONS_MAX,
                                       .max_connections_per_peer = 16,
                                       .on_request = on_request,
                                       .ctx = f};

    assert(!f->server);
    return http_server_new(&f->server, f->config.loop, &config);
}
