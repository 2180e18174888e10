/*
 * A request as HTTP text goes through parsing, admission, verification and the wording of every
 * fault.  The same request signed by us must verify, and with its body changed must not.
 */
#include "codec/sigv4.h"

#include <stdlib.h>

#define NOW_MS 1440938160000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
must(bool ok)
{
    if (!ok)
        abort();
}

static void
word_all(struct arena *a, const struct sigv4_request *req, const struct sigv4_claim *claim)
{
    static const struct sigv4_expect expect = {S_INIT("us-east-1"), S_INIT("iam"), 0};

    for (int e = SIGV4_OK + 1; e < SIGV4_N_ERRORS; e++)
        for (int d = 0; d < SIGV4_N_DIALECTS; d++) {
            struct sigv4_fault f = sigv4_fault(a, (enum sigv4_error)e, (enum sigv4_dialect)d, req,
                                               claim, &expect, NOW_MS);
            must(f.code && f.status >= 400);
        }
}

static void
sign_and_verify(struct arena *a, const struct sigv4_request *from, unsigned flags)
{
    struct sigv4_signer signer = {S("AK"), S("secret"), STR_NONE, S("r"), S("svc"), NOW_MS, 60,
                                  flags};
    struct sigv4_expect expect = {S("r"), S("svc"), flags};
    struct sigv4_keys *keys = sigv4_keys_new(2);
    struct sigv4_request req = *from;
    struct sigv4_claim claim;
    struct http_header headers[HTTP_HEADERS_MAX + 1 + SIGV4_ADDED_MAX];
    size_t n = 0;

    headers[n++] = (struct http_header){S("Host"), S("h")};
    for (size_t i = 0; i < from->n_headers; i++)
        if (!str_eq_nocase(str_cut(from->headers[i].name, 0, 5), S("x-amz")) &&
            !str_eq_nocase(from->headers[i].name, S("authorization")))
            headers[n++] = from->headers[i];
    req.headers = headers;
    req.n_headers = n;
    if (str_find(req.query, S("X-Amz-")) != SIZE_MAX)
        req.query = STR_NONE;
    req.n_headers += sigv4_sign(a, &signer, &req, headers + n);
    must(sigv4_parse(a, &req, &claim) == SIGV4_OK);
    must(sigv4_admit(&req, &claim, &expect, NOW_MS) == SIGV4_OK);
    const struct sigv4_key *key = sigv4_keys_get(keys, &claim, signer.secret);
    must(sigv4_verify(&req, &claim, flags, key) == SIGV4_OK);
    req.body = str_cat(a, req.body, S("x"));
    must(sigv4_verify(&req, &claim, flags, key) != SIGV4_OK);
    sigv4_keys_free(keys);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct http_head head;
    struct str in = str_of(data, n);
    struct sigv4_claim claim;
    struct arena a;
    size_t used;

    if (n > 20000 || http_parse_head(in, &head, &used) != HTTP_COMPLETE)
        return 0;
    arena_init(&a, (size_t)256 << 20);
    struct sigv4_request req = sigv4_request_of(&head, str_cut(in, used, n));
    struct sigv4_expect any = {0};
    int r = sigv4_parse(&a, &req, &claim);
    word_all(&a, &req, &claim);
    if (r == SIGV4_OK) {
        struct sigv4_keys *keys = sigv4_keys_new(1);
        const struct sigv4_key *key = sigv4_keys_get(keys, &claim, S("secret"));
        must(sigv4_admit(&req, &claim, &any, NOW_MS) >= 0);
        for (unsigned flags = 0; flags < 32; flags++)
            must(!key || sigv4_verify(&req, &claim, flags, key) >= 0);
        sigv4_canonical_request(&a, &req, &claim, SIGV4_S3);
        sigv4_keys_free(keys);
    }
    if (head.n_headers < 90) {
        sign_and_verify(&a, &req, 0);
        sign_and_verify(&a, &req, SIGV4_S3 & ~(unsigned)SIGV4_UNSIGNED_BODY);
    }
    arena_done(&a);
    return 0;
}
