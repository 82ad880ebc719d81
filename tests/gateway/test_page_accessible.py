# SPDX-License-Identifier: GPL-3.0-or-later
"""For everybody: by the keyboard alone, with names for a screen reader, with enough contrast. axe-core finds nothing against
the page and the embedded one, in any of the states that people meet: light and dark, on a desktop and on a phone."""
import json
import os
import re
import unittest

import npm
from chromium import Chromium
from website import Website

STATE = "document.documentElement.dataset.state"
PLAYING = f"{STATE} === 'playing'"
DESKTOP, PHONE = (1280, 900), (360, 740)
# Every rule, those that are only good practice as well. What axe cannot judge (text over video) is no violation.
FINDINGS = """axe.run(document, { resultTypes: ['violations'] }).then(found => found.violations.flatMap(v =>
    v.nodes.map(n => `${v.id}: ${n.html.slice(0, 120)} (${v.help})`)))"""

# The contrast of text with what is behind it, where both are plain colours (WCAG 2).
CONTRAST = """(() => {
    const paint = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgba = colour => {
        paint.clearRect(0, 0, 1, 1);
        paint.fillStyle = colour;
        paint.fillRect(0, 0, 1, 1);
        return [...paint.getImageData(0, 0, 1, 1).data];
    };
    const linear = c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) =>
        0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
    const left_out = '[hidden], .frame, .unseen, .sprite, noscript, script, :disabled, option, dialog:not([open])';
    const bad = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const e = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || e.closest(left_out))
            continue;
        let behind = e;
        while (behind && rgba(getComputedStyle(behind).backgroundColor)[3] < 255)
            behind = behind.parentElement;
        const a = light(rgba(getComputedStyle(e).color));
        const b = light(rgba(getComputedStyle(behind ?? document.body).backgroundColor));
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5)
            bad.push(`${walk.currentNode.data.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
    }
    return bad;
})()"""

# What has an animation that can be seen, or changes bit by bit.
MOVING = """[...document.querySelectorAll('*')].flatMap(e => [undefined, '::before', '::after'].map(part => {
    const { animationName, animationDuration, animationIterationCount, transitionDuration } = getComputedStyle(e, part);
    const longest = durations => Math.max(...durations.split(',').map(parseFloat));
    const moves = animationName !== 'none' &&
        (longest(animationDuration) > 0.001 || animationIterationCount.includes('infinite'));
    return moves || longest(transitionDuration) > 0.001 ? `${e.localName}.${e.className}${part ?? ''}` : '';
})).filter(name => name)"""


def setUpModule():
    global site, browser, axe
    path = os.path.join(npm.packages("axe-core@4"), "node_modules/axe-core/axe.min.js")
    with open(path, encoding="utf-8") as file:
        axe = file.read()
    site = unittest.enterModuleContext(Website())
    browser = unittest.enterModuleContext(Chromium(["--use-fake-device-for-media-stream"]))


class Page(unittest.TestCase):
    def open(self, query="", size=DESKTOP, dark=False):
        page = browser.open(site.url + query, *size, dark=dark)
        self.addCleanup(page.close)
        return page

    def playing(self, **options):
        page = self.open(**options)
        page.wait(PLAYING)
        return page

    def nodes(self, page, *roles):
        """What a screen reader gets of these roles."""
        page.command("Accessibility.enable")
        return [node for node in page.command("Accessibility.getFullAXTree")["nodes"]
                if not node.get("ignored") and node["role"]["value"] in roles]

    def settle(self, page):
        """No colour is between two."""
        page.wait("!document.getAnimations().some(animation => animation instanceof CSSTransition)")


class Everybody(Page):
    def test_the_keyboard_alone(self):
        page = self.playing()
        seen = []
        for _ in range(30):
            page.press("Tab")
            seen.append(page.evaluate(
                "document.activeElement.id || document.activeElement.name || document.activeElement.textContent"))
        for id in ("room", "other-room", "sound", "microphone", "barge-in", "barge-in-by", "text", "speak", "file"):
            self.assertIn(id, seen)
        self.assertIn("hello.mp4", seen)

    def tab_to(self, page, id):
        """Presses Tab until that element has the focus."""
        for _ in range(80):
            page.press("Tab")
            if page.evaluate(f"document.activeElement.id === '{id}'"):
                return
        self.fail(f"Tab does not come to {id}")

    def test_it_is_operated_by_the_keyboard_alone(self):
        page = self.playing()
        self.tab_to(page, "sound")
        for pressed, key in (("true", " "), ("false", "Enter")):
            page.press(key)
            page.wait(f"document.activeElement.getAttribute('aria-pressed') === '{pressed}'")
        self.tab_to(page, "text")
        page.type("One, two, three, four, five, six, seven, eight, nine, ten. " * 20)
        page.press("Enter")
        page.wait("document.querySelector('#ask').open && document.activeElement.id === 'ask-value'")
        page.type("demo")
        page.press("Enter")
        page.wait("document.documentElement.dataset.room === 'speaking'")
        self.assertEqual("text", page.evaluate("document.activeElement.id"))
        self.tab_to(page, "interrupt")
        page.press("Enter")
        page.wait("document.documentElement.dataset.room === 'idle'")
        before = page.evaluate("digitalhuman.info().then(({ info }) => info.barge_in)")
        self.tab_to(page, "barge-in")
        page.press("ArrowDown" if before == "off" else "ArrowUp")
        page.wait(f"digitalhuman.info().then(({{ info }}) => info.barge_in !== '{before}')")
        self.tab_to(page, "other-room")
        page.press(" ")
        page.wait("document.querySelector('#ask').open")
        page.press("Escape")
        page.wait("!document.querySelector('#ask').open && document.activeElement.id === 'other-room'")

    def test_what_moves_stands_still_for_whoever_wants_it(self):
        page = self.playing()
        page.evaluate("digitalhuman.secret = 'demo'")
        page.evaluate("digitalhuman.enqueue('hello.mp4', { repeat: 100 })")
        page.wait("document.querySelector('#activity').matches('.speaking')")
        self.assertNotEqual([], page.evaluate(MOVING))
        page.prefer(reduced_motion=True)
        page.wait("matchMedia('(prefers-reduced-motion: reduce)').matches")
        self.assertEqual([], page.evaluate(MOVING))
        page.wait("!document.getAnimations().length")
        page.evaluate("digitalhuman.interrupt()")

    def test_every_control_has_a_name(self):
        page = self.playing()
        wanted = "button", "textbox", "combobox", "radio", "progressindicator", "meter", "Video", "image"
        found = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in self.nodes(page, *wanted)]
        self.assertGreater(len(found), 15)
        self.assertEqual([], [role for role, name in found if not name.strip()])

    def test_what_is_inside_is_said(self):
        """Plots and histograms are images with their figures as their names."""
        page = self.playing()
        page.evaluate("void (document.querySelector('#inside').open = true)")
        page.wait("!document.querySelector('#inside-lock').hidden")
        page.evaluate("digitalhuman.secret = 'demo'")
        page.wait("document.querySelector('#inside-histograms [aria-label^=\"Skew: up\"], #inside-histograms [aria-label^=\"Skew: over\"]')")
        page.wait("document.querySelector('#inside-plots [aria-label^=\"Queued media: 0\"]')")
        names = [n.get("name", {}).get("value", "") for n in self.nodes(page, "image")]
        for wanted in ("Viewers: connected [1-9]", "Sent to all: picture", "Queued media: [0-9.]+ s", "Underruns: held",
                       "Lateness of pictures: .*: [0-9]", "Skew: .*: [0-9]", "Interrupting: "):
            self.assertTrue([name for name in names if re.match(wanted, name)], (wanted, names))

    def test_captions_can_be_read_and_are_not_said(self):
        """They are what is heard: a screen reader would speak over it. Whoever reads by braille finds them."""
        page = self.playing()
        page.evaluate("digitalhuman.secret = 'demo'")
        self.addCleanup(page.evaluate, "digitalhuman.interrupt()")
        page.evaluate("digitalhuman.enqueue('hello.mp4', { repeat: 100, captions: [['This is read.', 0, 600000]] })")
        page.wait("document.querySelector('#captions').innerText === 'This is read.'")
        self.assertEqual([], page.evaluate("""(() => {
            const live = [];
            for (let e = document.querySelector('#captions p'); e; e = e.parentElement)
                if (e.ariaLive || ['alert', 'log', 'marquee', 'status', 'timer'].includes(e.getAttribute('role')))
                    live.push(e.outerHTML.slice(0, 80));
            return live;
        })()"""))
        self.assertIn("This is read.", [n["name"]["value"] for n in self.nodes(page, "StaticText")])
        self.assertEqual(["Captions"], [n["name"]["value"] for n in self.nodes(page, "group")
                                        if n.get("name", {}).get("value") == "Captions"])

    def test_contrast_light_and_dark(self):
        for dark in (False, True):
            page = self.playing(dark=dark)
            page.wait("document.querySelector('#reported-facts dd')")
            self.settle(page)
            self.assertEqual([], page.evaluate(CONTRAST))


class Accessible(Page):
    def check(self, page):
        if not page.evaluate("!!window.axe"):
            page.evaluate(f"void (0, eval)({json.dumps(axe)})")
        self.settle(page)
        self.assertEqual([], page.evaluate(FINDINGS, 300))

    def test_axe_would_find_something(self):
        page = self.open()
        page.wait(PLAYING)
        page.evaluate("void document.body.append(document.createElement('button'))")
        with self.assertRaisesRegex(AssertionError, "button-name"):
            self.check(page)

    def test_watching(self):
        for size in (DESKTOP, PHONE):
            for dark in (False, True):
                with self.subTest(size=size, dark=dark):
                    page = self.open(size=size, dark=dark)
                    page.wait(PLAYING)
                    page.wait("document.querySelector('#reported-facts dd')")
                    self.check(page)

    def test_speaking_with_a_queue_and_the_details(self):
        for size, dark in ((PHONE, False), (DESKTOP, True)):
            with self.subTest(size=size, dark=dark):
                page = self.open(size=size, dark=dark)
                page.wait(PLAYING)
                page.evaluate("digitalhuman.secret = 'demo'")
                # the first so often that a busy machine is not through with it
                for file, repeat in ("hello.mp4", 100), ("hello.mp4", 1), ("goodbye.dhs", 1):
                    page.evaluate(f"digitalhuman.enqueue('{file}', {{ repeat: {repeat} }})")
                page.wait("document.documentElement.dataset.room === 'speaking'")
                page.wait("document.querySelectorAll('#waiting li').length >= 1")
                self.check(page)
                page.evaluate("void (document.querySelector('#inside').open = true)")
                page.wait("!document.querySelector('#inside-body').hidden && document.querySelector('#inside-facts dd')")
                page.wait("!document.querySelector('#first').hidden && !document.querySelector('#whole-facts').hidden")
                self.check(page)
                self.assertEqual([], page.evaluate(CONTRAST))
                page.permit("microphone")
                # of which nobody has it for speaking: the browser's microphone beeps, and nobody who has it waits for it
                page.evaluate("digitalhuman.bargeIn({ barge_in_by: 'named' }).then(() => digitalhuman.hold()).then(() => 0)")
                page.evaluate("document.querySelector('#microphone').click()")  # what was heard may move it just now
                page.wait("!document.querySelector('#floor').hidden && !document.querySelector('#moderator').hidden")
                page.evaluate("void (document.querySelector('#moderator').open = true)")
                page.evaluate("digitalhuman.askFloor().then(() => 0)")
                page.wait("document.querySelector('#asks li')")
                page.wait("document.querySelector('#hold').textContent === 'Resume'")
                self.check(page)
                self.assertEqual([], page.evaluate(CONTRAST))
                page.permit("microphone", "denied")
                page.wait("!document.querySelector('#talk-words').hidden")
                self.check(page)
                page.evaluate("digitalhuman.interrupt()")
                page.wait("document.documentElement.dataset.room === 'idle'")

    def test_a_question_a_refusal_and_an_unknown_room(self):
        for size, dark in ((PHONE, True), (DESKTOP, False)):
            with self.subTest(size=size, dark=dark):
                page = self.open("?room=2", size, dark)
                page.wait("document.querySelector('#ask').open")
                self.check(page)
                page.press("Escape")
                page.wait(f"{STATE} === 'refused'")
                self.check(page)
                page = self.open("?room=99", size, dark)
                page.wait("document.querySelector('#curtain-text').textContent.includes('no such room')")
                self.check(page)

    def test_the_embedded_one(self):
        for size, dark in ((PHONE, False), (DESKTOP, True)):
            with self.subTest(size=size, dark=dark):
                page = self.open("embed.html", size, dark)
                page.wait("digitalhuman.state === 'playing'")
                page.evaluate("digitalhuman.secret = 'demo'")
                self.addCleanup(page.evaluate, "digitalhuman.request({ request: 'edit', new_disclosure: '' })")
                page.evaluate("digitalhuman.request({ request: 'edit', new_disclosure: 'Made by a computer', edited_event: true })")
                page.wait("document.querySelector('#disclosure').innerText === 'Made by a computer'")
                self.check(page)
                self.assertEqual([("Digital human", "Made by a computer")],
                                 [(n["name"]["value"], n["description"]["value"]) for n in self.nodes(page, "Video")])
                page.evaluate("digitalhuman.request({ request: 'edit', new_disclosure: '' })")


if __name__ == "__main__":
    unittest.main()
