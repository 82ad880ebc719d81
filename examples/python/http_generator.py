#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A generator as a service: the text is POSTed, the answer's body is the segment, written while it is made.

    python3 http_generator.py --listen 127.0.0.1:9000 &
    curl --data-binary "Good morning." http://127.0.0.1:9000/say | ffplay -
"""
import argparse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from digitalhuman import mux
from standin import FPS, RATE, generate     # "loading the model"


class Handler(BaseHTTPRequestHandler):
    most_text = 4000
    protocol_version = "HTTP/1.1"
    error_message_format = "%(message)s\n"      # the first line becomes the segment's error
    error_content_type = "text/plain; charset=utf-8"

    def text(self):
        """A text that is still being written comes in chunks. Of one that is far too long the rest stays unread."""
        data, in_chunks = b"", self.headers.get("Transfer-Encoding", "").lower() == "chunked"
        while True:
            size = int(self.rfile.readline(80).split(b";")[0], 16) if in_chunks else int(self.headers["Content-Length"])
            piece = self.rfile.read(max(0, min(size, self.most_text + 1)))
            data = (data + piece)[:self.most_text + 1]
            if len(piece) != size:
                raise ValueError("too long, or it was cut")
            if in_chunks:
                self.rfile.readline(80)
            if not (in_chunks and size):
                return data

    def do_POST(self):
        try:
            text = self.text()
        except (TypeError, ValueError):
            text = b""
        if self.path != "/say" or not 0 < len(text) <= self.most_text:
            return self.send_error(400, f"POST 1 to {self.most_text} bytes of text to /say")
        self.send_response(200)
        self.send_header("Content-Type", "video/x-nut")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for data in mux(generate(text.decode("utf-8", "replace")), fps=FPS, sample_rate=RATE):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            self.wfile.write(b"0\r\n\r\n")
        except ConnectionError:
            self.close_connection = True    # interrupted: nobody wants the rest


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", default="127.0.0.1:9000", help="host:port (127.0.0.1:9000)")
    host, _, port = parser.parse_args().listen.rpartition(":")
    with ThreadingHTTPServer((host, int(port)), Handler) as server:
        print(f"http://{host}:{server.server_port}/say", flush=True)
        server.serve_forever()
