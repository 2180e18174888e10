#include "codec/aws_names.h"

#include "codec/ip.h"
#include "harness/harness.h"

TEST(names_have_the_forms_of_ec2, "IMDS-12")
{
    struct arena *a = test_arena();
    uint32_t ip = 0xac1f0005;

    CHECK_STR(aws_private_name(a, S("us-east-1"), ip), "ip-172-31-0-5.ec2.internal");
    CHECK_STR(aws_private_name(a, S("eu-west-1"), ip), "ip-172-31-0-5.eu-west-1.compute.internal");
    CHECK_STR(aws_public_name(a, S("us-east-1"), 0xc6120005),
              "ec2-198-18-0-5.compute-1.amazonaws.com");
    CHECK_STR(aws_public_name(a, S("eu-west-1"), 0xc6120005),
              "ec2-198-18-0-5.eu-west-1.compute.amazonaws.com");
    CHECK_STR(aws_private_domain(a, S("us-east-1")), "ec2.internal");
    CHECK_STR(aws_private_domain(a, S("ap-southeast-2")), "ap-southeast-2.compute.internal");
}

TEST(every_name_that_is_made_is_read_back)
{
    static const char *const regions[] = {"us-east-1", "eu-west-1", "us-gov-west-1"};
    static const uint32_t ips[] = {0,          1,          0x0a000001, 0x7f000001,
                                   0xc6120005, 0xfffffffe, UINT32_MAX};
    struct arena *a = test_arena();

    for (size_t r = 0; r < ARRAY_LEN(regions); r++)
        for (size_t i = 0; i < ARRAY_LEN(ips); i++) {
            struct str region = str_from(regions[r]);
            uint32_t ip = ~ips[i];

            CHECK(aws_private_name_parse(aws_private_name(a, region, ips[i]), &ip));
            CHECK_INT(ip, ips[i]);
            ip = ~ips[i];
            CHECK(aws_public_name_parse(aws_public_name(a, region, ips[i]), &ip));
            CHECK_INT(ip, ips[i]);
            /* a name is of one kind only */
            CHECK(!aws_private_name_parse(aws_public_name(a, region, ips[i]), &ip));
            CHECK(!aws_public_name_parse(aws_private_name(a, region, ips[i]), &ip));
        }
}

TEST(case_does_not_count_in_names)
{
    uint32_t ip = 0;

    CHECK(aws_private_name_parse(S("IP-172-31-0-5.EC2.Internal"), &ip) && ip == 0xac1f0005);
    CHECK(aws_public_name_parse(S("Ec2-1-2-3-4.Eu-West-1.Compute.AmazonAWS.com"), &ip));
    CHECK_INT(ip, 0x01020304);
}

TEST(what_is_no_such_name_is_refused)
{
    static const char *const private[] = {
        "",
        ".",
        "ip-",
        "ip-1-2-3-4",
        "ip-1-2-3-4.",
        "ip-1-2-3-4.internal",
        "ip-1-2-3.ec2.internal",
        "ip-1-2-3-4-5.ec2.internal",
        "ip-1-2-3-256.ec2.internal",
        "ip-01-2-3-4.ec2.internal",
        "ip-1-2-3-.ec2.internal",
        "ip--1-2-3.ec2.internal",
        "ip-1.2.3.4.ec2.internal",
        "ip-1-2-3-4.ec2.internal.",
        "ip-1-2-3-4.xec2.internal",
        "ip-1-2-3-4.compute.internal",
        "ip-1-2-3-4..compute.internalx",
        "xip-1-2-3-4.ec2.internal",
        "1-2-3-4.ec2.internal",
        "ip-255-255-255-2555.ec2.internal",
        "ip-255-255-255-255-255-255-255.ec2.internal",
        "ec2.internal",
        ".ec2.internal",
        "ip-a-b-c-d.ec2.internal",
        "ip- 1-2-3-4.ec2.internal",
    };
    uint32_t ip = 77;

    for (size_t i = 0; i < ARRAY_LEN(private); i++)
        if (aws_private_name_parse(str_from(private[i]), &ip) ||
            aws_public_name_parse(str_from(private[i]), &ip))
            FAIL("%s is taken for a name", private[i]);
    CHECK(!aws_public_name_parse(S("ec2-1-2-3-4.compute.amazonaws.com"), &ip));
    CHECK(!aws_public_name_parse(S("ec2-1-2-3-4.compute-1.amazonaws.com.evil.org"), &ip));
    CHECK(!aws_private_name_parse(STR_NONE, &ip) && !aws_public_name_parse(STR_NONE, &ip));
    CHECK_INT(ip, 77); /* written on success only */
}
