// SPDX-License-Identifier: GPL-3.0-or-later
/* What this viewer has asked for by `configure`, for the connections after this one. */

const DELAYS = ['min_delay', 'max_delay'];   // one without the other means something else
const OTHERS = ['quality', 'temporal', ...DELAYS];

export class Wishes {
	#media = { audio: true, video: true };
	#others = {};
	#isMet = false;   // the present connection has been asked for all of it

	get wantsVideo() { return this.#media.video; }

	/* Another connection begins, with nothing of it. */
	begin() {
		this.#isMet = false;
	}

	met() {
		this.#isMet = true;
	}

	/* Of a `configure` for all of it; null: there is nothing to ask for. */
	get fields() {
		const isPart = !(this.#media.audio && this.#media.video);
		const fields = { ...this.#others, ...(isPart && this.#media) };
		return Object.keys(fields).length ? fields : null;
	}

	/* The room, which may be another one, does not take all of it. Returns whether there is less to ask for now. */
	reduce() {
		const had = Object.keys(this.#others).length > 0;
		this.#others = {};
		return had;
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
