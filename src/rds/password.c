/*
 * Passwords.  Neither row nor user data has one: what is kept is what the engine itself keeps, from
 * which a password can be checked and not be told: MySQL's and MariaDB's double SHA-1, PostgreSQL's
 * SCRAM-SHA-256 verifier (RFC 5803).
 */
#include "rds/rds.h"

#include "codec/crypto.h"

enum { SALT_LEN = 16, ROUNDS = 4096, PASSWORD_MIN = 8 };

static int
check(struct api_call *call, const struct rds_offer *offer, struct str password)
{
    assert(offer->password_max < 1024);
    if (!password.n)
        return RDS_INVALID(call, "Invalid master password");
    for (size_t i = 0; i < password.n; i++)
        if (password.p[i] <= ' ' || password.p[i] > '~' || strchr("/@\"", password.p[i]))
            return RDS_INVALID(call, "The parameter MasterUserPassword is not a valid password. "
                                     "Only printable ASCII characters besides '/', '@', '\"', ' ' "
                                     "may be used.");
    if (password.n < PASSWORD_MIN)
        return RDS_INVALID(call,
                           "The parameter MasterUserPassword is not a valid password because it "
                           "is shorter than %d characters.",
                           PASSWORD_MIN);
    if (password.n > offer->password_max)
        return RDS_INVALID(call,
                           "The parameter MasterUserPassword is not a valid password because it "
                           "is longer than %zu characters.",
                           offer->password_max);
    return 0;
}

/* "*" and SHA1(SHA1(password)) in upper case. */
static struct str
mysql_verifier(struct arena *a, struct str password)
{
    uint8_t once[SHA1_LEN], twice[SHA1_LEN];
    char *out = arena_alloc_raw(a, 2 * SHA1_LEN + 1);

    crypto_digest(CRYPTO_SHA1, password.p, password.n, once);
    crypto_digest(CRYPTO_SHA1, once, sizeof(once), twice);
    out[0] = '*';
    for (size_t i = 0; i < SHA1_LEN; i++) {
        out[1 + 2 * i] = "0123456789ABCDEF"[twice[i] >> 4];
        out[2 + 2 * i] = "0123456789ABCDEF"[twice[i] & 15];
    }
    return str_of(out, 2 * SHA1_LEN + 1);
}

/* PBKDF2 with one block. */
static void
stretch(struct str password, const uint8_t salt[SALT_LEN], uint8_t ret[SHA256_LEN])
{
    struct crypto_hmac h = {0};
    uint8_t first[SALT_LEN + 4] = {0}, u[SHA256_LEN];

    memcpy(first, salt, SALT_LEN);
    first[SALT_LEN + 3] = 1;
    crypto_hmac_key(&h, password.p, password.n);
    crypto_hmac(&h, first, sizeof(first), u);
    memcpy(ret, u, SHA256_LEN);
    for (unsigned i = 1; i < ROUNDS; i++) {
        crypto_hmac(&h, u, sizeof(u), u);
        for (size_t k = 0; k < SHA256_LEN; k++)
            ret[k] ^= u[k];
    }
    crypto_hmac_done(&h);
}

static struct str
scram_verifier(struct api_call *call, struct str password)
{
    uint8_t salt[SALT_LEN], salted[SHA256_LEN], key[SHA256_LEN], stored[SHA256_LEN],
        server[SHA256_LEN];
    struct arena *a = call->arena;

    assert(password.n >= PASSWORD_MIN);
    call->env->random(call->env, salt, sizeof(salt));
    stretch(password, salt, salted);
    crypto_hmac_sha256(salted, sizeof(salted), "Client Key", 10, key);
    crypto_sha256(key, sizeof(key), stored);
    crypto_hmac_sha256(salted, sizeof(salted), "Server Key", 10, server);
    struct str salt64 = str_base64(a, str_of(salt, sizeof(salt)));
    struct str stored64 = str_base64(a, str_of(stored, sizeof(stored)));
    struct str server64 = str_base64(a, str_of(server, sizeof(server)));

    return str_fmt(a, "SCRAM-SHA-256$%d:%.*s$%.*s:%.*s", ROUNDS, STR_ARG(salt64), STR_ARG(stored64),
                   STR_ARG(server64));
}

int
rds_password_set(struct api_call *call, const struct rds_offer *offer, struct str password,
                 struct str *ret)
{
    int r = check(call, offer, password);

    assert(ret && offer->password_max >= PASSWORD_MIN);
    if (r)
        return r;
    *ret = str_is(str_from(offer->engine), "postgres") ? scram_verifier(call, password)
                                                       : mysql_verifier(call->arena, password);
    return 0;
}
