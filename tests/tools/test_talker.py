#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""dh-talker: its output plays, looks and sounds as documented; wrong input is refused
clearly. DH_TALKER names the program."""
import os
import re
import struct
import subprocess
import tempfile
import unittest
from fractions import Fraction

import av
import numpy as np

TALKER = os.environ.get("DH_TALKER", "dh-talker")
SIZE = ["--size", "256x256"]
HELLO = "Hello! My name is Ada. How are you?"


def talk(*args, text=None, check=True):
    """Runs dh-talker to its end; text goes to its standard input."""
    done = subprocess.run([TALKER, *args], input=text if text is not None else b"", capture_output=True, timeout=120)
    if check and done.returncode:
        raise AssertionError(f"dh-talker {args}: exit {done.returncode}: {done.stderr.decode()}")
    return done


class Clip:
    """A decoded segment: pictures as grey arrays, sound as floats from -1 to 1."""

    def __init__(self, data):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            with av.open(file.name) as container:
                self.format = container.format.name
                video = container.streams.video[0]
                audio = container.streams.audio[0] if container.streams.audio else None
                self.width, self.height = video.codec_context.width, video.codec_context.height
                self.rate = audio.rate if audio else 0
                self.pictures, self.picture_s, sound, self.sound_s = [], [], [], []
                self.words = []         # [text, ms]; blank where one ends
                for packet in container.demux():
                    if packet.stream.type == "subtitle":
                        if packet.size:
                            self.words.append([bytes(packet).decode(), round(packet.pts * packet.time_base * 1000)])
                        continue
                    for frame in packet.decode():
                        at = float(frame.pts * frame.time_base)
                        if isinstance(frame, av.VideoFrame):
                            self.pictures.append(frame.to_ndarray()[:frame.height].astype(np.float32))
                            self.picture_s.append(at)
                        else:
                            sound.append(frame.to_ndarray().reshape(-1))
                            self.sound_s.append(at)
                self.sound = np.concatenate(sound).astype(np.float32) / 32768 if sound else np.zeros(0)

    def difference(self, a, b):
        """Mean and largest difference of two pictures, in steps of 255."""
        away = np.abs(self.pictures[a] - self.pictures[b])
        return float(away.mean()), float(away.max())

    def mouth(self):
        """How far each picture's mouth is from the closed mouth of the first one."""
        h, w = self.height, self.width
        part = [p[h * 275 // 512:h * 335 // 512, w * 215 // 512:w * 297 // 512] for p in self.pictures]
        return np.array([np.abs(p - part[0]).mean() for p in part])

    def loudness(self, fps):
        """Root mean square of the sound during each picture."""
        step = self.rate / fps
        return np.array([np.sqrt(np.mean(self.sound[int(i * step):int((i + 1) * step)] ** 2))
                         for i in range(len(self.pictures))])


class Containers(unittest.TestCase):
    def check(self, clip, fps):
        self.assertGreater(len(clip.pictures), 10)
        picture_length = len(clip.pictures) / fps
        self.assertLess(abs(picture_length - len(clip.sound) / clip.rate), 1 / clip.rate + 1e-9)
        for i, at in enumerate(clip.picture_s):
            self.assertAlmostEqual(at, i / float(fps), delta=2e-5, msg=f"picture {i}")
        self.assertAlmostEqual(clip.sound_s[0], 0, delta=1e-9)
        self.assertGreater(np.abs(clip.sound).max(), 0.1)

    def test_both_containers_at_several_rates(self):
        for name, kind in (("nut", "nut"), ("matroska", "matroska,webm")):
            for fps in ("25", "30000/1001", "33", "24", "12"):
                with self.subTest(format=name, fps=fps):
                    clip = Clip(talk(*SIZE, "--format", name, "--fps", fps, "Hello there.").stdout)
                    self.assertEqual((clip.format, clip.width, clip.height), (kind, 256, 256))
                    self.check(clip, Fraction(fps))

    def test_sizes(self):
        for size in ("512x512", "640x360", "270x480", "64x64", "66x130"):
            with self.subTest(size=size):
                clip = Clip(talk("--size", size, "Hello there.").stdout)
                self.assertEqual(f"{clip.width}x{clip.height}", size)
                self.check(clip, 25)
                self.assertGreater(clip.pictures[0].std(), 10)

    def test_container_by_suffix(self):
        with tempfile.TemporaryDirectory() as folder:
            for suffix, begin in ((".nut", b"nut/multimedia"), (".mkv", b"\x1a\x45\xdf\xa3")):
                path = os.path.join(folder, "clip" + suffix)
                talk(*SIZE, "-o", path, "Hello.")
                with open(path, "rb") as file:
                    self.assertEqual(file.read(len(begin)), begin)

    def test_ffmpeg_has_nothing_to_complain_about(self):
        with tempfile.TemporaryDirectory() as folder:
            for suffix in (".nut", ".mkv"):
                path = os.path.join(folder, "clip" + suffix)
                talk(*SIZE, "-o", path, HELLO)
                done = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-f", "null", "-"],
                                      capture_output=True, timeout=60)
                self.assertEqual((done.returncode, done.stderr), (0, b""), suffix)

    def test_the_length_of_a_nut_file_is_known(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "clip.nut")
            talk(*SIZE, "--marks", "--seconds", "2", "-o", path)
            with av.open(path) as container:
                self.assertAlmostEqual(container.duration / av.time_base, 2, delta=0.05)


class Speech(unittest.TestCase):
    def test_its_words(self):
        """Each at the time of its sound, and nothing between sentences."""
        text = "Good morning, M\u00fcnchen. And more."
        for form in "nut", "matroska":
            clip = Clip(talk("--size", "64x64", "--format", form, text).stdout)
            words = [[word, ms] for word, ms in clip.words if word.strip()]
            self.assertEqual([word for word, _ in words], ["Good", "morning,", "M\u00fcnchen.", "And", "more."])
            times = [ms for _, ms in clip.words]
            self.assertEqual(times, sorted(times))
            self.assertEqual(clip.words[-1][0], " ")
            self.assertLess(words[0][1], 300)
            loud = clip.loudness(25)
            for _, ms in words:
                self.assertGreater(max(loud[ms // 40:ms // 40 + 5]), 0.01)

    def test_all_of_its_words(self):
        """Those that are spoken as one with others, numbers in many parts, and those of scripts without blanks, too."""
        for voice, text in (("en-gb", "It was to be 1234 men, and in the 87654321987, I have been. Don't re-enter \u201cquotes\u201d\u2026 it was."),
                            ("de", "Es ist in der 1234, das H\u00e4uschen z.B. f\u00fcr den 3. Mann."),
                            ("cmn", "\u4f60\u597d\uff0c\u4e16\u754c\u3002\u6211\u662f\u5c0f\u660e\u3002")):
            clip = Clip(talk("--size", "64x64", "--voice", voice, text).stdout)
            said = [word for word, _ in clip.words if word.strip()]
            self.assertEqual("".join(said).replace(" ", ""), text.replace(" ", ""))
            self.assertGreater(len(said), 6)
            times = [ms for _, ms in clip.words]
            self.assertEqual(times, sorted(times))

    def test_begins_and_ends_at_rest(self):
        rest = Clip(talk(*SIZE, "--idle", "1").stdout).pictures[0]
        for look in ("ada", "leo", "maya"):
            clip = Clip(talk(*SIZE, "--look", look, HELLO).stdout)
            mean, most = clip.difference(0, -1)
            self.assertLess(mean, 0.5)
            self.assertLess(most, 40)
            if look == "ada":
                self.assertLess(np.abs(clip.pictures[0] - rest).mean(), 0.2)

    def test_little_silence_around_it(self):
        clip = Clip(talk(*SIZE, HELLO).stdout)
        loud = np.flatnonzero(np.abs(clip.sound) > 0.02) / clip.rate
        self.assertLess(loud[0], 0.2)
        self.assertGreater(loud[0], 0.05)
        self.assertLess(len(clip.sound) / clip.rate - loud[-1], 0.4)

    def test_the_mouth_follows_the_sound(self):
        texts = {"en-gb": "Hello! I am a digital human. And I am happy. Shall we begin?",
                 "de": "Guten Tag! Ich bin ein Mensch. Das macht Spaß.",
                 "fr": "Bonjour! Je suis ravie. Parlons ensemble.",
                 "it": "Buongiorno! Come stai? Parliamo insieme."}
        for voice, text in texts.items():
            with self.subTest(voice=voice):
                clip = Clip(talk(*SIZE, "--voice", voice, text).stdout)
                mouth, loud = clip.mouth(), clip.loudness(25)
                quiet = loud < 0.01
                self.assertGreater(quiet.sum(), 4, "pauses between the sentences")
                self.assertGreater(mouth[~quiet].mean(), 1.5 * mouth[quiet].mean())
                smooth = np.ones(5) / 5
                at = {lag: np.corrcoef(np.convolve(np.roll(mouth, lag), smooth, "same"),
                                       np.convolve(loud, smooth, "same"))[0, 1] for lag in range(-8, 9)}
                best = max(at, key=at.get)
                self.assertGreater(at[best], 0.35, at)
                self.assertLessEqual(abs(best), 3, at)  # within 120 ms: the mouth is a little early

    def test_lips_close_for_p_b_m(self):
        """A mouth that only follows loudness would stay open in the middle of 'aba'."""
        clip = Clip(talk("--rate", "100", "Papa. Mama. Baba.").stdout)
        dark = [(p[284:318, 226:286] < 75).sum() for p in clip.pictures]
        top = max(dark)
        self.assertGreater(top, 150)
        closings = sum(1 for a, b in zip(dark, dark[1:]) if a > top / 5 >= b)
        self.assertGreaterEqual(closings, 5, dark)

    def test_voices_and_looks_differ(self):
        said = {voice: talk(*SIZE, "--voice", voice, "Hello.").stdout for voice in ("en-gb", "en-us", "en-gb+m1")}
        self.assertEqual(len(set(said.values())), 3)
        seen = {look: talk(*SIZE, "--look", look, "Hello.").stdout for look in ("ada", "leo", "maya")}
        self.assertEqual(len(set(seen.values())), 3)

    def test_repeatable(self):
        self.assertEqual(talk(*SIZE, HELLO).stdout, talk(*SIZE, text=HELLO.encode()).stdout)
        self.assertNotEqual(talk(*SIZE, HELLO).stdout, talk(*SIZE, "--seed", "2", HELLO).stdout)

    def test_faster_and_higher(self):
        slow, fast = (Clip(talk(*SIZE, "--rate", rate, HELLO).stdout) for rate in ("120", "300"))
        self.assertGreater(len(slow.sound), 1.5 * len(fast.sound))
        self.assertNotEqual(talk(*SIZE, "--pitch", "10", "Hello.").stdout, talk(*SIZE, "--pitch", "90", "Hello.").stdout)

    def test_listed_voices_work(self):
        lines = talk("--voices").stdout.decode().split("\n")
        languages = [line.split()[0] for line in lines if line and ":" not in line]
        self.assertGreater(len(languages), 50)
        for language in languages[::17]:
            with self.subTest(language=language):
                talk("--size", "64x64", "--voice", language, "a 1")

    def test_written_while_it_is_made(self):
        text = "This sentence is said again and again. " * 30
        with subprocess.Popen([TALKER, *SIZE, text], stdout=subprocess.PIPE) as process:
            self.assertEqual(len(process.stdout.read(120000)), 120000)  # a picture and its sound
            first = worked(process)
            while process.stdout.read(1 << 20):
                pass
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            whole = worked(process)
        self.assertEqual(process.returncode, 0)
        self.assertLess(first, whole / 3)


def worked(process):
    """Processor time of it so far, in clock ticks: a busy machine changes little in it."""
    with open(f"/proc/{process.pid}/stat") as file:
        return sum(int(n) for n in file.read().rsplit(")", 1)[1].split()[11:13])


class Sound(unittest.TestCase):
    """A voice that exists already."""

    def wav(self, seconds_of_each, rate=16000, channels=1, floats=False, extensible=False, integers="<i2"):
        """Silence, a loud tone, silence."""
        tone = 0.5 * np.sin(2 * np.pi * 220 * np.arange(int(seconds_of_each * rate)) / rate)
        sound = np.concatenate([np.zeros_like(tone), tone, np.zeros_like(tone)])
        sound = np.repeat(sound[:, None], channels, 1)
        size = 4 if floats else np.dtype(integers).itemsize
        data = sound.astype("<f4").tobytes() if floats else (sound * (2 ** (8 * size - 1) - 1)).astype(integers).tobytes()
        kind = 3 if floats else 1
        head = struct.pack("<HHIIHH", 0xfffe if extensible else kind, channels, rate, rate * channels * size,
                           channels * size, 8 * size)
        if extensible:
            head += struct.pack("<HHIH", 22, 8 * size, 0, kind) + bytes.fromhex("000000001000800000aa00389b71")
        return (b"RIFF" + struct.pack("<I", 20 + len(head) + len(data)) + b"WAVEfmt " + struct.pack("<I", len(head)) + head +
                b"LIST\3\0\0\0abc\0" + b"data" + struct.pack("<I", len(data)) + data)

    def test_the_mouth_follows_it(self):
        for form in ({}, {"channels": 2, "rate": 48000}, {"floats": True}, {"extensible": True},
                     {"floats": True, "extensible": True, "channels": 2}):
            with self.subTest(form):
                clip = Clip(talk("--audio", "-", *SIZE, text=self.wav(1, **form)).stdout)
                self.assertEqual(clip.rate, form.get("rate", 16000))
                self.assertAlmostEqual(len(clip.sound) / clip.rate, 3.22, delta=0.05)
                mouth = clip.mouth()
                self.assertGreater(mouth[35:50].mean(), 3 * mouth[8:22].mean() + 1)
                self.assertLess(mouth[62:].mean(), mouth[35:50].mean() / 3)
                loud = clip.loudness(25)
                self.assertGreater(loud[35:50].min(), 0.3)
                self.assertLess(loud[:25].max(), 0.01)

    def test_what_a_generator_is_given(self):
        done = subprocess.run([TALKER, "--size", "64x64"], input=self.wav(0.5), capture_output=True, timeout=60,
                              env={**os.environ, "DH_INPUT": "audio"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(len(Clip(done.stdout).pictures), 35)

    def test_what_is_no_sound(self):
        whole = self.wav(0.2)
        for data in (b"", b"hello", whole[:20], whole[:36], whole.replace(b"fmt ", b"fmx "),
                     whole[:20] + b"\2\0" + whole[22:], whole[:22] + b"\0\0" + whole[24:]):
            done = talk("--audio", "-", "--size", "64x64", text=data, check=False)
            self.assertEqual((done.returncode, done.stdout), (3, b""), data)
            self.assertIn(b"the sound cannot be read", done.stderr)
        for extensible in False, True:
            done = talk("--audio", "-", "--size", "64x64", text=self.wav(0.2, integers="<i4", extensible=extensible), check=False)
            self.assertEqual((done.returncode, done.stdout), (3, b""), extensible)
            self.assertIn(b"16-bit integers or 32-bit floats are expected", done.stderr)
        self.assertEqual(talk("--audio", "/nonexistent", check=False).returncode, 3)

    def test_where_its_output_goes(self):
        """No output is the input, and - is the standard output."""
        with tempfile.TemporaryDirectory() as folder:
            path, data = os.path.join(folder, "voice.wav"), self.wav(1)
            with open(path, "wb") as file:
                file.write(data)
            os.symlink(path, os.path.join(folder, "link.wav"))
            for name in ("voice.wav", "link.wav"):
                done = talk("--audio", path, "-o", os.path.join(folder, name), check=False)
                self.assertEqual(done.returncode, 2)
                self.assertIn(b"both input and output", done.stderr)
            with open(path, "rb") as file:
                self.assertEqual(file.read(), data)
            done = talk("--audio", path, "-o", "-", "--format", "nut", "--size", "64x64")
            self.assertTrue(done.stdout.startswith(b"nut/multimedia"))


class Idle(unittest.TestCase):
    def test_loops_without_a_seam(self):
        for seconds in ("1", "6.5"):
            clip = Clip(talk(*SIZE, "--idle", seconds).stdout)
            self.assertEqual(len(clip.pictures), int(np.ceil(float(seconds) * 25)))
            self.assertEqual(len(clip.sound), 0)
            steps = [clip.difference(i, i + 1)[0] for i in range(len(clip.pictures) - 1)]
            seam = clip.difference(-1, 0)[0]
            self.assertLess(seam, 0.3)
            self.assertLessEqual(seam, max(steps) + 0.05)

    def test_is_alive(self):
        clip = Clip(talk(*SIZE, "--idle", "8").stdout)
        h, w = clip.height, clip.width
        eyes = np.array([p[h * 200 // 512:h * 232 // 512, w * 200 // 512:w * 312 // 512].mean() for p in clip.pictures])
        self.assertGreater(np.ptp(eyes), 4, "a blink")
        self.assertGreater(max(clip.difference(0, i)[0] for i in range(len(clip.pictures))), 0.5)
        self.assertLess(clip.mouth().max(), 12, "the mouth stays closed")


class Marks(unittest.TestCase):
    def test_flash_and_beep_begin_together(self):
        for fps in ("25", "30", "33", "30000/1001"):
            with self.subTest(fps=fps):
                clip = Clip(talk(*SIZE, "--marks", "--seconds", "5", "--fps", fps).stdout)
                band = np.array([p[:78].mean() for p in clip.pictures])
                white = band > 225
                flash = [clip.picture_s[i] for i in range(1, len(white)) if white[i] and not white[i - 1]]
                loud = np.flatnonzero(np.abs(clip.sound) > 0.1)
                beep = [loud[0]] + [b for a, b in zip(loud, loud[1:]) if b - a > clip.rate * 0.3]
                beep = [i / clip.rate for i in beep]
                self.assertEqual((len(flash), len(beep)), (5, 5))
                for i, (seen, heard) in enumerate(zip(flash, beep)):
                    self.assertLess(abs(seen - heard), 0.001)
                    self.assertTrue(-1e-4 <= seen - (i + 0.52) <= 1 / float(Fraction(fps)), seen)
                lit = white.sum() / len(flash) / float(Fraction(fps))
                self.assertAlmostEqual(lit, 0.12, delta=1 / float(Fraction(fps)))
                self.assertAlmostEqual(np.abs(clip.sound).max(), 0.6, delta=0.02)

    def test_band_is_as_high_as_agreed(self):
        clip = Clip(talk("--marks", "--seconds", "1").stdout)
        lit, unlit = clip.pictures[13], clip.pictures[12]
        self.assertTrue((lit[:160] > 230).all())
        self.assertLess(np.abs(lit[162:] - unlit[162:]).mean(), 1)
        self.assertEqual(len(clip.pictures), 25)


class Portrait(unittest.TestCase):
    def test_is_the_first_picture(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "ada.png")
            talk("--portrait", path)
            with av.open(path) as container:
                still = next(container.decode(video=0)).to_ndarray(format="gray").astype(np.float32)
        first = Clip(talk("--idle", "0.1").stdout).pictures[0]
        self.assertEqual(still.shape, (512, 512))
        grey = (first - 16) * 255 / 219
        self.assertLess(np.abs(grey - still).mean(), 3)

    def test_not_writable(self):
        done = talk("--portrait", "/nowhere/at/all.png", check=False)
        self.assertEqual(done.returncode, 5)
        self.assertIn(b"/nowhere/at/all.png", done.stderr)


class Errors(unittest.TestCase):
    def refused(self, code, *args, text=b"", says=None):
        done = talk(*args, text=text, check=False)
        self.assertEqual(done.returncode, code, (args, done.stderr))
        self.assertEqual(done.stdout, b"")
        self.assertTrue(re.fullmatch(rb"dh-talker: [^\n]+\n", done.stderr), done.stderr)
        if says:
            self.assertIn(says, done.stderr.decode())

    def test_text(self):
        self.refused(3, text=b"", says="empty")
        self.refused(3, text=b" \n\t\n", says="empty")
        self.refused(3, "", says="empty")
        self.refused(3, text=b"x" * 10001, says="10000")
        self.refused(3, "word " * 1000, "word " * 1000 + "end", says="10000")
        self.refused(3, text=b"caf\xe9", says="UTF-8")
        self.refused(3, text=b"cut \xe2\x82", says="UTF-8")
        self.refused(3, text=b"a\0b", says="zero byte")

    def test_a_sentence_is_spoken_while_the_next_is_written(self):
        with subprocess.Popen([TALKER, "--size", "64x64"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            process.stdin.write("Is this „a sentence“? ".encode())
            process.stdin.flush()
            # All of its sound, but for less than a picture's: nothing more is written before that is read.
            first = process.stdout.read(150000)
            self.assertEqual(len(first), 150000)
            for piece in (b"It is 3", b".", b"14, or", b" so", b".\n\nAnd that was", b" all"):
                process.stdin.write(piece)
                process.stdin.flush()
            process.stdin.close()
            rest = process.stdout.read()
        self.assertEqual(process.returncode, 0)
        clip = Clip(first + rest)
        whole = Clip(talk("--size", "64x64", text="Is this „a sentence“? It is 3.14, or so.\n\nAnd that was all".encode())
                     .stdout)
        self.assertLess(abs(len(clip.pictures) - len(whole.pictures)), 50)
        self.assertLess(clip.difference(0, -1)[0], 0.5, "it ends in the pose in which it began")

    def test_what_is_wrong_later_is_told_too(self):
        with subprocess.Popen([TALKER, "--size", "64x64"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            process.stdin.write(b"A whole sentence. ")
            process.stdin.flush()
            process.stdout.read(50000)
            _, error = process.communicate(b"Not \xff UTF-8. ", timeout=60)
        self.assertEqual(process.returncode, 3)
        self.assertIn(b"not UTF-8", error)

    def test_longest_text_is_spoken(self):
        text = ("word " * 2000)[:10000]
        with subprocess.Popen([TALKER, "--size", "64x64", "--rate", "450", "--fps", "1"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            out, err = process.communicate(text.encode(), timeout=120)
        self.assertEqual((process.returncode, err), (0, b""))
        self.assertGreater(len(out), 1000000)

    def test_odd_texts(self):
        for text in ("1234567890 !?", "<speak>&amp;</speak>", "[[h@l'oU]]", "😀 yes", "-", "日本語", "a" * 3000,
                     "\u202e\u0300\u0301", "%s%n$(id)`id`"):
            with self.subTest(text=text[:20]):
                done = talk("--size", "64x64", text=text.encode(), check=False)
                self.assertIn(done.returncode, (0, 3), done.stderr)
                if done.returncode == 0:
                    self.assertGreater(len(Clip(done.stdout).pictures), 2)

    def test_voice(self):
        for name in ("klingon-in-no-list", "f3", "en+nope", "../../etc/passwd", "mb-de1", "+f3", "en-gb+", "a" * 5000):
            self.refused(4, "--voice", name, "Hello.", says="no voice")
        talk("--size", "64x64", "--voice", "", "Hello.")  # the default

    def test_options(self):
        for args in (["--size", "511x512"], ["--size", "512"], ["--size", "0x0"], ["--size", "99999x512"],
                     ["--size", "512x512x"], ["--fps", "0"], ["--fps", "-25"], ["--fps", "25/0"], ["--fps", "121"],
                     ["--fps", "1/2"], ["--fps", "x"], ["--rate", "10"], ["--rate", "nan"], ["--pitch", "100"],
                     ["--idle", "0"], ["--idle", "nan"], ["--idle", "inf"], ["--idle", "4000"], ["--look", "nobody"],
                     ["--format", "avi"], ["--seed", "-1"], ["--nonsense"], ["-x"], ["--idle"], ["-o"], ["-o", ""],
                     ["--idle", "1", "text"], ["--idle", "1", "--marks"], ["--size=12"], ["--marks=1"]):
            with self.subTest(args=args):
                self.refused(2, *args, says="--")
        self.refused(2, "--size=12", "Hello.", says="invalid --size '12'")

    def test_output(self):
        self.refused(5, "-o", "/nowhere/at/all.nut", "Hello.", says="/nowhere/at/all.nut")
        done = subprocess.run([TALKER, *SIZE, "-o", "/dev/full", "Hello."], capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 5)
        with open(os.devnull) as closed:
            done = subprocess.run([TALKER, *SIZE, "Hello."], stdout=closed, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(done.returncode, 5)

    def test_nothing_is_left_where_nothing_was_said(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "clip.nut")
            self.refused(4, "--voice", "xx", "-o", path, "Hello.")
            self.assertEqual(os.listdir(folder), [])

    def test_nothing_but_the_clip_is_written(self):
        with tempfile.TemporaryDirectory() as folder:
            environment = dict(os.environ, HOME=folder, TMPDIR=folder)
            for name in ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "PULSE_SERVER"):
                environment.pop(name, None)
            for arguments in (["-o", os.path.join(folder, "clip.nut"), "Hello."], ["--voices"]):
                subprocess.run([TALKER, *SIZE, *arguments], env=environment, stdout=subprocess.DEVNULL, check=True, timeout=60)
                self.assertEqual(os.listdir(folder), ["clip.nut"])

    def test_a_reader_that_goes(self):
        with subprocess.Popen([TALKER, *SIZE, HELLO], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.read(200000)
            process.stdout.close()
            self.assertEqual(process.stderr.read(), b"")
            self.assertEqual(process.wait(timeout=60), 6)

    def test_help(self):
        text = talk("--help").stdout.decode()
        for word in ("--idle", "--marks", "--voice", "Exit codes", "ada", "leo", "maya"):
            self.assertIn(word, text)
        self.assertLessEqual(max(map(len, text.split("\n"))), 80)


class SoundServers(unittest.TestCase):
    """espeak-ng asks libpulse for one."""

    def test_nothing_is_looked_for_at_home(self):
        """What libpulse would do with this environment."""
        with tempfile.TemporaryDirectory() as folder:
            source, library = os.path.join(folder, "pulse.c"), os.path.join(folder, "pulse.so")
            with open(source, "w") as file:
                file.write('#include <stdio.h>\n#include <stdlib.h>\n'
                           '__attribute__((constructor)) static void here(void) { fputs("it is loaded\\n", stderr); }\n'
                           'void *pa_simple_new(void) { const char *names[] = { "SERVER", "CLIENTCONFIG", "COOKIE" };\n'
                           'for (int i = 0; i < 3; i++) { char name[32]; snprintf(name, 32, "PULSE_%s", names[i]);\n'
                           'fprintf(stderr, "%s=%s\\n", name, getenv(name) ? getenv(name) : "at home"); } return 0; }\n')
            subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
            done = subprocess.run([TALKER, "--size", "64x64", "-o", os.devnull, "Hi"], capture_output=True, text=True,
                                  env={"LD_PRELOAD": library, "HOME": "/", "ASAN_OPTIONS": "verify_asan_link_order=0"})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("it is loaded", done.stderr)
            if "PULSE_" not in done.stderr:
                self.skipTest("this espeak-ng asks for no sound server")
            self.assertEqual([name for name in ("SERVER", "CLIENTCONFIG", "COOKIE") if f"PULSE_{name}=" not in done.stderr], [])
            self.assertNotIn("at home", done.stderr)


if __name__ == "__main__":
    unittest.main()
