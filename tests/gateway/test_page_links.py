# SPDX-License-Identifier: GPL-3.0-or-later
"""digitalhuman.js and what happens to its connection: servers that fail, answers and refusals, pauses, links that
are dead although nothing says so. Faults are made in the page, or in what lies between it and a real gateway."""
import json
import os
import socket
import subprocess
import unittest

from hosted_room import HostedRoom
from janus_server import JanusServer
from page_server import Forwarder, PageServer
from probe import browser, dropped

# Runs before the page's own scripts. __mute: what is said to the gateway goes nowhere. __still: kinds of media of
# which no more bytes come, as statistics have it. __asleep: ms that the clock on the wall has jumped ahead. __slow: ms that
# the browser needs to take an offer. __order: what happened: states, and ways that were taken (the ICE name of the other end).
FAULTS = """
    window.__mute = false; window.__still = []; window.__asleep = 0; window.__said = []; window.__slow = 0; window.__looks = 0;
    window.__order = [];
    const send = WebSocket.prototype.send, now = Date.now, stats = RTCPeerConnection.prototype.getStats;
    WebSocket.prototype.send = function(text) {
        __said.push(JSON.parse(text).body?.request ?? '');
        if (!__mute)
            send.call(this, text);
    };
    Date.now = () => now() + __asleep;
    const take = RTCPeerConnection.prototype.setRemoteDescription;
    RTCPeerConnection.prototype.setRemoteDescription = async function(...args) {
        if (__slow)
            await new Promise(done => setTimeout(done, __slow));
        await take.apply(this, args);
        __order.push({ pc: this, way: this.remoteDescription.sdp.match(/ice-ufrag:(.*)/)[1] });
    };
    const frozen = new Map();
    RTCPeerConnection.prototype.getStats = async function(...args) {
        __looks++;
        const all = await stats.apply(this, args);
        return new Map([...all].map(([id, s]) => {
            if (s.type !== 'inbound-rtp' || !__still.includes(s.kind))
                return [id, s];
            const key = s.ssrc + s.kind;
            if (!frozen.has(key))
                frozen.set(key, s.bytesReceived);
            return [id, { ...s, bytesReceived: frozen.get(key) }];
        }));
    };
"""
# A promise's end: ["resolved", value] or ["rejected", code, message].
END = "%s.then(value => ['resolved', value], error => ['rejected', error.code, error.message])"
SEEN = """(async () => JSON.stringify({ states, words: dh.words, info: await dh.info().catch(String),
    inbound: [...(await dh.pc?.getStats())?.values() ?? []].filter(({ type }) => type === 'inbound-rtp') }))()"""
UNTIL_IT_IS_NOTICED = "dh.on('status', ({ state }) => { window.__mute &&= state !== 'reconnecting'; }), 0"


def setUpModule():
    global hosted, pages, chromium
    hosted = HostedRoom(room='description = "Stage" secret = "open"', general="max_viewers_per_room = 3")
    unittest.addModuleCleanup(hosted.close)
    with open(os.path.join(hosted.segments, "broken.mp4"), "wb") as file:
        file.write(b"not a film" * 100)
    pages = unittest.enterModuleContext(PageServer())
    chromium = unittest.enterModuleContext(browser(shell=True))


class Link(unittest.TestCase):
    def open(self, servers=None, playing=True, slow=0, tabs=None, **options):
        options = {"server": servers or hosted.server.ws, "room": 1, **options}
        page = (tabs or chromium).open(pages.url + "blank.html", before=FAULTS)
        self.addCleanup(page.close)
        page.wait("document.querySelector('video')")
        page.evaluate("""import('/digitalhuman.js').then(({ DigitalHuman }) => {
            window.states = []; window.__slow = %d;
            window.dh = new DigitalHuman({ ...%s, video: document.querySelector('video') });
            dh.on('status', ({ state }) => { states.push(state); __order.push({ state }); });
        })""" % (slow, json.dumps(options)))
        if playing:
            try:
                page.wait("dh.state === 'playing'")
            except TimeoutError as error:
                self.fail(f"{error}; instead: {page.evaluate(SEEN)}, {page.errors}")
            page.evaluate("window.first = dh.pc; states.length = 0")
        return page

    def is_undisturbed(self, page):
        self.assertEqual([[], True], page.evaluate("[states, dh.pc === window.first]"))

    def end(self, page, promise):
        return page.evaluate(END % promise)


class Servers(Link):
    def test_the_next_one_when_one_goes(self):
        first = Forwarder(hosted.server.ws_port)
        self.addCleanup(first.close)
        second = Forwarder(hosted.server.ws_port)
        self.addCleanup(second.close)
        page = self.open([first.ws, second.ws])
        self.assertEqual([1, 0], [first.accepted, second.accepted])
        first.close()
        page.wait("dh.state === 'playing' && dh.pc !== window.first")
        self.assertGreater(second.accepted, 0)

    def test_in_turn_with_growing_pauses(self):
        page = chromium.open(pages.url + "blank.html")
        self.addCleanup(page.close)
        waits, turns, later = page.wait("""import('/js/servers.js').then(({ Servers }) => {
            Math.random = () => 0.5;
            const servers = new Servers(['a', 'b']), turns = [], waits = [];
            for (let i = 0; i < 14; i++) {
                turns.push(servers.address);
                waits.push(servers.failed(false));
            }
            Math.random = () => 0.25;
            return [waits, turns.join(''), servers.failed(false) / waits.at(-1)];
        })""")
        self.assertEqual("ab" * 7, turns)
        self.assertEqual([100, 100, 200, 200, 400, 400, 800, 800, 1600, 1600, 2000, 2000], waits[:12])
        self.assertEqual(0.75, later)


class Answers(Link):
    def test_pause_and_resume_are_answered(self):
        page = self.open()
        kind, answer = self.end(page, "dh.pause()")
        self.assertEqual(("resolved", "pausing"), (kind, answer["result"]["status"]))
        self.assertEqual("paused", page.evaluate("dh.state"))
        kind, answer = self.end(page, "dh.resume()")
        self.assertEqual(("resolved", "started"), (kind, answer["result"]["status"]))
        self.assertEqual([["paused", "playing"], True], page.evaluate("[states, dh.pc === window.first]"))

    def test_a_refusal_harms_nothing_else(self):
        page = self.open()
        for body, code in (({"request": "switch", "id": 99}, 455), ({"request": "configure", "streams": [{"mid": "x"}]}, 454),
                           ({"request": "observe"}, 460), ({"request": "watch", "id": 2}, 460)):
            self.assertEqual(["rejected", code], self.end(page, f"dh.request({json.dumps(body)})")[:2])
        # each answer goes to its own request, whatever the others bring
        ends = page.evaluate("Promise.all([%s])" % ", ".join(END % request for request in (
            "dh.pause()", "dh.request({ request: 'switch', id: 99 })", "dh.info()", "dh.resume()")))
        self.assertEqual(["resolved", "rejected", "resolved", "resolved"], [end[0] for end in ends])
        self.is_undisturbed(page)

    def test_a_segment_that_fails(self):
        page = self.open(secret="open")
        page.evaluate("dh.on('failed', event => { window.failed = event.error_code; }); dh.enqueue('broken.mp4')")
        self.assertEqual(465, page.wait("window.failed"))
        self.assertEqual("resolved", self.end(page, "dh.info()")[0])
        self.is_undisturbed(page)

    def test_what_ends_the_connection_is_answered(self):
        page = self.open(secret="open")
        page.wait("dh.info().then(({ info }) => info.watching === 1)")   # an earlier page may be about to leave
        self.assertEqual(["resolved", 1], page.evaluate(
            "dh.request({ request: 'kick_all' }).then(answer => ['resolved', answer.kicked], error => [error.message])"))
        page.wait("dh.state === 'kicked'")
        hosted.handle.request({"request": "create", "id": 9, "avatar": "probe"})
        page = self.open(room=9)
        self.assertEqual("resolved", self.end(page, "dh.request({ request: 'destroy' })")[0])
        page.wait("dh.words.includes('no such room')")

    def test_half_a_character(self):
        page = self.open(secret="open")
        self.assertEqual(["rejected", 460], self.end(page, "dh.say('Hello \\ud83d', { metadata: { text: '\\udc00' } })")[:2])
        self.is_undisturbed(page)

    def test_another_room_and_no_sound_outlive_a_connection(self):
        page = self.open()
        page.evaluate("dh.request({ request: 'switch', id: 2 }).then(() => dh.request({ request: 'configure', audio: false }))")
        page.evaluate("dh.reconnect()")
        page.wait("dh.state === 'playing' && dh.pc !== window.first")
        page.wait("dh.info().then(({ info }) => info.id === 2 && info.without_audio === 1)")


class Keys(Link):
    def test_a_wrong_secret_is_dropped(self):
        page = self.open()
        page.evaluate("window.wrong = []; dh.on('wrong', key => wrong.push(key)); dh.secret = 'shut'")
        self.assertEqual(["rejected", 457], self.end(page, "dh.say('Hello')")[:2])
        self.assertEqual([None, ["secret"]], page.evaluate("[dh.secret, wrong]"))
        self.assertEqual("resolved", self.end(page, "dh.info()")[0])
        self.assertEqual("resolved", self.end(page, "dh.queue()")[0])
        self.is_undisturbed(page)

    def test_nor_does_it_keep_anybody_from_watching(self):
        page = self.open(secret="shut")
        self.assertIsNone(page.evaluate("dh.secret"))


NAMED = """
general: {{ string_ids = true cache_folder = "{{folder}}/cache" worker = "{{prepare}}" }}
avatar-probe: {{ width = 64 height = 64 idle = "{idle}" }}
room-seven: {{ id = "7" avatar = "probe" }}
"""


class Names(Link):
    def test_an_id_that_looks_like_a_number(self):
        with JanusServer(NAMED.format(idle=os.path.join(hosted.work, "idle.mp4"))) as named:
            named.wait_for_state(named.attach(), "7", "idle")   # a busy machine takes its time to prepare the avatar
            for room in 7, "7":
                page = self.open(named.ws, room=room)
                self.assertEqual("7", page.evaluate("dh.room"))
                page.evaluate("dh.close()")
            pages.set({"server": named.ws, "room": 7})
            page = chromium.open(pages.url)
            self.addCleanup(page.close)
            page.wait("digitalhuman.state === 'playing'")
            page.wait("document.querySelectorAll('.chip').length === 1")
            page.evaluate("digitalhuman.close()")
            page.evaluate("new Promise(done => setTimeout(done, 500))")
        self.assertEqual(1, self.open(room="1").evaluate("dh.room"))

    def test_an_id_that_cannot_be_one(self):
        page = self.open(room="no such", playing=False)
        page.wait("dh.state === 'reconnecting' && dh.words.includes('no such room')")


class Pauses(Link):
    def test_it_lasts(self):
        page = self.open()
        page.evaluate("dh.pause()")
        page.evaluate("dh.reconnect()")
        page.wait("dh.state === 'paused' && dh.pc !== window.first && dh.pc.connectionState === 'connected'")
        page.evaluate("new Promise(done => setTimeout(done, 1500))")
        self.assertEqual(0, page.evaluate("dh.pc.getStats().then(all => [...all.values()]"
                                          ".filter(s => s.type === 'inbound-rtp').reduce((n, s) => n + s.packetsReceived, 0))"))
        self.assertEqual("paused", page.evaluate("dh.state"))
        page.evaluate("dh.resume()")
        page.wait("dh.state === 'playing'")

    def test_what_is_on_its_way_ends_with_the_connection(self):
        for ends in ("close", "reconnect"):
            page = self.open()
            ended = page.evaluate("""(async () => {
                window.__mute = true;
                const asked = [dh.info(), dh.pause(), dh.resume(), dh.stats()].map(p => p.catch(error => error.code));
                await new Promise(done => setTimeout(done, 50));
                dh.%s();
                const late = new Promise(done => setTimeout(done, 1000, 'late'));
                return Promise.race([Promise.all(asked), late]);
            })()""" % ends)
            self.assertEqual(["offline"] * 4, ended)
        self.assertEqual(["closed", "reject"], page.evaluate(
            "(dh.close(), dh.info()).catch(() => [dh.state, 'reject'])"))


class Pulse(Link):
    """What shows only after seconds without a sign of life. All of it at once: each begins, up to its `yield`, and
    is judged when all have begun."""

    def a_server_that_says_nothing(self):
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        page = self.open([f"ws://127.0.0.1:{silent.getsockname()[1]}/", hosted.server.ws], playing=False, room=3)
        yield
        page.wait("dh.state === 'playing'")

    def resume_on_a_dead_link(self):
        page = self.open(room=3)
        page.evaluate(UNTIL_IT_IS_NOTICED)
        page.evaluate("dh.pause().then(() => { window.__mute = true; })")
        page.evaluate("window.end = null, %s.then(end => { window.end = end; }), 0" % (END % "dh.resume()"))
        yield
        self.assertEqual(["rejected", "timeout"], page.wait("window.end")[:2])
        page.wait("dh.state === 'playing' && dh.pc !== window.first")

    def sound_is_a_sign_of_life(self):
        page = self.open()
        page.evaluate("window.__said.length = 0; window.__still = ['video']; window.begun = performance.now()")
        yield
        page.wait("performance.now() - begun > 5500")
        self.assertNotIn("watch", page.evaluate("window.__said"))
        self.is_undisturbed(page)

    def nothing_at_all_is_mended(self):
        page = self.open()
        page.evaluate("window.__said.length = 0; window.__before = __order.findLast(o => o.way); window.__order = []; "
                      "window.__still = ['video', 'audio']")
        yield
        page.wait("states.includes('reconnecting')")
        page.evaluate("window.__still = []")
        # another way at first, then another connection
        self.assertEqual(["another way", "reconnecting"], page.evaluate(
            "__order.slice(0, 2).map(o => o.state ?? (o.pc === first && o.way !== __before.way && 'another way'))"))
        page.wait("dh.state === 'playing' && dh.pc !== window.first")

    def a_computer_that_slept(self):
        page = self.open(room=2)
        page.evaluate("window.__said.length = 0; window.__asleep = 3600e3")
        page.wait("window.__said.includes('info')")
        page.evaluate("dh.info()")
        self.is_undisturbed(page)
        page.evaluate(UNTIL_IT_IS_NOTICED)
        page.evaluate("window.__mute = true; window.__asleep = 7200e3")  # meanwhile the gateway has forgotten it
        yield
        page.wait("dh.state === 'playing' && dh.pc !== window.first")

    def a_page_that_is_slow(self):
        page = self.open(playing=False, slow=9000, room=4)
        yield
        page.wait("dh.state === 'playing'")

    def a_page_that_stood_still(self):
        page = self.open(room=4)
        page.evaluate("""(async () => {
            __said.length = 0;
            __still = ['video', 'audio'];
            for (const before = __looks; __looks === before;)   // what came before has been seen
                await new Promise(done => setTimeout(done, 100));
            for (const end = performance.now() + 4000; performance.now() < end;);
            setTimeout(() => { __still = []; }, 500);   // what came meanwhile is taken only now
        })()""")
        yield
        page.wait("__still.length === 0")
        page.evaluate("new Promise(done => setTimeout(done, 2500))")
        self.assertNotIn("watch", page.evaluate("window.__said"))
        self.is_undisturbed(page)

    def a_page_that_was_frozen(self):
        near = Forwarder(hosted.server.ws_port)
        self.addCleanup(near.close)
        page = self.open([near.ws, hosted.server.ws], room=2)
        page.command("Page.setWebLifecycleState", {"state": "frozen"})
        near.close()
        page.command("Page.setWebLifecycleState", {"state": "active"})
        yield
        page.wait("dh.state === 'playing' && dh.pc !== window.first")

    def test_all(self):
        for room in 3, 4:
            hosted.handle.request({"request": "create", "id": room, "avatar": "probe"})
            self.addCleanup(hosted.handle.request, {"request": "destroy", "id": room})
        # the last one to begin is the first to be judged: what it looks at passes
        running = {begin.__name__: begin() for begin in (
            self.a_server_that_says_nothing, self.resume_on_a_dead_link, self.sound_is_a_sign_of_life,
            self.a_computer_that_slept, self.a_page_that_was_frozen, self.a_page_that_is_slow, self.a_page_that_stood_still,
            self.nothing_at_all_is_mended)}
        for one in running.values():
            next(one)
        for name, one in reversed(running.items()):
            with self.subTest(name):
                self.assertRaises(StopIteration, next, one)


class Background(Link):
    """A page behind another tab, for so long that the browser slows its timers: of a page with a connection to once a second,
    of others to once a minute. After five minutes, as a rule; here after a second."""
    SLOW = "--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1"
    TICKS = "window.ticks = []; setInterval(() => ticks.push(performance.now()), 100); 0"
    RECEIVED = """dh.pc.getStats().then(all => [...all.values()].filter(s => s.type === 'inbound-rtp')
        .reduce((sum, s) => sum + s.packetsReceived, 0))"""

    def test_it_plays_on_and_is_mended_when_seen(self):
        tabs = self.enterContext(browser([self.SLOW]))     # the headless shell hides no page
        near = Forwarder(hosted.server.ws_port)
        self.addCleanup(near.close)
        page, other = self.open([near.ws, hosted.server.ws], tabs=tabs), tabs.open(pages.url + "blank.html")
        for each in page, other:
            each.evaluate(self.TICKS)
        uncover, _ = page.cover(), other.cover()
        for each in page, other:
            each.wait("document.hidden")
        other.wait("performance.now() - ticks.at(-1) > 3000")
        for each in page, other:
            each.evaluate("ticks.length = 0")
        received = page.evaluate(self.RECEIVED)
        page.wait("ticks.length > 5")
        self.assertGreater(page.evaluate("ticks[5] - ticks[0]"), 4000)
        self.assertLess(other.evaluate("ticks.length"), 3)
        self.is_undisturbed(page)
        self.assertGreater(page.evaluate(self.RECEIVED), received + 50)
        near.close()
        uncover()
        page.wait("!document.hidden && dh.state === 'playing' && dh.pc !== window.first")
        shown = page.evaluate("document.querySelector('video').currentTime")
        page.wait(f"document.querySelector('video').currentTime > {shown + 1}")


class Slides(Link):
    RED = """(() => {
        const paint = document.createElement('canvas').getContext('2d');
        paint.drawImage(document.querySelector('video'), 0, 0, 1, 1);
        const [r, g, b] = paint.getImageData(0, 0, 1, 1).data;
        return r > 150 && g < 80 && b < 80;
    })()"""

    def test_newcomers_see_the_slide(self):
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "color=red:s=256x256:r=1/240:d=480", "-f", "lavfi", "-i",
                        "sine=300:r=8000:d=480", "-c:v", "libx264", "-c:a", "aac", os.path.join(hosted.segments, "slides.mp4")], check=True)
        before = hosted.server.discarded()
        first = self.open(room=2)
        first.evaluate("dh.enqueue('slides.mp4')")
        self.addCleanup(hosted.handle.request, {"request": "interrupt", "id": 2})
        first.wait(self.RED)
        late = self.open(room=2)
        late.wait(self.RED)
        played = late.evaluate("dh.queue().then(({ playing }) => playing.played_ms)")
        self.assertLess(played, 240000, "another slide came before it saw this one")
        first.evaluate("new Promise(done => setTimeout(done, 3500))")
        for page in first, late:
            self.assertTrue(page.evaluate(self.RED))
            self.is_undisturbed(page)
            asked, ports = page.evaluate("""dh.pc.getStats().then(all => [...all.values()]).then(all => [
                all.find(s => s.pliCount !== undefined).pliCount, all.filter(s => s.type === 'local-candidate').map(s => s.port)])""")
            if hosted.server.discarded() == before and not dropped(ports):
                self.assertEqual(0, asked)


class Words(unittest.TestCase):
    """The page itself."""

    def open(self, room=1, server=None):
        pages.set({"server": server or hosted.server.ws, "room": room, "secret": "open"})
        page = chromium.open(pages.url, before=FAULTS)
        self.addCleanup(page.close)
        return page

    def ask(self, **body):
        return hosted.handle.request(body)

    def until_words(self, page, words):
        page.wait("document.querySelector('#curtain-text').checkVisibility() && "
                  f"document.querySelector('#curtain-text').innerText.includes({json.dumps(words)})")

    def until_playing(self, page):
        page.wait("digitalhuman.state === 'playing' && !document.querySelector('#curtain-text').checkVisibility()")

    def test_a_part_of_the_page_that_does_not_come_at_first(self):
        for part in "/js/words.js", "/style.css":
            pages.missing.add(part)
            page = self.open()
            page.wait("getComputedStyle(document.querySelector('#curtain')).position === 'absolute' && window.digitalhuman")
            self.until_playing(page)
            self.assertEqual(set(), pages.missing)

    def test_a_full_room(self):
        self.ask(request="create", id=5, avatar="probe", description="Small")
        self.addCleanup(self.ask, request="destroy", id=5)
        inside = [self.open(5) for _ in range(3)]
        for page in inside:
            self.until_playing(page)
        late = self.open(5)
        self.until_words(late, "room is full")
        inside[0].evaluate("digitalhuman.close()")
        self.until_playing(late)

    def test_a_room_that_goes_and_comes_back_under_another_name(self):
        room = {"id": 6, "avatar": "probe"}
        self.ask(request="create", description="Before", **room)
        page = self.open(6)
        self.until_playing(page)
        page.wait("document.title.startsWith('Before')")
        self.ask(request="edit", id=6, new_description="Meanwhile", edited_event=True)
        page.wait("document.title.startsWith('Meanwhile') && document.querySelector('.chip:has(:checked)').innerText === 'Meanwhile'")
        page.evaluate("document.querySelector('#text').value = 'Not finished'")
        self.ask(request="destroy", id=6)
        self.until_words(page, "This room was closed.")
        self.ask(request="create", description="Afterwards", **room)
        self.addCleanup(self.ask, request="destroy", id=6)
        self.until_playing(page)
        page.wait("document.title.startsWith('Afterwards')")
        self.assertEqual("Not finished", page.evaluate("document.querySelector('#text').value"))

    def test_a_room_that_goes_while_nothing_comes_from_there(self):
        self.ask(request="create", id=7, avatar="probe")
        link = Forwarder(hosted.server.ws_port)
        self.addCleanup(link.close)
        page = self.open(7, link.ws)
        self.until_playing(page)
        link.mute = True
        self.ask(request="destroy", id=7)
        page.wait("digitalhuman.state === 'reconnecting'")
        link.mute = False
        self.until_words(page, "This room was closed.")

    def test_a_room_that_is_off_from_the_start(self):
        self.ask(request="create", id=8, avatar="probe")
        self.addCleanup(self.ask, request="destroy", id=8)
        self.ask(request="disable", id=8)
        page = self.open(8)
        self.until_words(page, "off just now")
        self.ask(request="enable", id=8)
        self.until_playing(page)

    def test_a_room_that_is_none_shows_nothing_of_the_one_before(self):
        page = self.open()
        self.until_playing(page)
        page.wait("document.title.startsWith('Stage') && document.querySelector('#audience').checkVisibility() && "
                  "document.querySelector('#reported-facts').textContent.includes('probe')")
        page.click("#other-room")
        page.wait("document.querySelector('#ask').open")
        page.type("99")
        page.press("Enter")
        self.until_words(page, "no such room")
        self.assertEqual(page.evaluate("[document.querySelector('#audience').hidden, document.title, "
                                       "document.querySelector('#reported-facts').textContent.includes('probe')]"),
                         [True, "Room 99 \u2013 Digital human", False])

    def test_paused(self):
        page = self.open()
        self.until_playing(page)
        page.evaluate("digitalhuman.pause()")
        self.until_words(page, "Paused")
        page.click("#curtain-button")
        self.until_playing(page)


if __name__ == "__main__":
    unittest.main()
