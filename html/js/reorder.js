// SPDX-License-Identifier: GPL-3.0-or-later
/* Moves the items of a list: by drag, and by the arrow keys on an item's grip. */

const GRIP = '<svg class="icon" aria-hidden="true"><use href="#grip"/></svg>';

/* A list whose <li> have data-segment. move(segment, place) is called with { before } or { after }, the id of another. */
export class Reorder {
	#list;
	#move;
	#dragged = null;

	constructor(list, move) {
		this.#list = list;
		this.#move = move;
		list.addEventListener('dragover', event => this.#over(event));
		list.addEventListener('drop', event => this.#drop(event));
	}

	/* The grip of `li`, to be put into it. */
	grip(li, title) {
		const button = document.createElement('button');
		button.type = 'button';
		button.className = 'quiet small grip';
		button.dataset.grip = li.dataset.segment;
		button.setAttribute('aria-label', `Move ${title}: arrow keys`);
		button.innerHTML = GRIP;
		button.addEventListener('keydown', event => this.#key(event, li));
		li.draggable = true;
		li.addEventListener('dragstart', event => {
			this.#dragged = li.dataset.segment;
			event.dataTransfer.effectAllowed = 'move';
			event.dataTransfer.setData('text/plain', title);
		});
		/* also where nothing came of it; and `li` may have left the list meanwhile */
		li.addEventListener('dragend', () => {
			this.#dragged = null;
			this.#mark(null);
		});
		return button;
	}

	#key(event, li) {
		const up = event.key === 'ArrowUp';
		if (!up && event.key !== 'ArrowDown')
			return;
		event.preventDefault();
		const other = (up ? li.previousElementSibling : li.nextElementSibling)?.dataset.segment;
		if (other)
			this.#move(li.dataset.segment, up ? { before: other } : { after: other });
	}

	/* Where it would be put: the upper half of an item is before it. */
	#place({ target, clientY }) {
		const li = target.closest('li');
		if (!this.#dragged || !li || li.parentElement !== this.#list || li.dataset.segment === this.#dragged)
			return null;
		const { top, height } = li.getBoundingClientRect();
		return { li, name: clientY < top + height / 2 ? 'before' : 'after' };
	}

	#mark(place) {
		for (const li of this.#list.children)
			li.classList.remove('before', 'after');
		place?.li.classList.add(place.name);
	}

	#over(event) {
		const place = this.#place(event);
		this.#mark(place);
		if (place)
			event.preventDefault();
	}

	#drop(event) {
		const place = this.#place(event);
		this.#mark(null);
		if (!place)
			return;
		event.preventDefault();
		this.#move(this.#dragged, { [place.name]: place.li.dataset.segment });
		this.#dragged = null;
	}
}
