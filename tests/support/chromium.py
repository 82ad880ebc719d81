# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives a headless Chromium through the DevTools protocol, for tests of pages.

    with Chromium() as browser:
        page = browser.open("http://localhost:8000/", width=360, height=740)
        page.wait("document.documentElement.dataset.state === 'playing'")
        page.screenshot("/tmp/page.png")
        assert page.errors == []

A separate Chromium with a profile of its own, controlled through a pipe (no port is opened), and ended with
everything that it started. Every call is synchronous and raises on a timeout. Needs nothing but Debian's `chromium`.
Its `chromium-headless-shell` is the same engine without the windows around pages; it needs a third of the processor
time to start, and two thirds to open a page.
"""
import base64
import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-extensions", "--hide-scrollbars",
    "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding",
    "--disable-features=WebRtcHideLocalIpsWithMdns,OptimizationHints,MediaRouter,Translate,"
    "WebUIOmniboxPopup,WebUIOmniboxAimPopup,SpareRendererForSitePerProcess",    # three more processes for each page
    "--remote-debugging-pipe",
]


# What others do to this machine's networks: Chromium then drops whatever it is about to ask for, also of this machine.
NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"


class PageError(Exception):
    """JavaScript threw, or DevTools refused a command."""


class Chromium:
    """One browser process; `open` makes pages (tabs) in it. `shell`: where it is installed, the headless shell, which
    gives no page a microphone."""

    def __init__(self, args=(), shell=False):
        program = shell and shutil.which("chromium-headless-shell") or "chromium"
        self._profile = tempfile.mkdtemp(prefix="page-test-")
        command_end, commands = os.pipe()
        answers, answer_end = os.pipe()
        # out of the way of 3 and 4, which the browser's side takes
        ends = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (command_end, answer_end)]

        def wire():
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        with open(os.path.join(self._profile, "log"), "w") as log:
            self.process = subprocess.Popen(
                [os.environ.get("CHROMIUM", program), *FLAGS, f"--user-data-dir={self._profile}", *args],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=wire, pass_fds=(3, 4),
                start_new_session=True)
        for fd in (command_end, answer_end, *ends):
            os.close(fd)
        self._commands = os.fdopen(commands, "wb", buffering=0)
        self._answers = os.fdopen(answers, "rb", buffering=0)
        self._changed = threading.Condition()
        self._replies = {}
        self._pages = {}
        self._last_id = 0
        self._gone = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read(self):
        rest = b""
        while chunk := self._answers.read(1 << 16):
            *messages, rest = (rest + chunk).split(b"\0")
            for message in messages:
                self._dispatch(json.loads(message))
        with self._changed:
            self._gone = True
            self._changed.notify_all()

    def _dispatch(self, message):
        with self._changed:
            if "id" in message:
                self._replies[message["id"]] = message
                self._changed.notify_all()
            elif page := self._pages.get(message.get("sessionId")):
                page._event(message["method"], message["params"])

    def command(self, method, params=None, session=None, timeout=60):
        """Sends one DevTools command and returns its result."""
        with self._changed:
            self._last_id += 1
            number = self._last_id
            message = {"id": number, "method": method, "params": params or {}}
            if session:
                message["sessionId"] = session
            data = json.dumps(message).encode() + b"\0"
            while data:
                data = data[self._commands.write(data):]
            if not self._changed.wait_for(lambda: number in self._replies or self._gone, timeout):
                raise TimeoutError(f"{method}: no answer within {timeout} s")
            if number not in self._replies:
                raise PageError(f"{method}: the browser is gone\n{self.log()}")
            reply = self._replies.pop(number)
        if "error" in reply:
            raise PageError(f"{method}: {reply['error']['message']}")
        return reply["result"]

    def open(self, url, width=1280, height=900, dark=False, scale=1, before=None):
        """A new page in a context of its own (own storage), already navigating to `url`; the
        JavaScript `before` runs before the page's own."""
        context = self.command("Target.createBrowserContext")["browserContextId"]
        target = self.command("Target.createTarget", {"url": "about:blank", "browserContextId": context})["targetId"]
        session = self.command("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = Page(self, session, target, context)
        with self._changed:
            self._pages[session] = page
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.command(f"{domain}.enable")
        page.resize(width, height, scale)
        page.prefer(dark=dark)
        if before:
            page.command("Page.addScriptToEvaluateOnNewDocument", {"source": before})
        page.navigate(url)
        return page

    def log(self):
        """The end of what the browser printed."""
        with open(os.path.join(self._profile, "log")) as log:
            return log.read()[-3000:]

    def close(self):
        if not self._gone:
            try:
                self.command("Browser.close", timeout=5)
                self.process.wait(5)
            except (PageError, TimeoutError, BrokenPipeError, subprocess.TimeoutExpired):
                pass
        for number in (signal.SIGTERM, signal.SIGKILL):  # only its own process group
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(5)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.process.wait()
        self._commands.close()
        self._reader.join(5)
        self._answers.close()
        shutil.rmtree(self._profile, ignore_errors=True)


class AnyPage:
    """What pages of every browser can do."""

    def wait(self, expression, timeout=60, every=0.05):
        """Waits until the expression is true, as JavaScript has it; returns its value. Errors count as not yet."""
        end, last = time.monotonic() + timeout, None
        probe = f"(async () => {{ const value = await ({expression}); return [!!value, value]; }})()"
        while time.monotonic() < end:
            try:
                true, last = self.evaluate(probe)
                if true:
                    return last
            except PageError as error:
                last = error
            time.sleep(every)
        raise TimeoutError(f"not within {timeout} s: {expression} (last: {last!r})")


class Page(AnyPage):
    """One tab. `errors` collects what a console would show in red, but for changes of this machine's networks, `received`
    the bytes that came over the network, headers included."""

    def __init__(self, browser, session, target, context):
        self.browser, self._session, self._target, self._context = browser, session, target, context
        self.errors = []
        self.console = []
        self.received = 0
        self.requests = {}
        self.opened = None
        self._is_cut_off = False    # something that it has asked for was dropped

    def command(self, method, params=None, timeout=60):
        return self.browser.command(method, params, self._session, timeout)

    def _event(self, method, params):
        if method == "Runtime.consoleAPICalled":
            text = " ".join(str(a.get("value", a.get("description", ""))) for a in params["args"])
            self.console.append((params["type"], text))
            if params["type"] in ("error", "assert"):
                self.errors.append(text)
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Network.loadingFailed":
            self._is_cut_off |= params["errorText"] == NETWORK_CHANGED
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error" and NETWORK_CHANGED not in params["entry"]["text"]:
            self.errors.append(params["entry"]["text"] + " " + params["entry"].get("url", ""))
        elif method == "Network.requestWillBeSent":
            self.requests[params["requestId"]] = params["request"]["url"]
        elif method == "Network.loadingFinished":
            self.received += int(params["encodedDataLength"])

    def navigate(self, url, timeout=60):
        """Returns when it is loaded; whole, also where the machine's networks change meanwhile."""
        self.opened = time.monotonic()
        while True:
            self._is_cut_off, self.received = False, 0
            error = self.command("Page.navigate", {"url": url}).get("errorText")
            if error and error != NETWORK_CHANGED:
                raise PageError(f"{url}: {error}")
            if not error:
                self.wait("document.readyState === 'complete'", timeout)
                if not self._is_cut_off:
                    return
            if time.monotonic() - self.opened > timeout:
                raise PageError(f"{url}: {NETWORK_CHANGED}, again and again")

    def reload(self):
        self.command("Page.reload")

    def resize(self, width, height, scale=1):
        self.command("Emulation.setDeviceMetricsOverride",
                     {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 600})

    def prefer(self, dark=False, reduced_motion=False):
        self.command("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if reduced_motion else "no-preference"}]})

    def evaluate(self, expression, timeout=60):
        """The value of a JavaScript expression; a promise is awaited."""
        answer = self.command("Runtime.evaluate", {
            "expression": expression, "awaitPromise": True, "returnByValue": True, "userGesture": True}, timeout)
        if details := answer.get("exceptionDetails"):
            raise PageError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def click(self, selector):
        """A real click with the pointer at the element's middle, once it can be pressed and has stood still."""
        x, y = self.evaluate("""(async () => {
            const moment = () => new Promise(done => setTimeout(done, 40)), late = performance.now() + 50000;
            for (let before = '';; await moment()) {
                const e = document.querySelector(%s);
                if (!e) throw new Error('nothing to click');
                e.scrollIntoView({block: 'center', behavior: 'instant'});
                const r = e.getBoundingClientRect(), at = [r.x + r.width / 2, r.y + r.height / 2];
                if ((before === String(at) && !e.disabled) || performance.now() > late) return at;
                before = String(at);
            }
        })()""" % json.dumps(selector))
        for kind in ("mousePressed", "mouseReleased"):
            self.command("Input.dispatchMouseEvent",
                         {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1})

    def type(self, text):
        """Types into whatever has the focus."""
        self.command("Input.insertText", {"text": text})

    def press(self, key, shift=False):
        """Presses a key by its name: Enter, Tab, Escape, ArrowDown, …"""
        codes = {"Enter": (13, "\r"), "Tab": (9, ""), "Escape": (27, ""), " ": (32, " "),
                 "ArrowLeft": (37, ""), "ArrowUp": (38, ""), "ArrowRight": (39, ""), "ArrowDown": (40, "")}
        code, text = codes[key]
        event = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": code,
                 "modifiers": 8 if shift else 0}
        self.command("Input.dispatchKeyEvent", {"type": "keyDown", "text": text, **event} if text else
                     {"type": "rawKeyDown", **event})
        self.command("Input.dispatchKeyEvent", {"type": "keyUp", **event})

    def permit(self, name, setting="granted"):
        """What the person answers, here and everywhere in this page's context: "granted", "denied" or "prompt"."""
        self.browser.command("Browser.setPermission", {
            "permission": {"name": name}, "setting": setting, "browserContextId": self._context})

    def cover(self):
        """Opens another tab in front of it; the page is hidden until what this returns is called. Not in the headless shell."""
        target = self.browser.command("Target.createTarget", {"url": "about:blank", "browserContextId": self._context})["targetId"]
        return lambda: self.browser.command("Target.closeTarget", {"targetId": target})

    def offline(self, offline):
        """Cuts the page's HTTP and WebSocket traffic (not WebRTC's), or restores it."""
        self.command("Network.emulateNetworkConditions",
                     {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})

    def screenshot(self, path, full=False):
        """A PNG of the visible part, or of the whole page."""
        params = {"format": "png"}
        if full:
            size = self.command("Page.getLayoutMetrics")["cssContentSize"]
            params["captureBeyondViewport"] = True
            params["clip"] = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        data = self.command("Page.captureScreenshot", params)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def close(self):
        self.browser.command("Target.closeTarget", {"targetId": self._target})
