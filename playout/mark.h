/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a disclosure mark lies: in a corner of pictures, a margin away from both sides, at most a
 * third as wide and a quarter as high as they are.
 *
 * It is kept as that corner, margin and all: a picture with its matte (matte.h) of a size that
 * follows from the pictures' own. Pure.
 */
#ifndef DH_MARK_H
#define DH_MARK_H

#include <stdbool.h>
#include <stddef.h>

#include "stream.h"

#define DH_MARK_CORNERS "\"bottom-right\", \"bottom-left\", \"top-right\" or \"top-left\""

/* False: `name` is none of these. */
bool dh_mark_at_parse(enum dh_mark_at *at, const char *name);
const char *dh_mark_at_name(enum dh_mark_at at);
static inline bool dh_mark_is_left(enum dh_mark_at at)
{
	return at == DH_MARK_BOTTOM_LEFT || at == DH_MARK_TOP_LEFT;
}
static inline bool dh_mark_is_top(enum dh_mark_at at)
{
	return at == DH_MARK_TOP_RIGHT || at == DH_MARK_TOP_LEFT;
}

/* For pictures that show width x height: even sides. */
struct dh_mark_place {
	int width, height;           /* of the corner; even, and never less than a stream's picture may have */
	int margin;                  /* even */
	int width_most, height_most; /* of the mark */
};
struct dh_mark_place dh_mark_place(int width, int height);

/* The bytes of that corner as I420 with its matte. */
size_t dh_mark_size(int width, int height);

#endif
