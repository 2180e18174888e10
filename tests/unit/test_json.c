#include "codec/json.h"
#include "harness/harness.h"

static bool
parse(const char *text, struct json *ret)
{
    size_t at;

    return json_parse(test_arena(), str_from(text), 1000, ret, &at);
}

static struct str
round_trip(const char *text)
{
    struct json j;
    struct buf b;
    struct json_out o = {&b, false};

    if (!parse(text, &j))
        return S("(refused)");
    buf_init(&b, 1 << 16);
    json_value(&o, &j);
    struct str s = str_dup(test_arena(), buf_str(&b));

    buf_done(&b);
    return s;
}

TEST(json_is_read_and_written)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {" { } ", "{}"},
        {"[ ]", "[]"},
        {"[1, -0, 1.50, 2E+3, 1e400, 123456789012345678901234567890]",
         "[1,-0,1.50,2E+3,1e400,123456789012345678901234567890]"},
        {"{\"a\" : [true,false,null], \"b\":{\"c\":\"d\"}}",
         "{\"a\":[true,false,null],\"b\":{\"c\":\"d\"}}"},
        {"\"\\u0041\\n\\t\\/\\\\\\\"\"", "\"A\\n\\u0009/\\\\\\\"\""},
        {"\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
        {"\"\\u00e4\\u20ac\"", "\"\xc3\xa4\xe2\x82\xac\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        CHECK_STR(round_trip(rows[i].in), rows[i].out);
}

TEST(what_is_not_json_is_refused)
{
    static const char *const bad[] = {
        "",       " ",      "{",       "[1,]",     "{\"a\":1,}",  "{a:1}",  "01",     "1.",
        ".5",     "+1",     "1e",      "nul",      "tru e",       "\"a",    "\"\t\"", "\"\\x\"",
        "[1 2]",  "[1]]",   "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
        "\"\xff\"", "NaN",  "'a'",     "{\"a\"}",  "//",          "-",      "[",      "\"\\",
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct json j;

        if (parse(bad[i], &j))
            FAIL("accepted: %s", bad[i]);
    }
}

TEST(json_is_bounded_in_depth_and_size)
{
    char deep[400];
    struct json j;
    size_t at;

    memset(deep, '[', 200);
    memset(deep + 200, ']', 200);
    CHECK(json_parse(test_arena(), str_of(deep + 200 - JSON_DEPTH_MAX, 2 * JSON_DEPTH_MAX), 1000,
                     &j, &at));
    CHECK(!json_parse(test_arena(), str_of(deep, 400), 1000, &j, &at));
    CHECK_INT(at, JSON_DEPTH_MAX);
    CHECK(json_parse(test_arena(), S("[1,2,3]"), 4, &j, &at));
    CHECK(!json_parse(test_arena(), S("[1,2,3]"), 3, &j, &at));
}

TEST(members_are_found_by_name_and_the_last_one_counts)
{
    struct json j;
    int64_t v;
    double f;

    CHECK(parse("{\"a\":1,\"b\":\"x\",\"a\":9007199254740993,\"c\":0.5}", &j));
    CHECK(json_i64(json_get(&j, "a"), &v) && v == 9007199254740993);
    CHECK(json_f64(json_get(&j, "c"), &f) && f == 0.5);
    CHECK_STR(json_text(&j, "b"), "x");
    CHECK(json_get(&j, "d") == NULL && json_text(&j, "a").p == NULL);
    CHECK(json_get(json_get(&j, "b"), "x") == NULL);
    CHECK(!json_i64(json_get(&j, "c"), &v));
}

TEST(the_writer_puts_commas_where_they_belong)
{
    struct buf b;
    struct json_out o = {&b, false};

    buf_init(&b, 4096);
    json_open(&o, '{');
    json_key(&o, S("list"));
    json_open(&o, '[');
    json_int(&o, 1);
    json_open(&o, '{');
    json_close(&o, '}');
    json_null(&o);
    json_close(&o, ']');
    json_key(&o, S("f"));
    json_float(&o, 0.5);
    json_key(&o, S("t"));
    json_bool(&o, true);
    json_close(&o, '}');
    CHECK_STR(buf_str(&b), "{\"list\":[1,{},null],\"f\":0.5,\"t\":true}");
    buf_done(&b);
}
