#include "codec/ini.h"

#include "harness/harness.h"

static const struct ini_pair pairs[] = {
    {S_INIT("region"), S_INIT("eu-west-1")},
    {S_INIT("endpoint_url"), S_INIT("http://127.0.0.1:4566")},
    {S_INIT("role_arn"), {NULL, 0}},
};

static struct str
set(const char *text, const char *section, bool clear)
{
    return ini_set(test_arena(), str_from(text), str_from(section), pairs, ARRAY_LEN(pairs), clear);
}

#define OURS "region = eu-west-1\nendpoint_url = http://127.0.0.1:4566\n"

TEST(a_section_is_added_at_the_end)
{
    CHECK_STR(set("", "profile a", false), "[profile a]\n" OURS);
    CHECK_STR(set("[default]\nregion=x", "profile a", false),
              "[default]\nregion=x\n\n[profile a]\n" OURS);
    CHECK_STR(set("# c\r\n[b]\r\n", "a", false), "# c\r\n[b]\r\n\r\n[a]\r\nregion = eu-west-1\r\n"
                                                 "endpoint_url = http://127.0.0.1:4566\r\n");
}

TEST(everything_else_stays_as_it_is)
{
    static const char before[] = "; mine\n[default]\nregion = us-east-1 # not a comment\n\n"
                                 "[profile a] # mine\n# the region\nRegion: us-west-2\n"
                                 "s3 =\n    max_concurrent_requests = 20\n    region = x\n"
                                 "odd line\nrole_arn = arn:x\n  more of it\nregion = twice\n"
                                 "output = json\n# before b\n\n[profile b]\nregion=us-west-1\n";
    static const char after[] = "; mine\n[default]\nregion = us-east-1 # not a comment\n\n"
                                "[profile a] # mine\n# the region\nregion = eu-west-1\n"
                                "s3 =\n    max_concurrent_requests = 20\n    region = x\n"
                                "odd line\noutput = json\n"
                                "endpoint_url = http://127.0.0.1:4566\n"
                                "# before b\n\n[profile b]\nregion=us-west-1\n";

    CHECK_STR(set(before, "profile a", false), after);
    CHECK_STR(set(after, "profile a", false), after);
    CHECK_STR(set("[profile a]", "profile a", false), "[profile a]\n" OURS);
    CHECK_STR(set("[profile a]\n[b]\n", "profile a", false), "[profile a]\n" OURS "[b]\n");
}

TEST(a_section_that_is_replaced_keeps_its_comments_only)
{
    CHECK_STR(set("[a]\n# c\nsso_session = x\ns3 =\n  y = z\nregion = q\n\n[b]\nsso_session = x\n",
                  "a", true),
              "[a]\n# c\nregion = eu-west-1\nendpoint_url = http://127.0.0.1:4566\n\n"
              "[b]\nsso_session = x\n");
}

TEST(sections_and_keys_are_found_as_the_aws_cli_finds_them)
{
    struct str text = S("[ profile  \"a b\" ]\nKey : v = w\n nested = 1\nempty =\n[a]\nkey=2\n");

    CHECK(ini_has_section(text, S("profile 'a b'")) && ini_has_section(text, S("a")));
    CHECK(!ini_has_section(text, S("profile a")) && !ini_has_section(text, S("b")));
    CHECK_STR(ini_get(text, S("profile \"a b\""), S("key")), "v = w");
    CHECK_STR(ini_get(text, S("a"), S("KEY")), "2");
    CHECK(!ini_get(text, S("profile \"a b\""), S("nested")).p);
    CHECK(ini_get(text, S("profile \"a b\""), S("empty")).p != NULL);
    CHECK(!ini_get(text, S("c"), S("key")).p);
}
