// SPDX-License-Identifier: GPL-3.0-or-later
/* What only those learn who know the room's secret: what was heard so far, and who may barge in. */

export class Details {
	#told;
	#barred = null;   // the secret that was wrong; '' for none

	/* told.heard(text) is called with what was heard of what plays, told.floor(answer) with the answer to `floor`, unless
	 * told.knowsFloor() says that it need not be asked for. */
	constructor(told) {
		this.#told = told;
	}

	/* A new room, or perhaps another one under the same id. */
	clear() {
		this.#barred = null;
	}

	/* `playing`: as in the answer to `queue`; isPresent() turns false once another room is shown. */
	async refresh(dh, playing, isPresent) {
		const secret = dh.secret ?? '';
		if (this.#barred === secret)
			return;
		try {
			const heard = playing && (await dh.progress(playing.segment)).heard_text;
			const floor = !this.#told.knowsFloor() && await dh.floor();
			if (!isPresent())
				return;
			this.#told.heard(heard);
			if (floor)
				this.#told.floor(floor);
		} catch (error) {
			if (error.code === 457 && isPresent())
				this.#barred = secret;
		}
	}
}
