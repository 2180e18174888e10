/* One-time passwords against RFC 6238, base32 against RFC 4648. */
#include "codec/base32.h"
#include "codec/totp.h"
#include "harness/harness.h"

/* The codes of appendix B have eight digits; six are their end. */
TEST(codes_are_those_of_rfc_6238)
{
    static const struct {
        int64_t seconds;
        const char *code;
    } rows[] = {
        {59, "287082"},         {1111111109, "081804"},  {1111111111, "050471"},
        {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char code[TOTP_DIGITS];

        totp_code(S("12345678901234567890"), totp_step(rows[i].seconds * 1000), code);
        CHECK_STR(str_of(code, sizeof(code)), rows[i].code);
    }
}

TEST(a_key_longer_than_a_block_is_hashed_first)
{
    char code[TOTP_DIGITS], same[TOTP_DIGITS];
    char key[100];

    memset(key, 'k', sizeof(key));
    totp_code(str_of(key, sizeof(key)), 7, code);
    totp_code(str_of(key, 64), 7, same);
    CHECK(memcmp(code, same, sizeof(code)) != 0);
    CHECK_STR(str_of(code, sizeof(code)), "361226");
}

TEST(a_pair_of_codes_is_found_where_it_is_and_only_in_its_order)
{
    struct str key = S("12345678901234567890");
    char a[TOTP_DIGITS], b[TOTP_DIGITS];
    struct str first = str_of(a, sizeof(a)), second = str_of(b, sizeof(b));

    totp_code(key, 5000, a);
    totp_code(key, 5001, b);
    CHECK_INT(totp_find(key, 4000, 6000, first, second), 5000);
    CHECK_INT(totp_find(key, 5000, 5000, first, second), 5000);
    CHECK_INT(totp_find(key, 5000, 5000, first, STR_NONE), 5000);
    CHECK_INT(totp_find(key, 5001, 6000, first, second), -1);
    CHECK_INT(totp_find(key, 4000, 4999, first, second), -1);
    CHECK_INT(totp_find(key, 4000, 6000, second, first), -1);
    CHECK_INT(totp_find(key, 4000, 6000, first, first), -1);
}

TEST(base32_is_that_of_rfc_4648_without_padding)
{
    static const char *const rows[][2] = {
        {"", ""},           {"f", "MY"},         {"fo", "MZXQ"},         {"foo", "MZXW6"},
        {"foob", "MZXW6YQ"}, {"fooba", "MZXW6YTB"}, {"foobar", "MZXW6YTBOI"},
    };
    static const char *const bad[] = {"A", "MZ=", "mzxw6", "MZXW1", "MZ",
                                      "MZXR", "AAA", "MZXW6YTBO"};
    struct str bytes;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_STR(base32_encode(test_arena(), str_from(rows[i][0])), rows[i][1]);
        CHECK(base32_decode(test_arena(), str_from(rows[i][1]), &bytes));
        CHECK_STR(bytes, rows[i][0]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (base32_decode(test_arena(), str_from(bad[i]), &bytes))
            FAIL("%s is taken", bad[i]);
}
