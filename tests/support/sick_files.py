# SPDX-License-Identifier: GPL-3.0-or-later
"""A sick file system for tests; it uses FUSE, so it needs root and /dev/fuse.

Usage: sick_files.py FOLDER FILE [direct]   (ends when it is unmounted, or killed)

Every name is the same file, FILE, and the name's first word tells what ails it:
well.…, slow.… (10 kB/s), hang.… (a read that never returns), deaf.… (nor does opening it), mute.… (nor
does a look at it), shut.… (nor does closing it). `direct`: the kernel caches nothing, so that whoever
reads waits for the server itself, and cannot be killed.
"""
import errno
import os
import stat
import subprocess
import sys
import time

BYTES_PER_S = 10000


def serve(folder, path, *how):
    import pyfuse3
    import trio

    def attributes(inode):
        entry = pyfuse3.EntryAttributes()
        entry.st_ino = inode
        entry.entry_timeout = entry.attr_timeout = 1
        entry.st_mtime_ns = entry.st_ctime_ns = entry.st_atime_ns = 10**18
        if inode == pyfuse3.ROOT_INODE:
            entry.st_mode = stat.S_IFDIR | 0o755
        else:
            entry.st_mode, entry.st_size = stat.S_IFREG | 0o644, os.path.getsize(path)
        return entry

    class SickFiles(pyfuse3.Operations):
        names = {}  # by inode
        line = trio.Lock()

        def ails(self, inode):
            return self.names.get(inode, ".").split(".")[0]

        async def lookup(self, parent, name, ctx=None):
            name = os.fsdecode(name)
            inode = next((i for i, known in self.names.items() if known == name), len(self.names) + 2)
            if name.split(".")[0] not in ("well", "slow", "hang", "deaf", "mute", "shut"):
                raise pyfuse3.FUSEError(errno.ENOENT)
            self.names[inode] = name
            return await self.getattr(inode)

        async def getattr(self, inode, ctx=None):
            if self.ails(inode) == "mute":
                await trio.sleep_forever()
            return attributes(inode)

        async def open(self, inode, flags, ctx=None):
            if self.ails(inode) == "deaf":
                await trio.sleep_forever()
            return pyfuse3.FileInfo(fh=inode, direct_io="direct" in how)

        async def flush(self, inode):
            if self.ails(inode) == "shut":
                await trio.sleep_forever()

        async def read(self, inode, offset, size):
            if self.ails(inode) == "hang":
                await trio.sleep_forever()
            with open(path, "rb") as file:
                file.seek(offset)
                data = file.read(size)
            if self.ails(inode) == "slow":
                async with self.line:  # the kernel reads ahead, several blocks at a time
                    await trio.sleep(len(data) / BYTES_PER_S)
            return data

    pyfuse3.init(SickFiles(), folder, {"fsname=sick", "allow_other"})
    trio.run(pyfuse3.main)


class Mount:
    """Serves FILE under every name in FOLDER, which it creates."""

    def __init__(self, folder, path, *how):
        self.folder = folder
        os.mkdir(folder)
        self.process = subprocess.Popen([sys.executable, "-B", os.path.abspath(__file__), folder, path, *how])
        end = time.monotonic() + 60
        while not os.path.ismount(folder):
            if self.process.poll() is not None or time.monotonic() > end:
                self.close()
                raise OSError(f"{folder} could not be mounted")
            time.sleep(0.05)
        # In small blocks, or one of them would take a slow file many seconds.
        device = os.stat(folder).st_dev
        with open(f"/sys/class/bdi/{os.major(device)}:{os.minor(device)}/read_ahead_kb", "w", encoding="ascii") as file:
            file.write("4")

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
        import pyfuse3  # noqa: F401
    except ImportError:
        return "python3-pyfuse3 is missing"
    return None


if __name__ == "__main__":
    serve(*sys.argv[1:])
