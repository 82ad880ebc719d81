# SPDX-License-Identifier: GPL-3.0-or-later
"""A generator that stays, for tests: resident.py FOLDER [LOAD_S]

It answers with FOLDER/short.nut, and notes in FOLDER/asked who was asked for what. Of whoever is asked first
for a text that begins with one of these words, it does what that says:
    dies     half of the media, then it is gone          stalls   half of them, then nothing
    mute     says nothing at all                         breaks   half of them, and the connection ends
    long     the media, again and again, until nobody wants them
    refuses  says that the text is wrong                 busy     says that it cannot now
"""
import os
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

FOLDER = sys.argv[1]
with open(os.path.join(FOLDER, "short.nut"), "rb") as media_file:
    MEDIA = media_file.read()


def note(name, text):
    with open(os.path.join(FOLDER, name), "a", encoding="utf-8") as file:
        file.write(f"{os.getpid()} {text}\n")


def is_first(text):
    try:
        os.close(os.open(os.path.join(FOLDER, "first." + text.encode().hex()[:200]), os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "the gateway"

    def log_request(self, code="-", size="-"):
        pass

    def do_GET(self):
        self.send_response(204)
        self.end_headers()

    def begin(self, length):
        self.send_response(200)
        self.send_header("Content-Length", length)
        self.end_headers()

    def do_POST(self):
        self.close_connection = True
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        note("asked", f"{self.headers.get('X-Dh-Voice')} {text}")
        how = text.split()[0]
        try:
            getattr(self, how if is_first(text) else "well", self.well)()
        except ConnectionError:
            note("left", text)

    def well(self):
        self.begin(len(MEDIA))
        self.wfile.write(MEDIA)

    def half(self):
        self.begin(len(MEDIA))
        end = len(MEDIA) * 3 // 5
        self.wfile.write(MEDIA[:end - 3000])
        for at in range(end - 3000, end):       # it does not fall silent before it is heard
            if os.path.exists(os.path.join(FOLDER, "begun")):
                break
            self.wfile.write(MEDIA[at:at + 1])
            time.sleep(0.02)

    def dies(self):
        self.half()
        os._exit(3)

    def breaks(self):
        self.half()

    def stalls(self):
        self.half()
        time.sleep(1000)

    def mute(self):
        time.sleep(1000)

    def long(self):
        self.begin(1 << 40)
        while True:
            self.wfile.write(MEDIA)

    def refuses(self):
        self.send_error(422, "No such word")

    def busy(self):
        self.send_error(503)


if len(sys.argv) > 2:
    time.sleep(float(sys.argv[2]))
server = HTTPServer(("", 0), Handler, bind_and_activate=False)
server.socket.close()
server.socket = socket.socket(fileno=3)
note("loaded", os.environ["LISTEN_FDS"] + ("" if os.environ["LISTEN_PID"] == str(os.getpid()) else " is not mine"))
server.serve_forever()
