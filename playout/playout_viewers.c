/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A playout's viewers. */
#include "playout_private.h"

int dh_playout_add_viewer(struct dh_playout *playout, const struct dh_continuity_seed *seed,
	const struct dh_viewer_way *way, void *user, struct dh_viewer **viewer)
{
	int err = dh_fanout_add(&playout->fanout, seed, way, user, viewer);
	if (!err && playout->fanout.count == 1) /* the first viewer: the idle clip restarts at an entry */
		playout->timeline.idle.runs = false;
	return err;
}

void dh_playout_remove_viewer(struct dh_playout *playout, struct dh_viewer **viewer)
{
	dh_fanout_remove(&playout->fanout, viewer);
}

int64_t dh_playout_media_ticks(const struct dh_playout *playout, int64_t now_ticks)
{
	return now_ticks - playout->origin_ticks;
}

void dh_playout_viewer_pli(struct dh_playout *playout, struct dh_viewer *viewer, int64_t now_ticks)
{
	dh_viewer_pli(viewer, dh_playout_media_ticks(playout, now_ticks));
}

void dh_playout_viewer_lost(struct dh_playout *playout, struct dh_viewer *viewer, int64_t now_ticks)
{
	dh_viewer_lost(viewer, dh_playout_media_ticks(playout, now_ticks));
}

void dh_playout_viewer_hear(struct dh_viewer *viewer, const struct dh_repair_report *report)
{
	dh_viewer_hear(viewer, report);
}

void dh_playout_viewer_pause(struct dh_playout *playout, struct dh_viewer *viewer, bool paused)
{
	dh_fanout_pause(&playout->fanout, viewer, paused);
}

void dh_playout_viewer_mute(struct dh_playout *playout, struct dh_viewer *viewer, enum dh_media media, bool muted)
{
	dh_fanout_mute(&playout->fanout, viewer, media, muted);
}

void dh_playout_viewer_keyframes(struct dh_viewer *viewer, int64_t every_ticks)
{
	dh_viewer_set_keyframes(viewer, every_ticks);
}

void dh_playout_viewer_quality(struct dh_viewer *viewer, int quality, bool thin)
{
	dh_viewer_set_quality(viewer, quality, thin);
}

void dh_playout_viewer_payload_type(struct dh_viewer *viewer, enum dh_media media, uint8_t payload_type)
{
	viewer->continuity.payload_type[media] = payload_type & 0x7f;
}

int64_t dh_playout_viewer_offset_ticks(const struct dh_viewer *viewer)
{
	return viewer->branch->pacer.offset_ticks[viewer->group];
}

/* Nothing that it was sent is stamped later than now, but for a picture that left early, here or where it came from. */
void dh_playout_viewer_seed(const struct dh_playout *playout, const struct dh_viewer *viewer, int64_t now_ticks,
	struct dh_continuity_seed *seed)
{
	dh_continuity_seed(&viewer->continuity, seed);
	dh_continuity_seed_move(seed, -playout->origin_ticks);
	int64_t last_ticks = playout->origin_ticks + viewer->last_video_ticks;
	int64_t least_ticks = playout->origin_ticks + viewer->from_ticks;
	seed->from_ticks = (last_ticks > now_ticks ? last_ticks : now_ticks) + DH_TICKS_PER_MS;
	if (seed->from_ticks < least_ticks)
		seed->from_ticks = least_ticks;
}

void dh_playout_seed_here(const struct dh_playout *playout, struct dh_continuity_seed *seed)
{
	dh_continuity_seed_move(seed, playout->origin_ticks);
	seed->from_ticks -= playout->origin_ticks;
}

void dh_playout_viewer_stats(const struct dh_viewer *viewer, struct dh_viewer_stats *stats)
{
	*stats = viewer->stats;
}

size_t dh_playout_viewers(const struct dh_playout *playout)
{
	return playout->fanout.count;
}
