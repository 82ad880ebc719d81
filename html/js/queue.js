// SPDX-License-Identifier: GPL-3.0-or-later
/* What plays and how far, and what waits: a list whose elements stay the same while their segments wait. The gateway is
 * asked again and again; between two answers the progress bar goes on by itself. */

import { newItem, put } from './element.js';
import { Reorder } from './reorder.js';
import { segmentTitle, seconds } from './words.js';

const $ = id => document.getElementById(id);
const LOOK_MS = 500;    // between two answers that say whether something moves

export class QueueView {
	#remove;
	#reorder;
	#playing = null;
	#since = 0;     // performance.now() of position_ms = 0
	#items = new Map();   // by segment: { li, title }
	#frame = 0;
	#held = null;   // the id of a segment that waits for more of itself
	#seen = null;   // where one stood: { segment, played, at }
	#onHold = false;

	/* remove(segment) is called when its button is pressed, move(segment, place) when it is moved (reorder.js). */
	constructor(remove, move) {
		this.#remove = remove;
		this.#reorder = new Reorder($('waiting'), move);
	}

	/* An event of the room. */
	take({ event, segment }) {
		if (event === 'held') {
			this.#held = segment;
			this.#seen = null;
		} else if (segment === this.#held) {
			this.#held = null;
		}
	}

	/* The events may be lost: what stands has waited, and what has moved waits no more. */
	#look(now) {
		const { segment, played_ms: played } = this.#playing ?? {};
		if (segment !== this.#held)
			this.#held = null;
		if (!this.#seen || segment !== this.#seen.segment) {
			this.#seen = segment ? { segment, played, at: now } : null;
			return;
		}
		const time = now - this.#seen.at;
		if (time < LOOK_MS)
			return;
		this.#held = played - this.#seen.played < time / 2 && !this.#onHold ? segment : null;
		this.#seen = { segment, played, at: now };
	}

	/* What was heard of what plays, as far as anybody knows. */
	heard(text) {
		$('heard').textContent = text ? `Heard: “${text}”` : '';
		$('heard').hidden = !text;
	}

	/* The answer to `queue`, or null where there is none to show. */
	show(answer) {
		this.#playing = answer?.playing ?? null;
		this.#onHold = answer?.on_hold === true;
		this.#look(performance.now());
		if (this.#playing)
			this.#since = performance.now() - this.#playing.position_ms;
		const waiting = answer?.waiting ?? [];
		this.#now(answer);
		this.#list(waiting);
		$('skip').disabled = !this.#playing;
		$('interrupt').disabled = !this.#playing && !waiting.length;
		if (!this.#playing)
			this.heard('');
		cancelAnimationFrame(this.#frame);
		this.#tick();
	}

	#now(answer) {
		const p = this.#playing;
		const title = p ? segmentTitle(p) : 'Nothing plays';
		if ($('now-title').textContent !== title) {
			$('now-title').textContent = title;
			$('now-title').title = p ? title : '';
		}
		$('now-title').classList.toggle('idle', !p);
		if (!p)
			$('now-sub').textContent = answer ? 'The avatar idles.' : '';
	}

	#tick() {
		const p = this.#playing;
		if (!p) {
			$('progress').value = 0;
			$('progress').classList.remove('unknown');
			return;
		}
		const held = p.segment === this.#held;
		const position = held || this.#onHold ? p.position_ms : Math.max(0, performance.now() - this.#since);
		const known = p.duration_ms > 0;
		$('progress').classList.toggle('unknown', !known);
		$('progress').value = known ? Math.min(1, position / p.duration_ms) : 0;
		$('now-sub').textContent = known ?
			`${seconds(Math.min(position, p.duration_ms))} of ${seconds(p.duration_ms)}` :
			`${seconds(position)}, still being made`;
		if (held)
			$('now-sub').textContent += ', waits for more of it';
		else if (this.#onHold)
			$('now-sub').textContent += ', on hold';
		this.#frame = requestAnimationFrame(() => this.#tick());
	}

	#list(waiting) {
		const list = $('waiting'), focused = list.contains(document.activeElement) ? document.activeElement : null;
		const at = focused ? [...list.children].indexOf(focused.closest('li')) : -1;
		const there = new Map(waiting.map(segment => [segment.segment, segmentTitle(segment)]));
		for (const [id, { li, title }] of this.#items) {
			if (there.get(id) === title)
				continue;
			li.remove();
			this.#items.delete(id);
		}
		waiting.forEach((segment, place) => {
			const { segment: id } = segment, title = there.get(id);
			if (!this.#items.has(id))
				this.#items.set(id, { li: this.#newItem(id, title), title });
			const { li } = this.#items.get(id), other = list.children[place];
			if (other && list.children[place + 1] === li)
				list.append(other);     // which has moved down: those behind it stay where they are
			else if (other !== li)
				list.insertBefore(li, other ?? null);
			this.#draw(li, segment);
		});
		$('waiting-empty').hidden = waiting.length > 0;
		put($('waiting-count'), waiting.length ? `${waiting.length}` : '');
		if (focused && document.activeElement !== focused)
			this.#focus(focused, at);
	}

	/* What had the focus was moved, or made anew, or has gone: then on what has come into its place. */
	#focus({ dataset: { grip, segment } }, at) {
		const list = $('waiting'), li = list.children[Math.min(at, list.children.length - 1)];
		const same = [...list.querySelectorAll('button')].find(button => (grip ? button.dataset.grip === grip : button.dataset.segment === segment));
		(same ?? li?.lastChild ?? $('text')).focus();
	}

	/* What changes while it waits. */
	#draw({ children: [, , more, state] }, segment) {
		const { state: name, duration_ms: duration, priority, utterance, index } = segment;
		put(more, [priority, utterance && `${utterance} ${index}`].filter(Boolean).join(' · '));
		more.hidden = !more.textContent;
		state.className = `tag ${name}`;
		put(state, name !== 'ready' ? 'preparing …' : duration > 0 ? seconds(duration) : 'ready');
	}

	#newItem(id, title) {
		const { li, spans } = newItem(['title', 'tag', 'tag']);
		li.dataset.segment = id;
		spans[0].textContent = spans[0].title = title;
		const button = document.createElement('button');
		button.type = 'button';
		button.className = 'quiet small';
		button.dataset.segment = id;
		button.setAttribute('aria-label', `Remove ${title}`);
		button.innerHTML = '<svg class="icon" aria-hidden="true"><use href="#cross"/></svg>';
		button.addEventListener('click', () => this.#remove(id));
		li.append(this.#reorder.grip(li, title), ...spans, button);
		return li;
	}
}
