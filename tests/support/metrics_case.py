# SPDX-License-Identifier: GPL-3.0-or-later
"""Running dh-metrics, and an Admin API that says what a test wants."""
import copy
import http.server
import json
import os
import subprocess
import threading
import unittest

METRICS = os.path.join(os.environ["DH_BUILD"], "dh-metrics")
WAIT_S = 60
PATIENT = ("--timeout-s", str(WAIT_S))


def histogram(*counts, sum_ms=0):
    return {"counts": list(counts), "sum_ms": sum_ms}


def room(room_id, **stats):
    both = {"audio": {"reports": 2, "lost": 1}, "video": {"reports": 3, "lost": 4}}
    return {"id": room_id, "queue": {"used": 2, "limit": 100}, "queue_ms": {"used": 3500, "limit": 3600000},
            "queue_bytes": {"used": 70000, "limit": 1 << 29}, "viewers": {"used": 3, "limit": 1000},
            "observers": {"used": 1, "limit": 100}, "forwards": {"used": 1, "limit": 10}, "stats": {
                "state": "speaking", "media_ms": 1000, "slow_links": 5, "received": both,
                "segments": {"queued": 9, "started": 8, "finished": 7, "interrupted": 1, "skipped": 0, "removed": 0,
                             "failed": 0, "held": 0, "waiting": 2, "played_ms": 12345},
                "underruns": {"held_ms": 1500, "dropped_ms": 0, "between_ms": 20, "preroll_ms": 200},
                "interruptions": {"le_ms": [10, 1000], "now": histogram(0, 1, 0, sum_ms=12), "word": histogram(0, 0, 0),
                                  "asked": 1, "holds": 0, "resumed": 0, "undone": 0, "discarded": 0},
                "first_frame": {"le_ms": [20], "sources": []},
                "sent": {"audio_packets": 50, "audio_bytes": 5000, "video_packets": 70, "video_bytes": 70000,
                         "pictures": 25, "anchors": 1, "late_dropped": 0, "plis": 1, "repairs": 8,
                         "lateness_max_ms": 2.5},
                "forwarded": {"packets": 40, "bytes": 4000, "dropped": 6, "refused": 0},
                "lateness": {"le_ms": [1, 2.5, 10], "audio": histogram(3, 2, 0, 1, sum_ms=31.5),
                             "video": histogram(0, 0, 0, 0), "skew": histogram(1, 0, 0, 0, sum_ms=0.25)},
                "joins": {"le_ms": [20, 40], "watch": histogram(0, 0, 1, sum_ms=812.5),
                          "media": histogram(0, 1, 0, sum_ms=31)},
                **stats}}


def answer(*rooms):
    use = lambda used, limit: {"used": used, "limit": limit}
    names = ("sessions handles descriptors memory_bytes workers workers_live workers_ready jobs_waiting reads_waiting "
             "reads_lost media_descriptors media_bytes io_longest_turn_ms cache_bytes events_waiting requests_waiting "
             "offers_waiting offer_threads pushes rooms viewers observers forwards recordings").split()
    usage = {name: use(7, None) for name in names}
    usage.update(viewers=use(3, 5000), io_longest_turn_ms=use(12, None), each_room=list(rooms), generators=[
        {"generator": "gpu", "waiting": 1, "places": [
            {"busy": 1, "at_once": 2, "asked": 10, "failed": 1, "first_ms": 212, "pause_ms": 0},
            {"busy": 2, "at_once": 2, "asked": 20, "failed": 0, "first_ms": None, "pause_ms": 0}]}])
    first = {"le_ms": [20, 100], "sources": [{"source": "files", "segments": 2, "total": histogram(1, 1, 0, sum_ms=90),
                                              "steps": {}},
                                             {"source": "generator", "generator": "gpu", "segments": 1,
                                              "total": histogram(0, 0, 1, sum_ms=400), "steps": {}}]}
    return {"digitalhuman": "stats", "usage": usage, "first_frame": first, "jobs": {"asked": 4, "failed": 1},
            "cache": {"entries": 3, "hits": 2, "misses": 1}}


class AdminApi:
    """`reply` is the next answers' body: bytes, or what becomes JSON, or a function of the message. `hold`: an Event that
    it waits for before it answers."""

    def __init__(self, reply):
        self.reply, self.messages, self.hold = reply, [], None
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                api.messages.append(message)
                if api.hold:
                    api.hold.wait(WAIT_S)
                said = api.reply(message) if callable(api.reply) else copy.deepcopy(api.reply)
                body = said if isinstance(said, bytes) else json.dumps(said).encode()
                try:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass                    # whoever asked has gone

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d/admin" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        if self.hold:
            self.hold.set()
        self.server.shutdown()
        self.server.server_close()


def success(said):
    return {"janus": "success", "transaction": "t", "response": said}


class MetricsCase(unittest.TestCase):
    def api(self, reply):
        api = AdminApi(reply)
        self.addCleanup(api.close)
        return api

    def run_metrics(self, *options, code=0, **environment):
        done = subprocess.run([METRICS, *PATIENT, *options], capture_output=True, text=True, timeout=WAIT_S,
                              env={"PATH": os.environ["PATH"], **environment})
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        return done.stdout, done.stderr
