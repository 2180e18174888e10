/*
 * One DNS question and its answer.
 *
 * libc's resolver is not used: in a static binary it drags in far more than this,
 * and glibc's would load NSS modules out of the image.  A records over UDP only.
 */
#include "http.h"

#include <string.h>

struct str
dns_query(struct arena *a, struct str name, uint16_t id)
{
    struct buf q = buf_new(a, 512);
    const char head[12] = {(char)(id >> 8), (char)id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    struct str rest = name, label;

    if (name.n == 0 || name.n > 253)
        return S("");
    buf_add(&q, (struct str){head, sizeof(head)});
    while (str_field(&rest, '.', &label)) {
        if (label.n == 0 || label.n > 63)
            return S("");
        buf_byte(&q, (char)label.n);
        buf_add(&q, label);
    }
    buf_add(&q, (struct str){"\0\0\1\0\1", 5});
    assert(q.n > sizeof(head) && !q.over);
    return buf_str(&q);
}

static unsigned
u16_at(struct str in, size_t at)
{
    assert(at + 2 <= in.n);
    return (unsigned)((unsigned char)in.p[at] << 8 | (unsigned char)in.p[at + 1]);
}

/* Steps over a name; a compression pointer ends it.  SIZE_MAX when it runs out. */
static size_t
skip_name(struct str in, size_t at)
{
    assert(at <= in.n);
    while (at < in.n) {
        unsigned char n = (unsigned char)in.p[at];

        if (n == 0)
            return at + 1;
        if ((n & 0xc0) == 0xc0)
            return at + 2 <= in.n ? at + 2 : SIZE_MAX;
        if (n & 0xc0)
            return SIZE_MAX;
        at += 1 + (size_t)n;
    }
    return SIZE_MAX;
}

enum dns_parsed
dns_answer(struct str in, uint16_t id, uint8_t ret_ip[4])
{
    if (in.n < 12 || u16_at(in, 0) != id || !(in.p[2] & 0x80))
        return DNS_BAD;
    if (in.p[2] & 0x02)
        return DNS_TRUNCATED;
    unsigned questions = u16_at(in, 4), answers = u16_at(in, 6);
    size_t at = 12;
    if ((in.p[3] & 0x0f) != 0)
        return DNS_NONE;
    for (; questions; questions--) {
        at = skip_name(in, at);
        if (at == SIZE_MAX || in.n - at < 4)
            return DNS_BAD;
        at += 4;
    }
    for (; answers; answers--) {
        at = skip_name(in, at);
        if (at == SIZE_MAX || in.n - at < 10)
            return DNS_BAD;
        unsigned type = u16_at(in, at), class = u16_at(in, at + 2), n = u16_at(in, at + 8);
        at += 10;
        if (n > in.n - at)
            return DNS_BAD;
        if (type == 1 && class == 1 && n == 4) {
            memcpy(ret_ip, in.p + at, 4);
            return DNS_ADDRESS;
        }
        at += n;
        assert(at <= in.n);
    }
    return DNS_NONE;
}
