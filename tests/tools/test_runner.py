#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ./test itself does: the packages that it wants, the names that it is given, what it counts; packages of npm."""
import os
import shutil
import subprocess
import tempfile
import unittest
import unittest.mock

import npm

ROOT = os.environ["DH_ROOT"]
NEEDED = ("awk", "basename", "bash", "cat", "chmod", "cut", "dirname", "echo", "env", "grep", "mkdir", "mktemp", "nice", "nproc",
          "readlink", "rm", "sed", "sleep", "tail", "tee", "timeout", "tr")


class Case(unittest.TestCase):
    """Shell functions of scripts/, among programs that only a test has in its PATH."""

    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.programs = os.path.join(self.folder, "programs")
        os.mkdir(self.programs)
        for name in NEEDED:
            os.symlink(shutil.which(name), os.path.join(self.programs, name))

    def write(self, name, *lines):
        path = os.path.join(self.programs, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(["#!/bin/bash", *lines, ""]))
        os.chmod(path, 0o755)

    def shell(self, script, *arguments, cwd=ROOT, **environment):
        return subprocess.run(["bash", "-c", script, "test", *arguments], cwd=cwd, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              env={"PATH": self.programs, "ROOT": ROOT, "FOLDER": self.folder, **environment})


class Packages(Case):
    """`listed` is all that apt's lists have, and nothing is installed."""

    def setUp(self):
        super().setUp()
        self.write("dpkg-query", "exit 1")
        self.write("apt-cache", '[[ $2 = listed ]] && c=1.0 || c="(none)"', 'printf "%s:\\n  Candidate: %s\\n" "$2" "$c"')
        self.write("apt-get", 'echo "$*" >> "$FOLDER/apt"', "exit 100")

    def wants(self, *names):
        """What it said, and what apt-get was asked for."""
        done = self.shell('. "$ROOT/scripts/lib.sh"; want_packages "$@"; say went on', *names)
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1:]), (0, ["went on"]), done.stdout)
        try:
            with open(os.path.join(self.folder, "apt"), encoding="utf-8") as file:
                return done.stdout, file.read()
        except FileNotFoundError:
            return done.stdout, ""

    def test_one_that_apt_does_not_have_costs_nothing(self):
        for user in ("0", "1000"):
            self.write("id", "echo " + user)
            self.assertEqual(self.wants("unlisted"), ("went on\n", ""))

    def test_without_network(self):
        self.write("id", "echo 0")
        said, asked = self.wants("unlisted", "listed")
        self.assertIn("listed cannot be installed", said)
        self.assertRegex(asked, r"^\S.* update\n$")

    def test_without_sudo(self):
        self.write("id", "echo 1000")
        said, asked = self.wants("listed")
        self.assertIn("listed cannot be installed", said)
        self.assertEqual(asked, "")

    def test_a_package_that_cannot_be_fetched(self):
        """apt-get update takes it for a success when it has reached nobody."""
        self.write("id", "echo 1000")
        self.write("sudo", 'case "$*" in *" update") exit 0 ;; *" install "*) echo "$*" >> "$FOLDER/apt" ;; esac', "exit 1")
        said, asked = self.wants("listed")
        self.assertIn("listed cannot be installed", said)
        self.assertRegex(asked, r" install .*\blisted\n$")

    def test_what_is_needed_is_an_error(self):
        for user, reason in (("0", "apt-get update failed"), ("1000", "there is no sudo")):
            self.write("id", "echo " + user)
            done = self.shell('. "$ROOT/scripts/lib.sh"; need_packages listed; say went on')
            self.assertEqual(done.returncode, 1)
            self.assertIn(reason, done.stdout)
            self.assertNotIn("went on", done.stdout)


class Names(Case):
    """Runs two jobs, one of which is skipped, as far as they are named."""
    BEGIN = """. "$ROOT/scripts/lib.sh"; . "$ROOT/scripts/jobs.sh"
        names=("$@") logs=$FOLDER; built[x]=yes
        """
    SCRIPT = BEGIN + """
        add work asan/vp8 60 x echo "2 passed, 0 failed"
        add work integration/whep 60 x bash -c 'echo "0 passed, 0 failed, 1 skipped"; exit 77'
        check_names; run_jobs; sum_up"""

    def last_line(self, *names):
        done = self.shell(self.SCRIPT, *names)
        return done.returncode, done.stdout.splitlines()[-1]

    def test_names(self):
        for names, last in ((), "2 passed, 0 failed, 1 skipped"), (("vp8",), "2 passed, 0 failed"), \
                (("vp", "n/whep"), "2 passed, 0 failed, 1 skipped"):
            self.assertEqual(self.last_line(*names), (0, last), names)

    def test_all_are_skipped(self):
        self.assertEqual(self.last_line("whep"), (0, "0 passed, 0 failed, 1 skipped"))

    def test_a_name_that_none_has(self):
        for names in (("asan/vp8", "asan/typo"), ("asan/typo", "asan/vp8"), ("asan/typo",)):
            self.assertEqual(self.last_line(*names), (1, "test: no test is named so: asan/typo"), names)


    def test_jobs_that_end_at_once(self):
        add = 'for i in {1..60}; do add wait "asan/$i" 60 x echo "1 passed, 0 failed"; done'
        done = self.shell(self.BEGIN + add + "; run_jobs; sum_up")
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (0, "60 passed, 0 failed"))


class Folders(Case):
    def test_whatever_cdpath_says(self):
        done = self.shell('. scripts/lib.sh; printf "%s\\n" "$root" "$(cd scripts && pwd)"', CDPATH=ROOT)
        self.assertEqual(done.stdout.splitlines(), [os.path.realpath(ROOT), os.path.join(os.path.realpath(ROOT), "scripts")])


class Npm(Case):
    """A test is skipped for want of a network, and of nothing else."""

    def assert_raises(self, kind, pattern, **environment):
        with unittest.mock.patch.dict(os.environ, environment), self.assertRaises((unittest.SkipTest, RuntimeError)) as caught:
            npm.install(self.folder, ["thing@1"])
        self.assertIs(type(caught.exception), kind)
        self.assertRegex(str(caught.exception), pattern)

    def assert_npm_raises(self, kind, pattern, *lines):
        self.write("npm", *lines, "exit 1")
        self.assert_raises(kind, pattern, PATH=self.programs)

    def test_nobody_is_there(self):
        for code in ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH",
                     "ERR_SOCKET_TIMEOUT", "ETIMEDOUT"):
            for word in ("error", "ERR!"):
                with self.subTest(code, word=word):
                    self.assert_npm_raises(unittest.SkipTest, "cannot install thing@1", f"echo npm {word} code {code} >&2")

    def test_our_own_faults(self):
        for code in ("ETARGET", "E404", "ERESOLVE", "EJSONPARSE"):
            with self.subTest(code):
                self.assert_npm_raises(RuntimeError, f"cannot install thing@1: npm error code {code}",
                                       f"echo npm error code {code} >&2", "echo npm error it says ETIMEDOUT somewhere >&2")
        self.assertFalse(os.path.exists(os.path.join(self.folder, "installed")))

    def test_it_is_told_to_name_errors(self):
        """A real one, of a registry where nobody listens: with --silent it would name none."""
        if not shutil.which("npm"):
            self.skipTest("npm is not installed")
        self.assert_raises(unittest.SkipTest, "ECONNREFUSED", npm_config_registry="http://127.0.0.1:9/",
                           npm_config_fetch_retries="0", npm_config_cache=self.folder)


if __name__ == "__main__":
    unittest.main()
