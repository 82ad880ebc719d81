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
	dh_pacer_init(&fanout->pacer, spread_ticks);
	for (int g = 0; g < DH_PACER_GROUPS_MAX; g++)
		fanout->next_ticks[g] = INT64_MAX;
}

void dh_fanout_clear(struct dh_fanout *fanout)
{
	for (int g = 0; g < fanout->pacer.groups; g++) {
		while (fanout->viewers[g]) {
			struct dh_viewer *viewer = fanout->viewers[g];
			dh_fanout_remove(fanout, &viewer);
		}
	}
	dh_pacer_clear(&fanout->pacer);
}

/* --- viewers */

/* One that shares its sending thread, or NULL. */
static struct dh_viewer *companion(const struct dh_fanout *fanout, int sender)
{
	for (int g = 0; sender && g < fanout->pacer.groups; g++)
		for (struct dh_viewer *v = fanout->viewers[g]; v; v = v->following)
			if (v->sender == sender)
				return v;
	return NULL;
}

static void link_viewer(struct dh_fanout *fanout, struct dh_viewer *v, struct dh_viewer *previous)
{
	struct dh_viewer **at = previous ? &previous->following : &fanout->viewers[v->group];

	v->previous = previous;
	v->following = *at;
	if (v->following)
		v->following->previous = v;
	*at = v;
}

int dh_fanout_add(struct dh_fanout *fanout, const struct dh_continuity_seed *seed, int sender, void *user,
	struct dh_viewer **viewer)
{
	int err = dh_viewer_alloc(viewer, seed, user, &fanout->out);
	if (err)
		return err;
	struct dh_viewer *v = *viewer, *beside = companion(fanout, sender);
	v->sender = sender;
	v->group = beside ? beside->group : dh_pacer_choose(&fanout->pacer, fanout->spread_from);
	dh_pacer_join(&fanout->pacer, v->group);
	link_viewer(fanout, v, beside);
	fanout->count++;
	fanout->newcomers = true;
	return 0;
}

void dh_fanout_remove(struct dh_fanout *fanout, struct dh_viewer **viewer)
{
	struct dh_viewer *v = *viewer;
	if (v->previous)
		v->previous->following = v->following;
	else
		fanout->viewers[v->group] = v->following;
	if (v->following)
		v->following->previous = v->previous;
	dh_pacer_leave(&fanout->pacer, v->group);
	fanout->count--;
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
	if (dh_pacer_push(&fanout->pacer, item) && item->media == DH_VIDEO)
		fanout->lost = true;
}

void dh_fanout_lose(struct dh_fanout *fanout)
{
	fanout->lost = true;
}

int64_t dh_fanout_reach_ticks(const struct dh_fanout *fanout)
{
	return fanout->late_ticks + dh_pacer_offset_max_ticks(&fanout->pacer);
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
		dh_viewer_send(viewer, dh_pacer_item(&fanout->pacer, from), now_ticks, fanout->late_ticks);
	dh_viewer_continue(viewer, now_ticks);
	dh_viewer_end(viewer);
}

/* `now_ticks` is media time less the group's offset. */
static void deliver_to_group(struct dh_fanout *fanout, int group, struct dh_unit *anchor, int64_t now_ticks,
	uint64_t from, uint64_t to)
{
	int64_t *next = &fanout->next_ticks[group];
	if (from == to && now_ticks < *next && !fanout->newcomers && !fanout->lost)
		return;
	*next = INT64_MAX;
	for (struct dh_viewer *v = fanout->viewers[group]; v; v = v->following) {
		deliver_to(fanout, v, anchor, now_ticks, from, to);
		if (dh_viewer_next_ticks(v) < *next)
			*next = dh_viewer_next_ticks(v);
	}
}

static void note_speech(struct dh_fanout *fanout, uint64_t from, uint64_t to, int64_t media_ticks)
{
	for (; from < to; from++) {
		const struct dh_item *item = dh_pacer_item(&fanout->pacer, from);
		if (item->media == DH_AUDIO && item->unit && item->media_ticks <= fanout->watch_ticks)
			fanout->spoken_ticks = media_ticks;
	}
}

void dh_fanout_deliver(struct dh_fanout *fanout, struct dh_unit *anchor, int64_t media_ticks)
{
	for (int g = 0; g < fanout->pacer.groups; g++) {
		uint64_t from, to;
		dh_pacer_due(&fanout->pacer, g, media_ticks, &from, &to);
		if (fanout->viewers[g])
			note_speech(fanout, from, to, media_ticks);
		deliver_to_group(fanout, g, anchor, media_ticks - fanout->pacer.offset_ticks[g], from, to);
	}
	fanout->lost = fanout->newcomers = false;
	dh_pacer_trim(&fanout->pacer);
}

int64_t dh_fanout_deadline_ticks(const struct dh_fanout *fanout)
{
	if (fanout->newcomers)
		return 0;
	int64_t earliest = dh_pacer_deadline_ticks(&fanout->pacer);
	for (int g = 0; g < fanout->pacer.groups; g++) {
		if (fanout->next_ticks[g] == INT64_MAX)
			continue;
		int64_t due = fanout->next_ticks[g] + fanout->pacer.offset_ticks[g];
		if (due < earliest)
			earliest = due;
	}
	return earliest;
}
