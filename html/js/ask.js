// SPDX-License-Identifier: GPL-3.0-or-later
/* The dialog, and what was typed: kept for this tab only, never in the address. */

const $ = id => document.getElementById(id);
let answer = null;  // settles the question that is open

/* A promise of what was typed, null when cancelled. `hidden`: as a password. `wrong`: what was typed before. */
export function ask({ title, text, label, ok, hidden = false, wrong = false }) {
	const dialog = $('ask'), input = $('ask-value');
	if (dialog.open)
		return Promise.resolve(null);
	$('ask-title').textContent = title;
	$('ask-text').textContent = text;
	$('ask-label').textContent = label;
	$('ask-ok').textContent = ok;
	input.type = hidden ? 'password' : 'text';
	input.value = '';
	if (wrong)
		input.setAttribute('aria-invalid', 'true');
	else
		input.removeAttribute('aria-invalid');
	dialog.returnValue = '';
	answer?.(null);
	dialog.showModal();
	input.focus();
	return new Promise(resolve => { answer = resolve; });
}

/* It comes a while after the dialog has closed: the next may be open already. */
$('ask').addEventListener('close', () => {
	if ($('ask').open)
		return;
	answer?.($('ask').returnValue === 'ok' ? $('ask-value').value : null);
	answer = null;
	$('ask-value').value = '';
});

export function closeAsk() {
	if ($('ask').open)
		$('ask').close();
}

$('ask-cancel').addEventListener('click', closeAsk);

/* kind: 'secret' or 'pin' of a room, 'draft', or 'admin' (the gateway's key) */
const key = (kind, room) => `digitalhuman.${kind}.${room}`;

/* Browsers that keep nothing for a page throw at the mere mention of it; then this page remembers by itself. */
const kept = new Map();

export function recall(kind, room) {
	try {
		return sessionStorage.getItem(key(kind, room));
	} catch {
		return kept.get(key(kind, room)) ?? null;
	}
}

export function remember(kind, room, value) {
	try {
		if (value)
			sessionStorage.setItem(key(kind, room), value);
		else
			sessionStorage.removeItem(key(kind, room));
	} catch {
		kept.set(key(kind, room), value);
	}
}
