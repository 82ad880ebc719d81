// SPDX-License-Identifier: GPL-3.0-or-later
/* What the page says: errors and events in words that a person understands. */

import { isAnswer } from './gateway.js';

const STATES = {
	connecting: 'Connecting …',
	preparing: 'Waiting for the picture …',
	playing: '',
	paused: 'Paused',
	reconnecting: 'The connection was lost. Coming back …',
	refused: 'This room wants a PIN.',
	kicked: 'You were sent out of the room.',
	closed: 'Closed',
};

/* Whether the gateway said no because of the token that rooms with signed_tokens want. */
export const wantsToken = error => error?.code === 457 && error.message.includes('"token"');

/* Of a state of digitalhuman.js; `error` is why it is in it. */
export function stateWords(state, error, blocked) {
	if (blocked && (state === 'preparing' || state === 'playing'))
		return 'This browser waits for a click before it plays.';
	if (state === 'refused' && wantsToken(error))
		return error.wrong ? 'That token is not right, or not any more.' : 'This room wants a token.';
	if (state === 'refused' && error?.wrong)
		return 'That PIN is not right.';
	if (state === 'reconnecting' && navigator.onLine === false)
		return 'This device has no network just now. The picture comes back with it.';
	if (state === 'reconnecting' && error?.code === 'timeout')
		return 'The gateway does not answer. Trying again …';
	const isTelling = error && (isAnswer(error) || ['media', 'codec', 'webrtc'].includes(error.code));
	return isTelling && error.code !== 457 ? errorText(error) : STATES[state];
}

export function errorText(error) {
	switch (error.code) {
	case 'offline': return 'Not connected to the gateway just now.';
	case 'timeout': return 'The gateway did not answer in time.';
	case 'media': return 'The gateway answers, but picture and sound find no way here. ' +
		'Behind a firewall a TURN server helps.';
	case 'codec': return 'This browser cannot show the picture: it has no VP8, in which all pictures come. ' +
		'Other browsers have it.';
	case 'webrtc': return 'This browser cannot show the picture: it has no WebRTC, or it is switched off.';
	case 'insecure': return 'The microphone needs a page with HTTPS: over this address browsers keep it from every page.';
	case 'denied': return 'This browser does not let the page use the microphone. ' +
		'It can be allowed beside the page’s address; then press the button again.';
	case 'absent': return 'There is no microphone here, or it was taken away.';
	case 'busy': return 'The microphone cannot be used just now. Does another program have it?';
	case 457: return error.wrong === 'secret' ? 'That secret is not right.' : error.message;
	case 454: return error.message.includes('"id"') ? 'There is no such room on this gateway.' : error.message;
	case 455: return 'There is no such room on this gateway.';
	case 462: return 'The gateway’s segment folder has no such file.';
	case 463: return 'This segment is gone already.';
	case 460: return `That is not possible just now: ${error.message}`;
	case 464: return limitText(error.message);
	default: return error.message;
	}
}

function limitText(message) {
	if (/max_(viewers|per_session)/.test(message))
		return 'The room is full just now. The picture comes as soon as there is a place.';
	if (message.includes('max_microphones'))
		return 'So many people are listened to already that there is no place for one more microphone.';
	if (message.includes('max_text'))
		return `That text is too long for this gateway: ${message}`;
	return `A limit of the gateway is reached: ${message}`;
}

/* The beginning of a text, of at most `most` UTF-16 units, without half a character at its end: emoji, flags and
 * letters with their marks consist of several. */
export function cut(text, most) {
	if (text.length <= most)
		return text;
	const start = text.slice(0, most + 64);
	const characters = Intl.Segmenter ? Array.from(new Intl.Segmenter().segment(start), s => s.segment) : [...start];
	let end = 0;
	for (const character of characters) {
		if (end + character.length > most)
			break;
		end += character.length;
	}
	return text.slice(0, end);
}

const PAST = {
	queued: 'queued', waiting: 'waits for a worker', ready: 'ready to play', segment_prepared: 'is all there', started: 'started',
	finished: 'finished', interrupted: 'interrupted', skipped: 'skipped', removed: 'removed', failed: 'failed',
	held: 'waits for more of it', resumed: 'goes on', continued: 'failed on its way', holding: 'is on hold', resuming: 'goes on',
};

/* Why it ended or waits for a worker, and what it did while it waited for more of itself. */
const REASON = {
	late: 'its place had been passed', cut: 'its utterance had been cut', expired: 'it had not started in time',
	priority: 'something more urgent came',
	max_live: 'all of them are busy', room_share: 'its room has its share of them',
};
const UNDERRUN = { hold: 'the picture stands', idle: 'the avatar idles', skip: 'what is late is left out' };

const ROOM = {
	speaking: 'The avatar speaks', idle: 'The avatar idles', listening: 'The avatar listens', thinking: 'The avatar thinks',
	viewer_speaking: 'You speak', viewer_silent: 'You are silent', barged_in: 'Your voice interrupts',
	floor_asked: 'You wait for the floor', floor_given: 'You have the floor', floor_ended: 'You do not have the floor any more',
	holding: 'Between two pieces all is on hold', resuming: 'The next piece goes on', destroyed: 'The room was closed',
	enabled: 'The room is on', disabled: 'The room is off', edited: 'The room was changed',
	slow_link: 'Packets are lost on their way here', low_water: 'Little is left in the queue',
	high_water: 'The queue is well filled', missing: 'Pieces did not come in time',
};

/* Why the floor is not one's own any more. */
const FLOOR = {
	taken: 'it was taken', given_on: 'another one got it', timeout: 'the time was over', silence: 'you said nothing',
	edited: 'the room was changed',
};

/* Of an event without a segment. */
function roomParts({ event, utterance, index, count, description, reason, waited, mode, queued_ms: queued }) {
	if (event === 'floor_ended')
		return waited && reason === 'taken' ? 'not this time' : FLOOR[reason] ?? '';
	if (event === 'barged_in')
		return mode === 'hold' ? 'it waits' : '';
	if (event === 'edited')
		return description ?? '';
	if (event === 'missing')
		return `${count > 1 ? `${count} pieces from ${index} on` : `piece ${index}`} of ${utterance}`;
	return queued === undefined ? '' : `${seconds(queued)} of it`;
}

/* [what happened, to what, how much] of an event in docs/api.md. */
export function eventWords(event) {
	if (event.event === 'marker')
		return ['Marker', cut(JSON.stringify(event.data), 60), ''];
	if (!event.segment)
		return [event.waited ? 'You wait for the floor no more' : ROOM[event.event] ?? event.event, '', roomParts(event)];
	if (event.event === 'continued')
		return [PAST.continued, event.segment, `${event.generator} says the rest, as ${event.by}`];
	const parts = [];
	if (event.utterance)
		parts.push(`piece ${event.index} of ${event.utterance}`);
	if (event.event === 'failed' && event.error)
		parts.push(event.error);
	if (event.event === 'queued' && event.position > 0)
		parts.push(`after ${event.position} other${event.position > 1 ? 's' : ''}`);
	if (event.played_ms > 0)
		parts.push(`${seconds(event.played_ms)} played`);
	else if (event.duration_ms > 0)
		parts.push(seconds(event.duration_ms));
	if (event.event === 'held' && UNDERRUN[event.underrun])
		parts.push(UNDERRUN[event.underrun]);
	if (REASON[event.reason])
		parts.push(REASON[event.reason]);
	if (event.undone)
		parts.push('as if nothing had happened');
	if (event.heard_text && event.event !== 'finished')
		parts.push(`heard: “${event.heard_text}”`);
	return [PAST[event.event] ?? event.event, segmentTitle(event), parts.join(', ')];
}

/* What a segment is called: the sentence where one was typed, else its name. */
export function segmentTitle({ metadata, name, segment }) {
	return typeof metadata?.text === 'string' && metadata.text ? `“${metadata.text}”` : name || segment;
}

export function seconds(ms) {
	return ms < 60000 ? `${(ms / 1000).toFixed(1)} s` : clock(ms);
}

/* Also of less than a second. */
export function time(ms) {
	return ms < 1000 ? `${Math.round(ms)} ms` : seconds(ms);
}

export function clock(ms) {
	const s = Math.floor(ms / 1000);
	const two = n => String(n).padStart(2, '0');
	return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` :
		`${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/* 'de' → German, where a voice is named by its language. */
export function voiceName(voice) {
	try {
		const name = new Intl.DisplayNames('en', { type: 'language', fallback: 'none' }).of(voice);
		return name ?? voice;
	} catch {
		return voice;
	}
}
