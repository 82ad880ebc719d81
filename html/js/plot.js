// SPDX-License-Identifier: GPL-3.0-or-later
/* A small live plot: one or two lines over the last minute, in SVG, with the
 * latest value in words above it. */

const SVG = 'http://www.w3.org/2000/svg';
const SPAN_MS = 60000;
const WIDTH = 300, HEIGHT = 72;

function svg(name, attributes, ...children) {
	const element = document.createElementNS(SVG, name);
	for (const [key, value] of Object.entries(attributes))
		element.setAttribute(key, value);
	element.append(...children);
	return element;
}

/* The next of 1, 2, 3, 5, 10, 20 … */
function roundUp(value) {
	const ten = 10 ** Math.floor(Math.log10(value));
	return Number(([1, 2, 3, 5, 10].find(n => n * ten >= value * 0.9999) * ten).toPrecision(1));
}

export class Plot {
	#points = [];
	#lines;
	#shades;
	#zero;
	#said;      // the latest value of each line, in words

	/* lines: names of up to two lines ([''] for one without a name); `signed`: zero
	 * is in the middle; `least`: the smallest top of the scale. */
	constructor(parent, { title, unit, lines = [''], signed = false, least = 1, digits = 0, help = '' }) {
		Object.assign(this, { title, unit, names: lines, signed, least, digits });
		const figure = document.createElement('figure');
		figure.className = 'plot';
		figure.innerHTML = '<figcaption><span class="name"><span></span> <span class="unit"></span></span>' +
			'<span class="values"></span></figcaption>' +
			'<div class="area"><span class="high"></span><span class="low"></span></div>';
		figure.querySelector('.name span').textContent = title;
		figure.querySelector('.unit').textContent = unit;
		figure.title = help;
		this.values = figure.querySelector('.values');
		this.#said = lines.map((_, i) => {
			const span = document.createElement('span');
			span.className = `value value-${i}`;
			this.values.append(...(i ? [' ', span] : [span]));
			return span;
		});
		this.high = figure.querySelector('.high');
		this.low = figure.querySelector('.low');
		this.#shades = svg('path', { class: 'shade' });
		this.#zero = svg('path', { class: 'zero', d: `M0 ${this.#y(0, 1)}H${WIDTH}` });
		this.#lines = lines.map((_, i) => svg('path', { class: `line line-${i}` }));
		this.image = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img' },
			this.#shades, this.#zero, ...this.#lines);
		figure.querySelector('.area').prepend(this.image);
		parent.append(figure);
		this.clear();
	}

	/* `values`: one for each line, null where there is none; `shaded`: it speaks. */
	add(now, values, shaded) {
		this.#points.push({ now, values, shaded });
		while (this.#points.length > 2 && this.#points[1].now < now - SPAN_MS)
			this.#points.shift();
		this.#draw(now);
	}

	clear() {
		this.#points = [];
		this.add(performance.now(), this.names.map(() => null), false);
	}

	#y(value, scale) {
		const part = this.signed ? 0.5 - value / scale / 2 : 1 - value / scale;
		return (2 + Math.min(1, Math.max(0, part)) * (HEIGHT - 4)).toFixed(1);
	}

	#draw(now) {
		const known = this.#points.flatMap(p => p.values).filter(v => v !== null);
		const scale = roundUp(Math.max(this.least, ...known.map(Math.abs)));
		const x = time => (WIDTH + (time - now) / SPAN_MS * WIDTH).toFixed(1);
		this.#lines.forEach((line, i) => {
			let d = '', pen = 'M';
			for (const { now: time, values } of this.#points) {
				if (values[i] === null) {
					pen = 'M';
				} else {
					d += `${pen}${x(time)} ${this.#y(values[i], scale)}`;
					pen = 'L';
				}
			}
			line.setAttribute('d', d);
		});
		this.#shades.setAttribute('d', this.#points.slice(1).map((p, i) => p.shaded ?
			`M${x(this.#points[i].now)} 0H${x(p.now)}V${HEIGHT}H${x(this.#points[i].now)}Z` : '').join(''));
		this.high.textContent = (this.signed ? '+' : '') + scale;
		this.low.textContent = this.signed ? `−${scale}` : '0';
		this.#say(this.#points.at(-1).values);
	}

	#say(values) {
		const number = v => v === null ? '–' : v.toFixed(this.digits).replace('-', '−');
		values.forEach((value, i) => {
			this.#said[i].textContent = (this.names[i] && `${this.names[i]} `) + number(value);
		});
		this.image.setAttribute('aria-label', `${this.title}: ${this.values.textContent} ${this.unit}`);
	}
}
