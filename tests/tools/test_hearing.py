# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a viewer's voice is told from noise and from the avatar's own echo, with real speech in a simulated room.
`bench/run echo` measures the same for longer."""
import unittest

import numpy as np

import echo_room as room


class Hearing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.avatar = np.concatenate([room.speech("en-gb", room.AVATAR), room.speech("en-us+m3", room.AVATAR)])
        cls.voices = [room.speech(voice, text) for voice in ("en-gb", "en-us+f4") for text in room.VIEWER[:5]]

    def test_its_own_echo(self):
        for gain in (0, -10, -20):
            self.assertEqual(room.false_interruptions(self.avatar, gain, 60, 1), 0, f"at {gain} dB")

    def test_a_viewer_is_heard(self):
        for echo in (None, -20, -10, 0):
            place = room.Room(2)
            waits = [room.barge_in(place, self.avatar, voice, echo, 10) for voice in self.voices]
            with self.subTest(echo=echo):
                self.assertNotIn(None, waits)
                self.assertGreater(min(waits), 0.2, waits)
                self.assertLess(np.median(waits), 0.6, waits)

    def test_noise_alone(self):
        place = room.Room(3)
        for noise in (-70, -50, -30):
            heard = place.noise(120 * room.RATE, noise)
            self.assertEqual([c for c in room.hear(np.zeros(len(heard)), heard) if c[1] == room.LASTING], [])

    def test_a_click(self):
        heard = room.Room(4).noise(10 * room.RATE, -60)
        for second in range(2, 9):
            heard[second * room.RATE:second * room.RATE + 400] += 0.5
        self.assertEqual(room.hear(np.zeros(len(heard)), heard), [])


if __name__ == "__main__":
    unittest.main()
