/* Security groups and their rules. */
#include "harness/world.h"

static const char *
group_new(struct world *w, const char *name)
{
    struct str xml =
        world_okf(w, "Action=CreateSecurityGroup&GroupName=%s&GroupDescription=of+a+test", name);

    CHECK(str_starts(xml_text(xml, "groupId"), S("sg-")));
    return xml_cstr(xml, "groupId");
}

static size_t
rules_of(struct world *w, const char *group)
{
    return (size_t)xml_count(world_okf(w,
                                       "Action=DescribeSecurityGroupRules&Filter.1.Name=group-id"
                                       "&Filter.1.Value.1=%s",
                                       group),
                             "securityGroupRuleId");
}

TEST(a_new_group_lets_everything_out, "VPC-03")
{
    struct world *w = world_new();
    struct str xml =
        world_okf(w, "Action=CreateSecurityGroup&GroupName=web&GroupDescription=the+web"
                     "&TagSpecification.1.ResourceType=security-group"
                     "&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=w");
    const char *id = xml_cstr(xml, "groupId");

    CHECK_STR(xml_text(xml, "securityGroupArn"),
              test_fmt("arn:aws:ec2:us-east-1:000000000000:security-group/%s", id));
    CHECK_STR(xml_text(xml, "key"), "Name");
    xml = world_okf(w, "Action=DescribeSecurityGroups&GroupId.1=%s", id);
    CHECK_STR(xml_text(xml, "groupName"), "web");
    CHECK_STR(xml_text(xml, "groupDescription"), "the web");
    CHECK_STR(xml_text(xml, "ownerId"), "000000000000");
    CHECK_STR(xml_text(xml, "value"), "w");
    CHECK_INT(xml_count(xml, "ipProtocol"), 1);
    CHECK_STR(xml_text(xml, "ipProtocol"), "-1");
    CHECK_STR(xml_text(xml, "cidrIp"), "0.0.0.0/0");
    CHECK_INT(xml_count(xml, "fromPort"), 0); /* all protocols have no ports */
    CHECK_INT(xml_count(xml, "nextToken"), 0);
    CHECK(str_find(xml, S("<ipPermissions/>")) != SIZE_MAX ||
          str_find(xml, S("<ipPermissions></ipPermissions>")) != SIZE_MAX);

    xml = world_okf(
        w, "Action=DescribeSecurityGroupRules&Filter.1.Name=group-id&Filter.1.Value.1=%s", id);
    CHECK_STR(xml_text(xml, "isEgress"), "true");
    CHECK_STR(xml_text(xml, "fromPort"), "-1");
    CHECK_STR(xml_text(xml, "groupOwnerId"), "000000000000");
    CHECK_STR(xml_text(xml, "cidrIpv4"), "0.0.0.0/0");
    CHECK(str_starts(xml_text(xml, "securityGroupRuleArn"),
                     S("arn:aws:ec2:us-east-1:000000000000:security-group-rule/sgr-")));
    world_free(w);
}

TEST(names_of_groups_have_rules)
{
    struct world *w = world_new();
    const char *vpc = xml_cstr(world_okf(w, "Action=DescribeVpcs"), "vpcId");
    char longest[257];

#define CREATE "Action=CreateSecurityGroup&GroupName=%s&GroupDescription=%s"
    (void)group_new(w, "twice");
    world_refusedf(w, "InvalidGroup.Duplicate",
                   test_fmt("The security group 'twice' already exists for VPC '%s'", vpc), CREATE,
                   "twice", "x");
    world_refusedf(w, "InvalidGroup.Duplicate", NULL, CREATE, "TWICE", "x");
    world_refusedf(w, "InvalidGroup.Duplicate", NULL, CREATE "&VpcId=%s", "twice", "x", vpc);
    world_refusedf(w, "InvalidParameterValue",
                   "Value (sg-web) for parameter GroupName is invalid. "
                   "Group names may not be in the format sg-*.",
                   CREATE, "sg-web", "x");
    world_refusedf(w, "InvalidParameterValue", "Cannot use reserved security group name: default",
                   CREATE, "default", "x");
    world_refusedf(w, "InvalidParameterValue", NULL, CREATE, "a%22b", "x");
    world_refusedf(w, "InvalidParameterValue",
                   "Value (\xc3\xa9) for parameter GroupDescription is invalid. "
                   "Character sets beyond ASCII are not supported.",
                   CREATE, "accent", "%C3%A9");
    world_refusedf(
        w, "InvalidParameterValue",
        "Invalid security group description. Valid descriptions are strings less than 256 "
        "characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        CREATE, "quote", "it%27s");
    memset(longest, 'x', 256);
    longest[256] = 0;
    world_refusedf(w, "InvalidParameterValue", NULL, CREATE, longest, "x");
    longest[255] = 0;
    (void)world_okf(w, CREATE, longest, longest);
    world_refusedf(w, "MissingParameter", NULL, "Action=CreateSecurityGroup&GroupName=x");
    world_refusedf(w, "MissingParameter", NULL, "Action=CreateSecurityGroup&GroupDescription=x");
    world_refusedf(w, "InvalidVpcID.NotFound", "The vpc ID 'vpc-1' does not exist",
                   CREATE "&VpcId=vpc-1", "elsewhere", "x");
    world_refusedf(w, "InvalidParameterValue", NULL,
                   CREATE
                   "&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=a",
                   "tagged", "x");
    world_free(w);
}

TEST(rules_come_folded_into_permissions, "VPC-03")
{
    struct world *w = world_new();
    const char *id = group_new(w, "web"), *peer = group_new(w, "balancer");
    struct str xml;

    xml = world_okf(w,
                    "Action=AuthorizeSecurityGroupIngress&GroupId=%s"
                    "&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=80"
                    "&IpPermissions.1.ToPort=80"
                    "&IpPermissions.1.IpRanges.1.CidrIp=10.1.2.3%%2F8"
                    "&IpPermissions.1.IpRanges.1.Description=inside"
                    "&IpPermissions.1.IpRanges.2.CidrIp=192.0.2.1%%2F32"
                    "&IpPermissions.1.Ipv6Ranges.1.CidrIpv6=2001:DB8::1%%2F32"
                    "&IpPermissions.2.IpProtocol=TCP&IpPermissions.2.FromPort=80"
                    "&IpPermissions.2.ToPort=80&IpPermissions.2.Groups.1.GroupId=%s"
                    "&IpPermissions.3.IpProtocol=1&IpPermissions.3.FromPort=8"
                    "&IpPermissions.3.ToPort=-1&IpPermissions.3.IpRanges.1.CidrIp=0.0.0.0%%2F0"
                    "&IpPermissions.4.IpProtocol=50&IpPermissions.4.FromPort=7"
                    "&IpPermissions.4.IpRanges.1.CidrIp=0.0.0.0%%2F0"
                    "&IpPermissions.5.IpProtocol=58&IpPermissions.5.Ipv6Ranges.1.CidrIpv6=::%%2F0"
                    "&TagSpecification.1.ResourceType=security-group-rule"
                    "&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=r",
                    id, peer);
    CHECK_STR(xml_text(xml, "return"), "true");
    CHECK_INT(xml_count(xml, "securityGroupRuleId"), 7);
    CHECK_INT(xml_count(xml, "key"), 7);
    CHECK_STR(xml_text(xml, "description"), "inside");

    xml = world_okf(w, "Action=DescribeSecurityGroups&GroupId.1=%s", id);
    CHECK_INT(xml_count(xml, "ipProtocol"), 5); /* tcp, icmp, 50, icmpv6 and the one out */
    CHECK_INT(xml_count(xml, "fromPort"), 3);
    CHECK(str_find(xml, S("<cidrIp>10.0.0.0/8</cidrIp>")) != SIZE_MAX);
    CHECK(str_find(xml, S("<cidrIpv6>2001:db8::/32</cidrIpv6>")) != SIZE_MAX);
    CHECK(str_find(xml, S("<ipProtocol>icmpv6</ipProtocol>")) != SIZE_MAX);
    CHECK(str_find(xml, S("<ipProtocol>50</ipProtocol>")) != SIZE_MAX);
    CHECK(str_find(xml, str_fmt(test_arena(), "<groupId>%s</groupId>", peer)) != SIZE_MAX);
    CHECK_INT(rules_of(w, id), 8);

    world_crash(w);
    CHECK_INT(rules_of(w, id), 8);
    world_free(w);
}

TEST(the_flat_form_makes_the_same_rules)
{
    struct world *w = world_new();
    const char *id = group_new(w, "web");
    struct str xml;

    xml =
        world_okf(w, "Action=AuthorizeSecurityGroupIngress&GroupName=web&IpProtocol=tcp&FromPort=22"
                     "&ToPort=22&CidrIp=0.0.0.0%%2F0");
    CHECK_STR(xml_text(xml, "groupId"), id);
    CHECK_STR(xml_text(xml, "cidrIpv4"), "0.0.0.0/0");
    world_refusedf(
        w, "InvalidPermission.Duplicate",
        "the specified rule \"peer: 0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW\" already "
        "exists",
        "Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpPermissions.1.IpProtocol=6"
        "&IpPermissions.1.FromPort=22&IpPermissions.1.ToPort=22"
        "&IpPermissions.1.IpRanges.1.CidrIp=1.2.3.4%%2F0",
        id);

    /* All that a group sends: TCP, UDP and ICMP. */
    xml = world_okf(
        w, "Action=AuthorizeSecurityGroupIngress&GroupId=%s&SourceSecurityGroupName=default", id);
    CHECK_INT(xml_count(xml, "securityGroupRuleId"), 3);
    CHECK_INT(xml_count(xml, "referencedGroupInfo"), 3);
    xml = world_okf(
        w, "Action=RevokeSecurityGroupIngress&GroupId=%s&SourceSecurityGroupName=default", id);
    CHECK_INT(xml_count(xml, "referencedGroupId"), 3);
    CHECK_INT(xml_count(xml, "unknownIpPermissionSet"), 0);
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   "Action=AuthorizeSecurityGroupIngress&GroupId=%s&SourceSecurityGroupName=default"
                   "&IpProtocol=tcp",
                   id);
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   "Action=AuthorizeSecurityGroupIngress&GroupId=%s&CidrIp=0.0.0.0%%2F0"
                   "&IpPermissions.1.IpProtocol=-1&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0%%2F0",
                   id);
    world_refusedf(
        w, "UnknownParameter", NULL,
        "Action=AuthorizeSecurityGroupEgress&GroupId=%s&IpProtocol=tcp&FromPort=22&ToPort=22"
        "&CidrIp=0.0.0.0%%2F0",
        id);
    world_free(w);
}

#define P "&IpPermissions.1."
#define ANY P "IpRanges.1.CidrIp=0.0.0.0%2F0"
static const struct {
    const char *rule, *code, *message;
} bad_rules[] = {
    {"", "MissingParameter",
     "Missing source specification: include source security group or CIDR information"},
    {P "IpProtocol=tcp" P "FromPort=1" P "ToPort=1", "MissingParameter",
     "Missing source specification: include source security group or CIDR information"},
    {ANY, "InvalidParameterValue",
     "Invalid value 'null' for protocol. "
     "VPC security group rules must specify protocols explicitly."},
    {P "IpProtocol=tpc" ANY, "InvalidParameterValue",
     "Invalid value 'tpc' for IP protocol. Unknown protocol."},
    {P "IpProtocol=256" ANY, "InvalidParameterValue",
     "Invalid value '256' for IP protocol. Unknown protocol."},
    {P "IpProtocol=-2" ANY, "InvalidParameterValue",
     "Invalid value '-2' for IP protocol. Unknown protocol."},
    {P "IpProtocol=tcp" ANY, "InvalidParameterValue",
     "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange."},
    {P "IpProtocol=udp" P "FromPort=1" ANY, "InvalidParameterValue",
     "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange."},
    {P "IpProtocol=icmp" ANY, "InvalidParameterValue",
     "Invalid value 'Must specify both from and to ports with ICMP.' for portRange."},
    {P "IpProtocol=tcp" P "FromPort=1" P "ToPort=65536" ANY, "InvalidParameterValue",
     "TCP/UDP port (65536) out of range"},
    {P "IpProtocol=tcp" P "FromPort=-1" P "ToPort=-1" ANY, "InvalidParameterValue",
     "TCP/UDP port (-1) out of range"},
    {P "IpProtocol=tcp" P "FromPort=443" P "ToPort=80" ANY, "InvalidParameterValue",
     "Invalid TCP/UDP port range (443:80)"},
    {P "IpProtocol=icmp" P "FromPort=0" P "ToPort=65535" ANY, "InvalidParameterValue",
     "ICMP code (65535) out of range"},
    {P "IpProtocol=icmp" P "FromPort=256" P "ToPort=0" ANY, "InvalidParameterValue",
     "ICMP type (256) out of range"},
    {P "IpProtocol=icmp" P "FromPort=-1" P "ToPort=0" ANY, "InvalidParameterValue",
     "ICMP code (0) out of range"},
    {P "IpProtocol=-1" P "IpRanges.1.CidrIp=0.0.0.0", "InvalidParameterValue",
     "CIDR block 0.0.0.0 is malformed"},
    {P "IpProtocol=-1" P "IpRanges.1.CidrIp=::%2F0", "InvalidParameterValue",
     "CIDR block ::/0 is malformed"},
    {P "IpProtocol=-1" P "IpRanges.1.CidrIp=10.0.0.0%2F33", "InvalidParameterValue",
     "CIDR block 10.0.0.0/33 is malformed"},
    {P "IpProtocol=-1" P "Ipv6Ranges.1.CidrIpv6=0.0.0.0%2F0", "InvalidParameterValue",
     "CIDR block 0.0.0.0/0 is malformed"},
    {P "IpProtocol=-1" ANY P "IpRanges.1.Description=it%27s", "InvalidParameterValue",
     "Invalid rule description. Valid descriptions are strings less than 256 characters from "
     "the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"},
    {P "IpProtocol=-1" P "PrefixListIds.1.PrefixListId=pl-63a5400a", "InvalidPrefixListID.NotFound",
     "The prefix list ID 'pl-63a5400a' does not exist"},
    {P "IpProtocol=-1" P "Groups.1.UserId=000000000000", "MissingParameter",
     "Source group ID missing."},
    {P "IpProtocol=-1" P "Groups.1.GroupId=sg-0123456789abcdef0", "InvalidGroup.NotFound",
     "The security group 'sg-0123456789abcdef0' does not exist"},
    {P "IpProtocol=-1" P "Groups.1.GroupId=web", "InvalidGroupId.Malformed",
     "Invalid id: \"web\" (expecting \"sg-...\")"},
    {P "IpProtocol=-1" P "Groups.1.GroupId=sg-xyz", "InvalidGroupId.Malformed",
     "Invalid id: \"sg-xyz\""},
    {P "IpProtocol=-1" P "Groups.1.GroupName=nobody", "InvalidGroup.NotFound", NULL},
    {P "IpProtocol=-1" P "Groups.1.GroupName=default" P "Groups.1.UserId=650524209925",
     "InvalidGroup.NotFound", NULL},
    {P "IpProtocol=-1" P "Groups.1.GroupName=default" P
       "Groups.1.VpcPeeringConnectionId=pcx-11112222",
     "UnsupportedOperation", NULL},
    {P "IpProtocol=-1" ANY P "IpRanges.2.CidrIp=1.0.0.0%2F0", "InvalidParameterValue",
     "The same permission must not appear multiple times"},
};

TEST(a_malformed_rule_is_refused_and_leaves_nothing)
{
    struct world *w = world_new();
    const char *id = group_new(w, "web");

    for (size_t i = 0; i < ARRAY_LEN(bad_rules); i++) {
        world_refusedf(w, bad_rules[i].code, bad_rules[i].message,
                       "Action=AuthorizeSecurityGroupIngress&GroupId=%s%s", id, bad_rules[i].rule);
        CHECK_INT(rules_of(w, id), 1);
    }
    world_refusedf(w, "MissingParameter",
                   "The request must contain the parameter groupName or groupId",
                   "Action=AuthorizeSecurityGroupIngress" P "IpProtocol=-1");
    world_refusedf(w, "InvalidGroup.NotFound", NULL,
                   "Action=AuthorizeSecurityGroupIngress&GroupId=sg-0123456789abcdef0" P
                   "IpProtocol=-1");
    /* The default rule out is there already. */
    world_refusedf(w, "InvalidPermission.Duplicate",
                   "the specified rule \"peer: 0.0.0.0/0, ALL, ALLOW\" already exists",
                   "Action=AuthorizeSecurityGroupEgress&GroupId=%s&IpPermissions.1.IpProtocol=-1"
                   "&IpPermissions.1.FromPort=0&IpPermissions.1.ToPort=0"
                   "&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0%%2F0",
                   id);
    world_free(w);
}

TEST(a_rule_is_revoked_by_what_it_says_or_by_its_id, "VPC-03")
{
    struct world *w = world_new();
    const char *id = group_new(w, "web"), *rule;
    struct str xml;

    /* What Terraform does first with a new group. */
    xml = world_okf(w,
                    "Action=RevokeSecurityGroupEgress&GroupId=%s&IpPermissions.1.IpProtocol=-1"
                    "&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0%%2F0",
                    id);
    CHECK_STR(xml_text(xml, "return"), "true");
    CHECK_INT(xml_count(xml, "revokedSecurityGroupRuleSet"), 1);
    CHECK_INT(rules_of(w, id), 0);

    /* In the default VPC what is not there is told, not refused. */
    xml = world_okf(w,
                    "Action=RevokeSecurityGroupIngress&GroupId=%s&IpPermissions.1.IpProtocol=tcp"
                    "&IpPermissions.1.FromPort=80&IpPermissions.1.ToPort=80"
                    "&IpPermissions.1.IpRanges.1.CidrIp=10.9.8.7%%2F8",
                    id);
    CHECK_INT(xml_count(xml, "unknownIpPermissionSet"), 1);
    CHECK_STR(xml_text(xml, "cidrIp"), "10.0.0.0/8");

    xml = world_okf(w,
                    "Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpProtocol=tcp&FromPort=80"
                    "&ToPort=80&CidrIp=10.0.0.0%%2F8",
                    id);
    rule = xml_cstr(xml, "securityGroupRuleId");
    world_refusedf(w, "InvalidSecurityGroupRuleId.NotFound", NULL,
                   "Action=RevokeSecurityGroupEgress&GroupId=%s&SecurityGroupRuleId.1=%s", id,
                   rule);
    world_refusedf(w, "InvalidSecurityGroupRuleId.NotFound",
                   "The security group rule ID 'sgr-0123456789abcdef0' does not exist",
                   "Action=RevokeSecurityGroupIngress&GroupId=%s"
                   "&SecurityGroupRuleId.1=sgr-0123456789abcdef0",
                   id);
    world_refusedf(w, "InvalidSecurityGroupRuleId.Malformed", NULL,
                   "Action=RevokeSecurityGroupIngress&GroupId=%s&SecurityGroupRuleId.1=rule", id);
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   "Action=RevokeSecurityGroupIngress&GroupId=%s&SecurityGroupRuleId.1=%s&CidrIp=x",
                   id, rule);
    CHECK_INT(rules_of(w, id), 1);
    xml = world_okf(w, "Action=RevokeSecurityGroupIngress&GroupId=%s&SecurityGroupRuleId.1=%s", id,
                    rule);
    CHECK_STR(xml_text(xml, "securityGroupRuleId"), rule);
    CHECK_STR(xml_text(xml, "fromPort"), "80");
    CHECK_INT(rules_of(w, id), 0);
    world_free(w);
}

TEST(a_group_has_sixty_rules_of_a_family)
{
    struct world *w = world_new();
    const char *id = group_new(w, "web");

    for (int i = 0; i < 60; i++)
        (void)world_okf(w,
                        "Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpProtocol=tcp&FromPort=%d"
                        "&ToPort=%d&CidrIp=0.0.0.0%%2F0",
                        id, i, i);
    world_refusedf(
        w, "RulesPerSecurityGroupLimitExceeded",
        "The maximum number of rules per security group has been reached.",
        "Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpProtocol=tcp&FromPort=60&ToPort=60"
        "&CidrIp=0.0.0.0%%2F0",
        id);
    world_refusedf(
        w, "RulesPerSecurityGroupLimitExceeded", NULL,
        "Action=AuthorizeSecurityGroupIngress&GroupId=%s&SourceSecurityGroupName=default", id);
    /* IPv6 and the way out have sixty of their own. */
    (void)world_okf(w,
                    "Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpPermissions.1.IpProtocol=-1"
                    "&IpPermissions.1.Ipv6Ranges.1.CidrIpv6=::%%2F0",
                    id);
    (void)world_okf(w,
                    "Action=AuthorizeSecurityGroupEgress&GroupId=%s&IpPermissions.1.IpProtocol=-1"
                    "&IpPermissions.1.Ipv6Ranges.1.CidrIpv6=::%%2F0",
                    id);
    CHECK_INT(rules_of(w, id), 63);
    world_free(w);
}

TEST(a_rule_can_be_changed)
{
    struct world *w = world_new();
    const char *id = group_new(w, "web"), *other = group_new(w, "other");
    struct str xml = world_okf(w,
                               "Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpProtocol=tcp"
                               "&FromPort=80&ToPort=80&CidrIp=10.0.0.0%%2F8",
                               id);
    const char *rule = xml_cstr(xml, "securityGroupRuleId");

    (void)world_okf(w,
                    "Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpProtocol=tcp&FromPort=81"
                    "&ToPort=81&CidrIp=10.0.0.0%%2F8",
                    id);
#define MODIFY                                                                                     \
    "Action=ModifySecurityGroupRules&GroupId=%s&SecurityGroupRule.1.SecurityGroupRuleId=%s"
#define R "&SecurityGroupRule.1.SecurityGroupRule."
    xml = world_okf(w,
                    MODIFY R "IpProtocol=tcp" R "FromPort=443" R "ToPort=443" R
                             "CidrIpv4=192.0.2.9%%2F24" R "Description=tls",
                    id, rule);
    CHECK_STR(xml_text(xml, "return"), "true");
    xml = world_okf(w, "Action=DescribeSecurityGroupRules&SecurityGroupRuleId.1=%s", rule);
    CHECK_STR(xml_text(xml, "fromPort"), "443");
    CHECK_STR(xml_text(xml, "cidrIpv4"), "192.0.2.0/24");
    CHECK_STR(xml_text(xml, "description"), "tls");

    world_refusedf(w, "InvalidPermission.Duplicate", NULL,
                   MODIFY R "IpProtocol=tcp" R "FromPort=81" R "ToPort=81" R
                            "CidrIpv4=10.0.0.0%%2F8",
                   id, rule);
    world_refusedf(w, "InvalidParameterValue",
                   test_fmt("Invalid rule type for security group rule '%s'. You may not specify "
                            "CidrIpv6 for an existing IPv4 CIDR rule.",
                            rule),
                   MODIFY R "IpProtocol=-1" R "CidrIpv6=::%%2F0", id, rule);
    world_refusedf(w, "InvalidParameterValue", NULL,
                   MODIFY R "IpProtocol=-1" R "FromPort=1" R "ToPort=2" R "CidrIpv4=10.0.0.0%%2F8",
                   id, rule);
    world_refusedf(w, "MissingParameter", NULL, MODIFY R "IpProtocol=-1", id, rule);
    world_refusedf(w, "InvalidParameterCombination", NULL,
                   MODIFY R "IpProtocol=-1" R "CidrIpv4=10.0.0.0%%2F8" R "CidrIpv6=::%%2F0", id,
                   rule);
    world_refusedf(w, "InvalidSecurityGroupRuleId.NotFound", NULL,
                   MODIFY R "IpProtocol=-1" R "CidrIpv4=10.0.0.0%%2F8", other, rule);
    world_free(w);
}

#define DESCRIBE "Action=UpdateSecurityGroupRuleDescriptionsIngress&GroupId=%s"
#define RULE                                                                                       \
    "&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=443&IpPermissions.1.ToPort=443"      \
    "&IpPermissions.1.IpRanges.1.CidrIp=192.0.2.0%%2F24"

TEST(a_rule_can_be_described)
{
    struct world *w = world_new();
    const char *id = group_new(w, "web"), *other = group_new(w, "other");
    struct str xml = world_okf(w,
                               "Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpProtocol=tcp"
                               "&FromPort=443&ToPort=443&CidrIp=192.0.2.0%%2F24",
                               id);
    const char *rule = xml_cstr(xml, "securityGroupRuleId");

    (void)world_okf(w, DESCRIBE RULE "&IpPermissions.1.IpRanges.1.Description=again", id);
    xml = world_okf(w, "Action=DescribeSecurityGroupRules&SecurityGroupRuleId.1=%s", rule);
    CHECK_STR(xml_text(xml, "description"), "again");
    (void)world_okf(w,
                    DESCRIBE "&SecurityGroupRuleDescription.1.SecurityGroupRuleId=%s"
                             "&SecurityGroupRuleDescription.1.Description=by+id",
                    id, rule);
    xml = world_okf(w, "Action=DescribeSecurityGroupRules&SecurityGroupRuleId.1=%s", rule);
    CHECK_STR(xml_text(xml, "description"), "by id");
    (void)world_okf(w, DESCRIBE RULE, id); /* none takes it away */
    xml = world_okf(w, "Action=DescribeSecurityGroupRules&SecurityGroupRuleId.1=%s", rule);
    CHECK_INT(xml_count(xml, "description"), 0);
    world_refusedf(w, "InvalidPermission.NotFound",
                   "The specified rule does not exist in this security group.", DESCRIBE RULE,
                   other);
    world_refusedf(w, "MissingParameter", NULL, DESCRIBE, id);
    world_refusedf(w, "InvalidSecurityGroupRuleId.NotFound", NULL,
                   "Action=UpdateSecurityGroupRuleDescriptionsEgress&GroupId=%s"
                   "&SecurityGroupRuleDescription.1.SecurityGroupRuleId=%s"
                   "&SecurityGroupRuleDescription.1.Description=x",
                   id, rule);
    (void)world_okf(w,
                    "Action=UpdateSecurityGroupRuleDescriptionsEgress&GroupId=%s"
                    "&IpPermissions.1.IpProtocol=-1&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0%%2F0"
                    "&IpPermissions.1.IpRanges.1.Description=out",
                    id);
    xml = world_okf(w, "Action=DescribeSecurityGroups&GroupId.1=%s", id);
    CHECK(str_find(xml, S("<description>out</description>")) != SIZE_MAX);
    world_free(w);
}

TEST(a_group_in_use_is_not_deleted)
{
    struct world *w = world_new();
    const char *web = group_new(w, "web"), *db = group_new(w, "db");
    struct str all = world_okf(w, "Action=DescribeSecurityGroups&GroupName.1=default");
    const char *standard = xml_cstr(all, "groupId");
    struct str xml;

    /* A group may speak of itself. */
    (void)world_okf(w,
                    "Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpPermissions.1.IpProtocol=-1"
                    "&IpPermissions.1.Groups.1.GroupId=%s",
                    web, web);
    (void)world_okf(w,
                    "Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpPermissions.1.IpProtocol=tcp"
                    "&IpPermissions.1.FromPort=5432&IpPermissions.1.ToPort=5432"
                    "&IpPermissions.1.Groups.1.GroupId=%s",
                    db, web);
    world_refusedf(w, "DependencyViolation", test_fmt("resource %s has a dependent object", web),
                   "Action=DeleteSecurityGroup&GroupId=%s", web);
    world_refusedf(
        w, "CannotDelete",
        test_fmt("the specified group: \"%s\" name: \"default\" cannot be deleted by a user",
                 standard),
        "Action=DeleteSecurityGroup&GroupName=default");
    xml = world_okf(w, "Action=DeleteSecurityGroup&GroupName=db");
    CHECK_STR(xml_text(xml, "return"), "true");
    CHECK_STR(xml_text(xml, "groupId"), db);
    (void)world_okf(w, "Action=DeleteSecurityGroup&GroupId=%s", web);
    world_refusedf(w, "InvalidGroup.NotFound",
                   test_fmt("The security group '%s' does not exist", web),
                   "Action=DeleteSecurityGroup&GroupId=%s", web);
    world_refusedf(w, "InvalidGroup.NotFound", NULL, "Action=DeleteSecurityGroup&GroupName=db");
    world_refusedf(w, "MissingParameter",
                   "The request must contain the parameter groupName or groupId",
                   "Action=DeleteSecurityGroup");
    CHECK_INT(xml_count(world_okf(w, "Action=DescribeSecurityGroups"), "groupName"), 1);
    (void)group_new(w, "db"); /* the name is free again */
    world_free(w);
}

/* A value of '@' and a name is the id of that group. */
static const struct {
    const char *filter, *value;
    int n;
} filter_rows[] = {
    {"description", "of a test", 2},
    {"description", "of*", 2},
    {"group-id", "@db", 1},
    {"group-name", "web", 1},
    {"group-name", "nobody", 0},
    {"owner-id", "000000000000", 3},
    {"vpc-id", "vpc-*", 3},
    {"tag:Name", "w", 0},
    {"tag-key", "Name", 0},
    {"ip-permission.cidr", "10.0.0.0/8", 1},
    {"ip-permission.cidr", "0.0.0.0/0", 0},
    {"ip-permission.from-port", "80", 1},
    {"ip-permission.to-port", "90", 1},
    {"ip-permission.to-port", "80", 0},
    {"ip-permission.group-id", "@web", 1},
    {"ip-permission.group-name", "web", 1},
    {"ip-permission.group-name", "default", 1},
    {"ip-permission.ipv6-cidr", "::/0", 1},
    {"ip-permission.prefix-list-id", "*", 0},
    {"ip-permission.protocol", "tcp", 1},
    {"ip-permission.protocol", "-1", 2},
    {"ip-permission.user-id", "000000000000", 2},
    {"egress.ip-permission.cidr", "0.0.0.0/0", 3},
    {"egress.ip-permission.from-port", "1", 1},
    {"egress.ip-permission.to-port", "2", 1},
    {"egress.ip-permission.group-id", "@db", 1},
    {"egress.ip-permission.group-name", "db", 1},
    {"egress.ip-permission.ipv6-cidr", "2001:db8::/32", 0},
    {"egress.ip-permission.prefix-list-id", "*", 0},
    {"egress.ip-permission.protocol", "udp", 1},
    {"egress.ip-permission.user-id", "000000000000", 1},
};

TEST(filters_of_groups_look_into_their_rules)
{
    struct world *w = world_new();
    const char *web = group_new(w, "web"), *db = group_new(w, "db");
    struct str xml;

    (void)world_okf(w,
                    "Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpPermissions.1.IpProtocol=tcp"
                    "&IpPermissions.1.FromPort=80&IpPermissions.1.ToPort=90"
                    "&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0%%2F8"
                    "&IpPermissions.1.Ipv6Ranges.1.CidrIpv6=::%%2F0",
                    web);
    (void)world_okf(w,
                    "Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpPermissions.1.IpProtocol=-1"
                    "&IpPermissions.1.Groups.1.GroupId=%s",
                    db, web);
    (void)world_okf(w,
                    "Action=AuthorizeSecurityGroupEgress&GroupId=%s&IpPermissions.1.IpProtocol=udp"
                    "&IpPermissions.1.FromPort=1&IpPermissions.1.ToPort=2"
                    "&IpPermissions.1.Groups.1.GroupId=%s",
                    web, db);
    for (size_t i = 0; i < ARRAY_LEN(filter_rows); i++) {
        const char *value = filter_rows[i].value;

        value = strcmp(value, "@web") == 0 ? web : strcmp(value, "@db") == 0 ? db : value;
        xml = world_okf(w, "Action=DescribeSecurityGroups&Filter.1.Name=%s&Filter.1.Value.1=%s",
                        filter_rows[i].filter, value);
        if (xml_count(xml, "groupName") != (unsigned)filter_rows[i].n)
            FAIL("%s=%s has %d, not %d: %.*s", filter_rows[i].filter, filter_rows[i].value,
                 (int)xml_count(xml, "groupName"), filter_rows[i].n, STR_ARG(xml));
    }
    world_refusedf(w, "InvalidParameterValue", NULL,
                   "Action=DescribeSecurityGroups&Filter.1.Name=colour&Filter.1.Value.1=red");

    xml = world_okf(w, "Action=DescribeSecurityGroupRules");
    CHECK_INT(xml_count(xml, "securityGroupRuleId"), 2 + 2 + 4);
    xml =
        world_okf(w, "Action=DescribeSecurityGroupRules&Filter.1.Name=tag:Name&Filter.1.Value.1=x");
    CHECK_INT(xml_count(xml, "securityGroupRuleId"), 0);
    world_refusedf(w, "InvalidSecurityGroupRuleId.NotFound", NULL,
                   "Action=DescribeSecurityGroupRules&SecurityGroupRuleId.1=sgr-0123456789abcdef0");
    world_refusedf(w, "InvalidSecurityGroupRuleId.Malformed", NULL,
                   "Action=DescribeSecurityGroupRules&SecurityGroupRuleId.1=sg-0123456789abcdef0");
    world_free(w);
}

TEST(groups_come_by_id_by_name_and_in_pages)
{
    struct world *w = world_new();
    const char *ids[7];
    struct str xml;
    unsigned pages = 0, seen = 0;
    const char *token = "";

    for (unsigned i = 0; i < ARRAY_LEN(ids); i++)
        ids[i] = group_new(w, test_fmt("g%u", i));
    xml = world_okf(w, "Action=DescribeSecurityGroups&GroupId.1=%s&GroupId.2=%s", ids[3], ids[5]);
    CHECK_INT(xml_count(xml, "groupName"), 2);
    xml = world_okf(w, "Action=DescribeSecurityGroups&GroupName.1=g1&GroupName.2=default");
    CHECK_INT(xml_count(xml, "groupName"), 2);
    do {
        xml = world_okf(w, "Action=DescribeSecurityGroups&MaxResults=5%s", token);
        seen += (unsigned)xml_count(xml, "groupName");
        token = test_fmt("&NextToken=%.*s", STR_ARG(xml_text(xml, "nextToken")));
        pages++;
    } while (xml_text(xml, "nextToken").n && pages < 9);
    CHECK_INT(pages, 2);
    CHECK_INT(seen, 8);

    world_refusedf(w, "InvalidGroup.NotFound",
                   "The security group 'sg-0123456789abcdef0' does not exist",
                   "Action=DescribeSecurityGroups&GroupId.1=sg-0123456789abcdef0");
    world_refusedf(w, "InvalidGroup.NotFound",
                   "The security groups 'sg-0123456789abcdef0, sg-0123456789abcdef1' do not exist",
                   "Action=DescribeSecurityGroups&GroupId.1=sg-0123456789abcdef0"
                   "&GroupId.2=sg-0123456789abcdef1");
    world_refusedf(w, "InvalidGroupId.Malformed", "Invalid id: \"web\" (expecting \"sg-...\")",
                   "Action=DescribeSecurityGroups&GroupId.1=web");
    world_refusedf(w, "InvalidGroup.NotFound", NULL,
                   "Action=DescribeSecurityGroups&GroupName.1=nobody");
    world_refusedf(w, "InvalidParameterValue", NULL, "Action=DescribeSecurityGroups&MaxResults=4");
    world_free(w);
}

TEST(rules_come_by_id_by_tag_and_in_pages)
{
    struct world *w = world_new();
    const char *id = group_new(w, "web"), *token = "", *rule, *last = "";
    unsigned pages = 0, seen = 0;
    struct str xml;

    for (int i = 0; i < 10; i++)
        (void)world_okf(w,
                        "Action=AuthorizeSecurityGroupIngress&GroupId=%s&IpProtocol=tcp&FromPort=%d"
                        "&ToPort=%d&CidrIp=0.0.0.0%%2F0"
                        "&TagSpecification.1.ResourceType=security-group-rule"
                        "&TagSpecification.1.Tag.1.Key=n&TagSpecification.1.Tag.1.Value=%d",
                        id, i, i, i);
    do {
        xml =
            world_okf(w,
                      "Action=DescribeSecurityGroupRules&Filter.1.Name=group-id&Filter.1.Value.1=%s"
                      "&MaxResults=5%s",
                      id, token);
        seen += (unsigned)xml_count(xml, "securityGroupRuleId");
        CHECK(strcmp(xml_cstr(xml, "securityGroupRuleId"), last) != 0);
        last = xml_cstr(xml, "securityGroupRuleId");
        token = test_fmt("&NextToken=%.*s", STR_ARG(xml_text(xml, "nextToken")));
    } while (++pages < 9 && xml_text(xml, "nextToken").n);
    CHECK_INT(pages, 3);
    CHECK_INT(seen, 11);

    xml = world_okf(w, "Action=DescribeSecurityGroupRules&Filter.1.Name=tag:n&Filter.1.Value.1=7");
    CHECK_INT(xml_count(xml, "securityGroupRuleId"), 1);
    CHECK_STR(xml_text(xml, "fromPort"), "7");
    rule = xml_cstr(xml, "securityGroupRuleId");
    xml = world_okf(w,
                    "Action=DescribeSecurityGroupRules&Filter.1.Name=security-group-rule-id"
                    "&Filter.1.Value.1=%s",
                    rule);
    CHECK_INT(xml_count(xml, "securityGroupRuleId"), 1);
    world_refusedf(w, "InvalidParameterValue", NULL,
                   "Action=DescribeSecurityGroupRules&Filter.1.Name=colour&Filter.1.Value.1=red");
    world_free(w);
}

TEST(a_group_is_of_one_account_and_region, "REG-01 REG-03")
{
    struct world *w = world_new();
    const char *mine = group_new(w, "web");

    world_account(w, "650524209925", "us-east-1");
    world_refusedf(w, "InvalidGroup.NotFound", NULL, "Action=DescribeSecurityGroups&GroupId.1=%s",
                   mine);
    world_refusedf(w, "InvalidGroup.NotFound", NULL, "Action=DeleteSecurityGroup&GroupId=%s", mine);
    (void)group_new(w, "web");
    world_refusedf(
        w, "InvalidGroup.NotFound", NULL,
        "Action=AuthorizeSecurityGroupIngress&GroupName=web&IpPermissions.1.IpProtocol=-1"
        "&IpPermissions.1.Groups.1.GroupId=%s&IpPermissions.1.Groups.1.UserId=000000000000",
        mine);
    world_account(w, "000000000000", "eu-west-1");
    world_refusedf(w, "InvalidGroup.NotFound", NULL, "Action=DescribeSecurityGroups&GroupId.1=%s",
                   mine);
    CHECK_INT(xml_count(world_okf(w, "Action=DescribeSecurityGroups"), "groupName"), 1);
    world_free(w);
}

TEST(a_dry_run_of_a_rule_changes_nothing)
{
    struct world *w = world_new();
    const char *id = group_new(w, "web");
    struct str query = str_fmt(test_arena(),
                               "Action=AuthorizeSecurityGroupIngress&DryRun=true&GroupId=%s"
                               "&IpProtocol=-1&CidrIp=0.0.0.0%%2F0",
                               id);
    struct str xml = world_call(w, query.p);

    CHECK_STR(xml_text(xml, "Code"), "DryRunOperation");
    CHECK_INT(w->http, 412);
    CHECK_INT(rules_of(w, id), 1);
    world_free(w);
}
