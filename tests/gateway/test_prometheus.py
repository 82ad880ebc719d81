# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus itself takes what dh-metrics says, as conf/prometheus.yml.sample has it, and knows an answer to each query of the
dashboard, conf/grafana.json."""
import json
import os
import re
import shutil
import subprocess
import time
import unittest
import urllib.parse
import urllib.request

import marks
from hosted_room import HostedRoom
from janus_server import WAIT_S, free_ports
from media_case import Case

ROOT = os.environ["DH_ROOT"]
METRICS = os.path.join(os.environ["DH_BUILD"], "dh-metrics")
TALKER = f'generator-talker: {{ command = [ "{os.environ["DH_TALKER"]}", "--size", "128x128" ] }}'
VARIABLES = {"$room": ".*", "$__rate_interval": "10s"}


def queries():
    with open(os.path.join(ROOT, "conf/grafana.json"), encoding="utf-8") as file:
        return [target["expr"] for panel in json.load(file)["panels"] for target in panel.get("targets", [])]


def filled(query):
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    return query


@unittest.skipUnless(shutil.which("prometheus") and shutil.which("promtool"), "Prometheus is not installed")
class Prometheus(Case):
    @classmethod
    def setUpClass(cls):
        Case.hosted = cls.hosted = HostedRoom(size=128, kbps=200, general='admin_key = "op"', more=TALKER,
                                              room='generator = "talker"')
        cls.addClassCleanup(cls.hosted.close)
        cls.environment = {**os.environ, "DH_ADMIN_SECRET": "janusoverlord", "DH_ADMIN_KEY": "op"}
        marks.write_mp4(os.path.join(cls.hosted.segments, "marks.mp4"), 2, 128)

    def start(self, *command):
        log = open(os.path.join(self.hosted.work, os.path.basename(command[0]) + ".log"), "w")
        self.addCleanup(log.close)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

    def check(self, *arguments, text=None):
        done = subprocess.run(["promtool", "check", *arguments], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=WAIT_S)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def ask(self, query):
        """Its series; raises what Prometheus says if it is no query."""
        with urllib.request.urlopen(f"{self.url}/api/v1/query?query={urllib.parse.quote(query)}", timeout=WAIT_S) as answer:
            return json.load(answer)["data"]["result"]

    def wait_for(self, condition, what):
        end = time.monotonic() + WAIT_S
        while not condition():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.2)

    def configuration(self, port):
        """The sample, with that port, and impatient."""
        with open(os.path.join(ROOT, "conf/prometheus.yml.sample"), encoding="utf-8") as file:
            text = file.read()
        for pattern, ours in (("127.0.0.1:9469", f"127.0.0.1:{port}"), ("scrape_interval: 15s", "scrape_interval: 1s"),
                              ("scrape_timeout: 10s", "scrape_timeout: 1s")):
            text, count = re.subn(re.escape(pattern), ours, text)
            self.assertEqual(count, 1)
        path = os.path.join(self.hosted.work, "prometheus.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def is_up(self):
        try:
            return bool(self.ask("digitalhuman_up == 1"))
        except OSError:
            return False

    def test_dashboard(self):
        ports = free_ports(2)
        configuration = self.configuration(ports[0])
        self.check("config", configuration)
        self.start(METRICS, "--url", self.hosted.server.admin, "--listen", str(ports[0]))
        self.start("prometheus", f"--config.file={configuration}", f"--web.listen-address=127.0.0.1:{ports[1]}",
                   f"--storage.tsdb.path={self.hosted.work}/tsdb")
        self.url = f"http://127.0.0.1:{ports[1]}"
        self.wait_for(self.is_up, "Prometheus has asked dh-metrics")
        self.watch()
        self.play("marks.mp4")
        for query in map(filled, queries()):
            self.wait_for(lambda q=query: self.ask(q), query)

    def test_text(self):
        said = subprocess.run([METRICS, "--url", self.hosted.server.admin], env=self.environment, stdout=subprocess.PIPE, text=True,
                              timeout=WAIT_S, check=True).stdout
        self.assertEqual(self.check("metrics", text=said), "")


if __name__ == "__main__":
    unittest.main()
