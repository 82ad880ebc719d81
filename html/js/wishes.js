// SPDX-License-Identifier: GPL-3.0-or-later
/* What this viewer has asked for by `configure`, `pause` and `start`, for the connections after this one. */

import { isAnswer } from './gateway.js';

const DELAYS = ['min_delay', 'max_delay'];   // one without the other means something else
const OTHERS = ['quality', 'temporal', ...DELAYS];

export class Wishes {
	isPaused = false;
	#media = { audio: true, video: true };
	#others = {};
	#isMet = false;   // the present connection has been asked for all of it

	get wantsVideo() { return this.#media.video; }

	/* Another connection begins, with nothing of it. */
	begin() {
		this.#isMet = false;
	}

	/* That connection has been asked for all of it. */
	met() {
		this.#isMet = true;
	}

	/* Asks for all of it: configure(fields) is a promise of the answer. A room, which may be another one, need not take all. */
	async restore(configure) {
		const isPart = !(this.#media.audio && this.#media.video);
		const fields = { ...this.#others, ...(isPart && this.#media) };
		try {
			if (Object.keys(fields).length)
				await configure(fields);
		} catch (error) {
			if (!isAnswer(error) || !Object.keys(this.#others).length)
				throw error;
			this.#others = {};
			await this.restore(configure);
		}
	}

	/* Whether it is to be paused is known before the answer that ask() is a promise of, unless that says no. */
	async pause(isPaused, ask) {
		const before = this.isPaused;
		this.isPaused = isPaused;
		try {
			return await ask();
		} catch (error) {
			if (isAnswer(error))
				this.isPaused = before;
			throw error;
		}
	}

	/* `media`: the answer's audio and video. As long as the connection is not what is wished for, only what was `asked` for counts. */
	take(asked = {}, media) {
		if (DELAYS.some(name => name in asked))
			DELAYS.forEach(name => delete this.#others[name]);
		for (const name of OTHERS.filter(other => other in asked))
			this.#others[name] = asked[name];
		for (const name of ['audio', 'video'].filter(medium => this.#isMet || medium in asked))
			this.#media[name] = media[name];
	}
}
