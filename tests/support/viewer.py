# SPDX-License-Identifier: GPL-3.0-or-later
"""One headless viewer, a peer connection of aiortc; viewers.Gateway makes them.

attach -> watch -> offer -> answer with `start` -> media. The socket beneath aiortc's ICE is read
here, with the kernel's receive timestamps, so arrival times contain none of Python's own delays.
"""
import asyncio
import copy
import socket
import struct
import time

import aioice.ice
import aiortc
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.rtp import RtcpPacket, RtcpPsfbPacket, RtcpReceiverInfo, RtcpRrPacket, RtcpSrPacket, pack_remb_fci

from rtp import NTP_EPOCH, Packet, Report, Stream

SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
WAIT_S = 60  # how long to wait for what must come; long, for busy machines


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


class Sealed(bytes):
    """A whole packet that is still encrypted."""


class Viewer:
    """One receiving peer connection. `mode`:
    keep    payloads are decrypted and kept (`Packet.payload`)
    later   packets are kept as they came, but for each stream's first one, until `open` decrypts them: for load that
            is looked at behind it
    drop    packets are judged by their clear header, never decrypted: for load
    """

    def __init__(self, gateway, mode):
        self.gateway, self.mode = gateway, mode
        self.handle, self.pc, self.dtls = None, None, None
        self.streams = {}             # by SSRC
        self.kinds = {}               # by payload type
        self.moments = {}             # name -> seconds
        self.foreign = 0              # packets of no stream that was offered
        self.reported = 0             # how many reports it has sent
        self.claims = iter(())        # the shares of the pictures' packets that its next reports say are lost, …
        self._claimed = [0, 0]        # … and how many that are, up to which sequence number
        self._early = []              # packets that came before the keys
        self.loses = None             # of each packet: whether it is lost on the way; where they are kept

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
    async def _join(self, watch, start, change=None):
        self.handle = await self.gateway._attach()
        self.moments["watch"] = time.time()
        message = await self.gateway._message(self.handle, watch, want="jsep", whole=True)
        offer, self.room = message["jsep"], watch.get("id")
        self.rtp_start = message["plugindata"]["data"].get("result", {}).get("rtp_start")
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
        sdp = change(local.sdp) if change else local.sdp
        self.started = await self.gateway._message(self.handle, start, jsep={"type": local.type, "sdp": sdp})
        self.dtls.on("statechange", self._note_connected)
        end = time.time() + WAIT_S
        while self.dtls.state not in ("connected", "failed", "closed") and not self.dismissal:
            await asyncio.sleep(0.01)
            if time.time() > end:
                raise TimeoutError("DTLS did not connect")
        if self.dtls.state != "connected":
            await self._explain_the_end()
        self.moments.setdefault("connected", time.time())

    def _note_connected(self):
        if self.dtls.state == "connected":
            self.moments["connected"] = time.time()

    @property
    def dismissal(self):
        return self.gateway.dismissals.get(self.handle)

    async def _explain_the_end(self):
        """A viewer may be kicked as soon as its media are up in Janus, which is before they are up
        here. The message about that takes another path than the end of DTLS, and may come later."""
        for _ in range(100 * WAIT_S):
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
        elif self.mode == "drop" or self.mode == "later" and struct.unpack_from("!I", data, 8)[0] in self.streams:
            self._packet(now, data, len(data), True)
        elif not keys:
            self._early.append((now, data))
        else:
            early, self._early = self._early, []
            for at, packet in (*early, (now, data)):
                self._packet(at, keys.unprotect(packet), len(packet))

    @staticmethod
    def _opened(data):
        """Payload and extensions of a packet that is decrypted."""
        begin, end = 12 + 4 * (data[0] & 15), len(data) - (data[-1] if data[0] & 32 else 0)
        extensions = b""
        if data[0] & 16:
            head, begin = begin, begin + 4 + 4 * struct.unpack_from("!H", data, begin + 2)[0]
            extensions = data[head:begin]
        return data[begin:end], extensions

    def _packet(self, now, data, size, is_sealed=False):
        _, second, seq, ts, ssrc = struct.unpack_from("!BBHII", data)
        stream = self.streams.get(ssrc)
        if stream is None:
            kind = self.kinds.get(second & 0x7f)
            if kind is None:
                self.foreign += 1
                return
            stream = self.streams[ssrc] = Stream(kind, ssrc, second & 0x7f)
            self.moments.setdefault("first_" + kind, now)
        payload, extensions = (None, b"") if is_sealed else self._opened(data)
        if self.mode == "later" and is_sealed:
            payload = Sealed(data)
        packet = Packet(now, seq, ts, second >> 7, size, payload, extensions)
        if not (self.loses and self.loses(stream, packet)):
            stream.add(packet)

    def _control(self, now, data):
        for packet in RtcpPacket.parse(data):
            if isinstance(packet, RtcpSrPacket) and packet.ssrc in self.streams:
                info = packet.sender_info
                self.streams[packet.ssrc].reports.append(Report(
                    now, info.ntp_timestamp / 2 ** 32 - NTP_EPOCH, info.rtp_timestamp,
                    info.ntp_timestamp >> 16 & 0xffffffff))

    # --------------------------------------------------------------- feedback
    async def _report(self, streams=None):
        """A receiver report; browsers send about one a second."""
        reports = []
        for stream in streams or list(self.streams.values()):
            lsr, delay = 0, 0
            if stream.reports:
                lsr, delay = stream.reports[-1].lsr, int((time.time() - stream.reports[-1].arrival) * 65536)
            reports.append(RtcpReceiverInfo(ssrc=stream.ssrc, fraction_lost=0,
                                            packets_lost=min(stream.lost_so_far() + self._claim(stream), 0x7fffff),
                                            highest_sequence=stream.extended_highest(), jitter=0, lsr=lsr, dlsr=delay))
        if reports and self.dtls.state == "connected":
            await self.dtls._send_rtp(bytes(RtcpRrPacket(ssrc=1, reports=reports)))
            self.reported += 1

    def _claim(self, stream):
        if stream.kind != "video":
            return 0
        more = stream.extended_highest() - self._claimed[1]
        self._claimed = [self._claimed[0] + round(more * next(self.claims, 0)), self._claimed[1] + more]
        return self._claimed[0]

    async def _pli(self):
        await self.dtls._send_rtp(bytes(RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=self.video.ssrc)))

    def remb(self, kbps):
        """Says how much it could receive."""
        fci = pack_remb_fci(kbps * 1000, [self.video.ssrc])
        self.gateway._do(self.dtls._send_rtp(bytes(RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=fci))))

    def report(self):
        """What has come of the picture, at once, as browsers say when they miss something."""
        self.gateway._do(self._report([self.video]))

    def request(self, body):
        """A request on this viewer's own handle (pause, start, stop); its answer."""
        return self.gateway._do(self.gateway._message(self.handle, body))

    def pli(self):
        """Asks for a key frame; returns when that was."""
        now = time.time()
        self.gateway._do(self._pli())
        return now

    async def _open(self):
        opened = {}
        for stream in self.streams.values():
            for n, packet in enumerate(stream.packets):
                if isinstance(packet.payload, Sealed):
                    payload, extensions = self._opened(self.dtls._rx_srtp.unprotect(bytes(packet.payload)))
                    stream.packets[n] = packet._replace(payload=payload, extensions=extensions)
            opened[stream.kind] = copy.copy(stream)
            opened[stream.kind].packets = list(stream.packets)
        return opened

    def open(self):
        """Decrypts what has come since the last `take`, in the mode "later", and returns it: {kind: Stream}. What comes
        from now on is not in it."""
        return self.gateway._do(self._open())

    async def _take(self):
        return {stream.kind: stream.take() for stream in self.streams.values()}

    def take(self):
        """What has come since the last call, and forgets it: {kind: (packets, reports)}."""
        return self.gateway._do(self._take())

    # ------------------------------------------------------------- its microphone
    async def _renegotiate(self, body, direction):
        offer = await self.gateway._message(self.handle, body, want="jsep")
        self.offer = offer["sdp"]
        await self.pc.setRemoteDescription(RTCSessionDescription(offer["sdp"], offer["type"]))
        for transceiver in self.pc.getTransceivers():
            if transceiver.kind == "audio":
                transceiver.direction = direction
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        local = self.pc.localDescription
        await self.gateway._message(self.handle, {"request": "start"}, jsep={"type": local.type, "sdp": local.sdp})
        self.sent = {"seq": 65000, "ts": 4294960000}

    def listen(self, direction="sendrecv"):
        """Asks for the microphone, and agrees to send its sound."""
        self.gateway._do(self._renegotiate({"request": "configure", "microphone": True}, direction))

    def listen_no_more(self):
        self.gateway._do(self._renegotiate({"request": "configure", "microphone": False}, "recvonly"))

    async def _say(self, level, payload, skip, extension):
        sender = next(t.sender for t in self.pc.getTransceivers() if t.kind == "audio")
        self.sent["seq"] = (self.sent["seq"] + 1 + skip) & 0xffff
        self.sent["ts"] = (self.sent["ts"] + 960 * (1 + skip)) & 0xffffffff
        extensions = bytes((0xbe, 0xde, 0, 1, 3 << 4, 0x80 | -level, 0, 0)) if extension else b""
        head = struct.pack("!BBHII", 0x90 if extension else 0x80, 111, self.sent["seq"], self.sent["ts"], sender._ssrc)
        await self.dtls.transport._send(self.dtls._tx_srtp.protect(head + extensions + payload))
        return time.time()

    def say(self, level, payload=b"\xf8" + bytes(range(40)), skip=0, extension=True):
        """Sends 20 ms of sound, of that level in dBov; `skip` packets are lost before it. Returns when."""
        return self.gateway._do(self._say(level, payload, skip, extension))

    def speak(self, levels, at_once=False):
        """Sends sound of these levels in its own time, or at once, as after a hitch of the network; returns when each packet
        left."""
        async def run():
            loop, left = asyncio.get_running_loop(), []
            start = loop.time()
            for number, level in enumerate(levels):
                if not at_once:
                    await asyncio.sleep(max(0, start + number * 0.02 - loop.time()))
                left.append(await self._say(level, b"\xf8" + bytes(range(40)), 0, True))
            return left
        return self.gateway._do(run(), 60 + len(levels) / 50)

    async def _leave(self, detach):
        self.gateway.viewers.discard(self)
        if detach:
            await self.gateway._call({"janus": "detach", "handle_id": self.handle})
            self.gateway._queues.pop(self.handle, None)
        if self.pc:
            await self.pc.close()

    def leave(self, detach=True):
        """Ends the connection. Without `detach`, as a browser that just goes: the handle stays, and the peer closes
        DTLS."""
        self.gateway._do(self._leave(detach))

    def wait_until(self, media_ms):
        """Waits until all has come that its room, of which it has been a viewer from its beginning, sent it before that
        media time: what comes, comes in order."""
        clocks = {stream.kind: stream.clock for stream in self.streams.values()}

        def has_come(stream):
            passed = (stream.packets[-1].ts - self.rtp_start[stream.kind]) % (1 << 32)
            return passed < 1 << 31 and passed * 1000 >= media_ms * clocks[stream.kind]
        self.wait(lambda v: all(has_come(s) for s in (v.audio, v.video) if s))

    def wait(self, condition, timeout=WAIT_S):
        """Waits until condition(self) is true; returns its value."""
        end = time.monotonic() + timeout
        while not (value := condition(self)):
            if time.monotonic() > end:
                raise TimeoutError("what the viewer waited for did not come")
            time.sleep(0.01)
        return value
