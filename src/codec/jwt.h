/*
 * JSON Web Tokens (RFC 7519) as identity providers sign them: RS256 and ES256 (RFC 7518), with a
 * key out of a JSON Web Key Set (RFC 7517).  Pure: the set is given, nothing is fetched, and times
 * are for the caller to compare.
 */
#pragma once

#include "base/str.h"
#include "codec/json.h"

enum { JWT_MAX_BYTES = 20000, JWT_KEYS_MAX_BYTES = 1 << 17 };

enum jwt_error {
    JWT_OK,
    JWT_MALFORMED,  /* not three parts of base64url, or no JSON object */
    JWT_ALGORITHM,  /* neither RS256 nor ES256 */
    JWT_NO_KEY,     /* the set has no fit key of that kid, or is no set */
    JWT_SIGNATURE,
};

struct jwt {
    struct json header, claims; /* objects; their text lives in the arena */
    struct str algorithm, kid;  /* kid absent: any key that fits may have signed */
    struct str signed_text, signature;
};

/* Takes a token apart; nothing of it is to be believed yet. */
enum jwt_error jwt_parse(struct arena *a, struct str token, struct jwt *ret);
/* Whether a key of the set signed it. */
enum jwt_error jwt_verify(struct arena *a, const struct jwt *jwt, struct str key_set);
/* How many keys of the set can check a token; 0: none, or it is no set. */
size_t jwt_keys_count(struct arena *a, struct str key_set);
