/*
 * The wire form of SSH (RFC 4253: a name and two numbers, each with its length) is read and written
 * here; PEM and DER are libcrypto's.
 */
#include "iam/public_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/buf.h"
#include "codec/crypto.h"
#include "codec/ssh_wire.h"

enum { TEXT_BYTES_MAX = 16384, BITS_MAX = 16384, EXPONENT_BYTES_MAX = 8 };

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

static void
bn_free(BIGNUM **p)
{
    BN_free(*p);
}

#define PKEY __attribute__((cleanup(pkey_free))) EVP_PKEY *
#define BIO_OWN __attribute__((cleanup(bio_free))) BIO *
#define BN_OWN __attribute__((cleanup(bn_free))) BIGNUM *

/* ---- SSH ---- */

static bool
is_number(struct str s, size_t bytes_max)
{
    return s.n > 0 && s.n <= bytes_max && !(s.p[0] & 0x80);
}

/* "ssh-rsa BASE64[ COMMENT]" */
static EVP_PKEY *
read_ssh(struct arena *arena, struct str line)
{
    struct str wire, name, e, n;
    struct str type = str_split(&line, ' ');
    struct str base64 = line.p ? str_split(&line, ' ') : STR_NONE;

    if (!str_is(type, "ssh-rsa") || !base64.n || !str_unbase64(arena, base64, &wire))
        return NULL;
    if (!ssh_wire_take(&wire, &name) || !ssh_wire_take(&wire, &e) || !ssh_wire_take(&wire, &n) ||
        wire.n || !str_is(name, "ssh-rsa") || !is_number(e, EXPONENT_BYTES_MAX) ||
        !is_number(n, BITS_MAX / 8 + 1))
        return NULL;
    return ssh_wire_rsa(e, n);
}

static void
put_string(struct buf *b, const void *p, size_t n)
{
    const uint8_t length[4] = {n >> 24, n >> 16, n >> 8, n};

    assert(n <= UINT32_MAX);
    buf_add(b, length, sizeof(length));
    buf_add(b, p, n);
}

/* A positive number: a zero byte goes before a set highest bit. */
static void
put_number(struct buf *b, const BIGNUM *v)
{
    uint8_t bytes[BITS_MAX / 8 + 1] = {0};
    size_t n = (size_t)BN_num_bits(v) / 8 + 1;

    assert(!BN_is_negative(v));
    assert(n <= sizeof(bytes));
    BN_bn2binpad(v, bytes, (int)n);
    put_string(b, bytes, n);
}

/* ---- both ---- */

static bool
has_more(BIO *in)
{
    char *p;
    long n = BIO_get_mem_data(in, &p);

    return str_trim(str_of(p, (size_t)n)).n > 0;
}

static EVP_PKEY *
read_pem(struct str text)
{
    BIO_OWN in = BIO_new_mem_buf(text.p, (int)text.n);
    EVP_PKEY *key = in ? PEM_read_bio_PUBKEY(in, NULL, NULL, NULL) : NULL;

    ERR_clear_error();
    if (key && has_more(in)) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

/* What no RSA key is, and what the SSH form could not say. */
static bool
is_rsa(const BIGNUM *n, const BIGNUM *e)
{
    return BN_is_odd(n) && BN_is_odd(e) && !BN_is_negative(n) && !BN_is_negative(e) &&
           BN_num_bits(n) <= BITS_MAX && BN_num_bytes(e) < EXPONENT_BYTES_MAX;
}

static bool
write_pem(struct arena *arena, EVP_PKEY *key, struct str *ret)
{
    BIO_OWN out = BIO_new(BIO_s_mem());
    char *p;

    if (!out || PEM_write_bio_PUBKEY(out, key) != 1)
        return false;
    long n = BIO_get_mem_data(out, &p);

    *ret = str_dup(arena, str_of(p, (size_t)n));
    return n > 0;
}

static struct str
colons(struct arena *arena, const uint8_t digest[MD5_LEN])
{
    char *p = arena_alloc_raw(arena, 3 * MD5_LEN);

    for (size_t i = 0; i < MD5_LEN; i++) {
        p[3 * i] = "0123456789abcdef"[digest[i] >> 4];
        p[3 * i + 1] = "0123456789abcdef"[digest[i] & 15];
        p[3 * i + 2] = ':';
    }
    return str_of(p, 3 * MD5_LEN - 1);
}

static bool
fill(struct arena *arena, EVP_PKEY *key, struct public_key *ret)
{
    BIGNUM *n_raw = NULL, *e_raw = NULL;
    uint8_t digest[MD5_LEN];
    struct buf wire;

    if (!EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) > BITS_MAX ||
        EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n_raw) != 1)
        return false;
    BN_OWN n = n_raw;

    if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e_raw) != 1)
        return false;
    BN_OWN e = e_raw;

    if (!is_rsa(n, e) || !write_pem(arena, key, &ret->pem))
        return false;
    buf_init(&wire, TEXT_BYTES_MAX);
    put_string(&wire, "ssh-rsa", 7);
    put_number(&wire, e);
    put_number(&wire, n);
    assert(!buf_failed(&wire));
    crypto_digest(CRYPTO_MD5, wire.p, wire.n, digest);
    ret->ssh = str_cat(arena, S("ssh-rsa "), str_base64(arena, buf_str(&wire)));
    ret->fingerprint = colons(arena, digest);
    ret->bits = (unsigned)EVP_PKEY_get_bits(key);
    buf_done(&wire);
    assert(ret->bits > 0 && ret->fingerprint.n == 3 * MD5_LEN - 1);
    return true;
}

bool
public_key_read(struct arena *arena, struct str text, struct public_key *ret)
{
    text = str_trim(text);
    if (text.n == 0 || text.n > TEXT_BYTES_MAX)
        return false;
    PKEY key =
        str_starts(text, S("-----BEGIN PUBLIC KEY-----")) ? read_pem(text) : read_ssh(arena, text);

    return key && fill(arena, key, ret);
}
