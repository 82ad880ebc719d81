/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An avatar's disclosure mark: a small picture, partly transparent or not, that is laid over a
 * corner of every picture (playout/mark.h). What is behind it shows through where it is not opaque;
 * where nothing is, because the avatar is transparent, the picture becomes as opaque as the mark.
 */
#ifndef DH_PREPARE_MARK_H
#define DH_PREPARE_MARK_H

#include <stdbool.h>
#include <stdint.h>

#include "placement.h"
#include "playout/mark.h"

struct dh_mark {
	enum dh_mark_at at;
	uint8_t *i420; /* that corner, dh_mark_size bytes; NULL: there is no mark */
};

/* Where on its corner a stored picture goes: of its own size, or scaled down, and in pixels that may be odd. */
struct dh_rect dh_mark_rect(int w, int h, int sar_num, int sar_den, const struct dh_turn *turn,
	const struct dh_mark_place *place, enum dh_mark_at at);

/* Whether nothing of the mark can be seen. `place` is that of its corner. */
bool dh_mark_is_empty(const uint8_t *i420, const struct dh_mark_place *place);

/* Draws it on a picture that shows width x height, and is of the coded height if it has a matte. */
void dh_mark_draw(const struct dh_mark *mark, uint8_t *i420, int width, int height, bool has_matte);

#endif
