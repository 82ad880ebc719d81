// SPDX-License-Identifier: GPL-3.0-or-later
/* A peer of werift's; see peer.py. */
import { createInterface } from 'node:readline';
import { RTCPeerConnection, RTCRtpCodecParameters } from 'werift';

const say = what => process.stdout.write(JSON.stringify(what) + '\n');
const received = { audio: 0, video: 0 };
const peer = new RTCPeerConnection({
	codecs: {
		audio: [new RTCRtpCodecParameters({ mimeType: 'audio/opus', clockRate: 48000, channels: 2 })],
		video: [new RTCRtpCodecParameters({ mimeType: 'video/VP8', clockRate: 90000 })],
	},
});
peer.onTrack.subscribe(track => track.onReceiveRtp.subscribe(() => received[track.kind]++));

const input = createInterface({ input: process.stdin });
input.on('close', () => process.exit(0));
input.once('line', async line => {
	await peer.setRemoteDescription(JSON.parse(line));
	await peer.setLocalDescription(await peer.createAnswer());
	while (peer.iceGatheringState !== 'complete')
		await new Promise(done => setTimeout(done, 10));
	const { type, sdp } = peer.localDescription;
	say({ type, sdp });
	setInterval(() => say(received), 100);
});
say({ ready: true });
