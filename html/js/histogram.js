// SPDX-License-Identifier: GPL-3.0-or-later
/* The histograms of `stats`: a bar for each bucket, and in words what most of them are within. */

import { time } from './words.js';

const PERCENTS = [[50, 'Half'], [95, '95 %'], [99, '99 %']];

export const sum = numbers => numbers.reduce((a, b) => a + b, 0);

/* The bucket in which so many percent have come together; -1 where there are none. */
function bucket({ counts }, percent) {
	const all = sum(counts);
	let below = 0;
	return all ? counts.findIndex(n => (below += n) * 100 >= percent * all) : -1;
}

/* The edge within which half of them are; null without any. */
export function half(histogram, edges) {
	const i = bucket(histogram, 50);
	return i < 0 ? null : i < edges.length ? `≤ ${time(edges[i])}` : `> ${time(edges.at(-1))}`;
}

export function inWords(histogram, edges) {
	const within = i => (i < edges.length ? `within ${time(edges[i])}` : `not within ${time(edges.at(-1))}`);
	const parts = PERCENTS.map(([percent, name]) => `${name} ${within(bucket(histogram, percent))}`);
	/* no line ends before a unit */
	return sum(histogram.counts) ? `${parts.join(', ')}.`.replace(/(\d) /g, '$1\u00a0') : 'None yet.';
}

/* Into `chart`, whose bars stay the same elements. Read aloud are only those that have something in them. */
export function drawBars(chart, { counts }, edges) {
	const name = i => (i < edges.length ? `up to ${time(edges[i])}` : `over ${time(edges.at(-1))}`);
	const most = Math.max(...counts, 1);
	if (chart.children.length !== counts.length)
		chart.replaceChildren(...counts.map(() => document.createElement('i')));
	counts.forEach((n, i) => {
		const bar = chart.children[i];
		bar.style.height = `${n ? Math.max(8, n / most * 100) : 0}%`;
		bar.title = `${name(i)}: ${n.toLocaleString('en')}`;
	});
	chart.setAttribute('role', 'img');
	const some = counts.map((n, i) => n && `${name(i)}: ${n}`).filter(Boolean);
	chart.setAttribute('aria-label', some.join(', ') || 'none yet');
	return chart;
}

export class Histogram {
	constructor(parent, { title, help = '' }) {
		const figure = document.createElement('figure');
		figure.className = 'plot';
		figure.innerHTML = '<figcaption><span class="name"></span><span class="values"></span></figcaption>' +
			'<div class="buckets"></div>' +
			'<p class="edges" aria-hidden="true"><span></span><span></span><span></span></p><p class="soft"></p>';
		figure.querySelector('.name').textContent = title;
		figure.title = help;
		[this.bars, this.edges, this.words] = [...figure.children].slice(1);
		this.values = figure.querySelector('.values');
		this.title = title;
		parent.append(figure);
	}

	show(histogram, edges) {
		const { counts } = histogram;
		drawBars(this.bars, histogram, edges);
		this.bars.setAttribute('aria-label', `${this.title}: ${this.bars.getAttribute('aria-label')}`);
		this.values.textContent = sum(counts).toLocaleString('en');
		this.words.textContent = inWords(histogram, edges);
		/* beneath the first bar, the one in the middle, and the last */
		const middle = edges[(counts.length - 1) >> 1];
		const named = [`≤ ${time(edges[0])}`, `≤ ${time(middle)}`, `> ${time(edges.at(-1))}`];
		named.forEach((text, i) => { this.edges.children[i].textContent = text; });
	}
}
