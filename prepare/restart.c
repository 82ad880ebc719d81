/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "restart.h"

#include <stdlib.h>

#include "playout/timebase.h"

/* Packets may be a little out of order. */
#define BACK_TICKS (250 * DH_TICKS_PER_MS)
/* Times that start again do so near where they started. */
#define NEAR_TICKS (500 * DH_TICKS_PER_MS)
#define FAR_TICKS  (5 * DH_TICKS_PER_SECOND)

static int64_t end_of_all(const struct dh_restart *restart)
{
	int64_t end = INT64_MIN;
	for (int i = 0; i < 2; i++)
		if (restart->of[i].has_begun && restart->of[i].end > end)
			end = restart->of[i].end;
	return end;
}

/* The longest medium of the piece that ends. */
static int64_t length_of_all(const struct dh_restart *restart)
{
	int64_t length = 0;
	for (int i = 0; i < 2; i++)
		if (restart->of[i].has_begun && restart->of[i].end - restart->of[i].begin > length)
			length = restart->of[i].end - restart->of[i].begin;
	return length;
}

static bool is_restart(const struct dh_restart *restart, enum dh_media media, int64_t dts, bool is_known)
{
	/* in the order in which they are shown, pictures between two others come after both, and so may lie
	 * far before the later one */
	int64_t back = (is_known ? restart->of[media].most : restart->of[media].before) - dts;
	/* and those at the very beginning before the first one */
	bool has_gone_on = is_known || restart->of[media].most > restart->of[media].before;
	if (back > FAR_TICKS || (has_gone_on && back > BACK_TICKS && dts <= restart->of[media].first + NEAR_TICKS))
		return true;
	return dts + restart->of[media].shift - end_of_all(restart) > restart->jump_ticks;
}

/* Whether a medium has come to the piece that another one has begun. */
static bool is_newer(const struct dh_restart *restart, enum dh_media media, int64_t dts)
{
	return restart->of[media].piece < restart->count &&
		llabs(dts + restart->shift - restart->of[media].end) <
		llabs(dts + restart->of[media].shift - restart->of[media].end);
}

static void begin(struct dh_restart *restart, enum dh_media media, int64_t dts)
{
	restart->of[media].has_begun = true;
	restart->of[media].piece = restart->count;
	restart->of[media].shift = restart->shift;
	restart->of[media].first = restart->of[media].before = restart->of[media].most = dts;
	restart->of[media].begin = restart->of[media].end = dts + restart->shift;
}

int64_t dh_restart_shift(struct dh_restart *restart, enum dh_media media, int64_t dts, int64_t duration, bool is_known)
{
	if (!restart->of[media].has_begun || is_newer(restart, media, dts)) {
		begin(restart, media, dts);
	} else if (is_restart(restart, media, dts, is_known)) {
		restart->shift = restart->of[media].begin + length_of_all(restart) - dts;
		restart->count++;
		begin(restart, media, dts);
	}
	int64_t end = dts + restart->of[media].shift + duration;
	if (dts > restart->of[media].most) {
		restart->of[media].before = restart->of[media].most;
		restart->of[media].most = dts;
	}
	if (end > restart->of[media].end)
		restart->of[media].end = end;
	return restart->of[media].shift;
}
