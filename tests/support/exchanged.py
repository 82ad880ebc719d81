# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepared files of one release under another, for tests/bare. `exchanged.py FOLDER NAME` prepares an avatar and a segment
into FOLDER/NAME and writes down what they decode to; then it judges those of all other names in FOLDER: their checksums,
each picture, the sound, and whether a segment can be prepared for that avatar. The last line says what came of it. The exit
status is 1 if anything is wrong. DH_PREPARE names the program."""
import glob
import hashlib
import json
import os
import sys
import tempfile

import numpy as np

import marks
from prepared import Prepared, decode_pictures, film, info, prepare, sound

SIZE, SECONDS = 128, 2


def decoded(path):
    """Checksums of all pictures, by two decoders, with the anchor first; and the sound."""
    segment = Prepared(path)
    segment.check_order()
    sums = [hashlib.sha256(picture.tobytes()).hexdigest()
            for decoder in ("vp8", "libvpx") for picture in decode_pictures([segment.anchor], decoder) + film(segment, decoder)]
    return sums, np.round(sound(segment) * 32767).astype(np.int16)


def make(folder):
    os.makedirs(folder)
    with tempfile.TemporaryDirectory() as temp:
        idle, speech = marks.write_idle(os.path.join(temp, "idle.mp4"), SECONDS, SIZE), os.path.join(temp, "speech.mp4")
        marks.write_mp4(speech, SECONDS, SIZE)
        prepare("--quiet", "--idle", idle, "-o", os.path.join(folder, "idle.dhs"))
        prepare("--quiet", speech, "--avatar", os.path.join(folder, "idle.dhs"), "-o", os.path.join(folder, "speech.dhs"))
    for name in ("idle", "speech"):
        sums, samples = decoded(os.path.join(folder, f"{name}.dhs"))
        np.save(os.path.join(folder, f"{name}.npy"), samples)
        with open(os.path.join(folder, f"{name}.json"), "w") as file:
            json.dump(sums, file)


def wrong(folder, own):
    """What is wrong with the files of another release; None if nothing is."""
    for name in ("idle", "speech"):
        path = os.path.join(folder, f"{name}.dhs")
        info(path)  # whose exit status says whether checksums are right
        sums, samples = decoded(path)
        with open(os.path.join(folder, f"{name}.json")) as file:
            theirs = json.load(file)
        if sums != theirs:
            unlike = sum(a != b for a, b in zip(sums, theirs))
            return f"{name}: {len(sums)} pictures for {len(theirs)}, {unlike} of them decoded otherwise"
        told = np.load(os.path.join(folder, f"{name}.npy"))
        if samples.shape != told.shape or (samples.size and abs(samples.astype(int) - told).max() > 33):  # -60 dB
            return f"{name}: the sound is decoded otherwise"
    with tempfile.TemporaryDirectory() as temp:
        speech, out = os.path.join(temp, "speech.mp4"), os.path.join(temp, "speech.dhs")
        marks.write_mp4(speech, SECONDS, SIZE)
        prepare("--quiet", speech, "--avatar", os.path.join(folder, "idle.dhs"), "-o", out)
        segment, avatar = Prepared(out), Prepared(os.path.join(folder, "idle.dhs"))
        if segment.anchor != avatar.anchor or not np.array_equal(film(segment, "vp8"), film(segment, "libvpx")):
            return "what is prepared for its avatar does not follow its anchor"
        like, own = film(segment)[-1].astype(int), film(Prepared(own))[-1]
        if abs(like - own).mean() > 3:
            return "what is prepared for its avatar is another picture"
    return None


def main():
    top, name = sys.argv[1:]
    own = os.path.join(top, name)
    make(own)
    said, failed = [], False
    for folder in sorted(glob.glob(os.path.join(top, "*", ""))):
        other = os.path.basename(os.path.dirname(folder))
        if other == name:
            continue
        try:
            fault = wrong(folder, os.path.join(own, "speech.dhs"))
        except (AssertionError, OSError, ValueError) as error:
            fault = repr(error)
        failed |= bool(fault)
        said.append(f"{other}: {fault or 'plays'}")
    print("prepared files of", "; ".join(said) if said else "other releases: none are kept")
    sys.exit(failed)


if __name__ == "__main__":
    main()
