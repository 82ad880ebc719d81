# SPDX-License-Identifier: GPL-3.0-or-later
"""What a viewer received, and what it says: packets, pictures, pacing, sender reports.

Pure: nothing here touches a socket or a clock. Times are seconds (of the kernel's
realtime clock, as packets arrived) unless a name ends in _ms.
"""
import collections

import av
import numpy as np

CLOCK = {"audio": 48000, "video": 90000}
NTP_EPOCH = 2208988800

# arrival: seconds; size: of the whole protected packet; payload: None if it was not kept; extensions: as they came
Packet = collections.namedtuple("Packet", "arrival seq ts marker size payload extensions", defaults=(b"",))
Report = collections.namedtuple("Report", "arrival ntp ts lsr")
# data: the VP8 frame, None if packets are missing; key: a key frame
Picture = collections.namedtuple("Picture", "arrival last ts picture_id tl0picidx tid key data packets")


class Stream:
    """One received SSRC."""

    def __init__(self, kind, ssrc, payload_type):
        self.kind, self.ssrc, self.payload_type = kind, ssrc, payload_type
        self.clock = CLOCK[kind]
        self.packets, self.reports = [], []
        self.first = self.highest = None        # sequence numbers
        self.cycles = self.received = self._reports_taken = 0

    def add(self, packet):
        self.received += 1
        if self.highest is None:
            self.first = self.highest = packet.seq
        elif 0 < (packet.seq - self.highest & 0xffff) < 0x8000:
            self.cycles += packet.seq < self.highest
            self.highest = packet.seq
        self.packets.append(packet)

    def extended_highest(self):
        return (self.cycles << 16) + (self.highest or 0)

    def lost_so_far(self):
        return max(0, self.extended_highest() - (self.first or 0) + 1 - self.received)

    def take(self):
        """(packets, reports) since the last call, which are forgotten, so that a stream
        can be followed for hours. The newest report is kept: receiver reports name it."""
        taken = self.packets, self.reports[self._reports_taken:]
        self.packets, self.reports = [], self.reports[-1:]
        self._reports_taken = len(self.reports)
        return taken

    def missing(self, since=0, until=np.inf):
        """(lost, duplicate, out of order) packets, of those that arrived from `since` on and before `until`."""
        seq = unwrap([p.seq for p in self.packets if since <= p.arrival < until], 16)
        unique = len(np.unique(seq))
        return int(seq.max() - seq.min() + 1) - unique, len(seq) - unique, int((np.diff(seq) < 0).sum())

    def media_times(self):
        """RTP timestamps as seconds on an axis without wraps, one for each packet."""
        return unwrap([p.ts for p in self.packets], 32) / self.clock

    def media_time(self, ts):
        """Any RTP timestamp on that axis."""
        first = self.packets[0].ts
        return (first + (int(ts) - first + (1 << 31)) % (1 << 32) - (1 << 31)) / self.clock


def unwrap(values, bits):
    """A wrapping counter as whole numbers around its first value."""
    values = np.asarray(values, dtype=np.int64)
    half, full = 1 << (bits - 1), 1 << bits
    return np.concatenate([values[:1], values[0] + np.cumsum((np.diff(values) + half) % full - half)])


def spread(values, digits=3):
    """Median, percentiles and extremes of a list; None if it is empty."""
    x = np.asarray([v for v in values if v is not None], dtype=float)
    if not len(x):
        return None
    of = {"median": np.median(x), "p95": np.percentile(x, 95), "p99": np.percentile(x, 99),
          "min": x.min(), "max": x.max()}
    return {"n": len(x), **{k: round(float(v), digits) for k, v in of.items()}}


def extensions(packet):
    """Header extensions of one byte (RFC 8285): {id: data}."""
    found, at = {}, 4
    while at < len(packet.extensions):
        number, size = packet.extensions[at] >> 4, (packet.extensions[at] & 15) + 1
        if number:
            found[number] = packet.extensions[at + 1:at + 1 + size]
        at += 1 + size if number else 1
    return found


# ------------------------------------------------------------------- pictures

def descriptor(payload):
    """Fields of a VP8 payload descriptor (RFC 7741) and where the data begins."""
    first, at = payload[0], 1
    fields = {"start": bool(first & 0x10) and not first & 7}
    if first & 0x80:
        extension, at = payload[1], 2
        if extension & 0x80:
            if payload[at] & 0x80:
                fields["picture_id"], at = (payload[at] & 0x7f) << 8 | payload[at + 1], at + 2
            else:
                fields["picture_id"], at = payload[at], at + 1
        if extension & 0x40:
            fields["tl0picidx"], at = payload[at], at + 1
        if extension & 0x30:
            fields["tid"], at = payload[at] >> 6, at + 1
    return fields, at


def pictures(stream):
    """The pictures of a video stream, in order; needs the payloads. A picture whose marker has not come by the end
    is left out: it is incomplete."""
    out, parts = [], []

    def finish():
        fields = descriptor(parts[0].payload)[0]
        data = b"".join(p.payload[descriptor(p.payload)[1]:] for p in parts)
        whole = fields["start"] and parts[-1].marker and all(
            (b.seq - a.seq) & 0xffff == 1 for a, b in zip(parts, parts[1:]))
        out.append(Picture(parts[0].arrival, parts[-1].arrival, parts[0].ts, fields.get("picture_id"),
                           fields.get("tl0picidx"), fields.get("tid"), whole and not data[0] & 1,
                           data if whole else None, len(parts)))
        parts.clear()

    for packet in stream.packets:
        if parts and (descriptor(packet.payload)[0]["start"] or packet.ts != parts[0].ts):
            finish()
        parts.append(packet)
        if packet.marker:
            finish()
    return out


class Vp8Decoder:
    """libavcodec's own VP8 decoder, not the library that encoded."""

    def __init__(self):
        self._codec = av.CodecContext.create("vp8", "r")
        self._codec.thread_count = 1

    def decode(self, data):
        """The planes of the picture as one array, or None when nothing is shown. Raises
        av.error.FFmpegError for what cannot be decoded."""
        frames = self._codec.decode(av.Packet(data))
        return frames[0].to_ndarray() if frames else None


def decode_pictures(data):
    """Decodes VP8 frames from the first key frame on: one array (or None) for each."""
    decoder, out, started = Vp8Decoder(), [], False
    for frame in data:
        started = started or (frame is not None and not frame[0] & 1)
        out.append(decoder.decode(frame) if started and frame is not None else None)
    return out


def decode_sound(packets):
    """[(media seconds of packet, float samples at 48 kHz)] of Opus packets, mono."""
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate, decoder.layout = 48000, "stereo"
    out = []
    for packet in packets:
        for frame in decoder.decode(av.Packet(packet.payload)):
            x = frame.to_ndarray().astype(np.float32)
            x = x[0] if frame.format.is_planar else x.reshape(-1, len(frame.layout.channels))[:, 0]
            out.append((packet, x / 32768 if frame.format.name.startswith("s16") else x))
    return out


# --------------------------------------------------------------------- pacing

class Line:
    """When frames should have arrived: arrival = RTP time + a constant, slope exactly 1.

    `late_ms` is relative to the earliest frame (strict: nothing is early, everything less than perfect is late);
    `off_ms` to the median one. Of what arrived from `since` on and before `until`.
    """

    def __init__(self, stream, since=0, until=np.inf):
        media = stream.media_times()    # more packets may come meanwhile
        t = np.array([p.arrival for p in stream.packets[:len(media)]])
        first = np.concatenate([[True], np.diff(media) != 0]) & (since <= t) & (t < until)
        self.arrival, self.media = t[first], media[first]
        offset = self.arrival - self.media
        self.constant = float(np.median(offset)) if len(offset) else 0.0
        self.earliest = float(offset.min()) if len(offset) else 0.0
        self.late_ms = (offset - offset.min()) * 1000 if len(offset) else offset
        self.off_ms = np.abs(offset - self.constant) * 1000

    def slope_ppm(self):
        """Drift of the RTP clock against real time (+: slower than its timestamps say)."""
        return float(np.polyfit(self.media - self.media[0], self.arrival - self.arrival[0], 1)[0] - 1) * 1e6


def report_skew_ms(audio, video, since=0, until=np.inf):
    """For each sender report of the video and the audio's nearest one: how far the
    two place the picture behind the sound, beyond what arrival times say."""
    def errors(stream):
        constant = Line(stream, since, until).constant
        return [(r.ntp, r.ntp - stream.media_time(r.ts) - constant) for r in stream.reports if since <= r.arrival < until]
    sound, out = errors(audio), []
    for ntp, error in errors(video):
        if sound:
            near = min(sound, key=lambda s: abs(s[0] - ntp))
            if abs(near[0] - ntp) < 2.5:
                out.append((error - near[1]) * 1000)
    return out


def offset_by_order(audio, video):
    """How far the video's media times are ahead of the audio's, judging by the order of sending: (at least, at most).
    What has the same time is sent together, and everything for a viewer in order of time, however late, so a busy
    machine changes nothing. Key frames are left out, because they are sent on request. Where there is sound, the
    two are at most one audio packet apart."""
    sounds = audio.media_times()        # more packets may come meanwhile
    arrivals = np.array([p.arrival for p in audio.packets[:len(sounds)]])
    least, most = -np.inf, np.inf
    for picture in pictures(video):
        time, behind = video.media_time(picture.ts), np.searchsorted(arrivals, picture.arrival)
        if picture.key:
            continue
        if behind > 0:
            most = min(most, time - sounds[behind - 1])
        if behind < len(sounds):
            least = max(least, time - sounds[behind])
    return float(least), float(most)


def by_reports(stream, ts, when):
    """Wall time of an RTP timestamp as a receiver computes it at `when`, from the newest sender report by then (or
    the first one)."""
    report = ([r for r in stream.reports if r.arrival <= when] or stream.reports[:1])[-1]
    return report.ntp + (stream.media_time(ts) - stream.media_time(report.ts))
