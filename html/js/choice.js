// SPDX-License-Identifier: GPL-3.0-or-later
/* The rooms to choose from. A click enters one. With the keyboard, arrow keys go from one to the next without
 * entering it; Enter or the space bar enters it. */

const $ = id => document.getElementById(id);
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

export class RoomChoice {
	#enter;
	#shown = '';

	/* enter(id) is called with the id of the room that was chosen. */
	constructor(enter) {
		this.#enter = enter;
		$('room-list').addEventListener('keydown', event => this.#key(event));
	}

	/* `rooms`: as in the answer to `list`; the present one is shown even where it is not in it. */
	show(rooms, present) {
		const known = rooms.some(room => String(room.id) === String(present)) ? rooms :
			[...rooms, { id: present, description: `Room ${present}` }];
		const shown = JSON.stringify(known.map(r => [r.id, r.description, r.pin_required]));
		if (this.#shown !== shown) {
			this.#shown = shown;
			this.#draw(known);
		}
		known.forEach((room, i) => {
			const label = $('room-list').children[i];
			label.classList.toggle('speaking', room.state === 'speaking');
			label.querySelector('input').checked = String(room.id) === String(present);
		});
	}

	/* The focus stays where it is. */
	#draw(rooms) {
		const focused = $('room-list').contains(document.activeElement) ? document.activeElement.value : null;
		$('room-list').replaceChildren(...rooms.map(room => this.#chip(room)));
		if (focused !== null)
			(this.#inputs().find(input => input.value === focused) ?? this.#inputs()[0]).focus();
	}

	#inputs() {
		return [...$('room-list').querySelectorAll('input')];
	}

	#key(event) {
		const inputs = this.#inputs();
		const at = inputs.indexOf(event.target);
		const step = STEPS[event.key];
		if (at < 0 || event.altKey || event.ctrlKey || event.metaKey)
			return;
		if (step)
			inputs[(at + step + inputs.length) % inputs.length].focus();
		else if (event.key === 'Enter')
			event.target.click();
		else
			return;
		event.preventDefault();
	}

	#chip(room) {
		const label = document.createElement('label');
		label.className = 'chip';
		const input = document.createElement('input');
		Object.assign(input, { type: 'radio', name: 'room', value: room.id });
		const name = document.createElement('span');
		name.textContent = room.description || `Room ${room.id}`;
		label.append(input, name);
		if (room.pin_required) {
			label.insertAdjacentHTML('beforeend',
				'<svg class="icon" role="img" aria-label="wants a PIN"><use href="#lock"/></svg>');
			label.title = 'Wants a PIN';
		}
		input.addEventListener('change', () => this.#enter(room.id));
		return label;
	}
}
