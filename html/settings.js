// SPDX-License-Identifier: GPL-3.0-or-later
/* The page's settings: the one file to change where page and gateway are not set
 * up alike. Served as it is, so whatever stands here is public. */
export default {
	server: null,    // null: /janus-ws, else /janus, of this page's own address;
	                 // or 'wss://gateway.example.org/janus-ws'
	iceServers: [],  // e.g. { urls: 'stun:stun.example.org' },
	                 // { urls: 'turn:turn.example.org', username: 'me', credential: 'secret' }
	// iceTransportPolicy: 'relay',  // through TURN only
	room: 1,         // shown first; ?room=2 in the address shows another
	// secret: 'demo',  // of that room, where everybody may speak
	// token: '…',      // likewise, where it has signed_tokens
	segments: [],    // files beneath the gateway's segment folder to offer, e.g. 'hello.mp4'
};
