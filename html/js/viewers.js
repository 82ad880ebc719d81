// SPDX-License-Identifier: GPL-3.0-or-later
/* The table of viewers, from `stats`: what each is sent, and what its receiver reports say. Of many it shows those that
 * lose most, and always in the order in which they came. */

import { clock, time } from './words.js';

const $ = id => document.getElementById(id);
const SHOWN = 50;
const COLUMNS = ['Viewer', 'Does', 'Connected for', 'First picture after', 'Quality', 'kbit/s', 'Lost', 'Round trip',
	'PLIs', 'Repairs'];

/* Of the medium that fared worse when last reported on; null: not known. */
function lostPercent({ received }) {
	const known = [received?.video.lost_percent, received?.audio.lost_percent].filter(Number.isFinite);
	return known.length ? Math.max(...known) : null;
}

function lost(viewer) {
	const percent = lostPercent(viewer);
	if (percent === null)
		return null;
	const { video, audio } = viewer.received;
	return `${(video.lost + audio.lost).toLocaleString('en')}, now ${percent.toFixed(1)} %`;
}

function doing({ state, media, paused, microphone }) {
	if (state === 'observing')
		return 'observes';
	const what = paused ? 'is paused' : media ? 'watches' : 'joins';
	return microphone?.speaking ? `${what}, speaks` : what;
}

/* Which one is sent, and what was asked for. */
function qualityWords({ quality }) {
	if (!quality)
		return null;
	const { asked, sent, left_out: out } = quality;
	return [asked === sent ? `${sent}` : asked === 'auto' ? `${sent} (auto)` : `${sent} (${asked} asked)`,
		out && `${out.toLocaleString('en')} left out`].filter(Boolean).join(', ');
}

const bytesOf = ({ sent }) => (sent ? sent.audio_bytes + sent.video_bytes : NaN);

function pick(viewers) {
	if (viewers.length <= SHOWN)
		return viewers;
	const worst = [...viewers].sort((a, b) => (lostPercent(b) ?? -1) - (lostPercent(a) ?? -1));
	return worst.slice(0, SHOWN).sort((a, b) => a.viewer - b.viewer);
}

export class ViewersTable {
	#bytes = new Map();   // of the answer before, by viewer
	#clock = null;        // its media_ms

	constructor() {
		$('viewers-head-row').append(...COLUMNS.map(name => {
			const th = document.createElement('th');
			th.scope = 'col';
			th.textContent = name;
			return th;
		}));
	}

	/* The next answer is compared with none. */
	forget() {
		this.#bytes.clear();
		this.#clock = null;
	}

	/* `me`: the viewer that this page is. */
	show({ viewers, media_ms: now }, me) {
		const ms = this.#clock === null ? 0 : now - this.#clock;
		const rows = pick(viewers).map(viewer => this.#cells(viewer, ms, me));
		this.#bytes = new Map(viewers.map(viewer => [viewer.viewer, bytesOf(viewer)]));
		this.#clock = now;
		this.#draw(rows);
		const left = viewers.length - rows.length;
		$('viewers-count').textContent = left ? `${rows.length} of ${viewers.length}, those that lose most` :
			`${rows.length}`;
	}

	#cells(viewer, ms, me) {
		const { viewer: id, media_ms: age, join_ms: join, received, sent } = viewer;
		const bytes = bytesOf(viewer) - this.#bytes.get(id);
		const rtt = received?.video.rtt_ms ?? received?.audio.rtt_ms;
		return [id === me ? `${id}, this page` : `${id}`, doing(viewer), Number.isFinite(age) ? clock(age) : null,
			Number.isFinite(join) ? time(join) : null, qualityWords(viewer),
			ms > 0 && bytes >= 0 ? (bytes * 8 / ms).toFixed(0) : null, lost(viewer),
			Number.isFinite(rtt) ? time(rtt) : null, sent?.plis, sent?.repairs];
	}

	#draw(rows) {
		const body = $('viewers-rows');
		while (body.children.length > rows.length)
			body.lastChild.remove();
		while (body.children.length < rows.length) {
			const tr = document.createElement('tr');
			tr.append(...COLUMNS.map((_, i) => document.createElement(i ? 'td' : 'th')));
			tr.firstChild.scope = 'row';
			body.append(tr);
		}
		rows.forEach((cells, y) => cells.forEach((value, x) => {
			const cell = body.children[y].children[x], text = String(value ?? '–');
			if (cell.textContent !== text)
				cell.textContent = text;
		}));
	}
}
