/* What is public, by the examples of S3's Block Public Access and around them. */
#include "harness/harness.h"
#include "policy/policy.h"

#define ALLOW(principal, condition)                                                                \
    "{\"Effect\":\"Allow\",\"Principal\":" principal ",\"Action\":\"s3:GetObject\","               \
    "\"Resource\":\"arn:aws:s3:::b/*\"" condition "}"
#define WHEN(condition) ",\"Condition\":{" condition "}"
#define DENY(action, condition)                                                                    \
    "{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"" action                                \
    "\",\"Resource\":\"*\"" condition "}"

static bool
is_public(const char *statements)
{
    struct policy *policy;
    struct str why;
    const char *text = test_fmt("{\"Version\":\"2012-10-17\",\"Statement\":[%s]}", statements);
    int r = policy_parse(&policy, str_from(text), POLICY_RESOURCE, test_arena(), &why);

    if (r)
        FAIL("%s: %.*s", text, STR_ARG(why));
    bool public = policy_is_public(policy, test_arena());

    policy_free(policy);
    return public;
}

TEST(a_policy_is_public_unless_it_names_whom_it_is_for)
{
    static const struct {
        bool public;
        const char *statements;
    } cases[] = {
        {true, ALLOW("\"*\"", "")},
        {true, ALLOW("{\"AWS\":\"*\"}", "")},
        {true, ALLOW("{\"AWS\":[\"111122223333\",\"*\"]}", "")},
        {false, ALLOW("{\"AWS\":\"111122223333\"}", "")},
        {false, ALLOW("{\"Service\":\"cloudtrail.amazonaws.com\"}", "")},
        /* a key that binds, with a fixed value */
        {false, ALLOW("\"*\"", WHEN("\"StringEquals\":{\"aws:SourceVpc\":\"vpc-91237329\"}"))},
        {true, ALLOW("\"*\"", WHEN("\"StringLike\":{\"aws:SourceVpc\":\"vpc-*\"}"))},
        {true, ALLOW("\"*\"", WHEN("\"StringEquals\":{\"aws:SourceVpc\":\"${aws:SourceVpc}\"}"))},
        {true, ALLOW("\"*\"", WHEN("\"StringEqualsIfExists\":{\"aws:SourceVpc\":\"vpc-1\"}"))},
        {true, ALLOW("\"*\"", WHEN("\"StringNotEquals\":{\"aws:SourceVpc\":\"vpc-1\"}"))},
        {true,
         ALLOW("\"*\"", WHEN("\"ForAllValues:StringEquals\":{\"aws:PrincipalOrgPaths\":\"o/r\"}"))},
        {false, ALLOW("\"*\"", WHEN("\"StringEquals\":{\"aws:PrincipalOrgID\":\"o-1234567890\"}"))},
        {false, ALLOW("\"*\"", WHEN("\"ArnEquals\":{\"aws:SourceArn\":"
                                    "\"arn:aws:sns:us-east-1:111122223333:t\"}"))},
        {true, ALLOW("\"*\"", WHEN("\"ArnLike\":{\"aws:SourceArn\":\"arn:aws:sns:*:*:t\"}"))},
        /* one that does not */
        {true, ALLOW("\"*\"", WHEN("\"StringEquals\":{\"aws:Referer\":\"https://example.com/\"}"))},
        {true, ALLOW("\"*\"", WHEN("\"StringEquals\":{\"s3:x-amz-acl\":\"private\"}"))},
        {true, ALLOW("\"*\"", WHEN("\"Bool\":{\"aws:SecureTransport\":\"true\"}"))},
        /* networks */
        {false, ALLOW("\"*\"", WHEN("\"IpAddress\":{\"aws:SourceIp\":\"203.0.113.0/24\"}"))},
        {false, ALLOW("\"*\"", WHEN("\"IpAddress\":{\"aws:SourceIp\":\"10.0.0.0/8\"}"))},
        {true, ALLOW("\"*\"", WHEN("\"IpAddress\":{\"aws:SourceIp\":\"0.0.0.0/1\"}"))},
        {true, ALLOW("\"*\"", WHEN("\"IpAddress\":{\"aws:SourceIp\":[\"10.0.0.0/8\",\"::/0\"]}"))},
        {true, ALLOW("\"*\"", WHEN("\"NotIpAddress\":{\"aws:SourceIp\":\"203.0.113.0/24\"}"))},
        /* one open statement is enough */
        {true, ALLOW("{\"AWS\":\"111122223333\"}", "") "," ALLOW("\"*\"", "")},
        /* what is taken back */
        {false, DENY("s3:*", "")},
        {false, ALLOW("\"*\"", "") "," DENY("s3:*", "")},
        {false, ALLOW("\"*\"", "") "," DENY(
                    "s3:*", WHEN("\"StringNotEquals\":{\"aws:SourceVpce\":\"vpce-1\"}"))},
        {true, ALLOW("\"*\"", "") "," DENY("s3:Put*", "")},
        {true,
         ALLOW("\"*\"", "") "," DENY("s3:*", WHEN("\"Bool\":{\"aws:SecureTransport\":\"false\"}"))},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (is_public(cases[i].statements) != cases[i].public)
            FAIL("%s: not %s", cases[i].statements, cases[i].public ? "public" : "private");
}
