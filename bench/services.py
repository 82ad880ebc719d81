# SPDX-License-Identifier: GPL-3.0-or-later
"""How soon a generator is heard: a command, an HTTP service, a text that is still being written."""
import os
import subprocess
import time

from figure import Figure
from janus_server import JanusServer
from service import Service

CONFIGURATION = """
general: { cache_folder = "" worker = "{prepare}" }
avatar-small: { width = 256 height = 256 idle = "{folder}/idle.nut" }
generator-command: { command = [ "/bin/cat", "{folder}/hello.nut" ] }
generator-service: { url = "URL" }
generator-talker: { command = [ "{talker}", "--size", "256x256" ] }
room-1: { id = 1 avatar = "small" generator = "command" }
room-2: { id = 2 avatar = "small" generator = "service" }
room-3: { id = 3 avatar = "small" generator = "talker" }
"""
FIRST, SECOND = "Good morning, dear friends. ", "This is the second sentence of them."
SERVICE_MS = 40     # more than a command


class Server(JanusServer):
    def write_configuration(self):
        super().write_configuration()
        os.chmod(self.folder, 0o755)        # generators run as nobody
        talker = [os.environ["DH_TALKER"], "--size", "256x256", "-o"]
        subprocess.run(talker + [self.path("hello.nut"), "Hello."], check=True)
        subprocess.run(talker + [self.path("idle.nut"), "--idle", "2"], check=True)


class Rooms:
    def __init__(self, janus):
        self.handle, self.observers = janus.attach(), {}
        for room in (1, 2, 3):
            janus.wait_for_state(self.handle, room, "idle")
            self.observers[room] = janus.attach()
            self.observers[room].request({"request": "observe", "id": room})

    def say(self, room, text, rest=None):
        """Milliseconds until enough is there to play."""
        events, begun = self.observers[room].events, time.monotonic()
        request = {"request": "say", "id": room, "text": text, "more": rest is not None}
        segment = self.handle.request(request)["segment"]
        events.wait(lambda e: e.get("segment") == segment and e.get("event") == "ready")
        took = time.monotonic() - begun
        if rest is not None:
            self.handle.request({"request": "say", "id": room, "segment": segment, "text": rest})
        end = events.wait(lambda e: e.get("segment") == segment and e.get("event") in ("finished", "failed"))
        assert end["event"] == "finished", end
        return took * 1000


def services(_, runs):
    """`say` to enough of the segment: a command, a service on this machine, a text still being written."""
    media = []
    service = Service(lambda asked: (asked.await_whole(), asked.send(media[0])))
    configuration = CONFIGURATION.replace("URL", service.url)
    with Server(configuration) as janus:
        with open(janus.path("hello.nut"), "rb") as file:
            media.append(file.read())
        rooms = Rooms(janus)
        command, asked, whole, written = [], [], [], []
        for _ in range(runs):
            command.append(rooms.say(1, "x"))
            asked.append(rooms.say(2, "x"))
            whole.append(rooms.say(3, FIRST + SECOND))
            written.append(rooms.say(3, FIRST, SECOND))
    service.close()
    beyond = [a - c for a, c in zip(asked, command)]
    return [Figure("say to a command, until it may play", command), Figure("say to a service", asked),
            Figure("service beyond a command", beyond, {"median": SERVICE_MS}),
            Figure("say, whole text", whole),
            Figure("say, its first sentence written, beyond the whole text",
                   [w - a for w, a in zip(written, whole)], {"median": 20})]
