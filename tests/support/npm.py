# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of npm that tests need: installed once, into the build folder.

    folder = npm.packages("axe-core@4")              # has node_modules
    script = npm.script("viewer.mjs", "werift@0")    # a copy that can import them

The test is skipped where npm is missing, or cannot fetch them.
"""
import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.environ.get("DH_ROOT") or os.path.join(HERE, "..", "..")


@contextlib.contextmanager
def locked(path):
    """Others who want the same wait."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def packages(*wanted):
    """The folder with exactly these, NAME@VERSION. Their install scripts are not run."""
    if not shutil.which("npm") or not shutil.which("node"):
        raise unittest.SkipTest("Node and npm are not installed")
    folder = os.path.abspath(os.path.join(ROOT, "build", "npm", re.sub(r"[^\w.@-]+", "-", "+".join(wanted))))
    os.makedirs(folder, exist_ok=True)
    with locked(folder + ".lock"):
        if not os.path.exists(os.path.join(folder, "installed")):
            install(folder, wanted)
    return folder


def install(folder, wanted):
    with open(os.path.join(folder, "package.json"), "w") as file:
        json.dump({"private": True, "type": "module"}, file)
    result = subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", *wanted], cwd=folder,
                            stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if result.returncode:
        raise unittest.SkipTest(f"npm cannot install {' '.join(wanted)}: {result.stderr.strip()[-200:]}")
    with open(os.path.join(folder, "installed"), "w"):
        pass


def script(name, *wanted):
    """The path of a copy of that file of this folder, beside its packages."""
    folder = packages(*wanted)
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        with open(os.path.join(HERE, name), "rb") as source:
            shutil.copyfileobj(source, file)
    os.replace(file.name, os.path.join(folder, name))
    return os.path.join(folder, name)
