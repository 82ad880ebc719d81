/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mark.h"

#include <stddef.h>
#include <string.h>

#include "playout/matte.h"
#include "stack.h"

#define OPAQUE 255u

/* --- its place */

static int at_least_one(double side, int most)
{
	int rounded = (int)(side + 0.5);
	return rounded < 1 ? 1 : rounded > most ? most : rounded;
}

struct dh_rect dh_mark_rect(int w, int h, int sar_num, int sar_den, const struct dh_turn *turn,
	const struct dh_mark_place *place, enum dh_mark_at at)
{
	double width, height, f = 1;
	dh_picture_shown_size(w, h, sar_num, sar_den, turn, &width, &height);
	if (width > place->width_most)
		f = place->width_most / width;
	if (height * f > place->height_most)
		f = place->height_most / height;
	struct dh_rect rect = { .width = at_least_one(width * f, place->width_most),
		.height = at_least_one(height * f, place->height_most) };
	rect.x = dh_mark_is_left(at) ? place->margin : place->width - place->margin - rect.width;
	rect.y = dh_mark_is_top(at) ? place->margin : place->height - place->margin - rect.height;
	return rect;
}

/* --- pixels */

/* Three planes, and the matte, which may be missing. Strides are those of luma; chroma's are half. */
struct layer {
	uint8_t *luma, *chroma[2], *matte;
	size_t stride;
};

/* From (x, y) on, even; `coded` is I420's height, `top` the matte's first row, 0: it has none. */
static struct layer layer_at(uint8_t *i420, int width, int coded, int top, int x, int y)
{
	size_t stride = (size_t)width, luma = stride * (size_t)coded,
	       half = (size_t)(y / 2) * (stride / 2) + (size_t)(x / 2);
	return (struct layer){ .luma = i420 + (size_t)y * stride + (size_t)x,
		.chroma = { i420 + luma + half, i420 + luma + luma / 4 + half },
		.matte = top ? i420 + (size_t)(top + y) * stride + (size_t)x : NULL,
		.stride = stride };
}

/* A colour over another one, neither multiplied by how opaque it is. */
static uint8_t over(unsigned mark, unsigned alpha, unsigned below, unsigned below_alpha)
{
	unsigned of_mark = alpha * OPAQUE, of_below = below_alpha * (OPAQUE - alpha), sum = of_mark + of_below;
	return (uint8_t)(sum ? (mark * of_mark + below * of_below + sum / 2) / sum : below);
}

/* Two rows of both: how opaque their pixels are. */
struct alphas {
	uint8_t mark[2][DH_STREAM_SIDE_MAX], below[2][DH_STREAM_SIDE_MAX];
};

static void read_alphas(struct alphas *alphas, const struct layer *mark, const struct layer *below, int width)
{
	for (size_t i = 0; i < 2; i++) {
		dh_stack_alpha(mark->matte + i * mark->stride, width, alphas->mark[i]);
		if (below->matte)
			dh_stack_alpha(below->matte + i * below->stride, width, alphas->below[i]);
		else
			memset(alphas->below[i], (int)OPAQUE, (size_t)width);
	}
}

static unsigned mean(const uint8_t rows[2][DH_STREAM_SIDE_MAX], int x)
{
	return (rows[0][x] + rows[0][x + 1] + rows[1][x] + rows[1][x + 1] + 2u) / 4;
}

static void draw_two_rows(const struct alphas *alphas, const struct layer *mark, const struct layer *below, int width)
{
	for (int x = 0; x < width; x += 2) {
		unsigned alpha = mean(alphas->mark, x), below_alpha = mean(alphas->below, x);
		for (int i = 0; i < 2 && alpha; i++) {
			uint8_t *to = below->chroma[i] + x / 2;
			*to = over(mark->chroma[i][x / 2], alpha, *to, below_alpha);
		}
	}
	for (size_t row = 0; row < 2; row++)
		for (int x = 0; x < width; x++) {
			unsigned alpha = alphas->mark[row][x], below_alpha = alphas->below[row][x];
			uint8_t *to = below->luma + row * below->stride + x;
			if (!alpha)
				continue;
			*to = over(mark->luma[row * mark->stride + (size_t)x], alpha, *to, below_alpha);
			if (below->matte)
				below->matte[row * below->stride + (size_t)x] = dh_stack_matte(
					alpha + (below_alpha * (OPAQUE - alpha) + OPAQUE / 2) / OPAQUE);
		}
}

static void step(struct layer *layer)
{
	layer->luma += 2 * layer->stride;
	layer->chroma[0] += layer->stride / 2;
	layer->chroma[1] += layer->stride / 2;
	if (layer->matte)
		layer->matte += 2 * layer->stride;
}

void dh_mark_draw(const struct dh_mark *mark, uint8_t *i420, int width, int height, bool has_matte)
{
	struct dh_mark_place place = dh_mark_place(width, height);
	struct alphas alphas;
	struct layer from = layer_at(mark->i420, place.width, dh_matte_coded_height(place.height),
		dh_matte_top(place.height), 0, 0);
	struct layer to = layer_at(i420, width, has_matte ? dh_matte_coded_height(height) : height,
		has_matte ? dh_matte_top(height) : 0, dh_mark_is_left(mark->at) ? 0 : width - place.width,
		dh_mark_is_top(mark->at) ? 0 : height - place.height);
	for (int y = 0; y < place.height; y += 2) {
		read_alphas(&alphas, &from, &to, place.width);
		draw_two_rows(&alphas, &from, &to, place.width);
		step(&from);
		step(&to);
	}
}

bool dh_mark_is_empty(const uint8_t *i420, const struct dh_mark_place *place)
{
	const uint8_t *matte = i420 + (size_t)dh_matte_top(place->height) * (size_t)place->width;
	for (size_t i = 0; i < (size_t)place->width * (size_t)place->height; i++)
		if (matte[i] != DH_MATTE_CLEAR)
			return false;
	return true;
}
