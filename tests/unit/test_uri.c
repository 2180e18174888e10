#include "codec/uri.h"

#include "harness/harness.h"

TEST(percent_coding_goes_there_and_back)
{
    struct arena *a = test_arena();
    struct str all = str_of(arena_alloc(a, 256), 256), back;

    for (int i = 0; i < 256; i++)
        ((char *)all.p)[i] = (char)i;
    CHECK(uri_decode(a, uri_encode(a, all, 0), 0, &back));
    CHECK(str_eq(back, all));
    CHECK_STR(uri_encode(a, S("/a b~-._\xc3\xa4+"), 0), "%2Fa%20b~-._%C3%A4%2B");
    CHECK_STR(uri_encode(a, S("/a/b"), URI_KEEP_SLASH), "/a/b");
}

TEST(decoding_refuses_what_is_malformed_unless_told_to_be_lenient)
{
    static const char *const bad[] = {"%", "%1", "a%zz", "%g0", "%0g", "%%41"};
    struct arena *a = test_arena();
    struct str s;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK(!uri_decode(a, str_from(bad[i]), 0, &s));
        CHECK(uri_decode(a, str_from(bad[i]), URI_LENIENT, &s));
    }
    CHECK(uri_decode(a, S("100%&%41+%2b"), URI_LENIENT | URI_PLUS_BLANK, &s));
    CHECK_STR(s, "100%&A +");
    CHECK(uri_decode(a, S("a+b%4a"), 0, &s));
    CHECK_STR(s, "a+bJ");
}

TEST(a_query_is_cut_into_names_and_values)
{
    struct str q = S("a=1&&b&=x&c=%3D=&"), n, v;

    CHECK(uri_query_next(&q, &n, &v));
    CHECK_STR(n, "a");
    CHECK_STR(v, "1");
    CHECK(uri_query_next(&q, &n, &v));
    CHECK_STR(n, "b");
    CHECK(!v.p);
    CHECK(uri_query_next(&q, &n, &v));
    CHECK_STR(n, "");
    CHECK_STR(v, "x");
    CHECK(uri_query_next(&q, &n, &v));
    CHECK_STR(v, "%3D=");
    CHECK(!uri_query_next(&q, &n, &v));
    CHECK_STR(uri_query_get(test_arena(), S("a=1&%62=x+y&b=z"), S("b")), "x y");
    CHECK(!uri_query_get(test_arena(), S("a=1"), S("b")).p);
    CHECK(uri_query_get(test_arena(), S("b"), S("b")).p);
    CHECK(!uri_query_get(test_arena(), STR_NONE, S("b")).p);
}

TEST(a_parameter_is_found_without_room_for_the_names_before_it)
{
    struct arena *a = test_arena();
    size_t before = a->total_bytes;

    CHECK_STR(uri_query_get(a, S("%41=1&%4=2&+=3&%62%=4&bb=5&%62=6"), S("b")), "6");
    CHECK_STR(uri_query_get(a, S("%41=1&%4=2&+=3"), S(" ")), "3");
    CHECK(!uri_query_get(a, S("%41=1&%4=2&%"), S("%4")).p);
    CHECK_INT(a->total_bytes, before);
}

TEST(paths_lose_their_dots_and_empty_segments)
{
    static const char *const rows[][2] = {
        {"", "/"},           {"/", "/"},           {"//", "/"},         {"/.", "/"},
        {"/..", "/"},        {"/../..", "/"},      {"/a", "/a"},        {"/a/", "/a/"},
        {"/a/.", "/a/"},     {"/a/..", "/"},       {"/a/b/..", "/a/"},  {"/a/b/../", "/a/"},
        {"/a/./b", "/a/b"},  {"//a//b//", "/a/b/"}, {"/a/../../b", "/b"}, {"/...", "/..."},
        {"/.a/..b", "/.a/..b"}, {"/a/../b//./c/", "/b/c/"},
        {"a/b", "/a/b"},     {"/%2e%2e/a", "/%2e%2e/a"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_STR(uri_normalize(test_arena(), str_from(rows[i][0])), rows[i][1]);
}
