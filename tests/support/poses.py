# SPDX-License-Identifier: GPL-3.0-or-later
"""Smooth pictures of a head whose place is chosen, and how much pictures differ: for seams."""
import math

import numpy as np

import marks


def picture(size, x, y, mouth=0.0):
    """A head at (x, y), and its mouth open by so much; all in parts of the picture. BGR."""
    v, u = np.mgrid[0:size, 0:size].astype(np.float32) / size
    back = 60 + 80 * u + 40 * v
    head = np.clip(8 - 40 * np.hypot((u - x) * 1.25, v - y), 0, 1)
    lips = np.clip((mouth - abs(v - y - 0.1)) * size / 4, 0, 1) * (abs(u - x) < 0.08)
    grey = back + head * (190 - back) - head * lips * 120
    return np.dstack([grey * f for f in (0.9, 1.0, 0.95)]).clip(0, 255).astype(np.uint8)


def idle_place(t, seconds):
    """Where the head idles: it returns after so many seconds."""
    return 0.5 + 0.05 * math.sin(2 * math.pi * t / seconds), 0.45 + 0.02 * math.cos(4 * math.pi * t / seconds)


def write(path, pictures, fps=25, wave=None):
    """A film of BGR arrays, raw, with a silent second of sound for each second if `wave`."""
    size = pictures[0].shape[0]
    inputs = ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{size}x{size}", "-r", fps, "-i", "-"]
    sound = ["-f", "lavfi", "-i", f"sine=220:d={len(pictures) / fps}"] if wave else []
    marks.ffmpeg(*inputs, *sound, "-c:v", "rawvideo", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", path,
                 data=b"".join(p.tobytes() for p in pictures))
    return path


def write_idle(path, size, seconds=2, fps=25):
    return write(path, [picture(size, *idle_place(n / fps, seconds)) for n in range(seconds * fps)], fps)


def write_speech(path, size, seconds=1, fps=25):
    """Ends far from where the head idles."""
    count = round(seconds * fps)
    places = [(0.5 + 0.16 * n / (count - 1), 0.45 + 0.1 * n / (count - 1)) for n in range(count)]
    return write(path, [picture(size, *place, mouth=0.02) for place in places], fps, wave=True)


def steps(pictures, height):
    """How much each picture differs from the one before: mean differences of luma."""
    return [float(np.abs(a[:height].astype(int) - b[:height].astype(int)).mean()) for a, b in zip(pictures, pictures[1:])]
