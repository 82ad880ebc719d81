#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""make install puts everything where Janus looks for it, and make uninstall leaves
nothing behind.

DH_BUILD is the build that is installed, into a folder of its own (DESTDIR); DH_JANUS the
prefix of its Janus, without which it is Debian's."""
import os
import stat
import subprocess
import tempfile
import unittest

BUILD = os.environ["DH_BUILD"]
SAMPLE = "janus.plugin.digitalhuman.jcfg"


def make(*arguments):
    """make's output; stdout and stderr together."""
    done = subprocess.run(["make", "-C", BUILD, "--no-print-directory", *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise AssertionError("make %s:\n%s" % (" ".join(arguments), done.stdout[-4000:]))
    return done.stdout


def variable(name):
    """One of the makefile's."""
    return make("-s", "list-" + name).strip()


def janus_folder(kind):
    """Where Janus has its plugins, or its configuration."""
    if "DH_JANUS" in os.environ:
        return os.path.join(os.environ["DH_JANUS"], {"plugins": "lib/janus/plugins", "configuration": "etc/janus"}[kind])
    listed = subprocess.run(["dpkg", "-L", "janus"], capture_output=True, text=True, check=True).stdout.split()
    marks = {"plugins": "/plugins/libjanus_echotest.so", "configuration": "/janus.jcfg"}
    return next(os.path.dirname(path) for path in listed if path.endswith(marks[kind]))


class Root:
    """A folder that stands for the system's root."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="dh-install-")
        self.make("install")

    def make(self, *targets):
        make(*targets, "DESTDIR=" + self.folder.name)

    def files(self):
        """Everything in it that is not a folder, as absolute paths of the system."""
        return {os.path.join(path, name)[len(self.folder.name):]
                for path, _, names in os.walk(self.folder.name) for name in names}

    def path(self, name):
        return self.folder.name + name


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = Root()
        cls.addClassCleanup(cls.root.folder.cleanup)

    def test_everything_goes_where_janus_looks(self):
        files = self.root.files()
        plugins, conf = janus_folder("plugins"), janus_folder("configuration")
        self.assertEqual([f for f in files if f.startswith(plugins)], [plugins + "/libjanus_digitalhuman.so"])
        self.assertEqual([f for f in files if f.startswith(conf)], ["%s/%s.sample" % (conf, SAMPLE)])
        for program in ("dh-metrics", "dh-prepare", "dh-push", "dh-talker"):
            self.assertIn("%s/%s" % (variable("bindir"), program), files)
            self.assertIn("%s/%s.1" % (variable("man1dir"), program), files)
        for page in ("index.html", "embed.html", "digitalhuman.js", "settings.js", "js/page.js"):
            self.assertIn("%s/%s" % (variable("pagedir"), page), files)
        for sample in ("nginx-site", "nginx-push.conf.sample", "dh-metrics.service.sample", "prometheus.yml.sample",
                       "grafana.json"):
            self.assertIn("%s/%s" % (variable("docdir"), sample), files)
        for program in "again", "hls-captions":
            self.assertIn("%s/examples/restream/%s" % (variable("docdir"), program), files)

    def test_what_is_installed_can_be_read_and_run_by_everybody(self):
        """Workers and the web server are not root."""
        for file in self.root.files():
            mode = stat.S_IMODE(os.stat(self.root.path(file)).st_mode)
            runs = "/bin/" in file or "/examples/" in file or "/libexec/" in file or file.endswith(".so")
            self.assertEqual(mode, 0o755 if runs else 0o644, file)
        self.assertIn("speech.dhs", subprocess.run([self.root.path(variable("bindir") + "/dh-prepare"), "--help"],
                                                   capture_output=True, text=True, check=True).stdout)

    def test_the_plugin_exports_create_alone(self):
        plugin = self.root.path(janus_folder("plugins")) + "/libjanus_digitalhuman.so"
        listed = subprocess.run(["nm", "-D", "--defined-only", plugin], capture_output=True, text=True, check=True)
        self.assertEqual([line.split()[-1] for line in listed.stdout.splitlines()], ["create"])

    def test_every_page_module_is_installed(self):
        page = self.root.path(variable("pagedir"))
        for folder in ("html", "html/js"):
            there = os.path.join(os.environ["DH_ROOT"], folder)
            for name in os.listdir(there):
                if os.path.isfile(os.path.join(there, name)):
                    self.assertTrue(os.path.exists(os.path.join(page, folder[5:], name)), folder + "/" + name)

    def test_manual_pages_are_correct_roff(self):
        for program in ("dh-metrics", "dh-prepare", "dh-push", "dh-talker"):
            page = self.root.path("%s/%s.1" % (variable("man1dir"), program))
            shown = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True,
                                   env=dict(os.environ, LC_ALL="C.UTF-8", MANROFFSEQ="", MANWIDTH="80"))
            self.assertEqual(shown.stderr, "")
            for heading in ("NAME\n", "SYNOPSIS\n", "OPTIONS\n", "EXIT STATUS\n"):
                self.assertIn("\n" + heading, shown.stdout)
            self.assertRegex(shown.stdout, r"%s +- +[a-z]+s a " % program)


class Uninstalling(unittest.TestCase):
    def test_uninstall_leaves_nothing_behind(self):
        root = Root()
        self.addCleanup(root.folder.cleanup)
        self.assertGreater(len(root.files()), 15)
        root.make("uninstall")
        self.assertEqual(root.files(), set())
        for folder in "pagedir", "docdir":
            self.assertFalse(os.path.exists(root.path(variable(folder))), folder)

    def test_the_configuration_is_made_once_and_never_touched_again(self):
        root = Root()
        self.addCleanup(root.folder.cleanup)
        root.make("configs")
        name = "%s/%s" % (janus_folder("configuration"), SAMPLE)
        with open(root.path(name)) as f:
            self.assertIn("general: {", f.read())
        self.assertEqual(stat.S_IMODE(os.stat(root.path(name)).st_mode), 0o640, "secrets come into it")
        with open(root.path(name), "w") as f:
            f.write("the operator's")
        root.make("configs")
        root.make("uninstall")
        self.assertEqual(root.files(), {name})
        with open(root.path(name)) as f:
            self.assertEqual(f.read(), "the operator's")


if __name__ == "__main__":
    unittest.main()
