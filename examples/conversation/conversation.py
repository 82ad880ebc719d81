# SPDX-License-Identifier: GPL-3.0-or-later
"""Who speaks, who is listened to, and what becomes of it: the conversation itself."""
import asyncio
import contextlib

from answer import Answer
from gateway import Refused

INTERRUPTED = " [interrupted]"
BYTES_MS = 32           # of 16 kHz, 16 bit
LOOK_MS = 600           # after so much of an utterance it is looked whether it has words, then after twice as much
TURN_MS = 30000         # what is longer is taken as it is
AGAIN_S, GIVE_UP_S = 0.2, 15
MESSAGES = 40           # that the model is told, at most
NOT_NOW, NO_SUCH_SEGMENT, NO_SUCH_VIEWER = 460, 463, 466


class Turn:
    """What one viewer says, from its first word on until it is silent."""

    def __init__(self, viewer):
        self.viewer, self.sound, self.reference = viewer, bytearray(), bytearray()
        self.look_bytes, self.words = LOOK_MS * BYTES_MS, ""


class Conversation:
    """All of one event loop. `parts` has the modules recogniser, model, voice and face; `size` is of their pictures;
    `tell` is called with what happens, as a dict; `tasks` is a TaskGroup."""

    def __init__(self, stage, parts, size, tell, tasks):
        self.stage, self.parts, self.size, self.tell, self.tasks = stage, parts, size, tell, tasks
        self.gateway = None
        self.turn, self.is_taking = None, False     # who speaks; whether it is found out what was said
        self.is_held = False                        # the room, by a voice, not by a moderator
        self.answer = self.viewer = None            # that is given; who has asked
        self.viewers = None                         # how many there are, once that is known
        self.shown = "idle"                         # while nothing is said
        self.messages = []
        self.lock = asyncio.Lock()                  # held while messages and answer change

    async def run(self, gateway, sounds):
        self.gateway = gateway
        self.tell({"event": "ready"})
        async for event, sound, reference in sounds:
            await self.hear(event, sound, reference)

    async def leave(self, gateway):
        """Once nothing runs any more, over this connection: nothing of it stays in the room."""
        self.gateway = gateway
        if self.answer:
            await self.cut()
        await self.resume()
        if self.shown != "idle":
            await self.show("idle")

    # -- the viewers' side. What comes while the recogniser is busy waits with dh-listen.

    async def hear(self, event, sound, reference):
        turn = self.turn
        if event["event"] == "speech" and not turn and await self.may_speak(event["viewer"]):
            self.turn = Turn(event["viewer"])
            if not self.answer:
                await self.show("listening")
        if not turn or event.get("viewer") != turn.viewer:
            return
        if event["event"] == "sound":
            turn.sound += sound
            turn.reference += reference
            if self.answer and not turn.words and len(turn.sound) >= turn.look_bytes:
                await self.look(turn)
        if event["event"] == "silence" or len(turn.sound) >= TURN_MS * BYTES_MS:
            self.turn, self.is_taking = None, True
            await self.take(turn)
            self.is_taking = False

    async def may_speak(self, viewer):
        """One at a time; who has the floor, if anybody has it."""
        floor = await self.gateway.ask("floor")
        return floor["viewer"] in (None, viewer)

    async def recognise(self, turn):
        return await asyncio.to_thread(self.parts.recogniser.recognise, bytes(turn.sound), bytes(turn.reference))

    async def look(self, turn):
        """Somebody speaks while the avatar does, which is on hold. Once there are words it was no cough."""
        turn.look_bytes = 2 * len(turn.sound)
        turn.words = await self.recognise(turn)
        if turn.words:
            async with self.lock:
                await self.cut()

    async def take(self, turn):
        """The viewer has said what it had to say."""
        words = await self.recognise(turn) or turn.words
        if words:
            async with self.lock:
                await self.cut()
                await self.reply(turn.viewer, words)
        else:
            self.tell({"event": "no_words", "viewer": turn.viewer})
            await self.go_on()

    # -- the avatar's side

    async def reply(self, viewer, words):
        self.tell({"event": "said", "viewer": viewer, "text": words})
        await self.show("thinking")
        if self.viewers == 0:       # gone in mid-sentence; and an answer that nobody gets would be taken for heard
            await self.show("idle")
            return
        self.viewer = viewer
        if self.messages and self.messages[-1]["role"] == "user":
            self.messages[-1]["content"] += " " + words     # of the answer to that nothing was heard
        else:
            self.messages.append({"role": "user", "content": words})
        told = [dict(message) for message in self.messages[-MESSAGES:]]
        self.tell({"event": "asked", "messages": told})
        self.answer = Answer(self.stage, self.parts, self.size, told)
        self.answer.start()
        self.tasks.create_task(self.follow(self.answer))

    async def follow(self, answer):
        await answer.ended.wait()
        async with self.lock:
            if self.answer is answer:
                self.answer = None
                heard = await self.note(answer)
                if not (heard or self.turn or self.is_taking):
                    await self.show("idle")     # it had nothing to say, or could not

    async def cut(self):
        """Ends the answer, and whatever else is on hold."""
        answer, self.is_held = self.answer, False
        await self.end_in_room(answer)
        if not answer:
            return
        is_open, loop = answer.drop(), asyncio.get_running_loop()
        end = loop.time() + GIVE_UP_S       # it may never say that it has ended
        while is_open and not answer.ended.is_set() and loop.time() < end:      # it may come into the room only now
            await self.attempt("interrupt", NO_SUCH_SEGMENT, segment=answer.id)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(answer.ended.wait(), AGAIN_S)
        self.answer = None
        await self.note(answer)

    async def end_in_room(self, answer):
        try:
            await self.gateway.ask("discard")
        except Refused as refusal:
            if refusal.code != NOT_NOW:         # nothing was on hold
                raise
            if answer:
                await self.attempt("interrupt", NO_SUCH_SEGMENT, segment=answer.id)

    async def note(self, answer):
        """The model is told of its answer what was heard of it, and not what it wrote. Returns that."""
        heard, state = await self.heard(answer)
        if answer.error:
            self.tell({"event": "failed", "error": str(answer.error)})
        if heard:
            self.messages.append({"role": "assistant", "content": heard + (INTERRUPTED if state != "finished" else "")})
        self.tell({"event": "heard", "segment": answer.id, "text": heard, "state": state})
        return heard

    async def heard(self, answer):
        """By the one who asked, and how the answer ended."""
        try:
            segments = (await self.gateway.ask("heard", viewer=self.viewer))["segments"]
        except Refused as refusal:
            if refusal.code != NO_SUCH_VIEWER:
                raise
            segments = (await self.gateway.ask("history", segment=answer.id))["history"]
        found = [s for s in segments if s["segment"] == answer.id]
        return (found[0].get("heard_text", ""), found[0]["state"]) if found else ("", "removed")

    async def go_on(self):
        """It was a cough: what is on hold goes on where the word began in which it stopped."""
        await self.resume()
        if not self.answer:
            await self.show("idle")

    async def resume(self):
        if self.is_held:
            self.is_held = False
            await self.attempt("resume", NOT_NOW, at="word")

    async def show(self, state):
        self.shown = state
        await self.gateway.ask("state", state=state)

    async def attempt(self, request, code, **fields):
        """Refused with this code it was not necessary."""
        try:
            await self.gateway.ask(request, **fields)
        except Refused as refusal:
            if refusal.code != code:
                raise

    def on_event(self, event):
        """Of the room."""
        if event["event"] == "barged_in":
            self.is_held = True
        if event["event"] == "viewer_silent" and self.is_held:
            self.tasks.create_task(self.go_on_unless_heard())
        if event["event"] in ("joined", "left"):
            self.viewers = event["viewers"]
            if not self.viewers and self.answer:
                self.tasks.create_task(self.stop_unheard(self.answer))
        if event["event"] == "destroyed":
            raise RuntimeError("the room has been destroyed")

    async def stop_unheard(self, answer):
        """Nobody is there any more. What played on would be taken for heard."""
        async with self.lock:
            if self.answer is answer:
                await self.cut()
                await self.show("idle")

    async def go_on_unless_heard(self):
        """The room may be on hold for a voice that dh-listen did not take for one."""
        await asyncio.sleep(1)
        if not self.turn and not self.is_taking:
            await self.resume()
