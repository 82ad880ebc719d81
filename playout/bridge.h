/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bridge: a few pictures that lead from a picture, the last of a segment or one of a clip, into
 * one of the avatar's clips. They show pictures of that clip, into which that picture fades; the clip
 * goes on at the entry behind them.
 */
#ifndef DH_BRIDGE_H
#define DH_BRIDGE_H

#include "segment.h"
#include "stance.h"

/* More than this is never decoded for a bridge, on either side: entries are too far apart. */
#define DH_BRIDGE_PICTURES_MAX 256
#define DH_BRIDGE_BYTES_MAX    (4u * 1024 * 1024)

/* Which pictures it is made of. Indices count pictures of a segment or of the clip; those of
 * the clip go on at 0 behind its last. */
struct dh_bridge_plan {
	const struct dh_segment *from, *clip; /* borrowed, until the playout changes */
	enum dh_stance to;                    /* the clip's */
	int64_t leave_ticks;                  /* media time at which a clip is left; of a segment 0 */
	size_t tail_first, tail_count;        /* of the segment: from an entry to its last picture */
	size_t lead_first, lead_count;        /* of the clip: from an entry to the last that is blended, */
	size_t skip;                          /* of which so many are only decoded */
	size_t back;                          /* the entry at which the clip goes on */
};

/* Plans the bridge from picture `last` of `segment` to the place in `clip` (complete, with
 * video) that looks most like it, at least `fade_ticks` long unless the clip is shorter.
 * -E2BIG: more than the above would have to be decoded; -EINVAL: they have different sizes. */
int dh_bridge_plan(struct dh_bridge_plan *plan, const struct dh_segment *segment, size_t last,
	const struct dh_segment *clip, int64_t fade_ticks);

/* The same out of `clip`, whose pictures `first` and on, `count` of them, fade into the first picture of `segment`. */
int dh_bridge_plan_out(struct dh_bridge_plan *plan, const struct dh_segment *segment, const struct dh_segment *clip,
	size_t first, size_t count);

#endif
