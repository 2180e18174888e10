/*
 * SHA-256 (FIPS 180-4), HMAC, and the two kinds of Authorization.
 *
 * Written out here because the guest links no libcrypto: that alone would be ten times its size.
 */
#include "sign.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t
ror(uint32_t v, unsigned n)
{
    return v >> n | v << (32 - n);
}

static void
sha256_block(uint32_t h[8], const uint8_t *p)
{
    uint32_t w[64], s[8];

    for (size_t i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
               (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (size_t i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];

        w[i] = w[i - 16] + (ror(a, 7) ^ ror(a, 18) ^ a >> 3) + w[i - 7] +
               (ror(b, 17) ^ ror(b, 19) ^ b >> 10);
    }
    memcpy(s, h, sizeof(s));
    for (size_t i = 0; i < 64; i++) {
        uint32_t e = s[4], a = s[0];
        uint32_t t1 = s[7] + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) + ((e & s[5]) ^ (~e & s[6])) +
                      rounds[i] + w[i];
        uint32_t t2 =
            (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));

        memmove(s + 1, s, 7 * sizeof(*s));
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (size_t i = 0; i < 8; i++)
        h[i] += s[i];
}

void
sha256(struct str in, uint8_t out[32])
{
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint8_t tail[128] = {0};
    const uint8_t *p = (const uint8_t *)in.p;
    size_t whole = in.n / 64 * 64, rest = in.n - whole;

    assert(rest < 64 && (in.p || !in.n));
    for (size_t i = 0; i < whole; i += 64)
        sha256_block(h, p + i);
    if (rest)
        memcpy(tail, p + whole, rest);
    tail[rest] = 0x80;
    size_t blocks = rest < 56 ? 1 : 2;
    for (size_t i = 0; i < 8; i++)
        tail[blocks * 64 - 1 - i] = (uint8_t)((uint64_t)in.n * 8 >> 8 * i);
    for (size_t i = 0; i < blocks; i++)
        sha256_block(h, tail + 64 * i);
    for (size_t i = 0; i < 32; i++)
        out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

void
hmac_sha256(struct str key, struct str in, uint8_t out[32])
{
    uint8_t block[64] = {0}, outer[64 + 32];
    char *inner = malloc(64 + in.n);

    if (!inner)
        abort();
    if (key.n > 64)
        sha256(key, block);
    else if (key.n)
        memcpy(block, key.p, key.n);
    for (size_t i = 0; i < 64; i++) {
        inner[i] = (char)(block[i] ^ 0x36);
        outer[i] = block[i] ^ 0x5c;
    }
    if (in.n)
        memcpy(inner + 64, in.p, in.n);
    sha256((struct str){inner, 64 + in.n}, outer + 64);
    sha256((struct str){(const char *)outer, sizeof(outer)}, out);
    free(inner);
}

struct str
hex_text(struct arena *a, const uint8_t *p, size_t n)
{
    struct buf b = buf_new(a, 2 * n + 1);

    for (size_t i = 0; i < n; i++) {
        buf_byte(&b, "0123456789abcdef"[p[i] >> 4]);
        buf_byte(&b, "0123456789abcdef"[p[i] & 15]);
    }
    assert(b.n == 2 * n);
    return buf_str(&b);
}

struct str
base64_encode(struct arena *a, struct str in)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct buf b = buf_new(a, in.n / 3 * 4 + 4);

    _Static_assert(sizeof(set) == 64 + 1, "six bits a letter");
    for (size_t i = 0; i < in.n; i += 3) {
        size_t n = in.n - i < 3 ? in.n - i : 3;
        uint32_t v = 0;

        for (size_t k = 0; k < 3; k++)
            v = v << 8 | (k < n ? (uint8_t)in.p[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            buf_byte(&b, k <= n ? set[v >> (18 - 6 * k) & 63] : '=');
    }
    assert(b.n == (in.n + 2) / 3 * 4);
    return buf_str(&b);
}

struct str
percent_encode(struct arena *a, struct str in)
{
    struct buf b = buf_new(a, 3 * in.n + 1);

    for (size_t i = 0; i < in.n; i++) {
        unsigned char c = (unsigned char)in.p[i];
        char low = ascii_lower((char)c);

        if ((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || (c && strchr("-_.~", c)))
            buf_byte(&b, (char)c);
        else
            buf_fmt(&b, "%%%02X", c);
    }
    assert(b.n >= in.n && b.n <= 3 * in.n);
    return buf_str(&b);
}

static int
by_name(const void *a, const void *b)
{
    return str_compare(((const struct header *)a)->name, ((const struct header *)b)->name);
}

static int
by_pair(const void *a, const void *b)
{
    const struct header *x = a, *y = b;
    int r = str_compare(x->name, y->name);

    return r ? r : str_compare(x->value, y->value);
}

/* The query's pairs in their order, which is not that of their text: "a-b=" is after "a=". */
static struct str
canonical_query(struct arena *a, struct str query)
{
    struct header *pairs = arena_alloc(a, (query.n + 1) * sizeof(*pairs));
    struct str rest = query, one;
    struct buf b = buf_new(a, 2 * query.n + 2);
    size_t n = 0;

    while (str_field(&rest, '&', &one)) {
        size_t eq = str_find(one, S("="), 0);

        if (one.n)
            pairs[n++] = (struct header){str_cut(one, 0, eq),
                                         eq == SIZE_MAX ? S("") : str_cut(one, eq + 1, one.n)};
    }
    assert(n <= query.n);
    if (n)
        qsort(pairs, n, sizeof(*pairs), by_pair);
    for (size_t i = 0; i < n; i++)
        buf_fmt(&b, "%s%.*s=%.*s", i ? "&" : "", STR_ARG(pairs[i].name), STR_ARG(pairs[i].value));
    return buf_str(&b);
}

static struct str
signed_names(struct arena *a, const struct signing *s)
{
    struct buf b = buf_new(a, 1024);

    assert(s->n_headers <= COUNT_OF(s->headers));
    for (size_t i = 0; i < s->n_headers; i++)
        buf_fmt(&b, "%s%.*s", i ? ";" : "", STR_ARG(s->headers[i].name));
    return buf_str(&b);
}

struct str
sign_v4_canonical(struct arena *a, struct signing *s)
{
    struct buf b = buf_new(a, 65536 + s->query.n * 2);
    uint8_t digest[32];

    assert(s->n_headers > 0 && s->n_headers <= COUNT_OF(s->headers));
    for (size_t i = 0; i < s->n_headers; i++)
        s->headers[i].name = str_lower(a, s->headers[i].name);
    qsort(s->headers, s->n_headers, sizeof(*s->headers), by_name);
    struct str query = canonical_query(a, s->query);
    buf_fmt(&b, "%.*s\n%.*s\n%.*s\n", STR_ARG(s->method), STR_ARG(s->path), STR_ARG(query));
    for (size_t i = 0; i < s->n_headers; i++) {
        struct str value = str_trim(s->headers[i].value);

        buf_fmt(&b, "%.*s:%.*s\n", STR_ARG(s->headers[i].name), STR_ARG(value));
    }
    struct str names = signed_names(a, s);
    sha256(s->body, digest);
    struct str hash = hex_text(a, digest, 32);
    buf_fmt(&b, "\n%.*s\n%.*s", STR_ARG(names), STR_ARG(hash));
    return buf_str(&b);
}

struct str
sign_v4(struct arena *a, struct signing *s)
{
    struct str canonical = sign_v4_canonical(a, s), day = str_cut(s->stamp, 0, 8);
    struct str steps[] = {day, s->region, s->service, S("aws4_request")};
    struct str key = arena_fmt(a, "AWS4%.*s", STR_ARG(s->who.secret_key));
    uint8_t out[32], next[32];

    assert(day.n == 8 && s->stamp.n == 16);
    sha256(canonical, out);
    struct str hash = hex_text(a, out, 32);
    struct str scope = arena_fmt(a, "%.*s/%.*s/%.*s/aws4_request", STR_ARG(day), STR_ARG(s->region),
                                 STR_ARG(s->service));
    struct str text = arena_fmt(a, "AWS4-HMAC-SHA256\n%.*s\n%.*s\n%.*s", STR_ARG(s->stamp),
                                STR_ARG(scope), STR_ARG(hash));
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        hmac_sha256(key, steps[i], next);
        memcpy(out, next, sizeof(out));
        key = (struct str){(const char *)out, sizeof(out)};
    }
    hmac_sha256(key, text, next);
    struct str signature = hex_text(a, next, 32), names = signed_names(a, s);
    return arena_fmt(a, "AWS4-HMAC-SHA256 Credential=%.*s/%.*s, SignedHeaders=%.*s, Signature=%.*s",
                     STR_ARG(s->who.access_key), STR_ARG(scope), STR_ARG(names),
                     STR_ARG(signature));
}

struct str
sign_cfn_v1(struct arena *a, struct str document, struct str signature)
{
    struct str encoded = base64_encode(a, document);
    struct buf b = buf_new(a, encoded.n + signature.n + 16);

    buf_fmt(&b, "CFN_V1 %.*s:", STR_ARG(encoded));
    for (size_t i = 0; i < signature.n; i++)
        if (signature.p[i] != '\n' && signature.p[i] != '\r')
            buf_byte(&b, signature.p[i]);
    return buf_str(&b);
}

struct str
sign_stamp(struct arena *a, int64_t unix_ms)
{
    struct str iso = date_text(a, unix_ms, DATE_ISO);
    struct buf b = buf_new(a, iso.n + 1);

    for (size_t i = 0; i < iso.n; i++)
        if (iso.p[i] != '-' && iso.p[i] != ':')
            buf_byte(&b, iso.p[i]);
    return buf_str(&b);
}
