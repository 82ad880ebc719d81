# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as tools write them: container × picture × sound × rate × channels × start time, one second each, and what
dh-prepare should make of each."""
import itertools
import os
import random
import subprocess

import numpy as np

from prepared import PREPARE, Prepared, TICKS, sound

HZ = 440
VIDEO = {"h264": ["-c:v", "libx264", "-preset", "ultrafast"], "h264-b": ["-c:v", "libx264", "-preset", "veryfast", "-bf", 2],
         "vp8": ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", 8],
         "vp9": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", 8],
         "mpeg4": ["-c:v", "mpeg4"], "mpeg2": ["-c:v", "mpeg2video"], "mjpeg": ["-c:v", "mjpeg"], "ffv1": ["-c:v", "ffv1"],
         "flv1": ["-c:v", "flv"], "raw": ["-c:v", "rawvideo"], "prores": ["-c:v", "prores_ks", "-pix_fmt", "yuv422p10le"]}
AUDIO = {"aac": "aac", "opus": "libopus", "vorbis": "libvorbis", "mp3": "libmp3lame", "mp2": "mp2", "flac": "flac",
         "alac": "alac", "ac3": "ac3", "eac3": "eac3", "s16": "pcm_s16le", "s16be": "pcm_s16be", "s24": "pcm_s24le",
         "f32": "pcm_f32le", "mulaw": "pcm_mulaw", "ima": "adpcm_ima_wav", "ms": "adpcm_ms"}
# What a container may hold, and whether its times may begin anywhere.
CONTAINERS = {
    "mkv": ("h264 h264-b vp8 vp9 mpeg4 mpeg2 mjpeg ffv1", "aac opus vorbis mp3 mp2 flac alac ac3 eac3 s16 s24 f32", True),
    "webm": ("vp8 vp9", "opus vorbis", True),
    "mp4": ("h264 h264-b mpeg4", "aac mp3 ac3 opus alac", False),
    "frag.mp4": ("h264 mpeg4", "aac mp3 opus", False),  # with B-frames, ffmpeg leaves a gap
    "mov": ("h264 h264-b prores mjpeg", "aac alac s16 s16be mulaw", False),
    "ts": ("h264 h264-b mpeg2", "aac mp3 mp2 ac3 eac3", True),
    "mpg": ("mpeg2", "mp2 ac3", False),
    "flv": ("h264 flv1", "aac mp3", True),
    "avi": ("mpeg4 mjpeg raw ffv1", "mp3 s16 ac3 ima", False),
    "nut": ("h264 mpeg4 raw vp8", "aac opus vorbis mp3 s16 f32 flac", True),
    "ogg": ("", "vorbis opus flac", False), "opus": ("", "opus", False), "flac": ("", "flac", False),
    "wav": ("", "s16 s24 f32 mulaw ima ms", False), "aiff": ("", "s16be", False), "caf": ("", "s16 alac", False),
    "au": ("", "s16be mulaw", False), "mp3": ("", "mp3", False), "aac": ("", "aac", False), "ac3": ("", "ac3", False),
    "eac3": ("", "eac3", False), "w64": ("", "s16 f32", False),
}
RATES = {"opus": (8000, 24000, 48000), "ac3": (32000, 44100, 48000), "eac3": (32000, 44100, 48000),
         "mp3": (16000, 24000, 44100, 48000), "mp2": (24000, 44100, 48000), "flv": (22050, 44100)}


def is_possible(container, video, audio, rate, channels):
    wide = {"aac", "opus", "vorbis", "flac", "ac3", "eac3", "s16", "s24", "f32"}
    if channels > 2 and (audio not in wide or container in ("flv", "caf", "mpg", "opus")):
        return False
    if container == "flv" and rate not in RATES["flv"] or audio == "mp3" and container == "avi" and rate < 32000:
        return False
    if container in ("ts", "mpg") and audio == "mp3" and rate < 32000:
        return False
    return bool(video or audio)


def rows():
    """All of them, as tuples."""
    for container, (videos, audios, moves) in CONTAINERS.items():
        for video, audio in itertools.product([*videos.split(), ""], [*audios.split(), ""]):
            for rate in RATES.get(audio, (8000, 16000, 22050, 44100, 48000)) if audio else (0,):
                for channels in (1, 2, 6) if audio else (0,):
                    for start in (0, 3600) if moves else (0,):
                        if is_possible(container, video, audio, rate, channels):
                            yield container, video, audio, rate, channels, start


def drawn(seed=1):
    """All of them, in an order that is the same each time, with every container in turn."""
    left = list(rows())
    random.Random(seed).shuffle(left)
    by = {container: [row for row in left if row[0] == container] for container in CONTAINERS}
    while any(by.values()):
        for waiting in by.values():
            if waiting:
                yield waiting.pop()


def make(row, folder):
    """Returns its path, or None if this ffmpeg cannot write it."""
    container, video, audio, rate, channels, start = row
    path = os.path.join(folder, f"m.{container}")
    command = ["ffmpeg", "-v", "error", "-y"]
    if video:
        command += ["-f", "lavfi", "-i", "testsrc2=s=64x64:r=25:d=1"]
    if audio:
        command += ["-f", "lavfi", "-i", f"sine={HZ}:r={rate}:d=1,volume=4"]
    command += [*VIDEO.get(video, []), *(["-pix_fmt", "yuv420p"] if video and video != "prores" else [])]
    if audio:
        command += ["-c:a", AUDIO[audio], "-ar", rate, "-ac", channels, *(["-strict", "-2"] if container == "mp4" else [])]
    if container == "frag.mp4":
        command += ["-strict", "-2", "-movflags", "frag_keyframe+empty_moov"]
    if start:
        command += ["-output_ts_offset", start]
    done = subprocess.run([*map(str, command), path], capture_output=True)
    return path if done.returncode == 0 else None


def wrong(row, path, out):
    """What is wrong with what dh-prepare makes of it; None if nothing is."""
    _, video, audio, rate, _, _ = row
    before = 1200 / rate if audio in ("aac", "mp3") else 0  # what they put in front, where no container says so
    done = subprocess.run([PREPARE, "--quiet", path, "-o", out], capture_output=True, timeout=300)
    if done.returncode:
        return f"exit {done.returncode}: {done.stderr.decode().strip()}"
    segment = Prepared(out)
    segment.check_order()
    if segment.notes or segment.incomplete:
        return f"notes {segment.notes}, incomplete {segment.incomplete}"
    if bool(segment.video) != bool(video) or bool(segment.audio) != bool(audio):
        return f"{len(segment.video)} pictures, {len(segment.audio)} packets of sound"
    if video and (len(segment.video) != 25 or abs(segment.lengths[0] / TICKS - 1) > 0.05 + before):
        return f"{len(segment.video)} pictures in {segment.lengths[0] / TICKS} s"
    if not audio:
        return None
    if not -0.02 <= segment.lengths[1] / TICKS - 1 <= 0.16:  # codecs fill their blocks
        return f"{segment.lengths[1] / TICKS} s of sound"
    samples = sound(segment)[4800:43200]
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    at = int(round(HZ * len(samples) / 48000))
    if power[at - 8:at + 9].sum() < 0.9 * power.sum() or np.sqrt((samples ** 2).mean()) < 0.1:
        return f"the tone is not heard: level {np.sqrt((samples ** 2).mean()):.3f}"
    return None
