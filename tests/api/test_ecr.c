/* Repositories of the container registry, and what is said of them. */
#include "harness/world.h"

#define ECR(w, op, ...) world_json_okf((w), "ecr", (op), __VA_ARGS__)
#define ECR_REFUSED(w, code, message, op, ...)                                                     \
    world_json_refusedf((w), (code), (message), "ecr", (op), __VA_ARGS__)
#define ARN "arn:aws:ecr:us-east-1:000000000000:repository/team/web"

TEST(a_repository_is_made_described_changed_and_deleted)
{
    struct world *w = world_new();
    struct str made = ECR(w, "CreateRepository", "{'repositoryName': 'team/web'}");

    CHECK_STR(json_path(made, "repository.repositoryArn"), ARN);
    CHECK_STR(json_path(made, "repository.imageTagMutability"), "MUTABLE");
    CHECK_STR(json_path(made, "repository.encryptionConfiguration.encryptionType"), "AES256");
    ECR_REFUSED(w, "RepositoryAlreadyExistsException", NULL, "CreateRepository",
                "{'repositoryName': 'team/web'}");
    ECR(w, "PutImageTagMutability",
        "{'repositoryName': 'team/web', 'imageTagMutability': 'IMMUTABLE'}");
    ECR(w, "PutImageScanningConfiguration",
        "{'repositoryName': 'team/web', 'imageScanningConfiguration': {'scanOnPush': true}}");
    world_crash(w);
    struct str list = ECR(w, "DescribeRepositories", "{'repositoryNames': ['team/web']}");
    CHECK_STR(json_path(list, "repositories.0.imageTagMutability"), "IMMUTABLE");
    ECR(w, "DeleteRepository", "{'repositoryName': 'team/web'}");
    ECR_REFUSED(w, "RepositoryNotFoundException",
                "The repository with name 'team/web' does not exist in the registry with id "
                "'000000000000'",
                "DescribeRepositories", "{'repositoryNames': ['team/web']}");
    world_free(w);
}

TEST(repositories_are_listed_by_page_and_of_the_own_registry_alone)
{
    struct world *w = world_new();

    ECR(w, "CreateRepository", "{'repositoryName': 'aa'}");
    ECR(w, "CreateRepository", "{'repositoryName': 'bb'}");
    struct str page = ECR(w, "DescribeRepositories", "{'maxResults': 1}");
    CHECK_STR(json_path(page, "repositories.0.repositoryName"), "aa");
    page = ECR(w, "DescribeRepositories", "{'nextToken': '%s'}", json_cstr(page, "nextToken"));
    CHECK_INT(json_count(page, "repositories"), 1);
    CHECK(!json_path(page, "nextToken").p);
    CHECK_INT(json_count(ECR(w, "DescribeRepositories", "{'registryId': '000000000000'}"),
                         "repositories"),
              2);
    ECR_REFUSED(w, "AccessDeniedException", NULL, "DescribeRepositories",
                "{'registryId': '111122223333'}");
    world_free(w);
}

TEST(a_repository_has_tags_a_policy_and_rules_of_expiry)
{
    struct world *w = world_new();

    ECR(w, "CreateRepository",
        "{'repositoryName': 'team/web', 'tags': [{'Key': 'a', 'Value': '1'}]}");
    ECR(w, "TagResource",
        "{'resourceArn': '" ARN "', 'tags': [{'Key': 'b', 'Value': '2'}, {'Key': 'a', 'Value': "
        "'3'}]}");
    struct str tags = ECR(w, "ListTagsForResource", "{'resourceArn': '" ARN "'}");
    CHECK_INT(json_count(tags, "tags"), 2);
    CHECK_STR(json_path(tags, "tags.0.Value"), "3");
    ECR_REFUSED(w, "InvalidTagParameterException", NULL, "TagResource",
                "{'resourceArn': '" ARN "', 'tags': [{'Key': 'aws:a', 'Value': ''}]}");
    ECR(w, "UntagResource", "{'resourceArn': '" ARN "', 'tagKeys': ['a']}");
    CHECK_INT(json_count(ECR(w, "ListTagsForResource", "{'resourceArn': '" ARN "'}"), "tags"), 1);
    world_account(w, "000000000000", "eu-west-1");
    ECR_REFUSED(w, "RepositoryNotFoundException", NULL, "ListTagsForResource",
                "{'resourceArn': '" ARN "'}");
    world_account(w, "000000000000", "us-east-1");
    ECR_REFUSED(w, "RepositoryPolicyNotFoundException", NULL, "GetRepositoryPolicy",
                "{'repositoryName': 'team/web'}");
    world_json_ok(w, "ecr", "SetRepositoryPolicy",
                  "{\"repositoryName\": \"team/web\", \"policyText\": \"{\\\"Statement\\\":"
                  "[{\\\"Effect\\\":\\\"Allow\\\",\\\"Principal\\\":\\\"*\\\","
                  "\\\"Action\\\":\\\"ecr:ListImages\\\"}]}\"}");
    CHECK(
        json_path(ECR(w, "GetRepositoryPolicy", "{'repositoryName': 'team/web'}"), "policyText").n >
        0);
    ECR(w, "DeleteRepositoryPolicy", "{'repositoryName': 'team/web'}");
    ECR_REFUSED(w, "InvalidParameterException", NULL, "PutLifecyclePolicy",
                "{'repositoryName': 'team/web', 'lifecyclePolicyText': '%s'}",
                test_fmt("{%*s}", 120, ""));
    ECR_REFUSED(w, "LifecyclePolicyNotFoundException", NULL, "GetLifecyclePolicy",
                "{'repositoryName': 'team/web'}");
    world_free(w);
}
