# SPDX-License-Identifier: GPL-3.0-or-later
"""A later Janus than the one of the build, whose Streaming plugin is compared, too: the one that JANUS_14 names, or else the
one that ./run builds where the system has none, from Debian's source package, into build/janus."""
import functools
import os
import re
import subprocess
import sys

import janus_server

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
BUILDER = os.path.join(ROOT, "scripts", "bench-janus")


def version(program):
    """As in "1.4.1"; None: it does not say."""
    try:
        done = subprocess.run([program, "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except OSError:
        return None
    found = re.search(r"Janus version: \d+ \(([\d.]+)\)", done.stdout)
    return found and found.group(1)


def built():
    """Its prefix, once it has been built; None: that failed."""
    done = subprocess.run([BUILDER], stdout=subprocess.PIPE, text=True, check=False)
    return None if done.returncode else done.stdout.strip()


@functools.cache
def later():
    """(its prefix, its version); (None, why there is none), which is printed, too."""
    prefix = os.environ.get("JANUS_14") or built()
    if not prefix:
        why = "scripts/bench-janus cannot build a later Janus, and JANUS_14 names none"
    else:
        found = version(os.path.join(prefix, "bin", "janus"))
        if found and found != version(janus_server.program()):
            return prefix, found
        why = f"{prefix} is no other Janus than the build's" if found else f"{prefix}/bin/janus does not tell its version"
    print(f"  not measured: the Streaming plugin of a later Janus: {why}", file=sys.stderr, flush=True)
    return None, why
