// SPDX-License-Identifier: GPL-3.0-or-later
/* Words to the person: a notice, the list of events. */

const $ = id => document.getElementById(id);

let noticeTimer;

/* What has to be seen now. */
export function notice(text) {
	$('notice').textContent = text;
	$('notice').hidden = false;
	clearTimeout(noticeTimer);
	noticeTimer = setTimeout(() => { $('notice').hidden = true; }, 7000);
}

/* For those who listen to the page. */
export function announce(text) {
	$('announce').textContent = text;
}

/* Into the list of events; `media`: the room's clock. */
export function log(words, kind, media) {
	const [what, whom, more] = words;
	const li = document.createElement('li');
	li.className = kind;
	const time = document.createElement('time');
	time.textContent = new Date().toLocaleTimeString('en-GB');
	if (media !== undefined)
		time.title = `room clock ${media} ms`;
	const text = document.createElement('span');
	text.append(what);
	if (whom) {
		const name = document.createElement('b');
		name.textContent = whom;
		text.prepend(name, ' ');
	}
	if (more)
		text.append(` · ${more}`);
	li.append(time, text);
	$('log').prepend(li);
	while ($('log').children.length > 200)
		$('log').lastChild.remove();
	$('log-empty').hidden = true;
}

$('clear').addEventListener('click', () => {
	$('log').replaceChildren();
	$('log-empty').hidden = false;
});
