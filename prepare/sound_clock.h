/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compares the times that a container gives sound with its samples.
 *
 * Samples follow each other without a gap, and what a container says about when is often
 * rounded, jitters, or comes from another clock. So sound is played sample after sample, and
 *     a difference that goes away again is jitter, and ignored;
 *     one that comes at once and stays is a gap or an overlap: it is filled or cut;
 *     one that grows slowly, or remains, is followed by stretching sound a little.
 * Pure. All numbers are samples at DH_VOICE_RATE.
 */
#ifndef DH_SOUND_CLOCK_H
#define DH_SOUND_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* No more frames than this wait for a verdict. */
#define DH_SOUND_WAITING 128
/* A stretch is spread over so many samples. */
#define DH_SOUND_STRETCH 236000

/* A frame that waits: its time, the samples of all frames before it, and its own. */
struct dh_sound_told {
	int64_t time, before, length;
};

/* Zero-initialise it; private. */
struct dh_sound_clock {
	struct dh_sound_told waiting[DH_SOUND_WAITING];
	int count;
	bool has_begun;
	int64_t offset;      /* of times to samples, as sound is played */
	double mean;         /* of the last second's differences */
	int64_t mean_length; /* how much of a second that is */
	double mean_before;  /* as it was a little while ago */
	double mean_lately;  /* as it will be then */
	int64_t lately;      /* how long ago that was */
	double sum;          /* of the differences since the last stretch was considered */
	int64_t sum_length;
	int64_t stretch; /* not yet asked for */
};

/* A frame. There must be space: see dh_sound_clock_next. */
void dh_sound_clock_push(struct dh_sound_clock *clock, const struct dh_sound_told *told);

/* Whether the first frame that waits is to be played now. *shift is what belongs before it:
 * so many samples of silence, or, below 0, so many are left out. `is_end`: no more
 * frames will come. Until it returns false, DH_SOUND_WAITING frames may wait; then fewer do. */
bool dh_sound_clock_next(struct dh_sound_clock *clock, bool is_end, int64_t *shift);

/* By how much the next DH_SOUND_STRETCH samples are to become longer, or shorter; 0: not at
 * all. Tells it once. */
int64_t dh_sound_clock_stretch(struct dh_sound_clock *clock);

#endif
