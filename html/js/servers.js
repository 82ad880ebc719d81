// SPDX-License-Identifier: GPL-3.0-or-later
/* Which server is tried next, and when. */

const PAUSE_MS = 100;     // before the first new attempt; doubled with every round of the servers, …
const PAUSES_MS = 2000;   // … up to this, …
const ROUNDS = 100;       // … and after so many rounds up to this:
const LONG_PAUSES_MS = 10000;
const RESTART_MS = 10000; // a gateway that restarts is there again

/* Without an address: those of the web server that the script `script` is from. */
export function addresses(server, script) {
	const { protocol, host, origin } = new URL(script);
	return [server ?? [`${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}/janus-ws`, `${origin}/janus`]].flat();
}

export class Servers {
	#addresses;
	#at = 0;
	#failures = 0;     // since it last worked
	#works = false;    // the present one has shown something
	#begun = performance.now();

	constructor(list) {
		this.#addresses = list;
	}

	get address() { return this.#addresses[this.#at % this.#addresses.length]; }
	get hasFailed() { return this.#failures > 0; }

	/* Each has been tried in vain, for a while. */
	get areDown() {
		return this.#failures >= this.#addresses.length && performance.now() - this.#begun >= RESTART_MS;
	}

	worked() {
		this.#works = true;
		this.#failures = 0;
	}

	/* The connection is gone, or (`refused`) the room said no. Returns how many ms to wait: at first few, later more;
	 * at random, since a gateway that comes back has many viewers. One that has worked is tried again before the next. */
	failed(refused) {
		const rounds = Math.floor(this.#failures++ / this.#addresses.length);
		const pause = Math.min(PAUSE_MS * 2 ** rounds, rounds < ROUNDS ? PAUSES_MS : LONG_PAUSES_MS);
		if (!refused && !this.#works)
			this.#at++;
		this.#works = false;
		return (refused ? PAUSES_MS : pause) * (0.5 + Math.random());
	}
}
