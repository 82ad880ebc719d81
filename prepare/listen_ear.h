/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One viewer's sound, decoded to PCM, with silence left out. Belongs to dh-listen's only thread.
 */
#ifndef DH_LISTEN_EAR_H
#define DH_LISTEN_EAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "playout/hearing.h"

#define DH_EAR_RATE   16000
#define DH_EAR_FRAME  320 /* samples, 20 ms */
#define DH_EAR_BEFORE 15  /* frames before a voice that are handed on with it, at most */

/* What the room sends: the reference for an echo canceller. */
struct dh_reference;
/* NULL: out of memory. */
struct dh_reference *dh_reference_new(void);
void dh_reference_free(struct dh_reference **reference);
/* An RTP packet of it. */
void dh_reference_push(struct dh_reference *reference, const uint8_t *rtp, size_t size, int64_t now_ticks);

/* What comes of a viewer's sound: in this order `begin`, `frame` as often as there are frames, `end`. `at_ticks`
 * is when the frame began, as if the network always took the same time: what follows without a gap
 * is DH_SLOT_TICKS later, but where that was a wrong guess. */
struct dh_ear_sink {
	void (*begin)(void *arg, uint32_t viewer, int64_t at_ticks);
	/* DH_EAR_FRAME samples each; `reference` is what the room sent in that time. */
	void (*frame)(void *arg, uint32_t viewer, int64_t at_ticks, const int16_t *samples, const int16_t *reference);
	void (*end)(void *arg, uint32_t viewer, int64_t at_ticks);
};

struct dh_ear;
/* `all`: silence is not left out; begin and end come nevertheless. `reference` is borrowed as long as
 * the ear. NULL: out of memory. */
struct dh_ear *dh_ear_new(uint32_t viewer, struct dh_reference *reference, bool all, const struct dh_ear_sink *sink,
	void *arg);
/* Ends what it has begun. */
void dh_ear_free(struct dh_ear **ear);
uint32_t dh_ear_viewer(const struct dh_ear *ear);
/* When something last came. */
int64_t dh_ear_last_ticks(const struct dh_ear *ear);
/* An RTP packet of Opus. What cannot be decoded is left out. */
void dh_ear_push(struct dh_ear *ear, const uint8_t *rtp, size_t size, int64_t now_ticks);
/* Nothing comes: call it every 100 ms or so. */
void dh_ear_poll(struct dh_ear *ear, int64_t now_ticks);

#endif
