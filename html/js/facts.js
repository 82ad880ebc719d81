// SPDX-License-Identifier: GPL-3.0-or-later
/* Names and values in a <dl>, whose elements stay the same. */

/* `rows`: [name, value] each, always as many; a value that is null or undefined is not known. */
export function facts(id, rows) {
	const list = document.getElementById(id);
	if (list.children.length !== rows.length)
		list.replaceChildren(...rows.map(() => {
			const row = document.createElement('div');
			row.append(document.createElement('dt'), document.createElement('dd'));
			return row;
		}));
	rows.forEach(([name, value], i) => {
		const [dt, dd] = list.children[i].children;
		dt.textContent = name;
		dd.textContent = value ?? '–';
	});
}
