/*
 * A body of JSON or CBOR against an operation that the first byte picks: decode, validate, print
 * it as if it were a reply, and decode that: what comes out must print the same, so neither side
 * loses or invents anything.
 */
#include <stdlib.h>

#include "api/check_reply.h"
#include "api/decode_doc.h"
#include "api/encode_doc.h"
#include "api/validate.h"
#include "gen/api/cloudwatch.h"
#include "gen/api/kms.h"
#include "gen/api/secretsmanager.h"
#include "gen/api/ssm.h"
#include "gen/tests/restdemo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct {
    const struct api_service *service;
    const char *op;
} targets[] = {
    {&kms_service, "CreateKey"},
    {&kms_service, "Encrypt"},
    {&ssm_service, "PutParameter"},
    {&cloudwatch_service, "PutMetricData"},
    {&cloudwatch_service, "GetMetricData"},
    {&cloudwatch_service, "PutMetricAlarm"},
    {&secretsmanager_service, "CreateSecret"},
    {&restdemo_service, "CreateThing"},
};

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
print(const struct api_service *s, const struct api_shape *shape, enum api_doc form,
      const void *value, struct buf *out)
{
    buf_init(out, (size_t)64 << 20);
    api_encode_doc(s, shape, form, value, out);
    must(!buf_failed(out) && (form == API_DOC_CBOR || str_is_utf8(buf_str(out))));
}

static bool
has_document(const struct api_service *s, const struct api_shape *shape)
{
    for (unsigned i = 0; i < shape->n; i++)
        if (s->shapes[s->members[shape->first + i].shape].kind == API_DOCUMENT)
            return true;
    return false;
}

static void
again(const struct api_service *s, const struct api_op *op, enum api_doc form, const void *req,
      struct arena *a)
{
    const struct api_shape *shape = &s->shapes[op->input];
    const struct doc_format *format = form == API_DOC_CBOR ? &doc_cbor : &doc_json;
    struct api_fault fault = {0};
    struct buf first, second;
    void *copy = api_new_input(s, op, a);

    print(s, shape, form, req, &first);
    must(api_decode_doc(s, shape, format, a, buf_str(&first), copy, &fault) == 0);
    print(s, shape, form, copy, &second);
    must(str_eq(buf_str(&first), buf_str(&second)));
    buf_done(&first);
    buf_done(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct api_fault fault = {0};
    struct arena a;

    if (n == 0 || n > 1 << 16)
        return 0;
    enum api_doc form = data[0] & 0x80 ? API_DOC_CBOR : API_DOC_JSON;
    const struct api_service *s = targets[(data[0] & 0x7f) % ARRAY_LEN(targets)].service;
    const struct api_op *op =
        api_op_find(s, str_from(targets[(data[0] & 0x7f) % ARRAY_LEN(targets)].op));
    char *exact = malloc(n); /* so that reading one byte too far is seen */

    must(exact && op);
    memcpy(exact, data + 1, n - 1);
    arena_init(&a, (size_t)256 << 20);
    void *req = api_new_input(s, op, &a);
    int r = api_decode_doc(s, &s->shapes[op->input], form == API_DOC_CBOR ? &doc_cbor : &doc_json,
                           &a, str_of(exact, n - 1), req, &fault);

    must(r >= 0 && (r == 0 || (fault.code.n && str_is_utf8(fault.message))));
    if (r == 0 && n > 1) {
        r = api_validate(s, s->protocol, &s->shapes[op->input], &a, req, &fault);
        must(r >= 0 && (r == 0 || (fault.code.n && fault.message.n)));
        again(s, op, API_DOC_JSON, req, &a);
        if (!has_document(s, &s->shapes[op->input]))
            again(s, op, API_DOC_CBOR, req, &a);
    }
    must(!arena_spent(&a));
    arena_done(&a);
    free(exact);
    return 0;
}
