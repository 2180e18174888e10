"""Stock clients that make stacks: AWS's CDK with a real app, and the AWS CLI's deploy and package.

The CDK's packages (cdk/package.json) are 200 MB and half a minute of npm: they are begun in the
background, before the network is left, and kept in the cache from then on.  An app takes half a
second to run, so that nothing of it is checked in but its source.
"""
import json
import os
import shutil
import subprocess

from cloud import check, same, wait
from lab import Skip, test
from stock import Cli, environment, run

CDK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cdk")
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


# proves: CFN-08
@test
def the_cdk_bootstraps_deploys_compares_and_destroys(lab):
    cdk = Cdk(lab, lab.cloud, "cdk")
    check("bootstrapped" in cdk("bootstrap", "aws://000000000000/us-east-1"), "bootstrap")
    before = cdk.there()
    made = cdk.deploy()
    check("us-east-1a" in open(os.path.join(cdk.folder, "cdk.context.json")).read(), "the zones")
    same(cdk.admin.text("ec2", "describe-instances", "--instance-ids", made["MachineId"], "--query",
                        "Reservations[0].Instances[0].PublicIpAddress"), made["MachineIp"], "ip")
    check("no differences" in cdk("diff"), "diff")
    said = cdk("diff", "--fail", status=1, days=9)
    check('[+]       "NoncurrentDays": 9' in said, said)
    same(cdk.deploy(days=9), made, "what the changed stack puts out")
    same(cdk.secure.text("s3api", "get-bucket-lifecycle-configuration", "--bucket",
                         made["BucketName"], "--query",
                         "Rules[0].NoncurrentVersionExpiration.NoncurrentDays"), "9", "the rule")
    drifts_and_goes_back(cdk)
    cdk("destroy", "--force")
    same(cdk.there(), before, "what is left")


def parameter(cdk, name):
    return cdk.admin.text("ssm", "get-parameter", "--name", name, "--query", "Parameter.Value")


def drifts_and_goes_back(cdk):
    check("No drift detected" in cdk("drift", "--fail", days=9), "drift of a new stack")
    bucket = parameter(cdk, "/demo/bucket")
    cdk.admin.json("ssm", "put-parameter", "--overwrite", "--name", "/demo/bucket", "--value", "x")
    said = cdk("drift", "--fail", status=1, days=9)
    check("1 resource has drifted" in said and "Value" in said, said)
    cdk.admin.json("ssm", "put-parameter", "--overwrite", "--name", "/demo/bucket", "--value",
                   bucket)
    # what fails stays as it is until it is taken back
    cdk("deploy", "--require-approval", "never", "--no-rollback", status=1, days=9, wrong=1)
    same(cdk.status(), "UPDATE_FAILED", "after a failure")
    cdk("rollback", days=9)
    same(cdk.status(), "UPDATE_ROLLBACK_COMPLETE", "after cdk rollback")


# proves: CINIT-11 CSIG-02
@test
def a_machine_of_the_cdk_runs_its_user_data_and_makes_itself(lab):
    """In a sandbox, in a network of the stack's own, with CloudFormationInit."""
    if os.geteuid() != 0:
        raise Skip("not root")
    cdk = Cdk(lab, lab.real, "cdk-real")
    cdk("bootstrap", "aws://000000000000/us-east-1")
    before = cdk.there()
    made = cdk.deploy(init=1)
    same(lab.from_world(made["MachineIp"], 80), "made by the CDK\n", "what user data made")
    run_in = lab.real.sh(made["MachineId"], "cat /var/www/html/more.html /var/log/cfn-init.log")
    check(run_in.startswith("made by cfn-init"), run_in)
    cdk("destroy", "--force", init=1)
    same(cdk.there(), before, "what is left")
