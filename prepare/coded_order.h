/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When pictures are shown whose container tells only the times of packets in the order in which
 * they are decoded, as AVI does: the first picture that is shown has the first time, and so on.
 * Pure. Private to track.c.
 */
#ifndef DH_CODED_ORDER_H
#define DH_CODED_ORDER_H

#include <stdbool.h>
#include <stdint.h>

/* A decoder may hold 16 pictures back, and gets one more. */
#define DH_CODED_ORDER_MAX 17

/* Zero-initialise it. */
struct dh_coded_order {
	/* private */
	int64_t times[DH_CODED_ORDER_MAX]; /* of packets whose pictures are not shown yet */
	int count;
	bool has_come; /* a picture, at least one */
};

/* The decoder gets a packet of that time. */
void dh_coded_order_push(struct dh_coded_order *order, int64_t time);

/* Stores in *time when the next picture is shown, if that is known. `held` pictures at most wait in
 * the decoder behind it. Of more packets than that, some had no picture: the oldest, if this is the first
 * picture; afterwards those between the held ones and the newest. */
void dh_coded_order_next(struct dh_coded_order *order, int held, int64_t *time);

#endif
