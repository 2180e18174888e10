/*
 * The signing suite of the AWS C library (shared/vectors/sigv4): canonical request, string to
 * sign and signature of each request, in both forms; and the signed requests must verify.
 *
 * The requests there are not ones that our HTTP parser lets in (LF only, folded headers, blanks
 * in a path), so they have a reader of their own here.
 */
#include "base/list.h"
#include "base/timefmt.h"
#include "codec/sigv4.h"
#include "harness/harness.h"

#include <dirent.h>

struct headers {
    struct http_header *v;
    size_t n;
};

struct vector {
    const char *dir;
    struct sigv4_signer signer;
    struct sigv4_request req;
    bool sign_body;
};

static struct str
read_text(const char *dir, const char *file)
{
    return test_read_file(str_fmt(test_arena(), "%s/%s", dir, file).p);
}

/* The text of "name": "text" in a flat piece of JSON without escapes. */
static struct str
json_text(struct str json, const char *name)
{
    struct str key = str_fmt(test_arena(), "\"%s\": \"", name);
    size_t at = str_find(json, key);

    if (at == SIZE_MAX)
        return STR_NONE;
    struct str rest = str_cut(json, at + key.n, json.n);
    return str_split(&rest, '"');
}

static bool
json_true(struct str json, const char *name)
{
    return str_find(json, str_fmt(test_arena(), "\"%s\": true", name)) != SIZE_MAX;
}

static struct sigv4_request
read_request(struct str text)
{
    struct arena *a = test_arena();
    struct sigv4_request req = {.body = S("")};
    struct headers headers = {0};
    struct str line = str_split(&text, '\n');

    req.method = str_split(&line, ' ');
    line = str_cut(line, 0, str_find(line, S(" HTTP/1.1")));
    req.path = str_split(&line, '?');
    req.query = line;
    while (text.p) {
        line = str_split(&text, '\n');
        if (line.n == 0)
            break;
        if (*line.p == ' ') {
            struct http_header *last = &headers.v[headers.n - 1];
            last->value = str_fmt(a, "%.*s\n%.*s", STR_ARG(last->value), STR_ARG(line));
            continue;
        }
        struct http_header *h = LIST_PUSH(a, &headers);
        h->name = str_split(&line, ':');
        h->value = line;
    }
    if (text.p)
        req.body = text;
    req.headers = headers.v;
    req.n_headers = headers.n;
    return req;
}

static struct vector
read_vector(const char *dir)
{
    struct str context = read_text(dir, "context.json");
    struct vector v = {.dir = dir, .req = read_request(read_text(dir, "request.txt"))};

    v.signer = (struct sigv4_signer){
        .access_key = json_text(context, "access_key_id"),
        .secret = json_text(context, "secret_access_key"),
        .token = json_text(context, "token"),
        .region = json_text(context, "region"),
        .service = json_text(context, "service"),
        .expires_s = 3600,
    };
    v.sign_body = json_true(context, "sign_body");
    if (!json_true(context, "normalize"))
        v.signer.flags |= SIGV4_RAW_PATH;
    if (json_true(context, "omit_session_token"))
        v.signer.flags |= SIGV4_TOKEN_UNSIGNED;
    CHECK(time_parse_iso(json_text(context, "timestamp"), &v.signer.now_ms));
    return v;
}

static void
same(const struct vector *v, const char *file, struct str got)
{
    struct str want = str_trim(read_text(v->dir, file));

    if (!str_eq(str_trim(got), want))
        FAIL("%s/%s: \"%.*s\", not \"%.*s\"", v->dir, file, STR_ARG(got), STR_ARG(want));
}

/* Verifies a signed request and compares all texts on the way. */
static void
verify(const struct vector *v, const struct sigv4_request *req, const char *form)
{
    struct arena *a = test_arena();
    struct sigv4_expect expect = {v->signer.region, v->signer.service, v->signer.flags};
    struct sigv4_keys *keys = sigv4_keys_new(4);
    struct sigv4_claim claim;

    CHECK_INT(sigv4_parse(a, req, &claim), SIGV4_OK);
    CHECK_INT(sigv4_admit(req, &claim, &expect, v->signer.now_ms + 60000), SIGV4_OK);
    CHECK(str_eq(claim.access_key, v->signer.access_key));
    CHECK(str_eq(claim.token, v->signer.token));
    same(v, str_fmt(a, "%s-canonical-request.txt", form).p,
         sigv4_canonical_request(a, req, &claim, v->signer.flags));
    same(v, str_fmt(a, "%s-string-to-sign.txt", form).p,
         sigv4_string_to_sign(a, req, &claim, v->signer.flags));
    same(v, str_fmt(a, "%s-signature.txt", form).p, claim.signature);
    CHECK_INT(sigv4_verify(req, &claim, v->signer.flags,
                           sigv4_keys_get(keys, &claim, v->signer.secret)),
              SIGV4_OK);
    sigv4_keys_free(keys);
}

static void
check_vector(const char *dir)
{
    struct arena *a = test_arena();
    struct vector v = read_vector(dir);
    struct sigv4_request got, want;

    want = read_request(read_text(dir, "header-signed-request.txt"));
    want.body = v.req.body;
    verify(&v, &want, "header");
    want = read_request(read_text(dir, "query-signed-request.txt"));
    want.body = v.req.body;
    verify(&v, &want, "query");

    struct sigv4_signer signer = v.signer;
    signer.flags |= v.sign_body ? SIGV4_WANT_SHA256 : 0;
    struct http_header added[SIGV4_ADDED_MAX], all[32];
    size_t n = sigv4_sign(a, &signer, &v.req, added);
    CHECK(v.req.n_headers + n <= ARRAY_LEN(all));
    if (v.req.n_headers)
        memcpy(all, v.req.headers, v.req.n_headers * sizeof(all[0]));
    memcpy(all + v.req.n_headers, added, n * sizeof(all[0]));
    got = v.req;
    got.headers = all;
    got.n_headers += n;
    verify(&v, &got, "header");

    got = v.req;
    got.query = sigv4_presign(a, &v.signer, &v.req);
    verify(&v, &got, "query");
}

TEST(every_vector_of_the_signing_suite_signs_and_verifies)
{
    struct str root = str_fmt(test_arena(), "%s/vectors/sigv4", test_shared());
    DIR *dir = opendir(root.p);
    unsigned n = 0;

    if (!dir)
        SKIP("%s is absent", root.p);
    for (struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.')
            continue;
        check_vector(str_fmt(test_arena(), "%s/%s", root.p, e->d_name).p);
        n++;
    }
    closedir(dir);
    CHECK(n >= 38);
}
