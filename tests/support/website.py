# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as ./run serves it, with a Janus of its own that can be restarted:
website.sh, as an object.

    with Website() as site:
        page = browser.open(site.url)
        site.restart()
"""
import os
import subprocess

from janus_server import free_ports

HERE = os.path.dirname(os.path.abspath(__file__))


class Website:
    """Needs DH_BUILD. `turn`: URL,USER,PASSWORD of a TURN server for gateway and page."""

    def __init__(self, turn=""):
        environment = {**os.environ, "DH_TURN": turn, "DH_PORTS": " ".join(map(str, free_ports(5)))}
        self._process = subprocess.Popen([os.path.join(HERE, "website.sh")], env=environment,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ready()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _line(self):
        if not (line := self._process.stdout.readline()):
            raise RuntimeError(f"the web site ended with {self._process.wait()}")
        return line.split()

    def _ready(self):
        while (words := self._line())[:1] != ["ready"]:
            pass
        page, ws, http, self.janus_pid = (int(word) for word in words[1:])
        self.url = f"http://localhost:{page}/"
        self.ws, self.http = f"ws://127.0.0.1:{ws}/", f"http://127.0.0.1:{http}/janus"

    def _say(self, word):
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()

    def restart(self):
        """Kills Janus; returns when the new one listens."""
        self._say("restart")
        self._ready()

    def down(self):
        self._say("down")
        self._line()

    def up(self):
        self._say("up")
        self._ready()

    def close(self):
        self._process.stdin.close()
        try:
            status = self._process.wait(100)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            status = self._process.wait()
        self._process.stdout.close()
        if status:
            raise RuntimeError(f"the web site ended with {status}")
