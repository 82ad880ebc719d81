/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "water.h"

enum dh_water_mark dh_water_level(struct dh_water *water, int64_t level_ticks)
{
	bool is_low = level_ticks <= water->low_ticks;
	if (water->is_high && (water->low_ticks ? is_low : level_ticks < water->high_ticks))
		water->is_high = false;
	if (water->low_ticks && is_low && water->is_above_low) {
		water->is_above_low = false;
		return DH_WATER_LOW;
	}
	water->is_above_low = !is_low;
	if (water->high_ticks && level_ticks >= water->high_ticks && !water->is_high) {
		water->is_high = true;
		return DH_WATER_HIGH;
	}
	return DH_WATER_NONE;
}
