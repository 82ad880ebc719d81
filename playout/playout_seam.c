/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a segment starts: behind what was cut, when that has faded; behind the idle clip, perhaps when it shows a
 * picture that resembles the segment's first. */
#include "playout_private.h"

bool dh_playout_is_followed_at_once(const struct dh_playout *playout)
{
	const struct dh_segment *first = dh_playout_waiting(playout, 0);
	return playout->timeline.fade && first && dh_playout_is_ready(playout, first);
}

/* The slot of those from now on at which the picture shown before it is most like `first`. */
static int64_t best_slot(const struct dh_playout *playout, const struct dh_unit *first)
{
	int64_t best = playout->slot_ticks, last = playout->slot_ticks + playout->config.seam_wait_ticks;
	unsigned least = UINT32_MAX;
	for (int64_t slot = playout->slot_ticks; slot <= last; slot += DH_SLOT_TICKS) {
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
