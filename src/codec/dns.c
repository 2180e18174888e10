/*
 * Only what is asked with one question and without compression is read (a query has nothing to
 * compress), so that no pointer can loop.
 */
#include "codec/dns.h"

#include "codec/ip.h"

#define HEADER_BYTES 12

static uint16_t
get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint8_t *
put16(uint8_t *w, unsigned v)
{
    assert(v <= 0xffff);
    *w++ = (uint8_t)(v >> 8);
    *w++ = (uint8_t)v;
    return w;
}

/* The name at p in lower case; *i moves behind it. */
static bool
get_name(const uint8_t *p, size_t n, size_t *i, struct dns_query *q)
{
    assert(*i <= n);
    for (;;) {
        if (*i >= n)
            return false;
        size_t len = p[(*i)++];
        if (len == 0)
            return true;
        size_t dot = q->name_n ? 1 : 0;
        if (len > 63 || *i + len > n || q->name_n + dot + len > DNS_NAME_MAX)
            return false;
        if (dot)
            q->name[q->name_n++] = '.';
        for (size_t k = 0; k < len; k++) {
            char c = (char)p[(*i)++];

            q->name[q->name_n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
        }
    }
}

bool
dns_parse_query(struct str bytes, struct dns_query *ret)
{
    const uint8_t *p = (const uint8_t *)bytes.p;
    struct dns_query q = {0};
    size_t i = HEADER_BYTES;

    assert(str_ok(bytes));
    /* a query, of opcode 0, with one question */
    if (bytes.n < HEADER_BYTES || (p[2] & 0xf8) != 0 || get16(p + 4) != 1)
        return false;
    q.id = get16(p);
    q.flags = get16(p + 2);
    if (!get_name(p, bytes.n, &i, &q) || i + 4 > bytes.n)
        return false;
    q.type = get16(p + i);
    q.class = get16(p + i + 2);
    q.question_bytes = i + 4 - HEADER_BYTES;
    assert(q.name_n <= DNS_NAME_MAX);
    *ret = q;
    return true;
}

/* Header and question of the answer; answers where its records go, NULL when there is no room. */
static uint8_t *
begin(struct str bytes, const struct dns_query *q, enum dns_rcode rcode, unsigned n_answers,
      uint8_t *out, size_t max)
{
    size_t n = HEADER_BYTES + q->question_bytes;

    assert(q->question_bytes > 0 && rcode <= DNS_REFUSED);
    if (n > max || n > bytes.n)
        return NULL;
    memcpy(out, bytes.p, n);
    /* answer, authoritative, recursion as desired and available */
    put16(out + 2, 0x8480u | (q->flags & 0x0100u) | (unsigned)rcode);
    put16(out + 6, n_answers);
    put16(out + 8, 0);
    put16(out + 10, 0);
    return out + n;
}

/* The fixed part of a record that is about the question's name. */
static uint8_t *
put_record(uint8_t *w, enum dns_type type, uint32_t ttl_s, size_t data_n)
{
    assert(data_n <= 0xffff);
    w = put16(w, 0xc000 | HEADER_BYTES);
    w = put16(w, type);
    w = put16(w, 1);
    w = put16(w, ttl_s >> 16);
    w = put16(w, ttl_s & 0xffff);
    return put16(w, (unsigned)data_n);
}

size_t
dns_answer_a(struct str bytes, const struct dns_query *q, uint32_t ip, uint32_t ttl_s,
             uint8_t *out, size_t max)
{
    return dns_answer_as(bytes, q, &ip, 1, ttl_s, out, max);
}

size_t
dns_answer_as(struct str bytes, const struct dns_query *q, const uint32_t *ips, size_t n,
              uint32_t ttl_s, uint8_t *out, size_t max)
{
    uint8_t *w = begin(bytes, q, DNS_NOERROR, (unsigned)n, out, max);

    assert(n > 0 && n <= DNS_ADDRESSES_MAX);
    if (!w || (size_t)(out + max - w) < 16 * n)
        return 0;
    for (size_t i = 0; i < n; i++) {
        w = put_record(w, DNS_A, ttl_s, 4);
        w = put16(put16(w, ips[i] >> 16), ips[i] & 0xffff);
    }
    return (size_t)(w - out);
}

size_t
dns_answer_ptr(struct str bytes, const struct dns_query *q, struct str name, uint32_t ttl_s,
               uint8_t *out, size_t max)
{
    uint8_t *w = begin(bytes, q, DNS_NOERROR, 1, out, max);
    struct str rest = name;

    assert(str_ok(name));
    if (!w || name.n > DNS_NAME_MAX || (size_t)(out + max - w) < 12 + name.n + 2)
        return 0;
    w = put_record(w, DNS_PTR, ttl_s, name.n + 2);
    while (rest.p) {
        struct str label = str_split(&rest, '.');

        if (!label.n || label.n > 63)
            return 0;
        *w++ = (uint8_t)label.n;
        memcpy(w, label.p, label.n);
        w += label.n;
    }
    *w++ = 0;
    return (size_t)(w - out);
}

size_t
dns_answer_none(struct str bytes, const struct dns_query *q, enum dns_rcode rcode, uint8_t *out,
                size_t max)
{
    uint8_t *w = begin(bytes, q, rcode, 0, out, max);

    return w ? (size_t)(w - out) : 0;
}

bool
dns_reverse_parse(struct str name, uint32_t *ret_ip)
{
    static const struct str suffix = S_INIT(".in-addr.arpa");
    uint32_t reversed;

    assert(str_ok(name));
    if (!str_ends(name, suffix) ||
        !ip4_parse(str_cut(name, 0, name.n - suffix.n), &reversed))
        return false;
    *ret_ip = __builtin_bswap32(reversed);
    return true;
}
