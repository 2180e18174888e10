/*
 * SSH keys by hand where libcrypto has no form for them: OpenSSH's and PuTTY's are a few lengths
 * and strings (RFC 4251, OpenSSH's PROTOCOL.key, PuTTY's appendix C).  The numbers come from
 * libcrypto.
 */
#include "ec2/key_material.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/error.h"
#include "codec/crypto.h"
#include "codec/ssh_wire.h"
#include "sys/rsa_pool.h"

enum {
    RSA_BITS_MIN = 1024,
    RSA_BITS_MAX = 4096,
    RSA_EXPONENT_BYTES_MAX = 16,
    ED25519_BYTES = 32,
    WIRE_BYTES_MAX = 4096,
    TEXT_BYTES_MAX = 16 << 10, /* of an imported key */
};

static void
pkey_free(EVP_PKEY **p)
{
    EVP_PKEY_free(*p);
}

static void
bio_free(BIO **p)
{
    BIO_free(*p);
}

/* ---- the SSH wire form: fixed memory, wiped at the end ---- */

struct wire {
    uint8_t b[WIRE_BYTES_MAX];
    size_t n;
};

static void
wire_wipe(struct wire *w)
{
    OPENSSL_cleanse(w, sizeof(*w));
}

static void
put(struct wire *w, const void *p, size_t n)
{
    assert(n <= sizeof(w->b) - w->n);
    memcpy(w->b + w->n, p, n);
    w->n += n;
}

static void
put_u32(struct wire *w, uint32_t v)
{
    uint8_t b[4] = {v >> 24, v >> 16, v >> 8, v};

    put(w, b, sizeof(b));
}

static void
put_string(struct wire *w, struct str s)
{
    put_u32(w, (uint32_t)s.n);
    put(w, s.p, s.n);
}

/* A positive number: a zero byte goes before a set highest bit. */
static void
put_number(struct wire *w, const BIGNUM *v)
{
    size_t n = (size_t)BN_num_bytes(v), pad = BN_num_bits(v) % 8 == 0;

    put_u32(w, (uint32_t)(n + pad));
    put(w, "", pad);
    assert(n <= sizeof(w->b) - w->n);
    BN_bn2bin(v, w->b + w->n);
    w->n += n;
}

static struct str
wire_str(const struct wire *w)
{
    return str_of(w->b, w->n);
}

/* Base64 in lines of `width`, each ended by `newline`; answers how many lines. */
static unsigned
put_base64(struct arena *arena, struct wire *w, struct str bytes, size_t width, const char *newline)
{
    struct str text = str_base64(arena, bytes);
    unsigned lines = 0;

    for (size_t i = 0; i < text.n; i += width, lines++) {
        struct str line = str_cut(text, i, i + width);

        put(w, line.p, line.n);
        put(w, newline, strlen(newline));
    }
    OPENSSL_cleanse((char *)text.p, text.n);
    return lines;
}

/* ---- public keys and fingerprints ---- */

static struct str
public_line(struct arena *arena, const char *algorithm, const struct wire *blob, struct str name)
{
    struct str base64 = str_base64(arena, wire_str(blob));

    return str_fmt(arena, "%s %.*s %.*s", algorithm, STR_ARG(base64), STR_ARG(name));
}

static struct str
colons(struct arena *arena, const uint8_t *digest, size_t n)
{
    struct str hex = str_hex(arena, digest, n);
    char *out = arena_alloc_raw(arena, n * 3);

    for (size_t i = 0; i < n; i++) {
        memcpy(out + i * 3, hex.p + i * 2, 2);
        out[i * 3 + 2] = ':';
    }
    return str_of(out, n * 3 - 1);
}

static struct str
sha256_base64(struct arena *arena, const struct wire *blob)
{
    uint8_t digest[SHA256_LEN];

    crypto_sha256(blob->b, blob->n, digest);
    return str_base64(arena, str_of(digest, sizeof(digest)));
}

static BIGNUM *
rsa_number(const EVP_PKEY *key, const char *param)
{
    BIGNUM *v = NULL;

    return EVP_PKEY_get_bn_param(key, param, &v) ? v : NULL;
}

static int
rsa_blob(const EVP_PKEY *key, struct wire *ret)
{
    BIGNUM *e = rsa_number(key, OSSL_PKEY_PARAM_RSA_E);
    BIGNUM *n = rsa_number(key, OSSL_PKEY_PARAM_RSA_N);
    bool ok = e && n;

    if (ok) {
        put_string(ret, S("ssh-rsa"));
        put_number(ret, e);
        put_number(ret, n);
    }
    BN_free(e);
    BN_free(n);
    return ok ? 0 : error_origin(ENOMEM, "an RSA key has no numbers");
}

static void
ed25519_blob(const uint8_t public[ED25519_BYTES], struct wire *ret)
{
    put_string(ret, S("ssh-ed25519"));
    put_string(ret, str_of(public, ED25519_BYTES));
}

/* The digest of the key as DER: PKCS#8 of a private one, SubjectPublicKeyInfo of a public one. */
static int
der_fingerprint(struct arena *arena, EVP_PKEY *key, bool private, struct str *ret)
{
    uint8_t digest[CRYPTO_DIGEST_MAX], *der = NULL;
    enum crypto_digest kind = private ? CRYPTO_SHA1 : CRYPTO_MD5;
    PKCS8_PRIV_KEY_INFO *info = private ? EVP_PKEY2PKCS8(key) : NULL;
    int n = private ? info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1 : i2d_PUBKEY(key, &der);

    PKCS8_PRIV_KEY_INFO_free(info);
    if (n <= 0)
        return error_origin(ENOMEM, "a key cannot be written as DER");
    crypto_digest(kind, der, (size_t)n, digest);
    OPENSSL_clear_free(der, (size_t)n);
    *ret = colons(arena, digest, crypto_digest_len(kind));
    return 0;
}

/* ---- private keys as text ---- */

/* PKCS#1, as AWS answers it: no newline at the end. */
static int
rsa_pem(struct arena *arena, EVP_PKEY *key, struct str *ret)
{
    CLEANUP(bio_free) BIO *bio = BIO_new(BIO_s_mem());
    char *p;

    if (!bio || !PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL))
        return error_origin(ENOMEM, "an RSA key cannot be written as PEM");
    long n = BIO_get_mem_data(bio, &p);

    *ret = str_trim(str_dup(arena, str_of(p, (size_t)n)));
    OPENSSL_cleanse(p, (size_t)n);
    return 0;
}

/* What both text forms hold: the key's algorithm and its two parts. */
struct parts {
    const char *algorithm;
    struct str name; /* the comment */
    struct wire public, private;
};

static void
parts_wipe(struct parts *p)
{
    OPENSSL_cleanse(p, sizeof(*p));
}

/*
 * openssh-key-v1 without encryption.  The two equal words let a reader see whether it decrypted
 * rightly; nothing is encrypted, so they need not be random.
 */
static struct str
openssh_text(struct arena *arena, const struct parts *parts)
{
    CLEANUP(wire_wipe) struct wire inner = {.n = 0}, all = {.n = 0}, text = {.n = 0};
    static const char head[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
    static const char tail[] = "-----END OPENSSH PRIVATE KEY-----\n";
    static const uint32_t check = 0x57656c6b;

    put_u32(&inner, check);
    put_u32(&inner, check);
    put(&inner, parts->private.b, parts->private.n);
    put_string(&inner, parts->name);
    for (uint8_t pad = 1; inner.n % 8; pad++)
        put(&inner, &pad, 1);

    put(&all, "openssh-key-v1", sizeof("openssh-key-v1"));
    put_string(&all, S("none"));
    put_string(&all, S("none"));
    put_string(&all, S(""));
    put_u32(&all, 1);
    put_string(&all, wire_str(&parts->public));
    put_string(&all, wire_str(&inner));

    put(&text, head, sizeof(head) - 1);
    put_base64(arena, &text, wire_str(&all), 70, "\n");
    put(&text, tail, sizeof(tail) - 1);
    return str_dup(arena, wire_str(&text));
}

/* PuTTY, version 2: every PuTTY reads it.  Its MAC guards against damage only. */
static struct str
ppk_text(struct arena *arena, const struct parts *parts)
{
    CLEANUP(wire_wipe) struct wire mac = {.n = 0}, public = {.n = 0}, private = {.n = 0};
    static const char mac_key[] = "putty-private-key-file-mac-key";
    uint8_t key[SHA1_LEN], sum[EVP_MAX_MD_SIZE];
    unsigned sum_n = 0;

    put_string(&mac, str_from(parts->algorithm));
    put_string(&mac, S("none"));
    put_string(&mac, parts->name);
    put_string(&mac, wire_str(&parts->public));
    put_string(&mac, wire_str(&parts->private));
    crypto_digest(CRYPTO_SHA1, mac_key, sizeof(mac_key) - 1, key);
    HMAC(EVP_sha1(), key, sizeof(key), mac.b, mac.n, sum, &sum_n);

    unsigned public_lines = put_base64(arena, &public, wire_str(&parts->public), 64, "\r\n");
    unsigned private_lines = put_base64(arena, &private, wire_str(&parts->private), 64, "\r\n");
    struct str hex = str_hex(arena, sum, sum_n), a = wire_str(&public), b = wire_str(&private);

    return str_fmt(arena,
                   "PuTTY-User-Key-File-2: %s\r\nEncryption: none\r\nComment: %.*s\r\n"
                   "Public-Lines: %u\r\n%.*sPrivate-Lines: %u\r\n%.*sPrivate-MAC: %.*s\r\n",
                   parts->algorithm, STR_ARG(parts->name), public_lines, STR_ARG(a), private_lines,
                   STR_ARG(b), STR_ARG(hex));
}

/* ---- making ---- */

/* d, p, q and the inverse of q: what PuTTY keeps of a private RSA key. */
static int
rsa_private(const EVP_PKEY *key, struct wire *ret)
{
    static const char *const params[] = {OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1,
                                         OSSL_PKEY_PARAM_RSA_FACTOR2,
                                         OSSL_PKEY_PARAM_RSA_COEFFICIENT1};

    for (size_t i = 0; i < ARRAY_LEN(params); i++) {
        BIGNUM *v = rsa_number(key, params[i]);

        if (!v)
            return error_origin(ENOMEM, "an RSA key lacks %s", params[i]);
        put_number(ret, v);
        BN_clear_free(v);
    }
    return 0;
}

static int
rsa_make(struct arena *arena, bool ppk, struct str name, struct key_material *ret)
{
    CLEANUP(pkey_free) EVP_PKEY *key = rsa_pool_take();
    CLEANUP(parts_wipe) struct parts parts = {.algorithm = "ssh-rsa", .name = name};
    struct key_material made = {.type = S("rsa")};
    int r;

    if (!key)
        return error_origin(EIO, "libcrypto could not make an RSA key");
    r = rsa_blob(key, &parts.public);
    if (r == 0)
        r = der_fingerprint(arena, key, true, &made.fingerprint);
    if (r == 0)
        r = ppk ? rsa_private(key, &parts.private) : rsa_pem(arena, key, &made.private_text);
    if (r < 0)
        return r;
    if (ppk)
        made.private_text = ppk_text(arena, &parts);
    made.public_line = public_line(arena, parts.algorithm, &parts.public, name);
    *ret = made;
    return 0;
}

static int
ed25519_make(struct env *env, struct arena *arena, bool ppk, struct str name,
             struct key_material *ret)
{
    uint8_t seed[ED25519_BYTES], public[ED25519_BYTES];
    size_t public_n = sizeof(public);

    env->random(env, seed, sizeof(seed));
    CLEANUP(pkey_free)
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
    CLEANUP(parts_wipe) struct parts parts = {.algorithm = "ssh-ed25519", .name = name};
    bool ok = key && EVP_PKEY_get_raw_public_key(key, public, &public_n);

    if (ok) {
        uint8_t both[2 * ED25519_BYTES];

        memcpy(both, seed, sizeof(seed));
        memcpy(both + sizeof(seed), public, sizeof(public));
        ed25519_blob(public, &parts.public);
        if (ppk)
            put_string(&parts.private, str_of(seed, sizeof(seed)));
        else {
            ed25519_blob(public, &parts.private);
            put_string(&parts.private, str_of(both, sizeof(both)));
        }
        OPENSSL_cleanse(both, sizeof(both));
    }
    OPENSSL_cleanse(seed, sizeof(seed));
    if (!ok)
        return error_origin(EIO, "libcrypto could not make an ED25519 key");
    *ret = (struct key_material){
        .type = S("ed25519"),
        .public_line = public_line(arena, parts.algorithm, &parts.public, name),
        .fingerprint = sha256_base64(arena, &parts.public),
        .private_text = ppk ? ppk_text(arena, &parts) : openssh_text(arena, &parts),
    };
    return 0;
}

int
key_material_make(struct env *env, struct arena *arena, struct str type, struct str format,
                  struct str name, struct key_material *ret)
{
    bool ppk = str_is(format, "ppk");

    assert(ppk || str_is(format, "pem"));
    if (str_is(type, "ed25519"))
        return ed25519_make(env, arena, ppk, name, ret);
    assert(str_is(type, "rsa"));
    return rsa_make(arena, ppk, name, ret);
}

/* ---- reading ---- */

/* The base64 between two marks that stand on lines of their own; a continued header is skipped. */
static bool
between(struct str text, const char *begin, const char *end, struct str *ret)
{
    size_t from = str_find(text, str_from(begin)), to;

    if (from != 0)
        return false;
    struct str rest = str_cut(text, strlen(begin), text.n);

    to = str_find(rest, str_from(end));
    if (to == SIZE_MAX)
        return false;
    *ret = str_cut(rest, 0, to);
    return true;
}

/* RFC 4716: headers "Comment: …", which a '\' at the end continues, come before the base64. */
static struct str
rfc4716_body(struct str body)
{
    bool continued = false;

    body = str_trim(body);
    while (body.p) {
        struct str rest = body, line = str_trim(str_split(&rest, '\n'));

        if (!continued && str_find_char(line, ':') == SIZE_MAX)
            break;
        continued = str_ends(line, S("\\"));
        body = rest;
    }
    return body;
}

/* The SSH blob of a text that is not DER: OpenSSH's line or RFC 4716. */
static bool
ssh_blob(struct arena *arena, struct str text, struct str *ret)
{
    struct str body;

    if (between(text, "---- BEGIN SSH2 PUBLIC KEY ----", "---- END SSH2 PUBLIC KEY ----", &body))
        return str_unbase64(arena, rfc4716_body(body), ret);
    if (!str_starts(text, S("ssh-")) || str_find_char(text, '\n') != SIZE_MAX)
        return false;
    struct str algorithm = str_split(&text, ' ');

    text = str_trim(text);
    if (!str_unbase64(arena, str_split(&text, ' '), ret))
        return false;
    struct str rest = *ret, inner;

    return ssh_wire_take(&rest, &inner) && str_eq(inner, algorithm);
}

/* libcrypto reads an exponent of any size; one that is larger than a key's blob is no key. */
static bool
exponent_fits(const EVP_PKEY *key)
{
    BIGNUM *e = rsa_number(key, OSSL_PKEY_PARAM_RSA_E);
    bool fits = e && BN_num_bytes(e) <= RSA_EXPONENT_BYTES_MAX;

    BN_free(e);
    return fits;
}

static bool
rsa_read(struct arena *arena, EVP_PKEY *key, struct str name, struct key_material *ret)
{
    struct wire blob = {.n = 0};
    int bits = EVP_PKEY_get_bits(key);
    struct str fingerprint;

    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX || !exponent_fits(key))
        return false;
    if (rsa_blob(key, &blob) < 0 || der_fingerprint(arena, key, false, &fingerprint) < 0)
        return false;
    *ret = (struct key_material){
        .type = S("rsa"),
        .public_line = public_line(arena, "ssh-rsa", &blob, name),
        .fingerprint = fingerprint,
    };
    return true;
}

static bool
ed25519_read(struct arena *arena, struct str public, struct str name, struct key_material *ret)
{
    struct wire blob = {.n = 0};

    if (public.n != ED25519_BYTES)
        return false;
    ed25519_blob((const uint8_t *)public.p, &blob);
    *ret = (struct key_material){
        .type = S("ed25519"),
        .public_line = public_line(arena, "ssh-ed25519", &blob, name),
        .fingerprint = sha256_base64(arena, &blob),
    };
    return true;
}

static bool
ssh_read(struct arena *arena, struct str blob, struct str name, struct key_material *ret)
{
    struct str algorithm, a, b;

    if (!ssh_wire_take(&blob, &algorithm) || !ssh_wire_take(&blob, &a))
        return false;
    if (str_is(algorithm, "ssh-ed25519"))
        return blob.n == 0 && ed25519_read(arena, a, name, ret);
    if (!str_is(algorithm, "ssh-rsa") || !ssh_wire_take(&blob, &b) || blob.n != 0)
        return false;
    if (!a.n || a.n > RSA_EXPONENT_BYTES_MAX + 1 || !b.n || b.n > RSA_BITS_MAX / 8 + 1)
        return false;
    CLEANUP(pkey_free) EVP_PKEY *key = ssh_wire_rsa(a, b);

    return key && rsa_read(arena, key, name, ret);
}

static bool
der_read(struct arena *arena, struct str der, struct str name, struct key_material *ret)
{
    const uint8_t *p = (const uint8_t *)der.p;
    CLEANUP(pkey_free) EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)der.n);
    uint8_t public[ED25519_BYTES];
    size_t n = sizeof(public);

    if (!key || p != (const uint8_t *)der.p + der.n)
        return false;
    if (EVP_PKEY_is_a(key, "RSA"))
        return rsa_read(arena, key, name, ret);
    return EVP_PKEY_is_a(key, "ED25519") && EVP_PKEY_get_raw_public_key(key, public, &n) &&
           ed25519_read(arena, str_of(public, n), name, ret);
}

bool
key_material_read(struct arena *arena, struct str text, struct str name, struct key_material *ret)
{
    struct str bytes, body;

    text = str_trim(text);
    if (text.n == 0 || text.n > TEXT_BYTES_MAX)
        return false;
    if (ssh_blob(arena, text, &bytes))
        return ssh_read(arena, bytes, name, ret);
    if (!between(text, "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----", &body))
        body = text;
    return str_unbase64(arena, body, &bytes) && der_read(arena, bytes, name, ret);
}
