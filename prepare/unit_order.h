/* Puts encoded units of picture and sound into the order of the stream: by pts
 * over both, each as early as that can be known.
 */
#ifndef DH_UNIT_ORDER_H
#define DH_UNIT_ORDER_H

#include <stdint.h>

#include "playout/stream.h"
#include "playout/unit.h"

#define DH_UNIT_ORDER_NEVER INT64_MAX

/* Zeroed, it is empty and nothing is known. */
struct dh_unit_order {
	struct {
		struct dh_unit **units; /* a queue: first to first + count */
		size_t first, count, capacity;
		int64_t horizon_ticks; /* no further unit comes before this */
	} lanes[2]; /* by enum dh_media */
};

void dh_unit_order_clear(struct dh_unit_order *order);

/* Takes over the reference, also when it fails (-ENOMEM). A unit says by itself
 * that none of its medium comes before it. */
int dh_unit_order_push(struct dh_unit_order *order, struct dh_unit *unit);

/* DH_UNIT_ORDER_NEVER: the medium has ended, or there is none. */
void dh_unit_order_horizon(struct dh_unit_order *order, enum dh_media media, int64_t ticks);

/* The next unit that is certain to be the next, or NULL; the caller's. */
struct dh_unit *dh_unit_order_next(struct dh_unit_order *order);

#endif
