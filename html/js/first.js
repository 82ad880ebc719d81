// SPDX-License-Identifier: GPL-3.0-or-later
/* Where the time to the first picture went: a row for each source of segments, from
 * `stats`. */

import { drawBars, half, sum } from './histogram.js';
import { time } from './words.js';

const $ = id => document.getElementById(id);

const STEPS = [
	['begun', 'Its turn to be made'], ['first_byte', 'First byte'], ['first_unit', 'First picture or sound'],
	['ready', 'Enough to start'], ['first_packet', 'Its turn to play'],
];
const SOURCES = { files: 'Files', pushes: 'Pushed' };

function mean({ counts, sum_ms: ms }) {
	const all = sum(counts);
	return all ? time(ms / all) : '–';
}

function bars(histogram, edges) {
	const chart = document.createElement('span');
	chart.className = 'buckets';
	return drawBars(chart, histogram, edges);
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

let shown = '';

/* `first`: of an answer to `stats`; null hides it all. */
export function showFirstFrames(first) {
	const sources = first?.sources ?? [];
	const now = JSON.stringify(sources);
	if (now === shown)
		return;
	shown = now;
	$('first').hidden = !sources.length;
	$('first-rows').replaceChildren(...sources.map(source => row(source, first.le_ms)));
}

/* The table's head, once. */
$('first-head-row').append(...['Source', 'Segments', 'Half within', 'All of them', ...STEPS.map(([, name]) => name)]
	.map(name => Object.assign(cell('th', name), { scope: 'col' })));
