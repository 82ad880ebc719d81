// SPDX-License-Identifier: GPL-3.0-or-later
/* What is on the picture and around it: sound, full screen, what the avatar does, and whether it is on hold. */

import { notice } from './tell.js';

const $ = id => document.getElementById(id);
const video = $('video');
const ACTIVITIES = { speaking: 'Speaking', idle: 'Idle', listening: 'Listening', thinking: 'Thinking' };

export class Player {
	#dh = null;

	/* hold(on) is called when what plays is to wait, or to go on. */
	constructor(hold) {
		this.isSpeaking = this.isOnHold = false;
		$('hold').addEventListener('click', () => hold(!this.isOnHold));
		$('sound').addEventListener('click', () => this.#toggleSound());
		video.addEventListener('click', () => video.muted && this.#toggleSound());
		video.addEventListener('volumechange', () => this.#drawSound());
		/* some browsers pause a video that was never clicked when its sound comes back */
		video.addEventListener('pause', () => video.srcObject && !document.hidden && video.play().catch(() => {}));
		video.addEventListener('resize', () => this.#shape());
		$('fullscreen').hidden = !document.fullscreenEnabled;
		$('fullscreen').addEventListener('click', () => document.fullscreenElement ?
			document.exitFullscreen() : $('frame').requestFullscreen().catch(() => {}));
		this.#drawSound();
	}

	/* Of this digital human from now on. */
	follow(dh) {
		this.#dh = dh;
		$('frame').style.removeProperty('--aspect');
		this.draw(null);
	}

	/* The answer to `queue`, or an event; null: nothing is known. */
	draw(answer) {
		const state = answer?.state ?? null;
		this.isOnHold = answer?.on_hold === true;
		this.drawState(state);
		$('hold').disabled = !answer?.playing && !this.isOnHold;
		$('hold').textContent = this.isOnHold ? 'Resume' : 'Hold';
		$('hold').classList.toggle('primary', this.isOnHold);
	}

	/* `state`: as the room has it. */
	drawState(state) {
		this.isSpeaking = state === 'speaking';
		document.documentElement.dataset.room = state ?? '';
		$('activity').hidden = !(state in ACTIVITIES);
		for (const name of Object.keys(ACTIVITIES))
			$('activity').classList.toggle(name, state === name && !this.isOnHold);
		$('activity-text').textContent = this.isOnHold ? 'On hold' : ACTIVITIES[state] ?? '';
	}

	#shape() {
		const { width, height } = this.#dh?.canvas ?? { width: video.videoWidth, height: video.videoHeight };
		if (width)
			$('frame').style.setProperty('--aspect', `${width} / ${height}`);
	}

	/* A button that is pressed or not; the rest of its text is for those who see it. */
	#drawSound() {
		const on = !video.muted;
		$('sound').setAttribute('aria-pressed', String(on));
		$('sound').classList.toggle('on', on);
		$('sound').querySelector('use').setAttribute('href', on ? '#loud' : '#muted');
		$('sound-text').textContent = on ? ' is on' : ' is off: click to hear';
	}

	#toggleSound() {
		if (video.muted)
			this.#dh.unmute().catch(() => notice('The browser did not allow the sound.'));
		else
			video.muted = true;
	}
}
