// SPDX-License-Identifier: GPL-3.0-or-later
/* Whether sound and picture still come: looks once a second. Either is a sign of life. A room repeats pictures that
 * stand about once a second, and its silence has packets, too. */

const LOOK_MS = 1000;
const FIRST_MS = 10000;   // until the first byte: a path must be found
const SILENT_MS = 3000;   // without any more: is anybody there?
const SLEPT_MS = 5000;    // a look that took longer to come: the computer, or the page, was asleep

export class Pulse {
	#on;
	#timer;
	#bytes = 0;
	#at = performance.now();  // when the last ones came
	#looked = Date.now();     // by the clock on the wall, which goes on while computers sleep

	/* on: pc() of now, or null; came() when there were more bytes; decoded() once there have been pictures, or
	 * (`soundIsEnough()`) sound; silent() when nothing comes, again and again; slept() */
	constructor(on) {
		this.#on = on;
		this.#timer = setInterval(() => this.#look(), LOOK_MS);
	}

	get hasBegun() { return this.#bytes > 0; }
	get isSilent() { return performance.now() - this.#at >= (this.#bytes ? SILENT_MS : FIRST_MS); }

	/* As if something had come just now. */
	excuse() {
		this.#at = performance.now();
	}

	stop() {
		clearInterval(this.#timer);
		this.#timer = null;
	}

	async #look() {
		const hasSlept = Date.now() - this.#looked > SLEPT_MS;
		this.#looked = Date.now();
		const all = [...(await this.#on.pc()?.getStats())?.values() ?? []];
		if (!this.#timer)
			return;
		const streams = all.filter(s => s.type === 'inbound-rtp');
		const bytes = streams.reduce((sum, s) => sum + s.bytesReceived, 0);
		if (streams.some(s => s.framesDecoded > 0) || (bytes > 0 && this.#on.soundIsEnough()))
			this.#on.decoded();
		if (bytes > this.#bytes) {
			this.#bytes = bytes;
			this.excuse();
			this.#on.came();
		}
		if (hasSlept)
			this.#on.slept();
		else if (this.isSilent)
			this.#on.silent();
	}
}
