// SPDX-License-Identifier: GPL-3.0-or-later
/* Requests about a room, with its id and its keys. A key that was wrong is not sent again, and an id may be a number on one
 * gateway and a text on another. */

import { failure } from './gateway.js';
import { dropKey, keysFor } from './keys.js';

export class Asking {
	#dh;
	#on;
	#flipped = false;   // `room` was a number and became a text, or the other way round

	/* `dh` has the room and its keys. on: connection(), a promise of the one that there is, or null; wrong(key);
	 * late(connection), on which no answer came in time */
	constructor(dh, on) {
		this.#dh = dh;
		this.#on = on;
	}

	/* A promise of the answer. */
	async ask(body, options) {
		const connection = await this.#on.connection();
		const id = this.#dh.room, keys = keysFor(this.#dh, body);
		if (!connection?.isOpen)
			throw failure('offline', 'Not connected to the gateway.');
		try {
			return await connection.request({ id, ...keys, ...body }, options);
		} catch (error) {
			if (dropKey(this.#dh, error, keys, body))
				this.#on.wrong(error.wrong);
			if (error.code === 'timeout')
				this.#on.late(connection);
			if (error.code === 454 && error.message.includes('"id"') && !('id' in body) && this.#flip(id))
				return this.ask(body, options);
			throw error;
		}
	}

	/* Only the gateway knows whether "7" is a number or a name there. True: `room` has changed since it was `id`. */
	#flip(id) {
		if (this.#dh.room === id && !this.#flipped && /^\d+$/.test(id)) {
			this.#flipped = true;
			this.#dh.room = typeof id === 'number' ? String(id) : Number(id);
		}
		return this.#dh.room !== id;
	}
}
