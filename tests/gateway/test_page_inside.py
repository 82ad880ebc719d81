#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's panel "Inside the room" in Chromium: what it shows is what `stats` answers, to those who may know, and the gateway
is asked for it only while somebody looks, at most once a second."""
import itertools
import json
import os
import re
import tempfile
import unittest
from decimal import ROUND_HALF_UP, Decimal

import marks
from hosted_room import HostedRoom
from page_server import PageServer
from probe import browser
from viewers import Gateway

# Of every page: when it has asked for what, and which answers to `stats` it had.
RECORD = """
window.asked = [];
window.answers = [];
const { send } = WebSocket.prototype;
WebSocket.prototype.send = function(text) {
    const { body } = JSON.parse(text);
    if (body)
        asked.push({ ...body, at: performance.now() });
    send.call(this, text);
};
"""
# The last two answers to `stats` of the room from now on; %s may change each, which is the n-th.
KEEP = """void (() => {
    const { stats } = digitalhuman, change = (answer, n) => { %s };
    let n = 0;
    digitalhuman.stats = async () => {
        const answer = await stats.call(digitalhuman);
        change(answer, n++);
        answers = [...answers.slice(-1), answer];
        return answer;
    };
})()"""
OPEN = "void (document.querySelector('#inside').open = true)"
SHOWN = "!document.querySelector('#inside-body').hidden"
SEEN = "void document.dispatchEvent(new Event('visibilitychange'))"
STATS = "asked.filter(body => body.request === 'stats')"
FACTS = "Object.fromEntries([...document.querySelectorAll('#%s div')].map(div => [...div.children].map(e => e.textContent)))"
# What all parts show, and what was answered last, in one moment.
ALL = """(() => ({
    answers,
    viewer: digitalhuman.viewer,
    plots: [...document.querySelectorAll('#inside-plots .plot')].map(plot => ({
        title: plot.querySelector('.name span').textContent,
        values: [...plot.querySelectorAll('.value')].map(value => value.textContent),
        said: plot.querySelector('svg').getAttribute('aria-label'),
        points: [...plot.querySelectorAll('.line')].map(line => line.getAttribute('d').split(/[ML]/).length - 1) })),
    histograms: [...document.querySelectorAll('#inside-histograms .plot')].map(plot => ({
        title: plot.querySelector('.name').textContent,
        count: plot.querySelector('.values').textContent,
        words: plot.querySelector('p.soft').textContent,
        said: plot.querySelector('.buckets').getAttribute('aria-label'),
        heights: [...plot.querySelectorAll('.buckets i')].map(bar => parseFloat(bar.style.height)),
        names: [...plot.querySelectorAll('.buckets i')].map(bar => bar.title) })),
    facts: %s,
    columns: [...document.querySelectorAll('#viewers-head-row th')].map(e => e.textContent),
    rows: [...document.querySelectorAll('#viewers-rows tr')].map(tr => [...tr.children].map(e => e.textContent)),
    count: document.querySelector('#viewers-count').textContent,
}))()""" % (FACTS % "inside-facts")
HISTOGRAMS = {
    "Lateness of pictures": ("lateness", "video"), "Lateness of sound": ("lateness", "audio"), "Skew": ("lateness", "skew"),
    "Joining, from “watch”": ("joins", "watch"), "Joining, from the connection": ("joins", "media"),
    "Interrupting": ("interruptions", "now")}
RATES = {
    "Sent to all": (lambda a: a["sent"]["video_bytes"] * 8e-6, lambda a: a["sent"]["audio_bytes"] * 8e-6),
    "Packets lost": (lambda a: a["received"]["video"]["lost"], lambda a: a["received"]["audio"]["lost"]),
    "Recovering": (lambda a: a["sent"]["plis"], lambda a: a["sent"]["repairs"]),
    "Underruns": (lambda a: a["underruns"]["held_ms"], lambda a: a["underruns"]["dropped_ms"])}


def setUpModule():
    global hosted, pages, chromium
    folder = unittest.enterModuleContext(tempfile.TemporaryDirectory(prefix="dh-inside-"))
    idle = marks.write_idle(os.path.join(folder, "idle.mp4"), 2, 96)
    hosted = HostedRoom(96, rooms=False, general='admin_key = "operator"', more=f"""
avatar-layered: {{ width = 96 height = 96 idle = "{idle}" kbps = 500 kbps_2 = 200 entry_ms = 200 }}
room-one: {{ id = 1 avatar = "layered" secret = "demo" }}
room-two: {{ id = 2 avatar = "probe" }}
""")
    unittest.addModuleCleanup(hosted.close)
    marks.write_mp4(hosted.segments + "/long.mp4", 2, 96)
    pages = unittest.enterModuleContext(PageServer({"server": hosted.server.ws, "room": 1}))
    chromium = unittest.enterModuleContext(browser(shell=True))


def time_text(ms):
    if ms < 1000:
        return f"{int(ms + 0.5)} ms"
    half_up = Decimal(ms / 1000).quantize(Decimal("0.1"), ROUND_HALF_UP)   # as JavaScript's toFixed
    return f"{half_up} s" if ms < 60000 else f"{int(ms) // 60000}:{int(ms) // 1000 % 60:02}"


def within(counts, edges, percent):
    """In words, where so many percent of all are."""
    below = 0
    for n, edge in zip(counts, edges):
        below += n
        if below * 100 >= percent * sum(counts):
            return "within " + time_text(edge)
    return "not within " + time_text(edges[-1])


def words(counts, edges):
    parts = [f"{name} {within(counts, edges, percent)}" for percent, name in ((50, "Half"), (95, "95 %"), (99, "99 %"))]
    return re.sub("([0-9]) ", "\\1\u00a0", ", ".join(parts) + ".") if sum(counts) else "None yet."


class Page(unittest.TestCase):
    def open(self, query="", secret="demo", **options):
        page = chromium.open(pages.url + query, before=RECORD, **options)
        self.addCleanup(page.close)
        page.wait("digitalhuman?.state === 'playing'")
        page.evaluate(f"digitalhuman.secret = {json.dumps(secret)}")
        return page

    def inside(self, change="", **options):
        page = self.open(**options)
        page.evaluate(KEEP % change)
        page.evaluate(OPEN)
        page.wait(SHOWN + " && answers.length === 2")
        return page

    def answered(self, page, more=2):
        """The panel shows an answer to a question that it asks after now."""
        page.evaluate("window.since = answers.at(-1)?.media_ms ?? 0")
        page.wait(f"answers.length === 2 && answers[{2 - more}].media_ms > since")


class Shown(Page):
    def check_histograms(self, shown):
        answer = shown["answers"][-1]
        self.assertEqual(list(HISTOGRAMS), [h["title"] for h in shown["histograms"]])
        for histogram in shown["histograms"]:
            group, key = HISTOGRAMS[histogram["title"]]
            counts, edges = answer[group][key]["counts"], answer[group]["le_ms"]
            names = [f"up to {time_text(ms)}" for ms in edges] + [f"over {time_text(edges[-1])}"]
            self.assertEqual(histogram["count"], f"{sum(counts):,}")
            self.assertEqual(histogram["words"], words(counts, edges))
            self.assertEqual(histogram["names"], [f"{name}: {n:,}" for name, n in zip(names, counts)])
            some = ", ".join(f"{name}: {n}" for name, n in zip(names, counts) if n) or "none yet"
            self.assertEqual(histogram["said"], f"{histogram['title']}: {some}")
            for n, height in zip(counts, histogram["heights"]):
                self.assertAlmostEqual(height, max(8, n / max(counts) * 100) if n else 0, delta=0.01)

    def check_plots(self, shown):
        before, answer = shown["answers"]
        seconds = (answer["media_ms"] - before["media_ms"]) / 1000
        plots = {plot["title"]: plot for plot in shown["plots"]}
        watching = [v["media"] for v in answer["viewers"] if v["state"] == "watching"]
        self.assertEqual(plots["Viewers"]["values"], [f"connected {sum(watching)}", f"joining {watching.count(False)}"])
        for title, counters in RATES.items():
            for counter, text in zip(counters, plots[title]["values"], strict=True):
                value, digits = re.search(r"([0-9]+\.?([0-9]*))$", text).groups()
                rate = max(0, counter(answer) - counter(before)) / seconds
                self.assertAlmostEqual(float(value), rate, delta=0.51 / 10 ** len(digits), msg=title)
        for plot in plots.values():
            for value in plot["values"]:
                self.assertIn(value, plot["said"])
            self.assertTrue(plot["said"].startswith(plot["title"]))
            self.assertGreaterEqual(min(plot["points"]), 1, plot)

    def check_viewers(self, shown):
        answer = shown["answers"][-1]
        self.assertEqual(shown["count"], str(len(answer["viewers"])))
        for viewer, row in zip(answer["viewers"], shown["rows"], strict=True):
            cells = dict(zip(shown["columns"], row, strict=True))
            name = f"{viewer['viewer']}, this page" if viewer["viewer"] == shown["viewer"] else str(viewer["viewer"])
            self.assertEqual(cells["Viewer"], name)
            if viewer["state"] == "observing":
                self.assertEqual((cells["Does"], {*row[2:]}), ("observes", {"–"}))
                continue
            self.assertEqual(cells["Does"], "watches")
            received, quality = viewer["received"], viewer["quality"]
            self.assertEqual(cells["First picture after"], time_text(viewer["join_ms"]))
            self.assertEqual(cells["PLIs"], str(viewer["sent"]["plis"]))
            self.assertEqual(cells["Repairs"], str(viewer["sent"]["repairs"]))
            self.assertEqual(cells["Quality"], f"{quality['sent']} (auto)" if quality["asked"] == "auto" else str(quality["sent"]))
            percents = [p for p in (received[m]["lost_percent"] for m in ("audio", "video")) if p is not None]
            lost = f"{received['audio']['lost'] + received['video']['lost']:,}, now "
            self.assertTrue(cells["Lost"].startswith(lost) if percents else cells["Lost"] == "–", cells)
            if percents:
                self.assertAlmostEqual(float(cells["Lost"].removeprefix(lost).removesuffix(" %")), max(percents), delta=0.051)

    def test_what_stats_says(self):
        """With a viewer that loses pictures and asks for key frames, one with a lower quality, and an observer."""
        with Gateway(hosted.server.ws) as gateway:
            lossy, lower = (gateway.watch({"request": "watch", "id": 1}) for _ in range(2))
            gateway.observe({"request": "observe", "id": 1})
            for viewer in (lossy, lower):
                viewer.wait(lambda v: v.video and len(v.video.packets) > 10)
            lossy.claims = itertools.repeat(0.5)
            lower.request({"request": "configure", "quality": 1})
            lossy.pli()
            page = self.inside()
            page.evaluate("digitalhuman.enqueue('long.mp4', { repeat: 500 }).then(() => 0)")
            self.addCleanup(lambda: hosted.handle.request({"request": "interrupt", "id": 1, "secret": "demo"}))
            page.wait("""answers.at(-1).state === 'speaking' && answers.at(-1).received.video.lost > 0 && answers.at(-1).sent.plis > 0 &&
                answers.at(-1).viewers.some(v => v.quality?.asked === 1 && v.quality.sent === 1)""")
            page.wait("document.querySelectorAll('#viewers-rows tr').length === 4")
            for _ in range(3):
                self.answered(page)
                shown = page.evaluate(ALL)
                self.check_histograms(shown)
                self.check_plots(shown)
                self.check_viewers(shown)
            self.assertEqual(shown["facts"]["Packets lost"], f"{sum(r['lost'] for r in shown['answers'][-1]['received'].values()):,}")
            shown, queued = page.wait("""digitalhuman.queue().then(({ queued_ms }) => {
                const shown = Number(document.querySelectorAll('#inside-plots .values')[4].textContent);
                return shown > 600 && [shown, queued_ms / 1000];
            })""")
            self.assertTrue(queued - 0.06 <= shown <= 1000, (shown, queued))
            page.wait("[...document.querySelectorAll('#viewers-rows tr')].some(tr => Number(tr.children[5].textContent) > 0)")
            self.assertEqual([], page.errors)
        page.wait("document.querySelectorAll('#viewers-rows tr').length === 1")

    def test_another_room(self):
        page = self.inside(secret="demo")
        page.wait("document.querySelector('.chip input[value=\"2\"]')")
        page.evaluate("void document.querySelector('.chip input[value=\"2\"]').click()")
        page.wait("digitalhuman.room === 2 && digitalhuman.state === 'playing'")
        page.evaluate(KEEP % "")
        page.wait(SHOWN + " && answers.at(-1).id === 2")
        self.answered(page)
        shown = page.evaluate(ALL)
        self.check_histograms(shown)
        self.check_plots(shown)
        self.assertEqual([["–"], 1], [[row[4] for row in shown["rows"]], len(shown["rows"])])
        self.assertEqual([], page.errors)


class Asked(Page):
    def test_only_while_somebody_looks_and_once_a_second(self):
        page = self.open()
        queues = "asked.filter(body => body.request === 'queue').length"
        page.wait(f"{queues} >= 4")
        self.assertEqual(0, page.evaluate(STATS + ".length"))
        page.click("#inside summary")
        page.wait(STATS + ".length >= 4")
        page.evaluate("""void [0, 1, 2, 3].forEach(() => {
            inside.open = !inside.open;
            document.dispatchEvent(new Event('visibilitychange'));
        })""".replace("inside", "document.querySelector('#inside')"))
        page.wait(STATS + ".length >= 7")
        page.evaluate("Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' });" + SEEN)
        before = page.evaluate(STATS + ".length")
        page.evaluate("new Promise(done => setTimeout(done, 2500))")
        self.assertEqual(before, page.evaluate(STATS + ".length"))
        page.evaluate("delete document.visibilityState;" + SEEN)
        page.wait(STATS + f".length >= {before + 2}")
        page.click("#inside summary")
        page.wait("!document.querySelector('#inside').open")
        before = page.evaluate(STATS + ".length")
        since = page.evaluate(queues)
        page.wait(f"{queues} >= {since + 4}")
        self.assertEqual(before, page.evaluate(STATS + ".length"))
        times = page.evaluate(STATS + ".map(body => body.at)")
        self.assertGreater(min(b - a for a, b in zip(times, times[1:])), 990)
        self.assertEqual([], page.errors)


class Locked(Page):
    def answer(self, page, text):
        page.wait("document.querySelector('#ask').open")
        page.type(text)
        page.press("Enter")

    def test_the_secret(self):
        page = self.open(secret=None)
        page.evaluate(OPEN)
        page.wait("!document.querySelector('#inside-lock').hidden")
        before = page.evaluate(STATS + ".length")
        page.evaluate("new Promise(done => setTimeout(done, 2500))")
        self.assertEqual((before, False), tuple(page.evaluate(f"[{STATS}.length, {SHOWN}]")))
        page.click("#inside-unlock")
        self.answer(page, "wrong")
        page.wait("document.querySelector('#ask-text').textContent.includes('not right')")
        self.answer(page, "demo")
        page.wait(SHOWN)
        self.assertTrue(page.evaluate("document.querySelector('#inside-lock').hidden"))
        self.assertEqual([], page.errors)

    def test_a_room_that_has_a_secret_no_more(self):
        room = {"id": 9, "avatar": "probe"}
        hosted.handle.request({"request": "create", "secret": "s", **room, "admin_key": "operator"})
        page = self.open("?room=9", secret=None)
        page.evaluate(OPEN)
        page.wait("!document.querySelector('#inside-lock').hidden")
        hosted.handle.request({"request": "destroy", "id": 9, "secret": "s", "admin_key": "operator"})
        self.addCleanup(hosted.handle.request, {"request": "destroy", "id": 9, "admin_key": "operator"})
        self.assertIn("created", hosted.handle.request({"request": "create", **room, "admin_key": "operator"}))
        page.wait(SHOWN)

    def test_the_admin_key(self):
        page = self.inside()
        page.wait("!document.querySelector('#whole-lock').hidden")
        self.assertTrue(page.evaluate("document.querySelector('#whole-facts').hidden"))
        page.click("#whole-unlock")
        self.answer(page, "wrong")
        page.wait("document.querySelector('#whole-text').textContent.includes('not right')")
        page.click("#whole-unlock")
        self.answer(page, "operator")
        page.wait("!document.querySelector('#whole-facts').hidden && document.querySelector('#whole-lock').hidden")
        told = hosted.handle.request({"request": "stats", "admin_key": "operator"})
        facts = page.evaluate(FACTS % "whole-facts")
        self.assertEqual(facts["Workers for files"], f"0 of {told['usage']['workers']['limit']}")
        self.assertEqual(facts["Found in it"], f"{told['cache']['hits']:,} of {told['cache']['hits'] + told['cache']['misses']:,}")
        self.assertEqual(facts["Jobs so far"], f"{told['jobs']['asked']:,} ({told['jobs']['failed']:,} failed)")
        self.assertEqual(facts["Cache"].split(" of ")[1], f"{told['usage']['cache_bytes']['limit'] // 2 ** 20:,} MB")
        self.assertNotIn("operator", page.evaluate("location.href"))
        self.assertEqual([], page.errors)


class Made(Page):
    """Of answers that no gateway gives in a test."""

    def test_so_many_viewers(self):
        page = self.inside("""
            const one = answer.viewers.find(v => v.viewer === digitalhuman.viewer);
            answer.viewers = Array.from({ length: 312 }, (_, i) => ({ ...structuredClone(one), viewer: i + 1 }));
            answer.viewers.forEach((v, i) => { v.received.video.lost_percent = i % 6 === 5 ? 100 - i / 6 : 0; });""")
        shown = page.evaluate(ALL)
        self.assertEqual(shown["count"], "50 of 312, those that lose most")
        self.assertEqual([row[0].split(",")[0] for row in shown["rows"]], [str(6 * n) for n in range(1, 51)])
        self.assertEqual([], page.errors)

    def test_percents_in_words(self):
        page = self.open()
        edges = [1, 2, 5, 10, 200, 2000]
        for counts in ([0] * 7, [1, 0, 0, 0, 0, 0, 0], [50, 45, 4, 1, 0, 0, 0], [50, 44, 4, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0, 3],
                       [0, 3, 0, 0, 0, 0, 1], [1, 1, 1, 1, 1, 1, 1], [999, 0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 1, 1, 0]):
            self.assertEqual(words(counts, edges), page.evaluate(
                f"import('/js/histogram.js').then(({{ inWords }}) => inWords({{ counts: {counts} }}, {edges}))"))
        for counts, said in (([50, 45, 4, 1, 0, 0, 0], "Half within 1 ms, 95 % within 2 ms, 99 % within 5 ms."),
                             ([0, 3, 0, 0, 0, 0, 1], "Half within 2 ms, 95 % not within 2.0 s, 99 % not within 2.0 s.")):
            self.assertEqual(said, words(counts, edges).replace("\u00a0", " "))

    def test_no_more_memory_as_time_goes(self):
        """Elements stay the same ones, and none is added; a plot forgets what is older than its minute."""
        page = self.inside()
        elements = "[...document.querySelectorAll('#inside *')]"
        page.evaluate(f"void (window.first = {elements})")
        count = page.evaluate("""(async () => {
            const { Plot } = await import('/js/plot.js');
            const parent = document.createElement('div'), plot = new Plot(parent, { title: 't', unit: 'u' });
            const all = [];
            for (let s = 1; s <= 1000; s++) {
                plot.add(performance.now() + s * 1000, [s % 7], s % 2);
                all.push(parent.querySelector('.line').getAttribute('d').length, parent.querySelector('.shade').getAttribute('d').length);
            }
            return [Math.max(...all.slice(200)) < 62 * 14 + 31 * 40, parent.querySelectorAll('*').length];
        })()""")
        self.assertTrue(count[0])
        self.answered(page)
        self.assertTrue(page.evaluate(f"{elements}.every(e => first.includes(e))"))

    def test_counters_that_begin_anew(self):
        """After a restart of the gateway: no rate for a moment, and none below zero."""
        page = self.inside("""
            window.seen = [...window.seen ?? [], document.querySelectorAll('#inside-plots .values')[1].textContent];
            answer.media_ms = n === 3 ? 1000 : 1e6 + n * 1000;
            answer.sent.video_bytes = n === 3 ? 0 : 1e6 * (n + 9);""")
        seen = page.wait("window.seen?.length >= 6 && seen")
        self.assertEqual(["–", "8.00", "8.00", "–", "0.10"], [re.match("picture (.*) sound", text)[1] for text in seen[1:6]])


class Looks(Page):
    # What is wider than the page, or than its own plot.
    TOO_WIDE = """[...document.querySelectorAll('#inside *')].filter(e => e.checkVisibility() && !e.closest('.table')).filter(e =>
        e.getBoundingClientRect().right > Math.min(innerWidth, e.closest('.plot')?.getBoundingClientRect().right ?? Infinity) + 0.5)
        .map(e => `${e.tagName} ${e.id} ${e.className} ${e.textContent}`)"""

    def test_it_fits(self):
        """Phones and desktops, with many viewers and much loss."""
        page = self.inside("""
            answer.media_ms = 1e6 + n * 1000;
            answer.sent = { ...answer.sent, video_bytes: n * 123456789, audio_bytes: n * 123456789, plis: n * 12345, repairs: n * 12345 };
            answer.received = { video: { lost: n * 1234567 }, audio: { lost: n * 1234567 } };
            answer.underruns = { ...answer.underruns, held_ms: n * 1000, dropped_ms: n * 1000 };
            for (const key of ['audio', 'video', 'skew'])
                answer.lateness[key].counts = answer.lateness[key].counts.map(() => 1e9);""")
        page.wait("!document.querySelector('#whole-lock').hidden")
        for width in (320, 360, 600, 940, 1280):
            page.resize(width, 740)
            page.wait(f"innerWidth === {width}")
            self.assertEqual([], page.evaluate(self.TOO_WIDE), width)
            self.assertEqual(width, page.evaluate("document.documentElement.scrollWidth"))


if __name__ == "__main__":
    unittest.main()
