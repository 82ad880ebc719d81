/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From cairo's pixels to the planes that encoders take. */
#ifndef DH_TALKER_I420_H
#define DH_TALKER_I420_H

#include <stdint.h>

/* Converts the rectangle at x, y (even) of `width` x `height` (even) of an xRGB
 * picture (32 bits a pixel, `stride` bytes a row) into the same place of an I420
 * picture of `full_width` x `full_height` without padding. BT.601,
 * limited range. */
void dh_i420_convert(uint8_t *i420, int full_width, int full_height, const uint8_t *xrgb, int stride, int x, int y,
	int width, int height);

#endif
