/* DHCP messages, byte by byte as RFC 2131 and 2132 have them. */
#include "codec/dhcp.h"

#include "harness/harness.h"

#define OPTIONS_AT 240

static const struct dhcp_lease lease = {
    .ip = 0xac1f0005,
    .server_ip = 0xac1f0001,
    .gateway = 0xac1f0001,
    .dns = {1, {0xac1f0002}},
    .prefix = 20,
    .mtu = 9001,
    .lease_s = 3600,
    .host_name = S_INIT("ip-172-31-0-5"),
    .domain = S_INIT("ec2.internal"),
};

struct message {
    uint8_t b[600];
    size_t n;
};

static void
add_option(struct message *m, uint8_t code, const void *p, size_t n)
{
    m->b[m->n++] = code;
    m->b[m->n++] = (uint8_t)n;
    memcpy(m->b + m->n, p, n);
    m->n += n;
}

/* A client's message, without its end. */
static struct message
message_of(uint8_t type)
{
    struct message m = {.n = OPTIONS_AT};

    m.b[0] = 1;
    m.b[1] = 1;
    m.b[2] = 6;
    memcpy(m.b + 4, "\x12\x34\x56\x78", 4);
    memcpy(m.b + 28, "\x02\xab\xcd\xef\x01\x02", 6);
    memcpy(m.b + 236, "\x63\x82\x53\x63", 4);
    add_option(&m, 53, &type, 1);
    return m;
}

static bool
parse(const struct message *m, struct dhcp_request *ret)
{
    return dhcp_parse(str_of(arena_dup(test_arena(), m->b, m->n), m->n), ret);
}

/* The value of an option of a reply; fails when it is there twice. */
static struct str
option(const uint8_t *out, size_t n, uint8_t code)
{
    struct str found = STR_NONE;
    size_t i = OPTIONS_AT;

    while (i < n && out[i] != 255) {
        CHECK(i + 2 + out[i + 1] <= n);
        if (out[i] == code) {
            CHECK(!found.p);
            found = str_of(out + i + 2, out[i + 1]);
        }
        i += 2u + out[i + 1];
    }
    CHECK(i < n);
    for (i++; i < n; i++)
        CHECK(out[i] == 0);
    return found;
}

static void
check_bytes(struct str got, const void *want, size_t n)
{
    CHECK(got.p && got.n == n && memcmp(got.p, want, n) == 0);
}

TEST(a_request_is_read)
{
    struct message m = message_of(DHCP_REQUEST);
    struct dhcp_request req;

    m.b[10] = 0x80;
    memcpy(m.b + 12, "\x0a\x00\x00\x09", 4);
    m.b[m.n++] = 0; /* padding */
    add_option(&m, 12, "host", 4);
    add_option(&m, 50, "\xac\x1f\x00\x05", 4);
    add_option(&m, 54, "\xac\x1f\x00\x01", 4);
    m.b[m.n++] = 255;
    m.b[m.n++] = 50; /* behind the end nothing counts */
    CHECK(parse(&m, &req));
    CHECK_INT(req.type, DHCP_REQUEST);
    CHECK_INT(req.xid, 0x12345678);
    CHECK_INT(req.flags, 0x8000);
    CHECK_INT(req.client_ip, 0x0a000009);
    CHECK_INT(req.wanted_ip, 0xac1f0005);
    CHECK_INT(req.server_ip, 0xac1f0001);
    check_bytes(str_of(req.mac, 6), "\x02\xab\xcd\xef\x01\x02", 6);
}

TEST(options_without_an_end_are_taken_when_they_are_whole)
{
    struct message m = message_of(DHCP_DISCOVER);
    struct dhcp_request req;

    CHECK(parse(&m, &req));
    CHECK(!req.wanted_ip && !req.server_ip && !req.client_ip);
}

TEST(a_message_cut_anywhere_is_refused_or_says_less)
{
    struct message whole = message_of(DHCP_REQUEST);
    struct dhcp_request req, full;

    add_option(&whole, 50, "\xac\x1f\x00\x05", 4);
    add_option(&whole, 54, "\xac\x1f\x00\x01", 4);
    CHECK(parse(&whole, &full));
    for (size_t n = 0; n < whole.n; n++) {
        struct message cut = whole;

        cut.n = n;
        memset(&req, 0xaa, sizeof(req));
        /* 243: behind the type; 249: behind option 50 */
        CHECK_INT(parse(&cut, &req), n == 243 || n == 249);
    }
}

TEST(what_is_no_request_of_an_ethernet_client_is_refused)
{
    static const struct {
        size_t at;
        uint8_t byte;
    } wrong[] = {{0, 2}, {0, 0}, {1, 6}, {2, 16}, {2, 0}, {236, 98}, {239, 0}};
    struct dhcp_request req;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct message m = message_of(DHCP_DISCOVER);

        m.b[wrong[i].at] = wrong[i].byte;
        CHECK(!parse(&m, &req));
    }
    /* without a type, of an unknown one, and what only servers say */
    static const uint8_t types[] = {0, 9, 255, DHCP_OFFER, DHCP_ACK, DHCP_NAK};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct message m = message_of(types[i]);

        CHECK(!parse(&m, &req));
    }
    struct message none = message_of(DHCP_DISCOVER);
    none.b[OPTIONS_AT] = 255;
    CHECK(!parse(&none, &req));
}

TEST(an_option_of_the_wrong_size_is_no_option)
{
    struct message m = message_of(DHCP_REQUEST);
    struct dhcp_request req;

    add_option(&m, 50, "\xac\x1f\x00", 3);
    add_option(&m, 54, "\xac\x1f\x00\x01\x05", 5);
    CHECK(parse(&m, &req));
    CHECK(!req.wanted_ip && !req.server_ip);
}

TEST(an_offer_has_all_that_a_guest_needs)
{
    struct message m = message_of(DHCP_DISCOVER);
    struct dhcp_request req;
    uint8_t out[DHCP_REPLY_MAX];

    m.b[10] = 0x80;
    CHECK(parse(&m, &req));
    size_t n = dhcp_reply(&req, DHCP_OFFER, &lease, out);
    CHECK(n >= 300 && n <= DHCP_REPLY_MAX);
    check_bytes(str_of(out, 12), "\x02\x01\x06\x00\x12\x34\x56\x78\x00\x00\x80\x00", 12);
    check_bytes(str_of(out + 16, 4), "\xac\x1f\x00\x05", 4);
    check_bytes(str_of(out + 28, 6), "\x02\xab\xcd\xef\x01\x02", 6);
    check_bytes(str_of(out + 236, 4), "\x63\x82\x53\x63", 4);
    check_bytes(option(out, n, 53), "\x02", 1);
    check_bytes(option(out, n, 54), "\xac\x1f\x00\x01", 4);
    check_bytes(option(out, n, 1), "\xff\xff\xf0\x00", 4);
    check_bytes(option(out, n, 3), "\xac\x1f\x00\x01", 4);
    check_bytes(option(out, n, 6), "\xac\x1f\x00\x02", 4);
    check_bytes(option(out, n, 26), "\x23\x29", 2);
    check_bytes(option(out, n, 51), "\x00\x00\x0e\x10", 4);
    check_bytes(option(out, n, 58), "\x00\x00\x07\x08", 4);
    check_bytes(option(out, n, 59), "\x00\x00\x0c\x4e", 4); /* seven eighths */
    CHECK_STR(option(out, n, 12), "ip-172-31-0-5");
    CHECK_STR(option(out, n, 15), "ec2.internal");
}

TEST(a_nak_gives_nothing)
{
    struct message m = message_of(DHCP_REQUEST);
    struct dhcp_request req;
    uint8_t out[DHCP_REPLY_MAX];

    memcpy(m.b + 12, "\x0a\x00\x00\x09", 4);
    CHECK(parse(&m, &req));
    size_t n = dhcp_reply(&req, DHCP_NAK, &lease, out);
    check_bytes(option(out, n, 53), "\x06", 1);
    check_bytes(option(out, n, 54), "\xac\x1f\x00\x01", 4);
    check_bytes(str_of(out + 12, 16), "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    CHECK(!option(out, n, 51).p && !option(out, n, 1).p && !option(out, n, 3).p);
}

TEST(who_only_informs_gets_no_address_and_no_lease)
{
    struct message m = message_of(DHCP_INFORM);
    struct dhcp_request req;
    uint8_t out[DHCP_REPLY_MAX];

    memcpy(m.b + 12, "\xac\x1f\x00\x05", 4);
    CHECK(parse(&m, &req));
    size_t n = dhcp_reply(&req, DHCP_ACK, &lease, out);
    check_bytes(option(out, n, 53), "\x05", 1);
    check_bytes(str_of(out + 12, 8), "\xac\x1f\x00\x05\0\0\0\0", 8);
    CHECK(!option(out, n, 51).p && !option(out, n, 58).p && !option(out, n, 59).p);
    check_bytes(option(out, n, 6), "\xac\x1f\x00\x02", 4);
}

TEST(masks_are_right_at_both_ends)
{
    static const struct {
        unsigned prefix;
        const char *mask;
    } rows[] = {
        {0, "\0\0\0\0"}, {1, "\x80\0\0\0"}, {31, "\xff\xff\xff\xfe"}, {32, "\xff\xff\xff\xff"}};
    struct message m = message_of(DHCP_DISCOVER);
    struct dhcp_request req;
    uint8_t out[DHCP_REPLY_MAX];

    CHECK(parse(&m, &req));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dhcp_lease l = lease;

        l.prefix = rows[i].prefix;
        check_bytes(option(out, dhcp_reply(&req, DHCP_OFFER, &l, out), 1), rows[i].mask, 4);
    }
}

TEST(long_names_are_cut_and_the_reply_stays_in_its_bounds)
{
    struct message m = message_of(DHCP_DISCOVER);
    struct dhcp_request req;
    struct dhcp_lease l = lease;
    uint8_t out[DHCP_REPLY_MAX];
    char *name = arena_alloc_raw(test_arena(), 300);

    memset(name, 'a', 300);
    l.host_name = l.domain = str_of(name, 300);
    CHECK(parse(&m, &req));
    size_t n = dhcp_reply(&req, DHCP_ACK, &l, out);
    CHECK(n <= DHCP_REPLY_MAX);
    CHECK_INT(option(out, n, 12).n, 63);
    CHECK_INT(option(out, n, 15).n, 128);
    l.dns = l.ntp = l.netbios = (struct dhcp_servers){4, {1, 2, 3, 4}};
    l.netbios_type = 2;
    CHECK(dhcp_reply(&req, DHCP_ACK, &l, out) <= DHCP_REPLY_MAX); /* with all there is */
}

TEST(a_lease_has_the_servers_that_it_is_given_and_no_others)
{
    struct message m = message_of(DHCP_DISCOVER);
    struct dhcp_request req;
    struct dhcp_lease l = lease;
    uint8_t out[DHCP_REPLY_MAX];

    CHECK(parse(&m, &req));
    l.dns = (struct dhcp_servers){2, {0x0a000501, 0x0a000502}};
    l.ntp = (struct dhcp_servers){1, {0xa9fea97b}};
    l.netbios = (struct dhcp_servers){1, {0x0a000503}};
    l.netbios_type = 2;
    size_t n = dhcp_reply(&req, DHCP_OFFER, &l, out);
    check_bytes(option(out, n, 6), "\x0a\x00\x05\x01\x0a\x00\x05\x02", 8);
    check_bytes(option(out, n, 42), "\xa9\xfe\xa9\x7b", 4);
    check_bytes(option(out, n, 44), "\x0a\x00\x05\x03", 4);
    check_bytes(option(out, n, 46), "\x02", 1);
    l.dns.n = l.ntp.n = l.netbios.n = 0;
    l.netbios_type = 0;
    l.domain = S("");
    n = dhcp_reply(&req, DHCP_OFFER, &l, out);
    for (size_t i = 0; i < 5; i++) {
        static const uint8_t none[] = {6, 15, 42, 44, 46};

        CHECK(!option(out, n, none[i]).p);
    }
}
