// SPDX-License-Identifier: GPL-3.0-or-later
/* WHEP for the rooms of a gateway: any WHEP player watches http://HOST:PORT/whep/endpoint/ROOM.
 * Everything about WHEP is janus-whep-server's, by Janus's authors; this tells it which rooms there are. */
import { parseArgs } from 'node:util';
import express from 'express';
import Janode from 'janode';
import Streaming from 'janode/plugins/streaming';
import { JanusWhepServer } from 'janus-whep-server';

const USAGE = `Usage: node server.mjs [OPTION…]
  --janus URL        Janus's WebSocket (ws://127.0.0.1:8188/)
  --host ADDRESS     where to listen (127.0.0.1)
  --port PORT        (7080; 0: one that is free)
  --pin ROOM=PIN     serve a room with a PIN to those who send "Authorization: Bearer PIN"; may be repeated
  --ice-server URI   a STUN or TURN server for players, USER:PASSWORD@ before a TURN server's host; may be repeated`;

function fail(text) {
	console.error(`${text}\n${USAGE}`);
	process.exit(2);
}

/* janode throws what Janus answered, or an Error. */
const textOf = error => error.error ?? error.message ?? error.code ?? String(error);

function options() {
	try {
		return parseArgs({ options: {
			janus: { type: 'string', default: 'ws://127.0.0.1:8188/' },
			host: { type: 'string', default: '127.0.0.1' },
			port: { type: 'string', default: '7080' },
			pin: { type: 'string', multiple: true, default: [] },
			'ice-server': { type: 'string', multiple: true, default: [] },
			help: { type: 'boolean', short: 'h' },
		} }).values;
	} catch (error) {
		return fail(error.message);
	}
}

/* "turn:user:password@host:port" → what the Link header needs. */
function iceServer(text) {
	const [, scheme, , username, credential, rest] = /^(stun|turns?):(([^:@]+):([^@]+)@)?(.+)$/.exec(text)
		?? fail(`--ice-server ${text}: expected stun:HOST, turn:USER:PASSWORD@HOST or turns:…`);
	return { uri: `${scheme}:${rest}`, username, credential };
}

function pinOf(text) {
	const [, room, pin] = /^(\d+)=(.+)$/.exec(text) ?? fail(`--pin ${text}: expected ROOM=PIN`);
	return [room, pin];
}

/* The rooms that `list` tells, by their numbers as text. Asks on a connection of its own, made again where it broke. */
class Rooms {
	#address;
	#handle = null;

	constructor(url) {
		this.#address = { url };
	}

	async #attached() {
		const connection = await Janode.connect({ address: this.#address });
		const forget = () => { this.#handle = null; };
		connection.once(Janode.EVENT.CONNECTION_ERROR, forget);
		connection.once(Janode.EVENT.CONNECTION_CLOSED, forget);
		return (await connection.create()).attach(Streaming);
	}

	async list() {
		this.#handle ??= this.#attached().catch(error => { this.#handle = null; throw error; });
		const handle = await this.#handle;
		const { list } = await handle.list().catch(error => {
			throw new Error(`${error.message}: is the plugin there, with also_answer_as = "streaming"?`);
		});
		return new Map(list.map(room => [String(room.id), room]));
	}
}

const given = options();
if (given.help) {
	console.log(USAGE);
	process.exit(0);
}
if (!/^\d{1,5}$/.test(given.port) || given.port > 65535)
	fail(`--port ${given.port}: expected 0 to 65535`);
const pins = new Map(given.pin.map(pinOf));
Janode.Logger.setLevel('warning');
Streaming.id = 'janus.plugin.digitalhuman';     // which knows Streaming's requests

const app = express();
const rooms = new Rooms(given.janus);
const whep = new JanusWhepServer({
	janus: { address: given.janus },
	rest: { app, basePath: '/whep' },
	iceServers: given['ice-server'].map(iceServer),
});

/* Before a player is served: its room has an endpoint, and rooms that are gone have none. */
app.post('/whep/endpoint/:id', async (request, response, next) => {
	let known;
	try {
		known = await rooms.list();
	} catch (error) {
		return response.status(503).send(`Janus cannot be asked: ${textOf(error)}`);
	}
	for (const { id } of whep.listEndpoints())
		if (!known.has(id))
			await whep.destroyEndpoint({ id });
	const { id } = request.params, room = known.get(id), pin = pins.get(id);
	if (room?.pin_required && !pin)
		return response.status(403).send('This room asks for a PIN, which the server was not given');
	if (room && !whep.getEndpoint({ id }))
		whep.createEndpoint({ id, mountpoint: room.id, label: room.description, pin, token: pin });
	next();
});

try {
	await rooms.list();
	await whep.start();
} catch (error) {
	console.error(`Janus at ${given.janus}: ${textOf(error)}`);
	process.exit(1);
}
const server = app.listen(Number(given.port), given.host, error => {
	if (error)
		fail(`--host ${given.host} --port ${given.port}: ${error.message}`);
	console.log(`WHEP at http://${given.host}:${server.address().port}/whep/endpoint/ROOM`);
});
