/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sound that a viewer sends: checked, limited, counted, and heard by its levels. The gateway's thread of
 * that viewer brings packets; the room's thread asks what has become of them.
 */
#ifndef DH_MICROPHONE_H
#define DH_MICROPHONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "playout/hearing.h"

/* Packets a second; a burst of so many may come at once. Opus has at most 50 a second as browsers send it. */
#define DH_MICROPHONE_RATE 100

struct dh_forwards;
struct dh_microphone;

struct dh_microphone_stats {
	uint64_t packets, bytes; /* that were taken */
	uint64_t lost, late;     /* sequence numbers that never came; packets that came too late */
	uint64_t refused;        /* no Opus of the agreed payload type, or beyond the rate */
	uint64_t without_level;  /* without the level extension: nobody knows whether it was voice */
	bool is_speaking;
	float floor_db; /* its noise, in dBov */
};

/* Any thread. */
struct dh_microphone *dh_microphone_new(void);
void dh_microphone_free(struct dh_microphone **microphone);

/* What a packet meets. */
struct dh_microphone_context {
	unsigned viewer; /* its number, for forwards */
	struct dh_forwards *forwards;
	int payload_type;
	const struct dh_sent *sent;
	int64_t lasting_ticks; /* as in hearing.h */
};

/* An RTP packet, `level` as in dh_heard_packet, at `now_ticks`. What changes, see hearing.h. */
enum dh_hearing_change dh_microphone_take(struct dh_microphone *microphone, const uint8_t *rtp, size_t size, int level,
	const struct dh_microphone_context *context, int64_t now_ticks);

/* As dh_hearing_poll. */
enum dh_hearing_change dh_microphone_poll(struct dh_microphone *microphone, int64_t now_ticks);
int64_t dh_microphone_deadline_ticks(struct dh_microphone *microphone);

void dh_microphone_get_stats(struct dh_microphone *microphone, struct dh_microphone_stats *stats);

#endif
