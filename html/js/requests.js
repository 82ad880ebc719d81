// SPDX-License-Identifier: GPL-3.0-or-later
/* The requests of docs/api.md as methods. Who extends this has request(body, options), which sends one and returns a promise
 * of the answer, and `isPaused`. */

const WISH_MS = 3000;     // until a pause or its end is answered

export class Requests {
	info() { return this.request({ request: 'info' }); }
	list() { return this.request({ request: 'list' }); }
	stats() { return this.request({ request: 'stats' }); }

	/* --- segments */

	say(text, fields = {}) { return this.request({ ...fields, request: 'say', text }); }
	enqueue(file, fields = {}) { return this.request({ ...fields, request: 'enqueue', file }); }
	queue() { return this.request({ request: 'queue' }); }
	progress(segment) { return this.request({ request: 'progress', segment }); }
	history() { return this.request({ request: 'history' }); }
	heard() { return this.request({ request: 'heard' }); }
	mark(data) { return this.request({ request: 'mark', data }); }
	playlist(items, fields = {}) { return this.request({ ...fields, request: 'playlist', ...(items && { items }) }); }
	skip() { return this.request({ request: 'skip' }); }
	remove(segment) { return this.request({ request: 'remove', segment }); }
	move(segment, place) { return this.request({ ...place, request: 'move', segment }); }

	/* --- turns */

	interrupt(fields = {}) { return this.request({ ...fields, request: 'interrupt' }); }
	hold(fields = {}) { return this.request({ ...fields, request: 'hold' }); }
	discard() { return this.request({ request: 'discard' }); }
	setState(state) { return this.request({ request: 'state', state }); }

	/* A viewer that is paused means its own pause. */
	resume(fields = {}) {
		return this.isPaused && fields.at === undefined ? this.start() : this.request({ ...fields, request: 'resume' });
	}

	/* --- who may barge in */

	bargeIn(fields) {
		const changes = Object.entries(fields).map(([name, value]) => [`new_${name}`, value]);
		return this.request({ ...Object.fromEntries(changes), request: 'edit' });
	}

	/* A promise of a function that ends it. ended(error): the gateway has done so. */
	observe(listener, ended) { return this.request({ request: 'observe' }, { listener, ended }); }

	askFloor() { return this.request({ request: 'ask_floor' }); }
	leaveFloor() { return this.request({ request: 'leave_floor' }); }
	floor() { return this.request({ request: 'floor' }); }
	giveFloor(viewer) { return this.request({ request: 'give_floor', viewer }); }
	takeFloor(viewer) { return this.request({ request: 'take_floor', ...(viewer !== undefined && { viewer }) }); }

	/* --- this viewer */

	pause() { return this.request({ request: 'pause' }, { timeout: WISH_MS }); }
	start() { return this.request({ request: 'start' }, { timeout: WISH_MS }); }
	restart() { return this.request({ request: 'watch', restart: true }); }
}
