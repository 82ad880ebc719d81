/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "coded_order.h"

#include <string.h>

static void drop(struct dh_coded_order *order, int count)
{
	order->count -= count;
	memmove(order->times, order->times + count, (size_t)order->count * sizeof *order->times);
}

void dh_coded_order_push(struct dh_coded_order *order, int64_t time)
{
	/* the others may all be held */
	if (order->count == DH_CODED_ORDER_MAX && order->has_come)
		order->count--;
	else if (order->count == DH_CODED_ORDER_MAX)
		drop(order, 1);
	order->times[order->count++] = time;
}

void dh_coded_order_next(struct dh_coded_order *order, int held, int64_t *time)
{
	if (order->count > held + 1 && order->has_come) {
		order->times[held] = order->times[order->count - 1];
		order->count = held + 1;
	} else if (order->count > held + 1) {
		drop(order, order->count - held - 1);
	}
	order->has_come = true;
	if (order->count == 0)
		return;
	*time = order->times[0];
	drop(order, 1);
}
