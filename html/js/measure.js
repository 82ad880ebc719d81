// SPDX-License-Identifier: GPL-3.0-or-later
/* The live plots: what this browser's receiver measures, beside what the gateway
 * reports. */

import { facts } from './facts.js';
import { Plot } from './plot.js';
import { clock, seconds } from './words.js';

const $ = id => document.getElementById(id);

/* Differences between two samples of getStats: mean over the newest second. */
function ratio(now, before, above, below, factor = 1) {
	const n = now?.[below] - before?.[below];
	return n > 0 ? (now[above] - before[above]) / n * factor : null;
}

function rate(now, before, key, factor = 1) {
	const ms = now?.timestamp - before?.timestamp;
	return ms > 0 ? (now[key] - before[key]) / ms * factor : null;
}

export class Measurements {
	#before = {};
	#drift = null;   // the room's clock minus this one, at first
	#clock = null;

	constructor() {
		const received = options => new Plot($('received'), options);
		const reported = options => new Plot($('reported'), options);
		const both = ['picture', 'sound'];
		this.bits = received({ title: 'Bit rate', unit: 'kbit/s', lines: both, least: 100 });
		this.frames = received({ title: 'Pictures', unit: 'a second', least: 30 });
		this.jitter = received({ title: 'Jitter', unit: 'ms', lines: both, least: 5, digits: 1 });
		this.buffer = received({ title: 'Jitter buffer', unit: 'ms', lines: both, least: 50,
			help: 'How long picture and sound wait in the receiver before they are played' });
		this.sync = received({ title: 'Lip sync', unit: 'ms', signed: true, least: 20, digits: 1,
			help: 'Sound against picture, from the receiver’s playout times; above zero the picture is late' });
		this.level = received({ title: 'Loudness', unit: '%', least: 20,
			help: 'Of the sound as it is played: nothing while it is off' });
		this.drift = reported({ title: 'Room clock drift', unit: 'ms', signed: true, least: 20, digits: 1,
			help: 'How the room’s media time moved against this computer’s clock since the page was opened' });
		this.people = reported({ title: 'Viewers', unit: '', least: 2 });
		this.waiting = reported({ title: 'Waiting segments', unit: '', least: 2 });
	}

	/* A new room. */
	clear() {
		this.#before = {};
		this.#drift = this.#clock = null;
		for (const plot of Object.values(this))
			plot.clear();
		this.#reportedFacts();
	}

	async receive(pc, { speaking, muted }) {
		const now = performance.now();
		const stats = [...(await pc?.getStats())?.values() ?? []];
		const inbound = kind => stats.find(s => s.type === 'inbound-rtp' && s.kind === kind);
		const video = inbound('video'), audio = inbound('audio');
		const pair = stats.find(s => s.type === 'candidate-pair' && s.nominated && s.state === 'succeeded');
		const { video: v0, audio: a0 } = this.#before;
		/* another connection counts from 0 again */
		const fresh = !v0 || v0.id !== video?.id || video?.bytesReceived < v0.bytesReceived;
		const [v, a] = fresh ? [null, null] : [v0, a0];
		this.#before = { video, audio };
		const ms = s => s?.jitter === undefined ? null : s.jitter * 1000;
		const sync = audio?.estimatedPlayoutTimestamp && video?.estimatedPlayoutTimestamp ?
			audio.estimatedPlayoutTimestamp - video.estimatedPlayoutTimestamp : null;
		this.bits.add(now, [rate(video, v, 'bytesReceived', 8), rate(audio, a, 'bytesReceived', 8)], speaking);
		this.frames.add(now, [rate(video, v, 'framesDecoded', 1000)], speaking);
		this.jitter.add(now, [ms(video), ms(audio)], speaking);
		this.buffer.add(now, [ratio(video, v, 'jitterBufferDelay', 'jitterBufferEmittedCount', 1000),
			ratio(audio, a, 'jitterBufferDelay', 'jitterBufferEmittedCount', 1000)], speaking);
		this.sync.add(now, [Math.abs(sync) < 5000 ? sync : null], speaking);
		const power = ratio(audio, a, 'totalAudioEnergy', 'totalSamplesDuration');
		this.level.add(now, [power === null || muted ? null : Math.sqrt(power) * 100], speaking);
		this.#receivedFacts(video, audio, pair);
	}

	#receivedFacts(video, audio, pair) {
		const number = (value, digits, unit) => Number.isFinite(value) ? `${value.toFixed(digits)} ${unit}` : null;
		const concealed = audio?.concealedSamples - (audio?.silentConcealedSamples ?? 0);
		const lost = video ? video.packetsLost + (audio?.packetsLost ?? 0) : null;
		facts('received-facts', [
			['Picture', video?.frameWidth ? `${video.frameWidth} × ${video.frameHeight}` : null],
			['Freezes', video ? `${video.freezeCount ?? 0} (${number(video.totalFreezesDuration ?? 0, 1, 's')})` : null],
			['Decoded', video?.framesDecoded === undefined ? null :
				`${video.framesDecoded.toLocaleString('en')} (${video.keyFramesDecoded} key)`],
			['Dropped', video?.framesDropped],
			['Packets lost', lost],
			['Repairs asked', video ? `${video.nackCount ?? 0} NACK, ${video.pliCount ?? 0} PLI` : null],
			['Sound concealed', number(concealed / audio?.totalSamplesReceived * 100, 2, '%')],
			['Round trip', number(pair?.currentRoundTripTime * 1000, 1, 'ms')],
		]);
	}

	/* `answer` to queue, asked at `asked` and answered now; `info` as it is known. */
	report(answer, asked, info) {
		const now = performance.now();
		const offset = answer.media_ms - (asked + now) / 2;
		const speaking = answer.state === 'speaking';
		if (this.#clock === null || answer.media_ms < this.#clock)
			this.#drift = offset;
		this.#clock = answer.media_ms;
		this.drift.add(now, [offset - this.#drift], speaking);
		this.people.add(now, [info?.viewers ?? null], speaking);
		this.waiting.add(now, [answer.waiting.length], speaking);
		this.#reportedFacts(answer, info, now - asked);
	}

	/* Without any: nothing is known. */
	#reportedFacts(answer, info, ms) {
		facts('reported-facts', [
			['State', answer?.state],
			['Room clock', answer && clock(answer.media_ms)],
			['Viewers', info?.viewers],
			['Queued media', answer?.queued_ms === undefined ? null : seconds(answer.queued_ms)],
			['Avatar', info && `${info.avatar}, ${info.width} × ${info.height}`],
			['Generator', info && (info.has_generator ? 'yes' : 'none')],
			['Answered in', answer && `${ms.toFixed(1)} ms`],
		]);
	}
}
