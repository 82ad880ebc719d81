// SPDX-License-Identifier: GPL-3.0-or-later
/* digitalhuman.js: watch a digital human and talk to it, from any page.
 *
 *     import { DigitalHuman } from './digitalhuman.js';
 *
 *     const dh = new DigitalHuman({ room: 1, video: document.querySelector('video') });
 *     dh.on('speaking', () => console.log('it speaks'));
 *     dh.secret = 'demo';
 *     await dh.say('Hello!');
 *
 * It needs janus.js and adapter.js: where the page has not loaded them, they come
 * from `vendor`. It connects by itself and comes back by itself: after a restart
 * of the gateway, a lost network, a picture that stands still for no reason.
 *
 * new DigitalHuman(options):
 *     server      Janus's WebSocket or HTTP address, or a list of them to try in
 *                 this order; null: /janus-ws, else /janus, where this file is from
 *     room        the room's id (1)
 *     video       the <video> that shows it; it should be `muted` and `playsinline`,
 *                 else browsers don't let it start without a click
 *     pin         to watch, where the room wants one
 *     secret      to speak, enqueue, interrupt …, where the room wants one
 *     iceServers  STUN and TURN servers, as RTCPeerConnection takes them
 *     iceTransportPolicy   'relay': through TURN only
 *     vendor      folder or URL of janus.js and adapter.js
 * `pin` and `secret` may be changed at any time.
 *
 * dh.on(name, listener) returns a function that takes the listener away. Names:
 *     'status'    { state, error }: the connection became `dh.state`, one of
 *                     connecting    for the first time
 *                     preparing     connected, no picture yet
 *                     playing       pictures arrive
 *                     paused        by pause()
 *                     reconnecting  lost, trying again
 *                     refused       wrong or missing pin: set it, then reconnect()
 *                     kicked        sent away by who has the room's secret; reconnect() comes back
 *                     unsupported   the browser has no VP8, in which all pictures are
 *                     closed        by close()
 *     'error'     an Error (see below): why it does not connect
 *     'stream'    the MediaStream, once for each connection
 *     'event'     every event of the room as docs/api.md has it, and each one also
 *                 under its own name: 'speaking', 'idle', 'queued', 'ready',
 *                 'started', 'finished', 'interrupted', 'skipped', 'removed', 'failed',
 *                 'held', 'resumed', 'continued', 'missing', 'low_water', 'high_water',
 *                 'enabled', 'disabled', 'edited' …
 *
 * The requests return promises of the gateway's answer:
 *     say(text, fields)  enqueue(file, fields)    fields: voice, segment, metadata, words,
 *                                                 utterance, priority … as in docs/api.md
 *     queue()  info()  list()  skip()  remove(segment)  interrupt()
 *     progress(segment)  history()  stats()       where a segment stands, how the last ones
 *                                                 ended and what was heard of them, counters
 *     request(body) for anything else in docs/api.md
 * They wait for the first connection, and reject with an Error whose `code` is a
 * number of docs/api.md (457: secret or PIN), or 'offline' (not connected),
 * 'timeout', 'gateway' (Janus itself refused); in 'error' also 'media' (no way for
 * picture and sound: a firewall, and no TURN server) and 'codec' (no VP8).
 *
 * pause(), resume(), reconnect(), close(); unmute(), to be called from a click;
 * restart() negotiates a new way for picture and sound (ICE restart), without
 * ending the connection.
 * dh.state, dh.room, dh.stream, dh.pc (the RTCPeerConnection, null without one).
 * DigitalHuman.rooms(server) is a promise of the public rooms' list.
 */

const PLUGIN = 'janus.plugin.digitalhuman';
const ATTEMPT_MS = 8000;  // until a connection is answered
const FIRST_MS = 10000;   // until the first byte of video: a path must be found
const SILENT_MS = 3000;   // without any more video: is anybody there?
const HERE = import.meta.url;

let library;

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

function loadLibrary(vendor = './vendor/') {
	const file = name => new URL(name, new URL(vendor.replace(/\/?$/, '/'), HERE)).href;
	library ??= Promise.all([
		globalThis.adapter ?? loadScript(file('adapter.js')),
		globalThis.Janus ?? loadScript(file('janus.js')),
	]).then(() => new Promise(callback => globalThis.Janus.init({ debug: false, callback })));
	library.catch(() => { library = undefined; });
	return library;
}

function failure(code, message) {
	return Object.assign(new Error(message), { code });
}

function defaultServers() {
	const { protocol, host, origin } = new URL(HERE);
	return [`${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}/janus-ws`, `${origin}/janus`];
}

/* A Janus session; `lost` is called when it breaks later. */
function openSession(options, lost) {
	return new Promise((resolve, reject) => {
		let open = false;
		const janus = new globalThis.Janus({
			...options,
			success: () => {
				open = true;
				resolve(janus);
			},
			error: reason => (open ? lost : reject)(failure('offline', String(reason))),
		});
	});
}

function attach(janus, callbacks) {
	return new Promise((resolve, reject) => janus.attach({
		plugin: PLUGIN, ...callbacks, success: resolve,
		error: reason => reject(failure('gateway', String(reason))),
	}));
}

function discard(janus) {
	janus?.destroy({ cleanupHandles: true, notifyDestroyed: false });
}

function send(handle, message, { jsep, timeout = 10000 } = {}) {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(() => reject(failure('timeout', 'The gateway did not answer.')), timeout);
		const settle = (settled, value) => {
			clearTimeout(timer);
			settled(value);
		};
		handle.send({
			message, jsep,
			success: data => data?.error_code ?
				settle(reject, failure(data.error_code, data.error)) : settle(resolve, data),
			error: reason => settle(reject, failure('gateway', String(reason))),
		});
	});
}

export class DigitalHuman {
	#options;
	#listeners = new Map();
	#janus = null;
	#handle = null;
	#server;            // the address that worked
	#attempt = 0;       // callbacks of earlier attempts are ignored
	#failures = 0;      // since pictures came last
	#timers = {};
	#fed = { bytes: 0, at: 0 };
	#settle;
	#opened = new Promise(resolve => { this.#settle = resolve; });  // the first attempt succeeded or failed
	#wake = () => {
		if (this.state === 'reconnecting' && document.visibilityState === 'visible')
			this.reconnect();
	};

	constructor(options = {}) {
		const { server, room = 1, video = null, pin = null, secret = null } = options;
		this.#options = options;
		this.#server = server ?? defaultServers();
		Object.assign(this, { room, video, pin, secret });
		this.state = 'connecting';
		this.stream = null;
		addEventListener('online', this.#wake);
		document.addEventListener('visibilitychange', this.#wake);
		this.#connect();
	}

	static async rooms(server = null, { vendor, adminKey } = {}) {
		await loadLibrary(vendor);
		const janus = await openSession({ server: server ?? defaultServers(), iceServers: [] }, () => {});
		try {
			const handle = await attach(janus, {});
			return (await send(handle, { request: 'list', admin_key: adminKey })).list;
		} finally {
			discard(janus);
		}
	}

	on(name, listener) {
		if (!this.#listeners.has(name))
			this.#listeners.set(name, new Set());
		this.#listeners.get(name).add(listener);
		return () => this.#listeners.get(name).delete(listener);
	}

	say(text, fields = {}) { return this.request({ ...fields, request: 'say', text }); }
	enqueue(file, fields = {}) { return this.request({ ...fields, request: 'enqueue', file }); }
	progress(segment) { return this.request({ request: 'progress', segment }); }
	history() { return this.request({ request: 'history' }); }
	stats() { return this.request({ request: 'stats' }); }
	queue() { return this.request({ request: 'queue' }); }
	info() { return this.request({ request: 'info' }); }
	list() { return this.request({ request: 'list' }); }
	skip() { return this.request({ request: 'skip' }); }
	remove(segment) { return this.request({ request: 'remove', segment }); }
	interrupt() { return this.request({ request: 'interrupt' }); }
	pause() { return this.request({ request: 'pause' }); }
	resume() { return this.request({ request: 'start' }); }
	restart() { return this.request({ request: 'watch', restart: true }); }

	async request(body, options) {
		if (!this.#handle)
			await this.#opened;
		if (!this.#handle)
			throw failure('offline', 'Not connected to the gateway.');
		const { room: id, secret, pin } = this;
		return send(this.#handle, { id, ...(secret && { secret }), ...(pin && { pin }), ...body }, options);
	}

	get pc() { return this.#handle?.webrtcStuff.pc ?? null; }

	unmute() {
		if (!this.video)
			return Promise.resolve();
		this.video.muted = false;
		return this.video.play();
	}

	/* At once, whatever the state. */
	reconnect() {
		this.#drop();
		return this.#connect();
	}

	close() {
		this.#drop();
		this.#settle();
		removeEventListener('online', this.#wake);
		document.removeEventListener('visibilitychange', this.#wake);
		if (this.video)
			this.video.srcObject = null;
		this.#become('closed');
	}

	#emit(name, detail) {
		for (const listener of [...this.#listeners.get(name) ?? []]) {
			try {
				listener(detail);
			} catch (error) {
				reportError(error);
			}
		}
	}

	#become(state, error = null) {
		if (state === this.state && !error)
			return;
		this.state = state;
		this.#emit('status', { state, error });
	}

	/* Ends the connection without a word; a later attempt starts afresh. */
	#drop() {
		this.#attempt++;
		for (const timer of Object.values(this.#timers))
			clearTimeout(timer);
		discard(this.#janus);
		this.#janus = this.#handle = this.stream = null;
	}

	async #connect() {
		const attempt = ++this.#attempt;
		const live = fn => (...args) => attempt === this.#attempt && fn(...args);
		this.#become(this.#failures ? 'reconnecting' : 'connecting');
		this.#timers.attempt = setTimeout(live(() =>
			this.#lost(failure('timeout', 'The gateway did not answer.'))), ATTEMPT_MS);
		try {
			const { vendor, iceServers = [], iceTransportPolicy } = this.#options;
			await loadLibrary(vendor);
			const janus = await openSession({ server: this.#server, iceServers, iceTransportPolicy },
				live(error => this.#lost(error)));
			if (attempt !== this.#attempt)
				return discard(janus);
			this.#janus = janus;
			this.#server = janus.getServer();
			const handle = await attach(janus, {
				onmessage: live((message, jsep) => this.#message(message, jsep)),
				onremotetrack: live((track, mid, on) => on && this.#track(track)),
				iceState: live(state => state === 'failed' && this.#lost(this.#noMedia())),
				webrtcState: live((up, reason) => up || this.#lost(failure('offline', reason || 'Hung up.'))),
				ondetached: live(() => this.#lost(failure('offline', 'Detached by the gateway.'))),
			});
			if (attempt !== this.#attempt)
				return;
			this.#handle = handle;
			this.#settle();
			await this.request({ request: 'watch', events: true });
		} catch (error) {
			live(() => this.#lost(error))();
		}
	}

	/* Tries again, soon at first, later calmer; at random, since a gateway that
	 * comes back has many viewers. A wrong PIN is not tried again, nor does one come
	 * back who was kicked. Where only the room says no, the connection stays and
	 * other requests are possible. */
	#lost(error) {
		const refused = typeof error.code === 'number';
		this.#settle();
		if (refused)
			clearTimeout(this.#timers.attempt);
		else
			this.#drop();
		const end = { 457: 'refused', kicked: 'kicked', codec: 'unsupported' }[error.code];
		if (!end) {
			const wait = refused || this.#failures > 30 ? 2000 : this.#failures ? 500 : 100;
			this.#failures++;
			this.#timers.retry = setTimeout(() => this.reconnect(), wait * (1 + Math.random()));
		}
		this.#become(end ?? 'reconnecting', error);
		this.#emit('error', error);
	}

	#message(message, jsep) {
		if ((this.state === 'preparing' && message.result?.video === false) || (message.error_code === 461 && message.error.includes('VP8')))
			return this.#lost(failure('codec', 'This browser has no VP8.'));
		if (message.error_code)
			return this.#lost(failure(message.error_code, message.error));
		if (jsep)
			this.#answer(jsep);
		if (/^kicked/.test(message.result?.status))
			return this.#lost(failure('kicked', 'You were sent out of the room.'));
		if (message.result?.status === 'pausing')
			this.#become('paused');
		if (message.result?.status === 'starting' && this.state === 'paused') {
			this.#feed(this.#fed.bytes);
			this.#become('playing');
		}
		for (const name of message.event ? [message.event, 'event'] : [])
			this.#emit(name, message);
	}

	#answer(jsep) {
		const attempt = this.#attempt;
		const stereo = jsep.sdp.includes('stereo=1');
		const first = !this.stream;  // else the gateway negotiates anew
		if (first) {
			this.stream = new MediaStream();
			this.#become('preparing');
		}
		this.#handle.createAnswer({
			jsep,
			tracks: jsep.sdp.includes('m=application') ? [{ type: 'data' }] : [],
			customizeSdp: answer => {
				if (stereo && !answer.sdp.includes('stereo=1'))
					answer.sdp = answer.sdp.replace('useinbandfec=1', 'useinbandfec=1;stereo=1');
			},
			success: answer => {
				if (attempt !== this.#attempt)
					return;
				if (first) {
					clearTimeout(this.#timers.attempt);
					this.#feed(0);
					this.#timers.look = setInterval(() => this.#look(), 1000);
				}
				this.request({ request: 'start' }, { jsep: answer }).catch(error =>
					attempt === this.#attempt && this.#lost(error));
			},
			error: error => attempt === this.#attempt && this.#lost(failure('offline', String(error))),
		});
	}

	/* Sound and picture go into one stream. The last picture of a lost connection
	 * stands until the first of the new one comes. */
	#track(track) {
		this.stream.addTrack(track);
		if (track.kind !== 'video')
			return;
		const { stream, video } = this;
		const show = () => {
			if (stream !== this.stream || !video)
				return;
			video.srcObject = stream;
			video.play().catch(() => {});  // not muted and never clicked: the page sees `paused`
			video.requestVideoFrameCallback?.(() => stream === this.stream && this.#moving());
		};
		if (track.muted && video?.srcObject)
			track.addEventListener('unmute', show, { once: true });
		else
			show();
		this.#emit('stream', stream);
	}

	#feed(bytes) {
		this.#fed = { bytes, at: performance.now() };
	}

	#moving() {
		if (this.state !== 'preparing')
			return;
		this.#failures = 0;
		this.#become('playing');
	}

	#noMedia() {
		return this.#fed.bytes ? failure('offline', 'The picture stopped.') :
			failure('media', 'No way was found for picture and sound.');
	}

	/* Once a second: does the picture still come? A room's picture never stops, so
	 * when it does and the room does not know of a reason, connect anew. */
	async #look() {
		const attempt = this.#attempt;
		const stats = await this.pc?.getStats();
		const video = [...stats?.values() ?? []].find(s => s.type === 'inbound-rtp' && s.kind === 'video');
		if (attempt !== this.#attempt)
			return;
		if (video?.framesDecoded > 0)
			this.#moving();
		if (video?.bytesReceived > this.#fed.bytes)
			return this.#feed(video.bytesReceived);
		const patience = this.#fed.bytes ? SILENT_MS : FIRST_MS;
		if (this.state === 'paused' || performance.now() - this.#fed.at < patience)
			return;
		this.#feed(this.#fed.bytes);
		try {
			const { info } = await this.request({ request: 'info' }, { timeout: 2000 });
			if (attempt !== this.#attempt || info.enabled === false || !['idle', 'speaking'].includes(info.state))
				return;
			throw this.#noMedia();
		} catch (error) {
			if (attempt === this.#attempt)
				this.#lost(error);
		}
	}
}
