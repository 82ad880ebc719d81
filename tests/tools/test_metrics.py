#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-metrics, asking an Admin API that says what it is told to; the dashboard, and the samples."""
import importlib.machinery
import json
import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time
import types
import unittest
import urllib.error
import urllib.request

import prometheus_text
from janus_server import free_ports
from metrics_case import METRICS, PATIENT, WAIT_S, MetricsCase, answer, room, success

ROOT = os.environ["DH_ROOT"]


def load():
    """The program as a module."""
    loader = importlib.machinery.SourceFileLoader("dh_metrics", METRICS)
    module = types.ModuleType(loader.name)
    loader.exec_module(module)
    return module


def key(name, **labels):
    return name, tuple(sorted(labels.items()))


class Printing(MetricsCase):
    def metrics(self, said):
        out, err = self.run_metrics("--url", self.api(success(said)).url)
        self.assertEqual(err, "")
        return prometheus_text.parse(out)

    def value(self, families, family, sample, **labels):
        return families[family].samples[key(sample, **labels)]

    def test_the_numbers(self):
        families = self.metrics(answer(room(1), room("two")))
        for name, labels, value in (
                ("digitalhuman_up", {}, 1),
                ("digitalhuman_viewers", {}, 3), ("digitalhuman_viewers_limit", {}, 5000),
                ("digitalhuman_io_longest_turn_seconds", {}, 0.012),
                ("digitalhuman_process_resident_memory_bytes", {}, 7),
                ("digitalhuman_jobs_failed_total", {}, 1), ("digitalhuman_cache_hits_total", {}, 2),
                ("digitalhuman_generator_asked_total", {"generator": "gpu"}, 30),
                ("digitalhuman_generator_busy", {"generator": "gpu"}, 3),
                ("digitalhuman_room_queue_segments", {"room": "two"}, 2),
                ("digitalhuman_room_queue_seconds", {"room": "two"}, 3.5),
                ("digitalhuman_room_queue_bytes", {"room": "two"}, 70000),
                ("digitalhuman_room_queue_limit_segments", {"room": "two"}, 100),
                ("digitalhuman_room_queue_limit_seconds", {"room": "two"}, 3600),
                ("digitalhuman_room_queue_limit_bytes", {"room": "two"}, 1 << 29),
                ("digitalhuman_room_state", {"room": "1", "state": "speaking"}, 1),
                ("digitalhuman_room_state", {"room": "1", "state": "idle"}, 0),
                ("digitalhuman_room_played_seconds_total", {"room": "1"}, 12.345),
                ("digitalhuman_room_segments_total", {"room": "1", "event": "finished"}, 7),
                ("digitalhuman_room_segments_total", {"room": "1", "event": "waiting"}, 2),
                ("digitalhuman_room_underrun_seconds_total", {"room": "1", "kind": "held"}, 1.5),
                ("digitalhuman_room_sent_bytes_total", {"room": "1", "media": "video"}, 70000),
                ("digitalhuman_room_sent_packets_total", {"room": "1", "media": "audio"}, 50),
                ("digitalhuman_room_lost_packets_total", {"room": "1", "media": "video"}, 4),
                ("digitalhuman_room_receiver_reports_total", {"room": "1", "media": "audio"}, 2),
                ("digitalhuman_room_slow_links_total", {"room": "1"}, 5),
                ("digitalhuman_room_forwarded_packets_total", {"room": "1"}, 40),
                ("digitalhuman_room_forwarded_dropped_total", {"room": "1"}, 6),
                ("digitalhuman_room_repairs_total", {"room": "1"}, 8),
                ("digitalhuman_room_key_frame_requests_total", {"room": "1"}, 1)):
            self.assertEqual(self.value(families, name, name, **labels), value, name)
        self.assertNotIn("digitalhuman_sessions_limit", families)       # there is none

    def test_histograms(self):
        """The plugin counts each bucket by itself, Prometheus all up to an edge."""
        families = self.metrics(answer(room(1)))
        for family, labels, buckets, total in (
                ("digitalhuman_room_lateness_seconds", {"room": "1", "media": "audio"},
                 {"0.001": 3, "0.0025": 5, "0.01": 5, "+Inf": 6}, 0.0315),
                ("digitalhuman_room_join_seconds", {"room": "1", "since": "watch"},
                 {"0.02": 0, "0.04": 0, "+Inf": 1}, 0.8125),
                ("digitalhuman_first_packet_seconds", {"source": "generator", "generator": "gpu"},
                 {"0.02": 0, "0.1": 0, "+Inf": 1}, 0.4),
                ("digitalhuman_first_packet_seconds", {"source": "files", "generator": ""},
                 {"0.02": 1, "0.1": 2, "+Inf": 2}, 0.09)):
            for le, count in buckets.items():
                self.assertEqual(self.value(families, family, family + "_bucket", le=le, **labels), count, (family, le))
            self.assertEqual(self.value(families, family, family + "_sum", **labels), total)
            self.assertEqual(self.value(families, family, family + "_count", **labels), buckets["+Inf"])

    def test_names_with_everything_in_them(self):
        name = 'a "quoted" \\ back\nline {x="y"} é'
        families = self.metrics(answer(room(name)))
        self.assertEqual(self.value(families, "digitalhuman_room_viewers", "digitalhuman_room_viewers", room=name), 3)

    def test_no_rooms_and_a_room_that_does_not_answer(self):
        self.assertNotIn("digitalhuman_room_up", self.metrics(answer()))
        families = self.metrics(answer(room(1), {**room(2), "stats": None}))
        up = families["digitalhuman_room_up"].samples
        self.assertEqual(up, {key("digitalhuman_room_up", room="1"): 1, key("digitalhuman_room_up", room="2"): 0})
        self.assertEqual(len(families["digitalhuman_room_slow_links_total"].samples), 1)

    def test_what_is_asked(self):
        secret, admin_key = self.file("secret", "s3 cret\nmore\n"), self.file("key", "k€y")
        api = self.api(success(answer()))
        self.run_metrics("--url", api.url, "--admin-secret-file", secret, "--admin-key-file", admin_key,
                         http_proxy="http://127.0.0.1:9", DH_ADMIN_SECRET="other")
        self.run_metrics("--url", api.url, DH_ADMIN_SECRET="of the environment")
        request = {"request": "stats", "rooms": True}
        self.assertEqual([(m["admin_secret"], m["request"], m["janus"], m["plugin"]) for m in api.messages], [
            ("s3 cret", {**request, "admin_key": "k€y"}, "message_plugin", "janus.plugin.digitalhuman"),
            ("of the environment", request, "message_plugin", "janus.plugin.digitalhuman")])

    def file(self, name, text):
        path = os.path.join(self.folder(), name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def folder(self):
        if not hasattr(self, "own"):
            self.own = tempfile.TemporaryDirectory()
            self.addCleanup(self.own.cleanup)
        return self.own.name


class Failing(MetricsCase):
    def down(self, *options, says):
        out, err = self.run_metrics(*options, code=1)
        families = prometheus_text.parse(out)
        self.assertEqual(families["digitalhuman_up"].samples, {key("digitalhuman_up"): 0})
        self.assertEqual(set(families), {"digitalhuman_up", "digitalhuman_scrape_duration_seconds"})
        self.assertIn(says, err)

    def test_nobody_listens(self):
        port, = free_ports(1)
        self.down("--url", "http://127.0.0.1:%d/admin" % port, says="127.0.0.1:%d" % port)

    def test_no_answer(self):
        api = self.api(b"")
        api.hold = threading.Event()
        self.down("--url", api.url, "--timeout-s", "1", says="timed out")

    def test_answers_that_are_none(self):
        error = {"janus": "error", "error": {"code": 403, "reason": "Unauthorized request (wrong or missing secret/token)"}}
        refused = success({"digitalhuman": "event", "error_code": 457, "error": 'Unauthorized (missing "admin_key")'})
        for reply, says in ((b"", "not JSON"), (b"{", "not JSON"), (b"\xff", "not JSON"), ([], "Janus says"),
                            (b"[" * 100000, "not JSON"), (error, "Unauthorized request"), (refused, 'missing "admin_key"'),
                            ({"janus": "error", "error": None}, "Janus says"), (success(None), "the plugin says"),
                            ({"janus": "error", "error": {"code": 415, "reason": "No such plugin"}}, "No such plugin")):
            with self.subTest(str(reply)[:40]):
                self.down("--url", self.api(reply).url, says=says)

    def test_an_answer_of_another_shape(self):
        """Whatever is missing, or of another type, is said; half of the metrics are worse than none."""
        program = load()
        whole, faults = answer(room(1)), 0
        for path in self.paths():
            for change in ("remove", "text"):
                said = json.loads(json.dumps(whole))
                at = said
                for step in path[:-1]:
                    at = at[step]
                if change == "remove":
                    del at[path[-1]]
                else:
                    at[path[-1]] = "x"
                program.ask = lambda _, said=said: said
                text, fault = program.scrape(None)
                self.assertEqual(len(prometheus_text.parse(text)) > 2, fault is None, (path, change))
                faults += fault is not None
        self.assertGreater(faults, 20)

    def paths(self):
        """One of each kind."""
        return [("usage",), ("jobs",), ("cache", "hits"), ("usage", "viewers"), ("usage", "viewers", "used"),
                ("usage", "viewers", "limit"), ("usage", "each_room"), ("usage", "each_room", 0, "id"),
                ("usage", "each_room", 0, "queue_ms", "used"), ("usage", "each_room", 0, "queue_bytes", "limit"),
                ("usage", "each_room", 0, "stats"), ("usage", "each_room", 0, "stats", "received", "audio"),
                ("usage", "each_room", 0, "stats", "lateness", "le_ms"),
                ("usage", "each_room", 0, "stats", "lateness", "audio", "counts"),
                ("usage", "each_room", 0, "stats", "lateness", "audio", "counts", 0),
                ("usage", "each_room", 0, "stats", "underruns", "held_ms"), ("first_frame", "sources"),
                ("usage", "generators", 0, "places", 0)]

    def test_options(self):
        self.assertEqual(self.run_metrics("--version")[0].split()[0], "dh-metrics")
        self.assertIn("Exit codes:", self.run_metrics("--help")[0])
        for options, says in ((["--what"], "--what"), (["more"], "more"), (["--url", "ftp://x"], "--url"), (["--url"], "--url"),
                              (["--timeout-s", "0"], "from 1 to 300"), (["--timeout-s", "1.5"], "from 1 to 300"),
                              (["--listen", "70000"], "--listen"), (["--listen", "127.0.0.1"], "--listen"),
                              (["--listen", ""], "--listen")):
            out, err = self.run_metrics(*options, code=2)
            self.assertEqual((out, err.count("\n")), ("", 1))
            self.assertIn(says, err)
        for option in ("--admin-secret-file", "--admin-key-file"):
            self.assertIn("/nowhere", self.run_metrics(option, "/nowhere", code=3)[1])
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        self.assertIn("in use", self.run_metrics("--listen", str(taken.getsockname()[1]), code=3)[1])


class Serving(MetricsCase):
    def serve(self, url, *options, **more):
        process = subprocess.Popen([METRICS, "--url", url, "--listen", "127.0.0.1:0", *PATIENT, *options],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        where = re.search(r"http://127\.0\.0\.1:(\d+)/metrics", process.stdout.readline())
        return process, where[0], int(where[1])

    def get(self, url):
        with urllib.request.urlopen(url, timeout=WAIT_S) as reply:
            self.assertEqual(reply.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
            return prometheus_text.parse(reply.read().decode())

    @staticmethod
    def last(port):
        """A connection that it keeps, and no other: it looks at them in turn. Whoever was answered before may make place a
        moment later."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            kept, other = (socket.create_connection(("127.0.0.1", port), WAIT_S) for _ in range(2))
            ended = select.select([kept, other], [], [], WAIT_S)[0]
            other.close()
            if ended == [other]:
                return kept
            kept.close()
        raise AssertionError("it keeps none, or more")

    def up(self, url):
        return self.get(url)["digitalhuman_up"].samples[key("digitalhuman_up")]

    def test_each_request_asks_again(self):
        api = self.api(success(answer(room(1))))
        process, url, _ = self.serve(api.url)
        self.assertIn("digitalhuman_room_viewers", self.get(url))
        api.reply = success(answer())
        self.assertNotIn("digitalhuman_room_viewers", self.get(url + "?x=y"))
        for wrong in (url + "x", url[:-len("metrics")]):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(wrong, timeout=WAIT_S)
            self.assertEqual(refused.exception.code, 404)
        self.assertEqual(len(api.messages), 2)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(WAIT_S), 143)

    def test_signals_that_are_ignored(self):
        """As in the background of a script."""
        process, url, _ = self.serve(self.api(success(answer())).url,
                                     preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
        process.send_signal(signal.SIGINT)
        self.assertEqual(self.up(url), 1)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(WAIT_S), 143)

    def test_a_gateway_that_goes_and_comes(self):
        api = self.api(success(answer()))
        process, url, _ = self.serve(api.url)
        good = api.reply
        self.assertEqual(self.up(url), 1)
        api.reply = b"down"
        self.assertEqual([self.up(url), self.up(url)], [0, 0])
        api.reply = good
        self.assertEqual(self.up(url), 1)
        process.kill()
        self.assertEqual(process.communicate()[1].count("\n"), 1)       # said once

    def test_those_who_say_nothing_block_nobody(self):
        """Beyond eight nobody is answered, and one of them that goes makes place."""
        api = self.api(success(answer()))
        _, url, port = self.serve(api.url)
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(7)]
        self.assertEqual(self.up(url), 1)
        silent.append(self.last(port))
        for each in silent:
            each.close()
        end = time.monotonic() + WAIT_S
        while True:
            try:
                self.assertEqual(self.up(url), 1)
                break
            except OSError:
                self.assertLess(time.monotonic(), end)


class Samples(MetricsCase):
    def read(self, name):
        with open(os.path.join(ROOT, "conf", name), encoding="utf-8") as file:
            return file.read()

    def test_the_dashboard_shows_what_there_is(self):
        said = answer(room(1))
        for use in said["usage"].values():
            if isinstance(use, dict):
                use["limit"] = 100
        out, _ = self.run_metrics("--url", self.api(success(said)).url)
        families = prometheus_text.parse(out)
        names = {sample for family in families.values() for sample, _ in family.samples} | {
            label for family in families.values() for _, labels in family.samples for label, _ in labels}
        board = json.loads(self.read("grafana.json"))
        expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
        expressions += [variable["definition"] for variable in board["templating"]["list"] if "definition" in variable]
        self.assertGreater(len(expressions), 20)
        for expression in expressions:
            used = re.findall(r"digitalhuman_\w+", expression)
            used += re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", expression)))
            self.assertTrue(used, expression)
            self.assertEqual(set(used) - names, set(), expression)
            self.assertEqual(expression.count("("), expression.count(")"))
            for counter in re.findall(r"digitalhuman_\w+(?:_total|_bucket)\b", expression):
                self.assertRegex(expression, r"(rate|increase)\(" + counter)

    def test_the_dashboard_shows_how_full_queues_are(self):
        panels = [[target["expr"] for target in panel["targets"]]
                  for panel in json.loads(self.read("grafana.json"))["panels"]]
        for unit in ("seconds", "bytes"):
            used, limit = ("digitalhuman_room_queue%s_%s{" % (what, unit) for what in ("", "_limit"))
            self.assertTrue(any(any(used in expr for expr in exprs) and any(limit in expr for expr in exprs)
                                for exprs in panels), unit)

    def test_the_dashboard_can_be_imported(self):
        board = json.loads(self.read("grafana.json"))
        self.assertGreaterEqual(board["schemaVersion"], 36)             # Grafana 9
        self.assertNotIn("id", board)
        self.assertTrue(board["title"] and board["uid"])
        variables = {variable["name"] for variable in board["templating"]["list"]}
        self.assertEqual(set(re.findall(r"\$\{?(\w+)", json.dumps(board))) - {"__rate_interval", "__all"}, variables)
        cells = set()
        for panel in board["panels"]:
            self.assertEqual(panel["datasource"], {"type": "prometheus", "uid": "${datasource}"})
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24)
            own = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(own & cells, panel["title"])
            cells |= own
            self.assertEqual(len({target["refId"] for target in panel["targets"]}), len(panel["targets"]))
        self.assertEqual(len({panel["id"] for panel in board["panels"]}), len(board["panels"]))

    def test_the_samples_fit_each_other(self):
        unit = self.read("dh-metrics.service.sample")
        port, = re.findall(r"--listen (\S+)", unit)
        self.assertIn('targets: ["%s"]' % port, self.read("prometheus.yml.sample"))
        command = re.search(r"ExecStart=(.*(?:\\\n.*)*)", unit)[1].replace("\\\n", " ")
        for option in re.findall(r"--[\w-]+", command):
            self.assertIn(option, self.run_metrics("--help")[0])


if __name__ == "__main__":
    unittest.main()
