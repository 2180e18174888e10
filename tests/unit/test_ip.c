#include "codec/ip.h"
#include "harness/harness.h"

TEST(ipv4_is_four_plain_decimals)
{
    static const struct {
        const char *text;
        uint32_t ip;
    } good[] = {
        {"0.0.0.0", 0},
        {"10.0.0.4", 0x0a000004},
        {"172.31.255.254", 0xac1ffffe},
        {"255.255.255.255", 0xffffffff},
    };
    static const char *const bad[] = {
        "",         "1",         "1.2.3",     "1.2.3.4.",   "1.2.3.4.5", ".1.2.3",    "1..2.3",
        "256.0.0.1", "01.2.3.4", "1.2.3.004", "1.2.3.0x4",  "+1.2.3.4",  "1.2.3.-4",  " 1.2.3.4",
        "1.2.3.4 ", "1.2.3.4/8", "0177.0.0.1", "1.2.3.9999", "a.b.c.d",
    };
    uint32_t ip;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        CHECK(ip4_parse(str_from(good[i].text), &ip));
        CHECK_INT(ip, good[i].ip);
        CHECK_STR(ip4_text(test_arena(), ip), good[i].text);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (ip4_parse(str_from(bad[i]), &ip))
            FAIL("\"%s\" is taken for an address", bad[i]);
    CHECK(!ip4_parse(STR_NONE, &ip));
}

TEST(ipv6_prints_in_one_form_only)
{
    static const struct {
        const char *text, *canonical;
    } good[] = {
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:DB8::1", "2001:db8::1"},
        {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
        {"2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"},
        {"2001:0:0:1:0:0:1:1", "2001::1:0:0:1:1"}, /* the first of two runs alike */
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* one group is no run */
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"::ffff:10.0.0.1", "::ffff:10.0.0.1"},
        {"::ffff:a00:1", "::ffff:10.0.0.1"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"fe80:0:0:0:ffff:ffff:ffff:ffff", "fe80::ffff:ffff:ffff:ffff"},
    };
    static const char *const bad[] = {
        "",      ":",       ":::",     "1",          "1:2:3:4:5:6:7",      "1:2:3:4:5:6:7:8:9",
        "1::2::3", "12345::", "g::",   ":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "1:2:3:4::5:6:7:8",
        "::1%lo", "::1/64", "::1.2.3", "1.2.3.4::",  "::1.2.3.4:5",        "1:2:3:4:5:6:7:1.2.3.4",
        "::256.1.1.1", " ::1", "::1 ",
    };
    struct ip6 ip, again;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        if (!ip6_parse(str_from(good[i].text), &ip))
            FAIL("\"%s\" is refused", good[i].text);
        CHECK_STR(ip6_text(test_arena(), &ip), good[i].canonical);
        CHECK(ip6_parse(str_from(good[i].canonical), &again));
        CHECK(memcmp(&ip, &again, sizeof(ip)) == 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (ip6_parse(str_from(bad[i]), &ip))
            FAIL("\"%s\" is taken for an address", bad[i]);
    CHECK(!ip6_parse(STR_NONE, &ip));
}

TEST(blocks_lose_the_bits_behind_their_prefix)
{
    static const struct {
        const char *text, *canonical;
    } v4[] = {
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"1.2.3.4/0", "0.0.0.0/0"},
        {"100.68.0.18/18", "100.68.0.0/18"}, /* the example of AWS's own documentation */
        {"92.68.201.91/29", "92.68.201.88/29"},
        {"10.0.0.1/32", "10.0.0.1/32"},
    };
    static const struct {
        const char *text, *canonical;
    } v6[] = {
        {"::/0", "::/0"},
        {"2001:db8::1/32", "2001:db8::/32"},
        {"2001:db8:ffff::/33", "2001:db8:8000::/33"},
        {"2001:db8::1/128", "2001:db8::1/128"},
    };
    static const char *const bad[] = {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08",
                                      "10.0.0.0/8/", "/8", "10.0.0/8", "::/0", "10.0.0.0/-1"};
    static const char *const bad6[] = {"::", "::/", "::/129", "::/064", "0.0.0.0/0", "::/1/1"};
    struct ip4_block b4;
    struct ip6_block b6;

    for (size_t i = 0; i < ARRAY_LEN(v4); i++) {
        CHECK(ip4_block_parse(str_from(v4[i].text), &b4));
        CHECK_STR(ip4_block_text(test_arena(), b4), v4[i].text);
        CHECK_STR(ip4_block_text(test_arena(), ip4_block_canonical(b4)), v4[i].canonical);
    }
    for (size_t i = 0; i < ARRAY_LEN(v6); i++) {
        CHECK(ip6_block_parse(str_from(v6[i].text), &b6));
        b6 = ip6_block_canonical(b6);
        CHECK_STR(ip6_block_text(test_arena(), &b6), v6[i].canonical);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (ip4_block_parse(str_from(bad[i]), &b4))
            FAIL("\"%s\" is taken for a block", bad[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad6); i++)
        if (ip6_block_parse(str_from(bad6[i]), &b6))
            FAIL("\"%s\" is taken for a block", bad6[i]);
}

TEST(a_block_knows_its_addresses)
{
    const struct ip4_block all = {0, 0}, net = {0xac1f0000, 16}, sub = {0xac1f1005, 20},
                           other = {0xac1f2000, 20}, one = {0xac1f1005, 32};

    CHECK_INT(ip4_block_size(all), UINT64_C(1) << 32);
    CHECK_INT(ip4_block_size(sub), 4096);
    CHECK_INT(ip4_block_size(one), 1);
    CHECK_INT(ip4_block_nth(sub, 0), 0xac1f1000);
    CHECK_INT(ip4_block_nth(sub, 4095), 0xac1f1fff);
    CHECK_INT(ip4_block_nth(all, UINT32_MAX), UINT32_MAX);
    CHECK(ip4_block_has(all, 0) && ip4_block_has(all, UINT32_MAX));
    CHECK(ip4_block_has(net, 0xac1fffff) && !ip4_block_has(net, 0xac200000));
    CHECK(ip4_block_has(one, 0xac1f1005) && !ip4_block_has(one, 0xac1f1004));
    CHECK(ip4_block_covers(net, sub) && !ip4_block_covers(sub, net));
    CHECK(ip4_block_covers(all, net) && ip4_block_covers(net, net));
    CHECK(ip4_block_overlaps(sub, net) && ip4_block_overlaps(net, sub));
    CHECK(!ip4_block_overlaps(sub, other));
    CHECK_INT(ip4_mask(0), 0);
    CHECK_INT(ip4_mask(20), 0xfffff000);
    CHECK_INT(ip4_mask(32), 0xffffffff);
}
