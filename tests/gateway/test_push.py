# SPDX-License-Identifier: GPL-3.0-or-later
"""Segments that are pushed while they are made: docs/push.md, against a real Janus."""
import json
import os
import re
import socket
import stat
import struct
import subprocess
import threading
import time
import unittest

import dhs
import rtp
from ffmpeg import ffmpeg
from janus_server import WAIT_S, JanusServer, free_ports
from pushable import PushableServer
from pushing import ANY_TIME, ENDS, Push, anchor, connect, token
from request_case import RequestCase, media
from viewers import Gateway

JCFG = """
general: { cache_folder = "" worker = "{prepare}" push_listen = "127.0.0.1:PORT" push_socket = "{folder}/push.sock"
    push_socket_mode = "0600" push_line_s = 60 ahead_ms = 1000
    max_pushes = 12 max_pushes_per_room = 4 admin_key = "operator" }
avatar-small: { width = 64 height = 64 idle = "{folder}/idle.avi" kbps = 200 }
room-open: { id = 1 avatar = "small" }
room-closed: { id = 2 avatar = "small" secret = "whisper" }
room-other: { id = 3 avatar = "small" }
"""


class Server(PushableServer):
    def write_configuration(self):
        super().write_configuration()
        for seconds in (1, 8):
            media(self.path("%d.nut" % seconds), seconds)
        ffmpeg("-i", self.path("1.nut"), "-vn", self.path("1.wav"))

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()


def records(data):
    """A prepared stream's records."""
    while data:
        size = 12 + struct.unpack_from("<I", data, 4)[0]
        yield data[:size]
        data = data[size:]


class PushCase(RequestCase):
    jcfg = JCFG

    @classmethod
    def setUpClass(cls):
        cls.begin(Server(cls.jcfg), (1, 2, 3))
        cls.tcp = ("127.0.0.1", cls.janus.push_port)
        cls.local = cls.janus.path("push.sock")
        cls.short, cls.long = cls.janus.read("1.nut"), cls.janus.read("8.nut")

    def push(self, line, address=None, **more):
        push = Push(address or self.tcp, line, **more)
        self.addCleanup(push.close)
        return push

    def prepared(self, name):
        """The same medium, encoded beside the generator with the room's anchor."""
        path = self.janus.path(name + ".dhs")
        if not os.path.exists(path):
            avatar = self.janus.path("anchor.dhs")
            with open(avatar, "wb") as file:
                file.write(anchor(self.tcp, 1))
            subprocess.run([self.janus.prepare, "--quiet", "--avatar", avatar, "-o", path, self.janus.path(name)],
                           check=True)
        with open(path, "rb") as file:
            return file.read()

    def quiet(self, pushes=0):
        """Waits until nobody pushes, or only so many do: who was refused counts until the gateway sees that it has gone."""
        end = time.monotonic() + WAIT_S
        while self.ask("stats", admin_key="operator")["usage"]["pushes"]["used"] != pushes:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)


class Media(PushCase):
    def setUp(self):
        super().setUp()
        for name in ("1.nut", "8.nut"):
            self.prepared(name)         # a connection that says nothing while it is made would be ended

    def test_a_container_over_tcp_and_over_a_unix_socket(self):
        for address in (self.tcp, self.local):
            with self.subTest(address=address):
                observer = self.attach()
                observer.request({"request": "observe", "id": 1})
                push = self.push({"room": 1, "segment": "hello", "text": "Hello!", "metadata": {"n": 1}}, address)
                push.send(self.short)
                push.end()
                self.assertEqual(push.result()["event"], "finished", push.said())
                self.assertEqual(push.result()["played_ms"], 1000)
                self.assertEqual(push.result()["metadata"], {"n": 1})
                self.assertEqual(push.result()["name"], "Hello!")
                self.assertEqual([e for e in push.events() if e not in ANY_TIME],
                                 ["queued", "ready", "started", "finished"])
                self.assertEqual(push.events().count("segment_prepared"), 1)
                observer.events.wait(lambda e: e.get("segment") == "hello" and e.get("event") == "finished")
                told = [e for e in observer.events.data() if e.get("segment") == "hello"]
                self.assertEqual(told, [line for line in push.said() if line.get("segment") == "hello"
                                        and line["event"] != "progress"])

    def test_a_complete_container_ends_by_itself(self):
        """The connection stays open behind it, as over TLS that cannot end one direction."""
        for address in (self.tcp, self.local):
            for name in ("1.nut", "1.wav"):
                with self.subTest(address=address, name=name):
                    push = self.push({"room": 1}, address)
                    push.send(self.janus.read(name))
                    result = push.result()
                    self.assertEqual(result["event"], "finished", push.said())
                    self.assertEqual((result["played_ms"], "incomplete" in result), (1000, False))

    def test_progress_and_want(self):
        push = self.push({"room": 1, "progress_ms": 100})
        self.assertEqual(push.event("want"), {"event": "want", "ms": 1000})
        push.send(self.short)
        push.end()
        push.result()
        played = [line["played_ms"] for line in push.said() if line.get("event") == "progress"]
        self.assertGreater(len(played), 2)
        self.assertEqual(played, sorted(set(played)))
        self.assertLessEqual(played[-1], 1000)

    def test_pieces_of_an_utterance(self):
        data, pushes = self.prepared("1.nut"), {}
        for index in (2, 0, 1):                 # each is on its way before the next one's line
            pushes[index] = self.push({"room": 1, "utterance": "answer", "index": index, "last": index == 2,
                                       "text": "Piece %d" % index})
            pushes[index].event("queued")
        for index in (1, 2, 0):
            pushes[index].send(data)
            pushes[index].end()
        for index, push in pushes.items():
            self.assertEqual(push.result()["event"], "finished", push.said())
            self.assertEqual((push.result()["index"], push.result()["heard_text"]), (index, "Piece %d" % index))
        # Each starts at the very slot at which the one before it ended.
        ends = [pushes[index].event("finished")["media_ms"] for index in (0, 1)]
        self.assertEqual([pushes[index].event("started")["media_ms"] for index in (1, 2)], ends)
        late = self.push({"room": 1, "utterance": "answer", "index": 1})
        self.assertEqual((late.result()["event"], late.result()["reason"]), ("removed", "late"))
        wrong = self.push({"room": 1, "utterance": "answer", "index": "one"})
        self.assertEqual(wrong.result()["error_code"], 454)
        self.assertIn("index", wrong.result()["error"])

    def test_a_prepared_stream_needs_no_worker(self):
        data = self.prepared("1.nut")
        asked = lambda: self.ask("stats", admin_key="operator")["jobs"]["asked"]
        before = asked()
        push = self.push({"room": 1})
        for at in range(0, len(data), 777):
            push.send(data[at:at + 777])
        # No end of the connection: the stream itself has one.
        self.assertEqual(push.result()["event"], "finished", push.said())
        self.assertEqual(push.result()["played_ms"], 1000)
        self.assertNotIn("incomplete", push.result())
        self.assertEqual(asked(), before)

    def test_it_plays_while_it_is_made(self):
        data = list(records(self.prepared("8.nut")))
        push = self.push({"room": 1})
        half = len(data) // 4
        push.send(b"".join(data[:half]))
        push.event("started")
        push.send(b"".join(data[half:]))
        self.assertEqual(push.result()["played_ms"], 8000, push.said())

    def test_a_fast_generator_waits(self):
        """Not even the prepared stream is read further than ahead_ms. A Unix socket holds as little as its writer says, so
        the last bytes are not written before most has been played, however fast or slow the machine is."""
        for data in (self.long, self.prepared("8.nut")):
            with self.subTest(len(data)):
                push, written = self.push({"room": 1, "progress_ms": 100}, self.local), []
                push.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

                def write():
                    push.send(data)
                    time.sleep(1)       # what the gateway has said by now may still have to be read
                    written.append(max((line["played_ms"] for line in push.said() if line.get("event") == "progress"), default=0))
                    push.end()

                thread = threading.Thread(target=write)
                thread.start()
                self.assertEqual(push.result()["event"], "finished", push.said())
                self.assertEqual(push.result()["played_ms"], 8000)
                thread.join(WAIT_S)
                self.assertEqual(len(written), 1)
                self.assertGreater(written[0], 4000)
                wants = [line["ms"] for line in push.said() if line.get("event") == "want"]
                self.assertGreater(len(wants), 9)
                self.assertLess(sum(sorted(wants)[:9]) / 9, 900)        # it was ahead, whenever that was
                self.assertTrue(all(0 <= ms <= 1000 for ms in wants), wants)

    def test_an_interruption_is_told_and_ends_it(self):
        push = self.push({"room": 1})
        push.send(self.prepared("8.nut")[:200000])
        push.event("started")
        self.ask("interrupt", id=1)
        self.assertEqual(push.result()["event"], "interrupted")
        self.assertEqual([line["event"] for line in push.said() if line.get("event") in ENDS], ["interrupted"])

    def test_a_generator_interrupts_the_room(self):
        playing = self.push({"room": 2}, secret="whisper")
        playing.send(self.prepared("8.nut")[:200000])
        playing.event("started")
        waiting = self.push({"room": 2}, secret="whisper")
        waiting.event("queued")
        for line, secret in (({}, None), ({"token": "1.nonsense.2"}, None), ({}, "guess")):
            refused = self.push({"request": "interrupt", "room": 2, **line}, secret=secret)
            self.assertEqual(refused.result()["error_code"], 457)
        asking = self.push({"request": "interrupt", "room": 2}, secret="whisper")
        self.assertEqual(asking.wait(lambda line: "interrupt" in line), {"interrupt": {"dropped": 2}})
        for push in (playing, waiting):
            self.assertEqual(push.result()["event"], "interrupted")
        asking.say({"request": "interrupt", "room": 2})     # it has proved to know the secret
        asking.wait(lambda line: line == {"interrupt": {"dropped": 0}})

    def test_what_breaks_off_plays_and_is_incomplete(self):
        data = list(records(self.prepared("8.nut")))
        push = self.push({"room": 1, "segment": "cut"})
        observer = self.attach()
        observer.request({"request": "observe", "id": 1})
        push.send(b"".join(data[:60]) + data[60][:5])
        push.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        time.sleep(0.3)
        push.sock.shutdown(socket.SHUT_WR)
        end = observer.events.wait(lambda e: e.get("segment") == "cut" and e.get("event") in ENDS)
        self.assertEqual((end["event"], end.get("incomplete")), ("finished", True))
        self.assertGreater(end["played_ms"], 0)
        self.assertIn({"code": "cut_short", "text": "the connection ended before the stream"}, end["notes"])

    def test_rubbish_fails(self):
        good = list(records(self.prepared("1.nut")))
        damaged = bytearray(b"".join(good))
        damaged[len(good[0]) + 20] ^= 1
        for data in (b"rubbish" * 1000, bytes(damaged), b"DHS1" + b"\xff" * 100, b"DHS", b"D"):
            with self.subTest(data[:10]):
                push = self.push({"room": 1})
                push.send(data)
                push.end()
                self.assertEqual(push.result()["event"], "failed", push.said())
        self.assertEqual(self.push_short(1)["event"], "finished")

    def push_short(self, room):
        push = self.push({"room": room})
        push.send(self.short)
        push.end()
        return push.result()

    def test_several_at_once_play_in_order(self):
        pushes = []
        for i in range(3):
            pushes.append(self.push({"room": 1, "segment": "p%d" % i}))
            pushes[-1].event("queued")
        for push in reversed(pushes):
            push.send(self.prepared("1.nut"))
        self.assertEqual([push.result()["event"] for push in pushes], ["finished"] * 3)
        starts = [push.event("started")["media_ms"] for push in pushes]
        self.assertEqual(starts, sorted(starts))


class OnePlaceCase(PushCase):
    jcfg = JCFG.replace("max_pushes = 12", "max_live = 1 worker_silence_s = 120 max_pushes = 12").replace(
        'id = 3 avatar = "small"', 'id = 3 avatar = "small" generator = "cat"'
    ) + 'generator-cat: { command = ( "/bin/cat", "{folder}/1.nut" ) max_s = 60 }\n'

    def occupied(self):
        """A segment that plays, and keeps the only worker."""
        first = self.push({"room": 1, "segment": "first"})
        first.send(self.long[:len(self.long) // 2])
        first.event("started")
        return first

    def observed(self, room):
        observer = self.attach()
        observer.request({"request": "observe", "id": room})
        return observer.events

    def own(self, push):
        return [event for event in push.events() if event not in ANY_TIME]


class OnePlace(OnePlaceCase):
    """One test alone: the log of a gateway has no second line for a minute."""

    def test_who_waits_for_a_worker_is_told(self):
        """Once, as everybody is who hears of the segment; but neither is who has the worker, nor who needs none."""
        data = self.prepared("1.nut")
        observed = self.observed(3)
        before = self.ask("stats", id=3)["segments"]["waiting"]
        first = self.occupied()
        second = self.push({"room": 3, "segment": "second", "metadata": {"n": 2}})
        second.send(self.short)
        second.end()
        told = second.event("waiting")
        self.assertEqual((told["segment"], told["reason"], told["limit"]), ("second", "max_live", 1))
        self.assertEqual(told["metadata"], {"n": 2})
        self.janus.wait_log(
            "room 3: segment second is next and waits for a worker: as many as max_live allows (1) are being encoded")
        third = self.push({"room": 2, "segment": "third"}, secret="whisper")
        third.send(data)
        third.end()
        self.assertEqual(third.result()["event"], "finished", third.said())
        self.assertEqual(second.events()[-1], "waiting")
        self.ask("skip", id=1)
        self.assertEqual(first.result()["event"], "skipped", first.said())
        self.assertEqual(second.result()["event"], "finished", second.said())
        self.assertEqual(self.own(second), ["queued", "waiting", "ready", "started", "finished"])
        self.assertNotIn("waiting", first.events() + third.events())
        self.assertEqual(observed.wait(lambda e: e.get("event") == "waiting"), told)
        self.assertEqual(self.ask("stats", id=3)["segments"]["waiting"], before + 1)


class OnePlaceInOtherWays(OnePlaceCase):
    def test_a_text_waits_for_a_worker_as_well(self):
        first, observed = self.occupied(), self.observed(3)
        said = self.ask("say", id=3, text="Wait for me.")["segment"]
        told = observed.wait(lambda e: e.get("event") == "waiting")
        self.assertEqual((told["segment"], told["reason"], told["limit"]), (said, "max_live", 1))
        self.ask("skip", id=1)
        self.assertEqual(first.result()["event"], "skipped", first.said())
        self.assertEqual(observed.wait(lambda e: e.get("segment") == said and e.get("event") in ENDS)["event"], "finished")

    def test_who_waits_for_a_worker_may_be_removed(self):
        first = self.occupied()
        second = self.push({"room": 3, "segment": "unwanted"})
        second.send(self.short)
        second.event("waiting")
        self.ask("remove", id=3, segment="unwanted")
        self.assertEqual(second.result()["event"], "removed", second.said())
        self.assertEqual(self.own(second), ["queued", "waiting", "removed"])
        self.ask("skip", id=1)
        self.assertEqual(first.result()["event"], "skipped", first.said())
        third = self.push({"room": 3, "segment": "wanted"})
        third.send(self.short)
        third.end()
        self.assertEqual(third.result()["event"], "finished", third.said())
        self.assertNotIn("waiting", third.events())


class FewPlaces(PushCase):
    jcfg = JCFG.replace("max_pushes = 12", "max_live = 4 worker_silence_s = 120 max_pushes = 12")

    def test_a_room_that_has_its_share_is_told(self):
        """Each of these was next when it came; the fourth is one too many, though there is a place for another room."""
        pushes = []
        for segment, priority in (("plays", "background"), ("second", "background"), ("third", "normal")):
            push = self.push({"room": 1, "segment": segment, "priority": priority})
            push.send(self.long[:len(self.long) // 2] if not pushes else self.short[:100])
            push.event("queued" if pushes else "started")
            pushes.append(push)
        end = time.monotonic() + WAIT_S
        while self.ask("stats", admin_key="operator")["usage"]["workers_live"]["used"] < 3:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        fourth = self.push({"room": 1, "segment": "fourth", "priority": "urgent"})
        fourth.send(self.short)
        fourth.end()
        told = fourth.event("waiting")
        self.assertEqual((told["reason"], told["limit"]), ("room_share", 3))
        self.janus.wait_log(
            "room 1: segment fourth is next and waits for a worker: its room has its share (3) of max_live")
        other = self.push({"room": 3})
        other.send(self.short)
        other.end()
        self.assertEqual(other.result()["event"], "finished", other.said())
        self.assertEqual(fourth.events()[-1], "waiting")
        self.ask("remove", id=1, segment="second")
        self.assertEqual(fourth.result()["event"], "finished", fourth.said())
        self.assertNotIn("waiting", [event for push in (*pushes, other) for event in push.events()])


class LinesCase(PushCase):
    def refused(self, code, word, data, address=None):
        with connect(address or self.tcp) as sock, sock.makefile("rb") as stream:
            sock.sendall(data if isinstance(data, bytes) else json.dumps(data).encode() + b"\n")
            lines = stream.read().splitlines()
        self.assertEqual(len(lines), 1, lines)
        answer = json.loads(lines[0])
        self.assertEqual(answer["error_code"], code, answer)
        self.assertIn(word, answer["error"])


class Hurried(LinesCase):
    """Who is slow fails, after the time that the options say."""
    jcfg = JCFG.replace("push_line_s = 60", "push_line_s = 4 worker_silence_s = 3")

    def test_a_generator_that_stalls(self):
        for data in (self.long[:300000], self.prepared("8.nut")[:20000], b""):
            with self.subTest(len(data)):
                begin = time.monotonic()
                push = self.push({"room": 1})
                push.send(data)
                self.assertEqual(push.result()["event"], "failed", push.said())
                self.assertGreater(time.monotonic() - begin, 2)

    def test_a_line_that_does_not_end(self):
        self.refused(464, "push_line_s", b'{"room":1')


class Lines(LinesCase):
    def setUp(self):
        super().setUp()
        self.prepared("1.nut")

    def test_each_mistake_is_named(self):
        for code, word, line in (
                (451, "JSON", b"hello\n"), (451, "JSON", b"[]\n"), (451, "JSON", b"\n"), (453, '"room"', {}),
                (454, '"room"', {"room": "x"}), (455, "(77)", {"room": 77}),
                (454, '"segment"', {"room": 1, "segment": ""}), (454, '"segment"', {"room": 1, "segment": "x" * 65}),
                (454, '"metadata"', {"room": 1, "metadata": []}),
                (464, '"metadata"', {"room": 1, "metadata": {"x": "x" * 5000}}),
                (464, '"text"', {"room": 1, "text": "x" * 5000}),
                (454, '"progress_ms"', {"room": 1, "progress_ms": 5}),
                (454, '"progress_ms"', {"room": 1, "progress_ms": "5"}),
                (452, "anchor", {"room": 1, "request": "secret"}),
                (464, "max_depth", {"room": 1, "metadata": json.loads("[" * 50 + "]" * 50)}),
                (464, "65536 bytes", b"x" * 70000)):
            with self.subTest(line=str(line)[:60]):
                self.refused(code, word, line)

    def test_tokens(self):
        good = token("whisper", 2)
        for word, line in (
                ("missing", {"room": 2}), ("wrong", {"room": 2, "token": "x"}),
                ("wrong", {"room": 2, "token": "whisper"}), ("wrong", {"room": 2, "token": token("whispers", 2)}),
                ("wrong", {"room": 2, "token": token("whisper", 1)}),
                ("expired", {"room": 2, "token": token("whisper", 2, -5)}),
                ("expires", {"room": 2, "token": token("whisper", 2, 4000)}),
                ("wrong", {"room": 2, "token": token("whisper", 2, nonce="short")}),
                ("wrong", {"room": 2, "token": good[:-1] + ("0" if good[-1] != "0" else "1")})):
            with self.subTest(line=line):
                self.refused(457, word, line)
        push = self.push({"room": 2, "token": good})
        push.event("queued")
        self.refused(457, "used before", {"room": 2, "token": good})
        push.send(self.short)
        push.end()
        self.assertEqual(push.result()["event"], "finished")
        self.assertNotIn(good, self.janus.log())

    def test_questions(self):
        push = self.push({"request": "info", "room": 2}, secret="whisper")
        info = push.wait(lambda line: "info" in line)["info"]
        scene = info.pop("scene")
        self.assertEqual({"room": 2, "width": 64, "height": 64, "kbps": 200, "entry_ms": 500, "ahead_ms": 1000,
                          "state": "idle"}.items() - info.items(), set())
        self.assertTrue(scene["clip"].endswith("idle.avi"), scene)
        self.assertNotIn("position_ms", scene)          # nobody watches: the clip does not run
        push.say({"request": "info", "room": 2})        # it has proved to know the secret
        push.say({"room": 2, "segment": "after questions"})
        push.send(self.prepared("1.nut"))
        self.assertEqual(push.result()["event"], "finished")

    def test_the_anchor_makes_segments_without_a_key_frame(self):
        data = self.prepared("1.nut")
        own = list(records(data))[1]
        self.assertEqual(own[:4], b"ANCH")
        self.assertEqual(own, list(records(anchor(self.tcp, 1)))[1])
        with Gateway(self.janus.ws) as gateway:
            viewer = gateway.watch({"id": 1})
            viewer.wait(lambda v: v.video and v.audio and len(v.video.packets) > 10)
            push = self.push({"room": 1})
            push.send(data)
            push.end()
            self.assertEqual(push.result()["event"], "finished", push.said())
            viewer.wait_until(push.result()["media_ms"])
        pictures = rtp.pictures(viewer.video)
        units = {unit.data for unit in dhs.Segment(self.janus.path("1.nut.dhs")).video}
        self.assertLessEqual(units, {picture.data for picture in pictures})
        self.assertEqual([picture.key for picture in pictures].count(True), 1)

    def test_a_line_in_pieces(self):
        push = self.push(None)
        for piece in (b'{"ro', b'om":', b'1}', b"\n" + self.prepared("1.nut")):
            push.send(piece)
            time.sleep(0.05)
        self.assertEqual(push.result()["event"], "finished")

    def test_limits(self):
        pushes = [self.push({"room": 3}) for _ in range(4)]
        for push in pushes:
            push.event("queued")
        self.refused(464, "max_pushes_per_room", {"room": 3})
        self.quiet(len(pushes))
        pushes += [self.push({"room": 1 + i % 2}, secret="whisper" if i % 2 else None) for i in range(8)]
        for push in pushes:
            push.event("queued")
        self.refused(464, "max_pushes", {"room": 1})
        for push in pushes:
            push.close()
        for room, secret in ((1, None), (2, "whisper"), (3, None)):
            self.ask("interrupt", id=room, **({"secret": secret} if secret else {}))
        self.quiet()

    def test_the_socket_is_for_those_who_may(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.local).st_mode), 0o600)

    def descriptors(self):
        found = []
        for number in os.listdir("/proc/%d/fd" % self.janus.process.pid):
            try:
                found.append(os.readlink("/proc/%d/fd/%s" % (self.janus.process.pid, number)))
            except OSError:
                pass
        return sorted(found)

    def test_nothing_stays_open(self):
        self.quiet()
        before = len(self.descriptors())
        for i in range(300):
            sock = connect(self.tcp if i % 2 else self.local)
            sock.sendall((b"", b"{", b'{"room":1}\n', b'{"room":1}\nDHS', b"\n", b'{"room":1}\n' + self.short)[i % 6])
            sock.close()
        self.ask("interrupt", id=1)
        self.quiet()
        end = time.monotonic() + WAIT_S
        while len(self.descriptors()) > before + 4:         # warm workers come and go
            self.assertLess(time.monotonic(), end, (before, self.descriptors()))
            self.ask("interrupt", id=1)
            time.sleep(0.05)


class Configured(unittest.TestCase):
    def test_mistakes(self):
        port, = free_ports(1)
        for word, general in (("push_listen", 'push_listen = "localhost:1"'), ("push_listen", 'push_listen = "8189"'),
                              ("push_plain must be true", 'push_listen = "0.0.0.0:%d"' % port),
                              ("push_socket_mode", 'push_socket_mode = "rw"'),
                              ("push_socket", 'push_socket = "push.sock"')):
            with self.subTest(general):
                janus = JanusServer('general: { cache_folder = "" worker = "{prepare}" %s }' % general).start()
                self.addCleanup(janus.stop, check=False)
                janus.wait_log("general: .*" + re.escape(word), pattern=True)
                janus.wait_log("not started")
                janus.stop(check=False)

    def test_plain_connections_of_others_are_warned_of(self):
        port, = free_ports(1)
        janus = JanusServer('general: { cache_folder = "" worker = "{prepare}" push_plain = true '
                            'push_listen = "0.0.0.0:%d" }' % port)
        with janus:
            janus.wait_log("without encryption")

    def test_a_socket_left_behind_is_replaced(self):
        janus = JanusServer('general: { cache_folder = "" worker = "{prepare}" push_socket = "{folder}/push.sock" }')
        with janus:
            janus.wait_log("generators may push to")
            path = janus.path("push.sock")
            janus.process.kill()
            janus.process.wait()
            self.assertTrue(os.path.exists(path))
            janus.launch()
            connect(path).close()
        self.assertFalse(os.path.exists(path))


if __name__ == "__main__":
    unittest.main()
