"""The printed texts about stacks, fed to the daemon as they are: where they are broken they fail as
on AWS, and repaired as little as is needed their instances run.

Where each scenario of the index is shown: VS-06 and VS-07 in test_cloudformation.py; VS-08 to VS-15,
VS-18 and VS-21 here (their corners in tests/api/test_cfn_printed.c, test_cfn_group.c and
test_cfn_database.c).
"""
import os
import textwrap
import time
import xml.etree.ElementTree as ET

from cloud import AMI, check, same, wait
from lab import test
from test_cloudformation import Stack

SEED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "seeds",
                    "004_43fd51f0ad82bf28.txt")

FIND = "!FindInMap [AWSRegionArch2AMI, !Ref 'AWS::Region', HVM64]"

EXPORT = """\
Outputs:
  StackSSHSecurityGroup:
    Description: This is an output
    Value: !Ref ServerSecurityGroup
    Export:
      Name: SSHSecurityGroup
"""

IMPORT = """\
MyInstance:
  Type: AWS::EC2::Instance
  Properties:
    AvailabilityZone: us-east-1a
    ImageId: ami-009d6802948d06e52
    InstanceType: t2.micro
    SecurityGroups:
      - !Ref SSHSecurityGroup
      - !ImportValue SSHSecurityGroup             # VERY IMPORTANT
"""

CONDITION = """\
Conditions:
  CreateProductionResources: !Equals[!Ref EnvType, prod]
"""

JOIN = "!Join[\u00a0‘\u00a0: ’ , \u00a0[ a , b , c] ]"

STORE = """\
Parameters:
  InstanceType:
    Type: 'AWS::SSM::Parameter::Value<String>’           #VERY IMPORTANT
    Default: /EC2/InstanceType


  ImageId: 
    Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>’ #VERY IMPORTANT
    Default: /EC2/AMI_ID
"""

PUBLIC = """\
Parameters:
  LatestLinuxAmiId:
    Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>'
    # obtain list with
    # aws ssm get-parameters-by-path --path /aws/service/ami-amazon-linux-latest  --query 'Parameters[].Name'
    Default: '/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2'


  # this works for Windows too
  LatestWindowsAmiId:
    Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>'
    # obtain list with
    # aws ssm get-parameters-by-path --path "/aws/service/ami-windows-latest" --region us-east-1
    Default: '/aws/service/ami-windows-latest/Windows_Server-2016-English-Core-Base'
"""

DATABASE = """\
Resources:
  Ec2Instance:
    Type: AWS::EC2::Instance
    Properties:
      ImageId: !FindInMap [AWSRegionArch2AMI, !Ref 'AWS::Region', HVM64]
    DependsOn: MyDB                  #IMPORTANT LINE


  MyDB:
    Type: AWS::RDS::DBInstance
    Properties:
      AllocatedStorage: '5'
      DBInstanceClass: db.t2.micro
"""

POLICY = """\
{
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "Update:*",
            "Principal": "*",
            "Resource": "*"
        },
        {
            "Effect": "Deny",
            "Action": "Update:*",
            "Principal": "*",
            "Resource": "LogicalResourceId/CriticalSecurityGroup"
        },
        {
            "Effect" : "Deny",
            "Action" : "Update:*",
            "Principal": "*",
            "Resource" : "*",
            "Condition" : {
              "StringEquals" : {
                "ResourceType" : ["AWS::RDS::DBInstance"]
              }
            }
        }
    ]
}
"""

FLEET = """\
Parameters:
  LatestLinuxAmiId:
    Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>'
    Default: '/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2'


Resources: 
  AutoScalingGroup:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      AvailabilityZones: 
        Fn::GetAZs: 
          Ref: "AWS::Region"
      LaunchConfigurationName:
        Ref: LaunchConfig
      DesiredCapacity: '3'
      MinSize: '1'
      MaxSize: '4'
    CreationPolicy:
      ResourceSignal:
        Count: '3'
        Timeout: PT15M


  LaunchConfig:
    Type: AWS::AutoScaling::LaunchConfiguration
    Properties:
      ImageId: !Ref LatestLinuxAmiId
      InstanceType: t3.micro
      UserData:
        "Fn::Base64":
          !Sub |
            #!/bin/bash -xe
            yum update -y aws-cfn-bootstrap
            /opt/aws/bin/cfn-signal -e $? --stack ${AWS::StackName} --resource AutoScalingGroup --region ${AWS::Region}
"""

ROLLING = """\
UpdatePolicy:
  AutoScalingRollingUpdate:
    MinInstancesInService: '1'
    MaxBatchSize: '2'
    # how much time to wait for the signal
    PauseTime: PT1M
    WaitOnResourceSignals: 'true'
    # we can suspend processes during the update
    # SuspendProcesses:
    # - list of processes...
  AutoScalingScheduledAction:
    # Prevent Scheduled Actions from modifying min/max/desired for CloudFormation
    IgnoreUnmodifiedGroupSizeProperties: 'true'
"""

REPLACING = """\
UpdatePolicy:
  AutoScalingReplacingUpdate:
    WillReplace: 'true'
"""

MAPPING = f"Mappings:\n  AWSRegionArch2AMI: {{us-east-1: {{HVM64: {AMI}}}}}\n"


def printed(text):
    """The text, looked up where the seeds are at hand."""
    if os.path.exists(SEED):
        with open(SEED, encoding="utf-8") as f:
            check(text in f.read(), f"the seed does not have: {text}")
    return text


def texts(reply, name):
    """What stands in each element of that name."""
    root = ET.fromstring(reply) if isinstance(reply, (bytes, str)) else reply
    return [e.text or "" for e in root.iterfind(f".//{{*}}{name}")]


def replaced(text, *pairs):
    for wrong, right in pairs:
        check(wrong in text, f"there is no {wrong} to repair")
        text = text.replace(wrong, right)
    return text


def refused(cloud, template, begins):
    """CreateStack answers a ValidationError whose text begins so."""
    status, body = cloud.raw("CreateStack", {"StackName": "broken", "TemplateBody": template},
                             service="cloudformation")
    check(status == 400 and texts(body, "Code") == ["ValidationError"] and
          texts(body, "Message")[0].startswith(begins), f"{status} {body}, not {begins}")


def instance_of(cloud, stack, name):
    id, status = stack.resource(name)
    same(status, "CREATE_COMPLETE", name)
    return cloud.instance(id)


# proves: VS-11 CFNT-04
@test
def the_printed_find_in_map_chooses_the_image_that_boots(lab):
    stack = Stack(lab.cloud, "map", MAPPING + "Resources:\n  I:\n    Type: AWS::EC2::Instance\n"
                  "    Properties: {InstanceType: t3.micro, ImageId: " + printed(FIND) + "}\n")
    stack.wait("CREATE_COMPLETE")
    about = instance_of(lab.cloud, stack, "I")
    same(about["imageId"], AMI, "its image")
    lab.cloud.booted(about["instanceId"])
    stack.delete()


# proves: VS-12 VS-13 CFNT-09 CFNT-11
@test
def the_printed_instance_is_in_the_exported_group_too(lab):
    cloud = lab.cloud
    local = "Resources:\n  SSHSecurityGroup: {Type: AWS::EC2::SecurityGroup, Properties: " \
            "{GroupDescription: local}}\n" + "".join(
                f"  {line}\n" for line in printed(IMPORT).splitlines())
    shared = Stack(cloud, "shared", "Resources:\n  ServerSecurityGroup:\n"
                   "    Type: AWS::EC2::SecurityGroup\n    Properties:\n"
                   "      GroupDescription: of all\n      SecurityGroupIngress:\n"
                   "        - {IpProtocol: tcp, FromPort: 8080, ToPort: 8080, CidrIp: 0.0.0.0/0}\n" +
                   printed(EXPORT))
    shared.wait("CREATE_COMPLETE")
    same(texts(cloud.query("cloudformation", "ListExports"), "Name"), ["SSHSecurityGroup"],
         "what is exported")
    stack = Stack(cloud, "importing", local)
    stack.wait("CREATE_COMPLETE")
    about = instance_of(cloud, stack, "MyInstance")
    same(len(about["groupSet"]), 2, "its groups")
    # what the imported group lets in arrives
    id = about["instanceId"]
    cloud.booted(id)
    cloud.sh(id, "mkdir -p /tmp/www; echo imported >/tmp/www/index.html; httpd -p 8080 -h /tmp/www")
    same(lab.from_world(about["ipAddress"], 8080), "imported\n", "through the imported group")
    status, body = cloud.raw("DeleteStack", {"StackName": "shared"}, service="cloudformation")
    same((status, texts(body, "Message")), (400, ["Export SSHSecurityGroup cannot be deleted as it "
                                            "is in use by importing"]), "the exporter's deletion")
    stack.delete()
    shared.delete()


# proves: VS-14 CFNT-13
@test
def the_printed_condition_is_not_yaml_and_decides_when_it_is(lab):
    rest = "Parameters: {EnvType: {Type: String, Default: prod}}\nResources:\n" \
           "  G: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: g}}\n" \
           "  I:\n    Condition: CreateProductionResources\n    Type: AWS::EC2::Instance\n" \
           f"    Properties: {{InstanceType: t3.micro, ImageId: {AMI}}}\n"
    text = printed(CONDITION) + rest
    refused(lab.cloud, text, "Template format error: YAML not well-formed. (line 2, column ")
    good = replaced(text, ("!Equals[", "!Equals ["))
    stack = Stack(lab.cloud, "prod", good)
    stack.wait("CREATE_COMPLETE")
    lab.cloud.booted(stack.resource("I")[0])
    stack.delete()
    stack = Stack(lab.cloud, "dev", good.replace("Default: prod", "Default: dev"))
    stack.wait("CREATE_COMPLETE")
    check("I" not in [e[0] for e in stack.events()], stack.events())
    stack.delete()


# proves: VS-15 CFNT-21
@test
def the_printed_join_is_not_yaml_and_joins_when_it_is(lab):
    text = "Resources:\n  I:\n    Type: AWS::EC2::Instance\n    Properties:\n" \
           f"      InstanceType: t3.micro\n      ImageId: {AMI}\n" \
           "      Tags: [{Key: Name, Value: VALUE}]\n".replace("VALUE", printed(JOIN))
    refused(lab.cloud, text, "Template ")
    stack = Stack(lab.cloud, "join", replaced(text, ("!Join[", "!Join ["), ("‘", "'"), ("’", "'"),
                                              ("\u00a0", " ")))
    stack.wait("CREATE_COMPLETE")
    tags = {t["key"]: t["value"] for t in instance_of(lab.cloud, stack, "I")["tagSet"]}
    same(tags["Name"], "a : b : c", "what is joined")
    stack.delete()


# proves: VS-17 CFNP-02
@test
def the_printed_parameters_have_curly_quotes_and_are_looked_up_without_them(lab):
    cloud = lab.cloud
    text = printed(STORE) + "Resources:\n  I:\n    Type: AWS::EC2::Instance\n" \
        "    Properties: {InstanceType: !Ref InstanceType, ImageId: !Ref ImageId}\n"
    refused(cloud, text, "Template format error: YAML not well-formed. (line ")
    good = replaced(text, ("’", "'"))
    for name, value in (("/EC2/InstanceType", "t3.micro"), ("/EC2/AMI_ID", AMI)):
        cloud.json("ssm", "PutParameter", Name=name, Value=value, Type="String", Overwrite=True)
    stack = Stack(cloud, "store", good)
    stack.wait("CREATE_COMPLETE")
    about = instance_of(cloud, stack, "I")
    same((about["instanceType"], about["imageId"]), ("t3.micro", AMI), "what is injected")
    cloud.booted(about["instanceId"])
    # a changed parameter takes effect with the next update
    cloud.json("ssm", "PutParameter", Name="/EC2/InstanceType", Value="t3.small", Overwrite=True)
    stack.ask("UpdateStack", TemplateBody=good)
    stack.wait("UPDATE_COMPLETE")
    same(cloud.instance(about["instanceId"])["instanceType"], "t3.small", "after an update")
    stack.delete()


# proves: VS-18 CFNP-05
@test
def the_printed_public_parameters_are_images_and_the_linux_one_boots(lab):
    cloud = lab.cloud
    stack = Stack(cloud, "latest", printed(PUBLIC) + "Resources:\n  I:\n    Type: AWS::EC2::Instance\n"
                  "    Properties: {InstanceType: t3.micro, ImageId: !Ref LatestLinuxAmiId}\n")
    stack.wait("CREATE_COMPLETE")
    resolved = texts(stack.ask("DescribeStacks"), "ResolvedValue")
    about = instance_of(cloud, stack, "I")
    check(len(resolved) == 2 and about["imageId"] in resolved, resolved)
    for id in resolved:
        cloud.call("DescribeImages", ImageId=[id])
    cloud.booted(about["instanceId"])
    stack.delete()


# proves: VS-16 CFNT-24 CFNT-25
@test
def the_printed_instance_waits_for_the_database_that_it_depends_on(lab):
    """VS-16: the text names no engine, then a class that it does not run on; repaired it runs."""
    cloud = lab.cloud
    lab.database(cloud)
    text = replaced(MAPPING + printed(DATABASE),
                    ("HVM64]\n", "HVM64]\n      InstanceType: t2.micro\n"))
    engine = ("      Engine: mysql\n      MasterUsername: master\n"
              "      MasterUserPassword: correct-horse\n")
    for name, more, why in (
            ("bare", "", "Member must not be null"),
            ("class", engine, "RDS does not support creating a DB instance with the following "
             "combination: DBInstanceClass=db.t2.micro")):
        stack = Stack(cloud, name, text + more)
        stack.wait("ROLLBACK_COMPLETE")
        check([e for e in stack.events() if e[:2] == ("MyDB", "CREATE_FAILED") and why in e[2]],
              stack.events())
        stack.delete()
    stack = Stack(cloud, "order", replaced(text + engine, ("'5'", "'20'"),
                                           ("db.t2.micro", "db.t3.micro")))
    stack.wait("CREATE_COMPLETE", 120)
    events = [e[:2] for e in stack.events()]
    check(events.index(("MyDB", "CREATE_COMPLETE")) <
          events.index(("Ec2Instance", "CREATE_IN_PROGRESS")), events)
    stack.delete()


# proves: VS-21 CFNS-01 CFNS-02
@test
def the_printed_stack_policy_refuses_two_updates_and_allows_the_third(lab):
    """VS-21: the group's rules and the database stay, another resource changes."""
    cloud = lab.cloud
    lab.database(cloud)

    def text(port, size, value):
        return f"""Resources:
  CriticalSecurityGroup:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: critical
      SecurityGroupIngress:
        - {{IpProtocol: tcp, FromPort: {port}, ToPort: {port}, CidrIp: 0.0.0.0/0}}
  Db:
    Type: AWS::RDS::DBInstance
    DeletionPolicy: Delete
    Properties: {{Engine: postgres, DBInstanceClass: db.t3.micro, AllocatedStorage: '{size}',
                 MasterUsername: me, MasterUserPassword: correct-horse}}
  P:
    Type: AWS::SSM::Parameter
    Properties: {{Name: /p, Type: String, Value: {value}}}
"""

    stack = Stack(cloud, "policy", text(22, 20, "one"))
    stack.wait("CREATE_COMPLETE", 120)
    stack.ask("SetStackPolicy", StackPolicyBody=printed(POLICY))
    for number, name, new in ((2, "CriticalSecurityGroup", text(23, 20, "one")),
                              (3, "Db", text(22, 40, "one"))):
        stack.ask("UpdateStack", TemplateBody=new)
        stack.wait("UPDATE_ROLLBACK_COMPLETE")
        check((name, "UPDATE_FAILED", f"Action denied by stack policy: Statement [#{number}] "
               f"does not allow [Update:*] for resource [{name}]") in stack.events(),
              stack.events())
    rules = cloud.call("DescribeSecurityGroups", GroupName=[
        stack.resource("CriticalSecurityGroup")[0]])["securityGroupInfo"][0]
    same(rules["ipPermissions"][0]["fromPort"], "22", "the group's rule")
    stack.ask("UpdateStack", TemplateBody=text(22, 20, "two"))
    stack.wait("UPDATE_COMPLETE")
    same(cloud.json("ssm", "GetParameter", Name="/p")["Parameter"]["Value"], "two", "the other")
    stack.delete()


def members(cloud, type):
    """Ids of running instances of a type."""
    reply = cloud.call("DescribeInstances", Filter=[
        {"Name": "instance-type", "Value": [type]},
        {"Name": "instance-state-name", "Value": ["running"]},
        {"Name": "tag-key", "Value": ["aws:autoscaling:groupName"]}])
    return {i["instanceId"] for r in reply["reservationSet"] for i in r["instancesSet"]}


def reasons(stack, begins):
    """Of the group's events that begin so."""
    return [e[2] for e in stack.events()
            if e[0] == "AutoScalingGroup" and e[2].startswith(begins)]


# proves: VS-08 VS-09 VS-10 ASGC-01 ASGC-05 ASGC-08 CSIG-08
@test
def the_printed_group_is_made_renewed_in_batches_and_replaced(lab):
    """VS-08, VS-09 and VS-10: the instances say themselves that they work, without a role."""
    cloud = lab.cloud
    text = printed(FLEET)

    def changed(policy, type):
        return replaced(text, ("    CreationPolicy:", textwrap.indent(printed(policy), "    ") +
                               "    CreationPolicy:"), ("t3.micro", type))

    stack = Stack(cloud, "fleet", text)
    stack.wait("CREATE_COMPLETE")
    first = members(cloud, "t3.micro")
    same(len(first), 3, "instances")
    same(set(reasons(stack, "Received")),
         {f"Received SUCCESS signal with UniqueId {id}" for id in first}, "three signals")
    print(f"     CreateStack to three signals: {time.monotonic() - stack.begun:.2f} s")
    begin = time.monotonic()
    stack.ask("UpdateStack", TemplateBody=changed(ROLLING, "t3.small"))
    stack.wait("UPDATE_COMPLETE", 120)
    second = members(cloud, "t3.small")
    same((len(second), members(cloud, "t3.micro")), (3, set()), "instances after the renewal")
    same(set(reasons(stack, "Received")),
         {f"Received SUCCESS signal with UniqueId {id}" for id in first | second}, "signals")
    same([r.split("; ")[-1] for r in reasons(stack, "Terminating")],
         ["replacing with 2 new instance(s).", "replacing with 1 new instance(s)."], "batches")
    print(f"     UpdateStack to three new instances: {time.monotonic() - begin:.2f} s")
    old, _ = stack.resource("AutoScalingGroup")
    stack.ask("UpdateStack", TemplateBody=changed(REPLACING, "t3.micro"))
    stack.wait("UPDATE_COMPLETE", 120)
    check(stack.resource("AutoScalingGroup")[0] != old, "the group is the old one")
    wait("the old group's end", lambda: not members(cloud, "t3.small"), 30)
    same(len(members(cloud, "t3.micro")), 3, "instances of the new group")
    stack.delete()
    wait("the end of all", lambda: not members(cloud, "t3.micro"), 30)
