# SPDX-License-Identifier: GPL-3.0-or-later
"""Headless viewers of any Janus plugin that offers sound and picture on a `watch` request.

    with Gateway("ws://127.0.0.1:8188/") as gateway:
        viewer = gateway.watch({"id": 1})
        gateway.request({"request": "enqueue", "id": 1, "file": "hello.mp4"})
        gateway.wait_event("finished")
        viewer.leave()
        print(len(viewer.video.packets))

attach -> watch -> offer -> answer with `start` -> media. The socket beneath
aiortc's ICE is read here, with the kernel's receive timestamps: arrival times
contain none of Python's own delays. Everything asynchronous runs in a thread of
its own; the methods are synchronous and raise on a timeout.
"""
import asyncio
import json
import random
import socket
import struct
import threading
import time

import aioice.ice
import aiortc
import websockets
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, RtcpReceiverInfo, RtcpRrPacket, RtcpSrPacket

from rtp import NTP_EPOCH, Packet, Report, Stream

PLUGIN = "janus.plugin.digitalhuman"
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
WAIT_S = 60  # for what has to come; a busy machine has its time


class Refused(Exception):
    """The plugin or the gateway answered with an error."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code, self.text = code, text


def own_address():
    """The machine's own address: Janus gathers no loopback candidates."""
    return next(iter(aioice.ice.get_host_addresses(True, False)), "127.0.0.1")


class Dismissed(Exception):
    """The plugin has hung up on a viewer, and said so: it was kicked, or its room destroyed."""


_address = own_address()
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [_address]


async def _receive_nothing(self, parameters):
    """Instead of aiortc's receiver: no decoder threads, no jitter buffer."""


aiortc.rtcrtpreceiver.RTCRtpReceiver.receive = _receive_nothing


def _quietly(loop, context):
    """aioice's timers may fire for a STUN transaction that has ended: of no consequence."""
    if not isinstance(context.get("exception"), asyncio.InvalidStateError):
        loop.default_exception_handler(context)


class Viewer:
    """One receiving peer connection. `mode`:
    keep    payloads are decrypted and kept (`Packet.payload`)
    drop    packets are judged by their clear header, never decrypted: for load
    """

    def __init__(self, gateway, mode):
        self.gateway, self.mode = gateway, mode
        self.handle, self.pc, self.dtls = None, None, None
        self.streams = {}             # by SSRC
        self.kinds = {}               # by payload type
        self.moments = {}             # name -> seconds
        self.foreign = 0              # packets of no stream that was offered
        self._early = []              # packets before the keys

    @property
    def audio(self):
        return self._of_kind("audio")

    @property
    def video(self):
        return self._of_kind("video")

    def _of_kind(self, kind):
        streams = [s for s in self.streams.values() if s.kind == kind]
        return max(streams, key=lambda s: len(s.packets)) if streams else None

    # ------------------------------------------------------------- connecting
    async def _join(self, watch, start):
        self.handle = await self.gateway._attach()
        self.moments["watch"] = time.time()
        offer = await self.gateway._message(self.handle, watch, want="jsep")
        self.offer = offer["sdp"]
        self.moments["offer"] = time.time()
        self.pc = RTCPeerConnection()
        await self.pc.setRemoteDescription(RTCSessionDescription(offer["sdp"], offer["type"]))
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        for transceiver in self.pc.getTransceivers():
            for codec in transceiver._codecs:
                if codec.name.lower() in ("vp8", "opus"):
                    self.kinds[codec.payloadType] = transceiver.kind
        receivers = [t.receiver for t in self.pc.getTransceivers()]
        self.dtls = receivers[0].transport
        for protocol in {p for r in receivers for p in r.transport.transport._connection._protocols}:
            self._take_socket(protocol)
        self._repeat_hello()
        local = self.pc.localDescription
        await self.gateway._message(self.handle, start, jsep={"type": local.type, "sdp": local.sdp})
        end = time.time() + WAIT_S
        while self.dtls.state not in ("connected", "failed", "closed") and not self.dismissal:
            await asyncio.sleep(0.01)
            if time.time() > end:
                raise TimeoutError("DTLS did not connect")
        if self.dtls.state != "connected":
            await self._explain_the_end()
        self.moments["connected"] = time.time()

    @property
    def dismissal(self):
        return self.gateway.dismissals.get(self.handle)

    async def _explain_the_end(self):
        """A viewer may be kicked as soon as its media are up in Janus, which is before they are up
        here. What says so takes another way than the end of DTLS, and may come later."""
        for _ in range(1000):
            if self.dismissal:
                raise Dismissed(self.dismissal)
            await asyncio.sleep(0.01)
        raise ConnectionError(f"DTLS {self.dtls.state}, and nobody said why")

    def _take_socket(self, protocol):
        sock = protocol.transport._sock
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        try:
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 2 << 20)
        except OSError:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 << 20)
        loop = asyncio.get_running_loop()
        loop._remove_reader(sock.fileno())
        loop._add_reader(sock.fileno(), self._readable, sock, protocol)

    def _repeat_hello(self):
        """The first DTLS datagram again every 50 ms until it is answered, as browsers
        do: Janus drops what comes before its own ICE is ready, and OpenSSL would
        wait a whole second."""
        ice, plain = self.dtls.transport, self.dtls.transport._send
        self._answered = False

        async def repeat(data):
            while not self._answered and self.dtls.state == "connecting":
                await asyncio.sleep(0.05)
                if not self._answered:
                    try:
                        await plain(data)
                    except ConnectionError:
                        return  # it has left

        async def send(data):
            ice._send = plain
            asyncio.ensure_future(repeat(data))
            await plain(data)
        ice._send = send

    # -------------------------------------------------------------- receiving
    def _readable(self, sock, protocol):
        for _ in range(128):
            try:
                data, ancillary, _, address = sock.recvmsg(2048, 64)
            except OSError:
                return
            if not data:
                continue
            if 128 <= data[0] < 192:
                seconds, ns = struct.unpack("qq", ancillary[0][2]) if ancillary else (time.time(), 0)
                self._media(seconds + ns * 1e-9, data)
            else:
                self._answered = self._answered or 19 < data[0] < 64
                protocol.datagram_received(data, address)

    def _media(self, now, data):
        keys = self.dtls._rx_srtp
        if 64 <= data[1] & 0x7f <= 95:
            if keys:
                self._control(now, keys.unprotect_rtcp(data))
        elif self.mode == "drop":
            self._packet(now, data, len(data))
        elif not keys:
            self._early.append((now, data))
        else:
            early, self._early = self._early, []
            for at, packet in (*early, (now, data)):
                self._packet(at, keys.unprotect(packet), len(packet))

    def _packet(self, now, data, size):
        first, second, seq, ts, ssrc = struct.unpack_from("!BBHII", data)
        stream = self.streams.get(ssrc)
        if stream is None:
            kind = self.kinds.get(second & 0x7f)
            if kind is None:
                self.foreign += 1
                return
            stream = self.streams[ssrc] = Stream(kind, ssrc, second & 0x7f)
            self.moments.setdefault("first_" + kind, now)
        payload = None
        if self.mode != "drop":
            begin, end = 12 + 4 * (first & 15), len(data) - (data[-1] if first & 32 else 0)
            if first & 16:
                begin += 4 + 4 * struct.unpack_from("!H", data, begin + 2)[0]
            payload = data[begin:end]
        stream.add(Packet(now, seq, ts, second >> 7, size, payload))

    def _control(self, now, data):
        for packet in RtcpPacket.parse(data):
            if isinstance(packet, RtcpSrPacket) and packet.ssrc in self.streams:
                info = packet.sender_info
                self.streams[packet.ssrc].reports.append(Report(
                    now, info.ntp_timestamp / 2 ** 32 - NTP_EPOCH, info.rtp_timestamp,
                    info.ntp_timestamp >> 16 & 0xffffffff))

    # --------------------------------------------------------------- feedback
    async def _report(self):
        """A receiver report; browsers send about one a second."""
        reports = []
        for stream in list(self.streams.values()):
            lsr, delay = 0, 0
            if stream.reports:
                lsr, delay = stream.reports[-1].lsr, int((time.time() - stream.reports[-1].arrival) * 65536)
            reports.append(RtcpReceiverInfo(ssrc=stream.ssrc, fraction_lost=0,
                                            packets_lost=min(stream.lost_so_far(), 0x7fffff),
                                            highest_sequence=stream.extended_highest(), jitter=0, lsr=lsr, dlsr=delay))
        if reports and self.dtls.state == "connected":
            await self.dtls._send_rtp(bytes(RtcpRrPacket(ssrc=1, reports=reports)))

    async def _pli(self):
        await self.dtls._send_rtp(bytes(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=self.video.ssrc)))

    def request(self, body):
        """A request on this viewer's own handle (pause, start, stop); its answer."""
        return self.gateway._do(self.gateway._message(self.handle, body))

    def pli(self):
        """Asks for a key frame; returns when that was."""
        now = time.time()
        self.gateway._do(self._pli())
        return now

    async def _take(self):
        return {stream.kind: stream.take() for stream in self.streams.values()}

    def take(self):
        """What came since the last call, which is forgotten: {kind: (packets, reports)}."""
        return self.gateway._do(self._take())

    async def _leave(self, detach):
        self.gateway.viewers.discard(self)
        if detach:
            await self.gateway._call({"janus": "detach", "handle_id": self.handle})
            self.gateway._queues.pop(self.handle, None)
        if self.pc:
            await self.pc.close()

    def leave(self, detach=True):
        """Ends the connection; without `detach` as a browser does that just vanishes:
        the handle stays, the peer says goodbye by DTLS."""
        self.gateway._do(self._leave(detach))

    def wait(self, condition, timeout=WAIT_S):
        """Waits until condition(self) is true; returns its value."""
        end = time.monotonic() + timeout
        while not (value := condition(self)):
            if time.monotonic() > end:
                raise TimeoutError("what the viewer waited for did not come")
            time.sleep(0.01)
        return value


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
        """The connection breaks, without a word to anybody."""
        self._loop.call_soon_threadsafe(self._ws.transport.abort)

    def _do(self, coroutine, timeout=4 * WAIT_S):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout)

    # --------------------------------------------------------------- requests
    async def _open(self):
        self._ws = await websockets.connect(self.url, subprotocols=["janus-protocol"], max_size=None)
        # kept, or they would be collected while they run
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

    async def _message(self, handle, body, jsep=None, want=None):
        """Sends a plugin request and returns its answer; of an asynchronous one what
        comes with `want` in it (the jsep), else its first answer."""
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
            if answer["janus"] == "success" or (answer["janus"] == "event" and not want and "result" in data):
                return data
            if want and want in answer:
                return answer[want]
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
        """The events so far, which are forgotten."""
        with self._changed:
            taken, self.events = self.events, []
            return taken

    # ---------------------------------------------------------------- viewers
    async def _watch(self, body, mode, start):
        viewer = Viewer(self, mode)
        self.viewers.add(viewer)
        try:
            await viewer._join(body, start)
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

    def ask_for_offer(self, body):
        """Watches on a new handle, whose offer is not answered; the handle's id."""
        async def run():
            handle = await self._attach()
            await self._message(handle, {"request": "watch", **body}, want="jsep")
            return handle
        return self._do(run())

    def watch(self, body, mode="keep", start=None):
        """A connected viewer of what {"request": "watch", **body} offers."""
        return self._do(self._watch({"request": "watch", **body}, mode, start or {"request": "start"}))

    def watch_many(self, count, body, mode="drop", apart=0.06):
        """That many viewers, joining one after the other `apart` seconds apart."""
        async def one(number):
            await asyncio.sleep(number * apart)
            return await self._watch({"request": "watch", **body}, mode, {"request": "start"})

        async def everyone():
            return await asyncio.gather(*(one(n) for n in range(count)))
        return self._do(everyone(), 4 * WAIT_S + count * apart)
