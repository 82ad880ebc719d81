/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How punctual a room is, as histograms: how late packets are handed to the gateway, how far sound and pictures
 * are apart by that, and how long viewers wait for their first picture.
 *
 * What leaves together for one viewer counts once for each medium, however many packets it is. Belongs to the
 * room's thread; a copy may be read by any. Times are in ticks.
 */
#ifndef DH_PUNCTUALITY_H
#define DH_PUNCTUALITY_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "histogram.h"

/* Zeroed: nothing yet. */
struct dh_punctuality {
	struct dh_histogram lateness[2]; /* by enum dh_media */
	struct dh_histogram skew;
	struct dh_histogram joins[2]; /* from `watch`, and from the connection, to the first picture */
};

/* Of one viewer. */
struct dh_viewer_times {
	int64_t asked_ticks;      /* when it asked to watch, by CLOCK_MONOTONIC */
	int64_t connected_ticks;  /* when its media could begin, likewise */
	int64_t sound_late_ticks; /* how late its last sound was; DH_LATE_NONE: none yet */
	int64_t join_ticks;       /* from asking to its first picture; -1: it has had none */
	bool was_held_back;       /* it wanted no picture meanwhile, so its join is not counted */
};
void dh_viewer_times_init(struct dh_viewer_times *times, int64_t asked_ticks);

/* Something was handed over for that viewer: `late_ticks` as in dh_handed_fn, but at the time of this call. */
void dh_punctuality_sent(struct dh_punctuality *punctuality, struct dh_viewer_times *times,
	const int64_t late_ticks[2]);
/* Its first picture has left, at `now_ticks`. */
void dh_punctuality_joined(struct dh_punctuality *punctuality, struct dh_viewer_times *times, int64_t now_ticks);

/* Adds `lateness` and `joins` to `stats`, see docs/api.md. */
void dh_punctuality_describe(const struct dh_punctuality *punctuality, json_t *stats);

#endif
