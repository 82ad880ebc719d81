// SPDX-License-Identifier: GPL-3.0-or-later
// A small client of docs/push.md for Node 18 or newer, without dependencies: sound, as WAV of unknown length.
import { createHmac, randomBytes } from 'node:crypto';
import net from 'node:net';
import tls from 'node:tls';

const ENDS = ['finished', 'interrupted', 'skipped', 'removed', 'failed'];
const CONNECT_MS = 10000;
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
  constructor({ address, room = 1, secret, sampleRate, channels = 1, fields = {}, ca, onEvent = () => {} }) {
    this.playedMs = 0;
    this.isOver = this.isClosing = false;
    this.onEvent = onEvent;
    this.over = new Promise((resolve) => { this.resolve = resolve; });
    const { isTls, ...where } = parseAddress(address);
    const begin = () => { this.socket.setTimeout(0); };
    this.socket = isTls ? tls.connect({ ...where, ca, servername: net.isIP(where.host) ? '' : where.host }, begin)
      : net.connect(where, begin);
    this.socket.setNoDelay(true);
    this.socket.setKeepAlive(true, KEEPALIVE_MS);
    this.socket.setTimeout(CONNECT_MS, () => this.fail('no answer'));
    this.socket.on('error', (error) => this.fail(error.message));
    this.socket.on('close', () => this.fail('the connection ended before the segment did'));
    this.socket.on('end', () => this.fail('the connection ended before the segment did'));
    this.read();
    // Held back until it is connected, and the certificate verified.
    const token = secret === undefined ? {} : { token: pushToken(secret, room) };
    this.socket.write(`${JSON.stringify({ room, ...token, ...fields })}\n`);
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
}

// Ends what plays in the room at once, unless it is urgent itself: with 20 ms of silence of the highest priority.
// Resolves to that silence's last event.
export async function interrupt(room) {
  const fields = { priority: 'urgent', progress_ms: 0 };
  const silence = new Segment({ ...room, sampleRate: 48000, channels: 1, fields });
  await silence.push(new Int16Array(960));
  return silence.close();
}
