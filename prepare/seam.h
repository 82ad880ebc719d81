/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Joins pieces of sound without a click: what was last heard fades out, mirrored in time,
 * while what follows fades in. Pure. Private to sound.c.
 */
#ifndef DH_SEAM_H
#define DH_SEAM_H

#include <stddef.h>

#define DH_SEAM_SAMPLES 240 /* 5 ms */

/* Zero-initialise it; private. */
struct dh_seam {
	float last[DH_SEAM_SAMPLES]; /* what was last heard */
	float fading[DH_SEAM_SAMPLES];
	size_t left; /* of `fading` */
};

/* What is applied next does not follow what was applied last. */
void dh_seam_cut(struct dh_seam *seam);

/* The next samples, which are changed where they follow a cut. */
void dh_seam_apply(struct dh_seam *seam, float *samples, size_t count);

#endif
