# SPDX-License-Identifier: GPL-3.0-or-later
"""Is the machine quiet? Other load spoils figures in milliseconds. And what it is."""
import os
import platform
import time


def _busy():
    """Core-seconds used by everything since boot."""
    with open("/proc/stat") as file:
        fields = [int(x) for x in file.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / 100


def busy_cores(seconds=1.0):
    before = _busy()
    time.sleep(seconds)
    return (_busy() - before) / seconds


def wait_quiet(limit_s, cores=0.15, for_s=3):
    """Waits until fewer than `cores` are busy for `for_s` seconds in a row, but not
    longer than `limit_s`; returns the cores that were busy in the last second."""
    end, quiet = time.monotonic() + limit_s, 0
    while True:
        busy = busy_cores()
        quiet = quiet + 1 if busy < cores else 0
        if quiet >= for_s or time.monotonic() >= end:
            return round(busy, 2)


def describe():
    """Its processor, for people."""
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores of {model}, Linux {platform.release()}"
