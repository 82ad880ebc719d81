# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated room: an avatar that speaks from a loudspeaker, a viewer that speaks to it, and the microphone that
hears both. The voices are espeak-ng's, through dh-talker."""
import os
import subprocess
import tempfile

import numpy as np

from ffmpeg import ffmpeg

RATE, FRAME = 16000, 320
SPEAKING, LASTING, SILENT = 1, 2, 3
AVATAR = ("Good evening, and welcome to the stage. Tonight I would like to tell you about the sea. It is deep, it is "
          "cold, and nobody has seen most of it. Ships cross it every day, and the people on board look at the horizon "
          "and think of home. A hundred years ago it took weeks to go from one side to the other; now it takes a few "
          "days. Yes. No. Perhaps. If you have any questions, please ask them at any time; I will stop and listen. "
          "There are more than thirty thousand kinds of fish. Some of them can fly for a moment, some of them make "
          "their own light, and some are older than the trees.")
VIEWER = ("Wait, stop please.", "Excuse me, I have a question.", "No, that is not what I meant.",
          "What about the whales?", "Hold on a second.", "Sorry, can you say that again?",
          "I think you are wrong about that.", "Will you please stop now?", "Could you go back to the fish?",
          "Listen, I need something else.")


def speech(voice, text):
    """One channel of floats."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "voice.nut")
        subprocess.run([os.environ["DH_TALKER"], "--size", "64x64", "--fps", "1", "--voice", voice, "-o", file, text],
                       check=True)
        raw = subprocess.run(["ffmpeg", "-v", "error", "-i", file, "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-"],
                             check=True, capture_output=True).stdout
    return np.frombuffer(raw, dtype=np.int16) / 32768


def write_question(path):
    """A second of a quiet room, and somebody who wants to be heard: a file for a browser's microphone."""
    said = speech("en-gb", "Wait, stop please. I have a question, and I would like to have an answer now.")
    sound = np.random.default_rng(1).normal(size=RATE + len(said) + RATE // 2) * 1e-3
    sound[RATE:RATE + len(said)] += said
    data = (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()
    ffmpeg("-f", "s16le", "-ar", RATE, "-ac", 1, "-i", "-", "-ar", 48000, path, data=data)


def levels(sound):
    """dBov of each 20 ms."""
    count = len(sound) // FRAME
    power = (sound[:count * FRAME].reshape(count, FRAME) ** 2).mean(1)
    return np.maximum(10 * np.log10(power + 1e-13), -127)


def active(sound):
    """The root mean square of what is not silence."""
    db = levels(sound)
    return np.sqrt((10 ** (db[db > db.max() - 30] / 10)).mean())


class Room:
    """With a `seed`, so that what it does can be repeated."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)

    def noise(self, count, db):
        """Pink, above 80 Hz."""
        spectrum = np.fft.rfft(self.random.normal(size=count))
        index = np.maximum(np.arange(len(spectrum)), 1)
        sound = np.fft.irfft(np.where(index * RATE / count < 80, 0, spectrum) / np.sqrt(index), count)
        return sound / np.sqrt((sound ** 2).mean()) * 10 ** (db / 20)

    def echo(self, sound, delay_ms, gain_db, decay_s=0.3):
        """What comes back: the direct sound and its reverberation."""
        count = int(RATE * decay_s)
        tail = self.random.normal(size=count) * 10 ** (-3 * np.arange(count) / count) * 0.25
        tail[0] = 1
        response = np.concatenate([np.zeros(int(delay_ms * RATE / 1000)), tail / np.sqrt((tail ** 2).sum())])
        size = 1 << int(np.ceil(np.log2(len(sound) + len(response))))
        return (np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)[:len(sound)]
                * 10 ** (gain_db / 20))


def hear(room, microphone, lasting_ms=300):
    """[(20 ms, change)]: what the plugin takes that microphone to say while that room is sent."""
    text = "\n".join(f"{a:.2f} {b:.2f}" for a, b in zip(levels(room), levels(microphone)))
    program = os.path.join(os.environ["DH_BUILD"], "tests", "support", "hear")
    done = subprocess.run([program, str(lasting_ms)], input=text, text=True, capture_output=True, check=True)
    return [tuple(map(int, line.split())) for line in done.stdout.splitlines()]


def false_interruptions(avatar, gain_db, seconds, seed):
    """How often the avatar's own echo interrupts it, at the worst of some delays and noises."""
    room = Room(seed)
    sound = np.tile(avatar, 1 + int(seconds * RATE / len(avatar)))[:int(seconds * RATE)]
    worst = 0
    for delay_ms in (60, 150, 230, 415):
        for noise_db in (-65, -50):
            heard = room.echo(sound, delay_ms, gain_db) + room.noise(len(sound), noise_db)
            worst = max(worst, sum(change == LASTING for _, change in hear(sound, heard)))
    return worst


def barge_in(room, avatar, voice, echo_db, snr_db):
    """A viewer speaks `snr_db` above noise, or (echo_db) above that echo and 20 dB above noise, while the avatar
    speaks. Returns how many seconds later it is interrupted; None: never; negative: before."""
    first = np.argmax(levels(voice) > levels(voice).max() - 30)
    voice, count = voice[first * FRAME:], 12 * RATE
    start, at = room.random.integers(5 * RATE, 7 * RATE), room.random.integers(0, len(avatar) - count)
    sound = avatar[at:at + count]
    if echo_db is None:
        loud = 0.1
        heard = room.noise(count, 20 * np.log10(loud) - snr_db)
    else:
        loud = active(sound) * 10 ** ((echo_db + snr_db) / 20)
        heard = room.echo(sound, room.random.uniform(50, 450), echo_db) + room.noise(count, 20 * np.log10(loud) - 20)
    end = min(len(voice), count - start)
    heard[start:start + end] += voice[:end] / active(voice) * loud
    lasting = [at for at, change in hear(sound, heard) if change == LASTING]
    return (lasting[0] + 1) * 0.02 - start / RATE if lasting else None
