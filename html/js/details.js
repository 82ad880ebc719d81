// SPDX-License-Identifier: GPL-3.0-or-later
/* What only those learn who know the room's secret: what was heard so far, and where the
 * time goes. */

import { showFirstFrames } from './first.js';

export class Details {
	#heard;
	#barred = null;   // the secret that was wrong; '' for none

	/* heard(text) is called with what was heard of what plays. */
	constructor(heard) {
		this.#heard = heard;
	}

	/* A new room. */
	clear() {
		this.#barred = null;
		showFirstFrames(null);
	}

	/* `playing`: as in the answer to `queue`; isPresent() turns false once another room is shown. */
	async refresh(dh, playing, isPresent) {
		const secret = dh.secret ?? '';
		if (this.#barred === secret)
			return;
		try {
			const { first_frame: first } = await dh.stats();
			const heard = playing && (await dh.progress(playing.segment)).heard_text;
			if (!isPresent())
				return;
			showFirstFrames(first);
			this.#heard(heard);
		} catch (error) {
			if (error.code === 457 && isPresent())
				this.#barred = secret;
		}
	}
}
