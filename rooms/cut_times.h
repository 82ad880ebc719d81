/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long it took from asking for an interruption, or a hold, to the last packet of speech, as
 * histograms; and how often which was asked for.
 *
 * Belongs to a room's thread; a copy may be read by any.
 */
#ifndef DH_CUT_TIMES_H
#define DH_CUT_TIMES_H

#include <stdint.h>

#include <jansson.h>

#define DH_CUT_BUCKETS 11 /* the last one is for all above the largest edge */
#define DH_CUT_PENDING 8  /* so many whose speech has not ended are followed */

/* At once (holds as well), or at the end of a word. */
enum dh_cut_kind { DH_CUT_KIND_NOW, DH_CUT_KIND_WORD, DH_CUT_KINDS };

/* Zeroed: nothing yet. Times are those of CLOCK_MONOTONIC, in ticks. */
struct dh_cut_times {
	uint64_t counts[DH_CUT_KINDS][DH_CUT_BUCKETS];
	int64_t sum_ticks[DH_CUT_KINDS];
	uint64_t interruptions, holds, resumed, undone, discarded; /* what was asked for */
	/* private: whose speech has not ended */
	int pending;
	struct {
		enum dh_cut_kind kind;
		int64_t asked_ticks;
	} asked[DH_CUT_PENDING];
};

/* What speaks is cut because of what was asked for at `asked_ticks`. Beyond DH_CUT_PENDING it is not followed. */
void dh_cut_times_asked(struct dh_cut_times *times, enum dh_cut_kind kind, int64_t asked_ticks);
/* The last packet of all that was cut so was sent at `last_ticks`; -1: nobody was sent any. */
void dh_cut_times_over(struct dh_cut_times *times, int64_t last_ticks);

/* As in `stats`, see docs/api.md. A new reference. */
json_t *dh_cut_times_json(const struct dh_cut_times *times);

#endif
