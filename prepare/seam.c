/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seam.h"

#include <string.h>

void dh_seam_cut(struct dh_seam *seam)
{
	for (size_t i = 0; i < DH_SEAM_SAMPLES; i++)
		seam->fading[i] = seam->last[DH_SEAM_SAMPLES - 1 - i];
	seam->left = DH_SEAM_SAMPLES;
}

void dh_seam_apply(struct dh_seam *seam, float *samples, size_t count)
{
	for (size_t i = 0; i < count && seam->left > 0; i++, seam->left--) {
		float old = (float)seam->left / DH_SEAM_SAMPLES;
		samples[i] = samples[i] * (1 - old) + seam->fading[DH_SEAM_SAMPLES - seam->left] * old;
	}
	if (count >= DH_SEAM_SAMPLES) {
		memcpy(seam->last, samples + count - DH_SEAM_SAMPLES, sizeof seam->last);
		return;
	}
	memmove(seam->last, seam->last + count, (DH_SEAM_SAMPLES - count) * sizeof *seam->last);
	memcpy(seam->last + DH_SEAM_SAMPLES - count, samples, count * sizeof *samples);
}
