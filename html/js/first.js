// SPDX-License-Identifier: GPL-3.0-or-later
/* Where the time to the first picture went: a row for each source of segments, from
 * `stats`. */

import { seconds } from './words.js';

const $ = id => document.getElementById(id);

const STEPS = [
	['begun', 'Its turn to be made'], ['first_byte', 'First byte'], ['first_unit', 'First picture or sound'],
	['ready', 'Enough to start'], ['first_packet', 'Its turn to play'],
];
const SOURCES = { files: 'Files', pushes: 'Pushed' };

const sum = numbers => numbers.reduce((a, b) => a + b, 0);
const time = ms => (ms < 1000 ? `${Math.round(ms)} ms` : seconds(ms));

/* The edge within which half of them are; null without any. */
export function half({ counts }, edges) {
	const all = sum(counts);
	let below = 0;
	for (let i = 0; all && i < counts.length; i++) {
		below += counts[i];
		if (below * 2 >= all)
			return i < edges.length ? `≤ ${time(edges[i])}` : `> ${time(edges.at(-1))}`;
	}
	return null;
}

function mean({ counts, sum_ms: ms }) {
	const all = sum(counts);
	return all ? time(ms / all) : '–';
}

/* A bar for each bucket. Read aloud are only those that have something in them. */
function bars({ counts }, edges) {
	const chart = document.createElement('span');
	const name = i => (i < edges.length ? `up to ${time(edges[i])}` : `over ${time(edges.at(-1))}`);
	const most = Math.max(...counts, 1);
	chart.className = 'buckets';
	chart.setAttribute('role', 'img');
	chart.setAttribute('aria-label', counts.map((n, i) => n && `${name(i)}: ${n}`).filter(Boolean).join(', '));
	chart.append(...counts.map((n, i) => {
		const bar = document.createElement('i');
		bar.style.height = `${n ? Math.max(8, n / most * 100) : 0}%`;
		bar.title = `${name(i)}: ${n}`;
		return bar;
	}));
	return chart;
}

function cell(tag, content) {
	const element = document.createElement(tag);
	element.append(content ?? '–');
	return element;
}

function row(source, edges) {
	const tr = document.createElement('tr');
	const head = cell('th', source.generator ?? SOURCES[source.source] ?? source.source);
	head.scope = 'row';
	tr.append(head, cell('td', String(source.segments)), cell('td', half(source.total, edges)),
		cell('td', bars(source.total, edges)), ...STEPS.map(([key]) => cell('td', mean(source.steps[key]))));
	return tr;
}

/* `first`: of an answer to `stats`; null hides it all. */
export function showFirstFrames(first) {
	const sources = first?.sources ?? [];
	$('first').hidden = !sources.length;
	$('first-rows').replaceChildren(...sources.map(source => row(source, first.le_ms)));
}

/* The table's head, once. */
$('first-head-row').append(...['Source', 'Segments', 'Half within', 'All of them', ...STEPS.map(([, name]) => name)]
	.map(name => Object.assign(cell('th', name), { scope: 'col' })));
