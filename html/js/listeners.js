// SPDX-License-Identifier: GPL-3.0-or-later
/* Who wants to be told of what. */

export class Listeners {
	#all = new Map();   // by name

	/* Returns a function that takes the listener away. */
	add(name, listener) {
		if (!this.#all.has(name))
			this.#all.set(name, new Set());
		this.#all.get(name).add(listener);
		return () => this.#all.get(name).delete(listener);
	}

	/* One that throws does not keep others from being told. */
	emit(name, detail) {
		for (const listener of [...this.#all.get(name) ?? []]) {
			try {
				listener(detail);
			} catch (error) {
				reportError(error);
			}
		}
	}
}
