#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""scripts/check-structure, on small trees: what it must find, and what is all right."""
import os
import shutil
import subprocess
import tempfile
import unittest

CHECK = os.path.join(os.environ["DH_ROOT"], "scripts", "check-structure")


def header(guard, *lines):
    return "\n".join([f"#ifndef {guard}", f"#define {guard}", *lines, "#endif", ""])


class Structure(unittest.TestCase):
    def setUp(self):
        self.root = self.enterContext(tempfile.TemporaryDirectory())
        shutil.copy(os.path.join(os.environ["DH_ROOT"], "CONTRIBUTING.md"), self.root)
        self.write("playout/unit.h", header("DH_UNIT_H", "struct dh_unit {", "\tint bytes;", "};"))
        self.write("playout/unit.c", '#include "unit.h"\n')
        self.write("rooms/room.h", header("DH_ROOM_H", "#include <glib.h>", '#include "playout/unit.h"'))

    def write(self, name, text):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def said(self):
        """All that it reports."""
        done = subprocess.run([CHECK, self.root], stdout=subprocess.PIPE, text=True, check=False)
        *said, last = done.stdout.splitlines()
        self.assertRegex(last, rf"^\d+ modules, {len(said)} problems$")
        self.assertEqual(done.returncode, 1 if said else 0)
        return sorted(said)

    def check(self, *problems):
        self.assertEqual(self.said(), sorted(problems))

    def test_all_right(self):
        self.check()

    def test_nothing_at_all(self):
        """A root that is none, or folders that have other names now."""
        self.root = self.enterContext(tempfile.TemporaryDirectory())
        done = subprocess.run([CHECK, self.root], stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual((done.stdout, done.returncode), ("0 modules, 0 problems\n", 1))

    def test_folders(self):
        self.write("playout/queue.c", '#include "rooms/room.h"\n')
        self.write("rooms/clip.c", '#include "prepare/job.h"\n#include "prepare/clip.h"\n')
        self.check("playout/queue.c includes rooms/room.h: playout/ may use nothing else",
                   "rooms/clip.c includes prepare/clip.h: rooms/ may use playout/, ingest/, prepare/job.h")

    def test_headers(self):
        """Where a folder may use only some headers of another, no other, nor what merely begins alike."""
        self.write("prepare/clip.c", '#include "playout/unit.h"\n#include "playout/queue.h"\n')
        self.write("ingest/job.c", '#include "prepare/job.h"\n#include "prepare/job.hpp"\n')
        said = self.said()
        self.assertEqual([line.split(":")[0] for line in said],
                         ["ingest/job.c includes prepare/job.hpp", "prepare/clip.c includes playout/queue.h"])

    def test_contributing(self):
        """It says the same of each folder."""
        with open(os.path.join(self.root, "CONTRIBUTING.md"), encoding="utf-8") as file:
            text = file.read()
        self.write("CONTRIBUTING.md", text.replace("`ingest/`, `rooms/`, `prepare/job.h`", "`ingest/`, `rooms/`"))
        self.check("CONTRIBUTING.md says of plugin/: playout/, ingest/, rooms/; scripts/may-use: "
                   "playout/, ingest/, rooms/, prepare/job.h")
        self.write("CONTRIBUTING.md", "".join(line for line in text.splitlines(True) if not line.startswith("| `examples/`")))
        self.check("CONTRIBUTING.md says nothing of examples/; scripts/may-use: nothing")

    def test_include_path(self):
        """What configure makes of the table compiles no other include of the project."""
        code, wrong = os.path.join(self.root, "code.c"), []
        for folder, allowed in (("prepare", "playout/matte.h"), ("ingest", "prepare/fetch.h"), ("rooms", "prepare/job.h")):
            for used, works in ((allowed, True), ("playout/queue.h", folder != "prepare"), ("prepare/clip.h", False),
                                ("prepare/fetch.h", folder == "ingest"), ("plugin/session.h", False)):
                self.write("code.c", f'#include "{used}"\n')
                done = subprocess.run(["gcc", "-fsyntax-only", "-I", os.path.join(os.environ["DH_BUILD"], "uses", folder), code],
                                      stderr=subprocess.PIPE, text=True, check=False)
                if (f'{used}: No such file' not in done.stderr) != works:
                    wrong.append((folder, used))
        self.assertEqual(wrong, [])

    def test_libraries(self):
        self.write("rooms/room.c", "#include <janus/plugin.h>\n#include <vpx/vp8.h>\n")
        self.write("plugin/plugin.c", "#include <janus/plugin.h>\n#include <libavutil/avutil.h>\n")
        self.write("prepare/encode.c", "#include <vpx/vp8.h>\n")
        self.check("plugin/plugin.c includes <libavutil/avutil.h>: only prepare/ knows codecs and containers",
                   "rooms/room.c includes <janus/plugin.h>: only plugin/ knows Janus",
                   "rooms/room.c includes <vpx/vp8.h>: only prepare/ knows codecs and containers")

    def test_circles(self):
        """Through a third one, and through a module's private header."""
        self.write("ingest/a.c", '#include "b.h"\n')
        self.write("ingest/b.h", header("DH_B_H", '#include "ingest/c_private.h"'))
        self.write("ingest/c_private.h", header("DH_C_PRIVATE_H", '#include "a.h"'))
        self.check("a circle: ingest/a, ingest/b, ingest/c")

    def test_guards(self):
        self.write("tests/support/unit_rig.h", header("DH_UNIT_H"))
        self.check("the guard DH_UNIT_H stands in playout/unit.h, tests/support/unit_rig.h")

    def test_folders_in_tmp(self):
        self.write("tests/unit/test_unit.c", 'static char folder[] = "/tmp/unit-XXXXXX";\n')
        self.write("tests/support/unit_rig.c", 'static char folder[100]; /* in /tmp, mostly */\n')
        self.check("tests/unit/test_unit.c names a folder in /tmp: tests/support/temp_folder.h makes one")

    def test_names(self):
        """Not those that only a comment has."""
        self.write("ingest/unit.c", "struct dh_unit {\n\tint other;\n};\n")
        self.write("ingest/other.c", "/*\nstruct dh_unit {\n*/\n")
        self.check("dh_unit is defined in ingest/unit.c, playout/unit.h")

    def test_flags(self):
        """By their names, wherever they stand; what a comment or a text says does not count."""
        self.write("rooms/room.c", "\n".join([
            "static int count, is_open;", "bool has_clip, was_shown;", "static int dh_room_is_empty(void)",
            "void f(int n, unsigned has_sound);", "int g(bool is_late);",
            "int h(const struct dh_unit *u, bool is_key);",
            "/* an int is_late */", 'const char *text = "int has_text";', "int this_one, history;", ""]))
        self.check("rooms/room.c: dh_room_is_empty is a flag, which is a bool",
                   "rooms/room.c: has_sound is a flag, which is a bool",
                   "rooms/room.c: is_open is a flag, which is a bool")

    def test_results(self):
        self.write("rooms/room.c", "int rc = f();\nint fds[2], ret;\nint err = f();\nstatic int g(int rcs);\n")
        self.check("rooms/room.c: a result is called err, not rc", "rooms/room.c: a result is called err, not ret")

    def test_log(self):
        self.write("plugin/gateway_log.c", 'JANUS_LOG(LOG_INFO, "%s", text);\n')
        self.write("plugin/request.c", '/* JANUS_LOG() */\nJANUS_LOG(LOG_INFO, "%s", text);\n')
        self.check("plugin/request.c logs by itself: dh_log cleans lines, and plugin/gateway_log.c hands them to Janus")


if __name__ == "__main__":
    unittest.main()
