/* The dialog, and what was told it: kept for this tab only, never in the address. */

const $ = id => document.getElementById(id);

/* A promise of what was typed, null when cancelled. `hidden`: as a password. */
export function ask({ title, text, label, ok, hidden = false }) {
	const dialog = $('ask'), input = $('ask-value');
	if (dialog.open)
		return Promise.resolve(null);
	$('ask-title').textContent = title;
	$('ask-text').textContent = text;
	$('ask-label').textContent = label;
	$('ask-ok').textContent = ok;
	input.type = hidden ? 'password' : 'text';
	input.value = '';
	dialog.returnValue = '';
	dialog.showModal();
	input.focus();
	return new Promise(resolve => {
		dialog.addEventListener('close', () => {
			const value = dialog.returnValue === 'ok' ? input.value : null;
			input.value = '';
			resolve(value);
		}, { once: true });
	});
}

export function closeAsk() {
	if ($('ask').open)
		$('ask').close();
}

$('ask-cancel').addEventListener('click', closeAsk);

/* kind: 'secret' or 'pin' */
const key = (kind, room) => `digitalhuman.${kind}.${room}`;

export function recall(kind, room) {
	return sessionStorage.getItem(key(kind, room));
}

export function remember(kind, room, value) {
	if (value)
		sessionStorage.setItem(key(kind, room), value);
	else
		sessionStorage.removeItem(key(kind, room));
}
