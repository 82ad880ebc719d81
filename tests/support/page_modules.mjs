// SPDX-License-Identifier: GPL-3.0-or-later
// What test_page_modules.py runs, each in a process of its own: node page_modules.mjs NAME
import assert from 'node:assert/strict';
import { $, advance, Element, gateway, globals, load, settled } from './page_stub.mjs';

const { equal, deepEqual, ok } = assert;
const track = (kind) => Object.assign(new Element(), { kind, muted: false });
const asked = (request) => gateway.asked.filter((body) => body.request === request);

// What became of a promise: { value }, { error }, or {} as yet.
function fate(promise) {
  const seen = {};
  promise.then((value) => { seen.value = value; }, (error) => { seen.error = error; });
  return seen;
}

async function human(options = {}) {
  const { DigitalHuman } = await load('digitalhuman.js');
  return new DigitalHuman({ server: 'ws://up', ...options });
}

async function playing(options) {
  const dh = await human(options);
  await advance(100);
  equal(dh.state, 'preparing');
  return dh;
}

async function listening() {
  const dh = await playing();
  const listen = dh.listen({ track: track('audio') });
  await advance(100);
  const microphone = await listen;
  gateway.say({ event: 'viewer_speaking', id: 1, viewer: dh.viewer });
  ok(microphone.speaking);
  return [dh, microphone];
}

// A list of `reorder.js` with items of these ids.
async function reorderable(move, ...ids) {
  const { Reorder } = await load('js/reorder.js');
  const list = new Element('ul'), reorder = new Reorder(list, move);
  list.append(...ids.map((segment) => Object.assign(new Element('li'), { dataset: { segment } })));
  list.children.forEach((li) => reorder.grip(li, li.dataset.segment));
  return list.children;
}

const drag = (li) => li.fire('dragstart', { dataTransfer: { setData() {} } });

const tests = {
  async requests_wait_for_the_next_server() {
    Object.assign(gateway.servers, { 'ws://down': 'down' });
    const said = fate((await human({ server: ['ws://down', 'ws://up'] })).say('Hello'));
    await advance(1000);
    deepEqual([said.error, gateway.tried, asked('say').length], [undefined, ['ws://down', 'ws://up'], 1]);
  },

  async what_was_configured_outlives_a_connection() {
    const dh = await playing();
    const again = async (meanwhile = () => {}) => {
      gateway.asked.length = 0;
      gateway.answering = 50;
      dh.reconnect();
      await advance(30);
      meanwhile();
      await advance(100);
      equal(dh.state, 'preparing');
      return asked('configure').map(wish => Object.fromEntries(
        Object.entries(wish).filter(([name]) => name !== 'id' && name !== 'request')));
    };
    deepEqual(await again(), []);
    dh.request({ request: 'configure', min_delay: 20 });
    dh.request({ request: 'configure', max_delay: 40, quality: 2, temporal: 1 });
    dh.request({ request: 'configure', audio: false });
    await advance(100);
    const wish = { max_delay: 40, quality: 2, temporal: 1, audio: false, video: true };
    deepEqual(await again(), [wish]);
    // what is answered before the connection was asked for all that says that there is sound
    deepEqual(await again(() => dh.showCaptions(true)), [{ captions: true }, wish]);
    gateway.refuse = ({ request, quality }) => (request === 'configure' && quality ? [454, 'Invalid "quality"'] : null);
    deepEqual(await again(), [wish, { audio: false, video: true }]);
    deepEqual(await again(), [{ audio: false, video: true }]);
  },

  async sound_alone_is_heard_on_the_next_connection() {
    const video = new Element();
    const dh = await playing({ video });
    const comes = (muted) => gateway.sessions[0].on.onremotetrack({ ...track('video'), muted, addEventListener() {} }, '1', true);
    comes(false);
    ok(video.srcObject === dh.stream);
    dh.request({ request: 'configure', video: false });
    await advance(100);
    dh.reconnect();
    await advance(100);
    comes(true);               // and no picture ever
    ok(video.srcObject === dh.stream);
  },

  async captions_end_with_what_they_belong_to() {
    const dh = await playing({ captions: true });
    const state = () => gateway.say({ event: 'state', captions: [{ caption: 1, segment: 's', text: 'Hello', from_ms: 0, until_ms: 9000 }] });
    for (const end of [() => gateway.say({ event: 'disabled', id: 1 }), () => dh.pause(), () => dh.reconnect(),
      () => gateway.say({ result: { status: 'kicked' } })]) {
      state();
      equal(dh.captions.length, 1);
      end();
      await advance(100);
      equal(dh.captions.length, 0);
    }
  },

  async a_microphone_ends_with_a_kick() {
    const [dh] = await listening(), told = [];
    dh.on('microphone', ({ microphone }) => told.push(microphone));
    gateway.say({ result: { status: 'kicked' } });
    await advance(100);
    deepEqual([dh.state, dh.microphone, told], ['kicked', null, [null]]);
  },

  async requests_wait_for_a_gateway_that_restarts() {
    gateway.servers['ws://up'] = 'down';
    const said = fate((await human()).say('Hello'));
    await advance(5000);
    deepEqual(said, {});
    gateway.servers['ws://up'] = 'up';
    await advance(4000);
    ok('value' in said);
  },

  async requests_do_not_wait_for_ever() {
    gateway.servers['ws://up'] = 'down';
    const dh = await human(), said = fate(dh.say('Hello'));
    await advance(15000);
    equal(said.error.code, 'offline');
    const again = fate(dh.say('Hello'));
    await settled();
    equal(again.error.code, 'offline');
  },

  async requests_do_not_wait_where_there_is_no_webrtc() {
    globalThis.Janus.isWebrtcSupported = () => false;
    const said = fate((await human()).say('Hello'));
    await settled();
    equal(said.error.code, 'offline');
  },

  async keys_are_for_their_own_room() {
    const dh = await playing({ room: 7, secret: 'ours', pin: '1234', token: 'signed' });
    const keys = ({ secret, pin, token }) => [secret, pin, token];
    deepEqual(keys(asked('watch')[0]), ['ours', '1234', 'signed']);
    fate(dh.queue());
    fate(dh.request({ request: 'queue', id: 7 }));
    fate(dh.request({ request: 'queue', id: '7' }));
    fate(dh.request({ request: 'queue', id: 2 }));
    fate(dh.request({ request: 'queue', id: 2, pin: '99' }));
    await advance(100);
    deepEqual(asked('queue').map(keys), [...Array(3).fill(['ours', '1234', 'signed']), Array(3).fill(undefined),
      [undefined, '99', undefined]]);
  },

  async another_rooms_refusal_forgets_nothing() {
    const dh = await playing({ room: 7, secret: 'ours', pin: '1234' });
    const wrong = [];
    dh.on('wrong', (key) => wrong.push(key));
    gateway.refuse = ({ id, pin }) => (id === 2 || pin === '1234' ? [457, 'Unauthorized (wrong "pin")'] : null);
    const ends = [{ id: 2 }, { id: 2, pin: '1234' }].map((about) => fate(dh.request({ request: 'info', ...about })));
    await advance(100);
    deepEqual([ends.map(({ error }) => error.code), dh.secret, dh.pin, wrong], [[457, 457], 'ours', '1234', []]);
    fate(dh.info());
    await advance(100);
    deepEqual([dh.secret, dh.pin, wrong], ['ours', null, ['pin']]);
  },

  async a_switch_takes_its_keys_along() {
    const dh = await playing({ room: 7, secret: 'ours', pin: '1234' });
    gateway.refuse = ({ request, pin }) => (request !== 'switch' || pin === '99' ? null :
      [457, 'Unauthorized (missing "pin")']);
    const refused = fate(dh.request({ request: 'switch', id: 2 }));
    await advance(100);
    deepEqual([refused.error.code, dh.room, dh.secret, dh.pin], [457, 7, 'ours', '1234']);
    fate(dh.request({ request: 'switch', id: 2, pin: '99' }));
    await advance(100);
    deepEqual([dh.room, dh.secret, dh.pin], [2, null, '99']);
    dh.reconnect();
    await advance(100);
    const { id, secret, pin } = asked('watch').at(-1);
    deepEqual([id, secret, pin], [2, undefined, '99']);
    gateway.refuse = () => null;
    dh.secret = 'theirs';
    fate(dh.request({ request: 'switch', id: 2 }));
    await advance(100);
    deepEqual([dh.secret, dh.pin], ['theirs', '99']);
  },

  async a_room_that_wants_a_token() {
    gateway.refuse = ({ request, token }) => (request !== 'watch' || token === 'good' ? null :
      [457, `Unauthorized (${token ? 'wrong' : 'missing'} "token")`]);
    const dh = await human();
    await advance(100);
    deepEqual([dh.state, dh.words], ['refused', 'This room wants a token.']);
    dh.token = 'stale';
    dh.reconnect();
    await advance(100);
    deepEqual([dh.state, dh.words, dh.token], ['refused', 'That token is not right, or not any more.', null]);
    dh.token = 'good';
    dh.reconnect();
    await advance(100);
    equal(dh.state, 'preparing');
  },

  async an_address_that_is_none() {
    gateway.servers['ws://wrong'] = 'wrong';
    const { newWebSocket } = globalThis.Janus;
    const dh = await human({ server: ['ws://wrong', 'ws://up'] });
    await advance(1000);
    deepEqual([dh.state, globalThis.Janus.newWebSocket === newWebSocket], ['preparing', true]);
    const rooms = fate(dh.constructor.rooms(['ws://wrong', 'ws://up']));
    await advance(1000);
    deepEqual(rooms.value, []);
  },

  async a_session_that_comes_too_late() {
    gateway.servers['http://late'] = 'late';
    const dh = await human({ server: ['http://late', 'ws://up'] });
    await advance(10000);
    const [, late] = gateway.sessions;
    deepEqual([late.options.server, late.id !== null, late.isDestroyed], ['http://late', true, true]);
    deepEqual([dh.state, gateway.sessions[0].isDestroyed], ['preparing', false]);
  },

  async a_stream_is_told_of_once() {
    let shown = 0;
    const video = new Element('video');
    Object.defineProperty(video, 'srcObject', { get: () => null, set: () => { shown++; } });
    const dh = await playing({ video }), streams = [];
    dh.on('stream', (stream) => streams.push(stream));
    const { on } = gateway.sessions[0], picture = track('video');
    on.onremotetrack(track('audio'), '0', true);
    for (const is of [true, false, true, false, true]) on.onremotetrack(picture, '1', is);
    deepEqual([streams.length, shown, streams[0] === dh.stream, dh.stream.getTracks().length], [1, 1, true, 2]);
    dh.reconnect();
    await advance(100);
    gateway.sessions[0].on.onremotetrack(track('video'), '1', true);
    deepEqual([streams.length, shown], [2, 2]);
  },

  async a_new_viewer_does_not_speak() {
    const [dh, microphone] = await listening(), told = [];
    const before = dh.viewer;
    dh.on('viewer_silent', (event) => told.push([event, microphone.speaking]));
    dh.reconnect();
    await advance(100);
    deepEqual(told, [[{ event: 'viewer_silent', id: 1, viewer: before }, false]]);
    deepEqual([dh.microphone === microphone, microphone.speaking, dh.viewer !== before], [true, false, true]);
    gateway.say({ event: 'viewer_speaking', id: 1, viewer: dh.viewer });
    fate(dh.request({ request: 'switch', id: 2 }));
    await advance(100);
    deepEqual([told.length, told[1][0].id, microphone.speaking], [2, 1, false]);
    /* The room that was left says so, too, a moment later. */
    const { viewer } = told[1][0];
    gateway.say({ event: 'viewer_silent', id: 1, viewer });
    gateway.say({ event: 'viewer_speaking', id: 2, viewer: dh.viewer });
    gateway.say({ event: 'viewer_silent', id: 1, viewer });
    deepEqual([told.length, microphone.speaking], [2, true]);
    gateway.say({ event: 'viewer_silent', id: 2, viewer: dh.viewer });
    deepEqual([told.length, microphone.speaking], [3, false]);
  },

  async a_microphone_that_was_just_stopped() {
    const [dh, microphone] = await listening(), told = [];
    dh.on('viewer_silent', (event) => told.push(event.viewer));
    const before = dh.viewer;
    microphone.stop();
    dh.reconnect();
    await advance(100);
    deepEqual(told, [before]);
  },

  async a_listener_that_closes() {
    for (const end of ['lost', 'anew']) {
      const [dh] = await listening();
      dh.on('viewer_silent', () => dh.close());
      const { length } = gateway.sessions;
      if (end === 'anew') dh.reconnect();
      else gateway.sessions[0].options.error('lost');
      await advance(20000);
      deepEqual([dh.state, gateway.sessions.length], ['closed', length]);
    }
  },

  /* The gateway refuses an offer of sound before it has an answer to its first one. */
  async a_microphone_waits_for_the_next_server() {
    Object.assign(gateway.servers, { 'ws://down': 'down' });
    gateway.refuse = ({ request }) => (request === 'configure' && !asked('start').length ? [460, 'not yet'] : null);
    const dh = await human({ server: ['ws://down', 'ws://up'] });
    const heard = fate(dh.listen({ track: track('audio') }));
    await advance(1000);
    deepEqual([heard.error, heard.value === dh.microphone], [undefined, true]);
  },

  async an_earlier_refusal_is_no_answer() {
    const dh = await playing(), result = { event: 'configured', audio: true, video: true, microphone: true };
    gateway.refuse = ({ request }) => (request === 'start' ? [464, 'max_microphones_per_room is reached (1)'] : null);
    gateway.say({ result }, { type: 'offer', sdp: 'v=0' });
    await advance(100);
    gateway.refuse = () => null;
    const heard = fate(dh.listen({ track: track('audio') }));
    await advance(100);
    ok(dh.microphone);
    equal(heard.value, dh.microphone);
  },

  async a_new_viewer_has_no_floor() {
    const { Talk } = await load('js/talk.js');
    const [dh] = await listening(), talk = new Talk(() => Promise.resolve(true));
    talk.follow(dh);
    for (const state of ['reconnecting', 'kicked']) {
      gateway.say({ event: 'floor_given', id: 1, viewer: dh.viewer });
      gateway.say({ event: 'viewer_speaking', id: 1, viewer: dh.viewer });
      deepEqual([$('floor-button').textContent, $('talk-state').textContent], ['Give it back', 'You speak']);
      if (state === 'kicked') {
        gateway.say({ result: { status: 'kicked' } });
      } else {
        gateway.servers['ws://up'] = 'down';
        gateway.sessions[0].options.error('lost');
      }
      await settled();
      const shown = [$('floor-button').textContent, $('talk-state').textContent];
      deepEqual([dh.state, ...shown], [state, 'Ask for the floor', state === 'kicked' ? 'Off' : 'On']);
      gateway.servers['ws://up'] = 'up';
      await advance(3000);
    }
  },

  async a_choice_that_came_to_nothing() {
    const { Talk } = await load('js/talk.js');
    let done = false;
    const talk = new Talk(() => Promise.resolve(done)), choice = $('barge-in');
    talk.follow(await playing());
    talk.show({ viewer: null, waiting: [], barge_in: 0, barge_in_mode: 'interrupt', barge_in_by: 'all' });
    equal(choice.value, 'off');
    globalThis.document.activeElement = choice;
    for (const shown of ['off', 'interrupt']) {
      choice.value = 'interrupt';
      choice.fire('change');
      await settled();
      equal(choice.value, shown);
      done = true;
    }
  },

  async a_drag_that_was_cancelled() {
    const moves = [];
    const [first, second] = await reorderable((...move) => moves.push(move), 'a', 'b');
    drag(first);
    first.fire('dragend');
    second.fire('drop', { clientY: 0 });
    deepEqual(moves, []);
    drag(first);
    first.parent = null;         // it does not wait any more
    first.fire('dragend');
    second.fire('drop', { clientY: 0 });
    deepEqual(moves, []);
    drag(second);
    first.parent = second.parent;
    first.fire('drop', { clientY: 0 });
    deepEqual(moves, [['b', { before: 'a' }]]);
  },

  async what_waits_keeps_its_place_on_the_page() {
    const { QueueView } = await load('js/queue.js');
    const view = new QueueView(() => {}, () => {}), list = $('waiting').children;
    const show = (...segments) => view.show({ waiting: segments.map(([segment, state = 'ready']) => ({ segment, name: segment,
      state, duration_ms: state === 'ready' ? 2000 : null })) });
    const shown = () => list.map(({ children: [, title, , state] }) => `${title.textContent} ${state.textContent}`);
    show(['a', 'preparing'], ['b'], ['c']);
    deepEqual(shown(), ['a preparing …', 'b 2.0 s', 'c 2.0 s']);
    const [a, b, c] = list;
    show(['a'], ['b'], ['c']);
    deepEqual([shown(), list[0] === a], [['a 2.0 s', 'b 2.0 s', 'c 2.0 s'], true]);
    show(['c'], ['d'], ['b']);
    deepEqual([shown(), list[0] === c, list[2] === b], [['c 2.0 s', 'd 2.0 s', 'b 2.0 s'], true, true]);
    show(['d'], ['b'], ['c']);
    deepEqual(shown(), ['d 2.0 s', 'b 2.0 s', 'c 2.0 s']);
    show();
    deepEqual([list.length, $('waiting-empty').hidden], [0, false]);
  },

  async how_far_a_round_is() {
    const { QueueView } = await load('js/queue.js');
    const view = new QueueView(() => {}, () => {});
    const shown = (played_ms, position_ms) => {
      view.show({ playing: { segment: 's-1', name: 'One', played_ms, position_ms, duration_ms: 2000 }, waiting: [] });
      return [$('progress').value, $('now-sub').textContent];
    };
    deepEqual(shown(500, 500), [0.25, '0.5 s of 2.0 s']);
    deepEqual(shown(2000, 2000), [1, '2.0 s of 2.0 s']);
    deepEqual(shown(4500, 500), [0.25, '0.5 s of 2.0 s']);
    deepEqual(shown(500, 1500), [0.75, '1.5 s of 2.0 s']);
    deepEqual(shown(2100, 2100), [1, '2.0 s of 2.0 s']);
  },

  /* What does not come is given time once there is another way for it. */
  async a_way_that_takes_long() {
    const dh = await playing(), states = [];
    dh.pc.getStats = () => Promise.resolve(new Map([['v', { type: 'inbound-rtp', bytesReceived: 9, framesDecoded: 1 }]]));
    dh.on('status', ({ state }) => states.push(state));
    await advance(2000);
    gateway.answering = 6000;
    while (asked('watch').length < 2) await advance(100);
    await advance(8000);
    deepEqual(states, ['playing']);
    await advance(3000);
    equal(states[1], 'reconnecting');
  },

  async captions_that_are_off() {
    const { Captions } = await load('js/captions.js');
    const told = [];
    const on = { captions: (list) => told.push(list.map(({ text }) => text)), marker: () => told.push('marker') };
    const captions = new Captions(null, on, () => undefined);
    const caption = (number) => ({ event: 'caption', caption: number, text: `${number}`, from_ms: 0, until_ms: 9, media_ms: 0 });
    captions.take(caption(1));
    captions.turn(false);
    ok(captions.take(caption(2)));
    captions.take({ event: 'state', captions: [caption(3)], marker: null });
    deepEqual([told, captions.shown], [[['1'], []], []]);
    captions.turn(true);
    captions.take({ event: 'state', captions: [caption(4)], marker: null });
    deepEqual(told.at(-1), ['4']);
  },

  async titles_do_not_grow() {
    const { HistoryView } = await load('js/history.js');
    const view = new HistoryView();
    const titles = () => $('history').children.map((li) => li.children[0].textContent);
    for (let i = 0; i < 300; i++) {
      view.take({ event: 'started', segment: `s-${i}`, name: `Title ${i}` });
      view.take({ event: 'started', segment: 's-0', name: 'Again and again' });
    }
    const segments = ['s-0', 's-50', 's-150', 's-299'].map((segment) => ({ segment, state: 'finished', heard: [] }));
    view.show({ segments });
    deepEqual(titles(), ['Title 299', 'Title 150', 's-50', 'Again and again']);
  },

  async a_lost_picture_of_another_form() {
    const { Matte } = await load('js/matte.js');
    const video = Object.assign(new Element('video'), { videoHeight: 20, cancelVideoFrameCallback() {},
      requestVideoFrameCallback: (next) => { video.next = next; } });
    let drawn = 0;
    const draw = () => { drawn++; }, other = () => ({ loseContext() {} });
    const gl = new Proxy({}, { get: (_, name) => (name === 'drawArrays' ? draw : other) });
    globalThis.document.createElement = (tag) => Object.assign(new Element(tag), { getContext: () => gl });
    const matte = new Matte(video);
    const form = (width) => ({ width, height: 10, matte_top: 10, coded_height: 20 });
    matte.show(form(10));
    const old = matte.canvas;
    matte.show(form(20));
    old.fire('webglcontextlost');
    video.next();
    equal(drawn, 1);
    old.fire('webglcontextrestored');
    equal(drawn, 1);
    matte.canvas.fire('webglcontextlost');
    video.next();
    equal(drawn, 1);
    matte.canvas.fire('webglcontextrestored');
    equal(drawn, 2);
  },

  async the_page_where_the_pin_was_changed() {
    const one = { segment: 's-1', name: 'One', position_ms: 100, duration_ms: 60000 };
    const notices = [];
    Object.defineProperty($('notice'), 'textContent', { set: (text) => notices.push(text) });
    gateway.answers.queue = () => ({ state: 'speaking', playing: one, waiting: [] });
    gateway.answers.heard = () => ({ segments: [] });
    await load('js/page.js');
    await advance(3000);
    deepEqual([$('now-title').textContent, $('skip').disabled, notices], ['One', false, []]);
    gateway.refuse = ({ request, pin }) => (pin || !['queue', 'heard'].includes(request) ? null :
      [457, 'Unauthorized (missing "pin")']);
    await advance(5000);
    deepEqual([$('now-title').textContent, $('skip').disabled, notices.length], ['Nothing plays', true, 1]);
    ok(notices[0].startsWith('The PIN of this room has been changed'));
    globals.window.digitalhuman.pin = '1234';
    await advance(3000);
    deepEqual([$('now-title').textContent, notices.length], ['One', 1]);
  },

  async the_page_that_is_sent_out() {
    const one = { segment: 's-1', name: 'One', position_ms: 100, duration_ms: 60000 };
    gateway.answers.queue = () => ({ state: 'speaking', playing: one, waiting: [] });
    await load('js/page.js');
    await advance(3000);
    deepEqual([$('now-title').textContent, $('skip').disabled, $('hold').disabled, $('activity').hidden], ['One', false, false, false]);
    gateway.say({ result: { status: 'kicked' } });
    await advance(3000);
    deepEqual([$('now-title').textContent, $('skip').disabled, $('hold').disabled, $('activity').hidden],
      ['Nothing plays', true, true, true]);
  },

  async the_page_whose_room_is_made_anew_and_full() {
    await load('js/page.js');
    await advance(1000);
    gateway.refuse = ({ request }) => (request === 'watch' ? [455, 'No such room'] : null);
    gateway.say({ digitalhuman: 'event', event: 'destroyed', id: 1 });
    gateway.sessions[0].on.webrtcState(false, 'Close PC');
    await advance(3000);
    ok($('curtain-text').textContent.startsWith('This room was closed.'));
    gateway.refuse = ({ request }) => (request === 'watch' ? [464, 'Limit reached (max_viewers_per_room)'] : null);
    await advance(10000);
    ok($('curtain-text').textContent.startsWith('The room is full'), $('curtain-text').textContent);
  },

  async the_floor_that_there_was_not_before() {
    gateway.refuse = ({ request }) => ({ floor: [457, 'Unauthorized (missing "secret")'], ask_floor: [460, 'No floor'] })[request] ?? null;
    await load('js/page.js');
    await advance(1000);
    const dh = globals.window.digitalhuman;
    dh.listen({ track: track('audio') });
    await advance(100);
    ok(!$('floor').hidden);
    $('floor-button').click();
    await advance(100);
    ok($('floor').hidden);
    gateway.say({ digitalhuman: 'event', event: 'floor_given', id: 1, viewer: dh.viewer });
    deepEqual([$('floor').hidden, $('floor-text').textContent], [false, 'You have the floor: your voice counts.']);
  },

  async what_stands_waits_whatever_events_were_lost() {
    const { QueueView } = await load('js/queue.js');
    const view = new QueueView(() => {}, () => {});
    const show = async (played, segment = 's-1') => {
      view.show({ waiting: [], playing: { segment, played_ms: played, position_ms: played, duration_ms: 60000 } });
      await advance(1000);
      return $('now-sub').textContent.includes('waits for more');
    };
    view.take({ event: 'held', segment: 's-1' });
    deepEqual([await show(1000), await show(1000)], [true, true]);
    equal(await show(1900), false);    // `resumed` has not come
    equal(await show(1900), true);     // nor has `held`
    equal(await show(0, 's-2'), false);
    view.take({ event: 'held', segment: 's-2' });
    view.show(null);
    equal(await show(0, 's-2'), false);
  },

  async the_page_where_a_token_is_wanted() {
    gateway.refuse = ({ request }) => (request === 'watch' ? [457, 'Unauthorized (missing "token")'] : null);
    await load('js/page.js');
    await advance(1000);
    deepEqual([$('curtain-text').textContent, $('connection-text').textContent, Boolean($('ask').open)],
      ['This room wants a token.', 'Token wanted', false]);
    gateway.refuse = () => null;
    $('curtain-button').click();
    await advance(100);
    equal($('connection-text').textContent, 'Connected');
  },
};

const name = process.argv[2];
if (!name) {
  console.log(JSON.stringify(Object.keys(tests)));
} else {
  await tests[name]();
  process.exit(0);
}
