/*
 * A request of REST as lines: method, URI, headers, an empty line, the body.  The first byte picks
 * JSON or XML.  What is decoded is printed as a reply of the same shape.
 */
#include <stdlib.h>

#include "api/rest.h"
#include "gen/tests/restdemo.h"
#include "gen/tests/xmldemo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define HEADERS_MAX 20

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
print(struct api_call *call, const struct api_request *req, const void *in)
{
    struct api_op echo = *call->op; /* whose reply is the request */
    struct api_reply reply = {0};

    echo.output = echo.input;
    echo.flags &= ~(unsigned)API_NO_OUTPUT;
    call->op = &echo;
    buf_init(&reply.body, (size_t)64 << 20);
    call->wire->encode(call, req, in, &reply);
    must(!buf_failed(&reply.body));
    for (size_t i = 0; i < reply.headers.n; i++)
        for (size_t j = 0; j < reply.headers.v[i].value.n; j++)
            must((unsigned char)reply.headers.v[i].value.p[j] >= 0x20);
    buf_done(&reply.body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct http_header headers[HEADERS_MAX];
    struct arena a;

    if (n == 0 || n > 1 << 16)
        return 0;
    char *exact = malloc(n); /* so that reading one byte too far is seen */
    must(exact != NULL);
    memcpy(exact, data + 1, n - 1);
    struct str rest = str_of(exact, n - 1);
    struct str method = str_split(&rest, '\n'), query = str_split(&rest, '\n');
    struct str path = str_split(&query, '?');
    struct api_request req = {.http = {method, path, query, headers, 0, STR_NONE}};

    while (rest.p && req.http.n_headers < HEADERS_MAX) {
        struct str value = str_split(&rest, '\n'), name;

        if (!value.n)
            break;
        name = str_split(&value, ':');
        headers[req.http.n_headers++] = (struct http_header){name, str_trim(value)};
    }
    req.http.body = rest;
    arena_init(&a, (size_t)256 << 20);
    struct api_call call = {.arena = &a,
                            .service = data[0] & 1 ? &xmldemo_service : &restdemo_service,
                            .request_id = S("id")};

    call.wire = api_wire_of(call.service->protocol);
    int r = call.wire->find(&call, &req);

    if (r == 0) {
        void *in = api_new_input(call.service, call.op, &a);

        r = call.wire->decode(&call, &req, in);
        if (r == 0)
            print(&call, &req, in);
    }
    must(r >= 0 && (r == 0 || (call.fault.code.n && str_is_utf8(call.fault.message))));
    must(!arena_spent(&a));
    arena_done(&a);
    free(exact);
    return 0;
}
