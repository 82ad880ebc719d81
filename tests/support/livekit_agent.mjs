// SPDX-License-Identifier: GPL-3.0-or-later
// Drives RoomAudioOutput (audio_output.mjs beside it) with the real @livekit/agents, as lines of JSON on standard input
// say, and prints what it emits. `begin` drops the output there is, of which nothing is printed any more, and makes one.
import readline from 'node:readline';
import { initializeLogger } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';

initializeLogger({ pretty: false, level: 'silent' });
const { RoomAudioOutput } = await import('./audio_output.mjs');
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const buffers = new Map();            // by rate; used again for each frame
let output, sample;

function begin(options) {
  const told = (line) => { if (made === output) say(line); };
  const made = new RoomAudioOutput({ ...options, onEvent: (event) => told({ room: event.event }) });
  made.logger = Object.create(made.logger);     // which all outputs share
  for (const level of ['warn', 'error']) {
    made.logger[level] = ({ error }) => told({ logged: { level, error: error?.message ?? error } });
  }
  made.on('playbackStarted', () => told({ started: true }));
  made.on('playbackFinished', (event) => told({ finished: event }));
  output?.clearBuffer();
  output = made;
  sample = 0;
  say({ canPause: output.canPause });
}

const doing = {
  begin: ({ options }) => begin(options),
  async capture({ ms, rate = 24000 }) {
    if (!buffers.has(rate)) buffers.set(rate, new Int16Array(rate / 50));
    const buffer = buffers.get(rate);
    for (let at = 0; at < ms; at += 20) {
      for (let n = 0; n < buffer.length; n++) buffer[n] = sample++ & 0x7fff;
      await output.captureFrame(new AudioFrame(buffer, rate, 1, buffer.length));
    }
  },
  flush: () => output.flush(),
  clear: () => output.clearBuffer(),
  pause: () => output.pause(),
  resume: () => output.resume(),
  waitForPlayout: () => { output.waitForPlayout().then((event) => say({ playout: event })); },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  await doing[command.do](command);
  say({ done: command.do });
}
