// SPDX-License-Identifier: GPL-3.0-or-later
/* The last segments, and what this viewer heard of each: who came in the middle, or paused, heard less than others. */

import { segmentTitle, seconds } from './words.js';

const $ = id => document.getElementById(id);
const SHOWN = 20;
const TITLES = 200;    // that are kept: of more than are shown, since other viewers' segments come between
const ENDS = { finished: '', interrupted: 'interrupted', skipped: 'skipped', failed: 'failed', playing: 'plays now' };

export class HistoryView {
	#titles = new Map();    // by segment
	#shown = '';

	/* An event of the room. */
	take(event) {
		if (event.event !== 'started')
			return;
		this.#titles.delete(event.segment);
		this.#titles.set(event.segment, segmentTitle(event));
		if (this.#titles.size > TITLES)
			this.#titles.delete(this.#titles.keys().next().value);
	}

	clear() {
		this.#titles.clear();
		this.show({ segments: [] });
	}

	/* The answer to `heard`. */
	show({ segments }) {
		const last = segments.slice(-SHOWN).reverse();
		const shown = JSON.stringify(last);
		if (shown === this.#shown)
			return;
		this.#shown = shown;
		$('history').replaceChildren(...last.map(segment => this.#item(segment)));
		$('history-empty').hidden = last.length > 0;
	}

	#item({ segment, state, heard, heard_text: text }) {
		const li = document.createElement('li');
		const line = (tag, name, content) => {
			const element = document.createElement(tag);
			element.className = name;
			element.textContent = content;
			li.append(element);
		};
		const ms = heard.reduce((sum, part) => sum + part.to_ms - part.from_ms, 0);
		line('p', 'title', this.#titles.get(segment) ?? segment);
		line('p', 'soft', [`you heard ${seconds(ms)}`, heard.length > 1 ? `in ${heard.length} parts` : '', ENDS[state] ?? state]
			.filter(Boolean).join(', '));
		if (text)
			line('p', 'said', `“${text}”`);
		return li;
	}
}
