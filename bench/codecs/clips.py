# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips of a talking head, as raw I420: no films of real people are at hand, so the demonstration's talker stands for
them, still, with grain as cameras have it, and with a camera that sways besides.

    talker  dh-talker's picture as it is: flat colours, no noise
    grain   the same with noise that is new in every picture (a standard deviation of 2)
    sway    the same with the noise, and all of it moves by up to 16 pixels and grows by up to 4 %
"""
import os
import subprocess

import numpy as np

KINDS = ("talker", "grain", "sway")
SAID = ("Good morning everybody, this is the news of the day, and there is a lot of it, believe me.",
        "Tomorrow we shall see more of the sun, then some rain will come, and everything grows again.")


class Clip:
    """Raw I420 in `path`; `anchor`: a file with the one picture that all clips of its kind share."""

    def __init__(self, folder, name, size, fps=25):
        self.name, self.size, self.fps = name, size, fps
        self.path = os.path.join(folder, f"{name}-{size}.i420")
        self.anchor = os.path.join(folder, f"{name.rsplit('_', 1)[0]}-anchor-{size}.i420")

    @property
    def frames(self):
        return os.path.getsize(self.path) // (self.size * self.size * 3 // 2)

    @property
    def mouth(self):
        """x, y, width, height of where the talker's mouth moves, on a grid of 16."""
        return [round(part * self.size / 16) * 16 for part in (.375, .5, .25, .1875)]


def talk(talker, text, size, fps=25):
    """The talker's pictures, as arrays of luma and two of chroma."""
    made = subprocess.run([talker, "--look", "ada", "--size", f"{size}x{size}", "--fps", str(fps), text],
                          stdout=subprocess.PIPE, check=True).stdout
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", "-", "-an", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"],
                         input=made, stdout=subprocess.PIPE, check=True).stdout
    return split(raw, size)


def split(raw, size):
    pictures, unit = [], size * size * 3 // 2
    for at in range(0, len(raw) - unit + 1, unit):
        data = np.frombuffer(raw, np.uint8, unit, at)
        luma, chroma = data[:size * size], data[size * size:]
        pictures.append((luma.reshape(size, size), *chroma.reshape(2, size // 2, size // 2)))
    return pictures


def shifted(plane, dx, dy, grow):
    """The plane, magnified around its middle and moved, with bilinear interpolation."""
    height, width = plane.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x = np.clip((x - width / 2) / grow + width / 2 - dx, 0, width - 1.001)
    y = np.clip((y - height / 2) / grow + height / 2 - dy, 0, height - 1.001)
    x0, y0 = x.astype(int), y.astype(int)
    fx, fy, p = x - x0, y - y0, plane.astype(np.float32)
    return ((p[y0, x0] * (1 - fx) + p[y0, x0 + 1] * fx) * (1 - fy)
            + (p[y0 + 1, x0] * (1 - fx) + p[y0 + 1, x0 + 1] * fx) * fy)


def sway(picture, t):
    dx, dy, grow = 14 * np.sin(1.9 * t) + 2 * np.sin(7 * t), 10 * np.sin(2.7 * t), 1.04 + .03 * np.sin(1.1 * t)
    return tuple(shifted(p, dx * p.shape[0] / 512, dy * p.shape[0] / 512, grow) for p in picture)


def grain(picture, source):
    return tuple(np.clip(p + source.normal(0, 2 if i == 0 else 1, p.shape), 0, 255).round().astype(np.uint8)
                 for i, p in enumerate(picture))


def write(path, pictures):
    with open(path, "wb") as file:
        for picture in pictures:
            for plane in picture:
                file.write(plane.tobytes())


def make(folder, talker, size, seconds, fps=25):
    """Two clips of each kind, A and B, and their anchor: {"talker_a": Clip, …}."""
    source, clips = np.random.default_rng(1), {}
    for letter, text in zip("ab", SAID):
        plain = talk(talker, text, size, fps)[:round(seconds * fps)]
        swung = [sway(p, n / fps + (0 if letter == "a" else 5)) for n, p in enumerate(plain)]
        for kind, pictures in zip(KINDS, (plain, [grain(p, source) for p in plain], [grain(p, source) for p in swung])):
            clip = clips[f"{kind}_{letter}"] = Clip(folder, f"{kind}_{letter}", size, fps)
            write(clip.path, pictures)
            if letter == "a":
                write(clip.anchor, pictures[:1])
    return clips
