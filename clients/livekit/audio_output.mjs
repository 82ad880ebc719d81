// SPDX-License-Identifier: GPL-3.0-or-later
// An audio output for LiveKit Agents (@livekit/agents 1.x) that plays through a room of the gateway:
//
//   session.output.audio = new RoomAudioOutput({ address: 'gateway:8189', room: 1, secret: 'demo' });
//
// Each segment that the agent flushes is heard before the next one begins, and is reported by exactly one
// playbackFinished: its position is what viewers have got, as the gateway says, not what was sent. playbackStarted is
// told when the room starts to play it. pause() and clearBuffer() take effect at once, also for what the gateway
// has read ahead, and while the segment waits in the room; what others say there goes on. resume() goes on where the
// sound stopped.
import { voice } from '@livekit/agents';
import { Segment } from './push.mjs';

const { AudioOutput } = voice;
const LEAST_MS = 20;          // the gateway counts in packets of 20 ms: less than that has been heard

// What the agent says in one go. It is one segment of the room, or several where it was paused. `frames` are kept until
// they have been heard, because a pause plays the rest again.
class Speech {
  constructor() {
    this.frames = [];
    this.heardMs = 0;         // in the room's segments that have ended
    this.trimmedMs = 0;       // of `frames`, forgotten at their beginning
    this.isFlushed = this.isCleared = this.hasStarted = this.isDone = false;
  }
}

export class RoomAudioOutput extends AudioOutput {
  // `room`: { address, room, secret, ca }; `fields`: further fields of each segment's first line (docs/push.md);
  // onEvent: called with each event of a segment.
  constructor({ fields = {}, sampleRate, onEvent = () => {}, ...room }) {
    super(sampleRate, undefined, { pause: true });
    this.room = room;
    this.fields = fields;
    this.onEvent = onEvent;
    this.speeches = [];       // the first one is being played
    this.open = null;         // the one that frames are added to, until flush(); dropped once it is cleared or done
    this.isPaused = false;
    this.wakers = [];
    this.isRunning = false;
  }

  async captureFrame(frame) {
    await super.captureFrame(frame);
    if (!this.open) {
      this.open = new Speech();
      this.speeches.push(this.open);
    }
    if (this.open.isDone || this.open.isCleared) return;
    // The caller may use the frame's memory again.
    this.open.frames.push({ data: Int16Array.from(frame.data), rate: frame.sampleRate, channels: frame.channels,
      ms: (frame.samplesPerChannel * 1000) / frame.sampleRate });
    this.wake();
    this.run();
  }

  // After clearBuffer(), too, frames are dropped until this comes.
  flush() {
    super.flush();
    if (this.open) this.open.isFlushed = true;
    this.open = null;
    this.wake();
  }

  clearBuffer() {
    for (const speech of this.speeches) speech.isCleared = speech.isFlushed = true;
    this.wake();
  }

  pause() {
    super.pause();
    this.isPaused = true;
    this.wake();
  }

  resume() {
    super.resume();
    this.isPaused = false;
    this.wake();
  }

  // Something has changed; whoever waits looks again.
  wake() {
    for (const waker of this.wakers.splice(0)) waker();
  }

  changed() {
    return new Promise((resolve) => { this.wakers.push(resolve); });
  }

  async run() {
    if (this.isRunning) return;
    this.isRunning = true;
    try {
      while (this.speeches.length) {
        const speech = this.speeches[0];
        const isInterrupted = await this.play(speech).catch((error) => {
          this.logger.error({ error }, 'digitalhuman: cannot play');
          return true;
        });
        speech.isDone = true;
        speech.frames = [];
        this.speeches.shift();
        this.onPlaybackFinished({ playbackPosition: speech.heardMs / 1000, interrupted: isInterrupted });
      }
    } finally {
      this.isRunning = false;
    }
  }

  // Whether it was interrupted.
  async play(speech) {
    while (!speech.isCleared) {
      const first = this.isPaused ? null : this.nextOf(speech);
      if (!first) {
        if (speech.isFlushed && !this.isPaused) return false;
        await this.changed();
        continue;
      }
      const end = await this.playFrom(speech, first);
      speech.heardMs += end.played_ms ?? 0;
      if (end.event === 'finished' && !end.isOwn) return false;
      if (end.event === 'failed') {
        this.logger.warn({ error: end.error, code: end.error_code }, 'digitalhuman: a segment failed');
        return true;
      }
      if (end.event !== 'finished' && !end.isOwn) return true;      // somebody else's doing
    }
    return true;
  }

  // What of the first frame has not been heard; null if all frames have been.
  nextOf(speech) {
    while (speech.frames.length && speech.trimmedMs + speech.frames[0].ms <= speech.heardMs) {
      speech.trimmedMs += speech.frames.shift().ms;
    }
    const restMs = speech.frames.reduce((sum, frame) => sum + frame.ms, 0) - (speech.heardMs - speech.trimmedMs);
    if (!(restMs >= LEAST_MS)) return null;
    const { data, rate, channels, ms } = speech.frames[0];
    const cut = Math.round(((speech.heardMs - speech.trimmedMs) * rate) / 1000) * channels;
    return { data: data.subarray(cut), rate, channels, ms };
  }

  // One segment of the room until it has ended. Resolves to its last event; `isOwn` if it was paused or cleared from
  // here.
  async playFrom(speech, first) {
    const { rate, channels } = first;
    const segment = new Segment({ ...this.room, sampleRate: rate, channels, fields: this.fields,
      onEvent: (event) => {
        if (event.event === 'started') {
          if (!speech.hasStarted) this.onPlaybackStarted(Date.now());
          speech.hasStarted = true;
        }
        this.onEvent(event);
        this.wake();
      } });
    const feeding = this.feed(speech, segment, first);
    while (!segment.isOver && !this.isUnwanted(speech, segment)) await Promise.race([segment.over, this.changed()]);
    if (segment.isOver) {
      this.wake();
      await feeding;
      return segment.over;
    }
    let wasCut = false;
    await segment.interrupt().catch((error) => {
      this.logger.error({ error }, 'digitalhuman: a segment cannot be interrupted, and was cut');
      wasCut = true;
    });
    this.wake();
    await feeding;
    return { ...await segment.over, isOwn: true, ...(wasCut ? { event: 'interrupted' } : {}) };
  }

  // Once true, it stays true of this segment of the room.
  isUnwanted(speech, segment) {
    segment.isUnwanted ||= speech.isCleared || this.isPaused;
    return segment.isUnwanted;
  }

  // `first`, and what comes behind it.
  async feed(speech, segment, first) {
    await segment.push(first.data);
    for (let at = 1; !segment.isOver && !this.isUnwanted(speech, segment);) {
      if (at < speech.frames.length) {
        const frame = speech.frames[at++];
        if (frame.rate !== first.rate || frame.channels !== first.channels) {
          this.logger.error('digitalhuman: the sample rate changes within a segment');
          segment.abort();
          return;
        }
        await segment.push(frame.data);
      } else if (speech.isFlushed) {
        segment.close();
        return;
      } else {
        await this.changed();
      }
    }
  }
}
