"""Runs every client; see run."""
import concurrent.futures
import json
import os
import shutil
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "live"))

import end_to_end
import lab as lab_module
from cloud import check, page, same, wait
from lab import Lab, Skip, test

EXAMPLES = os.path.join(HERE, "..", "..", "examples")
NODE_PACKAGE = "@aws-sdk/client-ec2@3.1169.0"
# so that neither a user's configuration nor the machine's gets in the way
CLEAN = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
         "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": "",
         "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
         "AWS_DEFAULT_REGION": "us-east-1"}


def environment(**more):
    base = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return {**base, **CLEAN, **more}


class Clients(Lab):
    """A daemon with simulated instances, and where the clients are."""

    def __init__(self, build):
        super().__init__(build, os.environ.get("WELKIN_TEST_CACHE", "/var/cache/welkin-test"))
        self.why_no_venv = self.why_no_node = None
        self.terraform = self.cli_2 = None

    @property
    def cloud(self):
        if not self._cloud:
            self._cloud = self.new_cloud("sim", host="sim").up()
        return self._cloud

    def sweep(self):
        """Terraform's instances in the same cloud are its own."""

    def fetch(self):
        """What comes from package registries; once a build folder."""
        python = os.path.join(self.build, "venv", "bin", "python")
        wanted = os.path.join(HERE, "requirements.txt")
        stamp = os.path.join(self.build, "venv", "requirements.txt")
        if not (os.path.exists(stamp) and open(stamp).read() == open(wanted).read()):
            for argv in (["/usr/bin/python3", "-m", "venv", os.path.join(self.build, "venv")],
                         [python, "-m", "pip", "install", "-q", "--disable-pip-version-check",
                          "--retries", "1", "-r", wanted]):
                done = subprocess.run(argv, capture_output=True, text=True)
                if done.returncode:
                    self.why_no_venv = "the clients of PyPI cannot be installed: " + \
                        (done.stderr or done.stdout).strip().splitlines()[-1]
                    break
            else:
                shutil.copy(wanted, stamp)
        folder = os.path.join(self.build, "node")
        if not shutil.which("node") or not shutil.which("npm"):
            self.why_no_node = "node and npm are not on this machine"
        elif not os.path.isdir(os.path.join(folder, "node_modules", "@aws-sdk", "client-ec2")):
            os.makedirs(folder, exist_ok=True)
            done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent",
                                   NODE_PACKAGE], cwd=folder, capture_output=True, text=True)
            if done.returncode:
                self.why_no_node = "the AWS SDK for JavaScript cannot be installed"

    def venv(self, name):
        if self.why_no_venv:
            raise Skip(self.why_no_venv)
        return os.path.join(self.build, "venv", "bin", name)


def run(argv, timeout=120, **more):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, **more)
    check(done.returncode == 0, f"{' '.join(argv[:8])} ended with {done.returncode}: "
          f"{done.stdout[-1500:]}{done.stderr[-1500:]}")
    return done.stdout


class Cli:
    """The AWS CLI as a script uses it."""

    def __init__(self, program, url, by_env):
        self.program = [program] + ([] if by_env else ["--endpoint-url", url])
        self.env = environment(**({"AWS_ENDPOINT_URL": url} if by_env else {}))

    def text(self, *args):
        return run([*self.program, "--output", "text", *args], env=self.env).strip()

    def json(self, *args):
        out = run([*self.program, "--output", "json", *args], env=self.env)
        return json.loads(out) if out.strip() else None

    def refused(self, code, *args):
        done = subprocess.run([*self.program, *args], env=self.env, capture_output=True, text=True)
        check(done.returncode and f"({code})" in done.stderr, f"{code}: {done.stderr}")


def life_of_an_instance(lab, cli, name, attributes=True):
    script = os.path.join(lab.top, f"{name}.sh")
    with open(script, "w") as f:
        f.write("#!/bin/sh\necho \u00fc\n")
    same(cli.text("sts", "get-caller-identity", "--query", "Account"), "000000000000", "account")
    check("eu-west-1" in cli.text("ec2", "describe-regions", "--query", "Regions[].RegionName"),
          "regions")
    group = cli.text("ec2", "create-security-group", "--group-name", name, "--description", "d",
                     "--query", "GroupId")
    cli.json("ec2", "authorize-security-group-ingress", "--group-id", group, "--protocol", "tcp",
             "--port", "22", "--cidr", "0.0.0.0/0")
    pem = cli.text("ec2", "create-key-pair", "--key-name", name, "--query", "KeyMaterial")
    check(pem.startswith("-----BEGIN"), pem)
    id = cli.text("ec2", "run-instances", "--image-id", "ami-009d6802948d06e52", "--count", "1",
                  "--instance-type", "t3.micro", "--key-name", name, "--security-group-ids", group,
                  "--user-data", f"file://{script}", "--tag-specifications",
                  f"ResourceType=instance,Tags=[{{Key=Name,Value={name}}}]",
                  "--query", "Instances[0].InstanceId")
    cli.text("ec2", "wait", "instance-running", "--instance-ids", id)
    found = cli.json("ec2", "describe-instances", "--filters", f"Name=tag:Name,Values={name}",
                     "--query", "Reservations[].Instances[].[InstanceId,State.Name]")
    same(found, [[id, "running"]], "describe-instances")
    if attributes:
        stop_and_change(cli, id)
    cli.json("ec2", "terminate-instances", "--instance-ids", id)
    cli.text("ec2", "wait", "instance-terminated", "--instance-ids", id)
    cli.json("ec2", "delete-security-group", "--group-id", group)
    cli.refused("InvalidGroup.NotFound", "ec2", "describe-security-groups", "--group-ids", group)


def stop_and_change(cli, id):
    cli.json("ec2", "get-console-output", "--instance-id", id)
    cli.json("ec2", "stop-instances", "--instance-ids", id)
    cli.text("ec2", "wait", "instance-stopped", "--instance-ids", id)
    same(cli.text("ec2", "describe-instance-attribute", "--instance-id", id, "--attribute",
                  "userData", "--query", "UserData.Value"), "IyEvYmluL3NoCmVjaG8gw7wK", "user data")
    cli.json("ec2", "modify-instance-attribute", "--instance-id", id, "--disable-api-termination")
    cli.refused("OperationNotPermitted", "ec2", "terminate-instances", "--instance-ids", id)
    cli.json("ec2", "modify-instance-attribute", "--instance-id", id,
             "--no-disable-api-termination")


# proves: LIFE-03
@test
def the_aws_cli_version_1_leads_an_instance_through_its_life(lab):
    life_of_an_instance(lab, Cli(lab.venv("aws"), lab.cloud.url, True), "v1")


def cli_2(lab):
    program = "/usr/bin/aws"
    if not os.path.exists(program):
        raise Skip("apt-get install awscli")
    check("aws-cli/2" in run([program, "--version"]), "it is not version 2")
    life_of_an_instance(lab, Cli(program, lab.cloud.url, False), "v2", attributes=False)


@test
def the_aws_cli_version_2_leads_an_instance_through_its_life(lab):
    """Begun at the start, too."""
    lab.cli_2.result()


@test
def a_profile_names_its_region_and_endpoint(lab):
    """`--profile aws-devops --region eu-west-1`, the endpoint in the profile."""
    config = os.path.join(lab.top, "aws-config")
    with open(config, "w") as f:
        f.write("[profile aws-devops]\nregion = us-west-2\naws_access_key_id = 903077646177\n"
                f"aws_secret_access_key = test\nendpoint_url = {lab.cloud.url}\n")
    env = {k: v for k, v in environment(AWS_CONFIG_FILE=config).items()
           if k not in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")}
    aws = [lab.venv("aws"), "--profile", "aws-devops", "--output", "text"]
    zones = ["ec2", "describe-availability-zones", "--query", "AvailabilityZones[].ZoneName"]
    same(run([*aws, "--region", "eu-west-1", *zones], env=env).split(),
         ["eu-west-1a", "eu-west-1b", "eu-west-1c"], "by the option")
    check(run([*aws, *zones], env=env).startswith("us-west-2a"), "by the profile")
    same(run([*aws, "sts", "get-caller-identity", "--query", "Account"], env=env).strip(),
         "903077646177", "account")


@test
def boto3_of_pypi_works_unchanged(lab):
    same(run([lab.venv("python"), os.path.join(HERE, "client_boto3.py"), lab.cloud.url],
             env=environment()), "done\n", "output")


@test
def boto3_manages_identities_and_what_proves_them(lab):
    same(run([lab.venv("python"), os.path.join(HERE, "client_iam.py"), lab.cloud.url],
             env=environment()), "done\n", "output")


@test
def the_aws_cli_manages_a_user(lab):
    aws = Cli(lab.venv("aws"), lab.cloud.url, True)
    same(aws.text("iam", "create-user", "--user-name", "cli", "--path", "/x/", "--query",
                  "User.Arn"), "arn:aws:iam::000000000000:user/x/cli", "arn")
    seed = os.path.join(lab.top, "seed")
    serial = aws.text("iam", "create-virtual-mfa-device", "--virtual-mfa-device-name", "cli",
                      "--bootstrap-method", "Base32StringSeed", "--outfile", seed, "--query",
                      "VirtualMFADevice.SerialNumber")
    same(len(open(seed).read()), 64, "seed")
    aws.json("iam", "delete-virtual-mfa-device", "--serial-number", serial)
    aws.json("iam", "create-access-key", "--user-name", "cli")
    aws.refused("DeleteConflict", "iam", "delete-user", "--user-name", "cli")
    for key in aws.json("iam", "list-access-keys", "--user-name", "cli", "--query",
                        "AccessKeyMetadata[].AccessKeyId"):
        aws.json("iam", "delete-access-key", "--user-name", "cli", "--access-key-id", key)
    aws.json("iam", "delete-user", "--user-name", "cli")
    aws.refused("NoSuchEntity", "iam", "get-user", "--user-name", "cli")


@test
def the_aws_sdk_for_javascript_works_unchanged(lab):
    if lab.why_no_node:
        raise Skip(lab.why_no_node)
    same(run(["node", os.path.join(HERE, "client.mjs"), lab.cloud.url], env=environment(
        WELKIN_NODE_MODULES=os.path.join(lab.build, "node"))), "done\n", "output")


@test
def curl_signs_for_itself(lab):
    curl = ["curl", "-sS", "--aws-sigv4", "aws:amz:us-east-1:ec2", "--user", "test:test"]
    query = "Action=DescribeRegions&Version=2016-11-15"
    check("<regionName>eu-west-1</regionName>" in run([*curl, lab.cloud.url, "-d", query]), "POST")
    check("<regionName>" in run([*curl, f"{lab.cloud.url}/?{query}"]), "GET")
    check("AuthFailure" in run(["curl", "-sS", "--aws-sigv4", "aws:amz:us-east-1:ec2", "--user",
                                "test:wrong", lab.cloud.url, "-d", query]), "a wrong secret")


@test
def the_hello_example_runs_as_written(lab):
    if os.geteuid() != 0:
        raise Skip("not root: its web server needs a sandbox")
    env = environment(AWS_ENDPOINT_URL=lab.real.url)
    if not lab.why_no_venv:
        env["PATH"] = os.path.join(lab.build, "venv", "bin") + ":" + env["PATH"]
    elif not os.path.exists("/usr/bin/aws"):
        raise Skip("there is no AWS CLI")
    out = run([os.path.join(EXAMPLES, "hello", "run.sh")], env=env)
    check("hello from ip-172-31-" in out, out)


# ---- IAM ---

EC2_TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
LIST_BUCKET = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::team"}]})


# proves: ROLE-07 ROLE-14 ROLE-15 ROLE-16 ROLE-17 ROLE-18 ROLE-19
@test
def the_aws_cli_leads_an_instance_profile_through_its_verbs(lab):
    cli = Cli(lab.venv("aws"), lab.cloud.url, True)

    def iam(verb, *args):
        return cli.json("iam", verb, *args)

    def named(reply):
        return [p["InstanceProfileName"] for p in reply["InstanceProfiles"]]

    profile, role = ("--instance-profile-name", "web"), ("--role-name", "web")
    made = iam("create-role", *role, "--assume-role-policy-document", EC2_TRUST)
    same(made["Role"]["AssumeRolePolicyDocument"], json.loads(EC2_TRUST), "the trust policy")
    same(named(iam("list-instance-profiles-for-role", *role)), [], "a role alone has no profile")
    same(iam("create-instance-profile", *profile)["InstanceProfile"]["Roles"], [], "it is empty")
    cli.refused("EntityAlreadyExists", "iam", "create-instance-profile", *profile)
    cli.refused("NoSuchEntity", "iam", "add-role-to-instance-profile", *profile,
                "--role-name", "none")
    iam("add-role-to-instance-profile", *profile, *role)
    cli.refused("LimitExceeded", "iam", "add-role-to-instance-profile", *profile, *role)
    same(named(iam("list-instance-profiles")), ["web"], "list-instance-profiles")
    same(named(iam("list-instance-profiles-for-role", *role)), ["web"], "… for the role")
    got = iam("get-instance-profile", *profile)["InstanceProfile"]
    same([r["RoleName"] for r in got["Roles"]], ["web"], "get-instance-profile")
    cli.refused("DeleteConflict", "iam", "delete-instance-profile", *profile)
    cli.refused("DeleteConflict", "iam", "delete-role", *role)
    iam("remove-role-from-instance-profile", *profile, *role)
    iam("delete-instance-profile", *profile)
    cli.refused("NoSuchEntity", "iam", "get-instance-profile", *profile)
    iam("delete-role", *role)


@test
def the_aws_cli_writes_attaches_and_simulates_policies(lab):
    cli = Cli(lab.venv("aws"), lab.cloud.url, True)
    arn = cli.text("iam", "create-policy", "--policy-name", "lister", "--policy-document",
                   LIST_BUCKET, "--query", "Policy.Arn")
    cli.json("iam", "create-user", "--user-name", "lister")
    cli.json("iam", "attach-user-policy", "--user-name", "lister", "--policy-arn", arn)
    same(cli.json("iam", "get-policy-version", "--policy-arn", arn, "--version-id", "v1",
                  "--query", "PolicyVersion.Document"), json.loads(LIST_BUCKET), "the document")
    ask = ("iam", "simulate-principal-policy", "--policy-source-arn",
           "arn:aws:iam::000000000000:user/lister", "--action-names", "s3:ListBucket",
           "s3:GetObject", "--resource-arns", "arn:aws:s3:::team")
    same(cli.json(*ask, "--query", "EvaluationResults[].[EvalDecision,"
                  "MatchedStatements[0].SourcePolicyId]"),
         [["allowed", "lister"], ["implicitDeny", None]], "the simulation")
    details = cli.json("iam", "get-account-authorization-details", "--filter", "User",
                       "LocalManagedPolicy")
    same([p["PolicyName"] for p in details["Policies"]], ["lister"], "the details' policies")
    same(len(cli.json("iam", "list-policies", "--scope", "AWS", "--page-size", "7",
                      "--query", "Policies[].PolicyName")),
         len(cli.json("iam", "list-policies", "--scope", "AWS", "--query",
                      "Policies[].PolicyName")), "policies in pages")
    cli.refused("DeleteConflict", "iam", "delete-policy", "--policy-arn", arn)
    cli.json("iam", "detach-user-policy", "--user-name", "lister", "--policy-arn", arn)
    cli.json("iam", "delete-policy", "--policy-arn", arn)
    cli.json("iam", "delete-user", "--user-name", "lister")


# ---- Terraform --------------------------------------------------------------------------------

def terraform(lab):
    """apply, an empty plan, changes in place, a replacement, destroy.  None, or raises."""
    if not shutil.which("terraform"):
        raise Skip("terraform is not on this machine")
    cloud, real = (lab.real, True) if os.geteuid() == 0 else (lab.cloud, False)
    folder = os.path.join(lab.top, "terraform")
    shutil.copytree(os.path.join(EXAMPLES, "terraform"), folder)
    rc = os.path.join(lab.top, "terraform.rc")
    with open(rc, "w") as f:
        if os.path.isdir("/opt/tf-plugins"):
            f.write('provider_installation {\n  filesystem_mirror { path = "/opt/tf-plugins" }\n}\n')
    env = environment(TF_CLI_CONFIG_FILE=rc, TF_VAR_endpoint=cloud.url, CHECKPOINT_DISABLE="1",
                      TF_IN_AUTOMATION="1")

    def tf(*args, variables=None, status=0):
        more = {f"TF_VAR_{k}": v for k, v in (variables or {}).items()}
        done = subprocess.run(["terraform", args[0], "-no-color", "-input=false", *args[1:]],
                              cwd=folder, env={**env, **more}, capture_output=True, text=True,
                              timeout=170)
        check(done.returncode == status, f"terraform {' '.join(args)}: {done.returncode}, not "
              f"{status}: {done.stdout[-2500:]}{done.stderr[-1500:]}")
        return done.stdout

    def output(name):
        done = subprocess.run(["terraform", "output", "-raw", name], cwd=folder, env=env,
                              capture_output=True, text=True)
        return done.stdout

    def served(text):
        if real:
            ip = cloud.instance(output("id"))["ipAddress"]
            wait("the page", lambda: page(ip) == text + "\n")

    done = subprocess.run(["terraform", "init", "-no-color", "-input=false"], cwd=folder, env=env,
                          capture_output=True, text=True)
    if done.returncode:
        raise Skip("the AWS provider is neither in /opt/tf-plugins nor to be downloaded")
    check("3 added, 0 changed, 0 destroyed" in tf("apply", "-auto-approve"), "what is applied")
    first = output("id")
    served("hello from Terraform")
    tf("plan", "-detailed-exitcode")
    # Tags and the type change in place, over a stop and a start.
    changed = {"instance_type": "t3.small", "name": "changed"}
    tf("apply", "-auto-approve", variables=changed)
    same(output("id"), first, "the instance")
    about = cloud.instance(first)
    same((about["instanceType"], about["tagSet"][0]["value"]), ("t3.small", "changed"), "changes")
    # Other user data makes another instance.
    changed["greeting"] = "hello again"
    tf("apply", "-auto-approve", variables=changed)
    check(output("id") != first, "the instance was not replaced")
    same(cloud.state(first), "terminated", "the old one")
    served("hello again")
    tf("destroy", "-auto-approve", "-refresh=false", variables=changed)
    same([k for k in cloud.call("DescribeKeyPairs")["keySet"] if k["keyName"] == "me"], [],
         "key pairs")


@test
def terraform_applies_changes_and_destroys_and_its_second_plan_is_empty(lab):
    """Begun at the start, beside the other clients: it mostly waits."""
    lab.terraform.result()


def main():
    if len(sys.argv) < 2:
        print("usage: tests/clients/run BUILD_DIR [NAME…]", file=sys.stderr)
        return 2
    build, names = os.path.abspath(sys.argv[1]), sys.argv[2:]
    import hostile  # noqa: F401 (its tests come last)
    slow = ("terraform", "the_aws_cli_version_2")
    lab_module.tests.sort(key=lambda t: t.__name__.startswith(slow))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    end_to_end.give_images(build)
    lab = Clients(build)
    pool = concurrent.futures.ThreadPoolExecutor(2)
    try:
        lab.fetch()
        if os.geteuid() == 0:
            # Without the mirror Terraform has to download its provider.
            if os.path.isdir("/opt/tf-plugins") or not shutil.which("terraform"):
                lab.isolate()
            lab.real = lab.new_cloud("real").up()
        lab.cloud  # before there are threads that would both start it
        chosen = [t.__name__ for t in lab_module.tests
                  if not names or any(n in t.__name__ for n in names)]
        if any(n.startswith("terraform") for n in chosen):
            lab.terraform = pool.submit(terraform, lab)
        if any(n.startswith("the_aws_cli_version_2") for n in chosen):
            lab.cli_2 = pool.submit(cli_2, lab)
        return lab_module.run(lab, names)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        lab.close()


if __name__ == "__main__":
    sys.exit(main())
