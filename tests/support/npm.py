# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of npm that tests need: installed once, into the build folder.

    folder = npm.packages("axe-core@4")              # has node_modules
    script = npm.script("viewer.mjs", "werift@0")    # a copy that can import them
    folder = npm.project("examples/whep", "werift@0")    # a copy of a folder with a package.json, and more

The test is skipped where npm is missing, or reaches no registry. Whatever else npm finds wrong is an error.
As a program it writes the folder of the packages that it is given; its status is 77 where a test would be skipped.
"""
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.environ.get("DH_ROOT") or os.path.join(HERE, "..", "..")
UNREACHABLE = re.compile(r"^npm (?:ERR!|error) code (?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|"
                         r"ERR_SOCKET_TIMEOUT|ETIMEDOUT)$", re.M)


@contextlib.contextmanager
def locked(path):
    """Others who want the same wait."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def packages(*wanted):
    """The folder with exactly these, NAME@VERSION. Their install scripts are not run."""
    return installed("+".join(wanted), wanted, write_package)


def project(path, *more):
    """A copy of that folder of ours with what its package.json names, and `more`. Install scripts are not run."""
    source, digest = os.path.join(ROOT, path), hashlib.sha256()
    for place, folders, files in os.walk(source):
        folders[:] = sorted(set(folders) - {"node_modules"})
        for name in sorted(files):
            with open(os.path.join(place, name), "rb") as file:
                digest.update(name.encode() + b"\0" + file.read())
    what_npm_makes = shutil.ignore_patterns("node_modules", "package-lock.json")
    return installed("-".join([path, digest.hexdigest()[:16], *more]), more,
                     lambda folder: shutil.copytree(source, folder, dirs_exist_ok=True, ignore=what_npm_makes))


def node_version():
    """As in (20, 9, 0)."""
    if not shutil.which("node"):
        raise unittest.SkipTest("Node is not installed")
    said = subprocess.run(["node", "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return tuple(map(int, said.strip().lstrip("v").split(".")))


def write_package(folder):
    with open(os.path.join(folder, "package.json"), "w") as file:
        json.dump({"private": True, "type": "module"}, file)


def installed(name, wanted, fill):
    """The folder of that name, filled and installed once."""
    if not shutil.which("npm") or not shutil.which("node"):
        raise unittest.SkipTest("Node and npm are not installed")
    folder = os.path.abspath(os.path.join(ROOT, "build", "npm", re.sub(r"[^\w.@-]+", "-", name)))
    os.makedirs(folder, exist_ok=True)
    with locked(folder + ".lock"):
        if not os.path.exists(os.path.join(folder, "installed")):
            fill(folder)
            install(folder, wanted)
    return folder


def install(folder, wanted):
    result = subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *wanted],
                            cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if result.returncode:
        what = f"npm cannot install {' '.join(wanted)}: {result.stderr.strip()[-1000:]}"
        raise unittest.SkipTest(what) if UNREACHABLE.search(result.stderr) else RuntimeError(what)
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


if __name__ == "__main__":
    try:
        print(packages(*sys.argv[1:]))
    except unittest.SkipTest as why:
        print(why, file=sys.stderr)
        sys.exit(77)
