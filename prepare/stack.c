/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stack.h"

#include <string.h>

#include <libyuv.h>

#include "playout/matte.h"

/* BT.601's limited range. */
#define LUMA_BLACK 16
#define LUMA_RANGE 219
#define NEUTRAL    128
/* Of DH_BACKGROUND. */
#define GROUND_LUMA 202

/* What is this near to one of the ends is the noise of whoever coded it before. */
#define ALPHA_NOISE 4

uint8_t dh_stack_matte(unsigned alpha)
{
	if (alpha <= ALPHA_NOISE)
		return DH_MATTE_CLEAR;
	return alpha >= 255 - ALPHA_NOISE ? DH_MATTE_SOLID : (uint8_t)(LUMA_BLACK + (alpha * LUMA_RANGE + 127) / 255);
}

/* 0 to LUMA_RANGE. */
static int from_matte(uint8_t luma)
{
	int alpha = luma - LUMA_BLACK;
	return alpha < 0 ? 0 : alpha > LUMA_RANGE ? LUMA_RANGE : alpha;
}

void dh_stack_alpha(const uint8_t *matte, int width, uint8_t *alpha)
{
	for (int x = 0; x < width; x++)
		alpha[x] = (uint8_t)((from_matte(matte[x]) * 255 + LUMA_RANGE / 2) / LUMA_RANGE);
}

struct planes {
	uint8_t *of[3];
	int width[3], height[3]; /* as coded */
};

static struct planes planes_of(uint8_t *i420, int width, int height)
{
	int coded = dh_matte_coded_height(height);
	size_t luma = (size_t)width * (size_t)coded;
	return (struct planes){ { i420, i420 + luma, i420 + luma + luma / 4 }, { width, width / 2, width / 2 },
		{ coded, coded / 2, coded / 2 } };
}

static void repeat_row(uint8_t *plane, int width, int row, int from, int to)
{
	for (int y = from; y < to; y++)
		memcpy(plane + (size_t)y * (size_t)width, plane + (size_t)row * (size_t)width, (size_t)width);
}

/* The margin on both sides of the seam, and the matte's chroma. */
static void fill_margin(const struct planes *p, int height)
{
	int seam = dh_matte_seam(height), top = dh_matte_top(height);
	for (int i = 0; i < 3; i++) {
		int half = i > 0;
		repeat_row(p->of[i], p->width[i], (height >> half) - 1, height >> half, seam >> half);
		if (half)
			memset(p->of[i] + (size_t)(seam >> 1) * (size_t)p->width[i], NEUTRAL,
				(size_t)(p->height[i] - (seam >> 1)) * (size_t)p->width[i]);
	}
	repeat_row(p->of[0], p->width[0], top, seam, top);
}

void dh_stack_rgba(const uint8_t *rgba, int stride, int width, int height, uint8_t *i420)
{
	struct planes p = planes_of(i420, width, height);
	uint8_t *matte = p.of[0] + (size_t)dh_matte_top(height) * (size_t)width;
	/* libyuv's names begin with the highest byte */
	ABGRToI420(rgba, stride, p.of[0], width, p.of[1], width / 2, p.of[2], width / 2, width, height);
	for (int y = 0; y < height; y++, matte += width)
		for (int x = 0; x < width; x++)
			matte[x] = dh_stack_matte(rgba[(ptrdiff_t)y * stride + (ptrdiff_t)x * 4 + 3]);
	fill_margin(&p, height);
}

/* The plane's pixels at the edge of the rectangle go on beside it. */
static void spread_plane(uint8_t *plane, int width, int height, const struct dh_rect *r)
{
	for (int y = r->y; y < r->y + r->height; y++) {
		uint8_t *row = plane + (size_t)y * (size_t)width;
		memset(row, row[r->x], (size_t)r->x);
		memset(row + r->x + r->width, row[r->x + r->width - 1], (size_t)(width - r->x - r->width));
	}
	repeat_row(plane, width, r->y, 0, r->y);
	repeat_row(plane, width, r->y + r->height - 1, r->y + r->height, height);
}

void dh_stack_opaque(uint8_t *i420, int width, int height, const struct dh_rect *rect)
{
	struct planes p = planes_of(i420, width, height);
	uint8_t *matte = p.of[0] + (size_t)dh_matte_top(height) * (size_t)width;
	for (int i = 0; i < 3; i++) {
		int half = i > 0;
		struct dh_rect r = { rect->x >> half, rect->y >> half, rect->width >> half, rect->height >> half };
		spread_plane(p.of[i], p.width[i], height >> half, &r);
	}
	memset(matte, DH_MATTE_CLEAR, (size_t)width * (size_t)height);
	for (int y = rect->y; y < rect->y + rect->height; y++)
		memset(matte + (size_t)y * (size_t)width + rect->x, DH_MATTE_SOLID, (size_t)rect->width);
	fill_margin(&p, height);
}

/* --- what is seen */

/* `matte` NULL: the picture has none. */
static unsigned seen(const uint8_t *luma, const uint8_t *matte, size_t at)
{
	if (!matte)
		return luma[at]; /* NOLINT(clang-analyzer-core.NullDereference): the picture is there */
	int alpha = from_matte(matte[at]);
	return (unsigned)((luma[at] * alpha + GROUND_LUMA * (LUMA_RANGE - alpha) + LUMA_RANGE / 2) / LUMA_RANGE);
}

static const uint8_t *matte_of(const uint8_t *i420, int width, int *height, bool has_matte)
{
	if (!has_matte)
		return NULL;
	*height = dh_matte_height(*height);
	return i420 + (size_t)dh_matte_top(*height) * (size_t)width;
}

/* The sum of what is seen in part of a row. Without a matte eight pixels are added at a time: the
 * thumbnails of all pictures took four per cent of what a live segment takes. */
#define LANES      UINT64_C(0x00ff00ff00ff00ff)
#define WORDS_MOST 128 /* before a lane overflows */
static unsigned sum_row(const uint8_t *luma, bool has_matte, const uint8_t *matte, size_t from, size_t to)
{
	unsigned sum = 0;
	while (!has_matte && to - from >= sizeof(uint64_t)) {
		uint64_t word, lanes = 0;
		for (int i = 0; i < WORDS_MOST && to - from >= sizeof word; i++, from += sizeof word) {
			memcpy(&word, luma + from, sizeof word);
			lanes += (word & LANES) + (word >> 8 & LANES);
		}
		for (; lanes; lanes >>= 16)
			sum += lanes & 0xffff;
	}
	for (; from < to; from++)
		sum += seen(luma, matte, from);
	return sum;
}

/* A mean of some rows is as good for telling pictures apart, and takes a fraction of the time. */
#define LUMA_ROWS 8

void dh_stack_thumbnail(const uint8_t *i420, int width, int coded_height, bool has_matte, uint8_t *luma)
{
	int height = coded_height;
	const uint8_t *matte = matte_of(i420, width, &height, has_matte);
	for (int j = 0; j < DH_LUMA_SIDE; j++) {
		int y0 = j * height / DH_LUMA_SIDE, y1 = (j + 1) * height / DH_LUMA_SIDE;
		int step = y1 - y0 > LUMA_ROWS ? (y1 - y0) / LUMA_ROWS : 1;
		for (int i = 0; i < DH_LUMA_SIDE; i++) {
			int x0 = i * width / DH_LUMA_SIDE, x1 = (i + 1) * width / DH_LUMA_SIDE;
			unsigned sum = 0, count = 0;
			for (int y = y0 + step / 2; y < y1; y += step) {
				size_t row = (size_t)y * (size_t)width;
				sum += sum_row(i420, has_matte, matte, row + (size_t)x0, row + (size_t)x1);
				count += (unsigned)(x1 - x0);
			}
			luma[j * DH_LUMA_SIDE + i] = (uint8_t)(count ? (sum + count / 2) / count : 0);
		}
	}
}

void dh_stack_luma(const uint8_t *i420, int width, int coded_height, bool has_matte, uint8_t *out)
{
	int height = coded_height;
	const uint8_t *matte = matte_of(i420, width, &height, has_matte);
	for (size_t i = 0; i < (size_t)width * (size_t)height; i++)
		out[i] = (uint8_t)seen(i420, matte, i);
}
