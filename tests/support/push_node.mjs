// SPDX-License-Identifier: GPL-3.0-or-later
// Pushes a segment with push.mjs of clients/livekit, as its argument says: { room, fields, ms }; `room.ca` is a path. What
// is read on standard input is done to it, a word in each line: close, interrupt. Prints each event as a line of JSON, and
// { over } at the end.
import { readFileSync } from 'node:fs';
import readline from 'node:readline';
import { Segment } from '../../clients/livekit/push.mjs';

const { room, fields, ms } = JSON.parse(process.argv[2]);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const segment = new Segment({ ...room, ca: room.ca && readFileSync(room.ca), fields, sampleRate: 24000, onEvent: say });
const doing = { close: () => segment.close(), interrupt: () => segment.interrupt() };

readline.createInterface({ input: process.stdin }).on('line', (word) => doing[word]());
await segment.push(Int16Array.from({ length: 24 * ms }, (_, n) => (n * 331) & 0x3fff));
say({ over: await segment.over });
process.exit(0);
