# SPDX-License-Identifier: GPL-3.0-or-later
"""A private Janus with the plugin, for integration tests.

    with JanusServer(JCFG) as janus:             # own folder, own ports, loopback APIs
        handle = janus.attach()
        handle.request({"request": "list"})      # -> the plugin's answer, a dict
        handle.events.wait(lambda e: e.get("event") == "started")

The environment says what is tested:
    DH_PLUGIN   the plugin's .so             DH_PREPARE  dh-prepare
    DH_JANUS    the prefix of the Janus (default: Debian's own)

Stopping it checks that it ends by itself, with no sanitizer's report in its log
and no process left behind.
"""
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
PLUGIN = "janus.plugin.digitalhuman"
# How long to wait for what must come; long, for busy machines. bench/ measures how soon it comes.
WAIT_S = 60
REPORTS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer", "runtime error:")


_ports_given = []


def free_ports(count, in_a_row=1):
    """Ports that are free now, each the first of so many `in_a_row` (two: an even one and the next), given once as long
    as this process runs: by a name that a socket of its own has meanwhile, which other tests see. They are none that the system gives to sockets by itself, which could take them
    before they are used, nor the one among them that browsers connect to nowhere."""
    ports = []
    while len(ports) < count:
        port = random.SystemRandom().randrange(10000, 20000, in_a_row)
        names = [_take_port(number) for number in range(port, port + in_a_row)]
        if None not in names:
            _ports_given.extend(names)
            ports.append(port)
            continue
        for name in filter(None, names):
            name.close()
    return ports


def _take_port(port):
    """A socket that says that it is taken; None if it is not to be had, for TCP or UDP."""
    if port == 10080:
        return None
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind("\0dh-test-port-%d" % port)
        for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
            with socket.socket(type=kind) as s:
                if kind == socket.SOCK_STREAM:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("127.0.0.1", port))
    except OSError:
        name.close()
        return None
    return name


def own_address():
    """An address that is not loopback: Janus gathers no loopback candidates."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
            return s.getsockname()[0]
        except OSError:
            pass
    addresses = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
    if not addresses:
        raise RuntimeError("no address but loopback")
    return addresses[0]


def sanitizer_library(plugin):
    """The runtime that has to be loaded before a plugin built with a sanitizer."""
    needed = subprocess.run(["ldd", plugin], capture_output=True, text=True).stdout
    for line in needed.splitlines():
        if "libasan" in line or "libtsan" in line:
            return line.split("=>")[1].split()[0]
    return None


def program():
    """Janus itself."""
    return os.path.join(os.environ["DH_JANUS"], "bin/janus") if "DH_JANUS" in os.environ else "janus"


def libraries():
    """Janus's folder with plugins/, transports/ and events/."""
    if "DH_JANUS" in os.environ:
        return os.path.join(os.environ["DH_JANUS"], "lib/janus")
    listed = subprocess.run(["dpkg", "-L", "janus"], capture_output=True, text=True).stdout.split()
    for path in listed:
        if "/transports/libjanus_http" in path:
            return os.path.dirname(os.path.dirname(path))
    raise RuntimeError("Janus is not installed, and DH_JANUS is not set")


class Events:
    """A handle's events, in order."""

    def __init__(self):
        self.all, self.changed = [], threading.Condition()

    def add(self, message):
        with self.changed:
            self.all.append(message)
            self.changed.notify_all()

    def wait(self, matches, timeout=WAIT_S, after=0):
        """The first event from index `after` on whose plugin data match. The whole message also has "jsep"."""
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                for message in self.all[after:]:
                    data = message.get("plugindata", {}).get("data", {})
                    if matches(data):
                        return data
                if not self.changed.wait(max(0, end - time.monotonic())):
                    raise TimeoutError("no such event; there were: %s" % json.dumps(self.all[after:])[:2000])

    def data(self):
        with self.changed:
            return [m["plugindata"]["data"] for m in self.all if "plugindata" in m]


class Handle:
    def __init__(self, session, number):
        self.session, self.id, self.events = session, number, Events()

    def send(self, body, jsep=None):
        """Janus's own answer."""
        message = {"janus": "message", "body": body}
        if jsep:
            message["jsep"] = jsep
        return self.session.post("/%d" % self.id, message)

    def request(self, body, jsep=None, timeout=WAIT_S):
        """The plugin's answer, which for asynchronous requests is an event."""
        return self.answer(body, jsep, timeout)["plugindata"]["data"]

    def answer(self, body, jsep=None, timeout=WAIT_S):
        """The whole message (an offer is in "jsep")."""
        reply = self.send(body, jsep)
        if reply["janus"] != "ack":
            if "plugindata" not in reply:
                raise RuntimeError("Janus says %s" % reply)
            return reply
        end = time.monotonic() + timeout
        with self.events.changed:
            while True:
                for message in self.events.all:
                    if message.get("transaction") == reply["transaction"]:
                        return message
                if not self.events.changed.wait(max(0, end - time.monotonic())):
                    raise TimeoutError("no answer to %s" % body)

    def detach(self):
        self.session.post("/%d" % self.id, {"janus": "detach"})

    def hangup(self):
        self.session.post("/%d" % self.id, {"janus": "hangup"})


class Session:
    """One Janus session; a thread polls its events."""

    def __init__(self, url, token=None):
        self.url, self.token, self.handles, self.open = url, token, {}, True
        self.id = self.post("", {"janus": "create"})["data"]["id"]
        self.url += "/%d" % self.id
        self.thread = threading.Thread(target=self.poll, daemon=True)
        self.thread.start()

    def post(self, path, message):
        message["transaction"] = "%016x" % random.getrandbits(64)
        if self.token:
            message["token"] = self.token
        request = urllib.request.Request(self.url + path, json.dumps(message).encode())
        with urllib.request.urlopen(request, timeout=WAIT_S) as reply:
            return json.load(reply)

    def poll(self):
        query = urllib.parse.urlencode({"maxev": 50, **({"token": self.token} if self.token else {})})
        while self.open:
            try:
                with urllib.request.urlopen(self.url + "?" + query, timeout=60) as reply:
                    messages = json.load(reply)
            except (OSError, ValueError, http.client.HTTPException):
                return
            for message in messages if isinstance(messages, list) else [messages]:
                handle = self.handles.get(message.get("sender"))
                if handle:
                    handle.events.add(message)

    def attach(self):
        reply = self.post("", {"janus": "attach", "plugin": PLUGIN})
        if reply["janus"] != "success":
            raise RuntimeError("Janus says %s" % reply)
        handle = Handle(self, reply["data"]["id"])
        self.handles[handle.id] = handle
        return handle

    def close(self):
        self.open = False
        try:
            self.post("", {"janus": "destroy"})
        except (OSError, ValueError, http.client.HTTPException):
            pass


class JanusServer:
    """`jcfg` is the plugin's configuration; {folder} in it is the server's own
    folder, {prepare} dh-prepare, {talker} a dh-talker that generators' user may run. `plugins` and `events` name stock plugins and event
    handlers to load beside it (as in "libjanus_streaming.so"); `environment` is added to
    Janus' own, `janus_general` and `nat` to the categories of its configuration."""

    def __init__(self, jcfg, plugins=(), events=(), level=4, files=None, environment=None,
                 janus_general="", nat=""):
        self.jcfg, self.plugins, self.events, self.level = jcfg, plugins, events, level
        self.environment, self.janus_general, self.nat = environment or {}, janus_general, nat
        self.files = files or {}            # more files in the configuration folder
        self.token = None                   # of Janus, where it wants one
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind and self.process:
            print(self.log()[-3000:], file=sys.stderr)
        self.stop(check=kind is None)

    # ------------------------------------------------------------- starting

    def start(self):
        self.plugin, self.prepare = os.environ["DH_PLUGIN"], os.environ["DH_PREPARE"]
        self.folder = tempfile.mkdtemp(prefix="dh-janus-")
        os.chmod(self.folder, 0o755)
        for name in ("conf", "plugins", "transports", "events", "loggers", "segments", "cache"):
            os.mkdir(os.path.join(self.folder, name))
        self.segments = os.path.join(self.folder, "segments")
        self.http_port, self.ws_port, self.admin_port = free_ports(3)
        self.http = "http://127.0.0.1:%d/janus" % self.http_port
        self.ws = "ws://127.0.0.1:%d/" % self.ws_port
        self.admin = "http://127.0.0.1:%d/admin" % self.admin_port
        self.write_configuration()
        self.link_libraries()
        self.log_path = os.path.join(self.folder, "log")
        self.launch()
        return self

    def launch(self):
        environment = dict(os.environ, UBSAN_OPTIONS="print_stacktrace=1",
                           TSAN_OPTIONS="ignore_noninstrumented_modules=1",
                           ASAN_OPTIONS="detect_leaks=1:verify_asan_link_order=0",
                           LSAN_OPTIONS="print_suppressions=0:suppressions=%s/lsan.supp" % HERE)
        library = sanitizer_library(self.plugin)
        if library:
            environment["LD_PRELOAD"] = library
        environment.update(self.environment)
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [program(), "-F", self.path("conf"), "-C", self.path("conf/janus.jcfg"),
                 "--disable-colors"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                start_new_session=True)
        self.sessions = []
        try:
            self.wait_until_up()
        except BaseException:
            self.stop(check=False)
            raise

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def write_configuration(self):
        self.write("conf/janus.jcfg", """
            general: { configs_folder = "%(f)s/conf" plugins_folder = "%(f)s/plugins"
                transports_folder = "%(f)s/transports" events_folder = "%(f)s/events"
                loggers_folder = "%(f)s/loggers" debug_level = %(level)d admin_secret = "janusoverlord"
                %(general)s }
            media: { rtp_port_range = "20000-40000" }
            nat: { ice_enforce_list = "%(address)s" %(nat)s }
            events: { broadcast = %(broadcast)s }
            """ % {"f": self.folder, "level": self.level, "address": own_address(), "general": self.janus_general,
                   "nat": self.nat,
                   "broadcast": "true" if self.events else "false"})
        self.write("conf/janus.transport.http.jcfg", """
            general: { json = "compact" base_path = "/janus" http = true port = %d ip = "127.0.0.1" https = false }
            admin: { admin_base_path = "/admin" admin_http = true admin_port = %d admin_ip = "127.0.0.1" }
            """ % (self.http_port, self.admin_port))
        self.write("conf/janus.transport.websockets.jcfg", """
            general: { json = "compact" ws = true ws_port = %d ws_ip = "127.0.0.1" wss = false }
            admin: { admin_ws = false }
            """ % self.ws_port)
        jcfg = self.jcfg.replace("{folder}", self.folder).replace("{prepare}", self.prepare)
        if "{talker}" in jcfg:      # the build may be in somebody's own folder
            jcfg = jcfg.replace("{talker}", shutil.copy(os.environ["DH_TALKER"], self.folder))
        self.write("conf/%s.jcfg" % PLUGIN, jcfg)
        for name, text in self.files.items():
            self.write("conf/" + name, text.replace("{folder}", self.folder))

    def link_libraries(self):
        library = libraries()
        os.symlink(os.path.realpath(self.plugin), self.path("plugins/libjanus_digitalhuman.so"))
        for kind, names in (("transports", ("libjanus_http.so", "libjanus_websockets.so")),
                            ("plugins", self.plugins), ("events", self.events)):
            for name in names:
                os.symlink(os.path.realpath(os.path.join(library, kind, name)), self.path(kind + "/" + name))

    def check_timer(self):
        """Of a transport that is ended before its thread has begun, Janus waits for that thread for ever."""
        if "HTTP transport timer started" not in self.log():
            raise OSError("the timer of Janus's HTTP transport has not begun")

    def wait_until_up(self):
        """Janus's transports listen a moment before they can answer."""
        end = time.monotonic() + WAIT_S
        for probe in (lambda: urllib.request.urlopen(self.http + "/info", timeout=5).close(),
                      lambda: urllib.request.urlopen(self.admin + "/info", timeout=5).close(),
                      lambda: socket.create_connection(("127.0.0.1", self.ws_port), 1).close(),
                      self.check_timer):
            while True:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("Janus did not start:\n" + self.log()[-3000:])
                try:
                    probe()
                    break
                except (OSError, http.client.HTTPException):
                    time.sleep(0.05)

    # ---------------------------------------------------------------- using

    def attach(self, session=None):
        return (session or self.session()).attach()

    def session(self):
        session = Session(self.http, self.token)
        self.sessions.append(session)
        return session

    def ask_admin(self, message, path=""):
        """A request to the Admin API."""
        message = dict(message, transaction="admin", admin_secret="janusoverlord")
        request = urllib.request.Request(self.admin + path, json.dumps(message).encode())
        with urllib.request.urlopen(request, timeout=WAIT_S) as reply:
            return json.load(reply)

    def ask_plugin(self, body):
        """A request to the plugin through the Admin API."""
        reply = self.ask_admin({"janus": "message_plugin", "plugin": PLUGIN, "request": body})
        return reply["response"]

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def discarded(self, handle=r"\d+"):
        """How many packets for that handle, or any, Janus itself dropped: its thread had no time for them for a second."""
        return len(re.findall(r"\[%s\] Discarding too old outgoing packet" % handle, self.log()))

    def wait_log(self, words, pattern=False):
        """Until the log has `words`, or matches the pattern: Janus writes it in a thread of its own."""
        end = time.monotonic() + WAIT_S
        while not (re.search(words, self.log()) if pattern else words in self.log()):
            if time.monotonic() > end:
                raise AssertionError("the log lacks %r: %s" % (words, self.log()[-3000:]))
            time.sleep(0.02)

    def wait_for_state(self, handle, room, *states, timeout=WAIT_S):
        """Waits until the room is in one of `states`; returns its info."""
        end = time.monotonic() + timeout
        while True:
            info = handle.request({"request": "info", "id": room})["info"]
            if info["state"] in states:
                return info
            if time.monotonic() > end:
                raise TimeoutError("room %s stays %s\n%s" % (room, info["state"], self.log()[-3000:]))
            time.sleep(0.05)

    # ------------------------------------------------------------- stopping

    def children(self):
        """This server's processes; they have a process session of their own."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/stat" % pid) as f:
                    state, _, _, session = f.read().rsplit(")", 1)[1].split()[:4]
            except OSError:
                continue
            if int(session) == self.process.pid and int(pid) != self.process.pid and state != "Z":
                found.append(int(pid))
        return found

    def restart(self):
        """Ends it and starts it again in the same folder, with the same ports."""
        problems = self.end()
        if problems:
            raise AssertionError("; ".join(problems) + "\n" + self.log()[-6000:])
        self.launch()

    def stop(self, check=True):
        if not self.process:
            return
        problems, log = self.end(), self.log()
        if problems and os.environ.get("DH_KEEP"):
            print("kept:", self.folder)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        if check and problems:
            raise AssertionError("; ".join(problems) + "\n" + log[-6000:])

    def freed_handles(self, timeout=10):
        """Waits until Janus has freed its handles, or has freed none for so long; a handle that is
        still being freed when Janus exits is Janus's own leak. Returns whether all are freed."""
        end, last = time.monotonic() + timeout, 0
        while self.process.poll() is None and time.monotonic() < end:
            log = self.log()
            freed = log.count("Handle and related resources freed")
            if freed >= log.count("Creating new handle"):
                return True
            if freed > last:
                end, last = time.monotonic() + timeout, freed
            time.sleep(0.05)
        return False

    def end(self):
        """Ends the process; returns what went wrong."""
        for session in self.sessions:
            session.close()
        freed, problems = self.freed_handles(), []
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(WAIT_S)
            if code != 0:
                problems.append("Janus ended with %d" % code)
        except subprocess.TimeoutExpired:
            problems.append("Janus did not end by itself")
            self.process.kill()
            self.process.wait()
        left, end = self.children(), time.monotonic() + WAIT_S
        while left and time.monotonic() < end:
            time.sleep(0.1)
            left = self.children()
        if left:
            problems.append("processes left behind: %s" % left)
            for pid in left:
                os.kill(pid, signal.SIGKILL)
        log = self.log()
        problems += ["the log has: " + report for report in REPORTS if report in log]
        if problems and not freed:
            problems.append("Janus had not freed all of its handles")
        self.process = None
        return problems
