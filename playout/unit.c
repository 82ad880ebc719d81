/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "timebase.h"

static struct dh_unit *alloc(enum dh_media media, int64_t pts_ticks, int64_t duration_ticks, size_t size, size_t more)
{
	struct dh_unit *unit = calloc(1, sizeof *unit + size + more);
	if (!unit)
		return NULL;
	atomic_init(&unit->refs, 1);
	unit->media = media;
	unit->pts_ticks = pts_ticks;
	unit->duration_ticks = duration_ticks;
	unit->size = size;
	return unit;
}

struct dh_unit *dh_unit_new(enum dh_media media, int64_t pts_ticks, int64_t duration_ticks, const void *data,
	size_t size)
{
	struct dh_unit *unit = alloc(media, pts_ticks, duration_ticks, size, 0);
	if (unit)
		memcpy(unit->data, data, size);
	return unit;
}

struct dh_unit *dh_unit_new_sound(int64_t pts_ticks, const void *data, size_t size, const void *fade, size_t fade_size)
{
	struct dh_unit *unit = alloc(DH_AUDIO, pts_ticks, DH_SLOT_TICKS, size, fade_size);
	if (!unit)
		return NULL;
	memcpy(unit->data, data, size);
	if (fade_size)
		memcpy(unit->data + size, fade, fade_size);
	unit->fade_size = fade_size;
	return unit;
}

const uint8_t *dh_unit_fade(const struct dh_unit *unit, size_t *size)
{
	*size = unit->fade_size;
	return unit->fade_size ? unit->data + unit->size : NULL;
}

struct dh_unit *dh_unit_ref(struct dh_unit *unit)
{
	atomic_fetch_add(&unit->refs, 1);
	return unit;
}

void dh_unit_unref(struct dh_unit **unit)
{
	struct dh_unit *old = *unit;

	*unit = NULL;
	while (old && atomic_fetch_sub(&old->refs, 1) == 1) {
		struct dh_unit *lower = old->lower;
		free(old);
		old = lower;
	}
}

size_t dh_unit_bytes(const struct dh_unit *unit)
{
	size_t bytes = 0;
	for (; unit; unit = unit->lower)
		bytes += unit->size + unit->fade_size;
	return bytes;
}

unsigned dh_unit_luma_distance(const struct dh_unit *a, const struct dh_unit *b)
{
	unsigned sum = 0;
	for (int i = 0; i < DH_LUMA_BYTES; i++)
		sum += (unsigned)abs(a->luma[i] - b->luma[i]);
	return sum;
}

bool dh_unit_same_bytes(const struct dh_unit *a, const struct dh_unit *b)
{
	return a == b || (a && b && a->size == b->size && memcmp(a->data, b->data, a->size) == 0);
}
