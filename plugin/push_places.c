/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "push_places.h"

#include <stdatomic.h>
#include <glib.h>

struct dh_push_places {
	atomic_int refs;
	int most;
	GMutex lock;
	GHashTable *taken; /* protected by lock: how many, by room */
};

struct dh_push_places *dh_push_places_new(int most)
{
	struct dh_push_places *places = g_new0(struct dh_push_places, 1);

	atomic_init(&places->refs, 1);
	places->most = most;
	g_mutex_init(&places->lock);
	places->taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return places;
}

struct dh_push_places *dh_push_places_ref(struct dh_push_places *places)
{
	atomic_fetch_add(&places->refs, 1);
	return places;
}

void dh_push_places_unref(struct dh_push_places **places)
{
	struct dh_push_places *old = *places;

	*places = NULL;
	if (!old || atomic_fetch_sub(&old->refs, 1) != 1)
		return;
	g_hash_table_unref(old->taken);
	g_mutex_clear(&old->lock);
	g_free(old);
}

bool dh_push_places_take(struct dh_push_places *places, const char *room)
{
	g_mutex_lock(&places->lock);
	int count = GPOINTER_TO_INT(g_hash_table_lookup(places->taken, room));
	bool is_free = count < places->most;
	if (is_free)
		g_hash_table_insert(places->taken, g_strdup(room), GINT_TO_POINTER(count + 1));
	g_mutex_unlock(&places->lock);
	return is_free;
}

void dh_push_places_leave(struct dh_push_places *places, const char *room)
{
	g_mutex_lock(&places->lock);
	int count = GPOINTER_TO_INT(g_hash_table_lookup(places->taken, room));
	if (count > 1)
		g_hash_table_insert(places->taken, g_strdup(room), GINT_TO_POINTER(count - 1));
	else
		g_hash_table_remove(places->taken, room);
	g_mutex_unlock(&places->lock);
}
