# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-prepare beside the generator: raw NUT goes in, the prepared stream goes to the gateway."""
from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Union

from .errors import EncodeError
from .media import Size
from .wire import Buffer, Connection, Woken, write_pipe

# What may wait in the system's buffer of the connection: about half a second of prepared media.
SEND_BUFFER = 32768
READ_BYTES = 65536
DEFAULT_BACKGROUND = "#d8d8d8"
MESSAGE_BYTES = 4000


def find(program: Optional[str]) -> Optional[str]:
    """dh-prepare's path, or None where there is none."""
    return shutil.which(program or "dh-prepare")


def check_encode(encode: Any, program: Optional[str]) -> Union[None, bool, str]:
    """What `encode` means here: False; True, or "auto" where dh-prepare was found."""
    if encode not in (True, False, "auto"):
        raise ValueError(f"encode: expected True, False or \"auto\", got {encode!r}")
    if encode is False or encode == "auto" and not find(program):
        return False
    if not find(program):
        raise EncodeError(f"{program or 'dh-prepare'} is not installed; encode=False sends raw pictures")
    return bool(encode) if encode is True else "auto"


class Look(NamedTuple):
    """Of a segment's pictures. `size`: if it is known already."""
    pixel_format: str
    size: Optional[Size]


def why_raw(info: Dict[str, Any], look: Optional[Look]) -> Optional[str]:
    """Why only the gateway can encode such pictures: it alone has the picture on which an avatar stands. None:
    dh-prepare can. `look` None: no pictures."""
    if look is None or info.get("background") != "picture":
        return None
    where = "through" if look.pixel_format in ("bgra", "rgba") else "beside"
    if where == "beside" and (look.size is None or _covers(look.size, (info["width"], info["height"]))):
        return None
    return f"the avatar's background is a picture, which shows {where} them"


def _covers(size: Size, avatar: Size) -> bool:
    """As dh-prepare scales: to the whole of one side, and an even number of pixels of the other."""
    scale = min(avatar[0] / size[0], avatar[1] / size[1])
    return all(side * scale >= whole - 1 for side, whole in zip(size, avatar))


def arguments(program: Optional[str], info: Dict[str, Any], avatar: str) -> List[str]:
    """How to encode for a room. The avatar gives the size."""
    command = [find(program) or "dh-prepare", "-", "--avatar", avatar]
    for option, field in (("--kbps", "kbps"), ("--kbps-2", "kbps_2"), ("--kbps-3", "kbps_3"), ("--audio-kbps", "audio_kbps"), ("--entry-ms", "entry_ms"),
                          ("--fps-max", "fps_max")):
        if isinstance(info.get(field), int):
            command += [option, str(info[field])]
    if info.get("temporal") is True:
        command.append("--temporal")
    background = info.get("background")
    # The default is not passed: it would also show beside pictures of another shape. A picture stays with the gateway.
    if isinstance(background, str) and background.startswith("#") and background != DEFAULT_BACKGROUND:
        command += ["--background", background]
    return command + ["--quiet", "-o", "-"]


class Encoder:
    """A running dh-prepare. A thread of its own carries its output to `connection` and ends that side of it;
    `failed` is called, in that thread, with an EncodeError if dh-prepare fails. `anchor`, which the command names,
    and `seams` (see Segment.join) stay the caller's."""

    def __init__(self, command: List[str], connection: Connection, failed: Callable[[Exception], None],
                 anchor: int, seams: Sequence[int] = ()) -> None:
        self._connection, self._failed = connection, failed
        self._words = tempfile.TemporaryFile()
        for option, descriptor in zip(("--lead-fd", "--tail-fd"), seams):
            if descriptor >= 0:
                command = command + [option, str(descriptor)]
        try:
            self._process = subprocess.Popen(command, pass_fds=[n for n in (anchor, *seams) if n >= 0], bufsize=0,
                                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._words,
                                             start_new_session=True)
        except OSError as error:
            self._words.close()
            raise EncodeError(f"{command[0]} cannot be started: {error.strerror}") from error
        assert self._process.stdin and self._process.stdout
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._is_killed = False
        self._thread = threading.Thread(target=self._carry, name="digitalhuman-encoder", daemon=True)
        try:
            os.set_blocking(self._stdin.fileno(), False)
            connection.limit_send_buffer(SEND_BUFFER)
            self._thread.start()
        except BaseException:
            self.kill()
            self._process.wait()
            self._close_files()
            raise

    def write(self, buffers: Iterable[Buffer]) -> None:
        """Blocks as dh-prepare does. Raises Woken, or BrokenPipeError once dh-prepare has ended."""
        write_pipe(self._stdin.fileno(), buffers, self._connection.wake_descriptor)

    def finish(self) -> None:
        """No more media: dh-prepare writes the rest, then the sending side of the connection ends."""
        self._stdin.close()

    def _carry(self) -> None:
        try:
            while True:
                data = os.read(self._stdout.fileno(), READ_BYTES)
                if not data:
                    break
                self._connection.write([data])
        except (Woken, OSError):
            self.kill()
        code = self._process.wait()
        if self._is_killed:
            return
        if code:
            self._failed(EncodeError(self._message() or f"dh-prepare ended with code {code}", code))
            return
        try:
            self._connection.finish()
        except (Woken, OSError):
            pass

    def _message(self) -> str:
        self._words.seek(0)
        text = self._words.read(MESSAGE_BYTES).decode(errors="replace").strip()
        return text[len("dh-prepare: "):] if text.startswith("dh-prepare: ") else text

    def kill(self) -> None:
        """From any thread: ends dh-prepare at once; its failing is then nobody's fault."""
        self._is_killed = True
        self._process.kill()

    def close(self) -> None:
        """After the connection was woken: leaves no process, thread or descriptor behind."""
        self.kill()
        self._thread.join()
        self._close_files()

    def _close_files(self) -> None:
        for file in (self._stdin, self._stdout, self._words):
            file.close()
