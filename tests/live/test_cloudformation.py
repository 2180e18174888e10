"""CloudFormation's printed texts, fed to the daemon: instances that configure themselves and say so.

The tiny image is what the texts' AMI boots.  No instance here has a role: the helpers prove who they
are by the instance's own identity document.
"""
import json
import os
import subprocess
import textwrap
import time
import xml.etree.ElementTree as ET

from cloud import check, same, wait
from lab import test
from test_life import later

# Two texts as they are printed; the tests only put what they refer to around them.
HTTPD = """\
MyInstance:
  Type: AWS::EC2::Instance
  Properties:
    AvailabilityZone: us-east-1a
    ImageId: ami-009d6802948d06e52
    InstanceType: t2.micro
    KeyName: !Ref SSHKey
    SecurityGroups:
      - !Ref SSHSecurityGroup
    # we install our web server with user data
    UserData: 
      Fn::Base64:
        !Sub |
          #!/bin/bash -xe
          # Get the latest CloudFormation package
          yum update -y aws-cfn-bootstrap
          # Start cfn-init
          /opt/aws/bin/cfn-init -s ${AWS::StackId} -r MyInstance --region ${AWS::Region} || error_exit 'Failed to run cfn-init'
  Metadata:
    Comment: Install a simple Apache HTTP page
    AWS::CloudFormation::Init:
      config:
        packages:
          yum:
            httpd: []
        files:
          "/var/www/html/index.html":
            content: |
              <h1>Hello World from EC2 instance!</h1>
              <p>This was created using cfn-init</p>
            mode: '000644'
        commands:
          hello:
            command: "echo 'hello world'"
        services:
          sysvinit:
            httpd:
              enabled: 'true'
              ensureRunning: 'true'
"""

SIGNALLED = """\
UserData: 
  Fn::Base64:
    !Sub |
      #!/bin/bash -xe
      # Get the latest CloudFormation package
      yum update -y aws-cfn-bootstrap
      # Start cfn-init
      /opt/aws/bin/cfn-init -s ${AWS::StackId} -r MyInstance --region ${AWS::Region}
      # Start cfn-signal to the wait condition
      /opt/aws/bin/cfn-signal -e $? --stack ${AWS::StackId} --resource SampleWaitCondition --region ${AWS::Region}       #Signal is sent here IMPORTANT   
---
SampleWaitCondition:                                                                                                     #Wait Condition for the signal for 2minutes
  CreationPolicy:
    ResourceSignal:
      Timeout: PT2M
      Count: 1                                 #For the amount of instances expected to send the signal. 1 if only 1 instance is being created
  Type: AWS::CloudFormation::WaitCondition
"""

SURROUNDINGS = """\
AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  SSHKey:
    Type: AWS::EC2::KeyPair::KeyName
Resources:
  SSHSecurityGroup:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: SSH and HTTP
      SecurityGroupIngress:
        - {CidrIp: 0.0.0.0/0, FromPort: 22, IpProtocol: tcp, ToPort: 22}
        - {CidrIp: 0.0.0.0/0, FromPort: 80, IpProtocol: tcp, ToPort: 80}
"""

IMAGE = """\
  Image:
    Type: AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>
    Default: /aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2
"""

HTML = "<h1>Hello World from EC2 instance!</h1>\n<p>This was created using cfn-init</p>\n"

INIT = "/opt/aws/bin/cfn-init -s {} -r MyInstance --region us-east-1"

SELF_SIGNAL = """\
Resources:
  MyInstance:
    Type: AWS::EC2::Instance
    CreationPolicy: {ResourceSignal: {Count: 1, Timeout: PT5M}}
    Properties:
      ImageId: ami-009d6802948d06e52
      InstanceType: t2.micro
      UserData:
        Fn::Base64:
          !Sub |
            #!/bin/bash
            sleep 1
            (exit STATUS)
            /opt/aws/bin/cfn-signal -e $? --stack ${AWS::StackName} --resource MyInstance --region ${AWS::Region}
  After:
    Type: AWS::EC2::SecurityGroup
    DependsOn: MyInstance
    Properties: {GroupDescription: comes after}
"""

WATCHED = """\
Resources:
  MyInstance:
    Type: AWS::EC2::Instance
    CreationPolicy: {ResourceSignal: {Count: 1, Timeout: PT5M}}
    Metadata:
      AWS::CloudFormation::Init:
        config:
          files:
            /etc/cfn/cfn-hup.conf:
              content: !Sub |
                [main]
                stack=${AWS::StackId}
                region=${AWS::Region}
                interval=1
              mode: '000400'
            /etc/cfn/hooks.d/cfn-auto-reloader.conf:
              content: !Sub |
                [cfn-auto-reloader-hook]
                triggers=post.update
                path=Resources.MyInstance.Metadata.AWS::CloudFormation::Init
                action=/opt/aws/bin/cfn-init -s ${AWS::StackId} -r MyInstance --region ${AWS::Region}
                runas=root
            /etc/motd: {content: CONTENT}
          services:
            sysvinit:
              cfn-hup:
                enabled: 'true'
                ensureRunning: 'true'
                files: [/etc/cfn/cfn-hup.conf, /etc/cfn/hooks.d/cfn-auto-reloader.conf]
    Properties:
      ImageId: ami-009d6802948d06e52
      InstanceType: t2.micro
      UserData:
        Fn::Base64:
          !Sub |
            #!/bin/bash
            /opt/aws/bin/cfn-init -s ${AWS::StackId} -r MyInstance --region ${AWS::Region}
            /opt/aws/bin/cfn-signal -e $? --stack ${AWS::StackId} --resource MyInstance --region ${AWS::Region}
"""

HANDLE = """\
Resources:
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  MyInstance:
    Type: AWS::EC2::Instance
    Properties:
      ImageId: ami-009d6802948d06e52
      InstanceType: t2.micro
      UserData:
        Fn::Base64:
          !Sub |
            #!/bin/sh
            /opt/aws/bin/cfn-signal -e 0 -i from-inside -d 'all done' '${Handle}'
  Wait:
    Type: AWS::CloudFormation::WaitCondition
    Properties: {Handle: !Ref Handle, Timeout: '120', Count: 2}
Outputs: {Data: {Value: !GetAtt Wait.Data}}
"""

# A network of its own; the route that leads out stands between two marks.
SUBNET = """\
Resources:
  Net: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.30.0.0/16}}
  Subnet:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Net, CidrBlock: 10.30.1.0/24, MapPublicIpOnLaunch: true}
  Gateway: {Type: AWS::EC2::InternetGateway}
  Attached:
    Type: AWS::EC2::VPCGatewayAttachment
    Properties: {VpcId: !Ref Net, InternetGatewayId: !Ref Gateway}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Net}}
  Associated:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {SubnetId: !Ref Subnet, RouteTableId: !Ref Table}
  # way out
  Route:
    Type: AWS::EC2::Route
    DependsOn: Attached
    Properties: {RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}
  # end
  MyInstance:
    Type: AWS::EC2::Instance
    DependsOn: [Associated]
    CreationPolicy: {ResourceSignal: {Timeout: PT1M}}
    Properties:
      ImageId: ami-009d6802948d06e52
      InstanceType: t2.micro
      SubnetId: !Ref Subnet
      UserData:
        Fn::Base64:
          !Sub |
            #!/bin/bash
            touch /run/begun
            /opt/aws/bin/cfn-signal -e 0 --stack ${AWS::StackId} --resource MyInstance --region ${AWS::Region}
"""


def wrapped(text):
    return SURROUNDINGS + textwrap.indent(text, "  ")


def with_signal():
    """Both documents of the second text in one: its user data in the first text's instance."""
    data, condition = SIGNALLED.split("---\n")
    begin, end = HTTPD.index("    UserData:"), HTTPD.index("  Metadata:")
    return wrapped(HTTPD[:begin] + textwrap.indent(data, "    ") + HTTPD[end:] + condition)


# ---- the API ----

class Stack:
    def __init__(self, cloud, name, template, ssh=None, region="us-east-1", **more):
        self.cloud, self.name, self.region = cloud, name, region
        given = [{"ParameterKey": "SSHKey", "ParameterValue": ssh}] if ssh else []
        self.id = self._text(self.ask("CreateStack", TemplateBody=template, **more,
                                      Parameters={"member": given}), "StackId")
        self.begun = time.monotonic()

    def ask(self, action, **params):
        status, body = self.cloud.raw(action, {"StackName": self.name, **params},
                                      region=self.region, service="cloudformation")
        check(status == 200, f"{action}: {body!r}")
        return ET.fromstring(body)

    @staticmethod
    def _text(element, name):
        return element.findtext(f".//{{*}}{name}")

    def status(self):
        return self._text(self.ask("DescribeStacks"), "StackStatus")

    def wait(self, status, seconds=60):
        try:
            wait(status, lambda: self.status() == status or self._failed(status), seconds, 0.1)
        finally:
            if self.status() != status:
                print("\n".join(f"     {e}" for e in self.events()))

    def _failed(self, status):
        now = self.status()
        check(now == status or not now.endswith(("_COMPLETE", "FAILED")), f"the stack is {now}")
        return False

    def events(self):
        """(logical id, status, reason), the first one first."""
        found = self.ask("DescribeStackEvents").iterfind(".//{*}StackEvents/{*}member")
        return [(self._text(e, "LogicalResourceId"), self._text(e, "ResourceStatus"),
                 self._text(e, "ResourceStatusReason") or "") for e in found][::-1]

    def resource(self, name="MyInstance"):
        """(physical id, status)"""
        reply = self.ask("DescribeStackResource", LogicalResourceId=name)
        return self._text(reply, "PhysicalResourceId"), self._text(reply, "ResourceStatus")

    def delete(self):
        self.ask("DeleteStack")
        name, self.name = self.name, self.id
        self.wait("DELETE_COMPLETE")
        self.name = name


def key(cloud):
    if "ssh" not in [k["keyName"] for k in cloud.call("DescribeKeyPairs")["keySet"]]:
        cloud.call("CreateKeyPair", KeyName="ssh")
    return "ssh"


def user_options(cloud):
    """Options of a helper that name a new user, who may only describe resources of stacks."""
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "cloudformation:DescribeStackResource", "Resource": "*"}]}
    cloud.query("iam", "CreateUser", UserName="helper")
    cloud.query("iam", "PutUserPolicy", UserName="helper", PolicyName="p",
                PolicyDocument=json.dumps(policy))
    made = ET.fromstring(cloud.query("iam", "CreateAccessKey", UserName="helper"))
    return (f" --access-key {made.findtext('.//{*}AccessKeyId')}"
            f" --secret-key {made.findtext('.//{*}SecretAccessKey')}")


# ---- the tests ----

# proves: VS-06 CINIT-01 CINIT-09 CINIT-11 CINIT-14 CINIT-15 CINIT-16
@test
def the_printed_web_server_configures_itself_with_cfn_init(lab):
    cloud = lab.cloud
    said = os.path.getsize(cloud.log)
    stack = Stack(cloud, "web", wrapped(HTTPD), ssh=key(cloud))
    stack.wait("CREATE_COMPLETE")
    id, _ = stack.resource()
    about = cloud.instance(id)
    ip = about["ipAddress"]
    check("iamInstanceProfile" not in about, "it has a role")
    wait("the page", lambda: lab.from_world(ip, 80) == HTML, 30)
    print(f"     CreateStack to the page: {time.monotonic() - stack.begun:.2f} s")
    cloud.booted(id)
    same(cloud.sh(id, "stat -c %a:%U /var/www/html/index.html").strip(), "644:root", "its mode")
    cloud.sh(id, "service httpd status")
    log = cloud.sh(id, "cat /var/log/cfn-init.log")
    check("Command hello succeeded" in log, log)
    # Half undone by hand, the same line makes it whole; and once more, it changes nothing.
    cloud.sh(id, "rm /var/www/html/index.html; service httpd stop")
    check(lab.from_world(ip, 80, 1) is None, "httpd still serves")
    cloud.sh(id, INIT.format(stack.id))
    wait("the page again", lambda: lab.from_world(ip, 80) == HTML, 30)
    look = "stat -c %Y:%i /var/www/html/index.html; service httpd status"
    before = cloud.sh(id, look)
    time.sleep(1.1)
    cloud.sh(id, INIT.format(stack.id))
    same(cloud.sh(id, look), before, "the second run")
    same(json.loads(cloud.sh(id, INIT.format(stack.id).replace("cfn-init", "cfn-get-metadata") +
                             user_options(cloud)))["Comment"],
         "Install a simple Apache HTTP page", "the metadata, as a user sees it")
    status, out = cloud.exec(id, *INIT.format(stack.id).replace("MyInstance", "Nobody").split())
    check(status == 1, f"cfn-init of a resource that is not there: {status} {out}")
    # What is enabled comes back by itself.
    cloud.reboot_instance(id)
    wait("the page after a reboot", lambda: lab.from_world(ip, 80) == HTML, 30)
    stack.delete()
    with open(cloud.log) as f:
        f.seek(said)
        check("refused to" not in f.read(), "the host refused to take something away")


# proves: VS-07 CSIG-02 CSIG-10 CSIG-13 CINIT-19
@test
def the_printed_wait_condition_holds_the_stack_until_cfn_signal(lab):
    cloud = lab.cloud
    stack = Stack(cloud, "signalled", with_signal(), ssh=key(cloud))
    stack.wait("CREATE_COMPLETE")
    print(f"     CreateStack to CREATE_COMPLETE: {time.monotonic() - stack.begun:.2f} s")
    events = stack.events()
    told = [e for e in events if e[0] == "SampleWaitCondition"]
    same([e[1] for e in told], ["CREATE_IN_PROGRESS"] * 3 + ["CREATE_COMPLETE"], told)
    check(told[2][2].startswith("Received SUCCESS signal with UniqueId "), told)
    same(events[-1][:2], ("signalled", "CREATE_COMPLETE"), "what comes last")
    id, _ = stack.resource()
    same(told[2][2].split()[-1], id, "who signalled")
    # The signal came after cfn-init, as the logs say.
    cloud.booted(id)
    check("Build complete" in cloud.sh(id, "cat /var/log/cfn-init.log"), "cfn-init.log")
    check(cloud.sh(id, "cat /var/log/cloud-init.log"), "cloud-init.log is empty")
    output = cloud.sh(id, "cat /var/log/cloud-init-output.log")
    check("+ /opt/aws/bin/cfn-signal -e 0 --stack arn:aws:cloudformation:" in output, output)
    stack.delete()


# proves: VS-07 CSIG-04 CSIG-06
@test
def a_failing_cfn_init_under_xe_never_signals_so_the_printed_stack_times_out(lab):
    cloud = lab.cloud
    text = with_signal().replace("echo 'hello world'", "exit 7")
    check("exit 7" in text, "nothing is broken")
    stack = Stack(cloud, "silent", text, ssh=key(cloud))
    id = silence(cloud, stack)
    later(cloud, "100s")
    time.sleep(0.5)
    same(stack.status(), "CREATE_IN_PROGRESS", "before the two minutes are over")
    later(cloud, "20s")
    stack.wait("ROLLBACK_COMPLETE")
    check(("SampleWaitCondition", "CREATE_FAILED",
           "Failed to receive 1 resource signal(s) within the specified duration")
          in stack.events(), stack.events())
    check(("silent", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: "
           "[SampleWaitCondition]. Rollback requested by user.") in stack.events(), stack.events())
    wait("the instance to go", lambda: cloud.state(id) == "terminated")
    stack.delete()


# proves: CSIG-12
@test
def without_rollback_the_instance_that_never_signalled_is_kept_to_look_into(lab):
    cloud = lab.cloud
    text = with_signal().replace("echo 'hello world'", "exit 7")
    stack = Stack(cloud, "kept", text, ssh=key(cloud), DisableRollback=True)
    silence(cloud, stack)
    later(cloud, "2m")
    stack.wait("CREATE_FAILED")
    time.sleep(0.5)
    same(stack.status(), "CREATE_FAILED", "the stack, a little later")
    silence(cloud, stack)  # the same may still be read
    stack.delete()


def silence(cloud, stack):
    """Sees that the instance's script ended before cfn-signal; its id."""
    wait("the instance", lambda: stack.resource()[1] == "CREATE_COMPLETE", 30)
    id, _ = stack.resource()
    cloud.booted(id)
    output = cloud.sh(id, "cat /var/log/cloud-init-output.log")
    check("+ /opt/aws/bin/cfn-init" in output and "+ /opt/aws/bin/cfn-signal" not in output, output)
    log = cloud.sh(id, "cat /var/log/cfn-init.log")
    check("Command hello failed" in log and "BUILD FAILED!" in log, log)
    return id


# proves: CSIG-01 CSIG-02 CSIG-05
@test
def an_instance_says_of_itself_that_it_is_made(lab):
    cloud = lab.cloud
    stack = Stack(cloud, "self", SELF_SIGNAL.replace("STATUS", "0"))
    stack.wait("CREATE_COMPLETE")
    id, _ = stack.resource()
    events = stack.events()
    signal = events.index(("MyInstance", "CREATE_IN_PROGRESS",
                           f"Received SUCCESS signal with UniqueId {id}"))
    same(events[signal + 1][:2], ("MyInstance", "CREATE_COMPLETE"), "what follows the signal")
    check([e[0] for e in events].index("After") > signal, events)
    stack.delete()


# proves: CSIG-03
@test
def an_instance_that_signals_failure_takes_its_stack_back(lab):
    cloud = lab.cloud
    stack = Stack(cloud, "broken", SELF_SIGNAL.replace("STATUS", "1"))
    wait("an instance", lambda: stack.resource()[0], 30)
    id, _ = stack.resource()
    stack.wait("ROLLBACK_COMPLETE")
    events = stack.events()
    check(("MyInstance", "CREATE_FAILED", f"Received FAILURE signal with UniqueId {id}") in events,
          events)
    check("After" not in [e[0] for e in events], events)
    wait("the instance to go", lambda: cloud.state(id) == "terminated")
    stack.delete()


# proves: CHUP-01 CHUP-02 CHUP-03 CINIT-12
@test
def a_change_of_metadata_alone_reaches_the_running_instance_by_cfn_hup(lab):
    cloud = lab.cloud
    stack = Stack(cloud, "watched", WATCHED.replace("CONTENT", "one"))
    stack.wait("CREATE_COMPLETE")
    id, _ = stack.resource()
    same(cloud.sh(id, "cat /etc/motd"), "one", "the first content")
    # As on AWS it passes over a resource that is in progress, so its first look at this one is due
    # in a minute; a look by hand tells it what was there before.
    cloud.sh(id, "service cfn-hup status && /opt/aws/bin/cfn-hup --no-daemon")
    check("'one'" in cloud.sh(id, "cat /var/lib/cfn-hup/data/metadata_db").replace('"', "'"),
          "what it saw")
    stack.ask("UpdateStack", TemplateBody=WATCHED.replace("CONTENT", "two"))
    stack.wait("UPDATE_COMPLETE")
    begin = time.monotonic()
    same(stack.resource()[0], id, "the instance")
    # Between the old file's move to motd.bak and the new one there is none.
    wait("the new content", lambda: cloud.sh(id, "cat /etc/motd || :") == "two", 75, 0.5)
    print(f"     UpdateStack to the new content: {time.monotonic() - begin:.2f} s")
    same(cloud.state(id), "running", "its state")
    check("Data has changed from previous state; action for cfn-auto-reloader-hook will be run"
          in cloud.sh(id, "cat /var/log/cfn-hup.log"), "cfn-hup.log")
    stack.delete()


# proves: CSIG-07
@test
def a_handle_is_told_from_inside_and_by_curl_from_outside(lab):
    cloud = lab.cloud
    stack = Stack(cloud, "handle", HANDLE)
    wait("the handle", lambda: stack.resource("Handle")[1] == "CREATE_COMPLETE", 20, 0.1)
    url = stack.resource("Handle")[0]
    said = json.dumps({"Status": "SUCCESS", "UniqueId": "curl", "Data": "hello", "Reason": "r"})
    host, port = cloud.endpoint.split(":")
    done = subprocess.run(
        ["curl", "-sS", "-o", "-", "-w", "%{http_code}", "--cacert",
         os.path.join(cloud.data, "ca.pem"), "--connect-to", f"::{host}:{port}", "-X", "PUT",
         "-H", "Content-Type:", "--data-binary", said, url], capture_output=True, text=True)
    same(done.stdout, "200", "curl's answer: " + done.stderr)
    stack.wait("CREATE_COMPLETE")
    data = stack.ask("DescribeStacks").findtext(".//{*}OutputValue")
    same(json.loads(data), {"curl": "hello", "from-inside": "all done"}, "the condition's data")
    stack.delete()


# proves: CSIG-14
@test
def a_signal_never_arrives_from_a_subnet_without_a_way_out(lab):
    cloud = lab.cloud
    begin, end = SUBNET.index("  # way out"), SUBNET.index("  # end")
    stack = Stack(cloud, "private", SUBNET[:begin] + SUBNET[end:])
    wait("an instance", lambda: stack.resource()[0], 30)
    id, _ = stack.resource()
    wait("the script", lambda: cloud.exec(id, "test", "-e", "/run/begun")[0] == 0, 30)
    wait("cfn-signal at work", lambda: cloud.exec(id, "pidof", "cfn-signal")[0] == 0, 10)
    later(cloud, "50s")
    time.sleep(0.5)
    same(stack.status(), "CREATE_IN_PROGRESS", "before its minute is over")
    later(cloud, "10s")
    stack.wait("ROLLBACK_COMPLETE")
    check(("MyInstance", "CREATE_FAILED",
           "Failed to receive 1 resource signal(s) within the specified duration")
          in stack.events(), stack.events())
    stack.delete()
    stack = Stack(cloud, "public", SUBNET)
    stack.wait("CREATE_COMPLETE")
    stack.delete()


# proves: CFN-20
@test
def what_a_lost_region_had_is_made_again_elsewhere_from_its_template(lab):
    cloud = lab.new_cloud("lost").up()
    text = wrapped(HTTPD.replace("AvailabilityZone: us-east-1a", "Monitoring: false")
                   .replace("ImageId: ami-009d6802948d06e52", "ImageId: !Ref Image")
                   .replace("KeyName: !Ref SSHKey", "EbsOptimized: false"))
    text = text.replace("  SSHKey:\n    Type: AWS::EC2::KeyPair::KeyName\n", IMAGE, 1)

    def page_of(stack):
        about = cloud.instance(stack.resource()[0], region=stack.region)
        return lab.from_world(about["ipAddress"], 80, 1)

    try:
        stack = Stack(cloud, "web", text)
        stack.wait("CREATE_COMPLETE")
        wait("the page", lambda: page_of(stack) == HTML, 30)
        zones = cloud.call("DescribeAvailabilityZones")["availabilityZoneInfo"]
        for zone in zones:
            done = cloud.run("fault", "zone", zone["zoneName"], "on", "--endpoint", cloud.endpoint)
            same(done.returncode, 0, f"welkin fault: {done.stderr}")
        here = Stack(cloud, "web2", text)
        here.wait("ROLLBACK_COMPLETE")
        check(any("InsufficientInstanceCapacity" in e[2] or "do not have sufficient" in e[2]
                  for e in here.events()), here.events())
        again = Stack(cloud, "web", text, region="eu-west-1")
        again.wait("CREATE_COMPLETE")
        wait("the page of the other region", lambda: page_of(again) == HTML, 30)
    finally:
        cloud.close()
