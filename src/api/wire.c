/*
 * Which service and which format a request is for, and the rows of the formats that have all they
 * say in the body: forms, JSON and CBOR.  Those of REST are in rest.c.
 */
#include "api/wire.h"

#include "api/decode_doc.h"
#include "api/decode_query.h"
#include "api/encode_doc.h"
#include "api/encode_xml.h"
#include "api/rest.h"
#include "base/list.h"
#include "codec/aws_endpoint.h"
#include "codec/uri.h"

static const struct api_error ERR_INVALID_ACTION = {"InvalidAction", 400};
static const struct api_error ERR_MISSING_ACTION = {"MissingAction", 400};
static const struct api_error ERR_UNKNOWN_OPERATION = {"UnknownOperationException", 400};

/* ---- requests and replies ---- */

struct str
api_form(const struct api_request *req)
{
    return req->http.body.n ? req->http.body : req->http.query;
}

struct str
api_header(const struct api_request *req, struct str name)
{
    for (size_t i = 0; i < req->http.n_headers; i++)
        if (str_eq_nocase(req->http.headers[i].name, name))
            return req->http.headers[i].value;
    return STR_NONE;
}

void
api_reply_header(struct arena *arena, struct api_reply *reply, struct str name, struct str value)
{
    /* a copy: the reply is sent when the transaction and its rows are gone */
    value = str_dup(arena, value);
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
            ((char *)value.p)[i] = ' ';
    *LIST_PUSH(arena, &reply->headers) = (struct http_header){name, value};
}

/* ---- ec2 and query ---- */

static int
find_action(struct api_call *call, const struct api_request *req)
{
    struct str form = api_form(req), action = uri_query_get(call->arena, form, S("Action"));
    struct str version = uri_query_get(call->arena, form, S("Version"));

    if (!action.n)
        return api_fault(call, &ERR_MISSING_ACTION,
                         "The request is missing an action or a required parameter.");
    call->op = api_op_find(call->service, action);
    if (!call->op && call->service->protocol == API_EC2)
        return api_fault(call, &ERR_INVALID_ACTION,
                         "The action %.*s is not valid for this web service.", STR_ARG(action));
    if (!call->op)
        return api_fault(call, &ERR_INVALID_ACTION,
                         "Could not find operation %.*s for version %.*s", STR_ARG(action),
                         STR_ARG(version.n ? version : str_from(call->service->version)));
    return 0;
}

static int
decode_form(struct api_call *call, const struct api_request *req, void *in)
{
    return api_decode_query(call->service, api_shape(call->service, call->op->input), call->arena,
                            api_form(req), in, &call->fault);
}

static void
encode_xml(struct api_call *call, const struct api_request *req, const void *out,
           struct api_reply *reply)
{
    (void)req;
    reply->content_type = S(API_XML_CONTENT_TYPE);
    api_encode_xml(call->service, call->op, out, call->request_id, &reply->body);
}

static void
encode_xml_fault(struct api_call *call, const struct api_request *req, struct api_reply *reply)
{
    struct api_fault fault = call->fault;
    const struct api_error_shape *error =
        call->service ? api_error_find(call->service, fault.code) : NULL;

    (void)req;
    if (error)
        fault.code = str_from(api_text(call->service, error->code));
    reply->content_type = S(API_XML_CONTENT_TYPE);
    api_encode_fault(call->service, &fault, call->request_id, &reply->body);
}

/* ---- JSON and CBOR ---- */

static int
find_named(struct api_call *call, struct str name)
{
    call->op = api_op_find(call->service, name);
    return call->op ? 0 : api_fault(call, &ERR_UNKNOWN_OPERATION, "%s", "");
}

static struct str
json_content_type(const struct api_call *call, const struct api_request *req)
{
    struct str asked = api_header(req, S("Content-Type"));

    if (str_is(asked, "application/x-amz-json-1.0"))
        return S("application/x-amz-json-1.0");
    if (str_is(asked, "application/x-amz-json-1.1") || !call->service || !call->service->json)
        return S("application/x-amz-json-1.1");
    return str_fmt(call->arena, "application/x-amz-json-%s", call->service->json);
}

static int
find_target(struct api_call *call, const struct api_request *req)
{
    struct str name = api_header(req, S("X-Amz-Target")), prefix = str_split(&name, '.');

    if (!call->service->target || !str_is(prefix, call->service->target))
        name = STR_NONE;
    return find_named(call, name);
}

static int
decode_json(struct api_call *call, const struct api_request *req, void *in)
{
    return api_decode_doc(call->service, api_shape(call->service, call->op->input), &doc_json,
                          call->arena, req->http.body, in, &call->fault);
}

static void
encode_json(struct api_call *call, const struct api_request *req, const void *out,
            struct api_reply *reply)
{
    const struct api_shape *output = api_shape(call->service, call->op->output);

    reply->content_type = json_content_type(call, req);
    if ((call->op->flags & API_NO_OUTPUT))
        return;
    api_encode_doc(call->service, output, API_DOC_JSON, out, &reply->body);
}

/*
 * The name of an error.  Where a service once spoke the query protocol, its old code goes into a
 * header for clients that ask for it, and statuses of old are not used.
 */
static struct str
fault_type(struct api_call *call, const struct api_request *req, struct api_reply *reply)
{
    const struct api_error_shape *error =
        call->service ? api_error_find(call->service, call->fault.code) : NULL;
    struct str type = call->fault.code, code = type;

    if (error) {
        type = str_from(api_text(call->service, call->service->shapes[error->shape].name));
        code = str_from(api_text(call->service, error->code));
    }
    if (call->service && call->service->query_compatible && reply->status < 500)
        reply->status = 400;
    if (call->service && call->service->query_compatible && !str_eq(code, type) &&
        str_is(api_header(req, S("x-amzn-query-mode")), "true"))
        api_reply_header(call->arena, reply, S("x-amzn-query-error"),
                         str_fmt(call->arena, "%.*s;%s", STR_ARG(code),
                                 call->fault.sender ? "Sender" : "Receiver"));
    return type;
}

static void
encode_json_fault(struct api_call *call, const struct api_request *req, struct api_reply *reply)
{
    struct str type = fault_type(call, req, reply);

    reply->content_type = json_content_type(call, req);
    api_reply_header(call->arena, reply, S("x-amzn-errortype"), type);
    api_encode_doc_fault(call->service, &call->fault, type, API_DOC_JSON, &reply->body);
}

/* /service/PREFIX/operation/NAME; a service may stand at a path of its own before it. */
static bool
cbor_path(struct str path, struct str *ret_service, struct str *ret_op)
{
    size_t at = str_find(path, S("/service/"));
    struct str rest = at == SIZE_MAX ? STR_NONE : str_cut(path, at + 9, path.n);

    *ret_service = str_split(&rest, '/');
    if (!str_is(str_split(&rest, '/'), "operation"))
        return false;
    *ret_op = rest;
    return rest.p != NULL;
}

static int
find_cbor(struct api_call *call, const struct api_request *req)
{
    struct str service, name = STR_NONE;

    if (!cbor_path(req->http.path, &service, &name) || !call->service->target ||
        !str_is(service, call->service->target))
        name = STR_NONE;
    return find_named(call, name);
}

static int
decode_cbor(struct api_call *call, const struct api_request *req, void *in)
{
    return api_decode_doc(call->service, api_shape(call->service, call->op->input), &doc_cbor,
                          call->arena, req->http.body, in, &call->fault);
}

static void
encode_cbor(struct api_call *call, const struct api_request *req, const void *out,
            struct api_reply *reply)
{
    const struct api_shape *output = api_shape(call->service, call->op->output);

    (void)req;
    api_reply_header(call->arena, reply, S("smithy-protocol"), S("rpc-v2-cbor"));
    if (call->op->flags & API_NO_OUTPUT)
        return;
    reply->content_type = S("application/cbor");
    api_encode_doc(call->service, output, API_DOC_CBOR, out, &reply->body);
}

static void
encode_cbor_fault(struct api_call *call, const struct api_request *req, struct api_reply *reply)
{
    struct str type = fault_type(call, req, reply);

    reply->content_type = S("application/cbor");
    api_reply_header(call->arena, reply, S("smithy-protocol"), S("rpc-v2-cbor"));
    api_encode_doc_fault(call->service, &call->fault, type, API_DOC_CBOR, &reply->body);
}

/* ---- the table ---- */

static const struct api_wire wires[API_N_PROTOCOLS] = {
    {API_EC2, SIGV4_EC2, find_action, decode_form, encode_xml, encode_xml_fault},
    {API_QUERY, SIGV4_QUERY, find_action, decode_form, encode_xml, encode_xml_fault},
    {API_JSON, SIGV4_JSON, find_target, decode_json, encode_json, encode_json_fault},
    {API_REST_JSON, SIGV4_REST_JSON, api_rest_find, api_rest_decode, api_rest_encode,
     api_rest_encode_fault},
    {API_REST_XML, SIGV4_QUERY, api_rest_find, api_rest_decode, api_rest_encode,
     api_rest_encode_fault},
    {API_CBOR, SIGV4_JSON, find_cbor, decode_cbor, encode_cbor, encode_cbor_fault},
};

const struct api_wire *
api_wire_of(enum api_protocol protocol)
{
    assert(protocol < API_N_PROTOCOLS && wires[protocol].protocol == protocol);
    return &wires[protocol];
}

enum sigv4_dialect
api_wire_dialect(const struct api_call *call)
{
    return call->service && call->service->bare_errors ? SIGV4_REST_XML_S3 : call->wire->dialect;
}

/* ---- finding ---- */

/* A form whose parameter cannot be seen yet. */
static bool
is_packed_form(const struct api_request *req)
{
    return str_eq_nocase(api_header(req, S("Content-Encoding")), S("gzip")) &&
           str_starts(api_header(req, S("Content-Type")), S("application/x-www-form-urlencoded"));
}

/* What the request says it is in; a form is told by its parameter. */
static bool
is_in(const struct api_request *req, enum api_protocol protocol, struct str action)
{
    bool cbor = str_is(api_header(req, S("smithy-protocol")), "rpc-v2-cbor");
    bool json =
        !cbor && (api_header(req, S("X-Amz-Target")).p ||
                  str_starts(api_header(req, S("Content-Type")), S("application/x-amz-json")));

    switch (protocol) {
    case API_CBOR:
        return cbor;
    case API_JSON:
        return json;
    case API_EC2:
    case API_QUERY:
        return !cbor && !json && (action.p || is_packed_form(req));
    default:
        return !cbor && !json && !action.p;
    }
}

static struct str
host_label(const struct api_request *req)
{
    struct str host = api_header(req, S("Host"));

    return str_split(&host, '.');
}

/* Whether the request names this service without a signature. */
static bool
names(const struct api_service *s, const struct api_request *req, struct str version)
{
    struct str prefix = api_header(req, S("X-Amz-Target")), service, op;

    if (prefix.p)
        return s->target && str_is(str_split(&prefix, '.'), s->target);
    if (version.p)
        return str_is(version, s->version);
    if (cbor_path(req->http.path, &service, &op) && api_speaks(s, API_CBOR))
        return s->target && str_is(service, s->target);
    if (!s->n_routes)
        return false;
    return str_is(host_label(req), s->endpoint) || (req->trusted && api_rest_route(s, req));
}

/* The service, and the region, of an endpoint of AWS's that the request was sent to. */
static const struct api_service_hooks *
named_by_host(struct api_call *call, const struct api_service_hooks *const *services,
              const struct api_request *req)
{
    struct str host = api_header(req, S("Host"));
    struct aws_endpoint e;

    if (!aws_endpoint_parse(str_lower(call->arena, str_split(&host, ':')), &e))
        return NULL;
    for (size_t i = 0; services[i]; i++)
        if (str_is(e.service, services[i]->service->endpoint)) {
            call->region = e.region;
            return services[i];
        }
    return NULL;
}

const struct api_service_hooks *
api_wire_find(struct api_call *call, const struct api_service_hooks *const *services,
              const struct api_request *req, struct str signing)
{
    struct str form = api_form(req);
    struct str action = uri_query_get(call->arena, form, S("Action"));
    struct str version = uri_query_get(call->arena, form, S("Version"));
    const struct api_service_hooks *hooks =
        signing.n || req->trusted ? NULL : named_by_host(call, services, req);
    bool by_host = hooks != NULL;
    unsigned p = 0;

    /* Two services may sign by one name: then the one that is also named. */
    for (size_t i = 0; services[i] && !by_host; i++) {
        const struct api_service *s = services[i]->service;
        bool named = names(s, req, version);

        if (signing.n ? !str_is(signing, s->signing) || (hooks && !named) : !named)
            continue;
        hooks = services[i];
        if (named)
            break;
    }
    for (size_t i = 0; services[i] && !hooks && !signing.n && !req->trusted; i++)
        if (services[i]->unnamed && is_in(req, API_REST_XML, action) &&
            services[i]->unnamed(call, req))
            hooks = services[i];
    call->service = hooks ? hooks->service : NULL;
    while (p < API_N_PROTOCOLS && !((!hooks || api_speaks(hooks->service, (enum api_protocol)p)) &&
                                    is_in(req, (enum api_protocol)p, action)))
        p++;
    /* None that it speaks: then it is told so in the one that it asked in. */
    if (!hooks && (p == API_REST_JSON || p == API_REST_XML))
        p = API_QUERY;
    else if (p == API_N_PROTOCOLS && hooks && is_in(req, API_JSON, action))
        p = API_JSON;
    else if (p == API_N_PROTOCOLS && hooks && is_in(req, API_CBOR, action))
        p = API_CBOR;
    else if (p == API_N_PROTOCOLS)
        p = hooks ? hooks->service->protocol : API_QUERY;
    call->wire = api_wire_of((enum api_protocol)p);
    return hooks;
}
