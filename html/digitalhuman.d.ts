// SPDX-License-Identifier: GPL-3.0-or-later
/* What digitalhuman.js has; docs/javascript.md says how it is used, docs/api.md what requests and events have. */

export type State = 'connecting' | 'preparing' | 'playing' | 'paused' | 'reconnecting' | 'refused' | 'kicked' |
	'unsupported' | 'closed';

/** A number of docs/api.md, or what failed on the way. */
export type ErrorCode = number | 'offline' | 'timeout' | 'gateway' | 'media' | 'codec' | 'webrtc' | 'kicked' |
	'insecure' | 'denied' | 'absent' | 'busy';
export interface DigitalHumanError extends Error {
	code: ErrorCode;
	/** The key that the gateway did not take. */
	wrong?: 'secret' | 'pin' | 'token' | 'admin_key';
}

export interface Options {
	/** Janus's WebSocket or HTTP address, or several to try in turn; null: where this file is from. */
	server?: string | string[] | null;
	room?: number | string;
	/** It should be `muted` and `playsinline`. */
	video?: HTMLVideoElement | null;
	pin?: string | null;
	secret?: string | null;
	/** A signed one of Janus, where the room has signed_tokens. */
	token?: string | null;
	iceServers?: RTCIceServer[];
	iceTransportPolicy?: RTCIceTransportPolicy;
	/** Folder or URL of janus.js and adapter.js, where the page has not loaded them. */
	vendor?: string;
	/** Captions and markers come. */
	captions?: boolean;
}

/** [word, from, to] */
export type Word = [word: string, from_ms: number, to_ms: number];

export interface Caption {
	/** Its number in the room. */
	caption: number;
	segment: string;
	/** Lines may be broken by \n. */
	text: string;
	/** In the room's media time, where they are known. */
	words?: Word[];
	from_ms: number;
	until_ms: number;
}

export interface Marker<Data = unknown> {
	data: Data;
	media_ms: number;
	/** Of one that belongs to a segment. */
	segment?: string;
}

export interface Status {
	state: State;
	error: DigitalHumanError | null;
	/** What is to be said to a person; '' while it plays. */
	words: string;
}

/** Who may barge in, and when: fields of `edit`, without `new_`. The room's secret is needed. */
export interface BargeIn {
	/** Milliseconds of voice; 0: never. */
	barge_in?: number;
	barge_in_mode?: 'interrupt' | 'hold';
	barge_in_by?: 'all' | 'one' | 'named' | 'nobody';
	floor_ms?: number;
	floor_silence_ms?: number;
}

export interface ListenOptions extends BargeIn {
	/** One of your own; it is not stopped in the end. */
	track?: MediaStreamTrack;
	/** As MediaDevices.enumerateDevices() has it. */
	deviceId?: string;
}

export interface Microphone {
	readonly track: MediaStreamTrack;
	/** How loud it is now, from 0 to 1, as loudness is felt. */
	readonly level: number;
	/** The gateway hears a voice. */
	readonly speaking: boolean;
	/** Resolves when the gateway does not listen any more. */
	stop(): Promise<void>;
}

export interface MicrophoneChange {
	/** The one that is listened to now. */
	microphone: Microphone | null;
	/** Why it is not any more, where nobody stopped it. */
	error: DigitalHumanError | null;
}

export interface InterruptFields {
	mode?: 'now' | 'word' | 'segment' | 'utterance';
	word_ms?: number;
	segment?: string;
	utterance?: string;
	priority?: 'background' | 'normal' | 'urgent';
}

/** An event of the room; further fields as in docs/api.md. */
export interface RoomEvent {
	event: RoomEventName | ObserverEventName | (string & {});
	/** The room's; `lost` has none. */
	id?: number | string;
	media_ms?: number;
	segment?: string;
	name?: string;
	metadata?: Record<string, unknown>;
	[field: string]: unknown;
}

export interface Listeners {
	status: Status;
	error: DigitalHumanError;
	blocked: boolean;
	wrong: 'secret' | 'pin' | 'token';
	stream: MediaStream;
	captions: Caption[];
	marker: Marker;
	microphone: MicrophoneChange;
	event: RoomEvent;
}
export type RoomEventName = 'speaking' | 'idle' | 'listening' | 'thinking' | 'holding' | 'resuming' | 'viewer_speaking' |
	'viewer_silent' | 'barged_in' | 'floor_asked' | 'floor_given' | 'floor_ended' | 'slow_link' | 'queued' | 'waiting' | 'ready' |
	'segment_prepared' | 'started' | 'finished' | 'interrupted' | 'skipped' | 'removed' | 'failed' | 'held' | 'resumed' | 'continued' |
	'missing' | 'low_water' | 'high_water' | 'enabled' | 'disabled' | 'edited' | 'destroyed' | 'lost';
/** What an observer with the room's secret is told, too. */
export type ObserverEventName = 'joined' | 'left' | 'kicked' | 'timeout' | 'rtp_forward' | 'stop_rtp_forward' | 'recording' | 'recorded';

/** Fields of `say` and `enqueue`, as in docs/api.md. */
export interface SegmentFields {
	segment?: string;
	metadata?: Record<string, unknown>;
	words?: Word[];
	captions?: [text: string, from_ms: number, to_ms: number][];
	markers?: [at_ms: number, data: unknown][];
	utterance?: string;
	index?: number;
	last?: boolean;
	priority?: 'background' | 'normal' | 'urgent';
	before?: string;
	after?: string;
	ttl_ms?: number;
	repeat?: number;
	from_ms?: number;
	patient?: boolean;
	underrun?: 'hold' | 'idle' | 'skip';
	preroll_ms?: number;
	[field: string]: unknown;
}

/** An answer of the gateway; fields as in docs/api.md. */
export type Answer = Record<string, any>;

export interface HeardPart {
	media_ms: number;
	from_ms: number;
	to_ms: number;
	text?: string;
}
export interface Heard extends Answer {
	viewer: number;
	since_ms: number;
	segments: { segment: string; state: string; heard_text?: string; heard: HeardPart[] }[];
}

export class DigitalHuman {
	constructor(options?: Options);
	static rooms(server?: string | string[] | null, options?: { vendor?: string; adminKey?: string }): Promise<Answer[]>;

	room: number | string;
	readonly video: HTMLVideoElement | null;
	pin: string | null;
	secret: string | null;
	token: string | null;
	readonly state: State;
	readonly words: string;
	readonly blocked: boolean;
	readonly stream: MediaStream | null;
	/** In the place of the video, where the avatar is transparent. */
	readonly canvas: HTMLCanvasElement | null;
	readonly pc: RTCPeerConnection | null;
	/** This viewer's number in the room, as events have it. */
	readonly viewer: number | null;
	/** It is paused, or is to be once it is connected. */
	readonly isPaused: boolean;
	/** The one that is listened to. */
	readonly microphone: Microphone | null;
	/** What is shown now. */
	readonly captions: Caption[];
	/** The same as cues, for the browser's own controls; null without a video. */
	readonly track: TextTrack | null;

	/** Returns a function that takes the listener away. */
	on<Name extends keyof Listeners>(name: Name, listener: (detail: Listeners[Name]) => void): () => void;
	on(name: RoomEventName | (string & {}), listener: (event: RoomEvent) => void): () => void;

	say(text: string, fields?: SegmentFields & { voice?: string; more?: boolean }): Promise<Answer>;
	enqueue(file: string | [string, string], fields?: SegmentFields & { text?: string }): Promise<Answer>;
	queue(): Promise<Answer>;
	info(): Promise<Answer>;
	list(): Promise<Answer>;
	stats(): Promise<Answer>;
	progress(segment: string): Promise<Answer>;
	history(): Promise<Answer>;
	/** What plays while nothing else does; without items it only asks. */
	playlist(items?: string[], fields?: { shuffle?: boolean; repeat?: boolean; patient?: boolean; permanent?: boolean }): Promise<Answer>;
	/** What this viewer was sent of the last segments. */
	heard(): Promise<Heard>;
	/** A marker for all, now. */
	mark(data: unknown): Promise<Answer>;
	skip(): Promise<Answer>;
	remove(segment: string): Promise<Answer>;
	move(segment: string, place: { before: string } | { after: string }): Promise<Answer>;
	interrupt(fields?: InterruptFields): Promise<Answer>;
	hold(fields?: { regret_ms?: number }): Promise<Answer>;
	/** What is on hold goes on. A viewer that is paused ends its own pause, as start() does, unless `at` is given. */
	resume(fields?: { at?: 'entry' | 'word' | 'sentence' }): Promise<Answer>;
	discard(): Promise<Answer>;
	/** What the avatar does while it does not speak. */
	setState(state: 'idle' | 'listening' | 'thinking'): Promise<Answer>;
	/** Resolves once the gateway listens. Another `track` or `deviceId` takes the place of the microphone that there is. */
	listen(options?: ListenOptions): Promise<Microphone>;
	bargeIn(fields: BargeIn): Promise<Answer>;
	/**
	 * Of what all viewers do, too, with the room's secret; until it is ended, or the connection is. `ended`: the gateway has
	 * ended it, while the connection goes on.
	 */
	observe(listener: (event: RoomEvent) => void, ended?: (error: DigitalHumanError) => void): Promise<() => void>;
	askFloor(): Promise<Answer>;
	leaveFloor(): Promise<Answer>;
	floor(): Promise<Answer>;
	giveFloor(viewer: number): Promise<Answer>;
	takeFloor(viewer?: number): Promise<Answer>;
	/** This viewer gets nothing until start(). */
	pause(): Promise<Answer>;
	start(): Promise<Answer>;
	restart(): Promise<Answer>;
	request(body: { request: string; [field: string]: unknown }, options?: { timeout?: number }): Promise<Answer>;
	/** Whether captions and markers come from now on. */
	showCaptions(on: boolean): Promise<Answer | void>;

	reconnect(): Promise<void>;
	close(): void;
	/** From within a click. */
	unmute(): Promise<void>;
}
