// SPDX-License-Identifier: GPL-3.0-or-later
/* What stands in front of the picture, if anything: why there is none, and a button where somebody can do something. */

import { isAnswer } from './gateway.js';
import { wantsToken } from './words.js';

const $ = id => document.getElementById(id);
const NO_ROOM = 455;   // docs/api.md
const BUTTONS = { refused: 'Enter the PIN', kicked: 'Come back', paused: 'Go on' };

export class Curtain {
	#dh = null;
	#info = null;
	#refusal = null;    // why the room does not let it in
	#wasThere = false;  // the room has been watched
	#isGone = false;    // and was destroyed since

	/* askPin() is called where the button is for that, fail(error) where what it is for failed. */
	constructor(askPin, fail) {
		$('curtain-button').addEventListener('click', () => this.#press(askPin, fail));
		addEventListener('offline', () => this.#dh.state === 'reconnecting' && this.#draw());
	}

	/* Of this digital human from now on, which enters its room. */
	follow(dh) {
		this.#dh = dh;
		this.#info = this.#refusal = null;
		this.#wasThere = this.#isGone = false;
	}

	/* The room as `list` or `info` has it; null: nothing is known. */
	show(info) {
		this.#info = info;
		this.#draw();
	}

	/* The room says that it was destroyed. */
	end() {
		this.#isGone = true;
	}

	status({ state, error }) {
		this.#refusal = state === 'refused' ? error : null;
		this.#isGone = this.#hasGone(state, error);
		this.#wasThere ||= state === 'playing' || state === 'paused';
		this.#draw();
	}

	/* Nothing comes from the room before somebody does something about it. */
	get isClosed() {
		const { state } = this.#dh;
		return ['kicked', 'refused', 'unsupported'].includes(state) || (this.#isGone && state === 'reconnecting');
	}

	get wantsToken() { return wantsToken(this.#refusal); }

	/* It may have gone while nothing came from there. What the gateway says itself counts more than what was so before. */
	#hasGone(state, error) {
		if (state === 'playing' || state === 'paused')
			return false;
		return error && isAnswer(error) ? error.code === NO_ROOM && (this.#isGone || this.#wasThere) : this.#isGone;
	}

	#words() {
		const { state, blocked, words } = this.#dh, info = this.#info;
		if (['preparing', 'playing'].includes(state) && info?.enabled === false)
			return 'The room is off just now. The picture comes back by itself.';
		if (blocked)
			return words;
		if (state === 'preparing' && info?.state === 'preparing')
			return 'The avatar is being prepared. It appears by itself.';
		if (state === 'preparing' && info?.state === 'failed')
			return 'The avatar of this room could not be prepared.';
		if (this.#isGone && state === 'reconnecting')
			return 'This room was closed. If it opens again, the picture comes back by itself.';
		return words;
	}

	#draw() {
		const { state, blocked } = this.#dh, words = this.#words();
		const button = (this.wantsToken ? 'Try again' : BUTTONS[state]) ?? (words && blocked ? 'Play' : '');
		$('curtain').hidden = !words;
		$('curtain').classList.toggle('over-picture', state !== 'connecting' && $('video').videoWidth > 0);
		if ($('curtain-text').textContent !== words)
			$('curtain-text').textContent = words;
		$('spinner').hidden = button !== '' || state === 'unsupported' || this.#info?.enabled === false;
		$('curtain-button').hidden = !button;
		$('curtain-button').textContent = button;
	}

	/* A click anywhere is enough where the browser waits for one. */
	#press(askPin, fail) {
		const { state } = this.#dh;
		if (state === 'kicked' || this.wantsToken)
			this.#dh.reconnect();
		else if (state === 'refused')
			askPin();
		else if (state === 'paused')
			this.#dh.resume().catch(fail);
	}
}
