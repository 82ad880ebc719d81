// SPDX-License-Identifier: GPL-3.0-or-later
// What the page's modules need of a browser, of janus.js and of a gateway, for tests in Node: a clock that a test moves
// on, elements that keep what they are told, and a Janus that does what `gateway` says.
import { readdirSync } from 'node:fs';

const turn = globalThis.setImmediate;
let now = 0, last = 0;
const timers = new Map();

const start = (fn, ms = 0, args = [], every = null) => {
  timers.set(++last, { at: now + Math.max(ms, 1), fn, args, every });
  return last;
};
const end = (id) => { timers.delete(id); };

// Until what is on its way in promises has arrived.
export const settled = async () => { for (let i = 0; i < 20; i++) await new Promise((resolve) => { turn(resolve); }); };

// Time passes.
export async function advance(ms) {
  const until = now + ms;
  for (;;) {
    await settled();
    const [id, timer] = [...timers].sort(([, one], [, other]) => one.at - other.at)[0] ?? [];
    if (!timer || timer.at > until) break;
    now = timer.at;
    if (timer.every) timer.at += timer.every;
    else timers.delete(id);
    timer.fn(...timer.args);
  }
  now = until;
  await settled();
}

// An element, `document` or `window`, as far as the modules need one. fire() is how a test makes an event happen.
export class Element {
  constructor(tag = 'div') {
    this.tagName = tag;
    this.listeners = [];
    this.style = { setProperty() {}, removeProperty() {} };
    this.dataset = {};
    this.children = this.options = [];
    this.parent = null;
    this.textContent = this.innerHTML = this.value = this.className = '';
    const classes = new Set();
    this.classList = {
      add: (...names) => names.forEach((name) => classes.add(name)), contains: (name) => classes.has(name),
      remove: (...names) => names.forEach((name) => classes.delete(name)),
      toggle: (name, on = !classes.has(name)) => (on ? classes.add(name) : classes.delete(name)),
    };
  }

  get firstChild() { return this.children[0]; }
  get firstElementChild() { return this.children[0] ?? (this.append(new Element()), this.children[0]); }
  get lastChild() { return this.children.at(-1); }
  get parentElement() { return this.parent; }

  addEventListener(type, listener) { this.listeners.push([type, listener]); }
  removeEventListener(type, listener) {
    this.listeners = this.listeners.filter(([t, l]) => t !== type || l !== listener);
  }
  fire(type, fields = {}) {
    const event = { type, target: this, preventDefault() {}, ...fields };
    for (let at = this; at; at = at.parent)
      for (const [name, listener] of at.listeners) if (name === type) listener(event);
  }

  append(...more) {
    for (const child of more) {
      if (child instanceof Element) {
        child.remove();
        child.parent = this;
      }
      this.children.push(child);
    }
  }
  insertBefore(child, before) {
    child.remove();
    const { length } = this.children;
    this.append(child);
    const at = this.children.indexOf(before);
    if (at >= 0 && at < length) this.children.splice(at, 0, this.children.pop());
  }
  prepend(...more) {
    this.append(...more);
    this.children.unshift(...this.children.splice(-more.length));
  }
  after() {}
  remove() {
    const at = this.parent?.children.indexOf(this) ?? -1;
    if (at >= 0) this.parent.children.splice(at, 1);
  }
  replaceChildren(...more) {
    this.children.length = 0;
    this.append(...more);
  }
  insertAdjacentHTML() {}
  contains(other) { return this.children.includes(other); }
  closest(tag) { return this.tagName === tag ? this : this.parent?.closest(tag) ?? null; }
  querySelector() { return this.inner ??= new Element(); }
  querySelectorAll() { return []; }
  getAttribute() { return null; }
  setAttribute() {}
  removeAttribute() {}
  focus() {}
  click() { this.fire('click'); }
  showModal() { this.open = true; }
  close() { this.open = false; }
  getBoundingClientRect() { return { top: 0, height: 20, left: 0, width: 20 }; }
  addTextTrack() { return {}; }
  async play() {}
}

const elements = new Map();
export const $ = (id) => elements.get(id) ?? (elements.set(id, new Element()), elements.get(id));

class Sender {
  replaceTrack(track) { this.track = track; }
}

// What the gateway does. A test changes what it wants to.
export const gateway = {
  servers: {},       // by address: 'up' (the default), 'down', 'late' (a session comes after 9 s), 'wrong' (no address)
  tried: [],         // the addresses
  asked: [],         // the plugin's requests
  refuse: () => null,            // (body) => [code, error], or null
  answering: 0,      // ms that the browser needs for its answer to an offer
  answers: {
    info: () => ({ info: { id: 1 } }), list: () => ({ list: [] }), queue: () => ({ playing: null, waiting: [] }),
  },
  sessions: [],      // all that there were, the last one first
  say(message, jsep) { this.sessions[0].on.onmessage(message, jsep); },
};
let viewers = 0;
const OFFER = { type: 'offer', sdp: 'v=0' };
// Nothing is sent, and no microphone heard, before there is an answer.
const ON_THE_HANDLE = {
  watch: () => [{ status: 'preparing', viewer: ++viewers }, OFFER],
  start: (_, { sends: { audio, video } }) => [{ status: 'started', audio, video }], pause: () => [{ status: 'pausing' }],
  configure: ({ microphone, mid, send = true, ...flags }, session) => {
    const { isAnswered, isListening, sends } = session;
    const { audio = mid === 'a' ? send : sends.audio, video = mid === 'v' ? send : sends.video } = flags;
    session.sends = { audio, video };
    session.isListening = microphone ?? isListening;
    return [{ event: 'configured', audio: isAnswered && audio, video: isAnswered && video, microphone },
      session.isListening !== isListening ? OFFER : undefined];
  },
  switch: ({ id }) => [{ switched: 'ok', id, viewer: ++viewers }],
  observe: () => [{ status: 'observing', viewer: ++viewers }],
};

class Janus {
  static sessions = {};
  static init({ callback }) { callback(); }
  static isWebrtcSupported() { return true; }
  static newWebSocket(server) {
    if (gateway.servers[server] === 'wrong') throw new DOMException('no address', 'SyntaxError');
    return { close() {} };
  }

  constructor(options) {
    const how = gateway.servers[options.server] ?? 'up';
    Object.assign(this, { options, id: null, isDestroyed: false, sender: new Sender(), observers: [], isAnswered: false,
      isListening: false, sends: { audio: true, video: true } });
    gateway.tried.push(options.server);
    gateway.sessions.unshift(this);
    Janus.newWebSocket(options.server);
    setTimeout(() => {
      if (how === 'down') return options.error('down');
      this.id = gateway.sessions.length;
      return options.success();
    }, how === 'late' ? 9000 : 10);
  }

  getSessionId() { return this.id; }
  destroy() { if (this.id) this.isDestroyed = true; }

  // The first handle watches, others observe.
  attach(on) {
    const observer = { on, isDetached: false };
    if (this.on) this.observers.push(observer);
    this.on ??= on;
    const pc = {
      getSenders: () => [this.sender], getTransceivers: () => [], getReceivers: () => [],
      getStats: () => Promise.resolve(new Map()),
    };
    let isAnswering = false;   // browsers take no other offer meanwhile
    const createAnswer = ({ success, error }) => {
      if (isAnswering) return error('InvalidStateError');
      const made = () => {
        isAnswering = false;
        success({ type: 'answer', sdp: 'v=0' });
      };
      isAnswering = true;
      return gateway.answering ? setTimeout(made, gateway.answering) : made();
    };
    const handle = {
      webrtcStuff: { pc }, detach() { observer.isDetached = true; }, send: (what) => this.send(what, on), createAnswer,
    };
    setTimeout(() => on.success(handle), 1);
  }

  send({ message, jsep, success }, on) {
    gateway.asked.push(message);
    this.isAnswered ||= Boolean(jsep);
    const isEarly = message.request === 'start' && !this.isAnswered;
    const [code, error] = (isEarly ? [461, 'Missing JSEP'] : gateway.refuse(message)) ?? [];
    const about = ON_THE_HANDLE[message.request];
    if (code) return setTimeout(() => success({ digitalhuman: 'event', error_code: code, error }), 1);
    if (!about) return setTimeout(() => success(gateway.answers[message.request]?.(message) ?? {}), 1);
    const [result, offer] = about(message, this);
    success();
    return setTimeout(() => on.onmessage({ digitalhuman: 'event', result }, offer), 1);
  }
}

const window = new Element();
const storage = new Map();
export const globals = {
  setTimeout: (fn, ms, ...args) => start(fn, ms, args), clearTimeout: end,
  setInterval: (fn, ms, ...args) => start(fn, ms, args, ms), clearInterval: end,
  requestAnimationFrame: () => 0, cancelAnimationFrame() {},
  adapter: {}, Janus,
  document: Object.assign(new Element(), {
    getElementById: $, createElement: (tag) => new Element(tag), createElementNS: (_, tag) => new Element(tag),
    visibilityState: 'visible', activeElement: null,
    documentElement: new Element(), head: new Element(), hidden: false,
  }),
  window, addEventListener: (...args) => window.addEventListener(...args), removeEventListener() {},
  navigator: { onLine: true }, isSecureContext: true,
  location: new URL('http://page.test/'), history: { replaceState() {} },
  sessionStorage: { getItem: (key) => storage.get(key) ?? null, setItem: (key, value) => storage.set(key, value),
    removeItem: (key) => storage.delete(key) },
  matchMedia: () => new Element(), getComputedStyle: () => ({ getPropertyValue: () => '' }),
  Option: class extends Element {},
  ResizeObserver: class { observe() {} },
  MediaStream: class {
    #tracks;
    constructor(tracks = []) { this.#tracks = new Set(tracks); }
    addTrack(track) { this.#tracks.add(track); }
    getTracks() { return [...this.#tracks]; }
  },
  AudioContext: class {
    createAnalyser() { return { getFloatTimeDomainData() {} }; }
    createMediaStreamSource() { return { connect() {} }; }
    close() {}
  },
  reportError(error) { throw error; },
};
for (const [name, value] of Object.entries(globals))
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
for (const clock of [performance, Date]) Object.defineProperty(clock, 'now', { value: () => now });

export const HTML = process.env.DH_HTML ?? new URL('../../html', import.meta.url).pathname;
if (!readdirSync(HTML).includes('digitalhuman.js')) throw new Error(`no page in ${HTML}`);
export const load = (name) => import(`file://${HTML}/${name}`);
