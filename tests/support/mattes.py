# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that are coded with their mattes, as playout/matte.h has it."""
import numpy as np


def rows(height):
    """Where the matte begins, and how high picture and matte are together."""
    top = (height + 8 + 15) // 16 * 16 + 8
    return top, top + height


def yuv(rgb):
    r, g, b = np.asarray(rgb, dtype=float) / 255
    return np.array([16 + 65.481 * r + 128.553 * g + 24.966 * b, 128 - 37.797 * r - 74.203 * g + 112 * b,
                     128 + 112 * r - 93.786 * g - 18.214 * b])


class Parts:
    """A coded picture: the planes of what is shown, alpha from 0 to 1 as a page sees it, and the matte's chroma."""

    def __init__(self, segment, coded, height):
        top, whole = rows(height)
        assert segment.height == whole, (segment.height, whole)
        width = segment.width
        chroma = coded[whole:].reshape(2, whole // 2, width // 2).astype(float)
        self.luma, self.chroma = coded[:height].astype(float), chroma[:, :height // 2]
        self.raw = coded[top:whole].astype(float)
        self.alpha = ((self.raw - 16) / 219).clip(0, 1)
        self.matte_chroma = chroma[:, (top + 1) // 2:]

    def at(self, x, y):
        row, column = int(y * self.luma.shape[0]), int(x * self.luma.shape[1])
        return np.array([self.luma[row, column], *self.chroma[:, row // 2, column // 2]])
