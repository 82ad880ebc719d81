/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one connection of a generator takes of a room's places. A segment has its place until it has
 * ended, even if its connection has before, and until that has ended, too; a connection that has asked
 * something and brought no segment yet has one of another kind. Any thread.
 */
#ifndef DH_PUSHER_PLACES_H
#define DH_PUSHER_PLACES_H

#include <stdbool.h>
#include <glib.h>

#include "push_places.h"

struct dh_pusher_places {
	struct dh_push_places *segments, *askers; /* references */
	/* protected by lock */
	GMutex lock;
	char *segment_in, *asks_in; /* the room in which it has a place of that kind; NULL: none */
	bool is_closed, has_segment;
};

/* Takes references. */
void dh_pusher_places_init(struct dh_pusher_places *places, struct dh_push_places *segments,
	struct dh_push_places *askers);
void dh_pusher_places_clear(struct dh_pusher_places *places);

/* A place in `room` for a connection that asks, or for a segment instead, once. -ENOTCONN: the connection
 * has ended; -ENOBUFS: there is none. */
int dh_pusher_places_ask(struct dh_pusher_places *places, const char *room);
int dh_pusher_places_push(struct dh_pusher_places *places, const char *room);

/* The segment has ended, or there will be none. */
void dh_pusher_places_ended(struct dh_pusher_places *places);
/* The connection has ended. */
void dh_pusher_places_close(struct dh_pusher_places *places);

#endif
