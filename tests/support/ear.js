// SPDX-License-Identifier: GPL-3.0-or-later
/* What WebAudio hears of a stream, to the sample, in AudioWorklets.
 *
 *     import { hear } from '/ear.js';
 *     await hear(context, stream, 'beep', at => …);        // the context's time of a beep's first loud sample
 *     await hear(context, stream, 'sound', ({ at, samples }) => …);  // all of it, some 20 ms at a time; the first one's time
 */

const WORKLETS = `
/* The first loud sample after 0.3 s below. */
registerProcessor('beep', class extends AudioWorkletProcessor {
	quiet = 0;
	process([[x]]) {
		for (let i = 0; i < (x?.length ?? 0); i++) {
			if (Math.abs(x[i]) <= 0.25) {
				this.quiet++;
				continue;
			}
			if (this.quiet > 0.3 * sampleRate)
				this.port.postMessage((currentFrame + i) / sampleRate);
			this.quiet = 0;
		}
		return true;
	}
});
registerProcessor('sound', class extends AudioWorkletProcessor {
	kept = [];
	process([[x]]) {
		const { length } = this.kept;
		this.kept.push(...(x ?? new Float32Array(128)));
		if (length >= sampleRate / 50)
			this.port.postMessage({ at: (currentFrame - length) / sampleRate, samples: this.kept.splice(0) });
		return true;
	}
});`;

const loaded = new WeakMap();   // by context

function load(context) {
	if (!loaded.has(context)) {
		const url = URL.createObjectURL(new Blob([WORKLETS], { type: 'text/javascript' }));
		loaded.set(context, context.audioWorklet.addModule(url));
	}
	return loaded.get(context);
}

/* `context` at 48 kHz; `told` is called for each thing heard. */
export async function hear(context, stream, what, told) {
	await load(context);
	const node = new AudioWorkletNode(context, what, { channelCount: 1, channelCountMode: 'explicit' });
	node.port.onmessage = ({ data }) => told(data);
	const silent = context.createGain();
	silent.gain.value = 0;
	context.createMediaStreamSource(stream).connect(node).connect(silent).connect(context.destination);
	await context.resume();
}
