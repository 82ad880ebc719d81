/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When and how a segment wants to play: its place in an utterance, its priority, and
 * what happens where it is not there in time. Zeroed: an ordinary segment.
 */
#ifndef DH_ORDER_H
#define DH_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#define DH_UTTERANCE_MAX 64 /* bytes of an utterance's name */
#define DH_INDEX_MAX     INT32_MAX
#define DH_REPEAT_MAX    1000
#define DH_SOURCES_MAX   4 /* live sources that one room tells apart, see `source` */

/* A segment that is ready interrupts one of lower priority. */
enum dh_priority { DH_PRIORITY_BACKGROUND = -1, DH_PRIORITY_NORMAL = 0, DH_PRIORITY_URGENT = 1 };

/* What a segment does whose next 20 ms are not there in time. */
enum dh_underrun {
	DH_UNDERRUN_HOLD = 0, /* the picture stands in silence; both go on where they stopped */
	DH_UNDERRUN_IDLE,     /* the same, but the avatar idles meanwhile */
	DH_UNDERRUN_SKIP,     /* time goes on; what comes too late is dropped */
};

struct dh_order {
	char utterance[DH_UTTERANCE_MAX + 1]; /* "": none */
	int64_t index;                        /* in its utterance, 0 to DH_INDEX_MAX; -1: after the highest so far */
	bool is_last;                         /* no higher index follows */
	enum dh_priority priority;
	int64_t ttl_ticks; /* it must have started by then; 0: no limit */
	int repeat;        /* how often it plays, 0 to DH_REPEAT_MAX; 0: once */
	/* Where it begins the first time, in its own time: at the last entry before that. */
	int64_t from_ticks;
	bool is_patient; /* it is not interrupted by a higher priority, which waits for its end */
	enum dh_underrun underrun;
	/* Media wanted before it starts or resumes; 0: as long as `source` needs. */
	int64_t preroll_ticks;
	int64_t preroll_most_ticks; /* it never wants more; 0: no limit */
	/* Which live source makes it, 1 to DH_SOURCES_MAX - 1: its preroll is learnt from
	 * that source's segments (preroll.h). 0: none; its preroll is the playout's. */
	int source;
};

#endif
