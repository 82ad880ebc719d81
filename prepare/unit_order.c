/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit_order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void dh_unit_order_clear(struct dh_unit_order *order)
{
	for (int i = 0; i < 2; i++) {
		for (size_t k = 0; k < order->lanes[i].count; k++)
			dh_unit_unref(&order->lanes[i].units[order->lanes[i].first + k]);
		free(order->lanes[i].units);
	}
	memset(order, 0, sizeof *order);
}

int dh_unit_order_push(struct dh_unit_order *order, struct dh_unit *unit)
{
	int i = unit->media;
	size_t first = order->lanes[i].first, count = order->lanes[i].count;
	struct dh_unit **units = order->lanes[i].units;
	if (first + count == order->lanes[i].capacity) {
		if (first > count) {
			memmove(units, units + first, count * sizeof *units);
			order->lanes[i].first = 0;
		} else {
			size_t capacity = order->lanes[i].capacity * 2 + 16;
			units = realloc(units, capacity * sizeof *units);
			if (!units) {
				dh_unit_unref(&unit);
				return -ENOMEM;
			}
			order->lanes[i].units = units;
			order->lanes[i].capacity = capacity;
		}
	}
	order->lanes[i].units[order->lanes[i].first + order->lanes[i].count++] = unit;
	dh_unit_order_horizon(order, i, unit->pts_ticks);
	return 0;
}

void dh_unit_order_horizon(struct dh_unit_order *order, enum dh_media media, int64_t ticks)
{
	if (order->lanes[media].horizon_ticks < ticks)
		order->lanes[media].horizon_ticks = ticks;
}

void dh_unit_order_shift(struct dh_unit_order *order, enum dh_media media, int64_t ticks)
{
	for (size_t k = 0; k < order->lanes[media].count; k++)
		order->lanes[media].units[order->lanes[media].first + k]->pts_ticks += ticks;
	if (order->lanes[media].horizon_ticks != DH_UNIT_ORDER_NEVER)
		order->lanes[media].horizon_ticks += ticks;
}

/* The earliest time at which the medium may still have a unit. */
static int64_t earliest(const struct dh_unit_order *order, int i)
{
	return order->lanes[i].count ? order->lanes[i].units[order->lanes[i].first]->pts_ticks :
				       order->lanes[i].horizon_ticks;
}

struct dh_unit *dh_unit_order_next(struct dh_unit_order *order)
{
	/* sound first at equal times */
	int i = earliest(order, DH_VIDEO) < earliest(order, DH_AUDIO) ? DH_VIDEO : DH_AUDIO;
	if (!order->lanes[i].count)
		i = !i;
	if (!order->lanes[i].count || earliest(order, i) > earliest(order, !i))
		return NULL;
	order->lanes[i].count--;
	return order->lanes[i].units[order->lanes[i].first++];
}
