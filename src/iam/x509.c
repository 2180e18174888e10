/*
 * All of it is libcrypto's; here is what AWS asks and nothing more: no trust anchors, no names, no
 * revocation.  A key with a pass phrase is no key: nobody is there to be asked for it.
 */
#include "iam/x509.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/timefmt.h"
#include "codec/base32.h"
#include "codec/crypto.h"

enum { CHAIN_MAX = 100 };

static void
cert_free(X509 **p)
{
    X509_free(*p);
}

static void
key_free(EVP_PKEY **p)
{
    EVP_PKEY_free(*p);
}

static void
bio_free(BIO **p)
{
    BIO_free(*p);
}

#define CERT __attribute__((cleanup(cert_free))) X509 *
#define KEY __attribute__((cleanup(key_free))) EVP_PKEY *
#define BIO_OWN __attribute__((cleanup(bio_free))) BIO *

static int
no_pass_phrase(char *buf, int size, int rwflag, void *ctx)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)ctx;
    return -1;
}

/* What is left; blanks before it are taken off the input. */
static struct str
rest_of(BIO *in)
{
    char *p, blank;
    size_t n;

    do
        n = (size_t)BIO_get_mem_data(in, &p);
    while (n && memchr(" \t\r\n", p[0], 4) && BIO_read(in, &blank, 1) == 1);
    return str_of(p, n);
}

/* libcrypto would skip whatever is not a certificate, a private key for one. */
static X509 *
next_cert(BIO *in)
{
    if (!str_starts(rest_of(in), S("-----BEGIN CERTIFICATE-----")))
        return NULL;
    X509 *cert = PEM_read_bio_X509(in, NULL, no_pass_phrase, NULL);

    ERR_clear_error();
    return cert;
}

static X509 *
read_cert(struct str pem)
{
    struct str text = str_trim(pem);
    BIO_OWN in = BIO_new_mem_buf(text.p, (int)text.n);
    X509 *cert = in ? next_cert(in) : NULL;

    assert(text.n <= INT_MAX);
    if (cert && rest_of(in).n) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

static bool
to_ms(const ASN1_TIME *t, int64_t *ret)
{
    struct tm tm;
    struct civil c;

    if (ASN1_TIME_to_tm(t, &tm) != 1)
        return false;
    c = (struct civil){
        .year = tm.tm_year + 1900,
        .month = tm.tm_mon + 1,
        .day = tm.tm_mday,
        .hour = tm.tm_hour,
        .minute = tm.tm_min,
        .second = tm.tm_sec,
    };
    *ret = time_from_civil(&c);
    return true;
}

bool
x509_read(struct arena *arena, struct str pem, struct x509_facts *ret)
{
    CERT cert = read_cert(pem);
    unsigned char *der = NULL;
    uint8_t digest[SHA1_LEN];

    if (!cert || !to_ms(X509_get0_notBefore(cert), &ret->from_ms) ||
        !to_ms(X509_get0_notAfter(cert), &ret->until_ms))
        return false;
    int n = i2d_X509(cert, &der);

    if (n <= 0)
        return false;
    crypto_digest(CRYPTO_SHA1, der, (size_t)n, digest);
    OPENSSL_free(der);
    ret->id = base32_encode(arena, str_of(digest, sizeof(digest)));
    assert(ret->id.n == 32);
    return true;
}

enum x509_match
x509_key_match(struct str cert_pem, struct str key_pem)
{
    struct str text = str_trim(key_pem);
    CERT cert = read_cert(cert_pem);
    BIO_OWN in = BIO_new_mem_buf(text.p, (int)text.n);
    KEY key = in ? PEM_read_bio_PrivateKey(in, NULL, no_pass_phrase, NULL) : NULL;
    enum x509_match match = X509_NO_KEY;

    assert(cert);
    if (key && (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "EC")))
        match = X509_check_private_key(cert, key) == 1 ? X509_MATCH : X509_MISMATCH;
    ERR_clear_error();
    return match;
}

/* Whether `issuer` signed `cert`. */
static bool
signed_by(X509 *cert, X509 *issuer)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    const X509_NAME *name = X509_get_subject_name(issuer);
    bool ok =
        key && X509_NAME_cmp(X509_get_issuer_name(cert), name) == 0 && X509_verify(cert, key) == 1;

    ERR_clear_error();
    return ok;
}

int
x509_chain_check(struct str cert_pem, struct str chain_pem)
{
    struct str text = str_trim(chain_pem);
    BIO_OWN in = BIO_new_mem_buf(text.p, (int)text.n);
    CERT below = read_cert(cert_pem);
    int place = 0;

    assert(below);
    assert(text.n <= INT_MAX);
    if (!in)
        return -2;
    for (; place < CHAIN_MAX && rest_of(in).n; place++) {
        X509 *issuer = next_cert(in);

        if (!issuer)
            return -2;
        bool ok = signed_by(below, issuer);

        X509_free(below);
        below = issuer;
        if (!ok)
            return place;
    }
    return place > 0 && rest_of(in).n == 0 ? -1 : -2;
}
