// SPDX-License-Identifier: GPL-3.0-or-later
/* Whether sound and picture still come: looks once a second. Either is a sign of life. A room repeats pictures that
 * stand about once a second, and its silence has packets, too. Where nothing comes it asks the gateway, tries another way,
 * and then says that the connection is lost. */

import { failure } from './gateway.js';

const LOOK_MS = 1000;
const FIRST_MS = 10000;   // until the first byte: a path must be found
const SILENT_MS = 3000;   // without any more: is anybody there?
const LATE_MS = 2000;     // of a longer time between two looks no more counts: the page stood still, and took nothing
const SLEPT_MS = 5000;    // a look that took longer to come: the computer, or the page, was asleep
const PROBE_MS = 2000;    // until a gateway of which nothing comes any more says that it is there

export class Pulse {
	#on;
	#timer = null;
	#bytes = 0;
	#silence = 0;       // ms of looking since the last ones came
	#at = 0;            // of the last look
	#looked = 0;        // likewise, by the clock on the wall, which goes on while computers sleep
	#probing = false;
	#restarted = false; // another way was tried for what does not come

	/* on: pc() of now, or null; decoded() once there have been pictures, or (`soundIsEnough()`) sound; isPaused();
	 * ask(body, options), a request; restart(), a promise of another way for sound and picture, once the browser has taken
	 * it; lost(error) */
	constructor(on) {
		this.#on = on;
	}

	get hasBegun() { return this.#bytes > 0; }
	get isSilent() {
		return this.#timer !== null && this.#silence >= (this.#bytes ? SILENT_MS : FIRST_MS);
	}

	/* From now on something should come. */
	begin() {
		this.excuse();
		this.#at = performance.now();
		this.#looked = Date.now();
		this.#timer = setInterval(() => this.#look(), LOOK_MS);
	}

	/* As if something had come just now. */
	excuse() {
		this.#silence = 0;
	}

	stop() {
		clearInterval(this.#timer);
		this.#timer = null;
	}

	async #look() {
		const hasSlept = Date.now() - this.#looked > SLEPT_MS;
		this.#looked = Date.now();
		this.#silence += Math.min(performance.now() - this.#at, LATE_MS);
		this.#at = performance.now();
		const all = [...(await this.#on.pc()?.getStats())?.values() ?? []];
		if (this.#timer === null)
			return;
		const streams = all.filter(s => s.type === 'inbound-rtp');
		const bytes = streams.reduce((sum, s) => sum + s.bytesReceived, 0);
		if (streams.some(s => s.framesDecoded > 0) || (bytes > 0 && this.#on.soundIsEnough()))
			this.#on.decoded();
		if (bytes > this.#bytes) {
			this.#bytes = bytes;
			this.excuse();
			this.#restarted = false;
		}
		if (hasSlept || (this.isSilent && !this.#on.isPaused()))
			this.probe();
	}

	/* Why nothing comes. */
	noMedia() {
		return this.hasBegun ? failure('offline', 'The picture stopped.') :
			failure('media', 'No way was found for picture and sound.');
	}

	/* What the gateway says of the room; while something comes, a slow one has more time. */
	async #info() {
		const bytes = this.#bytes;
		try {
			return await this.#on.ask({ request: 'info' }, { timeout: PROBE_MS });
		} catch (error) {
			if (error.code !== 'timeout')
				throw error;
			await this.#look();
			if (this.#bytes === bytes)
				throw error;
			return this.#on.ask({ request: 'info' });
		}
	}

	/* Is the gateway there? If it is, and nothing comes although it should: another way for sound and picture, then
	 * another connection. */
	async probe() {
		if (this.#probing)
			return;
		this.#probing = true;
		try {
			const { info } = await this.#info();
			if (this.#on.isPaused() || !this.isSilent)
				return;
			const isSending = info.enabled !== false && !['preparing', 'failed'].includes(info.state);
			if (isSending && (this.#restarted || !this.hasBegun))
				throw this.noMedia();
			this.excuse();
			this.#restarted = isSending;
			if (!isSending)
				return;
			await this.#on.restart().catch(() => { throw this.noMedia(); });
			this.excuse();   // only now can anything come on it
		} catch (error) {
			if (error.code !== 457)
				this.#on.lost(error);
		} finally {
			this.#probing = false;
		}
	}
}
