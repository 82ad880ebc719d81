# SPDX-License-Identifier: GPL-3.0-or-later
"""What people do to the page, and browsers: typing with input methods, keys, secrets, sound that is not allowed, storage
that is not there."""
import json
import os
import subprocess
import tempfile
import time
import unittest

from chromium import Chromium
from website import Website

PLAYING = "document.documentElement.dataset.state === 'playing'"
EVENTS = "document.querySelector('#log').innerText"

# A browser that lets nothing play before a click or a key.
REFUSES_TO_PLAY = """
    const play = HTMLMediaElement.prototype.play;
    let allowed = false;
    for (const name of ['mousedown', 'keydown'])
        addEventListener(name, event => { allowed ||= event.isTrusted; }, true);
    HTMLMediaElement.prototype.play = function() {
        if (allowed)
            return play.call(this);
        this.pause();
        return Promise.reject(new DOMException('not now', 'NotAllowedError'));
    };
    document.addEventListener('DOMContentLoaded', () => document.querySelector('video').removeAttribute('autoplay'));
"""
KEEPS_NOTHING = """
    for (const name of ['sessionStorage', 'localStorage'])
        Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError'); } });
"""
# What the page has told the person: a notice stands for some seconds only.
NOTED = """
    window.noted = [];
    document.addEventListener('DOMContentLoaded', () => {
        const notice = document.querySelector('#notice');
        new MutationObserver(() => notice.hidden || noted.push(notice.textContent))
            .observe(notice, { attributes: true, childList: true });
    });
"""
# 11 UTF-16 units that are one character to people.
FAMILY = "\U0001F469\u200D\U0001F469\u200D\U0001F467\u200D\U0001F466"


def setUpModule():
    global site, browser
    site = Website()
    unittest.addModuleCleanup(site.close)
    browser = Chromium(shell=True)
    unittest.addModuleCleanup(browser.close)


class Page(unittest.TestCase):
    def open(self, path="", playing=PLAYING, **options):
        page = browser.open(site.url + path, **options)
        self.addCleanup(page.close)
        page.wait("window.digitalhuman")
        if playing:
            page.wait(playing)
        return page

    def quiet(self, page):
        page.evaluate("digitalhuman.secret = 'demo'; digitalhuman.interrupt()")
        page.wait("document.documentElement.dataset.room === 'idle'")


class Secrets(Page):
    def answer(self, page, text):
        page.wait("document.querySelector('#ask').open")
        page.type(text)
        page.press("Enter")

    def test_a_wrong_one_is_dropped(self):
        page = self.open()
        page.click("#text")
        page.type("Hello")
        page.press("Enter")
        self.answer(page, "wrong")
        page.wait("document.querySelector('#ask-text').textContent.includes('not right')")
        self.assertEqual("true", page.evaluate("document.querySelector('#ask-value').getAttribute('aria-invalid')"))
        page.press("Escape")
        page.wait("!document.querySelector('#ask').open")
        self.assertIsNone(page.evaluate("digitalhuman.secret"))
        self.assertEqual("Hello", page.evaluate("document.querySelector('#text').value"))
        self.assertEqual(1, page.evaluate("digitalhuman.info().then(({ info }) => info.id)"))
        self.assertTrue(page.evaluate("document.querySelector('#notice').hidden"))

    def test_one_that_was_right_once(self):
        page = self.open(before=NOTED)
        page.evaluate("window.isOld = true, sessionStorage.setItem('digitalhuman.secret.1', 'old'); location.reload()")
        page.wait("!window.isOld && window.digitalhuman && " + PLAYING)
        page.wait("noted.some(text => text.includes('not right any more'))")
        self.assertIsNone(page.evaluate("sessionStorage.getItem('digitalhuman.secret.1')"))
        page.wait("document.querySelector('#reported-facts dd')")


class Typing(Page):
    def test_an_input_method_has_enter_to_itself(self):
        page = self.open()
        page.click("#text")
        page.type("にほ")
        for event in ({"isComposing": True}, {"keyCode": 229}):
            taken = page.evaluate("!document.querySelector('#text').dispatchEvent(new KeyboardEvent('keydown', "
                                  "{ key: 'Enter', bubbles: true, cancelable: true, ...%s }))" % json.dumps(event))
            self.assertFalse(taken, event)
        self.assertFalse(page.evaluate("document.querySelector('#ask').open || document.querySelector('#speak').disabled"))
        page.press("Enter")
        page.wait("document.querySelector('#ask').open")

    def test_a_long_text_of_emoji(self):
        page = self.open()
        self.quiet(page)
        self.assertEqual(11, page.evaluate(json.dumps(FAMILY) + ".length"))
        page.click("#text")
        page.type("x" * 150 + FAMILY * 20)
        page.press("Enter")
        shown = page.wait("digitalhuman.queue().then(({ playing }) => playing?.metadata.text)")
        self.assertEqual("x" * 150 + FAMILY * 13, shown)  # 293 of 300 units
        page.wait("document.querySelector('#text').value === ''")
        self.quiet(page)
        name = page.evaluate("digitalhuman.say('x'.repeat(59) + %s + 'end').then(() => digitalhuman.queue())"
                             ".then(q => [q.playing, ...q.waiting].filter(Boolean).at(-1).name)" % json.dumps(FAMILY))
        self.assertEqual("x" * 59 + "…", name)
        self.quiet(page)

    def test_speak_waits_for_the_answer(self):
        page = self.open(before="const every = window.setInterval; window.setInterval = (fn, ms) => every(fn, ms / 10);")
        page.evaluate("""{
            const { list } = digitalhuman;
            window.said = window.listed = 0;
            digitalhuman.say = () => { said++; return new Promise(done => { window.release = done; }); };
            digitalhuman.list = function() { listed++; return list.call(this); };
        }""")
        page.click("#text")
        page.type("Once")
        page.press("Enter")
        page.wait("said === 1")
        page.press("Enter")
        page.wait("listed >= 2")
        self.assertEqual([True, 1], page.evaluate("[document.querySelector('#speak').disabled, said]"))
        page.evaluate("release()")
        page.wait("!document.querySelector('#speak').disabled && document.querySelector('#text').value === ''")

    def test_what_was_typed_stays_typed(self):
        page = self.open()
        page.click("#text")
        page.type("Half a sent")
        page.evaluate("digitalhuman.reconnect()")
        page.wait(PLAYING)
        page.evaluate("document.querySelector('.chip input[value=\"2\"]').click()")
        page.wait("document.querySelector('#ask').open")
        self.assertEqual("Half a sent", page.evaluate("document.querySelector('#text').value"))
        page.evaluate("window.isOld = true; location.reload()")
        page.wait("!window.isOld && window.digitalhuman && document.querySelector('#text').value === 'Half a sent'")


class Keys(Page):
    def test_arrows_go_past_rooms_and_enter_enters(self):
        page = self.open()
        page.wait("document.querySelectorAll('.chip').length === 2")
        page.evaluate("document.querySelector('.chip input:checked').focus()")
        for key, value in (("ArrowRight", "2"), ("ArrowDown", "1"), ("ArrowLeft", "2")):
            page.press(key)
            self.assertEqual([value, 1], page.evaluate("[document.activeElement.value, digitalhuman.room]"))
        page.press("Enter")
        page.wait("digitalhuman.room === 2")
        page.wait("document.querySelector('#ask').open")

    def button(self, page):
        """Name and state of the sound button, as a screen reader has them."""
        page.command("Accessibility.enable")
        nodes = page.command("Accessibility.getFullAXTree")["nodes"]
        found = [(n["name"]["value"], p["value"]["value"]) for n in nodes for p in n.get("properties", [])
                 if not n.get("ignored") and n["role"]["value"] == "button" and p["name"] == "pressed"
                 and n["name"]["value"] not in ("Captions", "Microphone")]
        self.assertEqual(1, len(found), found)
        return found[0]

    def until_button(self, page, name, pressed):
        """A browser tells its screen readers a while later."""
        end = time.monotonic() + 60
        while (found := self.button(page)) != (name, pressed):
            self.assertLess(time.monotonic(), end, found)
            time.sleep(0.05)

    def test_the_sound_button_says_it_once(self):
        for path, playing in ("", PLAYING), ("embed.html", "digitalhuman.state === 'playing'"):
            page = self.open(path, playing=playing)
            self.until_button(page, "Sound", "false")
            page.press("Tab")
            page.press("ArrowDown")
            self.assertTrue(page.evaluate("document.querySelector('video').muted"))
            page.evaluate("document.querySelector('#sound').focus()")
            page.press("Enter")
            page.wait("!document.querySelector('video').muted && document.querySelector('#sound').ariaPressed === 'true'")
            self.until_button(page, "Sound", "true")
            page.press(" ")
            page.wait("document.querySelector('video').muted && document.querySelector('#sound').ariaPressed === 'false'")
            self.until_button(page, "Sound", "false")


class Browsers(Page):
    def test_one_that_wants_a_click_first(self):
        for path, words in ("", "#curtain-text"), ("embed.html", "#words"):
            page = self.open(path, playing="digitalhuman.state === 'playing'", before=REFUSES_TO_PLAY)
            page.wait(f"document.querySelector('{words}').innerText.match(/click/i)")
            self.assertTrue(page.evaluate("digitalhuman.blocked && document.querySelector('video').paused"))
            page.click(words if path else "#curtain-button")
            page.wait("!document.querySelector('video').paused && !digitalhuman.blocked")
            page.wait(f"!document.querySelector('{words}').checkVisibility() || !document.querySelector('{words}').innerText")

    def test_one_that_allows_no_sound(self):
        page = self.open("embed.html", playing="digitalhuman.state === 'playing'", before="""
            const play = HTMLMediaElement.prototype.play;
            HTMLMediaElement.prototype.play = function() {
                return this.muted ? play.call(this) : Promise.reject(new DOMException('no sound', 'NotAllowedError'));
            };""")
        self.assertEqual("NotAllowedError", page.evaluate("digitalhuman.unmute().catch(error => error.name)"))
        page.wait("document.querySelector('video').muted && !document.querySelector('video').paused")

    def test_one_that_keeps_nothing(self):
        page = self.open(before=KEEPS_NOTHING)
        page.click("#text")
        page.type("Hello")
        page.press("Enter")
        page.wait("document.querySelector('#ask').open")
        page.type("demo")
        page.press("Enter")
        page.wait(EVENTS + ".includes('“Hello” started')")
        page.evaluate("document.querySelector('.chip input[value=\"2\"]').click()")
        page.wait("document.querySelector('#ask').open")
        page.press("Escape")
        page.wait("document.querySelectorAll('.chip').length === 2")
        page.evaluate("document.querySelector('.chip input[value=\"1\"]').click()")
        page.wait(PLAYING)
        self.assertEqual("demo", page.evaluate("digitalhuman.secret"))
        self.quiet(page)
        self.assertEqual([], page.errors)

    def test_one_without_webrtc(self):
        page = self.open(playing=None, before="delete window.RTCPeerConnection; delete window.webkitRTCPeerConnection;")
        page.wait("document.documentElement.dataset.state === 'unsupported'")
        self.assertIn("no WebRTC", page.evaluate("document.querySelector('#curtain-text').innerText"))


class Settings(unittest.TestCase):
    """settings.js, as ./run writes it."""

    def test_names_of_files(self):
        names = ["b.mp4", 'a "quoted" one.mp4', "ümlaut.mp4", "back\\slash.mp4", "${dollar}`.mp4"]
        left_out = ["line\nbreak.mp4", "esc\x1b.mp4", ".hidden.mp4", "bad\udcff.mp4"]
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "segments"))
            os.mkdir(os.path.join(folder, "web"))
            for name in names + left_out:
                with open(os.path.join(folder, "segments", name), "w"):
                    pass
            subprocess.run(["bash", "-c", '. "$DH_ROOT/scripts/lib.sh"; . "$DH_ROOT/scripts/gateway.sh"; '
                            'temp=$1 turn=; write_settings "$1/segments"', "bash", folder], check=True)
            with open(os.path.join(folder, "web/settings.js"), encoding="utf-8") as file:
                text = file.read()
        segments = next(line for line in text.splitlines() if "segments:" in line).split(":", 1)[1].rstrip(",")
        self.assertEqual(sorted(names, key=str.encode), json.loads(segments))


if __name__ == "__main__":
    unittest.main()
