/*
 * A form against an operation that the first byte picks: decode, validate, and print what came
 * out as if it were a reply.  Memory stays bounded; what was decoded is UTF-8, so the reply has
 * no byte that XML forbids.
 */
#include <stdlib.h>

#include "api/check_reply.h"
#include "api/decode_query.h"
#include "api/encode_xml.h"
#include "api/validate.h"
#include "gen/api/ec2.h"
#include "gen/api/iam.h"
#include "gen/api/sts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct {
    const struct api_service *service;
    const char *op;
} targets[] = {
    {&ec2_service, "RunInstances"},
    {&ec2_service, "DescribeInstances"},
    {&ec2_service, "AuthorizeSecurityGroupIngress"},
    {&ec2_service, "CreateLaunchTemplate"},
    {&ec2_service, "ImportKeyPair"},
    {&iam_service, "CreateUser"},
    {&iam_service, "SimulateCustomPolicy"},
    {&iam_service, "CreateVirtualMFADevice"},
    {&sts_service, "AssumeRole"},
};

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
print(const struct api_service *s, const struct api_op *op, const void *req, struct arena *a)
{
    struct api_op echo = *op; /* whose reply is the request */
    struct buf out;

    echo.output = op->input;
    api_check_reply(s, &echo, req, a);
    buf_init(&out, (size_t)64 << 20);
    api_encode_xml(s, &echo, req, S("id"), &out);
    must(!buf_failed(&out) && str_is_utf8(buf_str(&out)));
    for (size_t i = 0; i < out.n; i++)
        must((unsigned char)out.p[i] >= 0x20 || out.p[i] == '\n' || out.p[i] == '\t');
    buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct api_fault fault = {0};
    struct arena a;

    if (n == 0)
        return 0;
    const struct api_service *s = targets[data[0] % ARRAY_LEN(targets)].service;
    const struct api_op *op =
        api_op_find(s, str_from(targets[data[0] % ARRAY_LEN(targets)].op));
    char *exact = malloc(n); /* so that reading one byte too far is seen */

    must(exact && op);
    memcpy(exact, data + 1, n - 1);
    arena_init(&a, (size_t)64 << 20);
    void *req = api_new_input(s, op, &a);
    int r = api_decode_query(s, &s->shapes[op->input], &a, str_of(exact, n - 1), req, &fault);

    must(r >= 0 && (r == 0 || (fault.code.n && str_is_utf8(fault.message))));
    if (r == 0) {
        r = api_validate(s, s->protocol, &s->shapes[op->input], &a, req, &fault);
        must(r >= 0 && (r == 0 || (fault.code.n && fault.message.n)));
        print(s, op, req, &a);
    }
    must(!arena_spent(&a));
    arena_done(&a);
    free(exact);
    return 0;
}
