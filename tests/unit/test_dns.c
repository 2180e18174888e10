/* DNS messages, byte by byte as RFC 1035 has them. */
#include "codec/dns.h"

#include "harness/harness.h"

#define HEADER "\xbe\xef\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
#define NAME                                                                                       \
    "\x02IP\x03"                                                                                   \
    "1-2\x03"                                                                                      \
    "ec2\x08Internal"
#define QUERY                                                                                      \
    HEADER NAME "\x00"                                                                             \
                "\x00\x01\x00\x01"

static struct str
query(void)
{
    return str_dup(test_arena(), S(QUERY));
}

TEST(a_query_is_read)
{
    struct dns_query q;

    CHECK(dns_parse_query(query(), &q));
    CHECK_INT(q.id, 0xbeef);
    CHECK_INT(q.flags, 0x0100);
    CHECK_INT(q.type, DNS_A);
    CHECK_INT(q.class, 1);
    CHECK_INT(q.question_bytes, sizeof(NAME) + 4);
    CHECK_STR(str_of(q.name, q.name_n), "ip.1-2.ec2.internal");
    CHECK(q.name[q.name_n] == 0);
}

TEST(what_comes_behind_the_question_is_ignored)
{
    struct dns_query q;
    /* an OPT record, as every modern resolver sends */
    struct str with = S("\xbe\xef\x01\x20\x00\x01\x00\x00\x00\x00\x00\x01\x01x\x00\x00\x1c\x00\x01"
                        "\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00");

    CHECK(dns_parse_query(with, &q));
    CHECK_INT(q.type, DNS_AAAA);
    CHECK_INT(q.question_bytes, 7);
    uint8_t out[DNS_UDP_MAX];
    size_t n = dns_answer_none(with, &q, DNS_NOERROR, out, sizeof(out));
    CHECK_INT(n, 19);
    CHECK(memcmp(out + 6, "\0\0\0\0\0\0", 6) == 0); /* and is not counted in the answer */
}

TEST(the_root_is_a_name)
{
    struct dns_query q;

    CHECK(dns_parse_query(S(HEADER "\x00\x00\x06\x00\x01"), &q));
    CHECK_INT(q.name_n, 0);
    CHECK_INT(q.type, DNS_SOA);
}

TEST(a_query_cut_anywhere_is_refused)
{
    struct str whole = query();
    struct dns_query q;

    for (size_t n = 0; n < whole.n; n++)
        CHECK(!dns_parse_query(str_dup(test_arena(), str_cut(whole, 0, n)), &q));
    CHECK(!dns_parse_query(STR_NONE, &q));
}

TEST(what_is_no_plain_query_is_refused)
{
    static const struct {
        size_t at;
        char byte;
    } wrong[] = {
        {2, (char)0x81},                   /* an answer */
        {2, 0x28},                         /* opcode UPDATE */
        {5, 0},                            /* no question */
        {5, 2},                            /* two */
        {4, 1},          {12, (char)0xc0}, /* compressed: would point somewhere */
        {12, 0x40},      {12, 63},         /* longer than the message */
    };
    struct dns_query q;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct str s = query();

        ((char *)s.p)[wrong[i].at] = wrong[i].byte;
        if (dns_parse_query(s, &q))
            FAIL("byte %zu as %02x is accepted", wrong[i].at, (unsigned char)wrong[i].byte);
    }
}

/* A query whose name is n labels of `len` bytes. */
static struct str
long_query(size_t n, size_t len)
{
    char *p = arena_alloc(test_arena(), 12 + n * (len + 1) + 5), *w = p + 12;

    p[5] = 1;
    for (size_t i = 0; i < n; i++) {
        *w++ = (char)len;
        memset(w, 'x', len);
        w += len;
    }
    memcpy(w, "\0\0\1\0\1", 5);
    return str_of(p, (size_t)(w + 5 - p));
}

TEST(names_end_where_their_room_ends)
{
    struct dns_query q;

    CHECK(dns_parse_query(long_query(127, 1), &q)); /* 253 characters, the longest there is */
    CHECK_INT(q.name_n, 253);
    CHECK(!dns_parse_query(long_query(128, 1), &q));
    CHECK(dns_parse_query(long_query(3, 63), &q));
    CHECK(!dns_parse_query(long_query(4, 63), &q));
    CHECK(!dns_parse_query(long_query(1, 64), &q));
}

TEST(an_address_is_answered)
{
    struct str s = query();
    struct dns_query q;
    uint8_t out[DNS_UDP_MAX];

    CHECK(dns_parse_query(s, &q));
    size_t n = dns_answer_a(s, &q, 0xac1f0005, 60, out, sizeof(out));
    struct str want = S("\xbe\xef\x85\x80\x00\x01\x00\x01\x00\x00\x00\x00" NAME "\x00"
                        "\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04"
                        "\xac\x1f\x00\x05");
    CHECK(str_eq(str_of(out, n), want));
}

TEST(a_name_is_answered)
{
    struct str s = S("\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01x\x00\x00\x0c\x00\x01");
    struct dns_query q;
    uint8_t out[DNS_UDP_MAX];

    CHECK(dns_parse_query(s, &q));
    size_t n = dns_answer_ptr(s, &q, S("a.bc"), 0x01020304, out, sizeof(out));
    struct str want = S("\x00\x01\x84\x80\x00\x01\x00\x01\x00\x00\x00\x00\x01x\x00\x00\x0c\x00\x01"
                        "\xc0\x0c\x00\x0c\x00\x01\x01\x02\x03\x04\x00\x06\x01"
                        "a\x02"
                        "bc\x00");
    CHECK(str_eq(str_of(out, n), want));
    /* names that cannot be written */
    CHECK(!dns_answer_ptr(s, &q, S(""), 1, out, sizeof(out)));
    CHECK(!dns_answer_ptr(s, &q, S("a..b"), 1, out, sizeof(out)));
    CHECK(!dns_answer_ptr(s, &q, S("a."), 1, out, sizeof(out)));
    char *label = arena_alloc_raw(test_arena(), 300);
    memset(label, 'a', 300);
    CHECK(!dns_answer_ptr(s, &q, str_of(label, 64), 1, out, sizeof(out)));
    CHECK(!dns_answer_ptr(s, &q, str_of(label, 300), 1, out, sizeof(out)));
}

TEST(refusals_carry_their_code)
{
    struct str s = query();
    struct dns_query q;
    uint8_t out[DNS_UDP_MAX];

    CHECK(dns_parse_query(s, &q));
    for (int code = DNS_NOERROR; code <= DNS_REFUSED; code++) {
        CHECK_INT(dns_answer_none(s, &q, (enum dns_rcode)code, out, sizeof(out)), s.n);
        CHECK_INT(out[3] & 15, code);
        CHECK_INT(out[7], 0);
    }
}

TEST(an_answer_never_passes_its_room)
{
    struct str s = query();
    struct dns_query q;

    CHECK(dns_parse_query(s, &q));
    for (size_t max = 0; max < 80; max++) {
        uint8_t *out = arena_alloc_raw(test_arena(), max);

        CHECK_INT(dns_answer_none(s, &q, DNS_NXDOMAIN, out, max), max >= s.n ? s.n : 0);
        CHECK_INT(dns_answer_a(s, &q, 1, 1, out, max), max >= s.n + 16 ? s.n + 16 : 0);
        CHECK_INT(dns_answer_ptr(s, &q, S("a.bc"), 1, out, max), max >= s.n + 18 ? s.n + 18 : 0);
    }
}

TEST(reverse_names_are_addresses)
{
    static const char *const wrong[] = {"",
                                        "in-addr.arpa",
                                        ".in-addr.arpa",
                                        "1.2.3.in-addr.arpa",
                                        "1.2.3.4.5.in-addr.arpa",
                                        "256.1.1.1.in-addr.arpa",
                                        "01.1.1.1.in-addr.arpa",
                                        "a.1.1.1.in-addr.arpa",
                                        "5.0.31.172.in-addr.arpa.",
                                        "5.0.31.172.ip6.arpa",
                                        "5.0.31.172in-addr.arpa"};
    uint32_t ip = 9;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        CHECK(!dns_reverse_parse(str_from(wrong[i]), &ip));
    CHECK_INT(ip, 9);
    CHECK(dns_reverse_parse(S("5.0.31.172.in-addr.arpa"), &ip));
    CHECK_INT(ip, 0xac1f0005);
}
