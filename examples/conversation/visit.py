# SPDX-License-Identifier: GPL-3.0-or-later
"""What a conversation changes in a room, and how it is undone: in the end, over a connection of its own, because the
other one may be gone; or, if that was not possible, by the next conversation, which knows of it from a file."""
import contextlib
import fcntl
import hashlib
import json
import os
import sys

from gateway import Refused

# A voice stops the avatar at once, and it can go on; one viewer at a time is listened to.
ROOM = {"barge_in": 200, "barge_in_mode": "hold", "barge_in_by": "one"}
FILE_MAX_BYTES = 65536
NO_SUCH_ROOM = 455


def usual_file(janus, room):
    """One for each room of a gateway."""
    folder = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    name = hashlib.sha256(f"{janus} {room!r}".encode()).hexdigest()[:16]
    return os.path.join(folder, "digitalhuman", f"conversation-{name}.json")


class Kept:
    """What there is to undo (`what`), in a file that outlives the program, however it ends. It is one program's at a
    time."""

    def __init__(self, path):
        os.makedirs(os.path.dirname(os.path.abspath(path)), mode=0o700, exist_ok=True)
        self.file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self.file)
            raise RuntimeError(f"there is a conversation in this room already ({path})") from None
        self.what = self.read()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        os.close(self.file)

    def read(self):
        """Its first line. In one that is new, or damaged, there is none."""
        try:
            return json.loads(os.pread(self.file, FILE_MAX_BYTES, 0).split(b"\n")[0])
        except ValueError:
            return {}

    def note(self, **what):
        self.write({**self.what, **what})

    def forget(self):
        self.write({})

    def write(self, what):
        os.pwrite(self.file, json.dumps(what).encode() + b"\n", 0)
        self.what = what


async def undo(gateway, kept):
    """Not what somebody else has changed since."""
    forward, before = kept.what.get("forward"), kept.what.get("settings", {})
    listed = (await gateway.ask("listforwarders"))["rtp_forwarders"] if forward else []
    for one in listed:
        if forward.items() <= one.items():
            await gateway.ask("stop_rtp_forward", stream_id=one["stream_id"])
    info = (await gateway.ask("info"))["info"]
    changed = {f"new_{name}": value for name, value in before.items() if info.get(name) == ROOM[name] != value}
    if changed:
        await gateway.ask("edit", **changed)
    kept.forget()


async def leave(connect, kept, farewell):
    try:
        async with connect() as gateway:
            try:
                await farewell(gateway)
            finally:
                await undo(gateway, kept)
    except Exception as error:
        if isinstance(error, Refused) and error.code == NO_SUCH_ROOM:
            kept.forget()       # nothing of it is to be found in another room of that id
            return
        print(f"conversation: the room is not as it was before, until the next one begins: {error}", file=sys.stderr)


@contextlib.asynccontextmanager
async def visiting(connect, kept, farewell):
    """The room as a conversation needs it, and as it was before. `connect` makes a Gateway; `farewell` is called with
    one, in the end."""
    try:
        async with connect() as gateway:
            await undo(gateway, kept)
            info = (await gateway.ask("info"))["info"]
            kept.note(settings={name: info.get(name) for name in ROOM})
            await gateway.ask("edit", **{f"new_{name}": value for name, value in ROOM.items()})
        yield
    finally:
        if kept.what:
            await leave(connect, kept, farewell)
