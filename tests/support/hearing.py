"""Whether what a page plays is what was synthesised: loudness against loudness, 20 ms each."""
import os
import subprocess

import numpy as np

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

WINDOW = 25  # half a second
EARLIER = 3  # how much a browser that has fallen behind leaves out


def synthesised(text, voice):
    """The loudness of what the demonstration's generator makes of a text, as LISTEN counts it."""
    talker = os.path.join(os.environ["DH_BUILD"], "dh-talker")
    film = subprocess.run([talker, "--voice", voice, text], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    sound = subprocess.run(["ffmpeg", "-v", "error", "-i", "-", "-vn", "-f", "f32le", "-ac", "1", "-ar", "48000", "-"],
                           input=film.stdout, capture_output=True, check=True).stdout
    samples = np.frombuffer(sound, np.float32)
    return np.sqrt((samples[:len(samples) // 960 * 960].reshape(-1, 960) ** 2).mean(axis=1))


def likeness(heard, wanted):
    """How alike they are, 1 where they are the same but for loudness: each half second of `wanted`
    is looked for in `heard`, behind the one before it, and the best correlations' mean is returned.

    So sound that a browser plays a little faster or slower to keep up, and pauses where the room
    waits for the generator, count little. Another sentence comes to 0.8 at most.
    """
    heard, wanted = (np.convolve(x, np.ones(5) / 5, "same") for x in (heard, wanted))
    places = normalised(np.lib.stride_tricks.sliding_window_view(heard, WINDOW))
    windows = normalised(wanted[:len(wanted) // WINDOW * WINDOW].reshape(-1, WINDOW))
    total = places @ windows[0]
    for window in windows[1:]:
        # the best of all before, where it leaves room for this one
        before = np.full(len(places), -np.inf)
        before[WINDOW - EARLIER:] = np.maximum.accumulate(total)[:EARLIER - WINDOW]
        total = before + places @ window
    return total.max() / len(windows)


def normalised(rows):
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
