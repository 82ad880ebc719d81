# SPDX-License-Identifier: GPL-3.0-or-later
"""examples/conversation leaves a room as it was, however it ends: with a stand-in for Janus that a test makes fail, and
one for dh-listen."""
import asyncio
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from types import SimpleNamespace
from unittest import mock

import websockets

ROOT = os.environ["DH_ROOT"]
EXAMPLE = os.path.join(ROOT, "examples", "conversation")
sys.path[:0] = [EXAMPLE, os.path.join(ROOT, "clients", "python")]

import ears
import gateway
import main
import visit

WAIT_S = 120
BEFORE = {"barge_in": 700, "barge_in_mode": "interrupt", "barge_in_by": "all"}
OTHER = {"stream_id": 1, "of": "microphones", "host": "127.0.0.1", "port": 5004, "reference_port": 5006}
# It says hello, and stays.
LISTEN = """#!/usr/bin/python3 -B
import signal, socket, sys
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(sys.argv[sys.argv.index("--socket") + 1])
    listener.listen()
    recogniser, _ = listener.accept()
    recogniser.send(b'{"event":"hello"}\\n')
    signal.pause()
"""


class Janus:
    """With one room. `on_request` is called with each request; `refuses` new connections; `errors` are answers of Janus's
    own, by what is asked; `mute` are requests without an answer. Without a `room` there is none any more."""

    def __init__(self):
        self.room, self.forwards, self.last_id = dict(BEFORE), [OTHER], 1
        self.sockets, self.errors, self.mute = set(), {}, set()
        self.refuses, self.on_request = False, lambda request: None

    async def __aenter__(self):
        self.server = await websockets.serve(self.serve, "127.0.0.1", 0, subprotocols=["janus-protocol"])
        self.url = f"ws://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, kind, value, trace):
        self.server.close()
        await self.server.wait_closed()

    async def serve(self, socket):
        if self.refuses:
            return
        self.sockets.add(socket)
        with contextlib.suppress(websockets.ConnectionClosed):
            async for text in socket:
                await self.take(socket, json.loads(text))
        self.sockets.remove(socket)

    async def take(self, socket, message):
        what = message["body"]["request"] if message["janus"] == "message" else message["janus"]
        self.on_request(what)
        if what not in self.mute:
            await socket.send(json.dumps({"transaction": message["transaction"], **self.answer(what, message)}))

    def answer(self, what, message):
        if what in self.errors:
            return {"janus": "error", "error": {"code": self.errors[what], "reason": "no"}}
        if what == "keepalive":
            return {"janus": "ack"}
        if message["janus"] != "message":
            return {"janus": "success", "data": {"id": 1}}
        data = self.do(what, message["body"]) if self.room else {"error_code": 455, "error": "No such room (1)"}
        return {"janus": "success", "plugindata": {"data": data}}

    def do(self, what, body):
        if what == "edit":
            self.room.update({name.removeprefix("new_"): body[name] for name in body if name.startswith("new_")})
        if what == "forward_microphones":
            self.last_id += 1
            self.forwards.append({"stream_id": self.last_id, "of": "microphones", "packets": 0, "host": body["host"],
                                  "port": body["port"], "reference_port": body["reference_port"]})
        if what == "stop_rtp_forward":
            self.forwards = [one for one in self.forwards if one["stream_id"] != body["stream_id"]]
        return {"info": self.room, "rtp_forwarders": self.forwards}

    async def send(self, message):
        """To all."""
        for socket in list(self.sockets):
            await socket.send(json.dumps(message))

    async def drop(self):
        """All connections are lost."""
        for socket in list(self.sockets):
            await socket.close(1011)


class Stage:
    def __init__(self, *_):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def info(self):
        return {"width": 64, "height": 64}


class Kept:
    what = {}

    def note(self, **what):
        self.what = what


class Visits(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        asyncio.get_running_loop().slow_callback_duration = 60
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.state, self.listen = os.path.join(folder, "state", "kept.json"), os.path.join(folder, "listen")
        with open(self.listen, "w", encoding="utf-8") as file:
            file.write(LISTEN)
        os.chmod(self.listen, 0o755)
        self.janus = await self.enterAsyncContext(Janus())
        for module, name, value in ((main, "Stage", Stage), (ears, "START_S", WAIT_S), (gateway, "ANSWER_S", WAIT_S),
                                    (main, "tell_people", lambda what: self.told.put_nowait(what["event"]))):
            self.enterContext(mock.patch.object(module, name, value))
        self.told = asyncio.Queue()
        self.errors = self.enterContext(contextlib.redirect_stderr(io.StringIO()))

    def options(self):
        return SimpleNamespace(janus=self.janus.url, push="127.0.0.1:1", room=1, secret=None, json=False,
                               dh_listen=self.listen, state=self.state)

    async def begin(self, program=main.converse):
        talk = asyncio.create_task(program(self.options(), None))
        ready = asyncio.create_task(self.told.get())
        await asyncio.wait([talk, ready], timeout=WAIT_S, return_when=asyncio.FIRST_COMPLETED)
        if talk.done():
            talk.result()
        self.assertEqual(ready.result(), "ready")
        self.assertEqual((self.janus.room, len(self.janus.forwards)), (visit.ROOM, 2))
        return talk

    async def ends(self, talk, *errors):
        """With these alone."""
        with self.assertRaises(BaseException) as caught:
            await asyncio.wait_for(talk, WAIT_S)
        self.assertEqual([type(error) for error in main.flat(caught.exception)], list(errors))

    async def lose(self, talk):
        await self.janus.drop()
        await self.ends(talk, ConnectionError)

    def is_as_before(self, **changed):
        self.assertEqual((self.janus.room, self.janus.forwards), ({**BEFORE, **changed}, [OTHER]))

    async def test_it_is_ended(self):
        talk = await self.begin()
        talk.cancel()
        await self.ends(talk, asyncio.CancelledError)
        self.is_as_before()

    async def test_it_is_ended_while_it_asks(self):
        asked = asyncio.Event()
        self.janus.mute.add("resume")
        self.janus.on_request = lambda request: asked.set() if request == "resume" else None
        talk = await self.begin()
        for event in ("barged_in", "viewer_silent"):
            await self.janus.send({"janus": "event", "plugindata": {"data": {"event": event, "viewer": 1}}})
        await asyncio.wait_for(asked.wait(), WAIT_S)
        talk.cancel()
        await self.ends(talk, asyncio.CancelledError)
        self.is_as_before()

    async def test_the_connection_is_lost(self):
        await self.lose(await self.begin())
        self.is_as_before()
        self.assertEqual(self.errors.getvalue(), "")

    async def test_the_gateway_is_away(self):
        """Again and again; then the next one leaves the room as it was before the first one."""
        for _ in range(3):
            talk = await self.begin()
            self.janus.refuses = True
            await self.lose(talk)
            self.assertIn("not as it was before", self.errors.getvalue())
            self.janus.refuses = False
        await self.lose(await self.begin())
        self.is_as_before()

    async def test_what_somebody_else_has_changed_stays(self):
        talk = await self.begin()
        self.janus.refuses = True
        await self.lose(talk)
        self.janus.refuses, self.janus.room["barge_in"] = False, 500
        await self.lose(await self.begin())
        self.is_as_before(barge_in=500)
        talk = await self.begin()
        self.janus.room["barge_in_by"] = "named"
        await self.lose(talk)
        self.is_as_before(barge_in=500, barge_in_by="named")

    async def test_the_room_is_destroyed(self):
        """A new one of that id is left as it is."""
        talk = await self.begin()
        self.janus.room, self.janus.forwards = None, [OTHER]
        await self.janus.send({"janus": "event", "plugindata": {"data": {"event": "destroyed"}}})
        await self.ends(talk, RuntimeError)
        self.assertEqual(self.errors.getvalue(), "")
        self.janus.room = dict(visit.ROOM)
        await self.lose(await self.begin())
        self.is_as_before(**visit.ROOM)

    async def test_a_second_signal(self):
        """And a third one, while the room is set back."""
        talk = await self.begin(main.main)
        self.janus.on_request = lambda request: os.kill(os.getpid(), signal.SIGINT) if request == "info" else None
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(talk, WAIT_S)
        self.is_as_before()

    async def test_one_at_a_time(self):
        talk = await self.begin()
        with self.assertRaisesRegex(RuntimeError, "already"):
            await main.converse(self.options(), None)
        talk.cancel()
        await self.ends(talk, asyncio.CancelledError)
        talk = await self.begin()
        talk.cancel()
        await self.ends(talk, asyncio.CancelledError)
        self.is_as_before()

    async def test_a_damaged_file(self):
        os.makedirs(os.path.dirname(self.state))
        with open(self.state, "w", encoding="utf-8") as file:
            file.write("{")
        await self.lose(await self.begin())
        self.is_as_before()

    async def test_a_session_that_is_gone(self):
        """Janus has forgotten it, and the connection is as good as ever."""
        self.addCleanup(setattr, gateway, "KEEPALIVE_S", gateway.KEEPALIVE_S)
        gateway.KEEPALIVE_S = 0.01
        talk = await self.begin()
        self.janus.errors["keepalive"] = 458
        await self.ends(talk, gateway.Refused)
        self.is_as_before()
        for word in ("timeout", "detached"):
            self.janus.errors.clear()
            talk = await self.begin()
            await self.janus.send({"janus": word, "session_id": 1})
            await self.ends(talk, ConnectionError)
            self.is_as_before()

    async def test_no_session(self):
        for what in ("create", "attach"):
            self.janus.errors = {what: 403}
            with self.assertRaises(gateway.Refused):
                await main.converse(self.options(), None)
        self.is_as_before()

    async def test_lost_while_an_answer_is_waited_for(self):
        self.addCleanup(setattr, gateway, "ANSWER_S", gateway.ANSWER_S)
        gateway.ANSWER_S = 10 * WAIT_S
        self.janus.mute.add("floor")
        async with gateway.Gateway(self.janus.url, None, id=1) as connection:
            asking = asyncio.create_task(connection.ask("floor"))
            await asyncio.sleep(0.01)
            await self.janus.drop()
            with self.assertRaises(ConnectionError):
                await asyncio.wait_for(asking, WAIT_S)
            with self.assertRaises(ConnectionError):
                await connection.ask("info")

    async def test_no_janus(self):
        """Something else that speaks HTTP."""
        self.janus.server.close()
        await self.janus.server.wait_closed()
        with self.assertRaises(OSError):
            await main.converse(self.options(), None)
        server = await asyncio.start_server(self.say_404, "127.0.0.1", 0)
        self.janus.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            with self.assertRaises(OSError):
                await main.converse(self.options(), None)

    @staticmethod
    async def say_404(reader, writer):
        writer.write(b"HTTP/1.1 404 no\r\n\r\n")
        await writer.drain()
        writer.close()


class Options(unittest.TestCase):
    def test_the_room(self):
        """Digits are a number, unless the gateway has string_ids."""
        for given, room in (([], 1), (["--room", "7"], 7), (["--room", "blue"], "blue"), (["--string-ids"], "1"),
                            (["--room", "7", "--string-ids"], "7"), (["--string-ids", "--room", "blue"], "blue")):
            with self.subTest(given), mock.patch.object(sys, "argv", ["main.py", *given]):
                self.assertEqual(main.parse().room, room)


class Ears(unittest.IsolatedAsyncioTestCase):
    async def test_it_ends_amid_a_message(self):
        message = b'{"event":"sound","viewer":1,"bytes":4,"reference_bytes":4}\n12345678'
        for size in range(len(message) + 1):
            reader = asyncio.StreamReader()
            reader.feed_data(message + message[:size])
            reader.feed_eof()
            came = [(event["viewer"], *both) async for event, *both in ears.events(reader)]
            self.assertEqual(came, [(1, b"1234", b"5678")] * (1 + (size == len(message))))

    def test_it_does_not_outlive_who_started_it(self):
        """Its output ends once both have."""
        with tempfile.TemporaryDirectory() as folder:
            listen = os.path.join(folder, "listen")
            with open(listen, "w", encoding="utf-8") as file:
                file.write(LISTEN)
            os.chmod(listen, 0o755)
            code = f"""import asyncio, sys
sys.path[:0] = {sys.path!r}
import ears, test_conversation_visit as here
ears.START_S = here.WAIT_S
class Gateway:
    async def ask(self, *_, **fields):
        print("asked", flush=True)
async def run():
    async with ears.listening(Gateway(), {listen!r}, here.Kept()):
        await asyncio.Event().wait()
asyncio.run(run())
"""
            with subprocess.Popen([sys.executable, "-B", "-c", code], stdout=subprocess.PIPE, text=True,
                                  env=dict(os.environ, TMPDIR=folder)) as program:
                self.assertEqual(program.stdout.readline(), "asked\n")
                program.kill()
                signal.alarm(WAIT_S)
                self.assertEqual(program.stdout.read(), "")
                signal.alarm(0)


if __name__ == "__main__":
    unittest.main()
