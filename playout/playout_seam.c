/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a segment starts: behind what was cut, when that has faded; behind the idle clip, perhaps when it shows a
 * picture that resembles the segment's first. */
#include "playout_private.h"

#include <errno.h>

bool dh_playout_is_followed_at_once(const struct dh_playout *playout)
{
	const struct dh_segment *first = dh_playout_waiting(playout, 0);
	return playout->timeline.fade && first && dh_playout_is_ready(playout, first);
}

/* The slot of those from now on, with time for a fade if there may be one, at which the picture shown before it is most
 * like `first`. */
static int64_t best_slot(const struct dh_playout *playout, const struct dh_unit *first)
{
	int64_t fade_ticks = playout->config.seam_fade_ticks, first_slot = playout->slot_ticks;
	int64_t last = playout->slot_ticks + playout->config.seam_wait_ticks;
	if (fade_ticks)
		first_slot = dh_slot_ceil(playout->slot_ticks + DH_SEAM_MAKE_TICKS + fade_ticks);
	if (first_slot > last)
		first_slot = playout->slot_ticks;
	int64_t best = first_slot;
	unsigned least = UINT32_MAX;
	for (int64_t slot = first_slot; slot <= last; slot += DH_SLOT_TICKS) {
		unsigned distance = dh_unit_luma_distance(dh_idle_clip_at(&playout->timeline.idle, slot - 1), first);
		if (distance >= least)
			continue;
		least = distance;
		best = slot;
	}
	return best;
}

bool dh_playout_awaits_seam(struct dh_playout *playout, const struct dh_segment *next)
{
	const struct dh_timeline *timeline = &playout->timeline;
	if (!playout->config.seam_wait_ticks || playout->speaking || !playout->fanout.count || !timeline->idle.runs ||
		!dh_segment_count(next, DH_VIDEO))
		return false;
	if (playout->seam_for != next) {
		playout->seam_for = next;
		playout->seam_ticks = best_slot(playout, dh_segment_unit(next, DH_VIDEO, 0));
	}
	if (playout->slot_ticks < playout->seam_ticks)
		return true;
	playout->seam_for = NULL;
	return false;
}

int dh_playout_plan_approach(const struct dh_playout *playout, struct dh_bridge_plan *plan)
{
	const struct dh_idle_clip *idle = &playout->timeline.idle;
	int64_t from_ticks = playout->seam_ticks - playout->config.seam_fade_ticks;
	size_t first, count;
	if (!playout->config.seam_fade_ticks || !playout->seam_for || playout->timeline.playing || !idle->runs ||
		playout->seam_for != dh_playout_startable(playout) || from_ticks <= playout->slot_ticks ||
		dh_idle_clip_find(idle, from_ticks, playout->seam_ticks, &first, &plan->leave_ticks, &count))
		return -EAGAIN;
	plan->to = playout->timeline.stance;
	return dh_bridge_plan_out(plan, playout->seam_for, idle->pictures, first, count);
}

int dh_playout_set_approach(struct dh_playout *playout, struct dh_segment *bridge, int64_t leave_ticks)
{
	return dh_idle_clip_set_approach(&playout->timeline.idle, bridge, leave_ticks);
}
