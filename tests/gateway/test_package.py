#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian package: built from what is under version control, clean for
lintian, and played from in Debian's own Janus, as an operator would set it up:
the packaged configuration with comment signs taken away. Nothing is installed."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from operator_case import Operator, run

ROOT = os.environ["DH_ROOT"]


def copy_sources(to):
    """What a clean clone has, with the changes that are not committed yet."""
    for name in run("git", "-c", "safe.directory=*", "-C", ROOT, "ls-files", "-z").split("\0"):
        source = os.path.join(ROOT, name)
        if name and os.path.exists(source):
            os.makedirs(os.path.dirname(os.path.join(to, name)), exist_ok=True)
            shutil.copy2(source, os.path.join(to, name))


def setUpModule():
    if "DH_JANUS" in os.environ:
        raise unittest.SkipTest("the package is for a packaged Janus, which this system has not")


class Package(Operator, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="dh-package-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        os.chmod(cls.folder, 0o755)     # workers run as nobody
        sources = os.path.join(cls.folder, "sources")
        copy_sources(sources)
        options = "nocheck noautodbgsym parallel=%d" % (os.cpu_count() or 1)
        cls.built = run("dpkg-buildpackage", "-us", "-uc", "-b", cwd=sources, env=dict(
            os.environ, DEB_BUILD_OPTIONS=options, DEB_CFLAGS_APPEND="-g0", LC_ALL="C.UTF-8"))
        cls.deb, = (os.path.join(cls.folder, name) for name in os.listdir(cls.folder)
                    if name.startswith("janus-digitalhuman_") and name.endswith(".deb"))
        cls.python, = (os.path.join(cls.folder, name) for name in os.listdir(cls.folder)
                       if name.startswith("python3-digitalhuman_") and name.endswith(".deb"))
        cls.push, = (os.path.join(cls.folder, name) for name in os.listdir(cls.folder)
                     if name.startswith("dh-push_") and name.endswith(".deb"))
        cls.metrics, = (os.path.join(cls.folder, name) for name in os.listdir(cls.folder)
                        if name.startswith("dh-metrics_") and name.endswith(".deb"))
        cls.prepare, = (os.path.join(cls.folder, name) for name in os.listdir(cls.folder)
                        if name.startswith("dh-prepare_") and name.endswith(".deb"))
        cls.root = os.path.join(cls.folder, "root")
        run("dpkg-deb", "-x", cls.deb, cls.root)
        cls.contents = set(os.path.relpath(os.path.join(path, name), cls.root)
                           for path, _, names in os.walk(cls.root) for name in names)
        run("dpkg-deb", "-x", cls.prepare, cls.root)
        cls.sources = sources

    # ------------------------------------------------------- what it is

    def test_building_warns_of_nothing(self):
        self.assertEqual([line for line in self.built.splitlines() if re.search(r"\.[ch]:\d+:.*warning:", line)], [])

    def test_lintian_finds_nothing(self):
        found = run("lintian", "--allow-root", "--display-info", "--pedantic", "--fail-on", "none", self.deb,
                    self.python, self.push, self.prepare, self.metrics)
        # a record's type, and the instruction behind it, may look like a misspelt word
        self.assertEqual([line for line in found.splitlines() if "spelling-error-in-binary FAIL" not in line], [])

    def test_the_python_package_works_without_anything_else(self):
        root = os.path.join(self.folder, "python")
        run("dpkg-deb", "-x", self.python, root)
        path = os.path.join(root, "usr/lib/python3/dist-packages")
        run("/usr/bin/python3", "-I", "-B", "-c", "import sys; sys.path[:0] = [%r]; sys.modules['numpy'] = None; "
            "from digitalhuman import Stage; Stage('gateway').segment(fps=25, size=(64, 64))" % path)
        with open(os.path.join(ROOT, "clients/python/pyproject.toml")) as f:
            version, = re.findall(r'(?m)^version = "(.*)"', f.read())
        self.assertEqual(run("dpkg-deb", "--field", self.python, "Version").strip(), version)
        with open(os.path.join(path, "digitalhuman/__init__.py")) as f:
            self.assertIn("__version__ = \"%s\"" % version, f.read())

    def test_generators_machines_need_no_janus(self):
        """dh-prepare, dh-push and the Python package."""
        for name, deb, option in (("dh-push", self.push, "--secret-file"), ("dh-prepare", self.prepare, "--avatar")):
            root = os.path.join(self.folder, name)
            run("dpkg-deb", "-x", deb, root)
            self.assertNotIn("janus", run("dpkg-deb", "--field", deb, "Depends"))
            self.assertIn(option, run(os.path.join(root, "usr/bin", name), "--help"))
            self.assertTrue(os.path.exists(os.path.join(root, f"usr/share/man/man1/{name}.1.gz")))
            self.assertFalse({file for file in self.contents if os.path.basename(file).startswith(name)})
        for field in ("Depends", "Recommends"):
            self.assertNotIn("janus", run("dpkg-deb", "--field", self.python, field))

    def test_metrics_need_python_alone(self):
        root = os.path.join(self.folder, "dh-metrics")
        run("dpkg-deb", "-x", self.metrics, root)
        self.assertNotIn("janus", run("dpkg-deb", "--field", self.metrics, "Depends"))
        self.assertIn("--listen", run(os.path.join(root, "usr/bin/dh-metrics"), "--help"))
        self.assertTrue(os.path.exists(os.path.join(root, "usr/share/man/man1/dh-metrics.1.gz")))
        unit = self.read("usr/share/doc/janus-digitalhuman/dh-metrics.service.sample")
        self.assertIn("ExecStart=/usr/bin/dh-metrics ", unit)

    def test_the_plugin_has_the_dh_prepare_of_its_own_release(self):
        version = run("dpkg-deb", "--field", self.prepare, "Version").strip()
        self.assertIn(f"dh-prepare (= {version})", run("dpkg-deb", "--field", self.deb, "Depends"))

    def test_cleaning_leaves_the_sources_as_they_were(self):
        run("debian/rules", "clean", cwd=self.sources)
        wanted = set(run("git", "-c", "safe.directory=*", "-C", ROOT, "ls-files").splitlines())
        there = {os.path.relpath(os.path.join(path, name), self.sources)
                 for path, _, names in os.walk(self.sources) for name in names}
        self.assertEqual(there - wanted, set())

    def test_the_configuration_is_a_conffile_that_does_nothing_yet(self):
        conffiles = run("dpkg-deb", "--info", self.deb, "conffiles").split()
        self.assertEqual(sorted(conffiles), ["/etc/janus/digitalhuman-settings.js",
                                             "/etc/janus/janus.plugin.digitalhuman.jcfg"])
        active = [line for line in self.read("etc/janus/janus.plugin.digitalhuman.jcfg").splitlines()
                  if line.strip() and not line.strip().startswith("#")]
        self.assertEqual(active, ["general: {", "}"])

    def test_secrets_are_roots(self):
        """Those that come into the configuration; Debian's Janus runs as root. The page's settings are public."""
        modes = {line.split()[-1]: line.split()[:2] for line in run("dpkg-deb", "-c", self.deb).splitlines()}
        self.assertEqual(modes["./etc/janus/janus.plugin.digitalhuman.jcfg"], ["-rw-r-----", "root/root"])
        self.assertEqual(modes["./etc/janus/digitalhuman-settings.js"], ["-rw-r--r--", "root/root"])

    def test_what_restreams_a_room_comes_along(self):
        for program in "again", "hls-captions":
            path = self.path("usr/share/doc/janus-digitalhuman/examples/restream/" + program)
            self.assertTrue(os.access(path, os.X_OK), path)

    def test_an_older_package_is_replaced(self):
        """In 0.9.0, the first release, janus-digitalhuman had /usr/bin/dh-prepare itself."""
        for field in "Breaks", "Replaces":
            version, = re.findall(r"janus-digitalhuman \(<< (.*)\)", run("dpkg-deb", "--field", self.prepare, field))
            run("dpkg", "--compare-versions", "0.9.0", "lt", version)
            run("dpkg", "--compare-versions", version, "le", run("dpkg-deb", "--field", self.deb, "Version").strip())

    def test_paths_are_the_packages(self):
        for name in ("etc/janus/janus.plugin.digitalhuman.jcfg", "usr/share/doc/janus-digitalhuman/nginx-site"):
            self.assertNotIn("/usr/local", self.read(name))
        self.assertEqual(os.readlink(self.path("usr/share/janus/digitalhuman/settings.js")),
                         "/etc/janus/digitalhuman-settings.js")

    def test_it_needs_a_janus_of_the_same_plugin_api(self):
        depends = run("dpkg-deb", "--field", self.deb, "Depends")
        self.assertRegex(depends, r"janus \(>= (\d+\.\d+)\.\d+\), janus \(<< \d+\.\d+~\)")

    # ------------------------------------------------- what an operator does

    def places(self):
        return (('#cache_folder = "/var/cache/janus-digitalhuman"', 'cache_folder = "{folder}/cache"'),
                ('#worker = "/usr/bin/dh-prepare"', 'worker = "%s"' % self.path("usr/bin/dh-prepare")),
                ('#opener = ""', 'opener = "%s"' % self.path("usr/libexec/janus-digitalhuman/dh-open")),
                ('#scope = ""', 'scope = "%s"' % self.path("usr/libexec/janus-digitalhuman/dh-scope")))

    def test_the_stock_janus_plays_from_it(self):
        self.check_the_stock_janus_plays_from_it()


if __name__ == "__main__":
    unittest.main()
