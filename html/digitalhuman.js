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
 * It needs the folder js/ beside it, janus.js and adapter.js: where the page has not
 * loaded these two, they come from `vendor`. A page on another site imports it from the
 * gateway's web server (conf/nginx-site allows that). It connects by itself and comes
 * back by itself: after a restart of the gateway, a lost or changed network, sleep.
 *
 * new DigitalHuman(options):
 *     server      Janus's WebSocket or HTTP address, or a list of them to try in
 *                 turn; null: /janus-ws, else /janus, where this file is from
 *     room        the room's id (1); 7 or '7', whichever the gateway has
 *     video       the <video> that shows it; it should be `muted` and `playsinline`,
 *                 else browsers don't let it start without a click
 *     pin         to watch, where the room wants one
 *     secret      to speak, enqueue, interrupt …, where the room wants one
 *     iceServers  STUN and TURN servers, as RTCPeerConnection takes them
 *     iceTransportPolicy   'relay': through TURN only
 *     vendor      folder or URL of janus.js and adapter.js
 *     captions    true: captions and markers come (docs/captions.md). dh.showCaptions(on) changes it
 * `pin` and `secret` may be changed at any time. One that turns out to be wrong becomes null.
 *
 * dh.on(name, listener) returns a function that takes the listener away. Names:
 *     'status'    { state, error, words }: the connection became `dh.state`, and `words`
 *                 (`dh.words`) say so to a person, or that the browser wants a click; they are
 *                 '' while it plays. States:
 *                     connecting    for the first time
 *                     preparing     connected, no picture yet
 *                     playing       pictures arrive
 *                     paused        by pause()
 *                     reconnecting  lost, trying again
 *                     refused       wrong or missing pin: set it, then reconnect()
 *                     kicked        sent away by who has the room's secret; reconnect() comes back
 *                     unsupported   the browser has no WebRTC, or no VP8, in which all pictures are
 *                     closed        by close()
 *     'error'     an Error (see below): why it does not connect
 *     'blocked'   true: the browser wants a click before it plays, or false: it got one. Any click or
 *                 key on the page will do; say so. (Where it only refuses the sound, it plays without.)
 *     'wrong'     'secret' or 'pin': the gateway did not take it
 *     'stream'    the MediaStream, once for each connection
 *     'captions'  what is shown now, while its words are heard: an array, most often of one or none, of
 *                 { caption, segment, text, words, from_ms, until_ms }. `dh.captions` has them, too, and `dh.track`
 *                 is the video's TextTrack with the same as cues: hidden, until somebody sets its `mode`
 *     'marker'    { data, segment, media_ms }: a marker, when the picture of its time is seen
 *     'event'     every event of the room as docs/api.md has it, and each one also
 *                 under its own name: 'speaking', 'idle', 'queued', 'ready',
 *                 'started', 'finished', 'interrupted', 'skipped', 'removed', 'failed',
 *                 'held', 'resumed', 'continued', 'missing', 'low_water', 'high_water',
 *                 'enabled', 'disabled', 'edited' …
 *
 * The requests return promises of the gateway's own answer, and a refusal rejects them and changes nothing else:
 *     say(text, fields)  enqueue(file, fields)    fields: voice, segment, metadata, words,
 *                                                 utterance, priority … as in docs/api.md
 *     queue()  info()  list()  skip()  remove(segment)  interrupt()
 *     move(segment, place)                        place: { before: id } or { after: id }
 *     mark(data)                                  a marker for all, now
 *     heard()                                     what this viewer was sent of the last segments, part by part
 *     progress(segment)  history()  stats()       where a segment stands, how the last ones
 *                                                 ended and what was heard of them, counters
 *     pause()  resume()                           it stays paused when the connection is made anew
 *     restart()                                   negotiates a new way for picture and sound (ICE restart), without
 *                                                 ending the connection
 *     request(body) for anything else in docs/api.md
 * They wait for the first connection, and reject with an Error whose `code` is a
 * number of docs/api.md (457: secret or PIN; `wrong` names it), or 'offline' (not connected, or not
 * any more: what is on its way then is rejected at once), 'timeout', 'gateway' (Janus itself refused);
 * in 'error' also 'media' (no way for picture and sound: a firewall, and no TURN server), 'codec' (no
 * VP8) and 'webrtc' (no WebRTC).
 *
 * reconnect(), close(); unmute(), to be called from a click.
 * A room whose avatar is transparent is shown on a <canvas> in the place of the video, with its class and style;
 * dh.canvas, null without one.
 * dh.state, dh.words, dh.blocked, dh.room, dh.stream, dh.pc (the RTCPeerConnection, null without one).
 * DigitalHuman.rooms(server) is a promise of the public rooms' list.
 */

import { Captions, Joiner } from './js/captions.js';
import { Connection, failure, loadLibrary } from './js/gateway.js';
import { Pulse } from './js/pulse.js';
import { Screen } from './js/screen.js';
import { addresses, Servers } from './js/servers.js';
import { stateWords } from './js/words.js';

const ATTEMPT_MS = 8000;  // until a connection is answered
const WISH_MS = 3000;     // until a pause or its end is
const PROBE_MS = 2000;    // until a gateway of which nothing comes any more says that it is there
const HERE = import.meta.url;

const vendorOf = (vendor = './vendor/') => new URL(vendor, HERE).href;
const isAnswer = error => typeof error.code === 'number';  // of the plugin, and no failure on the way

/* Where the world changes: a network comes or goes, the page is seen again or wakes up. */
const CHANGES = [
	[globalThis, 'online'], [globalThis, 'pageshow'], [document, 'visibilitychange'], [document, 'resume'],
	...(navigator.connection ? [[navigator.connection, 'change']] : []),
];

export class DigitalHuman {
	#options;
	#listeners = new Map();
	#connection = null;
	#screen;
	#servers;
	#error = null;      // why it is in its state
	#attempt = 0;       // callbacks of earlier attempts are ignored
	#timers = {};
	#pulse = null;
	#probing = false;
	#restarted = false; // another way was tried for what does not come
	#seen = false;      // pictures have come over this connection
	#paused = false;    // as it is wanted, also of the next connection
	#sends = { audio: true, video: true };  // likewise
	#flipped = false;   // `room` was a number and became a text, or the other way round
	#settle;
	#opened = new Promise(resolve => { this.#settle = resolve; });  // the first attempt succeeded or failed
	#matte = null;      // draws a transparent picture; a promise
	#captions;
	#joiner = null;     // puts long messages of the data channel together
	#wake = ({ type }) => this.#woken(type);

	constructor(options = {}) {
		const { server, room = 1, video = null, pin = null, secret = null } = options;
		this.#options = options;
		this.#servers = new Servers(addresses(server, HERE));
		Object.assign(this, { room, video, pin, secret });
		this.#captions = new Captions(video, {
			captions: shown => this.#emit('captions', shown), marker: marker => this.#emit('marker', marker),
		}, kind => this.pc?.getReceivers().find(receiver => receiver.track.kind === kind));
		this.state = 'connecting';
		this.stream = this.canvas = null;
		this.#screen = video && new Screen(video, blocked => {
			this.#emit('blocked', blocked);
			this.#tell();
		});
		for (const [target, name] of CHANGES)
			target.addEventListener(name, this.#wake);
		this.#connect();
	}

	/* Asks the servers one after the other. */
	static async rooms(server = null, { vendor, adminKey } = {}) {
		let last;
		await loadLibrary(vendorOf(vendor));
		for (const address of addresses(server, HERE)) {
			const connection = new Connection({ lost: () => {}, message: () => {} });
			const late = setTimeout(() => connection.close(failure('timeout', 'The gateway did not answer.')), ATTEMPT_MS);
			try {
				await connection.open({ server: address, iceServers: [] });
				return (await connection.request({ request: 'list', admin_key: adminKey })).list;
			} catch (error) {
				if (isAnswer(error))
					throw error;
				last = error;
			} finally {
				clearTimeout(late);
				connection.close(failure('offline', 'Answered.'));
			}
		}
		throw last;
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
	heard() { return this.request({ request: 'heard' }); }
	mark(data) { return this.request({ request: 'mark', data }); }
	skip() { return this.request({ request: 'skip' }); }
	remove(segment) { return this.request({ request: 'remove', segment }); }
	move(segment, place) { return this.request({ ...place, request: 'move', segment }); }
	interrupt() { return this.request({ request: 'interrupt' }); }
	restart() { return this.request({ request: 'watch', restart: true }); }
	pause() { return this.request({ request: 'pause' }, { timeout: WISH_MS }); }
	resume() { return this.request({ request: 'start' }, { timeout: WISH_MS }); }

	/* Also for later connections. */
	showCaptions(on) {
		this.#options = { ...this.#options, captions: on };
		if (!on)
			this.#captions.clear();
		return this.#connection?.isOpen ? this.request({ request: 'configure', captions: on }) : Promise.resolve();
	}

	/* Whether it is to be paused is remembered for the next connection, unless the gateway says no. */
	async request(body, options) {
		const before = this.#paused;
		const isWish = body.request === 'pause' || body.request === 'start';
		if (isWish)
			this.#paused = body.request === 'pause';
		try {
			return await this.#ask(body, options);
		} catch (error) {
			if (isWish && isAnswer(error))
				this.#paused = before;
			throw error;
		}
	}

	async #ask(body, options) {
		if (!this.#connection?.isOpen)
			await this.#opened;
		const { room: id, secret, pin } = this;
		const connection = this.#connection;
		if (!connection?.isOpen)
			throw failure('offline', 'Not connected to the gateway.');
		try {
			return await connection.request({ id, ...(secret && { secret }), ...(pin && { pin }), ...body }, options);
		} catch (error) {
			this.#forget(error, { secret, pin }, body);
			if (error.code === 'timeout' && connection === this.#connection)
				this.#probe();
			if (error.code === 454 && error.message.includes('"id"') && !('id' in body) && this.#flip(id))
				return this.#ask(body, options);
			throw error;
		}
	}

	get captions() { return this.#captions.shown; }
	get track() { return this.#captions.track; }
	get pc() { return this.#connection?.pc ?? null; }
	get words() { return stateWords(this.state, this.#error, this.blocked); }
	get blocked() { return this.#screen?.blocked ?? false; }

	unmute() { return this.#screen ? this.#screen.unmute() : Promise.resolve(); }

	/* At once, whatever the state. */
	reconnect() {
		this.#drop(failure('offline', 'The connection is made anew.'));
		return this.#connect();
	}

	close() {
		this.#drop(failure('offline', 'The connection was closed.'));
		this.#settle();
		for (const [target, name] of CHANGES)
			target.removeEventListener(name, this.#wake);
		this.#screen?.clear();
		this.#captions.clear();
		this.#lay(null);
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
		this.#error = error;
		this.#tell();
	}

	#tell() {
		this.#emit('status', { state: this.state, error: this.#error, words: this.words });
	}

	/* --- what the gateway did not like */

	/* A wrong key would spoil every other request. */
	#forget({ wrong }, used, body) {
		if (!used[wrong] || wrong in body || this[wrong] !== used[wrong])
			return;
		this[wrong] = null;
		this.#emit('wrong', wrong);
	}

	/* Only the gateway knows whether "7" is a number or a name there. True: `room` has changed since it was `id`. */
	#flip(id) {
		if (this.room === id && !this.#flipped && /^\d+$/.test(id)) {
			this.#flipped = true;
			this.room = typeof id === 'number' ? String(id) : Number(id);
		}
		return this.room !== id;
	}

	/* --- connecting */

	/* Ends the connection; a later attempt starts afresh. */
	#drop(error, isThere = false) {
		this.#attempt++;
		for (const timer of Object.values(this.#timers))
			clearTimeout(timer);
		this.#pulse?.stop();
		this.#connection?.close(error, isThere);
		this.#connection = this.#pulse = this.stream = null;
	}

	async #connect() {
		const attempt = ++this.#attempt;
		const live = fn => (...args) => attempt === this.#attempt && fn(...args);
		const lost = live(error => this.#lost(error));
		this.#become(this.#servers.hasFailed ? 'reconnecting' : 'connecting');
		this.#timers.attempt = setTimeout(() => lost(failure('timeout', 'The gateway did not answer.')), ATTEMPT_MS);
		try {
			const { vendor, iceServers = [], iceTransportPolicy } = this.#options;
			await loadLibrary(vendorOf(vendor));
			if (attempt !== this.#attempt)
				return;
			this.#connection = new Connection({
				lost, message: live((message, jsep) => this.#message(message, jsep)),
				ondata: live(text => this.#data(text)),
				onremotetrack: live((track, mid, on) => on && this.#track(track)),
				iceState: live(state => state === 'failed' && this.#lost(this.#noMedia())),
				webrtcState: live((up, reason) => up || this.#lost(failure('offline', reason || 'Hung up.'), true)),
				ondetached: live(() => this.#lost(failure('offline', 'Detached by the gateway.'))),
			});
			await this.#connection.open({ server: this.#servers.address, iceServers, iceTransportPolicy });
			this.#settle();
			await this.#watch();
		} catch (error) {
			lost(error);
		}
	}

	/* A secret that is wrong is no reason not to watch. */
	async #watch() {
		const captions = Boolean(this.#options.captions);
		const wish = { request: 'watch', events: true, ...(captions && { offer_data: true, captions }) };
		this.#joiner = new Joiner();
		this.#captions.clear();
		try {
			await this.request(wish);
		} catch (error) {
			if (error.wrong !== 'secret')
				throw error;
			await this.request(wish);
		}
	}

	/* Tries again, unless a PIN is wrong, or it was kicked. Where only the room says no, the connection stays and other
	 * requests are possible. `isThere`: only picture and sound have ended, the gateway still answers. */
	#lost(reason, isThere = false) {
		const hasNoCodec = reason.code === 461 && reason.message.includes('VP8');
		const error = hasNoCodec ? failure('codec', 'This browser has no VP8.') : reason;
		const end = { 457: 'refused', kicked: 'kicked', codec: 'unsupported', webrtc: 'unsupported' }[error.code];
		this.#settle();
		clearTimeout(this.#timers.attempt);
		clearTimeout(this.#timers.retry);
		if (isAnswer(error))
			this.#pulse?.stop();
		else
			this.#drop(failure('offline', error.message), isThere || error.code === 'kicked');
		if (!end)
			this.#timers.retry = setTimeout(() => this.reconnect(), this.#servers.failed(isAnswer(error)));
		this.#become(end ?? 'reconnecting', error);
		this.#emit('error', error);
	}

	#woken(type) {
		if (type === 'visibilitychange' && document.hidden)
			return;
		if (this.state === 'reconnecting' && type !== 'change')
			this.reconnect();
		else if (['preparing', 'playing', 'paused'].includes(this.state))
			this.#probe();
		this.#screen?.play();
	}

	/* --- the gateway's words */

	#message(message, jsep) {
		const { result, event } = message;
		if (/^(preparing|start)/.test(result?.status) || result?.switched)
			this.#lay(result);
		if (jsep)
			this.#answer(jsep);
		if (result)
			this.#take(result);
		const isTimed = event && this.#captions.take(message);
		for (const name of event ? [...(isTimed ? [] : [event]), 'event'] : [])
			this.#emit(name, message);
	}

	/* On the data channel come what would otherwise come on the handle. */
	#data(text) {
		try {
			const message = this.#joiner.join(text);
			if (message?.digitalhuman)
				this.#message(message);
		} catch (error) {
			reportError(error);
		}
	}

	#take({ status, event, switched, id, audio, video }) {
		if (/^kicked/.test(status))
			return this.#lost(failure('kicked', 'You were sent out of the room.'));
		if (/^start/.test(status) && video === false && this.#sends.video)
			return this.#lost(failure('codec', 'This browser has no VP8.'));
		if (event === 'configured')
			this.#sends = { audio, video };
		if (switched) {
			this.room = id;
			this.#paused = false;
		}
		if (status === 'pausing' && this.#paused) {
			this.#servers.worked();
			this.#become('paused');
		} else if (this.state === 'paused' && !this.#paused && (switched || /^start/.test(status))) {
			this.#pulse?.excuse();
			this.#become(this.#seen ? 'playing' : 'preparing');
		}
	}

	/* Transparent pictures come with their mattes below them. */
	async #lay(picture) {
		const { video } = this;
		if (!video || (!picture?.matte && !this.#matte))
			return;
		this.#matte ??= import('./js/matte.js').then(({ Matte }) => new Matte(video));
		try {
			(await this.#matte).show(picture?.matte ? picture : null);
			this.canvas = (await this.#matte).canvas;
			video.dispatchEvent(new Event('resize'));
		} catch (error) {
			this.#matte = null;
			this.#emit('error', failure('offline', `The transparent picture cannot be shown: ${error.message}`));
		}
	}

	/* To the offer, or a later one. */
	async #answer(jsep) {
		const attempt = this.#attempt;
		const stereo = jsep.sdp.includes('stereo=1');
		const first = !this.stream;
		if (first) {
			this.#seen = this.#restarted = false;
			this.stream = new MediaStream();
			this.#become('preparing');
		}
		try {
			const answer = await this.#connection.answer({
				jsep,
				tracks: jsep.sdp.includes('m=application') ? [{ type: 'data' }] : [],
				customizeSdp: sdp => {
					if (stereo && !sdp.sdp.includes('stereo=1'))
						sdp.sdp = sdp.sdp.replace('useinbandfec=1', 'useinbandfec=1;stereo=1');
				},
			});
			if (attempt !== this.#attempt)
				return;
			clearTimeout(this.#timers.attempt);
			if (first)
				this.#pulse = this.#newPulse();
			await this.request({ request: this.#paused ? 'pause' : 'start' }, { jsep: answer });
			if (first && !(this.#sends.audio && this.#sends.video))
				await this.request({ request: 'configure', ...this.#sends });
		} catch (error) {
			if (attempt === this.#attempt)
				this.#lost(error);
		}
	}

	/* --- picture and sound */

	/* They go into one stream. The last picture of a lost connection stands until the first of the new one
	 * comes. */
	#track(track) {
		this.stream.addTrack(track);
		if (track.kind !== 'video')
			return;
		const { stream } = this;
		const show = () => stream === this.stream &&
			this.#screen?.show(stream, () => stream === this.stream && this.#moving());
		if (track.muted && this.video?.srcObject)
			track.addEventListener('unmute', show, { once: true });
		else
			show();
		this.#emit('stream', stream);
	}

	#newPulse() {
		return new Pulse({
			pc: () => this.pc,
			soundIsEnough: () => !this.#sends.video,
			came: () => { this.#restarted = false; },
			decoded: () => this.#moving(),
			silent: () => this.state === 'paused' || this.#probe(),
			slept: () => this.#probe(),
		});
	}

	#moving() {
		this.#seen = true;
		this.#servers.worked();
		if (this.state === 'preparing')
			this.#become('playing');
	}

	#noMedia() {
		return this.#pulse?.hasBegun ? failure('offline', 'The picture stopped.') :
			failure('media', 'No way was found for picture and sound.');
	}

	/* Is the gateway there? If it is, and nothing comes although it should: another way for sound and picture,
	 * then another connection. */
	async #probe() {
		const attempt = this.#attempt;
		if (this.#probing)
			return;
		this.#probing = true;
		try {
			const { info } = await this.request({ request: 'info' }, { timeout: PROBE_MS });
			if (attempt !== this.#attempt || this.state === 'paused' || !this.#pulse?.isSilent)
				return;
			const isSending = info.enabled !== false && ['idle', 'speaking'].includes(info.state);
			if (isSending && (this.#restarted || !this.#pulse.hasBegun))
				throw this.#noMedia();
			this.#pulse.excuse();
			this.#restarted = isSending;
			if (isSending)
				await this.restart().catch(() => { throw this.#noMedia(); });
		} catch (error) {
			if (attempt === this.#attempt && error.code !== 457)
				this.#lost(error);
		} finally {
			this.#probing = false;
		}
	}
}
