# SPDX-License-Identifier: GPL-3.0-or-later
"""What a page receives of a sentence, packet by packet, and whether it plays sound. How well it plays depends on
the browser: a busy one conceals, stretches and skips.
"""
import collections
import os
import subprocess
import tempfile

import numpy as np

import dhs
import rtp

Packet = collections.namedtuple("Packet", "payload at")

# For Chromium.open: collects the sound's packets in `received` as they arrive, each in hexadecimal with its RTP timestamp.
TAP = """(() => {
    const tap = `onrtctransform = ({ transformer }) => {
        const hex = bytes => [...new Uint8Array(bytes)].map(b => b.toString(16).padStart(2, '0')).join('');
        transformer.readable.pipeThrough(new TransformStream({ transform(frame, next) {
            postMessage([hex(frame.data), frame.getMetadata().rtpTimestamp]);
            next.enqueue(frame);
        } })).pipeTo(transformer.writable);
    };`;
    window.received = [];
    window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(...given) {
            super(...given);
            this.addEventListener('track', ({ track, receiver }) => {
                if (track.kind !== 'audio')
                    return;
                const worker = new Worker(URL.createObjectURL(new Blob([tap], { type: 'text/javascript' })));
                worker.onmessage = event => received.push(event.data);
                receiver.transform = new RTCRtpScriptTransform(worker);
            });
        }
    };
})()"""

# Listens to what the room plays: `heard` is its loudness, one number for each 20 ms.
LISTEN = """(async () => {
    const meter = `registerProcessor('meter', class extends AudioWorkletProcessor {
        sum = 0; n = 0;
        process([[channel]]) {
            for (const x of channel ?? []) {
                this.sum += x * x;
                if (++this.n === 960) {
                    this.port.postMessage(Math.sqrt(this.sum / 960));
                    this.sum = this.n = 0;
                }
            }
            return true;
        }
    });`;
    const context = new AudioContext({ sampleRate: 48000 });
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([meter], { type: 'text/javascript' })));
    const node = new AudioWorkletNode(context, 'meter');
    window.heard = [];
    node.port.onmessage = event => heard.push(event.data);
    context.createMediaStreamSource(digitalhuman.stream).connect(node).connect(context.destination);
    await context.resume();
})()"""


def samples(received):
    """The packets of TAP's `received` decoded, at 48 kHz, each where its timestamp says (silence is sent less often than
    every 20 ms, and decodes to silence); the first one's timestamp; and where the packets begin."""
    first = received[0][1]
    received = sorted(received, key=lambda packet: (packet[1] - first + (1 << 31)) % (1 << 32))
    ats = [at - received[0][1] & 0xffffffff for _, at in received]
    sound = np.zeros(ats[-1] + 960, np.float32)
    decoded = rtp.decode_sound([Packet(bytes.fromhex(data), at) for (data, _), at in zip(received, ats)])
    for packet, piece in decoded:
        sound[packet.at:packet.at + len(piece)] = piece
    return sound, received[0][1], ats


class Spoken:
    """What the demonstration's generator makes of a text: `packets`, as dh-prepare encodes them, and
    `loudness`, as LISTEN counts it."""

    def __init__(self, text, voice):
        talker = os.path.join(os.environ["DH_BUILD"], "dh-talker")
        film = subprocess.run([talker, "--voice", voice, text], stdin=subprocess.DEVNULL, capture_output=True,
                              check=True).stdout
        sound = subprocess.run(["ffmpeg", "-v", "error", "-i", "-", "-vn", "-f", "f32le", "-ac", "1", "-ar", "48000", "-"],
                               input=film, capture_output=True, check=True).stdout
        samples = np.frombuffer(sound, np.float32)
        self.loudness = np.sqrt((samples[:len(samples) // 960 * 960].reshape(-1, 960) ** 2).mean(axis=1))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "film.dhs")
            subprocess.run([os.environ["DH_PREPARE"], "--quiet", "-", "-o", path], input=film, check=True)
            self.packets = [unit.data for unit in dhs.Segment(path).audio]


def missed(received, wanted):
    """How many of the packets `wanted` are not in the received ones, in order; None if something
    else was spoken. Silence that a room inserts while it waits for its generator does not count."""
    spoken, rest = [data for data in received if len(data) > 3], iter(data for data in wanted if len(data) > 3)
    for data in spoken:
        if data not in rest:  # consumes `rest` up to it
            return None
    return sum(len(data) > 3 for data in wanted) - len(spoken)
