/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pusher_places.h"

#include <errno.h>

void dh_pusher_places_init(struct dh_pusher_places *places, struct dh_push_places *segments,
	struct dh_push_places *askers)
{
	*places = (struct dh_pusher_places){ .segments = dh_push_places_ref(segments),
		.askers = dh_push_places_ref(askers) };
	g_mutex_init(&places->lock);
}

/* --- with the lock held */

static void leave(struct dh_push_places *places, char **room)
{
	if (*room)
		dh_push_places_leave(places, *room);
	g_clear_pointer(room, g_free);
}

static int take(struct dh_pusher_places *places, struct dh_push_places *from, const char *room, char **taken)
{
	if (places->is_closed)
		return -ENOTCONN;
	if (!dh_push_places_take(from, room))
		return -ENOBUFS;
	*taken = g_strdup(room);
	return 0;
}

static void leave_if_over(struct dh_pusher_places *places)
{
	if (places->is_closed && !places->has_segment)
		leave(places->segments, &places->segment_in);
}

/* --- */

void dh_pusher_places_clear(struct dh_pusher_places *places)
{
	leave(places->segments, &places->segment_in);
	leave(places->askers, &places->asks_in);
	dh_push_places_unref(&places->segments);
	dh_push_places_unref(&places->askers);
	g_mutex_clear(&places->lock);
}

int dh_pusher_places_ask(struct dh_pusher_places *places, const char *room)
{
	int err = 0;

	g_mutex_lock(&places->lock);
	if (g_strcmp0(places->asks_in, room) != 0) {
		leave(places->askers, &places->asks_in);
		err = take(places, places->askers, room, &places->asks_in);
	}
	g_mutex_unlock(&places->lock);
	return err;
}

int dh_pusher_places_push(struct dh_pusher_places *places, const char *room)
{
	g_mutex_lock(&places->lock);
	int err = take(places, places->segments, room, &places->segment_in);
	places->has_segment = !err;
	if (!err)
		leave(places->askers, &places->asks_in);
	g_mutex_unlock(&places->lock);
	return err;
}

void dh_pusher_places_ended(struct dh_pusher_places *places)
{
	g_mutex_lock(&places->lock);
	places->has_segment = false;
	leave_if_over(places);
	g_mutex_unlock(&places->lock);
}

void dh_pusher_places_close(struct dh_pusher_places *places)
{
	g_mutex_lock(&places->lock);
	places->is_closed = true;
	leave(places->askers, &places->asks_in);
	leave_if_over(places);
	g_mutex_unlock(&places->lock);
}
