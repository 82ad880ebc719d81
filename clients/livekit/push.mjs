// SPDX-License-Identifier: GPL-3.0-or-later
// A small client of docs/push.md for Node 18 or newer, without dependencies: sound, as WAV of unknown length.
import { createHmac, randomBytes } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';

const ENDS = ['finished', 'interrupted', 'skipped', 'removed', 'failed'];
const ANSWER_MS = 10000;        // to connect, and for each answer
const NO_SUCH_SEGMENT = 463;
const KEEPALIVE_MS = 30000;
const MAX_LINE = 1 << 20;

export function pushToken(secret, room, seconds = 60) {
  const head = `${Math.floor(Date.now() / 1000) + seconds}.${randomBytes(18).toString('base64url')}`;
  return `${head}.${createHmac('sha256', secret).update(`push.${head}.${room}`).digest('hex')}`;
}

// "gateway:8189", "tls://gateway:8190", "unix:/path"; an IPv6 address in brackets.
export function parseAddress(address) {
  if (address.startsWith('unix:')) return { path: address.slice(5) };
  const isTls = address.startsWith('tls://');
  const match = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(isTls ? address.slice(6) : address);
  if (!match) throw new Error(`address: expected host:port, tls://host:port or unix:/path, got ${address}`);
  return { isTls, host: match[1].replace(/[[\]]/g, ''), port: Number(match[2] ?? (isTls ? 8190 : 8189)) };
}

// `begin` is called once it is connected, and the certificate verified.
function connect({ address, ca }, begin) {
  const { isTls, ...where } = parseAddress(address);
  const socket = isTls ? tls.connect({ ...where, ca, servername: net.isIP(where.host) ? '' : where.host }, begin)
    : net.connect(where, begin);
  socket.setNoDelay(true);
  return socket;
}

function firstLine({ room = 1, secret }, fields) {
  const token = secret === undefined ? {} : { token: pushToken(secret, room) };
  return `${JSON.stringify({ room, ...token, ...fields })}\n`;
}

export function wavHeader(sampleRate, channels) {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(0xffffffff, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(sampleRate * channels * 2, 28);
  header.writeUInt16LE(channels * 2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(0xffffffff, 40);
  return header;
}

// One segment. `over` resolves, and never rejects, to its last event; to { event: "failed", error } if it was refused
// or its connection broke. onEvent is called with each line.
export class Segment {
  constructor({ sampleRate, channels = 1, fields = {}, onEvent = () => {}, ...room }) {
    this.room = room;
    this.playedMs = 0;
    this.id = undefined;            // once the room has it
    this.isOver = this.isClosing = false;
    this.onEvent = onEvent;
    this.over = new Promise((resolve) => { this.resolve = resolve; });
    this.known = new Promise((resolve) => { this.isKnown = resolve; });
    this.socket = connect(room, () => { this.socket.setTimeout(0); });
    this.socket.setKeepAlive(true, KEEPALIVE_MS);
    this.socket.setTimeout(ANSWER_MS, () => this.fail('no answer'));
    this.socket.on('error', (error) => this.fail(error.message));
    this.socket.on('close', () => this.fail('the connection ended before the segment did'));
    this.socket.on('end', () => this.fail('the connection ended before the segment did'));
    this.read();
    // Held back until it is connected, and the certificate verified.
    this.socket.write(firstLine(room, fields));
    this.socket.write(wavHeader(sampleRate, channels));
  }

  read() {
    let text = '';
    this.socket.setEncoding('utf8');
    this.socket.on('data', (data) => {
      const lines = (text + data).split('\n');
      text = lines.pop();
      if (text.length > MAX_LINE) return this.fail('too long a line');
      for (const line of lines) this.take(line);
    });
  }

  take(line) {
    let event;
    try {
      event = JSON.parse(line);
    } catch {
      return this.fail(`expected lines of JSON, got ${line.slice(0, 80)}`);
    }
    if (Number.isFinite(event.played_ms)) this.playedMs = event.played_ms;
    if (event.event === 'queued') this.isKnown(this.id = event.segment);
    this.onEvent(event);
    if (event.error_code !== undefined && event.event === undefined) this.end({ ...event, event: 'failed' });
    else if (ENDS.includes(event.event)) this.end(event);
  }

  fail(error) {
    if (!this.isOver) this.end({ event: 'failed', error, played_ms: this.playedMs });
  }

  end(event) {
    if (this.isOver) return;
    this.isOver = true;
    this.resolve(event);
    this.socket.destroy();
  }

  // Takes interleaved samples (Int16Array); resolves when the connection wants more, or the segment is over.
  async push(samples) {
    if (this.isOver || this.isClosing) return;
    const bytes = Buffer.from(Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength));
    if (this.socket.write(bytes)) return;
    await Promise.race([this.over, new Promise((resolve) => { this.socket.once('drain', resolve); })]);
  }

  // No more comes: it plays to its end.
  close() {
    if (!this.isOver && !this.isClosing) this.socket.end();
    this.isClosing = true;
    return this.over;
  }

  // Cuts it: what the gateway has read still plays.
  abort() {
    this.fail('the segment was cut by its own side');
  }

  // Ends it at once, whether it plays or waits, with all that the gateway has read of it; whatever else the room has goes
  // on. Resolves as `over` does. Where the gateway does not do it in time, it is cut, and this rejects.
  async interrupt() {
    try {
      return await inTime(this.askToEnd(), 'the segment was not interrupted in time');
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  async askToEnd() {
    await Promise.race([this.known, this.over]);
    if (!this.isOver) await interrupt({ ...this.room, segment: this.id }).catch(unlessEnded);
    return this.over;
  }
}

function unlessEnded(error) {
  if (error.code !== NO_SUCH_SEGMENT) throw error;
}

function inTime(promise, problem) {
  let timer;
  const limit = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(problem)), ANSWER_MS); });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

// Ends what plays in the room and all that waits there, at once; with `segment` or `utterance`, their ids, only what
// matches. Resolves to how many segments that were, once they have ended; rejects where it is refused (`code`, 463: no
// such segment plays or waits) or there is no answer.
export function interrupt({ segment, utterance, ...room }) {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(room, () => {});
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error('no answer')));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection ended without an answer')));
    socket.setEncoding('utf8');
    socket.on('data', (data) => {
      text += data;
      if (!text.includes('\n') && text.length <= MAX_LINE) return;
      socket.destroy();
      try {
        resolve(droppedIn(text.split('\n', 1)[0]));
      } catch (error) {
        reject(error);
      }
    });
    socket.write(firstLine(room, { request: 'interrupt', segment, utterance }));
  });
}

function droppedIn(line) {
  const answer = JSON.parse(line);
  if (answer.error_code !== undefined) throw Object.assign(new Error(answer.error), { code: answer.error_code });
  return answer.interrupt.dropped;
}
