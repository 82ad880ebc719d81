// SPDX-License-Identifier: GPL-3.0-or-later
/* Who waits for the floor, in order: a list whose elements stay the same while their viewers wait. */

import { newItem, put } from './element.js';
import { clock } from './words.js';

const $ = id => document.getElementById(id);
const CROSS = '<svg class="icon" aria-hidden="true"><use href="#cross"/></svg>';
const CALM_MS = 400;   // after the list has moved up beneath a pointer

function newButton(name, className) {
	const button = document.createElement('button');
	button.type = 'button';
	button.className = className;
	button.dataset.does = name;
	return button;
}

export class Asks {
	#items = new Map();   // by viewer: { li, since }
	#does;
	#calm = 0;            // until then a second click was meant for who was there before

	/* does.give(viewer) and does.refuse(viewer) are called when their buttons are pressed. */
	constructor(does) {
		this.#does = does;
		$('asks').addEventListener('click', event => this.#click(event));
		/* who holds the key down means one of them */
		$('asks').addEventListener('keydown', event => event.repeat && event.key === 'Enter' && event.preventDefault());
	}

	/* `count`: 0 where it is the keyboard. */
	#click({ target, detail: count }) {
		const { does } = target.closest('button')?.dataset ?? {};
		if (!does || (count && performance.now() < this.#calm))
			return;
		this.#calm = performance.now() + CALM_MS;
		this.#does[does](Number(target.closest('li').dataset.viewer));
	}

	/* `waiting`: [viewer, since] of each, as performance.now() has it; `name` says who a viewer is. */
	show(waiting, name) {
		const list = $('asks'), focused = list.contains(document.activeElement) ? document.activeElement : null;
		const at = focused ? [...list.children].indexOf(focused.closest('li')) : -1;
		const there = new Set(waiting.map(([viewer]) => viewer));
		for (const [viewer, { li }] of this.#items) {
			if (there.has(viewer))
				continue;
			li.remove();
			this.#items.delete(viewer);
		}
		waiting.forEach(([viewer, since], place) => {
			if (!this.#items.has(viewer))
				this.#items.set(viewer, { li: this.#newItem(viewer, name(viewer)), since });
			const item = this.#items.get(viewer);
			if (Math.abs(item.since - since) > 1500)   // it has asked anew
				item.since = since;
			if (list.children[place] !== item.li)
				list.insertBefore(item.li, list.children[place] ?? null);
			put(item.li.firstChild, `${place + 1}`);
		});
		put($('asks-count'), waiting.length ? `${waiting.length}` : '');
		$('asks-empty').hidden = waiting.length > 0;
		if (focused && !list.contains(focused))
			this.#focus(at, focused.dataset.does);
	}

	/* On what has come into the place of what had it. */
	#focus(at, does) {
		const list = $('asks');
		const li = list.children[Math.min(at, list.children.length - 1)];
		const next = li?.querySelector(`[data-does=${does}]`) ?? [$('take')].find(button => !button.disabled);
		(next ?? $('moderator').firstElementChild).focus();
	}

	/* What changes by itself: who speaks, and how long each has waited. */
	tick(speaking) {
		for (const [viewer, { li, since }] of this.#items) {
			const tag = li.children[2], speaks = speaking.has(viewer);
			put(tag, speaks ? 'speaks' : clock(performance.now() - since));
			if (tag.classList.contains('speaks') !== speaks)
				tag.classList.toggle('speaks');
		}
	}

	#newItem(viewer, name) {
		const { li, spans } = newItem(['tag place', 'title', 'tag']);
		li.dataset.viewer = viewer;
		spans[1].textContent = name;
		const give = newButton('give', 'small give'), refuse = newButton('refuse', 'quiet small');
		give.textContent = 'Give';
		give.setAttribute('aria-label', `Give the floor to ${name}`);
		refuse.setAttribute('aria-label', `Refuse ${name}`);
		refuse.innerHTML = CROSS;
		li.append(...spans, give, refuse);
		return li;
	}
}
