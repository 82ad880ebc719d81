# SPDX-License-Identifier: GPL-3.0-or-later
"""The same for asyncio. Each open segment has a thread that does what blocks, in order: pictures are large,
and an event loop that copies them does nothing else meanwhile. No thread keeps a program from ending: those of an
executor would."""
from __future__ import annotations

import asyncio
import concurrent.futures
import queue
import threading
from types import TracebackType
from typing import Any, AsyncIterator, Awaitable, Callable, Dict, Optional, Tuple, Type, TypeVar

from .errors import Result, SegmentEnded
from .reports import Event
from .segment import OnEvent, Segment
from .stage import Stage

T = TypeVar("T")
Job = Tuple["concurrent.futures.Future[Any]", Callable[[], Any]]


class _Worker:
    """A thread that does what it is given, in order. It ends with this."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Optional[Job]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=_work, args=(self._jobs,), name="digitalhuman-push", daemon=True)
        self._thread.start()

    def submit(self, function: Callable[[], T]) -> concurrent.futures.Future[T]:
        """It is done even if whoever waits for it is cancelled before its turn."""
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        future.set_running_or_notify_cancel()
        self._jobs.put((future, function))
        return future

    def end(self) -> None:
        """Once all is done that it was given."""
        self._jobs.put(None)

    def join(self) -> None:
        self._thread.join()

    def __del__(self) -> None:
        self.end()


def _work(jobs: queue.SimpleQueue[Optional[Job]]) -> None:
    job = jobs.get()
    while job:
        _do(*job)
        job = None          # and what it holds
        job = jobs.get()


def _do(future: concurrent.futures.Future[T], function: Callable[[], T]) -> None:
    try:
        result = function()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)


class AsyncSegment:
    """As Segment, with coroutines: `async with stage.segment(...) as s: await s.push(frame, samples)`.

    All of one event loop. A push that is cancelled has still taken its media; cancelling the block cuts
    the segment. `on_event` is called in the event loop.
    """

    def __init__(self, make: Callable[[OnEvent], Segment], on_event: Optional[OnEvent]) -> None:
        self._on_event = on_event
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._changed: Optional[asyncio.Event] = None
        self._segment = make(self._hear)
        self._segment.on_change = self._wake
        self._worker: Optional[_Worker] = None

    # -- what is known of it; see Segment

    @property
    def id(self) -> Optional[str]:
        return self._segment.id

    @property
    def result(self) -> Optional[Result]:
        return self._segment.result

    @property
    def progress_ms(self) -> int:
        return self._segment.progress_ms

    @property
    def wanted_ms(self) -> int:
        return self._segment.wanted_ms

    @property
    async def events(self) -> AsyncIterator[Event]:
        """Each event from the first on, ending after the last; waits for what is still to come."""
        at = 0
        while True:
            is_over = self._segment.is_over         # before looking: nothing comes after
            found = self._segment.event(at)
            if found is not None:
                at = found[0] + 1
                yield found[1]
            elif is_over:
                return
            else:
                await self._wait_for_change()

    async def wait_wanted(self, ms: int = 1) -> int:
        """Waits until they are wanted; see Segment.wait_wanted()."""
        self._begin()
        if not self._segment.is_connected:
            await _in_thread(self._segment.open)        # beside a push, which may block the segment's own
        while not self._segment.is_wanted(ms) and not self._segment.is_over:
            await self._wait_for_change()
        return self._segment.wait_wanted(ms, 0)

    # -- pushing

    async def open(self) -> AsyncSegment:
        await self._run(self._segment.open)
        return self

    async def push(self, frame: Any = None, samples: Any = None) -> None:
        await self._run(self._segment.push, frame, samples)

    async def push_video(self, frame: Any) -> None:
        await self._run(self._segment.push_video, frame)

    async def push_audio(self, samples: Any) -> None:
        await self._run(self._segment.push_audio, samples)

    async def push_words(self, words: Any) -> None:
        await self._run(self._segment.push_words, words)

    async def mark(self, data: Any, at_ms: Optional[int] = None) -> Optional[int]:
        self._begin()
        return await _in_thread(lambda: self._segment.mark(data, at_ms))    # a push may block the segment's own

    async def end_video(self) -> None:
        await self._run(self._segment.end_video)

    async def end_audio(self) -> None:
        await self._run(self._segment.end_audio)

    async def close(self, timeout: Optional[float] = None) -> Optional[Result]:
        try:
            return await asyncio.wait_for(self._run(self._segment.close), timeout)
        except asyncio.TimeoutError:
            self._segment.cut()
            raise TimeoutError(f"the segment has not ended within {timeout} s") from None
        except BaseException:
            self._segment.cut()
            raise
        finally:
            await self._leave()

    async def abort(self) -> None:
        self._segment.cut()         # which ends whatever the thread waits for
        self._begin()
        await self._leave()

    async def interrupt(self) -> Optional[Result]:
        """See Segment.interrupt(). Cancelling this cuts it."""
        closing = asyncio.ensure_future(self.close())       # which opens it, if nothing has
        try:
            await self._wait_until(lambda: self._segment.is_known, "accepted")
            if not self._segment.is_over:
                await _in_thread(self._segment.ask_to_end)
            await self._wait_until(lambda: self._segment.is_over, "interrupted")
            return await closing
        finally:
            closing.cancel()
            await asyncio.gather(closing, return_exceptions=True)

    async def __aenter__(self) -> AsyncSegment:
        try:
            return await self.open()
        except BaseException:
            await self.abort()
            raise

    async def __aexit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                        trace: Optional[TracebackType]) -> bool:
        if kind is None:
            await self.close()
            return False
        await self.abort()
        return isinstance(error, SegmentEnded) and error.result is self.result

    # -- within

    async def _run(self, function: Callable[..., T], *arguments: Any) -> T:
        self._begin()
        return await asyncio.wrap_future(self._working().submit(lambda: function(*arguments)))

    def _working(self) -> _Worker:
        if self._worker is None:
            self._worker = _Worker()
        return self._worker

    async def _leave(self) -> None:
        worker, self._worker = self._working(), None
        # What a cancelled call has left over ends soon: the connection is cut, or over.
        done = worker.submit(self._segment.abort)
        worker.end()
        if self._segment.is_opening:
            return              # which ends by itself, and the thread with it
        await asyncio.shield(asyncio.wrap_future(done))
        worker.join()

    # -- from other threads

    def _hear(self, event: Event) -> None:
        if self._on_event:
            self._call(self._on_event, event)

    def _wake(self) -> None:
        if self._changed:
            self._call(self._changed.set)

    def _call(self, function: Callable[..., object], *arguments: Any) -> None:
        assert self._loop
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            pass        # the event loop is closed

    async def _wait_until(self, is_so: Callable[[], bool], done: str) -> None:
        """Or until it is over; as long as Segment.interrupt(), but that opening counts."""
        async def wait() -> None:
            while not (is_so() or self._segment.is_over):
                await self._wait_for_change()
        try:
            await asyncio.wait_for(wait(), self._segment.limit_s)
        except asyncio.TimeoutError:
            raise self._segment.late(done) from None

    async def _wait_for_change(self) -> None:
        """Nothing may be awaited between looking and this."""
        self._begin()
        assert self._changed
        self._changed.clear()
        await self._changed.wait()

    def _begin(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop, self._changed = asyncio.get_running_loop(), asyncio.Event()
        return self._loop


class AsyncStage:
    """As Stage, with coroutines: the same arguments, the same names."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._stage = Stage(*arguments, **named)

    def segment(self, *, on_event: Optional[OnEvent] = None, **named: Any) -> AsyncSegment:
        """See Stage.segment(); `on_event` is called in the event loop."""
        return AsyncSegment(lambda hook: self._stage.segment(on_event=hook, **named), on_event)

    def push_av_segment(self, index: int, frames: Any, waveform: Any, **named: Any) -> Awaitable[Result]:
        """See Stage.push_av_segment(); returns an asyncio.Future. Wants a running event loop."""
        loop = asyncio.get_running_loop()       # before anything is pushed
        return asyncio.wrap_future(self._stage.push_av_segment(index, frames, waveform, **named), loop=loop)

    async def info(self) -> Dict[str, Any]:
        return await _in_thread(self._stage.info)

    async def interrupt(self, **named: Any) -> int:
        return await _in_thread(lambda: self._stage.interrupt(**named))

    async def mark(self, data: Any, **named: Any) -> Optional[int]:
        return await _in_thread(lambda: self._stage.mark(data, **named))

    def forget_avatar(self) -> None:
        self._stage.forget_avatar()

    async def close(self) -> None:
        await _in_thread(self._stage.close)

    async def __aenter__(self) -> AsyncStage:
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                        trace: Optional[TracebackType]) -> None:
        try:
            await _in_thread(lambda: self._stage.__exit__(kind, error, trace))
        except asyncio.CancelledError:
            self._stage.cut_pieces()        # as if it had been cancelled within the block
            raise


async def _in_thread(function: Callable[[], T]) -> T:
    """In a thread that begins in any case and does not outlive it; if it is cancelled, the thread ends as soon as the
    function does."""
    future: concurrent.futures.Future[T] = concurrent.futures.Future()
    future.set_running_or_notify_cancel()       # nobody cancels it any more
    thread = threading.Thread(target=_do, args=(future, function), name="digitalhuman", daemon=True)
    thread.start()
    try:
        return await asyncio.wrap_future(future)
    finally:
        if future.done():
            thread.join()
