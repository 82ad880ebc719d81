# SPDX-License-Identifier: GPL-3.0-or-later
"""A peer made of somebody else's WebRTC: a program that says that it is ready, a line of JSON, reads an offer, writes its
answer, and then how many packets (or pictures) of sound and picture have come, again and again. It ends with its input.
Exit code 77 says that this machine has not what it needs. It is there before the offer, which nobody keeps for half a
minute, and so long it may take to start.

    peer = Peer([sys.executable, "webrtcbin_viewer.py", "max-bundle"])
    handle.request({"request": "start"}, peer.answer(offer))
    peer.wait(lambda received: received["video"] > 30)
    peer.close()

One that offers writes the offer instead, and reads the answer (`offer`, `take`).
"""
import json
import subprocess
import unittest


class Peer:
    def __init__(self, command):
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            json.loads(self._line())
        except BaseException:
            self.close()
            raise

    def answer(self, offer):
        self._say(offer)
        return json.loads(self._line())

    def offer(self):
        return json.loads(self._line())

    def take(self, answer):
        self._say(answer)

    def _say(self, what):
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def _line(self):
        line = self._process.stdout.readline()
        if line:
            return line
        status = self._process.wait()
        if status == 77:
            raise unittest.SkipTest("this machine has not what the peer is made of")
        raise RuntimeError(f"the peer has ended with {status}")

    def wait(self, condition):
        """Until that is so of {"audio": how many, "video": how many}, which are returned."""
        while True:
            received = json.loads(self._line())
            if condition(received):
                return received

    def close(self):
        """May be called again."""
        if self._process.returncode is None:
            self._process.communicate()
