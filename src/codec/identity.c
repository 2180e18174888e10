/*
 * Keys, certificates and signatures of identity documents, by libcrypto.
 *
 * A PKCS #7 of AWS holds the document and no certificate, and its signing time is that of the
 * cloud's clock: both are said here, because PKCS7_sign() by itself does otherwise.
 */
#include "codec/identity.h"

#include "base/error.h"
#include "codec/crypto.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/dsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum {
    LINE_CHARS = 76,
    SERIAL_BITS = 63,
    SIGNATURE_BYTES_MAX = 256,
    SIGNATURE_CHARS_MAX = 1024,
    PEM_BYTES_MAX = 16 << 10,
    REMEMBERED = 1024, /* signatures, of 2 KiB at most each */
};

/* A signature that was given out. */
struct remembered {
    uint8_t digest[SHA256_LEN]; /* of kind and document */
    char *text;                 /* NULL: nothing yet */
    size_t n;
};

struct identity {
    struct remembered given[REMEMBERED];
    EVP_PKEY *keys[IDENTITY_KINDS];
    X509 *certificates[IDENTITY_KINDS];
};

/* By enum identity_kind. */
static const struct {
    int bits;
    bool dsa;
    const EVP_MD *(*digest)(void);
} algorithms[IDENTITY_KINDS] = {
    {1024, false, EVP_sha256},
    {1024, true, EVP_sha1},
    {2048, false, EVP_sha256},
};

static void
bio_free(BIO **p)
{
    BIO_free(*p);
}

static void
pkcs7_free(PKCS7 **p)
{
    PKCS7_free(*p);
}

static void
digest_free(EVP_MD_CTX **p)
{
    EVP_MD_CTX_free(*p);
}

/* libcrypto keeps a queue of errors a thread; what was tried here is nobody else's. */
static int
refused(const char *what)
{
    char text[128];

    ERR_error_string_n(ERR_peek_last_error(), text, sizeof(text));
    ERR_clear_error();
    return error_origin(EIO, "libcrypto does not %s: %s", what, text);
}

/* ---- making ---- */

static EVP_PKEY *
dsa_make(int bits)
{
    EVP_PKEY_CTX *domain = EVP_PKEY_CTX_new_id(EVP_PKEY_DSA, NULL), *ctx = NULL;
    EVP_PKEY *parameters = NULL, *key = NULL;

    if (domain && EVP_PKEY_paramgen_init(domain) > 0 &&
        EVP_PKEY_CTX_set_dsa_paramgen_bits(domain, bits) > 0 &&
        EVP_PKEY_paramgen(domain, &parameters) > 0)
        ctx = EVP_PKEY_CTX_new(parameters, NULL);
    if (ctx && EVP_PKEY_keygen_init(ctx) > 0 && EVP_PKEY_keygen(ctx, &key) <= 0)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_CTX_free(domain);
    EVP_PKEY_free(parameters);
    return key;
}

static int
key_make(struct identity *id, enum identity_kind kind)
{
    int bits = algorithms[kind].bits;

    assert(kind < IDENTITY_KINDS);
    id->keys[kind] = algorithms[kind].dsa ? dsa_make(bits) : EVP_RSA_gen((unsigned)bits);
    return id->keys[kind] ? 0 : refused("make an identity key");
}

static bool
name_set(X509 *certificate)
{
    static const char *const parts[][2] = {
        {"C", "US"}, {"ST", "Washington State"}, {"L", "Seattle"}, {"O", "Welkin"}};
    X509_NAME *name = X509_get_subject_name(certificate);

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (!X509_NAME_add_entry_by_txt(name, parts[i][0], MBSTRING_ASC,
                                        (const unsigned char *)parts[i][1], -1, -1, 0))
            return false;
    return X509_set_issuer_name(certificate, name);
}

/* From that second on, and without an end (RFC 5280, 4.1.2.5). */
static bool
validity_set(X509 *certificate, int64_t now_ms)
{
    assert(now_ms >= 0);
    return ASN1_TIME_adj(X509_getm_notBefore(certificate), (time_t)(now_ms / 1000), 0, 0) &&
           ASN1_TIME_set_string(X509_getm_notAfter(certificate), "99991231235959Z");
}

static bool
serial_set(X509 *certificate)
{
    BIGNUM *n = BN_new();
    bool ok = n && BN_rand(n, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
              BN_to_ASN1_INTEGER(n, X509_get_serialNumber(certificate));

    BN_free(n);
    return ok;
}

static int
certificate_make(struct identity *id, enum identity_kind kind, int64_t now_ms)
{
    X509 *certificate = X509_new();

    assert(kind < IDENTITY_KINDS && id->keys[kind]);
    id->certificates[kind] = certificate;
    if (certificate && serial_set(certificate) && validity_set(certificate, now_ms) &&
        name_set(certificate) && X509_set_pubkey(certificate, id->keys[kind]) &&
        X509_sign(certificate, id->keys[kind], algorithms[kind].digest()))
        return 0;
    return refused("make an identity certificate");
}

/* What was written to a memory BIO, copied. */
static struct str
bio_text(struct arena *a, BIO *bio)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);

    assert(bio);
    return n > 0 ? str_dup(a, str_of(p, (size_t)n)) : STR_NONE;
}

static int
write_pem(struct arena *a, const struct identity *id, struct str *ret_keys,
          struct str *ret_certificates)
{
    CLEANUP(bio_free) BIO *keys = BIO_new(BIO_s_secmem());
    CLEANUP(bio_free) BIO *certificates = BIO_new(BIO_s_mem());
    bool ok = keys && certificates;

    for (int i = 0; i < IDENTITY_KINDS && ok; i++)
        ok = PEM_write_bio_PKCS8PrivateKey(keys, id->keys[i], NULL, NULL, 0, NULL, NULL) > 0 &&
             PEM_write_bio_X509(certificates, id->certificates[i]) > 0;
    if (!ok)
        return refused("write identity keys");
    *ret_keys = bio_text(a, keys);
    *ret_certificates = bio_text(a, certificates);
    assert(ret_keys->n > 0 && ret_keys->n < PEM_BYTES_MAX);
    assert(ret_certificates->n > 0 && ret_certificates->n < PEM_BYTES_MAX);
    return 0;
}

int
identity_make(struct arena *a, int64_t now_ms, struct str *ret_keys, struct str *ret_certificates)
{
    struct identity id = {0};
    int r = 0;

    assert(now_ms >= 0);
    for (int i = 0; i < IDENTITY_KINDS && r == 0; i++) {
        r = key_make(&id, i);
        if (r == 0)
            r = certificate_make(&id, i, now_ms);
    }
    if (r == 0)
        r = write_pem(a, &id, ret_keys, ret_certificates);
    for (int i = 0; i < IDENTITY_KINDS; i++) {
        EVP_PKEY_free(id.keys[i]);
        X509_free(id.certificates[i]);
    }
    return r;
}

/* ---- opening ---- */

/* libcrypto would ask the terminal for the passphrase of a key that has one. */
static int
no_passphrase(char *room UNUSED, int size UNUSED, int writing UNUSED, void *ctx UNUSED)
{
    return -1;
}

static bool
read_pem(struct identity *id, BIO *keys, BIO *certificates)
{
    for (int i = 0; i < IDENTITY_KINDS; i++) {
        id->keys[i] = PEM_read_bio_PrivateKey(keys, NULL, no_passphrase, NULL);
        id->certificates[i] = PEM_read_bio_X509(certificates, NULL, no_passphrase, NULL);
        if (!id->keys[i] || !id->certificates[i] ||
            EVP_PKEY_get_base_id(id->keys[i]) !=
                (algorithms[i].dsa ? EVP_PKEY_DSA : EVP_PKEY_RSA) ||
            !X509_check_private_key(id->certificates[i], id->keys[i]))
            return false;
    }
    return true;
}

int
identity_open(struct identity **ret, struct str keys, struct str certificates)
{
    struct identity *id = calloc(1, sizeof(*id));

    assert(str_ok(keys) && str_ok(certificates));
    if (!id)
        return -ENOMEM;
    if (keys.n > PEM_BYTES_MAX || certificates.n > PEM_BYTES_MAX) {
        free(id);
        return -EBADMSG;
    }
    CLEANUP(bio_free) BIO *k = BIO_new_mem_buf(keys.n ? keys.p : "", (int)keys.n);
    CLEANUP(bio_free) BIO *c = BIO_new_mem_buf(certificates.n ? certificates.p : "",
                                               (int)certificates.n);
    if (!k || !c || !read_pem(id, k, c)) {
        ERR_clear_error();
        identity_free(id);
        return -EBADMSG;
    }
    *ret = id;
    return 0;
}

struct identity *
identity_free(struct identity *id)
{
    if (!id)
        return NULL;
    for (int i = 0; i < IDENTITY_KINDS; i++) {
        EVP_PKEY_free(id->keys[i]);
        X509_free(id->certificates[i]);
    }
    for (size_t i = 0; i < REMEMBERED; i++)
        free(id->given[i].text);
    free(id);
    return NULL;
}

/* ---- signing ---- */

static struct str
lines(struct arena *a, struct str bytes)
{
    struct str text = str_base64(a, bytes);
    size_t n = text.n + text.n / LINE_CHARS;
    char *out = arena_alloc_raw(a, n), *w = out;

    assert(str_ok(bytes));
    for (size_t i = 0; i < text.n; i += LINE_CHARS) {
        struct str line = str_cut(text, i, i + LINE_CHARS);

        if (i)
            *w++ = '\n';
        memcpy(w, line.p, line.n);
        w += line.n;
    }
    assert((size_t)(w - out) <= n);
    return str_of(out, (size_t)(w - out));
}

static struct str
sign_plain(const struct identity *id, struct arena *a, struct str document)
{
    assert(document.n > 0);
    CLEANUP(digest_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t signature[SIGNATURE_BYTES_MAX];
    size_t n = sizeof(signature);

    if (!ctx ||
        EVP_DigestSignInit(ctx, NULL, algorithms[IDENTITY_SIGNATURE].digest(), NULL,
                           id->keys[IDENTITY_SIGNATURE]) <= 0 ||
        EVP_DigestSign(ctx, signature, &n, (const uint8_t *)document.p, document.n) <= 0)
        return STR_NONE;
    return lines(a, str_of(signature, n));
}

static bool
set_signing_time(PKCS7_SIGNER_INFO *signer, int64_t now_ms)
{
    ASN1_TIME *time = ASN1_TIME_adj(NULL, (time_t)(now_ms / 1000), 0, 0);

    if (time && PKCS7_add0_attrib_signing_time(signer, time))
        return true;
    ASN1_TIME_free(time);
    return false;
}

static struct str
sign_pkcs7(const struct identity *id, struct arena *a, enum identity_kind kind,
           struct str document, int64_t now_ms)
{
    const int flags = PKCS7_BINARY | PKCS7_NOCERTS | PKCS7_NOSMIMECAP | PKCS7_PARTIAL;
    assert(kind == IDENTITY_PKCS7 || kind == IDENTITY_RSA2048);
    CLEANUP(bio_free) BIO *in = BIO_new_mem_buf(document.p, (int)document.n);
    CLEANUP(bio_free) BIO *out = BIO_new(BIO_s_mem());
    CLEANUP(pkcs7_free) PKCS7 *p7 = PKCS7_sign(NULL, NULL, NULL, NULL, flags);
    PKCS7_SIGNER_INFO *signer =
        p7 ? PKCS7_sign_add_signer(p7, id->certificates[kind], id->keys[kind],
                                   algorithms[kind].digest(), flags)
           : NULL;

    if (!in || !out || !signer || !set_signing_time(signer, now_ms) ||
        !PKCS7_final(p7, in, flags) || !i2d_PKCS7_bio(out, p7))
        return STR_NONE;
    return lines(a, bio_text(a, out));
}

/* Where a signature of it is, or goes. */
static struct remembered *
place_of(struct identity *id, enum identity_kind kind, struct str document,
         uint8_t ret_digest[SHA256_LEN])
{
    struct crypto_hash *hash = crypto_hash_new(CRYPTO_SHA256);
    uint8_t which = (uint8_t)kind;

    assert(kind < IDENTITY_KINDS);
    crypto_hash_add(hash, &which, 1);
    crypto_hash_add(hash, document.p, document.n);
    crypto_hash_end(hash, ret_digest);
    crypto_hash_free(hash);
    return &id->given[(ret_digest[0] << 8 | ret_digest[1]) % REMEMBERED];
}

static void
remember(struct remembered *place, const uint8_t digest[SHA256_LEN], struct str signature)
{
    char *text = malloc(signature.n);

    if (!text)
        return;
    free(place->text);
    memcpy(text, signature.p, signature.n);
    memcpy(place->digest, digest, SHA256_LEN);
    place->text = text;
    place->n = signature.n;
}

struct str
identity_sign(struct identity *id, struct arena *a, enum identity_kind kind, struct str document,
              int64_t now_ms)
{
    uint8_t digest[SHA256_LEN];

    assert(kind < IDENTITY_KINDS);
    assert(kind < IDENTITY_KINDS && document.n > 0 && document.n <= INT32_MAX);
    struct remembered *place = place_of(id, kind, document, digest);
    if (place->text && memcmp(place->digest, digest, SHA256_LEN) == 0)
        return str_dup(a, str_of(place->text, place->n));
    struct str signature = kind == IDENTITY_SIGNATURE
                               ? sign_plain(id, a, document)
                               : sign_pkcs7(id, a, kind, document, now_ms);

    if (signature.p)
        remember(place, digest, signature);
    else
        refused("sign an identity document");
    return signature;
}

/* ---- verifying ---- */

bool
identity_verify(const struct identity *id, struct arena *a, struct str document,
                struct str signature)
{
    assert(str_ok(document) && str_ok(signature));
    CLEANUP(digest_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    struct str raw;

    if (signature.n > SIGNATURE_CHARS_MAX || !str_unbase64(a, signature, &raw) || !ctx)
        return false;
    bool ok = EVP_DigestVerifyInit(ctx, NULL, algorithms[IDENTITY_SIGNATURE].digest(), NULL,
                                   id->keys[IDENTITY_SIGNATURE]) > 0 &&
              EVP_DigestVerify(ctx, (const uint8_t *)raw.p, raw.n, (const uint8_t *)document.p,
                               document.n) > 0;

    ERR_clear_error();
    return ok;
}
