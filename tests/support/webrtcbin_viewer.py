# SPDX-License-Identifier: GPL-3.0-or-later
"""A viewer made of GStreamer's webrtcbin. Its argument is the bundle policy. Says that it is ready, reads the offer, a line of JSON,
writes the answer as another, then how many packets of sound and pictures have come, a line ten times a second. Ends with its
input. Exit code 77: this machine has no webrtcbin."""
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


def on_gathered(*_):
    if peer.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
        say({"type": "answer", "sdp": peer.get_property("local-description").sdp.as_text()})
        GLib.timeout_add(100, lambda: say(received) or True)


def on_answer(promise):
    reply = promise.get_reply()         # owns the answer
    answer = reply.get_value("answer")
    text = answer.sdp.as_text()
    _, sdp = GstSdp.SDPMessage.new_from_text(text)
    kept.append(GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp))
    peer.emit("set-local-description", kept[-1], Gst.Promise.new())


def main():
    say({"ready": True})
    offer = json.loads(sys.stdin.readline())["sdp"]
    loop = GLib.MainLoop()
    peer.connect("pad-added", on_pad)
    peer.connect("notify::ice-gathering-state", on_gathered)
    pipeline.set_state(Gst.State.PLAYING)
    _, sdp = GstSdp.SDPMessage.new_from_text(offer)
    kept.append(GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.OFFER, sdp))
    promise = Gst.Promise.new()
    peer.emit("set-remote-description", kept[-1], promise)
    promise.wait()
    peer.emit("create-answer", None, Gst.Promise.new_with_change_func(on_answer))
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    loop.run()
    pipeline.set_state(Gst.State.NULL)


main()
