#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation shows of the Python client runs as it stands there: the lines are taken from the
pages, with the address of a stand-in for the gateway, and a model."""
import contextlib
import io
import os
import re
import unittest

from push_server import PushServer
from client_case import Case, made
from digitalhuman import Stage

ROOT = os.environ["DH_ROOT"]


def blocks(page, language="python"):
    with open(os.path.join(ROOT, page), encoding="utf-8") as file:
        return re.findall(r"^```%s\n(.*?)^```" % language, file.read(), re.M | re.S)


class Model:
    """Somebody's model."""

    def generate(self, text):
        assert text == "Hello"
        return made(44)

    async def stream(self, text):
        for media in made(44):
            yield media


class Docs(Case):
    def run_lines(self, lines):
        """Runs them as a program; what it prints."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(lines, "docs", "exec"), {"model": Model(), "__name__": "__main__"})  # the point of it
        return out.getvalue()

    def test_the_five_lines(self):
        for page in ("docs/generators.md", "clients/python/README.md"):
            with self.subTest(page), PushServer(secret="demo") as server:
                lines, = (b for b in blocks(page) if b.startswith("from digitalhuman import Stage\nstage = "))
                self.assertEqual(lines.count("127.0.0.1:8189"), 1)
                said = self.run_lines(lines.replace("127.0.0.1:8189", server.address))
                self.assertEqual(said, re.search(r"# (finished.*)\n", lines)[1] + "\n")
                self.assertEqual(len(server.pushes[0].media.stream("video")[0]), 44)
                self.assertLessEqual(len(lines.splitlines()), 6)

    def test_the_readme(self):
        with PushServer(secret="demo") as server:
            lines, = (b for b in blocks("README.md") if "digitalhuman import Stage" in b)
            self.run_lines(lines.replace("127.0.0.1:8189", server.address))
            self.assertEqual(server.pushes[0].media.ms, 1760)

    def test_asyncio(self):
        with PushServer(secret="demo") as server:
            lines, = (b for b in blocks("clients/python/README.md") if "AsyncStage(" in b)
            program = "import asyncio\nfrom digitalhuman import AsyncStage\nasync def main():\n" + \
                re.sub("(?m)^", "    ", lines.replace("127.0.0.1:8189", server.address)) + "\nasyncio.run(main())"
            self.run_lines(program)
            self.assertEqual(server.pushes[0].media.ms, 1760)

    def test_the_token_is_the_pages(self):
        """The ten lines of docs/push.md, and the client's own."""
        made_there = {}
        exec(next(b for b in blocks("docs/push.md") if "def push_token" in b), made_there)
        with PushServer(secret="demo") as server:
            stage = Stage(server.address, secret="demo", encode=False)
            stage.token_fields = lambda: {"token": made_there["push_token"]("demo", 1)}
            with stage.segment(fps=25) as s:
                s.push_video(next(made(1))[0])
            self.assertEqual(s.result.event, "finished")


if __name__ == "__main__":
    unittest.main()
