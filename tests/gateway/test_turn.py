# SPDX-License-Identifier: GPL-3.0-or-later
"""Picture and sound through a TURN server only: coturn, gateway and page as
./run --turn sets them up."""
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from chromium import Chromium
from janus_server import WAIT_S, free_ports
from viewer import own_address
from website import Website

# A second viewer in the page, with the page's settings, but through TURN only.
RELAYED = """Promise.all([import('./digitalhuman.js'), import('./settings.js')]).then(([{ DigitalHuman }, settings]) => {
    const video = Object.assign(document.createElement('video'), { muted: true, playsInline: true });
    document.body.append(video);
    window.relayed = new DigitalHuman({ room: 1, video, iceTransportPolicy: 'relay',
        iceServers: %s });
    window.errors = [];
    relayed.on('error', error => errors.push(error.code));
})"""

# The media's path: types of the local and the remote candidate, and whether pictures arrive.
WAY = """relayed.pc.getStats().then(all => {
    const stats = [...all.values()];
    const transport = stats.find(s => s.type === 'transport');
    const pair = all.get(transport.selectedCandidatePairId);
    const video = stats.find(s => s.type === 'inbound-rtp' && s.kind === 'video');
    return [all.get(pair.localCandidateId).candidateType, video.framesDecoded];
})"""


class Coturn:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="coturn-")
        address, (port,) = own_address(), free_ports(1)
        self.turn = f"turn:{address}:{port},viewer,guest"
        self.log = os.path.join(self.folder, "log")
        with open(self.log, "wb") as log:
            self._start(address, port, log)
        end = time.monotonic() + WAIT_S
        while not self._listens(address, port):
            if self._process.poll() is not None or time.monotonic() > end:
                with open(self.log) as log:
                    raise RuntimeError("coturn did not start:\n" + log.read()[-2000:])
            time.sleep(0.05)

    def _start(self, address, port, log):
        self._process = subprocess.Popen(
            ["turnserver", "-n", f"--listening-ip={address}", f"--relay-ip={address}", f"--listening-port={port}",
             "--min-port=49152", "--max-port=49999", "--lt-cred-mech", "--user=viewer:guest", "--realm=test", "--no-tls",
             "--no-dtls", "--no-cli", f"--pidfile={self.folder}/pid", "--verbose", "--log-file=stdout", "--simple-log",
             f"--userdb={self.folder}/users"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder)

    @staticmethod
    def _listens(address, port):
        try:
            socket.create_connection((address, port), 1).close()
            return True
        except OSError:
            return False

    def close(self):
        self._process.terminate()
        self._process.wait(WAIT_S)
        shutil.rmtree(self.folder, ignore_errors=True)


class Turn(unittest.TestCase):
    def setUp(self):
        coturn = Coturn()
        self.addCleanup(coturn.close)
        site = Website(coturn.turn)
        self.addCleanup(site.close)
        browser = Chromium(shell=True)
        self.addCleanup(browser.close)
        self.page = browser.open(site.url)
        self.page.wait("document.documentElement.dataset.state === 'playing'")

    def test_it_plays_through_the_relay_alone(self):
        self.page.evaluate(RELAYED % "settings.default.iceServers")
        self.page.wait("relayed.state === 'playing'")
        kind, frames = self.page.wait(WAY)
        self.assertEqual("relay", kind)
        self.page.wait(f"{WAY}.then(way => way[1] > {frames} + 25)")
        self.assertEqual([], self.page.errors)

    def test_without_a_relay_the_page_is_told_that_there_is_no_way(self):
        self.page.evaluate(RELAYED % "[]")
        self.page.wait("errors.includes('media')")


if __name__ == "__main__":
    unittest.main()
