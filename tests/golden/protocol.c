/*
 * The vectors are written from a client's side.
 *
 * Input: the client turns `params` into `serialized`.  We are the server: the bytes are decoded
 * and must be what `params` says.  Output: the client turns `response.body` into `result`.  We
 * encode `result`, and our XML must be the body's, apart from what a client does not see: the
 * order of members, blanks, attributes, the spelling of numbers and times.
 */
#include "golden/protocol.h"

#include "api/decode_query.h"
#include "api/encode_xml.h"
#include "harness/harness.h"

#include <stdio.h>

#define SHOWN_MAX 1000

static const struct vector_except *excepted;
static size_t n_excepted, n_met, n_cases, n_wrong;

static bool
is_excepted(struct str id)
{
    for (size_t i = 0; i < n_excepted; i++)
        if (str_is(id, excepted[i].id)) {
            n_met++;
            return true;
        }
    return false;
}

/* Says what differs and goes on, so that one run names all cases. */
static void
compare(struct str id, struct str got, struct str want)
{
    bool same = str_eq(got, want);

    n_cases++;
    if (is_excepted(id)) {
        if (same) {
            fprintf(stderr, "%.*s passes and need not be excepted\n", STR_ARG(id));
            n_wrong++;
        }
        return;
    }
    if (same)
        return;
    n_wrong++;
    fprintf(stderr, "%.*s\n  got  %.*s\n  want %.*s\n", STR_ARG(id),
            STR_ARG(str_cut(got, 0, SHOWN_MAX)), STR_ARG(str_cut(want, 0, SHOWN_MAX)));
}

static void
input_case(struct arena *a, const struct json *suite, const struct json *one)
{
    const struct vector_model *m = vector_model(a, suite, json_get(one, "given"));
    const struct api_shape *input = &m->service.shapes[m->op.input];
    struct str body = json_text(json_get(one, "serialized"), "body");
    void *req = api_new_input(&m->service, &m->op, a);
    struct api_fault fault = {0};
    int r = api_decode_query(&m->service, input, a, body, req, &fault);
    void *want = vector_fill(a, &m->service, input, json_get(one, "params"));

    compare(json_text(one, "id"),
            r ? fault.message : vector_show(a, &m->service, input, req),
            vector_show(a, &m->service, input, want));
}

static void
output_case(struct arena *a, const struct json *suite, const struct json *one)
{
    const struct vector_model *m = vector_model(a, suite, json_get(one, "given"));
    const struct api_shape *output = &m->service.shapes[m->op.output];
    const struct json *result = json_get(one, "result");
    struct str body = json_text(json_get(one, "response"), "body");
    struct buf out;

    buf_init(&out, 1 << 20);
    if (result) {
        void *res = vector_fill(a, &m->service, output, result);

        api_encode_xml(&m->service, &m->op, res, S("id"), &out);
    } else {
        struct str message = json_text(one, "errorMessage");
        const struct api_fault fault = {
            .code = json_text(one, "errorCode"),
            .http = 400,
            .message = message.p ? message : S("Hi"),
            .sender = true,
        };
        api_encode_fault(&m->service, &fault, S("foo-id"), &out);
    }
    CHECK(!buf_failed(&out));
    compare(json_text(one, "id"), vector_xml(a, buf_str(&out)),
            body.n ? vector_xml(a, body) : S("(no body)"));
    buf_done(&out);
}

static void
run(const char *file, void (*fn)(struct arena *, const struct json *, const struct json *),
    const struct vector_except *except, size_t n)
{
    excepted = except;
    n_excepted = n;
    n_met = n_cases = n_wrong = 0;
    vector_each(file, fn);
    CHECK(n_cases > 20);
    CHECK_INT(n_wrong, 0);
    CHECK_INT(n_met, n);
}

void
vector_inputs(const char *file, const struct vector_except *except, size_t n)
{
    run(file, input_case, except, n);
}

void
vector_outputs(const char *file, const struct vector_except *except, size_t n)
{
    run(file, output_case, except, n);
}
