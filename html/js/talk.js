// SPDX-License-Identifier: GPL-3.0-or-later
/* Speaking to the avatar: the microphone and how loud it is, what a voice does to the room, and the floor. */

import { announce, notice } from './tell.js';
import { errorText } from './words.js';

const $ = id => document.getElementById(id);
const BARGE_IN_MS = 300;
const FALL = 0.02;        // of the level, in a frame
/* What keeps a page from a microphone until somebody does something about it. */
const LASTING = ['insecure', 'denied', 'absent', 'busy'];

/* The viewer that had, or asked for, the floor is gone; the next one begins without. */
const GONE = ['connecting', 'reconnecting', 'kicked'];

const FLOOR = {
	yours: ['You have the floor: your voice counts.', 'Give it back'],
	waiting: ['You wait for the floor.', 'Wait no more'],
	none: ['Only the voice of whoever has the floor counts.', 'Ask for the floor'],
};

export class Talk {
	#dh = null;
	#act;
	#unlisten = [];
	#room = null;       // the answer to `floor`; null where only those with the secret are told
	#floor = 'none';    // of this viewer
	#hasNone = false;   // the room has none to ask for
	#barging = false;   // a change is on its way
	#level = 0;

	/* act(request): does what may want the room's secret. */
	constructor(act) {
		this.#act = act;
		$('microphone').addEventListener('click', () => this.#toggle());
		$('barge-in').addEventListener('change', () => this.#change());
		$('floor-button').addEventListener('click', () => this.#askFloor());
		this.#permission();
	}

	/* Of this digital human from now on. */
	follow(dh) {
		this.#unlisten.forEach(unlisten => unlisten());
		this.#dh = dh;
		this.#room = null;
		this.#floor = 'none';
		this.#hasNone = false;
		this.#unlisten = [
			dh.on('microphone', change => this.#changed(change)), dh.on('event', event => this.#take(event)),
			dh.on('status', ({ state }) => this.#follows(state)), dh.on('wrong', key => key === 'secret' && this.#forget()),
		];
		this.#draw();
	}

	#follows(state) {
		if (!GONE.includes(state))
			return;
		this.#floor = 'none';
		this.#hasNone = false;
		this.#draw();
	}

	#forget() {
		this.#room = null;
		this.#draw();
	}

	/* The answer to `floor`. */
	show(room) {
		this.#room = room;
		if (room.viewer === this.#dh.viewer)
			this.#floor = 'yours';
		else
			this.#floor = room.waiting.includes(this.#dh.viewer) ? 'waiting' : 'none';
		this.#draw();
	}

	/* What keeps the microphone away is said before anybody presses the button. */
	async #permission() {
		if (globalThis.isSecureContext === false)
			return this.#say('insecure');
		try {
			const permission = await navigator.permissions.query({ name: 'microphone' });
			const tell = () => this.#say(permission.state === 'denied' ? 'denied' : null);
			permission.addEventListener('change', tell);
			tell();
		} catch {
			/* this browser does not say */
		}
		return undefined;
	}

	#say(code) {
		$('talk-words').textContent = code ? errorText({ code }) : '';
		$('talk-words').hidden = !code;
	}

	#fail(error) {
		if (LASTING.includes(error.code))
			this.#say(error.code);
		else
			notice(errorText(error));
	}

	async #toggle() {
		const dh = this.#dh;
		if (dh.microphone)
			return dh.microphone.stop();
		try {
			await dh.listen();
			this.#say(null);
		} catch (error) {
			if (dh === this.#dh)
				this.#fail(error);
		}
		return undefined;
	}

	#changed({ microphone, error }) {
		announce(microphone ? 'Your microphone is on.' : 'Your microphone is off.');
		if (error)
			this.#fail(error);
		this.#hasNone = false;
		this.#draw();
		if (microphone)
			this.#measure(microphone);
	}

	#showLevel(level) {
		this.#level = level;
		$('level').firstElementChild.style.width = `${level * 100}%`;
		$('level').setAttribute('aria-valuenow', String(Math.round(level * 10) * 10));
	}

	#measure(microphone) {
		if (microphone !== this.#dh.microphone)
			return;
		this.#showLevel(Math.max(microphone.level, this.#level - FALL));
		requestAnimationFrame(() => this.#measure(microphone));
	}

	async #change() {
		const mode = $('barge-in').value;
		this.#barging = true;
		const isDone = await this.#act(() => this.#dh.bargeIn(
			mode === 'off' ? { barge_in: 0 } : { barge_in: this.#room?.barge_in || BARGE_IN_MS, barge_in_mode: mode }));
		this.#barging = false;
		if (!isDone)
			this.#drawBargeIn();
	}

	async #askFloor() {
		try {
			this.#floor = this.#floor === 'none' ? (await this.#dh.askFloor()).floor : (await this.#dh.leaveFloor(), 'none');
		} catch (error) {
			this.#hasNone = error.code === 460;
			notice(this.#hasNone ? 'In this room nobody has to ask for the floor.' : errorText(error));
		}
		this.#draw();
	}

	#take({ event, viewer }) {
		if (event.startsWith('viewer_'))
			this.#draw();
		if (!event.startsWith('floor_') || viewer !== this.#dh.viewer)
			return;
		this.#hasNone = false;
		this.#floor = { floor_given: 'yours', floor_asked: 'waiting' }[event] ?? 'none';
		announce(FLOOR[this.#floor][0]);
		this.#draw();
	}

	#draw() {
		const { microphone } = this.#dh;
		const on = Boolean(microphone);
		$('microphone').setAttribute('aria-pressed', String(on));
		$('microphone').classList.toggle('on', on);
		$('level').classList.toggle('speaking', microphone?.speaking ?? false);
		$('talk-state').textContent = !on ? 'Off' : microphone.speaking ? 'You speak' : 'On';
		if (!on)
			this.#showLevel(0);
		this.#drawRoom(on);
	}

	#drawBargeIn() {
		const room = this.#room;
		$('barge-in').value = !room ? '' : room.barge_in ? room.barge_in_mode : 'off';
	}

	#drawRoom(on) {
		const room = this.#room;
		if (!this.#barging && document.activeElement !== $('barge-in'))
			this.#drawBargeIn();
		const hasFloor = room ? ['one', 'named'].includes(room.barge_in_by) : !this.#hasNone;
		const [words, button] = FLOOR[this.#floor];
		$('floor').hidden = !on || !hasFloor;
		if ($('floor-text').textContent !== words)
			$('floor-text').textContent = words;
		$('floor-button').textContent = button;
	}
}
