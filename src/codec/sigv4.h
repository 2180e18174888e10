/*
 * AWS Signature Version 4: verification for the API front, signing for tests and the CLI.  Pure:
 * time, keys and expectations are arguments.
 *
 * Verification is in AWS's own order, so that a request with two faults is told the same one:
 *
 *   sigv4_parse()   what is claimed: who, when, for which scope; malformed claims end here
 *   sigv4_admit()   clock skew, expiry, signed headers, scope; needs no secret
 *   (the caller looks the access key and session token up: SIGV4_UNKNOWN_KEY and the like)
 *   sigv4_verify()  payload hash and signature
 *
 * Each answers 0 or an enum sigv4_error.  sigv4_fault() words an error as AWS does in the
 * protocol at hand.  A claim is only what the client said until sigv4_verify() answered 0.
 *
 * A verification costs about 0.7 µs and no malloc(3): one pass builds and hashes the canonical
 * request, and signing keys come from a cache.
 */
#pragma once

#include "codec/crypto.h"
#include "codec/http.h"

#define SIGV4_SKEW_MS (15 * 60 * 1000)
#define SIGV4_EXPIRES_MAX_S 604800 /* a presigned URL lives a week at most */
#define SIGV4_PARAMS_MAX 1024      /* of a query string */
#define SIGV4_SECRET_MAX_BYTES 128
#define SIGV4_SIGNED_MAX 128       /* names in SignedHeaders */

/* The parts of a request that are signed.  method, path and query are as sent. */
struct sigv4_request {
    struct str method;
    struct str path;
    struct str query; /* without '?' */
    const struct http_header *headers;
    size_t n_headers;
    struct str body;
    bool body_apart; /* it is not in `body`: who has it compares its digest with what is said */
};

/* From a parsed request. */
static inline struct sigv4_request
sigv4_request_of(const struct http_head *head, struct str body)
{
    return (struct sigv4_request){head->method_name, head->path, head->query, head->headers,
                                  head->n_headers, body, false};
}

enum sigv4_kind {
    SIGV4_HEADER,    /* Authorization: AWS4-HMAC-SHA256 … */
    SIGV4_PRESIGNED, /* ?X-Amz-Algorithm=… */
};

/* Slices point into the request, or into the arena where percent coding had to be undone. */
struct sigv4_claim {
    enum sigv4_kind kind;
    struct str access_key;
    struct str scope;                         /* date/region/service/terminator */
    struct str date, region, service, terminator;
    struct str signed_headers;                /* "host;x-amz-date" */
    struct str signature;
    struct str token;                         /* of the session; p NULL when there is none */
    struct str content_sha256;                /* X-Amz-Content-Sha256; p NULL when absent */
    int64_t date_ms;
    int64_t expires_s;                        /* presigned only */
    char stamp[16];                           /* date_ms as 20150830T123600Z */
};

enum sigv4_error {
    SIGV4_OK,
    SIGV4_MISSING_AUTH,       /* neither form is there */
    SIGV4_TWO_FORMS,          /* both are */
    SIGV4_INCOMPLETE,         /* a parameter is absent; the message names all that are */
    SIGV4_BAD_PAIR,           /* a piece of Authorization without '=' */
    SIGV4_BAD_DATE,           /* not ISO 8601 basic */
    SIGV4_BAD_ALGORITHM,
    SIGV4_BAD_CREDENTIAL,     /* not five elements */
    SIGV4_BAD_EXPIRES,        /* X-Amz-Expires is no number from 1 to a week */
    SIGV4_TOO_LATE,           /* signed more than 15 minutes ago */
    SIGV4_TOO_EARLY,          /* or in the future */
    SIGV4_URL_EXPIRED,        /* presigned */
    SIGV4_HOST_NOT_SIGNED,
    SIGV4_HEADERS_NOT_SIGNED, /* an x-amz-* header is there that the signature does not cover */
    SIGV4_WRONG_SCOPE,        /* date, region, service or terminator */
    SIGV4_NO_CONTENT_SHA256,  /* S3 wants the header */
    SIGV4_BAD_CONTENT_SHA256, /* it is neither a digest nor a known word */
    SIGV4_WRONG_CONTENT_SHA256, /* it is not the body's digest */
    SIGV4_MISMATCH,
    /* Found by the caller, worded here. */
    SIGV4_UNKNOWN_KEY,
    SIGV4_INACTIVE_KEY,
    SIGV4_BAD_TOKEN,
    SIGV4_EXPIRED_TOKEN,
    SIGV4_N_ERRORS,
};

enum sigv4_flags {
    SIGV4_RAW_PATH = 1 << 0,       /* the path is not normalised */
    SIGV4_CODED_ONCE = 1 << 1,     /* the path is not percent-coded a second time */
    SIGV4_UNSIGNED_BODY = 1 << 2,  /* UNSIGNED-PAYLOAD is accepted */
    SIGV4_TOKEN_UNSIGNED = 1 << 3, /* the token was added after signing (IoT) */
    SIGV4_WANT_SHA256 = 1 << 4,    /* the header X-Amz-Content-Sha256 is required, or is sent */
    SIGV4_S3 = SIGV4_RAW_PATH | SIGV4_CODED_ONCE | SIGV4_UNSIGNED_BODY | SIGV4_WANT_SHA256,
};

/* SIGV4_S3 for "s3" and its kin, 0 for all others. */
unsigned sigv4_flags(struct str service);

/* What this endpoint wants; p NULL accepts any. */
struct sigv4_expect {
    struct str region, service;
    unsigned flags;
};

int sigv4_parse(struct arena *a, const struct sigv4_request *req, struct sigv4_claim *ret);
int sigv4_admit(const struct sigv4_request *req, const struct sigv4_claim *claim,
                const struct sigv4_expect *expect, int64_t now_ms);

struct sigv4_key;
int sigv4_verify(const struct sigv4_request *req, const struct sigv4_claim *claim,
                 unsigned flags, const struct sigv4_key *key);

/* Signing keys derived from secrets, the most recently used max_keys of them. */
struct sigv4_keys;
struct sigv4_keys *sigv4_keys_new(size_t max_keys);
struct sigv4_keys *sigv4_keys_free(struct sigv4_keys *keys);
/*
 * The key for a claim's scope.  Good until the next call.  A secret that changed is noticed.
 * NULL when access key or secret are longer than any that was ever issued.
 */
const struct sigv4_key *sigv4_keys_get(struct sigv4_keys *keys, const struct sigv4_claim *claim,
                                       struct str secret);

/* A key for the claim's scope that lasts until it is freed. */
struct sigv4_key *sigv4_key_new(const struct sigv4_claim *claim, struct str secret);
struct sigv4_key *sigv4_key_free(struct sigv4_key *key);

/* Hexadecimal HMAC of a text, for the signatures of the chunks of a streamed payload. */
void sigv4_mac(const struct sigv4_key *key, struct str text, char ret[2 * SHA256_LEN]);

/* How a fault is worded depends on the protocol: codes, statuses and sentences differ. */
enum sigv4_dialect {
    SIGV4_QUERY,     /* iam, sts, autoscaling …; also rest-xml other than S3 */
    SIGV4_EC2,
    SIGV4_JSON,      /* json 1.0 and 1.1, rpc-v2-cbor */
    SIGV4_REST_JSON,
    SIGV4_REST_XML_S3,
    SIGV4_N_DIALECTS,
};

struct sigv4_fault {
    const char *code;
    unsigned status;
    struct str message;
};

/* claim: as far as sigv4_parse() filled it. */
struct sigv4_fault sigv4_fault(struct arena *a, enum sigv4_error error, enum sigv4_dialect dialect,
                               const struct sigv4_request *req, const struct sigv4_claim *claim,
                               const struct sigv4_expect *expect, int64_t now_ms);

/* For messages and goldens: the texts that are hashed and signed. */
struct str sigv4_canonical_request(struct arena *a, const struct sigv4_request *req,
                                   const struct sigv4_claim *claim, unsigned flags);
struct str sigv4_string_to_sign(struct arena *a, const struct sigv4_request *req,
                                const struct sigv4_claim *claim, unsigned flags);

struct sigv4_signer {
    struct str access_key, secret;
    struct str token; /* p NULL: none */
    struct str region, service;
    int64_t now_ms;
    int64_t expires_s; /* presigning only */
    unsigned flags;
};

/*
 * Signs with headers.  All of req's headers are signed but those that proxies change
 * (Connection, Expect, TE, Transfer-Encoding, User-Agent, X-Amzn-Trace-Id).  *ret_headers gets
 * what must be added to the request, at most SIGV4_ADDED_MAX; answers how many.
 */
#define SIGV4_ADDED_MAX 4
size_t sigv4_sign(struct arena *a, const struct sigv4_signer *signer,
                  const struct sigv4_request *req,
                  struct http_header ret_headers[SIGV4_ADDED_MAX]);
/* Presigns: answers the whole query string. */
struct str sigv4_presign(struct arena *a, const struct sigv4_signer *signer,
                         const struct sigv4_request *req);
