/* libcrypto's keys from a key's bytes; for the files that compute with them. */
#pragma once

#include "base/str.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

/* PKCS#8 without anything behind it, or NULL. */
EVP_PKEY *kms_pkey_private(struct str secret);
/* SubjectPublicKeyInfo without anything behind it, or NULL. */
EVP_PKEY *kms_pkey_public(struct str der);

static inline void
kms_pkey_free(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static inline void
kms_pkey_ctx_free(EVP_PKEY_CTX **ctx)
{
    EVP_PKEY_CTX_free(*ctx);
}
