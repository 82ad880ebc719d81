/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bridges of a playout into its idle clip (bridge.h). */
#include "playout_private.h"

#include <errno.h>

int dh_playout_plan_bridge(const struct dh_playout *playout, int64_t fade_ticks, struct dh_bridge_plan *plan)
{
	const struct dh_timeline *timeline = &playout->timeline;
	size_t last;
	if (!timeline->playing || !timeline->idle.pictures || timeline->stance != DH_STANCE_IDLE ||
		!dh_segment_last_picture(timeline->playing, timeline->rule, &last))
		return -EAGAIN;
	return dh_bridge_plan(plan, timeline->playing, last, timeline->idle.clips[DH_STANCE_IDLE], fade_ticks);
}

struct dh_unit *dh_playout_idle_picture(const struct dh_playout *playout, size_t index)
{
	const struct dh_segment *pictures = playout->timeline.idle.clips[DH_STANCE_IDLE];
	return dh_segment_unit(pictures, DH_VIDEO, index % dh_segment_count(pictures, DH_VIDEO));
}

struct dh_unit *dh_playout_idle_anchor(const struct dh_playout *playout)
{
	return dh_segment_anchor(playout->timeline.idle.clips[DH_STANCE_IDLE]);
}

int dh_playout_set_bridge(struct dh_playout *playout, struct dh_segment *bridge, struct dh_unit *from, size_t back)
{
	return dh_idle_clip_set_bridge(&playout->timeline.idle, bridge, from, back);
}
