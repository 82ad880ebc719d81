/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "free_later.h"

#include <limits.h>

#include "playout/unit.h"

/* Fewer are freed at once: that takes less time than finding a thread. */
#define FEW 256
/* In one step: about a millisecond, so that smaller things need not wait for long. */
#define STEP 8192

struct freeing {
	dh_free_fn *some;
	void *thing; /* NULL: nothing is left */
};

static bool step(void *arg)
{
	struct freeing *freeing = arg;

	if (!freeing->some(freeing->thing))
		freeing->thing = NULL;
	return freeing->thing != NULL;
}

static void late(void *arg)
{
	(void)arg;
}

/* The loader may have ended in between. */
static void release(void *arg)
{
	struct freeing *freeing = arg;

	while (freeing->thing)
		step(freeing);
	g_free(freeing);
}

void dh_free_later(struct dh_loader *loader, dh_free_fn *some, void *thing)
{
	static const struct dh_loader_task task = { .step = step, .late = late, .release = release };
	struct freeing *freeing = g_new0(struct freeing, 1);

	freeing->some = some;
	freeing->thing = thing;
	if (!loader || dh_loader_post(loader, DH_LANE_FREE, 0, INT_MAX, &task, freeing) < 0)
		release(freeing);
}

static bool free_some_units(void *thing)
{
	GPtrArray *units = thing;
	guint left = units->len > STEP ? units->len - STEP : 0;

	for (guint i = left; i < units->len; i++)
		dh_unit_unref((struct dh_unit **)&units->pdata[i]);
	g_ptr_array_set_size(units, (gint)left);
	if (left > 0)
		return true;
	g_ptr_array_unref(units);
	return false;
}

void dh_free_units_later(struct dh_loader *loader, GPtrArray *units)
{
	if (units)
		dh_free_later(units->len > FEW ? loader : NULL, free_some_units, units);
}
