// SPDX-License-Identifier: GPL-3.0-or-later
/* The rooms of a gateway, without entering one. */

import { Connection, failure, isAnswer, loadLibrary } from './gateway.js';

const ANSWER_MS = 8000;

async function ask(server, adminKey) {
	const connection = new Connection({ lost: () => {}, message: () => {} });
	const late = setTimeout(() => connection.close(failure('timeout', 'The gateway did not answer.')), ANSWER_MS);
	try {
		await connection.open({ server, iceServers: [] });
		return (await connection.request({ request: 'list', admin_key: adminKey })).list;
	} finally {
		clearTimeout(late);
		connection.close(failure('offline', 'Answered.'));
	}
}

/* Asks the servers one after the other. */
export async function listRooms(servers, vendor, adminKey) {
	let last;
	await loadLibrary(vendor);
	for (const server of servers) {
		try {
			return await ask(server, adminKey);
		} catch (error) {
			if (isAnswer(error))
				throw error;
			last = error;
		}
	}
	throw last;
}
