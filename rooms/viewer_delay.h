/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long a viewer's receiver is asked to hold pictures before it shows them, at least and at most, in steps of
 * 10 ms (header extension playout-delay).
 *
 * A picture says so in its first packet, which is where libwebrtc reads it (RtpVideoStreamReceiver2 makes a frame's
 * header of its first packet), and every picture does, so that no single loss matters. libwebrtc keeps what it heard
 * last. So once nothing is wanted any more some pictures say what a receiver does by itself, and after them packets are
 * as they were before.
 */
#ifndef DH_VIEWER_DELAY_H
#define DH_VIEWER_DELAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

/* The extension has 12 bits for each. */
#define DH_DELAY_MAX 0xfff

/* How many pictures take a delay back. */
#define DH_DELAY_ENDS 50

/* Zeroed: the receiver decides. */
struct dh_delay {
	bool is_set;
	int min, max; /* the first is not above the second */
};

/* A change: 0 to DH_DELAY_MAX, or one of these. */
#define DH_DELAY_KEEP (-1)
#define DH_DELAY_END  (-2)

/* Where one contradicts the other, which is kept, that follows, as in the Streaming plugin;
 * where nothing was set, `min` alone is both, and `max` alone begins at 0. Ending one ends both. False: the two
 * given contradict each other. */
bool dh_delay_change(struct dh_delay *delay, int64_t min, int64_t max);

/* Sets `min_delay` and `max_delay` in `json`; not where the receiver decides. */
void dh_delay_describe(const struct dh_delay *delay, json_t *json);

/* Zeroed: the receiver decides. */
struct dh_viewer_delay {
	/* immutable */
	unsigned of_room; /* of a viewer that asks for nothing, see viewer_delay.c */
	/* any thread, atomically */
	atomic_uint asked;  /* its own; 0: none */
	atomic_uint wanted; /* what pictures say; 0: nothing */
	atomic_int ends;    /* how many pictures are still to take it back; set by the room's thread */
};

void dh_viewer_delay_init(struct dh_viewer_delay *viewer, const struct dh_delay *of_room);
/* `to`, in another room and not sent anything yet, goes on as `from`. */
void dh_viewer_delay_continue(struct dh_viewer_delay *to, const struct dh_viewer_delay *from);

/* What is wanted of it. Any thread. */
void dh_viewer_delay_get(const struct dh_viewer_delay *viewer, struct dh_delay *delay);
/* It asks for this; not set: for nothing of its own. One thread at a time, any. */
void dh_viewer_delay_ask(struct dh_viewer_delay *viewer, const struct dh_delay *delay);

/* For dh_viewer_delay_next. */
bool dh_viewer_delay_say(struct dh_viewer_delay *viewer, int steps[2]);

/* A picture begins, in the room's thread. True: it is to say `steps`, the least and the most. */
static inline bool dh_viewer_delay_next(struct dh_viewer_delay *viewer, int steps[2])
{
	return (atomic_load_explicit(&viewer->wanted, memory_order_relaxed) ||
		       atomic_load_explicit(&viewer->ends, memory_order_relaxed)) &&
		dh_viewer_delay_say(viewer, steps);
}

#endif
