// SPDX-License-Identifier: GPL-3.0-or-later
/* digitalhuman.js: watch a digital human and talk to it, from any page.
 *
 *     import { DigitalHuman } from './digitalhuman.js';
 *
 *     const dh = new DigitalHuman({ room: 1, video: document.querySelector('video') });
 *     dh.on('speaking', () => console.log('it speaks'));
 *     button.onclick = () => dh.listen().catch(console.log);   // to what is said here
 *     dh.secret = 'demo';
 *     dh.say('Hello!').catch(console.log);
 *
 * docs/javascript.md has all options, events, methods and errors; digitalhuman.d.ts their types.
 *
 * It needs the folder js/ beside it, janus.js and adapter.js. It connects by itself and comes back by itself: after a
 * restart of the gateway, a lost or changed network, sleep.
 */

import { Asking } from './js/asking.js';
import { Captions } from './js/captions.js';
import { Connection, failure, isAnswer, loadLibrary } from './js/gateway.js';
import { keysFor, setKeys } from './js/keys.js';
import { Listeners } from './js/listeners.js';
import { Listening } from './js/microphone.js';
import { Offers } from './js/offers.js';
import { Pulse } from './js/pulse.js';
import { Requests } from './js/requests.js';
import { listRooms } from './js/rooms.js';
import { Screen } from './js/screen.js';
import { addresses, Servers } from './js/servers.js';
import { Wake } from './js/wake.js';
import { Wishes } from './js/wishes.js';
import { stateWords } from './js/words.js';

const LIMIT = 464;
const AFTER_ANSWER = ['configure', 'start', 'pause', 'switch'];   // to the first offer; in their order
const HERE = import.meta.url;

const vendorOf = (vendor = './vendor/') => new URL(vendor, HERE).href;

export class DigitalHuman extends Requests {
	#options;
	#listeners = new Listeners();
	#connection = null;
	#screen;
	#servers;
	#error = null;      // why it is in its state
	#attempt = 0;       // callbacks of earlier attempts are ignored
	#retry;             // a timer
	#pulse = null;
	#seen = false;      // pictures have come over this connection
	#wishes = new Wishes();  // also of the next connection
	#asking;
	#settle;
	#opened = new Promise(resolve => { this.#settle = resolve; });  // there is a connection, or there will be none soon
	#captions;
	#listening;
	#offers;
	#connected;         // a promise of the present attempt's end
	#wake = new Wake(isNetwork => this.#woken(isNetwork));

	constructor(options = {}) {
		super();
		const { server, room = 1, video = null, pin = null, secret = null, token = null } = options;
		this.#options = options;
		this.#servers = new Servers(addresses(server, HERE));
		Object.assign(this, { room, video, pin, secret, token });
		this.#asking = new Asking(this, {
			connection: () => this.#whenOpened(), wrong: key => this.#emit('wrong', key),
			late: connection => connection === this.#connection && this.#pulse?.probe(),
		});
		this.#captions = new Captions(video, {
			captions: shown => this.#emit('captions', shown), marker: marker => this.#emit('marker', marker),
		}, kind => this.pc?.getReceivers().find(receiver => receiver.track.kind === kind));
		this.state = 'connecting';
		this.stream = this.viewer = null;
		this.#screen = video && new Screen(video, blocked => {
			this.#emit('blocked', blocked);
			this.#tell();
		});
		this.#listening = new Listening({
			pc: () => this.pc, negotiate: on => this.#offers.negotiate(on), changed: change => this.#emit('microphone', change),
			silent: event => this.#tellEvent(event),
		});
		this.#offers = new Offers({
			connected: () => this.#whenOpened().then(() => this.#connected), answer: (...offer) => this.#answer(...offer),
			configure: fields => this.#configure(fields),
		});
		this.#wake.start();
		this.#connected = this.#connect();
	}

	static rooms(server = null, { vendor, adminKey } = {}) {
		return listRooms(addresses(server, HERE), vendorOf(vendor), adminKey);
	}

	on(name, listener) { return this.#listeners.add(name, listener); }

	/* A promise of the microphone, once the gateway listens to it. */
	listen({ track, deviceId, ...room } = {}) {
		return this.#listening.open({ track, deviceId }, () => Object.keys(room).length && this.bargeIn(room));
	}

	/* Also for later connections. */
	showCaptions(on) {
		this.#options = { ...this.#options, captions: on };
		this.#captions.turn(on);
		return this.#connection?.isOpen ? this.#configure({ captions: on }) : Promise.resolve();
	}

	request(body, options) {
		const { request } = body;
		const ask = () => this.#ask(body, options);
		if (!AFTER_ANSWER.includes(request))
			return ask();
		const askLater = () => this.#offers.answered().then(ask);
		return ['pause', 'start'].includes(request) ? this.#wishes.pause(request === 'pause', askLater) : askLater();
	}

	#configure(fields) { return this.#ask({ request: 'configure', ...fields }); }

	#ask(body, options) { return this.#asking.ask(body, options); }

	get captions() { return this.#captions.shown; }
	get track() { return this.#captions.track; }
	get canvas() { return this.#screen?.canvas ?? null; }
	get pc() { return this.#connection?.pc ?? null; }
	get words() { return stateWords(this.state, this.#error, this.blocked); }
	get microphone() { return this.#listening.microphone; }
	get isPaused() { return this.#wishes.isPaused; }
	get blocked() { return this.#screen?.blocked ?? false; }

	unmute() { return this.#screen ? this.#screen.unmute() : Promise.resolve(); }

	/* At once, whatever the state. */
	reconnect() {
		const { state } = this;
		this.#drop(failure('offline', 'The connection is made anew.'));
		if (this.state === state) {   // nobody who was told has closed it
			this.#wake.start();
			this.#connected = this.#connect();
		}
		return this.#connected;
	}

	close() {
		this.#drop(failure('offline', 'The connection was closed.'));
		this.#settle();
		this.#wake.stop();
		this.#listening.close();
		this.#screen?.clear();
		this.#lay(null);
		this.#become('closed');
	}

	#emit(name, detail) { this.#listeners.emit(name, detail); }

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

	/* --- connecting */

	/* Ends the connection; a later attempt starts afresh. */
	#drop(error, isThere = false) {
		this.#attempt++;
		clearTimeout(this.#retry);
		this.#pulse?.stop();
		this.#connection?.close(error, isThere);
		this.#connection = this.#pulse = this.stream = this.viewer = null;
		this.#offers.forget();
		this.#listening.silence();
		this.#captions.clear();
	}

	async #connect() {
		const attempt = ++this.#attempt;
		const live = fn => (...args) => attempt === this.#attempt && fn(...args);
		const lost = live(error => this.#lost(error));
		this.#become(this.#servers.hasFailed ? 'reconnecting' : 'connecting');
		try {
			const { vendor, iceServers = [], iceTransportPolicy } = this.#options;
			await loadLibrary(vendorOf(vendor));
			if (attempt !== this.#attempt)
				return;
			this.#pulse = this.#newPulse(lost);
			this.#connection = new Connection({
				lost, message: live((...message) => this.#message(...message)),
				onremotetrack: live((track, mid, on) => on && this.#track(track)),
				iceState: live(state => state === 'failed' && this.#lost(this.#pulse.noMedia())),
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

	/* A promise of the connection, or of null. */
	async #whenOpened() {
		if (!this.#connection?.isOpen)
			await this.#opened;
		return this.#connection;
	}

	/* A secret that is wrong is no reason not to watch. */
	async #watch() {
		const captions = Boolean(this.#options.captions);
		const wish = { request: 'watch', events: true, ...(captions && { offer_data: true, captions }) };
		try {
			await this.request(wish);
		} catch (error) {
			if (error.wrong !== 'secret')
				throw error;
			await this.request(wish);
		}
	}

	/* Tries again, unless a key is wrong, or it was kicked. Where only the room says no, the connection stays and other
	 * requests are possible. `isThere`: only picture and sound have ended, the gateway still answers. */
	#lost(reason, isThere = false) {
		const hasNoCodec = reason.code === 461 && reason.message.includes('VP8');
		const error = hasNoCodec ? failure('codec', 'This browser has no VP8.') : reason;
		const end = { 457: 'refused', kicked: 'kicked', codec: 'unsupported', webrtc: 'unsupported' }[error.code];
		clearTimeout(this.#retry);
		if (isAnswer(error))
			this.#pulse?.stop();
		else
			this.#drop(failure('offline', error.message), isThere || error.code === 'kicked');
		if (end)
			this.#listening.close();    // nothing comes back by itself
		if (this.state === 'closed')    // by somebody who was told
			return;
		if (!end)
			this.#retry = setTimeout(() => this.reconnect(), this.#servers.failed(isAnswer(error)));
		if (end || this.#servers.areDown)
			this.#settle();
		this.#become(end ?? 'reconnecting', error);
		this.#emit('error', error);
	}

	#woken(isNetwork) {
		if (this.state === 'reconnecting' && !isNetwork)
			this.reconnect();
		else if (['preparing', 'playing', 'paused'].includes(this.state))
			this.#pulse?.probe();
		this.#screen?.woken();
	}

	/* --- the gateway's words */

	/* `asked`: the request about this handle that it answers, if any. */
	#message(message, jsep, asked) {
		const { result, event } = message;
		if (/^(preparing|start)/.test(result?.status) || result?.switched)
			this.#lay(result);
		if (jsep)
			this.#offers.take(jsep);
		if (result)
			this.#take(result, asked);
		if (event === 'disabled' || result?.status === 'pausing')
			this.#captions.clear();    // a `state` comes when it goes on
		const isTimed = event && this.#captions.take(message);
		if (event && this.#listening.take(message))
			this.#tellEvent(message, isTimed);
	}

	/* One that `isTimed` comes under its own name when it is due. */
	#tellEvent(message, isTimed = false) {
		if (!isTimed)
			this.#emit(message.event, message);
		this.#emit('event', message);
	}

	#take({ status, event, switched, id, viewer, audio, video }, asked) {
		this.viewer = viewer ?? this.viewer;
		if (/^kicked/.test(status))
			return this.#lost(failure('kicked', 'You were sent out of the room.'));
		if (/^start/.test(status) && video === false && this.#wishes.wantsVideo)
			return this.#lost(failure('codec', 'This browser has no VP8.'));
		if (event === 'configured')
			this.#wishes.take(asked, { audio, video });
		if (switched) {
			setKeys(this, asked ?? keysFor(this, { id }));
			this.room = id;
			this.#wishes.isPaused = false;
			this.#listening.renew();  // the new room may have no place for it
		}
		if (status === 'pausing' && this.isPaused) {
			this.#servers.worked();
			this.#become('paused');
		} else if (this.state === 'paused' && !this.isPaused && (switched || /^start/.test(status))) {
			this.#pulse?.excuse();
			this.#become(this.#seen ? 'playing' : 'preparing');
		}
	}

	async #lay(picture) {
		try {
			await this.#screen?.lay(picture);
		} catch (error) {
			this.#emit('error', failure('offline', `The transparent picture cannot be shown: ${error.message}`));
		}
	}

	/* To the offer, or a later one. Where there is no place for one more microphone, all else goes on. */
	async #answer(jsep, before) {
		const attempt = this.#attempt;
		const first = !this.stream;
		if (first) {
			this.#seen = false;
			this.#wishes.begin();
			this.stream = new MediaStream();
			this.#become('preparing');
		}
		try {
			await before;
			this.#expect(attempt);
			await this.#listening.attach(jsep.sdp);
			const answer = await this.#connection.answer(jsep);
			this.#expect(attempt);
			if (first)
				this.#pulse.begin();
			await this.#ask({ request: this.isPaused ? 'pause' : 'start' }, { jsep: answer });
			if (first)
				await this.#restore(attempt);
			return undefined;
		} catch (error) {
			if (attempt === this.#attempt && error.code !== LIMIT)
				this.#lost(error);
			return error;
		}
	}

	#expect(attempt) {
		if (attempt !== this.#attempt)
			throw failure('offline', 'The connection was lost.');
	}

	/* As the connection before was. */
	async #restore(attempt) {
		await this.#wishes.restore(fields => this.#configure(fields));
		this.#expect(attempt);
		this.#wishes.met();
		this.#listening.renew();
	}

	/* --- picture and sound */

	/* They go into one stream; janus.js tells of a track again whenever something comes after a while without. The last
	 * picture of a lost connection stands until the first of the new one comes. */
	#track(track) {
		if (this.stream.getTracks().includes(track))
			return;
		this.stream.addTrack(track);
		if (track.kind !== 'video')
			return;
		const { stream } = this;
		const show = () => stream === this.stream &&
			this.#screen?.show(stream, () => stream === this.stream && this.#moving());
		if (track.muted && this.#wishes.wantsVideo && this.video?.srcObject)
			track.addEventListener('unmute', show, { once: true });
		else
			show();
		this.#emit('stream', stream);
	}

	#newPulse(lost) {
		return new Pulse({
			lost, pc: () => this.pc,
			ask: (body, options) => this.request(body, options),
			restart: async () => {
				await this.restart();
				await this.#offers.answered();
			},
			isPaused: () => this.state === 'paused',
			soundIsEnough: () => !this.#wishes.wantsVideo,
			decoded: () => this.#moving(),
		});
	}

	#moving() {
		this.#seen = true;
		this.#servers.worked();
		if (this.state === 'preparing')
			this.#become('playing');
	}
}
