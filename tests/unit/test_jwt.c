/* Tokens of identity providers: what was signed is believed, and nothing else is. */
#include "codec/jwt.h"
#include "harness/harness.h"
#include "harness/jwt_vectors.h"

static enum jwt_error
check(struct str token, const char *keys)
{
    struct jwt jwt;
    enum jwt_error error = jwt_parse(test_arena(), token, &jwt);

    return error ? error : jwt_verify(test_arena(), &jwt, str_from(keys));
}

TEST(tokens_of_both_algorithms_are_checked)
{
    static const struct {
        const char *token, *keys;
        enum jwt_error error;
    } rows[] = {
        {JWT_RS256, JWT_KEYS, JWT_OK},
        {JWT_ES256, JWT_KEYS, JWT_OK},
        {JWT_NO_KID, JWT_KEYS, JWT_OK},
        {JWT_NONE, JWT_KEYS, JWT_ALGORITHM},
        {JWT_OTHER_KID, JWT_KEYS, JWT_NO_KEY},
        /* an EC signature under the name of the RSA key */
        {JWT_CROSSED, JWT_KEYS, JWT_NO_KEY},
        {JWT_ES256, "{\"keys\":[]}", JWT_NO_KEY},
        {JWT_ES256, "{\"keys\":{}}", JWT_NO_KEY},
        {JWT_ES256, "[]", JWT_NO_KEY},
        {JWT_ES256, "", JWT_NO_KEY},
        {"", JWT_KEYS, JWT_MALFORMED},
        {"a.b", JWT_KEYS, JWT_MALFORMED},
        {"a.b.c.d", JWT_KEYS, JWT_MALFORMED},
        {"e30.e30.", JWT_KEYS, JWT_ALGORITHM},
        {"W10.W10.", JWT_KEYS, JWT_MALFORMED},
        {"e30=.e30.", JWT_KEYS, JWT_MALFORMED},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (check(str_from(rows[i].token), rows[i].keys) != rows[i].error)
            FAIL("row %zu: %d", i, check(str_from(rows[i].token), rows[i].keys));
}

/* The last character of a part may hold bits that mean nothing; all others count. */
TEST(a_token_with_any_byte_changed_is_refused)
{
    static const char *const tokens[] = {JWT_RS256, JWT_ES256};

    for (size_t t = 0; t < ARRAY_LEN(tokens); t++) {
        char *copy = str_cstr(test_arena(), str_from(tokens[t]));
        size_t n = strlen(copy);

        for (size_t i = 0; i + 1 < n; i++) {
            char was = copy[i];

            copy[i] = was == 'A' ? 'B' : 'A';
            if (check(str_of(copy, n), JWT_KEYS) == JWT_OK)
                FAIL("byte %zu of %s", i, tokens[t]);
            copy[i] = was;
        }
        CHECK_INT(check(str_of(copy, n), JWT_KEYS), JWT_OK);
    }
}
