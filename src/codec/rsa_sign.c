/* OpenSSL does it all; here are its lifetimes. */
#include "codec/rsa_sign.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

enum { BITS = 2048, DAYS = 3650, SIGNATURE_MAX = BITS / 8, SERIAL_BYTES = 16 };

static struct str
bio_text(struct arena *a, BIO *bio)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);

    assert(n > 0);
    return str_dup(a, str_of(p, (size_t)n));
}

static bool
sign_certificate(X509 *cert, EVP_PKEY *key, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    BIGNUM *serial = BN_new();
    bool ok = serial && BN_rand(serial, SERIAL_BYTES * 8 - 1, 0, 0) &&
              BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert));

    BN_free(serial);
    return ok && X509_set_version(cert, 2) && X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
           X509_gmtime_adj(X509_getm_notAfter(cert), (long)DAYS * 86400) &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                      -1, 0) &&
           X509_set_issuer_name(cert, subject) && X509_set_pubkey(cert, key) &&
           X509_sign(cert, key, EVP_sha256());
}

int
rsa_sign_make(struct arena *a, EVP_PKEY *key, const char *name, struct str *ret_key,
              struct str *ret_cert)
{
    X509 *cert = X509_new();
    BIO *key_text = BIO_new(BIO_s_secmem()), *cert_text = BIO_new(BIO_s_mem());
    bool ok = cert && key_text && cert_text && sign_certificate(cert, key, name) &&
              PEM_write_bio_PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL) &&
              PEM_write_bio_X509(cert_text, cert);

    assert(key && name[0] != '\0');
    if (ok) {
        *ret_key = bio_text(a, key_text);
        *ret_cert = bio_text(a, cert_text);
    }
    BIO_free(key_text);
    BIO_free(cert_text);
    X509_free(cert);
    return ok ? 0 : -ENOMEM;
}

static EVP_PKEY *
read_key(struct str text)
{
    BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    return key;
}

int
rsa_sign(struct arena *a, struct str key_text, bool sha256, struct str text, struct str *ret)
{
    EVP_PKEY *key = read_key(key_text);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t out[SIGNATURE_MAX];
    size_t n = sizeof(out);
    bool ok = key && ctx && EVP_PKEY_get_size(key) <= SIGNATURE_MAX &&
              EVP_DigestSignInit(ctx, NULL, sha256 ? EVP_sha256() : EVP_sha1(), NULL, key) == 1 &&
              EVP_DigestSign(ctx, out, &n, (const unsigned char *)text.p, text.n) == 1;

    assert(str_ok(text));
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    if (!ok)
        return -EINVAL;
    *ret = str_base64(a, str_of(out, n));
    return 0;
}
