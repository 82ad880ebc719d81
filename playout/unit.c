/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

struct dh_unit *dh_unit_new(enum dh_media media, int64_t pts_ticks, int64_t duration_ticks, const void *data,
	size_t size)
{
	struct dh_unit *unit = calloc(1, sizeof *unit + size);
	if (!unit)
		return NULL;
	unit->refs = 1;
	unit->media = media;
	unit->pts_ticks = pts_ticks;
	unit->duration_ticks = duration_ticks;
	unit->size = size;
	memcpy(unit->data, data, size);
	return unit;
}

struct dh_unit *dh_unit_ref(struct dh_unit *unit)
{
	__atomic_add_fetch(&unit->refs, 1, __ATOMIC_RELAXED);
	return unit;
}

void dh_unit_unref(struct dh_unit **unit)
{
	struct dh_unit *u = *unit;
	*unit = NULL;
	if (u && __atomic_sub_fetch(&u->refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(u);
}

bool dh_unit_same_bytes(const struct dh_unit *a, const struct dh_unit *b)
{
	return a == b || (a && b && a->size == b->size && memcmp(a->data, b->data, a->size) == 0);
}
