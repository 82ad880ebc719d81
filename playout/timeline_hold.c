/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The playing segment is put on hold because somebody asks for that. It stays where it is while media
 * time goes on, as in an underrun, but the avatar idles, and what went before can be heard again.
 */
#include "timeline_private.h"

#include "timebase.h"

/* Segment time less its own time: what it has of the one before it is not its own. */
static int64_t others_ticks(const struct dh_timeline *timeline)
{
	return timeline->is_joined ? dh_segment_lead_slots_ticks(timeline->playing) :
				     dh_timeline_skipped_ticks(timeline);
}

int64_t dh_timeline_position_ticks(const struct dh_timeline *timeline, int64_t slot_ticks)
{
	return timeline->playing ? slot_ticks - timeline->start_ticks - others_ticks(timeline) : 0;
}

int64_t dh_timeline_muted_ticks(const struct dh_timeline *timeline)
{
	return timeline->playing ? timeline->mute_until_ticks - others_ticks(timeline) : 0;
}

void dh_timeline_freeze(struct dh_timeline *timeline)
{
	dh_timeline_cut_sound(timeline);
	timeline->frozen = true;
	timeline->held = false;
	timeline->idles = timeline->away = dh_segment_head(timeline->playing)->has_video;
	timeline->return_ticks = -1;
}

void dh_timeline_thaw(struct dh_timeline *timeline)
{
	timeline->frozen = false;
	if (timeline->fade) /* nothing of it has been sent: it never fell silent */
		timeline->speaks = true;
	dh_unit_unref(&timeline->fade);
}

/* The last entry that begins no later than `ticks`; the number of pictures: none does. */
static size_t entry_before(const struct dh_segment *segment, int64_t ticks)
{
	size_t count = dh_segment_count(segment, DH_VIDEO), found = count;
	for (size_t i = dh_segment_first(segment, DH_VIDEO); i < count; i++) {
		const struct dh_unit *unit = dh_segment_unit(segment, DH_VIDEO, i);
		if (unit->pts_ticks > ticks)
			break;
		if (unit->flags & DH_UNIT_ENTRY)
			found = i;
	}
	return found;
}

void dh_timeline_begin_late(struct dh_timeline *timeline, int64_t slot_ticks)
{
	const struct dh_segment *segment = timeline->playing;
	int64_t duration_ticks = dh_segment_duration_ticks(segment, timeline->rule);
	int64_t to_ticks = dh_slot_floor(dh_segment_order(segment)->from_ticks + others_ticks(timeline));
	if (duration_ticks >= 0 && to_ticks > duration_ticks)
		to_ticks = duration_ticks;
	size_t entry = entry_before(segment, to_ticks);
	if (entry < dh_segment_count(segment, DH_VIDEO)) {
		to_ticks = dh_slot_floor(dh_segment_unit(segment, DH_VIDEO, entry)->pts_ticks);
		timeline->next[DH_VIDEO] = entry;
	}
	if (to_ticks < slot_ticks - timeline->start_ticks)
		return;
	timeline->next[DH_AUDIO] = (size_t)(to_ticks / DH_SLOT_TICKS);
	timeline->start_ticks = slot_ticks - to_ticks;
	timeline->is_joined = false;
}

void dh_timeline_thaw_at(struct dh_timeline *timeline, int64_t slot_ticks, int64_t at_ticks)
{
	const struct dh_segment *segment = timeline->playing;
	int64_t stopped_ticks = slot_ticks - timeline->start_ticks, to_ticks = stopped_ticks;
	int64_t first_ticks = dh_timeline_skipped_ticks(timeline);
	int64_t sound_ticks = (int64_t)dh_segment_first(segment, DH_AUDIO) * DH_SLOT_TICKS;
	if (at_ticks >= 0 && at_ticks + others_ticks(timeline) < to_ticks)
		to_ticks = dh_slot_floor(at_ticks + others_ticks(timeline));
	if (to_ticks < dh_segment_kept_ticks(segment))
		to_ticks = dh_segment_kept_ticks(segment);
	if (at_ticks >= 0)
		timeline->mute_until_ticks = to_ticks;
	size_t entry = entry_before(segment, to_ticks);
	if (entry < dh_segment_count(segment, DH_VIDEO)) {
		to_ticks = dh_slot_floor(dh_segment_unit(segment, DH_VIDEO, entry)->pts_ticks);
		timeline->next[DH_VIDEO] = entry;
		timeline->away = timeline->idles = false;
	}
	if (to_ticks < first_ticks)
		to_ticks = first_ticks;
	if (to_ticks < sound_ticks) /* under a picture that has been shown for long */
		to_ticks = sound_ticks;
	if (stopped_ticks > timeline->heard_until_ticks)
		timeline->heard_until_ticks = stopped_ticks;
	timeline->next[DH_AUDIO] = (size_t)(to_ticks / DH_SLOT_TICKS);
	timeline->start_ticks = slot_ticks - to_ticks;
	if (timeline->fade) /* has that slot for itself */
		timeline->start_ticks += DH_SLOT_TICKS;
	timeline->frozen = false;
}

void dh_timeline_release(struct dh_timeline *timeline, int64_t slot_ticks)
{
	struct dh_segment *segment = timeline->playing;
	const struct dh_order *order = segment ? dh_segment_order(segment) : NULL;
	if (!order || !order->source || order->repeat > 1)
		return;
	dh_segment_release(segment, slot_ticks - timeline->start_ticks - DH_TIMELINE_KEPT_TICKS);
	for (int media = 0; media < 2; media++) /* pictures that are away stay behind */
		if (timeline->next[media] < dh_segment_first(segment, media))
			timeline->next[media] = dh_segment_first(segment, media);
}
