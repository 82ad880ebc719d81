# SPDX-License-Identifier: GPL-3.0-or-later
"""How soon a generator is heard: a command, an HTTP service, a text that is still being written."""
import os
import subprocess
import time

from figure import Figure
from janus_server import JanusServer
from packets import first_speech, random_pause
from service import Service
from viewers import Gateway

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
SENTENCE_MS = 40    # more than a whole text; both begin on a grid of 20 ms
SAY_MS = 300        # as the figure "say"


class Server(JanusServer):
    def write_configuration(self):
        super().write_configuration()
        os.chmod(self.folder, 0o755)        # generators run as nobody
        talker = [os.environ["DH_TALKER"], "--size", "256x256", "-o"]
        subprocess.run(talker + [self.path("hello.nut"), "Hello."], check=True)
        subprocess.run(talker + [self.path("idle.nut"), "--idle", "2"], check=True)


class Rooms:
    def __init__(self, gateway):
        self.gateway, self.viewers = gateway, {}
        for room in (1, 2, 3):
            while gateway.request({"request": "info", "id": room})["info"]["state"] != "idle":
                time.sleep(0.1)
            self.viewers[room] = gateway.watch({"id": room})

    def say(self, room, text, rest=None):
        """Milliseconds until a viewer has the first packet of speech. `rest` of the text follows once that has come."""
        random_pause()
        since = len(self.gateway.events)
        request = {"request": "say", "id": room, "text": text, "more": rest is not None}
        sent, answer = self.gateway.timed_request(request)
        heard = self.viewers[room].wait(lambda v: first_speech(v, sent))
        if rest is not None:
            self.gateway.request({"request": "say", "id": room, "segment": answer["segment"], "text": rest})
        _, end = self.gateway.wait_event(("finished", "failed"), since, segment=answer["segment"])
        if end["event"] != "finished":
            raise RuntimeError(f"a sentence failed: {end}")
        return (heard - sent) * 1000


def services(_, runs):
    """`say` to the first packet of speech: a command, a service on this machine, a text still being written."""
    media = []
    service = Service(lambda asked: (asked.await_whole(), asked.send(media[0])))
    configuration = CONFIGURATION.replace("URL", service.url)
    times = {"command": [], "service": [], "whole": [], "written": []}
    with Server(configuration) as janus:
        with open(janus.path("hello.nut"), "rb") as file:
            media.append(file.read())
        with Gateway(janus.ws) as gateway:
            rooms = Rooms(gateway)
            for _ in range(runs):
                times["command"].append(rooms.say(1, "x"))
                times["service"].append(rooms.say(2, "x"))
                times["whole"].append(rooms.say(3, FIRST + SECOND))
                times["written"].append(rooms.say(3, FIRST, SECOND))
    service.close()
    return figures(**times)


def figures(command, service, whole, written):
    """What is compared was said one after the other, so the machine was the same to both."""
    return [Figure("say to a command -> sound", command), Figure("say to a service -> sound", service),
            Figure("service beyond a command", beyond(service, command), {"median": SERVICE_MS, "p95": SERVICE_MS}),
            Figure("say, whole text -> sound", whole),
            Figure("say, a text's first sentence -> sound", written, {"p95": SAY_MS}),
            Figure("a text's first sentence beyond a whole text", beyond(written, whole), {"median": 20, "p95": SENTENCE_MS})]


def beyond(values, others):
    return [value - other for value, other in zip(values, others)]
