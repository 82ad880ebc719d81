# SPDX-License-Identifier: GPL-3.0-or-later
"""The avatar on a page of another site, through the web server that conf/nginx-site configures; and a viewer whose
network goes away, or changes."""
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import unittest.mock

from chromium import Chromium
from hosted_room import HostedRoom
from janus_server import WAIT_S, free_ports
from network import Network, lay_cable
from page_server import HTML, Forwarder, PageServer
from probe import browser, janus_js, packaged

ROOT = os.environ["DH_ROOT"]
NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")

EMBEDS = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Another site</title><link rel="icon" href="data:,">
<video id="video" autoplay muted playsinline></video>
<script type="module">
    import { DigitalHuman } from '%s/digitalhuman.js';
    window.digitalhuman = new DigitalHuman({ room: 1, video: document.getElementById('video') });
    window.polling = new DigitalHuman({ room: 1, server: '%s/janus' });
</script></html>"""


class Nginx:
    """The sample, without TLS, on a port of this machine, in front of a gateway."""

    def __init__(self, gateway):
        port, = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        self.folder = tempfile.mkdtemp(prefix="dh-nginx-")
        with open(os.path.join(ROOT, "conf/nginx-site"), encoding="utf-8") as file:
            site = file.read()
        site = re.sub(r"server \{\s+listen 80;.*?\n\}\n", "", site, flags=re.S)
        site = re.sub(r"\n\tlisten \[::\]:443.*|\n\tssl_certificate.*", "", site)
        for old, new in (("listen 443 ssl http2", f"listen 127.0.0.1:{port}"),
                         ("root /usr/local/share/janus/digitalhuman", f"root {os.path.abspath(HTML)}"),
                         ("/usr/share/javascript/janus-gateway/janus.js", janus_js()),
                         ("/usr/share/javascript/webrtc-adapter/adapter.js", packaged("libjs-webrtc-adapter", "adapter.js")),
                         ("127.0.0.1:8088", f"127.0.0.1:{gateway.http_port}"),
                         ("127.0.0.1:8188", f"127.0.0.1:{gateway.ws_port}")):
            assert old in site, old
            site = site.replace(old, new)
        self._write("site", site)
        self._write("nginx.conf", f"""daemon off; pid {self.folder}/pid; error_log {self.folder}/log;
            {"user root;" if os.geteuid() == 0 else ""} events {{}}
            http {{ include /etc/nginx/mime.types; access_log off; include {self.folder}/site;
            {" ".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))}
            }}""")
        self._process = subprocess.Popen([NGINX, "-c", f"{self.folder}/nginx.conf", "-e", f"{self.folder}/log"])
        end = time.monotonic() + WAIT_S
        while not os.path.exists(f"{self.folder}/pid"):
            assert self._process.poll() is None and time.monotonic() < end, "nginx did not start"
            time.sleep(0.02)

    def _write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def close(self):
        self._process.terminate()
        self._process.wait(WAIT_S)
        shutil.rmtree(self.folder)


@unittest.skipUnless(NGINX, "nginx is not installed")
class AnotherSite(unittest.TestCase):
    def test_a_page_of_another_site(self):
        hosted = HostedRoom()
        self.addCleanup(hosted.close)
        nginx = Nginx(hosted.server)
        self.addCleanup(nginx.close)
        with PageServer(more={"/": EMBEDS % (nginx.url, nginx.url)}) as other, browser() as chromium:
            page = chromium.open(other.url)
            page.wait("window.digitalhuman?.state === 'playing' && window.polling.pc?.connectionState === 'connected'")
            self.assertNotEqual(other.url.rstrip("/"), nginx.url)
            self.assertEqual("idle", page.evaluate("digitalhuman.info().then(({ info }) => info.state)"))
            self.assertEqual("idle", page.evaluate("polling.info().then(({ info }) => info.state)"))
            self.assertEqual([], page.errors)


class Elsewhere:
    """Two networks with a cable between them: `gateway` has this test's servers once it is entered, and `command` runs a
    browser in the other one."""

    def __init__(self):
        self.here, self.there = "10.213.77.1", "10.213.77.2"
        self.folder = tempfile.mkdtemp(prefix="dh-netns-")
        self.command = os.path.join(self.folder, "browser")
        self._networks = []
        try:
            self.gateway, self.viewer = self._network("gateway"), self._network("viewer")
            self._lay_cable()
        except BaseException:
            self.close()
            raise
        with open(self.command, "w") as file:
            file.write("#!/bin/sh\nexec %s %s \"$@\"\n" % (" ".join(self.viewer.inside),
                                                         os.environ.get("CHROMIUM", "chromium")))
        os.chmod(self.command, 0o755)

    def _network(self, name):
        self._networks.append(Network(f"dh-{name}-{os.getpid()}"))
        return self._networks[-1]

    def _lay_cable(self):
        lay_cable(self.gateway, self.viewer, "eth0")
        for network in self._networks:
            network.ip("link", "set", "lo", "up")
        self.gateway.ip("addr", "add", f"{self.here}/24", "dev", "eth0")
        self.gateway.ip("link", "set", "eth0", "up")
        self.connect(self.there)

    def connect(self, address):
        self.viewer.ip("addr", "flush", "dev", "eth0")
        self.viewer.ip("addr", "add", f"{address}/24", "dev", "eth0")
        self.viewer.ip("link", "set", "eth0", "up")
        self.viewer.ip("route", "replace", "default", "via", self.here)

    def disconnect(self):
        self.viewer.ip("link", "set", "eth0", "down")

    def close(self):
        for network in self._networks:
            network.close()
        shutil.rmtree(self.folder)


class AnotherNetwork(unittest.TestCase):
    DECODED = "Promise.resolve(digitalhuman.pc?.getStats() ?? []).then(all => " \
              "[...all.values()].find(s => s.type === 'inbound-rtp' && s.kind === 'video')?.framesDecoded ?? 0)"

    def setUp(self):
        self.net = Elsewhere()
        self.addCleanup(self.net.close)
        self.enterContext(self.net.gateway.entered())
        with unittest.mock.patch("janus_server.own_address", lambda: self.net.here):
            hosted = HostedRoom()
        self.addCleanup(hosted.close)
        gateway = Forwarder(hosted.server.ws_port, self.net.here)
        self.addCleanup(gateway.close)
        pages = self.enterContext(PageServer({"server": f"ws://{self.net.here}:{gateway.port}/", "room": 1},
                                             address=self.net.here))
        with unittest.mock.patch.dict(os.environ, CHROMIUM=self.net.command):
            chromium = self.enterContext(Chromium(["--autoplay-policy=no-user-gesture-required"]))
        self.page = chromium.open(f"http://{self.net.here}:{pages.port}/")
        self.moves()
        self.note()
        self.page.evaluate("document.querySelector('#text').value = 'Half a sent'")

    def note(self):
        """The connection, and how many pictures it has shown so far."""
        self.page.evaluate(f"(async () => {{ window.first = digitalhuman.pc; window.shown = await {self.DECODED}; }})()")

    def moves(self):
        """Ten pictures more than were noted, or of another connection."""
        self.page.wait(f"digitalhuman.state === 'playing' && {self.DECODED}.then(n => "
                       "n > 10 + (digitalhuman.pc === window.first ? window.shown : 0))")

    def until_it_moves_again(self):
        since = time.monotonic()
        self.moves()
        print(f"    network back to picture moving, s: {time.monotonic() - since:.1f}", flush=True)
        self.page.wait("!document.querySelector('#curtain-text').checkVisibility()")
        self.assertEqual("Half a sent", self.page.evaluate("document.querySelector('#text').value"))

    def test_it_goes_for_ten_seconds_and_comes_back_elsewhere(self):
        self.net.disconnect()
        gone = time.monotonic()
        self.page.wait("document.querySelector('#curtain-text').innerText.match(/no network|was lost|not answer/)")
        time.sleep(max(0, gone + 10 - time.monotonic()))
        self.note()
        self.net.connect(self.net.there)
        self.until_it_moves_again()
        # from one network to another, without a break
        self.note()
        self.net.connect("10.213.77.3")
        self.page.wait("digitalhuman.pc !== window.first || digitalhuman.pc.getStats().then(all => "
                       "[...all.values()].some(s => s.type === 'local-candidate' && s.address === '10.213.77.3'))")
        self.page.evaluate(f"(async () => {{ window.shown = await {self.DECODED}; }})()")
        self.until_it_moves_again()


if __name__ == "__main__":
    unittest.main()
