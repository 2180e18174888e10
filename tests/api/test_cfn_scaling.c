/*
 * AWS's sample of a group that alarms scale, in a stack: all of it but the Classic Load Balancer.
 */
#include "api/cfn_help.h"

#define ASG "&Version=2011-01-01"

static const char sample[] =
    "{\"Parameters\": {\"InstanceType\": {\"Type\": \"String\", \"Default\": \"t3.micro\"},"
    "\"WebServerPort\": {\"Type\": \"String\", \"Default\": \"8888\"},"
    "\"KeyName\": {\"Type\": \"AWS::EC2::KeyPair::KeyName\"}},"
    "\"Mappings\": {\"AWSInstanceType2Arch\": {\"t3.micro\": {\"Arch\": \"64\"}},"
    "\"AWSRegionArch2AMI\": {\"us-east-1\": {\"32\": \"ami-00000000000000000\", "
    "\"64\": \"ami-009d6802948d06e52\"}}},"
    "\"Resources\": {"
    "\"WebServerGroup\": {\"Type\": \"AWS::AutoScaling::AutoScalingGroup\", \"Properties\": {"
    "\"AvailabilityZones\": {\"Fn::GetAZs\": \"\"}, "
    "\"LaunchConfigurationName\": {\"Ref\": \"LaunchConfig\"}, \"MinSize\": \"1\", "
    "\"MaxSize\": \"3\"}},"
    "\"LaunchConfig\": {\"Type\": \"AWS::AutoScaling::LaunchConfiguration\", \"Properties\": {"
    "\"KeyName\": {\"Ref\": \"KeyName\"}, \"ImageId\": {\"Fn::FindInMap\": [\"AWSRegionArch2AMI\", "
    "{\"Ref\": \"AWS::Region\"}, {\"Fn::FindInMap\": [\"AWSInstanceType2Arch\", {\"Ref\": "
    "\"InstanceType\"}, \"Arch\"]}]}, \"UserData\": {\"Fn::Base64\": {\"Ref\": "
    "\"WebServerPort\"}}, \"SecurityGroups\": [{\"Ref\": \"InstanceSecurityGroup\"}], "
    "\"InstanceType\": {\"Ref\": \"InstanceType\"}}},"
    "\"WebServerScaleUpPolicy\": {\"Type\": \"AWS::AutoScaling::ScalingPolicy\", \"Properties\": {"
    "\"AdjustmentType\": \"ChangeInCapacity\", \"AutoScalingGroupName\": {\"Ref\": "
    "\"WebServerGroup\"}, \"Cooldown\": \"60\", \"ScalingAdjustment\": \"1\"}},"
    "\"CPUAlarmHigh\": {\"Type\": \"AWS::CloudWatch::Alarm\", \"Properties\": {"
    "\"AlarmDescription\": \"Scale-up if CPU > 90% for 10 minutes\", \"MetricName\": "
    "\"CPUUtilization\", \"Namespace\": \"AWS/EC2\", \"Statistic\": \"Average\", \"Period\": "
    "\"300\", \"EvaluationPeriods\": \"2\", \"Threshold\": \"90\", \"AlarmActions\": [{\"Ref\": "
    "\"WebServerScaleUpPolicy\"}], \"Dimensions\": [{\"Name\": \"AutoScalingGroupName\", "
    "\"Value\": {\"Ref\": \"WebServerGroup\"}}], \"ComparisonOperator\": "
    "\"GreaterThanThreshold\"}},"
    "\"InstanceSecurityGroup\": {\"Type\": \"AWS::EC2::SecurityGroup\", \"Properties\": {"
    "\"GroupDescription\": \"web\", \"SecurityGroupIngress\": [{\"IpProtocol\": \"tcp\", "
    "\"FromPort\": {\"Ref\": \"WebServerPort\"}, \"ToPort\": {\"Ref\": \"WebServerPort\"}, "
    "\"CidrIp\": \"0.0.0.0/0\"}]}}}}";

TEST(a_group_that_alarms_scale_comes_from_a_template, "ASG-16 ASG-20 ASG-22 ASG-23 ASG-24")
{
    struct world *w = world_new();

    world_ok(w, "Action=CreateKeyPair&KeyName=me");
    struct str made = create(w, "web",
                             "&Parameters.member.1.ParameterKey=KeyName"
                             "&Parameters.member.1.ParameterValue=me",
                             sample);

    CHECK_OK(w, made);
    world_advance(w, 30000);
    check_status(w, "web", "CREATE_COMPLETE");
    struct str group = world_ok(w, "Action=DescribeAutoScalingGroups" ASG);
    struct str zones = world_ok(w, "Action=DescribeAvailabilityZones");

    /* each zone of the Region, in all of which there is a default subnet */
    CHECK_INT(xml_count(xml_element(group, "AvailabilityZones"), "member"),
              xml_count(zones, "zoneName"));
    CHECK_STR(xml_text(group, "MaxSize"), "3");
    struct str config = world_ok(w, "Action=DescribeLaunchConfigurations" ASG);

    CHECK_STR(xml_text(config, "UserData"), "ODg4OA==");
    CHECK_STR(xml_text(config, "ImageId"), "ami-009d6802948d06e52");
    CHECK_STR(xml_text(config, "KeyName"), "me");
    struct str policy = world_ok(w, "Action=DescribePolicies" ASG);
    struct str alarms = world_json_ok(w, "cloudwatch", "DescribeAlarms", "{}");

    CHECK_STR(json_path(alarms, "MetricAlarms.0.AlarmActions.0"),
              str_cstr(test_arena(), xml_text(policy, "PolicyARN")));
    world_json_okf(w, "cloudwatch", "SetAlarmState",
                   "{'AlarmName': '%s', 'StateValue': 'ALARM', 'StateReason': 'test'}",
                   json_cstr(alarms, "MetricAlarms.0.AlarmName"));
    world_advance(w, 1000);
    CHECK_STR(xml_text(world_ok(w, "Action=DescribeAutoScalingGroups" ASG), "DesiredCapacity"),
              "2");
    world_ok(w, "Action=DeleteStack" V "&StackName=web");
    world_advance(w, 60000);
    CHECK_INT(xml_count(world_ok(w, "Action=DescribeAutoScalingGroups" ASG), "MinSize"), 0);
    world_free(w);
}
