# SPDX-License-Identifier: GPL-3.0-or-later
"""The segments used for measuring, made once and kept in the build folder."""
import os
import shutil
import tempfile

import marks
from hosted_room import HostedRoom, prepare

SIZE = 512


class Material:
    """`folder` keeps them from run to run; all are `size` pixels wide and high."""

    def __init__(self, folder, size=SIZE):
        self.folder, self.size = folder, size
        os.makedirs(folder, exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, name, write):
        """Writes aside and renames, so that a partial file is never taken for a whole one, by another run either."""
        if not os.path.exists(self.path(name)):
            with tempfile.TemporaryDirectory(dir=self.folder) as aside:
                write(os.path.join(aside, name))
                os.rename(os.path.join(aside, name), self.path(name))
        return self.path(name)

    def idle(self):
        return self.make("idle.mp4", lambda path: marks.write_idle(path, 4, self.size))

    def mp4(self, seconds, seed=1):
        """As Wav2Lip writes it: 512x512, 25 fps, H.264 and AAC of 16 kHz."""
        return self.make(f"{seconds}s-{seed}.mp4",
                          lambda path: marks.write_mp4(path, seconds, self.size, head=marks.Head(self.size, seed=seed)))

    def raw(self, frames):
        """A NUT with raw BGR24 pictures and 16 kHz sound, 25 fps: 88 frames of 512x512 are 69 MB."""
        return self.make(f"raw-{frames}.nut", lambda path: marks.ffmpeg(
            "-i", self.mp4(5), "-t", frames / 25, "-c:v", "rawvideo", "-pix_fmt", "bgr24", "-c:a", "pcm_s16le", path))

    def arrays(self, seconds):
        """Raw pictures at 33 a second and float sound of 24 kHz, prepared by dh-prepare."""
        def write(path):
            video, sound = marks.write_arrays(os.path.dirname(path), seconds, self.size)
            prepare("--raw-video", f"bgr24:{self.size}x{self.size}@33", video, "--raw-audio", "f32le:24000:1", sound,
                    "-o", path)
        return self.make(f"arrays-{seconds}s.dhs", write)


def open_room(material, *files, **options):
    """A Janus whose rooms idle, with copies of `files` in its segment folder; `options` are HostedRoom's."""
    hosted = HostedRoom(material.size, idle=material.idle(), **options)
    for file in files:
        shutil.copy(file, hosted.segments)
    return hosted
