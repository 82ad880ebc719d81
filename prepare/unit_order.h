/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Merges the units of video and audio in order of pts, each as early as its turn is
 * certain.
 */
#ifndef DH_UNIT_ORDER_H
#define DH_UNIT_ORDER_H

#include <stdint.h>

#include "playout/stream.h"
#include "playout/unit.h"

#define DH_UNIT_ORDER_NEVER INT64_MAX

/* Zero-initialise it. */
struct dh_unit_order {
	struct {
		struct dh_unit **units; /* the queue: from first to first + count */
		size_t first, count, capacity;
		int64_t horizon_ticks; /* no further unit comes before this */
	} lanes[2];                    /* by enum dh_media */
};

void dh_unit_order_clear(struct dh_unit_order *order);

/* Takes ownership of the unit, also when it fails (-ENOMEM). Implies that no unit of
 * its medium comes before it. */
int dh_unit_order_push(struct dh_unit_order *order, struct dh_unit *unit);

/* No unit of the medium will come before `ticks`. DH_UNIT_ORDER_NEVER: none at all. */
void dh_unit_order_horizon(struct dh_unit_order *order, enum dh_media media, int64_t ticks);

/* The medium comes so much later, what waits and what was said of it. */
void dh_unit_order_shift(struct dh_unit_order *order, enum dh_media media, int64_t ticks);

/* The next unit if its turn is certain, else NULL. The caller owns it. */
struct dh_unit *dh_unit_order_next(struct dh_unit_order *order);

#endif
