# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/api.md is right and complete: its examples run as written, and nothing is missing."""
import json
import os
import re
import subprocess
import unittest

from janus_server import JanusServer

ROOT = os.environ["DH_ROOT"]
EXACT = ("digitalhuman", "event", "status", "error_code", "error", "state")     # values that have to be the same
VARIES = ("state",)                     # but this may be any of the documented ones, while time goes on
STATES = ("preparing", "ready", "playing", "idle", "listening", "thinking", "speaking", "watching", "observing")


def read(path):
    with open(os.path.join(ROOT, path)) as f:
        return f.read()


class Server(JanusServer):
    """The documented configuration, with its paths in the server's own folder."""

    def write_configuration(self):
        self.jcfg = re.search(r"```jcfg\n(.*?)```", read("docs/api.md"), re.S)[1]
        self.jcfg = self.jcfg.replace("/usr/bin/dh-talker", "{talker}")
        self.jcfg = self.jcfg.replace('"/srv/segments"', '"{folder}/segments"\n\tworker = "{prepare}"\n\tcache_folder = ""')
        self.jcfg = self.jcfg.replace("/srv/avatars", "{folder}").replace("/srv/recordings", "{folder}/recordings")
        super().write_configuration()
        os.mkdir(self.path("recordings"))
        talker = os.environ["DH_TALKER"]
        subprocess.run([talker, "--size", "64x64", "--portrait", self.path("anna.png")], check=True)
        subprocess.run([talker, "--size", "64x64", "-o", self.path("segments/hello.mkv"),
                        "Hello, I am on stage, and I have got a lot to say. " * 5], check=True)   # it plays as long as it is asked about


class Examples(unittest.TestCase):
    def same(self, documented, answer, where):
        """Whether an answer has the documented one's fields and their types."""
        self.assertEqual(type(documented), type(answer), where)
        if isinstance(documented, dict):
            self.assertEqual(set(documented), set(answer), where)
            for key, value in documented.items():
                if value is None or answer[key] is None:
                    continue                    # "null until it is known"
                if key in VARIES:
                    self.assertIn(answer[key], STATES, where)
                elif key in EXACT:
                    self.assertEqual(value, answer[key], where)
                else:
                    self.same(value, answer[key], where + "." + key)
        elif isinstance(documented, list):
            self.assertEqual(len(documented), len(answer), where)
            for one, other in zip(documented, answer):
                self.same(one, other, where)

    def test_examples(self):
        blocks = [json.loads(b) for b in re.findall(r"```json\n(.*?)```", read("docs/api.md"), re.S)]
        with Server("") as janus:
            asker, watcher, observer = (janus.attach() for _ in range(3))
            handles = {"watch": watcher, "pause": watcher, "configure": watcher, "switch": watcher, "stop": watcher,
                        "observe": observer}
            janus.wait_for_state(asker, 1, "idle")
            run = set()
            for request, answer in zip(blocks, blocks[1:]):
                if "request" not in request:
                    continue
                name = request["request"]
                if name == "queue":             # the example shows it while the first one plays
                    observer.events.wait(lambda e: e.get("event") == "started")
                got = handles.get(name, asker).request(request)
                while name == "progress" and "heard_text" not in got:       # its words come with it
                    got = asker.request(request)
                self.same(answer, got, name)
                run.add(name)
            event = next(b for b in blocks if b.get("event") == "started")
            told = observer.events.wait(lambda e: e.get("event") == "started" and e["segment"] == event["segment"])
            self.same(event, told, "event")
        self.assertEqual(run | {"start"}, self.requests())

    @staticmethod
    def requests():
        """All requests in the plugin's tables."""
        found = set()
        for name in os.listdir(ROOT + "/plugin"):
            if name.startswith("request_"):
                found.update(re.findall(r'^\t\{ "(\w+)", (?:true|false), DH_AUTHORITY', read("plugin/" + name), re.M))
        return found

    def test_nothing_is_missing(self):
        text = read("docs/api.md")
        for name in self.requests():
            self.assertRegex(text, r"(?m)^### (.*, )?%s\b" % name)
        for code in re.findall(r"= (4\d\d),", read("plugin/request.h")):
            self.assertIn("| %s |" % code, text)
        told = set(re.findall(r'\[DH_EVENT_\w+\] = "(\w+)"', read("rooms/room_report.c")))
        for name in os.listdir(ROOT + "/rooms"):
            if name.endswith(".c"):
                told.update(re.findall(r'(?:dh_room_report_new|dh_room_report_viewer|presence)\(room, "(\w+)"',
                                       read("rooms/" + name)))
        self.assertGreater(len(told), 16)
        for name in told | {"enabled", "disabled", "created"}:
            self.assertRegex(text, "`%s`|\"%s\"" % (name, name))
        limits = [name for name in re.findall(r"DH_NUMBER\(struct dh_config, (max_\w+)", read("plugin/config.c"))]
        for name in limits:
            default = re.search(r"DH_NUMBER\(struct dh_config, %s, .*, (\d+)\)," % name, read("plugin/config.c"))[1]
            self.assertRegex(text, r"`%s` %s\b" % (name, default))


if __name__ == "__main__":
    unittest.main()
