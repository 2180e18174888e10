#include "api/pattern.h"
#include "gen/api/ec2.h"
#include "gen/api/iam.h"
#include "gen/api/sts.h"
#include "harness/harness.h"

TEST(patterns_match_whole_texts)
{
    static const struct {
        const char *pattern, *text;
        enum api_match want;
    } rows[] = {
        {"[\\w+=,.@-]+", "a_b+c@d.e-f", API_MATCH_YES},
        {"[\\w+=,.@-]+", "a/b", API_MATCH_NO},
        {"[\\w+=,.@-]+", "", API_MATCH_NO},
        {"[\\w+=,.@-]*", "", API_MATCH_YES},
        {"\\d{12}", "123456789012", API_MATCH_YES},
        {"\\d{12}", "12345678901", API_MATCH_NO},
        {"\\d{12}", "1234567890123", API_MATCH_NO},
        {"^o-[a-z0-9]{10,32}$", "o-0123456789", API_MATCH_YES},
        {"^o-[a-z0-9]{10,32}$", "o-012345678", API_MATCH_NO},
        {"((/[A-Za-z0-9\\.,\\+@=_-]+)*)/", "/a/b.c/", API_MATCH_YES},
        {"((/[A-Za-z0-9\\.,\\+@=_-]+)*)/", "/", API_MATCH_YES},
        {"((/[A-Za-z0-9\\.,\\+@=_-]+)*)/", "/a", API_MATCH_NO},
        {"(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)", "/team/", API_MATCH_YES},
        {"(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)", "team", API_MATCH_NO},
        {"[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+", "{\n\t\"a\": 1 }", API_MATCH_YES},
        {"[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+", "\xe2\x82\xac", API_MATCH_NO},
        {"[\\u0020-\\u00FF]+", "\xc3\xa4", API_MATCH_YES},
        {"[\\u0020-\\uD7FF\\uD800\\uDC00-\\uDBFF\\uDFFF]+", "a\xf0\x9f\x98\x80", API_MATCH_YES},
        {"[\\u0020-\\uD7FF\\uD800\\uDC00-\\uDBFF\\uDFFF]+", "a\x01", API_MATCH_NO},
        {"[\\uD800]+", "a", API_MATCH_UNKNOWN},
        {"[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*", "Kost\xc3\xa4nstelle 7", API_MATCH_YES},
        {"[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*", "a#b", API_MATCH_NO},
        {"v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?", "v12", API_MATCH_YES},
        {"v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?", "v12.x-y", API_MATCH_YES},
        {"v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?", "v0", API_MATCH_NO},
        {"^http(s?)://[a-zA-Z0-9._/-]*$", "https://a.b/c", API_MATCH_YES},
        {"a|b|cd", "cd", API_MATCH_YES},
        {"a|b|cd", "bc", API_MATCH_NO},
        {"[^a-c]x", "dx", API_MATCH_YES},
        {"[^a-c]x", "bx", API_MATCH_NO},
        {"a.c", "a\xe2\x82\xac" "c", API_MATCH_YES},
        {"x{0}", "", API_MATCH_YES},
        {"(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", API_MATCH_NO},
        {"a(?!b)", "a", API_MATCH_UNKNOWN},
        {"(a)\\1", "aa", API_MATCH_UNKNOWN},
        {"[a", "a", API_MATCH_UNKNOWN},
        {"(a", "a", API_MATCH_UNKNOWN},
        {"a)", "a", API_MATCH_UNKNOWN},
        {"((a{1000}){1000}){1000}", "a", API_MATCH_UNKNOWN},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (api_pattern_match(rows[i].pattern, str_from(rows[i].text)) != rows[i].want)
            FAIL("%s on %s", rows[i].pattern, rows[i].text);
}

/* Handlers have to check these two themselves; a third would go unnoticed without this test. */
TEST(all_but_one_pattern_of_the_descriptions_are_known)
{
    static const struct api_service *const services[] = {&ec2_service, &iam_service, &sts_service};
    size_t unknown = 0, n = 0;

    for (size_t i = 0; i < ARRAY_LEN(services); i++)
        for (size_t j = 0; j < services[i]->n_shapes; j++) {
            const struct api_shape *shape = &services[i]->shapes[j];
            const char *pattern =
                api_text(services[i], services[i]->limits[shape->limit].pattern);

            if (shape->kind != API_STRING || !*pattern)
                continue;
            n++;
            if (api_pattern_match(pattern, S("x")) != API_MATCH_UNKNOWN)
                continue;
            unknown++;
            CHECK(strstr(pattern, "(?") != NULL);
        }
    CHECK(n > 50);
    CHECK_INT(unknown, 1);
}
