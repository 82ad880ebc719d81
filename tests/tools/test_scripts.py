#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""scripts/compile-commands, on the build that is being tested; examples/restream/again; the ports of ./run."""
import contextlib
import fcntl
import glob
import json
import os
import re
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request

ROOT, BUILD = os.environ["DH_ROOT"], os.environ["DH_BUILD"]


def dependencies():
    """What make knows of them, by file; and when the build itself was made."""
    found = {name: os.stat(os.path.join(BUILD, name)).st_mtime_ns for name in ("Makefile", "config.status", "uses")}
    for path in glob.glob(os.path.join(BUILD, "*", ".deps", "*.Po")):
        with open(path, encoding="utf-8") as file:
            found[path] = file.read()
    return found


class CompileCommands(unittest.TestCase):
    def test_it_names_every_source_and_changes_nothing(self):
        before = dependencies()
        with tempfile.TemporaryDirectory() as folder:
            output = os.path.join(folder, "compile_commands.json")
            subprocess.run([os.path.join(ROOT, "scripts", "compile-commands"), BUILD, output], check=True,
                           stdout=subprocess.DEVNULL)
            with open(output, encoding="utf-8") as file:
                named = {entry["file"] for entry in json.load(file)}
        sources = {path for folder in ("playout", "prepare", "ingest", "rooms", "plugin", "examples", "clients/dh-push", "tests/unit")
                   for path in glob.glob(os.path.join(ROOT, folder, "*.c"))}
        self.assertEqual(sources - named, set())
        after = dependencies()
        self.assertEqual([path for path in before if after.get(path) != before[path]], [])


class Again(unittest.TestCase):
    """Its pauses, with a `sleep` that only writes down how long it was to be."""

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.write("sleep", 'echo "pause $1" >> log')

    def write(self, name, *lines):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(["#!/bin/sh", *lines, ""]))
        os.chmod(path, 0o755)

    def run_until(self, last, *options):
        """What it has done when that is the last line of its log; then it is ended."""
        path, log = os.path.join(self.folder, "log"), ""
        with subprocess.Popen([os.path.join(ROOT, "examples/restream/again"), *options, "./command"], cwd=self.folder,
                              env={**os.environ, "PATH": self.folder + ":" + os.environ["PATH"]}, stderr=subprocess.DEVNULL) as again:
            while not log.endswith(last + "\n"):
                self.assertIsNone(again.poll())
                time.sleep(0.02)
                if os.path.exists(path):
                    with open(path, encoding="utf-8") as file:
                        log = file.read()
            again.terminate()
            self.assertEqual(again.wait(60), 143)
        return log.splitlines()

    def test_pauses_grow(self):
        self.write("command", "echo run >> log", "[ $(grep -c run log) -lt 9 ] || { echo end >> log; exec /bin/sleep 1000; }", "exit 3")
        pauses = [line for line in self.run_until("end") if line.startswith("pause")]
        self.assertEqual(pauses, ["pause %d" % s for s in (1, 2, 4, 8, 16, 32, 60, 60)])

    def test_one_that_had_worked(self):
        self.write("command", "echo run >> log", "case $(grep -c run log) in 6) /bin/sleep 9.5 ;; 8) echo end >> log; exec /bin/sleep 1000 ;; esac")
        pauses = [line for line in self.run_until("end", "-m", "8") if line.startswith("pause")]
        self.assertEqual(pauses, ["pause %d" % s for s in (1, 2, 4, 8, 8, 1, 2)])

    def test_usage(self):
        for arguments in ([], ["-m", "x", "true"], ["-x", "true"], ["-m"]):
            self.assertEqual(subprocess.run([os.path.join(ROOT, "examples/restream/again"), *arguments], stderr=subprocess.DEVNULL,
                                            check=False).returncode, 2, arguments)


class Ports(unittest.TestCase):
    """./run has ports that are free, and prints them."""

    def setUp(self):
        self.listeners = self.enterContext(contextlib.ExitStack())

    def take(self, port):
        """Listens there, unless somebody else on this machine does."""
        listener = socket.socket()
        self.listeners.enter_context(contextlib.closing(listener))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
            listener.listen()
        with socket.create_connection(("127.0.0.1", port), 60):
            pass

    def test_others_where_these_are_taken(self):
        taken = (8000, 8088, 8188, 7088, 8189)
        for port in taken:
            self.take(port)
        lock = self.enterContext(open(os.path.join(ROOT, "build", ".demo.lock"), "w", encoding="utf-8"))
        fcntl.flock(lock, fcntl.LOCK_EX)        # tests of the page draw the demonstration, too
        with subprocess.Popen([os.path.join(ROOT, "run")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True) as run:
            try:
                said = ""
                for line in run.stdout:
                    said += line
                    if line.startswith("Starting Janus"):
                        fcntl.flock(lock, fcntl.LOCK_UN)
                    if "Ctrl-C" in line:
                        break
                found = re.search(r"Open  http://localhost:(\d+) .*Janus: http://127.0.0.1:(\d+)/janus  ws://127.0.0.1:(\d+) "
                                  r".*http://127.0.0.1:(\d+)/admin.*Push:  127.0.0.1:(\d+) ", said, re.DOTALL)
                self.assertTrue(found, said)
                ports = [int(port) for port in found.groups()]
                self.assertEqual(len({*ports, *taken}), 10, ports)
                for port, path, word in ((ports[0], "/", "<html"), (ports[0], "/janus/info", "digitalhuman"),
                                         (ports[1], "/janus/info", "digitalhuman")):
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
                        self.assertIn(word, answer.read().decode())
                for port in ports[2:]:
                    socket.create_connection(("127.0.0.1", port), 60).close()
            finally:
                run.terminate()
                run.communicate(timeout=60)

    def test_a_page_port_that_is_asked_for(self):
        """It is not exchanged for another one."""
        self.take(8000)
        done = subprocess.run([os.path.join(ROOT, "run"), "--port", "8000"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
        self.assertEqual((done.returncode, done.stderr), (1, "run: port 8000 is taken; choose another with --port\n"))


if __name__ == "__main__":
    unittest.main()
