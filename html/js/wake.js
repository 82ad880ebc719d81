// SPDX-License-Identifier: GPL-3.0-or-later
/* Where the world changes: a network comes or goes, the page is seen again or wakes up. */

const CHANGES = () => [
	[globalThis, 'online'], [globalThis, 'pageshow'], [document, 'visibilitychange'], [document, 'resume'],
	...(navigator.connection ? [[navigator.connection, 'change']] : []),
];

export class Wake {
	#changes = [];
	#told;

	/* changed(isNetwork): the network is another one (true), or there again, or the page is. */
	constructor(changed) {
		this.#told = ({ type }) => {
			if (type !== 'visibilitychange' || !document.hidden)
				changed(type === 'change');
		};
	}

	/* Also once more. */
	start() {
		this.stop();
		this.#changes = CHANGES();
		for (const [target, name] of this.#changes)
			target.addEventListener(name, this.#told);
	}

	stop() {
		for (const [target, name] of this.#changes)
			target.removeEventListener(name, this.#told);
	}
}
