/*
 * Addresses by hand and not by inet_pton(): slices are not NUL-terminated, inet_aton()'s octal and
 * short forms must stay out, and the same address must always print alike, because rows are
 * compared and indexed by their text.
 */
#include "codec/ip.h"

/* A decimal of at most `digits` digits that does not pass max; no sign, no leading zero. */
static bool
decimal(struct str s, unsigned digits, unsigned max, unsigned *ret)
{
    unsigned v = 0;

    assert(digits > 0);
    if (s.n == 0 || s.n > digits || (s.n > 1 && s.p[0] == '0'))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (unsigned)(s.p[i] - '0');
    }
    if (v > max)
        return false;
    *ret = v;
    return true;
}

bool
ip4_parse(struct str s, uint32_t *ret)
{
    uint32_t ip = 0;

    assert(str_ok(s));
    for (unsigned i = 0; i < 4; i++) {
        unsigned octet;

        if (!s.p || !decimal(str_split(&s, '.'), 3, 255, &octet))
            return false;
        ip = ip << 8 | octet;
    }
    if (s.p)
        return false;
    *ret = ip;
    return true;
}

/* One group of an IPv6 text: one to four hexadecimal digits. */
static bool
ip6_group(struct str s, unsigned *ret)
{
    unsigned v = 0;

    assert(str_ok(s));
    if (s.n == 0 || s.n > 4)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        unsigned digit;

        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            digit = (unsigned)(c - 'A') + 10;
        else
            return false;
        v = v << 4 | digit;
    }
    *ret = v;
    return true;
}

/* Groups up to the end, the last of which may be an IPv4 address.  Answers how many bytes were
 * written, or -1. */
static int
ip6_groups(struct str s, uint8_t *out, unsigned room)
{
    unsigned n = 0;

    if (s.n == 0)
        return 0;
    while (s.p) {
        struct str group = str_split(&s, ':');
        unsigned v;
        uint32_t ip;

        if (!s.p && str_find_char(group, '.') != SIZE_MAX) {
            if (n + 4 > room || !ip4_parse(group, &ip))
                return -1;
            for (unsigned i = 0; i < 4; i++)
                out[n++] = (uint8_t)(ip >> (24 - 8 * i));
            break;
        }
        if (n + 2 > room || !ip6_group(group, &v))
            return -1;
        out[n++] = (uint8_t)(v >> 8);
        out[n++] = (uint8_t)v;
    }
    return (int)n;
}

bool
ip6_parse(struct str s, struct ip6 *ret)
{
    size_t gap = str_find(s, S("::"));
    struct ip6 ip = {{0}};
    uint8_t tail[16];
    int head_n, tail_n;

    if (s.n < 2 || s.n > IP6_TEXT_MAX + 6) /* 6: the last two groups written as IPv4 */
        return false;
    if (gap == SIZE_MAX) {
        if (ip6_groups(s, ip.b, sizeof(ip.b)) != sizeof(ip.b))
            return false;
        *ret = ip;
        return true;
    }
    /* "::" stands for at least one group. */
    head_n = ip6_groups(str_cut(s, 0, gap), ip.b, 14);
    if (head_n < 0 || str_find_char(str_cut(s, 0, gap), '.') != SIZE_MAX)
        return false;
    tail_n = ip6_groups(str_cut(s, gap + 2, s.n), tail, 14 - (unsigned)head_n);
    if (tail_n < 0)
        return false;
    assert(head_n + tail_n <= 14);
    memcpy(ip.b + 16 - tail_n, tail, (size_t)tail_n);
    *ret = ip;
    return true;
}

bool
ip4_block_parse(struct str s, struct ip4_block *ret)
{
    struct ip4_block block;

    assert(str_ok(s));
    if (!ip4_parse(str_split(&s, '/'), &block.ip) || !s.p || !decimal(s, 2, 32, &block.bits))
        return false;
    *ret = block;
    return true;
}

bool
ip6_block_parse(struct str s, struct ip6_block *ret)
{
    struct ip6_block block;

    assert(str_ok(s));
    if (!ip6_parse(str_split(&s, '/'), &block.ip) || !s.p || !decimal(s, 3, 128, &block.bits))
        return false;
    *ret = block;
    return true;
}

struct str
ip4_text(struct arena *a, uint32_t ip)
{
    return str_fmt(a, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

/* The longest run of two or more zero groups, the first of equals; n is 0 without one. */
static void
ip6_gap(const unsigned group[8], unsigned *ret_first, unsigned *ret_n)
{
    *ret_first = *ret_n = 0;
    for (unsigned i = 0; i < 8; i++) {
        unsigned n = 0;

        while (i + n < 8 && group[i + n] == 0)
            n++;
        if (n >= 2 && n > *ret_n) {
            *ret_first = i;
            *ret_n = n;
        }
        i += n;
    }
}

struct str
ip6_text(struct arena *a, const struct ip6 *ip)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char out[IP6_TEXT_MAX + 1];
    unsigned group[8], gap, gap_n;
    size_t n = 0;

    if (memcmp(ip->b, mapped, sizeof(mapped)) == 0)
        return str_fmt(a, "::ffff:%u.%u.%u.%u", ip->b[12], ip->b[13], ip->b[14], ip->b[15]);

    for (unsigned i = 0; i < 8; i++)
        group[i] = (unsigned)ip->b[2 * i] << 8 | ip->b[2 * i + 1];
    ip6_gap(group, &gap, &gap_n);
    for (unsigned i = 0; i < 8; i++) {
        if (gap_n && i == gap) {
            out[n++] = ':';
            if (i == 0)
                out[n++] = ':';
            i += gap_n - 1;
            continue;
        }
        for (int shift = 12; shift >= 0; shift -= 4)
            if (shift == 0 || group[i] >> shift)
                out[n++] = "0123456789abcdef"[group[i] >> shift & 15];
        if (i < 7)
            out[n++] = ':';
    }
    assert(n <= IP6_TEXT_MAX);
    return str_dup(a, str_of(out, n));
}

struct str
ip4_block_text(struct arena *a, struct ip4_block block)
{
    assert(block.bits <= 32);
    return str_fmt(a, "%u.%u.%u.%u/%u", block.ip >> 24, block.ip >> 16 & 255, block.ip >> 8 & 255,
                   block.ip & 255, block.bits);
}

struct str
ip6_block_text(struct arena *a, const struct ip6_block *block)
{
    struct str ip = ip6_text(a, &block->ip);

    assert(block->bits <= 128);
    return str_fmt(a, "%.*s/%u", STR_ARG(ip), block->bits);
}

uint32_t
ip4_mask(unsigned bits)
{
    assert(bits <= 32);
    return bits ? UINT32_MAX << (32 - bits) : 0; /* a shift by 32 is undefined */
}

struct ip4_block
ip4_block_canonical(struct ip4_block block)
{
    assert(block.bits <= 32);
    block.ip &= ip4_mask(block.bits);
    return block;
}

struct ip6_block
ip6_block_canonical(struct ip6_block block)
{
    assert(block.bits <= 128);
    for (unsigned i = 0; i < 16; i++) {
        unsigned kept = block.bits > 8 * i ? MIN(block.bits - 8 * i, 8) : 0;

        block.ip.b[i] &= (uint8_t)(0xff00 >> kept);
    }
    return block;
}

uint64_t
ip4_block_size(struct ip4_block block)
{
    assert(block.bits <= 32);
    return UINT64_C(1) << (32 - block.bits);
}

uint32_t
ip4_block_nth(struct ip4_block block, uint64_t n)
{
    assert(n < ip4_block_size(block));
    return (uint32_t)((block.ip & ip4_mask(block.bits)) + n);
}

bool
ip4_block_has(struct ip4_block block, uint32_t ip)
{
    assert(block.bits <= 32);
    return ((block.ip ^ ip) & ip4_mask(block.bits)) == 0;
}

bool
ip4_block_covers(struct ip4_block outer, struct ip4_block inner)
{
    assert(outer.bits <= 32 && inner.bits <= 32);
    return inner.bits >= outer.bits && ip4_block_has(outer, inner.ip);
}

bool
ip4_block_overlaps(struct ip4_block a, struct ip4_block b)
{
    assert(a.bits <= 32 && b.bits <= 32);
    return ip4_block_covers(a, b) || ip4_block_covers(b, a);
}
