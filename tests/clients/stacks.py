"""Stock clients that make stacks: AWS's CDK with a real app, and the AWS CLI's deploy and package.

The CDK's packages (cdk/package.json) are 200 MB and half a minute of npm: they are begun in the
background, before the network is left, and kept in the cache from then on.  An app takes half a
second to run, so that nothing of it is checked in but its source.
"""
import json
import os
import shutil
import subprocess
import time

from cloud import check, same, wait
from lab import Skip, beside, test
from stock import Cli, environment, run

CDK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cdk")
DEFAULT_AMI = "ami-009d6802948d06e52"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


class Packages:
    """The CDK's packages, and their way here."""

    def __init__(self, lab):
        self.lab, self.folder = lab, os.path.join(lab.cache, "cdk")
        self.stamp = os.path.join(self.folder, "installed.json")
        self.process = None

    def begin(self):
        source = os.path.join(CDK, "package.json")
        with open(source) as f:
            wanted = f.read()
        if os.path.exists(self.stamp) and open(self.stamp).read() == wanted:
            return
        os.makedirs(self.folder, exist_ok=True)
        shutil.copy(source, self.folder)
        self.process = subprocess.Popen(
            ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", self.folder],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def path(self):
        """node_modules, when they are there."""
        if self.lab.why_no_node:
            raise Skip(self.lab.why_no_node)
        if self.process:
            if self.process.wait(300):
                raise Skip("the CDK cannot be installed")
            shutil.copy(os.path.join(CDK, "package.json"), self.stamp)
            self.process = None
        return os.path.join(self.folder, "node_modules")

    def close(self):
        if self.process:
            self.process.terminate()
            self.process.wait()


class Cdk:
    """A folder with the app, and a user who may do anything."""

    def __init__(self, lab, cloud, name):
        modules = lab.cdk.path()
        self.folder = os.path.join(lab.top, name)
        os.makedirs(self.folder)
        shutil.copy(os.path.join(CDK, "app.js"), self.folder)
        authority = os.path.join(self.folder, "ca.pem")
        with open(authority, "w") as f:
            f.write(run(["curl", "-sS", cloud.url + "/_welkin/ca.pem"]))
        self.admin = Cli(lab.venv("bin", "aws"), cloud.url, True)
        # a root cannot assume the roles that the bootstrap makes
        self.admin.json("iam", "create-user", "--user-name", "cdk")
        self.admin.json("iam", "attach-user-policy", "--user-name", "cdk", "--policy-arn",
                        ADMINISTRATOR)
        key = self.admin.json("iam", "create-access-key", "--user-name", "cdk")["AccessKey"]
        # its buckets refuse what is not TLS
        url = cloud.url.replace("http:", "https:")
        self.env = environment(
            AWS_ENDPOINT_URL=url, AWS_REGION="us-east-1", AWS_CA_BUNDLE=authority,
            AWS_ACCESS_KEY_ID=key["AccessKeyId"], AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"],
            NODE_EXTRA_CA_CERTS=authority, NODE_PATH=modules, NODE_NO_WARNINGS="1",
            CDK_DISABLE_VERSION_CHECK="1", CDK_VALIDATION="false", HOME=self.folder, CI="true")
        for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_MAX_ATTEMPTS"):
            self.env.pop(variable)  # HOME is empty
        self.program = ["node", os.path.join(modules, "aws-cdk", "bin", "cdk")]
        self.secure = Cli(lab.venv("bin", "aws"), url, True)
        self.secure.env["AWS_CA_BUNDLE"] = authority

    def __call__(self, *args, status=0, **context):
        """What it prints; `context` is the app's."""
        more = [word for k, v in context.items() for word in ("-c", f"{k}={v}")]
        done = subprocess.run(
            [*self.program, "--app", "node app.js", "--ci", "--no-notices", "--no-color", *args,
             *more], env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=300)
        said = done.stdout + done.stderr
        check(done.returncode == status, f"cdk {' '.join(args)}: {done.returncode}, not {status}: "
              f"{said[-4000:]}")
        return said

    def deploy(self, *args, **context):
        """What the stack puts out."""
        file = os.path.join(self.folder, "outputs.json")
        said = self("deploy", "--require-approval", "never", "--outputs-file", file, *args,
                    **context)
        check("could not be used to assume" not in said, said)
        with open(file) as f:
            return json.load(f)["Demo"]

    def status(self):
        return self.admin.text("cloudformation", "describe-stacks", "--stack-name", "Demo",
                               "--query", "Stacks[0].StackStatus")

    def there(self):
        """All that a stack could leave behind."""
        def names(query, *args):
            return sorted(self.admin.text(*args, "--query", query).split())
        return [
            names("Vpcs[].VpcId", "ec2", "describe-vpcs"),
            names("Subnets[].SubnetId", "ec2", "describe-subnets"),
            names("SecurityGroups[].GroupId", "ec2", "describe-security-groups"),
            names("RouteTables[].RouteTableId", "ec2", "describe-route-tables"),
            names("InternetGateways[].InternetGatewayId", "ec2", "describe-internet-gateways"),
            names("NetworkInterfaces[].NetworkInterfaceId", "ec2", "describe-network-interfaces"),
            names("Reservations[].Instances[?State.Name!=`terminated`].InstanceId[]", "ec2",
                  "describe-instances"),
            names("Roles[].RoleName", "iam", "list-roles"),
            names("InstanceProfiles[].InstanceProfileName", "iam", "list-instance-profiles"),
            names("Parameters[].Name", "ssm", "describe-parameters"),
            names("Buckets[].Name", "s3api", "list-buckets"),
            names("StackSummaries[?StackStatus!=`DELETE_COMPLETE`].StackName", "cloudformation",
                  "list-stacks")]


MORE = {"days": 9, "look": 1, "nested": 1}


# proves: CFN-08
@beside
def the_cdk_bootstraps_deploys_compares_and_destroys(lab):
    cdk = Cdk(lab, lab.new_simulated("cdk"), "cdk")
    check("bootstrapped" in cdk("bootstrap", "aws://000000000000/us-east-1"), "bootstrap")
    before = cdk.there()
    made = cdk.deploy()
    same(cdk.admin.text("ec2", "describe-instances", "--instance-ids", made["MachineId"], "--query",
                        "Reservations[0].Instances[0].PublicIpAddress"), made["MachineIp"], "ip")
    check("no differences" in cdk("diff"), "diff")
    said = cdk("diff", "--fail", status=1, days=9)
    check('[+]       "NoncurrentDays": 9' in said, said)
    same(cdk.deploy(**MORE), made, "what the changed stack puts out")
    same(parameter(cdk, "/demo/nested"), "9 days", "what the stack in the stack made")
    check("no differences" in cdk("diff", **MORE), "diff with a stack in the stack")
    with open(os.path.join(cdk.folder, "cdk.context.json")) as f:
        check({"us-east-1a", DEFAULT_AMI} <= set(texts(json.load(f))), "what it looked up")
    same(cdk.secure.text("s3api", "get-bucket-lifecycle-configuration", "--bucket",
                         made["BucketName"], "--query",
                         "Rules[0].NoncurrentVersionExpiration.NoncurrentDays"), "9", "the rule")
    drifts_and_goes_back(cdk)
    imports_what_was_made_by_hand(cdk)
    said = cdk("gc", "--unstable=gc", "--type", "s3", "--rollback-buffer-days", "0",
               "--created-buffer-days", "0", "--confirm", "false")
    check("files scanned" in said and " 0 assets (0.00 MiB) deleted" not in said, said)
    cdk("destroy", "--force")
    same(cdk.there(), before, "what is left")


def texts(tree):
    """All texts in a tree of JSON."""
    if isinstance(tree, str):
        return [tree]
    parts = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else []
    return [text for part in parts for text in texts(part)]


def parameter(cdk, name):
    return cdk.admin.text("ssm", "get-parameter", "--name", name, "--query", "Parameter.Value")


def drifts_and_goes_back(cdk):
    check("No drift detected" in cdk("drift", "--fail", **MORE), "drift of a new stack")
    bucket = parameter(cdk, "/demo/bucket")
    cdk.admin.json("ssm", "put-parameter", "--overwrite", "--name", "/demo/bucket", "--value", "x")
    said = cdk("drift", "--fail", status=1, **MORE)
    check("1 resource has drifted" in said and "Value" in said, said)
    cdk.admin.json("ssm", "put-parameter", "--overwrite", "--name", "/demo/bucket", "--value",
                   bucket)
    # what fails stays as it is until it is taken back
    cdk("deploy", "--require-approval", "never", "--no-rollback", status=1, **MORE,
        wrong=1)
    same(cdk.status(), "UPDATE_FAILED", "after a failure")
    cdk("rollback", **MORE)
    same(cdk.status(), "UPDATE_ROLLBACK_COMPLETE", "after cdk rollback")


def imports_what_was_made_by_hand(cdk):
    with_it = {**MORE, "adopt": "by-hand"}
    mapping = os.path.join(cdk.folder, "mapping.json")
    cdk.admin.text("s3", "mb", "s3://by-hand")
    template = cdk("synth", "--json", "--quiet", **with_it) and os.path.join(
        cdk.folder, "cdk.out", "Demo.template.json")
    with open(template) as f:
        adopted = next(id for id, resource in json.load(f)["Resources"].items()
                       if resource.get("Properties", {}).get("BucketName") == "by-hand")
    # it would be made beside the one that is there
    said = cdk("deploy", "--require-approval", "never", status=1, **with_it)
    check("by-hand" in said and "already exist" in said, said)
    with open(mapping, "w") as f:
        json.dump({adopted: {"BucketName": "by-hand"}}, f)
    said = cdk("import", "--resource-mapping", mapping, **with_it)
    check("importing using" in said, said)
    same(cdk.status(), "IMPORT_COMPLETE", "after cdk import")
    check("no differences" in cdk("diff", **with_it), "diff after the import")
    same(cdk.admin.text("cloudformation", "describe-stack-resource", "--stack-name", "Demo",
                        "--logical-resource-id", adopted, "--query",
                        "StackResourceDetail.PhysicalResourceId"), "by-hand", "what is imported")
    # what the stack lets go of stays
    cdk.deploy(**MORE)
    cdk.admin.text("s3", "rb", "s3://by-hand")


TEMPLATE = """\
Parameters:
  Text: {Type: String}
  Cidr: {Type: String, Default: 10.9.0.0/16}
Resources:
  Net: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Ref Cidr}}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {Service: ec2.amazonaws.com}}]
Outputs:
  Vpc: {Value: !Ref Net}
  Text: {Value: !Ref Text}
"""

PARENT = """\
Parameters:
  Text: {Type: String}
Resources:
  Part:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: part.yaml, Parameters: {Text: !Ref Text}}
  Included:
    Type: AWS::SSM::Parameter
    Properties:
      Fn::Transform: {Name: AWS::Include, Parameters: {Location: included.yaml}}
Outputs:
  Text: {Value: !GetAtt Part.Outputs.Text}
"""


def deploys(lab, cli, name):
    """`aws cloudformation deploy`: made, nothing to do, changed, only looked at, deleted."""
    folder = os.path.join(lab.top, name)
    os.mkdir(folder)
    file = os.path.join(folder, "template.yaml")
    with open(file, "w") as f:
        f.write(TEMPLATE)

    def deploy(*args):
        time.sleep(1)  # the CLI names a change set by the second
        return cli.text("cloudformation", "deploy", "--stack-name", name, "--template-file", file,
                        "--tags", "team=web", *args)

    cli.refused("InsufficientCapabilitiesException", "cloudformation", "deploy", "--stack-name",
                name, "--template-file", file, "--parameter-overrides", "Text=one")
    cli.text("cloudformation", "delete-stack", "--stack-name", name)
    capable = ["--capabilities", "CAPABILITY_IAM"]
    check(f"Successfully created/updated stack - {name}" in
          deploy("--parameter-overrides", "Text=one", *capable), "deploy")
    about = cli.json("cloudformation", "describe-stacks", "--stack-name", name)["Stacks"][0]
    same(about["Tags"], [{"Key": "team", "Value": "web"}], "its tags")
    check("No changes to deploy" in deploy("--no-fail-on-empty-changeset", *capable),
          "deploy of the same")
    check("--change-set-name" in deploy("--no-execute-changeset", "--parameter-overrides",
                                        "Text=two", *capable), "what is only looked at")
    deploy("--parameter-overrides", "Text=two", *capable)
    after = cli.json("cloudformation", "describe-stacks", "--stack-name", name)["Stacks"][0]
    same({o["OutputKey"]: o["OutputValue"] for o in after["Outputs"]}["Text"], "two", "the output")
    check(after["StackId"] == about["StackId"] and
          after["StackStatus"] == "UPDATE_COMPLETE", after)
    delete(cli, name)
    return folder


def delete(cli, name):
    """`wait stack-delete-complete` would look but twice a minute."""
    about = ["cloudformation", "describe-stacks", "--query", "Stacks[0].[StackId,StackStatus]"]
    id, _ = cli.text(*about, "--stack-name", name).split()
    cli.text("cloudformation", "delete-stack", "--stack-name", name)
    wait(f"{name} to go",
         lambda: cli.text(*about, "--stack-name", id).split()[1] == "DELETE_COMPLETE", 60, 0.2)


# proves: CFN-11
@test
def the_aws_cli_version_1_deploys_a_template_and_packages_what_it_names(lab):
    cli = Cli(lab.venv("bin", "aws"), lab.cloud.url, True)
    folder = deploys(lab, cli, "deploy-v1")
    for file, text in (("parent.yaml", PARENT), ("part.yaml", TEMPLATE.replace("10.9", "10.8")),
                       ("included.yaml", "Name: /packaged\nType: String\nValue: included\n")):
        with open(os.path.join(folder, file), "w") as f:
            f.write(text)
    cli.text("s3", "mb", "s3://packages")
    packed = os.path.join(folder, "packed.yaml")
    parent = os.path.join(folder, "parent.yaml")
    cli.text("cloudformation", "package", "--template-file", parent, "--s3-bucket", "packages",
             "--s3-prefix", "app", "--output-template-file", packed)
    with open(packed) as f:
        text = f.read()
    check("part.yaml" not in text and "/packages/app/" in text, text)
    # a template that is too long for a request goes by the bucket, too
    with open(packed, "a") as f:
        f.write("#" * 60000 + "\n")
    command = ["cloudformation", "deploy", "--stack-name", "packed", "--template-file", packed,
               "--parameter-overrides", "Text=of-a-part", "--capabilities", "CAPABILITY_IAM",
               "CAPABILITY_AUTO_EXPAND"]
    done = subprocess.run([*cli.program, *command], env=cli.env, capture_output=True, text=True)
    check(done.returncode and "greater than 51,200 bytes" in done.stderr, done.stderr)
    cli.text(*command, "--s3-bucket", "packages")
    same(cli.text("cloudformation", "describe-stacks", "--stack-name", "packed", "--query",
                  "Stacks[0].Outputs[0].OutputValue"), "of-a-part", "through the nested stack")
    same(cli.text("ssm", "get-parameter", "--name", "/packaged", "--query", "Parameter.Value"),
         "included", "what is included")
    delete(cli, "packed")
    cli.text("s3", "rb", "--force", "s3://packages")


@test
def the_aws_cli_of_debian_deploys_a_template(lab):
    program = "/usr/bin/aws"
    if not os.path.exists(program):
        raise Skip("apt-get install awscli")
    cli, file = Cli(program, lab.cloud.url, False), os.path.join(lab.top, "deploy-v2.yaml")
    with open(file, "w") as f:
        f.write(TEMPLATE)
    cli.text("cloudformation", "deploy", "--stack-name", "deploy-v2", "--template-file", file,
             "--parameter-overrides", "Text=two", "--capabilities", "CAPABILITY_IAM")
    delete(cli, "deploy-v2")


# proves: CINIT-11 CSIG-02
@test
def a_machine_of_the_cdk_runs_its_user_data_and_makes_itself(lab):
    """In a sandbox, in a network of the stack's own, with CloudFormationInit."""
    if os.geteuid() != 0:
        raise Skip("not root")
    cdk = Cdk(lab, lab.real, "cdk-real")
    cdk("bootstrap", "aws://000000000000/us-east-1")
    made = cdk.deploy(init=1)
    ids = set(cdk.admin.text("cloudformation", "describe-stack-resources", "--stack-name", "Demo",
                             "--query", "StackResources[].PhysicalResourceId").split())
    check(made["MachineId"] in ids, ids)
    same(lab.from_world(made["MachineIp"], 80), "made by the CDK\n", "what user data made")
    run_in = lab.real.sh(made["MachineId"], "cat /var/www/html/more.html /var/log/cfn-init.log")
    check(run_in.startswith("made by cfn-init"), run_in)
    cdk("destroy", "--force", init=1)
    # others use this cloud at the same time
    same([id for names in cdk.there() for id in names if id in ids], [], "what is left")
