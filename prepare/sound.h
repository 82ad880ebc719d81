/* From decoded sound to Opus units: any rate and layout to 48 kHz mono, gaps in
 * the times filled with silence, overlaps cut, sample 0 at time 0.
 */
#ifndef DH_SOUND_H
#define DH_SOUND_H

#include <libavutil/frame.h>

#include "fault.h"
#include "voice.h"

struct dh_sound;

/* `emit` gets the units in order; see voice.h. */
int dh_sound_alloc(struct dh_sound **sound, int kbps, dh_voice_emit_fn *emit, void *arg,
	struct dh_fault *fault);
void dh_sound_free(struct dh_sound **sound);

/* A frame whose first sample stands at `pts_ticks` (what is before 0 is cut). */
int dh_sound_push(struct dh_sound *sound, const AVFrame *frame, int64_t pts_ticks, struct dh_fault *fault);

/* Emits the rest; *ticks is the length of the sound. */
int dh_sound_end(struct dh_sound *sound, int64_t *ticks, struct dh_fault *fault);

/* Every unit before this time was emitted. */
int64_t dh_sound_emitted_ticks(const struct dh_sound *sound);

/* How often sound was missing or came twice, and was mended. */
int dh_sound_mended(const struct dh_sound *sound);

#endif
