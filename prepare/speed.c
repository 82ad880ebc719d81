/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "speed.h"

#include <string.h>

#include "playout/timebase.h"

/* So much media must be ahead to become slower, and to stay so. */
#define BECOME_TICKS (1000 * DH_TICKS_PER_MS)
#define STAY_TICKS   (500 * DH_TICKS_PER_MS)

void dh_speed_init(struct dh_speed *speed, int usual, int ahead)
{
	memset(speed, 0, sizeof *speed);
	speed->usual = usual;
	speed->ahead = ahead < usual ? ahead : usual;
}

int dh_speed_of(struct dh_speed *speed, int64_t pts_ticks, int64_t now_us)
{
	if (!speed->has_begun) {
		speed->begin_ticks = pts_ticks;
		speed->begin_us = now_us;
		speed->has_begun = true;
	}
	int64_t played_ticks = (now_us - speed->begin_us) * DH_TICKS_PER_MS / 1000;
	int64_t ahead_ticks = pts_ticks - speed->begin_ticks - played_ticks;
	speed->is_ahead = ahead_ticks >= (speed->is_ahead ? STAY_TICKS : BECOME_TICKS);
	return speed->is_ahead ? speed->ahead : speed->usual;
}
