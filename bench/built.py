# SPDX-License-Identifier: GPL-3.0-or-later
"""The build that is measured."""
import importlib.util
import os
import re
import subprocess
import sys

MODULES = "numpy", "av", "aiortc", "websockets"
ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def janus_of(build):
    """The prefix of the Janus that the build was configured for; None: Debian's own."""
    with open(os.path.join(build, "config.status"), encoding="utf-8") as file:
        found = re.search(r"--with-janus=([^\s'\"]+)", file.read())
    return found and found.group(1)


def is_lacking(module):
    return not importlib.util.find_spec(module)


def make(build):
    """Builds the usual build if it is not there, or lacks something."""
    programs = "libjanus_digitalhuman.so", "dh-prepare", "dh-talker"
    if build == os.path.join(ROOT, "build") and (any(map(is_lacking, MODULES)) or
                                                 not all(os.path.exists(os.path.join(build, p)) for p in programs)):
        subprocess.run([os.path.join(ROOT, "scripts", "bench-build")], check=True, stdout=sys.stderr)
        importlib.invalidate_caches()


def environment(build):
    """What tests/ expects of a finished build; see tests/support/janus_server.py."""
    make(build)
    programs = {"DH_BUILD": build, "DH_ROOT": ROOT, "DH_HTML": os.path.join(ROOT, "html"),
                "DH_PREPARE": os.path.join(build, "dh-prepare"), "DH_TALKER": os.path.join(build, "dh-talker"),
                "DH_PLUGIN": os.path.join(build, "libjanus_digitalhuman.so")}
    for name, path in programs.items():
        if not os.path.exists(path):
            sys.exit(f"{path} does not exist: build first (./run or ./test does it), or see --build")
        os.environ[name] = path
    janus = janus_of(build)
    if janus:
        os.environ["DH_JANUS"] = janus
    for module in MODULES:
        if is_lacking(module):
            sys.exit(f"Python has no module {module}: ./test installs what measuring needs")
