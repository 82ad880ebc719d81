// SPDX-License-Identifier: GPL-3.0-or-later
/* What digitalhuman.js has; its first lines say how it is used, docs/api.md what requests and events have. */

export type State = 'connecting' | 'preparing' | 'playing' | 'paused' | 'reconnecting' | 'refused' | 'kicked' |
	'unsupported' | 'closed';

/** A number of docs/api.md, or what failed on the way. */
export type ErrorCode = number | 'offline' | 'timeout' | 'gateway' | 'media' | 'codec' | 'webrtc' | 'kicked';
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

/** An event of the room; further fields as in docs/api.md. */
export interface RoomEvent {
	event: string;
	id: number | string;
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
	wrong: 'secret' | 'pin' | 'token' | 'admin_key';
	stream: MediaStream;
	captions: Caption[];
	marker: Marker;
	event: RoomEvent;
}
export type RoomEventName = 'speaking' | 'idle' | 'queued' | 'ready' | 'segment_prepared' | 'started' | 'finished' |
	'interrupted' | 'skipped' | 'removed' | 'failed' | 'held' | 'resumed' | 'continued' | 'missing' | 'low_water' |
	'high_water' | 'enabled' | 'disabled' | 'edited' | 'destroyed';

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
	video: HTMLVideoElement | null;
	pin: string | null;
	secret: string | null;
	readonly state: State;
	readonly words: string;
	readonly blocked: boolean;
	readonly stream: MediaStream | null;
	/** In the place of the video, where the avatar is transparent. */
	readonly canvas: HTMLCanvasElement | null;
	readonly pc: RTCPeerConnection | null;
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
	/** What this viewer was sent of the last segments. */
	heard(): Promise<Heard>;
	/** A marker for all, now. */
	mark(data: unknown): Promise<Answer>;
	skip(): Promise<Answer>;
	remove(segment: string): Promise<Answer>;
	move(segment: string, place: { before: string } | { after: string }): Promise<Answer>;
	interrupt(): Promise<Answer>;
	pause(): Promise<Answer>;
	resume(): Promise<Answer>;
	restart(): Promise<Answer>;
	request(body: { request: string; [field: string]: unknown }, options?: { timeout?: number }): Promise<Answer>;
	/** Whether captions and markers come from now on. */
	showCaptions(on: boolean): Promise<Answer | void>;

	reconnect(): Promise<void>;
	close(): void;
	/** From within a click. */
	unmute(): Promise<void>;
}
