/*
 * The form of a token, in base64:
 *
 *   1 | nonce, 12 bytes | AES-256-GCM of the claim | tag, 16 bytes
 *
 * The claim is a run of fields in one fixed order: a number is 8 bytes, a text its length in two
 * bytes and its bytes, a list its number of texts in two bytes and the texts.  The version stands
 * before the nonce and is authenticated together with the access key id.  What seals and what
 * secret keys are made of are two keys, both derived from the cloud's: knowing many secrets tells
 * nothing of tokens.
 */
#include "codec/session.h"

#include "base/buf.h"
#include "base/list.h"
#include "codec/aead.h"
#include "codec/crypto.h"

#include <endian.h>
#include <strings.h>

enum {
    VERSION = 1,
    HEAD_BYTES = 1 + AEAD_NONCE_BYTES,
    /* base64 has four characters for three bytes */
    TOKEN_MAX = SESSION_TOKEN_MAX_BYTES / 4 * 3,
    PLAIN_MAX = TOKEN_MAX - HEAD_BYTES - AEAD_TAG_BYTES,
    ACCESS_KEY_CHARS = 20,
};

static const char base32[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* ---- keys ---- */

/*
 * AWS's key ids say whose they are: of the 80 bits, the 40 behind the first are the account's
 * number.
 */
void
session_mark_account(uint8_t random[10], struct str account)
{
    uint64_t number = 0;

    assert(account.n == 12);
    for (size_t i = 0; i < account.n; i++) {
        assert(account.p[i] >= '0' && account.p[i] <= '9');
        number = number * 10 + (uint64_t)(account.p[i] - '0');
    }
    assert(account.n == 12 && number < (uint64_t)1 << 40);
    random[0] = (uint8_t)((random[0] & 0x80) | number >> 33);
    for (int i = 1; i < 5; i++)
        random[i] = (uint8_t)(number >> (33 - 8 * i));
    random[5] = (uint8_t)((random[5] & 0x7f) | (number & 1) << 7);
}

struct str
session_key_chars(struct arena *a, const char *prefix, const uint8_t random[10])
{
    char text[16];

    for (size_t i = 0; i < sizeof(text); i++) {
        unsigned bit = (unsigned)(5 * i), at = bit / 8;
        unsigned two = (unsigned)random[at] << 8 | (at + 1 < 10 ? random[at + 1] : 0);

        text[i] = base32[two >> (11 - bit % 8) & 31];
    }
    return str_fmt(a, "%s%.16s", prefix, text);
}

struct str
session_access_key(struct arena *a, const uint8_t random[10])
{
    return session_key_chars(a, "ASIA", random);
}

struct str
session_key_account(struct arena *a, struct str access_key)
{
    uint64_t bits = 0;

    assert(str_ok(access_key));
    if (access_key.n != ACCESS_KEY_CHARS)
        return STR_NONE;
    /* ten characters: 50 bits, the account's are 2 to 41 */
    for (size_t i = 4; i < ACCESS_KEY_CHARS; i++) {
        const char *at = access_key.p[i] ? strchr(base32, access_key.p[i]) : NULL;

        if (!at)
            return STR_NONE;
        if (i < 14)
            bits = bits << 5 | (uint64_t)(at - base32);
    }
    uint64_t number = bits >> 9 & (((uint64_t)1 << 40) - 1);

    return number < 1000000000000 ? str_fmt(a, "%012llu", (unsigned long long)number) : STR_NONE;
}

static void
derive(const uint8_t key[SESSION_KEY_BYTES], const char *purpose, uint8_t ret[SHA256_LEN])
{
    crypto_hmac_sha256(key, SESSION_KEY_BYTES, purpose, strlen(purpose), ret);
}

struct str
session_secret(struct arena *a, const uint8_t key[SESSION_KEY_BYTES], struct str access_key)
{
    uint8_t own[SHA256_LEN], mac[SHA256_LEN];

    assert(access_key.n > 0);
    derive(key, "secret", own);
    crypto_hmac_sha256(own, sizeof(own), access_key.p, access_key.n, mac);
    /* 30 bytes are 40 characters */
    struct str secret = str_base64(a, str_of(mac, 30));

    explicit_bzero(own, sizeof(own));
    explicit_bzero(mac, sizeof(mac));
    assert(secret.n == 40);
    return secret;
}

/* ---- the claim ---- */

/* One walk over the fields serves writing and reading, so the two cannot differ. */
struct walk {
    struct arena *arena;
    struct buf *out; /* writing */
    struct str in;   /* reading: what is left */
    bool failed;
};

static void
number(struct walk *w, uint64_t *v, size_t bytes)
{
    uint64_t wire = htobe64(*v);

    assert(bytes <= sizeof(wire));
    if (w->out) {
        w->failed |= bytes < 8 && *v >> (8 * bytes) != 0;
        buf_add(w->out, (const char *)&wire + sizeof(wire) - bytes, bytes);
        return;
    }
    if (w->in.n < bytes) {
        w->failed = true;
        *v = 0;
        return;
    }
    wire = 0;
    memcpy((char *)&wire + sizeof(wire) - bytes, w->in.p, bytes);
    *v = be64toh(wire);
    w->in = str_cut(w->in, bytes, w->in.n);
}

static void
time_ms(struct walk *w, int64_t *ms)
{
    uint64_t v = (uint64_t)*ms;

    number(w, &v, 8);
    *ms = (int64_t)v;
}

static void
flag(struct walk *w, bool *on)
{
    uint64_t v = *on;

    number(w, &v, 1);
    w->failed |= v > 1;
    *on = v == 1;
}

static void
text(struct walk *w, struct str *s)
{
    uint64_t n = s->n;

    assert(str_ok(*s));
    number(w, &n, 2);
    if (w->out) {
        buf_add_str(w->out, *s);
        return;
    }
    if (n > w->in.n) {
        w->failed = true;
        *s = S("");
        return;
    }
    *s = str_of(w->in.p, (size_t)n);
    w->in = str_cut(w->in, (size_t)n, w->in.n);
}

static void
list(struct walk *w, struct str_list *l)
{
    uint64_t n = l->n;

    assert(l->v || l->n == 0);
    number(w, &n, 2);
    /* each text has at least its length */
    w->failed |= !w->out && n > w->in.n / 2;
    for (uint64_t i = 0; i < n && !w->failed; i++)
        text(w, w->out ? &l->v[i] : LIST_PUSH(w->arena, l));
}

static void
claim(struct walk *w, struct session *s)
{
    uint64_t kind = s->kind;

    number(w, &kind, 1);
    w->failed |= kind > SESSION_FEDERATED;
    s->kind = (enum session_kind)kind;
    text(w, &s->account);
    text(w, &s->owner_id);
    text(w, &s->name);
    time_ms(w, &s->issued_ms);
    time_ms(w, &s->expires_ms);
    list(w, &s->policies);
    list(w, &s->policy_arns);
    list(w, &s->tags);
    list(w, &s->transitive);
    text(w, &s->source_identity);
    text(w, &s->provider);
    text(w, &s->instance_arn);
    flag(w, &s->chained);
    flag(w, &s->mfa);
    time_ms(w, &s->mfa_ms);
    w->failed |= s->tags.n % 2 != 0;
}

/* ---- sealing ---- */

static struct str
bound_to(struct arena *a, struct str access_key)
{
    return str_fmt(a, "%c%.*s", VERSION, STR_ARG(access_key));
}

struct str
session_seal(struct arena *a, const uint8_t key[SESSION_KEY_BYTES], const uint8_t nonce[12],
             const struct session *session)
{
    struct buf plain;
    struct session copy = *session;
    struct walk w = {.arena = a, .out = &plain};
    struct str token = STR_NONE;
    uint8_t own[SHA256_LEN];

    assert(session->access_key.n == ACCESS_KEY_CHARS && session->account.n == 12);
    assert(session->issued_ms <= session->expires_ms);
    buf_init(&plain, PLAIN_MAX);
    claim(&w, &copy);
    if (!w.failed && !buf_failed(&plain)) {
        size_t n = HEAD_BYTES + plain.n + AEAD_TAG_BYTES;
        uint8_t *sealed = arena_alloc_raw(a, n);

        sealed[0] = VERSION;
        memcpy(sealed + 1, nonce, AEAD_NONCE_BYTES);
        derive(key, "seal", own);
        aead_seal(own, nonce, bound_to(a, session->access_key), buf_str(&plain),
                  sealed + HEAD_BYTES);
        explicit_bzero(own, sizeof(own));
        token = str_base64(a, str_of(sealed, n));
        assert(token.n <= SESSION_TOKEN_MAX_BYTES);
    }
    buf_wipe(&plain);
    buf_done(&plain);
    return token;
}

bool
session_open(struct arena *a, const uint8_t key[SESSION_KEY_BYTES], struct str access_key,
             struct str token, struct session *ret)
{
    struct session s = {.access_key = access_key};
    struct str raw;
    uint8_t own[SHA256_LEN];

    assert(str_ok(access_key) && str_ok(token));
    if (token.n > SESSION_TOKEN_MAX_BYTES || !str_unbase64(a, token, &raw) ||
        raw.n < HEAD_BYTES + AEAD_TAG_BYTES || (uint8_t)raw.p[0] != VERSION)
        return false;
    /* base64 that skips blanks, or has bits to spare, would be two tokens for one */
    if (!str_eq(str_base64(a, raw), token))
        return false;
    struct str sealed = str_cut(raw, HEAD_BYTES, raw.n);
    uint8_t *plain = arena_alloc_raw(a, sealed.n);

    derive(key, "seal", own);
    bool ok = aead_open(own, (const uint8_t *)raw.p + 1, bound_to(a, access_key), sealed, plain);

    explicit_bzero(own, sizeof(own));
    if (!ok)
        return false;
    struct walk w = {.arena = a, .in = str_of(plain, sealed.n - AEAD_TAG_BYTES)};

    claim(&w, &s);
    if (w.failed || w.in.n != 0)
        return false;
    *ret = s;
    return true;
}
