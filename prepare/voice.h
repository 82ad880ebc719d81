/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opus: 48 kHz mono in, packets of 20 ms out.
 *
 * The encoder's look-ahead is trimmed: sample 0 of the input is sample 0 that a fresh
 * decoder outputs for packet 0. The last packet is padded with silence, and no packet
 * is padding alone. Each packet has a fade (unit.h), for the case that the sound is cut there.
 *
 * A voice may go on where another one ended (dh_voice_lead): then its first packets replace
 * the other one's last ones, and a decoder that goes on with them hears no seam.
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

/* Before anything is pushed: the input begins with `before` samples of context that is not
 * emitted, and the `lead` samples behind it, 1 to DH_VOICE_LEAD_MAX, are another voice's.
 * dh_voice_push gets them all. `fresh` is called at most once, before the first unit is emitted, with
 * what takes the place of packet lead / DH_VOICE_PACKET where this voice begins after
 * silence: it has nothing of the other voice. */
#define DH_VOICE_LEAD_MAX (2 * DH_VOICE_PACKET - 1)
int dh_voice_lead(struct dh_voice *voice, int before, int lead, dh_voice_emit_fn *fresh, struct dh_fault *fault);

/* Before anything is pushed: another voice may go on where this one ends. Everything is encoded a
 * packet later then, when it is known whether the voice ends there. */
void dh_voice_followed(struct dh_voice *voice);

/* Where a voice of `length` samples is cut if another one goes on: its packets up to there stay, those
 * behind are replaced. A multiple of DH_VOICE_PACKET; 0 or less: it is too short. */
int64_t dh_voice_cut(int64_t length);

/* `samples` NULL: silence. Emits packets as soon as they are complete. */
int dh_voice_push(struct dh_voice *voice, const float *samples, size_t count, struct dh_fault *fault);

/* Emits the rest. Nothing may be pushed afterwards. */
int dh_voice_end(struct dh_voice *voice, struct dh_fault *fault);

/* The samples pushed so far, negative within the context, and the end of the packets
 * emitted so far. */
int64_t dh_voice_samples(const struct dh_voice *voice);
int64_t dh_voice_emitted_ticks(const struct dh_voice *voice);

#endif
