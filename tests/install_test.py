"""What `make install` puts where, that `make uninstall` takes all of it away, what
the plugin shows to the gateway that loads it, and that the sample configuration
tells the truth."""
import os
import re
import subprocess
import tempfile
import unittest

BUILD = os.environ["DH_BUILD"]
ROOT = os.environ["DH_ROOT"]


def make(*arguments):
    done = subprocess.run(["make", "-s", "-C", BUILD, "--no-print-directory", *arguments],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout.strip()


def files_below(folder):
    return sorted(os.path.join(d, f)[len(folder):] for d, _, names in os.walk(folder) for f in names)


class Install(unittest.TestCase):
    def test_install_and_uninstall(self):
        plugins, conf, prefix = make("list-janusplugindir"), make("list-janusconfdir"), make("list-prefix")
        with tempfile.TemporaryDirectory() as folder:
            make("install", "DESTDIR=" + folder)
            files = files_below(folder)
            sample = conf + "/janus.plugin.digitalhuman.jcfg"
            page = prefix + "/share/janus/digitalhuman/"
            for expected in (plugins + "/libjanus_digitalhuman.so", prefix + "/bin/dh-prepare",
                             prefix + "/bin/dh-talker", sample + ".sample", page + "index.html", page + "settings.js"):
                self.assertIn(expected, files)
            self.assertEqual([f for f in files if f.startswith(plugins)], [plugins + "/libjanus_digitalhuman.so"])
            self.assertEqual([f for f in files if f.startswith(conf)], [sample + ".sample"])
            installed = {f[len(page):] for f in files if f.startswith(page)}
            self.assertEqual(installed, {f[1:] for f in files_below(os.path.join(ROOT, "html"))}, "the whole page")

            make("configs", "DESTDIR=" + folder)
            with open(folder + sample, "a") as f:
                f.write("# edited\n")
            make("configs", "DESTDIR=" + folder)
            with open(folder + sample) as f:
                self.assertTrue(f.read().endswith("# edited\n"), "a configuration that is there is not replaced")

            make("uninstall", "DESTDIR=" + folder)
            self.assertEqual(files_below(folder), [sample], "only the operator's configuration stays")

    def test_only_create_is_exported(self):
        listed = subprocess.run(["nm", "-D", "--defined-only", os.environ["DH_PLUGIN"]],
                                capture_output=True, text=True, check=True).stdout
        names = [line.split()[-1] for line in listed.splitlines()]
        self.assertEqual([n for n in names if not n.startswith("__odr_asan")], ["create"])


class Sample(unittest.TestCase):
    """The sample has every option that the plugin reads, with its default."""

    def options_of_plugin(self):
        with open(ROOT + "/plugin/config.c") as f:
            source = f.read()
        options = {}
        for category in ("general", "avatar", "generator", "room"):
            table = re.search(r"%s_options\[\] = \{(.*?)\n\};" % category, source, re.S).group(1)
            found = options[category] = {}
            for kind, arguments in re.findall(r"\b(TEXT|NEEDED|LIST|FLAG|NUMBER)\(([^\n]*)\),\n", table):
                words = [w.strip() for w in arguments.split(",")]
                found[words[1]] = {"TEXT": words[-1], "NUMBER": words[-1], "FLAG": words[-1]}.get(kind)
            for name in re.findall(r'\{ "(\w+)", OPTION_LIST', table):
                found[name] = None
            self.assertEqual(len(found), len(re.findall(r"^\t\S", table, re.M)) - 1, "every line was understood")
        return options

    def options_of_sample(self):
        options, category = {}, None
        with open(ROOT + "/conf/janus.plugin.digitalhuman.jcfg.sample") as f:
            for line in f:
                if match := re.match(r"#?(general|avatar|generator|room)[\w-]*: \{", line):
                    category = options.setdefault(match[1], {})
                elif match := re.match(r"#?\t(#?)(\w+) = (.*)$", line):
                    category[match[2]] = (bool(match[1]), match[3])
        return options

    def test_every_option_and_its_default(self):
        plugin, sample = self.options_of_plugin(), self.options_of_sample()
        for category, options in plugin.items():
            self.assertEqual(set(sample[category]), set(options), category)
            for name, default in options.items():
                commented, shown = sample[category][name]
                if not commented or default in (None, "NULL", "DH_PREPARE_PATH") or name == "id":
                    continue
                if shown in ("true", "false"):
                    default = "true" if default == "1" else "false"
                self.assertEqual(shown, default, category + "." + name)


if __name__ == "__main__":
    unittest.main()
