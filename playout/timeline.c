/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "timeline_private.h"

#include "timebase.h"

/* How much later than at its first entry a picture may return after an underrun. */
#define RETURN_TICKS (200 * DH_TICKS_PER_MS)

static int64_t max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* After an underrun that lets time go on, so much is there before it is heard again: a
 * source that is just too slow would stutter at every slot. */
#define SKIP_PREROLL_TICKS (3 * DH_SLOT_TICKS)

bool dh_timeline_is_ready(const struct dh_segment *segment, int64_t preroll_ticks)
{
	return dh_segment_is_open(segment) && !dh_segment_is_partial(segment) &&
		dh_segment_known_ticks(segment) >= dh_segment_order(segment)->from_ticks + preroll_ticks;
}

static enum dh_underrun policy_of(const struct dh_timeline *timeline)
{
	return dh_segment_order(timeline->playing)->underrun;
}

static bool may_resume(const struct dh_timeline *timeline, int64_t at_ticks)
{
	int64_t ahead_ticks = dh_segment_known_ticks(timeline->playing) - at_ticks;
	if (policy_of(timeline) == DH_UNDERRUN_SKIP)
		return ahead_ticks >= SKIP_PREROLL_TICKS;
	return ahead_ticks >= timeline->preroll_ticks && ahead_ticks >= DH_SLOT_TICKS;
}

/* Each segment brings a copy of its anchor. Comparing it here once with those that
 * viewers may hold saves comparing it for each viewer and entry. */
static void share_anchor(struct dh_timeline *timeline, struct dh_segment *segment)
{
	if (!dh_segment_anchor(segment))
		return;
	if (timeline->idle.pictures)
		dh_segment_share_anchor(segment, dh_segment_anchor(timeline->idle.pictures));
	dh_segment_share_anchor(segment, timeline->anchor);
	dh_unit_unref(&timeline->anchor);
	timeline->anchor = dh_unit_ref(dh_segment_anchor(segment));
}

static void begin(struct dh_timeline *timeline, int64_t slot_ticks)
{
	int64_t skipped_ticks = dh_timeline_skipped_ticks(timeline);
	timeline->start_ticks = slot_ticks - skipped_ticks;
	timeline->next[DH_AUDIO] = (size_t)(skipped_ticks / DH_SLOT_TICKS);
	timeline->next[DH_VIDEO] = 0;
	timeline->away = timeline->idles = timeline->speaks = false;
	timeline->heard_until_ticks = timeline->mute_until_ticks = 0;
}

void dh_timeline_start(struct dh_timeline *timeline, struct dh_segment *segment, int64_t slot_ticks,
	int64_t preroll_ticks)
{
	share_anchor(timeline, segment);
	timeline->playing = segment;
	timeline->preroll_ticks = preroll_ticks;
	timeline->is_joined = timeline->hands_over && dh_segment_lead(segment);
	timeline->hands_over = false;
	timeline->played_ticks = timeline->is_joined ? -dh_segment_lead_slots_ticks(segment) : 0;
	timeline->rounds = 0;
	timeline->held = false;
	begin(timeline, slot_ticks);
	if (dh_segment_order(segment)->from_ticks > 0)
		dh_timeline_begin_late(timeline, slot_ticks);
}

bool dh_timeline_repeat(struct dh_timeline *timeline, int64_t slot_ticks)
{
	const struct dh_segment *segment = timeline->playing;
	if (timeline->rounds + 1 >= dh_segment_order(segment)->repeat || dh_segment_error(segment, NULL) ||
		dh_segment_duration_ticks(segment, timeline->rule) < DH_SLOT_TICKS)
		return false;
	timeline->rounds++;
	timeline->is_joined = false;
	begin(timeline, slot_ticks);
	return true;
}

int64_t dh_timeline_played_ticks(const struct dh_timeline *timeline)
{
	return max(timeline->played_ticks, 0);
}

/* The next packet is there, and the one before it was heard. */
bool dh_timeline_would_fade(const struct dh_timeline *timeline)
{
	size_t next = timeline->next[DH_AUDIO], size;
	return timeline->playing && timeline->speaks && !timeline->hands_over &&
		next < dh_segment_count(timeline->playing, DH_AUDIO) &&
		dh_unit_fade(dh_timeline_packet(timeline, next), &size);
}

void dh_timeline_cut_sound(struct dh_timeline *timeline)
{
	if (!dh_timeline_would_fade(timeline))
		return;
	dh_unit_unref(&timeline->fade);
	timeline->fade = dh_unit_ref(dh_timeline_packet(timeline, timeline->next[DH_AUDIO]));
	timeline->speaks = false;
}

struct dh_segment *dh_timeline_stop(struct dh_timeline *timeline, int64_t *played_ticks)
{
	struct dh_segment *segment = timeline->playing;
	dh_timeline_cut_sound(timeline);
	timeline->playing = NULL;
	timeline->frozen = false;
	*played_ticks = dh_timeline_played_ticks(timeline);
	return segment;
}

enum dh_slot_state dh_timeline_state(const struct dh_timeline *timeline, int64_t slot_ticks)
{
	if (!timeline->playing)
		return DH_SLOT_IDLE;
	if (timeline->frozen)
		return DH_SLOT_FROZEN;
	int64_t at = slot_ticks - timeline->start_ticks;
	int64_t duration = dh_segment_duration_ticks(timeline->playing, timeline->rule);
	if (duration >= 0)
		return at >= duration ? DH_SLOT_END : DH_SLOT_PLAY;
	if (timeline->held)
		return may_resume(timeline, at) ? DH_SLOT_PLAY : DH_SLOT_HOLD;
	return dh_segment_known_ticks(timeline->playing) >= at + DH_SLOT_TICKS ? DH_SLOT_PLAY : DH_SLOT_HOLD;
}

int64_t dh_timeline_edge_ticks(const struct dh_timeline *timeline, int64_t slot_ticks)
{
	switch (dh_timeline_state(timeline, slot_ticks)) {
	case DH_SLOT_IDLE:
	case DH_SLOT_FROZEN:
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
	return max(timeline->start_ticks + edge, slot_ticks); /* its end may have been found out late */
}

int64_t dh_timeline_rest_ticks(const struct dh_timeline *timeline, int64_t slot_ticks)
{
	if (!timeline->playing)
		return 0;
	int64_t end = dh_segment_duration_ticks(timeline->playing, timeline->rule);
	int64_t at = slot_ticks - timeline->start_ticks;
	int again = dh_segment_order(timeline->playing)->repeat - 1 - timeline->rounds;
	if (end < 0)
		return max(dh_segment_known_ticks(timeline->playing) - at, 0);
	return max(end - at, 0) + (again > 0 ? again * end : 0);
}

/* --- one slot */

static void emit_item(const struct dh_emitter *out, const struct dh_item *item)
{
	if (out->emit)
		out->emit(out->arg, item);
}

void dh_timeline_emit_picture(struct dh_timeline *timeline, const struct dh_emitter *out, struct dh_unit *anchor,
	struct dh_unit *unit, int64_t media_ticks)
{
	dh_timeline_note_shown(timeline, anchor, unit, media_ticks);
	emit_item(out,
		&(struct dh_item){ .media = DH_VIDEO, .media_ticks = media_ticks, .unit = unit, .anchor = anchor });
}

static void fill_silence(struct dh_timeline *timeline, const struct dh_emitter *out, int64_t slot_ticks)
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

/* What was cut fades into silence. */
static void fill_fade(struct dh_timeline *timeline, const struct dh_emitter *out, int64_t slot_ticks)
{
	timeline->silent = timeline->unsent = false;
	emit_item(out,
		&(struct dh_item){ .media = DH_AUDIO,
			.media_ticks = slot_ticks,
			.unit = timeline->fade,
			.is_fade = true });
	dh_unit_unref(&timeline->fade);
}

static void fill_speech(struct dh_timeline *timeline, const struct dh_emitter *out, int64_t slot_ticks)
{
	size_t *next = &timeline->next[DH_AUDIO];
	bool is_muted = slot_ticks - timeline->start_ticks < timeline->mute_until_ticks;
	if (is_muted || *next >= dh_segment_count(timeline->playing, DH_AUDIO)) {
		*next += is_muted;
		fill_silence(timeline, out, slot_ticks);
		return;
	}
	timeline->speaks = true;
	struct dh_item item = { .media = DH_AUDIO, .media_ticks = slot_ticks, .talkspurt = timeline->unsent };
	timeline->silent = timeline->unsent = false;
	item.unit = dh_timeline_packet(timeline, (*next)++);
	emit_item(out, &item);
}

static void fill_pictures(struct dh_timeline *timeline, const struct dh_emitter *out, int64_t slot_ticks)
{
	struct dh_segment *segment = timeline->playing;
	int64_t until = slot_ticks + DH_SLOT_TICKS - timeline->start_ticks;
	size_t count = dh_segment_count(segment, DH_VIDEO);
	for (size_t *next = &timeline->next[DH_VIDEO]; *next < count; (*next)++) {
		struct dh_unit *unit = dh_segment_unit(segment, DH_VIDEO, *next);
		if (unit->pts_ticks >= until)
			break;
		dh_timeline_emit_picture(timeline, out, dh_segment_anchor(segment), unit,
			timeline->start_ticks + unit->pts_ticks);
	}
}

/* What the avatar does where it is shown instead of a segment. */
static enum dh_stance stance_of(const struct dh_timeline *timeline)
{
	if (!timeline->playing)
		return timeline->stance;
	if (timeline->frozen)
		return DH_STANCE_LISTENING;
	return dh_segment_head(timeline->playing)->has_video ? DH_STANCE_IDLE : DH_STANCE_SPEAKING;
}

static void fill_idle(struct dh_timeline *timeline, const struct dh_emitter *out, int64_t slot_ticks)
{
	struct dh_idle_picture picture;
	if (!timeline->idle.pictures)
		return;
	dh_idle_clip_use(&timeline->idle, stance_of(timeline), timeline->playing ? INT64_MAX : slot_ticks);
	if (!timeline->idle.runs)
		dh_idle_clip_begin(&timeline->idle, timeline->shown, slot_ticks);
	while (dh_idle_clip_next(&timeline->idle, slot_ticks + DH_SLOT_TICKS, &picture))
		dh_timeline_emit_picture(timeline, out, dh_segment_anchor(picture.of), picture.unit,
			picture.media_ticks);
}

/* --- underrun */

/* The entry at which the pictures go on: the first that is not over yet or, after the
 * avatar has idled, one shortly behind it that looks more like what the avatar shows by
 * then. The number of pictures: none is known. */
static size_t find_return(struct dh_timeline *timeline, int64_t at_ticks)
{
	const struct dh_segment *segment = timeline->playing;
	size_t count = dh_segment_count(segment, DH_VIDEO), best = count;
	unsigned least = UINT32_MAX;
	for (size_t i = timeline->next[DH_VIDEO]; i < count; i++) {
		const struct dh_unit *unit = dh_segment_unit(segment, DH_VIDEO, i);
		if (!(unit->flags & DH_UNIT_ENTRY) || unit->pts_ticks < at_ticks)
			continue;
		if ((policy_of(timeline) != DH_UNDERRUN_IDLE && !timeline->idles) || !timeline->idle.runs)
			return i;
		if (timeline->return_ticks < 0)
			timeline->return_ticks = unit->pts_ticks + RETURN_TICKS;
		if (unit->pts_ticks > timeline->return_ticks && best < count)
			break;
		const struct dh_unit *idle = dh_idle_clip_at(&timeline->idle, timeline->start_ticks + unit->pts_ticks);
		unsigned distance = dh_unit_luma_distance(unit, idle);
		if (distance < least) {
			least = distance;
			best = i;
		}
	}
	return best;
}

/* Whether the segment's own pictures are shown in a slot that it plays. */
static bool has_returned(struct dh_timeline *timeline, int64_t slot_ticks)
{
	if (!timeline->away)
		return true;
	int64_t at = slot_ticks - timeline->start_ticks;
	size_t back = find_return(timeline, at);
	if (back == dh_segment_count(timeline->playing, DH_VIDEO) ||
		dh_segment_unit(timeline->playing, DH_VIDEO, back)->pts_ticks >= at + DH_SLOT_TICKS)
		return false;
	timeline->next[DH_VIDEO] = back;
	timeline->away = timeline->idles = false;
	return true;
}

enum shown { SHOWS_NOTHING_NEW, SHOWS_IDLE, SHOWS_SEGMENT };

static enum shown what_is_shown(struct dh_timeline *timeline, enum dh_slot_state state, int64_t slot_ticks)
{
	if (!timeline->playing)
		return timeline->stands ? SHOWS_NOTHING_NEW : SHOWS_IDLE;
	if (!dh_segment_head(timeline->playing)->has_video)
		return SHOWS_IDLE;
	if (state == DH_SLOT_PLAY && has_returned(timeline, slot_ticks))
		return SHOWS_SEGMENT;
	return policy_of(timeline) == DH_UNDERRUN_IDLE || timeline->idles ? SHOWS_IDLE : SHOWS_NOTHING_NEW;
}

/* While a segment is held it moves along, so that picture and sound go on together. */
static void note_underrun(struct dh_timeline *timeline, enum dh_slot_state state)
{
	timeline->held = state == DH_SLOT_HOLD;
	if (state == DH_SLOT_FROZEN)
		timeline->start_ticks += DH_SLOT_TICKS;
	if (!timeline->held)
		return;
	if (policy_of(timeline) != DH_UNDERRUN_HOLD)
		timeline->away = true;
	timeline->return_ticks = -1;
	if (policy_of(timeline) != DH_UNDERRUN_SKIP)
		timeline->start_ticks += DH_SLOT_TICKS;
}

void dh_timeline_fill(struct dh_timeline *timeline, int64_t slot_ticks, bool in_time, dh_item_fn *emit, void *arg)
{
	struct dh_emitter out = { emit, arg };
	enum dh_slot_state state = dh_timeline_state(timeline, slot_ticks);
	/* Time went on without it: what should have been heard meanwhile is dropped. */
	if (state == DH_SLOT_PLAY && timeline->held && policy_of(timeline) == DH_UNDERRUN_SKIP)
		timeline->next[DH_AUDIO] = (size_t)((slot_ticks - timeline->start_ticks) / DH_SLOT_TICKS);
	enum shown shown = what_is_shown(timeline, state, slot_ticks);
	timeline->speaks = false;
	if (timeline->fade)
		fill_fade(timeline, &out, slot_ticks);
	else if (state == DH_SLOT_PLAY)
		fill_speech(timeline, &out, slot_ticks);
	else
		fill_silence(timeline, &out, slot_ticks);
	if (shown == SHOWS_IDLE)
		fill_idle(timeline, &out, slot_ticks);
	else
		timeline->idle.runs = false;
	dh_timeline_fill_rest(timeline, &out, slot_ticks, shown == SHOWS_SEGMENT);
	if (shown == SHOWS_SEGMENT)
		fill_pictures(timeline, &out, slot_ticks);
	dh_timeline_fill_repeat(timeline, &out, slot_ticks);
	if (state == DH_SLOT_PLAY && in_time && slot_ticks - timeline->start_ticks >= timeline->heard_until_ticks)
		timeline->played_ticks += DH_SLOT_TICKS;
	note_underrun(timeline, state);
}

void dh_timeline_jump(struct dh_timeline *timeline, int64_t from_ticks, int64_t slot_ticks)
{
	timeline->idle.runs = false;
	dh_unit_unref(&timeline->fade);
	if (timeline->playing && (timeline->frozen || policy_of(timeline) != DH_UNDERRUN_SKIP))
		timeline->start_ticks += slot_ticks - from_ticks;
}

int64_t dh_timeline_idle_at(const struct dh_timeline *timeline, int64_t media_ticks, int64_t *length_ticks)
{
	if (!timeline->idle.pictures || !timeline->idle.runs)
		return -1;
	*length_ticks = dh_idle_clip_length_ticks(&timeline->idle);
	return dh_idle_clip_position_ticks(&timeline->idle, media_ticks);
}

struct dh_unit *dh_timeline_anchor(const struct dh_timeline *timeline)
{
	if (timeline->playing && dh_segment_head(timeline->playing)->has_video && !timeline->idle.runs)
		return dh_segment_anchor(timeline->playing);
	return timeline->idle.pictures ? dh_segment_anchor(timeline->idle.pictures) : NULL;
}

void dh_timeline_clear(struct dh_timeline *timeline)
{
	dh_idle_clip_clear(&timeline->idle);
	dh_segment_free(&timeline->playing);
	dh_unit_unref(&timeline->shown);
	dh_unit_unref(&timeline->anchor);
	dh_unit_unref(&timeline->entry);
	dh_unit_unref(&timeline->entry_anchor);
	dh_unit_unref(&timeline->fade);
	dh_timeline_drop_rest(timeline);
}
