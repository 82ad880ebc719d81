/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segments that sound like one: the first packets of a piece replace the last ones of the piece
 * before it (stream.h, LEAD), if these have not been played yet. If they have, the piece begins
 * with its own sound alone.
 */
#include "timeline_private.h"

#include "timebase.h"

bool dh_timeline_may_hand_over(const struct dh_timeline *timeline, const struct dh_segment *next, int64_t slot_ticks)
{
	const struct dh_segment *playing = timeline->playing;
	const struct dh_unit *lead = dh_segment_lead(next);
	if (!playing || !lead || timeline->held || !dh_segment_is_complete(playing) ||
		timeline->rounds + 1 < dh_segment_order(playing)->repeat)
		return false;
	/* That it is as long as its sound, and this the sound that the other one goes on from. */
	int64_t sound_ticks = (int64_t)dh_segment_count(playing, DH_AUDIO) * DH_SLOT_TICKS;
	return sound_ticks == lead->duration_ticks &&
		sound_ticks == dh_segment_duration_ticks(playing, timeline->rule) &&
		slot_ticks - timeline->start_ticks == sound_ticks - dh_segment_lead_slots_ticks(next);
}

void dh_timeline_hand_over(struct dh_timeline *timeline, const struct dh_segment *next)
{
	const struct dh_segment *playing = timeline->playing;
	size_t count = dh_segment_count(playing, DH_VIDEO);
	/* where the other one's own pictures begin */
	int64_t end_ticks = dh_segment_duration_ticks(playing, timeline->rule) - dh_segment_lead_slots_ticks(next) +
		dh_segment_lead(next)->pts_ticks;
	dh_timeline_drop_rest(timeline);
	for (size_t i = timeline->next[DH_VIDEO]; i < count && timeline->rest_count < DH_TIMELINE_REST; i++) {
		struct dh_unit *unit = dh_segment_unit(playing, DH_VIDEO, i);
		if (unit->pts_ticks >= end_ticks || timeline->away)
			break;
		timeline->rest[timeline->rest_count++] = (struct dh_item){ .media = DH_VIDEO,
			.media_ticks = timeline->start_ticks + unit->pts_ticks,
			.unit = dh_unit_ref(unit),
			.anchor = dh_unit_ref(dh_segment_anchor(playing)) };
	}
	timeline->played_ticks += dh_segment_lead_slots_ticks(next);
	timeline->hands_over = true;
}

struct dh_unit *dh_timeline_packet(const struct dh_timeline *timeline, size_t index)
{
	struct dh_unit *lead = dh_segment_lead(timeline->playing);
	if (lead && !timeline->is_joined && index == (size_t)(lead->pts_ticks / DH_SLOT_TICKS))
		return lead;
	return dh_segment_unit(timeline->playing, DH_AUDIO, index);
}

int64_t dh_timeline_skipped_ticks(const struct dh_timeline *timeline)
{
	const struct dh_unit *lead = dh_segment_lead(timeline->playing);
	return lead && !timeline->is_joined ? dh_slot_floor(lead->pts_ticks) : 0;
}

void dh_timeline_fill_rest(struct dh_timeline *timeline, const struct dh_emitter *out, int64_t slot_ticks, bool wanted)
{
	int done = 0;
	while (wanted && done < timeline->rest_count && timeline->rest[done].media_ticks < slot_ticks + DH_SLOT_TICKS) {
		struct dh_item *item = &timeline->rest[done++];
		dh_timeline_emit_picture(timeline, out, item->anchor, item->unit, item->media_ticks);
		dh_unit_unref(&item->unit);
		dh_unit_unref(&item->anchor);
	}
	if (!wanted)
		dh_timeline_drop_rest(timeline);
	for (int i = done; wanted && i < timeline->rest_count; i++)
		timeline->rest[i - done] = timeline->rest[i];
	timeline->rest_count -= wanted ? done : 0;
}

void dh_timeline_drop_rest(struct dh_timeline *timeline)
{
	for (; timeline->rest_count > 0; timeline->rest_count--) {
		dh_unit_unref(&timeline->rest[timeline->rest_count - 1].unit);
		dh_unit_unref(&timeline->rest[timeline->rest_count - 1].anchor);
	}
}
