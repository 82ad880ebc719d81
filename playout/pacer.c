/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pacer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void dh_pacer_init(struct dh_pacer *pacer, int64_t first_ticks, int64_t spread_ticks)
{
	*pacer = (struct dh_pacer){ 0 };
	int64_t groups = spread_ticks / DH_TICKS_PER_MS;
	pacer->groups = groups < 1 ? 1 : groups > DH_PACER_GROUPS_MAX ? DH_PACER_GROUPS_MAX : (int)groups;
	for (int g = 0; g < pacer->groups; g++)
		pacer->offset_ticks[g] = first_ticks + g * spread_ticks / pacer->groups;
}

static struct dh_item *slot(const struct dh_pacer *pacer, uint64_t number)
{
	return &pacer->ring[number % pacer->capacity]; /* NOLINT(clang-analyzer-core.DivideZero): not empty */
}

static void drop_until(struct dh_pacer *pacer, uint64_t number)
{
	for (; pacer->first < number; pacer->first++) {
		struct dh_item *item = slot(pacer, pacer->first);
		dh_unit_unref(&item->unit);
		dh_unit_unref(&item->anchor);
	}
}

void dh_pacer_clear(struct dh_pacer *pacer)
{
	drop_until(pacer, pacer->end);
	free(pacer->ring);
	pacer->ring = NULL;
	pacer->capacity = 0;
}

static int grow(struct dh_pacer *pacer)
{
	size_t capacity = pacer->capacity ? pacer->capacity * 2 : 64;
	struct dh_item *ring = malloc(capacity * sizeof *ring);
	if (!ring)
		return -ENOMEM;
	for (uint64_t n = pacer->first; n < pacer->end; n++)
		ring[n % capacity] = *slot(pacer, n);
	free(pacer->ring);
	pacer->ring = ring;
	pacer->capacity = capacity;
	return 0;
}

int dh_pacer_push(struct dh_pacer *pacer, const struct dh_item *item)
{
	if (pacer->end - pacer->first == pacer->capacity && grow(pacer))
		return -ENOMEM;
	struct dh_item *kept = slot(pacer, pacer->end++);
	*kept = *item;
	if (kept->unit)
		dh_unit_ref(kept->unit);
	if (kept->anchor)
		dh_unit_ref(kept->anchor);
	return 0;
}

/* How far a group is, either way round, from those with more than `least` members. */
static int distance(const struct dh_pacer *pacer, int group, size_t least)
{
	int nearest = pacer->groups;
	for (int g = 0; g < pacer->groups; g++) {
		int apart = abs(g - group);
		if (apart > pacer->groups - apart)
			apart = pacer->groups - apart;
		if (pacer->members[g] > least && apart < nearest)
			nearest = apart;
	}
	return nearest;
}

int dh_pacer_choose(const struct dh_pacer *pacer, size_t spread_from)
{
	size_t all = 0, least = SIZE_MAX;
	for (int g = 0; g < pacer->groups; g++) {
		all += pacer->members[g];
		if (pacer->members[g] < least)
			least = pacer->members[g];
	}
	if (all < spread_from)
		return 0;
	int best = -1;
	for (int g = 0; g < pacer->groups; g++) {
		if (pacer->members[g] > least)
			continue;
		if (best < 0 || distance(pacer, g, least) > distance(pacer, best, least))
			best = g;
	}
	return best;
}

void dh_pacer_join(struct dh_pacer *pacer, int group)
{
	pacer->members[group]++;
}

void dh_pacer_leave(struct dh_pacer *pacer, int group)
{
	pacer->members[group]--;
}

int64_t dh_pacer_offset_max_ticks(const struct dh_pacer *pacer)
{
	int64_t largest = 0;
	for (int g = 0; g < pacer->groups; g++)
		if (pacer->members[g] && pacer->offset_ticks[g] > largest)
			largest = pacer->offset_ticks[g];
	return largest;
}

bool dh_pacer_due(struct dh_pacer *pacer, int group, int64_t media_ticks, uint64_t *from, uint64_t *to)
{
	uint64_t *next = &pacer->next[group];
	int64_t pictures_ticks = media_ticks;

	*from = *next;
	for (; *next < pacer->end; (*next)++) {
		const struct dh_item *item = slot(pacer, *next);
		int64_t due_ticks = item->media_ticks + pacer->offset_ticks[group];
		if (due_ticks > (item->media == DH_VIDEO ? pictures_ticks : media_ticks))
			break;
		if (item->media == DH_AUDIO && due_ticks + DH_TOGETHER_TICKS > pictures_ticks)
			pictures_ticks = due_ticks + DH_TOGETHER_TICKS;
	}
	*to = *next;
	return *from < *to;
}

const struct dh_item *dh_pacer_item(const struct dh_pacer *pacer, uint64_t number)
{
	return slot(pacer, number);
}

void dh_pacer_trim(struct dh_pacer *pacer)
{
	uint64_t least = pacer->end;
	for (int g = 0; g < pacer->groups; g++)
		if (pacer->next[g] < least)
			least = pacer->next[g];
	drop_until(pacer, least);
}

int64_t dh_pacer_deadline_ticks(const struct dh_pacer *pacer)
{
	int64_t earliest = INT64_MAX;
	for (int g = 0; g < pacer->groups; g++) {
		if (!pacer->members[g] || pacer->next[g] == pacer->end)
			continue;
		int64_t due = slot(pacer, pacer->next[g])->media_ticks + pacer->offset_ticks[g];
		if (due < earliest)
			earliest = due;
	}
	return earliest;
}
