/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A queue whose lines take turns: items queue in the line of their owner, and one is
 * taken from each line in turn. So an item waits for its own line, and for one item of
 * every other line per turn.
 *
 * Not thread-safe.
 */
#ifndef DH_TURNS_H
#define DH_TURNS_H

#include <glib.h>

struct dh_turns;

struct dh_turns *dh_turns_new(void);
/* It must be empty. *turns may be NULL. */
void dh_turns_free(struct dh_turns **turns);

/* Appends `item` (not NULL) to the line of `whose`, which is compared, never
 * dereferenced. */
void dh_turns_put(struct dh_turns *turns, const void *whose, void *item);

/* NULL: it is empty. */
void *dh_turns_take(struct dh_turns *turns);

#endif
