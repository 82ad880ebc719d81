# SPDX-License-Identifier: GPL-3.0-or-later
"""A sick file system for tests; it uses FUSE, so it needs root and /dev/fuse.

Usage: sick_files.py FOLDER FILE [direct]   (ends when it is unmounted, or killed)

Every name is the same file, FILE, and the name's first word tells what ails it:
well.…, slow.… (10 kB/s), hang.… (a read that never returns), deaf.… (nor does opening it), mute.… (nor
does a look at it), shut.… (nor does closing it). `direct`: the kernel caches nothing, so that whoever
reads waits for the server itself, and cannot be killed.
"""
import os
import stat
import subprocess
import sys
import threading
import time

BYTES_PER_S = 10000


def serve(folder, path, *how):
    from fusepy import FUSE, FuseOSError, Operations

    class SickFiles(Operations):
        line = threading.Lock()

        def getattr(self, name, fh=None):
            while name.startswith("/mute."):
                time.sleep(1)
            if name == "/":
                return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
            if name[1:].split(".")[0] not in ("well", "slow", "hang", "deaf", "mute", "shut"):
                raise FuseOSError(2)
            return {"st_mode": stat.S_IFREG | 0o644, "st_nlink": 1, "st_size": os.path.getsize(path),
                    "st_mtime": 1000000000, "st_ctime": 1000000000}

        def open(self, name, flags):
            while name.startswith("/deaf."):
                time.sleep(1)
            return 0

        def flush(self, name, fh):
            while name.startswith("/shut."):
                time.sleep(1)
            return 0

        def read(self, name, size, offset, fh):
            while name.startswith("/hang."):
                time.sleep(1)
            with open(path, "rb") as file:
                file.seek(offset)
                data = file.read(size)
            if name.startswith("/slow."):
                with self.line:  # the kernel reads ahead, several blocks at a time
                    time.sleep(len(data) / BYTES_PER_S)
            return data

    FUSE(SickFiles(), folder, foreground=True, allow_other=True, fsname="sick", max_read=4096,
         direct_io="direct" in how)


class Mount:
    """Serves FILE under every name in FOLDER, which it creates."""

    def __init__(self, folder, path, *how):
        self.folder = folder
        os.mkdir(folder)
        self.process = subprocess.Popen([sys.executable, "-B", os.path.abspath(__file__), folder, path, *how])
        end = time.monotonic() + 20
        while not os.path.ismount(folder):
            if self.process.poll() is not None or time.monotonic() > end:
                self.close()
                raise OSError(f"{folder} could not be mounted")
            time.sleep(0.05)

    def close(self):
        """Everything that waits for it continues with an error."""
        self.process.kill()
        self.process.wait()
        subprocess.run(["umount", "-l", self.folder], check=False, stderr=subprocess.DEVNULL)


def why_not():
    """Why it cannot work here; None: it can."""
    if os.geteuid() != 0:
        return "only root mounts a file system"
    if not os.path.exists("/dev/fuse"):
        return "there is no /dev/fuse"
    try:
        import fusepy  # noqa: F401
    except ImportError:
        return "python3-fusepy is missing"
    return None


if __name__ == "__main__":
    serve(*sys.argv[1:])
