# SPDX-License-Identifier: GPL-3.0-or-later
"""Headless viewers of any Janus plugin that offers sound and picture on a `watch` request.

    with Gateway("ws://127.0.0.1:8188/") as gateway:
        viewer = gateway.watch({"id": 1})
        gateway.request({"request": "enqueue", "id": 1, "file": "hello.mp4"})
        gateway.wait_event("finished")
        viewer.leave()
        print(len(viewer.video.packets))

Everything asynchronous runs in a thread of its own; the methods are synchronous and raise on a timeout.
"""
import asyncio
import json
import random
import threading
import time

import websockets

from viewer import WAIT_S, Viewer

PLUGIN = "janus.plugin.digitalhuman"


class Refused(Exception):
    """The plugin or the gateway answered with an error."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code, self.text = code, text


def _quietly(loop, context):
    """Ignores aioice's timers that fire for a STUN transaction that has ended."""
    if not isinstance(context.get("exception"), asyncio.InvalidStateError):
        loop.default_exception_handler(context)


class Gateway:
    """One Janus session over a WebSocket: requests on a handle of its own, viewers on theirs."""

    def __init__(self, url, plugin=PLUGIN):
        self.url, self.plugin = url, plugin
        self.events = []              # (seconds, event with the `handle` that got it)
        self.viewers = set()
        self.dismissals = {}          # why the plugin hung up, by handle
        self._replies, self._queues = {}, {}
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_quietly)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        try:
            self._do(self._open())
        except BaseException:
            self._end_thread()
            raise
        return self

    def __exit__(self, *_):
        try:
            self._do(self._close())
        finally:
            self._end_thread()

    def _end_thread(self):
        async def cancel():
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self._do(cancel())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def drop(self):
        """Breaks the connection without a word."""
        self._loop.call_soon_threadsafe(self._ws.transport.abort)

    def _do(self, coroutine, timeout=4 * WAIT_S):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout)

    # --------------------------------------------------------------- requests
    async def _open(self):
        self._ws = await websockets.connect(self.url, subprotocols=["janus-protocol"], max_size=None)
        # kept, or they would be garbage-collected while running
        self._tasks = [asyncio.ensure_future(t) for t in (self._read(), self._keepalive(), self._reports())]
        self.session = None
        self.session = (await self._call({"janus": "create"}))["data"]["id"]
        self._control = await self._attach()

    async def _close(self):
        for viewer in list(self.viewers):
            try:
                await viewer._leave(detach=False)
            except Exception:
                pass  # the connection may be gone already
        try:
            await asyncio.wait_for(self._call({"janus": "destroy"}), 5)
        except Exception:
            pass  # the gateway may be gone already
        await self._ws.close()

    async def _read(self):
        try:
            async for text in self._ws:
                self._incoming(json.loads(text))
        except websockets.ConnectionClosed:
            pass
        for waiter in self._replies.values():
            if not waiter.done():
                waiter.set_exception(ConnectionError("the gateway is gone"))

    def _incoming(self, message):
        waiter = self._replies.get(message.get("transaction"))
        if waiter and message["janus"] in ("ack", "success", "error") and not waiter.done():
            waiter.set_result(message)
        elif message.get("sender") in self._queues:
            data = message.get("plugindata", {}).get("data", {})
            status = data.get("result", {}).get("status")
            if status in ("kicked", "kicked_all") or data.get("event") == "destroyed":
                self.dismissals[message["sender"]] = status or "destroyed"
            if "event" in data:
                with self._changed:
                    self.events.append((time.time(), {**data, "handle": message["sender"]}))
                    self._changed.notify_all()
            else:
                self._queues[message["sender"]].put_nowait(message)

    async def _keepalive(self):
        while True:
            await asyncio.sleep(20)
            try:
                await self._call({"janus": "keepalive"})
            except (ConnectionError, websockets.ConnectionClosed, Refused):
                return  # the gateway, or the session, is gone

    async def _reports(self):
        """One receiver report for each viewer and second, spread over the second."""
        while True:
            connected = [v for v in self.viewers if "connected" in v.moments]
            for viewer in connected:
                await viewer._report()
                await asyncio.sleep(1 / len(connected))
            if not connected:
                await asyncio.sleep(0.2)

    async def _call(self, body):
        transaction = "%016x" % random.getrandbits(64)
        body["transaction"] = transaction
        if self.session:
            body["session_id"] = self.session
        self._replies[transaction] = self._loop.create_future()
        try:
            await self._ws.send(json.dumps(body))
            answer = await asyncio.wait_for(self._replies[transaction], WAIT_S)
        finally:
            del self._replies[transaction]
        if answer["janus"] == "error":
            raise Refused(answer["error"]["code"], answer["error"]["reason"])
        return answer

    async def _attach(self):
        handle = (await self._call({"janus": "attach", "plugin": self.plugin}))["data"]["id"]
        self._queues[handle] = asyncio.Queue()
        return handle

    async def _message(self, handle, body, jsep=None, want=None, whole=False):
        """Sends a plugin request and returns its answer; for an asynchronous one, `want` (the jsep) of the first message
        that has it (or `whole`, the message), or just the first one."""
        message = {"janus": "message", "handle_id": handle, "body": body}
        if jsep:
            message["jsep"] = jsep
        while not self._queues[handle].empty():
            self._queues[handle].get_nowait()
        answer = await self._call(message)
        while True:
            data = answer.get("plugindata", {}).get("data", {})
            if "error" in data and "event" not in data:
                raise Refused(data.get("error_code"), data["error"])
            if answer["janus"] == "success" or (answer["janus"] == "event" and not want and "result" in data
                                                 and answer.get("transaction") == message["transaction"]):
                return data
            if want and want in answer:
                return answer if whole else answer[want]
            answer = await asyncio.wait_for(self._queues[handle].get(), WAIT_S)

    def request(self, body):
        """A request on the session's own handle; its answer. Raises Refused."""
        return self._do(self._message(self._control, body))

    def timed_request(self, body):
        """(when it was sent, its answer)."""
        async def run():
            sent = time.time()
            return sent, await self._message(self._control, body)
        return self._do(run())

    # ----------------------------------------------------------------- events
    def wait_event(self, name, since=0, timeout=WAIT_S, **fields):
        """Waits for an event of that name (or of one of those names) from index `since` of
        `events` on, with those fields; returns (seconds, event). Needs a viewer in the room."""
        names = (name,) if isinstance(name, str) else name

        def find():
            return next(((t, e) for t, e in self.events[since:]
                         if e["event"] in names and all(e.get(k) == v for k, v in fields.items())), None)
        with self._changed:
            if not self._changed.wait_for(find, timeout):
                raise TimeoutError(f"no event {name} {fields} within {timeout} s; came: {self.events[since:]}")
            return find()

    def take_events(self):
        """Returns the events so far, and forgets them."""
        with self._changed:
            taken, self.events = self.events, []
            return taken

    # ---------------------------------------------------------------- viewers
    async def _watch(self, body, mode, start, change=None):
        viewer = Viewer(self, mode)
        self.viewers.add(viewer)
        try:
            await viewer._join(body, start, change)
        except BaseException:
            self.viewers.discard(viewer)
            raise
        return viewer

    def observe(self, body):
        """A handle that gets a room's events, in `events`, and no media; its id."""
        async def run():
            handle = await self._attach()
            await self._message(handle, {"request": "observe", **body})
            return handle
        return self._do(run())

    async def _ask_for_offer(self, body):
        handle = await self._attach()
        await self._message(handle, {"request": "watch", **body}, want="jsep")
        return handle

    def come_and_go(self, count, body, at_once, came, timeout):
        """So many handles observe, `at_once` of them at a time; once all have come, all are detached. `came` is called for
        each."""
        async def run():
            places = asyncio.Semaphore(at_once)

            async def come():
                async with places:
                    handle = await self._attach()
                    await self._message(handle, {"request": "observe", **body})
                    came()
                    return handle

            for handle in await asyncio.gather(*(come() for _ in range(count))):
                await self._call({"janus": "detach", "handle_id": handle})
                del self._queues[handle]
        self._do(run(), timeout)

    def ask_for_offer(self, body):
        """Watches on a new handle, whose offer is not answered; the handle's id."""
        return self._do(self._ask_for_offer(body))

    def ask_for_offers(self, count, body, at_once, came, timeout):
        """The same with so many handles, `at_once` of them at a time; `came` is called for each offer."""
        async def run():
            places = asyncio.Semaphore(at_once)

            async def one():
                async with places:
                    await self._ask_for_offer(body)
                    came()
            await asyncio.gather(*(one() for _ in range(count)))
        self._do(run(), timeout)

    def watch(self, body, mode="keep", start=None, change=None):
        """A connected viewer of what {"request": "watch", **body} offers. `change` makes another SDP of its answer."""
        return self._do(self._watch({"request": "watch", **body}, mode, start or {"request": "start"}, change))

    def watch_many(self, count, body, mode="drop", apart=0.06):
        """That many viewers, joining one after another, `apart` seconds apart."""
        async def one(number):
            await asyncio.sleep(number * apart)
            return await self._watch({"request": "watch", **body}, mode, {"request": "start"})

        async def everyone():
            return await asyncio.gather(*(one(n) for n in range(count)))
        return self._do(everyone(), 4 * WAIT_S + count * apart)
