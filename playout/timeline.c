/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "timeline.h"

#include <errno.h>
#include <stdlib.h>

#include "timebase.h"

struct emitter {
	dh_item_fn *emit;
	void *arg;
};

static int64_t idle_length_ticks(const struct dh_segment *idle)
{
	/* Not rounded to the grid: the loop is as long as its pictures. */
	size_t count = dh_segment_count(idle, DH_VIDEO);
	const struct dh_unit *last = dh_segment_unit(idle, DH_VIDEO, count - 1);
	return last->pts_ticks + last->duration_ticks;
}

int dh_timeline_set_idle(struct dh_timeline *timeline, struct dh_segment *idle)
{
	if (!dh_segment_is_complete(idle) || !dh_segment_count(idle, DH_VIDEO) ||
		idle_length_ticks(idle) < DH_SLOT_TICKS)
		return -EINVAL;
	timeline->idle = idle;
	return 0;
}

/* --- the playing segment */

static bool has_preroll(const struct dh_timeline *timeline, const struct dh_segment *segment, int64_t from_ticks)
{
	return dh_segment_known_ticks(segment) - from_ticks >= timeline->preroll_ticks;
}

bool dh_timeline_is_ready(const struct dh_timeline *timeline, const struct dh_segment *segment)
{
	return dh_segment_is_open(segment) && !dh_segment_is_partial(segment) && has_preroll(timeline, segment, 0);
}

/* Each segment brings a copy of its anchor. Comparing it here once with those that
 * viewers may hold saves comparing it for each viewer and entry. */
static void share_anchor(struct dh_timeline *timeline, struct dh_segment *segment)
{
	if (!dh_segment_anchor(segment))
		return;
	if (timeline->idle)
		dh_segment_share_anchor(segment, dh_segment_anchor(timeline->idle));
	dh_segment_share_anchor(segment, timeline->anchor);
	dh_unit_unref(&timeline->anchor);
	timeline->anchor = dh_unit_ref(dh_segment_anchor(segment));
}

void dh_timeline_start(struct dh_timeline *timeline, struct dh_segment *segment, int64_t slot_ticks)
{
	share_anchor(timeline, segment);
	timeline->playing = segment;
	timeline->start_ticks = slot_ticks;
	timeline->next[DH_AUDIO] = timeline->next[DH_VIDEO] = 0;
	timeline->played_ticks = 0;
	timeline->held = false;
}

struct dh_segment *dh_timeline_stop(struct dh_timeline *timeline, int64_t *played_ticks)
{
	struct dh_segment *segment = timeline->playing;
	timeline->playing = NULL;
	*played_ticks = timeline->played_ticks;
	return segment;
}

enum dh_slot_state dh_timeline_state(const struct dh_timeline *timeline, int64_t slot_ticks)
{
	if (!timeline->playing)
		return DH_SLOT_IDLE;
	int64_t at = slot_ticks - timeline->start_ticks;
	int64_t duration = dh_segment_duration_ticks(timeline->playing, timeline->rule);
	if (duration >= 0)
		return at >= duration ? DH_SLOT_END : DH_SLOT_PLAY;
	if (timeline->held)
		return has_preroll(timeline, timeline->playing, at) ? DH_SLOT_PLAY : DH_SLOT_HOLD;
	return dh_segment_known_ticks(timeline->playing) >= at + DH_SLOT_TICKS ? DH_SLOT_PLAY : DH_SLOT_HOLD;
}

int64_t dh_timeline_edge_ticks(const struct dh_timeline *timeline, int64_t slot_ticks)
{
	switch (dh_timeline_state(timeline, slot_ticks)) {
	case DH_SLOT_IDLE:
		return INT64_MAX;
	case DH_SLOT_HOLD:
		return timeline->held ? INT64_MAX : slot_ticks;
	default:
		break;
	}
	if (timeline->held) /* it can resume */
		return slot_ticks;
	int64_t edge = dh_segment_duration_ticks(timeline->playing, timeline->rule);
	if (edge < 0)
		edge = dh_slot_floor(dh_segment_known_ticks(timeline->playing));
	return timeline->start_ticks + edge;
}

/* --- one slot */

static void emit_item(const struct emitter *out, const struct dh_item *item)
{
	if (out->emit)
		out->emit(out->arg, item);
}

static void emit_picture(struct dh_timeline *timeline, const struct emitter *out, const struct dh_segment *of,
	struct dh_unit *unit, int64_t media_ticks)
{
	if (timeline->shown != unit) {
		dh_unit_unref(&timeline->shown);
		timeline->shown = dh_unit_ref(unit);
	}
	emit_item(out,
		&(struct dh_item){ .media = DH_VIDEO,
			.media_ticks = media_ticks,
			.unit = unit,
			.anchor = dh_segment_anchor(of) });
}

static void fill_silence(struct dh_timeline *timeline, const struct emitter *out, int64_t slot_ticks)
{
	if (!timeline->silent) {
		timeline->silent = true;
		dh_silence_reset(&timeline->silence);
	}
	struct dh_item item = { .media = DH_AUDIO, .media_ticks = slot_ticks };
	item.silence_size = dh_silence_next(&timeline->silence, &item.silence);
	timeline->unsent = !item.silence_size;
	if (item.silence_size)
		emit_item(out, &item);
}

static void fill_speech(struct dh_timeline *timeline, const struct emitter *out, int64_t slot_ticks)
{
	size_t *next = &timeline->next[DH_AUDIO];
	if (*next == dh_segment_count(timeline->playing, DH_AUDIO)) {
		fill_silence(timeline, out, slot_ticks);
		return;
	}
	struct dh_item item = { .media = DH_AUDIO, .media_ticks = slot_ticks, .talkspurt = timeline->unsent };
	timeline->silent = timeline->unsent = false;
	item.unit = dh_segment_unit(timeline->playing, DH_AUDIO, (*next)++);
	emit_item(out, &item);
}

static void fill_pictures(struct dh_timeline *timeline, const struct emitter *out, int64_t slot_ticks)
{
	struct dh_segment *segment = timeline->playing;
	int64_t until = slot_ticks + DH_SLOT_TICKS - timeline->start_ticks;
	size_t count = dh_segment_count(segment, DH_VIDEO);
	for (size_t *next = &timeline->next[DH_VIDEO]; *next < count; (*next)++) {
		struct dh_unit *unit = dh_segment_unit(segment, DH_VIDEO, *next);
		if (unit->pts_ticks >= until)
			break;
		emit_picture(timeline, out, segment, unit, timeline->start_ticks + unit->pts_ticks);
	}
}

static unsigned luma_distance(const struct dh_unit *a, const struct dh_unit *b)
{
	unsigned sum = 0;
	for (int i = 0; i < DH_LUMA_BYTES; i++)
		sum += (unsigned)abs(a->luma[i] - b->luma[i]);
	return sum;
}

/* Moves the idle clip to the entry that looks most like the shown picture. */
static void enter_idle(struct dh_timeline *timeline, int64_t slot_ticks)
{
	size_t best = 0, count = dh_segment_count(timeline->idle, DH_VIDEO);
	unsigned least = UINT32_MAX;
	for (size_t i = 0; timeline->shown && i < count; i++) {
		const struct dh_unit *unit = dh_segment_unit(timeline->idle, DH_VIDEO, i);
		unsigned distance = unit->flags & DH_UNIT_ENTRY ? luma_distance(unit, timeline->shown) : UINT32_MAX;
		if (distance < least) {
			least = distance;
			best = i;
		}
	}
	timeline->idle_next = best;
	timeline->idle_epoch_ticks = slot_ticks - dh_segment_unit(timeline->idle, DH_VIDEO, best)->pts_ticks;
	timeline->idle_runs = true;
}

static void fill_idle(struct dh_timeline *timeline, const struct emitter *out, int64_t slot_ticks)
{
	if (!timeline->idle)
		return;
	if (!timeline->idle_runs)
		enter_idle(timeline, slot_ticks);
	for (;;) {
		struct dh_unit *unit = dh_segment_unit(timeline->idle, DH_VIDEO, timeline->idle_next);
		int64_t due = timeline->idle_epoch_ticks + unit->pts_ticks;
		if (due >= slot_ticks + DH_SLOT_TICKS)
			return;
		emit_picture(timeline, out, timeline->idle, unit, due);
		if (++timeline->idle_next == dh_segment_count(timeline->idle, DH_VIDEO)) {
			timeline->idle_next = 0;
			timeline->idle_epoch_ticks += idle_length_ticks(timeline->idle);
		}
	}
}

void dh_timeline_fill(struct dh_timeline *timeline, int64_t slot_ticks, bool in_time, dh_item_fn *emit, void *arg)
{
	struct emitter out = { emit, arg };
	enum dh_slot_state state = dh_timeline_state(timeline, slot_ticks);
	bool shows_segment = timeline->playing && dh_segment_head(timeline->playing)->has_video;
	if (state == DH_SLOT_PLAY)
		fill_speech(timeline, &out, slot_ticks);
	else
		fill_silence(timeline, &out, slot_ticks);
	if (!shows_segment)
		fill_idle(timeline, &out, slot_ticks);
	else if (state == DH_SLOT_PLAY)
		fill_pictures(timeline, &out, slot_ticks);
	if (shows_segment)
		timeline->idle_runs = false;
	if (state == DH_SLOT_PLAY && in_time)
		timeline->played_ticks += DH_SLOT_TICKS;
	/* While held the segment moves along, so picture and sound go on together. */
	timeline->held = state == DH_SLOT_HOLD;
	if (timeline->held)
		timeline->start_ticks += DH_SLOT_TICKS;
}

void dh_timeline_jump(struct dh_timeline *timeline, int64_t from_ticks, int64_t slot_ticks)
{
	timeline->idle_runs = false;
	if (timeline->playing)
		timeline->start_ticks += slot_ticks - from_ticks;
}

int64_t dh_timeline_idle_at(const struct dh_timeline *timeline, int64_t media_ticks, int64_t *length_ticks)
{
	if (!timeline->idle || !timeline->idle_runs || media_ticks < timeline->idle_epoch_ticks)
		return -1;
	*length_ticks = idle_length_ticks(timeline->idle);
	return (media_ticks - timeline->idle_epoch_ticks) % *length_ticks;
}

struct dh_unit *dh_timeline_anchor(const struct dh_timeline *timeline)
{
	if (timeline->playing && dh_segment_head(timeline->playing)->has_video)
		return dh_segment_anchor(timeline->playing);
	return timeline->idle ? dh_segment_anchor(timeline->idle) : NULL;
}

void dh_timeline_clear(struct dh_timeline *timeline)
{
	dh_segment_free(&timeline->idle);
	dh_segment_free(&timeline->playing);
	dh_unit_unref(&timeline->shown);
	dh_unit_unref(&timeline->anchor);
}
