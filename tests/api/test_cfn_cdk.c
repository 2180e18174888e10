/* A stack as CDK writes it: a network, a machine in it with a role, a parameter, its metadata. */
#include "api/cfn_help.h"

static const char template[] =
    "{\"Parameters\": {\"Kind\": {\"Type\": \"String\", \"Default\": \"t3.micro\"}},"
    "\"Resources\": {"
    "\"Vpc8378EB38\": {\"Type\": \"AWS::EC2::VPC\", \"Properties\": {\"CidrBlock\": "
    "\"10.0.0.0/16\", \"EnableDnsHostnames\": true, \"EnableDnsSupport\": true, "
    "\"InstanceTenancy\": \"default\", \"Tags\": [{\"Key\": \"Name\", \"Value\": \"App/Vpc\"}]}},"
    "\"VpcSubnet1\": {\"Type\": \"AWS::EC2::Subnet\", \"Properties\": {\"AvailabilityZone\": "
    "{\"Fn::Select\": [0, {\"Fn::GetAZs\": \"\"}]}, \"CidrBlock\": \"10.0.0.0/17\", "
    "\"MapPublicIpOnLaunch\": true, \"Tags\": [{\"Key\": \"aws-cdk:subnet-type\", \"Value\": "
    "\"Public\"}], \"VpcId\": {\"Ref\": \"Vpc8378EB38\"}}},"
    "\"VpcTable1\": {\"Type\": \"AWS::EC2::RouteTable\", \"Properties\": {\"VpcId\": {\"Ref\": "
    "\"Vpc8378EB38\"}}},"
    "\"VpcTable1Association\": {\"Type\": \"AWS::EC2::SubnetRouteTableAssociation\", "
    "\"Properties\": {\"RouteTableId\": {\"Ref\": \"VpcTable1\"}, \"SubnetId\": {\"Ref\": "
    "\"VpcSubnet1\"}}},"
    "\"VpcDefaultRoute\": {\"Type\": \"AWS::EC2::Route\", \"Properties\": "
    "{\"DestinationCidrBlock\": \"0.0.0.0/0\", \"GatewayId\": {\"Ref\": \"VpcIGW\"}, "
    "\"RouteTableId\": {\"Ref\": \"VpcTable1\"}}, \"DependsOn\": [\"VpcVPCGW\"]},"
    "\"VpcIGW\": {\"Type\": \"AWS::EC2::InternetGateway\"},"
    "\"VpcVPCGW\": {\"Type\": \"AWS::EC2::VPCGatewayAttachment\", \"Properties\": "
    "{\"InternetGatewayId\": {\"Ref\": \"VpcIGW\"}, \"VpcId\": {\"Ref\": \"Vpc8378EB38\"}}},"
    "\"Group\": {\"Type\": \"AWS::EC2::SecurityGroup\", \"Properties\": {\"GroupDescription\": "
    "\"App/Group\", \"VpcId\": {\"Ref\": \"Vpc8378EB38\"}, \"SecurityGroupEgress\": "
    "[{\"CidrIp\": \"0.0.0.0/0\", \"IpProtocol\": \"-1\", \"Description\": \"all\"}]}},"
    "\"Role\": {\"Type\": \"AWS::IAM::Role\", \"Properties\": {\"AssumeRolePolicyDocument\": "
    "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Action\": \"sts:AssumeRole\", \"Effect\": "
    "\"Allow\", \"Principal\": {\"Service\": \"ec2.amazonaws.com\"}}]}}},"
    "\"RoleDefaultPolicy\": {\"Type\": \"AWS::IAM::Policy\", \"Properties\": {\"PolicyName\": "
    "\"RoleDefaultPolicy\", \"Roles\": [{\"Ref\": \"Role\"}], \"PolicyDocument\": {\"Version\": "
    "\"2012-10-17\", \"Statement\": [{\"Action\": \"ssm:GetParameter\", \"Effect\": \"Allow\", "
    "\"Resource\": {\"Fn::Join\": [\"\", [\"arn:\", {\"Ref\": \"AWS::Partition\"}, "
    "\":ssm:us-east-1:\", {\"Ref\": \"AWS::AccountId\"}, \":parameter/*\"]]}}]}}},"
    "\"Profile\": {\"Type\": \"AWS::IAM::InstanceProfile\", \"Properties\": {\"Roles\": [{\"Ref\": "
    "\"Role\"}]}},"
    "\"Server\": {\"Type\": \"AWS::EC2::Instance\", \"Properties\": {\"AvailabilityZone\": "
    "{\"Fn::Select\": [0, {\"Fn::GetAZs\": \"\"}]}, \"IamInstanceProfile\": {\"Ref\": "
    "\"Profile\"}, \"ImageId\": \"ami-009d6802948d06e52\", \"InstanceType\": {\"Ref\": \"Kind\"}, "
    "\"SecurityGroupIds\": [{\"Fn::GetAtt\": [\"Group\", \"GroupId\"]}], \"SubnetId\": {\"Ref\": "
    "\"VpcSubnet1\"}, \"UserData\": {\"Fn::Base64\": \"#!/bin/bash\"}}, \"DependsOn\": "
    "[\"RoleDefaultPolicy\", \"Role\"]},"
    "\"Text\": {\"Type\": \"AWS::SSM::Parameter\", \"Properties\": {\"Type\": \"String\", "
    "\"Value\": {\"Fn::GetAtt\": [\"Server\", \"PrivateIp\"]}}},"
    "\"CDKMetadata\": {\"Type\": \"AWS::CDK::Metadata\", \"Properties\": {\"Analytics\": "
    "\"v2:deflate64:H4sIAAAAAAAA\"}, \"Metadata\": {\"aws:cdk:path\": "
    "\"App/CDKMetadata/Default\"}}},"
    "\"Outputs\": {\"Ip\": {\"Value\": {\"Fn::GetAtt\": [\"Server\", \"PrivateIp\"]}}, "
    "\"Group\": {\"Value\": {\"Fn::GetAtt\": [\"Vpc8378EB38\", \"DefaultSecurityGroup\"]}}}}";

static void
advance_to(struct world *w, const char *name, const char *status)
{
    for (int i = 0; i < 40; i++) {
        world_settle(w);
        if (str_is(xml_text(stack(w, name), "StackStatus"), status))
            return;
        world_advance(w, 500);
    }
    check_status(w, name, status);
}

TEST(a_network_with_a_machine_is_made_changed_and_deleted_with_crashes_between, "CFN-02 CFN-10")
{
    struct world *w = world_new();
    size_t vpcs = xml_count(world_ok(w, "Action=DescribeVpcs"), "vpcId");
    size_t interfaces =
        xml_count(world_ok(w, "Action=DescribeNetworkInterfaces"), "networkInterfaceId");

    CHECK_OK(w, create(w, "app", IAM, template));
    world_crash(w);
    struct str id = xml_text(stack(w, "app"), "StackId");
    advance_to(w, "app", "CREATE_COMPLETE");
    struct str ip = xml_text_at(stack(w, "app"), "OutputValue", 0);
    CHECK(str_starts(ip, S("10.0.")));
    CHECK(str_starts(xml_text_at(stack(w, "app"), "OutputValue", 1), S("sg-")));
    struct str about = world_ok(w, "Action=DescribeInstances");
    CHECK(str_eq(xml_text(about, "privateIpAddress"), ip));
    CHECK(xml_text(about, "ipAddress").n);
    const char *routes =
        "Action=DescribeRouteTables&Filter.1.Name=route.destination-cidr-block"
        "&Filter.1.Value.1=0.0.0.0/0&Filter.2.Name=tag:aws:cloudformation:logical-id"
        "&Filter.2.Value.1=VpcTable1";
    CHECK(xml_text(world_ok(w, routes), "gatewayId").n);
    CHECK_OK(w, update(w, "app",
                       IAM "&Parameters.member.1.ParameterKey=Kind"
                           "&Parameters.member.1.ParameterValue=t3.small",
                       template));
    world_crash(w);
    advance_to(w, "app", "UPDATE_COMPLETE");
    about = world_ok(w, "Action=DescribeInstances");
    CHECK_STR(xml_text(about, "instanceType"), "t3.small");
    CHECK(str_eq(xml_text(about, "privateIpAddress"), ip));
    world_ok(w, "Action=DeleteStack" V "&StackName=app");
    world_crash(w);
    advance_to(w, str_cstr(test_arena(), id), "DELETE_COMPLETE");
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeVpcs"), "vpcId"), vpcs);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeNetworkInterfaces"), "networkInterfaceId"),
              interfaces);
    CHECK_INT(xml_count(world_ok(w, "Action=ListRoles&Version=2010-05-08"), "RoleName"), 0);
    world_free(w);
}
