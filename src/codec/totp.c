/* HOTP (RFC 4226) over the number of the step: HMAC-SHA1, four bytes of it, six decimal digits. */
#include "codec/totp.h"

#include "codec/crypto.h"

enum { BLOCK = 64, COUNTER = 8 };

static void
hmac_sha1(struct str key, const uint8_t counter[COUNTER], uint8_t ret[SHA1_LEN])
{
    uint8_t short_key[SHA1_LEN], inner[BLOCK + COUNTER], outer[BLOCK + SHA1_LEN];

    assert(str_ok(key));
    if (key.n > BLOCK) {
        crypto_digest(CRYPTO_SHA1, key.p, key.n, short_key);
        key = str_of(short_key, sizeof(short_key));
    }
    for (size_t i = 0; i < BLOCK; i++) {
        uint8_t k = i < key.n ? (uint8_t)key.p[i] : 0;

        inner[i] = k ^ 0x36;
        outer[i] = k ^ 0x5c;
    }
    memcpy(inner + BLOCK, counter, COUNTER);
    crypto_digest(CRYPTO_SHA1, inner, sizeof(inner), outer + BLOCK);
    crypto_digest(CRYPTO_SHA1, outer, sizeof(outer), ret);
}

void
totp_code(struct str key, int64_t step, char ret[TOTP_DIGITS])
{
    uint8_t counter[COUNTER], mac[SHA1_LEN];

    assert(step >= 0);
    for (size_t i = 0; i < COUNTER; i++)
        counter[i] = (uint8_t)((uint64_t)step >> (56 - 8 * i));
    hmac_sha1(key, counter, mac);
    const uint8_t *at = mac + (mac[SHA1_LEN - 1] & 15);
    uint32_t v = ((uint32_t)at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
                 at[3];

    for (int i = TOTP_DIGITS - 1; i >= 0; i--) {
        ret[i] = (char)('0' + v % 10);
        v /= 10;
    }
}

int64_t
totp_find(struct str key, int64_t first, int64_t last, struct str code, struct str next)
{
    char this_code[TOTP_DIGITS], next_code[TOTP_DIGITS];
    int64_t found = -1;

    assert(str_ok(key) && str_ok(code));
    assert(first >= 0);
    totp_code(key, first, next_code);
    for (int64_t step = first; step <= last; step++) {
        memcpy(this_code, next_code, sizeof(this_code));
        totp_code(key, step + 1, next_code);
        bool same = str_eq_consttime(str_of(this_code, sizeof(this_code)), code);

        if (next.p)
            same &= str_eq_consttime(str_of(next_code, sizeof(next_code)), next);
        if (same && found < 0)
            found = step;
    }
    return found;
}
