/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When the media queued in a room cross its low and its high mark. Pure.
 *
 * HIGH is reported when the level reaches the high mark, LOW when it falls to the low mark. With
 * both marks they alternate, so a level that trembles is not told again and again.
 */
#ifndef DH_WATER_H
#define DH_WATER_H

#include <stdbool.h>
#include <stdint.h>

struct dh_water {
	/* immutable; 0: no mark */
	int64_t low_ticks, high_ticks;
	bool is_above_low; /* LOW may be reported */
	bool is_high;      /* HIGH was reported */
};

enum dh_water_mark { DH_WATER_NONE, DH_WATER_LOW, DH_WATER_HIGH };

enum dh_water_mark dh_water_level(struct dh_water *water, int64_t level_ticks);

#endif
