# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-metrics: asks the gateway, prints or serves the answer. The program is one file, which can be copied to where it is
wanted: the build puts exposition.py, answer.py and this one together (clients/dh-metrics/join.awk)."""
import argparse
import http.client
import http.server
import json
import os
import signal
import socket
import sys
import threading
import time
import urllib.request

from answer import add_all
from exposition import Exposition, Fault

VERSION = "@VERSION@"
PLUGIN = "janus.plugin.digitalhuman"
ANSWER_MAX = 64 << 20
REQUESTS_MAX = 8                # at the same time
REQUEST_S = 30                  # no connection is open for longer than that and the gateway's timeout

HELP = """\
dh-metrics shows a gateway's figures of janus.plugin.digitalhuman to Prometheus.

  dh-metrics --admin-secret-file FILE
  dh-metrics --admin-secret-file FILE --listen 127.0.0.1:9469

It asks the gateway's Admin API once, and prints the answer in the text format of
Prometheus, or does so for each request at http://ADDRESS:PORT/metrics.

The gateway:
  --url URL            its Admin API (default: http://127.0.0.1:7088/admin)
  --admin-secret-file FILE
                       the file's first line is the admin_secret of janus.jcfg
  --admin-key-file FILE
                       the file's first line is the plugin's admin_key, if it has
                       one
  --timeout-s N        wait so long for its answer (default: 5; 1 to 300)

Where to:
  --listen [ADDRESS:]PORT
                       answer HTTP requests there instead of printing once; the
                       address is 127.0.0.1 unless another one is named
  --version, --help

Without the files, DH_ADMIN_SECRET and DH_ADMIN_KEY of the environment are used.

Exit codes: 0 it was printed; 1 the gateway could not be asked, and digitalhuman_up
is 0; 2 wrong option; 3 a file cannot be read, or the address cannot be listened at;
130 and 143 ended by SIGINT (Ctrl-C) and SIGTERM.
"""


# --- asking

def post(options, message):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(options.url, json.dumps(message).encode(), {"Content-Type": "application/json"})
    try:
        with opener.open(request, timeout=options.timeout_s) as reply:
            body = reply.read(ANSWER_MAX + 1)
    except (OSError, ValueError, urllib.error.URLError, http.client.HTTPException) as error:
        raise Fault("%s: %s" % (options.url, getattr(error, "reason", error))) from error
    if len(body) > ANSWER_MAX:
        raise Fault("%s: the answer is longer than %d bytes" % (options.url, ANSWER_MAX))
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Fault("%s: the answer is not JSON" % options.url) from error


def ask(options):
    """The plugin's answer to `stats`."""
    request = {"request": "stats", "rooms": True, **({"admin_key": options.admin_key} if options.admin_key else {})}
    reply = post(options, {"janus": "message_plugin", "transaction": "dh-metrics", "plugin": PLUGIN, "request": request,
                           "admin_secret": options.admin_secret})
    if not isinstance(reply, dict) or reply.get("janus") != "success":
        error = reply.get("error") if isinstance(reply, dict) else None
        raise Fault("Janus says: %s" % (error.get("reason") if isinstance(error, dict) else reply))
    answer = reply.get("response")
    if not isinstance(answer, dict) or answer.get("digitalhuman") != "stats":
        raise Fault("the plugin says: %s" % (answer.get("error") if isinstance(answer, dict) else answer))
    return answer


def scrape(options):
    """The text, and why the gateway could not be asked, or None."""
    out, fault, begun = Exposition(), None, time.monotonic()
    try:
        add_all(out, ask(options))
    except Fault as error:
        fault = error
    except (AttributeError, KeyError, TypeError) as error:
        fault = Fault("the plugin is of another version: %s %s" % (type(error).__name__, error))
    if fault:
        out = Exposition()
    out.gauge("digitalhuman_up", "Whether the gateway and the plugin answered.", int(fault is None))
    out.gauge("digitalhuman_scrape_duration_seconds", "How long that took.", time.monotonic() - begun)
    return out.text(), fault


# --- serving

class Handler(http.server.BaseHTTPRequestHandler):
    server_version, sys_version = "dh-metrics/" + VERSION, ""

    def do_GET(self):
        if self.path.partition("?")[0] != "/metrics":
            self.send_error(404, "see /metrics")
            return
        text, fault = scrape(self.server.options)
        self.server.say(fault)
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """At most REQUESTS_MAX connections; each ends in time, whatever the other end does."""
    daemon_threads, block_on_close = True, False

    def __init__(self, options, address):
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.options, self.places, self.said = options, threading.BoundedSemaphore(REQUESTS_MAX), None
        super().__init__(address, Handler)

    def say(self, fault):
        """What is wrong is said once."""
        if fault and str(fault) != self.said:
            print("dh-metrics: %s" % fault, file=sys.stderr, flush=True)
        self.said = str(fault) if fault else None

    def process_request(self, request, client_address):
        if self.places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request, client_address):
        timer = threading.Timer(REQUEST_S + self.options.timeout_s, request.shutdown, (socket.SHUT_RDWR,))
        timer.daemon = True
        timer.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            timer.cancel()
            self.places.release()

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):          # it has gone away
            super().handle_error(request, client_address)


# --- options

def stop(code, text):
    print("dh-metrics: " + text, file=sys.stderr)
    sys.exit(code)


def whole(text, least, most, what):
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        stop(2, "%s: an integer from %d to %d is expected" % (what, least, most))
    return int(text)


def listen_address(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]") or "127.0.0.1", whole(port, 0, 65535, "--listen")


def secret(path, variable):
    if path is None:
        return os.environ.get(variable, "")
    try:
        with open(path, encoding="utf-8") as file:
            return file.readline(4096).rstrip("\r\n")
    except (OSError, ValueError) as error:
        stop(3, "%s: %s" % (path, getattr(error, "strerror", None) or error))


class Parser(argparse.ArgumentParser):
    def error(self, message):
        stop(2, message + "; see --help")


def parse():
    parser = Parser(prog="dh-metrics", add_help=False, allow_abbrev=False)
    for option in ("--url", "--admin-secret-file", "--admin-key-file", "--timeout-s", "--listen"):
        parser.add_argument(option)
    for option in ("--help", "--version"):
        parser.add_argument(option, action="store_true")
    options = parser.parse_args()
    if options.help or options.version:
        sys.stdout.write(HELP if options.help else "dh-metrics %s\n" % VERSION)
        sys.exit(0)
    options.url = options.url or "http://127.0.0.1:7088/admin"
    if not options.url.startswith(("http://", "https://")):
        stop(2, "--url: http://... or https://... is expected")
    options.timeout_s = whole(options.timeout_s or "5", 1, 300, "--timeout-s")
    options.address = None if options.listen is None else listen_address(options.listen)
    options.admin_secret = secret(options.admin_secret_file, "DH_ADMIN_SECRET")
    options.admin_key = secret(options.admin_key_file, "DH_ADMIN_KEY")
    return options


def serve(options):
    try:
        server = Server(options, options.address)
    except OSError as error:
        stop(3, "--listen %s: %s" % (options.listen, error.strerror or error))
    host, port = server.server_address[:2]
    print("dh-metrics: http://%s:%d/metrics" % ("[%s]" % host if ":" in host else host, port), flush=True)
    server.serve_forever()


def main():
    for number_of in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number_of) != signal.SIG_IGN:   # as in the background of a script
            signal.signal(number_of, lambda received, _: os._exit(128 + received))
    options = parse()
    if options.address:
        serve(options)
    text, fault = scrape(options)
    sys.stdout.write(text)
    sys.stdout.flush()
    if fault:
        stop(1, str(fault))


if __name__ == "__main__":
    main()
