# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample configuration is right: every option that the plugin reads is in it,
with its default."""
import os
import re
import unittest

ROOT = os.environ["DH_ROOT"]


class Sample(unittest.TestCase):
    def options_of_plugin(self):
        source = ""
        for name in ("config.c", "config_avatars.c", "config_generators.c", "config_rooms.c"):
            with open(ROOT + "/plugin/" + name) as f:
                source += f.read()
        options = {}
        for category in ("general", "avatar", "generator", "room"):
            table = re.search(r"%s_options\[\] = \{(.*?)\n\};" % category, source, re.S).group(1)
            found = options[category] = {}
            for kind, arguments in re.findall(r"\bDH_(KEY|TEXT|NEEDED|LIST|GROUPS|FLAG|NUMBER)\(([^\n]*)\),\n", table):
                words = [w.strip() for w in arguments.split(",")]
                found[words[1]] = {"TEXT": words[-1], "NUMBER": words[-1], "FLAG": words[-1]}.get(kind)
            for name in re.findall(r'\{ "(\w+)", DH_OPTION_LIST', table):
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

    def test_a_command_that_gets_a_voice_has_voices(self):
        """Uncommented with one sign a line, as the operator does: otherwise {voice} would stay as it is."""
        with open(ROOT + "/conf/janus.plugin.digitalhuman.jcfg.sample") as f:
            generators = re.findall(r"(?ms)^#generator-\w+: \{\n(.*?)^#\}", f.read())
        self.assertEqual(len(generators), 2)
        for generator in generators:
            active = re.findall(r"(?m)^#\t(\w+) = (.*)$", generator)
            if any("{voice}" in value for name, value in active if name == "command"):
                self.assertIn("voices", [name for name, _ in active])


if __name__ == "__main__":
    unittest.main()
