// SPDX-License-Identifier: GPL-3.0-or-later
/* Elements of the page that change while somebody may be looking at them, or using them. */

/* Nothing is touched where it says so already. */
export function put(element, text) {
	if (element.textContent !== text)
		element.textContent = text;
}

/* An item of a list, and spans of these classes, to be put into it. */
export function newItem(classNames) {
	const spans = classNames.map(className => {
		const span = document.createElement('span');
		span.className = className;
		return span;
	});
	return { li: document.createElement('li'), spans };
}
