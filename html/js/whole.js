// SPDX-License-Identifier: GPL-3.0-or-later
/* What `stats` says of the whole gateway: workers and cache. */

import { facts } from './facts.js';

const number = n => n.toLocaleString('en');
const mb = n => number(Math.round(n / 2 ** 20));
const of = ({ used, limit }, words = number) => (limit === null ? words(used) : `${words(used)} of ${words(limit)}`);

export function showGateway({ usage, jobs, cache }) {
	const looked = cache.hits + cache.misses;
	facts('whole-facts', [
		['Workers for files', of(usage.workers)],
		['Workers, live', of(usage.workers_live)],
		['Jobs that wait', of(usage.jobs_waiting)],
		['Jobs so far', `${number(jobs.asked)} (${number(jobs.failed)} failed)`],
		['Cache', `${of(usage.cache_bytes, mb)} MB`],
		['Found in it', looked ? `${number(cache.hits)} of ${number(looked)}` : null],
		['Media in memory', `${of(usage.media_bytes, mb)} MB`],
		['Viewers in all rooms', of(usage.viewers)],
	]);
}
