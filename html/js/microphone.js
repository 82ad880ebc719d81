// SPDX-License-Identifier: GPL-3.0-or-later
/* This viewer's microphone: taken, measured, and put on the line of sound of whatever connection there is. */

import { failure, isAnswer } from './gateway.js';

/* What a loudspeaker plays should not come back. */
const WANTED = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const QUIET_DB = -60;     // level 0
const SAMPLES = 2048;     // over which a level is taken

/* What browsers call it, and what it is. */
const REFUSALS = {
	NotAllowedError: ['denied', 'The microphone is not allowed.'],
	SecurityError: ['denied', 'The microphone is not allowed.'],
	NotFoundError: ['absent', 'There is no microphone.'],
	OverconstrainedError: ['absent', 'There is no such microphone.'],
	NotReadableError: ['busy', 'The microphone cannot be used now.'],
	AbortError: ['busy', 'The microphone cannot be used now.'],
};

async function capture(deviceId) {
	if (!navigator.mediaDevices?.getUserMedia) {
		throw globalThis.isSecureContext ? failure('absent', 'This browser has no microphones.') :
			failure('insecure', 'Browsers give a microphone only to pages with HTTPS, or of localhost.');
	}
	try {
		const audio = { ...WANTED, ...(deviceId && { deviceId: { exact: deviceId } }) };
		return (await navigator.mediaDevices.getUserMedia({ audio })).getAudioTracks()[0];
	} catch (error) {
		throw failure(...(REFUSALS[error.name] ?? ['busy', error.message]));
	}
}

export class Microphone {
	#taken;
	#ended;
	#context = new AudioContext();
	#analyser = this.#context.createAnalyser();
	#samples = new Float32Array(SAMPLES);

	/* `taken`: the track ends with this; stop(error) is what the method of that name does, with why it was not asked for. */
	constructor(track, taken, stop) {
		this.track = track;
		this.speaking = false;
		this.stop = () => stop();
		this.#taken = taken;
		this.#ended = () => stop(failure('absent', 'The microphone is gone.'));
		this.#analyser.fftSize = SAMPLES;
		try {
			this.#context.createMediaStreamSource(new MediaStream([track])).connect(this.#analyser);
		} catch (error) {
			this.#context.close();
			throw error;
		}
		track.addEventListener('ended', this.#ended);
	}

	/* It is what somebody wants who asks for these; for none: any will do. */
	is({ track, deviceId }) {
		return track ? track === this.track : !deviceId || deviceId === this.track.getSettings().deviceId;
	}

	/* 0 to 1: how loud it is now, as loudness is felt. */
	get level() {
		if (this.#context.state === 'suspended')
			this.#context.resume();
		this.#analyser.getFloatTimeDomainData(this.#samples);
		const power = this.#samples.reduce((sum, x) => sum + x * x, 0) / SAMPLES;
		return Math.min(1, Math.max(0, 1 - 10 * Math.log10(power) / QUIET_DB));
	}

	release() {
		this.speaking = false;
		this.track.removeEventListener('ended', this.#ended);
		this.#context.close();
		if (this.#taken)
			this.track.stop();
	}
}

export class Listening {
	#on;
	#microphone = null;  // also before the gateway listens
	#isOn = false;       // it does
	#voice = null;       // the event that said that it hears a voice, until it is silent
	#opening = null;     // the last one that is on its way: { wish, end }, a promise of it

	/* on: pc() of now, or null; negotiate(on) has the gateway listen, or not any more, and is a promise of that;
	 * changed({ microphone, error }): which one is listened to now, or null and why, where nobody asked for that;
	 * silent(event) instead of the gateway's viewer_silent, where that cannot come */
	constructor(on) {
		this.#on = on;
	}

	get microphone() { return this.#isOn ? this.#microphone : null; }

	/* A promise of the microphone, once the gateway listens to it. A `track` of one's own is not stopped in the end; without,
	 * a microphone is taken (`deviceId`). prepare() is done when there is one, before it is listened to. One at a time: who
	 * wants the same as the one before does not have the person asked again. */
	open({ track, deviceId }, prepare) {
		const before = this.#opening, opening = { wish: { track, deviceId } };
		const isSame = before?.wish.track === track && before?.wish.deviceId === deviceId;
		const open = async () => {
			try {
				await before?.end.catch(error => {
					if (isSame && !isAnswer(error))
						throw error;
				});
				return await this.#open(opening.wish, prepare);
			} finally {
				if (this.#opening === opening)
					this.#opening = null;
			}
		};
		this.#opening = opening;
		opening.end = open();
		return opening.end;
	}

	async #open(wish, prepare) {
		if (!this.#microphone?.is(wish))
			await this.#put(await this.#take(wish));
		const microphone = this.#microphone;
		const gone = () => failure('absent', 'The microphone is gone.');
		if (!microphone)
			throw gone();
		try {
			await prepare();
			await this.#on.negotiate(true);
			if (this.#microphone !== microphone)
				throw gone();
		} catch (error) {
			if (this.#microphone === microphone && !this.#isOn)
				this.#release();
			throw error;
		}
		if (!this.#isOn) {
			this.#isOn = true;
			this.#on.changed({ microphone, error: null });
		}
		return microphone;
	}

	async #take({ track: own, deviceId }) {
		if (own?.readyState === 'ended')
			throw failure('absent', 'The track has ended.');
		const track = own ?? await capture(deviceId);
		try {
			const microphone = new Microphone(track, !own, error => this.#end(microphone, error));
			return microphone;
		} catch (error) {
			if (!own)
				track.stop();
			throw failure('busy', String(error));
		}
	}

	/* In the place of another one, if there is one: who is heard stays heard. */
	async #put(microphone) {
		const before = this.#microphone;
		this.#microphone = microphone;
		if (!before)
			return;
		microphone.speaking = this.#voice !== null;
		const replaced = this.#senderOf(before)?.replaceTrack(microphone.track);
		before.release();
		if (this.#isOn)
			this.#on.changed({ microphone, error: null });
		await replaced;
	}

	#senderOf({ track }) { return this.#on.pc()?.getSenders().find(sender => sender.track === track); }

	/* Returns a promise: the gateway does not listen any more. */
	#end(microphone, error = null) {
		if (microphone !== this.#microphone)
			return Promise.resolve();
		this.#release();
		this.#on.changed({ microphone: null, error });
		return this.#on.negotiate(false).catch(() => {});
	}

	#release() {
		this.#senderOf(this.#microphone)?.replaceTrack(null);
		this.#microphone.release();
		this.#microphone = null;
		this.#isOn = false;
	}

	/* Together with the connection, for good. */
	close() {
		if (!this.#microphone)
			return;
		this.#release();
		this.#on.changed({ microphone: null, error: null });
	}

	/* The viewer that spoke is gone; the next one has not been heard yet. */
	silence() {
		if (!this.#voice)
			return;
		const { id, viewer } = this.#voice;
		this.#voice = null;
		if (this.#microphone)
			this.#microphone.speaking = false;
		this.#on.silent({ event: 'viewer_silent', id, viewer });
	}

	/* On a connection that was made anew, or in another room. */
	async renew() {
		const microphone = this.#microphone;
		this.silence();
		if (!this.#isOn)
			return;
		try {
			await this.#on.negotiate(true);
		} catch (error) {
			if (isAnswer(error) || error.code === 'gateway')
				this.#end(microphone, error);
		}
	}

	/* Before the offer `sdp` is answered: the microphone goes on the line of sound that asks for it. */
	async attach(sdp) {
		const line = this.#on.pc()?.getTransceivers().find(({ receiver }) => receiver.track.kind === 'audio');
		if (!line)
			return;
		const asks = sdp.split(/^m=/m).some(part => part.startsWith('audio') && /^a=sendrecv/m.test(part));
		const track = asks ? this.#microphone?.track ?? null : null;
		line.direction = track ? 'sendrecv' : 'recvonly';
		await line.sender.replaceTrack(track);
	}

	/* An event of the room. False: that was reported already, since the room has been left. */
	take(message) {
		const { event, viewer } = message;
		if (event === 'viewer_silent' && viewer !== this.#voice?.viewer)
			return false;
		if (!/^viewer_(speaking|silent)$/.test(event))
			return true;
		this.#voice = event === 'viewer_speaking' ? message : null;
		if (this.#microphone)
			this.#microphone.speaking = this.#voice !== null;
		return true;
	}
}
