// SPDX-License-Identifier: GPL-3.0-or-later
/* The gateway's offers, which are answered one after the other: browsers take none while they answer another one. What a
 * viewer wants to be sent, and whether it is heard, can be said only after the first answer. */

import { failure } from './gateway.js';

export class Offers {
	#on;
	#answered;   // a promise of what became of the last one's answer: an error, or nothing
	#count = 0;  // of them, and of connections that ended

	/* on: connected() is a promise of the end of the present attempt to connect; answer(jsep, before), one of an error or of
	 * nothing, waits for `before`; configure(fields), one of the gateway's answer */
	constructor(on) {
		this.#on = on;
	}

	/* The connection is over. */
	forget() {
		this.#count++;
		this.#answered = undefined;
	}

	take(jsep) {
		this.#count++;
		this.#answered = this.#on.answer(jsep, this.#answered);
	}

	/* A promise: all that there are have been answered, those of a connection that was made anew meanwhile, too. */
	async answered() {
		for (let seen; seen !== this.#count;) {
			seen = this.#count;
			await this.#on.connected();
			await this.#answered;
		}
	}

	/* Whether the gateway listens to this viewer: an offer of its own, which comes with the answer. */
	async negotiate(on) {
		await this.answered();
		const before = this.#answered;
		const { result } = await this.#on.configure({ microphone: on });
		if (on && !result.microphone)
			throw failure('gateway', 'This gateway listens to nobody.');
		const error = this.#answered !== before && await this.#answered;
		if (error)
			throw error;
	}
}
