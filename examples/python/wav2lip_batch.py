#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that works in batches, as Wav2Lip does: 16 mouths at a time, pasted into the pictures of a face.

    python3 wav2lip_batch.py --gateway gateway:8189 --room 1 --secret demo "Good morning."

Viewers see the first batch while the second one is being computed.
"""
import numpy as np

from digitalhuman import Stage
from standin import FPS, RATE, SAMPLES, draw, openings, options_of, speak

BATCH = 16
MOUTH = 96      # the model's pictures are 96x96


def model(mels, faces):
    """Stands in for `model(mel_batch, img_batch)`: float pictures of 0 to 1, (n, 3, 96, 96)."""
    size = faces.shape[1]
    made = [draw(mel, 0, size)[crop(size)] for mel in mels]
    return np.stack(made).transpose(0, 3, 1, 2) / 255


def crop(size):
    """Where the mouth is in a face."""
    top, left = size * 9 // 16, (size - MOUTH) // 2
    return slice(top, top + MOUTH), slice(left, left + MOUTH)


def batches(mels, faces):
    for start in range(0, len(mels), BATCH):
        yield start, mels[start:start + BATCH], faces[start:start + BATCH]


def generate(text, size):
    """Yields (frame, samples): what the loop at the end of Wav2Lip's inference.py does, without its files."""
    sound = speak(text)
    mels = openings(sound)
    faces = np.stack([draw(0, number, size) for number in range(len(mels))])
    for start, mel_batch, face_batch in batches(mels, faces):
        predictions = model(mel_batch, face_batch).transpose(0, 2, 3, 1) * 255
        for number, mouth in enumerate(predictions, start):
            frame = faces[number].copy()
            frame[crop(size)] = mouth.astype(np.uint8)
            yield frame, sound[number * SAMPLES:(number + 1) * SAMPLES]


def main():
    options = options_of(__doc__.splitlines()[0])
    stage = Stage(options.gateway, options.room, options.secret)
    with stage.segment(fps=FPS, sample_rate=RATE, text=options.text) as s:
        for frame, samples in generate(options.text, options.size):
            s.push(frame, samples)
    print(s.result)


if __name__ == "__main__":
    main()
