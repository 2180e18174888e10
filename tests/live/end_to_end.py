"""Runs every test_*.py of this folder; see run."""
import glob
import importlib
import os
import signal
import sys

import lab as lab_module
from lab import Lab, Skip


def missing(build):
    """Why nothing here can run, or None."""
    if os.geteuid() != 0:
        return "not root: sandboxes need it"
    for name in ("welkin", "welkin-init"):
        if not os.access(os.path.join(build, name), os.X_OK):
            return None  # a build without its programs is a failure, not a reason to skip
    return None


def give_images(build):
    """An out-of-tree build finds images/ beside itself."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "images")
    if not os.path.exists(os.path.join(build, "images")) and \
            not os.path.exists(os.path.join(build, "..", "images")):
        os.symlink(os.path.realpath(source), os.path.join(build, "images"))


def main():
    if len(sys.argv) < 2:
        print("usage: tests/live/run BUILD_DIR [NAME…]", file=sys.stderr)
        return 2
    here = os.path.dirname(os.path.abspath(__file__))
    build = os.path.abspath(sys.argv[1])
    for path in sorted(glob.glob(os.path.join(here, "test_*.py"))):
        importlib.import_module(os.path.basename(path)[:-3])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    why_not = missing(build)
    lab = Lab(build, os.environ.get("WELKIN_TEST_CACHE", "/var/cache/welkin-test"))
    try:
        if not why_not:
            give_images(build)
            lab.start_debian()
            lab.why_no_venv = lab_module.fetch_python_clients(build)
            try:
                lab.isolate()
            except Skip as why:
                why_not = str(why)
        return lab_module.run(lab, sys.argv[2:], why_not)
    finally:
        lab.close()


if __name__ == "__main__":
    sys.exit(main())
