# SPDX-License-Identifier: GPL-3.0-or-later
"""./run as people start it: what it prints is there, on ports that are free, and Ctrl-C takes everything away."""
import contextlib
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

from janus_server import WAIT_S, Session, free_ports

ROOT = os.environ["DH_ROOT"]
START_S = 300   # an idle clip is prepared
PORTS = ("page_port", "http_port", "ws_port", "admin_port", "push_port")
# ./run would install packages that are missing, which no test should.
MISSING = """. "$0/scripts/lib.sh"
for wanted in "${build_packages[@]}" "${run_packages[@]}" "${conversation_packages[@]}"; do
    found=
    for name in ${wanted//|/ }; do ! installed "$name" || found=yes; done
    [ -n "$found" ] || echo "$wanted"
done"""
# Other tests may want the demonstration, too.
DRAW = """. "$0/scripts/lib.sh"; . "$0/scripts/demo.sh"
exec 9> "$1/.demo.lock"; flock 9; render_demo "$1/demo" "$1" """


def bash(script, *arguments):
    return subprocess.run(["bash", "-c", script, ROOT, *arguments], check=True, capture_output=True, text=True).stdout


def processes_of(folder):
    """The command lines of those whose temporary folder that is."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as environment, open(f"/proc/{pid}/cmdline", "rb") as command:
                if f"TMPDIR={folder}".encode() in environment.read().split(b"\0"):
                    found.append(command.read().replace(b"\0", b" ").decode())
        except OSError:
            pass
    return found


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Run(unittest.TestCase):
    def setUp(self):
        if os.path.realpath(os.environ["DH_BUILD"]) != os.path.realpath(os.path.join(ROOT, "build")):
            self.skipTest("./run has a build of its own")
        missing = bash(MISSING).split()
        if missing:
            self.skipTest(f"not installed: {missing}")
        bash(DRAW, os.environ["DH_BUILD"])
        self.folder = tempfile.mkdtemp(prefix="dh-run-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        os.chmod(self.folder, 0o755)        # the web server runs as another user
        self.ports = dict(zip(PORTS, free_ports(len(PORTS))))

    def start(self, *options, **ports):
        """Ctrl-C reaches it, even where tests run in the background."""
        environment = dict(os.environ, TMPDIR=self.folder, LC_ALL="C", **{name: str(port) for name, port in ports.items()})
        self.process = subprocess.Popen(
            [os.path.join(ROOT, "run"), *options], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.printed, self.lines = queue.Queue(), []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.addCleanup(self.kill)

    def read(self):
        for line in self.process.stdout:
            self.printed.put(line.strip())
        self.printed.put(None)

    def kill(self):
        """With what it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(WAIT_S)
        self.reader.join(WAIT_S)
        self.process.stdout.close()

    def end(self):
        """Ctrl-C; nothing is left."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.assertIn(self.process.wait(WAIT_S), (-signal.SIGINT, 128 + signal.SIGINT))
        self.check_gone()

    def wait_for(self, *beginnings):
        """Until lines have been printed that begin so."""
        end = time.monotonic() + START_S
        while not all(any(line.startswith(b) for line in self.lines) for b in beginnings):
            line = self.printed.get(timeout=max(0.01, end - time.monotonic()))
            self.assertIsNotNone(line, self.lines)
            self.lines.append(line)

    def room(self, request, **fields):
        session = Session(f"http://127.0.0.1:{self.ports['http_port']}/janus")
        try:
            return session.attach().request({"request": request, "id": 1, "secret": "demo", **fields})
        finally:
            session.close()

    def check_gone(self):
        self.assertEqual(os.listdir(self.folder), [])
        end = time.monotonic() + WAIT_S     # orphans of what was ended are given a moment
        while processes_of(self.folder):
            self.assertLess(time.monotonic(), end, processes_of(self.folder))
            time.sleep(0.05)
        self.assertEqual([name for name, port in self.ports.items() if listens(port)], [])

    def test_a_conversation(self):
        self.start("--port", str(self.ports["page_port"]), "--conversation", **self.ports)
        self.wait_for(f"Open  http://localhost:{self.ports['page_port']} ", "Ctrl-C ends it", "Listening.")
        self.assertIn('Room 1, secret "demo"', " ".join(self.lines))
        with urllib.request.urlopen(f"http://localhost:{self.ports['page_port']}/", timeout=WAIT_S) as page:
            self.assertIn(b"<html", page.read())
        self.assertEqual(self.room("info")["info"]["barge_in"], 200)
        self.assertEqual(len(self.room("listforwarders")["rtp_forwarders"]), 1)
        self.assertTrue([command for command in processes_of(self.folder) if "examples/conversation/main.py" in command])
        self.assertEqual([name for name, port in self.ports.items() if not listens(port)], [])
        self.end()

    def take(self, port):
        """Listens there, unless somebody else on this machine does."""
        listener = self.enterContext(contextlib.closing(socket.socket()))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            listener.listen()
        self.assertTrue(listens(port))

    def test_other_ports_where_the_usual_ones_are_taken(self):
        taken = (8000, 8088, 8188, 7088, 8189)
        for port in taken:
            self.take(port)
        self.start()
        self.wait_for("Ctrl-C ends it")
        said = "\n".join(self.lines)
        found = re.search(r"Open  http://localhost:(\d+) .*Janus: http://127.0.0.1:(\d+)/janus  ws://127.0.0.1:(\d+) "
                          r".*http://127.0.0.1:(\d+)/admin.*Push:  127.0.0.1:(\d+) ", said, re.DOTALL)
        self.assertTrue(found, said)
        self.ports = dict(zip(PORTS, map(int, found.groups())))
        self.assertEqual(len({*self.ports.values(), *taken}), 10, self.ports)
        for name, path, word in (("page_port", "/", "<html"), ("page_port", "/janus/info", "digitalhuman"),
                                 ("http_port", "/janus/info", "digitalhuman")):
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name]}{path}", timeout=WAIT_S) as answer:
                self.assertIn(word, answer.read().decode())
        self.assertEqual([name for name, port in self.ports.items() if not listens(port)], [])
        self.end()

    def test_a_page_port_that_is_asked_for(self):
        """It is not exchanged for another one."""
        self.take(8000)
        self.start("--port", "8000")
        self.assertEqual(self.process.wait(WAIT_S), 1)
        self.reader.join(WAIT_S)
        self.assertEqual([line for line in iter(self.printed.get, None)], ["run: port 8000 is taken; choose another with --port"])


if __name__ == "__main__":
    unittest.main()
