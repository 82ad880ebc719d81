/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fanout.h"

void dh_fanout_init(struct dh_fanout *fanout, const struct dh_viewer_out *out, int64_t late_ticks, int64_t spread_ticks,
	size_t spread_from)
{
	fanout->out = *out;
	fanout->late_ticks = late_ticks;
	fanout->spread_from = spread_from;
	fanout->spoken_ticks = -1;
	fanout->watch_ticks = INT64_MAX;
	for (int i = 0; i < DH_OPUS_JOIN_MAX; i++)
		dh_branch_init(&fanout->branches[i], i + 1, spread_ticks);
}

void dh_fanout_clear(struct dh_fanout *fanout)
{
	for (int i = 0; i < DH_OPUS_JOIN_MAX; i++) {
		struct dh_branch *branch = &fanout->branches[i];
		for (int g = 0; g < branch->pacer.groups; g++) {
			while (branch->viewers[g]) {
				struct dh_viewer *viewer = branch->viewers[g];
				dh_fanout_remove(fanout, &viewer);
			}
		}
		dh_branch_clear(branch);
	}
}

/* --- viewers */

static void count(struct dh_fanout *fanout, size_t viewers)
{
	fanout->count = viewers;
	fanout->answers.most = viewers > 4 * DH_ANSWERS_MIN ? (viewers + 3) / 4 : DH_ANSWERS_MIN;
}

int dh_fanout_add(struct dh_fanout *fanout, const struct dh_continuity_seed *seed, const struct dh_viewer_way *way,
	void *user, struct dh_viewer **viewer)
{
	int err = dh_viewer_alloc(viewer, seed, user, &fanout->out);
	if (err)
		return err;
	(*viewer)->sender = way->sender;
	(*viewer)->relays = way->relays;
	(*viewer)->answers = &fanout->answers;
	dh_branch_add(&fanout->branches[way->ptime / DH_PTIME_MIN - 1], *viewer, fanout->spread_from);
	count(fanout, fanout->count + 1);
	fanout->newcomers = true;
	return 0;
}

void dh_fanout_remove(struct dh_fanout *fanout, struct dh_viewer **viewer)
{
	dh_branch_remove((*viewer)->branch, *viewer);
	count(fanout, fanout->count - 1);
	dh_viewer_free(viewer);
}

void dh_fanout_pause(struct dh_fanout *fanout, struct dh_viewer *viewer, bool paused)
{
	dh_viewer_pause(viewer, paused);
	if (!viewer->joined) /* it may be sent its first anchor now */
		fanout->newcomers = true;
}

void dh_fanout_mute(struct dh_fanout *fanout, struct dh_viewer *viewer, enum dh_media media, bool muted)
{
	dh_viewer_mute(viewer, media, muted);
	if (!viewer->joined)
		fanout->newcomers = true;
}

/* --- items */

void dh_fanout_push(struct dh_fanout *fanout, const struct dh_item *item)
{
	for (int i = 0; i < DH_OPUS_JOIN_MAX; i++)
		if (dh_branch_push(&fanout->branches[i], item) && item->media == DH_VIDEO)
			fanout->lost = true;
}

void dh_fanout_end_slot(struct dh_fanout *fanout, int64_t slot_ticks)
{
	for (int i = 0; i < DH_OPUS_JOIN_MAX; i++)
		if (dh_branch_end_slot(&fanout->branches[i], slot_ticks))
			fanout->lost = true;
}

void dh_fanout_lose(struct dh_fanout *fanout)
{
	fanout->lost = true;
}

int64_t dh_fanout_reach_ticks(const struct dh_fanout *fanout)
{
	int64_t largest = 0;
	for (int i = 0; i < DH_OPUS_JOIN_MAX; i++) {
		int64_t offset = dh_pacer_offset_max_ticks(&fanout->branches[i].pacer);
		if (offset > largest)
			largest = offset;
	}
	return fanout->late_ticks + largest;
}

static void deliver_to(struct dh_fanout *fanout, struct dh_viewer *viewer, struct dh_unit *anchor, int64_t now_ticks,
	uint64_t from, uint64_t to)
{
	dh_viewer_begin(viewer);
	if (!viewer->joined && anchor)
		dh_viewer_join(viewer, anchor, now_ticks);
	if (fanout->lost)
		dh_viewer_wait(viewer);
	for (; from < to; from++)
		dh_viewer_send(viewer, dh_pacer_item(&viewer->branch->pacer, from), now_ticks, fanout->late_ticks);
	dh_viewer_continue(viewer, now_ticks);
	dh_viewer_end(viewer);
}

/* `now_ticks` is media time less the group's offset. */
static void deliver_to_group(struct dh_fanout *fanout, struct dh_branch *branch, int group, struct dh_unit *anchor,
	int64_t now_ticks, uint64_t from, uint64_t to)
{
	int64_t *next = &branch->next_ticks[group];
	if (from == to && now_ticks < *next && !fanout->newcomers && !fanout->lost)
		return;
	*next = INT64_MAX;
	for (struct dh_viewer *v = branch->viewers[group]; v; v = v->following) {
		deliver_to(fanout, v, anchor, now_ticks, from, to);
		if (dh_viewer_next_ticks(v) < *next)
			*next = dh_viewer_next_ticks(v);
	}
}

static void note_speech(struct dh_fanout *fanout, const struct dh_branch *branch, uint64_t from, uint64_t to,
	int64_t media_ticks)
{
	for (; from < to; from++) {
		const struct dh_item *item = dh_pacer_item(&branch->pacer, from);
		if (item->media == DH_AUDIO && item->unit && item->media_ticks <= fanout->watch_ticks)
			fanout->spoken_ticks = media_ticks;
	}
}

static void deliver_branch(struct dh_fanout *fanout, struct dh_branch *branch, struct dh_unit *anchor,
	int64_t media_ticks)
{
	for (int g = 0; g < branch->pacer.groups; g++) {
		uint64_t from, to;
		dh_pacer_due(&branch->pacer, g, media_ticks, &from, &to);
		if (branch->viewers[g])
			note_speech(fanout, branch, from, to, media_ticks);
		deliver_to_group(fanout, branch, g, anchor, media_ticks - branch->pacer.offset_ticks[g], from, to);
	}
	dh_pacer_trim(&branch->pacer);
}

void dh_fanout_deliver(struct dh_fanout *fanout, struct dh_unit *anchor, int64_t media_ticks)
{
	for (int i = 0; i < DH_OPUS_JOIN_MAX; i++)
		deliver_branch(fanout, &fanout->branches[i], anchor, media_ticks);
	fanout->lost = fanout->newcomers = false;
}

static int64_t branch_deadline_ticks(const struct dh_branch *branch)
{
	int64_t earliest = dh_pacer_deadline_ticks(&branch->pacer);
	for (int g = 0; g < branch->pacer.groups; g++) {
		if (branch->next_ticks[g] == INT64_MAX)
			continue;
		int64_t due = branch->next_ticks[g] + branch->pacer.offset_ticks[g];
		if (due < earliest)
			earliest = due;
	}
	return earliest;
}

int64_t dh_fanout_deadline_ticks(const struct dh_fanout *fanout)
{
	int64_t earliest = fanout->newcomers ? 0 : INT64_MAX;
	for (int i = 0; i < DH_OPUS_JOIN_MAX && !fanout->newcomers; i++) {
		int64_t due = branch_deadline_ticks(&fanout->branches[i]);
		if (due < earliest)
			earliest = due;
	}
	return earliest;
}
