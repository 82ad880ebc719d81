#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-prepare: a pipe that stays open behind a complete container. DH_PREPARE names the program."""
import fcntl
import os
import select
import subprocess
import threading
import time
import unittest

from prepared import PREPARE, Case, Prepared

H264 = ["-c:v", "libx264", "-g", "10", "-pix_fmt", "yuv420p", "-c:a", "aac"]
FRAGMENTS = [*H264, "-movflags", "frag_keyframe+empty_moov"]
# Written to a file: writers that can seek back state sizes.
WITH_END = {
    "known.wav": ["-vn"], "known.mkv": H264, "known.webm": ["-c:v", "libvpx", "-c:a", "libopus"],
    "fragments.mp4": FRAGMENTS, "first.mp4": [*H264, "-movflags", "faststart"],
    "index.nut": ["-c:v", "mpeg4", "-c:a", "libmp3lame"], "raw.nut": ["-c", "copy"],
    "speech.ogg": ["-vn", "-c:a", "libvorbis"], "speech.opus": ["-vn", "-c:a", "libopus"],
    "h264.flv": ["-f", "flv", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"],
}
PIPED_WITH_END = {"mp4": FRAGMENTS, "nut": ["-c", "copy"], "ogg": ["-vn", "-c:a", "libvorbis"]}
PIPED_WITHOUT = {
    "matroska": H264, "wav": ["-vn"], "mpegts": H264, "yuv4mpegpipe": ["-an", "-pix_fmt", "yuv420p"],
    "avi": ["-c:v", "mpeg4", "-c:a", "libmp3lame"], "adts": ["-vn", "-c:a", "aac"], "mp3": ["-vn"],
}
PIPE_BYTES = 1 << 20
PAUSE_S = 0.6       # longer than dh-prepare waits behind the end of a container


class Lingering(Case):
    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def piped(self, container, options):
        return subprocess.run(["ffmpeg", "-v", "error", "-i", self.base, *map(str, options), "-f", container, "-"],
                              capture_output=True, check=True).stdout

    def feed(self, parts, is_closed):
        """Writes the parts to a pipe, with pauses; returns what dh-prepare made of them before the pipe is closed."""
        out = self.path("lingering.dhs")
        read_end, write_end = os.pipe()
        # All of a part fits into it: what a busy machine writes late would be a pause.
        fcntl.fcntl(write_end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        process = subprocess.Popen([PREPARE, "-", "-o", out], stdin=read_end, stderr=subprocess.PIPE)
        os.close(read_end)

        def write():
            for i, part in enumerate(parts):
                time.sleep(PAUSE_S if i else 0)
                view = memoryview(part)
                while view:
                    view = view[os.write(write_end, view):]
            if is_closed:
                os.close(write_end)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            message = process.communicate(timeout=60)[1]
        finally:
            process.kill()
            process.wait()
            writer.join()
            if not is_closed:
                os.close(write_end)
        self.assertEqual(process.returncode, 0, message)
        return Prepared(out)

    def check_same(self, segment, whole):
        self.assertEqual((len(segment.video), len(segment.audio), segment.lengths, segment.notes, segment.incomplete),
                         (len(whole.video), len(whole.audio), whole.lengths, whole.notes, whole.incomplete))

    def test_containers_with_an_end(self):
        made = {name: self.read(os.path.basename(self.make(name, *options))) for name, options in WITH_END.items()}
        made.update((name, self.piped(name, options)) for name, options in PIPED_WITH_END.items())
        for name, data in made.items():
            with self.subTest(name):
                segment = self.feed([data], False)
                self.assertFalse(segment.incomplete, segment.notes)
                self.check_same(segment, self.run_tool("-", data=data))

    def test_what_follows_the_sound_of_a_wav(self):
        data = self.read(os.path.basename(self.make("plain.wav", "-vn")))
        self.check_same(self.feed([data + b"LIST\4\0\0\0INFO"], False), self.run_tool("-", data=data))

    def test_pauses_are_no_end(self):
        """Within a container, wherever they fall; and where there is no end to see, at a boundary too."""
        made = {name: self.read(os.path.basename(self.make(name, *options))) for name, options in WITH_END.items()}
        made.update((name, self.piped(name, options)) for name, options in PIPED_WITHOUT.items())
        for name, data in made.items():
            with self.subTest(name):
                third = len(data) // 3
                parts = [data[:third], data[third:-1], data[-1:]]
                self.check_same(self.feed(parts, True), self.run_tool("-", data=data))

    def test_fragments_without_a_last_one(self):
        data = self.read(os.path.basename(self.make("f.mp4", *FRAGMENTS)))
        last = data.rindex(b"mfra") - 4
        starts = [i - 4 for i in range(len(data)) if data.startswith(b"moof", i)]
        self.assertGreater(len(starts), 2)
        parts = [data[a:b] for a, b in zip([0, *starts[1:3]], [*starts[1:3], last])]
        self.check_same(self.feed(parts, True), self.run_tool("-", data=data[:last]))

    def test_one_container_behind_another(self):
        """As much of it plays as without the end being seen: chained Ogg, and what follows `mfra`."""
        for name, options in {"a.opus": ["-vn", "-c:a", "libopus"], "a.mp4": FRAGMENTS}.items():
            data = 2 * self.read(os.path.basename(self.make(name, *options)))
            with self.subTest(name):
                self.check_same(self.feed([data], False), self.run_tool("-", data=data))

    def test_sizes_that_say_nothing(self):
        data = self.read(os.path.basename(self.make("s.wav", "-vn")))
        at = data.index(b"data") + 4
        for size in (b"\0\0\0\0", b"\xff\xff\xff\xff"):
            with self.subTest(size):
                unknown = data[:at] + size + data[at + 4:]
                half = len(data) // 2
                self.check_same(self.feed([unknown[:half], unknown[half:]], True), self.run_tool("-", data=unknown))

    def test_sound_that_is_made_while_it_is_read(self):
        """Half a second of it is enough to begin, however it is written."""
        for codec in ("pcm_u8", "pcm_s16le", "pcm_s32le", "pcm_f32le", "pcm_f64le"):
            options = ["-ar", 24000, "-ac", 1, "-c:a", codec, "-t", 0.5]
            data = self.piped("wav", ["-vn", *options])
            with self.subTest(codec), subprocess.Popen([PREPARE, "-", "-o", "-"], stdin=subprocess.PIPE,
                                                       stdout=subprocess.PIPE) as process:
                process.stdin.write(data)
                process.stdin.flush()
                begins = select.select([process.stdout], [], [], 20)[0]
                with open(self.path("made.dhs"), "wb") as file:
                    file.write(process.communicate()[0])
                self.assertTrue(begins, "nothing comes before the end")
                self.check_same(Prepared(self.path("made.dhs")), self.run_tool("-", data=data))
                self.check_same(Prepared(self.path("made.dhs")), self.run_tool(self.make("file.wav", "-vn", *options)))


if __name__ == "__main__":
    unittest.main()
