/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts what generators have in each room, against a limit. Any thread. */
#ifndef DH_PUSH_PLACES_H
#define DH_PUSH_PLACES_H

#include <stdbool.h>

struct dh_push_places;

/* `most` for each room. */
struct dh_push_places *dh_push_places_new(int most);
struct dh_push_places *dh_push_places_ref(struct dh_push_places *places);
void dh_push_places_unref(struct dh_push_places **places); /* *places may be NULL */

/* False: the room has as many as it may. */
bool dh_push_places_take(struct dh_push_places *places, const char *room);
void dh_push_places_leave(struct dh_push_places *places, const char *room);

#endif
