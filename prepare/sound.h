/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From decoded sound to Opus units: resampled to 48 kHz mono (mix.h), samples played one
 * after the other, true gaps filled with silence, overlaps cut (sound_clock.h), sample 0 at
 * time 0.
 */
#ifndef DH_SOUND_H
#define DH_SOUND_H

#include <stdbool.h>

#include <libavutil/frame.h>

#include "fault.h"
#include "tail.h"
#include "voice.h"

struct dh_sound;

/* `emit` receives the units in order; see voice.h. */
int dh_sound_alloc(struct dh_sound **sound, int kbps, dh_voice_emit_fn *emit, void *arg, struct dh_fault *fault);
void dh_sound_free(struct dh_sound **sound);

/* Before anything is pushed: this sound goes on where the one ended that left `tail`. Its units
 * then begin with tail->lead samples of that one; `fresh` as in voice.h. */
int dh_sound_lead(struct dh_sound *sound, const struct dh_tail *tail, dh_voice_emit_fn *fresh, struct dh_fault *fault);

/* Before anything is pushed: another sound may go on where this one ends (dh_voice_followed). */
void dh_sound_followed(struct dh_sound *sound);

/* Adds a frame that starts at `pts_ticks`, more or less, behind any lead; what is before 0 is cut.
 * A frame may wait for others that tell whether there is a gap before it. */
int dh_sound_push(struct dh_sound *sound, const AVFrame *frame, int64_t pts_ticks, struct dh_fault *fault);

/* Emits the rest; *ticks is the length of the sound. */
int dh_sound_end(struct dh_sound *sound, int64_t *ticks, struct dh_fault *fault);

/* After its end: what the sound that follows needs. False: there is nothing to go on from. */
bool dh_sound_tail(const struct dh_sound *sound, struct dh_tail *tail);

/* All units before this time have been emitted. */
int64_t dh_sound_emitted_ticks(const struct dh_sound *sound);

/* How many gaps and overlaps there were. */
int dh_sound_mended(const struct dh_sound *sound);
/* Whether a channel of a stereo pair was left out, because the two cancelled out. */
bool dh_sound_was_inverted(const struct dh_sound *sound);

#endif
