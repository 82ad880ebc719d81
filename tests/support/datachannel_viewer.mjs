// SPDX-License-Identifier: GPL-3.0-or-later
/* A peer of node-datachannel's; see peer.py. */
import { createInterface } from 'node:readline';

const say = what => process.stdout.write(JSON.stringify(what) + '\n');
const library = await import('node-datachannel').catch(error => {
	process.stderr.write(error.message + '\n');
	process.exit(77); // its binary is no part of the package, and could not be fetched
});
const { PeerConnection, RtcpReceivingSession } = library.default ?? library;
const received = { audio: 0, video: 0 }, tracks = [];
const peer = new PeerConnection('viewer', { iceServers: [] });
peer.onTrack(track => {
	track.setMediaHandler(new RtcpReceivingSession());
	track.onMessage(() => received[track.type()]++);
	tracks.push(track); // else it is collected
});
peer.onGatheringStateChange(state => {
	if (state !== 'complete')
		return;
	const { type, sdp } = peer.localDescription();
	say({ type, sdp });
	setInterval(() => say(received), 100);
});

const input = createInterface({ input: process.stdin });
input.on('close', () => process.exit(0));
input.once('line', line => {
	const { type, sdp } = JSON.parse(line);
	peer.setRemoteDescription(sdp, type);
});
say({ ready: true });
