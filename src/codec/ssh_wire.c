/* Lengths are four bytes, big-endian; what RSA is of its two numbers is libcrypto's. */
#include "codec/ssh_wire.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

enum { LENGTH_BYTES = 4 };

bool
ssh_wire_take(struct str *wire, struct str *ret)
{
    const uint8_t *p = (const uint8_t *)wire->p;

    if (wire->n < LENGTH_BYTES)
        return false;
    size_t n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];

    if (n > wire->n - LENGTH_BYTES)
        return false;
    *ret = str_cut(*wire, LENGTH_BYTES, LENGTH_BYTES + n);
    *wire = str_cut(*wire, LENGTH_BYTES + n, wire->n);
    assert(ret->n == n);
    return true;
}

EVP_PKEY *
ssh_wire_rsa(struct str e, struct str n)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *key = NULL;

    assert(e.n > 0 && e.n <= INT_MAX && n.n > 0 && n.n <= INT_MAX);
    BIGNUM *exponent = BN_bin2bn((const uint8_t *)e.p, (int)e.n, NULL);
    BIGNUM *modulus = BN_bin2bn((const uint8_t *)n.p, (int)n.n, NULL);

    if (ctx && build && exponent && modulus &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent))
        params = OSSL_PARAM_BLD_to_param(build);
    if (!params || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        key = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(modulus);
    BN_free(exponent);
    EVP_PKEY_CTX_free(ctx);
    return key;
}
