// SPDX-License-Identifier: GPL-3.0-or-later
/* A client of the Streaming plugin's, janode with a peer of werift's, whose plugin has another
 * name and nothing else. Prints a line of JSON for each step, with what janode warned of. */
import Janode from 'janode';
import Streaming from 'janode/plugins/streaming';
import { RTCPeerConnection, RTCRtpCodecParameters } from 'werift';

const warnings = [];
for (const level of ['warn', 'error'])
	console[level] = (...args) => warnings.push(args.join(' '));
// An answer may overtake Janus's acknowledgement, of any plugin's.
const matters = warning => !warning.endsWith('incoming message ack');
console.info = console.debug = () => {};

const say = step => process.stdout.write(JSON.stringify({ step, warnings: warnings.splice(0).filter(matters) }) + '\n');

async function until(condition, what) {
	const end = Date.now() + 60000;
	while (!condition()) {
		if (Date.now() > end)
			throw new Error(`not within a minute: ${what}`);
		await new Promise(done => setTimeout(done, 20));
	}
}

const connection = await Janode.connect({ address: { url: process.argv[2] } });
const session = await connection.create();
const handle = await session.attach({ ...Streaming, id: 'janus.plugin.digitalhuman' });
const statuses = [];
handle.on(Streaming.EVENT.STREAMING_STATUS, ({ status }) => statuses.push(status));

/* Watches until packets of both kinds have come. */
async function watch(id) {
	const { jsep: offer } = await handle.watch({ id });
	const peer = new RTCPeerConnection({
		codecs: {
			audio: [new RTCRtpCodecParameters({ mimeType: 'audio/opus', clockRate: 48000, channels: 2 })],
			video: [new RTCRtpCodecParameters({ mimeType: 'video/VP8', clockRate: 90000 })],
		},
	});
	const received = { audio: 0, video: 0 };
	peer.onTrack.subscribe(track => track.onReceiveRtp.subscribe(() => received[track.kind]++));
	await peer.setRemoteDescription(offer);
	await peer.setLocalDescription(await peer.createAnswer());
	await until(() => peer.iceGatheringState === 'complete', 'candidates');
	const { type, sdp } = peer.localDescription;
	await handle.start({ jsep: { type, sdp } });
	await until(() => received.audio && received.video > 20, `media of room ${id}: ${JSON.stringify(received)}`);
	return { peer, received };
}

async function stop(peer) {
	await handle.stop();
	await until(() => statuses.includes('stopped'), 'stopped');
	statuses.length = 0;
	await peer.close();
}

const { list } = await handle.list();
const { type, media } = await handle.info({ id: list[0].id });
if (type !== 'live' || media.length !== 2)
	throw new Error('no such room');
say('lists');

const { received, ...first } = await watch(1);
let { peer } = first;
await until(() => statuses.includes('started'), 'started');
say('watches');

await handle.configure({ audio: false });
await handle.configure({ audio: true });
await handle.pause();
await handle.message({ request: 'start' });
say('configures');

await handle.switch({ id: 2 });
const before = received.video;
await until(() => received.video > before + 20, 'media of the other room');
say('switches');

await stop(peer);
say('stops');

({ peer } = await watch(1));
await stop(peer);
say('watches again');

({ peer } = await watch(8));
say('watches a room that ends');
await until(() => statuses.includes('stopped'), 'stopped');
await peer.close();
await handle.detach();
await session.destroy();
await connection.close();
say('ended');
process.exit(0);
