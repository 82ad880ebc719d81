# SPDX-License-Identifier: GPL-3.0-or-later
"""axe-core finds nothing against the page and the embedded one, in any of the states that people meet: light and dark, on a
desktop and on a phone."""
import json
import os
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


def setUpModule():
    global site, browser, axe
    path = os.path.join(npm.packages("axe-core@4"), "node_modules/axe-core/axe.min.js")
    with open(path, encoding="utf-8") as file:
        axe = file.read()
    site = unittest.enterModuleContext(Website())
    browser = unittest.enterModuleContext(Chromium())


class Accessible(unittest.TestCase):
    def open(self, query="", size=DESKTOP, dark=False):
        page = browser.open(site.url + query, *size, dark=dark)
        self.addCleanup(page.close)
        return page

    def check(self, page):
        if not page.evaluate("!!window.axe"):
            page.evaluate(f"void (0, eval)({json.dumps(axe)})")
        self.assertEqual([], page.evaluate(FINDINGS))

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
                page.evaluate("Promise.all(['hello.mp4', 'hello.mp4', 'goodbye.dhs'].map(f => digitalhuman.enqueue(f)))")
                page.wait("document.documentElement.dataset.room === 'speaking'")
                page.wait("document.querySelectorAll('#waiting li').length >= 1")
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
                self.check(page)


if __name__ == "__main__":
    unittest.main()
