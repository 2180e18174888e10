/*
 * What a request to AWS carries to say who asks: Signature Version 4 with the keys of a role or
 * a user, or CFN_V1 with the instance's own identity document.
 */
#ifndef CFN_SIGN_H
#define CFN_SIGN_H

#include "../text.h"

struct credentials {
    struct str access_key, secret_key, token; /* no access key: the instance's identity */
};

struct header {
    struct str name, value;
};

struct signing {
    struct str method, path, query; /* as they go over the wire, path encoded */
    struct header headers[8];       /* to be signed, Host and X-Amz-Date among them */
    size_t n_headers;
    struct str body;
    struct str region, service;
    struct str stamp; /* the value of X-Amz-Date: 20150830T123600Z */
    struct credentials who;
};

void sha256(struct str in, uint8_t out[32]);
void hmac_sha256(struct str key, struct str in, uint8_t out[32]);
struct str hex_text(struct arena *a, const uint8_t *p, size_t n);
struct str base64_encode(struct arena *a, struct str in);
/* Everything but letters, digits, and "-_.~" as %XX. */
struct str percent_encode(struct arena *a, struct str in);
/* The canonical request, for tests; sorts the headers and the query. */
struct str sign_v4_canonical(struct arena *a, struct signing *s);
/* The value of Authorization. */
struct str sign_v4(struct arena *a, struct signing *s);
/* "CFN_V1 base64(document):signature"; the signature's line ends go. */
struct str sign_cfn_v1(struct arena *a, struct str document, struct str signature);
/* 20150830T123600Z */
struct str sign_stamp(struct arena *a, int64_t unix_ms);

#endif
