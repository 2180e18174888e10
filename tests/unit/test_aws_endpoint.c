#include "codec/aws_endpoint.h"

#include "harness/harness.h"

TEST(endpoint_names_are_taken_apart)
{
    static const struct {
        const char *name, *service, *prefix, *region;
        bool fips, dualstack;
    } rows[] = {
        {"ec2.us-east-1.amazonaws.com", "ec2", "", "us-east-1"},
        {"sts.amazonaws.com", "sts", "", "us-east-1"},
        {"sts.ap-southeast-2.amazonaws.com", "sts", "", "ap-southeast-2"},
        {"iam.amazonaws.com", "iam", "", "us-east-1"},
        {"iam-fips.amazonaws.com", "iam", "", "us-east-1", true},
        {"kms-fips.us-west-2.amazonaws.com", "kms", "", "us-west-2", true},
        {"fips.batch.us-east-1.amazonaws.com", "batch", "", "us-east-1", true},
        {"s3.amazonaws.com", "s3", "", "us-east-1"},
        {"my.bucket.s3.amazonaws.com", "s3", "my.bucket", "us-east-1"},
        {"my_bucket.s3.eu-west-1.amazonaws.com", "s3", "my_bucket", "eu-west-1"},
        {"b.s3.dualstack.eu-west-1.amazonaws.com", "s3", "b", "eu-west-1", false, true},
        {"s3-fips.dualstack.us-east-1.amazonaws.com", "s3", "", "us-east-1", true, true},
        {"s3-eu-west-1.amazonaws.com", "s3", "", "eu-west-1"},
        {"b.s3-eu-west-1.amazonaws.com", "s3", "b", "eu-west-1"},
        {"s3-external-1.amazonaws.com", "s3", "", "us-east-1"},
        {"b.s3-website-us-west-2.amazonaws.com", "s3-website", "b", "us-west-2"},
        {"b.s3-website.eu-central-1.amazonaws.com", "s3-website", "b", "eu-central-1"},
        {"123456789012.s3-control.us-east-1.amazonaws.com", "s3-control", "123456789012",
         "us-east-1"},
        {"streams.dynamodb.eu-west-1.amazonaws.com", "dynamodb", "streams", "eu-west-1"},
        {"api.ecr.eu-west-1.amazonaws.com", "ecr", "api", "eu-west-1"},
        {"123456789012.dkr.ecr.eu-west-1.amazonaws.com", "ecr", "123456789012.dkr", "eu-west-1"},
        {"abc123.execute-api.mx-central-1.amazonaws.com", "execute-api", "abc123", "mx-central-1"},
        {"ec2.us-east-1.api.aws", "ec2", "", "us-east-1", false, true},
        {"iam.global.api.aws", "iam", "", "us-east-1", false, true},
        {"abc.lambda-url.us-east-1.on.aws", "lambda-url", "abc", "us-east-1", false, true},
        {"queue.amazonaws.com", "sqs", "", "us-east-1"},
        {"eu-west-1.queue.amazonaws.com", "sqs", "", "eu-west-1"},
        {"global.health.amazonaws.com", "health", "global", "us-east-1"},
        {"nosuchservice.us-east-1.amazonaws.com", "nosuchservice", "", "us-east-1"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct aws_endpoint e;

        if (!aws_endpoint_parse(str_from(rows[i].name), &e))
            FAIL("%s is no endpoint", rows[i].name);
        CHECK_STR(e.service, rows[i].service);
        CHECK_STR(e.prefix, rows[i].prefix);
        CHECK_STR(e.region, rows[i].region);
        CHECK_INT(e.fips, rows[i].fips);
        CHECK_INT(e.dualstack, rows[i].dualstack);
    }
}

TEST(other_names_of_amazon_are_no_endpoints)
{
    static const char *const names[] = {
        "",
        "amazonaws.com",
        ".amazonaws.com",
        "us-east-1.amazonaws.com",
        "dualstack.us-east-1.amazonaws.com",
        "www.amazonaws.com",
        "x.sts.amazonaws.com",
        "ec2-1-2-3-4.compute-1.amazonaws.com",
        "ec2-1-2-3-4.eu-west-1.compute.amazonaws.com",
        "lb-123.eu-west-1.elb.amazonaws.com",
        "db.abc.eu-west-1.rds.amazonaws.com",
        "ec2.cn-north-1.amazonaws.com.cn",
        "ec2.cn-north-1.amazonaws.com",
        "ec2.us-gov-west-1.amazonaws.com",
        "ec2.us-iso-east-1.amazonaws.com",
        "ec2.us-east-1.amazonaws.com.example.com",
        "ec2.us-east-1.notamazonaws.com",
        "ec2..us-east-1.amazonaws.com",
        "-a.s3.us-east-1.amazonaws.com",
        "a b.s3.us-east-1.amazonaws.com",
        "EC2.us-east-1.amazonaws.com",
        "x.queue.amazonaws.com",
        "global.amazonaws.com",
        "api.aws",
        "global.api.aws",
        "us-east-1.api.aws",
        "ec2.us-east-123.amazonaws.com",
        "ec2.us-east-.amazonaws.com",
    };
    struct aws_endpoint e;

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (aws_endpoint_parse(str_from(names[i]), &e))
            FAIL("%s is an endpoint", names[i]);
    CHECK(aws_region_like(S("us-east-1")) && aws_region_like(S("ap-southeast-7")));
    CHECK(!aws_region_like(S("s -east-1")) && !aws_region_like(S("us-1")));
}
