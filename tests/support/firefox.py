# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives a headless Firefox, in place of chromium.py's Chromium where a test uses no DevTools of Chromium's own.

    with Firefox() as browser:
        page = browser.open("http://localhost:8000/")
        page.wait("document.documentElement.dataset.state === 'playing'")
        assert page.errors == []

A separate Firefox with a profile and a sound device of its own, ended with everything that it started. Needs Debian's
`firefox-esr` and `pulseaudio`, Node and npm, which fetches puppeteer-core; skips where one is missing. FIREFOX names another
Firefox (no snap: that sees none but its own profile).
"""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import npm
from chromium import AnyPage, PageError
from null_sink import NullSink

PREFERENCES = {
    "media.autoplay.default": 0, "media.autoplay.blocking_policy": 0,
    # no names of .local instead of addresses, and all addresses: as chromium.py's flags
    "media.peerconnection.ice.obfuscate_host_addresses": False, "media.peerconnection.ice.default_address_only": False,
    # times of pictures and sound to the microsecond
    "privacy.reduceTimerPrecision": False,
    # nothing leaves the machine: whatever is not on it goes to a proxy that does not exist
    "network.proxy.type": 1, "network.proxy.http": "127.0.0.1", "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1", "network.proxy.ssl_port": 9, "network.proxy.no_proxies_on": "localhost, 127.0.0.1",
    "network.captive-portal-service.enabled": False, "network.connectivity-service.enabled": False,
    "media.gmp-manager.updateEnabled": False, "media.gmp-provider.enabled": False,
}


def program():
    """Skips where there is none."""
    path = os.environ.get("FIREFOX") or shutil.which("firefox-esr")
    if not path:
        raise unittest.SkipTest("there is no firefox-esr (Ubuntu has Firefox as a snap only, which cannot be used)")
    if not shutil.which("pulseaudio"):
        raise unittest.SkipTest("there is no pulseaudio, without which Firefox plays no sound")
    return path


class Firefox:
    """One browser process; `open` makes pages (tabs) in it."""

    def __init__(self, preferences=None):
        executable, script = program(), npm.script("firefox.mjs", "puppeteer-core@24")
        self._folder = tempfile.mkdtemp(prefix="dh-firefox-")
        options = {"executable": executable, "preferences": {**PREFERENCES, **(preferences or {})}, "folder": self._folder}
        self._sink = NullSink()
        self._log = open(os.path.join(self._folder, "log"), "w+")
        self.process = subprocess.Popen(
            ["node", script, json.dumps(options)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True,
            env={**os.environ, **self._sink.environment}, start_new_session=True)
        self._changed = threading.Condition()
        self._replies, self._pages, self._early = {}, {}, []
        self._last_id, self._hello, self._gone = 0, None, False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        with self._changed:
            self._changed.wait_for(lambda: self._hello or self._gone, 180)
        if not self._hello:
            text = self.log()
            self.close()
            raise PageError(f"Firefox does not start\n{text}")
        self.version = self._hello["version"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read(self):
        for line in self.process.stdout:
            message = json.loads(line)
            with self._changed:
                if "id" in message:
                    self._replies[message["id"]] = message
                elif "page" in message:
                    if page := self._pages.get(message["page"]):
                        page._said(message)
                    else:
                        self._early.append(message)
                else:
                    self._hello = message
                self._changed.notify_all()
        with self._changed:
            self._gone = True
            self._changed.notify_all()

    def command(self, name, timeout=60, **parameters):
        """Sends one of firefox.mjs's commands and returns its result."""
        with self._changed:
            self._last_id += 1
            number = self._last_id
            try:
                self.process.stdin.write(json.dumps({"id": number, "command": name, **parameters}) + "\n")
                self.process.stdin.flush()
            except BrokenPipeError:
                self._gone = True
            if not self._changed.wait_for(lambda: number in self._replies or self._gone, timeout):
                raise TimeoutError(f"{name}: no answer within {timeout} s")
            if number not in self._replies:
                raise PageError(f"{name}: the browser is gone\n{self.log()}")
            reply = self._replies.pop(number)
        if "error" in reply:
            raise PageError(f"{name}: {reply['error']}")
        return reply["value"]

    def open(self, url, width=1280, height=900, before=None):
        """A new page in a context of its own (own storage), already navigating to `url`; the JavaScript `before` runs
        before the page's own."""
        opened = time.monotonic()
        number = self.command("open", url=url, width=width, height=height, before=before, timeout=120)
        page = Page(self, number)
        page.opened = opened
        with self._changed:
            self._pages[number] = page
            for message in [m for m in self._early if m["page"] == number]:
                page._said(message)
        return page

    def log(self):
        """The end of what the browser printed."""
        self._log.seek(0)
        return self._log.read()[-3000:]

    def close(self):
        """Node ends Firefox when its input ends; otherwise, whatever is left of both is killed."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            try:
                if number:
                    self.process.send_signal(number)
                self.process.wait(20)
                break
            except subprocess.TimeoutExpired:
                continue
        if self._hello:
            try:
                os.killpg(self._hello["pid"], signal.SIGKILL)   # Firefox leads a process group of its own
            except ProcessLookupError:
                pass
        self._reader.join(5)
        self.process.stdout.close()
        self._log.close()
        self._sink.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class Page(AnyPage):
    """One tab. `errors` collects what a console would show in red."""

    def __init__(self, browser, number):
        self.browser, self._number = browser, number
        self.errors, self.console, self.opened = [], [], None

    def _said(self, message):
        self.console.append((message["level"], message["text"]))
        if message["level"] in ("error", "assert", "exception"):
            self.errors.append(message["text"])

    def _command(self, name, timeout=60, **parameters):
        return self.browser.command(name, timeout, page=self._number, **parameters)

    def navigate(self, url):
        self.opened = time.monotonic()
        self._command("navigate", url=url)

    def reload(self):
        self._command("reload")

    def resize(self, width, height):
        self._command("resize", width=width, height=height)

    def evaluate(self, expression, timeout=60):
        """The value of a JavaScript expression; a promise is awaited."""
        return self._command("evaluate", timeout, expression=expression)

    def click(self, selector):
        """A real click with the pointer at the element's middle, once it can be pressed and has stood still."""
        self._command("click", selector=selector)

    def type(self, text):
        """Types into whatever has the focus."""
        self._command("type", text=text)

    def press(self, key):
        """Presses a key by its name: Enter, Tab, Escape, ArrowDown, …"""
        self._command("press", key=key)

    def screenshot(self, path, full=False):
        """A PNG of the visible part, or of the whole page."""
        self._command("screenshot", path=path, full=full)

    def close(self):
        self._command("close")
