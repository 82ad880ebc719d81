/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spread.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* Halved so often that one pixel is left of any picture. */
#define LEVELS_MAX 14
/* A pixel's own colour counts in full from an alpha of 32 on; below that eight bits say too
 * little about it. */
#define GAIN 8

/* RGB, and a weight: alpha in the picture itself. */
struct plane {
	uint8_t *bytes;
	int stride, width, height;
	unsigned gain;
};

struct dh_spread {
	int count;
	struct plane levels[LEVELS_MAX]; /* the first is the caller's */
};

static uint8_t *pixel(const struct plane *plane, int x, int y)
{
	return plane->bytes + (ptrdiff_t)y * plane->stride + (ptrdiff_t)x * 4;
}

static unsigned weight(const struct plane *plane, const uint8_t *p)
{
	unsigned w = p[3] * plane->gain;
	return w > 255 ? 255 : w;
}

struct dh_spread *dh_spread_new(int width, int height)
{
	struct dh_spread *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->levels[s->count++] = (struct plane){ NULL, 0, width, height, GAIN };
	while ((width > 1 || height > 1) && s->count < LEVELS_MAX) {
		width = (width + 1) / 2;
		height = (height + 1) / 2;
		uint8_t *bytes = malloc((size_t)width * (size_t)height * 4);
		s->levels[s->count++] = (struct plane){ bytes, width * 4, width, height, 1 };
		if (!bytes) {
			dh_spread_free(&s);
			return NULL;
		}
	}
	return s;
}

void dh_spread_free(struct dh_spread **spread)
{
	struct dh_spread *s = *spread;
	*spread = NULL;
	if (!s)
		return;
	for (int i = 1; i < s->count; i++)
		free(s->levels[i].bytes);
	free(s);
}

static void divide(const struct plane *plane)
{
	for (int y = 0; y < plane->height; y++) {
		uint8_t *p = pixel(plane, 0, y);
		for (int x = 0; x < plane->width; x++, p += 4)
			for (int i = 0; i < 3 && p[3] && p[3] != 255; i++) {
				unsigned c = (p[i] * 255u + p[3] / 2u) / p[3];
				p[i] = (uint8_t)(c > 255 ? 255 : c);
			}
	}
}

/* The weighted mean of four pixels. */
static void pull_one(const struct plane *from, int x, int y, uint8_t *to)
{
	unsigned sums[3] = { 0 }, weights = 0;
	for (int k = 0; k < 4; k++) {
		int u = 2 * x + (k & 1), v = 2 * y + (k >> 1);
		if (u >= from->width || v >= from->height)
			continue;
		const uint8_t *p = pixel(from, u, v);
		unsigned w = weight(from, p);
		weights += w;
		for (int i = 0; i < 3; i++)
			sums[i] += p[i] * w;
	}
	for (int i = 0; i < 3; i++)
		to[i] = (uint8_t)(weights ? (sums[i] + weights / 2) / weights : 0);
	to[3] = (uint8_t)(weights > 255 ? 255 : weights);
}

static void pull(const struct plane *from, const struct plane *to)
{
	for (int y = 0; y < to->height; y++)
		for (int x = 0; x < to->width; x++)
			pull_one(from, x, y, pixel(to, x, y));
}

static int within(int at, int size)
{
	return at < 0 ? 0 : at < size ? at : size - 1;
}

/* Where a pixel has little weight, what the coarser plane has there, between its pixels. */
static void push_one(const struct plane *from, int x, int y, uint8_t *to, unsigned w)
{
	int near_x = x / 2, near_y = y / 2;
	int far_x = within(x & 1 ? near_x + 1 : near_x - 1, from->width);
	int far_y = within(y & 1 ? near_y + 1 : near_y - 1, from->height);
	const uint8_t *a = pixel(from, near_x, near_y), *b = pixel(from, far_x, near_y);
	const uint8_t *c = pixel(from, near_x, far_y), *d = pixel(from, far_x, far_y);
	for (int i = 0; i < 3; i++) {
		unsigned mean = (9u * a[i] + 3u * b[i] + 3u * c[i] + d[i] + 8) / 16;
		to[i] = (uint8_t)((to[i] * w + mean * (255 - w) + 127) / 255);
	}
}

static void push(const struct plane *from, const struct plane *to)
{
	for (int y = 0; y < to->height; y++)
		for (int x = 0; x < to->width; x++) {
			uint8_t *p = pixel(to, x, y);
			unsigned w = weight(to, p);
			if (w < 255)
				push_one(from, x, y, p, w);
		}
}

void dh_spread_run(struct dh_spread *s, uint8_t *rgba, int stride, const uint8_t *rgb)
{
	s->levels[0].bytes = rgba;
	s->levels[0].stride = stride;
	divide(&s->levels[0]);
	for (int i = 0; i + 1 < s->count; i++)
		pull(&s->levels[i], &s->levels[i + 1]);
	uint8_t *last = s->levels[s->count - 1].bytes;
	bool is_empty = weight(&s->levels[s->count - 1], last) == 0;
	for (int i = 0; i < 3 && is_empty; i++)
		last[i] = rgb[i];
	for (int i = s->count - 1; i > 0; i--)
		push(&s->levels[i], &s->levels[i - 1]);
}
