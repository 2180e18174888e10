/* Resource Groups: groups by tags and by stacks, across services. */
#include "harness/world.h"

#define RUN                                                                                        \
    "Action=RunInstances&ImageId=ami-009d6802948d06e52&MinCount=1&MaxCount=1&"                     \
    "InstanceType=t3.micro&TagSpecification.1.ResourceType=instance&"                              \
    "TagSpecification.1.Tag.1.Key=stage&TagSpecification.1.Tag.1.Value="
#define ALL "'ResourceTypeFilters': ['AWS::AllSupported']"

/* {"Type": …, "Query": …}, the query with ' for ". */
static const char *
query(const char *type, const char *text)
{
    struct str s = str_from(text), out = S("");

    while (s.p) {
        struct str part = str_split(&s, '\'');

        out = str_fmt(test_arena(), "%.*s%.*s%s", STR_ARG(out), STR_ARG(part), s.p ? "\\\"" : "");
    }
    return test_fmt("{\"Type\": \"%s\", \"Query\": \"%s\"}", type, test_cstr(out));
}

static const char *
tags(const char *text)
{
    return query("TAG_FILTERS_1_0", text);
}

static struct str
post(struct world *w, const char *path, const char *json)
{
    return world_rest_ok(w, "resourcegroups", "POST", path, json);
}

static struct str
create(struct world *w, const char *name, const char *resource_query)
{
    return world_rest_okf(w, "resourcegroups", "POST", "/groups",
                          "{\"Name\": \"%s\", \"ResourceQuery\": %s, \"Tags\": {\"team\": "
                          "\"red\"}, \"Description\": \"a group\", \"Criticality\": 3}",
                          name, resource_query);
}

static void
bad(struct world *w, const char *code, const char *path, const char *json)
{
    world_rest_refused(w, code, NULL, "resourcegroups", "POST", path, json);
}

static size_t
members(struct world *w, const char *json)
{
    struct str reply = post(w, "/list-group-resources", json);

    CHECK_INT(json_count(reply, "Resources"), json_count(reply, "ResourceIdentifiers"));
    return json_count(reply, "Resources");
}

TEST(a_group_has_the_things_of_all_services_with_its_tags, "RG-01 RG-02 RG-05")
{
    struct world *w = world_new();
    const char *test = test_cstr(xml_text(world_ok(w, RUN "test"), "instanceId"));

    world_ok(w, RUN "live");
    world_json_ok(w, "ssm", "PutParameter",
                  "{'Name': '/a', 'Type': 'String', 'Value': 'v', "
                  "'Tags': [{'Key': 'stage', 'Value': 'test'}]}");
    world_json_ok(w, "kms", "CreateKey", "{'Tags': [{'TagKey': 'stage', 'TagValue': 'test'}]}");
    struct str made =
        create(w, "test", tags("{" ALL ", 'TagFilters': [{'Key': 'stage', 'Values': ['test']}]}"));

    CHECK_STR(json_path(made, "Group.GroupArn"),
              "arn:aws:resource-groups:us-east-1:000000000000:group/test");
    CHECK_STR(json_path(made, "Group.Criticality"), "3");
    CHECK_STR(json_path(made, "Tags.team"), "red");
    CHECK_STR(json_path(made, "ResourceQuery.Type"), "TAG_FILTERS_1_0");
    world_crash(w);
    CHECK_INT(members(w, "{'Group': 'test'}"), 3);
    CHECK_INT(members(w, "{'GroupName': 'test', 'Filters': [{'Name': 'resource-type', 'Values': "
                         "['AWS::KMS::Key', 'AWS::SSM::Parameter']}]}"),
              2);
    struct str reply = post(w, "/list-group-resources",
                            "{'Group': 'arn:aws:resource-groups:us-east-1:000000000000:group/test',"
                            " 'MaxResults': 1}");

    CHECK_STR(json_path(reply, "Resources.0.Identifier.ResourceArn"),
              test_fmt("arn:aws:ec2:us-east-1:000000000000:instance/%s", test));
    CHECK_STR(json_path(reply, "Resources.0.Identifier.ResourceType"), "AWS::EC2::Instance");
    reply = world_rest_okf(w, "resourcegroups", "POST", "/list-group-resources",
                           "{'Group': 'test', 'MaxResults': 2, 'NextToken': '%s'}",
                           json_cstr(reply, "NextToken"));
    CHECK_INT(json_count(reply, "Resources"), 2);
    CHECK(!json_path(reply, "NextToken").p);
    /* Who joins and leaves is seen at once: nothing is copied. */
    world_okf(w, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=stage&Tag.1.Value=live", test);
    CHECK_INT(members(w, "{'Group': 'test'}"), 2);
    reply = world_rest_okf(
        w, "resourcegroups", "POST", "/resources/search", "{\"ResourceQuery\": %s}",
        tags("{'ResourceTypeFilters': ['AWS::EC2::Instance'], 'TagFilters': [{'Key': 'stage'}]}"));
    CHECK_INT(json_count(reply, "ResourceIdentifiers"), 2);
    /* Somebody else has neither the group nor the things. */
    world_account(w, "111122223333", "us-east-1");
    bad(w, "NotFoundException", "/list-group-resources", "{'Group': 'test'}");
    bad(w, "NotFoundException", "/get-group",
        "{'Group': 'arn:aws:resource-groups:us-east-1:000000000000:group/test'}");
    create(w, "test", tags("{" ALL ", 'TagFilters': [{'Key': 'stage'}]}"));
    CHECK_INT(members(w, "{'Group': 'test'}"), 0);
    world_free(w);
}

TEST(a_group_of_a_stack_has_what_the_stack_made, "RG-06")
{
    static const char template[] =
        "Resources:\n"
        "  P: {Type: AWS::SSM::Parameter, Properties: {Name: /deep/p, Type: String, Value: v}}\n"
        "  G: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: d}}\n"
        "  I: {Type: AWS::IAM::Group}\n";
    struct world *w = world_new();
    const char *stack = xml_cstr(world_okf(w,
                                           "Action=CreateStack&Version=2010-05-15&StackName=s&"
                                           "Capabilities.member.1=CAPABILITY_IAM&TemplateBody=%.*s",
                                           STR_ARG(world_code(w, str_from(template)))),
                                 "StackId");

    world_settle(w);
    world_advance(w, 60000);
    create(
        w, "of-stack",
        query("CLOUDFORMATION_STACK_1_0", test_fmt("{" ALL ", 'StackIdentifier': '%s'}", stack)));
    /* IAM's things have no place in groups. */
    struct str reply = post(w, "/list-group-resources", "{'Group': 'of-stack'}");

    CHECK_INT(json_count(reply, "Resources"), 2);
    CHECK(str_starts(json_path(reply, "Resources.0.Identifier.ResourceArn"),
                     S("arn:aws:ec2:us-east-1:000000000000:security-group/sg-")));
    CHECK_STR(json_path(reply, "Resources.1.Identifier.ResourceArn"),
              "arn:aws:ssm:us-east-1:000000000000:parameter/deep/p");
    CHECK_INT(json_count(reply, "QueryErrors"), 0);
    world_ok(w, "Action=DeleteStack&Version=2010-05-15&StackName=s");
    world_settle(w);
    world_advance(w, 60000);
    reply = post(w, "/list-group-resources", "{'Group': 'of-stack'}");
    CHECK_STR(json_path(reply, "QueryErrors.0.ErrorCode"), "CLOUDFORMATION_STACK_INACTIVE");
    reply =
        world_rest_okf(w, "resourcegroups", "POST", "/resources/search", "{\"ResourceQuery\": %s}",
                       query("CLOUDFORMATION_STACK_1_0",
                             "{" ALL ", 'StackIdentifier': 'arn:aws:cloudformation:us-east-1:"
                             "000000000000:stack/none/1'}"));
    CHECK_STR(json_path(reply, "QueryErrors.0.ErrorCode"), "CLOUDFORMATION_STACK_NOT_EXISTING");
    world_free(w);
}

TEST(groups_are_changed_tagged_listed_and_deleted, "RG-01 RG-03")
{
    struct world *w = world_new();
    const char *arn = "/resources/arn%3Aaws%3Aresource-groups%3Aus-east-1%3A000000000000%3Agroup%2F"
                      "a/tags";

    create(w, "a", tags("{'ResourceTypeFilters': ['AWS::EC2::VPC'], 'TagFilters': []}"));
    create(w, "b", tags("{" ALL ", 'TagFilters': [{'Key': 'x'}]}"));
    post(w, "/update-group",
         "{'Group': 'a', 'Description': 'another', 'Owner': 'me', 'DisplayName': 'A'}");
    world_rest_okf(w, "resourcegroups", "POST", "/update-group-query",
                   "{\"GroupName\": \"b\", \"ResourceQuery\": %s}",
                   tags("{'ResourceTypeFilters': ['AWS::EC2::EIP'], 'TagFilters': []}"));
    world_rest_ok(w, "resourcegroups", "PUT", arn, "{'Tags': {'env': 'x', 'team': 'blue'}}");
    world_crash(w);
    struct str reply = post(w, "/get-group", "{'Group': 'a'}");

    CHECK_STR(json_path(reply, "Group.Description"), "another");
    CHECK_STR(json_path(reply, "Group.Owner"), "me");
    CHECK_STR(json_path(reply, "Group.Criticality"), "3");
    reply = post(w, "/get-group-configuration", "{'Group': 'a'}");
    CHECK_INT(json_count(reply, "GroupConfiguration.Configuration"), 0);
    CHECK(json_path(reply, "GroupConfiguration.Configuration").p);
    reply = post(w, "/get-group-query", "{'Group': 'b'}");
    CHECK(str_find(json_path(reply, "GroupQuery.ResourceQuery.Query"), S("EIP")) != SIZE_MAX);
    reply = world_rest_ok(w, "resourcegroups", "GET", arn, "");
    CHECK_STR(json_path(reply, "Tags.team"), "blue");
    world_rest_ok(w, "resourcegroups", "PATCH", arn, "{'Keys': ['env']}");
    CHECK_INT(json_count(world_rest_ok(w, "resourcegroups", "GET", arn, ""), "Tags"), 1);
    /* The tagging API sees and changes them too. */
    reply = world_json_ok(w, "resourcegroupstaggingapi", "GetResources",
                          "{'ResourceTypeFilters': ['resource-groups:group']}");
    CHECK_INT(json_count(reply, "ResourceTagMappingList"), 2);
    world_json_ok(w, "resourcegroupstaggingapi", "TagResources",
                  "{'ResourceARNList': ['arn:aws:resource-groups:us-east-1:000000000000:group/a'], "
                  "'Tags': {'late': 'y'}}");
    CHECK_INT(json_count(world_rest_ok(w, "resourcegroups", "GET", arn, ""), "Tags"), 2);
    world_json_ok(w, "resourcegroupstaggingapi", "UntagResources",
                  "{'ResourceARNList': ['arn:aws:resource-groups:us-east-1:000000000000:group/a'], "
                  "'TagKeys': ['late']}");
    CHECK_INT(json_count(world_rest_ok(w, "resourcegroups", "GET", arn, ""), "Tags"), 1);
    reply = world_rest_ok(w, "resourcegroups", "POST", "/groups-list?maxResults=1", "{}");
    CHECK_STR(json_path(reply, "GroupIdentifiers.0.GroupName"), "a");
    reply = world_rest_ok(w, "resourcegroups", "POST",
                          test_fmt("/groups-list?nextToken=%.*s",
                                   STR_ARG(world_code(w, json_path(reply, "NextToken")))),
                          "{}");
    CHECK_STR(json_path(reply, "Groups.0.Name"), "b");
    reply = post(w, "/groups-list",
                 "{'Filters': [{'Name': 'resource-type', 'Values': ['AWS::EC2::EIP']}]}");
    CHECK_INT(json_count(reply, "Groups"), 1);
    CHECK_STR(json_path(reply, "Groups.0.Name"), "b");
    reply = post(w, "/groups-list", "{'Filters': [{'Name': 'owner', 'Values': ['me']}]}");
    CHECK_INT(json_count(reply, "Groups"), 1);
    post(w, "/delete-group", "{'Group': 'a'}");
    bad(w, "NotFoundException", "/get-group", "{'Group': 'a'}");
    world_account(w, "000000000000", "eu-west-1");
    CHECK_INT(json_count(post(w, "/groups-list", "{}"), "Groups"), 0);
    world_free(w);
}

TEST(a_group_that_cannot_be_is_refused)
{
    static const char *const queries[] = {
        "not json",
        "{}",
        "{'ResourceTypeFilters': [], 'TagFilters': []}",
        "{'ResourceTypeFilters': ['AWS::EC2::Nothing'], 'TagFilters': []}",
        "{'ResourceTypeFilters': ['AWS::AllSupported']}",
        "{'ResourceTypeFilters': ['AWS::AllSupported'], 'TagFilters': [{'Values': ['x']}]}",
        "{'ResourceTypeFilters': ['AWS::AllSupported'], 'TagFilters': [{'Key': 'a', 'Value': 1}]}",
        "{'ResourceTypeFilters': ['AWS::AllSupported'], 'TagFilters': ['a']}",
        "{'ResourceTypeFilters': ['AWS::AllSupported'], 'TagFilters': [], 'StackIdentifier': 'x'}",
    };
    struct world *w = world_new();

    for (size_t i = 0; i < ARRAY_LEN(queries); i++)
        bad(w, "BadRequestException", "/groups",
            test_fmt("{\"Name\": \"g\", \"ResourceQuery\": %s}", tags(queries[i])));
    bad(w, "BadRequestException", "/groups",
        test_fmt("{\"Name\": \"g\", \"ResourceQuery\": %s}",
                 query("CLOUDFORMATION_STACK_1_0", "{" ALL ", 'StackIdentifier': 'x'}")));
    bad(w, "BadRequestException", "/groups", "{'Name': 'g'}");
    bad(w, "BadRequestException", "/groups",
        "{'Name': 'g', 'Configuration': [{'Type': 'AWS::EC2::HostManagement'}]}");
    bad(w, "BadRequestException", "/groups",
        test_fmt("{\"Name\": \"aws-g\", \"ResourceQuery\": %s}",
                 tags("{" ALL ", 'TagFilters': []}")));
    create(w, "g", tags("{" ALL ", 'TagFilters': []}"));
    bad(w, "BadRequestException", "/groups",
        test_fmt("{\"Name\": \"g\", \"ResourceQuery\": %s}", tags("{" ALL ", 'TagFilters': []}")));
    bad(w, "BadRequestException", "/get-group", "{}");
    bad(w, "BadRequestException", "/groups-list?nextToken=x", "{}");
    world_free(w);
}

/* What may be done depends on tags: of the thing, of the request, and on which keys there are. */
TEST(access_is_given_by_tags, "TAG-06")
{
    struct world *w = world_new();
    const char *test = test_cstr(xml_text(world_ok(w, RUN "test"), "instanceId"));
    const char *live = test_cstr(xml_text(world_ok(w, RUN "live"), "instanceId"));
    static const char policy[] =
        "{\"Version\":\"2012-10-17\",\"Statement\":["
        "{\"Effect\":\"Allow\",\"Action\":\"ec2:StopInstances\",\"Resource\":\"*\","
        "\"Condition\":{\"StringEquals\":{\"aws:ResourceTag/stage\":\"test\"}}},"
        "{\"Effect\":\"Allow\",\"Action\":\"ec2:CreateTags\",\"Resource\":\"*\","
        "\"Condition\":{\"StringEquals\":{\"aws:RequestTag/team\":[\"red\",\"blue\"]},"
        "\"ForAllValues:StringEquals\":{\"aws:TagKeys\":[\"team\",\"cost\"]}}}]}";

    world_ok(w, "Action=CreateUser&UserName=bob");
    world_okf(w, "Action=PutUserPolicy&UserName=bob&PolicyName=p&PolicyDocument=%.*s",
              STR_ARG(world_code(w, str_from(policy))));
    world_advance(w, 60000);
    world_as_reply(w, str_dup(&w->arena, world_ok(w, "Action=CreateAccessKey&UserName=bob")));
    world_refusedf(w, "UnauthorizedOperation", NULL, "Action=StopInstances&InstanceId.1=%s", live);
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", test);
    world_refusedf(w, "UnauthorizedOperation", NULL,
                   "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=team&Tag.1.Value=green", live);
    world_refusedf(w, "UnauthorizedOperation", NULL,
                   "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=team&Tag.1.Value=red&"
                   "Tag.2.Key=other&Tag.2.Value=x",
                   live);
    world_okf(w,
              "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=team&Tag.1.Value=red&"
              "Tag.2.Key=cost&Tag.2.Value=x",
              live);
    /* A tag that changes what is allowed. */
    world_as_root(w);
    world_okf(w, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=stage&Tag.1.Value=test", live);
    world_as_reply(w, str_dup(&w->arena, world_ok(w, "Action=CreateAccessKey&UserName=bob")));
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", live);
    world_free(w);
}
