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
        self.socket = await websockets.connect(self.url, subprotocols=["janus-protocol"])
        self.reading = asyncio.create_task(self.read())
        self.where["session_id"] = (await self.send({"janus": "create"}))["data"]["id"]
        self.where["handle_id"] = (await self.send({"janus": "attach", "plugin": PLUGIN}))["data"]["id"]
        return self

    async def __aexit__(self, kind, value, trace):
        self.reading.cancel()
        await self.socket.close()

    async def send(self, message):
        """A message of Janus's API, and what is answered."""
        transaction = secrets.token_hex(8)
        self.waiting[transaction] = answer = asyncio.get_running_loop().create_future()
        answer.is_ack = message["janus"] == "keepalive"
        await self.socket.send(json.dumps({**message, **self.where, "transaction": transaction}))
        try:
            return await asyncio.wait_for(answer, ANSWER_S)
        finally:
            del self.waiting[transaction]

    async def ask(self, request, **fields):
        """A request of docs/api.md, and its answer. Refused where that is an error."""
        body = {"request": request, **self.fields, **fields}
        answer = await self.send({"janus": "message", "body": body})
        data = answer.get("plugindata", {}).get("data") or answer.get("error") or {}
        if "error_code" in data or "code" in data:
            raise Refused(data.get("error_code", data.get("code")), data.get("error", data.get("reason")))
        return data

    async def read(self):
        async for text in self.socket:
            message = json.loads(text)
            answer = self.waiting.get(message.get("transaction"))
            if answer:
                if (message["janus"] != "ack" or answer.is_ack) and not answer.done():
                    answer.set_result(message)
            elif "plugindata" in message and "event" in message["plugindata"]["data"]:
                self.on_event(message["plugindata"]["data"])

    async def watch_over(self):
        """Keeps the session; raises once the connection is gone."""
        while not (await asyncio.wait([self.reading], timeout=KEEPALIVE_S))[0]:
            await self.send({"janus": "keepalive"})
        if self.reading.cancelled():
            return
        raise ConnectionError(f"{self.url}: the connection has ended")
