# SPDX-License-Identifier: GPL-3.0-or-later
"""A viewer made of GStreamer's webrtcbin. Its first argument is the bundle policy. Says that it is ready, reads the offer, a line of
JSON, writes the answer as another, then how many packets of sound and pictures have come, a line ten times a second. With a second
argument, "offers", it writes the offer and reads the answer. Ends with its input. Exit code 77: this machine has no webrtcbin."""
import json
import sys
import threading

try:
    import gi
    gi.require_version("Gst", "1.0")
    gi.require_version("GstWebRTC", "1.0")
    gi.require_version("GstSdp", "1.0")
    from gi.repository import GLib, Gst, GstSdp, GstWebRTC
    Gst.init(None)
except (ImportError, ValueError):
    sys.exit(77)
if not all(Gst.ElementFactory.find(name) for name in ("webrtcbin", "nicesink", "dtlsdec", "srtpdec")):
    sys.exit(77)

kept = []                               # until the end: the bindings do not count these references
received = {"audio": 0, "video": 0}
pipeline = Gst.Pipeline()
loop = GLib.MainLoop()
peer = Gst.ElementFactory.make("webrtcbin")
peer.set_property("bundle-policy", sys.argv[1])
pipeline.add(peer)


def say(what):
    print(json.dumps(what), flush=True)


def on_pad(_, pad):
    kind = pad.get_current_caps().get_structure(0).get_string("media")
    sink = Gst.ElementFactory.make("fakesink")
    sink.set_property("signal-handoffs", True)
    sink.set_property("sync", False)
    sink.connect("handoff", lambda *_: received.__setitem__(kind, received[kind] + 1))
    pipeline.add(sink)
    sink.sync_state_with_parent()
    pad.link(sink.get_static_pad("sink"))


def description(kind, text):
    _, sdp = GstSdp.SDPMessage.new_from_text(text)
    kept.append(GstWebRTC.WebRTCSessionDescription.new(getattr(GstWebRTC.WebRTCSDPType, kind.upper()), sdp))
    return kept[-1]


def on_gathered(kind):
    if peer.get_property("ice-gathering-state") != GstWebRTC.WebRTCICEGatheringState.COMPLETE:
        return
    say({"type": kind, "sdp": peer.get_property("local-description").sdp.as_text()})
    if kind == "offer":
        line = sys.stdin.readline()
        if not line:
            GLib.idle_add(loop.quit)
            return
        peer.emit("set-remote-description", description("answer", json.loads(line)["sdp"]), Gst.Promise.new())
    GLib.timeout_add(100, lambda: say(received) or True)
    threading.Thread(target=lambda: (sys.stdin.read(), GLib.idle_add(loop.quit)), daemon=True).start()


def on_made(promise, kind):
    reply = promise.get_reply()         # owns what was made
    peer.emit("set-local-description", description(kind, reply.get_value(kind).sdp.as_text()), Gst.Promise.new())


def make(kind):
    peer.connect("notify::ice-gathering-state", lambda *_: on_gathered(kind))
    peer.emit("create-" + kind, None, Gst.Promise.new_with_change_func(on_made, kind))


def offer():
    for media in ("audio,encoding-name=OPUS,payload=111,clock-rate=48000", "video,encoding-name=VP8,payload=96,clock-rate=90000"):
        caps = Gst.Caps.from_string("application/x-rtp,media=" + media)
        peer.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, caps)
    make("offer")


def answer():
    promise = Gst.Promise.new()
    peer.emit("set-remote-description", description("offer", json.loads(sys.stdin.readline())["sdp"]), promise)
    promise.wait()
    make("answer")


def main():
    say({"ready": True})
    peer.connect("pad-added", on_pad)
    pipeline.set_state(Gst.State.PLAYING)
    offer() if sys.argv[2:] == ["offers"] else answer()
    loop.run()
    pipeline.set_state(Gst.State.NULL)


main()
