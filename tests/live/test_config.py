"""What an instance reads when it configures itself: a parameter that only its role may decrypt."""
import json
import os
import resource
import signal
import subprocess
import sys

from cloud import check, same
from lab import test
from test_image import cloud_init_done
from test_role import TRUST

PLAIN = "hunter2-is-for-this-instance-only"
NAME = "/app/db.password"
CLI = f"aws ssm get-parameter --name {NAME} --with-decryption --region us-east-1"
BOTO3 = ("import boto3; print(boto3.client('ssm', 'us-east-1').get_parameter("
         f"Name='{NAME}', WithDecryption=True)['Parameter']['Value'])")


def give_clients(lab, cloud, id):
    """Installs the AWS CLI and boto3 in the instance: pure Python, for the same Python there."""
    packages = lab.venv("lib", f"python{sys.version_info[0]}.{sys.version_info[1]}",
                        "site-packages")
    files = subprocess.run(["tar", "-c", "--exclude=__pycache__", "--exclude=./awscli/examples",
                            "--exclude=./pip", "."], cwd=packages, check=True,
                           capture_output=True).stdout
    status, out = cloud.exec(id, "sh", "-c", "mkdir -p /usr/local/lib/python3.11/dist-packages && "
                             "tar -x -C /usr/local/lib/python3.11/dist-packages", input=files)
    same(status, 0, out)
    cloud.sh(id, "printf '#!/usr/bin/python3\\nimport sys, awscli.clidriver\\n"
             "sys.exit(awscli.clidriver.main())\\n' >/usr/local/bin/aws && "
             "chmod 755 /usr/local/bin/aws")


def role(cloud, name, actions):
    """A role with an instance profile of its name."""
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    cloud.query("iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=TRUST)
    cloud.query("iam", "PutRolePolicy", RoleName=name, PolicyName="p",
                PolicyDocument=json.dumps(policy))
    cloud.query("iam", "CreateInstanceProfile", InstanceProfileName=name)
    cloud.query("iam", "AddRoleToInstanceProfile", InstanceProfileName=name, RoleName=name)


def holds(path, text):
    with open(path, "rb") as f:
        return text.encode() in f.read()


def files_of(cloud):
    """Everything that the daemon itself keeps or says."""
    files = [cloud.log]
    for folder, folders, names in os.walk(cloud.data):
        if folder == cloud.data:
            folders[:] = [f for f in folders if f not in ("images", "machines")]
        files += [p for p in (os.path.join(folder, n) for n in names)
                  if os.path.isfile(p) and not os.path.ismount(p)]  # a namespace that is kept
    return files


def aborted(process):
    """(signal, whether a core was dumped) of a process that is told to abort."""
    os.kill(process.pid, signal.SIGABRT)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = -signal.SIGABRT  # it is waited for
    return os.WTERMSIG(status), os.WCOREDUMP(status)


# proves: PS-12 PS-13 KMS-01
@test
def an_instance_reads_a_secret_that_its_role_may_decrypt_and_no_other(lab):
    cloud = lab.new_cloud("config")
    # It must not write a core file even where the machine asks for them.
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    try:
        cloud.up("--verbose")
        control = subprocess.Popen(["sleep", "infinity"], cwd=lab.top)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    try:
        key = cloud.json("kms", "CreateKey")["KeyMetadata"]["Arn"]
        cloud.json("ssm", "PutParameter", Name=NAME, Value=PLAIN, Type="SecureString", KeyId=key)
        cloud.json("ssm", "PutParameter", Name="/app/name", Value="not-a-secret", Type="String")
        role(cloud, "reader", ["ssm:GetParameter", "kms:Decrypt"])
        role(cloud, "half", ["ssm:GetParameter"])
        role(cloud, "none", ["kms:Decrypt"])
        id, = cloud.launch(ImageId=lab.debian(cloud), InstanceType="t3.small",
                           IamInstanceProfile={"Name": "reader"})
        cloud.wait_state(id, "running")
        cloud_init_done(cloud, id)
        give_clients(lab, cloud, id)
        # Nothing is configured but what AWS's own clients always need: the region's name.
        same(cloud.sh(id, "ls -d ~/.aws 2>/dev/null; env; bash -lc env | grep ^AWS_").count("AWS_"),
             1, "what of AWS is in the environment")
        same(cloud.sh(id, f"bash -lc '{CLI} --query Parameter.Value --output text'").strip(),
             PLAIN, "the AWS CLI")
        same(cloud.sh(id, f'bash -lc "python3 -c \\"{BOTO3}\\""').strip(), PLAIN, "boto3")
        refused(cloud, id, "half", "kms:Decrypt", key)
        refused(cloud, id, "none", "ssm:GetParameter", "parameter" + NAME)
        nowhere(cloud, control)
    finally:
        control.kill()
        control.wait()
        cloud.close()


def refused(cloud, id, name, action, resource_arn):
    """With another role the same command is told what is missing."""
    has = cloud.call("DescribeIamInstanceProfileAssociations", Filter=[
        {"Name": "instance-id", "Value": [id]}])["iamInstanceProfileAssociationSet"]
    cloud.call("ReplaceIamInstanceProfileAssociation", AssociationId=has[0]["associationId"],
               IamInstanceProfile={"Name": name})
    status, out = cloud.exec(id, "bash", "-lc", CLI)
    text = out.decode()
    check(status not in (0, 127) and "(AccessDeniedException) when calling the GetParameter" in text
          and f"assumed-role/{name}/{id} is not authorized to perform: {action}" in text
          and resource_arn in text and PLAIN not in text, f"{name}: {status} {text}")


def nowhere(cloud, control):
    """The text is in no file of the daemon, nor would a core file give it away."""
    files = files_of(cloud)
    check(any(holds(p, "not-a-secret") for p in files), "the database is not among the files")
    same([p for p in files if holds(p, PLAIN)], [], "files with the text")
    proc = f"/proc/{cloud.process.pid}"
    with open(proc + "/status") as f:
        uid = int(next(line.split()[2] for line in f if line.startswith("Uid:")))
    check(uid != 0, "the daemon is root")
    same(os.stat(proc + "/environ").st_uid, 0, "who may look into the daemon")  # not dumpable
    dumped = aborted(control)
    check(dumped[0] == signal.SIGABRT, dumped)
    same(aborted(cloud.process), (signal.SIGABRT, False), "the daemon's end")
    cloud.process = None
    if not dumped[1]:
        print("    this machine writes no core files at all: only the daemon's flag was looked at")
    cloud.up()
    got = cloud.json("ssm", "GetParameter", Name=NAME, WithDecryption=True)
    same(got["Parameter"]["Value"], PLAIN, "afterwards")
