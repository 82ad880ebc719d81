// SPDX-License-Identifier: GPL-3.0-or-later
/* Captions and markers as the gateway sends them (docs/captions.md), shown when the picture or sound of their
 * time is: what arrives on the network is played a little later. */

const KEPT = ['state', 'caption', 'caption_end', 'marker'];
const EARLY_MS = 4;         // a timer fires so much later than asked for
const WAIT_MAX_MS = 3000;   // nothing is played later than this
const STALE_MS = 1500;      // a picture that stands is repeated every second
const FAR_S = 86400;        // when a cue ends whose end is not known yet
const ROOMS_MAX = 100;      // whose markers are remembered

const tracks = new WeakMap();   // by video: a track of a video stays for ever

/* What tells markers apart; their moment alone does not. */
const nameOf = ({ id, media_ms: ms, segment, data }) => JSON.stringify([id, ms, segment, data]);

/* Cues are WebVTT. */
const escaped = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

export class Captions {
	#video;
	#on;
	#isOff = false;          // as it is wanted; more may be on its way
	#receiver;
	#shown = new Map();      // by number
	#cues = new Map();       // likewise: VTTCue
	#waiting = [];           // messages: { due, latest, message }
	#timer = 0;
	#start = null;           // the viewer's rtp_start
	#played = null;          // a picture: { rtp, at }, when it is on the screen
	#frames = null;          // what asks for them
	#told = new Map();       // by room, the latest ones last: its last marker that was reported

	/* on.captions(list) when what is shown changes, on.marker(message) when one is due. `receiver(kind)`: the
	 * RTCRtpReceiver of a medium, or undefined. */
	constructor(video, on, receiver) {
		this.#video = video;
		this.#on = on;
		this.#receiver = receiver;
		if (video && !tracks.has(video))
			tracks.set(video, video.addTextTrack('captions', 'Captions'));
		this.track = video ? tracks.get(video) : null;
		if (this.track?.mode === 'disabled')
			this.track.mode = 'hidden';
	}

	get shown() { return [...this.#shown.values()]; }

	/* Whether `message` is one of these. */
	take(message) {
		if (!KEPT.includes(message.event))
			return false;
		if (message.event === 'state')
			this.#restart(message);
		else
			this.#wait(message);
		return true;
	}

	/* Off: nothing is shown from now on, whatever still comes. */
	turn(on) {
		this.#isOff = !on;
		if (!on)
			this.clear();
	}

	/* Nothing is shown any more. */
	clear() {
		clearTimeout(this.#timer);
		this.#waiting = [];
		this.#played = null;
		if (this.#frames !== null)
			this.#video?.cancelVideoFrameCallback?.(this.#frames);
		this.#frames = null;
		this.#show([]);
	}

	/* --- when */

	#follow() {
		if (this.#frames !== null || !this.#video?.requestVideoFrameCallback)
			return;
		const next = (_, { rtpTimestamp: rtp, expectedDisplayTime: at }) => {
			if (rtp !== undefined)
				this.#played = { kind: 'video', rtp, at };
			this.#frames = this.#video.requestVideoFrameCallback(next);
		};
		this.#frames = this.#video.requestVideoFrameCallback(next);
	}

	/* What is seen now, with which the browser keeps the sound; what is heard, where no picture comes. */
	#playing() {
		const now = performance.now();
		if (this.#played && now - this.#played.at < STALE_MS)
			return this.#played;
		const [sound] = this.#receiver('audio')?.getSynchronizationSources?.() ?? [];
		if (sound?.rtpTimestamp !== undefined && Math.abs(now - sound.timestamp) < STALE_MS)
			return { kind: 'audio', rtp: sound.rtpTimestamp, at: sound.timestamp };
		return this.#played;
	}

	/* performance.now() when media time `ms` is played; now, if that is not known. */
	#due(ms) {
		const now = performance.now();
		const playing = this.#playing();
		if (!playing || !this.#start)
			return now;
		const rate = playing.kind === 'audio' ? 48 : 90;
		const ahead = (Math.round(this.#start[playing.kind] + ms * rate) - playing.rtp) | 0;
		const due = playing.at + ahead / rate;
		return Math.min(Math.max(due, now), now + WAIT_MAX_MS);
	}

	#wait(message) {
		if (this.#isOff)
			return;
		const last = this.#waiting.at(-1)?.due ?? 0;
		const latest = Math.max(performance.now() + WAIT_MAX_MS, last);
		this.#waiting.push({ due: Math.max(this.#due(message.media_ms), last), latest, message });
		if (this.#waiting.length === 1)
			this.#next();
	}

	/* The browser may play later than when the message came. */
	#isDue(first) {
		const soon = performance.now() + EARLY_MS;
		if (first.due <= soon)
			first.due = Math.min(this.#due(first.message.media_ms), first.latest);
		return first.due <= soon;
	}

	#next() {
		clearTimeout(this.#timer);
		while (this.#waiting.length && this.#isDue(this.#waiting[0]))
			this.#now(this.#waiting.shift().message);
		if (this.#waiting.length)
			this.#timer = setTimeout(() => this.#next(), this.#waiting[0].due - performance.now() - EARLY_MS);
	}

	/* --- what */

	/* What is on its way is older, or is in it, but for markers: of them it has only the latest, every time. */
	#restart({ id, media_ms: now, rtp_start: start, captions, marker }) {
		this.#start = start ?? this.#start;
		this.#waiting = this.#waiting.filter(({ message }) => message.event === 'marker' && message.id === id);
		this.#follow();
		if (captions && !this.#isOff) {
			this.#show(captions);
			if (marker)
				this.#mark({ event: 'marker', id, ...marker }, now);
		}
		this.#next();
	}

	/* The room's latest one, unless it has been reported, or will be. `now`: the room's media time. */
	#mark(marker, now) {
		const names = [this.#told.get(marker.id), ...this.#waiting.map(({ message }) => nameOf(message))];
		if (names.includes(nameOf(marker)))
			return;
		if (now - marker.media_ms > WAIT_MAX_MS)
			this.#now(marker);      // RTP timestamps begin anew after hours
		else
			this.#wait(marker);
	}

	#remember(marker) {
		this.#told.delete(marker.id);
		this.#told.set(marker.id, nameOf(marker));
		if (this.#told.size > ROOMS_MAX)
			this.#told.delete(this.#told.keys().next().value);
	}

	#now(message) {
		const { event, caption } = message;
		if (event === 'marker') {
			this.#remember(message);
			return this.#on.marker(message);
		}
		const others = this.shown.filter(shown => shown.caption !== caption);
		this.#show(event === 'caption' ? [...others, message] : others);
	}

	#show(list) {
		if (!list.length && !this.#shown.size)
			return;
		this.#shown = new Map(list.map(({ caption, segment, text, words, from_ms, until_ms }) =>
			[caption, { caption, segment, text, ...(words && { words }), from_ms, until_ms }]));
		this.#draw();
		this.#on.captions(this.shown);
	}

	/* In the track: the browser's own controls show them. */
	#draw() {
		for (const [number, cue] of this.#cues) {
			if (this.#shown.has(number))
				continue;
			this.track.removeCue(cue);
			this.#cues.delete(number);
		}
		for (const { caption, text } of this.track ? this.shown : []) {
			const cue = this.#cues.get(caption);
			if (cue) {
				cue.text = escaped(text);
				continue;
			}
			const now = this.#video.currentTime;
			const added = new globalThis.VTTCue(now, now + FAR_S, escaped(text));
			added.id = String(caption);
			this.track.addCue(added);
			this.#cues.set(caption, added);
		}
	}
}
