// SPDX-License-Identifier: GPL-3.0-or-later
/* The page: one DigitalHuman at a time, its screen, its queue, its measurements.
 * `window.digitalhuman` is the present one, for the console. */

import { DigitalHuman } from '../digitalhuman.js';
import settings from '../settings.js';
import { ask, closeAsk, recall, remember } from './ask.js';
import { RoomChoice } from './choice.js';
import { Curtain } from './curtain.js';
import { Details } from './details.js';
import { Floor } from './floor.js';
import { HistoryView } from './history.js';
import { Inside } from './inside.js';
import { Measurements } from './measure.js';
import { QueueView } from './queue.js';
import { Player } from './player.js';
import { CaptionLine } from './captionline.js';
import { Talk } from './talk.js';
import { announce, log, notice } from './tell.js';
import { cut, errorText, eventWords, segmentTitle, voiceName, wantsToken } from './words.js';

const $ = id => document.getElementById(id);
const page = document.documentElement;
const video = $('video');

const roomId = text => /^\d+$/.test(text) ? Number(text) : text;

let dh = null;
let info = null;       // the present room, as list or info had it last
let acting = false;    // the person is doing something that may want the secret
let saying = false;    // a sentence is on its way
let isBarred = false;  // it still watches, but may not look into the queue any more
const measurements = new Measurements();
const queueView = new QueueView(segment => act(() => dh.remove(segment)),
	(segment, place) => act(() => dh.move(segment, place)));
const choice = new RoomChoice(enter);
const captionLine = new CaptionLine();
const historyView = new HistoryView();
const curtain = new Curtain(() => askPin(), error => notice(errorText(error)));
const player = new Player(on => act(() => (on ? dh.hold() : dh.resume({ at: 'word' }))));
const talk = new Talk(act);
const inside = new Inside(() => act(() => dh.floor()));   // which wants the secret, and changes nothing
const floor = new Floor(act, answer => talk.show(answer));
const details = new Details({
	heard: text => queueView.heard(text), floor: answer => floor.show(answer), knowsFloor: () => floor.isTold,
});

/* --- requests that may want the room's secret */

/* Does it; asks for the secret as often as it is wrong. True when it was done. */
async function act(request) {
	const mine = dh;
	acting = true;
	try {
		for (;;) {
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
				const secret = await askSecret(error.wrong === 'secret');
				if (secret === null || mine !== dh)
					return false;
				mine.secret = secret;
			}
		}
	} finally {
		acting = false;
	}
}

function askSecret(wasWrong) {
	return ask({
		title: 'This room has a secret',
		text: wasWrong ? 'That secret is not right. Try again.' :
			'Whoever speaks through it or changes its queue needs the secret.',
		label: 'Secret', ok: 'Continue', hidden: true, wrong: wasWrong,
	});
}

/* The library has dropped it. */
function onWrong(key) {
	remember(key, dh.room, null);
	if (key === 'secret' && !acting)
		notice('The secret that this page had for the room is not right any more. It asks for it when one is needed.');
}

$('say').addEventListener('submit', async event => {
	event.preventDefault();
	const text = $('text').value.trim();
	if (saying)
		return;
	if (!text)
		return $('text').focus();
	saying = true;
	drawSay();
	const voice = $('voice-field').hidden ? undefined : $('voice').value;
	const done = await act(() => dh.say(text, { voice, metadata: { text: cut(text, 300) } }));
	saying = false;
	drawSay();
	if (done && $('text').value.trim() === text)
		$('text').value = '';
	remember('draft', '', $('text').value);
	$('text').focus();
});

/* Enter may end the composition of a character, too; Safari says so only by the number 229. */
$('text').addEventListener('keydown', event => {
	if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229)
		return;
	event.preventDefault();
	$('say').requestSubmit();
});

$('text').addEventListener('input', () => remember('draft', '', $('text').value));
$('text').value ||= recall('draft', '') ?? '';

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

const CONNECTION = {
	connecting: 'Connecting …', preparing: 'Connected', playing: 'Live', paused: 'Paused',
	reconnecting: 'Reconnecting …', refused: 'PIN wanted', kicked: 'Sent out', closed: 'Closed',
	unsupported: 'Cannot be shown',
};

function onStatus({ state, error }) {
	page.dataset.state = state;
	curtain.status({ state, error });
	const text = curtain.wantsToken ? 'Token wanted' : CONNECTION[state];
	if ($('connection-text').textContent !== text) {
		$('connection-text').textContent = text;
		announce(text);
		if (error && state === 'reconnecting')
			log([errorText(error), '', ''], 'bad');
		else if (state === 'playing')
			log(['The picture moves', '', ''], 'good');
	}
	if (curtain.isClosed)
		showNothing();
	if (state === 'preparing') {
		inside.retry();
		details.clear();
	}
	if (state === 'playing' && dh.pin)
		remember('pin', dh.room, dh.pin);
	if (state === 'preparing' || state === 'playing' || error)
		refreshRooms();
	if (state === 'refused' && !curtain.wantsToken)
		askPin(error?.wrong === 'pin');
}

/* Of what plays and waits. */
function showNothing() {
	queueView.show(null);
	player.draw(null);
}

async function askPin(wasWrong = false) {
	const mine = dh;
	const pin = await ask({
		title: 'This room wants a PIN',
		text: wasWrong ? 'That PIN is not right. Try again.' : 'Only those who know its PIN may watch this room.',
		label: 'PIN', ok: 'Watch', hidden: true, wrong: wasWrong,
	});
	if (mine !== dh || pin === null)
		return;
	mine.pin = pin;
	mine.reconnect();
}

/* --- the room */

function drawSay() {
	const speaks = info?.has_generator !== false;
	$('text').disabled = $('voice').disabled = !speaks;
	$('speak').disabled = !speaks || saying;
	$('text').placeholder = speaks ? 'Type a sentence …' : 'This room has no generator: it plays files only.';
}

function drawRoom() {
	$('audience').hidden = !(info?.viewers >= 0);
	$('audience').textContent = `${info?.viewers} watching`;
	$('disclosure').hidden = !info?.disclosure;
	$('disclosure').textContent = info?.disclosure ?? '';
	document.title = `${info?.description || `Room ${dh.room}`} – Digital human`;
	drawSay();
	const voices = info?.voices ?? [];
	const shown = [...$('voice').options].map(option => option.value);
	if (shown.join('\n') !== voices.join('\n'))
		$('voice').replaceChildren(...voices.map(voice => new Option(voiceName(voice), voice)));
	$('voice-field').hidden = !voices.length;
	curtain.show(info);
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
		choice.show(list, mine.room);
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
	const isPresent = () => mine === dh && ['preparing', 'playing'].includes(mine.state);
	if (refreshing === mine || !isPresent())
		return;
	refreshing = mine;
	try {
		const asked = performance.now();
		const answer = await mine.queue();
		if (isPresent()) {
			queueView.show(answer);
			player.draw(answer);
			measurements.report(answer, asked, info);
			inside.queue(answer);
			await details.refresh(mine, answer.playing, isPresent);
			const heard = await mine.heard();
			if (mine === dh)
				historyView.show(heard);
			isBarred = false;
		}
	} catch (error) {
		if (error.code === 457 && error.wrong !== 'secret' && mine === dh)
			showBarred(error);
	} finally {
		if (refreshing === mine)
			refreshing = null;
	}
}

/* Who watches stays when the room's PIN is changed, or a token's time is over. */
function showBarred(error) {
	showNothing();
	if (!isBarred)
		notice(`${wantsToken(error) ? 'The token is no longer valid' : 'The PIN of this room has been changed'}: ` +
			'what plays and waits cannot be shown. The picture goes on.');
	isBarred = true;
}

function onEvent(event) {
	if (['state', 'caption', 'caption_end'].includes(event.event))
		return;  // they are on the screen
	const kinds = { failed: 'bad', destroyed: 'bad', started: 'good' };
	log(eventWords(event), kinds[event.event] ?? '', event.media_ms);
	queueView.take(event);
	historyView.take(event);
	if (['speaking', 'idle', 'listening', 'thinking'].includes(event.event))
		player.drawState(event.event);
	if (event.event === 'edited' && event.description)
		announce(`The room is now called ${event.description}.`);
	if (event.event === 'destroyed')
		curtain.end();
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
	isBarred = false;
	measurements.clear();
	details.clear();
	queueView.show(null);
	historyView.clear();
	const { server, iceServers, iceTransportPolicy } = settings;
	const first = String(room) === String(settings.room);
	dh = new DigitalHuman({
		server, iceServers, iceTransportPolicy, room, video,
		captions: captionLine.on, pin: recall('pin', room), secret: recall('secret', room) ?? (first ? settings.secret : null),
		token: first ? settings.token : null,
	});
	window.digitalhuman = dh;
	curtain.follow(dh);
	dh.on('status', onStatus);
	dh.on('event', onEvent);
	player.follow(dh);
	talk.follow(dh);
	floor.follow(dh);
	captionLine.follow(dh);
	inside.follow(dh);
	dh.on('wrong', onWrong);
	choice.show([], room);
	drawRoom();
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

const every = (ms, fn) => setInterval(() => document.visibilityState === 'visible' && fn(), ms);
every(1000, refresh);
every(3000, refreshRooms);
every(1000, () => measurements.receive(dh.pc, { speaking: player.isSpeaking, muted: video.muted }));
