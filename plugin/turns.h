/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A queue whose lines take turns: each thing stands in the line of whoever it
 * belongs to, in order, and one is taken from each line in turn. So a long line
 * delays a short one by one thing for each line that there is.
 *
 * Not locked: the caller's one thread.
 */
#ifndef DH_TURNS_H
#define DH_TURNS_H

#include <glib.h>

struct dh_turns;

struct dh_turns *dh_turns_new(void);
/* It must be empty. */
void dh_turns_free(struct dh_turns **turns);

/* `item` (not NULL) goes to the end of the line of `whose`, which is compared and
 * never looked into. */
void dh_turns_put(struct dh_turns *turns, const void *whose, void *item);

/* NULL: it is empty. */
void *dh_turns_take(struct dh_turns *turns);

#endif
