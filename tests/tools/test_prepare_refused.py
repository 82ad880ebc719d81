#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-prepare: refused inputs and options; nothing is left behind. DH_PREPARE names the program."""
import contextlib
import os
import signal
import struct
import subprocess
import time
import unittest

import numpy as np

import marks
from prepared import PREPARE, SIZE, INPUT, FORMAT, EMPTY, LIMIT, OUTPUT, USAGE, Case, Prepared, png, prepare


class Refused(Case):
    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def test_nothing_to_read(self):
        self.refuse(INPUT, "missing.mp4", self.path("missing.mp4"))
        self.refuse(INPUT, "folder", self.folder)
        self.refuse(EMPTY, "empty.mp4", self.write("empty.mp4", b""))
        self.refuse(EMPTY, "standard input", "-", data=b"")

    def test_not_a_medium(self):
        text = b"It was a bright cold day in April, and the clocks were striking thirteen.\n" * 50
        self.refuse(FORMAT, ["words.mp4", "expected MP4"], self.write("words.mp4", text))
        self.refuse(FORMAT, ["letter.txt", "expected MP4"], self.write("letter.txt", b"The letter G begins packets of MPEG-TS. " * 6))
        self.refuse(FORMAT, "noise", self.write("noise.mp4", np.random.default_rng(3).bytes(200000)))
        self.refuse(FORMAT, "zeros", self.write("zeros.wav", bytes(100000)))

    def test_files_that_name_others(self):
        """Whatever could open another file or address is refused."""
        other = self.make("other.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac")
        for name, text in {
                "list.ffconcat": f"ffconcat version 1.0\nfile '{other}'\n",
                "list.mp4": "ffconcat version 1.0\nfile other.mp4\nduration 2\n",
                "list.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:2,\nfile://{other}\n#EXT-X-ENDLIST\n",
                "dash.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
                            f'<AdaptationSet><Representation id="1"><BaseURL>{other}</BaseURL></Representation></AdaptationSet></Period></MPD>',
                "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 VP8/90000\n",
                "meta.txt": ";FFMETADATA1\ntitle=x\n",
                "image.svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{other}"/></svg>',
                "sub.srt": "1\n00:00:00,000 --> 00:00:02,000\nhello\n",
                }.items():
            with self.subTest(name):
                self.refuse(FORMAT, [name, "expected"], self.write(name, text.encode()))

    def test_codecs_off_the_list(self):
        for name, options in (("flash.mkv", ["-c:v", "flashsv", "-an"]), ("wma.mkv", ["-vn", "-c:a", "wmav2"])):
            path = self.make(name, *options)
            self.refuse(FORMAT, ["codec", "not accepted"], path)

    def test_index_last_through_a_pipe(self):
        path = self.make("last.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac")
        with open(path, "rb") as file:
            data = file.read()
        self.assertLess(data.index(b"mdat"), data.index(b"moov"))
        self.refuse(FORMAT, ["moov", "pipe", "frag_keyframe+empty_moov"], "-", data=data)
        self.run_tool(path)

    def test_truncated(self):
        first = self.make("first.mp4", "-c:v", "libx264", "-g", 10, "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "faststart")
        last = self.make("last.mp4", "-c", "copy", source=first)
        with open(last, "rb") as file:
            data = file.read()
        self.refuse(FORMAT, ["moov", "cut short"], self.write("cut.mp4", data[:len(data) // 2]))
        with open(first, "rb") as file:
            data = file.read()
        segment = self.run_tool(self.write("cut.mp4", data[:len(data) // 2]))
        self.assertIn(len(segment.video), range(5, 45))
        self.assertTrue(any("cut short" in note or "damaged" in note for note in segment.notes), segment.notes)
        self.refuse(FORMAT, "cut.mp4", self.write("cut.mp4", data[:200]))
        for name in ("cut.mkv", "cut.nut", "cut.wav", "cut.flv", "cut.ts", "cut.avi"):
            options = [] if name in ("cut.wav", "cut.flv") else ["-c:v", "mpeg4", "-c:a", "libmp3lame"]
            with open(self.make(name, *options), "rb") as file:
                data = file.read()
            with self.subTest(name):
                self.run_tool(self.write(name, data[:len(data) * 2 // 3]))

    def test_damaged(self):
        """Random bytes changed: a segment, or a clear refusal."""
        random = np.random.default_rng(7)
        for name, options in {"d.mp4": ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "faststart"],
                              "d.webm": ["-c:v", "libvpx", "-c:a", "libopus"], "d.ts": ["-c:v", "mpeg2video", "-c:a", "mp2"],
                              "d.avi": ["-c:v", "mjpeg", "-c:a", "pcm_s16le"], "d.flv": []}.items():
            with open(self.make(name, *options), "rb") as file:
                data = np.frombuffer(file.read(), dtype=np.uint8)
            for _ in range(6):
                hurt = data.copy()
                hurt[random.integers(0, len(data), len(data) // 500)] ^= random.integers(1, 255, len(data) // 500).astype(np.uint8)
                with self.subTest(name):
                    done = subprocess.run([PREPARE, self.write("hurt", hurt.tobytes()), "-o", self.path("out.dhs")],
                                          capture_output=True, timeout=120)
                    self.assertIn(done.returncode, (0, FORMAT, EMPTY, LIMIT), done.stderr)
                    if done.returncode == 0:
                        Prepared(self.path("out.dhs")).check_order()

    def test_too_large(self):
        png(self.path("wide.png"), 20000, 16)
        png(self.path("bomb.png"), 20000, 20000)
        for name in ("wide.png", "bomb.png"):
            self.refuse(LIMIT, [name, "20000", "4096"], self.path(name))
            self.refuse(LIMIT, [name, "20000", "4096"], "--portrait", self.path(name))
        for name, options in (("wide.nut", ["-c:v", "rawvideo"]), ("wide.avi", ["-c:v", "mjpeg"]), ("wide.mkv", ["-c:v", "ffv1"]),
                              ("wide.y4m", [])):
            marks.ffmpeg("-f", "lavfi", "-i", "color=size=20000x16:rate=25:duration=0.1", "-pix_fmt", "yuv420p",
                         *options, self.path(name))
            self.refuse(LIMIT, [name, "20000"], self.path(name))
        self.refuse(LIMIT, f"{SIZE}x{SIZE}", self.base, "--max-side", 100)

    def test_too_long(self):
        path = self.make("s.mkv", "-c:v", "mpeg4", "-c:a", "libmp3lame")
        self.refuse(LIMIT, "1000 ms", path, "--max-ms", 1000)
        with open(path, "rb") as file:
            data = file.read()
        self.refuse(LIMIT, "1000 ms", "-", "--max-ms", 1000, data=data)

    def test_no_frames(self):
        for name in ("none.mp4", "none.mkv", "none.avi"):
            marks.ffmpeg("-f", "lavfi", "-i", "testsrc=size=64x64:rate=25:duration=1", "-frames:v", 0, "-c:v", "mpeg4", self.path(name))
            with self.subTest(name):
                message = prepare(self.path(name), "-o", self.path("refused.dhs"), code=EMPTY)
                self.assertIn(name, message)
        header = b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + b"data\0\0\0\0"
        self.refuse(EMPTY, "none.wav", self.write("none.wav", header))

    def test_wrong_options(self):
        for words, args in (("--kbps", ["--kbps", "many"]), ("kbps", ["--kbps", 1]), ("width", ["--size", "513x512"]),
                            ("--size", ["--size", "512"]), ("--pingpong", ["--pingpong"]), ("one file too many", ["a", "b"]),
                            ("--avatar", ["--avatar", "x", "--idle"]), ("--portrait", ["--portrait", "x"])):
            with self.subTest(words):
                self.refuse(USAGE, words, self.base, *args)
        self.assertIn("-o", prepare(self.base, code=USAGE))
        self.assertIn("--help", prepare(code=USAGE))

    def test_output(self):
        message = prepare(self.base, "-o", self.path("no/such/folder.dhs"), code=OUTPUT)
        self.assertIn("folder.dhs", message)
        prepare(self.base, "-o", self.folder, code=OUTPUT)
        self.assertIn("input and output", prepare(self.base, "-o", self.base, code=USAGE))
        with open("/dev/full", "wb") as full:
            done = subprocess.run([PREPARE, self.base, "-o", "-"], stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, OUTPUT)

    def test_interrupted(self):
        """No partial output stays behind."""
        out = self.path("interrupted.dhs")
        reader, writer = os.pipe()
        with subprocess.Popen([PREPARE, "-", "-o", out], stdin=reader, stderr=subprocess.DEVNULL) as process:
            os.close(reader)
            for _ in range(200):
                if [name for name in os.listdir(self.folder) if name.startswith("interrupted")]:
                    break
                time.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(60), -signal.SIGTERM)
        os.close(writer)
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("interrupted")], [])

    def test_not_interrupted(self):
        """Signals that are ignored, as by nohup or in the background of a script, stay so."""
        numbers = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

        def ignore():
            for number in numbers:
                signal.signal(number, signal.SIG_IGN)

        out = self.path("ignored.dhs")
        with open(self.base, "rb") as file:
            data = file.read()
        with subprocess.Popen([PREPARE, "-", "-o", out], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              preexec_fn=ignore) as process:
            end = time.monotonic() + 60
            while not [name for name in os.listdir(self.folder) if name.startswith("ignored")]:
                self.assertLess(time.monotonic(), end)
                time.sleep(0.02)
            for number in numbers:
                process.send_signal(number)
            with contextlib.suppress(BrokenPipeError):
                process.communicate(data, timeout=60)
            self.assertEqual(process.returncode, 0)
        self.assertTrue(os.path.exists(out))


if __name__ == "__main__":
    unittest.main()
