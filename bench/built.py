# SPDX-License-Identifier: GPL-3.0-or-later
"""The build that is measured."""
import importlib.util
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))


def janus_of(build):
    """The prefix of the Janus that the build was configured for; None: Debian's own."""
    with open(os.path.join(build, "config.status"), encoding="utf-8") as file:
        found = re.search(r"--with-janus=([^\s'\"]+)", file.read())
    return found and found.group(1)


def environment(build):
    """What tests/ expects of a finished build; see tests/support/janus_server.py."""
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
    for module in "numpy", "av", "aiortc", "websockets":
        if not importlib.util.find_spec(module):
            sys.exit(f"Python has no module {module}: ./test installs what measuring needs")
