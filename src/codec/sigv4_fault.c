/*
 * What AWS says when a signature is not accepted.
 *
 * The protocols of AWS share one signature checker and so its sentences; they differ in the code
 * and the status.  EC2 has codes of its own and says little; S3 has its own checker altogether.
 * Sources: the IAM user guide ("Troubleshoot signed requests"), the EC2 and S3 API references
 * (error codes), and recorded answers of the services.
 */
#include "base/timefmt.h"
#include "codec/sigv4_text.h"
#include "codec/uri.h"

enum cause { MISSING, INCOMPLETE, SIGNATURE, TIME, KEY, EXPIRED, N_CAUSES };

static const enum cause causes[SIGV4_N_ERRORS] = {
    [SIGV4_MISSING_AUTH] = MISSING,
    [SIGV4_TWO_FORMS] = SIGNATURE,
    [SIGV4_INCOMPLETE] = INCOMPLETE,
    [SIGV4_BAD_PAIR] = INCOMPLETE,
    [SIGV4_BAD_DATE] = INCOMPLETE,
    [SIGV4_BAD_ALGORITHM] = INCOMPLETE,
    [SIGV4_BAD_CREDENTIAL] = INCOMPLETE,
    [SIGV4_BAD_EXPIRES] = INCOMPLETE,
    [SIGV4_TOO_LATE] = TIME,
    [SIGV4_TOO_EARLY] = TIME,
    [SIGV4_URL_EXPIRED] = TIME,
    [SIGV4_HOST_NOT_SIGNED] = SIGNATURE,
    [SIGV4_HEADERS_NOT_SIGNED] = SIGNATURE,
    [SIGV4_WRONG_SCOPE] = SIGNATURE,
    [SIGV4_NO_CONTENT_SHA256] = SIGNATURE,
    [SIGV4_BAD_CONTENT_SHA256] = SIGNATURE,
    [SIGV4_WRONG_CONTENT_SHA256] = SIGNATURE,
    [SIGV4_MISMATCH] = SIGNATURE,
    [SIGV4_UNKNOWN_KEY] = KEY,
    [SIGV4_INACTIVE_KEY] = KEY,
    [SIGV4_BAD_TOKEN] = KEY,
    [SIGV4_EXPIRED_TOKEN] = EXPIRED,
};

static const struct {
    const char *code;
    unsigned status;
} codes[N_CAUSES][SIGV4_REST_XML_S3] = {
    [MISSING] = {{"MissingAuthenticationToken", 403},
                 {"MissingParameter", 400},
                 {"MissingAuthenticationTokenException", 400},
                 {"MissingAuthenticationTokenException", 403}},
    [INCOMPLETE] = {{"IncompleteSignature", 400},
                    {"AuthFailure", 401},
                    {"IncompleteSignatureException", 400},
                    {"IncompleteSignatureException", 403}},
    [SIGNATURE] = {{"SignatureDoesNotMatch", 403},
                   {"AuthFailure", 401},
                   {"InvalidSignatureException", 400},
                   {"InvalidSignatureException", 403}},
    [TIME] = {{"SignatureDoesNotMatch", 403},
              {"RequestExpired", 400},
              {"InvalidSignatureException", 400},
              {"InvalidSignatureException", 403}},
    [KEY] = {{"InvalidClientTokenId", 403},
             {"AuthFailure", 401},
             {"UnrecognizedClientException", 400},
             {"UnrecognizedClientException", 403}},
    [EXPIRED] = {{"ExpiredToken", 403},
                 {"RequestExpired", 400},
                 {"ExpiredTokenException", 400},
                 {"ExpiredTokenException", 403}},
};

/* All that is known when a fault is worded. */
struct words {
    struct arena *arena;
    enum sigv4_error error;
    const struct sigv4_request *req;
    const struct sigv4_claim *claim;
    const struct sigv4_expect *expect;
    int64_t now_ms;
};

static struct str
header(const struct sigv4_request *req, struct str name)
{
    for (size_t i = 0; i < req->n_headers; i++)
        if (str_eq_nocase(req->headers[i].name, name))
            return req->headers[i].value;
    return STR_NONE;
}

static struct str
date_text(const struct words *w)
{
    if (w->claim->kind == SIGV4_PRESIGNED)
        return uri_query_get(w->arena, w->req->query, S("X-Amz-Date"));
    struct str date = header(w->req, S("x-amz-date"));
    return date.p ? date : header(w->req, S("date"));
}

static struct str
credential_text(const struct words *w)
{
    if (w->claim->kind == SIGV4_PRESIGNED)
        return uri_query_get(w->arena, w->req->query, S("X-Amz-Credential"));
    struct str all = header(w->req, S("authorization"));
    size_t i = str_find(all, S("Credential="));
    if (i == SIZE_MAX)
        return STR_NONE;
    struct str rest = str_cut(all, i + 11, all.n);
    rest = str_split(&rest, ',');
    return str_split(&rest, ' ');
}

/* Names all that is absent, since there may be more than one. */
static struct str
say_incomplete(const struct words *w)
{
    const struct sigv4_request *req = w->req;
    struct arena *a = w->arena;
    struct str out = STR_NONE;

    if (w->claim->kind == SIGV4_PRESIGNED) {
        static const char *const wanted[] = {"X-Amz-Algorithm", "X-Amz-Credential",
                                             "X-Amz-Signature", "X-Amz-SignedHeaders",
                                             "X-Amz-Date"};
        for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
            if (!uri_query_get(a, req->query, str_from(wanted[i])).n)
                out = str_cat(a, out,
                              str_fmt(a, "AWS query-string parameters must include '%s'. ",
                                      wanted[i]));
        return str_cat(a, out, S("Re-examine the query-string parameters."));
    }

    static const char *const wanted[] = {"Credential", "Signature", "SignedHeaders"};
    const struct str have[] = {credential_text(w), w->claim->signature,
                               w->claim->signed_headers};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        if (!have[i].n)
            out = str_cat(a, out, str_fmt(a, "Authorization header requires '%s' parameter. ",
                                          wanted[i]));
    if (!date_text(w).p)
        out = str_cat(a, out, S("Authorization header requires existence of either a 'X-Amz-Date' "
                                "or a 'Date' header. "));
    /* AWS echoes the header; its signature tells nobody anything. */
    return str_cat(a, out, str_fmt(a, "Authorization=%.*s",
                                   STR_ARG(header(req, S("authorization")))));
}

static struct str
say_bad_pair(const struct words *w)
{
    struct str all = header(w->req, S("authorization")), rest = all, piece = STR_NONE;

    str_split(&rest, ' ');
    while (rest.p) {
        piece = str_split(&rest, ',');
        piece = str_trim(piece);
        if (piece.n && str_find_char(piece, '=') == SIZE_MAX)
            break;
    }
    return str_fmt(w->arena,
                   "'%.*s' not a valid key=value pair (missing equal-sign) in Authorization "
                   "header: '%.*s'.",
                   STR_ARG(piece), STR_ARG(all));
}

static struct str
say_time(const struct words *w)
{
    const struct sigv4_claim *c = w->claim;
    int64_t skew_ms = w->error == SIGV4_URL_EXPIRED ? c->expires_s * 1000 : SIGV4_SKEW_MS;
    char now[16], edge[16];

    sigv4_stamp(now, w->now_ms);
    if (w->error == SIGV4_TOO_EARLY) {
        sigv4_stamp(edge, w->now_ms + SIGV4_SKEW_MS);
        return str_fmt(w->arena,
                       "Signature not yet current: %.16s is still later than %.16s (%.16s + %d "
                       "min.)",
                       c->stamp, edge, now, SIGV4_SKEW_MS / 60000);
    }
    sigv4_stamp(edge, w->now_ms - skew_ms);
    return str_fmt(w->arena,
                   "Signature expired: %.16s is now earlier than %.16s (%.16s - %lld min.)",
                   c->stamp, edge, now, (long long)skew_ms / 60000);
}

static struct str
unsigned_header(const struct words *w)
{
    assert(w->req->headers || w->req->n_headers == 0);
    for (size_t i = 0; i < w->req->n_headers; i++) {
        struct str name = w->req->headers[i].name;
        if (sigv4_must_be_signed(name) && !sigv4_is_signed(w->claim->signed_headers, name))
            return name;
    }
    return STR_NONE;
}

/* All that is wrong, one sentence each. */
static struct str
say_scope(const struct words *w)
{
    const struct sigv4_claim *c = w->claim;
    const struct sigv4_expect *e = w->expect;
    struct arena *a = w->arena;
    struct str out = STR_NONE;

    if (e->region.p && !str_eq(e->region, c->region))
        out = str_cat(a, out,
                      str_fmt(a, "Credential should be scoped to a valid region, not '%.*s'. ",
                              STR_ARG(c->region)));
    if (e->service.p && !str_eq(e->service, c->service))
        out = str_cat(a, out,
                      str_fmt(a, "Credential should be scoped to correct service: '%.*s'. ",
                              STR_ARG(e->service)));
    if (!str_is(c->terminator, SIGV4_TERMINATOR))
        out = str_cat(a, out,
                      str_fmt(a, "Credential should be scoped with a valid terminator: "
                                 "'" SIGV4_TERMINATOR "', not '%.*s'. ",
                              STR_ARG(c->terminator)));
    if (!str_eq(c->date, str_of(c->stamp, 8)))
        out = str_cat(a, out,
                      str_fmt(a, "Date in Credential scope does not match YYYYMMDD from ISO-8601 "
                                 "version of date from HTTP: '%.*s' != '%.8s', from '%.16s'. ",
                              STR_ARG(c->date), c->stamp, c->stamp));
    return out;
}

static struct str
say(const struct words *w)
{
    struct arena *a = w->arena;

    switch (w->error) {
    case SIGV4_MISSING_AUTH:
        return S("Request is missing Authentication Token");
    case SIGV4_TWO_FORMS:
        return S("Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as "
                 "HTTP header.");
    case SIGV4_INCOMPLETE:
        return say_incomplete(w);
    case SIGV4_BAD_PAIR:
        return say_bad_pair(w);
    case SIGV4_BAD_DATE:
        return str_fmt(a, "Date must be in ISO-8601 'basic format'. Got '%.*s'. See "
                          "http://en.wikipedia.org/wiki/ISO_8601",
                       STR_ARG(date_text(w)));
    case SIGV4_BAD_ALGORITHM: {
        struct str all = header(w->req, S("authorization"));
        struct str got = w->claim->kind == SIGV4_PRESIGNED
                             ? uri_query_get(a, w->req->query, S("X-Amz-Algorithm"))
                             : str_split(&all, ' ');
        return str_fmt(a, "Unsupported AWS 'algorithm': '%.*s' (only " SIGV4_ALGORITHM
                          " for now). ",
                       STR_ARG(got));
    }
    case SIGV4_BAD_CREDENTIAL:
        return str_fmt(a, "Credential must have exactly 5 slash-delimited elements, e.g. "
                          "keyid/date/region/service/term, got '%.*s'",
                       STR_ARG(credential_text(w)));
    case SIGV4_BAD_EXPIRES:
        return S("X-Amz-Expires must be a number of seconds from 0 to 604800");
    case SIGV4_TOO_LATE:
    case SIGV4_TOO_EARLY:
    case SIGV4_URL_EXPIRED:
        return say_time(w);
    case SIGV4_HOST_NOT_SIGNED:
        return S("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
    case SIGV4_HEADERS_NOT_SIGNED:
        return str_fmt(a, "'%.*s' must be a 'SignedHeader' in the AWS Authorization.",
                       STR_ARG(unsigned_header(w)));
    case SIGV4_WRONG_SCOPE:
        return say_scope(w);
    case SIGV4_UNKNOWN_KEY:
    case SIGV4_INACTIVE_KEY:
        return S("The security token included in the request is invalid.");
    case SIGV4_BAD_TOKEN:
        return S("The security token included in the request is invalid");
    case SIGV4_EXPIRED_TOKEN:
        return S("The security token included in the request is expired");
    case SIGV4_OK:
    case SIGV4_NO_CONTENT_SHA256:
    case SIGV4_BAD_CONTENT_SHA256:
    case SIGV4_WRONG_CONTENT_SHA256:
    case SIGV4_MISMATCH:
    case SIGV4_N_ERRORS:
        break;
    }
    return S("The request signature we calculated does not match the signature you provided. "
             "Check your AWS Secret Access Key and signing method. Consult the service "
             "documentation for details.");
}

static struct str
say_ec2(const struct words *w)
{
    switch (causes[w->error]) {
    case MISSING:
        return S("The request must contain the parameter AWSAccessKeyId");
    case INCOMPLETE:
        return S("Authorization header or parameters are not formatted correctly.");
    case TIME:
    case EXPIRED:
        return S("Request has expired.");
    case SIGNATURE:
    case KEY:
    case N_CAUSES:
        break;
    }
    return S("AWS was not able to validate the provided access credentials");
}

/* A fault of the credential, in the words that S3 has for where it stands. */
static struct sigv4_fault
s3_malformed(const struct words *w, struct str what)
{
    bool header_form = w->claim->kind == SIGV4_HEADER;
    struct str text = str_cat(w->arena,
                              header_form ? S("The authorization header is malformed; ")
                                          : S("Error parsing the X-Amz-Credential parameter; "),
                              what);

    return (struct sigv4_fault){header_form ? "AuthorizationHeaderMalformed"
                                            : "AuthorizationQueryParametersError",
                                400, text};
}

static struct sigv4_fault
s3_scope(const struct words *w)
{
    const struct sigv4_claim *c = w->claim;
    const struct sigv4_expect *e = w->expect;
    struct arena *a = w->arena;

    if (!str_eq(c->date, str_of(c->stamp, 8)))
        return s3_malformed(w, str_fmt(a, "Invalid credential date \"%.*s\". This date is not the "
                                          "same as X-Amz-Date: \"%.8s\".",
                                       STR_ARG(c->date), c->stamp));
    if (e->region.p && !str_eq(e->region, c->region))
        return s3_malformed(w, str_fmt(a, "the region '%.*s' is wrong; expecting '%.*s'",
                                       STR_ARG(c->region), STR_ARG(e->region)));
    if (e->service.p && !str_eq(e->service, c->service))
        return s3_malformed(w, str_fmt(a, "incorrect service \"%.*s\". This endpoint belongs to "
                                          "\"%.*s\".",
                                       STR_ARG(c->service), STR_ARG(e->service)));
    return s3_malformed(w, str_fmt(a, "incorrect terminal \"%.*s\". This endpoint uses "
                                      "\"" SIGV4_TERMINATOR "\".",
                                   STR_ARG(c->terminator)));
}

static struct sigv4_fault
s3_incomplete(const struct words *w)
{
    if (w->claim->kind == SIGV4_PRESIGNED)
        return (struct sigv4_fault){
            "AuthorizationQueryParametersError", 400,
            S("Query-string authentication version 4 requires the X-Amz-Algorithm, "
              "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and "
              "X-Amz-Expires parameters.")};
    if (!date_text(w).p)
        return (struct sigv4_fault){
            "AccessDenied", 403,
            S("AWS authentication requires a valid Date or x-amz-date header")};
    return s3_malformed(w, S("the authorization header requires three components: Credential, "
                             "SignedHeaders, and Signature."));
}

static struct sigv4_fault
s3_expires(const struct words *w)
{
    struct str text = uri_query_get(w->arena, w->req->query, S("X-Amz-Expires"));
    struct str why = S("X-Amz-Expires should be a number");
    int64_t s;

    if (str_to_i64(text, &s))
        why = s < 0 ? S("X-Amz-Expires must be non-negative")
                    : S("X-Amz-Expires must be less than a week (in seconds); that is, the given "
                        "X-Amz-Expires must be less than 604800 seconds");
    return (struct sigv4_fault){"AuthorizationQueryParametersError", 400, why};
}

/* Those that need no more than a line. */
static const struct {
    const char *code;
    unsigned status;
    struct str message;
} s3_plain[SIGV4_N_ERRORS] = {
    [SIGV4_MISSING_AUTH] = {"AccessDenied", 403, S_INIT("Access Denied")},
    [SIGV4_TWO_FORMS] = {"InvalidArgument", 400,
                         S_INIT("Only one auth mechanism allowed; only the X-Amz-Algorithm query "
                                "parameter, Signature query string parameter or the "
                                "Authorization header should be specified")},
    [SIGV4_BAD_DATE] = {"AccessDenied", 403,
                        S_INIT("AWS authentication requires a valid Date or x-amz-date header")},
    [SIGV4_BAD_ALGORITHM] = {"InvalidRequest", 400,
                             S_INIT("The authorization mechanism you have provided is not "
                                    "supported. Please use AWS4-HMAC-SHA256.")},
    [SIGV4_TOO_LATE] = {"RequestTimeTooSkewed", 403,
                        S_INIT("The difference between the request time and the current time is "
                               "too large.")},
    [SIGV4_TOO_EARLY] = {"RequestTimeTooSkewed", 403,
                         S_INIT("The difference between the request time and the current time "
                                "is too large.")},
    [SIGV4_URL_EXPIRED] = {"AccessDenied", 403, S_INIT("Request has expired")},
    [SIGV4_HOST_NOT_SIGNED] = {"AccessDenied", 403,
                               S_INIT("There were headers present in the request which were not "
                                      "signed")},
    [SIGV4_HEADERS_NOT_SIGNED] = {"AccessDenied", 403,
                                  S_INIT("There were headers present in the request which were "
                                         "not signed")},
    [SIGV4_NO_CONTENT_SHA256] = {"InvalidRequest", 400,
                                 S_INIT("Missing required header for this request: "
                                        "x-amz-content-sha256")},
    [SIGV4_BAD_CONTENT_SHA256] =
        {"InvalidArgument", 400,
         S_INIT("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, "
                "STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, "
                "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, "
                "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.")},
    [SIGV4_WRONG_CONTENT_SHA256] = {"XAmzContentSHA256Mismatch", 400,
                                    S_INIT("The provided 'x-amz-content-sha256' header does not "
                                           "match what was computed.")},
    [SIGV4_MISMATCH] = {"SignatureDoesNotMatch", 403,
                        S_INIT("The request signature we calculated does not match the signature "
                               "you provided. Check your key and signing method.")},
    [SIGV4_UNKNOWN_KEY] = {"InvalidAccessKeyId", 403,
                           S_INIT("The AWS Access Key Id you provided does not exist in our "
                                  "records.")},
    [SIGV4_INACTIVE_KEY] = {"InvalidAccessKeyId", 403,
                            S_INIT("The AWS Access Key Id you provided does not exist in our "
                                   "records.")},
    [SIGV4_BAD_TOKEN] = {"InvalidToken", 400,
                         S_INIT("The provided token is malformed or otherwise invalid.")},
    [SIGV4_EXPIRED_TOKEN] = {"ExpiredToken", 400, S_INIT("The provided token has expired.")},
};

static struct sigv4_fault
s3_fault(const struct words *w)
{
    switch (w->error) {
    case SIGV4_INCOMPLETE:
    case SIGV4_BAD_PAIR:
        return s3_incomplete(w);
    case SIGV4_BAD_CREDENTIAL:
        return s3_malformed(w, S("the Credential is mal-formed; expecting "
                                 "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."));
    case SIGV4_BAD_EXPIRES:
        return s3_expires(w);
    case SIGV4_WRONG_SCOPE:
        return s3_scope(w);
    default:
        assert(s3_plain[w->error].code);
        return (struct sigv4_fault){s3_plain[w->error].code, s3_plain[w->error].status,
                                    s3_plain[w->error].message};
    }
}

struct sigv4_fault
sigv4_fault(struct arena *a, enum sigv4_error error, enum sigv4_dialect dialect,
            const struct sigv4_request *req, const struct sigv4_claim *claim,
            const struct sigv4_expect *expect, int64_t now_ms)
{
    const struct words w = {a, error, req, claim, expect, now_ms};

    assert(error > SIGV4_OK && error < SIGV4_N_ERRORS && dialect < SIGV4_N_DIALECTS);
    if (dialect == SIGV4_REST_XML_S3)
        return s3_fault(&w);
    return (struct sigv4_fault){codes[causes[error]][dialect].code,
                                codes[causes[error]][dialect].status,
                                dialect == SIGV4_EC2 ? say_ec2(&w) : say(&w)};
}
