# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Janus uses: memory, descriptors, threads, processes, processor time.

`memory_kib` is what the kernel counts as anonymous (heap and stacks, no files): what the process really
occupies. With malloc's defaults that is mostly the peak of each of up to eight arenas a core, which rises for
hours without a leak. So the measured Janus has one arena and no thread caches, and returns free memory before
each measurement. `allocated_kib` is what malloc itself says is allocated.
"""
import os
import signal
import subprocess
import time

# Otherwise Janus has a thread for each viewer, and GnuTLS keeps 192 bytes for each of them for ever.
EVENT_LOOPS = "event_loops = 4"

HERE = os.path.dirname(os.path.abspath(__file__))


class Heap:
    """Makes a Janus report what its malloc has allocated: start it with `environment`."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        library = os.path.join(folder, "heap.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-pthread", "-o", library, os.path.join(HERE, "heap.c")],
                       check=True)
        self._report = os.path.join(folder, f"heap-{os.getpid()}")
        self.environment = {"LD_PRELOAD": library, "HEAP_REPORT": self._report, "MALLOC_ARENA_MAX": "1",
                            "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}

    def allocated_kib(self, pid):
        os.kill(pid, signal.SIGRTMIN)
        end = time.monotonic() + 10
        while not os.path.exists(self._report):
            if time.monotonic() > end:
                raise TimeoutError("no report of the heap")
            time.sleep(0.01)
        with open(self._report) as file:
            text = file.read()
        os.remove(self._report)
        return int(text) / 1024


def memory_kib(pid, field="Anonymous"):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field + ":"))


def sample(hosted, heap):
    """Of its Janus, once it has come to rest."""
    use, pid = hosted.settled_use(), hosted.server.process.pid
    allocated_kib = round(heap.allocated_kib(pid), 1)       # and has returned free memory
    return {"memory_kib": memory_kib(pid), "allocated_kib": allocated_kib, **use}


def threads_ns(pid):
    """{thread's id: (its name, nanoseconds of processor time)}; the scheduler's accounts are exact, while ticks of
    10 ms would see nothing."""
    out = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{tid}/comm") as name, open(f"/proc/{pid}/task/{tid}/schedstat") as stat:
                out[tid] = name.read().strip(), int(stat.read().split()[0])
        except OSError:     # it has ended
            continue
    return out
