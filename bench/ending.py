# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of Janus's end, whatever hangs beside it."""
import contextlib
import os
import signal
import time

import sick_files
from figure import Figure
from hosted_room import HostedRoom
from request_case import command_of

LIMIT_MS = 5000
SLEEPER = "sleep %d" % (8000000 + os.getpid())      # nobody else's
SLEEPERS = 4
LONG = "file_read_s = 600 worker_silence_s = 600"     # so that nothing ends by itself
# None of them ends, and some leave their process group.
GENERATORS = {
    "stops": f"setsid {SLEEPER} & kill -STOP $$",
    "flees": f"setsid setsid {SLEEPER} & exec {SLEEPER}",
    "mute": f"exec {SLEEPER}",
}
CONFIGURATION = "".join(
    f'generator-{name}: {{ command = ( "/bin/sh", "-c", "{command}" ) max_s = 600 }}\n'
    f'room-{name}: {{ id = {number} avatar = "probe" generator = "{name}" }}\n'
    for number, (name, command) in enumerate(GENERATORS.items(), 11))


def from_sigterm_ms(hosted):
    """Milliseconds until it has ended. Its sessions are closed first: what is open then, Janus frees one by one."""
    process = hosted.server.process
    for session in hosted.server.sessions:
        session.close()
    hosted.server.freed_handles()
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    return (time.monotonic() - begun) * 1000


@contextlib.contextmanager
def room(material, **more):
    hosted = HostedRoom(material.size, idle=material.idle(), general=LONG, **more)
    try:
        yield hosted
    finally:
        hosted.close(check=False)


def sleepers():
    """How many of the generators' processes there are."""
    commands = [command_of(int(pid)).replace("\0", " ") for pid in filter(str.isdigit, os.listdir("/proc"))]
    return sum(command.startswith(SLEEPER) for command in commands)


def await_sleepers():
    end = time.monotonic() + 60
    while sleepers() < SLEEPERS:
        if time.monotonic() > end:
            raise TimeoutError("not all generators run")
        time.sleep(0.1)


def beside_processes(material):
    """Generators that do not end, and workers that were stopped."""
    with room(material, more=CONFIGURATION) as hosted:
        for number in range(11, 11 + len(GENERATORS)):
            hosted.server.wait_for_state(hosted.handle, number, "idle")
        for number in range(11, 11 + len(GENERATORS)):
            hosted.handle.request({"request": "say", "id": number, "text": "x"})
        await_sleepers()
        for pid in hosted.server.children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        return from_sigterm_ms(hosted)


def beside_files(material):
    """Files of which nothing can be read, or that cannot be opened, looked at or closed."""
    with room(material) as hosted:
        mount = sick_files.Mount(os.path.join(hosted.segments, "sick"), material.mp4(5), "direct")
        try:
            answers = [hosted.handle.request({"request": "enqueue", "id": 1, "file": f"sick/{name}.mp4"})
                       for name in ("hang.0", "hang.1", "deaf", "mute", "shut")]
            if ["segment" in answer for answer in answers] != [True, True, False, False, False]:
                raise RuntimeError(f"files that hang were taken otherwise: {answers}")
            return from_sigterm_ms(hosted)
        finally:
            mount.close()


def ending(material, runs):
    """From SIGTERM to Janus's end, while processes or files hang."""
    figures = [Figure("SIGTERM -> Janus has ended, beside processes that hang", [beside_processes(material) for _ in range(runs)],
                      {"max": LIMIT_MS})]
    reason = sick_files.why_not()
    if reason:
        return figures + [Figure("the same beside files that hang", [], note=f"not measured: {reason}")]
    return figures + [Figure("the same beside files that hang", [beside_files(material) for _ in range(runs)], {"max": LIMIT_MS})]
