"""Runs every client; see run."""
import base64
import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "live"))

import end_to_end
import lab as lab_module
from cloud import check, page, same, wait
from lab import Lab, Skip, beside, test
from stock import MIRROR, Cli, Terraform, environment, run

EXAMPLES = os.path.join(HERE, "..", "..", "examples")
NODE_PACKAGE = "@aws-sdk/client-ec2@3.1169.0"


class Clients(Lab):
    """A daemon with simulated instances, and where the clients are."""

    def __init__(self, build):
        super().__init__(build, os.environ.get("WELKIN_TEST_CACHE", "/var/cache/welkin-test"))
        self.why_no_node = None

    @property
    def cloud(self):
        if not self._cloud:
            self._cloud = self.new_simulated("shared")
        return self._cloud

    def new_simulated(self, name):
        """A cloud of a test's own, for one that counts what there is or runs beside others."""
        return self.new_cloud(f"sim-{name}", host="sim").up()

    def sweep(self):
        """Instances here cost nothing."""

    def fetch(self):
        """What comes from package registries; once a build folder."""
        self.why_no_venv = lab_module.fetch_python_clients(self.build)
        if not shutil.which("node") or not shutil.which("npm"):
            self.why_no_node = "node and npm are not on this machine"
        else:
            self.why_no_node = self.fetch_node("node", NODE_PACKAGE)

    def fetch_node(self, name, package):
        """A package of npm in a folder of its own; why not, or None."""
        folder = os.path.join(self.build, name)
        with lab_module.fetching(self.build):
            if os.path.isdir(os.path.join(folder, "node_modules", package.rpartition("@")[0])):
                return None
            os.makedirs(folder, exist_ok=True)
            done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent",
                                   "--prefix", folder, package], capture_output=True)
        return f"{package} cannot be installed" if done.returncode else None

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
@beside
def the_aws_cli_version_1_leads_an_instance_through_its_life(lab):
    life_of_an_instance(lab, Cli(lab.venv("bin", "aws"), lab.new_simulated("v1").url, True), "v1")


@beside
def the_aws_cli_version_2_leads_an_instance_through_its_life(lab):
    program = "/usr/bin/aws"
    if not os.path.exists(program):
        raise Skip("apt-get install awscli")
    check("aws-cli/2" in run([program, "--version"]), "it is not version 2")
    life_of_an_instance(lab, Cli(program, lab.new_simulated("v2").url, False), "v2",
                        attributes=False)


@test
def a_profile_names_its_region_and_endpoint(lab):
    """`--profile aws-devops --region eu-west-1`, the endpoint in the profile."""
    config = os.path.join(lab.top, "aws-config")
    with open(config, "w") as f:
        f.write("[profile aws-devops]\nregion = us-west-2\naws_access_key_id = 903077646177\n"
                f"aws_secret_access_key = test\nendpoint_url = {lab.cloud.url}\n")
    env = {k: v for k, v in environment(AWS_CONFIG_FILE=config).items()
           if k not in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")}
    aws = [lab.venv("bin", "aws"), "--profile", "aws-devops", "--output", "text"]
    zones = ["ec2", "describe-availability-zones", "--query", "AvailabilityZones[].ZoneName"]
    same(run([*aws, "--region", "eu-west-1", *zones], env=env).split(),
         ["eu-west-1a", "eu-west-1b", "eu-west-1c"], "by the option")
    check(run([*aws, *zones], env=env).startswith("us-west-2a"), "by the profile")
    same(run([*aws, "sts", "get-caller-identity", "--query", "Account"], env=env).strip(),
         "903077646177", "account")


@test
def welkin_profile_writes_a_profile_and_leaves_the_others_alone(lab):
    """`--profile aws-devops` as the material has it, with the files that the command writes."""
    home = os.path.join(lab.top, "home")
    os.makedirs(os.path.join(home, ".aws"))
    config, keys = (os.path.join(home, ".aws", n) for n in ("config", "credentials"))
    mine = "# mine\n[default]\nregion = eu-north-1\ns3 =\n    region = x\n"
    with open(config, "w") as f:
        f.write(mine)
    base = {k: v for k, v in environment(HOME=home).items()
            if k not in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_ACCESS_KEY_ID",
                         "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")}

    def profile(*args):
        return subprocess.run([os.path.join(lab.build, "welkin"), "profile", *args, "--endpoint",
                               lab.cloud.endpoint], env=base, capture_output=True, text=True)

    for _ in range(2):  # the second time it is there already
        done = profile("aws-devops", "--account", "903077646177", "--region", "eu-west-1")
        same((done.returncode, done.stderr), (0, ""), "welkin profile")
        with open(config) as f:
            same(f.read(), f"{mine}\n[profile aws-devops]\nregion = eu-west-1\n"
                           f"endpoint_url = {lab.cloud.url}\n", "config")
    for path in (config, keys):
        same(os.stat(path).st_mode & 0o777, 0o600, path)
    # A key in the environment is another's: an explicit profile goes before it.
    env = {**base, "AWS_ACCESS_KEY_ID": "AKIAOTHER", "AWS_SECRET_ACCESS_KEY": "other"}
    aws = [lab.venv("bin", "aws"), "--profile", "aws-devops", "--output", "text"]
    same(run([*aws, "sts", "get-caller-identity", "--query", "Account"], env=env).strip(),
         "903077646177", "account")
    check(run([*aws, "ec2", "describe-availability-zones", "--query",
               "AvailabilityZones[].ZoneName"], env=env).startswith("eu-west-1a"), "region")
    # What is not ours stays, unless it is told to go.
    done = profile("default")
    check(done.returncode == 1 and "--replace" in done.stderr, done.stderr)
    for args in (["a]b"], [], ["x", "--account", "1"], ["x", "--region", "a\nb"]):
        check(profile(*args).returncode != 0, args)
    with open(config) as f:
        check(f.read().startswith(mine), "the default profile")
    same(profile("default", "--replace").returncode, 0, "--replace")
    with open(config) as f:
        check(f.read().startswith("# mine\n[default]\nregion = us-east-1\nendpoint_url"), "replaced")


@test
def clients_that_trust_the_authority_speak_https(lab):
    bundle = os.path.join(lab.cloud.data, "ca.pem")
    for url in (f"https://localhost:{lab.cloud.port}", f"https://127.0.0.1:{lab.cloud.port}"):
        env = environment(AWS_ENDPOINT_URL=url, AWS_CA_BUNDLE=bundle)
        aws = [lab.venv("bin", "aws"), "--output", "text"]
        same(run([*aws, "sts", "get-caller-identity", "--query", "Account"], env=env).strip(),
             "000000000000", f"the AWS CLI at {url}")
        check("us-east-1" in run([*aws, "ec2", "describe-regions", "--query",
                                  "Regions[].RegionName"], env=env), "a large answer")
        done = subprocess.run([*aws, "sts", "get-caller-identity"], capture_output=True, text=True,
                              env=environment(AWS_ENDPOINT_URL=url))
        check(done.returncode and "SSL" in done.stderr, f"without the bundle: {done.stderr}")
        same(run([lab.venv("bin", "python"), "-c", "import boto3\n"
                  "print(boto3.client('sts').get_caller_identity()['Account'])"], env=env),
             "000000000000\n", "boto3")
    # An endpoint's own name, signed for it, as if the name led here.
    pem = run([os.path.join(lab.build, "welkin"), "trust", "--data", lab.cloud.data])
    with open(bundle) as f:
        same(f.read(), pem, "welkin trust")
    nowhere = ["--data", os.path.join(lab.top, "nowhere"), "--endpoint", lab.cloud.endpoint]
    same(run([os.path.join(lab.build, "welkin"), "trust", *nowhere]), pem, "of the daemon")
    for version in ("--tlsv1.2 --tls-max 1.2", "--tlsv1.3"):
        out = run(["curl", "-sS", "--cacert", bundle, *version.split(), "--connect-to",
                   f"::127.0.0.1:{lab.cloud.port}",
                   "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity"])
        check("MissingAuthenticationToken" in out, out)


@test
def a_web_page_cannot_call_the_api(lab):
    for header in ("Origin: https://evil.example.com", "Origin: null", "Sec-Fetch-Site: cross-site"):
        for path in ("/?Action=DescribeRegions&Version=2016-11-15", "/_welkin/status"):
            if "Sec-" in header and "_welkin" in path:
                continue
            same(run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", header,
                      lab.cloud.url + path]), "403", f"{header} at {path}")
    check("AWSAccessKeyId" in run(["curl", "-sS", "-H", "Origin: http://localhost:3000",
                                   lab.cloud.url + "/?Action=DescribeRegions&Version=2016-11-15"]),
          "a page of this machine")


@test
def boto3_of_pypi_works_unchanged(lab):
    same(run([lab.venv("bin", "python"), os.path.join(HERE, "client_boto3.py"), lab.cloud.url],
             env=environment()), "done\n", "output")


@test
def boto3_manages_identities_and_what_proves_them(lab):
    same(run([lab.venv("bin", "python"), os.path.join(HERE, "client_iam.py"), lab.cloud.url],
             env=environment()), "done\n", "output")


@beside
def boto3_reads_metrics_of_instances_and_an_alarm_stops_one(lab):
    cloud = lab.new_simulated("metrics")
    same(run([lab.venv("bin", "python"), os.path.join(HERE, "client_metrics.py"), cloud.url,
              cloud.binary], env=environment()), "done\n", "output")


@test
def the_aws_cli_manages_a_user(lab):
    aws = Cli(lab.venv("bin", "aws"), lab.cloud.url, True)
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


@test
def the_aws_cli_keeps_reads_and_restores_a_secret(lab):
    cli = Cli(lab.venv("bin", "aws"), lab.cloud.url, True)

    def secret(verb, *args):
        return cli.json("secretsmanager", verb, *args)

    named = ("--secret-id", "cli/one")
    made = secret("create-secret", "--name", "cli/one", "--secret-string", '{"user":"a"}')
    got = secret("get-secret-value", *named)
    same((got["SecretString"], got["VersionId"]), ('{"user":"a"}', made["VersionId"]), "the value")
    same(secret("put-secret-value", *named, "--secret-string", "b")["VersionStages"],
         ["AWSCURRENT"], "labels")
    same(secret("get-secret-value", *named, "--version-stage", "AWSPREVIOUS")["VersionId"],
         made["VersionId"], "the previous version")
    batch = secret("batch-get-secret-value", "--secret-id-list", "cli/one", "none")
    same([batch["SecretValues"][0]["SecretString"], batch["Errors"][0]["ErrorCode"]],
         ["b", "ResourceNotFoundException"], "a batch")
    secret("tag-resource", *named, "--tags", "Key=team,Value=blue")
    same(cli.text("secretsmanager", "list-secrets", "--filters", "Key=tag-value,Values=bl",
                  "--query", "SecretList[].Name"), "cli/one", "a filtered list")
    cli.refused("AccessDeniedException", "secretsmanager", "rotate-secret", *named,
                "--rotation-lambda-arn", "arn:aws:lambda:us-east-1:000000000000:function:f",
                "--rotation-rules", "AutomaticallyAfterDays=30")
    secret("delete-secret", *named, "--recovery-window-in-days", "7")
    cli.refused("InvalidRequestException", "secretsmanager", "get-secret-value", *named)
    secret("restore-secret", *named)
    secret("delete-secret", *named, "--force-delete-without-recovery")
    cli.refused("ResourceNotFoundException", "secretsmanager", "describe-secret", *named)


# ---- IAM ---

EC2_TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
LIST_BUCKET = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::team"}]})


# proves: ROLE-07 ROLE-14 ROLE-15 ROLE-16 ROLE-17 ROLE-18 ROLE-19
@test
def the_aws_cli_leads_an_instance_profile_through_its_verbs(lab):
    cli = Cli(lab.venv("bin", "aws"), lab.cloud.url, True)

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
    cli = Cli(lab.venv("bin", "aws"), lab.cloud.url, True)
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


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def identity_token(key, issuer, audience):
    """A token of RS256 as an OpenID Connect provider signs it."""
    now = int(time.time())
    parts = [{"alg": "RS256", "kid": "k1", "typ": "JWT"},
             {"iss": issuer, "aud": audience, "sub": "repo:me/app", "iat": now, "exp": now + 600}]
    text = ".".join(base64url(json.dumps(part).encode()) for part in parts)
    done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text.encode(),
                          capture_output=True, check=True)
    return f"{text}.{base64url(done.stdout)}"


@test
def the_aws_cli_gets_a_role_for_a_token_of_a_provider(lab):
    cli = Cli(lab.venv("bin", "aws"), lab.cloud.url, True)
    issuer, key = "https://ci.example.com", os.path.join(lab.top, "issuer.key")
    arn = cli.text("iam", "create-open-id-connect-provider", "--url", issuer, "--client-id-list",
                   "sts.amazonaws.com", "--thumbprint-list", "a" * 40, "--query",
                   "OpenIDConnectProviderArn")
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": arn},
        "Condition": {"StringEquals": {"ci.example.com:sub": "repo:me/app"}}}]}
    role = cli.text("iam", "create-role", "--role-name", "ci", "--assume-role-policy-document",
                    json.dumps(trust), "--query", "Role.Arn")
    run(["openssl", "genrsa", "-out", key, "2048"])
    token = os.path.join(lab.top, "token")
    with open(token, "w") as f:
        f.write(identity_token(key, issuer, "sts.amazonaws.com"))
    web = ("sts", "assume-role-with-web-identity", "--role-arn", role, "--role-session-name",
           "build", "--web-identity-token", f"file://{token}")
    cli.refused("InvalidIdentityToken", *web)  # nobody gave the provider's keys
    modulus = run(["openssl", "rsa", "-in", key, "-noout", "-modulus"]).strip().split("=")[1]
    keys = os.path.join(lab.top, "jwks.json")
    with open(keys, "w") as f:
        json.dump({"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k1", "e": "AQAB",
                             "n": base64url(bytes.fromhex(modulus))}]}, f)
    jwks = [os.path.join(lab.build, "welkin"), "iam", "jwks", "--endpoint", lab.cloud.endpoint]
    for args, why in (([arn + "x", keys], "no OpenID Connect provider"), ([arn, key], "no JSON Web"),
                      ([arn, keys + "x"], "cannot be read")):
        done = subprocess.run([*jwks, *args], capture_output=True, text=True)
        check(done.returncode == 1 and why in done.stderr, f"{args}: {done.stderr}")
    same(run([*jwks, arn, keys]), "1 key\n", "welkin iam jwks")
    same(cli.json(*web)["AssumedRoleUser"]["Arn"],
         "arn:aws:sts::000000000000:assumed-role/ci/build", "the caller")
    # And as a program finds it: by the environment, without any key.
    env = environment(AWS_ENDPOINT_URL=lab.cloud.url, AWS_ROLE_ARN=role, AWS_ROLE_SESSION_NAME="env",
                      AWS_WEB_IDENTITY_TOKEN_FILE=token, HOME=lab.top)  # the CLI has a cache there
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        env.pop(name)
    same(run([lab.venv("bin", "aws"), "sts", "get-caller-identity", "--query", "Arn", "--output", "text"],
             env=env).strip(), "arn:aws:sts::000000000000:assumed-role/ci/env", "by the environment")
    other = os.path.join(lab.top, "other.key")
    run(["openssl", "genrsa", "-out", other, "2048"])
    with open(token, "w") as f:
        f.write(identity_token(other, issuer, "sts.amazonaws.com"))
    cli.refused("InvalidIdentityToken", *web)  # of another key


def stores_parameters(cli):
    """What people do with `aws ssm`."""
    def put(*args):
        return cli("ssm", "put-parameter", "--name", *args)

    same(put("/cli/app/db.url", "--value", "db:3306", "--type", "String")["Version"], 1, "Version")
    put("/cli/app/db.password", "--value", "hidden", "--type", "SecureString")
    same(put("/cli/app/db.url", "--value", "db:3307", "--overwrite")["Version"], 2, "overwritten")
    got = cli("ssm", "get-parameter", "--name", "/cli/app/db.password")["Parameter"]
    check(got["Type"] == "SecureString" and got["Value"] != "hidden", "it is not ciphertext")
    got = cli("ssm", "get-parameter", "--name", "/cli/app/db.password", "--with-decryption")
    same(got["Parameter"]["Value"], "hidden", "the text")
    listed = cli("ssm", "get-parameters-by-path", "--path", "/cli", "--recursive")["Parameters"]
    same([p["Name"] for p in listed], ["/cli/app/db.password", "/cli/app/db.url"], "the subtree")
    same(len(cli("ssm", "get-parameter-history", "--name", "/cli/app/db.url")["Parameters"]), 2,
         "versions")
    names = cli("ssm", "get-parameters-by-path", "--path",
                "/aws/service/ami-amazon-linux-latest", "--query", "Parameters[].Name")
    check("/aws/service/ami-amazon-linux-latest/amzn2-ami-hvm-x86_64-gp2" in names, str(names))
    names = cli("ssm", "get-parameters-by-path", "--path", "/aws/service/ami-windows-latest",
                "--region", "us-east-1", "--query", "Parameters[].Name")
    check("/aws/service/ami-windows-latest/Windows_Server-2016-English-Core-Base" in names,
          str(names))
    cli("ssm", "delete-parameters", "--names", "/cli/app/db.url", "/cli/app/db.password")


@test
def the_aws_cli_stores_parameters(lab):
    """PS-24 VS-19"""
    stores_parameters(Cli(lab.venv("bin", "aws"), lab.cloud.url, True).json)


STACK = """
Parameters:
  EnvType: {Type: String, Default: dev, AllowedValues: [dev, prod]}
Conditions:
  Prod: !Equals [!Ref EnvType, prod]
Resources:
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      GroupDescription: web
      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 0.0.0.0/0}]
  Server:
    Type: AWS::EC2::Instance
    Properties: {ImageId: ami-009d6802948d06e52, SecurityGroups: [!Ref Group]}
  OnlyProd: {Type: AWS::SSM::Parameter, Condition: Prod, Properties: {Type: String, Value: x}}
Outputs:
  Server: {Value: !Ref Server}
"""


@beside
def the_aws_cli_deploys_a_stack(lab):
    """CFN-01 CFN-10 CFNC-01"""
    cli = Cli(lab.venv("bin", "aws"), lab.new_simulated("stack").url, True)
    path = os.path.join(lab.top, "stack.yaml")
    with open(path, "w") as f:
        f.write(STACK)

    def resources():
        about = cli.json("cloudformation", "describe-stack-resources", "--stack-name", "cli")
        return sorted(r["LogicalResourceId"] for r in about["StackResources"])

    def deploy(*more):
        time.sleep(1)  # the CLI names a change set by the second
        return cli.text("cloudformation", "deploy", "--stack-name", "cli", "--template-file", path,
                        *more)

    deploy()
    same(resources(), ["Group", "Server"], "what is made")
    check("No changes to deploy" in deploy("--no-fail-on-empty-changeset"), "no change")
    deploy("--parameter-overrides", "EnvType=prod")
    same(resources(), ["Group", "OnlyProd", "Server"], "what is added")
    cli.refused("ValidationError", "cloudformation", "validate-template", "--template-body", "x")
    cli.text("cloudformation", "delete-stack", "--stack-name", "cli")
    cli.text("cloudformation", "wait", "stack-delete-complete", "--stack-name", "cli")
    cli.refused("ValidationError", "cloudformation", "describe-stacks", "--stack-name", "cli")


# ---- Terraform --------------------------------------------------------------------------------



@beside
def terraform_applies_changes_and_destroys_and_its_second_plan_is_empty(lab):
    """apply, an empty plan, changes in place, a replacement, destroy"""
    cloud, real = (lab.real, True) if os.geteuid() == 0 else (lab.cloud, False)
    tf = Terraform(lab, cloud, os.path.join(EXAMPLES, "terraform"), "terraform")

    def served(text):
        if real:
            ip = cloud.instance(tf.output("id"))["ipAddress"]
            wait("the page", lambda: page(ip) == text + "\n")

    check("5 added, 0 changed, 0 destroyed" in tf("apply", "-auto-approve"), "what is applied")
    first, url = tf.output("id"), tf.output("url")
    served("hello from Terraform")
    tf("plan", "-detailed-exitcode")
    # Tags and the type change in place, over a stop and a start.
    changed = {"instance_type": "t3.small", "name": "changed"}
    tf("apply", "-auto-approve", variables=changed)
    same(tf.output("id"), first, "the instance")
    about = cloud.instance(first)
    same((about["instanceType"], about["tagSet"][0]["value"]), ("t3.small", "changed"), "changes")
    # Other user data makes another instance.
    changed["greeting"] = "hello again"
    tf("apply", "-auto-approve", variables=changed)
    check(tf.output("id") != first, "the instance was not replaced")
    same(cloud.state(first), "terminated", "the old one")
    served("hello again")
    same(tf.output("url"), url, "the address of the instance that took its place")
    same(f"http://{cloud.instance(tf.output('id'))['ipAddress']}:8080/", url, "its public address")
    tf("destroy", "-auto-approve", variables=changed)
    same([k for k in cloud.call("DescribeKeyPairs")["keySet"] if k["keyName"] == "me"], [],
         "key pairs")
    same(cloud.call("DescribeAddresses")["addressesSet"], [], "addresses")


@beside
def terraform_manages_identities_and_an_instance_with_a_role(lab):
    """Users, groups, roles, policies, profiles, providers, and an instance with a role."""
    cloud = lab.new_simulated("identities")
    tf = Terraform(lab, cloud, os.path.join(HERE, "terraform-iam"), "terraform-iam")
    tf.applies("24 added, 0 changed, 0 destroyed")
    same(cloud.instance(tf.output("instance"))["iamInstanceProfile"]["arn"],
         "arn:aws:iam::000000000000:instance-profile/tf-web", "the instance's profile")
    # The key that Terraform made is alice's, and her policy holds within her boundary.
    alice = {"account": tf.output("key"), "secret": tf.output("secret")}
    same(cloud.raw("DescribeInstances", **alice)[0], 200, "what alice may")
    status, body = cloud.raw("DescribeVpcs", **alice)
    check(status == 403 and b"UnauthorizedOperation" in body, f"what she may not: {body!r}")
    changed = {"changed": "true"}
    tf.applies("0 added, 10 changed, 0 destroyed", changed)
    status, body = cloud.raw("DescribeInstances", **alice)
    check(status != 200, "her key is inactive")
    tf("destroy", "-auto-approve", variables=changed)
    check("tf-" not in cloud.query("iam", "GetAccountAuthorizationDetails"), "what is left")


@beside
def parameters_are_kept_by_terraform(lab):
    """apply, an empty plan, a change in place, destroy"""
    tf = Terraform(lab, lab.new_simulated("ssm"), os.path.join(HERE, "terraform-ssm"),
                   "terraform-ssm")
    tf.applies("4 added, 0 changed, 0 destroyed")
    changed = {"value": "changed"}
    tf.applies("0 added, 3 changed, 0 destroyed", changed)
    tf("destroy", "-auto-approve", variables=changed)


@beside
def a_group_lives_with_boto3(lab):
    """template, sizes, standby, protection, hook, policy, schedule, activities"""
    cloud = lab.new_simulated("groups")
    same(run([lab.venv("bin", "python"), os.path.join(HERE, "client_autoscaling.py"), cloud.url],
             env=environment()), "done\n", "output")


@beside
def groups_are_kept_by_terraform(lab):
    """a group with configuration, schedule, policies and hooks; changes; nothing is left"""
    cloud = lab.new_simulated("autoscaling")
    tf = Terraform(lab, cloud, os.path.join(HERE, "terraform-autoscaling"), "terraform-autoscaling")
    tf.applies("6 added, 0 changed, 0 destroyed")

    def types():
        running = [{"Name": "instance-state-name", "Value": ["running"]}]
        return sorted(i["instanceType"]
                      for r in cloud.call("DescribeInstances", Filter=running)["reservationSet"]
                      for i in r["instancesSet"])

    same(types(), ["t3.micro"] * 2, "what was launched")
    changed = {"size": "3", "type": "t3.small"}
    tf.applies("1 added, 1 changed, 1 destroyed", changed)
    same(types(), ["t3.micro", "t3.micro", "t3.small"], "after the change")
    tf("destroy", "-auto-approve", variables=changed)
    same(types(), [], "what is left")


@beside
def placement_is_kept_by_terraform(lab):
    """groups of each strategy, a shared host, a reservation, instances in them; nothing is left"""
    cloud = lab.new_simulated("placement")
    tf = Terraform(lab, cloud, os.path.join(HERE, "terraform-placement"), "terraform-placement")
    tf.applies("18 added, 0 changed, 0 destroyed")
    cluster, partition = tf.output("cluster"), tf.output("partition")
    same(cloud.instance(partition)["placement"]["partitionNumber"], "3", "the partition")
    same(cloud.instance(tf.output("on_host"))["placement"]["hostId"], tf.output("host"), "the host")
    same(cloud.instance(cluster)["ipAddress"], tf.output("ip"), "the address")
    # In place: a type over a stop and a start, a host's recovery, a count, tags; the address moves.
    changed = {"type": "c5.xlarge", "recovery": "on", "count_reserved": "3", "team": "blue",
               "on": "partition"}
    tf.applies("1 added, 15 changed, 1 destroyed", changed)
    same(tf.output("cluster"), cluster, "the instance of another type")
    same(cloud.instance(cluster)["instanceType"], "c5.xlarge", "its type")
    same(cloud.instance(partition)["ipAddress"], tf.output("ip"), "the address that moved")
    tf("destroy", "-auto-approve", variables=changed)
    for operation, members in (("DescribePlacementGroups", "placementGroupSet"),
                               ("DescribeAddresses", "addressesSet")):
        same(cloud.call(operation)[members], [], operation)
    same([h["state"] for h in cloud.call("DescribeHosts")["hostSet"]], ["released"], "hosts")
    same([r["state"] for r in cloud.call("DescribeCapacityReservations")["capacityReservationSet"]],
         ["cancelled"], "reservations")


# ---- S3 and CloudFormation --------------------------------------------------------------------

# proves: S3-09
@test
def boto3_keeps_objects_of_any_size(lab):
    same(run([lab.venv("bin", "python3"), os.path.join(HERE, "client_s3.py"), lab.cloud.url,
              lab.top], env=environment()), "done\n", "output")


# proves: DP-01 DP-06 DP-10
@test
def everything_is_encrypted_on_its_way_and_by_clients_that_want_it(lab):
    same(run([lab.venv("bin", "python3"), os.path.join(HERE, "client_encryption.py"), lab.cloud.url,
              os.path.join(lab.cloud.data, "ca.pem")], env=environment()), "done\n", "output")


# proves: S3-09
@test
def the_aws_cli_copies_synchronizes_and_removes(lab):
    aws = Cli(lab.venv("bin", "aws"), lab.cloud.url, True)
    folder, back = os.path.join(lab.top, "s3"), os.path.join(lab.top, "s3-back")
    os.makedirs(os.path.join(folder, "sub dir"))
    for name, size in (("a.txt", 5), ("sub dir/b+c.bin", 10_000_000)):
        with open(os.path.join(folder, name), "wb") as f:
            f.write(b"x" * size)
    aws.text("s3", "mb", "s3://cli-bucket")
    aws.text("s3", "sync", folder, "s3://cli-bucket/in", "--quiet")
    same(aws.text("s3", "sync", folder, "s3://cli-bucket/in"), "", "a second sync")
    check("PRE sub dir/" in aws.text("s3", "ls", "s3://cli-bucket/in/"), "ls")
    aws.text("s3", "sync", "s3://cli-bucket/in", back, "--quiet")
    run(["diff", "-r", folder, back])
    aws.text("s3", "mv", "s3://cli-bucket/in/a.txt", "s3://cli-bucket/moved", "--quiet")
    same(aws.text("s3", "cp", "s3://cli-bucket/moved", "-"), "xxxxx", "cp to the output")
    # a public website, its bytes under a key of KMS but for its page
    aws.text("s3", "cp", os.path.join(folder, "a.txt"), "s3://cli-bucket/kms", "--sse", "aws:kms",
             "--quiet")
    same(aws.text("s3api", "head-object", "--bucket", "cli-bucket", "--key", "kms", "--query",
                  "ServerSideEncryption"), "aws:kms", "the encryption")
    aws.text("s3", "cp", os.path.join(folder, "a.txt"), "s3://cli-bucket/index.html", "--quiet")
    aws.text("s3", "website", "s3://cli-bucket", "--index-document", "index.html")
    aws.text("s3api", "delete-public-access-block", "--bucket", "cli-bucket")
    aws.text("s3api", "put-bucket-ownership-controls", "--bucket", "cli-bucket",
             "--ownership-controls", "Rules=[{ObjectOwnership=ObjectWriter}]")
    aws.text("s3api", "put-object-acl", "--bucket", "cli-bucket", "--key", "index.html", "--acl",
             "public-read")
    same(aws.text("s3", "cp", "s3://cli-bucket/index.html", "-", "--no-sign-request"), "xxxxx",
         "without a signature")
    same(run(["curl", "-sS", "-H", "Host: cli-bucket.s3-website-us-east-1.amazonaws.com",
              lab.cloud.url + "/"]), "xxxxx", "the website")
    aws.text("s3api", "put-bucket-cors", "--bucket", "cli-bucket", "--cors-configuration",
             json.dumps({"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}))
    check("access-control-allow-origin: *" in run(
        ["curl", "-sSi", "-H", "Origin: https://x.example.com",
         lab.cloud.url + "/cli-bucket/index.html"]).lower(), "for another origin")
    done = subprocess.run([*aws.program, "s3", "rb", "s3://cli-bucket"], env=aws.env,
                          capture_output=True, text=True)
    check("(BucketNotEmpty)" in done.stderr, done.stderr)
    aws.text("s3", "rb", "s3://cli-bucket", "--force")
    check("cli-bucket" not in aws.text("s3", "ls"), "it is gone")


# proves: DP-07
@test
def nothing_of_an_object_is_in_plain_on_the_disk(lab):
    """rows, files, files that are being written; before and after kill -9"""
    secret = b"the quick brown fox is found by grep"
    body = secret * 400_000  # 14 MB
    cloud = lab.new_cloud("at-rest", host="sim").up()
    aws = Cli(lab.venv("bin", "aws"), cloud.url, True)
    path = os.path.join(lab.top, "at-rest.bin")
    with open(path, "wb") as f:
        f.write(body)

    def holders():
        found = []
        for folder, _, names in os.walk(cloud.data):
            for name in names:
                at = os.path.join(folder, name)
                if os.path.isfile(at):
                    with open(at, "rb") as f:
                        found += [at] if secret in f.read() else []
        return found

    def begun():
        folders = [os.path.join(cloud.data, "objects", f)
                   for f in os.listdir(os.path.join(cloud.data, "objects"))]
        return {os.path.join(f, n) for f in folders for n in os.listdir(f)}

    aws.text("s3api", "create-bucket", "--bucket", "rest")
    aws.text("s3", "cp", path, "s3://rest/parts", "--quiet")
    aws.text("s3api", "put-object", "--bucket", "rest", "--key", "whole", "--body", path)
    aws.text("s3api", "put-object", "--bucket", "rest", "--key", "kms", "--body", path,
             "--server-side-encryption", "aws:kms")
    with open(path, "wb") as f:
        f.write(secret)
    aws.text("s3api", "put-object", "--bucket", "rest", "--key", "small", "--body", path)
    same(holders(), [], "files with the text")
    aws.text("s3api", "delete-public-access-block", "--bucket", "rest")
    aws.text("s3api", "put-bucket-policy", "--bucket", "rest", "--policy", json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::rest/*"}]}))
    before = begun()
    half = http.client.HTTPConnection("127.0.0.1", cloud.port)
    half.putrequest("PUT", "/rest/half")
    half.putheader("Content-Length", str(len(body)))
    half.endheaders()
    half.send(body[:8_000_000])
    wait("a file that is being written",
         lambda: [p for p in begun() - before if os.path.getsize(p) > 1_000_000])
    same(holders(), [], "while it is written")
    cloud.kill9()
    check(begun() - before, "the half of a file is left over")
    same(holders(), [], "after kill -9")
    cloud.up()
    same(begun(), before, "what is left over is swept")
    for key, want in (("parts", body), ("whole", body), ("kms", body), ("small", secret)):
        aws.text("s3", "cp", f"s3://rest/{key}", path, "--quiet")
        with open(path, "rb") as f:
            check(f.read() == want, f"{key} is read again")
    # a byte that the disk changed is not sent
    at = max(before, key=os.path.getsize)
    with open(at, "r+b") as f:
        f.seek(500_000)
        byte = f.read(1)
        f.seek(500_000)
        f.write(bytes([byte[0] ^ 1]))
    lost = 0
    for key in ("parts", "whole", "kms"):
        done = subprocess.run([*aws.program, "s3api", "get-object", "--bucket", "rest", "--key",
                               key, path], env=aws.env, capture_output=True, text=True)
        lost += done.returncode != 0
    same(lost, 1, "objects of which a byte was changed")
    cloud.down()


@beside
def a_bucket_is_kept_by_terraform(lab):
    """apply, an empty plan, a change in place, destroy"""
    cloud = lab.new_simulated("s3")
    tf = Terraform(lab, cloud, os.path.join(HERE, "terraform-s3"), "terraform-s3")
    tf.applies("9 added, 0 changed, 0 destroyed")
    changed = {"text": "second"}
    tf.applies("0 added, 1 changed, 0 destroyed", changed)
    aws = Cli(lab.venv("bin", "aws"), cloud.url, True)
    same(aws.text("s3", "cp", "s3://terraform-bucket/dir/o.txt", "-"), "second", "the object")
    check("9 destroyed" in tf("destroy", "-auto-approve", variables=changed), "what is destroyed")


@beside
def a_network_is_kept_by_terraform(lab):
    """a NAT gateway, peered VPCs, an interface of one's own; apply, an empty plan, changes, destroy"""
    cloud = lab.new_simulated("peering")
    tf = Terraform(lab, cloud, os.path.join(HERE, "terraform-network"), "terraform-network")
    tf.applies("18 added, 0 changed, 0 destroyed")
    same(tf.output("nat"), tf.output("eip"), "the gateway's address")
    changed = {"name": "second", "checked": "false", "dns": "true"}
    peering = tf.output("peering")
    tf.applies("0 destroyed", changed)
    same(tf.output("peering"), peering, "the connection")
    check("18 destroyed" in tf("destroy", "-auto-approve", variables=changed), "what is destroyed")
    same(cloud.call("DescribeNetworkInterfaces").get("networkInterfaceSet") or [], [], "interfaces")


@beside
def random_calls_of_every_operation_find_no_internal_error(lab):
    """a short run of hammer.py, with another seed every time: HACKING.md has the long ones"""
    python, cloud = lab.venv("bin", "python"), lab.new_simulated("hammer")
    seed = random.randrange(1 << 30)
    said = run([python, os.path.join(HERE, "hammer.py"), cloud.url, str(seed), "400"],
               env=environment())
    check(f"seed {seed}: 400 calls of " in said and said.endswith("; 0 must not be\n"), said)


@beside
def a_launch_template_is_kept_by_terraform(lab):
    """with an instance from it; apply, an empty plan, a new version, destroy"""
    cloud = lab.new_simulated("launch-template")
    tf = Terraform(lab, cloud, os.path.join(HERE, "terraform-launch-template"),
                   "terraform-launch-template")
    tf.applies("3 added, 0 changed, 0 destroyed")
    first, template = tf.output("instance"), tf.output("id")
    about = cloud.instance(first)
    tags = {t["key"]: t["value"] for t in about["tagSet"]}
    same((about["instanceType"], about["placement"]["availabilityZone"], tags["Name"],
          tags["aws:ec2launchtemplate:id"], tags["aws:ec2launchtemplate:version"]),
         ("t3.micro", "us-east-1b", "tf-web", template, "1"), "the instance")
    changed = {"type": "t3.small", "greeting": "second"}
    tf.applies("1 added, 1 changed, 1 destroyed", changed)
    same((tf.output("id"), tf.output("default"), tf.output("read")), (template, "2", "t3.small"),
         "the template")
    same(cloud.instance(tf.output("instance"))["instanceType"], "t3.small", "the new instance")
    check("3 destroyed" in tf("destroy", "-auto-approve", variables=changed), "what is destroyed")
    same(cloud.call("DescribeLaunchTemplates").get("launchTemplates") or [], [], "templates")


@beside
def a_stack_is_kept_by_terraform(lab):
    """apply, an empty plan, an update, destroy"""
    tf = Terraform(lab, lab.new_simulated("cloudformation"),
                   os.path.join(HERE, "terraform-cloudformation"), "terraform-cloudformation")
    tf.applies('text = "first"')
    changed = {"value": "second"}
    tf.applies('text = "second"', changed)
    tf("destroy", "-auto-approve", variables=changed)


@beside
def terraform_keeps_a_network_of_ones_own(lab):
    """apply, an empty plan, changes in place, destroy"""
    cloud = lab.new_simulated("network")
    tf = Terraform(lab, cloud, os.path.join(HERE, "terraform-vpc"), "terraform-vpc")
    tf.applies("18 added, 0 changed, 0 destroyed")
    about = cloud.instance(tf.output("instance"))
    same(about["vpcId"], tf.output("vpc"), "the instance's VPC")
    check(about["privateIpAddress"] == "10.30.0.4" and about["ipAddress"], "its addresses")
    changed = {"name": "second", "public": "false"}
    tf.applies(variables=changed)
    routes = cloud.call("DescribeRouteTables", Filter=[
        {"Name": "vpc-id", "Value": [tf.output("vpc")]},
        {"Name": "tag:Name", "Value": ["second"]}])["routeTableSet"]
    same([len(t["routeSet"]) for t in routes], [1], "routes of the table without its route")
    tf("destroy", "-auto-approve", variables=changed)
    same(len(cloud.call("DescribeVpcs")["vpcSet"]), 1, "VPCs that are left")


@beside
def secrets_are_kept_by_terraform(lab):
    """apply, an empty plan, changes in place, destroy"""
    tf = Terraform(lab, lab.new_simulated("secrets"), os.path.join(HERE, "terraform-secrets"),
                   "terraform-secrets")
    tf.applies("6 added, 0 changed, 0 destroyed")
    changed = {"value": "second", "tag": "green"}
    tf.applies(variables=changed)
    check("6 destroyed" in tf("destroy", "-auto-approve", variables=changed), "what is destroyed")


def archive(path, text):
    """A function's code, with the same bytes each time."""
    with zipfile.ZipFile(path, "w") as f:
        f.writestr(zipfile.ZipInfo("index.py"), text)


@beside
def functions_are_kept_by_boto3(lab):
    """archives, versions, aliases, waiters, pages and the sentence of a host that runs none"""
    same(run([lab.venv("bin", "python"), os.path.join(HERE, "client_lambda.py"),
              lab.new_simulated("functions").url], env=environment()).strip(), "all went well", "boto3")


@beside
def functions_are_kept_by_terraform(lab):
    """apply, an empty plan, changes in place with a new version, destroy"""
    tf = Terraform(lab, lab.new_simulated("lambda"), os.path.join(HERE, "terraform-lambda"),
                   "terraform-lambda")
    archive(os.path.join(tf.folder, "code.zip"), "def handler(event, context): return event")
    tf.applies("4 added, 0 changed, 0 destroyed")
    same(tf.output("version"), "1", "the version")
    archive(os.path.join(tf.folder, "code.zip"), "def handler(event, context): return 1")
    changed = {"memory": "256", "colour": "green"}
    tf.applies(variables=changed)
    same(tf.output("version"), "2", "the version")
    check("4 destroyed" in tf("destroy", "-auto-approve", variables=changed), "what is destroyed")


@beside
def what_belongs_to_functions_is_kept_by_terraform(lab):
    """a layer, a URL, events, concurrency, a rotation: apply, an empty plan, changes, destroy"""
    tf = Terraform(lab, lab.new_simulated("lambda-more"), os.path.join(HERE, "terraform-lambda-more"),
                   "terraform-lambda-more")
    archive(os.path.join(tf.folder, "code.zip"), "def handler(event, context): return event")
    tf.applies("10 added, 0 changed, 0 destroyed")
    check(".lambda-url.us-east-1.on.aws/" in tf.output("url"), "the URL")
    changed = {"retries": "0"}
    tf.applies(variables=changed)
    check("10 destroyed" in tf("destroy", "-auto-approve", variables=changed), "what is destroyed")


@beside
def messages_go_by_boto3(lab):
    """an endpoint of HTTP with signatures, a long poll, the older protocol, a bucket's events"""
    same(run([lab.venv("bin", "python"), os.path.join(HERE, "client_messaging.py"),
              lab.new_simulated("messages").url], env=environment()).strip(), "all went well", "boto3")


@beside
def keys_aliases_and_grants_are_kept_by_terraform(lab):
    """apply, an empty plan, changes in place, destroy; with what is encrypted under the keys"""
    cloud = lab.new_simulated("kms")
    tf = Terraform(lab, cloud, os.path.join(HERE, "terraform-kms"), "terraform-kms")
    tf.applies("12 added, 0 changed, 0 destroyed")
    check("BEGIN PUBLIC KEY" in tf.output("public_key"), "the public key")
    target = tf.output("alias_target")
    changed = {"text": "second", "rotation": "true", "alias_of": "other"}
    tf.applies(variables=changed)
    check(target != tf.output("alias_target"), "the alias's target")
    check("12 destroyed" in tf("destroy", "-auto-approve", variables=changed), "what is destroyed")
    same(cloud.json("kms", "DescribeKey", KeyId=target)["KeyMetadata"]["KeyState"],
         "PendingDeletion", "the key")
    same([a for a in cloud.json("kms", "ListAliases")["Aliases"]
          if a["AliasName"].startswith("alias/app")], [], "aliases")


def texts(lab, cloud):
    """The parameters that the stacks of the set made, by region."""
    found = {}
    cli = Cli(lab.venv("bin", "aws"), cloud.url, False)
    for region in ("us-east-1", "eu-west-1"):
        reply = cli.json("ssm", "get-parameters", "--region", region, "--names", "/set",
                         "/override", "/other")
        found[region] = {p["Name"]: p["Value"] for p in reply["Parameters"]}
    return found


@beside
def a_stack_set_is_kept_by_terraform(lab):
    """apply, an empty plan, an update of the set and of an override, destroy"""
    cloud = lab.new_simulated("sets")
    tf = Terraform(lab, cloud, os.path.join(HERE, "terraform-stack-set"),
                   "terraform-stack-set")
    tf("apply", "-auto-approve")
    check(":stack/StackSet-terraform-set-" in tf.output("stack"), "the set's stack")
    same(texts(lab, cloud), {"us-east-1": {"/set": "first"}, "eu-west-1": {"/override": "first"}},
         "what the stacks made")
    tf("plan", "-detailed-exitcode")
    changed = {"value": "second", "name": "/other"}
    tf("apply", "-auto-approve", variables=changed)
    same(texts(lab, cloud), {"us-east-1": {"/set": "second"}, "eu-west-1": {"/other": "second"}},
         "what the stacks are now")
    tf("plan", "-detailed-exitcode", variables=changed)
    tf("destroy", "-auto-approve", variables=changed)
    same(texts(lab, cloud), {"us-east-1": {}, "eu-west-1": {}}, "what is left")


def main():
    if len(sys.argv) < 2:
        print("usage: tests/clients/run BUILD_DIR [NAME…]", file=sys.stderr)
        return 2
    build, names = os.path.abspath(sys.argv[1]), sys.argv[2:]
    import balancers  # noqa: F401
    import events  # noqa: F401
    import metrics  # noqa: F401
    import scaling  # noqa: F401
    import stacks
    import volumes  # noqa: F401
    import hostile  # noqa: F401 (its tests come last)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    end_to_end.give_images(build)
    lab = Clients(build)
    lab.cdk = stacks.Packages(lab)
    try:
        lab.fetch()
        chosen = [t.__name__ for t in lab_module.tests
                  if not names or any(n in t.__name__ for n in names)]
        if any("cdk" in n for n in chosen) and not lab.why_no_node:
            lab.cdk.begin()
        if os.geteuid() == 0:
            # Without the mirror Terraform has to download its provider.
            if os.path.isdir(MIRROR) or not shutil.which("terraform"):
                lab.isolate()
            lab.real = lab.new_cloud("real").up()
        lab.cloud  # before there are threads that would all start it
        return lab_module.run(lab, names, threads=3)
    finally:
        lab.cdk.close()
        lab.close()


if __name__ == "__main__":
    sys.exit(main())
