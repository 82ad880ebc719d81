#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Captions and markers in Chromium: what digitalhuman.js says, the video's text track, and the page's own line."""
import json
import unittest

from page_server import PageServer
from probe import browser
from request_case import RequestCase
from test_words import JCFG, Server

SENTENCE = "Good evening, & welcome to the <stage>."
LONG = [[SENTENCE, 0, 8000]]
PATIENCE_MS = 3000      # of digitalhuman.js, with a caption whose picture does not come
STALE_MS = 1500         # of digitalhuman.js: a picture that has stood for longer says nothing of the time


def setUpModule():
    global janus, pages, chromium
    janus = Server(JCFG)
    janus.start()
    unittest.addModuleCleanup(janus.stop)
    janus.wait_for_state(janus.attach(), 1, "idle")
    pages = unittest.enterModuleContext(PageServer({"server": janus.ws, "room": 1}))
    chromium = unittest.enterModuleContext(browser(shell=True))


class Page(RequestCase):
    @classmethod
    def setUpClass(cls):
        cls.janus = janus

    def setUp(self):
        self.handle = janus.attach()
        self.addCleanup(self.handle.detach)
        self.addCleanup(self.handle.request, {"request": "interrupt", "id": 1})

    def ask(self, request, **fields):
        return self.handle.request({"request": request, **fields})

    def open(self, path, before=None):
        page = chromium.open(pages.url + path, before=before)
        self.addCleanup(page.close)
        return page


class Library(Page):
    def watch(self, **options):
        page = self.open("blank.html")
        page.wait("document.querySelector('video')")
        page.evaluate("""import('/digitalhuman.js').then(({ DigitalHuman }) => {
            const video = document.querySelector('video');
            window.told = []; window.events = [];
            window.dh = new DigitalHuman({ ...%s, video });
            dh.on('captions', list => told.push(['captions', list.map(c => c.text), media(), performance.now()]));
            dh.on('marker', ({ data }) => told.push(['marker', data]));
            dh.on('event', e => events.push({ ...e, at: performance.now() }));
            /* the room's media time that is played, as digitalhuman.js has it: that of the last picture, or, if none has been
             * shown for STALE_MS, of the sound, and what has gone by since, since a busy browser tells of few pictures */
            let shown = null;
            const frame = (_, f) => {
                shown = { kind: 'video', rate: 90, rtp: f.rtpTimestamp, at: f.expectedDisplayTime };
                video.requestVideoFrameCallback(frame);
            };
            video.requestVideoFrameCallback(frame);
            const played = () => {
                const isFresh = at => Math.abs(performance.now() - at) < %d;
                const [sound] = dh.pc?.getReceivers().find(r => r.track.kind === 'audio')?.getSynchronizationSources() ?? [];
                return (shown && isFresh(shown.at)) || !sound || !isFresh(sound.timestamp) ? shown :
                    { kind: 'audio', rate: 48, rtp: sound.rtpTimestamp, at: sound.timestamp };
            };
            window.media = () => { const start = events.find(e => e.rtp_start)?.rtp_start, last = played();
                return !start || !last ? null : ((last.rtp - start[last.kind]) >>> 0) / last.rate + performance.now() - last.at; };
        })""" % (json.dumps({"server": janus.ws, "room": 1, "captions": True, **options}), STALE_MS))
        page.wait("window.dh?.state === 'playing'")
        return page

    def captions(self, page):
        return page.evaluate("dh.captions.map(c => c.text)")

    def test_shown_and_withdrawn(self):
        page = self.watch()
        page.wait("events.some(e => e.event === 'state')")
        page.evaluate("dh.enqueue('words.mkv', { segment: 'shown', repeat: 100, captions: %s, markers: [[0, { slide: 3 }]] }).then(() => 0)"
                      % json.dumps(LONG))
        texts, cues = page.wait("dh.captions.length === 1 && [dh.captions.map(c => c.text), [...dh.track.cues].map(cue => "
                                "[cue.getCueAsHTML().textContent, cue.endTime > cue.startTime])]")
        self.assertEqual((texts, cues), ([SENTENCE], [[SENTENCE, True]]))
        self.assertEqual(page.evaluate("[dh.track.kind, dh.track.mode, [...dh.video.textTracks].includes(dh.track)]"),
                         ["captions", "hidden", True])
        page.wait("dh.track.activeCues.length === 1")
        page.wait("told.some(([what, data]) => what === 'marker' && data.slide === 3)")
        page.evaluate("dh.interrupt().then(() => 0)")
        page.wait("dh.captions.length === 0")
        self.assertEqual(page.evaluate("dh.track.cues.length"), 0)
        self.assertEqual(page.evaluate("events.filter(e => e.event === 'caption_end').at(-1).withdrawn"), True)

    def test_by_the_browsers_own_controls(self):
        """Who has them show the captions sees those of what comes, and of another connection to the same video, too."""
        page = self.watch()
        page.evaluate("dh.track.mode = 'showing'; 0")
        for _ in range(2):
            page.wait("events.some(e => e.event === 'state')")
            page.evaluate("dh.enqueue('words.mkv', { repeat: 100, captions: %s }).then(() => 0)" % json.dumps(LONG))
            page.wait("dh.track.activeCues.length === 1")
            cues = page.evaluate("[...dh.video.textTracks].map(t => [t.mode, [...t.activeCues].map(c => c.getCueAsHTML().textContent)])")
            self.assertEqual(cues, [["showing", [SENTENCE]]])
            page.evaluate("dh.interrupt().then(() => 0)")
            page.wait("dh.track.activeCues.length === 0")
            page.evaluate("""import('/digitalhuman.js').then(({ DigitalHuman }) => {
                dh.close(); events.length = 0;
                window.dh = new DigitalHuman({ server: %s, room: 1, captions: true, video: document.querySelector('video') });
                dh.on('event', e => events.push(e));
            })""" % json.dumps(janus.ws))
            page.wait("dh.state === 'playing'")

    def test_on_the_channel_and_not_before_it_is_seen(self):
        """Not before the picture of its time, by rule, but where nothing has been played for so long that it waits no more;
        how much later is measured in bench/."""
        page = self.watch()
        # what says how things are comes anew on the channel, and whatever comes by then is in it
        page.wait("dh.stats().then(({ viewers }) => viewers.some(({ viewer, data }) => viewer === dh.viewer && data?.open))")
        page.wait("events.some(e => e.event === 'state')")
        page.evaluate("dh.enqueue('words.mkv', { segment: 'timed', captions: %s }).then(() => 0)"
                      % json.dumps([["c%d" % n, 300 * n, 300 * n + 200] for n in range(10)]))
        page.wait("events.some(e => e.event === 'finished' && e.segment === 'timed')")
        page.wait("dh.captions.length === 0")
        told, events = page.evaluate("[told, events]")
        shown = {}
        for what, texts, *when in told:
            if what == "captions" and texts:
                shown.setdefault(texts[-1], when)
        self.assertEqual(sorted(shown), ["c%d" % n for n in range(10)])
        for event in events:
            if event["event"] == "caption":
                media, at = shown[event["text"]]
                self.assertTrue(media > event["from_ms"] - 50 or at - event["at"] > PATIENCE_MS - 5, (event, media, at))
        # the handle's events are those that came before the channel was open
        self.assertEqual(page.evaluate("dh.pc.getReceivers().length"), 2)
        self.assertEqual(page.evaluate("dh.pc.sctp?.state"), "connected")

    def test_turned_on_later(self):
        page = self.watch(captions=False)
        self.assertIsNone(page.evaluate("dh.pc.sctp"))
        self.ask("enqueue", id=1, file="words.mkv", segment="later", repeat=100, captions=LONG)
        page.wait("events.some(e => e.event === 'started')")
        self.assertEqual(self.captions(page), [])
        page.evaluate("dh.showCaptions(true).then(() => 0)")
        page.wait("dh.captions.length === 1")
        page.evaluate("dh.showCaptions(false).then(() => 0)")
        self.assertEqual(self.captions(page), [])
        page.evaluate("dh.showCaptions(true).then(() => dh.reconnect()).then(() => 0)")
        page.wait("dh.state === 'playing' && dh.captions.length === 1 && dh.pc.sctp")

    def test_heard_and_mark(self):
        page = self.watch()
        page.evaluate("dh.enqueue('words.mkv', { segment: 'heard' }).then(() => 0)")
        page.wait("events.some(e => e.event === 'started' && e.segment === 'heard')")
        page.evaluate("dh.mark({ slide: 4 }).then(() => 0)")
        page.wait("told.some(([what, data]) => what === 'marker' && data.slide === 4)")
        heard = page.wait("dh.heard().then(({ segments }) => segments.at(-1)?.heard_text && segments.at(-1))")
        self.assertEqual(heard["segment"], "heard")
        self.assertTrue(heard["heard_text"].startswith("w0"))


class History(Page):
    def test_what_this_viewer_heard(self):
        page = self.open("")
        page.wait("digitalhuman?.state === 'playing'")
        page.wait("!document.getElementById('history-empty').hidden")
        self.ask("enqueue", id=1, file="words.mkv", segment="told", metadata={"text": "A title"}, repeat=100)
        first = "document.querySelector('#history li')?.textContent ?? ''"
        page.wait("(t => t.includes('A title') && t.includes('plays now') && t.includes('w01 w02'))(%s)" % first)
        self.ask("interrupt", id=1)
        page.wait("%s.includes('interrupted')" % first)
        self.assertIn("you heard", page.evaluate(first))


class Queue(Page):
    """Waiting segments are moved by the keyboard, and by drag."""
    ORDER = "[...document.querySelectorAll('#waiting li')].map(li => li.dataset.segment).join()"
    DRAG = """(([from, to, down]) => {
        const [one, other] = [from, to].map(id => document.querySelector(`#waiting li[data-segment="${id}"]`));
        const { left, top, height } = other.getBoundingClientRect();
        const dataTransfer = new DataTransfer(), at = { clientX: left + 5, clientY: top + height * (down ? 0.8 : 0.2) };
        const fire = (target, name) => target.dispatchEvent(new DragEvent(name, { bubbles: true, cancelable: true, dataTransfer, ...at }));
        fire(one, 'dragstart');
        const isTaken = !fire(other, 'dragover');
        const mark = other.className;
        fire(other, 'drop');
        fire(one, 'dragend');
        return [isTaken, mark, other.className];
    })(%s)"""

    def order(self):
        return ",".join(s["segment"] for s in self.ask("queue", id=1)["waiting"])

    def test_moved(self):
        page = self.open("")
        page.wait("digitalhuman?.state === 'playing'")
        for segment in ("plays", "a", "b", "c"):
            answer = self.ask("enqueue", id=1, file="words.mkv", segment=segment, repeat=100 if segment == "plays" else 1)
            self.assertNotIn("error", answer)
        page.wait(self.ORDER + " === 'a,b,c'")
        page.evaluate("document.querySelector('[data-grip=c]').focus()")
        page.press("ArrowUp")
        page.wait(self.ORDER + " === 'a,c,b'")
        self.assertEqual(self.order(), "a,c,b")
        self.assertEqual(page.evaluate("document.activeElement.dataset.grip"), "c")
        page.press("ArrowUp")
        page.wait(self.ORDER + " === 'c,a,b'")
        page.press("ArrowUp")               # it is the first
        page.press("ArrowDown")
        page.wait(self.ORDER + " === 'a,c,b'")
        self.assertEqual(page.evaluate(self.DRAG % '["a", "b", true]'), [True, "after", ""])
        page.wait(self.ORDER + " === 'c,b,a'")
        self.assertEqual(page.evaluate(self.DRAG % '["a", "c", false]'), [True, "before", ""])
        page.wait(self.ORDER + " === 'a,c,b'")
        self.assertEqual(page.evaluate(self.DRAG % '["a", "a", true]')[0], False)
        self.assertEqual(self.order(), "a,c,b")


class Line(Page):
    BOX = "JSON.stringify(document.getElementById('captions').getBoundingClientRect())"

    def test_on_off_and_size(self):
        page = self.open("")
        page.wait("digitalhuman?.state === 'playing'")
        self.ask("enqueue", id=1, file="words.mkv", segment="line", repeat=100, captions=LONG)
        line = "document.getElementById('captions')"
        page.wait("%s.textContent === %s && !%s.hidden" % (line, json.dumps(SENTENCE), line))
        frame = json.loads(page.evaluate("JSON.stringify(document.getElementById('frame').getBoundingClientRect())"))
        sizes = {}
        for size in ("medium", "large", "small"):
            self.assertEqual(page.evaluate("document.getElementById('caption-size').getAttribute('aria-label')"),
                             "Size of the captions: " + size)
            box = json.loads(page.wait("!%s.hidden && %s" % (line, self.BOX)))
            self.assertLess(box["bottom"], frame["bottom"])
            self.assertGreater(box["top"], frame["top"])
            sizes[size] = box["height"]
            page.click("#caption-size")
        self.assertLess(sizes["small"], sizes["large"])
        page.click("#captions-button")
        page.wait("%s.hidden" % line)
        self.assertEqual(page.evaluate("document.getElementById('captions-button').getAttribute('aria-pressed')"), "false")
        page.evaluate("window.isOld = true")
        page.reload()
        page.wait("!window.isOld && window.digitalhuman?.state === 'playing'")
        self.assertEqual(page.evaluate("[%s.hidden, document.getElementById('caption-size').hidden, digitalhuman.captions.length]"
                                       % line), [True, True, 0])
        page.click("#captions-button")
        page.wait("!%s.hidden" % line)
        self.ask("interrupt", id=1)
        page.wait("%s.hidden" % line)

    def test_they_end_with_the_picture(self):
        page = self.open("")
        page.wait("digitalhuman?.state === 'playing'")
        self.ask("enqueue", id=1, file="words.mkv", segment="ends", repeat=100, captions=LONG)
        hidden = "document.getElementById('captions').hidden === %s"
        page.wait(hidden % "false")
        self.addCleanup(self.ask, "enable", id=1)
        self.ask("disable", id=1)
        page.wait(hidden % "true")
        self.ask("enable", id=1)
        page.wait(hidden % "false")
        self.ask("kick_all", id=1)
        page.wait("digitalhuman.state === 'kicked' && " + hidden % "true")


if __name__ == "__main__":
    unittest.main()
