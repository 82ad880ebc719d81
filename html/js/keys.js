// SPDX-License-Identifier: GPL-3.0-or-later
/* The keys of a room: its secret, its PIN, and a token that somebody signed. None is shown to another room. */

const NAMES = ['secret', 'pin', 'token'];

/* Those of `dh` that go with a request: all that there are, where it is about the room of `dh`. */
export function keysFor(dh, { id }) {
	const isHere = String(id ?? dh.room) === String(dh.room);
	return Object.fromEntries(NAMES.filter(name => isHere && dh[name]).map(name => [name, dh[name]]));
}

/* From now on they are those of `body`. */
export function setKeys(dh, body) {
	for (const name of NAMES)
		dh[name] = body[name] ?? null;
}

/* One of `used` that was wrong would spoil every other request. Whether it was one, and `dh` has it no more; what
 * `body` had of its own does not count. */
export function dropKey(dh, { wrong }, used, body) {
	if (!used[wrong] || wrong in body || dh[wrong] !== used[wrong])
		return false;
	dh[wrong] = null;
	return true;
}
