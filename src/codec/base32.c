/* Five bits a character, the first one highest. */
#include "codec/base32.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

struct str
base32_encode(struct arena *a, struct str bytes)
{
    char *p = arena_alloc_raw(a, (bytes.n * 8 + 4) / 5 + 1), *w = p;
    unsigned bits = 0, have = 0;

    assert(str_ok(bytes));
    for (size_t i = 0; i < bytes.n; i++) {
        bits = bits << 8 | (unsigned char)bytes.p[i];
        for (have += 8; have >= 5; have -= 5)
            *w++ = alphabet[bits >> (have - 5) & 31];
        bits &= (1u << have) - 1;
    }
    if (have)
        *w++ = alphabet[bits << (5 - have) & 31];
    return str_of(p, (size_t)(w - p));
}

bool
base32_decode(struct arena *a, struct str text, struct str *ret)
{
    char *p = arena_alloc_raw(a, text.n * 5 / 8 + 1), *w = p;
    unsigned bits = 0, have = 0;

    assert(str_ok(text));
    for (size_t i = 0; i < text.n; i++) {
        const char *at = memchr(alphabet, text.p[i], 32);

        if (!at)
            return false;
        bits = bits << 5 | (unsigned)(at - alphabet);
        have += 5;
        if (have >= 8) {
            have -= 8;
            *w++ = (char)(bits >> have);
            bits &= (1u << have) - 1;
        }
    }
    if (have >= 5 || bits)
        return false;
    *ret = str_of(p, (size_t)(w - p));
    return true;
}
