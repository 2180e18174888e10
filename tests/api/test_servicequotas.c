/* vCPU quotas: what EC2 refuses, and what Service Quotas shows and raises. */
#include "harness/world.h"

#define RUN "Action=RunInstances&ImageId=ami-009d6802948d06e52"
#define STANDARD "'ServiceCode': 'ec2', 'QuotaCode': 'L-1216C47A'"

static struct world *
world_limited(int64_t vcpus)
{
    struct world *w = world_new();

    w->vcpu_limit = vcpus;
    world_crash(w);
    return w;
}

static struct str
ask(struct world *w, const char *operation, const char *json)
{
    return world_json_ok(w, "servicequotas", operation, json);
}

TEST(an_account_runs_as_many_vcpus_as_its_quota_allows, "LAUNCH-01 LAUNCH-02 LAUNCH-05")
{
    struct world *w = world_limited(4);
    struct str id =
        str_dup(&w->arena, xml_text(world_ok(w, RUN "&MinCount=2&MaxCount=2&InstanceType=t3.micro"),
                                    "instanceId"));

    world_refused(w, "VcpuLimitExceeded",
                  "You have requested more vCPU capacity than your current vCPU limit of 4 allows "
                  "for the instance bucket that the specified instance type belongs to. Please "
                  "visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to "
                  "this limit.",
                  RUN "&MinCount=1&MaxCount=1&InstanceType=m5.large");
    /* Another bucket, another account. */
    world_ok(w, RUN "&MinCount=1&MaxCount=1&InstanceType=g4dn.xlarge");
    world_account(w, "111122223333", "us-east-1");
    world_ok(w, RUN "&MinCount=2&MaxCount=2&InstanceType=t3.micro");
    /* Another region. */
    world_account(w, "000000000000", "eu-west-1");
    struct str image =
        str_dup(&w->arena, xml_text(world_ok(w, "Action=DescribeImages&"
                                                "Filter.1.Name=name&Filter.1.Value.1=welkin-tiny"),
                                    "imageId"));
    world_okf(w, "Action=RunInstances&ImageId=%s&MinCount=2&MaxCount=2&InstanceType=t3.micro",
              test_cstr(image));
    world_account(w, "000000000000", "us-east-1");
    world_crash(w);
    world_refused(w, "VcpuLimitExceeded", NULL, RUN "&MinCount=1&MaxCount=1&InstanceType=t3.micro");
    /* What is stopped does not count, and a start counts again. */
    world_advance(w, 60000);
    world_okf(w, "Action=StopInstances&InstanceId.1=%s", test_cstr(id));
    world_advance(w, 60000);
    struct str other = str_dup(&w->arena, xml_text(world_ok(w, RUN "&MinCount=1&MaxCount=1&"
                                                                   "InstanceType=t3.micro"),
                                                   "instanceId"));
    world_refusedf(w, "VcpuLimitExceeded", NULL, "Action=StartInstances&InstanceId.1=%s",
                   test_cstr(id));
    world_okf(w, "Action=TerminateInstances&InstanceId.1=%s", test_cstr(other));
    world_okf(w, "Action=StartInstances&InstanceId.1=%s", test_cstr(id));
    world_refused(w, "VcpuLimitExceeded", NULL, RUN "&MinCount=1&MaxCount=1&InstanceType=t3.micro");
    world_free(w);
}

TEST(a_quota_is_raised_on_request, "LAUNCH-04 SQ-01")
{
    struct world *w = world_limited(2);

    world_refused(w, "VcpuLimitExceeded", NULL, RUN "&MinCount=2&MaxCount=2&InstanceType=t3.micro");
    struct str quota = ask(w, "GetServiceQuota", "{" STANDARD "}");
    CHECK_STR(json_path(quota, "Quota.Value"), "2");
    CHECK_STR(json_path(quota, "Quota.QuotaName"),
              "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances");
    CHECK_STR(json_path(quota, "Quota.QuotaArn"),
              "arn:aws:servicequotas:us-east-1:000000000000:ec2/L-1216C47A");
    world_json_refused(w, "IllegalArgumentException", NULL, "servicequotas",
                       "RequestServiceQuotaIncrease", "{" STANDARD ", 'DesiredValue': 2}");
    struct str made = ask(w, "RequestServiceQuotaIncrease", "{" STANDARD ", 'DesiredValue': 4}");
    CHECK_STR(json_path(made, "RequestedQuota.Status"), "APPROVED");
    world_crash(w);
    CHECK_STR(json_path(ask(w, "GetServiceQuota", "{" STANDARD "}"), "Quota.Value"), "4");
    CHECK_STR(json_path(ask(w, "GetAWSDefaultServiceQuota", "{" STANDARD "}"), "Quota.Value"), "2");
    world_ok(w, RUN "&MinCount=2&MaxCount=2&InstanceType=t3.micro");
    struct str again = world_json_okf(w, "servicequotas", "GetRequestedServiceQuotaChange",
                                      "{'RequestId': '%s'}", json_cstr(made, "RequestedQuota.Id"));
    CHECK_STR(json_path(again, "RequestedQuota.DesiredValue"), "4");
    CHECK(json_count(ask(w, "ListRequestedServiceQuotaChangeHistory", "{}"), "RequestedQuotas") ==
          1);
    CHECK(json_count(ask(w, "ListRequestedServiceQuotaChangeHistoryByQuota", "{" STANDARD "}"),
                     "RequestedQuotas") == 1);
    CHECK(json_count(ask(w, "ListRequestedServiceQuotaChangeHistory", "{'Status': 'DENIED'}"),
                     "RequestedQuotas") == 0);
    world_account(w, "111122223333", "us-east-1");
    CHECK_STR(json_path(ask(w, "GetServiceQuota", "{" STANDARD "}"), "Quota.Value"), "2");
    CHECK(json_count(ask(w, "ListRequestedServiceQuotaChangeHistory", "{}"), "RequestedQuotas") ==
          0);
    world_json_refusedf(w, "NoSuchResourceException", NULL, "servicequotas",
                        "GetRequestedServiceQuotaChange", "{'RequestId': '%s'}",
                        json_cstr(made, "RequestedQuota.Id"));
    world_account(w, "000000000000", "eu-west-1");
    CHECK_STR(json_path(ask(w, "GetServiceQuota", "{" STANDARD "}"), "Quota.Value"), "2");
    world_free(w);
}

TEST(quotas_are_listed_by_page)
{
    struct world *w = world_new();
    struct str all = ask(w, "ListServiceQuotas", "{'ServiceCode': 'ec2'}");
    struct str token = STR_NONE;
    size_t n = 0;

    CHECK_STR(json_path(ask(w, "ListServices", "{}"), "Services.1.ServiceCode"), "ec2");
    do {
        struct str page =
            token.n ? world_json_okf(w, "servicequotas", "ListServiceQuotas",
                                     "{'ServiceCode': 'ec2', 'MaxResults': 3, 'NextToken': '%s'}",
                                     test_cstr(token))
                    : ask(w, "ListServiceQuotas", "{'ServiceCode': 'ec2', 'MaxResults': 3}");

        n += json_count(page, "Quotas");
        token = json_path(page, "NextToken");
    } while (token.n);
    CHECK(n == json_count(all, "Quotas") && n > 3);
    CHECK(json_count(ask(w, "ListAWSDefaultServiceQuotas", "{'ServiceCode': 'ec2'}"), "Quotas") ==
          n);
    CHECK(json_count(ask(w, "ListServiceQuotas",
                         "{'ServiceCode': 'ec2', 'QuotaAppliedAtLevel': 'RESOURCE'}"),
                     "Quotas") == 0);
    world_json_refused(w, "NoSuchResourceException", NULL, "servicequotas", "ListServiceQuotas",
                       "{'ServiceCode': 'nope'}");
    world_json_refused(w, "NoSuchResourceException", NULL, "servicequotas", "GetServiceQuota",
                       "{'ServiceCode': 'ec2', 'QuotaCode': 'L-00000000'}");
    world_json_refused(w, "InvalidPaginationTokenException", NULL, "servicequotas",
                       "ListServiceQuotas", "{'ServiceCode': 'ec2', 'NextToken': 'x'}");
    world_free(w);
}

TEST(the_operator_says_what_a_new_account_has, "LAUNCH-03")
{
    struct world *w = world_limited(64);

    CHECK_STR(json_path(ask(w, "GetAWSDefaultServiceQuota", "{" STANDARD "}"), "Quota.Value"),
              "64");
    CHECK_STR(json_path(ask(w, "GetServiceQuota", "{" STANDARD "}"), "Quota.QuotaName"),
              "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances");
    world_ok(w, RUN "&MinCount=32&MaxCount=32&InstanceType=t3.micro");
    world_refused(w, "VcpuLimitExceeded", NULL, RUN "&MinCount=1&MaxCount=1&InstanceType=t3.micro");
    world_free(w);
}

TEST(storage_has_quotas_of_its_own_service)
{
    struct world *w = world_new();
    struct str list = ask(w, "ListServiceQuotas", "{'ServiceCode': 'ebs'}");

    CHECK_INT(json_count(list, "Quotas"), 7);
    CHECK_STR(json_path(list, "Quotas.2.QuotaName"),
              "Storage for General Purpose SSD (gp3) volumes, in TiB");
    CHECK_STR(json_path(list, "Quotas.2.QuotaCode"), "L-7A658B76");
    CHECK_STR(json_path(list, "Quotas.2.ServiceName"), "Amazon Elastic Block Store (Amazon EBS)");
    world_json_refused(w, "NoSuchResourceException", NULL, "servicequotas", "GetServiceQuota",
                       "{'ServiceCode': 'ec2', 'QuotaCode': 'L-7A658B76'}");
    CHECK_STR(json_path(ask(w, "ListServices", "{}"), "Services.0.ServiceCode"), "ebs");
    world_free(w);
}

TEST(the_history_of_a_service_has_its_requests_alone)
{
    struct world *w = world_limited(2);

    ask(w, "RequestServiceQuotaIncrease", "{" STANDARD ", 'DesiredValue': 4}");
#define HISTORY(service)                                                                           \
    json_count(ask(w, "ListRequestedServiceQuotaChangeHistory", "{" service "}"), "RequestedQuotas")
    CHECK_INT(HISTORY(""), 1);
    CHECK_INT(HISTORY("'ServiceCode': 'ec2'"), 1);
    CHECK_INT(HISTORY("'ServiceCode': 'ebs'"), 0);
#undef HISTORY
    world_free(w);
}

TEST(the_limit_of_elastic_ips_is_raised_for_the_account_that_asks)
{
#define ADDRESSES "'ServiceCode': 'ec2', 'QuotaCode': 'L-0263D0A3'"
    struct world *w = world_limited(2);

    CHECK_STR(json_path(ask(w, "GetServiceQuota", "{" ADDRESSES "}"), "Quota.QuotaName"),
              "EC2-VPC Elastic IPs");
    CHECK_STR(json_path(ask(w, "GetServiceQuota", "{" ADDRESSES "}"), "Quota.Value"), "5");
    for (unsigned i = 0; i < 5; i++)
        world_ok(w, "Action=AllocateAddress");
    world_refused(w, "AddressLimitExceeded", "The maximum number of addresses has been reached.",
                  "Action=AllocateAddress");
    ask(w, "RequestServiceQuotaIncrease", "{" ADDRESSES ", 'DesiredValue': 7}");
    world_crash(w);
    world_ok(w, "Action=AllocateAddress");
    world_ok(w, "Action=AllocateAddress");
    world_refused(w, "AddressLimitExceeded", NULL, "Action=AllocateAddress");
    CHECK_STR(json_path(ask(w, "GetAWSDefaultServiceQuota", "{" ADDRESSES "}"), "Quota.Value"),
              "5");
    world_account(w, "111122223333", "us-east-1");
    for (unsigned i = 0; i < 5; i++)
        world_ok(w, "Action=AllocateAddress");
    world_refused(w, "AddressLimitExceeded", NULL, "Action=AllocateAddress");
    world_free(w);
}

TEST(a_quota_has_tags_of_the_account)
{
#define QUOTA_ARN "'ResourceARN': 'arn:aws:servicequotas:us-east-1:000000000000:ec2/L-1216C47A'"
    struct world *w = world_new();

    CHECK_INT(json_count(ask(w, "ListTagsForResource", "{" QUOTA_ARN "}"), "Tags"), 0);
    ask(w, "TagResource",
        "{" QUOTA_ARN ", 'Tags': [{'Key': 'b', 'Value': '1'}, {'Key': 'a', 'Value': ''}]}");
    ask(w, "TagResource", "{" QUOTA_ARN ", 'Tags': [{'Key': 'b', 'Value': '2'}]}");
    world_crash(w);
    struct str tags = ask(w, "ListTagsForResource", "{" QUOTA_ARN "}");

    CHECK_INT(json_count(tags, "Tags"), 2);
    CHECK_STR(json_path(tags, "Tags.1.Value"), "2");
    ask(w, "UntagResource", "{" QUOTA_ARN ", 'TagKeys': ['a']}");
    CHECK_INT(json_count(ask(w, "ListTagsForResource", "{" QUOTA_ARN "}"), "Tags"), 1);
    world_json_refused(w, "IllegalArgumentException", NULL, "servicequotas", "TagResource",
                       "{" QUOTA_ARN ", 'Tags': [{'Key': 'aws:x', 'Value': ''}]}");
    for (unsigned i = 0; i < 49; i++)
        world_json_okf(w, "servicequotas", "TagResource",
                       "{" QUOTA_ARN ", 'Tags': [{'Key': 'k%u', 'Value': ''}]}", i);
    world_json_refused(w, "TooManyTagsException", NULL, "servicequotas", "TagResource",
                       "{" QUOTA_ARN ", 'Tags': [{'Key': 'more', 'Value': ''}]}");
    world_account(w, "111122223333", "us-east-1");
    world_json_refused(w, "NoSuchResourceException", NULL, "servicequotas", "ListTagsForResource",
                       "{" QUOTA_ARN "}");
    world_free(w);
}
