// SPDX-License-Identifier: GPL-3.0-or-later
/* One connection to a gateway: a Janus session, a handle of the plugin in it, and the requests that
 * are on their way. Needs janus.js and adapter.js. */

const PLUGIN = 'janus.plugin.digitalhuman';
const ANSWER_MS = 10000;  // until a request is answered
const STEP_MS = 8000;     // until there is a session, and until the plugin is there
const OFFER_MS = 30000;   // until a browser, be it a slow one, has made its answer to an offer
const LINGER_MS = 1000;   // for Janus to hear that a session is over
const LATE_MS = 5000;     // for what a gateway that is still there has been asked

/* Requests that apply to the handle itself: Janus acknowledges them, and the plugin's answer is an
 * event. janus.js does not say which request an event answers, so there is one at a time. */
const ANSWERS = {
	watch: /^(preparing|updating|starting)$/, observe: /^observing$/, start: /^start(ing|ed)$/,
	pause: /^pausing$/, configure: /^configured$/, switch: /^switched$/, stop: /^(stopp(ing|ed)|idle)$/,
};
const kindOf = result => result.status ?? result.event ?? (result.switched && 'switched');

let library;

/* An Error with a `code`. `wrong` names the key that the gateway did not take. */
export function failure(code, message) {
	return Object.assign(new Error(message), { code, wrong: /wrong "(\w+)"/.exec(message)?.[1] });
}

/* Whether an error is the plugin's answer, and no failure on the way. Browsers number some of theirs, too. */
export const isAnswer = error => typeof error.code === 'number' && !(error instanceof globalThis.DOMException);

/* What `promise` is of, unless it takes longer. Each step has a limit of its own, so that a slow page gets there. */
function within(ms, promise) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(failure('timeout', 'The gateway did not answer.')), ms);
	});
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/* Long messages of the data channel come in parts. */
class Joiner {
	#parts = [];
	#number = null;

	/* The message that `text` is, or completes; null: more of it has to come. */
	join(text) {
		const json = JSON.parse(text);
		if (!json.parts)
			return json;
		if (json.message !== this.#number) {
			this.#number = json.message;
			this.#parts = [];
		}
		this.#parts.push(json.text);
		return json.part === json.parts && this.#parts.length === json.parts ? JSON.parse(this.#parts.join('')) : null;
	}
}

function loadScript(url) {
	return new Promise((resolve, reject) => {
		const script = document.createElement('script');
		script.src = url;
		script.onload = resolve;
		script.onerror = () => {
			script.remove();
			reject(failure('offline', `${url} cannot be loaded`));
		};
		document.head.append(script);
	});
}

/* janus.js and adapter.js from the folder `vendor`, unless the page has them. */
export function loadLibrary(vendor) {
	const file = name => new URL(name, vendor.replace(/\/?$/, '/')).href;
	library ??= Promise.all([
		globalThis.adapter ?? loadScript(file('adapter.js')),
		globalThis.Janus ?? loadScript(file('janus.js')),
	]).then(() => new Promise(callback => globalThis.Janus.init({ debug: false, callback })));
	library.catch(() => { library = undefined; });
	return within(STEP_MS, library);
}

/* Half of a character, from a text that was cut in its middle, is no JSON that Janus would take: it would not
 * even say whose request that was. */
function wellFormed(body) {
	return JSON.parse(JSON.stringify(body), (_, value) =>
		typeof value === 'string' ? value.replace(/\p{Surrogate}/gu, '\ufffd') : value);
}

export class Connection {
	#janus = null;
	#socket = null;
	#handle = null;
	#on;
	#over = null;              // why it is closed
	#waiting = new Set();      // requests on their way: { message, kind, resolve, reject }
	#joiner = new Joiner();
	#turn = Promise.resolve(); // ends when the next request that applies to the handle may go

	/* on: lost(error) once it breaks, message(message, jsep, asked), also of the data channel, and callbacks of janus.js.
	 * `asked`: the request that it answers, where that is one about the handle. */
	constructor(on) {
		this.#on = on;
	}

	get isOpen() { return Boolean(this.#handle && !this.#over); }
	get pc() { return this.#handle?.webrtcStuff.pc ?? null; }

	async open(options) {
		try {
			await within(STEP_MS, this.#openSession(options));
			const handle = await within(STEP_MS, this.#attach({
				...this.#on,
				onmessage: (message, jsep) => this.#message(message, jsep),
				ondata: text => this.#data(text),
			}));
			if (this.#over)
				throw this.#over;
			this.#handle = handle;
		} catch (error) {
			this.close(error);
			throw error;
		}
	}

	/* One server, so janus.js makes its socket at once, which throws where the address is none; it does not close one that
	 * hangs, behind which browsers let the next one wait. A session that comes too late would be kept alive for ever. */
	#openSession(options) {
		const { Janus } = globalThis;
		const { newWebSocket } = Janus;
		return new Promise((resolve, reject) => {
			if (!Janus.isWebrtcSupported())
				return reject(failure('webrtc', 'This browser has no WebRTC.'));
			Janus.newWebSocket = (...args) => (this.#socket = newWebSocket(...args));
			this.#waiting.add({ reject });
			try {
				this.#janus = new Janus({
					...options,
					success: () => (this.#over ? this.#destroy() : resolve()),
					error: reason => {
						const error = failure('offline', String(reason));
						reject(error);
						this.#lose(error);
					},
				});
			} catch (error) {
				reject(failure('offline', String(error)));
			} finally {
				Janus.newWebSocket = newWebSocket;
			}
		});
	}

	#attach(on) {
		const entry = {};
		const attached = new Promise((resolve, reject) => {
			entry.reject = reject;
			this.#waiting.add(entry);
			this.#janus.attach({
				...on,
				plugin: PLUGIN,
				success: resolve,
				error: reason => reject(failure('gateway', String(reason))),
			});
		});
		return attached.finally(() => this.#waiting.delete(entry));
	}

	#lose(error) {
		if (this.isOpen)
			this.#on.lost(error);
	}

	/* A promise of the plugin's answer. */
	request(body, options) {
		const message = wellFormed(body);
		if (options?.listener)
			return this.#observe(message, options);
		if (!(message.request in ANSWERS))
			return this.#send(message, options);
		const answer = this.#turn.then(() => this.#send(message, options));
		this.#turn = answer.catch(() => {});
		return answer;
	}

	#send(message, { jsep, timeout = ANSWER_MS } = {}) {
		if (!this.isOpen)
			return Promise.reject(this.#over ?? failure('offline', 'Not connected to the gateway.'));
		let entry;
		const answer = new Promise((resolve, reject) => {
			const settle = settled => value => {
				clearTimeout(timer);
				this.#waiting.delete(entry);
				settled(value);
			};
			entry = { message, kind: ANSWERS[message.request], resolve: settle(resolve), reject: settle(reject) };
			const timer = setTimeout(() => entry.reject(failure('timeout', 'The gateway did not answer.')), timeout);
			this.#waiting.add(entry);
			this.#handle.send({
				message, jsep,
				success: data => {
					if (data?.error_code)
						entry.reject(failure(data.error_code, data.error));
					else if (data || !entry.kind)
						entry.resolve(data);
				},
				error: reason => entry.reject(this.#refused(String(reason))),
			});
		});
		entry.answer = answer;
		return answer;
	}

	/* By a handle of its own, which goes with the connection. Returns a function that ends it; ended(error) is called where
	 * the gateway does. */
	async #observe(message, { listener, ended }) {
		if (!this.isOpen)
			throw this.#over ?? failure('offline', 'Not connected to the gateway.');
		const entry = {};
		const begun = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
		begun.catch(() => {});   // it may be too late before anybody waits for it
		this.#waiting.add(entry);
		let handle = null, isObserving = false, isOver = false;
		const end = () => {
			if (!isOver && !this.#over)
				handle?.detach();
			isOver = true;
		};
		const fail = error => {
			entry.reject(error);
			if (!isObserving || isOver)
				return;
			end();
			ended?.(error);
		};
		const tell = event => {
			listener(event);
			if (event.event === 'destroyed')
				fail(failure('offline', 'The room was closed.'));
		};
		const take = status => {
			isObserving ||= status === 'observing';
			if (status === 'observing')
				entry.resolve();
			else if (/^kicked/.test(status))
				fail(failure('kicked', 'The observer was sent out of the room.'));
			else if (status === 'stopped')
				fail(failure('offline', 'There is nothing to observe any more.'));
		};
		try {
			handle = await within(STEP_MS, this.#attach({
				onmessage: said => {
					if (said.event)
						tell(said);
					else if (said.error_code)
						entry.reject(failure(said.error_code, said.error));
					else
						take(said.result?.status);
				},
				ondetached: () => fail(failure('offline', 'Detached by the gateway.')),
			}));
			handle.send({
				message, success: data => data?.error_code && entry.reject(failure(data.error_code, data.error)),
				error: reason => entry.reject(this.#refused(String(reason))),
			});
			await within(ANSWER_MS, begun);
			return end;
		} catch (error) {
			end();
			throw error;
		} finally {
			this.#waiting.delete(entry);
		}
	}

	/* By Janus itself. Where it does not know session or handle any more, both are gone. */
	#refused(reason) {
		const isGone = /^45[89] |server down/.test(reason);
		const error = failure(isGone ? 'offline' : 'gateway', reason);
		if (isGone)
			queueMicrotask(() => this.#lose(error));
		return error;
	}

	#message(message, jsep) {
		const asked = [...this.#waiting].find(entry => entry.kind);
		if (message.error_code && !message.event)
			return asked?.reject(failure(message.error_code, message.error));
		const isAnswered = asked && message.result && asked.kind.test(kindOf(message.result));
		if (isAnswered)
			asked.resolve(message);
		this.#on.message(message, jsep, isAnswered ? asked.message : undefined);
	}

	/* On the data channel come what would otherwise come on the handle. */
	#data(text) {
		try {
			const message = this.#joiner.join(text);
			if (message?.digitalhuman)
				this.#on.message(message);
		} catch (error) {
			reportError(error);
		}
	}

	/* To an offer: createAnswer of janus.js as a promise. Browsers leave stereo out unless they are told. */
	answer(jsep) {
		const stereo = jsep.sdp.includes('stereo=1');
		const customizeSdp = answer => {
			if (stereo && !answer.sdp.includes('stereo=1'))
				answer.sdp = answer.sdp.replace('useinbandfec=1', 'useinbandfec=1;stereo=1');
		};
		return within(OFFER_MS, new Promise((resolve, reject) => this.#handle.createAnswer({
			jsep, customizeSdp, tracks: jsep.sdp.includes('m=application') ? [{ type: 'data' }] : [],
			success: resolve, error: reason => reject(failure('offline', String(reason))),
		})));
	}

	/* Without a word to `on`. What is on its way is rejected with `error` at once; but where the gateway is still `there`,
	 * it is answered first, since what one asks may be what ends the connection (kick_all). */
	async close(error, there = false) {
		if (this.#over)
			return;
		this.#over = error;
		if (there)
			await this.#answered();
		for (const { reject } of [...this.#waiting])
			reject(error);
		this.#destroy();
	}

	/* The session, if there is one. janus.js keeps what it has ended in an object, a newer one in a Map. */
	#destroy() {
		const { sessions } = globalThis.Janus ?? {};
		const id = this.#janus?.getSessionId?.();
		this.#janus?.destroy?.({ cleanupHandles: true, notifyDestroyed: false });
		if (sessions instanceof Map)
			sessions.delete(id);
		else if (id)
			delete sessions?.[id];
		const socket = this.#socket;
		setTimeout(() => socket?.close(), id ? LINGER_MS : 0);
	}

	/* Other requests than those about the handle, which has ended. */
	#answered() {
		const answers = [...this.#waiting].filter(entry => !entry.kind && entry.answer).map(entry => entry.answer);
		return Promise.race([Promise.allSettled(answers), new Promise(late => setTimeout(late, LATE_MS))]);
	}
}
