/*
 * The algorithm is the one of the key: an RSA key never checks ES256 nor an EC key RS256, and
 * "none" and HMAC are not known at all, so a token cannot choose how little it is checked.
 */
#include "codec/jwt.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>

enum {
    NODES_MAX = 1000,
    RSA_BITS_MIN = 2048,
    RSA_BITS_MAX = 8192,
    P256_BYTES = 32,
};

/* base64url without padding (RFC 4648, section 5). */
static bool
unbase64url(struct arena *a, struct str s, struct str *ret)
{
    char *p = arena_alloc_raw(a, s.n + 3);
    size_t n = s.n;

    assert(str_ok(s));
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '+' || s.p[i] == '/' || s.p[i] == '=' || (unsigned char)s.p[i] <= ' ')
            return false;
        p[i] = s.p[i] == '-' ? '+' : s.p[i] == '_' ? '/' : s.p[i];
    }
    while (n % 4)
        p[n++] = '=';
    return str_unbase64(a, str_of(p, n), ret);
}

static bool
parse_part(struct arena *a, struct str part, struct json *ret)
{
    struct str text;
    size_t at;

    assert(str_ok(part));
    return unbase64url(a, part, &text) && json_parse(a, text, NODES_MAX, ret, &at) &&
           ret->kind == JSON_OBJECT;
}

enum jwt_error
jwt_parse(struct arena *a, struct str token, struct jwt *ret)
{
    struct str rest = token, header = str_split(&rest, '.'), claims = str_split(&rest, '.');
    struct jwt jwt = {0};

    assert(str_ok(token));
    if (token.n > JWT_MAX_BYTES || !rest.p || str_find_char(rest, '.') != SIZE_MAX ||
        !parse_part(a, header, &jwt.header) || !parse_part(a, claims, &jwt.claims) ||
        !unbase64url(a, rest, &jwt.signature))
        return JWT_MALFORMED;
    jwt.signed_text = str_cut(token, 0, header.n + 1 + claims.n);
    jwt.algorithm = json_text(&jwt.header, "alg");
    jwt.kid = json_text(&jwt.header, "kid");
    if (!str_is(jwt.algorithm, "RS256") && !str_is(jwt.algorithm, "ES256"))
        return JWT_ALGORITHM;
    *ret = jwt;
    return JWT_OK;
}

/* ---- keys ---- */

static EVP_PKEY *
make_key(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *key = NULL;

    if (!ctx || EVP_PKEY_fromdata_init(ctx) <= 0 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) <= 0)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static EVP_PKEY *
rsa_key(struct arena *a, const struct json *jwk)
{
    struct str n, e;

    if (!unbase64url(a, json_text(jwk, "n"), &n) || !unbase64url(a, json_text(jwk, "e"), &e) ||
        n.n * 8 < RSA_BITS_MIN || n.n * 8 > RSA_BITS_MAX || !e.n || e.n > 8)
        return NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *bn = BN_bin2bn((const uint8_t *)n.p, (int)n.n, NULL);
    BIGNUM *be = BN_bin2bn((const uint8_t *)e.p, (int)e.n, NULL);
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    if (build && bn && be && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, bn) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, be))
        params = OSSL_PARAM_BLD_to_param(build);
    if (params)
        key = make_key("RSA", params);
    OSSL_PARAM_free(params);
    BN_free(bn);
    BN_free(be);
    OSSL_PARAM_BLD_free(build);
    return key;
}

static EVP_PKEY *
ec_key(struct arena *a, const struct json *jwk)
{
    char curve[] = "P-256";
    uint8_t point[1 + 2 * P256_BYTES] = {4}; /* uncompressed */
    struct str x, y;

    if (!str_is(json_text(jwk, "crv"), curve) || !unbase64url(a, json_text(jwk, "x"), &x) ||
        !unbase64url(a, json_text(jwk, "y"), &y) || x.n != P256_BYTES || y.n != P256_BYTES)
        return NULL;
    memcpy(point + 1, x.p, P256_BYTES);
    memcpy(point + 1 + P256_BYTES, y.p, P256_BYTES);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
        OSSL_PARAM_construct_end(),
    };

    return make_key("EC", params);
}

/* A key of the set that may check the token; NULL when it is not fit. */
static EVP_PKEY *
fit_key(struct arena *a, const struct jwt *jwt, const struct json *jwk)
{
    struct str kty = json_text(jwk, "kty"), use = json_text(jwk, "use");
    struct str alg = json_text(jwk, "alg");

    if ((jwt->kid.p && !str_eq(json_text(jwk, "kid"), jwt->kid)) ||
        (use.p && !str_is(use, "sig")) || (alg.p && !str_eq(alg, jwt->algorithm)))
        return NULL;
    if (str_is(jwt->algorithm, "RS256") && str_is(kty, "RSA"))
        return rsa_key(a, jwk);
    return str_is(jwt->algorithm, "ES256") && str_is(kty, "EC") ? ec_key(a, jwk) : NULL;
}

/* ---- signatures ---- */

/* r and s, 32 bytes each, as the DER that libcrypto wants; NULL when they are no such. */
static uint8_t *
ecdsa_der(struct str raw, int *ret_n)
{
    uint8_t *der = NULL;
    ECDSA_SIG *sig = raw.n == 2 * P256_BYTES ? ECDSA_SIG_new() : NULL;

    if (!sig)
        return NULL;
    BIGNUM *r = BN_bin2bn((const uint8_t *)raw.p, P256_BYTES, NULL);
    BIGNUM *s = BN_bin2bn((const uint8_t *)raw.p + P256_BYTES, P256_BYTES, NULL);

    if (r && s && ECDSA_SIG_set0(sig, r, s)) {
        *ret_n = i2d_ECDSA_SIG(sig, &der);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(sig);
    return der;
}

static bool
signed_by(const struct jwt *jwt, EVP_PKEY *key)
{
    const uint8_t *sig = (const uint8_t *)jwt->signature.p;
    int n = (int)jwt->signature.n;
    uint8_t *der = NULL;

    assert(key && jwt->signature.p);
    if (str_is(jwt->algorithm, "ES256")) {
        sig = der = ecdsa_der(jwt->signature, &n);
        if (!der)
            return false;
    }
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestVerifyInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
              EVP_DigestVerify(ctx, sig, (size_t)n, (const uint8_t *)jwt->signed_text.p,
                               jwt->signed_text.n) == 1;

    EVP_MD_CTX_free(ctx);
    OPENSSL_free(der);
    return ok;
}

/* The keys of a set; absent when it is no set. */
static struct json
keys_of(struct arena *a, struct str key_set)
{
    const struct json none = {.kind = JSON_ARRAY};
    const struct json *keys;
    struct json set;
    size_t at;

    assert(str_ok(key_set));
    if (key_set.n > JWT_KEYS_MAX_BYTES || !json_parse(a, key_set, NODES_MAX, &set, &at))
        return none;
    keys = json_get(&set, "keys");
    return keys && keys->kind == JSON_ARRAY ? *keys : none;
}

size_t
jwt_keys_count(struct arena *a, struct str key_set)
{
    static const char *const algorithms[] = {"RS256", "ES256"};
    const struct json keys = keys_of(a, key_set);
    size_t n = 0;

    for (size_t i = 0; i < keys.n; i++)
        for (size_t k = 0; k < ARRAY_LEN(algorithms); k++) {
            const struct jwt any = {.algorithm = str_from(algorithms[k])};
            EVP_PKEY *key = fit_key(a, &any, &keys.v[i]);

            n += key != NULL;
            EVP_PKEY_free(key);
        }
    assert(n <= keys.n); /* a key is of one algorithm */
    return n;
}

enum jwt_error
jwt_verify(struct arena *a, const struct jwt *jwt, struct str key_set)
{
    enum jwt_error error = JWT_NO_KEY;
    const struct json keys = keys_of(a, key_set);

    assert(jwt->signed_text.n > 0);
    for (size_t i = 0; i < keys.n; i++) {
        EVP_PKEY *key = fit_key(a, jwt, &keys.v[i]);

        if (!key)
            continue;
        error = signed_by(jwt, key) ? JWT_OK : JWT_SIGNATURE;
        EVP_PKEY_free(key);
        if (error == JWT_OK)
            break;
    }
    return error;
}
