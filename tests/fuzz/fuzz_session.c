/*
 * Session tokens: bytes that are no token are refused; bytes that are sealed as a claim are read
 * or refused, and what is read seals to a token that reads the same.
 */
#include <stdlib.h>

#include "codec/aead.h"
#include "codec/crypto.h"
#include "codec/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const uint8_t key[SESSION_KEY_BYTES] = "a key of the cloud, thirty-two b";
static const struct str access_key = S_INIT("ASIAQWERTYUIOPASDFGH");

static void
must(bool ok)
{
    if (!ok)
        abort();
}

/* The claim behind a seal that is right: only who has the key comes here, but a token of an older
 * Welkin may. */
static struct str
sealed(struct arena *a, struct str claim)
{
    uint8_t own[SHA256_LEN], *raw = arena_alloc(a, 13 + claim.n + AEAD_TAG_BYTES);

    crypto_hmac_sha256(key, sizeof(key), "seal", 4, own);
    raw[0] = 1;
    aead_seal(own, raw + 1, str_fmt(a, "\1%.*s", STR_ARG(access_key)), claim, raw + 13);
    return str_base64(a, str_of(raw, 13 + claim.n + AEAD_TAG_BYTES));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const uint8_t nonce[12];
    struct session s, again;
    struct arena a;

    arena_init(&a, 1 << 22);
    must(!session_open(&a, key, access_key, str_of(data, n), &s));
    if (n < 6000 && session_open(&a, key, access_key, sealed(&a, str_of(data, n)), &s) &&
        s.account.n == 12 && s.issued_ms <= s.expires_ms) {
        struct str token = session_seal(&a, key, nonce, &s);

        must(token.p && session_open(&a, key, access_key, token, &again));
        must(str_eq(token, session_seal(&a, key, nonce, &again)));
    }
    arena_done(&a);
    return 0;
}
