/* Prefix lists that are AWS's own, and rules that name them. */
#include "ec2/ec2.h"
#include "harness/world.h"

#define NAME "com.amazonaws.us-east-1.ec2-instance-connect"

static const char *
list_id(struct world *w)
{
    return xml_cstr(world_ok(w, "Action=DescribeManagedPrefixLists"), "prefixListId");
}

TEST(the_list_of_instance_connect_is_described)
{
    struct world *w = world_new();
    const char *id = list_id(w);
    struct str seen = world_okf(w,
                                "Action=DescribeManagedPrefixLists&PrefixListId.1=%s&"
                                "Filter.1.Name=prefix-list-name&Filter.1.Value.1=" NAME
                                "&Filter.2.Name=owner-id&Filter.2.Value.1=AWS",
                                id);

    CHECK_STR(xml_text(seen, "prefixListName"), NAME);
    CHECK_STR(xml_text(seen, "prefixListArn"),
              test_fmt("arn:aws:ec2:us-east-1:aws:prefix-list/%s", id));
    CHECK_STR(xml_text(seen, "addressFamily"), "IPv4");
    CHECK_STR(xml_text(seen, "state"), "create-complete");
    CHECK_STR(xml_text(seen, "ownerId"), "AWS");
    seen = world_okf(w, "Action=GetManagedPrefixListEntries&PrefixListId=%s&MaxResults=1", id);
    CHECK_STR(xml_text(seen, "cidr"), "18.206.107.24/29");
    CHECK(!xml_text(seen, "nextToken").n);
    seen = world_okf(w,
                     "Action=DescribePrefixLists&PrefixListId.1=%s&Filter.1.Name="
                     "prefix-list-id&Filter.1.Value.1=%s",
                     id, id);
    CHECK_STR(xml_text(seen, "prefixListName"), NAME);
    CHECK_STR(xml_text(xml_element(seen, "cidrSet"), "item"), "18.206.107.24/29");
    seen =
        world_ok(w, "Action=DescribePrefixLists&Filter.1.Name=prefix-list-id&Filter.1.Value.1=x");
    CHECK_INT(xml_count(seen, "prefixListId"), 0);
    /* the same in every account, another in every region */
    world_account(w, "111111111111", "us-east-1");
    CHECK_STR(str_from(list_id(w)), id);
    world_account(w, "000000000000", "eu-west-1");
    CHECK(strcmp(list_id(w), id) != 0);
    static const char *const calls[] = {
        "DescribeManagedPrefixLists&PrefixListId.1=", "DescribePrefixLists&PrefixListId.1=",
        "GetManagedPrefixListEntries&PrefixListId="};
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        world_refusedf(w, "InvalidPrefixListID.NotFound",
                       test_fmt("The prefix list ID '%s' does not exist", id), "Action=%s%s",
                       calls[i], id);
    world_refusedf(
        w, "UnsupportedOperation", NULL,
        "Action=GetManagedPrefixListEntries&Version=2016-11-15&TargetVersion=1&PrefixListId=%s",
        list_id(w));
    world_account(w, "000000000000", "me-south-1");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeManagedPrefixLists"), "prefixListId"), 0);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribePrefixLists"), "prefixListId"), 0);
    world_free(w);
}

TEST(a_rule_may_name_a_prefix_list)
{
    static const char rule[] = "IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=22&"
                               "IpPermissions.1.ToPort=22&IpPermissions.1.PrefixListIds.1."
                               "Description=connect&IpPermissions.1.PrefixListIds.1.PrefixListId=";
    struct world *w = world_new();
    const char *id = list_id(w);
    const char *group = xml_cstr(world_ok(w, "Action=CreateSecurityGroup&GroupName=g&"
                                             "GroupDescription=g"),
                                 "groupId");
    struct str made =
        world_okf(w, "Action=AuthorizeSecurityGroupIngress&GroupId=%s&%s%s", group, rule, id);
    const char *rule_id = xml_cstr(made, "securityGroupRuleId");

    CHECK_STR(xml_text(made, "prefixListId"), id);
    CHECK_STR(xml_text(made, "description"), "connect");
    world_refusedf(w, "InvalidPermission.Duplicate", NULL,
                   "Action=AuthorizeSecurityGroupIngress&GroupId=%s&%s%s", group, rule, id);
    world_refusedf(w, "InvalidPrefixListID.NotFound", NULL,
                   "Action=AuthorizeSecurityGroupEgress&GroupId=%s&%spl-1", group, rule);
    world_crash(w);
    struct str seen = world_okf(w,
                                "Action=DescribeSecurityGroups&Filter.1.Name="
                                "ip-permission.prefix-list-id&Filter.1.Value.1=%s",
                                id);
    CHECK_STR(xml_text(seen, "groupId"), group);
    CHECK_STR(xml_text(seen, "prefixListId"), id);
    struct txn *txn = world_begin(w);
    const struct ec2_prefix_list_row *row = ec2_prefix_list_get(txn, str_from(id));
    CHECK(row && row->cidrs.n == 1);
    store_rollback(txn);
    world_okf(w,
              "Action=ModifySecurityGroupRules&GroupId=%s&SecurityGroupRule.1.SecurityGroupRuleId="
              "%s&SecurityGroupRule.1.SecurityGroupRule.IpProtocol=tcp&SecurityGroupRule.1."
              "SecurityGroupRule.FromPort=2222&SecurityGroupRule.1.SecurityGroupRule.ToPort=2222&"
              "SecurityGroupRule.1.SecurityGroupRule.PrefixListId=%s",
              group, rule_id, id);
    world_okf(w, "Action=RevokeSecurityGroupIngress&GroupId=%s&SecurityGroupRuleId.1=%s", group,
              rule_id);
    world_free(w);
}
