# SPDX-License-Identifier: GPL-3.0-or-later
"""What viewers say, from dh-listen (docs/listen.md), which is started here, and forwarded to by the room."""
import asyncio
import contextlib
import json
import os
import socket
import tempfile

START_S = 10
ENDS_WITH_US = ("setpriv", "--pdeathsig", "TERM")      # even if this program is killed


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


async def connect(program, path):
    """Once it listens."""
    loop = asyncio.get_running_loop()
    end = loop.time() + START_S
    while True:
        try:
            return await asyncio.open_unix_connection(path)
        except OSError as error:
            if program.returncode is not None or loop.time() > end:
                raise RuntimeError("dh-listen does not listen") from error
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def listening(gateway, dh_listen, kept):
    """Gives an asynchronous iterator over (event, sound, reference): a dict as docs/listen.md has it, and 20 ms of
    the viewer's voice and of the avatar's own, if it is "sound". Who undoes what is `kept` ends the forward."""
    with tempfile.TemporaryDirectory() as folder:
        path, ports = os.path.join(folder, "sound"), (free_port(), free_port())
        program = await asyncio.create_subprocess_exec(*ENDS_WITH_US, dh_listen, "--socket", path, "--rtp",
                                                       str(ports[0]), "--reference", str(ports[1]))
        writer = None
        try:
            reader, writer = await connect(program, path)
            forward = {"host": "127.0.0.1", "port": ports[0], "reference_port": ports[1]}
            kept.note(forward={"of": "microphones", **forward})
            await gateway.ask("forward_microphones", **forward)
            yield events(reader)
        finally:
            if writer:
                writer.close()
            if program.returncode is None:
                program.terminate()
            await program.wait()


async def events(reader):
    with contextlib.suppress(asyncio.IncompleteReadError):      # it has ended amid a message
        while True:
            event = json.loads(await reader.readuntil(b"\n"))
            sound = await reader.readexactly(event.get("bytes", 0))
            yield event, sound, await reader.readexactly(event.get("reference_bytes", 0))
