/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which parts of a segment were played when, and so which of them one viewer was sent.
 *
 * Pure. Times are ticks: media time of the room, and times of the segment.
 */
#ifndef DH_SPANS_H
#define DH_SPANS_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/* A part that was played without a break. */
struct dh_span {
	int64_t at_ticks;    /* in the segment */
	int64_t media_ticks; /* when it began */
	int64_t length_ticks;
};

/* Kept of a segment: when it has more breaks, the first ones are forgotten. */
#define DH_SPANS_MAX 256

/* The segment begins, or goes on behind what was dropped, at `at_ticks` (more than 0), at media time `media_ticks`. */
void dh_spans_begin(GArray **spans, int64_t at_ticks, int64_t media_ticks);
/* So much of a segment has been played, all that is before `reached_ticks`; its time 0 is, or would have
 * been, at media time `begun_ticks`. *spans is made when it is needed (GArray of struct dh_span, in the
 * order of time). Call it for each slot; in a slot in which nothing is played `reached_ticks` stays. Before
 * its time 0 (it is negative) nothing of it has been. */
void dh_spans_note(GArray **spans, int64_t begun_ticks, int64_t reached_ticks);

/* The furthest place that was played. */
int64_t dh_spans_reached_ticks(const GArray *spans);

/* When a viewer was sent sound: the media times at which that began and ended, in turns. At most
 * DH_GATES_MAX of them are kept, the newest. */
#define DH_GATES_MAX 256
void dh_gates_note(GArray **gates, bool is_open, int64_t media_ticks);

/* What was played while the gates were open: an array of spans, which the caller frees. `now_ticks`: the
 * end of one that is open. Both arrays may be NULL. Parts that follow each other are one. */
GArray *dh_spans_heard(const GArray *spans, const GArray *gates, int64_t now_ticks);

#endif
