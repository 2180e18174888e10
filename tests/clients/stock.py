"""Stock clients as programs: what they find in their environment, and how they are run."""
import json
import os
import subprocess

from cloud import check

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
