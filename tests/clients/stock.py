"""Stock clients as programs: what they find in their environment, and how they are run."""
import glob
import json
import os
import shutil
import subprocess

from cloud import check
from lab import Skip, fetching

MIRROR = "/opt/tf-plugins"  # of Terraform's providers

# so that neither a user's configuration nor the machine's gets in the way
CLEAN = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
         "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1", "AWS_PAGER": "",
         "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
         "AWS_DEFAULT_REGION": "us-east-1"}


def environment(**more):
    base = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return {**base, **CLEAN, **more}


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


class Terraform:
    """Terraform at work on a cloud, in a folder of its own.

    Its AWS provider finds the cloud by the environment, so that a configuration needs no block for
    it.  A provider that lies unpacked in the mirror is used where it is: one that was installed
    would be read whole, 700 MB, by each command.
    """

    def __init__(self, lab, cloud, source, name):
        if not shutil.which("terraform"):
            raise Skip("terraform is not on this machine")
        self.folder = os.path.join(lab.top, name)
        shutil.copytree(source, self.folder)
        rc = os.path.join(lab.top, name + ".rc")
        unpacked = sorted(glob.glob(MIRROR + "/registry.terraform.io/hashicorp/aws/*/linux_*/"))
        packages = os.path.join(lab.build, "terraform")
        os.makedirs(packages, exist_ok=True)
        with open(rc, "w") as f:
            f.write(f'plugin_cache_dir = "{packages}"\nprovider_installation {{\n')
            if unpacked:
                f.write(f'  dev_overrides {{ "hashicorp/aws" = "{unpacked[-1]}" }}\n')
            f.write(f'  filesystem_mirror {{ path = "{MIRROR}" }}\n' if os.path.isdir(MIRROR)
                    else "  direct {}\n")
            f.write("}\n")
        # Half of what the provider does is to make its schema anew, with much garbage.
        self.env = environment(TF_CLI_CONFIG_FILE=rc, TF_VAR_endpoint=cloud.url, GOGC="400",
                               CHECKPOINT_DISABLE="1", TF_IN_AUTOMATION="1",
                               AWS_ENDPOINT_URL=cloud.url)
        if unpacked:
            return
        with fetching(lab.build):
            done = subprocess.run(["terraform", "init", "-no-color", "-input=false"],
                                  cwd=self.folder, env=self.env, capture_output=True, text=True)
        if done.returncode:
            raise Skip(f"the AWS provider is neither in {MIRROR} nor to be downloaded")

    def __call__(self, *args, variables=None, status=0):
        more = {f"TF_VAR_{k}": v for k, v in (variables or {}).items()}
        if args[0] == "destroy":
            args += ("-refresh=false",)  # the plan before has looked
        done = subprocess.run(["terraform", args[0], "-no-color", "-input=false", *args[1:]],
                              cwd=self.folder, env={**self.env, **more}, capture_output=True,
                              text=True, timeout=600)
        check(done.returncode == status, f"terraform {' '.join(args)}: {done.returncode}, not "
              f"{status}: {done.stdout[-2500:]}{done.stderr[-1500:]}")
        return done.stdout

    def applies(self, said="Apply complete!", variables=None):
        """It does, and then has nothing more to do: the second plan is empty."""
        check(said in self("apply", "-auto-approve", variables=variables), said)
        self("plan", "-detailed-exitcode", variables=variables)

    def output(self, name):
        done = subprocess.run(["terraform", "output", "-raw", name], cwd=self.folder, env=self.env,
                              capture_output=True, text=True)
        return done.stdout
