/*
 * Certificates are made field by field and never out of a text in OpenSSL's configuration
 * language: a name that a client asks for could say more there than a name.
 */
#include "codec/authority.h"

#include "base/error.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define DAY_S INT64_C(86400)
#define AUTHORITY_DAYS (10 * 365 + 2)
#define SERIAL_BITS 127 /* RFC 5280: at most 20 octets, and unpredictable */
#define NAMES_MAX 16

/* Names below these, and addresses of this machine and of links. */
static const char constraints[] =
    "critical,permitted;DNS:amazonaws.com,permitted;DNS:api.aws,permitted;DNS:on.aws,"
    "permitted;DNS:localhost,permitted;IP:127.0.0.0/255.0.0.0,permitted;IP:169.254.0.0/255.255.0.0,"
    "permitted;IP:::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";

struct authority {
    EVP_PKEY *key;
    X509 *cert;
};

static int
failed(const char *what)
{
    return error_origin(ENOMEM, "%s", what);
}

static bool
set_serial(X509 *x)
{
    BIGNUM *n = BN_new();
    bool good = n && BN_rand(n, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
                BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));

    BN_free(n);
    return good;
}

static bool
set_times(X509 *x, int64_t from_s, int64_t until_s)
{
    assert(from_s < until_s);
    return ASN1_TIME_adj(X509_getm_notBefore(x), (time_t)from_s, 0, 0) &&
           ASN1_TIME_adj(X509_getm_notAfter(x), (time_t)until_s, 0, 0);
}

static bool
add_name(X509_NAME *name, const char *field, struct str value)
{
    assert(value.n > 0);
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)value.p,
                                      (int)value.n, -1, 0) == 1;
}

/* An extension from a constant text. */
static bool
add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool good = e && X509_add_ext(x, e, -1) == 1;

    X509_EXTENSION_free(e);
    return good;
}

static struct str
bio_text(struct arena *a, BIO *bio)
{
    char *p;
    long n = BIO_get_mem_data(bio, &p);

    assert(bio);
    return str_dup(a, str_of(p, (size_t)n));
}

static bool
fill_authority(X509 *x, EVP_PKEY *key, int64_t now_s)
{
    X509_NAME *name = X509_get_subject_name(x);
    char serial[9];
    uint8_t some[4];

    assert(now_s > 0);
    /* Two authorities must not look alike: stores keep certificates by a hash of this name. */
    if (X509_set_version(x, X509_VERSION_3) != 1 || X509_set_pubkey(x, key) != 1 || !set_serial(x))
        return false;
    BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
    bool good = n && BN_mask_bits(n, 32) == 1 && BN_bn2binpad(n, some, 4) == 4;
    BN_free(n);
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; good && i < 8; i++)
        serial[i] = digits[some[i / 2] >> (i % 2 ? 0 : 4) & 15];
    /* From a day before: leaves must not be older than it. */
    return good && add_name(name, "O", S("Welkin")) &&
           add_name(name, "CN", str_of("Welkin local authority", 22)) &&
           add_name(name, "serialNumber", str_of(serial, 8)) &&
           X509_set_issuer_name(x, name) == 1 &&
           set_times(x, now_s - DAY_S, now_s + AUTHORITY_DAYS * DAY_S) &&
           add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add_extension(x, x, NID_subject_key_identifier, "hash") &&
           add_extension(x, x, NID_name_constraints, constraints) &&
           X509_sign(x, key, EVP_sha256()) > 0;
}

int
authority_make(struct arena *a, int64_t now_ms, struct str *ret_key, struct str *ret_cert)
{
    EVP_PKEY *key = authority_leaf_key();
    X509 *x = X509_new();
    BIO *key_out = BIO_new(BIO_s_secmem()), *cert_out = BIO_new(BIO_s_mem());
    bool good = key && x && key_out && cert_out && fill_authority(x, key, now_ms / 1000) &&
                PEM_write_bio_PrivateKey(key_out, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                PEM_write_bio_X509(cert_out, x) == 1;

    assert(now_ms > 0);
    if (good) {
        *ret_key = bio_text(a, key_out);
        *ret_cert = bio_text(a, cert_out);
    }
    BIO_free(key_out);
    BIO_free(cert_out);
    X509_free(x);
    EVP_PKEY_free(key);
    return good ? 0 : failed("an authority cannot be made");
}

int
authority_open(struct authority **ret, struct str key, struct str cert)
{
    struct authority *authority = calloc(1, sizeof(*authority));
    BIO *key_in = BIO_new_mem_buf(key.p, (int)key.n);
    BIO *cert_in = BIO_new_mem_buf(cert.p, (int)cert.n);

    assert(str_ok(key) && str_ok(cert));
    if (authority && key_in && cert_in && cert.n <= AUTHORITY_PEM_MAX) {
        authority->key = PEM_read_bio_PrivateKey(key_in, NULL, NULL, NULL);
        authority->cert = PEM_read_bio_X509(cert_in, NULL, NULL, NULL);
    }
    BIO_free(key_in);
    BIO_free(cert_in);
    if (!authority || !authority->key || !authority->cert ||
        X509_check_private_key(authority->cert, authority->key) != 1 ||
        X509_check_ca(authority->cert) != 1) {
        authority_free(authority);
        return error_origin(EINVAL, "the authority's key and certificate do not fit");
    }
    *ret = authority;
    return 0;
}

struct authority *
authority_free(struct authority *authority)
{
    if (!authority)
        return NULL;
    EVP_PKEY_free(authority->key);
    X509_free(authority->cert);
    free(authority);
    return NULL;
}

/* An extension's bytes, of one that is critical and is there once. */
static struct str
critical_extension(const X509 *x, int nid)
{
    int at = X509_get_ext_by_NID(x, nid, -1);
    X509_EXTENSION *e = at < 0 ? NULL : X509_get_ext(x, at);

    if (!e || !X509_EXTENSION_get_critical(e) || X509_get_ext_by_NID(x, nid, at) >= 0)
        return STR_NONE;
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(e);
    return str_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
}

bool
authority_is_constrained(struct str cert)
{
    BIO *in = BIO_new_mem_buf(cert.p, (int)cert.n);
    X509 *x = in ? PEM_read_bio_X509(in, NULL, NULL, NULL) : NULL, *model = X509_new();
    struct str has = x ? critical_extension(x, NID_name_constraints) : STR_NONE;
    bool good = has.n && BIO_eof(in) && model && X509_check_ca(x) == 1 &&
                add_extension(model, model, NID_name_constraints, constraints) &&
                str_eq(has, critical_extension(model, NID_name_constraints));

    assert(str_ok(cert));
    X509_free(model);
    X509_free(x);
    BIO_free(in);
    return good;
}

int64_t
authority_expires_ms(const struct authority *authority)
{
    int days = 0, seconds = 0;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);

    if (epoch)
        ASN1_TIME_diff(&days, &seconds, epoch, X509_get0_notAfter(authority->cert));
    ASN1_TIME_free(epoch);
    return (days * DAY_S + seconds) * 1000;
}

uint32_t
authority_hash(const struct authority *authority)
{
    return (uint32_t)X509_subject_name_hash(authority->cert);
}

EVP_PKEY *
authority_leaf_key(void)
{
    return EVP_EC_gen("P-256");
}

/* ---- leaves ---- */

static bool
add_alt_name(GENERAL_NAMES *all, int type, const void *p, size_t n)
{
    assert(p && n > 0);
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *text = type == GEN_DNS ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();

    if (name && text && ASN1_STRING_set(text, p, (int)n) == 1) {
        GENERAL_NAME_set0_value(name, type, text);
        if (sk_GENERAL_NAME_push(all, name) > 0)
            return true;
        text = NULL; /* the name's */
    }
    ASN1_STRING_free(text);
    GENERAL_NAME_free(name);
    return false;
}

static bool
add_address(GENERAL_NAMES *all, struct str text)
{
    char room[64];

    assert(str_ok(text));
    if (text.n >= sizeof(room))
        return false;
    memcpy(room, text.p, text.n);
    room[text.n] = '\0';
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(room);
    bool good = ip && add_alt_name(all, GEN_IPADD, ASN1_STRING_get0_data(ip),
                                   (size_t)ASN1_STRING_length(ip));

    ASN1_OCTET_STRING_free(ip);
    return good;
}

static bool
add_alt_names(X509 *x, const struct authority_names *names)
{
    assert(names->dns || names->n_dns == 0);
    assert(names->ips || names->n_ips == 0);
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
    bool good = all != NULL;

    for (size_t i = 0; good && i < names->n_dns; i++)
        good = add_alt_name(all, GEN_DNS, names->dns[i].p, names->dns[i].n);
    for (size_t i = 0; good && i < names->n_ips; i++)
        good = add_address(all, names->ips[i]);
    good = good && X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, 0) == 1;
    GENERAL_NAMES_free(all);
    return good;
}

int
authority_issue(const struct authority *authority, EVP_PKEY *key,
                const struct authority_names *names, int64_t now_ms, X509 **ret)
{
    int64_t now_s = now_ms / 1000;
    X509 *x = X509_new();

    assert(key && now_ms > 0);
    assert(names->n_dns + names->n_ips > 0 && names->n_dns + names->n_ips <= NAMES_MAX);
    /* A long name does not fit into a common name (64 characters), and none is needed. */
    bool good = x && X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
                X509_set_pubkey(x, key) == 1 &&
                X509_set_issuer_name(x, X509_get_subject_name(authority->cert)) == 1 &&
                add_name(X509_get_subject_name(x), "O", S("Welkin")) &&
                set_times(x, now_s - 3600, now_s + AUTHORITY_LEAF_DAYS * DAY_S) &&
                add_extension(x, authority->cert, NID_basic_constraints, "critical,CA:FALSE") &&
                add_extension(x, authority->cert, NID_key_usage, "critical,digitalSignature") &&
                add_extension(x, authority->cert, NID_ext_key_usage, "serverAuth") &&
                add_extension(x, authority->cert, NID_authority_key_identifier, "keyid") &&
                add_alt_names(x, names) && X509_sign(x, authority->key, EVP_sha256()) > 0;

    if (!good) {
        X509_free(x);
        return failed("a certificate cannot be made");
    }
    *ret = x;
    return 0;
}
