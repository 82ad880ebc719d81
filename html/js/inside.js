// SPDX-License-Identifier: GPL-3.0-or-later
/* What `stats` says of the room, for whoever has its secret, and of the whole gateway, for whoever has the admin key.
 * The gateway is asked only while all this is open and the page is seen, and at most once a second. */

import { ask, recall, remember } from './ask.js';
import { facts } from './facts.js';
import { showFirstFrames } from './first.js';
import { RoomPlots } from './roomplots.js';
import { ViewersTable } from './viewers.js';
import { showGateway } from './whole.js';

const $ = id => document.getElementById(id);
const EVERY_MS = 1000;  // from an answer to the next question
const SHARE = 10;       // an answer that takes long, since there are many viewers, is asked for less often
const SELDOM_MS = 10000;
const WHOLE_EVERY = 5;  // each fifth time it is about the whole gateway

export class Inside {
	#dh = null;
	#plots = new RoomPlots();
	#viewers = new ViewersTable();
	#timer = null;
	#isAsking = false;
	#next = 0;            // when it may ask again
	#turn = 0;
	#barred = null;       // the room's secret that was wrong; '' for none
	#keyBarred = null;    // likewise the admin key

	/* unlock() asks for the room's secret. */
	constructor(unlock) {
		$('inside').addEventListener('toggle', () => this.#plan());
		document.addEventListener('visibilitychange', () => this.#plan());
		$('inside-unlock').addEventListener('click', unlock);
		$('whole-unlock').addEventListener('click', () => this.#askKey());
	}

	/* A new room. */
	follow(dh) {
		this.#dh = dh;
		this.#barred = null;
		this.#turn = 0;
		this.#plots.clear();
		this.#viewers.forget();
		this.#unlocked(null);
		showFirstFrames(null);
		this.#plan();
	}

	/* The room may be another one under the same id. */
	retry() {
		this.#barred = null;
	}

	/* The answer to `queue`. */
	queue({ queued_ms: ms }) {
		this.#plots.queued_ms = ms ?? null;
	}

	get #isSeen() { return $('inside').open && document.visibilityState === 'visible'; }

	#plan() {
		clearTimeout(this.#timer);
		if (!this.#isSeen) {
			this.#plots.forget();
			this.#viewers.forget();
		} else if (!this.#isAsking) {
			this.#timer = setTimeout(() => this.#look(), Math.max(0, this.#next - performance.now()));
		}
	}

	async #look() {
		if (!this.#isSeen)
			return;   // closed just now: the event comes later
		const begin = performance.now();
		this.#isAsking = true;
		if (['preparing', 'playing', 'paused'].includes(this.#dh.state))
			await (this.#isGatewaysTurn() ? this.#askGateway() : this.#askRoom());
		this.#isAsking = false;
		const end = performance.now();
		this.#next = end + Math.min(Math.max(EVERY_MS, (end - begin) * SHARE), SELDOM_MS);
		this.#plan();
	}

	#isGatewaysTurn() {
		return ++this.#turn % WHOLE_EVERY === 2 && !$('inside-body').hidden && this.#keyBarred !== this.#key;
	}

	/* --- the room */

	async #askRoom() {
		const dh = this.#dh, secret = dh.secret ?? '';
		if (this.#barred === secret)
			return;
		try {
			const answer = await dh.stats();
			if (dh === this.#dh && this.#isSeen)
				this.#show(answer);
		} catch (error) {
			if (!error.code)
				reportError(error);
			if (error.code !== 457 || dh !== this.#dh)
				return;
			this.#barred = secret;
			this.#unlocked(false);
		}
	}

	/* null: it is not known yet. */
	#unlocked(is) {
		$('inside-lock').hidden = is !== false;
		$('inside-body').hidden = !is;
	}

	#show(answer) {
		this.#barred = null;
		this.#unlocked(true);
		this.#plots.show(answer);
		this.#viewers.show(answer, this.#dh.viewer);
		showFirstFrames(answer.first_frame);
		facts('inside-facts', this.#plots.facts(answer));
	}

	/* --- the gateway */

	get #key() { return recall('admin', '') ?? ''; }

	async #askGateway() {
		const dh = this.#dh, key = this.#key;
		try {
			const answer = await dh.request({ request: 'stats', id: null, secret: null, pin: null, admin_key: key });
			if (dh === this.#dh)
				this.#showGateway(answer);
		} catch (error) {
			if (error.code !== 457 || dh !== this.#dh)
				return;
			this.#keyBarred = key;
			this.#showGateway(null);
			$('whole-text').textContent = key ? 'That admin key is not right.' :
				'Workers and cache are shown to whoever has the admin key.';
		}
	}

	#showGateway(answer) {
		$('whole-lock').hidden = answer !== null;
		$('whole-facts').hidden = answer === null;
		if (answer)
			showGateway(answer);
	}

	async #askKey() {
		const key = await ask({
			title: 'The gateway has an admin key',
			text: 'It stands in the configuration. This page keeps it as long as the tab is open.',
			label: 'Admin key', ok: 'Continue', hidden: true, wrong: Boolean(this.#keyBarred),
		});
		if (!key)
			return;
		remember('admin', '', key);
		this.#keyBarred = null;
		this.#turn = 1;   // at once
	}
}
