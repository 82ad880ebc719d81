/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The viewers of a fan-out whose packets of sound are equally long, and what they are still to be sent.
 *
 * Sound is decided in slots of 20 ms. Where a packet holds more of them it can only leave when the last one has been
 * decided, so everything is sent to these viewers later by the slots before that one: pictures and sound alike, and
 * time stamps and sender reports stay true. Packets begin at media times that are multiples of their length. What
 * cannot be joined (opus_join.h), and silence, is sent in packets of its own.
 *
 * Belongs to its playout's thread.
 */
#ifndef DH_BRANCH_H
#define DH_BRANCH_H

#include "pacer.h"
#include "viewer.h"

/* Zero it, then call dh_branch_init. */
struct dh_branch {
	/* immutable */
	int slots; /* in a packet */
	/* owned */
	struct dh_pacer pacer;
	struct dh_pacer held;                           /* what waits for the last slot of a packet */
	struct dh_viewer *viewers[DH_PACER_GROUPS_MAX]; /* lists by group */
	int64_t next_ticks[DH_PACER_GROUPS_MAX];        /* when the next burst of a picture is due; INT64_MAX: none */
	size_t count;
};

/* `slots`: 1 to DH_OPUS_JOIN_MAX. */
void dh_branch_init(struct dh_branch *branch, int slots, int64_t spread_ticks);
/* It has no viewers any more. */
void dh_branch_clear(struct dh_branch *branch);

/* Puts a viewer into a group: that of one with the same sender, else one of its own if there is one (dh_pacer_choose).
 * The first `spread_from` without a sender are in the first. */
void dh_branch_add(struct dh_branch *branch, struct dh_viewer *viewer, size_t spread_from);
void dh_branch_remove(struct dh_branch *branch, struct dh_viewer *viewer);

/* Queues an item if there are viewers. -ENOMEM: it is not kept. */
int dh_branch_push(struct dh_branch *branch, const struct dh_item *item);
/* All items of the slot have been pushed. -ENOMEM: some are not kept. */
int dh_branch_end_slot(struct dh_branch *branch, int64_t slot_ticks);

#endif
