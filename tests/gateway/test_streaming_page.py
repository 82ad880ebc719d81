# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that were written for the Streaming plugin work with its name changed, and nothing else: its demo pages in
Chromium, with npm's janus-gateway, too, and janode's class with a peer of werift's. All are downloaded; without a network they are skipped."""
import json
import os
import subprocess
import unittest

import npm
from demo_page import DemoPage, newer_pages
from hosted_room import HostedRoom
from probe import browser

hosted = None


def ask(request, **fields):
    return hosted.handle.request({"request": request, **fields})


class Host(unittest.TestCase):
    GENERAL = ""

    @classmethod
    def setUpClass(cls):
        global hosted
        hosted = HostedRoom(general=cls.GENERAL, room='description = "Demonstration"')
        cls.addClassCleanup(hosted.close)


class Page(Host):
    """As this system has it: of Janus 1.1.2 in Debian 12."""

    @staticmethod
    def pages():
        return None

    @staticmethod
    def modules():
        return None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.demo = cls.enterClassContext(DemoPage(hosted.server.ws, pages=cls.pages(), modules=cls.modules()))
        cls.chromium = cls.enterClassContext(browser(shell=True))

    def setUp(self):
        ask("create", id=9, avatar="probe", description="For a while")
        self.addCleanup(ask, "destroy", id=9)
        # What is said to Janus is counted, what comes from it is kept, and alerts stay to be seen. Statistics that come after
        # the connection has ended do not come: janus.js would throw.
        self.page = self.chromium.open(self.demo.url, before="""
            window.asked = []; window.told = []; window.tracks = [];
            window.RTCPeerConnection = class extends RTCPeerConnection {
                constructor(...args) { super(...args); tracks = []; this.addEventListener('track', e => tracks.push(e.track)); }
                getStats(...args) {
                    return super.getStats(...args).then(all => this.signalingState === 'closed' ? new Promise(() => {}) : all);
                }
            };
            const Plain = WebSocket;
            window.WebSocket = class extends Plain {
                constructor(...args) { super(...args); this.addEventListener('message', e => told.push(JSON.parse(e.data))); }
                send(text) { asked.push(JSON.parse(text)); super.send(text); }
            };""")
        self.addCleanup(self.page.close)
        self.page.wait("window.$ && $('#start').length && $('#start').data && $._data($('#start')[0], 'events')")
        self.page.evaluate("$('#start').click()")
        self.page.wait("$('#streamslist a').length >= 3")

    def choose(self, room):
        self.page.evaluate("$('#streamslist a').filter((i, a) => a.id === '%d').click()" % room)

    def watch(self, room):
        self.choose(room)
        self.page.wait("$('#watch').text().startsWith('Watch') && !$('#watch').attr('disabled')")
        self.page.evaluate("window.asked.length = window.told.length = 0")
        self.page.evaluate("$('#watch').click()")
        self.page.wait("document.querySelector('video[id^=remotevideo]')?.currentTime > 0.3")
        self.page.wait("$('#watch').text() === 'Stop'")
        # The sound, too: the page would throw if the browser told it of its begin after its end.
        self.page.wait("tracks.length === 2 && tracks.every(t => !t.muted)")
        self.assertEqual(self.page.evaluate("document.querySelector('video[id^=remotevideo]').videoWidth"), hosted.size)

    def stopped(self):
        """When the room has let it go, and the page has done all that it does about that."""
        self.page.wait("$('#watch').text().startsWith('Watch') && !$('#watch').attr('disabled')")
        self.page.wait("told.some(m => m.plugindata?.data?.result?.status === 'stopped')")
        self.page.wait("asked.filter(m => m.body?.request === 'stop').every(a => told.some(t => t.transaction === a.transaction "
                       "&& t.janus === 'event'))")
        self.assertLessEqual(self.page.evaluate("asked.filter(m => m.body?.request === 'stop').length"), 3)
        self.calm()

    def calm(self):
        self.assertEqual(self.page.evaluate("$('.bootbox').text()"), "")
        self.assertEqual([e for e in self.page.errors if "404" not in e], [])

    def check_list(self):
        texts = self.page.evaluate("$('#streamslist a').map((i, a) => a.textContent).get()")
        self.assertIn("Demonstration (live)", texts)
        self.assertFalse([t for t in texts if "undefined" in t])

    def test_lists_watches_stops_and_changes_rooms(self):
        self.check_list()
        for room in (1, 1, 2):
            self.watch(room)
            self.page.wait("told.some(m => m.plugindata?.data?.result?.status === 'started')")
            self.page.wait("$('.badge, .label').text().includes('%dx%d')" % (hosted.size, hosted.size))
            self.page.wait(r"/[1-9]\d* kbits/.test($('.badge, .label').text())")
            self.page.evaluate("$('#watch').click()")
            self.stopped()
            self.assertEqual(ask("info", id=room)["info"]["watching"], 0)
        self.calm()

    def test_survives_a_destroyed_room(self):
        self.watch(9)
        ask("destroy", id=9)
        self.stopped()
        self.watch(1)
        self.page.evaluate("$('#watch').click()")
        self.stopped()


class Newer(Page):
    """Of Janus 1.4.1 or later."""

    @staticmethod
    def pages():
        return newer_pages()


class Npm(Page):
    """With npm's janus-gateway instead of the page's own janus.js."""

    @staticmethod
    def modules():
        return os.path.join(npm.packages("janus-gateway@1"), "node_modules")

    def test_lists_watches_stops_and_changes_rooms(self):
        super().test_lists_watches_stops_and_changes_rooms()
        self.assertTrue(self.page.evaluate("performance.getEntriesByType('resource').some(e => e.name.endsWith('/janus.es.js')) && "
                                           r"!performance.getEntriesByType('resource').some(e => /janus(\.min)?\.js$/.test(e.name))"))


class Also(Page):
    """With the other plugin's key, and without the room's events."""
    GENERAL = 'also_answer_as = "streaming"'
    test_survives_a_destroyed_room = test_lists_watches_stops_and_changes_rooms = None

    def test_survives_a_segment_that_fails(self):
        self.watch(1)
        with open(os.path.join(hosted.segments, "text.mp4"), "w") as file:
            file.write("This is no film.\n" * 100)
        observer = hosted.server.attach()
        self.addCleanup(observer.detach)
        observer.request({"request": "observe", "id": 1})
        ask("enqueue", id=1, file="text.mp4")
        observer.events.wait(lambda e: e.get("event") == "failed")
        before = self.page.evaluate("document.querySelector('video[id^=remotevideo]').currentTime")
        self.page.wait("document.querySelector('video[id^=remotevideo]').currentTime > %f + 0.5" % before)
        self.calm()


class Janode(Host):
    GENERAL = Also.GENERAL

    def test_janode(self):
        client = npm.script("janode_client.mjs", "janode@1", "werift@0")
        folder = os.path.dirname(client)
        # Its Unix sockets, which are not used, need a compiler.
        with open(os.path.join(folder, "node_modules/unix-dgram/lib/unix_dgram.js"), "w") as file:
            file.write("exports.createSocket = null;\n")
        ask("create", id=8, avatar="probe")
        self.addCleanup(ask, "destroy", id=8)
        process = subprocess.Popen(["node", client, hosted.server.ws], cwd=folder, stdin=subprocess.PIPE, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            said = []
            for line in process.stdout:
                said.append(json.loads(line))
                if said[-1].get("step") == "watches a room that ends":
                    ask("destroy", id=8)
            errors = process.stderr.read()
            self.assertEqual(process.wait(60), 0, (said, errors))
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                pipe.close()
        self.assertEqual([s["step"] for s in said], ["lists", "watches", "configures", "switches", "stops", "watches again",
                                                     "watches a room that ends", "ended"], said)
        self.assertEqual([s["warnings"] for s in said if s["warnings"]], [], said)


if __name__ == "__main__":
    unittest.main()
