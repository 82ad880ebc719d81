// SPDX-License-Identifier: GPL-3.0-or-later
/* The captions below the picture: on or off, and how large. What is chosen is remembered. */

import { recall, remember } from './ask.js';

const $ = id => document.getElementById(id);
const SIZES = ['small', 'medium', 'large'];

export class CaptionLine {
	#dh = null;
	#unlisten = () => {};

	constructor() {
		this.on = recall('captions', '') !== 'off';
		this.size = SIZES.includes(recall('caption-size', '')) ? recall('caption-size', '') : 'medium';
		$('captions-button').addEventListener('click', () => this.#turn(!this.on));
		$('caption-size').addEventListener('click', () => this.#resize(SIZES[(SIZES.indexOf(this.size) + 1) % SIZES.length]));
		this.#draw([]);
	}

	/* Of this digital human from now on. */
	follow(dh) {
		this.#unlisten();
		this.#dh = dh;
		this.#unlisten = dh.on('captions', captions => this.#draw(captions));
		this.#draw(dh.captions);
	}

	#turn(on) {
		this.on = on;
		remember('captions', '', on ? 'on' : 'off');
		this.#draw(this.#dh?.captions ?? []);
		this.#dh?.showCaptions(on).catch(() => {});
	}

	#resize(size) {
		this.size = size;
		remember('caption-size', '', size);
		this.#draw(this.#dh?.captions ?? []);
	}

	#draw(captions) {
		const line = $('captions');
		const paragraphs = captions.map(({ text }) => {
			const p = document.createElement('p');
			p.dir = 'auto';
			p.textContent = text;
			return p;
		});
		line.replaceChildren(...paragraphs);
		line.className = `captions ${this.size}`;
		line.hidden = !this.on || !captions.length;
		$('caption-size').hidden = !this.on;
		$('caption-size').className = this.size;
		$('caption-size').setAttribute('aria-label', `Size of the captions: ${this.size}`);
		$('captions-button').setAttribute('aria-pressed', String(this.on));
		$('captions-button').classList.toggle('on', this.on);
	}
}
