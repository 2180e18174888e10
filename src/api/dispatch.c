/*
 * The life of a call, in one place.  What a service may forget (signature, decoding, required
 * parameters, DryRun, the transaction, the encoding of faults) is done here, once.
 */
#include "api/api.h"

#include "api/auth.h"
#include "api/check_reply.h"
#include "api/encode_xml.h"
#include "api/guard.h"
#include "api/later.h"
#include "api/stream.h"
#include "api/upload.h"
#include "api/validate.h"
#include "api/wire.h"
#include "base/log.h"
#include "codec/gzip.h"
#include "store/keys.h"

#include <stdlib.h>

#define SIGNING_KEYS 1024
#define INFLATED_MAX ((size_t)8 << 20) /* of a body that came as gzip */

struct api {
    struct api_config config;
    struct sigv4_keys *keys;
    struct api_guard *guard;
    uint8_t page_key[STORE_KEY_BYTES];
};

static const struct api_error ERR_INTERNAL = {"InternalError", 500};
static const struct api_error ERR_UNKNOWN_SERVICE = {"UnknownService", 501};
static const struct api_error ERR_UNSUPPORTED = {"UnsupportedOperation", 501};
static const struct api_error ERR_NO_PROTOCOL = {"UnsupportedProtocol", 501};
static const struct api_error ERR_SERIALIZATION = {"SerializationException", 400};
static const struct api_error ERR_MALFORMED_XML = {"MalformedXML", 400};
static const struct api_error ERR_DRY_RUN = {"DryRunOperation", 412};

/* ---- faults ---- */

static int store_fault(struct api_call *call, const struct api_error *error, const void *detail,
                       const char *fmt, va_list ap) PRINTF_LIKE(4, 0);

static int
store_fault(struct api_call *call, const struct api_error *error, const void *detail,
            const char *fmt, va_list ap)
{
    const struct api_error_shape *shape =
        error->http || !call->service ? NULL : api_error_find(call->service, str_from(error->code));
    int http = error->http ? error->http : shape ? shape->http : 400;

    assert(call->fault.code.n == 0 || call->fault.http > 0);
    call->fault = (struct api_fault){
        .code = str_from(error->code),
        .http = http,
        .message = str_vfmt(call->arena, fmt, ap),
        .sender = http < 500,
        .detail = detail,
    };
    return 1;
}

int
api_fault(struct api_call *call, const struct api_error *error, const char *fmt, ...)
{
    va_list ap;

    assert(error->code[0] != '\0');
    va_start(ap, fmt);
    int r = store_fault(call, error, NULL, fmt, ap);
    va_end(ap);
    return r;
}

int
api_fault_detail(struct api_call *call, const struct api_error *error, const void *detail,
                 const char *fmt, ...)
{
    va_list ap;

    assert(error->code[0] != '\0' && detail);
    va_start(ap, fmt);
    int r = store_fault(call, error, detail, fmt, ap);
    va_end(ap);
    return r;
}

/* ---- ids ---- */

struct str
api_id(struct api_call *call, const char *prefix)
{
    uint8_t random[9];

    assert(prefix[0] != '\0');
    call->env->random(call->env, random, sizeof(random));
    /* 17 digits, of which AWS's first is 0: ids sort among AWS's own */
    struct str digits = str_hex(call->arena, random, sizeof(random));
    char *p = (char *)digits.p;
    p[0] = '0';
    return str_fmt(call->arena, "%s-%.17s", prefix, p);
}

struct str
api_uuid(struct env *env, struct arena *arena)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t b[16];
    char *p = arena_alloc_raw(arena, 36), *w = p;

    env->random(env, b, sizeof(b));
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *w++ = '-';
        *w++ = digits[b[i] >> 4];
        *w++ = digits[b[i] & 15];
    }
    assert(w == p + 36);
    return str_of(p, 36);
}

struct ec2_placer *
api_placer(const struct api_call *call)
{
    assert(call->api);
    return call->api->config.placer;
}

struct lambda_runner *
api_runner(const struct api_call *call)
{
    assert(call->api);
    return call->api->config.runner;
}

const struct api_machines *
api_machines(const struct api_call *call)
{
    assert(call->api);
    return call->api->config.machines;
}

struct api_page_scope
api_page_scope(const struct api_call *call)
{
    assert(call->op && call->account.n == 12);
    return (struct api_page_scope){
        .key = call->api->page_key,
        .protocol = call->service->protocol,
        .operation = api_op_name(call->service, call->op),
        .account = call->account,
        .region = call->region,
    };
}

/* ---- finding the service and the operation ---- */

struct call_state {
    struct api_call call;
    struct api_request own;   /* with the route that its service found */
    struct api_request plain; /* with a body that came compressed */
    const struct api_request *req;
    const struct api_service_hooks *hooks;
    struct sigv4_claim claim;
    int claim_error;
    api_handler *handler;
};

static int
find_service(struct api *api, struct call_state *st)
{
    const struct api_request *req = st->req;
    static const char *const names[API_N_PROTOCOLS] = {"EC2 query", "query",    "JSON",
                                                       "REST JSON", "REST XML", "RPC v2 CBOR"};
    struct api_call *call = &st->call;

    if (!req->trusted)
        st->claim_error = sigv4_parse(call->arena, &req->http, &st->claim);
    st->hooks = api_wire_find(call, api->config.services, req, st->claim.service);
    if (!st->hooks) {
        struct str name = st->claim.service.n ? st->claim.service : S("that was asked for");

        return api_fault(call, &ERR_UNKNOWN_SERVICE,
                         "Welkin has no service %.*s. `welkin status` lists the services it has.",
                         STR_ARG(name));
    }
    if (st->hooks->path)
        st->own.route = st->hooks->path(call->arena, api_header(req, S("Host")), req->http.path);
    if (!api_speaks(call->service, call->wire->protocol))
        return api_fault(
            call, &ERR_NO_PROTOCOL, "%s speaks the %s protocol, and this request is in that of %s.",
            call->service->name, names[call->service->protocol], names[call->wire->protocol]);
    return 0;
}

static int
find_operation(struct call_state *st)
{
    struct api_call *call = &st->call;
    int r = call->wire->find(call, st->req);

    assert(st->call.service);
    if (r == 0)
        st->handler = api_op_handler(call->service, call->op);
    return r;
}

/* ---- running it ---- */

/* S3 does not say which constraint of its description a request breaks. */
static int
reword_invalid(struct call_state *st)
{
    struct api_call *call = &st->call;

    if (call->service->bare_errors && st->req->http.body.n && !call->upload)
        return api_fault(call, &ERR_MALFORMED_XML,
                         "The XML you provided was not well-formed or did not validate against our "
                         "published schema");
    if (call->service->bare_errors)
        call->fault.code = S("InvalidArgument");
    return 1;
}

/*
 * From here on the body is as it was before the client compressed it; signatures are of what was
 * sent, so nobody makes us inflate who did not sign.  Objects of REST services stay as they are.
 */
static int
unpack(struct call_state *st)
{
    struct api_call *call = &st->call;
    enum api_protocol protocol = call->wire->protocol;

    if ((protocol != API_JSON && protocol != API_CBOR && protocol != API_QUERY) ||
        !str_eq_nocase(api_header(st->req, S("content-encoding")), S("gzip")))
        return 0;
    st->plain = *st->req;
    if (!gzip_inflate(call->arena, st->req->http.body, INFLATED_MAX, &st->plain.http.body))
        return api_fault(call, &ERR_SERIALIZATION, "The gzip body cannot be read");
    st->req = &st->plain;
    return 0;
}

/* Loud, whatever its input is: of that the tables know nothing. */
static int
require_handler(struct call_state *st)
{
    struct api_call *call = &st->call;

    return st->handler
               ? 0
               : api_fault(call, &ERR_UNSUPPORTED,
                           "Welkin does not implement %s:%.*s yet: nothing was done.",
                           call->service->name, STR_ARG(api_op_name(call->service, call->op)));
}

static int
decode(struct call_state *st, void **ret_req)
{
    struct api_call *call = &st->call;
    const struct api_shape *input = api_shape(call->service, call->op->input);
    void *req = api_new_input(call->service, call->op, call->arena);
    int r = call->wire->decode(call, st->req, req);

    if (r == 0 && (r = api_validate(call->service, call->wire->protocol, input, call->arena, req,
                                    &call->fault)) > 0)
        r = reword_invalid(st);
    *ret_req = req;
    return r;
}

/* What a service makes for an account and region at the first call, in a transaction of its own:
 * it stays when the call itself is refused. */
static int
prepare(struct call_state *st)
{
    struct api_call *call = &st->call;

    assert(st->call.op);
    if (!st->hooks->prepare_needed)
        return 0;
    call->txn = store_begin(call->store);
    if (!st->hooks->prepare_needed(call)) {
        store_rollback(call->txn);
        return 0;
    }
    int r = st->hooks->prepare(call);
    if (r == 0)
        store_commit(call->txn);
    else
        store_rollback(call->txn);
    call->txn = NULL;
    return r;
}

/* Whether the operation takes bytes of any number, and is of a service that wants them so. */
static bool
takes_upload(struct call_state *st)
{
    struct api_call *call = &st->call;

    if (!st->hooks->uploads || find_operation(st) != 0 || !st->handler)
        return false;
    const struct api_shape *input = api_shape(call->service, call->op->input);

    for (unsigned i = 0; i < input->n; i++) {
        const struct api_member *m = &call->service->members[input->first + i];

        if (m->place == API_IN_PAYLOAD)
            return api_shape(call->service, m->shape)->kind == API_BLOB;
    }
    return false;
}

/* One for the request's operation, which takes it. */
static struct api_upload *
new_upload(struct call_state *st)
{
    struct api_upload *upload = api_upload_new(st->call.env, st->req);
    const char *apart = st->hooks->upload_apart;

    assert(st->call.op);
    upload->apart = apart && str_is(api_op_name(st->call.service, st->call.op), apart);
    return upload;
}

/* A body that came whole. */
static void
take_whole(struct api_upload *upload, struct str body)
{
    api_upload_add(upload, body);
    api_upload_end(upload);
}

static int
encode(struct call_state *st, void *res, struct api_reply *reply)
{
    struct api_call *call = &st->call;

#ifdef WELKIN_DEBUG
    struct str wrong = api_check_reply(call->service, call->op, res, call->arena);

    if (wrong.n) {
        log_error("the reply is not what the API describes: %.*s", STR_ARG(wrong));
        abort();
    }
#endif
    call->wire->encode(call, st->req, res, reply);
    if (buf_failed(&reply->body))
        return error_origin(EMSGSIZE, "a reply is larger than a reply may be");
    return 0;
}

/* Runs the handler in its transaction and encodes what it said. */
static int
run(struct call_state *st, void *req, struct api_reply *reply)
{
    struct api_call *call = &st->call;
    void *res = api_new_output(call->service, call->op, call->arena);

    call->txn = store_begin(call->store);
    call->reply = reply;
    call->streams = call->wire->protocol == API_EC2;
    int r = api_authorize(call, req);
    if (r == 0)
        r = st->handler(call, req, res);
    if (r == 0 && api_is_dry_run(call->service, call->op, req))
        r = api_fault(call, &ERR_DRY_RUN, "Request would have succeeded, but DryRun flag is set.");
    if (r == 0 && arena_spent(call->arena))
        r = error_origin(ENOBUFS, "a call passed the memory that a call may use");
    if (r == 0 && !reply->later)
        r = encode(st, res, reply);
    assert(r != 0 || (call->op->flags & API_WRITE) || !store_changed(call->txn));
    if (r == 0)
        reply->wait_seq = store_commit(call->txn);
    else
        store_rollback(call->txn);
    return r;
}

/* Of a service that anybody may ask, or an operation (AssumeRoleWithWebIdentity); and has none. */
static bool
asks_no_signature(struct call_state *st)
{
    assert(st->call.service);
    return st->claim_error == SIGV4_MISSING_AUTH && find_operation(st) == 0 &&
           (st->hooks->unnamed || (st->call.op->flags & API_NO_AUTH));
}

static int
authenticate(struct api *api, struct call_state *st)
{
    if (asks_no_signature(st)) {
        api_anonymous(&st->call);
        return 0;
    }
    return api_authenticate(&st->call, api->keys, st->req, st->claim_error, &st->claim,
                            api->config.root_keys && !st->req->no_root_keys);
}

static int
carry_out(struct api *api, struct call_state *st, struct api_reply *reply)
{
    void *input;
    int r = find_service(api, st);

    if (r == 0 && st->hooks->beside && st->hooks->beside(&st->call, st->req, reply, &r))
        return r;
    if (r == 0 && !st->req->upload && takes_upload(st))
        st->call.upload = new_upload(st);
    if (r == 0)
        r = authenticate(api, st);
    if (r == 0)
        r = unpack(st);
    if (r == 0 && st->call.upload && !st->req->upload)
        take_whole(st->call.upload, st->req->http.body);
    if (r == 0)
        r = find_operation(st);
    if (r == 0)
        r = require_handler(st);
    if (r == 0)
        r = decode(st, &input);
    if (r == 0 && st->call.upload)
        r = api_upload_check(&st->call, st->req);
    if (r == 0)
        r = prepare(st);
    if (r == 0)
        r = run(st, input, reply);
    return r;
}

/* The service to one of whose own names a request was sent; NULL: it is a call. */
static const struct api_service_hooks *
owner_of_name(struct api *api, const struct api_request *req)
{
    for (size_t i = 0; api->config.services[i]; i++)
        if (api->config.services[i]->owns && api->config.services[i]->owns(req))
            return api->config.services[i];
    return NULL;
}

/* ---- replies ---- */

/* A fault may repeat what the client sent, and neither XML nor JSON can carry just any bytes. */
static struct str
printable(struct arena *a, struct str s)
{
    assert(str_ok(s));
    if (str_is_utf8(s))
        return s;
    char *p = arena_dup(a, s.p, s.n);
    for (size_t i = 0; i < s.n; i++)
        if (p[i] & 0x80)
            p[i] = '?';
    return str_of(p, s.n);
}

static void
answer_fault(struct call_state *st, int r, struct api_reply *reply)
{
    struct api_call *call = &st->call;

    assert(r != 0);
    if (r < 0)
        api_fault(call, &ERR_INTERNAL, "An internal error has occurred");
    call->fault.message = printable(call->arena, call->fault.message);
    buf_reset(&reply->body);
    reply->status = call->fault.http;
    reply->code = call->fault.code;
    reply->headers = (struct api_headers){0};
    reply->length = (struct opt_i64){0};
    call->wire->encode_fault(call, st->req, reply);
}

static void
log_call(const struct call_state *st, const struct api_reply *reply)
{
    bool write = st->call.op && (st->call.op->flags & API_WRITE);
    bool inside = st->req->source_vpc.n > 0;

    log_line(write || reply->code.n ? LOG_INFO : LOG_DEBUG,
             "%.*s %.*s %.*s in %.*s%s%.*s%s%.*s: %d%s%.*s",
             STR_ARG(st->call.account.n ? st->call.account : S("-")), STR_ARG(reply->service),
             STR_ARG(reply->operation.n ? reply->operation : S("-")),
             STR_ARG(st->call.region.n ? st->call.region : S("-")), inside ? " from " : "",
             STR_ARG(st->req->source_vpc), inside ? " " : "",
             STR_ARG(inside ? st->req->peer : STR_NONE), reply->status, reply->code.n ? " " : "",
             STR_ARG(reply->code));
}

static void
begin_state(struct call_state *st, struct api *api, struct arena *arena,
            const struct api_request *req, struct api_reply *reply)
{
    *st = (struct call_state){
        .call =
            {
                .api = api,
                .env = api->config.env,
                .arena = arena,
                .store = api->config.store,
                .guard = api->guard,
                .request = &st->own,
                .upload = req->upload,
                .account = req->account,
                .region = req->region.n ? req->region : str_from(api->config.default_region),
                .request_id = api_uuid(api->config.env, arena),
                .now_ms = api->config.env->now_ms(api->config.env),
            },
        .own = *req,
        .req = &st->own,
    };
    reply->status = 200;
    reply->content_type = STR_NONE;
    reply->headers = (struct api_headers){0};
    reply->request_id = st->call.request_id;
    reply->wait_seq = 0;
    reply->code = STR_NONE;
    reply->stream = NULL;
    reply->later = NULL;
    reply->length = (struct opt_i64){0};
}

/* Names for the log, and the fault if there is one. */
static void
end_reply(struct call_state *st, int r, struct api_reply *reply)
{
    const struct api_call *call = &st->call;

    reply->service = call->service ? str_from(call->service->name) : S("-");
    reply->operation = call->op ? api_op_name(call->service, call->op) : STR_NONE;
    reply->secret = call->op && (call->op->flags & API_OP_SECRET);
    if (r != 0)
        answer_fault(st, r, reply);
    if (st->hooks && st->hooks->dress)
        st->hooks->dress(&st->call, st->req, reply);
    /* A refusal too tells of what was seen: "already exists" must not come before it is durable. */
    if (r != 0 && call->op)
        reply->wait_seq = store_commit(store_begin(call->store));
    log_call(st, reply);
}

bool
api_takes_pages(struct api *api, struct arena *arena, const struct api_request *req)
{
    const struct api_service_hooks *owner = owner_of_name(api, req);
    struct api_reply unused = {0};
    struct call_state st;

    if (owner)
        return owner->unnamed != NULL;
    begin_state(&st, api, arena, req, &unused);
    return find_service(api, &st) == 0 && st.hooks->unnamed;
}

int
api_sign_in(struct api_call *call, const struct sigv4_request *claim, struct str text)
{
    struct api *api = call->api;

    return api_authenticate_text(call, api->keys, claim, text,
                                 api->config.root_keys && !call->request->no_root_keys);
}

enum api_upload_begun
api_upload_begin(struct api *api, struct arena *arena, const struct api_request *req,
                 struct api_upload **ret, struct api_reply *reply)
{
    struct call_state st;

    if (owner_of_name(api, req))
        return API_UPLOAD_NONE;
    begin_state(&st, api, arena, req, reply);
    if (find_service(api, &st) != 0 || !takes_upload(&st))
        return API_UPLOAD_NONE;
    st.own.http.body_apart = true;
    st.call.upload = new_upload(&st);
    int r = authenticate(api, &st);
    if (r == 0) {
        *ret = st.call.upload;
        return API_UPLOAD_BEGUN;
    }
    api_upload_free(st.call.upload);
    end_reply(&st, r, reply);
    return API_UPLOAD_REFUSED;
}

/* The call lives on in its own arena. */
static void
keep_state(const struct call_state *st, struct api_later *later)
{
    struct call_state *kept = arena_dup(st->call.arena, st, sizeof(*st));

    assert(!st->call.upload && later->call == &st->call);
    kept->req = kept->call.request = &kept->own;
    kept->call.txn = NULL;
    later->call = &kept->call;
    later->state = kept;
}

void
api_handle(struct api *api, struct arena *arena, const struct api_request *req,
           struct api_reply *reply)
{
    struct call_state st;

    const struct api_service_hooks *owner = owner_of_name(api, req);

    begin_state(&st, api, arena, req, reply);
    if (owner) {
        owner->answer(&st.call, req, reply);
        st.call.service = owner->service;
        end_reply(&st, 0, reply);
        return;
    }
    st.own.http.body_apart |= req->upload != NULL;
    int r = carry_out(api, &st, reply);
    /* its blob is named by a row that was taken back */
    if (r != 0 && st.call.upload)
        st.call.upload->kept = false;
    if (!req->upload)
        st.call.upload = api_upload_free(st.call.upload);
    if (r == 0 && reply->later)
        keep_state(&st, reply->later);
    else
        end_reply(&st, r, reply);
}

/* ---- replies that come later ---- */

struct api_later *
api_later_new(struct api_call *call, void *res, void (*leave)(struct api_later *later), void *who)
{
    struct api_later *later = ARENA_NEW(call->arena, struct api_later);

    assert(call->reply && res && leave && !call->reply->later);
    *later = (struct api_later){.call = call, .res = res, .who = who, .leave = leave};
    call->reply->later = later;
    return later;
}

void
api_later_done(struct api_later *later, int result)
{
    assert(!later->done);
    later->done = true;
    later->result = result;
    if (later->told)
        later->told(later->ctx);
}

void
api_later_wait(struct api_later *later, void (*told)(void *ctx), void *ctx)
{
    assert(!later->told && told);
    later->told = told;
    later->ctx = ctx;
    if (later->done)
        told(ctx);
}

void
api_later_reply(struct api_later *later, struct api_reply *reply)
{
    struct call_state *st = later->state;
    int r = later->result;

    assert(later->done && st && reply->later == later);
    reply->later = NULL;
    st->call.reply = reply;
    if (r == 0)
        r = encode(st, later->res, reply);
    end_reply(st, r, reply);
}

void
api_later_leave(struct api_later *later)
{
    if (!later->done)
        later->leave(later);
}

struct api_call
api_call_of_operator(struct api *api, struct arena *arena)
{
    assert(api && arena);
    return (struct api_call){
        .api = api,
        .env = api->config.env,
        .arena = arena,
        .store = api->config.store,
        .guard = api->guard,
        .region = str_from(api->config.default_region),
        .now_ms = api->config.env->now_ms(api->config.env),
    };
}

void
api_reject(struct api *api, struct arena *arena, int status, struct api_reply *reply)
{
    static const struct {
        int status;
        const char *code, *message;
    } rows[] = {
        {403, "AccessDenied",
         "A web page may not call this API: see --allow-origin in `welkin help up`."},
        {413, "RequestEntityTooLarge", "The request body is larger than this service accepts."},
        {431, "RequestHeaderSectionTooLarge", "The request's headers are too large or too many."},
        {417, "ExpectationFailed", "The only expectation that is met is 100-continue."},
        {501, "NotImplemented", "This transfer coding is not supported; use chunked."},
        {505, "HttpVersionNotSupported", "Send HTTP/1.1."},
        {400, "MalformedHttpRequest", "The request is not well-formed HTTP/1.1."},
    };
    size_t i = 0;

    assert(status >= 400);
    while (i + 1 < ARRAY_LEN(rows) && rows[i].status != status)
        i++;
    struct api_fault fault = {.code = str_from(rows[i].code),
                              .http = status,
                              .message = str_from(rows[i].message),
                              .sender = true};
    reply->status = status;
    reply->content_type = S(API_XML_CONTENT_TYPE);
    reply->headers = (struct api_headers){0};
    reply->request_id = api_uuid(api->config.env, arena);
    reply->code = fault.code;
    api_encode_fault(NULL, &fault, reply->request_id, &reply->body);
}

struct api *
api_new(const struct api_config *config)
{
    struct api *api = calloc(1, sizeof(*api));

    assert(config->env && config->store && config->services);
    if (!api)
        return NULL;
    api->config = *config;
    api->keys = sigv4_keys_new(SIGNING_KEYS);
    api->guard = api_guard_new(&api->config);
    if (!api->guard || store_key_load(config->store, config->env, "next-token", api->page_key) < 0)
        return api_free(api);
    return api;
}

struct api *
api_free(struct api *api)
{
    if (!api)
        return NULL;
    sigv4_keys_free(api->keys);
    api_guard_free(api->guard);
    explicit_bzero(api->page_key, sizeof(api->page_key));
    free(api);
    return NULL;
}
