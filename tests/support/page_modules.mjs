// SPDX-License-Identifier: GPL-3.0-or-later
// What test_page_modules.py runs, each in a process of its own: node page_modules.mjs NAME
import assert from 'node:assert/strict';
import { $, advance, Element, gateway, globals, load, settled } from './page_stub.mjs';

const { equal, deepEqual, ok } = assert;
const track = (kind) => Object.assign(new Element(), { kind, muted: false });
const microphoneTrack = (name) => Object.assign(track('audio'), {
  name, readyState: 'live', getSettings: () => ({ deviceId: name }), stop() { this.readyState = 'ended'; },
});
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

  async a_wish_that_waits_while_the_connection_is_made_anew() {
    for (const ms of [200, 485]) {   // by the end of the first answer the next connection is not answered, or not open
      gateway.answering = 500;
      const dh = await human();
      await advance(20);
      equal(dh.state, 'preparing');
      gateway.asked.length = 0;
      const wish = fate(dh.request({ request: 'configure', video: false }));
      await advance(ms);
      dh.reconnect();
      await advance(600);
      deepEqual([wish.error, asked('configure').length], [undefined, 1]);
      ok(wish.value);
      const next = () => asked('configure').at(-1);
      dh.reconnect();
      await advance(600);
      deepEqual([next().audio, next().video], [true, false]);
      dh.close();
    }
  },

  async a_wish_that_waits_when_all_ends() {
    gateway.answering = 500;
    const dh = await human();
    await advance(20);
    const wish = fate(dh.request({ request: 'configure', video: false }));
    await advance(100);
    dh.close();
    await advance(600);
    equal(wish.error?.code, 'offline');
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

  /* Before the first answer nothing is sent, and the gateway says so. */
  async what_is_configured_before_the_first_answer() {
    gateway.answering = 50;
    for (const [wish, again] of [[{ audio: true, video: true }, []],
      [{ mid: 'v', send: false }, [{ audio: true, video: false }]]]) {
      gateway.asked.length = 0;
      const dh = await human(), said = fate(dh.request({ request: 'configure', ...wish }));
      await advance(100);
      const { result } = said.value;
      deepEqual([dh.state, result.audio, result.video], ['preparing', true, wish.send ?? true]);
      gateway.asked.length = 0;
      dh.reconnect();
      await advance(100);
      deepEqual([dh.state, asked('configure').map(({ audio, video }) => ({ audio, video }))], ['preparing', again]);
      dh.close();
    }
  },

  async a_start_before_the_first_answer() {
    Object.assign(gateway.servers, { 'ws://down': 'down' });
    gateway.answering = 50;
    const said = fate((await human({ server: ['ws://down', 'ws://up'] })).start());
    await advance(1000);
    deepEqual([said.error, asked('start').length], [undefined, 2]);
  },

  async wishes_keep_their_order() {
    const dh = await playing(), { length } = gateway.asked;
    dh.request({ request: 'configure', quality: 1 });
    dh.pause();
    dh.request({ request: 'switch', id: 1 });
    dh.start();
    dh.pause();
    await advance(100);
    deepEqual(gateway.asked.slice(length).map(({ request }) => request), ['configure', 'pause', 'switch', 'start', 'pause']);
  },

  async two_offers_at_once() {
    const [dh, microphone] = await listening(), states = [];
    gateway.answering = 50;
    dh.on('status', ({ state }) => states.push(state));
    microphone.stop();
    const again = fate(dh.listen({ track: track('audio') }));
    await advance(1000);
    deepEqual([states, again.error, again.value === dh.microphone, gateway.sessions.length], [[], undefined, true, 1]);
  },

  async a_tap_starts_the_picture() {
    const video = new Element('video'), refused = Object.assign(new Error('no'), { name: 'NotAllowedError' });
    Object.assign(video, { muted: true, play: () => Promise.reject(refused) });
    const dh = await playing({ video });
    gateway.sessions[0].on.onremotetrack(track('video'), '1', true);
    await settled();
    ok(dh.blocked);
    video.play = () => Promise.resolve();
    globalThis.document.fire('touchend');
    await settled();
    ok(!dh.blocked);
  },

  async a_pause_of_the_viewers_own() {
    const video = new Element('video'), { document } = globalThis;
    let played = 0;
    video.play = () => { played++; };
    await playing({ video });
    gateway.sessions[0].on.onremotetrack(track('video'), '1', true);
    const leaves = (pauses) => {
      document.hidden = true;
      if (pauses) video.fire('pause');
      document.hidden = false;
      played = 0;
      document.fire('visibilitychange');
      return played;
    };
    equal(leaves(true), 1);      // by the browser, where the page is not seen
    video.fire('play');
    equal(leaves(false), 1);
    video.ended = true;
    video.fire('pause');
    video.ended = false;
    equal(leaves(false), 1);     // a stream ended
    video.fire('pause');
    equal(leaves(true), 0);
    video.fire('play');
    equal(leaves(false), 1);
  },

  async a_marker_is_told_once() {
    const dh = await playing({ captions: true }), told = [];
    dh.on('marker', ({ data }) => told.push(data));
    const marker = (data, ms, id = 1) => ({ event: 'marker', id, media_ms: ms, data });
    const state = (latest, id = 1) => gateway.say({ event: 'state', id, media_ms: 9000, captions: [], marker: latest });
    const old = { media_ms: 100, data: { open: 'form' } };
    state(old);
    state(old);
    gateway.say(marker(2, 9100));
    state({ media_ms: 9100, data: 2 });
    dh.pause();
    dh.start();
    await advance(100);
    state({ media_ms: 9100, data: 2 });
    state({ media_ms: 9100, data: 3 });      // of the same moment, and missed
    dh.reconnect();
    await advance(100);
    state({ media_ms: 9100, data: 3 });
    await advance(5000);
    deepEqual(told, [{ open: 'form' }, 2, 3]);
    state({ media_ms: 9100, data: 3 }, 2);   // another room
    await advance(5000);
    deepEqual(told.at(-1), 3);
    equal(told.length, 4);
  },

  async a_marker_is_told_once_in_each_room() {
    const { Captions } = await load('js/captions.js');
    const told = [];
    const captions = new Captions(null, { captions() {}, marker: ({ id, data }) => told.push([id, data]) }, () => undefined);
    const visit = (id, data = 'slide') => {
      captions.take({ event: 'state', id, media_ms: 9000, captions: [], marker: { media_ms: 100, data } });
      return told.splice(0);
    };
    deepEqual([visit('a'), visit('b'), visit('a'), visit('b')], [[['a', 'slide']], [['b', 'slide']], [], []]);
    deepEqual([visit('a', 'next'), visit('b'), visit('a', 'next')], [[['a', 'next']], [], []]);
    for (let i = 0; i < 1000; i++) visit(`room ${i}`);
    deepEqual([visit('a', 'next').length, visit('room 999').length], [1, 0]);    // not all are kept
  },

  /* What a state comes before is still to be reported when its picture is seen. */
  async a_marker_that_is_not_due_yet() {
    const { Captions } = await load('js/captions.js');
    const told = [];
    const receiver = () => ({ getSynchronizationSources: () => [{ rtpTimestamp: performance.now() * 48, timestamp: performance.now() }] });
    const captions = new Captions(null, { captions() {}, marker: ({ data }) => told.push([data, performance.now()]) }, receiver);
    const state = (marker, id = 1) => captions.take({ event: 'state', id, rtp_start: { audio: 0, video: 0 }, captions: [], marker });
    const begin = performance.now();
    state(null);
    captions.take({ event: 'marker', id: 1, media_ms: begin + 200, data: 'a' });
    captions.take({ event: 'marker', id: 1, media_ms: begin + 400, data: 'b' });
    state({ media_ms: begin + 400, data: 'b' });
    state({ media_ms: begin + 600, data: 'c' });
    state({ media_ms: begin + 600, data: 'c' });
    await advance(1000);
    deepEqual(told.map(([data, at]) => [data, Math.round((at - begin) / 100) * 100]), [['a', 200], ['b', 400], ['c', 600]]);
    captions.take({ event: 'marker', id: 1, media_ms: begin + 1200, data: 'd' });
    state(null, 2);     // where it belongs to nothing
    await advance(1000);
    equal(told.length, 3);
  },

  async a_second_wish_while_the_person_is_asked() {
    const dh = await playing(), given = [];
    globalThis.navigator.mediaDevices = { getUserMedia: () => new Promise((resolve) => {
      given.push(() => resolve({ getAudioTracks: () => [microphoneTrack('one')] }));
    }) };
    const first = fate(dh.listen()), second = fate(dh.listen({ barge_in: 300 }));
    await advance(100);
    given[0]();
    await advance(100);
    deepEqual([given.length, asked('edit').map((edit) => edit.new_barge_in)], [1, [300]]);
    ok(first.value && first.value === second.value && first.value === dh.microphone);
  },

  async a_person_who_says_no_is_asked_once() {
    const dh = await playing();
    let prompts = 0, refuse;
    globalThis.navigator.mediaDevices = { getUserMedia: () => new Promise((_, reject) => {
      prompts++;
      refuse = () => reject(Object.assign(new Error('no'), { name: 'NotAllowedError' }));
    }) };
    const ends = [fate(dh.listen()), fate(dh.listen({ barge_in: 300 }))];
    await settled();
    refuse();
    await advance(100);
    deepEqual([ends.map(({ error }) => error?.code), prompts, asked('edit').length], [['denied', 'denied'], 1, 0]);
  },

  async another_microphone_takes_the_place_of_the_first() {
    const dh = await playing(), told = [];
    let fails = null;
    globalThis.navigator.mediaDevices = { getUserMedia({ audio: { deviceId } }) {
      if (fails) return Promise.reject(Object.assign(new Error('no'), { name: fails }));
      return Promise.resolve({ getAudioTracks: () => [microphoneTrack(deviceId?.exact ?? 'any')] });
    } };
    const listen = async (options) => {
      const end = fate(dh.listen(options));
      await advance(100);
      return end.value ?? end.error.code;
    };
    const first = await listen();
    gateway.sessions[0].sender.track = first.track;
    gateway.say({ event: 'viewer_speaking', id: 1, viewer: dh.viewer });
    dh.on('microphone', ({ microphone }) => told.push(microphone));
    ok(await listen({ deviceId: 'any' }) === first);
    fails = 'OverconstrainedError';
    equal(await listen({ deviceId: 'gone' }), 'absent');
    deepEqual([dh.microphone === first, first.track.readyState, told], [true, 'live', []]);
    fails = null;
    const second = await listen({ deviceId: 'other' });
    deepEqual([second.track.name, dh.microphone === second, told.length, second.speaking], ['other', true, 1, true]);
    deepEqual([first.track.readyState, first.speaking, gateway.sessions[0].sender.track.name], ['ended', false, 'other']);
    await first.stop();
    ok(dh.microphone === second);
    const own = microphoneTrack('own'), third = await listen({ track: own });
    deepEqual([third.track === own, dh.microphone === third, second.track.readyState], [true, true, 'ended']);
    ok(await listen() === third);
    own.stop();
    own.fire('ended');
    equal(dh.microphone, null);
  },

  async a_microphone_is_heard_again_before_it_is_said_to_be() {
    const [dh, microphone] = await listening();
    gateway.answering = 500;
    dh.reconnect();
    const again = fate(dh.listen());
    await advance(300);
    deepEqual([again, dh.microphone === microphone], [{}, true]);
    await advance(2000);
    deepEqual([again.value === microphone, gateway.sessions[0].isListening], [true, true]);
    const lost = fate(dh.listen({ barge_in: 1 }));
    gateway.servers['ws://up'] = 'down';
    gateway.sessions[0].options.error('lost');
    const offline = fate(dh.listen());
    await advance(10);
    deepEqual([lost.error?.code, offline.error?.code], ['offline', 'offline']);
    ok(dh.microphone === microphone);
  },

  async a_track_that_has_ended() {
    const dh = await playing(), own = microphoneTrack('own');
    own.stop();
    const heard = fate(dh.listen({ track: own }));
    await advance(100);
    deepEqual([heard.error?.code, dh.microphone, asked('configure').length], ['absent', null, 0]);
  },

  async a_microphone_that_cannot_be_measured() {
    const dh = await playing(), own = microphoneTrack('own'), { AudioContext } = globalThis;
    let open = 0;
    globalThis.AudioContext = class extends AudioContext {
      constructor() { super(); open++; }
      createMediaStreamSource() { throw new Error('other sample rate'); }
      close() { open--; }
    };
    const heard = fate(dh.listen({ track: own }));
    await advance(100);
    deepEqual([heard.error.code, open, own.listeners], ['busy', 0, []]);
  },

  async one_that_was_closed_and_connects_again() {
    const dh = await playing(), { document } = globalThis;
    dh.close();
    dh.reconnect();
    dh.reconnect();
    await advance(100);
    equal(dh.state, 'preparing');
    document.fire('visibilitychange');
    await advance(100);
    equal(asked('info').length, 1);
    dh.close();
    document.fire('visibilitychange');
    equal(document.listeners.filter(([type]) => type === 'visibilitychange').length, 0);
  },

  async an_observer_that_is_ended() {
    const dh = await playing(), [session] = gateway.sessions;
    for (const [status, code] of [['kicked', 'kicked'], ['kicked_all', 'kicked'], ['stopped', 'offline']]) {
      const told = [], begun = fate(dh.observe((event) => told.push(event.event), ({ code: why }) => told.push(why)));
      await advance(100);
      const observer = session.observers.at(-1), say = (message) => observer.on.onmessage(message);
      ok(begun.value && !observer.isDetached);
      say({ event: 'idle', id: 1 });
      say({ result: { status } });
      say({ result: { status: 'stopped' } });
      deepEqual([told, observer.isDetached, dh.state], [['idle', code], true, 'preparing']);
      begun.value();
    }
    const events = [], gone = dh.observe(({ event }) => events.push(event), ({ code }) => events.push(code));
    await advance(100);
    session.observers.at(-1).on.onmessage({ event: 'destroyed', id: 1 });   // and nothing else
    deepEqual([events, session.observers.at(-1).isDetached], [['destroyed', 'offline'], true]);
    (await gone)();
    const told = [], end = dh.observe(() => {}, (error) => told.push(error));
    await advance(100);
    (await end)();
    session.observers.at(-1).on.onmessage({ result: { status: 'stopped' } });
    deepEqual(told, []);
  },

  async a_moderators_observer_that_is_ended() {
    const { Floor } = await load('js/floor.js');
    const dh = await playing(), [session] = gateway.sessions;
    dh.pc.getStats = () => Promise.resolve(new Map([['v', { type: 'inbound-rtp', bytesReceived: performance.now() }]]));
    const answer = { barge_in_by: 'one', viewer: null, waiting: [], waited_ms: [], speaking: [], floor_ms: 0, had_ms: 0 };
    gateway.answers.floor = () => answer;
    const floor = new Floor((request) => request(), () => {});
    floor.follow(dh);
    $('moderator').open = true;
    floor.show(answer);
    await advance(100);
    ok(floor.isTold);
    session.observers[0].on.onmessage({ result: { status: 'kicked' } });
    ok(!floor.isTold);
    await advance(11000);
    floor.show(answer);      // others ask for it, from time to time
    await advance(100);
    deepEqual([floor.isTold, session.observers.length], [true, 2]);
  },
};

const name = process.argv[2];
if (!name) {
  console.log(JSON.stringify(Object.keys(tests)));
} else {
  await tests[name]();
  process.exit(0);
}
