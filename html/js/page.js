// SPDX-License-Identifier: GPL-3.0-or-later
/* The page: one DigitalHuman at a time, its screen, its queue, its measurements.
 * `window.digitalhuman` is the present one, for the console. */

import { DigitalHuman } from '../digitalhuman.js';
import settings from '../settings.js';
import { ask, closeAsk, recall, remember } from './ask.js';
import { Details } from './details.js';
import { Measurements } from './measure.js';
import { QueueView } from './queue.js';
import { errorText, eventWords, segmentTitle, voiceName } from './words.js';

const $ = id => document.getElementById(id);
const page = document.documentElement;
const video = $('video');
const roomId = text => /^\d+$/.test(text) ? Number(text) : text;

let dh = null;
let info = null;       // the present room, as list or info had it last
let speaking = false;
const measurements = new Measurements();
const queueView = new QueueView(segment => act(() => dh.remove(segment)));
const details = new Details(text => queueView.heard(text));

/* --- words to the person */

let noticeTimer;

function notice(text) {
	$('notice').textContent = text;
	$('notice').hidden = false;
	clearTimeout(noticeTimer);
	noticeTimer = setTimeout(() => { $('notice').hidden = true; }, 7000);
}

function announce(text) {
	$('announce').textContent = text;
}

function log(words, kind, media) {
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

/* --- requests that may want the room's secret */

/* Does it; asks for the secret as often as it is wrong. True when it was done. */
async function act(request) {
	const mine = dh;
	for (let wrong = false; ; wrong = true) {
		try {
			await request();
			remember('secret', mine.room, mine.secret);
			refresh();
			return true;
		} catch (error) {
			if (mine !== dh)
				return false;
			if (error.code !== 457) {
				notice(errorText(error));
				return false;
			}
			const secret = await ask({
				title: 'This room has a secret',
				text: wrong && mine.secret ? 'That secret is not right. Try again.' :
					'Whoever speaks through it or changes its queue needs the secret.',
				label: 'Secret', ok: 'Continue', hidden: true,
			});
			if (secret === null || mine !== dh)
				return false;
			mine.secret = secret;
		}
	}
}

$('say').addEventListener('submit', async event => {
	event.preventDefault();
	const text = $('text').value.trim();
	if (!text)
		return $('text').focus();
	$('speak').disabled = true;
	const voice = $('voice-field').hidden ? undefined : $('voice').value;
	const done = await act(() => dh.say(text, { voice, metadata: { text: text.slice(0, 300) } }));
	$('speak').disabled = false;
	if (done && $('text').value.trim() === text)
		$('text').value = '';
	$('text').focus();
});

$('text').addEventListener('keydown', event => {
	if (event.key !== 'Enter' || event.shiftKey || event.isComposing)
		return;
	event.preventDefault();
	if (!$('speak').disabled)
		$('say').requestSubmit();
});

$('enqueue').addEventListener('submit', async event => {
	event.preventDefault();
	const file = $('file').value.trim();
	if (file && await act(() => dh.enqueue(file)))
		$('file').value = '';
	$('file').focus();
});

$('skip').addEventListener('click', () => act(() => dh.skip()));
$('interrupt').addEventListener('click', () => act(() => dh.interrupt()));

for (const file of settings.segments ?? []) {
	const li = document.createElement('li');
	const button = document.createElement('button');
	button.type = 'button';
	button.innerHTML = '<svg class="icon" aria-hidden="true"><use href="#plus"/></svg>';
	button.append(file);
	button.addEventListener('click', () => act(() => dh.enqueue(file)));
	li.append(button);
	$('segments').append(li);
	$('files').append(new Option(file));
}
$('segments').hidden = !$('segments').children.length;

/* --- the screen */

const CURTAIN = {
	connecting: 'Connecting …',
	preparing: 'Waiting for the picture …',
	reconnecting: 'The connection was lost. Coming back …',
	refused: 'This room wants a PIN.',
	kicked: 'You were sent out of the room.',
	unsupported: errorText({ code: 'codec' }),
	paused: 'Paused',
};

function drawCurtain(error) {
	const { state } = dh;
	const off = state === 'playing' && info?.enabled === false;
	let text = off ? 'The room is off just now. The picture comes back by itself.' : CURTAIN[state];
	if (state === 'preparing' && info?.state === 'preparing')
		text = 'The avatar is being prepared. It appears by itself.';
	else if (state === 'preparing' && info?.state === 'failed')
		text = 'The avatar of this room could not be prepared.';
	else if (error && error.code !== 457 && (error.code === 'media' || typeof error.code === 'number'))
		text = errorText(error);
	$('curtain').hidden = state === 'playing' && !off;
	$('curtain').classList.toggle('over-picture', (off || state === 'reconnecting') && video.videoWidth > 0);
	$('curtain-text').textContent = text ?? '';
	$('spinner').hidden = ['refused', 'kicked', 'paused', 'unsupported'].includes(state) || off;
	$('curtain-button').hidden = !['refused', 'kicked'].includes(state);
	$('curtain-button').textContent = state === 'kicked' ? 'Come back' : 'Enter the PIN';
}

function onStatus({ state, error }) {
	page.dataset.state = state;
	const words = {
		connecting: 'Connecting …', preparing: 'Connected', playing: 'Live', paused: 'Paused',
		reconnecting: 'Reconnecting …', refused: 'PIN wanted', kicked: 'Sent out', closed: 'Closed',
		unsupported: 'Cannot be shown',
	};
	if ($('connection-text').textContent !== words[state]) {
		$('connection-text').textContent = words[state];
		announce(words[state]);
		if (error && state === 'reconnecting')
			log([errorText(error), '', ''], 'bad');
		else if (state === 'playing')
			log(['The picture moves', '', ''], 'good');
	}
	drawCurtain(error);
	if (state === 'playing' && dh.pin)
		remember('pin', dh.room, dh.pin);
	if (state === 'preparing' || error)
		refreshRooms();
	if (state === 'refused')
		askPin();
}

async function askPin() {
	const mine = dh;
	const pin = await ask({
		title: 'This room wants a PIN',
		text: mine.pin ? 'That PIN is not right. Try again.' : 'Only those who know its PIN may watch this room.',
		label: 'PIN', ok: 'Watch', hidden: true,
	});
	if (mine !== dh || pin === null)
		return;
	mine.pin = pin;
	mine.reconnect();
}

$('curtain-button').addEventListener('click', () => dh.state === 'kicked' ? dh.reconnect() : askPin());

function drawSound() {
	const on = !video.muted;
	$('sound').setAttribute('aria-pressed', String(on));
	$('sound').classList.toggle('on', on);
	$('sound').querySelector('use').setAttribute('href', on ? '#loud' : '#muted');
	$('sound-text').textContent = on ? 'Sound is on' : 'Sound is off: click to hear';
	$('sound').title = on ? 'Click for silence' : 'Browsers let a page play sound only after a click';
}

function toggleSound() {
	if (video.muted)
		dh.unmute().catch(() => notice('The browser did not allow the sound.'));
	else
		video.muted = true;
}

$('sound').addEventListener('click', toggleSound);
video.addEventListener('click', () => video.muted && toggleSound());
video.addEventListener('volumechange', drawSound);
/* some browsers pause a video that was never clicked when its sound comes back */
video.addEventListener('pause', () => video.srcObject && video.play().catch(() => {}));
video.addEventListener('resize', () =>
	video.videoWidth && $('frame').style.setProperty('--aspect', `${video.videoWidth} / ${video.videoHeight}`));

$('fullscreen').hidden = !document.fullscreenEnabled;
$('fullscreen').addEventListener('click', () => document.fullscreenElement ?
	document.exitFullscreen() : $('frame').requestFullscreen().catch(() => {}));

function drawActivity(state) {
	speaking = state === 'speaking';
	page.dataset.room = state ?? '';
	$('activity').hidden = !['speaking', 'idle'].includes(state);
	$('activity').classList.toggle('speaking', speaking);
	$('activity-text').textContent = speaking ? 'Speaking' : 'Idle';
}

/* --- the room */

function drawRoom() {
	$('audience').hidden = !(info?.viewers >= 0);
	$('audience').textContent = `${info?.viewers} watching`;
	if (!info)
		return;
	const speaks = info.has_generator !== false;
	for (const element of $('say').querySelectorAll('textarea, button, select'))
		element.disabled = !speaks;
	$('text').placeholder = speaks ? 'Type a sentence …' : 'This room has no generator: it plays files only.';
	const voices = info.voices ?? [];
	const shown = [...$('voice').options].map(option => option.value);
	if (shown.join('\n') !== voices.join('\n'))
		$('voice').replaceChildren(...voices.map(voice => new Option(voiceName(voice), voice)));
	$('voice-field').hidden = !voices.length;
	drawCurtain();
}

function drawRooms(rooms) {
	const known = rooms.some(room => room.id === dh.room) ? rooms :
		[...rooms, { id: dh.room, description: `Room ${dh.room}` }];
	const key = JSON.stringify(known.map(r => [r.id, r.description, r.pin_required]));
	if ($('room-list').dataset.key !== key) {
		$('room-list').dataset.key = key;
		const focused = $('room-list').contains(document.activeElement);
		$('room-list').replaceChildren(...known.map(roomChip));
		if (focused)
			$('room-list').querySelector('input:checked')?.focus();
	}
	for (const room of known) {
		const chip = [...$('room-list').children].find(c => c.querySelector('input').value === String(room.id));
		chip.classList.toggle('speaking', room.state === 'speaking');
		chip.querySelector('input').checked = room.id === dh.room;
	}
}

function roomChip(room) {
	const label = document.createElement('label');
	label.className = 'chip';
	const input = document.createElement('input');
	Object.assign(input, { type: 'radio', name: 'room', value: room.id });
	const name = document.createElement('span');
	name.textContent = room.description || `Room ${room.id}`;
	label.append(input, name);
	if (room.pin_required) {
		label.insertAdjacentHTML('beforeend',
			'<svg class="icon" role="img" aria-label="wants a PIN"><use href="#lock"/></svg>');
		label.title = 'Wants a PIN';
	}
	input.addEventListener('change', () => enter(room.id));
	return label;
}

$('other-room').addEventListener('click', async () => {
	const text = await ask({ title: 'Other room', text: 'Private rooms are not listed: type the room’s id.',
		label: 'Room', ok: 'Enter' });
	if (text?.trim())
		enter(roomId(text.trim()));
});

async function refreshRooms() {
	const mine = dh;
	try {
		const { list } = await mine.list();
		if (mine !== dh)
			return;
		drawRooms(list);
		const found = list.find(room => room.id === mine.room);
		info = found ?? (await mine.info()).info;
		if (mine === dh)
			drawRoom();
	} catch {
		/* the connection's own state says what is wrong */
	}
}

let refreshing = null;

async function refresh() {
	const mine = dh;
	if (refreshing === mine || !['preparing', 'playing'].includes(mine.state))
		return;
	refreshing = mine;
	try {
		const asked = performance.now();
		const answer = await mine.queue();
		if (mine === dh) {
			queueView.show(answer);
			drawActivity(answer.state);
			measurements.report(answer, asked, info);
			await details.refresh(mine, answer.playing, () => mine === dh);
		}
	} catch {
		/* as above */
	} finally {
		if (refreshing === mine)
			refreshing = null;
	}
}

function onEvent(event) {
	const kinds = { failed: 'bad', destroyed: 'bad', started: 'good' };
	log(eventWords(event), kinds[event.event] ?? '', event.media_ms);
	queueView.take(event);
	if (event.event === 'speaking' || event.event === 'idle')
		drawActivity(event.event);
	if (event.event === 'started')
		announce(`Speaks: ${segmentTitle(event)}`);
	else if (event.event === 'idle')
		announce('The avatar idles.');
	else if (event.event === 'failed')
		notice(`${segmentTitle(event)} could not be played: ${event.error ?? 'its generator failed'}`);
	if (['enabled', 'disabled', 'edited'].includes(event.event))
		refreshRooms();
	refresh();
}

function enter(room) {
	dh?.close();
	closeAsk();
	info = null;
	$('frame').style.removeProperty('--aspect');
	measurements.clear();
	details.clear();
	queueView.show(null);
	drawActivity(null);
	const { server, iceServers, iceTransportPolicy } = settings;
	const first = room === settings.room;
	dh = new DigitalHuman({
		server, iceServers, iceTransportPolicy, room, video,
		pin: recall('pin', room), secret: recall('secret', room) ?? (first ? settings.secret : null),
	});
	window.digitalhuman = dh;
	dh.on('status', onStatus);
	dh.on('event', onEvent);
	drawRooms([]);
	onStatus(dh);
	const address = new URL(location.href);
	if (first)
		address.searchParams.delete('room');
	else
		address.searchParams.set('room', room);
	history.replaceState(null, '', address);
}

const wanted = new URL(location.href).searchParams.get('room');
enter(wanted ? roomId(wanted) : settings.room);
drawSound();

const every = (ms, fn) => setInterval(() => document.visibilityState === 'visible' && fn(), ms);
every(1000, refresh);
every(3000, refreshRooms);
every(1000, () => measurements.receive(dh.pc, { speaking, muted: video.muted }));
