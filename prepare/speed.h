/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much time the video encoder takes for a picture. Slower costs fewer bits
 * (docs/codecs.md), but whoever waits for the segment's beginning, or plays it
 * already, must not wait for it. So it goes slower while it is well ahead of the
 * play, which cannot have begun before the first picture. Pure.
 */
#ifndef DH_SPEED_H
#define DH_SPEED_H

#include <stdbool.h>
#include <stdint.h>

struct dh_speed {
	int usual, ahead; /* DH_SPEED_MIN to DH_SPEED_MAX (job.h) */
	bool has_begun, is_ahead;
	int64_t begin_ticks, begin_us;
};

/* Where `ahead` is not slower than `usual`, all pictures get the usual speed. */
void dh_speed_init(struct dh_speed *speed, int usual, int ahead);

/* For the picture at `pts_ticks`, which is encoded at `now_us`. */
int dh_speed_of(struct dh_speed *speed, int64_t pts_ticks, int64_t now_us);

#endif
