/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "talker_i420.h"

#include <stddef.h>

static uint8_t luma(uint32_t pixel)
{
	int r = pixel >> 16 & 0xff, g = pixel >> 8 & 0xff, b = pixel & 0xff;

	return (uint8_t)(((66 * r + 129 * g + 25 * b + 128) >> 8) + 16);
}

/* Two rows at once, since four pixels share their colour. */
static void convert_rows(const uint32_t *upper, const uint32_t *lower, int width, uint8_t *luma_upper,
	uint8_t *luma_lower, uint8_t *u, uint8_t *v)
{
	for (int x = 0; x < width; x++)
		luma_upper[x] = luma(upper[x]);
	for (int x = 0; x < width; x++)
		luma_lower[x] = luma(lower[x]);
	for (int x = 0; x < width / 2; x++) {
		uint32_t a = upper[2 * x], b = upper[2 * x + 1], c = lower[2 * x], d = lower[2 * x + 1];
		/* Red and blue added at once, 16 bits apart. */
		uint32_t rb = (a & 0xff00ff) + (b & 0xff00ff) + (c & 0xff00ff) + (d & 0xff00ff);
		int red = (int)(rb >> 16), blue = (int)(rb & 0xffff);
		int green = (int)((a >> 8 & 0xff) + (b >> 8 & 0xff) + (c >> 8 & 0xff) + (d >> 8 & 0xff));
		u[x] = (uint8_t)(((-38 * red - 74 * green + 112 * blue + 512) >> 10) + 128);
		v[x] = (uint8_t)(((112 * red - 94 * green - 18 * blue + 512) >> 10) + 128);
	}
}

void dh_i420_convert(uint8_t *i420, int full_width, int full_height, const uint8_t *xrgb, int stride, int x, int y,
	int width, int height)
{
	size_t pixels = (size_t)full_width * (size_t)full_height;
	uint8_t *u = i420 + pixels, *v = u + pixels / 4;

	for (int row = y; row < y + height; row += 2) {
		const uint8_t *pixel = xrgb + (ptrdiff_t)row * stride + 4 * (ptrdiff_t)x;
		uint8_t *y_plane = i420 + (ptrdiff_t)row * full_width + x;
		ptrdiff_t chroma = (ptrdiff_t)(row / 2) * (full_width / 2) + x / 2;
		convert_rows((const uint32_t *)(const void *)pixel, (const uint32_t *)(const void *)(pixel + stride),
			width, y_plane, y_plane + full_width, u + chroma, v + chroma);
	}
}
