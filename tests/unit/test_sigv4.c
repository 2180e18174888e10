#include "codec/sigv4.h"

#include "base/timefmt.h"
#include "codec/uri.h"
#include "harness/harness.h"

#define NOW_MS 1440938160000 /* 2015-08-30T12:36:00Z */

static const struct sigv4_signer signer = {
    .access_key = S_INIT("AKIDEXAMPLE"),
    .secret = S_INIT("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
    .region = S_INIT("us-east-1"),
    .service = S_INIT("iam"),
    .now_ms = NOW_MS,
    .expires_s = 60,
};
static const struct sigv4_expect here = {S_INIT("us-east-1"), S_INIT("iam"), 0};

/* A request that is signed, with room for the headers that signing adds. */
struct signed_request {
    struct sigv4_request req;
    struct http_header headers[16];
    struct str plain_query;
};

static struct signed_request *
make_request(const struct sigv4_signer *s, enum sigv4_kind kind)
{
    struct arena *a = test_arena();
    struct signed_request *r = ARENA_NEW(a, struct signed_request);

    r->headers[0] = (struct http_header){S("Host"), S("iam.amazonaws.com:4566")};
    r->headers[1] = (struct http_header){S("Content-Type"),
                                         S("application/x-www-form-urlencoded")};
    r->headers[2] = (struct http_header){S("X-Amz-Target"), S("A.B")};
    r->req = (struct sigv4_request){S("POST"), S("/a//b/../c d"), S("z=1&a=%2F&a=+"),
                                    r->headers, 3, S("Action=ListUsers&Version=2010-05-08")};
    if (kind == SIGV4_HEADER)
        r->req.n_headers += sigv4_sign(a, s, &r->req, r->headers + 3);
    else
        r->req.query = sigv4_presign(a, s, &r->req);
    return r;
}

static int
check_at(const struct sigv4_request *req, const struct sigv4_expect *expect, struct str secret,
         int64_t now_ms)
{
    struct sigv4_claim claim;
    int r = sigv4_parse(test_arena(), req, &claim);

    if (!r)
        r = sigv4_admit(req, &claim, expect, now_ms);
    if (r)
        return r;
    if (!str_eq(claim.access_key, signer.access_key) && !str_is(claim.access_key, "a"))
        return SIGV4_UNKNOWN_KEY;
    struct sigv4_keys *keys = sigv4_keys_new(8);
    const struct sigv4_key *key = sigv4_keys_get(keys, &claim, secret);
    r = key ? sigv4_verify(req, &claim, expect->flags, key) : SIGV4_UNKNOWN_KEY;
    sigv4_keys_free(keys);
    return r;
}

static int
check(const struct sigv4_request *req)
{
    return check_at(req, &here, signer.secret, NOW_MS);
}

/* Every byte of `s` with one bit turned must be refused. */
static void
tamper(const struct sigv4_request *req, struct str *s, const char *what)
{
    struct str before = *s;
    char *copy = arena_dup(test_arena(), before.p, before.n);

    *s = str_of(copy, before.n);
    for (size_t i = 0; i < before.n; i++) {
        for (int bit = 1; bit < 256; bit <<= 1) {
            copy[i] = (char)(before.p[i] ^ bit);
            if (check(req) == SIGV4_OK)
                FAIL("%s: \"%.*s\" is accepted for \"%.*s\"", what, STR_ARG(*s), STR_ARG(before));
        }
        copy[i] = before.p[i];
    }
    CHECK_INT(check(req), SIGV4_OK);
    *s = before;
}

TEST(a_request_with_any_bit_turned_is_refused)
{
    struct signed_request *r = make_request(&signer, SIGV4_HEADER);

    CHECK_INT(check(&r->req), SIGV4_OK);
    tamper(&r->req, &r->req.method, "method");
    tamper(&r->req, &r->req.body, "body");
    for (size_t i = 0; i < r->req.n_headers; i++)
        tamper(&r->req, &r->headers[i].value, "header");
}

TEST(a_presigned_request_with_any_byte_changed_is_refused)
{
    struct signed_request *r = make_request(&signer, SIGV4_PRESIGNED);
    struct str query = r->req.query;
    char *copy = arena_dup(test_arena(), query.p, query.n);

    CHECK_INT(check(&r->req), SIGV4_OK);
    r->req.query = str_of(copy, query.n);
    for (size_t i = 0; i < query.n; i++) {
        for (int c = '-'; c <= 'z'; c++) {
            copy[i] = (char)c;
            /* %2f is %2F, which is the same query. */
            if (c != query.p[i] && (c ^ 0x20) != query.p[i] && check(&r->req) == SIGV4_OK)
                FAIL("accepted: %.*s", STR_ARG(r->req.query));
        }
        copy[i] = query.p[i];
    }
}

TEST(a_path_is_normalised_and_a_query_sorted_before_signing)
{
    struct signed_request *r = make_request(&signer, SIGV4_HEADER);

    r->req.path = S("/a/c d");
    r->req.query = S("a=%20&&a=%2f&z=1");
    CHECK_INT(check(&r->req), SIGV4_OK);
    r->req.path = S("/a/c%20d");
    CHECK_INT(check(&r->req), SIGV4_MISMATCH);
}

TEST(another_secret_is_a_mismatch_and_a_changed_one_is_noticed)
{
    struct signed_request *r = make_request(&signer, SIGV4_HEADER);
    struct sigv4_keys *keys = sigv4_keys_new(2);
    struct sigv4_claim claim;

    CHECK_INT(check_at(&r->req, &here, S("another"), NOW_MS), SIGV4_MISMATCH);
    CHECK_INT(sigv4_parse(test_arena(), &r->req, &claim), SIGV4_OK);
    for (int round = 0; round < 3; round++) {
        CHECK_INT(sigv4_verify(&r->req, &claim, 0, sigv4_keys_get(keys, &claim, S("another"))),
                  SIGV4_MISMATCH);
        CHECK_INT(sigv4_verify(&r->req, &claim, 0, sigv4_keys_get(keys, &claim, signer.secret)),
                  SIGV4_OK);
    }
    sigv4_keys_free(keys);
}

TEST(keys_beyond_the_limit_push_out_the_oldest_and_stay_right)
{
    struct sigv4_keys *keys = sigv4_keys_new(5);

    for (int i = 0; i < 200; i++) {
        struct sigv4_signer s = signer;
        struct sigv4_claim claim;
        s.access_key = str_fmt(test_arena(), "AKID%d", i * 7 % 13);
        s.secret = str_fmt(test_arena(), "secret%d", i * 7 % 13);
        struct signed_request *r = make_request(&s, SIGV4_HEADER);
        CHECK_INT(sigv4_parse(test_arena(), &r->req, &claim), SIGV4_OK);
        CHECK_INT(sigv4_verify(&r->req, &claim, 0, sigv4_keys_get(keys, &claim, s.secret)),
                  SIGV4_OK);
    }
    sigv4_keys_free(keys);
}

TEST(time_runs_out_at_fifteen_minutes_both_ways)
{
    struct signed_request *r = make_request(&signer, SIGV4_HEADER);

    CHECK_INT(check_at(&r->req, &here, signer.secret, NOW_MS + SIGV4_SKEW_MS), SIGV4_OK);
    CHECK_INT(check_at(&r->req, &here, signer.secret, NOW_MS + SIGV4_SKEW_MS + 1),
              SIGV4_TOO_LATE);
    CHECK_INT(check_at(&r->req, &here, signer.secret, NOW_MS - SIGV4_SKEW_MS), SIGV4_OK);
    CHECK_INT(check_at(&r->req, &here, signer.secret, NOW_MS - SIGV4_SKEW_MS - 1),
              SIGV4_TOO_EARLY);
}

TEST(a_presigned_url_lives_as_long_as_it_says_but_a_quarter_of_an_hour_for_sts)
{
    struct signed_request *r = make_request(&signer, SIGV4_PRESIGNED);
    struct sigv4_signer s = signer;
    struct sigv4_expect sts = {S("us-east-1"), S("sts"), 0};

    CHECK_INT(check_at(&r->req, &here, signer.secret, NOW_MS + 60000), SIGV4_OK);
    CHECK_INT(check_at(&r->req, &here, signer.secret, NOW_MS + 60001), SIGV4_URL_EXPIRED);
    s.service = S("sts");
    r = make_request(&s, SIGV4_PRESIGNED);
    CHECK_INT(check_at(&r->req, &sts, signer.secret, NOW_MS + 900000), SIGV4_OK);
    CHECK_INT(check_at(&r->req, &sts, signer.secret, NOW_MS + 900001), SIGV4_URL_EXPIRED);
    s.expires_s = SIGV4_EXPIRES_MAX_S + 1;
    r = make_request(&s, SIGV4_PRESIGNED);
    CHECK_INT(check_at(&r->req, &sts, signer.secret, NOW_MS), SIGV4_BAD_EXPIRES);
}

TEST(an_amz_header_that_is_not_signed_is_refused_but_a_token_may_come_later)
{
    struct signed_request *r = make_request(&signer, SIGV4_HEADER);
    struct http_header *last = &r->headers[r->req.n_headers++];

    *last = (struct http_header){S("X-Amz-Security-Token"), S("token")};
    CHECK_INT(check(&r->req), SIGV4_OK);
    *last = (struct http_header){S("User-Agent"), S("anything")};
    CHECK_INT(check(&r->req), SIGV4_OK);
    *last = (struct http_header){S("x-amz-acl"), S("public-read")};
    CHECK_INT(check(&r->req), SIGV4_HEADERS_NOT_SIGNED);
}

TEST(s3_has_rules_of_its_own_for_paths_and_payloads)
{
    struct sigv4_signer s = signer;
    struct sigv4_expect s3 = {S("us-east-1"), S("s3"), SIGV4_S3};
    struct http_header h[8] = {{S("Host"), S("127.0.0.1:4566")}};
    struct sigv4_request req = {S("PUT"), S("/b/a%20b//../c(1)%2b"), STR_NONE, h, 1, S("hello")};

    s.service = S("s3");
    s.flags = sigv4_flags(s.service);
    CHECK_INT(s.flags, SIGV4_S3);
    CHECK_INT(sigv4_flags(S("ec2")), 0);
    req.n_headers += sigv4_sign(test_arena(), &s, &req, h + 1);
    CHECK_INT(check_at(&req, &s3, s.secret, NOW_MS), SIGV4_OK);
    /* The same path in another coding is the same object. */
    req.path = S("/b/a%20b//../c%281%29%2B");
    CHECK_INT(check_at(&req, &s3, s.secret, NOW_MS), SIGV4_OK);
    req.body = S("hullo");
    CHECK_INT(check_at(&req, &s3, s.secret, NOW_MS), SIGV4_WRONG_CONTENT_SHA256);
    req.n_headers = 1;
    req.query = sigv4_presign(test_arena(), &s, &req);
    CHECK_INT(check_at(&req, &s3, s.secret, NOW_MS), SIGV4_OK); /* UNSIGNED-PAYLOAD */

    /* Elsewhere a payload that is not signed is no payload that was sent. */
    struct signed_request *r = make_request(&signer, SIGV4_HEADER);
    r->headers[r->req.n_headers] =
        (struct http_header){S("X-Amz-Content-Sha256"), S("UNSIGNED-PAYLOAD")};
    r->req.n_headers++;
    CHECK(check(&r->req) != SIGV4_OK);
}

TEST(a_request_of_more_parts_than_are_signed_is_a_mismatch)
{
    struct signed_request *r = make_request(&signer, SIGV4_HEADER);
    struct str query = S("a=1");

    for (int i = 0; i < 11; i++)
        query = str_fmt(test_arena(), "%.*s&%.*s", STR_ARG(query), STR_ARG(query));
    r->req.query = query;
    CHECK_INT(check(&r->req), SIGV4_MISMATCH);
}

/* Every fault: the request that makes it, and what each protocol answers. */
static const struct {
    const char *authorization, *date;
    enum sigv4_error error;
    const char *code, *message;
} faults[] = {
    {NULL, "20150830T123600Z", SIGV4_MISSING_AUTH, "MissingAuthenticationToken",
     "Request is missing Authentication Token"},
    {"Bearer x", "20150830T123600Z", SIGV4_MISSING_AUTH, "MissingAuthenticationToken",
     "Request is missing Authentication Token"},
    {"AWS4-HMAC-SHA256 Credential=a/20150830/us-east-1/iam/aws4_request", NULL, SIGV4_INCOMPLETE,
     "IncompleteSignature",
     "Authorization header requires 'Signature' parameter. Authorization header requires "
     "'SignedHeaders' parameter. Authorization header requires existence of either a "
     "'X-Amz-Date' or a 'Date' header. "
     "Authorization=AWS4-HMAC-SHA256 Credential=a/20150830/us-east-1/iam/aws4_request"},
    {"AWS4-HMAC-SHA256 Signature=b,    Credential,    SignedHeaders", "20150830T123600Z",
     SIGV4_BAD_PAIR, "IncompleteSignature",
     "'Credential' not a valid key=value pair (missing equal-sign) in Authorization header: "
     "'AWS4-HMAC-SHA256 Signature=b,    Credential,    SignedHeaders'."},
    {"AWS4-HMAC-SHA256 Credential=a/b/c/d/e,SignedHeaders=host,Signature=x", "201",
     SIGV4_BAD_DATE, "IncompleteSignature",
     "Date must be in ISO-8601 'basic format'. Got '201'. See "
     "http://en.wikipedia.org/wiki/ISO_8601"},
    {"AWS4-HMAC-SHA25 Credential=a/b/c/d/e,SignedHeaders=host,Signature=x", "20150830T123600Z",
     SIGV4_BAD_ALGORITHM, "IncompleteSignature",
     "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only AWS4-HMAC-SHA256 for now). "},
    {"AWS4-HMAC-SHA256 Credential=a/b/c/d,SignedHeaders=host,Signature=x", "20150830T123600Z",
     SIGV4_BAD_CREDENTIAL, "IncompleteSignature",
     "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/"
     "term, got 'a/b/c/d'"},
    {"AWS4-HMAC-SHA256 Credential=a/20150830/us-east-1/iam/aws4_request,SignedHeaders=host,"
     "Signature=x",
     "20150830T120000Z", SIGV4_TOO_LATE, "SignatureDoesNotMatch",
     "Signature expired: 20150830T120000Z is now earlier than 20150830T122100Z "
     "(20150830T123600Z - 15 min.)"},
    {"AWS4-HMAC-SHA256 Credential=a/20150830/us-east-1/iam/aws4_request,SignedHeaders=host,"
     "Signature=x",
     "20150830T125101Z", SIGV4_TOO_EARLY, "SignatureDoesNotMatch",
     "Signature not yet current: 20150830T125101Z is still later than 20150830T125100Z "
     "(20150830T123600Z + 15 min.)"},
    {"AWS4-HMAC-SHA256 Credential=a/20150830/us-east-1/iam/aws4_request,SignedHeaders=x-amz-date,"
     "Signature=x",
     "20150830T123600Z", SIGV4_HOST_NOT_SIGNED, "SignatureDoesNotMatch",
     "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
    {"AWS4-HMAC-SHA256 Credential=a/20150829/us-west-2/ec2/aws5,"
     "SignedHeaders=host;x-amz-date,Signature=x",
     "20150830T123600Z", SIGV4_WRONG_SCOPE, "SignatureDoesNotMatch",
     "Credential should be scoped to a valid region, not 'us-west-2'. Credential should be scoped "
     "to correct service: 'iam'. Credential should be scoped with a valid terminator: "
     "'aws4_request', not 'aws5'. Date in Credential scope does not match YYYYMMDD from ISO-8601 "
     "version of date from HTTP: '20150829' != '20150830', from '20150830T123600Z'. "},
    {"AWS4-HMAC-SHA256 Credential=a/20150830/us-east-1/iam/aws4_request "
     "SignedHeaders=host;x-amz-date Signature=x",
     "20150830T123600Z", SIGV4_MISMATCH, "SignatureDoesNotMatch",
     "The request signature we calculated does not match the signature you provided. Check your "
     "AWS Secret Access Key and signing method. Consult the service documentation for details."},
    {"AWS4-HMAC-SHA256 Credential=a/20150830/us-east-1/iam/aws4_request "
     "SignedHeaders=host;date Signature=x",
     "Sun, 30 Aug 2015 12:36:00 GMT", SIGV4_MISMATCH, "SignatureDoesNotMatch",
     "The request signature we calculated does not match the signature you provided. Check your "
     "AWS Secret Access Key and signing method. Consult the service documentation for details."},
};

TEST(each_fault_is_worded_as_aws_words_it)
{
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        struct http_header h[3] = {{S("Host"), S("x")}};
        struct sigv4_request req = {S("GET"), S("/"), STR_NONE, h, 1, S("")};
        struct sigv4_claim claim;

        if (faults[i].date)
            h[req.n_headers++] = (struct http_header){
                faults[i].date[0] == 'S' ? S("Date") : S("X-Amz-Date"), str_from(faults[i].date)};
        if (faults[i].authorization)
            h[req.n_headers++] =
                (struct http_header){S("Authorization"), str_from(faults[i].authorization)};
        CHECK_INT(check(&req), faults[i].error);
        sigv4_parse(test_arena(), &req, &claim);
        struct sigv4_fault f = sigv4_fault(test_arena(), faults[i].error, SIGV4_QUERY, &req,
                                           &claim, &here, NOW_MS);
        CHECK_STR(str_from(f.code), faults[i].code);
        CHECK_STR(f.message, faults[i].message);
        CHECK(f.status == 400 || f.status == 403);
        for (int d = 0; d < SIGV4_N_DIALECTS; d++)
            CHECK(sigv4_fault(test_arena(), faults[i].error, (enum sigv4_dialect)d, &req, &claim,
                              &here, NOW_MS)
                      .message.n > 0);
    }
}

TEST(protocols_word_the_same_fault_differently)
{
    static const struct {
        enum sigv4_error error;
        enum sigv4_dialect dialect;
        const char *code;
        unsigned status;
        const char *message;
    } rows[] = {
        {SIGV4_MISSING_AUTH, SIGV4_EC2, "MissingParameter", 400,
         "The request must contain the parameter AWSAccessKeyId"},
        {SIGV4_MISMATCH, SIGV4_EC2, "AuthFailure", 401,
         "AWS was not able to validate the provided access credentials"},
        {SIGV4_TOO_LATE, SIGV4_EC2, "RequestExpired", 400, "Request has expired."},
        {SIGV4_EXPIRED_TOKEN, SIGV4_EC2, "RequestExpired", 400, "Request has expired."},
        {SIGV4_UNKNOWN_KEY, SIGV4_QUERY, "InvalidClientTokenId", 403,
         "The security token included in the request is invalid."},
        {SIGV4_UNKNOWN_KEY, SIGV4_JSON, "UnrecognizedClientException", 400,
         "The security token included in the request is invalid."},
        {SIGV4_UNKNOWN_KEY, SIGV4_REST_JSON, "UnrecognizedClientException", 403,
         "The security token included in the request is invalid."},
        {SIGV4_UNKNOWN_KEY, SIGV4_REST_XML_S3, "InvalidAccessKeyId", 403,
         "The AWS Access Key Id you provided does not exist in our records."},
        {SIGV4_EXPIRED_TOKEN, SIGV4_QUERY, "ExpiredToken", 403,
         "The security token included in the request is expired"},
        {SIGV4_EXPIRED_TOKEN, SIGV4_REST_XML_S3, "ExpiredToken", 400,
         "The provided token has expired."},
        {SIGV4_URL_EXPIRED, SIGV4_REST_XML_S3, "AccessDenied", 403, "Request has expired"},
    };
    struct sigv4_request req = {S("GET"), S("/"), STR_NONE, NULL, 0, S("")};
    struct sigv4_claim claim = {0};

    memcpy(claim.stamp, "20150830T123600Z", 16);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sigv4_fault f = sigv4_fault(test_arena(), rows[i].error, rows[i].dialect, &req,
                                           &claim, &here, NOW_MS);
        CHECK_STR(str_from(f.code), rows[i].code);
        CHECK_INT(f.status, rows[i].status);
        CHECK_STR(f.message, rows[i].message);
    }
}
