/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "branch.h"

#include <errno.h>

#include "opus_join.h"
#include "timebase.h"

void dh_branch_init(struct dh_branch *branch, int slots, int64_t spread_ticks)
{
	branch->slots = slots;
	dh_pacer_init(&branch->pacer, (slots - 1) * DH_SLOT_TICKS, spread_ticks);
	dh_pacer_init(&branch->held, 0, 0);
	for (int g = 0; g < DH_PACER_GROUPS_MAX; g++)
		branch->next_ticks[g] = INT64_MAX;
}

void dh_branch_clear(struct dh_branch *branch)
{
	dh_pacer_clear(&branch->held);
	dh_pacer_clear(&branch->pacer);
}

/* --- viewers */

/* One that shares its sending thread, or NULL. */
static struct dh_viewer *companion(const struct dh_branch *branch, int sender)
{
	for (int g = 0; sender && g < branch->pacer.groups; g++)
		for (struct dh_viewer *v = branch->viewers[g]; v; v = v->following)
			if (v->sender == sender)
				return v;
	return NULL;
}

static void link_viewer(struct dh_branch *branch, struct dh_viewer *v, struct dh_viewer *previous)
{
	struct dh_viewer **at = previous ? &previous->following : &branch->viewers[v->group];

	v->previous = previous;
	v->following = *at;
	if (v->following)
		v->following->previous = v;
	*at = v;
}

void dh_branch_add(struct dh_branch *branch, struct dh_viewer *viewer, size_t spread_from)
{
	struct dh_viewer *beside = companion(branch, viewer->sender);

	viewer->branch = branch;
	if (beside) {
		viewer->group = beside->group;
	} else {
		/* few viewers need no offset, but each thread of many may have many before long */
		viewer->group = dh_pacer_choose(&branch->pacer, viewer->sender ? 0 : spread_from);
		dh_pacer_join(&branch->pacer, viewer->group);
	}
	link_viewer(branch, viewer, beside);
	branch->count++;
}

/* Those that share a thread are beside each other. */
static bool has_companion(const struct dh_viewer *v)
{
	return v->sender &&
		((v->previous && v->previous->sender == v->sender) ||
			(v->following && v->following->sender == v->sender));
}

static void drop_held(struct dh_branch *branch)
{
	uint64_t from, to;

	dh_pacer_due(&branch->held, 0, INT64_MAX, &from, &to);
	dh_pacer_trim(&branch->held);
}

void dh_branch_remove(struct dh_branch *branch, struct dh_viewer *viewer)
{
	if (!has_companion(viewer))
		dh_pacer_leave(&branch->pacer, viewer->group);
	if (viewer->previous)
		viewer->previous->following = viewer->following;
	else
		branch->viewers[viewer->group] = viewer->following;
	if (viewer->following)
		viewer->following->previous = viewer->previous;
	branch->count--;
	if (!branch->count) /* the next viewer is not sent what was for this one */
		drop_held(branch);
}

/* --- items */

int dh_branch_push(struct dh_branch *branch, const struct dh_item *item)
{
	if (!branch->count)
		return 0;
	return dh_pacer_push(branch->slots > 1 ? &branch->held : &branch->pacer, item);
}

/* The packets of speech that follow one another from the item `from` on; their number in the join, and the first item
 * behind them in *to. */
static void gather(const struct dh_branch *branch, uint64_t from, struct dh_opus_join *join, uint64_t *to)
{
	int64_t next_ticks = dh_pacer_item(&branch->held, from)->media_ticks;

	*to = from;
	for (uint64_t n = from; n < branch->held.end; n++) {
		const struct dh_item *item = dh_pacer_item(&branch->held, n);
		size_t size;
		if (item->media != DH_AUDIO)
			continue;
		if (!item->unit || item->media_ticks != next_ticks)
			return;
		const uint8_t *packet = dh_item_sound(item, &size);
		if (!dh_opus_join_add(join, packet, size))
			return;
		next_ticks += DH_SLOT_TICKS;
		*to = n + 1;
	}
}

static int push_joined(struct dh_branch *branch, const struct dh_item *first, const struct dh_opus_join *join)
{
	uint8_t data[DH_OPUS_JOINED_SIZE_MAX];
	struct dh_item item = *first;

	if (join->count < 2)
		return dh_pacer_push(&branch->pacer, first);
	item.unit = dh_unit_new(DH_AUDIO, first->unit->pts_ticks, join->count * DH_SLOT_TICKS, data,
		dh_opus_join_write(join, data));
	if (!item.unit)
		return -ENOMEM;
	item.is_fade = false;
	int err = dh_pacer_push(&branch->pacer, &item);
	dh_unit_unref(&item.unit);
	return err;
}

int dh_branch_end_slot(struct dh_branch *branch, int64_t slot_ticks)
{
	uint64_t from, to, joined_to = 0;
	int err = 0;

	if (branch->slots == 1 || (slot_ticks / DH_SLOT_TICKS + 1) % branch->slots)
		return 0;
	dh_pacer_due(&branch->held, 0, INT64_MAX, &from, &to);
	for (uint64_t n = from; n < to; n++) {
		const struct dh_item *item = dh_pacer_item(&branch->held, n);
		struct dh_opus_join join = { 0 };
		bool is_speech = item->media == DH_AUDIO && item->unit;
		if (item->media == DH_AUDIO && n < joined_to)
			continue;
		if (is_speech)
			gather(branch, n, &join, &joined_to);
		int failed = is_speech ? push_joined(branch, item, &join) : dh_pacer_push(&branch->pacer, item);
		err = failed ? failed : err;
	}
	dh_pacer_trim(&branch->held);
	return err;
}
