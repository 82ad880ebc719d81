/* What is due, when, and for whom.
 *
 * Items come in the order of media time, a slot ahead at most. Viewers are in
 * groups with a constant offset each: an item is due for a group at its media
 * time plus the group's offset. The pacer keeps an item until the last group
 * has had it, and knows the earliest deadline of all.
 */
#ifndef DH_PACER_H
#define DH_PACER_H

#include <stdbool.h>

#include "timeline.h"

#define DH_PACER_GROUPS_MAX 20

struct dh_pacer {
	/* items: a ring; item number n is at n % capacity */
	struct dh_item *ring; /* hold references */
	size_t capacity;
	uint64_t first, end;  /* numbers: the oldest kept, one beyond the newest */
	/* groups */
	int groups;
	int64_t offset_ticks[DH_PACER_GROUPS_MAX];
	uint64_t next[DH_PACER_GROUPS_MAX];  /* the item each group gets next */
	size_t members[DH_PACER_GROUPS_MAX];
};

/* One group for each millisecond of `spread_ticks`, at least one; the first has offset 0. */
void dh_pacer_init(struct dh_pacer *pacer, int64_t spread_ticks);
void dh_pacer_clear(struct dh_pacer *pacer);

/* Takes references. -ENOMEM: the item is not kept. */
int dh_pacer_push(struct dh_pacer *pacer, const struct dh_item *item);

/* The group for a newcomer: the first while there are fewer than `spread_from`
 * members, then the one with the fewest. */
int dh_pacer_join(struct dh_pacer *pacer, size_t spread_from);
void dh_pacer_leave(struct dh_pacer *pacer, int group);
/* The largest offset of a group with members. */
int64_t dh_pacer_offset_max_ticks(const struct dh_pacer *pacer);

/* Numbers of the items that are due for `group` at media time `media_ticks`:
 * from *from up to, not including, *to; they count as delivered. false: none. */
bool dh_pacer_due(struct dh_pacer *pacer, int group, int64_t media_ticks, uint64_t *from, uint64_t *to);
const struct dh_item *dh_pacer_item(const struct dh_pacer *pacer, uint64_t number);

/* Drops what every group has had. */
void dh_pacer_trim(struct dh_pacer *pacer);

/* Media time at which something is due for a group with members; INT64_MAX: nothing. */
int64_t dh_pacer_deadline_ticks(const struct dh_pacer *pacer);

#endif
