/*
 * Signing is verification turned round: a claim is made up, its canonical request is hashed, and
 * the signature is written down instead of compared.
 */
#include "base/buf.h"
#include "base/list.h"
#include "codec/sigv4_text.h"
#include "codec/uri.h"

#include <stdlib.h>

/* Proxies and HTTP libraries add, drop or rewrite these. */
static const struct str never_signed[] = {
    S_INIT("authorization"), S_INIT("connection"),        S_INIT("expect"),
    S_INIT("te"),            S_INIT("transfer-encoding"), S_INIT("user-agent"),
    S_INIT("x-amzn-trace-id"),
};

static int
compare_names(const void *x, const void *y)
{
    return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

/* The sorted list of names, each once, in lower case. */
static struct str
list_names(struct arena *a, const struct http_header *headers, size_t n)
{
    struct str_list names = {0};
    struct str out = STR_NONE;

    assert(headers || n == 0);
    for (size_t i = 0; i < n; i++) {
        struct str name = str_lower(a, headers[i].name);
        bool drop = str_in(&names, name);
        for (size_t k = 0; k < ARRAY_LEN(never_signed); k++)
            drop |= str_eq(name, never_signed[k]);
        if (!drop)
            *LIST_PUSH(a, &names) = name;
    }
    if (names.n)
        qsort(names.v, names.n, sizeof(names.v[0]), compare_names);
    for (size_t i = 0; i < names.n; i++)
        out = str_fmt(a, "%.*s%s%.*s", STR_ARG(out), i ? ";" : "", STR_ARG(names.v[i]));
    return out;
}

static struct sigv4_claim
make_claim(struct arena *a, const struct sigv4_signer *s, enum sigv4_kind kind)
{
    struct sigv4_claim c = {
        .kind = kind,
        .access_key = s->access_key,
        .region = s->region,
        .service = s->service,
        .terminator = S(SIGV4_TERMINATOR),
        .token = s->token,
        .date_ms = s->now_ms,
        .expires_s = s->expires_s,
    };

    sigv4_stamp(c.stamp, s->now_ms);
    c.date = str_dup(a, str_of(c.stamp, 8));
    c.scope = str_fmt(a, "%.*s/%.*s/%.*s/" SIGV4_TERMINATOR, STR_ARG(c.date), STR_ARG(c.region),
                      STR_ARG(c.service));
    assert(c.scope.n <= SIGV4_SCOPE_MAX_BYTES);
    return c;
}

static struct str
signature(struct arena *a, const struct sigv4_signer *s, const struct sigv4_request *req,
          const struct sigv4_claim *claim)
{
    struct sigv4_key key = {0};
    struct str text = sigv4_string_to_sign(a, req, claim, s->flags);
    char *hex = arena_alloc_raw(a, 2 * SHA256_LEN);

    sigv4_derive(&key.hmac, s->secret, claim->date, claim->region, claim->service);
    sigv4_mac(&key, text, hex);
    crypto_hmac_done(&key.hmac);
    return str_of(hex, 2 * SHA256_LEN);
}

static struct str
body_sha256(struct arena *a, const struct sigv4_request *req)
{
    uint8_t digest[SHA256_LEN];

    crypto_sha256(req->body.p, req->body.n, digest);
    return str_hex(a, digest, sizeof(digest));
}

size_t
sigv4_sign(struct arena *a, const struct sigv4_signer *s, const struct sigv4_request *req,
           struct http_header ret_headers[SIGV4_ADDED_MAX])
{
    struct sigv4_claim claim = make_claim(a, s, SIGV4_HEADER);
    struct sigv4_request all = *req;
    struct http_header *h = ARENA_ARRAY(a, struct http_header, req->n_headers + SIGV4_ADDED_MAX);
    size_t n = req->n_headers, n_signed;

    assert(req->headers || req->n_headers == 0);
    if (n)
        memcpy(h, req->headers, n * sizeof(*h));
    h[n++] = (struct http_header){S("X-Amz-Date"), str_dup(a, str_of(claim.stamp, 16))};
    for (size_t i = 0; i < req->n_headers; i++)
        if (str_eq_nocase(req->headers[i].name, S("x-amz-content-sha256")))
            claim.content_sha256 = req->headers[i].value; /* "STREAMING-…" */
    if ((s->flags & SIGV4_WANT_SHA256) && !claim.content_sha256.p) {
        claim.content_sha256 = body_sha256(a, req);
        h[n++] = (struct http_header){S("X-Amz-Content-Sha256"), claim.content_sha256};
    }
    n_signed = n;
    if (s->token.p)
        h[n++] = (struct http_header){S("X-Amz-Security-Token"), s->token};
    if (!(s->flags & SIGV4_TOKEN_UNSIGNED))
        n_signed = n;

    all.headers = h;
    all.n_headers = n;
    claim.signed_headers = list_names(a, h, n_signed);
    struct str sig = signature(a, s, &all, &claim);
    h[n++] = (struct http_header){
        S("Authorization"),
        str_fmt(a, SIGV4_ALGORITHM " Credential=%.*s/%.*s, SignedHeaders=%.*s, Signature=%.*s",
                STR_ARG(claim.access_key), STR_ARG(claim.scope), STR_ARG(claim.signed_headers),
                STR_ARG(sig))};
    memcpy(ret_headers, h + req->n_headers, (n - req->n_headers) * sizeof(*h));
    return n - req->n_headers;
}

struct str
sigv4_presign(struct arena *a, const struct sigv4_signer *s, const struct sigv4_request *req)
{
    struct sigv4_claim claim = make_claim(a, s, SIGV4_PRESIGNED);
    struct sigv4_request all = *req;
    struct str credential = str_fmt(a, "%.*s/%.*s", STR_ARG(s->access_key), STR_ARG(claim.scope));

    assert(req->method.n > 0);
    claim.signed_headers = list_names(a, req->headers, req->n_headers);
    all.query = str_fmt(a,
                        "%.*s%sX-Amz-Algorithm=" SIGV4_ALGORITHM
                        "&X-Amz-Credential=%.*s&X-Amz-Date=%.16s&X-Amz-SignedHeaders=%.*s"
                        "&X-Amz-Expires=%lld",
                        STR_ARG(req->query), req->query.n ? "&" : "",
                        STR_ARG(uri_encode(a, credential, 0)), claim.stamp,
                        STR_ARG(uri_encode(a, claim.signed_headers, 0)),
                        (long long)s->expires_s);
    if (s->token.p)
        all.query = str_fmt(a, "%.*s&X-Amz-Security-Token=%.*s", STR_ARG(all.query),
                            STR_ARG(uri_encode(a, s->token, 0)));
    return str_fmt(a, "%.*s&X-Amz-Signature=%.*s", STR_ARG(all.query),
                   STR_ARG(signature(a, s, &all, &claim)));
}
