#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The output transport for Pipecat, against a stand-in for the gateway; Pipecat itself where it is installed, else
a stand-in made from its documentation."""
import asyncio
import unittest
from unittest import mock

from client_case import Case
from pipecat_rig import PICTURE, RATE, Rig, f
from push_server import EVERYTHING, WAIT_S
import digitalhuman_pipecat
from digitalhuman import AsyncSegment, AsyncStage
from digitalhuman_pipecat import RoomEventFrame


class Pipecat(Case):
    def setUp(self):
        super().setUp()
        self.enterContext(mock.patch.object(digitalhuman_pipecat, "RETRY_S", WAIT_S))

    def run_async(self, function, params=None, **options):
        server = self.server(**options)

        async def main():
            stage = AsyncStage(server.address, server.room, server.secret, encode=False)
            async with Rig(stage, server, **(params or {})) as rig:
                await asyncio.wait_for(function(rig, server), WAIT_S)
        asyncio.run(main())

    def test_an_answer_is_one_segment_and_speech_is_told_when_it_is_heard(self):
        async def run(rig, server):
            server.allowed_ms = 0
            await rig.send(f.LLMFullResponseStartFrame())
            await rig.speak(200)
            await rig.send(f.TTSStoppedFrame())         # a sentence
            await rig.speak(300)
            await rig.send(f.TTSStoppedFrame(), f.LLMFullResponseEndFrame())
            await rig.after.wait(f.LLMFullResponseEndFrame)
            await rig.until(lambda: server.pushes and server.pushes[0].media and server.pushes[0].media.ms >= 500)
            self.assertEqual((rig.bot(rig.before), rig.bot(rig.after)), ([], []))
            server.play(200)
            await rig.before.wait(f.BotStartedSpeakingFrame)
            await rig.before.wait(f.BotSpeakingFrame)
            self.assertEqual(rig.before.kinds(f.BotStoppedSpeakingFrame), [])
            server.play(EVERYTHING)
            for side in (rig.before, rig.after):
                await side.wait(f.BotStoppedSpeakingFrame)
                self.assertEqual(rig.bot(side), ["BotStartedSpeakingFrame", "BotStoppedSpeakingFrame"])
                events = [frame.event["event"] for frame in side.frames if isinstance(frame, RoomEventFrame)]
                self.assertEqual([e for e in events if e not in ("want", "progress")],
                                 ["queued", "started", "finished"])
            self.assertEqual(len(server.pushes), 1)
            self.assertAlmostEqual(server.pushes[0].played_ms, 500, delta=20)
        self.run_async(run)

    def test_pictures_go_with_the_sound(self):
        async def run(rig, server):
            for _ in range(5):                          # idle
                await rig.send(f.OutputImageRawFrame(PICTURE, (64, 64), "RGB"))
            await rig.speak(400, pictures=10)
            await rig.until(lambda: server.pushes[0].media and server.pushes[0].media.ms == 400)
            await rig.send(f.TTSStoppedFrame())
            await rig.before.wait(f.BotStoppedSpeakingFrame)
            pictures = [unit for unit in server.pushes[0].media.units if len(unit.data) == len(PICTURE)]
            self.assertEqual([unit.data for unit in pictures], [PICTURE] * 10)
            self.assertEqual(len(server.pushes), 1)
        self.run_async(run, params={"video_out_enabled": True})

    def test_pictures_that_do_not_fit(self):
        """They are left out, and that is said once."""
        async def run(rig, server):
            await rig.speak(80, pictures=1)
            for image, size, pixels in ((PICTURE, (64, 64), "RGBA"), (PICTURE, (32, 128), "RGB"),
                                        (PICTURE[:-1], (64, 64), "RGB"), (PICTURE, (64, 64), None)):
                await rig.send(f.OutputImageRawFrame(image, size, pixels))
            await rig.until(lambda: server.pushes[0].media and server.pushes[0].media.ms == 80)
            await rig.send(f.TTSStoppedFrame())
            await rig.before.wait(f.BotStoppedSpeakingFrame)
            self.assertEqual([push.end["event"] for push in server.pushes], ["finished"])
            error, = await rig.before.wait(f.ErrorFrame)
            self.assertIn("expected RGB of 64x64, got RGBA of 64x64", error.error)
        self.run_async(run, params={"video_out_enabled": True})

    def test_two_answers_are_two_segments_in_turn(self):
        async def run(rig, server):
            server.allowed_ms = 0
            for _ in range(2):
                await rig.speak(200)
                await rig.send(f.TTSStoppedFrame())
            await rig.until(lambda: server.pushes and server.pushes[0].media and server.pushes[0].media.ms == 200)
            self.assertEqual(len(server.pushes), 1)
            server.play(EVERYTHING)
            await rig.before.wait(f.BotStoppedSpeakingFrame, 2)
            self.assertEqual(rig.bot(rig.before), ["BotStartedSpeakingFrame", "BotStoppedSpeakingFrame"] * 2)
            self.assertEqual([push.played_ms for push in server.pushes], [200, 200])
        self.run_async(run)

    def test_interruption_drops_what_the_room_has_read_ahead(self):
        async def run(rig, server):
            server.allowed_ms = 200
            await rig.speak(5000)
            await rig.before.wait(f.BotStartedSpeakingFrame)
            await rig.until(lambda: server.pushes[0].media.ms >= 1000)
            await rig.send(f.InterruptionFrame())
            await rig.before.wait(f.BotStoppedSpeakingFrame)
            self.assertEqual(server.pushes[0].end["event"], "interrupted")
            self.assertEqual(server.pushes[0].played_ms, 200)
            server.allowed_ms = EVERYTHING
            await rig.speak(200)                        # the next answer
            await rig.send(f.TTSStoppedFrame())
            await rig.before.wait(f.BotStoppedSpeakingFrame, 2)
            self.assertEqual(rig.bot(rig.after), ["BotStartedSpeakingFrame", "BotStoppedSpeakingFrame"] * 2)
            self.assertEqual([push.end["event"] for push in server.pushes], ["interrupted", "finished"])
            self.assertEqual(rig.before.kinds(f.ErrorFrame), [])
        self.run_async(run)

    def test_interrupted_while_nothing_is_heard_and_before_it_starts(self):
        """At once, and nothing of it is heard; what others say goes on. So it is where it has ended here, and waits."""
        async def run(rig, server):
            await rig.send(f.InterruptionFrame())
            self.assertEqual(server.pushes, [])
            server.allowed_ms = 0
            other = await rig.stage.segment(sample_rate=RATE, sample_format="s16").open()
            await other.push_audio(b"\1\0" * (RATE // 10))
            await rig.until(lambda: server.pushes)
            for number, ends in ((1, False), (2, True)):
                await rig.speak(1000)
                if ends:
                    await rig.send(f.TTSStoppedFrame())
                await rig.until(lambda n=number: len(server.pushes) > n and server.pushes[n].media
                                and server.pushes[n].media.ms >= 500)
                await rig.send(f.InterruptionFrame())
                await rig.until(lambda n=number: server.pushes[n].over.is_set())
                self.assertEqual((server.pushes[number].end, server.pushes[number].played_ms),
                                 ({"event": "interrupted"}, 0))
                await rig.until(lambda: rig.output._answer is None)
            server.play(EVERYTHING)
            self.assertEqual((await other.close()).played_ms, 100)
            self.assertEqual((rig.bot(rig.before), rig.before.kinds(f.ErrorFrame)), ([], []))
        self.run_async(run)

    def test_an_interruption_that_fails_is_an_error(self):
        """What the room has of it may still be heard."""
        async def run(rig, server):
            server.allowed_ms = 0
            await rig.speak(1000)
            await rig.until(lambda: server.pushes and server.pushes[0].media)
            server.stop_listening()
            await rig.send(f.InterruptionFrame())
            error, = await rig.before.wait(f.ErrorFrame)
            self.assertIn("cannot connect", error.error)
            await rig.until(lambda: rig.output._answer is None)
        self.run_async(run)

    def test_the_room_interrupts_the_pipeline(self):
        async def run(rig, server):
            server.allowed_ms = 200
            await rig.speak(5000)
            await rig.before.wait(f.BotStartedSpeakingFrame)
            server.pushes[0].interrupt()
            for side in (rig.before, rig.after):
                await side.wait(f.InterruptionFrame)
                await side.wait(f.BotStoppedSpeakingFrame)
                self.assertEqual(side.kinds(f.InterruptionFrame), ["InterruptionFrame"])
            self.assertEqual(len(server.pushes), 1)     # what waited in the pipeline is forgotten
        self.run_async(run)

    def test_a_refusal_is_an_error_and_no_speech(self):
        """Once the answer is over, at the latest: all of its sound may have been on its way."""
        async def run(rig, server):
            await rig.speak(100)
            error, = await rig.before.wait(f.ErrorFrame)
            self.assertIn("464", error.error)
            self.assertEqual(rig.bot(rig.before), [])
        self.run_async(run, params={"pause_s": 0.2}, refuse=(464, "too many"))

    def test_a_limit_of_the_gateway_ends_it(self):
        """The error names it, and what waits in the pipeline is no answer of its own, also what waits for its end."""
        broadcast = digitalhuman_pipecat.DigitalHumanOutput._broadcast_bot

        async def broadcast_slowly(output, kind):
            if kind is f.BotStoppedSpeakingFrame:
                await asyncio.sleep(0.1)
            await broadcast(output, kind)
        self.enterContext(mock.patch.object(digitalhuman_pipecat.DigitalHumanOutput, "_broadcast_bot", broadcast_slowly))

        async def run(rig, server):
            server.allowed_ms = 200
            await rig.speak(5000)
            await rig.before.wait(f.BotStartedSpeakingFrame)
            server.pushes[0].stop({"event": "failed", "error_code": 465, "error": "longer than 600000 ms"})
            error, = await rig.before.wait(f.ErrorFrame)
            self.assertIn("longer than 600000 ms", error.error)
            self.assertEqual(rig.bot(rig.before), ["BotStartedSpeakingFrame", "BotStoppedSpeakingFrame"])
            await rig.send(f.TTSStoppedFrame())
            await rig.after.wait(f.TTSStoppedFrame)
            self.assertEqual(len(server.pushes), 1)
        self.run_async(run)

    def test_a_wrong_argument_is_named_each_time(self):
        async def run(rig, server):
            for _ in range(2):
                with self.assertRaisesRegex(TypeError, "colour"):
                    await rig.output.write_audio_frame(f.TTSAudioRawFrame(b"\1\2" * 480, RATE, 1))
        self.run_async(run, params={"segment": {"colour": "red"}})

    def test_the_end_plays_to_the_end(self):
        async def run(rig, server):
            await rig.speak(300)
            await rig.send(f.EndFrame())
            await rig.after.wait(f.EndFrame)
            self.assertEqual((server.pushes[0].end["event"], server.pushes[0].played_ms), ("finished", 300))
            self.assertEqual(rig.bot(rig.after), ["BotStartedSpeakingFrame", "BotStoppedSpeakingFrame"])
        self.run_async(run)

    def test_a_push_that_blocks_is_no_pause(self):
        """Longer than one would be."""
        async def run(rig, server):
            await rig.speak(160)
            await rig.before.wait(f.BotStoppedSpeakingFrame)
            self.assertEqual([push.played_ms for push in server.pushes], [160])

        push_audio = AsyncSegment.push_audio

        async def slow(segment, samples):
            await asyncio.sleep(0.2)
            await push_audio(segment, samples)
        with mock.patch.object(AsyncSegment, "push_audio", slow):
            self.run_async(run, params={"pause_s": 0.15})

    def test_a_voice_that_just_stops_is_over_after_a_pause(self):
        async def run(rig, server):
            await rig.speak(100)
            await rig.before.wait(f.BotStoppedSpeakingFrame)
            self.assertEqual(server.pushes[0].end["event"], "finished")
        self.run_async(run, params={"pause_s": 0.2})


if __name__ == "__main__":
    unittest.main()
