// SPDX-License-Identifier: GPL-3.0-or-later
/* The plots of `stats`: how the room's counters grow, over the last minute, and its histograms, since it began. */

import { Histogram } from './histogram.js';
import { Plot } from './plot.js';
import { time } from './words.js';

const $ = id => document.getElementById(id);
const MEDIA = ['picture', 'sound'];
const watching = ({ viewers }, media) => viewers.filter(v => v.state === 'watching' && v.media === media).length;

/* values(answer, rate, queued_ms): one for each line. rate(of) is how fast of(answer) grows, a second. */
const SERIES = [
	{ title: 'Viewers', unit: '', lines: ['connected', 'joining'], least: 2,
		values: answer => [watching(answer, true), watching(answer, false)] },
	{ title: 'Sent to all', unit: 'Mbit/s', lines: MEDIA, least: 0.1, digits: 2,
		values: (_, rate) => [rate(a => a.sent.video_bytes * 8e-6), rate(a => a.sent.audio_bytes * 8e-6)] },
	{ title: 'Packets lost', unit: 'a second', lines: MEDIA, least: 10,
		help: 'On the way, as viewers’ receiver reports say',
		values: (_, rate) => [rate(a => a.received.video.lost), rate(a => a.received.audio.lost)] },
	{ title: 'Recovering', unit: 'a second', lines: ['PLIs', 'repairs'], least: 2, digits: 1,
		help: 'PLIs ask for a key frame; a repair is an entry that does without what was lost',
		values: (_, rate) => [rate(a => a.sent.plis), rate(a => a.sent.repairs)] },
	{ title: 'Queued media', unit: 's', least: 10, digits: 1,
		values: (answer, rate, queued) => [queued === null ? null : queued / 1000] },
	{ title: 'Underruns', unit: 'ms a second', lines: ['held', 'dropped'], least: 100,
		help: 'How long what plays waited for its media, and how much was left out since it came too late',
		values: (_, rate) => [rate(a => a.underruns.held_ms), rate(a => a.underruns.dropped_ms)] },
];

const HISTOGRAMS = [
	{ group: 'lateness', key: 'video', title: 'Lateness of pictures',
		help: 'From a picture’s deadline until Janus had it' },
	{ group: 'lateness', key: 'audio', title: 'Lateness of sound',
		help: 'From a packet’s deadline until Janus had it' },
	{ group: 'lateness', key: 'skew', title: 'Skew',
		help: 'By how much more or less late a picture left than the sound before it' },
	{ group: 'joins', key: 'watch', title: 'Joining, from “watch”', help: 'Until a viewer’s first picture' },
	{ group: 'joins', key: 'media', title: 'Joining, from the connection', help: 'Until a viewer’s first picture' },
	{ group: 'interruptions', key: 'now', title: 'Interrupting', help: 'From the request to the last packet of speech' },
];

export class RoomPlots {
	#plots = SERIES.map(series => new Plot($('inside-plots'), series));
	#histograms = HISTOGRAMS.map(histogram => new Histogram($('inside-histograms'), histogram));
	#before = null;
	queued_ms = null;   // as `queue` said last

	/* Another room. */
	clear() {
		this.forget();
		this.queued_ms = null;
		for (const plot of this.#plots)
			plot.clear();
	}

	/* The next answer is compared with none. */
	forget() {
		this.#before = null;
	}

	show(answer) {
		/* none, where the gateway was restarted */
		const before = this.#before?.media_ms < answer.media_ms ? this.#before : null;
		const s = (answer.media_ms - before?.media_ms) / 1000;
		const rate = of => (before ? Math.max(0, of(answer) - of(before)) / s : null);
		const now = performance.now(), isSpeaking = answer.state === 'speaking';
		SERIES.forEach(({ values }, i) => this.#plots[i].add(now, values(answer, rate, this.queued_ms), isSpeaking));
		HISTOGRAMS.forEach(({ group, key }, i) => {
			this.#histograms[i].show(answer[group][key], answer[group].le_ms);
		});
		this.#before = answer;
	}

	/* For facts(). */
	facts({ segments, underruns, sent, received, slow_links: slow }) {
		const number = n => n.toLocaleString('en');
		return [
			['Held', time(underruns.held_ms)],
			['Dropped, too late', time(underruns.dropped_ms)],
			['Between pieces', time(underruns.between_ms)],
			['Latest sending', time(sent.lateness_max_ms)],
			['Not sent, too late', number(sent.late_dropped)],
			['Packets lost', number(received.video.lost + received.audio.lost)],
			['Slow links', number(slow)],
			['Segments', `${number(segments.started)} (${number(segments.failed)} failed)`],
		];
	}
}
