#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-prepare: an avatar's qualities decode bit-exactly, whichever of them a viewer goes to at an entry. DH_PREPARE names
the program."""
import unittest

import numpy as np

import marks
from prepared import SIZE, TICKS, USAGE, Case, Prepared, decode_pictures, info, prepare

KBPS = [500, 200, 80]
OPTIONS = ("--kbps", KBPS[0], "--kbps-2", KBPS[1], "--kbps-3", KBPS[2], "--entry-ms", 200)


class Qualities(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        marks.write_idle(cls.path("idle.mp4"), 2, SIZE)
        prepare("--idle", cls.path("idle.mp4"), "--size", f"{SIZE}x{SIZE}", *OPTIONS, "-o", cls.path("idle.dhs"))
        cls.idle = Prepared(cls.path("idle.dhs"))
        prepare(cls.base, "--avatar", cls.path("idle.dhs"), *OPTIONS, "-o", cls.path("speech.dhs"))
        cls.speech = Prepared(cls.path("speech.dhs"))

    @staticmethod
    def units(segment, quality):
        """The pictures' bytes."""
        return [unit.data if quality == 0 else lower[quality - 1] for unit, lower in zip(segment.video, segment.lower)]

    def test_all_are_there(self):
        for segment in (self.idle, self.speech):
            self.assertEqual(segment.kbps, KBPS)
            self.assertTrue(all(len(lower) == 2 for lower in segment.lower))
            self.assertFalse(segment.notes)
            segment.check_order()
        self.assertEqual(self.idle.anchor, self.speech.anchor)
        self.assertTrue(len(self.idle.anchor) <= KBPS[2] * 1000 // 16 or "quantizer 56" in self.idle.encoder)

    def test_bit_rates(self):
        """Each is less than the one before, and about what was asked for."""
        length = self.speech.lengths[0] / TICKS
        rates = [sum(map(len, self.units(self.speech, q))) * 8 / length / 1000 for q in range(3)]
        self.assertEqual(rates, sorted(rates, reverse=True))
        for rate, asked in zip(rates, KBPS):
            self.assertLess(rate, asked * 1.4, (rates, KBPS))
        described = info(self.path("speech.dhs"))["video"]["qualities"]
        self.assertEqual([q["kbps"] for q in described], KBPS)
        self.assertEqual([q["bytes"] for q in described], [sum(map(len, self.units(self.speech, q))) for q in range(3)])

    def test_no_second_has_a_quarter_more(self):
        """From whichever picture on, of a film that moves all the time: as files are prepared."""
        self.assert_rates(256, [600, 400, 200])

    def test_no_second_has_a_quarter_more_live(self):
        """Where it is encoded at the speed of what is live, of a small and a usual size, and near the least rate that is enough."""
        for size, kbps in ((256, [600, 400, 200]), (512, [800, 400, 200]), (512, [300, 150, 100])):
            with self.subTest(size=size, kbps=kbps):
                self.assert_rates(size, kbps, "--speed", 12, "--speed-later", 12)

    def assert_rates(self, size, kbps, *options):
        marks.write_mp4(self.path("moving.mp4"), 6, size)
        prepare(self.path("moving.mp4"), "--size", f"{size}x{size}", "--kbps", kbps[0], "--kbps-2", kbps[1], "--kbps-3", kbps[2],
                *options, "-o", self.path("moving.dhs"))
        moving = Prepared(self.path("moving.dhs"))
        times = np.array([unit.pts for unit in moving.video]) / TICKS
        for quality, asked in enumerate(kbps):
            kbits = np.array([len(data) for data in self.units(moving, quality)]) * 8 / 1000
            seconds = [kbits[(times >= begin) & (times < begin + 1)].sum() for begin in times if begin <= times[-1] - 0.96]
            self.assertEqual(len(seconds), 126)
            self.assertGreater(max(seconds), asked * 0.8)      # else it has nothing to keep to
            self.assertLessEqual(max(seconds), asked * 1.25)

    def test_a_change_at_any_entry_decodes_exactly(self):
        segments = (self.idle, self.speech)
        films = {(segment, q): decode_pictures([segment.anchor] + self.units(segment, q))[1:]
                 for segment in segments for q in range(3)}
        for first in range(3):
            units, expected = [self.idle.anchor], [None]
            quality = first
            for segment in segments * 2:
                entries = segment.entries()
                for begin, end in zip(entries, entries[1:] + [len(segment.video)]):
                    units += self.units(segment, quality)[begin:end]
                    expected += films[segment, quality][begin:end]
                    quality = (quality + 1 + (begin == 0)) % 3
            for n, (got, wanted) in enumerate(zip(decode_pictures(units), expected)):
                self.assertTrue(wanted is None or np.array_equal(got, wanted), f"picture {n} differs")

    def test_the_proof_can_fail(self):
        """Between entries a change decodes to something else."""
        speech = self.speech
        at = speech.entries()[2] + 1
        right = decode_pictures([speech.anchor] + self.units(speech, 1))[1:]
        wrong = decode_pictures([speech.anchor] + self.units(speech, 0)[:at] + self.units(speech, 1)[at:])[1:]
        self.assertFalse(np.array_equal(right[at], wrong[at]))

    def test_lower_is_worse_but_the_same_film(self):
        best, middle, low = (decode_pictures([self.speech.anchor] + self.units(self.speech, q))[1:] for q in range(3))
        far = [np.mean([np.abs(a.astype(int) - b).mean() for a, b in zip(best, other)]) for other in (middle, low)]
        self.assertLess(far[0], far[1])
        self.assertLess(far[1], 12)

    def test_the_avatar_decides_the_anchor(self):
        """A segment with fewer qualities, or none, has the avatar's anchor all the same."""
        for options in ((), ("--kbps-2", 100)):
            segment = self.run_tool(self.base, "--avatar", self.path("idle.dhs"), *options)
            self.assertEqual(segment.anchor, self.idle.anchor)
            self.assertFalse(segment.notes)
            self.assertEqual({len(lower) for lower in segment.lower}, {len(options) // 2})

    def test_temporal_layers(self):
        """In every quality: every second picture behind an entry can be left out, and the others decode as before."""
        segment = self.run_tool(self.base, "--avatar", self.path("idle.dhs"), "--temporal", *OPTIONS)
        since, kinds = 0, []
        for unit in segment.video:
            since = 0 if unit.flags & 1 else since + 1
            kinds.append(since)
            self.assertEqual(unit.flags, 1 if since == 0 else 2 if since % 2 else 0)
        self.assertEqual(segment.anchor, self.idle.anchor)
        for quality in range(3):
            units = self.units(segment, quality)
            whole = decode_pictures([segment.anchor] + units)[1:]
            kept = [n for n, since in enumerate(kinds) if since % 2 == 0]
            for n, got in zip(kept, decode_pictures([segment.anchor] + [units[n] for n in kept])[1:]):
                self.assertTrue(np.array_equal(got, whole[n]), f"picture {n} of quality {quality} differs")
        self.assertEqual(info(self.path("out.dhs"))["video"]["droppable"], len(kinds) - len(kept))

    def test_refused(self):
        for options in (("--kbps-2", 800), ("--kbps-3", 100), ("--kbps-2", 49), ("--kbps-2", 400, "--kbps-3", 400)):
            self.refuse(USAGE, "lower than the one before", self.base, *options)
        self.refuse(USAGE, "kbps_2 is 20001", self.base, "--kbps-2", 20001)


if __name__ == "__main__":
    unittest.main()
