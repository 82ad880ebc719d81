# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's card "The floor", in Chromium: a moderator sees who has the floor and who waits, gives it, takes it back and refuses,
and the gateway is asked only when something has changed."""
import json
import random
import unittest

from hosted_room import HostedRoom
from page_server import PageServer
from probe import browser
from viewers import Gateway

SECRET = {"secret": "demo"}
# Of every page: what it has asked for on its way.
RECORD = """
window.asked = [];
const { send } = WebSocket.prototype;
WebSocket.prototype.send = function(text) {
    const { body } = JSON.parse(text);
    if (body)
        asked.push(body);
    send.call(this, text);
};
"""
ASKED = "asked.filter(body => body.request === '%s').length"
OPEN = "document.querySelector('#moderator').checkVisibility() && void (document.querySelector('#moderator').open = true)"
WAITING = "[...document.querySelectorAll('#asks li')].map(li => Number(li.dataset.viewer))"
TEXT = "document.querySelector('#%s').innerText"
# Answers to `floor` are %s of the true one; `show()` has one more, and the page's clock goes on only with `past`.
MAKE = """void (() => {
    const { floor } = digitalhuman, make = %s, begin = performance.now();
    window.made = window.past = 0;
    performance.now = () => begin + past;
    digitalhuman.floor = async () => {
        const answer = make(await floor.call(digitalhuman));
        made++;
        return answer;
    };
    window.show = () => digitalhuman.bargeIn({ barge_in: 200 }).then(() => 0);   // an edit is a change
})()"""
# The gateway has not been asked for it since several answers to `queue`.
CALM = """(() => {
    const floors = asked.filter(body => body.request === 'floor').length, queues = asked.filter(body => body.request === 'queue').length;
    if (window.calm?.[0] !== floors)
        window.calm = [floors, queues];
    return queues > calm[1] + 3 && floors;
})()"""
NAMED = {"barge_in": 200, "barge_in_mode": "interrupt", "barge_in_by": "named", "floor_ms": 0, "floor_silence_ms": 0}


def setUpModule():
    global hosted, pages, chromium
    hosted = HostedRoom(64, kbps=100, rooms=False, more="""
room-one: { id = 1 avatar = "probe" secret = "demo" }
room-two: { id = 2 avatar = "probe" }
""")
    unittest.addModuleCleanup(hosted.close)
    pages = unittest.enterModuleContext(PageServer({"server": hosted.server.ws, "room": 1}))
    chromium = unittest.enterModuleContext(browser())


class Page(unittest.TestCase):
    def setUp(self):
        random.seed(1)
        self.gateway = self.enterContext(Gateway(hosted.server.ws))
        self.gateway.observe({"id": 1, **SECRET})
        self.set(**NAMED)

    def set(self, **fields):
        self.gateway.request({"request": "edit", "id": 1, **SECRET, **{"new_" + name: value for name, value in fields.items()}})

    def floor(self):
        return self.gateway.request({"request": "floor", "id": 1, **SECRET})

    def questioners(self, count):
        """By number, in the order in which they wait."""
        asked = {}
        for viewer in self.gateway.watch_many(count, {"id": 1}):
            asked[viewer.request({"request": "ask_floor"})["viewer"]] = viewer
        return asked

    def open(self, secret="demo", **options):
        page = chromium.open(pages.url, before=RECORD, **options)
        self.addCleanup(page.close)
        page.wait("window.digitalhuman?.state === 'playing'")
        page.evaluate(f"digitalhuman.secret = {json.dumps(secret)}")
        return page

    def moderator(self, made=None, **options):
        page = self.open(**options)
        if made:
            page.evaluate(MAKE % made)
        page.wait(OPEN + " === undefined")
        page.wait(ASKED % "observe" + " === 1 && document.querySelector('#holder').textContent")
        if made:
            page.wait(CALM)
        return page

    def show(self, page, change):
        """What is asked for after that change."""
        before = page.evaluate("made")
        page.evaluate(f"{change}, show()")
        page.wait(f"made > {before}")

    def text(self, page, name, words):
        page.wait(f"{TEXT % name} === {json.dumps(words)}")

    def waiting(self, page, numbers):
        page.wait(f"{WAITING}.join() === '{','.join(map(str, numbers))}'")

    def button(self, page, viewer, does):
        page.evaluate(f"document.querySelector('#asks [data-viewer=\"{viewer}\"] [data-does={does}]').focus()")


class Moderates(Page):
    def test_twenty_questioners(self):
        asked = self.questioners(20)
        numbers = list(asked)
        page = self.moderator()
        self.waiting(page, numbers)
        self.text(page, "moderator-brief", "Nobody has it, 20 wait")
        self.text(page, "asks-count", "20")
        page.evaluate("window.first = [...document.querySelectorAll('#asks li')]")
        self.button(page, numbers[2], "give")
        page.press("Enter")
        self.text(page, "holder", f"Viewer {numbers[2]} has it")
        self.gateway.wait_event("floor_given", viewer=numbers[2])
        self.waiting(page, numbers[:2] + numbers[3:])
        self.assertEqual(page.evaluate("document.activeElement.ariaLabel"), f"Give the floor to Viewer {numbers[3]}")
        self.assertTrue(page.evaluate("document.querySelector('#announce').textContent").startswith(f"Viewer {numbers[2]} has"))
        self.button(page, numbers[19], "refuse")
        page.press(" ")
        self.assertTrue(self.gateway.wait_event("floor_ended", viewer=numbers[19], reason="taken")[1]["waited"])
        self.waiting(page, numbers[:2] + numbers[3:19])
        self.assertEqual(page.evaluate("document.activeElement.ariaLabel"), f"Refuse Viewer {numbers[18]}")
        asked[numbers[0]].request({"request": "leave_floor"})
        asked.pop(numbers[5]).leave()
        rest = [numbers[1], *numbers[3:5], *numbers[6:19]]
        self.waiting(page, rest)
        page.evaluate("document.querySelector('#take').focus()")
        page.press("Enter")
        self.text(page, "holder", "Nobody has it")
        self.gateway.wait_event("floor_ended", viewer=numbers[2], reason="taken")
        asked[numbers[2]].request({"request": "ask_floor"})
        self.waiting(page, [*rest, numbers[2]])
        self.assertEqual(page.evaluate("[...document.querySelectorAll('#asks li')].map(li => first.indexOf(li))"),
                         [numbers.index(number) for number in rest] + [-1])
        self.assertEqual(self.floor()["waiting"], [*rest, numbers[2]])
        self.assertEqual(page.errors, [])

    def test_nothing_is_asked_while_nothing_changes(self):
        asked = self.questioners(3)
        page = self.moderator()
        self.waiting(page, list(asked))
        floors = page.wait(CALM)
        asked[min(asked)].request({"request": "leave_floor"})
        page.wait("document.querySelectorAll('#asks li').length === 2")
        self.assertEqual(page.wait(CALM), floors + 1)
        self.assertEqual(page.evaluate(ASKED % "observe"), 1)
        page.evaluate("void (document.querySelector('#moderator').open = false)")
        page.wait("digitalhuman.info().then(({ info }) => info.observing === 1)")   # this test's own
        page.wait(ASKED % "floor" + f" > {floors} + 2")   # the summary goes on, as before
        asked[max(asked)].request({"request": "leave_floor"})
        self.text(page, "moderator-brief", "Nobody has it, 1 waits")

    def test_who_speaks(self):
        asked = self.questioners(2)
        first, second = asked
        page = self.moderator()
        self.waiting(page, [first, second])
        page.evaluate(f"digitalhuman.giveFloor({first}).then(() => 0)")
        self.text(page, "holder", f"Viewer {first} has it")
        quiet, voice = [-70] * 60, [-25 + random.randint(-5, 5) for _ in range(30)]
        for viewer, tag in ((first, "#holder"), (second, "#asks .tag:not(.place)")):
            asked[viewer].listen()
            page.evaluate(f"""window.seen = [], void new MutationObserver(() => seen.push(document.querySelector('{tag}').innerText))
                .observe(document.querySelector('{tag}'), {{ childList: true }})""")
            asked[viewer].speak(quiet + voice + quiet)
            page.wait("seen.some(text => text.endsWith('speaks')) && !seen.at(-1).endsWith('speaks')")

    def test_the_gateway_comes_back(self):
        """A new connection has a new observer."""
        asked = self.questioners(2)
        page = self.moderator()
        self.waiting(page, list(asked))
        page.evaluate("digitalhuman.reconnect().then(() => 0)")
        page.wait(ASKED % "observe" + " === 2")
        page.wait("digitalhuman.info().then(({ info }) => info.observing === 2)")
        asked[min(asked)].request({"request": "leave_floor"})
        self.waiting(page, [max(asked)])
        self.assertEqual(page.errors, [])

    def test_whose_voice(self):
        """Who has the secret makes a floor, and ends it; who has not sees none."""
        self.set(barge_in_by="all")
        page = self.open(secret=None)
        page.wait(ASKED % "queue" + " > 2")
        self.assertEqual(page.evaluate("[document.querySelector('#barge-in-by').value, document.querySelector('#moderator').hidden]"), ["", True])
        page.evaluate("digitalhuman.secret = 'demo'")
        page.wait("document.querySelector('#barge-in-by').value === 'all'")
        self.assertTrue(page.evaluate("document.querySelector('#moderator').hidden"))
        choose = "document.querySelector('#barge-in-by').value = '%s', document.querySelector('#barge-in-by').dispatchEvent(new Event('change'))"
        page.evaluate("document.querySelector('#barge-in-by').focus()")
        for who, has in (("one", True), ("nobody", False), ("named", True), ("all", False)):
            page.evaluate(choose % who)
            page.wait(f"document.querySelector('#moderator').hidden === {json.dumps(not has)}")
            self.assertEqual(self.floor()["barge_in_by"], who)
            self.assertEqual(page.evaluate("document.querySelector('#barge-in-by').value"), who)
        page.evaluate("digitalhuman.secret = 'wrong'")
        page.wait("document.querySelector('#barge-in-by').value === '' && digitalhuman.secret === null")
        self.assertEqual(page.evaluate(ASKED % "observe"), 0)


class Made(Page):
    """Of answers that would take long, or a crowd."""

    def test_how_long(self):
        page = self.moderator("""answer => ({ ...answer, viewer: 7, had_ms: 42500, silent_ms: 0, speaking: [7],
            floor_ms: 60000, floor_silence_ms: 15000, ...window.change })""")
        for change, words, later in (
                ({}, "for 0:42, 0:17 left", "for 0:52, 0:07 left"),
                ({"speaking": []}, "for 0:42, 0:15 left if it says nothing", "for 0:52, 0:05 left if it says nothing"),
                ({"speaking": [], "silent_ms": 9000, "floor_ms": 0}, "for 0:42, 0:06 left if it says nothing", "for 0:52, 0:00 left if it says nothing"),
                ({"floor_ms": 0}, "for 0:42", "for 0:52"), ({"floor_ms": 45000, "had_ms": 42900}, "for 0:42, 0:02 left", "for 0:52, 0:00 left"),
                ({"viewer": None, "speaking": []}, *["Whoever asks waits until it is given."] * 2)):
            self.show(page, f"window.past = 0, window.change = {json.dumps(change)}")
            self.text(page, "holder-time", words)
            page.evaluate("window.past = 10000")
            self.text(page, "holder-time", later)
        self.assertEqual(page.evaluate("[take.disabled, holder.className]"), [True, "now-title idle"])

    def test_a_hundred_wait(self):
        """They scroll in their card, at any width, and of those that stay no element is made anew."""
        page = self.moderator("""answer => ({ ...answer, viewer: 4000000000, had_ms: 5000, silent_ms: 5000, speaking: [3999999999],
            waiting: window.line ?? [], waited_ms: (window.line ?? []).map((_, i) => 3600000 - i * 1000) })""")
        self.show(page, "window.line = Array.from({ length: 100 }, (_, i) => 3999999999 - i)")
        page.wait("document.querySelectorAll('#asks li').length === 100")
        for width in (320, 360, 600, 940, 1280):
            page.resize(width, 740)
            page.wait(f"innerWidth === {width}")
            self.assertEqual(width, page.evaluate("document.documentElement.scrollWidth"))
            self.assertTrue(page.evaluate("asks.scrollHeight > 3 * asks.clientHeight && asks.scrollWidth <= asks.clientWidth"), width)
            self.assertEqual([], page.evaluate("""[...document.querySelectorAll('#moderator *')].filter(e => e.checkVisibility() &&
                e.getBoundingClientRect().right > document.querySelector('#moderator').getBoundingClientRect().right).map(e => e.outerHTML)"""))
        page.evaluate("""void (() => {
            window.added = 0, window.removed = 0;
            new MutationObserver(all => all.forEach(m => { added += m.addedNodes.length, removed += m.removedNodes.length; }))
                .observe(asks, { childList: true });
            asks.scrollTop = 1000;
        })()""")
        self.show(page, "line.splice(50, 1), line.push(5)")
        page.wait("asks.lastChild.dataset.viewer === '5' && [added, removed].join() === '1,1'")
        self.assertEqual(page.evaluate("[...asks.children].map(li => li.firstChild.textContent)"), [str(n) for n in range(1, 101)])
        self.assertEqual(page.evaluate("asks.scrollTop"), 1000)
        self.show(page, "0")
        self.text(page, "asks-count", "100")
        self.assertEqual(page.evaluate("[added, removed]"), [1, 1])
        self.assertEqual(page.errors, [])


if __name__ == "__main__":
    unittest.main()
