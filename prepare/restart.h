/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Notices where the times of a container start again, or jump, as where recordings were
 * joined, and makes them go on. Sound and picture keep their distance. Pure; times are in
 * ticks. Private to source.c.
 */
#ifndef DH_RESTART_H
#define DH_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#include "playout/unit.h"

/* Zero-initialise it, but for `jump_ticks`. */
struct dh_restart {
	int64_t jump_ticks; /* a longer gap in all media together is no gap, but a jump */
	int count;          /* how often that happened */
	/* private */
	int64_t shift; /* of the media that have come to the newest piece */
	struct {
		bool has_begun;
		int piece;
		int64_t shift;
		int64_t first, most; /* times as told, in this piece */
		int64_t before;      /* the largest until `most` came */
		int64_t begin, end;  /* as corrected */
	} of[2];                     /* by medium */
};

/* What to add to the times of a packet that is decoded at `dts` and lasts for `duration`. Where nobody
 * knows when it is decoded, `dts` is when it is shown, and `is_known` false. */
int64_t dh_restart_shift(struct dh_restart *restart, enum dh_media media, int64_t dts, int64_t duration, bool is_known);

/* What was added last to the medium that has come farthest. */
static inline int64_t dh_restart_newest(const struct dh_restart *restart)
{
	return restart->shift;
}

#endif
