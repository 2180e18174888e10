/* The Resource Groups Tagging API: tags of several services in one place. */
#include "harness/world.h"

#define TAGGING "resourcegroupstaggingapi"
#define ARN(rest) "arn:aws:ec2:us-east-1:000000000000:" rest

static struct str
ask(struct world *w, const char *operation, const char *json)
{
    return world_json_ok(w, TAGGING, operation, json);
}

/* A security group with the tags; answers its ARN. */
static const char *
group(struct world *w, const char *name, const char *tags)
{
    struct str xml = world_okf(w,
                               "Action=CreateSecurityGroup&GroupName=%s&GroupDescription=d"
                               "&TagSpecification.1.ResourceType=security-group%s",
                               name, tags);

    return str_cstr(&w->arena,
                    str_fmt(&w->arena, "arn:aws:ec2:%.*s:%.*s:security-group/%s",
                            STR_ARG(w->region), STR_ARG(w->account), xml_cstr(xml, "groupId")));
}

#define TAG(n, k, v)                                                                               \
    "&TagSpecification.1.Tag." #n ".Key=" k "&TagSpecification.1.Tag." #n ".Value=" v

/* What GetResources says of one thing: its tag K, or NULL. */
static const char *
tag_of(struct world *w, const char *arn, const char *key)
{
    struct str json =
        world_json_okf(w, TAGGING, "GetResources", "{'ResourceARNList': ['%s']}", arn);

    for (size_t i = 0; i < json_count(json, "ResourceTagMappingList.0.Tags"); i++) {
        const char *at =
            str_cstr(&w->arena, str_fmt(&w->arena, "ResourceTagMappingList.0.Tags.%zu.Key", i));

        if (str_is(json_path(json, at), key))
            return json_cstr(
                json, str_cstr(&w->arena,
                               str_fmt(&w->arena, "ResourceTagMappingList.0.Tags.%zu.Value", i)));
    }
    return NULL;
}

static size_t
found(struct world *w, const char *filters)
{
    return json_count(world_json_ok(w, TAGGING, "GetResources", filters), "ResourceTagMappingList");
}

/* What a stack made has tags of the system, which stay and are nobody's to set. */
TEST(what_a_stack_made_is_tagged_beside_the_tags_of_the_system)
{
    static const char *const template =
        "Resources:\n"
        "  Key: {Type: 'AWS::KMS::Key', Properties: {Description: k}}\n"
        "  Parameter: {Type: 'AWS::SSM::Parameter', Properties: {Name: p, Type: String, "
        "Value: v}}\n"
        "Outputs: {Key: {Value: !Ref Key}}\n";
    struct world *w = world_new();

    world_okf(w, "Action=CreateStack&StackName=s&TemplateBody=%s",
              test_cstr(world_code(w, str_from(template))));
    world_advance(w, 60000);
    struct str stack = world_ok(w, "Action=DescribeStacks&StackName=s");
    CHECK_STR(xml_text(stack, "StackStatus"), "CREATE_COMPLETE");
    const char *key = test_cstr(xml_text(stack, "OutputValue"));
    size_t n = json_count(
        world_json_okf(w, "kms", "ListResourceTags", "{'KeyId': '%s'}", key), "Tags");
    world_json_okf(w, "kms", "TagResource",
                   "{'KeyId': '%s', 'Tags': [{'TagKey': 'a', 'TagValue': 'b'}]}", key);
    CHECK_INT(json_count(world_json_okf(w, "kms", "ListResourceTags", "{'KeyId': '%s'}", key),
                         "Tags"),
              n + 1);
    world_json_refusedf(w, "TagException", NULL, "kms", "TagResource",
                        "{'KeyId': '%s', 'Tags': [{'TagKey': 'aws:a', 'TagValue': 'b'}]}", key);
#define PARAMETER "'ResourceType': 'Parameter', 'ResourceId': 'p'"
    n = json_count(world_json_ok(w, "ssm", "ListTagsForResource", "{" PARAMETER "}"), "TagList");
    world_json_ok(w, "ssm", "AddTagsToResource",
                  "{" PARAMETER ", 'Tags': [{'Key': 'a', 'Value': 'b'}]}");
    CHECK_INT(json_count(world_json_ok(w, "ssm", "ListTagsForResource", "{" PARAMETER "}"),
                         "TagList"),
              n + 1);
    world_json_ok(w, "ssm", "RemoveTagsFromResource", "{" PARAMETER ", 'TagKeys': ['a']}");
    CHECK_INT(json_count(world_json_ok(w, "ssm", "ListTagsForResource", "{" PARAMETER "}"),
                         "TagList"),
              n);
    CHECK(n > 0);
    world_free(w);
}

TEST(tags_of_all_services_are_read_and_changed_in_one_place)
{
    struct world *w = world_new();
    const char *sg = group(w, "g", TAG(1, "team", "a"));
    struct str kms =
        world_json_ok(w, "kms", "CreateKey", "{'Tags': [{'TagKey': 'team', 'TagValue': 'b'}]}");
    struct str secret = world_json_ok(
        w, "secretsmanager", "CreateSecret",
        "{'Name': 's', 'SecretString': 'x', 'ClientRequestToken': "
        "'0123456789abcdef0123456789abcdef', 'Tags': [{'Key': 'team', 'Value': 'c'}]}");

    world_json_ok(w, "ssm", "PutParameter",
                  "{'Name': '/a/b', 'Type': 'String', 'Value': '1',"
                  " 'Tags': [{'Key': 'team', 'Value': 'd'}]}");
    world_json_ok(w, "ssm", "PutParameter",
                  "{'Name': 'plain', 'Type': 'String', 'Value': '1',"
                  " 'Tags': [{'Key': 'team', 'Value': 'e'}]}");

    const char *arns[] = {
        sg,
        json_cstr(kms, "KeyMetadata.Arn"),
        json_cstr(secret, "ARN"),
        "arn:aws:ssm:us-east-1:000000000000:parameter/a/b",
        "arn:aws:ssm:us-east-1:000000000000:parameter/plain",
    };

    for (size_t i = 0; i < ARRAY_LEN(arns); i++) {
        const char want[] = {(char)('a' + i), '\0'};

        CHECK_STR(str_from(tag_of(w, arns[i], "team")), want);
    }
    CHECK(found(w, "{}") == ARRAY_LEN(arns));

    struct str json = world_json_okf(
        w, TAGGING, "TagResources",
        "{'ResourceARNList': ['%s', '%s', '%s', '%s', '%s'], 'Tags': {'env': 'x', 'team': 'z'}}",
        arns[0], arns[1], arns[2], arns[3], arns[4]);

    CHECK(json_count(json, "FailedResourcesMap") == 0);
    world_crash(w);
    for (size_t i = 0; i < ARRAY_LEN(arns); i++) {
        CHECK_STR(str_from(tag_of(w, arns[i], "env")), "x");
        CHECK_STR(str_from(tag_of(w, arns[i], "team")), "z");
    }
    /* the services see the same */
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeTags&Filter.1.Name=key&Filter.1.Value.1=env"),
                       "value"),
              "x");
    json = world_json_okf(w, TAGGING, "UntagResources",
                          "{'ResourceARNList': ['%s', '%s', '%s', '%s', '%s'],"
                          " 'TagKeys': ['env', 'none']}",
                          arns[0], arns[1], arns[2], arns[3], arns[4]);
    CHECK(json_count(json, "FailedResourcesMap") == 0);
    for (size_t i = 0; i < ARRAY_LEN(arns); i++) {
        CHECK(!tag_of(w, arns[i], "env"));
        CHECK_STR(str_from(tag_of(w, arns[i], "team")), "z");
    }
    world_free(w);
}

TEST(resources_are_found_by_tag_and_type)
{
    struct world *w = world_new();

    group(w, "a", TAG(1, "env", "dev") TAG(2, "team", "x"));
    group(w, "b", TAG(1, "env", "prod"));
    world_json_ok(w, "kms", "CreateKey", "{'Tags': [{'TagKey': 'env', 'TagValue': 'dev'}]}");
    world_json_ok(w, "kms", "CreateKey", "{}");

    CHECK(found(w, "{}") == 3);
    CHECK(found(w, "{'TagFilters': [{'Key': 'env'}]}") == 3);
    CHECK(found(w, "{'TagFilters': [{'Key': 'env', 'Values': []}]}") == 3);
    CHECK(found(w, "{'TagFilters': [{'Key': 'env', 'Values': ['dev']}]}") == 2);
    CHECK(found(w, "{'TagFilters': [{'Key': 'env', 'Values': ['dev', 'prod']}]}") == 3);
    CHECK(found(w, "{'TagFilters': [{'Key': 'env', 'Values': ['dev']}, {'Key': 'team'}]}") == 1);
    CHECK(found(w, "{'TagFilters': [{'Key': 'ENV'}]}") == 0);
    CHECK(found(w, "{'ResourceTypeFilters': ['ec2']}") == 2);
    CHECK(found(w, "{'ResourceTypeFilters': ['ec2:security-group', 'kms:key']}") == 3);
    CHECK(found(w, "{'ResourceTypeFilters': ['ec2:instance']}") == 0);
    CHECK(found(w, "{'ResourceTypeFilters': ['kms'], "
                   "'TagFilters': [{'Key': 'env', 'Values': ['prod']}]}") == 0);
    CHECK(found(w, "{'ResourceARNList': ['" ARN("instance/i-0123456789abcdef0") "']}") == 0);

    struct str keys = ask(w, "GetTagKeys", "{}");

    CHECK(json_count(keys, "TagKeys") == 2);
    CHECK_STR(json_path(keys, "TagKeys.0"), "env");
    CHECK_STR(json_path(keys, "TagKeys.1"), "team");
    CHECK_STR(json_path(keys, "PaginationToken"), "");

    struct str values = ask(w, "GetTagValues", "{'Key': 'env'}");

    CHECK(json_count(values, "TagValues") == 2);
    CHECK_STR(json_path(values, "TagValues.0"), "dev");
    CHECK_STR(json_path(values, "TagValues.1"), "prod");
    world_okf(w, "Action=CreateTags&ResourceId.1=%.*s&Tag.1.Key=none&Tag.1.Value=",
              STR_ARG(xml_text(world_okf(w, "Action=DescribeVpcs"), "vpcId")));
    values = ask(w, "GetTagValues", "{'Key': 'none'}");
    CHECK(json_count(values, "TagValues") == 1);
    CHECK_STR(json_path(values, "TagValues.0"), "");

    /* another account, another Region */
    world_account(w, "111122223333", "us-east-1");
    CHECK(found(w, "{}") == 0);
    CHECK(json_count(ask(w, "GetTagKeys", "{}"), "TagKeys") == 0);
    world_account(w, "000000000000", "eu-west-1");
    CHECK(found(w, "{}") == 0);
    world_free(w);
}

TEST(resources_come_in_pages)
{
    struct world *w = world_new();
    struct buf tags;
    size_t pages = 0, n = 0;
    const char *token = "";

    buf_init(&tags, 1 << 16);
    for (int i = 1; i <= 40; i++)
        buf_add_fmt(&tags,
                    "&TagSpecification.1.Tag.%d.Key=k%02d&TagSpecification.1.Tag.%d.Value=v%02d", i,
                    i, i, i);
    const char *forty = str_cstr(&w->arena, str_of(tags.p, tags.n));

    buf_done(&tags);
    for (int i = 0; i < 5; i++)
        group(w, str_cstr(&w->arena, str_fmt(&w->arena, "g%d", i)), forty);
    do {
        struct str json = world_json_okf(w, TAGGING, "GetResources",
                                         "{'ResourcesPerPage': 2, 'PaginationToken': '%s'}", token);

        pages++;
        n += json_count(json, "ResourceTagMappingList");
        token = json_cstr(json, "PaginationToken");
        if (pages == 1)
            world_crash(w);
    } while (*token && pages < 9);
    CHECK(pages == 3 && n == 5);

    /* 100 tags have room for two of them */
    struct str json = ask(w, "GetResources", "{'TagsPerPage': 100}");

    CHECK(json_count(json, "ResourceTagMappingList") == 2);
    CHECK(json_count(json, "ResourceTagMappingList.1.Tags") == 40);
    token = json_cstr(json, "PaginationToken");
    CHECK(*token);
    json = world_json_okf(w, TAGGING, "GetResources",
                          "{'TagsPerPage': 500, 'PaginationToken': '%s'}", token);
    CHECK(json_count(json, "ResourceTagMappingList") == 3);
    CHECK_STR(json_path(json, "PaginationToken"), "");
    /* it is good for that operation alone */
    world_json_refusedf(w, "InvalidParameterException", NULL, TAGGING, "GetTagKeys",
                        "{'PaginationToken': '%s'}", token);
    world_free(w);
}

static void
refused(struct world *w, const char *operation, const char *json)
{
    world_json_refused(w, "InvalidParameterException", NULL, TAGGING, operation, json);
}

TEST(what_cannot_be_asked_of_tags_is_refused)
{
    struct world *w = world_new();
    const char *with[] = {"'TagFilters': [{'Key': 'a'}]", "'ResourceTypeFilters': ['ec2']",
                          "'ResourcesPerPage': 5", "'TagsPerPage': 100", "'PaginationToken': 'x'"};

    for (size_t i = 0; i < ARRAY_LEN(with); i++)
        world_json_refusedf(w, "InvalidParameterException", NULL, TAGGING, "GetResources",
                            "{'ResourceARNList': ['" ARN("vpc/vpc-1") "'], %s}", with[i]);
    refused(w, "GetResources", "{'ResourcesPerPage': 0}");
    refused(w, "GetResources", "{'ResourcesPerPage': 101}");
    refused(w, "GetResources", "{'TagsPerPage': 99}");
    refused(w, "GetResources", "{'TagsPerPage': 501}");
    refused(w, "GetResources", "{'PaginationToken': 'junk'}");
    refused(w, "GetResources", "{'TagFilters': [{'Values': ['x']}]}");
    refused(w, "GetResources", "{'ExcludeCompliantResources': true}");
    world_json_refused(w, "InvalidParameterException",
                       "The parameter IncludeComplianceDetails is not implemented by Welkin",
                       TAGGING, "GetResources", "{'IncludeComplianceDetails': true}");
    ask(w, "GetResources", "{'IncludeComplianceDetails': false}");
    refused(w, "GetResources", "{'ResourceARNList': ['i-1']}");
    refused(w, "TagResources", "{'ResourceARNList': ['i-1'], 'Tags': {'a': 'b'}}");
    refused(w, "TagResources",
            "{'ResourceARNList': ['arn:aws:iam::000000000000:role/r'], 'Tags': {'a': 'b'}}");
    refused(w, "TagResources", "{'ResourceARNList': ['" ARN("vpc/vpc-1") "'], 'Tags': {}}");
    refused(w, "UntagResources", "{'ResourceARNList': ['x'], 'TagKeys': ['a']}");
    world_free(w);
}

/* The code of what TagResources says of the only thing. */
static const char *
failure(struct world *w, const char *arn, const char *tags, int status)
{
    struct str json = world_json_okf(w, TAGGING, "TagResources",
                                     "{'ResourceARNList': ['%s'], 'Tags': {%s}}", arn, tags);
    size_t code = str_find(json, S("\"ErrorCode\":\""));
    struct str rest = str_cut(json, code + strlen("\"ErrorCode\":\""), json.n);

    CHECK(json_count(json, "FailedResourcesMap") == 1);
    CHECK(code != SIZE_MAX);
    CHECK(str_find(json, str_fmt(&w->arena, "\"StatusCode\":%d", status)) != SIZE_MAX);
    return str_cstr(&w->arena, str_split(&rest, '"'));
}

TEST(a_thing_that_cannot_be_tagged_does_not_keep_others_from_it)
{
    struct world *w = world_new();
    const char *sg = group(w, "g", TAG(1, "k", "v"));

    CHECK_STR(str_from(failure(w, ARN("instance/i-0123456789abcdef0"), "'a': 'b'", 400)),
              "InvalidInstanceID.NotFound");
    CHECK_STR(str_from(failure(w, sg, "'aws:a': 'b'", 400)), "InvalidParameterValue");
    CHECK_STR(
        str_from(failure(w, "arn:aws:ssm:us-east-1:000000000000:parameter/none", "'a': 'b'", 400)),
        "InvalidResourceId");
    CHECK_STR(str_from(failure(w, "arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1", "'a': 'b'", 400)),
              "InvalidParameterException");
    CHECK_STR(str_from(failure(w, "arn:aws:ec2:eu-west-1:000000000000:vpc/vpc-1", "'a': 'b'", 400)),
              "InvalidParameterException");
    CHECK_STR(str_from(failure(w, "arn:aws:sqs:us-east-1:000000000000:q", "'a': 'b'", 500)),
              "InternalServiceException");

    struct str json = world_json_okf(w, TAGGING, "TagResources",
                                     "{'ResourceARNList': ['%s', '%s', '%s'], 'Tags': {'a': 'b'}}",
                                     ARN("volume/vol-0123456789abcdef0"), sg, sg);

    CHECK(json_count(json, "FailedResourcesMap") == 1);
    CHECK_STR(str_from(tag_of(w, sg, "a")), "b");
    world_free(w);
}

/* A thing of the default VPC is tagged by its ARN, and found. */
static void
tag_it(struct world *w, const char *type, const char *owner, const char *id)
{
    const char *arn =
        str_cstr(&w->arena, str_fmt(&w->arena, "arn:aws:ec2:us-east-1:%s:%s/%s", owner, type, id));
    struct str json = world_json_okf(w, TAGGING, "TagResources",
                                     "{'ResourceARNList': ['%s'], 'Tags': {'a': 'b'}}", arn);

    if (json_count(json, "FailedResourcesMap"))
        FAIL("%s: %.*s", arn, STR_ARG(json));
    CHECK_STR(str_from(tag_of(w, arn, "a")), "b");
    json = world_json_okf(w, TAGGING, "GetResources", "{'ResourceTypeFilters': ['ec2:%s']}", type);
    CHECK(json_count(json, "ResourceTagMappingList") == 1);
    CHECK_STR(json_path(json, "ResourceTagMappingList.0.ResourceARN"), arn);
}

TEST(each_kind_of_thing_of_ec2_is_known_by_its_arn)
{
    static const struct {
        const char *type, *form, *id;
    } made[] = {
        {"key-pair", "CreateKeyPair&KeyName=k", "keyPairId"},
        {"elastic-ip", "AllocateAddress", "allocationId"},
        {"placement-group", "CreatePlacementGroup&GroupName=p&Strategy=cluster", "groupId"},
        {"security-group", "CreateSecurityGroup&GroupName=g&GroupDescription=d", "groupId"},
        {"vpc", "DescribeVpcs", "vpcId"},
        {"subnet", "DescribeSubnets", "subnetId"},
        {"security-group-rule", "DescribeSecurityGroupRules", "securityGroupRuleId"},
        {"dedicated-host",
         "AllocateHosts&AvailabilityZone=us-east-1a&InstanceType=m5.large&Quantity=1", "item"},
        {"capacity-reservation",
         "CreateCapacityReservation&AvailabilityZone=us-east-1a&InstanceType=m5.large"
         "&InstanceCount=1&InstancePlatform=Linux/UNIX",
         "capacityReservationId"},
        {"instance",
         "RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1&MaxCount=1"
         "&InstanceType=t3.micro",
         "instanceId"},
        {"network-interface", "DescribeInstances", "networkInterfaceId"},
        {"volume", "DescribeVolumes", "volumeId"},
        {"internet-gateway", "DescribeInternetGateways", "internetGatewayId"},
        {"route-table", "DescribeRouteTables", "routeTableId"},
        {"network-acl", "DescribeNetworkAcls", "networkAclId"},
        {"dhcp-options",
         "CreateDhcpOptions&DhcpConfiguration.1.Key=domain-name&DhcpConfiguration.1.Value.1=a.b",
         "dhcpOptionsId"},
        {"launch-template",
         "CreateLaunchTemplate&LaunchTemplateName=web&LaunchTemplateData.InstanceType=t3.micro",
         "launchTemplateId"},
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(made); i++) {
        struct str xml = world_okf(w, "Action=%s", made[i].form);

        tag_it(w, made[i].type, "000000000000", xml_cstr(xml, made[i].id));
    }
    /* the ARN of an image names no account */
    struct str tiny =
        world_ok(w, "Action=DescribeImages&Filter.1.Name=name&Filter.1.Value.1=welkin-tiny");
    struct str xml = world_okf(w,
                               "Action=RegisterImage&Name=own&RootDeviceName=/dev/xvda&"
                               "VirtualizationType=hvm&Architecture=x86_64&"
                               "BlockDeviceMapping.1.DeviceName=/dev/xvda&"
                               "BlockDeviceMapping.1.Ebs.SnapshotId=%s",
                               xml_cstr(tiny, "snapshotId"));

    tag_it(w, "image", "", xml_cstr(xml, "imageId"));
    xml = world_okf(w, "Action=CreateSnapshot&VolumeId=%s",
                    xml_cstr(world_ok(w, "Action=DescribeVolumes"), "volumeId"));
    tag_it(w, "snapshot", "", xml_cstr(xml, "snapshotId"));
    world_free(w);
}

TEST(tags_of_a_stack_are_read_and_not_changed)
{
    struct world *w = world_new();
    struct str template =
        world_code(w, S("{\"Resources\":{\"P\":{\"Type\":\"AWS::SSM::Parameter\","
                        "\"Properties\":{\"Type\":\"String\",\"Value\":\"v\"}}}}"));
    struct str xml = world_okf(w,
                               "Action=CreateStack&Version=2010-05-15&StackName=s&TemplateBody=%.*s"
                               "&Tags.member.1.Key=team&Tags.member.1.Value=x",
                               STR_ARG(template));
    const char *arn = xml_cstr(xml, "StackId");

    CHECK_STR(str_from(tag_of(w, arn, "team")), "x");
    CHECK(found(w, "{'ResourceTypeFilters': ['cloudformation:stack']}") == 1);
    CHECK_STR(str_from(failure(w, arn, "'a': 'b'", 500)), "InternalServiceException");
    CHECK(!tag_of(w, arn, "a"));
    world_advance(w, 60000);
    world_ok(w, "Action=DeleteStack&Version=2010-05-15&StackName=s");
    world_advance(w, 60000);
    CHECK(found(w, "{'ResourceTypeFilters': ['cloudformation:stack']}") == 0);
    world_free(w);
}

static void
allow(struct world *w, const char *actions)
{
    struct str document =
        world_code(w, str_fmt(&w->arena,
                              "{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\","
                              "\"Action\":[%s],\"Resource\":\"*\"}}",
                              actions));

    world_okf(w, "Action=PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument=%.*s",
              STR_ARG(document));
}

TEST(tagging_needs_both_policies_of_tag_and_of_the_service)
{
    struct world *w = world_new();
    const char *sg = group(w, "g", TAG(1, "k", "v"));

    world_ok(w, "Action=CreateUser&UserName=bob");
    struct str key = str_dup(&w->arena, world_ok(w, "Action=CreateAccessKey&UserName=bob"));

    world_as_reply(w, key);
    world_json_refused(w, "AccessDeniedException",
                       "User: arn:aws:iam::000000000000:user/bob is not authorized to perform: "
                       "tag:GetResources on resource: * because no identity-based policy allows "
                       "the tag:GetResources action",
                       TAGGING, "GetResources", "{}");
    world_as_root(w);
    allow(w, "\"tag:*\"");
    world_as_reply(w, key);
    CHECK(found(w, "{}") == 1);
    CHECK_STR(str_from(failure(w, sg, "'a': 'b'", 403)), "UnauthorizedOperation");
    CHECK(!tag_of(w, sg, "a"));
    world_as_root(w);
    allow(w, "\"tag:TagResources\",\"tag:GetResources\",\"ec2:CreateTags\"");
    world_as_reply(w, key);
    world_json_okf(w, TAGGING, "TagResources", "{'ResourceARNList': ['%s'], 'Tags': {'a': 'b'}}",
                   sg);
    CHECK_STR(str_from(tag_of(w, sg, "a")), "b");
    world_json_refusedf(w, "AccessDeniedException", NULL, TAGGING, "UntagResources",
                        "{'ResourceARNList': ['%s'], 'TagKeys': ['a']}", sg);
    world_free(w);
}
