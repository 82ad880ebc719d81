// SPDX-License-Identifier: GPL-3.0-or-later
/* What the page says: errors and events in words that a person understands. */

export function errorText(error) {
	switch (error.code) {
	case 'offline': return 'Not connected to the gateway just now.';
	case 'timeout': return 'The gateway did not answer in time.';
	case 'media': return 'The gateway answers, but picture and sound find no way here. ' +
		'Behind a firewall a TURN server helps.';
	case 'codec': return 'This browser cannot show the picture: it has no VP8, in which all pictures come. ' +
		'Other browsers have it.';
	case 455: return 'There is no such room on this gateway.';
	case 462: return 'The gateway’s segment folder has no such file.';
	case 463: return 'This segment is gone already.';
	case 460: return `That is not possible just now: ${error.message}`;
	case 464: return `A limit of the gateway is reached: ${error.message}`;
	default: return error.message;
	}
}

const PAST = {
	queued: 'queued', ready: 'ready to play', started: 'started', finished: 'finished',
	interrupted: 'interrupted', skipped: 'skipped', removed: 'removed', failed: 'failed', held: 'waits for more of it', resumed: 'goes on',
};

const ROOM = {
	speaking: 'The avatar speaks', idle: 'The avatar idles', destroyed: 'The room was closed',
	enabled: 'The room is on', disabled: 'The room is off', edited: 'The room was changed',
	slow_link: 'Packets are lost on their way here',
};

/* [what happened, to what, how much] of an event in docs/api.md. */
export function eventWords(event) {
	if (!event.segment)
		return [ROOM[event.event] ?? event.event, '', ''];
	const parts = [];
	if (event.event === 'failed' && event.error)
		parts.push(event.error);
	if (event.event === 'queued' && event.position > 0)
		parts.push(`after ${event.position} other${event.position > 1 ? 's' : ''}`);
	if (event.played_ms > 0)
		parts.push(`${seconds(event.played_ms)} played`);
	else if (event.duration_ms > 0)
		parts.push(seconds(event.duration_ms));
	return [PAST[event.event] ?? event.event, segmentTitle(event), parts.join(', ')];
}

/* What a segment is called: the sentence where one was typed, else its name. */
export function segmentTitle({ metadata, name, segment }) {
	return typeof metadata?.text === 'string' && metadata.text ? `“${metadata.text}”` : name || segment;
}

export function seconds(ms) {
	return ms < 60000 ? `${(ms / 1000).toFixed(1)} s` : clock(ms);
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
