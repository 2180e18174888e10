/*
 * Certificates and private keys as PEM, as far as IAM looks at them.  Pure: the caller has the
 * clock.
 */
#pragma once

#include "base/str.h"

struct x509_facts {
    int64_t from_ms, until_ms; /* Not Before, Not After */
    struct str id;             /* base32 of the SHA-1 of the DER: AWS's CertificateId */
};

/* False unless the text is just one certificate. */
bool x509_read(struct arena *arena, struct str pem, struct x509_facts *ret);

enum x509_match { X509_MATCH, X509_MISMATCH, X509_NO_KEY };

/* Whether the key (RSA or EC, not encrypted) belongs to the certificate, which x509_read() took. */
enum x509_match x509_key_match(struct str cert_pem, struct str key_pem);

/*
 * Whether each certificate of the chain signed the one before it, the first of them `cert_pem`.
 * Answers -1 when all did, else the place of the first that did not; -2: it is no chain.
 */
int x509_chain_check(struct str cert_pem, struct str chain_pem);
