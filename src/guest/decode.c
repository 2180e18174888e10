/*
 * The encodings that user data comes wrapped in: base64, quoted-printable, gzip,
 * and DOS line ends.
 *
 * Pure: bytes in, bytes in an arena out.  gzip is the only one that can grow its
 * input, so it takes the limit from its caller.
 */
#include "text.h"

#include <string.h>
#include <zlib.h>

static int
base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool
base64_decode(struct arena *a, struct str in, struct str *ret)
{
    char *out = arena_alloc(a, in.n / 4 * 3 + 4);
    size_t n = 0;
    unsigned bits = 0, held = 0, digits = 0, pads = 0;

    for (size_t i = 0; i < in.n; i++) {
        int d = base64_digit(in.p[i]);

        if (in.p[i] == '=') {
            pads++;
            continue;
        }
        if (d < 0)
            continue; /* as Python's b64decode: what is not of the alphabet is skipped */
        if (pads)
            break;
        held = (held << 6 | (unsigned)d) & 0xffffff;
        bits += 6;
        digits++;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (char)(held >> bits & 0xff);
        }
    }
    if (digits % 4 == 1 || (digits % 4 && pads < 4 - digits % 4))
        return false;
    assert(n <= in.n / 4 * 3 + 3);
    *ret = (struct str){out, n};
    return true;
}

static int
hex_digit(char c)
{
    c = ascii_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct str
quoted_printable_decode(struct arena *a, struct str in)
{
    char *out = arena_alloc(a, in.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < in.n; i++) {
        if (in.p[i] != '=') {
            assert(n <= i);
            out[n++] = in.p[i];
            continue;
        }
        if (i + 1 < in.n && in.p[i + 1] == '\n') {
            i += 1;
        } else if (i + 2 < in.n && in.p[i + 1] == '\r' && in.p[i + 2] == '\n') {
            i += 2;
        } else if (i + 2 < in.n && hex_digit(in.p[i + 1]) >= 0 && hex_digit(in.p[i + 2]) >= 0) {
            out[n++] = (char)(hex_digit(in.p[i + 1]) * 16 + hex_digit(in.p[i + 2]));
            i += 2;
        } else {
            out[n++] = '=';
        }
    }
    assert(n <= in.n);
    return (struct str){out, n};
}

bool
is_gzip(struct str in)
{
    return in.n >= 2 && (unsigned char)in.p[0] == 0x1f && (unsigned char)in.p[1] == 0x8b;
}

bool
gunzip(struct arena *a, struct str in, size_t max_bytes, struct str *ret)
{
    struct buf out = buf_new(a, max_bytes);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in.p, .avail_in = (uInt)in.n};
    char *chunk = arena_alloc(a, 16384);
    int r = Z_OK;

    if (in.n > UINT32_MAX || inflateInit2(&z, 15 + 16) != Z_OK)
        return false;
    while (r == Z_OK && !out.over) {
        z.next_out = (Bytef *)chunk;
        z.avail_out = 16384;
        r = inflate(&z, Z_NO_FLUSH);
        if (r == Z_OK || r == Z_STREAM_END)
            buf_add(&out, (struct str){chunk, 16384 - z.avail_out});
        /* A file may be several members one after the other, as `cat a.gz b.gz` makes. */
        if (r == Z_STREAM_END && is_gzip((struct str){(char *)z.next_in, z.avail_in}))
            r = inflateReset(&z);
    }
    inflateEnd(&z);
    assert(out.n <= max_bytes);
    if (r != Z_STREAM_END || out.over)
        return false;
    *ret = buf_str(&out);
    return true;
}

bool
is_utf8(struct str in)
{
    size_t i = 0;

    while (i < in.n) {
        unsigned char c = (unsigned char)in.p[i];
        size_t more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1
                      : (c & 0xf0) == 0xe0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : SIZE_MAX;

        if (more == SIZE_MAX || more >= in.n - i)
            return false;
        for (size_t k = 1; k <= more; k++)
            if (((unsigned char)in.p[i + k] & 0xc0) != 0x80)
                return false;
        assert(more <= 3 && i + more < in.n);
        /* Longer than need be, half of a surrogate pair, or beyond U+10FFFF. */
        unsigned char next = more ? (unsigned char)in.p[i + 1] : 0;
        if ((c == 0xe0 && next < 0xa0) || (c == 0xed && next >= 0xa0) ||
            (c == 0xf0 && next < 0x90) || (c == 0xf4 && next >= 0x90))
            return false;
        i += more + 1;
        assert(i <= in.n);
    }
    return true;
}

struct str
dos2unix(struct arena *a, struct str in)
{
    size_t first = str_find(in, S("\n"), 0);

    if (first == SIZE_MAX || first == 0 || in.p[first - 1] != '\r')
        return in;
    char *out = arena_alloc(a, in.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < in.n; i++)
        if (in.p[i] != '\r' || i + 1 == in.n || in.p[i + 1] != '\n')
            out[n++] = in.p[i];
    assert(n < in.n);
    return (struct str){out, n};
}
