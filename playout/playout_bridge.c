/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bridges of a playout into the avatar's clips (bridge.h). */
#include "playout_private.h"

#include <errno.h>

int dh_playout_plan_bridge(const struct dh_playout *playout, int64_t fade_ticks, struct dh_bridge_plan *plan)
{
	const struct dh_timeline *timeline = &playout->timeline;
	size_t last;
	if (!timeline->playing || !timeline->idle.pictures ||
		!dh_segment_last_picture(timeline->playing, timeline->rule, &last))
		return -EAGAIN;
	plan->to = timeline->stance;
	return dh_bridge_plan(plan, timeline->playing, last, dh_idle_clip_of(&timeline->idle, plan->to), fade_ticks);
}

int dh_playout_plan_turn(const struct dh_playout *playout, int64_t make_ticks, int64_t fade_ticks,
	struct dh_bridge_plan *plan)
{
	const struct dh_timeline *timeline = &playout->timeline;
	const struct dh_segment *wanted = dh_idle_clip_of(&timeline->idle, timeline->stance);
	int64_t leave_ticks;
	size_t last;
	if (timeline->playing || !timeline->idle.pictures || !timeline->idle.runs ||
		wanted == timeline->idle.pictures ||
		dh_idle_clip_find_exit(&timeline->idle, playout->slot_ticks + make_ticks, &last, &leave_ticks))
		return -EAGAIN;
	int err = dh_bridge_plan(plan, timeline->idle.pictures, last, wanted, fade_ticks);
	plan->to = timeline->stance;
	plan->leave_ticks = leave_ticks;
	return err;
}

int dh_playout_set_bridge(struct dh_playout *playout, struct dh_segment *bridge, struct dh_unit *from,
	enum dh_stance to, size_t back)
{
	return dh_idle_clip_set_bridge(&playout->timeline.idle, bridge, from, to, back);
}

void dh_playout_leave_clip_at(struct dh_playout *playout, int64_t leave_ticks)
{
	playout->timeline.idle.leave_ticks = leave_ticks;
}
