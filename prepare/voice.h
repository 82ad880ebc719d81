/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opus: 48 kHz mono in, packets of 20 ms out.
 *
 * The encoder's look-ahead is trimmed: sample 0 of the input is sample 0 that a fresh
 * decoder outputs for packet 0. The last packet is padded with silence, and no packet
 * is padding alone.
 */
#ifndef DH_VOICE_H
#define DH_VOICE_H

#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "playout/unit.h"

#define DH_VOICE_RATE   48000
#define DH_VOICE_PACKET 960 /* samples */

/* Takes ownership of the unit. 0 or a code of enum dh_prepare_exit. */
typedef int dh_voice_emit_fn(void *arg, struct dh_unit *unit);

struct dh_voice;

int dh_voice_alloc(struct dh_voice **voice, int kbps, dh_voice_emit_fn *emit, void *arg, struct dh_fault *fault);
void dh_voice_free(struct dh_voice **voice);

/* `samples` NULL: silence. Emits packets as soon as they are complete. */
int dh_voice_push(struct dh_voice *voice, const float *samples, size_t count, struct dh_fault *fault);

/* Emits the rest. Nothing may be pushed afterwards. */
int dh_voice_end(struct dh_voice *voice, struct dh_fault *fault);

/* The samples pushed so far, and the end of the packets emitted so far. */
int64_t dh_voice_samples(const struct dh_voice *voice);
int64_t dh_voice_emitted_ticks(const struct dh_voice *voice);

#endif
