/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much media a live source should be ahead before its segment starts: the least that
 * would have kept the source's last segments from being held. Pure.
 */
#ifndef DH_PREROLL_H
#define DH_PREROLL_H

#include "timebase.h"

#define DH_PREROLL_MIN_TICKS (60 * DH_TICKS_PER_MS)
#define DH_PREROLL_MAX_TICKS (1000 * DH_TICKS_PER_MS)
#define DH_PREROLL_SEGMENTS  8  /* so many segments are remembered */
#define DH_ARRIVALS_MAX      64 /* within the first second of a segment */

/* How a segment's media arrived. Zeroed: nothing has. */
struct dh_arrivals {
	int count;
	int64_t first_ticks, known_ticks; /* when the first came; media known by now */
	int64_t delay_ticks;              /* playing later than this after `first_ticks` needed no hold */
	struct {
		int64_t after_ticks, known_ticks; /* after the first; media known from then on */
	} early[DH_ARRIVALS_MAX];
};

/* By `now_ticks` media up to `known_ticks` are there (INT64_MAX: all). In order of time. */
void dh_arrivals_note(struct dh_arrivals *arrivals, int64_t now_ticks, int64_t known_ticks);
/* The least preroll with which the segment would not have been held. */
int64_t dh_arrivals_preroll_ticks(const struct dh_arrivals *arrivals);

/* Zeroed: nothing is known of the source. */
struct dh_preroll {
	int64_t needed_ticks[DH_PREROLL_SEGMENTS];
	unsigned learnt; /* segments */
};

void dh_preroll_learn(struct dh_preroll *preroll, const struct dh_arrivals *arrivals);
/* Between DH_PREROLL_MIN_TICKS and DH_PREROLL_MAX_TICKS; `unknown_ticks` while nothing is
 * known. */
int64_t dh_preroll_ticks(const struct dh_preroll *preroll, int64_t unknown_ticks);

#endif
