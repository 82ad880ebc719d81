// SPDX-License-Identifier: GPL-3.0-or-later
/* The moderator's side of the floor, for whoever has the room's secret: whose voice counts, who has the floor, and who waits
 * for it. While the card is open, an observer of the page's own hears of all viewers, and `floor` is asked for when
 * something has changed; what passes by itself, time, is not asked for. */

import { Asks } from './asks.js';
import { put } from './element.js';
import { announce } from './tell.js';
import { clock } from './words.js';

const $ = id => document.getElementById(id);
const CONNECTED = ['preparing', 'playing', 'paused'];
/* Why nobody has it. */
const FREE = {
	one: 'Whoever asks or speaks first gets it.', named: 'Whoever asks waits until it is given.',
};
const BETWEEN_MS = 200;    // from an answer to the next question, when many ask at once
const AGAIN_MS = 10000;    // until an observer is wanted again that found no place

export class Floor {
	#dh = null;
	#unlisten = [];
	#told;
	#asks;
	#answer = null;        // to `floor`; null where there is none
	#at = 0;               // when it came
	#speaking = new Set();
	#silentSince = 0;      // of who has it, where it does not speak
	#observer = null;      // { end } of the one that hears of it, or is about to
	#next = 0;             // when there may be another
	#isAsking = false;
	#isStale = false;      // something has changed since it was asked for
	#isChanging = false;
	#timer = null;

	/* act(request) does what wants the room's secret; told(answer) is called with each answer to `floor`. */
	constructor(act, told) {
		this.#told = told;
		this.#asks = new Asks({
			give: viewer => act(() => this.#dh.giveFloor(viewer)), refuse: viewer => act(() => this.#dh.takeFloor(viewer)),
		});
		$('take').addEventListener('click', () => {
			const { viewer } = this.#answer;   // and nobody who has it by then
			act(() => this.#dh.takeFloor(viewer));
		});
		$('barge-in-by').addEventListener('change', () => this.#change(act));
		const look = () => {
			this.#draw();
			this.#plan();
		};
		$('moderator').addEventListener('toggle', look);
		document.addEventListener('visibilitychange', look);
	}

	/* Of this digital human from now on. */
	follow(dh) {
		this.#unlisten.forEach(unlisten => unlisten());
		this.#forget();
		this.#dh = dh;
		this.#next = 0;
		this.#unlisten = [dh.on('status', () => this.#plan()), dh.on('wrong', key => key === 'secret' && this.#forget())];
	}

	/* It asks by itself. */
	get isTold() { return Boolean(this.#observer?.end); }

	/* The answer to `floor`. */
	show(answer) {
		const before = this.#answer;
		this.#answer = answer;
		this.#at = performance.now();
		this.#speaking = new Set(answer.speaking);
		this.#silentSince = this.#at - (answer.silent_ms ?? 0);
		if (!this.#isChanging && document.activeElement !== $('barge-in-by'))
			$('barge-in-by').value = answer.barge_in_by;
		$('moderator').hidden = !this.#hasFloor;
		if (before && this.#isSeen)
			this.#announce(before);
		this.#draw();
		this.#plan();
		this.#told(answer);
	}

	get #hasFloor() { return ['one', 'named'].includes(this.#answer?.barge_in_by); }
	get #isSeen() { return $('moderator').open && this.#hasFloor && document.visibilityState === 'visible'; }

	#forget() {
		this.#stop();
		this.#answer = null;
		this.#isStale = false;
		clearTimeout(this.#timer);
		$('moderator').hidden = true;
		$('barge-in-by').value = '';
		this.#asks.show([], this.#name);
	}

	#name = viewer => (viewer === this.#dh?.viewer ? `Viewer ${viewer}, this page` : `Viewer ${viewer}`);

	/* --- what the gateway is asked */

	#plan() {
		if (!this.#isSeen || !CONNECTED.includes(this.#dh.state))
			return this.#stop();
		if (this.#observer)
			return this.#ask();
		return performance.now() >= this.#next && this.#observe();
	}

	async #observe() {
		const observer = this.#observer = { end: null };
		this.#next = performance.now() + AGAIN_MS;
		try {
			const end = await this.#dh.observe(event => observer === this.#observer && this.#take(event),
				() => observer === this.#observer && this.#lose());
			if (observer !== this.#observer)
				return end();
			observer.end = end;
			this.#isStale = true;
			return this.#ask();
		} catch {
			if (observer === this.#observer)
				this.#observer = null;   // and others ask for `floor`, again and again
			return undefined;
		}
	}

	#stop() {
		if (this.#observer?.end)
			this.#next = 0;
		this.#observer?.end?.();
		this.#observer = null;
		clearTimeout(this.#timer);
	}

	/* The gateway has ended it. */
	#lose() {
		this.#observer = null;
		this.#next = performance.now() + AGAIN_MS;
	}

	/* One at a time. */
	async #ask() {
		if (!this.#isStale || this.#isAsking || !this.isTold)
			return;
		const dh = this.#dh;
		this.#isAsking = true;
		this.#isStale = false;
		try {
			const answer = await dh.floor();
			if (dh === this.#dh && this.isTold)
				this.show(answer);
		} catch (error) {
			this.#isStale = error.code === 'timeout';
			if (error.code === 457 && dh === this.#dh)
				this.#forget();
		}
		setTimeout(() => {
			this.#isAsking = false;
			this.#ask();
		}, BETWEEN_MS);
	}

	/* What all viewers do. */
	#take({ event, viewer }) {
		if (event === 'viewer_speaking')
			this.#speaking.add(viewer);
		else if (event === 'viewer_silent')
			this.#speaking.delete(viewer);
		if (event === 'viewer_silent' && viewer === this.#answer?.viewer)
			this.#silentSince = performance.now();
		if (event.startsWith('viewer_'))
			return this.#draw();
		if (!event.startsWith('floor_') && event !== 'edited')
			return undefined;
		this.#isStale = true;
		return this.#ask();
	}

	async #change(act) {
		const who = $('barge-in-by').value;
		this.#isChanging = true;
		const isDone = await act(() => this.#dh.bargeIn({ barge_in_by: who }));
		this.#isChanging = false;
		if (!isDone)
			$('barge-in-by').value = this.#answer?.barge_in_by ?? '';
	}

	/* --- what is seen, and said */

	/* Who has it now, or that somebody waits while nobody did. */
	#announce(before) {
		const { viewer, waiting } = this.#answer;
		if (viewer !== before.viewer && viewer !== this.#dh.viewer)
			announce(viewer === null ? 'Nobody has the floor.' : `${this.#name(viewer)} has the floor.`);
		else if (waiting.length && !before.waiting.length)
			announce(`${this.#name(waiting[0])} asks for the floor.`);
	}

	/* Until it is free again, in milliseconds, and whether only silence makes it so; null: for ever. */
	#left() {
		const { viewer, had_ms: had, floor_ms: most, floor_silence_ms: silence } = this.#answer;
		const now = performance.now();
		const left = most ? most - had - (now - this.#at) : Infinity;
		const quiet = silence && !this.#speaking.has(viewer) ? silence - (now - this.#silentSince) : Infinity;
		const ms = Math.min(left, quiet);
		return ms < Infinity ? { ms: Math.max(0, ms), isSilence: quiet < left } : null;
	}

	/* What is closed has its summary. */
	#draw() {
		clearTimeout(this.#timer);
		if (!this.#hasFloor)
			return;
		const { viewer, waiting, waited_ms: waited } = this.#answer;
		const holder = viewer === null ? 'Nobody has it' : `${this.#name(viewer)} has it`;
		put($('moderator-brief'), waiting.length ? `${holder}, ${waiting.length} wait${waiting.length === 1 ? 's' : ''}` : holder);
		if (!this.#isSeen)
			return;
		const speaks = this.#speaking.has(viewer);
		put($('holder'), speaks ? `${this.#name(viewer)} speaks` : holder);
		$('holder').classList.toggle('speaks', speaks);
		$('holder').classList.toggle('idle', viewer === null);
		$('take').disabled = viewer === null;
		this.#asks.show(waiting.map((v, i) => [v, this.#at - waited[i]]), this.#name);
		this.#tick();
	}

	#tick() {
		const { viewer, had_ms: had } = this.#answer, left = this.#left();
		const words = [`for ${clock(had + performance.now() - this.#at)}`,
			left && `${clock(left.ms)} left${left.isSilence ? ' if it says nothing' : ''}`].filter(Boolean).join(', ');
		$('holder-time').textContent = viewer === null ? FREE[this.#answer.barge_in_by] : words;
		this.#asks.tick(this.#speaking);
		this.#timer = setTimeout(() => this.#isSeen && this.#tick(), 1000 - (performance.now() % 1000));
	}
}
