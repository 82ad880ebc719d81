// SPDX-License-Identifier: GPL-3.0-or-later
/* What plays and how far, and what waits. The gateway is asked again and again;
 * between two answers the progress bar goes on by itself. */

import { Reorder } from './reorder.js';
import { segmentTitle, seconds } from './words.js';

const $ = id => document.getElementById(id);

export class QueueView {
	#remove;
	#reorder;
	#playing = null;
	#since = 0;     // performance.now() of played_ms = 0
	#shown = '';
	#frame = 0;
	#held = null;   // the id of a segment that waits for more of itself
	#onHold = false;

	/* remove(segment) is called when its button is pressed, move(segment, place) when it is moved (reorder.js). */
	constructor(remove, move) {
		this.#remove = remove;
		this.#reorder = new Reorder($('waiting'), move);
	}

	/* An event of the room. */
	take({ event, segment }) {
		if (event === 'held')
			this.#held = segment;
		else if (segment === this.#held)
			this.#held = null;
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
		if (this.#playing)
			this.#since = performance.now() - this.#playing.played_ms;
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
		const played = held || this.#onHold ? p.played_ms : Math.max(0, performance.now() - this.#since);
		const known = p.duration_ms > 0;
		$('progress').classList.toggle('unknown', !known);
		$('progress').value = known ? Math.min(1, played / p.duration_ms) : 0;
		$('now-sub').textContent = known ?
			`${seconds(Math.min(played, p.duration_ms))} of ${seconds(p.duration_ms)}` :
			`${seconds(played)}, still being made`;
		if (held)
			$('now-sub').textContent += ', waits for more of it';
		else if (this.#onHold)
			$('now-sub').textContent += ', on hold';
		this.#frame = requestAnimationFrame(() => this.#tick());
	}

	#list(waiting) {
		const shown = JSON.stringify(waiting);
		if (shown === this.#shown)
			return;
		this.#shown = shown;
		const { segment: focused, grip } = document.activeElement?.dataset ?? {};
		const at = [...$('waiting').children].findIndex(li => li.contains(document.activeElement));
		$('waiting').replaceChildren(...waiting.map(segment => this.#item(segment)));
		$('waiting-empty').hidden = waiting.length > 0;
		$('waiting-count').textContent = waiting.length || '';
		if (at < 0)
			return;
		/* the list was made anew beneath the keyboard's focus */
		const all = [...$('waiting').querySelectorAll('button')];
		const buttons = all.filter(b => b.dataset.segment);
		const next = all.find(b => b.dataset.grip && b.dataset.grip === grip) ?? buttons.find(b => b.dataset.segment === focused) ?? buttons[Math.min(at, buttons.length - 1)];
		(next ?? $('text')).focus();
	}

	#item(segment) {
		const li = document.createElement('li');
		li.dataset.segment = segment.segment;
		const title = document.createElement('span');
		title.className = 'title';
		title.textContent = title.title = segmentTitle(segment);
		const state = document.createElement('span');
		state.className = `tag ${segment.state}`;
		state.textContent = segment.state === 'ready' ?
			(segment.duration_ms > 0 ? seconds(segment.duration_ms) : 'ready') : 'preparing …';
		const more = document.createElement('span');
		more.className = 'tag';
		more.textContent = [segment.priority, segment.utterance && `${segment.utterance} ${segment.index}`]
			.filter(Boolean).join(' · ');
		more.hidden = !more.textContent;
		const button = document.createElement('button');
		button.type = 'button';
		button.className = 'quiet small';
		button.dataset.segment = segment.segment;
		button.setAttribute('aria-label', `Remove ${title.textContent}`);
		button.innerHTML = '<svg class="icon" aria-hidden="true"><use href="#cross"/></svg>';
		button.addEventListener('click', () => this.#remove(segment.segment));
		li.append(this.#reorder.grip(li, title.textContent), title, more, state, button);
		return li;
	}
}
