# SPDX-License-Identifier: GPL-3.0-or-later
"""A room's pictures as a mountpoint would be fed with them otherwise: by libvpx, with a key frame every two seconds and the
room's SSIM.

Both are compared with the segment's source. The encoder has the speed that dh-prepare gives it (prepare/video.c); its bit rate
is searched for once, and what is found is kept.
"""
import contextlib
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

import av

import dhs
from material import open_room

FPS = 25
ENCODER = ("-c:v libvpx -deadline realtime -cpu-used -3 -auto-alt-ref 0 -lag-in-frames 0 -g 50 -keyint_min 50 "
           "-threads 1").split()
SOUND = "-c:a libopus -b:a 48k -ar 48000 -frame_duration 20".split()
KBPS = (50, 6000)           # between which the rate is searched for
STEP = 1.02                 # it is found once the bounds are so close
SAME_TIMES = f"settb=1/{FPS},setpts=N"


def ffmpeg(*arguments, level="error"):
    """What it says."""
    done = subprocess.run(["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", level, "-y", *map(str, arguments)],
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ffmpeg {arguments}: {done.stderr[-2000:]}")
    return done.stderr


def ssim(coded, source, skip=0):
    """Luma's, mean of all pictures; the first `skip` of `coded` are left out."""
    graph = f"[0:v]select=gte(n\\,{skip}),{SAME_TIMES}[a];[1:v]{SAME_TIMES}[b];[a][b]ssim=shortest=1"
    said = ffmpeg("-i", coded, "-i", source, "-lavfi", graph, "-f", "null", "-", level="info")
    return float(re.findall(r"SSIM Y:([0-9.]+)", said)[-1])


def write_ivf(path, segment):
    """A prepared segment's pictures behind its anchor."""
    units = [segment.anchor, *(unit.data for unit in segment.video)]
    with open(path, "wb") as file:
        file.write(struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, b"VP80", segment.width, segment.height, FPS, 1, len(units), 0))
        for number, unit in enumerate(units):
            file.write(struct.pack("<IQ", len(unit), number) + unit)


def encode(source, rate, path, sound=False):
    ffmpeg("-i", source, *ENCODER, "-b:v", f"{rate}k", *(SOUND if sound else ["-an"]), path)


def search(wanted, ssim_at, bounds=KBPS):
    """The most kbit/s whose SSIM is no better than the room's, so that the comparison never flatters the room."""
    low, high = bounds
    if ssim_at(low) > wanted or ssim_at(high) < wanted:
        raise RuntimeError(f"the room's SSIM, {wanted}, is not between those of {low} and {high} kbit/s")
    while high / low > STEP:
        middle = round((low * high) ** 0.5, 1)
        if ssim_at(middle) > wanted:
            high = middle
        else:
            low = middle
    return low


def prepared(material, source):
    """The bytes that a room plays."""
    with contextlib.closing(open_room(material, source)) as hosted:
        with open(hosted.prepared_path(os.path.basename(source)), "rb") as file:
            return file.read()


def sizes(path):
    """Of a file's pictures, in bytes."""
    with av.open(path) as file:
        return [packet.size for packet in file.demux(video=0) if packet.size]


def kbps(of):
    return sum(of) * 8 / (len(of) / FPS) / 1000


def write_equal(path, source, data):
    """A WebM of the source whose pictures are as good as those of `data`, a prepared segment; how good that is."""
    with tempfile.TemporaryDirectory() as folder:
        own, ivf, trial = (os.path.join(folder, name) for name in ("own.dhs", "own.ivf", "trial.webm"))
        with open(own, "wb") as file:
            file.write(data)
        segment = dhs.Segment(own)
        write_ivf(ivf, segment)
        if len(segment.video) != len(sizes(source)):
            raise RuntimeError(f"{len(segment.video)} prepared pictures of {len(sizes(source))}: they cannot be compared")

        def ssim_at(rate):
            encode(source, rate, trial)
            return ssim(trial, source)

        wanted = ssim(ivf, source, skip=1)
        encode(source, search(wanted, ssim_at), path, sound=True)
    return {"room": {"ssim": wanted, "kbps": kbps([len(unit.data) for unit in segment.video])},
            "mountpoint": {"ssim": ssim(path, source), "kbps": kbps(sizes(path))}}


def equal(material, source):
    """(such a WebM, {"room": and "mountpoint": {"ssim": and "kbps": }}), made once for each way in which the room's are."""
    data = prepared(material, source)
    key = hashlib.sha256(data + " ".join([*ENCODER, *SOUND, str(KBPS), str(STEP)]).encode()).hexdigest()[:16]
    told = material.path(f"equal-{key}.json")

    def write(path):
        print("  searching for the bit rate of equal pictures", file=sys.stderr, flush=True)
        found = write_equal(path, source, data)
        with open(told, "w", encoding="utf-8") as file:
            json.dump(found, file)

    film = material.make(f"equal-{key}.webm", write)
    with open(told, encoding="utf-8") as file:
        return film, json.load(file)
