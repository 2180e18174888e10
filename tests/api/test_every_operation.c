/*
 * What all operations of EC2 have in common: a dry run says that it would succeed and does nothing
 * until it is asked in earnest, and nobody sees or changes what is another account's or region's.
 */
#include "api/model.h"
#include "ec2/ec2.h"
#include "gen/api/ec2.h"
#include "harness/world.h"

#define IMAGE "ami-009d6802948d06e52"
#define RUN "Action=RunInstances&ImageId=" IMAGE "&InstanceType=t3.micro&MinCount=1&MaxCount=1"
#define RSA_KEY                                                                                    \
    "c3NoLWVkMjU1MTkgQUFBQUMzTnphQzFsWkRJMU5URTVBQUFBSUJZMWVpRWl6RFhnQm1aRFZ0YkhGR0dBb0NFNkxF"     \
    "cENpSVQrRHZoSVh0bHYgdGVzdA%3D%3D" /* an Ed25519 key, in base64 */

static struct str
ok(struct world *w, struct str xml)
{
    if (w->http != 200)
        FAIL("HTTP %d: %.*s", w->http, STR_ARG(xml));
    return xml;
}

struct dry {
    const char *op, *rest;
    bool stopped; /* wants the instance to be stopped */
};

#define PEER_DNS "&RequesterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc=true"
/* $i an instance, $g a group, $r a rule of it, $n an interface, $v a VPC, $m an own image. */
static const struct dry dries[] = {
    {"CreateVolume", "&Size=1&AvailabilityZone=us-east-1a", 0},
    {"DeleteVolume", "&VolumeId=$1", 0},
    {"ModifyVolume", "&VolumeId=$1&Size=5", 0},
    {"DescribeVolumesModifications", "", 0},
    {"ModifyVolumeAttribute", "&VolumeId=$1&AutoEnableIO.Value=true", 0},
    {"EnableVolumeIO", "&VolumeId=$1", 0},
    {"AttachVolume", "&VolumeId=$1&InstanceId=$i&Device=/dev/sdf", 0},
    {"DetachVolume", "&VolumeId=$2", 0},
    {"CreateSnapshot", "&VolumeId=$1", 0},
    {"CreateSnapshots", "&InstanceSpecification.InstanceId=$i", 0},
    {"CopySnapshot", "&SourceSnapshotId=$3&SourceRegion=us-east-1", 0},
    {"DeleteSnapshot", "&SnapshotId=$3", 0},
    {"DescribeSnapshots", "", 0},
    {"DescribeSnapshotAttribute", "&SnapshotId=$3&Attribute=createVolumePermission", 0},
    {"ModifySnapshotAttribute", "&SnapshotId=$3&CreateVolumePermission.Add.1.UserId=111122223333",
     0},
    {"ResetSnapshotAttribute", "&SnapshotId=$4&Attribute=createVolumePermission", 0},
    {"CreateImage", "&InstanceId=$i&Name=baked", 0},
    {"CopyImage", "&SourceImageId=$m&SourceRegion=us-east-1&Name=copied", 0},
    {"AllocateAddress", "", 0},
    {"AssociateAddress", "&AllocationId=$e&InstanceId=$i", 0},
    {"DescribeAddresses", "", 0},
    {"DescribeAddressesAttribute", "&Attribute=domain-name", 0},
    {"DisassociateAddress", "&AssociationId=$a", 0},
    {"GetDefaultCreditSpecification", "&InstanceFamily=t3", 0},
    {"GetLaunchTemplateData", "&InstanceId=$i", 0},
    {"ModifyDefaultCreditSpecification", "&InstanceFamily=t3&CpuCredits=standard", 0},
    {"ModifyInstanceCreditSpecification",
     "&InstanceCreditSpecification.1.InstanceId=$i&InstanceCreditSpecification.1.CpuCredits="
     "standard",
     0},
    {"ModifyInstanceEventStartTime",
     "&InstanceId=$i&InstanceEventId=$x&NotBefore=2030-01-01T00:00:00Z", 0},
    {"CreateInstanceEventWindow", "&CronExpression=*%200-4%20*%20*%201", 0},
    {"ModifyInstanceEventWindow", "&InstanceEventWindowId=$w&Name=x", 0},
    {"DeleteInstanceEventWindow", "&InstanceEventWindowId=$w", 0},
    {"DescribeInstanceEventWindows", "", 0},
    {"AssociateInstanceEventWindow",
     "&InstanceEventWindowId=$w&AssociationTarget.InstanceTag.1.Key=x", 0},
    {"DisassociateInstanceEventWindow",
     "&InstanceEventWindowId=$B&AssociationTarget.InstanceId.1=$i", 0},
    {"ModifyInstanceMaintenanceOptions", "&InstanceId=$i&AutoRecovery=disabled", 0},
    {"ModifyLaunchTemplate", "&LaunchTemplateName=old&SetDefaultVersion=1", 0},
    {"ReportInstanceStatus", "&InstanceId.1=$i&Status=ok&ReasonCode.1=other", 0},
    {"ModifyAddressAttribute", "&AllocationId=$e&DomainName=a.example.com", 0},
    {"ReleaseAddress", "&AllocationId=$e", 0},
    {"ResetAddressAttribute", "&AllocationId=$f&Attribute=domain-name", 0},
    {"AuthorizeSecurityGroupEgress",
     "&GroupId=$g&IpPermissions.1.IpProtocol=tcp&"
     "IpPermissions.1.FromPort=1&IpPermissions.1.ToPort=2&IpPermissions.1.IpRanges.1.CidrIp=10.0.0."
     "0/8",
     0},
    {"AuthorizeSecurityGroupIngress",
     "&GroupId=$g&IpProtocol=tcp&FromPort=90&ToPort=91&CidrIp=10.0.0.0/8", 0},
    {"CreateVpc", "&CidrBlock=10.8.0.0/16", 0},
    {"DeleteVpc", "&VpcId=$X", 0},
    {"CreateDefaultVpc", "", 0}, /* in a region of its own */
    {"CreateSubnet", "&VpcId=$V&CidrBlock=10.9.9.0/24", 0},
    {"CreateDefaultSubnet", "&AvailabilityZone=us-east-1f", 0},
    {"DeleteSubnet", "&SubnetId=$Y", 0},
    {"CreateInternetGateway", "", 0},
    {"DeleteInternetGateway", "&InternetGatewayId=$W", 0},
    {"AttachInternetGateway", "&InternetGatewayId=$W&VpcId=$X", 0},
    {"DetachInternetGateway", "&InternetGatewayId=$K&VpcId=$V", 0},
    {"CreateRouteTable", "&VpcId=$V", 0},
    {"DeleteRouteTable", "&RouteTableId=$U", 0},
    {"CreateRoute", "&RouteTableId=$T&DestinationCidrBlock=0.0.0.0/0&GatewayId=$K", 0},
    {"ReplaceRoute", "&RouteTableId=$T&DestinationCidrBlock=192.0.2.0/24&GatewayId=$K", 0},
    {"DeleteRoute", "&RouteTableId=$T&DestinationCidrBlock=192.0.2.0/24", 0},
    {"AssociateRouteTable", "&RouteTableId=$T&SubnetId=$Y", 0},
    {"DisassociateRouteTable", "&AssociationId=$R", 0},
    {"ReplaceRouteTableAssociation", "&AssociationId=$R&RouteTableId=$U", 0},
    {"CreateNetworkAcl", "&VpcId=$V", 0},
    {"DeleteNetworkAcl", "&NetworkAclId=$N", 0},
    {"CreateNetworkAclEntry",
     "&NetworkAclId=$N&Egress=true&RuleNumber=10&Protocol=-1&RuleAction=allow&CidrBlock=0.0.0.0/0",
     0},
    {"ReplaceNetworkAclEntry",
     "&NetworkAclId=$N&Egress=false&RuleNumber=10&Protocol=-1&RuleAction=deny&CidrBlock=0.0.0.0/0",
     0},
    {"DeleteNetworkAclEntry", "&NetworkAclId=$N&Egress=false&RuleNumber=10", 0},
    {"ReplaceNetworkAclAssociation", "&AssociationId=$Q&NetworkAclId=$N", 0},
    {"CreateDhcpOptions",
     "&DhcpConfiguration.1.Key=domain-name&DhcpConfiguration.1.Value.1=a.b", 0},
    {"DeleteDhcpOptions", "&DhcpOptionsId=$D", 0},
    {"AssociateDhcpOptions", "&DhcpOptionsId=$D&VpcId=$V", 0},
    {"CreateNetworkInterface", "&SubnetId=$Y", 0},
    {"DeleteNetworkInterface", "&NetworkInterfaceId=$E", 0},
    {"CreateNatGateway", "&SubnetId=$S&AllocationId=$e", 0},
    {"DeleteNatGateway", "&NatGatewayId=$M", 0},
    {"DescribeNatGateways", "", 0},
    {"CreateVpcPeeringConnection", "&VpcId=$X&PeerVpcId=$I", 0},
    {"AcceptVpcPeeringConnection", "&VpcPeeringConnectionId=$H", 0},
    {"RejectVpcPeeringConnection", "&VpcPeeringConnectionId=$H", 0},
    {"DeleteVpcPeeringConnection", "&VpcPeeringConnectionId=$J", 0},
    {"ModifyVpcPeeringConnectionOptions", "&VpcPeeringConnectionId=$J" PEER_DNS, 0},
    {"DescribeVpcPeeringConnections", "", 0},
    {"AttachNetworkInterface", "&NetworkInterfaceId=$q&InstanceId=$i&DeviceIndex=1", 0},
    {"DetachNetworkInterface", "&AttachmentId=$z", 0},
    {"ResetNetworkInterfaceAttribute", "&NetworkInterfaceId=$E&SourceDestCheck=sourceDestCheck", 0},
    {"CancelCapacityReservation", "&CapacityReservationId=$c", 0},
    {"CreateCapacityReservation",
     "&InstanceType=t3.micro&InstancePlatform=Linux/UNIX&InstanceCount=1&"
     "AvailabilityZone=us-east-1a",
     0},
    {"CreateKeyPair", "&KeyName=new", 0},
    {"CreateLaunchTemplate", "&LaunchTemplateName=new&LaunchTemplateData.InstanceType=t3.nano", 0},
    {"CreateLaunchTemplateVersion",
     "&LaunchTemplateName=old&LaunchTemplateData.InstanceType=t3.nano", 0},
    {"CreatePlacementGroup", "&GroupName=new&Strategy=spread", 0},
    {"CreateSecurityGroup", "&GroupName=new&GroupDescription=new", 0},
    {"CreateTags", "&ResourceId.1=$i&Tag.1.Key=new&Tag.1.Value=new", 0},
    {"DeleteKeyPair", "&KeyName=old", 0},
    {"DeleteLaunchTemplate", "&LaunchTemplateName=old", 0},
    {"DeleteLaunchTemplateVersions", "&LaunchTemplateName=old&LaunchTemplateVersion.1=2", 0},
    {"DeletePlacementGroup", "&GroupName=old", 0},
    {"DeleteSecurityGroup", "&GroupId=$g", 0},
    {"DeleteTags", "&ResourceId.1=$i&Tag.1.Key=Name", 0},
    {"DeregisterImage", "&ImageId=$m", 0},
    {"DescribeAccountAttributes", "", 0},
    {"DescribeAvailabilityZones", "", 0},
    {"DescribeCapacityReservations", "", 0},
    {"DescribeDhcpOptions", "", 0},
    {"DescribeImageAttribute", "&ImageId=$m&Attribute=description", 0},
    {"DescribeImages", "", 0},
    {"DescribeInstanceAttribute", "&InstanceId=$i&Attribute=userData", 0},
    {"DescribeInstanceCreditSpecifications", "&InstanceId.1=$i", 0},
    {"DescribeInstanceStatus", "", 0},
    {"DescribeInstanceTypeOfferings", "", 0},
    {"DescribeInstanceTypes", "", 0},
    {"DescribeInstances", "", 0},
    {"DescribeInternetGateways", "", 0},
    {"DescribeVpnGateways", "", 0},
    {"DescribeKeyPairs", "", 0},
    {"DescribeNetworkAcls", "", 0},
    {"DescribeLaunchTemplateVersions", "&LaunchTemplateName=old", 0},
    {"DescribeLaunchTemplates", "", 0},
    {"DescribeNetworkInterfaceAttribute", "&NetworkInterfaceId=$n&Attribute=description", 0},
    {"DescribeNetworkInterfaces", "", 0},
    {"DescribePlacementGroups", "", 0},
    {"DescribeRegions", "", 0},
    {"DescribeRouteTables", "", 0},
    {"DescribeSecurityGroupRules", "", 0},
    {"DescribeSecurityGroups", "", 0},
    {"DescribeSubnets", "", 0},
    {"DescribeTags", "", 0},
    {"EnableEbsEncryptionByDefault", "", 0},
    {"DisableEbsEncryptionByDefault", "", 0},
    {"GetEbsEncryptionByDefault", "", 0},
    {"GetEbsDefaultKmsKeyId", "", 0},
    {"ModifyEbsDefaultKmsKeyId", "&KmsKeyId=alias/x", 0},
    {"ResetEbsDefaultKmsKeyId", "", 0},
    {"DescribeVolumeAttribute", "&VolumeId=$o&Attribute=autoEnableIO", 0},
    {"DescribeVolumeStatus", "", 0},
    {"DescribeVolumes", "", 0},
    {"DescribeVpcAttribute", "&VpcId=$v&Attribute=enableDnsSupport", 0},
    {"DescribeVpcs", "", 0},
    {"GetConsoleOutput", "&InstanceId=$i", 0},
    {"GetCapacityReservationUsage", "&CapacityReservationId=$c", 0},
    {"ImportKeyPair", "&KeyName=new&PublicKeyMaterial=" RSA_KEY, 0},
    {"ModifyCapacityReservation", "&CapacityReservationId=$c&InstanceCount=3", 0},
    {"ModifyImageAttribute", "&ImageId=$m&Description.Value=new", 0},
    {"ModifyInstanceAttribute", "&InstanceId=$i&DisableApiTermination.Value=true", 0},
    {"ModifyInstanceMetadataOptions", "&InstanceId=$i&HttpTokens=required", 0},
    {"ModifyNetworkInterfaceAttribute", "&NetworkInterfaceId=$n&Description.Value=new", 0},
    {"ModifySecurityGroupRules",
     "&GroupId=$g&SecurityGroupRule.1.SecurityGroupRuleId=$r&"
     "SecurityGroupRule.1.SecurityGroupRule.IpProtocol=tcp&"
     "SecurityGroupRule.1.SecurityGroupRule.FromPort=5&"
     "SecurityGroupRule.1.SecurityGroupRule.ToPort=6&"
     "SecurityGroupRule.1.SecurityGroupRule.CidrIpv4=10.0.0.0/8",
     0},
    {"RebootInstances", "&InstanceId.1=$i", 0},
    {"DescribeManagedPrefixLists", "", 0},
    {"DescribePrefixLists", "", 0},
    {"GetManagedPrefixListEntries", "&PrefixListId=$l", 0},
    {"MonitorInstances", "&InstanceId.1=$i", 0},
    {"UnmonitorInstances", "&InstanceId.1=$i", 0},
    {"RegisterImage",
     "&Name=new&RootDeviceName=/dev/xvda&VirtualizationType=hvm&"
     "Architecture=x86_64&BlockDeviceMapping.1.DeviceName=/dev/xvda&"
     "BlockDeviceMapping.1.Ebs.SnapshotId=$s",
     0},
    {"ResetInstanceAttribute", "&InstanceId=$i&Attribute=sourceDestCheck", 0},
    {"RevokeSecurityGroupEgress",
     "&GroupId=$g&IpPermissions.1.IpProtocol=-1&"
     "IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0",
     0},
    {"RevokeSecurityGroupIngress", "&GroupId=$g&SecurityGroupRuleId.1=$r", 0},
    {"RunInstances",
     "&ImageId=" IMAGE "&InstanceType=t3.micro&MinCount=1&MaxCount=2&"
     "TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=a&"
     "TagSpecification.1.Tag.1.Value=b&ClientToken=token",
     0},
    {"StartInstances", "&InstanceId.1=$i", true},
    {"StopInstances", "&InstanceId.1=$i", 0},
    {"TerminateInstances", "&InstanceId.1=$i", 0},
    {"UpdateSecurityGroupRuleDescriptionsEgress",
     "&GroupId=$g&IpPermissions.1.IpProtocol=-1&"
     "IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0&IpPermissions.1.IpRanges.1.Description=new",
     0},
    {"UpdateSecurityGroupRuleDescriptionsIngress",
     "&GroupId=$g&SecurityGroupRuleDescription.1.SecurityGroupRuleId=$r&"
     "SecurityGroupRuleDescription.1.Description=new",
     0},
};

struct things {
    struct str of[128]; /* by letter */
};

/* One that may be put off until 2040. */
static struct str
make_event(struct world *w, struct str instance_id)
{
    struct txn *txn = store_begin(cloud_store(w->cloud));
    const int64_t deadline_ms = INT64_C(2208988800000);
    const struct ec2_event_want want = {
        .instance_id = instance_id,
        .code = S("system-reboot"),
        .not_before_ms = deadline_ms,
        .not_after_ms = deadline_ms,
        .deadline_ms = deadline_ms,
    };
    struct str id;

    CHECK_INT(ec2_event_make(txn, &w->env.env, test_arena(), &want, &id), 0);
    (void)store_commit(txn);
    world_flush(w);
    world_settle(w);
    return id;
}

static struct things
make_things(struct world *w)
{
    struct things t = {0};

    ok(w, world_call(w, "Action=CreateKeyPair&KeyName=old&KeyType=ed25519"));
    ok(w, world_call(w, "Action=CreatePlacementGroup&GroupName=old&Strategy=cluster"));
    ok(w, world_call(w, "Action=CreateLaunchTemplate&LaunchTemplateName=old"
                        "&LaunchTemplateData.InstanceType=t3.nano"));
    struct str xml = ok(w, world_call(w, RUN "&TagSpecification.1.ResourceType=instance&"
                                             "TagSpecification.1.Tag.1.Key=Name&"
                                             "TagSpecification.1.Tag.1.Value=x"));
    t.of['i'] = xml_text(xml, "instanceId");
    world_advance(w, 1000);
    xml = ok(w, world_callf(w, "Action=DescribeInstances&InstanceId.1=%.*s", STR_ARG(t.of['i'])));
    t.of['c'] = xml_text(
        ok(w, world_call(w, "Action=CreateCapacityReservation&InstanceType=t3.nano&"
                            "InstancePlatform=Linux/UNIX&InstanceCount=2&"
                            "AvailabilityZone=us-east-1a")),
        "capacityReservationId");
    t.of['n'] = xml_text(xml, "networkInterfaceId");
    t.of['v'] = xml_text(xml, "vpcId");
    t.of['o'] = xml_text(xml, "volumeId");
    t.of['y'] = xml_text(xml, "subnetId");
    t.of['Z'] = xml_text(xml, "availabilityZone");
    xml = ok(w, world_call(w, RUN "&NetworkInterface.1.DeviceIndex=0"
                                  "&NetworkInterface.2.DeviceIndex=1"));
    t.of['z'] = xml_text_at(xml, "attachmentId", 1);
    world_advance(w, 1000);
    t.of['g'] = xml_text(ok(w, world_call(w, "Action=CreateSecurityGroup&GroupName=old&"
                                             "GroupDescription=old")),
                         "groupId");
    xml = ok(w, world_callf(w,
                            "Action=AuthorizeSecurityGroupIngress&GroupId=%.*s&IpProtocol=tcp&"
                            "FromPort=1&ToPort=2&CidrIp=10.0.0.0/8",
                            STR_ARG(t.of['g'])));
    t.of['r'] = xml_text(xml, "securityGroupRuleId");
    xml = ok(w, world_call(w, "Action=DescribeImages&Filter.1.Name=name&"
                              "Filter.1.Value.1=welkin-tiny"));
    t.of['s'] = xml_text(xml, "snapshotId");
    xml = ok(w, world_callf(w,
                            "Action=RegisterImage&Name=own&RootDeviceName=/dev/xvda&"
                            "VirtualizationType=hvm&Architecture=x86_64&"
                            "BlockDeviceMapping.1.DeviceName=/dev/xvda&"
                            "BlockDeviceMapping.1.Ebs.SnapshotId=%.*s",
                            STR_ARG(t.of['s'])));
    t.of['m'] = xml_text(xml, "imageId");
    t.of['l'] = xml_text(ok(w, world_call(w, "Action=DescribePrefixLists")), "prefixListId");
    t.of['x'] = make_event(w, t.of['i']);
    t.of['e'] = xml_text(ok(w, world_call(w, "Action=AllocateAddress")), "allocationId");
    t.of['f'] = xml_text(ok(w, world_call(w, "Action=AllocateAddress")), "allocationId");
    t.of['a'] = xml_text(ok(w, world_callf(w,
                                           "Action=AssociateAddress&AllocationId=%.*s"
                                           "&InstanceId=%.*s",
                                           STR_ARG(t.of['f']), STR_ARG(t.of['i']))),
                         "associationId");
    return t;
}

static struct str
expand(const struct things *t, const char *text)
{
    struct buf out;

    buf_init(&out, 1 << 16);
    for (const char *p = text; *p; p++) {
        if (*p == '$')
            buf_add_str(&out, t->of[(unsigned char)*++p]);
        else
            buf_add_char(&out, *p);
    }
    struct str s = str_dup(test_arena(), buf_str(&out));
    buf_done(&out);
    return s;
}

/* Networks of one's own: V with all there is, X with nothing. */
static void
make_networks(struct world *w, struct things *t)
{
    static const struct {
        char letter;
        const char *form, *tag;
    } steps[] = {
        {'q', "CreateNetworkInterface&SubnetId=$y", "networkInterfaceId"},
        {'X', "CreateVpc&CidrBlock=10.10.0.0/16", "vpcId"},
        {'V', "CreateVpc&CidrBlock=10.9.0.0/16", "vpcId"},
        {'S', "CreateSubnet&VpcId=$V&CidrBlock=10.9.1.0/24", "subnetId"},
        {'Y', "CreateSubnet&VpcId=$V&CidrBlock=10.9.2.0/24", "subnetId"},
        {'W', "CreateInternetGateway", "internetGatewayId"},
        {'K', "CreateInternetGateway", "internetGatewayId"},
        {0, "AttachInternetGateway&InternetGatewayId=$K&VpcId=$V", NULL},
        {'T', "CreateRouteTable&VpcId=$V", "routeTableId"},
        {'U', "CreateRouteTable&VpcId=$V", "routeTableId"},
        {0, "CreateRoute&RouteTableId=$T&DestinationCidrBlock=192.0.2.0/24&GatewayId=$K", NULL},
        {'R', "AssociateRouteTable&RouteTableId=$T&SubnetId=$S", "associationId"},
        {'Q', "DescribeNetworkAcls&Filter.1.Name=vpc-id&Filter.1.Value.1=$V",
         "networkAclAssociationId"},
        {'N', "CreateNetworkAcl&VpcId=$V", "networkAclId"},
        {0,
         "CreateNetworkAclEntry&NetworkAclId=$N&Egress=false&RuleNumber=10&Protocol=-1"
         "&RuleAction=allow&CidrBlock=0.0.0.0/0",
         NULL},
        {'D',
         "CreateDhcpOptions&DhcpConfiguration.1.Key=domain-name&DhcpConfiguration.1.Value.1=a.b",
         "dhcpOptionsId"},
        {'E', "CreateNetworkInterface&SubnetId=$S", "networkInterfaceId"},
        {'F', "DescribeSubnets&Filter.1.Name=availability-zone&Filter.1.Value.1=us-east-1f",
         "subnetId"},
        {0, "DeleteSubnet&SubnetId=$F", NULL},
        {'w', "CreateInstanceEventWindow&CronExpression=*%200-4%20*%20*%201",
         "instanceEventWindowId"},
        {'B', "CreateInstanceEventWindow&CronExpression=*%200-4%20*%20*%201",
         "instanceEventWindowId"},
        {0, "AssociateInstanceEventWindow&InstanceEventWindowId=$B"
            "&AssociationTarget.InstanceId.1=$i", NULL},
        {'M', "CreateNatGateway&SubnetId=$S&ConnectivityType=private", "natGatewayId"},
        {'I', "CreateVpc&CidrBlock=10.11.0.0/16", "vpcId"},
        {'H', "CreateVpcPeeringConnection&VpcId=$V&PeerVpcId=$X", "vpcPeeringConnectionId"},
        {'J', "CreateVpcPeeringConnection&VpcId=$V&PeerVpcId=$I", "vpcPeeringConnectionId"},
        {0, "AcceptVpcPeeringConnection&VpcPeeringConnectionId=$J", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct str form = expand(t, steps[i].form);
        struct str xml = ok(w, world_callf(w, "Action=%.*s", STR_ARG(form)));

        if (steps[i].letter)
            t->of[(unsigned char)steps[i].letter] = xml_text(xml, steps[i].tag);
    }
}

/* 1 a volume, 2 one that is attached, 3 a snapshot, 4 one that is shared. */
static void
make_storage(struct world *w, struct things *t)
{
    static const struct {
        char letter;
        const char *form, *tag;
    } steps[] = {
        {'1', "CreateVolume&Size=4&AvailabilityZone=$Z", "volumeId"},
        {'2', "CreateVolume&Size=4&AvailabilityZone=$Z", "volumeId"},
        {0, "AttachVolume&VolumeId=$2&InstanceId=$i&Device=/dev/sdp", NULL},
        {'3', "CreateSnapshot&VolumeId=$1", "snapshotId"},
        {'4', "CreateSnapshot&VolumeId=$1", "snapshotId"},
        {0, "ModifySnapshotAttribute&SnapshotId=$4&CreateVolumePermission.Add.1.Group=all", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct str form = expand(t, steps[i].form);
        struct str xml = ok(w, world_callf(w, "Action=%.*s", STR_ARG(form)));

        if (steps[i].letter)
            t->of[(unsigned char)steps[i].letter] = xml_text(xml, steps[i].tag);
        world_advance(w, 100);
    }
}

/* A region whose default VPC was deleted. */
static void
without_default_vpc(struct world *w)
{
    world_account(w, "000000000000", "eu-west-1");
    struct str subnets = ok(w, world_call(w, "Action=DescribeSubnets"));
    struct str gateways = ok(w, world_call(w, "Action=DescribeInternetGateways"));
    struct str vpc = xml_text(subnets, "vpcId");

    for (size_t i = 0; i < xml_count(subnets, "subnetId"); i++)
        ok(w, world_callf(w, "Action=DeleteSubnet&SubnetId=%.*s",
                          STR_ARG(xml_text_at(subnets, "subnetId", i))));
    ok(w, world_callf(w, "Action=DetachInternetGateway&InternetGatewayId=%.*s&VpcId=%.*s",
                      STR_ARG(xml_text(gateways, "internetGatewayId")), STR_ARG(vpc)));
    ok(w, world_callf(w, "Action=DeleteVpc&VpcId=%.*s", STR_ARG(vpc)));
}

/* Any change of any row is a commit. */
static uint64_t
commits(struct world *w)
{
    return store_stats(cloud_store(w->cloud)).commits;
}

static void
check_dry(struct world *w, const struct dry *d, const struct things *t)
{
    struct str form = str_fmt(test_arena(), "Action=%s%.*s", d->op, STR_ARG(expand(t, d->rest)));
    uint64_t before = commits(w);
    struct str xml = world_callf(w, "%.*s&DryRun=true", STR_ARG(form));

    if (w->http != 412 || !str_is(xml_text(xml, "Code"), "DryRunOperation"))
        FAIL("%.*s: HTTP %d %.*s", STR_ARG(form), w->http, STR_ARG(xml));
    CHECK_STR(xml_text(xml, "Message"), "Request would have succeeded, but DryRun flag is set.");
    world_advance(w, 100);
    if (commits(w) != before)
        FAIL("a dry run of %s left something behind", d->op);
    /* DryRun=false is as good as none: the very same call goes well */
    xml = world_callf(w, "%.*s&DryRun=false", STR_ARG(form));
    if (w->http != 200)
        FAIL("%.*s: HTTP %d %.*s", STR_ARG(form), w->http, STR_ARG(xml));
}

TEST(a_dry_run_of_any_operation_says_that_it_would_succeed_and_does_nothing)
{
    unsigned n = 0;

    for (unsigned i = 0; i < ec2_service.n_ops; i++) {
        const struct api_op *op = &ec2_service.ops[i];
        const struct dry *d = NULL;

        if (!api_op_handler(&ec2_service, op) || !(op->flags & API_DRY_RUN))
            continue;
        for (size_t k = 0; k < ARRAY_LEN(dries); k++)
            if (str_is(api_op_name(&ec2_service, op), dries[k].op))
                d = &dries[k];
        if (!d)
            FAIL("add %.*s to this test", STR_ARG(api_op_name(&ec2_service, op)));
        struct world *w = world_new();
        struct things t = make_things(w);
        make_networks(w, &t);
        make_storage(w, &t);
        if (str_is(str_from(d->op), "CreateDefaultVpc"))
            without_default_vpc(w);
        if (d->stopped) {
            ok(w, world_callf(w, "Action=StopInstances&InstanceId.1=%.*s", STR_ARG(t.of['i'])));
            world_advance(w, 1000);
        }
        check_dry(w, d, &t);
        world_free(w);
        n++;
    }
    CHECK(n >= 54);
}

TEST(a_dry_run_of_what_would_fail_fails)
{
    struct world *w = world_new();

    CHECK_FAULT(w,
                world_call(w, "Action=StopInstances&InstanceId.1=i-0123456789abcdef0&"
                              "DryRun=true"),
                "InvalidInstanceID.NotFound");
    CHECK_FAULT(
        w, world_call(w, "Action=RunInstances&DryRun=true&MinCount=0&MaxCount=1&ImageId=" IMAGE),
        "InvalidParameterValue");
    CHECK_FAULT(w, world_call(w, "Action=DescribeVpcs&DryRun=maybe"), "InvalidParameterValue");
    world_free(w);
}

/* ---- accounts and regions ---- */

TEST(an_account_and_a_region_see_only_their_own)
{
    static const char *const reads[] = {"DescribeInstances&InstanceId.1=$i",
                                        "DescribeNetworkInterfaces&NetworkInterfaceId.1=$n",
                                        "DescribeVolumes&VolumeId.1=$o",
                                        "DescribeVpcs&VpcId.1=$v",
                                        "DescribeSecurityGroups&GroupId.1=$g",
                                        "DescribeKeyPairs&KeyName.1=old",
                                        "DescribeImages&ImageId.1=$m",
                                        "DescribeSecurityGroupRules&SecurityGroupRuleId.1=$r",
                                        "GetConsoleOutput&InstanceId=$i"};
    static const struct {
        const char *account, *region;
    } others[] = {{"111111111111", "us-east-1"}, {"000000000000", "eu-west-1"}};
    struct world *w = world_new();
    struct things t = make_things(w);

    for (size_t i = 0; i < ARRAY_LEN(reads); i++)
        ok(w, world_callf(w, "Action=%.*s", STR_ARG(expand(&t, reads[i]))));
    for (size_t o = 0; o < ARRAY_LEN(others); o++) {
        world_account(w, others[o].account, others[o].region);
        for (size_t i = 0; i < ARRAY_LEN(reads); i++) {
            struct str xml = world_callf(w, "Action=%.*s", STR_ARG(expand(&t, reads[i])));

            if (w->http != 400)
                FAIL("%s of %s in %s: HTTP %d %.*s", reads[i], others[o].account, others[o].region,
                     w->http, STR_ARG(xml));
        }
        struct str all = ok(w, world_call(w, "Action=DescribeInstances"));
        CHECK_INT(xml_count(all, "instanceId"), 0);
        all = ok(w, world_call(w, "Action=DescribeTags"));
        CHECK_INT(xml_count(all, "resourceId"), 0);
    }
    world_free(w);
}

/* Operations that change what they are given by id: no stranger's call may get through. */
TEST(nobody_changes_what_is_anothers)
{
    struct world *w = world_new();
    struct things t = make_things(w);

    world_account(w, "111111111111", "us-east-1");
    ok(w, world_call(w, "Action=DescribeVpcs")); /* makes its default VPC */
    for (size_t i = 0; i < ARRAY_LEN(dries); i++) {
        /* AWS's own prefix lists are everybody's. */
        if (!strchr(dries[i].rest, '$') || strcmp(dries[i].op, "RegisterImage") == 0 ||
            strcmp(dries[i].op, "GetManagedPrefixListEntries") == 0)
            continue;
        uint64_t before = commits(w);
        struct str xml =
            world_callf(w, "Action=%s%.*s", dries[i].op, STR_ARG(expand(&t, dries[i].rest)));

        /* ModifyInstanceCreditSpecification has a refusal for each instance. */
        if (w->http != 400 && w->http != 403 &&
            !xml_where(xml, "error", "code", "InvalidInstanceID.NotFound").p)
            FAIL("%s: HTTP %d %.*s", dries[i].op, w->http, STR_ARG(xml));
        CHECK_INT(commits(w), before);
    }
    world_free(w);
}
