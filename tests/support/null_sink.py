# SPDX-License-Identifier: GPL-3.0-or-later
"""A sound device that nobody hears: a PulseAudio of its own, with a null sink of 48 kHz. Headless Chromium has such a device
by itself; Firefox plays no sound without one."""
import os
import shutil
import subprocess
import tempfile
import time


class NullSink:
    """`environment` is for programs that shall use it. Needs Debian's `pulseaudio`."""

    def __init__(self):
        self._folder = tempfile.mkdtemp(prefix="dh-sound-")
        socket = os.path.join(self._folder, "socket")
        self.environment = {"PULSE_SERVER": "unix:" + socket}
        own = dict.fromkeys(("HOME", "XDG_RUNTIME_DIR", "PULSE_RUNTIME_PATH"), self._folder)
        with open(os.path.join(self._folder, "log"), "w") as log:
            self._process = subprocess.Popen(
                ["pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm=yes",
                 "--load=module-null-sink rate=48000", f"--load=module-native-protocol-unix auth-anonymous=1 socket={socket}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **own})
        end = time.monotonic() + 60
        while not os.path.exists(socket):
            if self._process.poll() is not None or time.monotonic() > end:
                with open(os.path.join(self._folder, "log")) as log:
                    text = log.read()
                self.close()
                raise RuntimeError("PulseAudio does not start: " + text[-500:])
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
