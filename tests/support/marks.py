# SPDX-License-Identifier: GPL-3.0-or-later
"""Material with lip-sync marks: a talking head whose picture flashes when it beeps.

Each second at +0.52 s a white band covers the top of the picture for 120 ms and a
1 kHz beep of 100 ms begins, both at the same media instant (at 25 fps on a frame's
edge; at other rates the flash is on the first frame that begins by then, see
`flash_at`). Any distance measured later is the player's.
"""
import math
import os
import struct

import numpy as np

from ffmpeg import ffmpeg

MARK, FLASH, BEEP = 0.52, 0.12, 0.10


class Head:
    """Draws the pictures: grain, a bobbing head, a moving mouth, and the flash."""

    def __init__(self, size=512, marks=True, seed=1):
        self.size, self.marks, self.seed = size, marks, seed
        self._grain = np.random.default_rng(seed).integers(-9, 10, (size * 2, size * 2, 1), dtype=np.int16)
        self._y, self._x = np.mgrid[0:512:512 / size, 0:512:512 / size].astype(np.float32)
        x, y = self._x, self._y
        self._back = np.dstack([60 + x / 8, 70 + y / 8, 80 + (x + y) / 16]).astype(np.int16)

    def picture(self, number, fps):
        """Frame `number` as a BGR array."""
        t, x, y = number / fps, self._x, self._y
        image = self._back.copy()
        cx, cy = 256 + 12 * np.sin(1.3 * t), 300 + 6 * np.sin(2.1 * t)
        image[((x - cx) / 120) ** 2 + ((y - cy) / 150) ** 2 < 1] = (120, 150, 200)
        mouth = 4 + (abs(np.sin(9 * t) * np.sin(0.7 * t)) * 26 if self.marks else 0)
        image[((x - cx) / 45) ** 2 + ((y - cy - 70) / mouth) ** 2 < 1] = (40, 40, 90)
        for side in (-45, 45):
            image[((x - cx - side) / 16) ** 2 + ((y - cy + 40) / 9) ** 2 < 1] = (30, 30, 30)
        oy, ox = (number * 131) % self.size, (number * 197) % self.size
        image += self._grain[oy:oy + self.size, ox:ox + self.size]
        if self.marks and t >= MARK - 1e-6 and (t - MARK + 1e-6) % 1 < FLASH:
            image[:self.size * 5 // 16] = 255
        return np.clip(image, 0, 255).astype(np.uint8)


def flash_at(fps):
    """When the first flash of a clip of that rate begins."""
    return math.ceil(MARK * fps - 1e-6) / fps


def sound(seconds, rate, mark=MARK):
    """Quiet babble and the beeps, float."""
    t = np.arange(round(seconds * rate)) / rate
    x = 0.015 * np.sin(2 * np.pi * 180 * t) * (1 + np.sin(2 * np.pi * 3.1 * t))
    on = ((t - mark + 1e-9) % 1 < BEEP) & (t >= mark - 1e-9)
    x[on] = 0.6 * np.sin(2 * np.pi * 1000 * (t[on] - mark) % (2 * np.pi))
    return x.astype(np.float32)


def write_mp4(path, seconds, size=512, fps=25, rate=16000, picture=True, speech=True, head=None):
    """As Wav2Lip writes it: raw pictures and a 16 kHz wave, muxed by ffmpeg's defaults (H.264 with B frames, AAC,
    the index at the end)."""
    head = head or Head(size)
    wave, inputs, options = f"{path}.wav", [], []
    if speech:
        samples = (sound(seconds, rate) * 32767).astype("<i2").tobytes()
        ffmpeg("-f", "s16le", "-ar", rate, "-ac", 1, "-i", "-", wave, data=samples)
        inputs, options = ["-i", wave], ["-q:a", 1]
    pictures = drawn_from = None
    if picture:
        inputs += ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{size}x{size}", "-r", fps, "-i", "-"]
        options += ["-pix_fmt", "yuv420p", "-c:v", "libx264"]
        drawn_from = (type(head).__qualname__, head.size, head.marks, head.seed, seconds, fps)

        def pictures():
            return b"".join(head.picture(i, fps).tobytes() for i in range(round(seconds * fps)))
    ffmpeg(*inputs, *options, path, data=pictures, drawn_from=drawn_from)
    if speech:
        os.remove(wave)
    return path


def write_idle(path, seconds=2, size=512, fps=25):
    """The same head, mouth closed, without a mark: an avatar's idle clip."""
    return write_mp4(path, seconds, size, fps, speech=False, head=Head(size, marks=False))


def write_arrays(folder, seconds, size=512, fps=33, rate=24000):
    """Arrays as numpy's tofile writes them: (bgr24 file, f32le file)."""
    head = Head(size)
    video, audio = os.path.join(folder, "frames.bgr"), os.path.join(folder, "speech.f32")
    with open(video, "wb") as file:
        for i in range(round(seconds * fps)):
            head.picture(i, fps).tofile(file)
    sound(seconds, rate, flash_at(fps)).tofile(audio)
    return video, audio


def write_variant(source, path, number):
    """A copy of an MP4 with the same media but other bytes (a `free` box at its end, which says nothing to a NUT, either),
    so that it does not hit the cache."""
    with open(source, "rb") as file:
        data = file.read()
    with open(path, "wb") as file:
        file.write(data + struct.pack(">I4sQ", 16, b"free", number))
    return path


# ------------------------------------------------------------------ finding marks

def flashes(times, luma):
    """Times at which brightness rises half-way from normal to brightest."""
    times, luma = np.asarray(times), np.asarray(luma, dtype=float)
    if len(luma) < 3 or luma.max() - np.median(luma) < 10:
        return np.array([])
    bright = luma > (np.median(luma) + luma.max()) / 2
    return times[1:][bright[1:] & ~bright[:-1]]


def beeps(times, samples, rate=48000):
    """Times at which |sample| passes 0.25 after 0.3 s below it; a time for each sample."""
    loud = np.flatnonzero(np.abs(samples) > 0.25)
    if not len(loud):
        return np.array([])
    first = np.concatenate([[loud[0] > 0.05 * rate], np.diff(loud) > 0.3 * rate])
    return np.asarray(times)[loud[first]]


def pairs(flash_times, beep_times, limit=0.5):
    """flash - beep, seconds, for each flash and its nearest beep."""
    out = []
    for flash in flash_times:
        if len(beep_times):
            distance = flash - beep_times[np.argmin(np.abs(beep_times - flash))]
            if abs(distance) < limit:
                out.append(distance)
    return np.array(out)
