# SPDX-License-Identifier: GPL-3.0-or-later
"""The Streaming plugin's demo page, as Debian packages it, with the plugin's name changed and nothing else.

    with DemoPage(ws) as page:
        chromium.open(page.url)

The packages are downloaded by apt, not installed, and no other server is needed. Where Janus was built from source, its
page is taken; STREAMING_DEMO names a folder with another one (streaming.html or streamingtest.html, its .js, and janus.js).
Their libraries are Debian's, too. `newer_pages` finds those of a later release.
"""
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.parse

import npm
from web_server import WebServer

LIBRARIES_OF_DEBIAN = ["libjs-bootbox", "libjs-bootstrap", "libjs-bootswatch", "libjs-jquery", "libjs-spin.js", "libjs-toastr",
                       "libjs-webrtc-adapter"]
LIBRARIES_OF_NEWER_PAGES = ["libjs-bootstrap5"]
PAGES_OF_DEBIAN = ["janus-demos", "libjs-janus-gateway"]
ROOT = os.path.abspath(npm.ROOT)
BUILT = os.path.join(ROOT, "build/janus/share/janus")
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css"}
# What a page of Janus's own loads from elsewhere, as it is called here.
LIBRARIES = (("adapter", "webrtc-adapter/adapter.min.js"), ("jquery", "jquery/jquery.min.js"),
             ("bootstrap.min.js", "bootstrap/js/bootstrap.min.js"), ("bootbox", "bootbox/bootbox.min.js"),
             ("spin", "spin.js/spin.min.js"), ("toastr.min.js", "toastr/toastr.min.js"))

# A module runs when the page has been read, and what is deferred behind it then.
NPMS_JANUS = '<script type="module">import Janus from "./janus.es.js"; globalThis.Janus = Janus;'
OF_NPM = {"janus.es.js": "janus-gateway/npm/dist/janus.es.js", "javascript/webrtc-adapter/adapter.min.js": "webrtc-adapter/out/adapter.js"}


def unpack(folder, packages):
    """Skips where apt has no such packages, or cannot reach them."""
    result = subprocess.run(["apt-get", "download", "-q", *packages], cwd=folder, capture_output=True, text=True)
    if result.returncode:
        raise unittest.SkipTest("apt cannot download the demo page: " + result.stderr.strip()[-200:])
    for name in os.listdir(folder):
        if name.endswith(".deb"):
            subprocess.run(["dpkg-deb", "-x", name, "."], cwd=folder, check=True)


def newer_pages():
    """The folder with the pages of the source that scripts/janus.sh builds Janus from where apt has none; it is fetched once,
    into the build folder. Skips where these are the pages that DemoPage takes anyway, or cannot be had."""
    if os.path.exists(BUILT):
        raise unittest.SkipTest("the page of Janus as it was built here is the newer one")
    kept = os.path.join(ROOT, "build", "janus-pages")
    os.makedirs(os.path.dirname(kept), exist_ok=True)
    with npm.locked(kept + ".lock"):
        if not os.path.exists(kept):
            fetch_pages(kept)
    return kept


def fetch_pages(kept):
    folder = tempfile.mkdtemp(prefix="dh-source-")
    os.chmod(folder, 0o755)             # apt reads it as somebody else
    try:
        result = subprocess.run(
            ["bash", "-c", '. "$1/scripts/lib.sh" && . "$1/scripts/janus.sh" && fetch_janus_source "$2"', "fetch", ROOT, folder],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if result.returncode:
            raise unittest.SkipTest("the source of a newer Janus cannot be fetched: " + result.stdout.strip()[-200:])
        shutil.copytree(os.path.join(folder, "source/html/demos"), kept + ".new", dirs_exist_ok=True)
        os.rename(kept + ".new", kept)
    finally:
        shutil.rmtree(folder)


def local(match):
    """A library's own name here, for a script from elsewhere; its style sheets are left out."""
    url = match[0]
    return next(("javascript/" + path for part, path in LIBRARIES if part in url), "none")


class DemoPage(WebServer):
    """`pages`: a folder with the page's files; None: as above. `modules`: a node_modules with janus-gateway, which takes the
    place of the page's own janus.js, as does its webrtc-adapter of adapter.js."""

    def __init__(self, ws, plugin="janus.plugin.digitalhuman", pages=None, modules=None):
        self._folder = tempfile.mkdtemp(prefix="dh-demo-")
        built = os.path.join(BUILT, "html/demos")
        given = pages or os.environ.get("STREAMING_DEMO") or (os.path.exists(built + "/streaming.html") and built)
        try:
            unpack(self._folder, LIBRARIES_OF_DEBIAN + (LIBRARIES_OF_NEWER_PAGES if given else PAGES_OF_DEBIAN))
        except BaseException:
            shutil.rmtree(self._folder)
            raise
        self._pages = given or os.path.join(self._folder, "usr/share/janus/demos")
        self._name = next(n for n in ("streamingtest", "streaming") if os.path.exists(os.path.join(self._pages, n + ".html")))
        page = re.sub(r"https://[^\"']+", local, self._read(self._name + ".html"))
        self._modules = modules
        if modules:
            page, count = re.subn(r'<script [^>]*src="[^"]*\bjanus(?:\.min)?\.js"[^>]*>', NPMS_JANUS, page)
            assert count == 1, page
            page = page.replace('src="%s.js"' % self._name, 'defer src="%s.js"' % self._name)
        self._made = {"settings.js": "var server = '%s'; var iceServers = [], token, apisecret;\n" % ws,
                      self._name + ".html": page,
                      self._name + ".js": self._read(self._name + ".js").replace("janus.plugin.streaming", plugin)}
        super().__init__()
        self.url = "http://127.0.0.1:%d/%s.html" % (self.port, self._name)

    def _read(self, name):
        with open(os.path.join(self._pages, name), encoding="utf-8") as file:
            return file.read()

    def _find(self, path):
        if path in self._made:
            return self._made[path].encode()
        if self._modules and path in OF_NPM:
            places = [os.path.join(self._modules, OF_NPM[path])]
        elif path.startswith("javascript/"):
            places = [os.path.join(self._folder, "usr/share", path)]
            if "/janus-gateway/" in path:
                places.append(os.path.join(self._pages, "janus.js"))
        else:
            places = [os.path.join(self._pages, path), os.path.join(BUILT, "javascript", path)]
        for place in places:
            if os.path.isfile(place):
                with open(place, "rb") as file:
                    return file.read()
        return None

    def _get(self, request):
        path = urllib.parse.unquote(urllib.parse.urlparse(request.path).path).lstrip("/")
        body = self._find(path)
        if body is None and not path.endswith((".js", ".html")):
            body = b""                      # pictures, fonts, styles
        request.send_response(404 if body is None else 200)
        request.send_header("Content-Type", TYPES.get(os.path.splitext(path)[1], "application/octet-stream"))
        request.end_headers()
        request.wfile.write(body or b"")

    def __exit__(self, *details):
        super().__exit__(*details)
        shutil.rmtree(self._folder)
