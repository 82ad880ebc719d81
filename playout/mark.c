/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mark.h"

#include <string.h>

#include "matte.h"

/* Of the shorter side. */
#define MARGIN_PARTS 32
#define MARGIN_MIN   2

static const char *const names[] = {
	[DH_MARK_BOTTOM_RIGHT] = "bottom-right",
	[DH_MARK_BOTTOM_LEFT] = "bottom-left",
	[DH_MARK_TOP_RIGHT] = "top-right",
	[DH_MARK_TOP_LEFT] = "top-left",
};

bool dh_mark_at_parse(enum dh_mark_at *at, const char *name)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(names[i], name) == 0) {
			*at = (enum dh_mark_at)i;
			return true;
		}
	return false;
}

const char *dh_mark_at_name(enum dh_mark_at at)
{
	return names[at];
}

static int side_of(int most, int margin)
{
	int side = (most + margin + 1) / 2 * 2;
	return side < DH_STREAM_SIDE_MIN ? DH_STREAM_SIDE_MIN : side;
}

struct dh_mark_place dh_mark_place(int width, int height)
{
	struct dh_mark_place place = { .width_most = width / 3, .height_most = height / 4 };
	place.margin = (width < height ? width : height) / MARGIN_PARTS / 2 * 2;
	if (place.margin < MARGIN_MIN)
		place.margin = MARGIN_MIN;
	place.width = side_of(place.width_most, place.margin);
	place.height = side_of(place.height_most, place.margin);
	return place;
}

size_t dh_mark_size(int width, int height)
{
	struct dh_mark_place place = dh_mark_place(width, height);
	return (size_t)place.width * (size_t)dh_matte_coded_height(place.height) * 3 / 2;
}
