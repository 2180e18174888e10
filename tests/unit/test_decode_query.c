/* The form decoder and the validator over the real descriptions of EC2, IAM and STS. */
#include "api/decode_query.h"
#include "api/validate.h"
#include "base/buf.h"
#include "gen/api/ec2.h"
#include "gen/api/iam.h"
#include "gen/api/sts.h"
#include "harness/harness.h"

struct outcome {
    void *req;
    struct api_fault fault;
    int r;
};

static struct outcome
decode(const struct api_service *s, const char *op_name, struct str form)
{
    const struct api_op *op = api_op_find(s, str_from(op_name));
    struct outcome o = {0};

    CHECK(op != NULL);
    o.req = api_new_input(s, op, test_arena());
    o.r = api_decode_query(s, &s->shapes[op->input], test_arena(), form, o.req, &o.fault);
    if (o.r == 0)
        o.r = api_validate(s, s->protocol, &s->shapes[op->input], test_arena(), o.req, &o.fault);
    return o;
}

static struct outcome
ec2(const char *op, const char *form)
{
    return decode(&ec2_service, op, str_from(form));
}

TEST(a_run_instances_request_becomes_its_struct)
{
    struct outcome o = ec2(
        "RunInstances",
        "Action=RunInstances&Version=2016-11-15&ImageId=ami-0123456789abcdef0&MinCount=1&MaxCount=3"
        "&InstanceType=t3.micro&UserData=IyEvYmluL3NoCg%3D%3D&SecurityGroupId.2=sg-b"
        "&SecurityGroupId.1=sg-a&BlockDeviceMapping.1.DeviceName=%2Fdev%2Fsda1"
        "&BlockDeviceMapping.1.Ebs.VolumeSize=20&BlockDeviceMapping.1.Ebs.DeleteOnTermination=true"
        "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Name"
        "&TagSpecification.1.Tag.1.Value=a+b&IamInstanceProfile.Name=web"
        "&MetadataOptions.HttpTokens=required&ClientToken=&DryRun=false");
    const struct ec2_RunInstancesRequest *req = o.req;

    CHECK_STR(o.fault.message, "");
    CHECK_INT(o.r, 0);
    CHECK_STR(req->image_id, "ami-0123456789abcdef0");
    CHECK(req->max_count.set && req->max_count.v == 3);
    CHECK_INT(req->security_group_ids.n, 2);
    CHECK_STR(req->security_group_ids.v[0], "sg-a");
    CHECK_STR(req->security_group_ids.v[1], "sg-b");
    CHECK_STR(req->block_device_mappings.v[0].device_name, "/dev/sda1");
    CHECK_INT(req->block_device_mappings.v[0].ebs->volume_size.v, 20);
    CHECK(req->block_device_mappings.v[0].ebs->delete_on_termination.v);
    CHECK_STR(req->tag_specifications.v[0].tags.v[0].value, "a b");
    CHECK_STR(req->iam_instance_profile->name, "web");
    CHECK_STR(req->metadata_options->http_tokens, "required");
    CHECK(req->client_token.p != NULL && req->client_token.n == 0);
    CHECK(req->dry_run.set && !req->dry_run.v);
    CHECK(req->placement == NULL && req->key_name.p == NULL && req->security_groups.v == NULL);
}

TEST(lists_may_have_gaps_and_come_in_any_order)
{
    struct outcome o = ec2("DescribeInstances", "InstanceId.300=i-c&InstanceId.9=i-a&"
                                                "InstanceId.10=i-b&Filter.7.Name=x&"
                                                "Filter.7.Value.2=q&Filter.7.Value.1=p");
    const struct ec2_DescribeInstancesRequest *req = o.req;

    CHECK_INT(o.r, 0);
    CHECK_INT(req->instance_ids.n, 3);
    CHECK_STR(req->instance_ids.v[0], "i-a");
    CHECK_STR(req->instance_ids.v[1], "i-b");
    CHECK_STR(req->instance_ids.v[2], "i-c");
    CHECK_INT(req->filters.n, 1);
    CHECK_STR(req->filters.v[0].values.v[1], "q");
}

TEST(ec2_names_what_is_wrong)
{
    static const struct {
        const char *op, *form, *code, *message;
    } bad[] = {
        {"DescribeInstances", "Colour=red", "UnknownParameter",
         "The parameter Colour is not recognized"},
        {"DescribeInstances", "InstanceId.Item.1=i-1", "UnknownParameter",
         "The parameter Item is not recognized"},
        {"DescribeInstances", "Filter.1.Key=a", "UnknownParameter",
         "The parameter Key is not recognized"},
        {"DescribeInstances", "MaxResults=many", "InvalidParameterValue",
         "Value (many) for parameter maxResults is invalid. Expecting an integer."},
        {"RunInstances", "MinCount=1&MaxCount=4294967296&ImageId=ami-1", "InvalidParameterValue",
         "Value (4294967296) for parameter maxCount is invalid. Expecting an integer of 32 bits."},
        {"RunInstances", "MinCount=1&MaxCount=1&DryRun=maybe", "InvalidParameterValue",
         "Value (maybe) for parameter dryRun is invalid. Expecting true or false."},
        {"TerminateInstances", "", "MissingParameter",
         "The request must contain the parameter InstanceId"},
        {"AllocateAddress", "Domain=moon", "InvalidParameterValue",
         "Value (moon) for parameter domain is invalid."},
        {"DescribeInstances", "MaxResults=5&MaxResults=6", "InvalidQueryParameter",
         "A parameter was given more than once: MaxResults"},
        {"DescribeInstances", "NextToken=%zz", "InvalidQueryParameter",
         "A parameter is not percent-encoded well: NextToken"},
        {"DescribeInstances", "NextToken=%ff", "InvalidQueryParameter",
         "A parameter is not UTF-8: NextToken"},
        {"DescribeInstances", "InstanceId.01=i-1", "UnknownParameter",
         "The parameter 01 is not recognized"},
        {"DescribeInstances", "InstanceId=i-1", "InvalidQueryParameter",
         "A list was expected: InstanceId"},
        {"RunInstances", "MinCount=1&MaxCount=1&Placement=x", "InvalidQueryParameter",
         "A structure was expected: Placement"},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct outcome o = ec2(bad[i].op, bad[i].form);

        CHECK_INT(o.r, 1);
        CHECK_STR(o.fault.message, bad[i].message);
        CHECK_STR(o.fault.code, bad[i].code);
        CHECK_INT(o.fault.http, 400);
        CHECK(o.fault.sender);
    }
}

TEST(query_services_collect_what_is_wrong_and_ignore_what_they_do_not_know)
{
    struct outcome o = decode(&sts_service, "GetCallerIdentity", S("Colour=red&X-Amz-Date=1"));

    CHECK_INT(o.r, 0);
    o = decode(&sts_service, "AssumeRole", S("RoleSessionName=a"));
    CHECK_STR(o.fault.code, "ValidationError");
    CHECK_STR(o.fault.message,
              "2 validation errors detected: Value null at 'roleArn' failed to satisfy constraint: "
              "Member must not be null; Value 'a' at 'roleSessionName' failed to satisfy "
              "constraint: Member must have length greater than or equal to 2");
    o = decode(&iam_service, "CreateUser", S("UserName=a%2Fb"));
    CHECK_STR(o.fault.message,
              "1 validation error detected: Value 'a/b' at 'userName' failed to satisfy "
              "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]+");
    o = decode(&iam_service, "ListUsers", S("MaxItems=1001"));
    CHECK_STR(o.fault.message, "1 validation error detected: Value '1001' at 'maxItems' failed to "
                               "satisfy constraint: Member must have value less than or equal to "
                               "1000");
    o = decode(&iam_service, "UpdateAccessKey", S("AccessKeyId=AKIA0123456789ABCDEF&Status=On"));
    CHECK(str_find(o.fault.message, S("Member must satisfy enum value set: [Active, Inactive")) !=
          SIZE_MAX);
    o = decode(&iam_service, "CreateUser",
               S("UserName=bob&Tags.member.1.Key=&"
                 "Tags.member.1.Value=x"));
    CHECK(str_find(o.fault.message, S("at 'tags.1.member.key'")) != SIZE_MAX);
}

TEST(an_empty_query_list_is_present_and_empty)
{
    struct outcome o = decode(&iam_service, "CreateUser", S("UserName=bob&Tags="));
    const struct iam_CreateUserRequest *req = o.req;

    CHECK_INT(o.r, 0);
    CHECK(req->tags.v != NULL && req->tags.n == 0);
    o = decode(&iam_service, "CreateUser", S("UserName=bob"));
    req = o.req;
    CHECK(req->tags.v == NULL);
}

TEST(a_secret_is_not_repeated_in_a_refusal)
{
    struct outcome o =
        decode(&iam_service, "CreateLoginProfile", S("UserName=bob&Password=hunter2%00"));

    CHECK_INT(o.r, 1);
    CHECK(str_find(o.fault.message, S("hunter2")) == SIZE_MAX);
    CHECK(str_find(o.fault.message, S("at 'password'")) != SIZE_MAX);
}

TEST(ten_thousand_filters_take_milliseconds)
{
    struct buf form;

    buf_init(&form, 4 << 20);
    for (int i = 9999; i > 0; i--)
        buf_add_fmt(&form, "%sFilter.%d.Name=n%d&Filter.%d.Value.1=v", i == 9999 ? "" : "&", i, i,
                    i);
    struct outcome o = decode(&ec2_service, "DescribeInstances", buf_str(&form));
    const struct ec2_DescribeInstancesRequest *req = o.req;

    CHECK_INT(o.r, 0);
    CHECK_INT(req->filters.n, 9999);
    CHECK_STR(req->filters.v[9998].name, "n9999");
    CHECK_STR(req->filters.v[0].values.v[0], "v");
    buf_done(&form);
}

TEST(hostile_forms_meet_limits)
{
    struct buf form;
    struct outcome o;

    buf_init(&form, 4 << 20);
    for (int i = 0; i < API_PAIRS_MAX + 1; i++)
        buf_add_fmt(&form, "a%d=1&", i);
    o = decode(&ec2_service, "DescribeInstances", buf_str(&form));
    CHECK_STR(o.fault.code, "InvalidQueryParameter");

    /* Many elements of a large structure: memory is bounded, not the arena's doing. */
    buf_reset(&form);
    for (int i = 0; i < API_PAIRS_MAX / 2; i++)
        buf_add_fmt(&form, "&NetworkInterface.%d.SubnetId=s&NetworkInterface.%d.Ipv6PrefixCount=1",
                    i, i);
    buf_add_fmt(&form, "&MinCount=1&MaxCount=1");
    o = decode(&ec2_service, "RunInstances", str_cut(buf_str(&form), 1, form.n));
    CHECK(o.r == 0 || str_is(o.fault.code, "InvalidQueryParameter"));
    CHECK(test_arena()->total_bytes < (size_t)64 << 20);

    /* Deep nesting of a name is only a stray name. */
    buf_reset(&form);
    for (int i = 0; i < 5000; i++)
        buf_add_fmt(&form, "a.");
    buf_add_fmt(&form, "=1");
    o = decode(&ec2_service, "DescribeInstances", buf_str(&form));
    CHECK_STR(o.fault.code, "UnknownParameter");
    buf_done(&form);
}

TEST(a_list_has_at_most_as_many_elements_as_the_description_says)
{
    struct buf form;

    buf_init(&form, 1 << 20);
    buf_add_fmt(&form, "UserName=bob");
    for (int i = 1; i <= 51; i++)
        buf_add_fmt(&form, "&Tags.member.%d.Key=k%d&Tags.member.%d.Value=v", i, i, i);
    struct outcome o = decode(&iam_service, "CreateUser", buf_str(&form));

    CHECK_STR(o.fault.message, "1 validation error detected: Value at 'tags' failed to satisfy "
                               "constraint: Member must have length less than or equal to 50");
    buf_done(&form);
}
