# SPDX-License-Identifier: GPL-3.0-or-later
"""A handle of the plugin, over Janus's WebSocket: requests with their answers, and the room's events."""
import asyncio
import json
import secrets

import websockets

PLUGIN = "janus.plugin.digitalhuman"
KEEPALIVE_S = 25
ANSWER_S = 10


class Refused(Exception):
    def __init__(self, code, text):
        super().__init__(f"{text} ({code})")
        self.code = code


class Gateway:
    """`on_event` is called with each event of the room. `fields` go with every request: id, secret."""

    def __init__(self, url, on_event, **fields):
        self.url, self.on_event, self.fields = url, on_event, fields
        self.where, self.waiting = {}, {}       # session and handle; answers that are waited for, by transaction

    async def __aenter__(self):
        try:
            self.socket = await websockets.connect(self.url, subprotocols=["janus-protocol"])
        except websockets.WebSocketException as error:
            raise self.ended(error) from error
        self.reading = asyncio.create_task(self.read())
        try:
            self.where["session_id"] = (await self.send({"janus": "create"}))["data"]["id"]
            self.where["handle_id"] = (await self.send({"janus": "attach", "plugin": PLUGIN}))["data"]["id"]
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, kind, value, trace):
        await self.close()

    async def close(self):
        self.reading.cancel()
        await asyncio.gather(self.reading, return_exceptions=True)
        await self.socket.close()

    def ended(self, why):
        return ConnectionError(f"{self.url}: the connection has ended: {why}")

    async def send(self, message):
        """A message of Janus's API, and what is answered. Refused where that is an error."""
        transaction = secrets.token_hex(8)
        self.waiting[transaction] = future = asyncio.get_running_loop().create_future()
        future.is_ack = message["janus"] == "keepalive"
        try:
            await self.socket.send(json.dumps({**message, **self.where, "transaction": transaction}))
            answer = await asyncio.wait_for(future, ANSWER_S)
        except websockets.ConnectionClosed as error:
            raise self.ended(error) from error
        except TimeoutError as error:
            raise TimeoutError(f"{self.url} does not answer") from error
        finally:
            del self.waiting[transaction]
        if answer["janus"] == "error":
            raise Refused(answer["error"]["code"], answer["error"]["reason"])
        return answer

    async def ask(self, request, **fields):
        """A request of docs/api.md, and its answer. Refused where that is an error."""
        body = {"request": request, **self.fields, **fields}
        data = (await self.send({"janus": "message", "body": body}))["plugindata"]["data"]
        if "error_code" in data:
            raise Refused(data["error_code"], data["error"])
        return data

    async def read(self):
        """Until the connection ends, for which it raises ConnectionError; or until on_event raises."""
        try:
            async for text in self.socket:
                self.take(json.loads(text))
            raise self.ended("closed")
        except Exception as error:
            for answer in self.waiting.values():    # they would wait in vain
                if not answer.done():
                    answer.set_exception(self.ended("no answer"))
            if isinstance(error, websockets.ConnectionClosed):
                raise self.ended(error) from error
            raise

    def take(self, message):
        answer = self.waiting.get(message.get("transaction"))
        if answer:
            if (message["janus"] != "ack" or answer.is_ack) and not answer.done():
                answer.set_result(message)
        elif message["janus"] in ("timeout", "detached"):
            raise self.ended(f"Janus says {message['janus']}")
        elif "plugindata" in message and "event" in message["plugindata"]["data"]:
            self.on_event(message["plugindata"]["data"])

    async def watch_over(self):
        """Keeps the session; raises once it is gone."""
        while not (await asyncio.wait([self.reading], timeout=KEEPALIVE_S))[0]:
            await self.send({"janus": "keepalive"})
        if not self.reading.cancelled():
            self.reading.result()
