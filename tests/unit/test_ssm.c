/* Names and policies of parameters, and the table of public ones. */
#include "gen/data/public_parameters.h"
#include "harness/harness.h"
#include "ssm/name.h"
#include "ssm/policy.h"

static bool
parse(const char *text, struct ssm_name *ret)
{
    return ssm_name_parse(test_arena(), str_from(text), S("111122223333"), S("us-east-1"), ret);
}

TEST(a_name_is_taken_apart)
{
    struct ssm_name name;

    CHECK(parse(" /a/b:3 ", &name));
    CHECK_STR(name.path, "/a/b");
    CHECK_STR(name.selector, "3");
    CHECK(parse("b", &name));
    CHECK_STR(name.name, "b");
    CHECK_STR(name.path, "/b");
    CHECK(!name.selector.p && !name.is_arn);
    CHECK_STR(ssm_name_key(test_arena(), &name), "111122223333/us-east-1/b");
    CHECK(parse("arn:aws:ssm:eu-west-1:444455556666:parameter/a/b:prod", &name));
    CHECK(name.is_arn);
    CHECK_STR(name.account, "444455556666");
    CHECK_STR(name.region, "eu-west-1");
    CHECK_STR(name.path, "/a/b");
    CHECK_STR(name.selector, "prod");
    CHECK(!parse("/a:1:2", &name));
    CHECK(!parse("/a:", &name));
    CHECK(!parse("", &name));
    CHECK(!parse(":1", &name));
    CHECK(!parse("arn:aws:s3:::b", &name));
    CHECK(!parse("arn:aws:ssm:eu-west-1:4444:parameter/a", &name));
    CHECK(!parse("arn:aws:ssm::444455556666:parameter/a", &name));
    CHECK(!parse("arn:aws:ssm:eu_1:444455556666:parameter/a", &name));
    CHECK(!parse("arn:aws:ssm:eu-west-1:444455556666:document/a", &name));
}

TEST(paths_and_labels_are_judged)
{
    CHECK(ssm_path_is_good(S("/a/B.c-d_9")));
    CHECK(!ssm_path_is_good(S("/")));
    CHECK(!ssm_path_is_good(S("/a/")));
    CHECK(!ssm_path_is_good(S("//a")));
    CHECK(!ssm_path_is_good(S("a")));
    CHECK(!ssm_path_is_good(S("/a b")));
    CHECK_INT(ssm_path_levels(S("/a/b/c")), 3);
    CHECK(ssm_path_is_reserved(S("/AWSx")) && ssm_path_is_reserved(S("/ssm/x")));
    CHECK(!ssm_path_is_reserved(S("/a/aws")));
    CHECK(ssm_label_is_good(S("prod-1.2_x")));
    CHECK(!ssm_label_is_good(S("1prod")));
    CHECK(!ssm_label_is_good(S("AWSprod")));
    CHECK(!ssm_label_is_good(S("pr od")));
    CHECK_STR(ssm_key_parent(S("1/us-east-1/a/b")), "1/us-east-1/a");
    CHECK_STR(ssm_key_parent(S("1/us-east-1/a")), "1/us-east-1");
}

TEST(policies_say_when_they_are_due)
{
    struct ssm_policies p;
    struct str why;
    const struct str text =
        S("[{\"Type\":\"Expiration\",\"Version\":\"1.0\",\"Attributes\":{\"Timestamp\":"
          "\"1970-01-11T00:00:00.000Z\"}},{\"Type\":\"ExpirationNotification\",\"Version\":\"1.0\","
          "\"Attributes\":{\"Before\":\"2\",\"Unit\":\"Days\"}},{\"Type\":\"NoChangeNotification\","
          "\"Version\":\"1.0\",\"Attributes\":{\"After\":\"1\",\"Unit\":\"Hours\"}}]");

    CHECK_INT(ssm_policies_parse(test_arena(), text, &p, &why), SSM_POLICY_OK);
    CHECK_INT(p.n, 3);
    CHECK_INT(ssm_policy_due_ms(&p, 0, 5), 864000000);
    CHECK_INT(ssm_policy_due_ms(&p, 1, 5), 864000000 - 2 * 86400000);
    CHECK_INT(ssm_policy_due_ms(&p, 2, 5), 3600005);
    CHECK_INT(ssm_policies_due_ms(&p, 0, 5), 3600005);
    CHECK_INT(ssm_policies_due_ms(&p, 4, 5), 864000000 - 2 * 86400000);
    CHECK_INT(ssm_policies_due_ms(&p, 7, 5), 0);
    CHECK_INT(ssm_policies_parse(test_arena(), S("[]"), &p, &why), SSM_POLICY_OK);
    CHECK_INT(p.n, 0);
    CHECK_INT(ssm_policies_due_ms(&p, 0, 5), 0);
}

TEST(public_parameters_are_in_order)
{
    for (size_t i = 1; i < PUBLIC_PARAMETERS; i++)
        CHECK(strcmp(public_parameters[i - 1].name, public_parameters[i].name) < 0);
    for (size_t i = 0; i < PUBLIC_PARAMETERS; i++)
        CHECK(ssm_path_is_good(str_from(public_parameters[i].name)));
}
