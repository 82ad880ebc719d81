/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is due, when, and for whom.
 *
 * Items arrive in order of media time, at most a slot ahead. Viewers are in groups,
 * each with a constant offset: an item is due for a group at its media time plus the
 * offset. A picture that is due at most DH_TOGETHER_TICKS after a packet of sound leaves
 * with it, early, so that whoever sends both wakes once. The pacer keeps an item until every
 * group has had it, and knows the earliest deadline. A group's members are the threads that send to its
 * viewers. Belongs to its playout's thread.
 */
#ifndef DH_PACER_H
#define DH_PACER_H

#include <stdbool.h>

#include "timebase.h"
#include "timeline.h"

#define DH_PACER_GROUPS_MAX 20
#define DH_TOGETHER_TICKS   (2 * DH_TICKS_PER_MS)

struct dh_pacer {
	/* items: a ring; item number n is at n % capacity */
	struct dh_item *ring; /* hold references */
	size_t capacity;
	uint64_t first, end; /* numbers: the oldest kept, one past the newest */
	/* groups */
	int groups;
	int64_t offset_ticks[DH_PACER_GROUPS_MAX];
	uint64_t next[DH_PACER_GROUPS_MAX]; /* the item each group gets next */
	size_t members[DH_PACER_GROUPS_MAX];
};

/* One group for each millisecond of `spread_ticks`, at least one. The first has the
 * offset `first_ticks`. */
void dh_pacer_init(struct dh_pacer *pacer, int64_t first_ticks, int64_t spread_ticks);
void dh_pacer_clear(struct dh_pacer *pacer);

/* Takes references to what `item` holds. -ENOMEM: it is not kept. */
int dh_pacer_push(struct dh_pacer *pacer, const struct dh_item *item);

/* The group for one more member: the first while there are fewer than
 * `spread_from` members in all, then one of the smallest, as far as possible from all others. */
int dh_pacer_choose(const struct dh_pacer *pacer, size_t spread_from);
void dh_pacer_join(struct dh_pacer *pacer, int group);
void dh_pacer_leave(struct dh_pacer *pacer, int group);
/* The largest offset of a group with members. */
int64_t dh_pacer_offset_max_ticks(const struct dh_pacer *pacer);

/* Sets *from and *to (exclusive) to the numbers of the items that leave for `group`
 * at media time `media_ticks`; they count as delivered. False: none. */
bool dh_pacer_due(struct dh_pacer *pacer, int group, int64_t media_ticks, uint64_t *from, uint64_t *to);
const struct dh_item *dh_pacer_item(const struct dh_pacer *pacer, uint64_t number);

/* Drops the items that all groups have had. */
void dh_pacer_trim(struct dh_pacer *pacer);

/* The media time at which something is next due for a group with members; INT64_MAX:
 * never. */
int64_t dh_pacer_deadline_ticks(const struct dh_pacer *pacer);

#endif
