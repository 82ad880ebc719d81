/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "playout_private.h"

#include <errno.h>
#include <stdlib.h>

/* --- life */

void dh_playout_config_init(struct dh_playout_config *config)
{
	*config = (struct dh_playout_config){
		.duration = DH_DURATION_SPEECH,
		.preroll_ticks = 200 * DH_TICKS_PER_MS,
		.late_ticks = 150 * DH_TICKS_PER_MS,
		.spread_ticks = 10 * DH_TICKS_PER_MS,
		.spread_from = 20,
		.max_queue = 100,
		.max_queue_ticks = 3600 * DH_TICKS_PER_SECOND,
		.max_queue_bytes = (size_t)512 << 20,
		.index_timeout_ticks = 3000 * DH_TICKS_PER_MS,
	};
}

static bool config_is_valid(const struct dh_playout_config *config)
{
	return config->preroll_ticks >= 0 && config->late_ticks >= 0 && config->spread_ticks >= 0 &&
		config->spread_ticks <= 20 * DH_TICKS_PER_MS && config->spread_from >= 0 && config->max_queue >= 0 &&
		config->index_timeout_ticks >= 0 && config->seam_wait_ticks >= 0 && config->low_water_ticks >= 0 &&
		config->high_water_ticks >= 0;
}

int dh_playout_alloc(struct dh_playout **playout, const struct dh_playout_config *config,
	const struct dh_playout_sink *sink, void *arg, int64_t now_ticks)
{
	if (!config_is_valid(config) || !sink->packet || !sink->event)
		return -EINVAL;
	struct dh_playout *p = calloc(1, sizeof *p);
	if (!p)
		return -ENOMEM;
	p->config = *config;
	p->sink = *sink;
	p->sink_arg = arg;
	p->origin_ticks = now_ticks;
	p->timeline.rule = config->duration;
	p->waits_ticks = -1;
	p->expiry_ticks = INT64_MAX;
	p->water = (struct dh_water){ .low_ticks = config->low_water_ticks, .high_ticks = config->high_water_ticks };
	dh_fanout_init(&p->fanout, &(struct dh_viewer_out){ sink->packet, arg, sink->handed }, config->late_ticks,
		config->spread_ticks, (size_t)config->spread_from);
	*playout = p;
	return 0;
}

void dh_playout_free(struct dh_playout **playout)
{
	struct dh_playout *p = *playout;
	*playout = NULL;
	if (!p)
		return;
	dh_fanout_clear(&p->fanout);
	dh_queue_clear(&p->queue);
	dh_queue_clear(&p->interrupted);
	dh_utterances_clear(&p->utterances);
	dh_timeline_clear(&p->timeline);
	free(p);
}

int dh_playout_set_idle(struct dh_playout *playout, struct dh_segment *idle)
{
	if (playout->timeline.idle.pictures)
		return -EALREADY;
	int err = dh_idle_clip_set(&playout->timeline.idle, idle);
	if (err)
		return err;
	playout->fanout.newcomers = true; /* waiting viewers get the anchor at once */
	playout->unsettled = playout->queue.count > 0;
	return 0;
}

int dh_playout_set_clip(struct dh_playout *playout, enum dh_stance stance, struct dh_segment *clip)
{
	return dh_idle_clip_set_other(&playout->timeline.idle, stance, clip);
}

void dh_playout_set_stance(struct dh_playout *playout, enum dh_stance stance)
{
	playout->timeline.stance = stance;
	playout->timeline.idle.leave_ticks = 0;
}

/* --- what plays and waits */

struct dh_segment *dh_playout_playing(const struct dh_playout *playout, int64_t *played_ticks)
{
	if (playout->timeline.playing && played_ticks)
		*played_ticks = dh_timeline_played_ticks(&playout->timeline);
	return playout->timeline.playing;
}

int64_t dh_playout_reached_ticks(const struct dh_playout *playout)
{
	return playout->timeline.playing ? playout->slot_ticks - playout->timeline.start_ticks : 0;
}

int64_t dh_playout_begun_ticks(const struct dh_playout *playout)
{
	const struct dh_timeline *timeline = &playout->timeline;

	return timeline->playing ? playout->slot_ticks - dh_timeline_position_ticks(timeline, playout->slot_ticks) : 0;
}

struct dh_segment *dh_playout_waiting(const struct dh_playout *playout, size_t index)
{
	return index < playout->queue.count ? playout->queue.at[index] : NULL;
}

size_t dh_playout_waiting_count(const struct dh_playout *playout)
{
	return playout->queue.count;
}

int64_t dh_playout_waiting_ticks(const struct dh_playout *playout)
{
	return dh_queue_ticks(&playout->queue);
}

size_t dh_playout_waiting_bytes(const struct dh_playout *playout)
{
	return dh_queue_bytes(&playout->queue);
}

static int64_t preroll_of(const struct dh_playout *playout, const struct dh_segment *segment)
{
	const struct dh_order *order = dh_segment_order(segment);
	int64_t ticks = order->preroll_ticks > 0 ? order->preroll_ticks :
						   dh_playout_preroll_ticks(playout, order->source);
	return order->preroll_most_ticks && ticks > order->preroll_most_ticks ? order->preroll_most_ticks : ticks;
}

bool dh_playout_is_ready(const struct dh_playout *playout, const struct dh_segment *segment)
{
	return dh_timeline_is_ready(segment, preroll_of(playout, segment));
}

int64_t dh_playout_preroll_ticks(const struct dh_playout *playout, int source)
{
	if (!source)
		return playout->config.preroll_ticks;
	return dh_preroll_ticks(&playout->prerolls[source], playout->config.preroll_ticks);
}

void dh_playout_get_counts(const struct dh_playout *playout, struct dh_playout_counts *counts)
{
	*counts = playout->counts;
}

int64_t dh_playout_idle_at(const struct dh_playout *playout, int64_t now_ticks, int64_t *length_ticks)
{
	if (playout->timeline.playing || !playout->fanout.count)
		return -1;
	return dh_timeline_idle_at(&playout->timeline, dh_playout_media_ticks(playout, now_ticks), length_ticks);
}

/* --- time */

/* Without viewers: when the next slot changes anything by itself. */
static int64_t next_change_ticks(const struct dh_playout *playout)
{
	int64_t change = dh_playout_order_deadline_ticks(playout), edge = INT64_MAX;
	bool is_over = playout->speaking && !dh_playout_is_between_pieces(playout); /* event IDLE is due */
	if (playout->timeline.playing)
		edge = dh_timeline_edge_ticks(&playout->timeline, playout->slot_ticks);
	else if (is_over || dh_playout_startable(playout))
		edge = playout->slot_ticks;
	return edge < change ? edge : change;
}

int64_t dh_playout_deadline_ticks(const struct dh_playout *playout)
{
	int64_t media;
	if (playout->fanout.count) {
		int64_t due = dh_fanout_deadline_ticks(&playout->fanout);
		media = due < playout->slot_ticks ? due : playout->slot_ticks;
	} else {
		media = next_change_ticks(playout);
	}
	return media == INT64_MAX ? INT64_MAX : playout->origin_ticks + media;
}

static void keep_item(void *arg, const struct dh_item *item)
{
	struct dh_playout *playout = arg;

	dh_fanout_push(&playout->fanout, item);
	if (item->media != DH_AUDIO || !playout->sink.sound)
		return;
	size_t size;
	const uint8_t *payload = dh_item_sound(item, &size);
	playout->sink.sound(playout->sink_arg, item->unit ? item->unit->loudness : DH_LOUDNESS_MAX, item->media_ticks,
		payload, size);
}

static void set_speaking(struct dh_playout *playout, bool speaking)
{
	if (playout->speaking == speaking)
		return;
	playout->speaking = speaking;
	dh_playout_emit(playout,
		&(struct dh_playout_event){ .type = speaking ? DH_EVENT_SPEAKING : DH_EVENT_IDLE,
			.media_ticks = playout->slot_ticks });
}

static void start(struct dh_playout *playout, struct dh_segment *segment)
{
	int64_t preroll_ticks = preroll_of(playout, segment);
	dh_playout_note_ready(playout, segment); /* less may be wanted of it than when it came */
	dh_playout_take_turn(playout, segment);
	dh_timeline_start(&playout->timeline, segment, playout->slot_ticks, preroll_ticks);
	set_speaking(playout, true);
	dh_playout_emit(playout,
		&(struct dh_playout_event){ .type = DH_EVENT_STARTED,
			.segment = segment,
			.media_ticks = playout->slot_ticks,
			.position_ticks = dh_playout_position_ticks(playout) });
}

/* Ends what has ended, and starts what is next. */
static enum dh_slot_state change_segments(struct dh_playout *playout)
{
	struct dh_timeline *timeline = &playout->timeline;
	for (;;) {
		enum dh_slot_state state = dh_timeline_state(timeline, playout->slot_ticks);
		struct dh_segment *joining = dh_playout_joining(playout);
		if (joining)
			dh_timeline_hand_over(timeline, joining);
		else if (state != DH_SLOT_END && dh_playout_is_cut_here(playout)) {
			dh_playout_end_playing(playout, DH_EVENT_INTERRUPTED, DH_REASON_NONE);
			continue;
		}
		if (joining || (state == DH_SLOT_END && !dh_timeline_repeat(timeline, playout->slot_ticks)))
			dh_playout_end_playing(playout, DH_EVENT_FINISHED, DH_REASON_NONE);
		dh_playout_settle(playout);
		struct dh_segment *next = dh_playout_startable(playout);
		if (next && dh_playout_awaits_seam(playout, next))
			return state;
		if (next && dh_timeline_would_fade(timeline))
			dh_playout_give_way(playout, next); /* it starts when that has faded */
		else if (next)
			start(playout, next);
		else if (state != DH_SLOT_END && !joining)
			return state;
	}
}

static void note_underrun(struct dh_playout *playout, enum dh_slot_state state)
{
	struct dh_timeline *timeline = &playout->timeline;
	if (!timeline->playing) {
		bool is_between = dh_playout_is_between_pieces(playout) && !playout->on_hold;
		playout->counts.between_ticks += is_between ? DH_SLOT_TICKS : 0;
		return;
	}
	if (timeline->held != (state == DH_SLOT_HOLD))
		dh_playout_emit(playout,
			&(struct dh_playout_event){ .type = timeline->held ? DH_EVENT_RESUMED : DH_EVENT_HELD,
				.segment = timeline->playing,
				.media_ticks = playout->slot_ticks,
				.played_ticks = dh_timeline_played_ticks(timeline) });
	if (state != DH_SLOT_HOLD)
		return;
	if (dh_segment_order(timeline->playing)->underrun == DH_UNDERRUN_SKIP)
		playout->counts.dropped_ticks += DH_SLOT_TICKS;
	else
		playout->counts.held_ticks += DH_SLOT_TICKS;
}

/* `keep`: some of the slot can still reach a viewer. */
static void decide_slot(struct dh_playout *playout, bool keep, bool in_time)
{
	struct dh_timeline *timeline = &playout->timeline;
	enum dh_slot_state state = change_segments(playout);
	if (!timeline->playing && !dh_playout_is_between_pieces(playout) && !dh_playout_is_followed_at_once(playout)) {
		set_speaking(playout, false);
		timeline->stands = false;
	}
	note_underrun(playout, state);
	dh_playout_check_water(playout);
	dh_timeline_fill(timeline, playout->slot_ticks, in_time, keep ? keep_item : NULL, playout);
	dh_timeline_release(timeline, playout->slot_ticks);
	if (!keep)
		dh_fanout_lose(&playout->fanout);
	dh_fanout_end_slot(&playout->fanout, playout->slot_ticks);
	playout->slot_ticks += DH_SLOT_TICKS;
	if (playout->sink.slot)
		playout->sink.slot(playout->sink_arg, in_time);
}

/* Whether any of the next slot can still reach a viewer. */
static bool is_wanted(const struct dh_playout *playout, int64_t media_ticks)
{
	int64_t last = playout->slot_ticks + DH_SLOT_TICKS + dh_fanout_reach_ticks(&playout->fanout);
	return playout->fanout.count && media_ticks <= last;
}

/* The media time before which no poll was due: without viewers, slots are only decided
 * when something changes, and are not late before that. */
static int64_t undisturbed_until(const struct dh_playout *playout)
{
	if (playout->fanout.count || !playout->timeline.playing)
		return 0;
	return next_change_ticks(playout);
}

/* Skips slots while nobody watches and nothing can change by itself. */
static void jump(struct dh_playout *playout, int64_t media_ticks)
{
	int64_t to = dh_slot_ceil(media_ticks), change = next_change_ticks(playout);
	const struct dh_timeline *timeline = &playout->timeline;
	if (timeline->playing && dh_timeline_edge_ticks(timeline, playout->slot_ticks) != INT64_MAX)
		return;
	if (change < to)
		to = change;
	if (playout->fanout.count || to <= playout->slot_ticks)
		return;
	int64_t skipped = to - playout->slot_ticks;
	if (playout->on_hold) /* somebody asked for it */
		;
	else if (dh_playout_is_between_pieces(playout))
		playout->counts.between_ticks += skipped;
	else if (timeline->playing && dh_segment_order(timeline->playing)->underrun == DH_UNDERRUN_SKIP)
		playout->counts.dropped_ticks += skipped;
	else if (timeline->playing)
		playout->counts.held_ticks += skipped;
	dh_timeline_jump(&playout->timeline, playout->slot_ticks, to);
	playout->slot_ticks = to;
}

void dh_playout_poll(struct dh_playout *playout, int64_t now_ticks)
{
	int64_t media_ticks = dh_playout_media_ticks(playout, now_ticks);
	jump(playout, media_ticks);
	int64_t undisturbed = undisturbed_until(playout), reach = dh_fanout_reach_ticks(&playout->fanout);
	while (playout->slot_ticks <= media_ticks) {
		bool in_time = playout->slot_ticks < undisturbed || media_ticks - playout->slot_ticks <= reach;
		decide_slot(playout, is_wanted(playout, media_ticks), in_time);
	}
	dh_fanout_deliver(&playout->fanout, dh_timeline_anchor(&playout->timeline), media_ticks);
}
