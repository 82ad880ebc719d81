#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A generator as a service: the text is POSTed, the answer's body is the segment, written while it is made.

    python3 http_generator.py --listen 127.0.0.1:9000
    curl --data-binary "Good morning." http://127.0.0.1:9000/say | ffplay -

The model is loaded once; each request has a thread. Whoever hangs up ends the making.
"""
import argparse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from digitalhuman import mux
from standin import FPS, RATE, SAMPLES, draw, openings, speak

MOST_TEXT = 4000


def generate(text, size=256):
    sound = speak(text)
    for number, opening in enumerate(openings(sound)):
        yield draw(opening, number, size), sound[number * SAMPLES:(number + 1) * SAMPLES]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    error_message_format = "%(message)s\n"      # the first line becomes the segment's error
    error_content_type = "text/plain; charset=utf-8"

    def read(self, size):
        data = self.rfile.read(size)
        if len(data) < size:
            raise ValueError("the connection ended within the text")
        return data

    def chunks(self):
        """A text that is still being written comes in chunks."""
        while True:
            size = int(self.rfile.readline(100).split(b";")[0], 16)
            if not 0 <= size <= MOST_TEXT:
                raise ValueError(f"a chunk of {size} bytes")
            yield self.read(size)
            self.rfile.readline(100)
            if size == 0:
                return

    def text(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            data = b""
            for chunk in self.chunks():         # to the end, even if it is too long: else the answer might be lost
                data = (data + chunk)[:MOST_TEXT + 1]
        else:
            data = self.read(max(0, min(int(self.headers.get("Content-Length", 0)), MOST_TEXT + 1)))
        if not 0 < len(data) <= MOST_TEXT:
            raise ValueError(f"{len(data)} bytes")
        return data.decode("utf-8", "replace")

    def do_POST(self):
        try:
            if self.path != "/say":
                raise ValueError(self.path)
            text = self.text()
        except ValueError:
            self.send_error(400, f"POST 1 to {MOST_TEXT} bytes of text to /say")
            return
        self.send_response(200)
        self.send_header("Content-Type", "video/x-nut")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for data in mux(generate(text), fps=FPS, sample_rate=RATE):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            self.wfile.write(b"0\r\n\r\n")
        except ConnectionError:
            self.close_connection = True    # interrupted: nobody wants the rest


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", default="127.0.0.1:9000", help="host:port (127.0.0.1:9000)")
    host, _, port = parser.parse_args().listen.rpartition(":")
    with ThreadingHTTPServer((host, int(port)), Handler) as server:
        print(f"http://{host}:{server.server_port}/say", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
