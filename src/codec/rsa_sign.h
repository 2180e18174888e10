/*
 * A key that signs what others verify by its certificate: RSA of 2048 bits, PKCS #1 v1.5.
 *
 * Links with: libcrypto.
 */
#pragma once

#include "base/str.h"

#include <openssl/types.h>

/* A key as text, and a certificate of its own for that name, good for ten years; both are PEM. */
int rsa_sign_make(struct arena *a, EVP_PKEY *key, const char *name, struct str *ret_key,
                  struct str *ret_cert);
/* base64, under SHA-256 or SHA-1.  0 or -errno. */
int rsa_sign(struct arena *a, struct str key, bool sha256, struct str text, struct str *ret);
