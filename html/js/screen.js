// SPDX-License-Identifier: GPL-3.0-or-later
/* The <video>, and what browsers allow it: most start it muted only, and some (battery, settings) not at all
 * before a click. Then any click, tap or key on the page starts it: iPhones have clicks only where something listens
 * to them. */

const GESTURES = ['click', 'touchend', 'keydown'];

export class Screen {
	#video;
	#onBlocked;
	#retry = () => this.play();
	#isHalted = false;  // the viewer has paused it, in the browser's own controls
	#matte = null;      // draws a transparent picture; a promise

	/* onBlocked(blocked) says that it waits for a click, or not any more. */
	constructor(video, onBlocked) {
		this.#video = video;
		this.#onBlocked = onBlocked;
		this.blocked = false;
		this.canvas = null;
		/* browsers themselves pause what is not seen, and what has ended */
		video.addEventListener('pause', () => { this.#isHalted ||= !document.hidden && !video.ended; });
		video.addEventListener('play', () => { this.#isHalted = false; });
	}

	/* moving() is called at its first picture, where the browser can tell. */
	show(stream, moving) {
		this.#video.srcObject = stream;
		this.play();
		this.#video.requestVideoFrameCallback?.(moving);
	}

	clear() {
		this.#block(false);
		this.#video.srcObject = null;
	}

	/* The page is seen again. */
	woken() { return this.#isHalted ? undefined : this.play(); }

	/* With a sound that the browser does not allow, it plays without. */
	async play() {
		const video = this.#video;
		if (!video.srcObject)
			return;
		try {
			await video.play();
			this.#block(false);
		} catch (error) {
			if (error.name !== 'NotAllowedError')
				return;  // another stream has taken its place
			if (video.muted)
				return this.#block(true);
			video.muted = true;
			await this.play();
		}
	}

	/* From within a click. Rejects where the browser does not allow it even so; then it goes on without sound. */
	async unmute() {
		const video = this.#video;
		video.muted = false;
		try {
			if (video.srcObject)
				await video.play();
			this.#block(false);
		} catch (error) {
			if (error.name === 'AbortError')
				return;
			video.muted = true;
			this.play();
			throw error;
		}
	}

	/* `picture`: what the gateway says of its form. Transparent ones come with their mattes below them, and are drawn on a
	 * canvas in the video's place. */
	async lay(picture) {
		const hasMatte = Boolean(picture?.matte);
		if (!hasMatte && !this.#matte)
			return;
		this.#matte ??= import('./matte.js').then(({ Matte }) => new Matte(this.#video));
		try {
			const matte = await this.#matte;
			matte.show(hasMatte ? picture : null);
			this.canvas = matte.canvas;
			this.#video.dispatchEvent(new Event('resize'));
		} catch (error) {
			this.#matte = null;
			throw error;
		}
	}

	#block(blocked) {
		if (blocked === this.blocked)
			return;
		this.blocked = blocked;
		for (const name of GESTURES) {
			if (blocked)
				document.addEventListener(name, this.#retry, true);
			else
				document.removeEventListener(name, this.#retry, true);
		}
		this.#onBlocked(blocked);
	}
}
