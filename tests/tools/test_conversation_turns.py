# SPDX-License-Identifier: GPL-3.0-or-later
"""What examples/conversation decides, with a gateway, a recogniser and answers that do what a test says."""
import asyncio
import os
import sys
import unittest
from types import SimpleNamespace

ROOT = os.environ["DH_ROOT"]
sys.path[:0] = [os.path.join(ROOT, "examples", "conversation"), os.path.join(ROOT, "clients", "python")]

import conversation
from gateway import Refused

SOUND_20_MS = bytes(640)


class Gateway:
    """`asked` are the requests; `heard` is what a viewer has heard, by segment; `codes` refuse requests."""

    def __init__(self):
        self.asked, self.heard, self.codes = [], {}, {}
        self.floor = self.slow = self.stuck = None
        self.on_thinking = lambda: None

    async def ask(self, request, **fields):
        self.asked.append((request, fields))
        if fields.get("state") == "thinking":
            self.on_thinking()
        if request == self.stuck:
            await asyncio.Event().wait()
        if request == "heard" and self.slow:
            await self.slow.wait()
        if request in self.codes:
            raise Refused(self.codes[request], "refused")
        segments = [{"segment": name, "state": state, "heard_text": text} for name, (text, state) in self.heard.items()]
        return {"viewer": self.floor, "segments": segments, "history": segments}

    def requests(self):
        return [request for request, _ in self.asked if request not in ("floor", "heard")]


class Answer:
    """`all` are those that were begun; a test says when one is open, and ends it."""
    all = []

    def __init__(self, stage, parts, size, messages):
        self.id, self.messages, self.text, self.error = f"a{len(self.all)}", messages, "", None
        self.ended, self.is_open, self.is_endless = asyncio.Event(), False, False
        self.all.append(self)

    def start(self):
        pass

    def drop(self):
        if not self.is_endless:
            self.ended.set()
        return self.is_open


class Turns(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        asyncio.get_running_loop().slow_callback_duration = 60      # it tells of a busy machine otherwise
        Answer.all, before = [], conversation.Answer
        conversation.Answer = Answer
        self.addCleanup(setattr, conversation, "Answer", before)
        self.said = []              # what the recogniser says, one after the other; then nothing
        self.looks = []             # how many ms it was given
        parts = SimpleNamespace(recogniser=SimpleNamespace(recognise=self.recognise))
        self.gateway, self.tasks = Gateway(), asyncio.TaskGroup()
        await self.enterAsyncContext(self.tasks)
        self.talk = conversation.Conversation(None, parts, (64, 64), lambda what: None, self.tasks)
        self.talk.gateway = self.gateway
        self.addCleanup(lambda: [answer.ended.set() for answer in Answer.all])

    def recognise(self, sound, reference):
        self.looks.append(len(sound) // 32)
        self.assertEqual(len(sound), len(reference))
        return self.said.pop(0) if self.said else ""

    async def speak(self, *said, viewer=1, ms=500):
        """A whole turn."""
        self.said += said
        await self.talk.hear({"event": "speech", "viewer": viewer}, b"", b"")
        for _ in range(ms // 20):
            await self.talk.hear({"event": "sound", "viewer": viewer}, SOUND_20_MS, SOUND_20_MS)
        await self.talk.hear({"event": "silence", "viewer": viewer}, b"", b"")

    async def end(self, answer, text, state="finished"):
        self.gateway.heard[answer.id] = text, state
        answer.ended.set()
        await asyncio.sleep(0.001)
        while self.talk.answer:
            await asyncio.sleep(0.001)
        async with self.talk.lock:
            pass

    async def test_question_and_answer(self):
        await self.speak("hello")
        self.assertEqual([fields["state"] for request, fields in self.gateway.asked if request == "state"],
                         ["listening", "thinking"])
        await self.end(Answer.all[0], "Good day.")
        await self.speak("bye")
        self.assertEqual(Answer.all[1].messages, [{"role": "user", "content": "hello"},
                                                  {"role": "assistant", "content": "Good day."},
                                                  {"role": "user", "content": "bye"}])
        await self.end(Answer.all[1], "Bye.")

    async def test_a_cough_resumes(self):
        await self.speak("hello")
        self.talk.on_event({"event": "barged_in", "viewer": 1})
        await self.speak()
        self.assertEqual(self.gateway.asked[-1], ("resume", {"at": "word"}))
        self.assertEqual(len(Answer.all), 1)
        await self.speak()                      # too short to hold anything
        self.assertEqual(self.gateway.requests().count("resume"), 1)
        self.gateway.codes["resume"] = 460      # a moderator was quicker
        self.talk.on_event({"event": "barged_in", "viewer": 1})
        await self.speak()
        await self.end(Answer.all[0], "Good day.")

    async def test_a_cough_while_nothing_is_said(self):
        await self.speak()
        self.assertEqual([fields["state"] for request, fields in self.gateway.asked if request == "state"],
                         ["listening", "idle"])
        self.assertNotIn("resume", self.gateway.requests())

    async def test_what_else_plays(self):
        """Somebody else's segment is on hold for a voice, too, and nothing starts before that has ended."""
        await self.speak("hello")
        self.assertEqual(self.gateway.requests(), ["state", "discard", "state"])
        self.talk.on_event({"event": "barged_in", "viewer": 1})
        await self.speak()
        self.assertIn("resume", self.gateway.requests())
        await self.end(Answer.all[0], "Good day.")

    async def test_words_discard_before_they_end(self):
        """As soon as the recogniser has some; it looks seldom."""
        await self.speak("hello")
        Answer.all[0].is_open = True
        self.gateway.heard["a0"] = "Good", "interrupted"
        self.looks.clear()
        await self.speak("", "", "wait", "wait a minute", ms=4000)
        self.assertEqual(self.looks, [600, 1200, 2400, 4000])
        self.assertIn("discard", self.gateway.requests())
        self.assertEqual(Answer.all[1].messages[-2:], [{"role": "assistant", "content": "Good [interrupted]"},
                                                       {"role": "user", "content": "wait a minute"}])
        await self.end(Answer.all[1], "Well.")

    async def test_nothing_on_hold_is_interrupted(self):
        self.gateway.codes.update(discard=460, interrupt=463)
        await self.speak("hello")
        await self.speak("stop")
        self.assertIn(("interrupt", {"segment": "a0"}), self.gateway.asked)
        await self.end(Answer.all[1], "")

    async def test_nothing_was_heard(self):
        """What is said then belongs to the same question."""
        await self.speak("who")
        await self.speak("are you")
        self.assertEqual(Answer.all[1].messages, [{"role": "user", "content": "who are you"}])
        await self.end(Answer.all[1], "")

    async def test_it_is_asked_again_as_it_ends(self):
        """What was heard of the last answer comes first."""
        await self.speak("hello")
        self.gateway.heard["a0"] = "Good day.", "finished"
        self.gateway.slow = asyncio.Event()
        Answer.all[0].ended.set()
        while self.talk.answer:
            await asyncio.sleep(0.001)
        asking = asyncio.create_task(self.speak("bye"))
        await asyncio.sleep(0.05)
        self.gateway.slow.set()
        await asking
        self.assertEqual([m["content"] for m in Answer.all[1].messages], ["hello", "Good day.", "bye"])
        await self.end(Answer.all[1], "")

    async def test_the_viewer_has_gone(self):
        """Then it counts what anybody heard."""
        await self.speak("hello")
        self.gateway.codes["heard"] = 466
        await self.end(Answer.all[0], "Good day.")
        self.assertEqual(self.talk.messages[-1], {"role": "assistant", "content": "Good day."})

    async def test_one_at_a_time(self):
        await self.talk.hear({"event": "speech", "viewer": 1}, b"", b"")
        await self.speak("not me", viewer=2)
        self.assertEqual(self.looks, [])
        self.said = []
        await self.talk.hear({"event": "silence", "viewer": 1}, b"", b"")
        self.gateway.floor = 7
        await self.speak("not me", viewer=2)
        self.assertEqual(Answer.all, [])

    async def test_who_does_not_stop(self):
        await self.speak("on and on", ms=conversation.TURN_MS + 1000)
        self.assertEqual(self.looks, [conversation.TURN_MS])
        self.assertEqual(len(Answer.all), 1)
        await self.end(Answer.all[0], "")

    async def test_an_answer_that_fails(self):
        await self.speak("hello")
        Answer.all[0].error = OSError("no model")
        await self.end(Answer.all[0], "")
        await asyncio.sleep(0.01)
        self.assertEqual(self.gateway.asked[-1], ("state", {"state": "idle"}))

    async def test_a_hold_that_nobody_was_heard_for(self):
        await self.speak("hello")
        conversation.asyncio.sleep, before = (lambda _: before(0)), conversation.asyncio.sleep
        self.addCleanup(setattr, conversation.asyncio, "sleep", before)
        self.talk.on_event({"event": "viewer_silent", "viewer": 1})
        self.assertNotIn("resume", self.gateway.requests())
        self.talk.on_event({"event": "barged_in", "viewer": 1})
        self.talk.on_event({"event": "viewer_silent", "viewer": 1})
        for _ in range(10):
            await before(0.001)
        self.assertEqual(self.gateway.asked[-1], ("resume", {"at": "word"}))
        await self.end(Answer.all[0], "")

    async def test_nobody_is_there_any_more(self):
        """What would play on then has not been heard."""
        await self.speak("hello")
        Answer.all[0].is_open = True
        self.talk.on_event({"event": "left", "viewer": 1, "viewers": 1})
        await asyncio.sleep(0.001)
        self.assertTrue(self.talk.answer)
        self.gateway.codes["discard"], self.gateway.codes["heard"] = 460, 466
        self.gateway.heard["a0"] = "Good", "interrupted"
        self.talk.on_event({"event": "left", "viewer": 1, "viewers": 0})
        while self.talk.shown != "idle":
            await asyncio.sleep(0.001)
        self.assertIn(("interrupt", {"segment": "a0"}), self.gateway.asked)
        self.assertEqual(self.talk.messages[-1], {"role": "assistant", "content": "Good [interrupted]"})

    async def test_gone_in_mid_sentence(self):
        """Nobody would hear the answer; who comes back is answered, and the model knows of nothing else."""
        for viewers in (1, 0):
            self.talk.on_event({"event": "joined" if viewers else "left", "viewer": 1, "viewers": viewers})
        await self.speak("what is")
        self.assertEqual((Answer.all, self.talk.shown), ([], "idle"))
        self.talk.on_event({"event": "joined", "viewer": 2, "viewers": 1})
        await self.speak("hello", viewer=2)
        self.assertEqual(Answer.all[0].messages, [{"role": "user", "content": "hello"}])
        await self.end(Answer.all[0], "")

    async def test_gone_just_before_the_answer(self):
        self.gateway.on_thinking = lambda: self.talk.on_event({"event": "left", "viewer": 1, "viewers": 0})
        await self.speak("what is")
        self.assertEqual((Answer.all, self.talk.shown), ([], "idle"))

    async def test_an_answer_that_is_taken_away_before_it_sounds(self):
        """The avatar does not think for ever."""
        await self.speak("hello")
        Answer.all[0].text = "Good day. "
        await self.end(Answer.all[0], "", "removed")
        self.assertEqual(self.gateway.asked[-1], ("state", {"state": "idle"}))

    async def test_an_answer_that_never_says_that_it_has_ended(self):
        self.addCleanup(setattr, conversation, "GIVE_UP_S", conversation.GIVE_UP_S)
        self.addCleanup(setattr, conversation, "AGAIN_S", conversation.AGAIN_S)
        conversation.GIVE_UP_S, conversation.AGAIN_S = 0.05, 0.01
        self.gateway.codes.update(discard=460, interrupt=463)
        await self.speak("hello")
        Answer.all[0].is_open = Answer.all[0].is_endless = True
        await asyncio.wait_for(self.speak("stop"), 60)
        self.assertEqual(Answer.all[1].messages, [{"role": "user", "content": "hello stop"}])
        await self.end(Answer.all[1], "")

    async def test_the_room_is_destroyed(self):
        with self.assertRaisesRegex(RuntimeError, "destroyed"):
            self.talk.on_event({"event": "destroyed"})

    async def leave(self):
        """What is asked over the last connection."""
        self.gateway.stuck, last = None, Gateway()
        last.codes, last.heard = self.gateway.codes, self.gateway.heard
        await self.talk.leave(last)
        return last.requests()

    async def test_leaving_while_it_answers(self):
        await self.speak("hello")
        Answer.all[0].is_open = True
        self.assertEqual(await self.leave(), ["discard", "state"])
        self.assertTrue(Answer.all[0].ended.is_set())
        self.assertEqual(await self.leave(), [])

    async def test_leaving_while_an_answer_is_ended(self):
        """Over a connection that says nothing any more."""
        await self.speak("hello")
        Answer.all[0].is_open, self.gateway.stuck = True, "discard"
        stopping = asyncio.create_task(self.speak("stop"))
        while self.gateway.asked[-1][0] != "discard":
            await asyncio.sleep(0.001)
        stopping.cancel()
        await asyncio.wait([stopping])
        self.assertEqual(await self.leave(), ["discard", "state"])
        self.assertTrue(Answer.all[0].ended.is_set())

    async def test_leaving_while_something_is_on_hold(self):
        self.talk.on_event({"event": "barged_in", "viewer": 1})
        self.assertEqual(await self.leave(), ["resume"])

    async def test_leaving_while_it_listens(self):
        await self.talk.hear({"event": "speech", "viewer": 1}, b"", b"")
        self.assertEqual(await self.leave(), ["state"])


if __name__ == "__main__":
    unittest.main()
