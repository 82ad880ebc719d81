# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of examples/conversation, each alone."""
import asyncio
import http.server
import importlib.util
import json
import math
import os
import struct
import sys
import threading
import unittest
from types import SimpleNamespace

ROOT = os.environ["DH_ROOT"]
EXAMPLE = os.path.join(ROOT, "examples", "conversation")
sys.path[:0] = [EXAMPLE, os.path.join(ROOT, "clients", "python")]

import answer
import face
import model
import told_parts
import voice
from digitalhuman import Stage
from push_server import EVERYTHING, PushServer


class Sentences(unittest.TestCase):
    def test_each_as_soon_as_the_next_begins(self):
        taken = []

        def pieces():
            for piece in ("Hel", "lo!", " How are", " you? It costs 3.5", " pounds… \n", "Good", "."):
                taken.append(piece)
                yield piece
        found = [(sentence, len(taken)) for sentence in answer.sentences(pieces())]
        self.assertEqual(found, [("Hello!", 3), ("How are you?", 4), ("It costs 3.5 pounds…", 5), ("Good.", 7)])

    def test_words_as_the_room_takes_them(self):
        self.assertEqual(answer.clean("a\u200bb\x07c"), "abc")
        self.assertEqual(answer.clean("é" * 150), "é" * 100)

    def test_nothing(self):
        self.assertEqual(list(answer.sentences(iter(["", "  \n"]))), [])


class Answers(unittest.TestCase):
    def test_a_part_that_ends_its_thread(self):
        def leave(messages):
            raise SystemExit
            yield

        async def wait():
            failing = answer.Answer(None, SimpleNamespace(model=SimpleNamespace(answer=leave)), (64, 64), [])
            failing.start()
            await asyncio.wait_for(failing.ended.wait(), 60)
        asyncio.run(wait())

    def test_a_model_that_breaks_off(self):
        """What it had said by then is heard before the answer has ended."""
        def broken(messages):
            yield "Word0 word1. Word2 "
            raise ConnectionError("no model any more")

        async def wait(server):
            parts = SimpleNamespace(model=SimpleNamespace(answer=broken), voice=told_parts, face=told_parts)
            breaking = answer.Answer(Stage(server.address, encode=False), parts, (64, 64), [])
            breaking.start()
            await asyncio.to_thread(server.wait, lambda pushes: pushes and pushes[0].media and pushes[0].media.ms == 640)
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(breaking.ended.wait(), 0.3)
            server.play(EVERYTHING)
            await asyncio.wait_for(breaking.ended.wait(), 60)
            self.assertEqual((str(breaking.error), breaking.text), ("no model any more", "Word0 word1. "))
            self.assertEqual(server.pushes[0].end, {"event": "finished"})
        with PushServer() as server:
            server.allowed_ms = 0
            asyncio.run(wait(server))


    def answered(self, speak):
        """The words that are pushed, with the times at which they begin, of an answer of two sentences by this voice,
        whose sound must come through whole."""
        def answer_all(messages):
            yield "Word0 word1 word2 – word3. Word4 word5."

        async def wait(server):
            voice = SimpleNamespace(RATE=told_parts.RATE, speak=speak)
            parts = SimpleNamespace(model=SimpleNamespace(answer=answer_all), voice=voice, face=told_parts)
            whole = answer.Answer(Stage(server.address, encode=False), parts, (64, 64), [])
            whole.start()
            await asyncio.wait_for(whole.ended.wait(), 60)
            self.assertIsNone(whole.error)
            media = server.pushes[0].media
            self.assertEqual(media.ms, 6 * told_parts.WORD_MS)
            return [(word, ms) for word, ms in media.words if word.strip()]
        with PushServer() as server:
            server.play(EVERYTHING)
            return asyncio.run(wait(server))

    def test_a_voice_that_does_not_know_its_words(self):
        """They are spread over each sentence."""
        def speak(sentence):
            for samples, _ in told_parts.speak(sentence.replace(" –", "")):
                yield samples, []
        words = self.answered(speak)
        self.assertEqual([word for word, _ in words], ["Word0", "word1", "word2 –", "word3.", "Word4", "word5."])
        for place, (word, ms) in enumerate(words):
            self.assertAlmostEqual(ms, place * told_parts.WORD_MS, delta=100, msg=word)
        self.assertEqual((words[0][1], words[4][1]), (0, 4 * told_parts.WORD_MS))

    def test_a_voice_that_knows_its_words(self):
        """Nothing is added, and its sound does not wait for the end of the sentence."""
        told = []

        def speak(sentence):
            for number, (samples, words) in enumerate(told_parts.speak(sentence.replace(" –", ""))):
                told.append(number)
                yield samples, words if number else []
        self.assertEqual([word for word, _ in self.answered(speak)], ["word1", "word2", "word3.", "word5."])
        told.clear()
        voice = SimpleNamespace(RATE=told_parts.RATE, speak=speak)
        speaking = SimpleNamespace(parts=SimpleNamespace(voice=voice), push_words=lambda *_: None, is_dropped=False)
        sound = answer.Answer.sound(speaking, None, "Word0 word1 word2 word3.", 0)
        next(sound)
        self.assertEqual(told, [0, 1])

    def test_what_nobody_wants_is_not_made_to_the_end(self):
        """Though nothing of the sentence can be pushed before."""
        def speak(sentence):
            yield from [(b"", []), (b"", [])]
            speaking.is_dropped = True
            yield b"", []
            self.fail("it is made to its end")
        speaking = SimpleNamespace(parts=SimpleNamespace(voice=SimpleNamespace(RATE=told_parts.RATE, speak=speak)),
                                   push_words=lambda *_: None, is_dropped=False)
        with self.assertRaises(answer.Dropped):
            list(answer.Answer.sound(speaking, None, "Word0.", 0))

    def test_words_without_spaces(self):
        self.assertEqual(answer.spread("你好，「世界」 A 안녕 …", 1800),
                         [["你", 0, 200], ["好，「", 200, 600], ["世", 600, 800], ["界」", 800, 1100], ["A", 1100, 1300],
                          ["안녕 …", 1300, 1800]])
        self.assertEqual(answer.spread("… –", 900), [])


class Voice(unittest.TestCase):
    def test_words(self):
        """All of the sentence, in order, each where there is sound."""
        for text in ("Hello, I am 42 years old - and so on.", "Wait a minute", "“Well”, he said."):
            pieces = list(voice.speak(text))
            sound, words = b"".join(samples for samples, _ in pieces), [word for _, words in pieces for word in words]
            self.assertEqual(" ".join(word for word, _, _ in words), text)
            times = [ms for _, *both in words for ms in both]
            self.assertEqual(times, sorted(times))
            self.assertLessEqual(times[-1], len(sound) * 500 // voice.RATE)
            for word, from_ms, to_ms in words:
                samples = struct.unpack_from(f"={(to_ms - from_ms) * voice.RATE // 1000}h", sound,
                                             2 * (from_ms * voice.RATE // 1000))
                self.assertGreater(max(map(abs, samples)), 500, word)

    def test_nothing_to_speak(self):
        for text in ("", "…", "\0"):
            self.assertEqual([words for _, words in voice.speak(text)], [[]])


class Face(unittest.TestCase):
    def setUp(self):
        face.TALKER = os.environ["DH_TALKER"]

    def test_all_of_the_sound_and_a_picture_for_each_40_ms(self):
        sound = [samples for samples, _ in voice.speak("Hello you.")]
        drawn = list(face.draw(iter(sound), voice.RATE, (64, 96)))
        self.assertEqual({len(frame) for frame, _ in drawn}, {64 * 96 * 3 // 2})
        self.assertEqual({len(samples) for _, samples in drawn}, {2 * voice.RATE // face.FPS})
        self.assertEqual(b"".join(samples for _, samples in drawn).rstrip(b"\0"), b"".join(sound).rstrip(b"\0"))
        self.assertGreater(len({frame for frame, _ in drawn}), 5, "it moves")

    def test_it_leaves_nothing_behind(self):
        before = threading.active_count()
        drawing = face.draw(iter([bytes(2 * 60 * voice.RATE)]), voice.RATE, (64, 64))
        next(drawing)
        drawing.close()
        self.assertEqual(threading.active_count(), before)
        with self.assertRaises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)

    def test_a_talker_that_fails(self):
        face.TALKER = "/bin/false"
        with self.assertRaisesRegex(RuntimeError, "/bin/false made 0 of"):
            list(face.draw(iter([bytes(2000)]), voice.RATE, (64, 64)))


class Model(unittest.TestCase):
    def test_it_knows_where_it_was_interrupted(self):
        asked = {"role": "user", "content": "who are you"}
        whole = "".join(model.answer([asked]))
        heard = {"role": "assistant", "content": "I am a digital human. I hear you, [interrupted]"}
        self.assertEqual("".join(model.answer([asked, heard, asked])), "You stopped me at: I hear you. " + whole)


class OpenAi(unittest.TestCase):
    """A stand-in for the service, which says what `says` has."""

    def setUp(self):
        test = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                test.asked = self.path, self.headers["Authorization"], json.loads(
                    self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(test.status)
                self.end_headers()
                self.wfile.write(test.says)

            def log_message(self, *_):
                pass
        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(lambda: (server.shutdown(), thread.join(), server.server_close()))
        self.status = 200
        spec = importlib.util.spec_from_file_location("model_openai", os.path.join(EXAMPLE, "model_openai.py"))
        self.model = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.model)
        self.model.BASE_URL, self.model.KEY = f"http://127.0.0.1:{server.server_port}/v1/", "key"
        self.messages = [{"role": "user", "content": "Hello"}]

    @staticmethod
    def piece(**delta):
        return b"data: " + json.dumps({"choices": [{"delta": delta}]}).encode() + b"\n\n"

    def test_a_stream(self):
        self.says = b": a comment\n\n" + self.piece(role="assistant") + self.piece(content="Good ") + \
            self.piece(content="morgen, é.") + b'data: {"choices":[]}\n\ndata: [DONE]\n\n'
        self.assertEqual(list(self.model.answer(self.messages)), ["Good ", "morgen, é."])
        path, key, body = self.asked
        self.assertEqual((path, key, body["stream"]), ("/v1/chat/completions", "Bearer key", True))
        self.assertEqual(body["messages"][1:], self.messages)
        self.assertEqual(body["messages"][0]["role"], "system")

    def test_what_goes_wrong(self):
        self.says = self.piece(content="Good ")
        with self.assertRaisesRegex(RuntimeError, "broke off"):
            list(self.model.answer(self.messages))
        self.says = self.piece(content="Good ") + b'data: {"error":{"message":"no memory"}}\n\ndata: [DONE]\n\n'
        with self.assertRaisesRegex(RuntimeError, "no memory"):
            list(self.model.answer(self.messages))
        self.says, self.status = b"no such model", 404
        with self.assertRaisesRegex(RuntimeError, "404 no such model"):
            list(self.model.answer(self.messages))


@unittest.skipUnless(importlib.util.find_spec("pocketsphinx"), "there is no python3-pocketsphinx")
class Recogniser(unittest.TestCase):
    def test_words_and_coughs(self):
        import recogniser
        sound = b"".join(samples for samples, _ in voice.speak("How are you today?"))
        samples = struct.unpack(f"={len(sound) // 2}h", sound)
        resampled = [samples[i * voice.RATE // 16000] for i in range(len(samples) * 16000 // voice.RATE)]
        spoken = struct.pack(f"<{len(resampled)}h", *resampled)
        self.assertIn("how are you", recogniser.recognise(spoken, bytes(len(spoken))))
        state, cough = 1, []
        for i in range(4800):
            state = state * 1103515245 + 12345 & 0x7fffffff
            cough.append(round((state / 0x40000000 - 1) * 12000 * math.exp(-i / 1600)))
        noise = bytes(9600) + struct.pack("<4800h", *cough) + bytes(16000)
        for sound in (noise, bytes(32000), b""):
            self.assertEqual(recogniser.recognise(sound, bytes(len(sound))), "")


if __name__ == "__main__":
    unittest.main()
