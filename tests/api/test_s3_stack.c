/* Stacks and S3: templates that lie in it, buckets and repositories that are made of it. */
#include "api/cfn_help.h"
#include "api/s3_help.h"

static const char small[] = "Resources:\n"
                            "  P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: x}}"
                            "\n";

static struct str
create_by_url(struct world *w, const char *name, const char *url)
{
    return world_callf(w, "Action=CreateStack" V "&StackName=%s&TemplateURL=%.*s", name,
                       STR_ARG(world_code(w, str_from(url))));
}

TEST(a_template_is_read_from_s3, "CFN-08")
{
    static const char *const urls[] = {"http://127.0.0.1:4566/temp/dir/a%20b.yaml",
                                       "https://temp.s3.amazonaws.com/dir/a%20b.yaml",
                                       "https://s3.us-east-1.amazonaws.com/temp/dir/a%20b.yaml",
                                       "http://temp.localhost:4566/dir/a%20b.yaml"};
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/temp", "");
    S3_OK(w, 200, "PUT", "/temp?versioning", "<V><Status>Enabled</Status></V>");
    S3_OK(w, 200, "PUT", "/temp/dir/a%20b.yaml", small);
    const char *version = str_cstr(&w->arena, world_header(w, "x-amz-version-id"));
    for (size_t i = 0; i < ARRAY_LEN(urls); i++)
        CHECK_OK(w, create_by_url(w, str_fmt(&w->arena, "s%zu", i).p, urls[i]));
    /* larger than a body may be */
    char *pad = arena_alloc_raw(&w->arena, 100000);
    memset(pad, 'x', 100000);
    struct str large = str_fmt(&w->arena, "%sMetadata: {Pad: '%.*s'}\n", small, 100000, pad);
    CHECK_INT((s3_send(w, "PUT", "/temp/dir/a%20b.yaml", large, NULL), w->http), 200);
    CHECK_OK(w, create_by_url(w, "large", urls[0]));
    world_settle(w);
    check_status(w, "large", "CREATE_COMPLETE");
    CHECK(xml_text(world_ok(w, "Action=GetTemplate" V "&StackName=large"), "TemplateBody").n >
          100000);
    CHECK_OK(w, create_by_url(w, "old", str_fmt(&w->arena, "%s?versionId=%s", urls[1], version).p));
    CHECK_INT(xml_text(world_ok(w, "Action=GetTemplate" V "&StackName=old"), "TemplateBody").n,
              sizeof(small) - 1);
    world_free(w);
}

TEST(a_template_that_cannot_be_read_is_told_in_s3s_words)
{
    static const char more[] = "\nFor more information check "
                               "http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html";
    struct world *w = world_new();

    S3_OK(w, 200, "PUT", "/temp", "");
    CHECK_STR(xml_text(create_by_url(w, "a", "http://example.com/temp/x"), "Message"),
              "TemplateURL must be a supported URL.");
    CHECK_STR(xml_text(create_by_url(w, "a", "https://temp.s3.amazonaws.com/none"), "Message"),
              str_fmt(&w->arena, "S3 error: The specified key does not exist.%s", more).p);
    CHECK_STR(xml_text(create_by_url(w, "a", "https://no-temp.s3.amazonaws.com/x"), "Message"),
              str_fmt(&w->arena, "S3 error: The specified bucket does not exist%s", more).p);
    world_refusedf(w, "ValidationError", "Specify only one of TemplateBody and TemplateURL.",
                   "Action=ValidateTemplate" V "&TemplateBody=x&TemplateURL=http://localhost/a/b");
    world_account(w, "111111111111", "us-east-1");
    S3_OK(w, 200, "PUT", "/theirs", "");
    S3_OK(w, 200, "PUT", "/theirs/t", small);
    world_account(w, "000000000000", "us-east-1");
    CHECK_STR(xml_text(create_by_url(w, "a", "https://theirs.s3.amazonaws.com/t"), "Message"),
              str_fmt(&w->arena, "S3 error: Access Denied%s", more).p);
    world_free(w);
}

static const char bucket[] =
    "Parameters: {Keep: {Type: String, Default: '30'}}\n"
    "Resources:\n"
    "  B:\n"
    "    Type: AWS::S3::Bucket\n"
    "    Properties:\n"
    "      VersioningConfiguration: {Status: Enabled}\n"
    "      PublicAccessBlockConfiguration: {BlockPublicAcls: true, BlockPublicPolicy: true}\n"
    "      BucketEncryption: {ServerSideEncryptionConfiguration: [{ServerSideEncryptionByDefault: "
    "{SSEAlgorithm: AES256}}]}\n"
    "      LifecycleConfiguration: {Rules: [{Id: Old, Status: Enabled, "
    "NoncurrentVersionExpiration: {NoncurrentDays: !Ref Keep}}]}\n"
    "      Tags: [{Key: team, Value: a}]\n"
    "  Policy:\n"
    "    Type: AWS::S3::BucketPolicy\n"
    "    Properties:\n"
    "      Bucket: !Ref B\n"
    "      PolicyDocument: {Version: '2012-10-17', Statement: [{Effect: Deny, Principal: '*', "
    "Action: 's3:*', Resource: !Sub '${B.Arn}/*', Condition: {Bool: {'aws:SecureTransport': "
    "'false'}}}]}\n"
    "Outputs: {Name: {Value: !Ref B}, Domain: {Value: !GetAtt B.RegionalDomainName}}\n";

TEST(a_stack_makes_changes_and_ends_a_bucket, "S3-04 CFND-05")
{
    struct world *w = world_new();

    CHECK_OK(w, create(w, "Store", "", bucket));
    world_settle(w);
    check_status(w, "Store", "CREATE_COMPLETE");
    struct str name =
        xml_text(xml_where(stack(w, "Store"), "member", "OutputKey", "Name"), "OutputValue");
    CHECK(str_starts(name, S("store-b-")));
#define AT(rest) str_fmt(&w->arena, "/%.*s" rest, STR_ARG(name)).p
    w->secure = true;
    CHECK_STR(xml_text(S3_OK(w, 200, "GET", AT("?versioning"), ""), "Status"), "Enabled");
    CHECK_STR(xml_text(S3_OK(w, 200, "GET", AT("?lifecycle"), ""), "NoncurrentDays"), "30");
    struct str tags = S3_OK(w, 200, "GET", AT("?tagging"), "");
    CHECK_STR(xml_text(xml_where(tags, "Tag", "Key", "team"), "Value"), "a");
    CHECK_STR(xml_text(xml_where(tags, "Tag", "Key", "aws:cloudformation:logical-id"), "Value"),
              "B");
    CHECK_STR(xml_text(S3_OK(w, 200, "GET", AT("?publicAccessBlock"), ""), "IgnorePublicAcls"),
              "false");
    S3_OK(w, 200, "PUT", AT("/k"), "x");
    w->secure = false;
    S3_REFUSED(w, 403, "AccessDenied", NULL, "GET", AT("/k"), "");
    CHECK_OK(w, update(w, "Store",
                       "&Parameters.member.1.ParameterKey=Keep"
                       "&Parameters.member.1.ParameterValue=7",
                       bucket));
    world_settle(w);
    check_status(w, "Store", "UPDATE_COMPLETE");
    CHECK_STR(xml_text(S3_OK(w, 200, "GET", AT("?lifecycle"), ""), "NoncurrentDays"), "7");
    world_ok(w, "Action=DeleteStack" V "&StackName=Store");
    world_settle(w);
    check_status(w, "Store", "DELETE_FAILED");
    CHECK(strstr(events(w, "Store"), "B DELETE_FAILED ") &&
          strstr(events(w, "Store"), "The bucket you tried to delete is not empty"));
    struct str all = S3_OK(w, 200, "GET", AT("?versions"), "");
    S3_OK(w, 204, "DELETE",
          str_fmt(&w->arena, "/%.*s/k?versionId=%s", STR_ARG(name), xml_cstr(all, "VersionId")).p,
          "");
    world_ok(w, "Action=DeleteStack" V "&StackName=Store");
    world_settle(w);
    S3_REFUSED(w, 404, "NoSuchBucket", NULL, "GET", AT(""), "");
    world_free(w);
}

TEST(what_a_bucket_of_a_stack_cannot_have_yet_is_refused_by_name)
{
    static const char lock[] = "Resources: {B: {Type: AWS::S3::Bucket, Properties: "
                               "{ObjectLockEnabled: true}}}\n";
    struct world *w = world_new();

    CHECK_OK(w, create(w, "lock", "", lock));
    world_settle(w);
    CHECK(strstr(events(w, "lock"), "Welkin does not implement the property ObjectLockEnabled"));
    world_free(w);
}

TEST(a_stack_makes_a_bucket_a_website_for_other_origins)
{
    static const char first[] =
        "Resources:\n"
        "  B:\n"
        "    Type: AWS::S3::Bucket\n"
        "    Properties:\n"
        "      BucketName: stack-site\n"
        "      CorsConfiguration: {CorsRules: [{Id: a, AllowedMethods: [GET], AllowedOrigins: "
        "['*'], ExposedHeaders: [ETag], MaxAge: 60}]}\n"
        "      WebsiteConfiguration: {IndexDocument: i.html, ErrorDocument: e.html, RoutingRules: "
        "[{RedirectRule: {ReplaceKeyPrefixWith: n/}, RoutingRuleCondition: {KeyPrefixEquals: o/}}]}"
        "\nOutputs: {Url: {Value: !GetAtt B.WebsiteURL}}\n";
    static const char second[] = "Resources:\n"
                                 "  B:\n"
                                 "    Type: AWS::S3::Bucket\n"
                                 "    Properties:\n"
                                 "      BucketName: stack-site\n"
                                 "      WebsiteConfiguration: {RedirectAllRequestsTo: {HostName: "
                                 "example.com}}\n";
    struct world *w = world_new();

    CHECK_OK(w, create(w, "Site", "", first));
    world_settle(w);
    check_status(w, "Site", "CREATE_COMPLETE");
    struct str cors = S3_OK(w, 200, "GET", "/stack-site?cors", "");
    CHECK_STR(xml_text(cors, "MaxAgeSeconds"), "60");
    CHECK_STR(xml_text(cors, "ExposeHeader"), "ETag");
    struct str site = S3_OK(w, 200, "GET", "/stack-site?website", "");
    CHECK_STR(xml_text(site, "Suffix"), "i.html");
    CHECK_STR(xml_text(site, "Key"), "e.html");
    CHECK_STR(xml_text(site, "ReplaceKeyPrefixWith"), "n/");
    CHECK_STR(xml_text(xml_where(stack(w, "Site"), "member", "OutputKey", "Url"), "OutputValue"),
              "http://stack-site.s3-website-us-east-1.amazonaws.com");
    CHECK_OK(w, update(w, "Site", "", second));
    world_settle(w);
    check_status(w, "Site", "UPDATE_COMPLETE");
    S3_REFUSED(w, 404, "NoSuchCORSConfiguration", NULL, "GET", "/stack-site?cors", "");
    site = S3_OK(w, 200, "GET", "/stack-site?website", "");
    CHECK_STR(xml_text(site, "HostName"), "example.com");
    CHECK_INT(xml_count(site, "IndexDocument"), 0);
    world_free(w);
}

TEST(rules_of_a_template_are_asserted)
{
    static const char text[] =
        "Parameters: {Size: {Type: String}, Where: {Type: CommaDelimitedList, Default: 'a,b'}}\n"
        "Rules:\n"
        "  Sizes:\n"
        "    RuleCondition: !Not [!Equals [!Ref Size, any]]\n"
        "    Assertions:\n"
        "      - Assert: {'Fn::Contains': [[s, m], !Ref Size]}\n"
        "        AssertDescription: Small or medium.\n"
        "      - Assert: {'Fn::EachMemberIn': [!Ref Where, [a, b, c]]}\n"
        "Resources:\n"
        "  P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref Size}}\n";
#define SIZE(v) "&Parameters.member.1.ParameterKey=Size&Parameters.member.1.ParameterValue=" v
    struct world *w = world_new();

    CHECK_OK(w, create(w, "s", SIZE("s"), text));
    CHECK_OK(w, create(w, "any", SIZE("any"), text));
    struct str reply = create(w, "l", SIZE("l"), text);
    CHECK_FAULT(w, reply, "ValidationError");
    CHECK_STR(xml_text(reply, "Message"), "Rule Sizes failed: Small or medium.");
    reply = create(w, "w",
                   SIZE("s") "&Parameters.member.2.ParameterKey=Where"
                             "&Parameters.member.2.ParameterValue=a,z",
                   text);
    CHECK_FAULT(w, reply, "ValidationError");
    world_free(w);
}

TEST(a_change_set_tells_values_without_secrets)
{
    static const char text[] =
        "Parameters: {V: {Type: String}, S: {Type: String, NoEcho: true}}\n"
        "Resources:\n"
        "  P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref V, Description: "
        "!Ref S}}\n";
#define GIVEN(v)                                                                                   \
    "&Parameters.member.1.ParameterKey=V&Parameters.member.1.ParameterValue=" v                    \
    "&Parameters.member.2.ParameterKey=S&Parameters.member.2.ParameterValue=hidden"
    struct world *w = world_new();

    CHECK_OK(w, create(w, "cs", GIVEN("one"), text));
    world_settle(w);
    world_okf(w,
              "Action=CreateChangeSet" V
              "&StackName=cs&ChangeSetName=next" GIVEN("two") "&TemplateBody=%.*s",
              STR_ARG(world_code(w, str_from(text))));
    struct str plain = world_ok(w, "Action=DescribeChangeSet" V "&StackName=cs&ChangeSetName=next");
    CHECK_INT(xml_count(plain, "AfterContext"), 0);
    struct str seen = world_ok(w, "Action=DescribeChangeSet" V "&StackName=cs&ChangeSetName=next"
                                  "&IncludePropertyValues=true");
    CHECK_STR(xml_text(seen, "BeforeValue"), "one");
    CHECK_STR(xml_text(seen, "AfterValue"), "two");
    CHECK_STR(xml_text(seen, "AfterContext"),
              "{\"Properties\":{\"Type\":\"String\",\"Value\":\"two\",\"Description\":\"****\"}}");
    CHECK(str_find(seen, S("hidden")) == SIZE_MAX);
    world_free(w);
}

/* ---- ECR ---- */

TEST(a_repository_is_made_described_and_ended)
{
    struct world *w = world_new();
    struct str made =
        world_json_ok(w, "ecr", "CreateRepository",
                      "{'repositoryName':'team/app','tags':[{'Key':'k','Value':'v'}]}");

    CHECK_STR(json_path(made, "repository.repositoryArn"),
              "arn:aws:ecr:us-east-1:000000000000:repository/team/app");
    CHECK_STR(json_path(made, "repository.repositoryUri"),
              "000000000000.dkr.ecr.us-east-1.amazonaws.com/team/app");
    CHECK_STR(json_path(made, "repository.imageTagMutability"), "MUTABLE");
    world_json_refused(w, "RepositoryAlreadyExistsException",
                       "The repository with name 'team/app' already exists in the registry with id "
                       "'000000000000'",
                       "ecr", "CreateRepository", "{'repositoryName':'team/app'}");
    world_json_refused(w, "LifecyclePolicyNotFoundException", NULL, "ecr", "GetLifecyclePolicy",
                       "{'repositoryName':'team/app'}");
    world_json_ok(w, "ecr", "PutLifecyclePolicy",
                  "{\"repositoryName\":\"team/app\",\"lifecyclePolicyText\":\"{\\\"rules\\\":[{"
                  "\\\"rulePriority\\\":1,\\\"description\\\":\\\"untagged ones\\\","
                  "\\\"selection\\\":{},\\\"action\\\":{\\\"type\\\":"
                  "\\\"expire\\\"}}]}\"}");
    world_json_refused(w, "InvalidParameterException", NULL, "ecr", "PutLifecyclePolicy",
                       "{'repositoryName':'team/app','lifecyclePolicyText':'{                   "
                       "                                                                        "
                       "          }'}");
    world_json_ok(w, "ecr", "SetRepositoryPolicy",
                  "{\"repositoryName\":\"team/app\",\"policyText\":\"{\\\"Version\\\":"
                  "\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\","
                  "\\\"Principal\\\":\\\"*\\\",\\\"Action\\\":\\\"ecr:BatchGetImage\\\"}]}\"}");
    world_json_refused(w, "InvalidParameterException", NULL, "ecr", "SetRepositoryPolicy",
                       "{'repositoryName':'team/app','policyText':'{}'}");
    world_crash(w);
    struct str all = world_json_ok(w, "ecr", "DescribeRepositories", "{}");
    CHECK_INT(json_count(all, "repositories"), 1);
    world_json_refused(w, "RepositoryNotFoundException",
                       "The repository with name 'none' does not exist in the registry with id "
                       "'000000000000'",
                       "ecr", "DescribeRepositories", "{'repositoryNames':['none']}");
    world_json_ok(w, "ecr", "PutImageTagMutability",
                  "{'repositoryName':'team/app','imageTagMutability':'IMMUTABLE'}");
    world_json_ok(w, "ecr", "TagResource",
                  "{'resourceArn':'arn:aws:ecr:us-east-1:000000000000:repository/team/app',"
                  "'tags':[{'Key':'b','Value':'c'}]}");
    world_json_ok(w, "ecr", "UntagResource",
                  "{'resourceArn':'arn:aws:ecr:us-east-1:000000000000:repository/team/app',"
                  "'tagKeys':['k']}");
    struct str tags =
        world_json_ok(w, "ecr", "ListTagsForResource",
                      "{'resourceArn':'arn:aws:ecr:us-east-1:000000000000:repository/team/app'}");
    CHECK_INT(json_count(tags, "tags"), 1);
    CHECK_STR(json_path(tags, "tags.0.Key"), "b");
    world_account(w, "111111111111", "us-east-1");
    world_json_refused(w, "RepositoryNotFoundException", NULL, "ecr", "DeleteRepository",
                       "{'repositoryName':'team/app'}");
    world_account(w, "000000000000", "us-east-1");
    world_json_ok(w, "ecr", "DeleteRepositoryPolicy", "{'repositoryName':'team/app'}");
    world_json_ok(w, "ecr", "DeleteLifecyclePolicy", "{'repositoryName':'team/app'}");
    world_json_ok(w, "ecr", "DeleteRepository", "{'repositoryName':'team/app'}");
    CHECK_INT(json_count(world_json_ok(w, "ecr", "DescribeRepositories", "{}"), "repositories"), 0);
    world_free(w);
}

TEST(repositories_come_in_pages)
{
    struct world *w = world_new();

    for (int i = 0; i < 5; i++)
        world_json_okf(w, "ecr", "CreateRepository", "{'repositoryName':'repo-%d'}", i);
    struct str page = world_json_ok(w, "ecr", "DescribeRepositories", "{'maxResults':3}");
    CHECK_INT(json_count(page, "repositories"), 3);
    page = world_json_okf(w, "ecr", "DescribeRepositories", "{'maxResults':3,'nextToken':'%s'}",
                          json_cstr(page, "nextToken"));
    CHECK_INT(json_count(page, "repositories"), 2);
    CHECK_STR(json_path(page, "repositories.0.repositoryName"), "repo-3");
    world_json_refused(w, "InvalidParameterException", NULL, "ecr", "DescribeRepositories",
                       "{'nextToken':'?'}");
    world_free(w);
}
