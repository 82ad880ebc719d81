/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "limits.h"

#include <glib.h>
#include <stdatomic.h>

struct dh_limits {
	atomic_int refs;
	int64_t most[DH_LIMIT_COUNT];
	_Atomic int64_t used[DH_LIMIT_COUNT];
};

struct dh_limits *dh_limits_new(const int64_t *most)
{
	struct dh_limits *limits = g_new0(struct dh_limits, 1);

	atomic_init(&limits->refs, 1);
	for (int i = 0; i < DH_LIMIT_COUNT; i++) {
		limits->most[i] = most[i];
		atomic_init(&limits->used[i], 0);
	}
	return limits;
}

struct dh_limits *dh_limits_ref(struct dh_limits *limits)
{
	atomic_fetch_add(&limits->refs, 1);
	return limits;
}

void dh_limits_unref(struct dh_limits **limits)
{
	struct dh_limits *old = *limits;

	*limits = NULL;
	if (old && atomic_fetch_sub(&old->refs, 1) == 1)
		g_free(old);
}

bool dh_limits_take(struct dh_limits *limits, enum dh_limit which, int64_t count)
{
	if (atomic_fetch_add(&limits->used[which], count) + count <= limits->most[which])
		return true;
	atomic_fetch_sub(&limits->used[which], count);
	return false;
}

void dh_limits_add(struct dh_limits *limits, enum dh_limit which, int64_t count)
{
	atomic_fetch_add(&limits->used[which], count);
}

int64_t dh_limits_used(struct dh_limits *limits, enum dh_limit which)
{
	return atomic_load(&limits->used[which]);
}

int64_t dh_limits_most(struct dh_limits *limits, enum dh_limit which)
{
	return limits->most[which];
}
