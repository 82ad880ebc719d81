/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a face does besides speaking: it breathes, blinks, sways, glances, nods.
 * All of it is slight: a calm picture is cheap to encode and can be cut anywhere
 * without a visible jump.
 */
#ifndef DH_TALKER_MOTION_H
#define DH_TALKER_MOTION_H

#include <stddef.h>
#include <stdint.h>

#include "talker_pose.h"

/* Motion depends on time and seed alone. It starts and ends in the rest pose. */
struct dh_motion {
	uint64_t seed;
	double lively; /* how much the head sways; 1: a listener */
};

/* How long before its end the length of the speech must be known. */
#define DH_MOTION_REACH_S 1.0

/* The pose at `now_s`, with a closed mouth. `end_s`: when the segment ends,
 * INFINITY while unknown. `stresses`: times of stressed syllables, ascending; may
 * be NULL. */
void dh_motion_at(struct dh_pose *pose, const struct dh_motion *motion, double now_s, double end_s,
	const double *stresses, size_t stress_count);

#endif
