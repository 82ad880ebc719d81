/* What a living face does besides speaking: breathes, blinks, sways, looks,
 * nods. Slight on purpose: a calm picture is cheap to encode, and the jump is
 * small wherever a segment is cut.
 */
#ifndef DH_TALKER_MOTION_H
#define DH_TALKER_MOTION_H

#include <stddef.h>
#include <stdint.h>

#include "talker_face.h"

/* Motion is a function of time alone: the same seed, the same motion. Every
 * motion begins and ends with the rest pose. */
struct dh_motion {
	uint64_t seed;
	double lively; /* how much the head sways; 1: as one who listens */
};

/* How long before its end a speech's length must be known. */
#define DH_MOTION_REACH_S 1.0

/* The pose at `now_s`, but for its mouth (left closed). `end_s`: when the
 * segment ends, INFINITY while it is not known. `stresses`: when syllables are
 * stressed, rising; may be NULL. */
void dh_motion_at(struct dh_pose *pose, const struct dh_motion *motion, double now_s, double end_s,
	const double *stresses, size_t stress_count);

#endif
