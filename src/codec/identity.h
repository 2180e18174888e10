/*
 * Signed identity documents: how an instance proves to others who it is.
 *
 * The metadata service gives the document with three signatures, and whoever has the cloud's
 * certificates (`welkin trust --identity`) verifies them without asking the cloud; CloudFormation
 * verifies them instead of a SigV4 signature (Authorization: CFN_V1 DOCUMENT:SIGNATURE).
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-iid.html
 *
 *   signature  PKCS #1 signature of SHA-256 by an RSA key of 1024 bits
 *   pkcs7      PKCS #7 that holds the document, SHA-1 by a DSA key of 1024 bits
 *   rsa2048    the same, SHA-256 by an RSA key of 2048 bits
 *
 * The old algorithms are AWS's: verifiers expect them.  What is new should use rsa2048.  Nothing
 * here reads a clock; randomness is libcrypto's own.
 */
#pragma once

#include "base/str.h"

enum identity_kind { IDENTITY_SIGNATURE, IDENTITY_PKCS7, IDENTITY_RSA2048, IDENTITY_KINDS };

/* Three keys and their certificates, ready to sign. */
struct identity;

/*
 * Makes keys and self-signed certificates, which are valid from that time on and do not end:
 * PEM, in the order of enum identity_kind.  They live in the arena.  Takes some 200 ms.  0 or
 * -errno.
 */
int identity_make(struct arena *a, int64_t now_ms, struct str *ret_keys,
                  struct str *ret_certificates);
/* 0, or -EBADMSG when the texts are not what identity_make() made. */
int identity_open(struct identity **ret, struct str keys, struct str certificates);
/* Takes NULL, answers NULL; wipes the keys. */
struct identity *identity_free(struct identity *id);

/*
 * Base64 in lines of 76, without a newline at its end; absent when libcrypto refused.  To sign
 * takes up to a millisecond, so what was signed is remembered, with its time: who asks again and
 * again for the same costs a digest.
 */
struct str identity_sign(struct identity *id, struct arena *a, enum identity_kind kind,
                         struct str document, int64_t now_ms);

/* Whether an IDENTITY_SIGNATURE is of this document; line breaks and blanks in it do not count. */
bool identity_verify(const struct identity *id, struct arena *a, struct str document,
                     struct str signature);
