# SPDX-License-Identifier: GPL-3.0-or-later
"""One answer: while the model writes it, its sentences are spoken, drawn and pushed to the room. A thread does it."""
import asyncio
import contextlib
import itertools
import re
import threading
import uuid

from digitalhuman import SegmentEnded

IDEOGRAPH = "\u2e80-\u2fff\u3040-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"      # written without spaces
WORD = re.compile(rf"[^\w\s]*[{IDEOGRAPH}][^\w\s]*|[^\s{IDEOGRAPH}]+")
SENTENCE = re.compile(r".*?[.!?…][\"'”’)]*\s", re.DOTALL)
speaking = threading.Lock()         # voice and face serve one answer at a time


def sentences(pieces):
    """Each sentence of a text that is still being written, as soon as the next one begins."""
    text = ""
    for piece in pieces:
        text += piece
        while found := SENTENCE.match(text):
            text = text[found.end():]
            if found[0].strip():
                yield found[0].strip()
    if text.strip():
        yield text.strip()


def clean(word):
    """As the room takes it: without control characters, at most 200 bytes."""
    return "".join(c for c in word if c.isprintable()).encode()[:200].decode(errors="ignore")


def spread(sentence, length_ms):
    """Its words as [word, from_ms, to_ms], over so much sound, in proportion to their lengths."""
    words = []
    for written in WORD.findall(sentence):
        if any(c.isalnum() for c in written):
            words.append(written)
        elif words:     # what has no sound of its own belongs to the word before
            words[-1] += " " + written
    ends = list(itertools.accumulate(len(word) + 1 for word in words))
    begins = [0, *ends[:-1]]
    return [[word, begin * length_ms // ends[-1], end * length_ms // ends[-1]]
            for word, begin, end in zip(words, begins, ends)]


class Dropped(Exception):
    pass


class Answer:
    """`parts` has the modules model, voice and face. Made in an event loop. `ended` is set when nothing more of it
    will be heard; `error` says then why it failed, or is None."""

    def __init__(self, stage, parts, size, messages):
        self.id = f"answer-{uuid.uuid4().hex}"
        self.stage, self.parts, self.size, self.messages = stage, parts, size, messages
        self.text, self.error = "", None
        self.loop, self.ended = asyncio.get_running_loop(), asyncio.Event()
        self.lock = threading.Lock()        # guards what follows
        self.is_dropped = self.is_open = False

    def start(self):
        threading.Thread(target=self.run, daemon=True).start()

    def drop(self):
        """Nobody wants more of it. Whether there is something in the room that has to be ended."""
        with self.lock:
            self.is_dropped = True
            return self.is_open

    # -- in its thread

    def run(self):
        try:
            self.say_all()
        except (Dropped, SegmentEnded):
            pass
        except Exception as error:
            self.error = self.error or error
        finally:
            self.end()

    def say_all(self):
        with contextlib.closing(self.parts.model.answer(self.messages)) as pieces:
            writing = sentences(pieces)
            first = next(writing, None)     # before it there is nothing to push
            if first and self.open():
                self.push(itertools.chain([first], writing))

    def open(self):
        """Whether it is still wanted."""
        with self.lock:
            self.is_open = not self.is_dropped
            return self.is_open

    def push(self, writing):
        with self.stage.segment(fps=self.parts.face.FPS, sample_rate=self.parts.voice.RATE, sample_format="s16",
                                size=self.size, pixel_format=self.parts.face.PIXEL_FORMAT, segment=self.id,
                                options={"underrun": "idle"}, on_event=self.hear) as segment:
            self.said_bytes = 0
            try:
                for sentence in writing:
                    self.say(segment, sentence)
            except (Dropped, SegmentEnded):
                raise
            except Exception as error:      # what was said before is heard
                self.error = error

    def say(self, segment, sentence):
        """Blocks while the room has enough, and raises when it wants no more."""
        with speaking:
            begin_ms = self.said_bytes * 500 // self.parts.voice.RATE
            sound = self.sound(segment, sentence, begin_ms)
            with contextlib.closing(self.parts.face.draw(sound, self.parts.voice.RATE, self.size)) as drawing:
                for frame, samples in drawing:
                    if self.is_dropped:
                        raise Dropped
                    segment.push(frame, samples)
                    self.said_bytes += len(samples)
        self.text += sentence + " "

    def sound(self, segment, sentence, begin_ms):
        """Its samples; when its words sound is pushed before. A voice that does not know has to make all of it first."""
        waiting, has_words = [], False
        for samples, words in self.parts.voice.speak(sentence):
            if self.is_dropped:
                raise Dropped
            has_words = has_words or bool(words)
            self.push_words(segment, words, begin_ms)
            waiting.append(samples)
            if has_words:
                yield from waiting
                waiting.clear()
        length_ms = sum(map(len, waiting)) * 500 // self.parts.voice.RATE
        if waiting:
            self.push_words(segment, spread(sentence, length_ms), begin_ms)
        yield from waiting

    @staticmethod
    def push_words(segment, words, begin_ms):
        timed = [[clean(word), begin_ms + from_ms, begin_ms + to_ms] for word, from_ms, to_ms in words]
        if timed := [word for word in timed if word[0]]:
            segment.push_words(timed)

    # -- in that of the segment, too

    def hear(self, event):
        if event.get("event") in ("finished", "interrupted", "skipped", "removed", "failed"):
            self.error = self.error or event.get("error")
            self.end()

    def end(self):
        with contextlib.suppress(RuntimeError):     # the loop has ended
            self.loop.call_soon_threadsafe(self.ended.set)
