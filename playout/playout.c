/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "playout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fanout.h"
#include "queue.h"
#include "timebase.h"
#include "timeline.h"

struct dh_playout {
	struct dh_playout_config config;
	struct dh_playout_sink sink;
	void *sink_arg;
	int64_t origin_ticks;
	int64_t slot_ticks; /* the next slot to decide, in media time */
	bool speaking;
	struct dh_queue queue;
	struct dh_queue interrupted; /* waited, and end one by one */
	int64_t interrupted_ticks;   /* when they ended */
	struct dh_timeline timeline;
	struct dh_fanout fanout;
};

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
	};
}

static bool config_is_valid(const struct dh_playout_config *config)
{
	return config->preroll_ticks >= 0 && config->late_ticks >= 0 && config->spread_ticks >= 0 &&
		config->spread_ticks <= 20 * DH_TICKS_PER_MS && config->spread_from >= 0 && config->max_queue >= 0;
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
	p->timeline.preroll_ticks = config->preroll_ticks;
	dh_fanout_init(&p->fanout, &(struct dh_viewer_out){ sink->packet, arg }, config->late_ticks,
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
	dh_timeline_clear(&p->timeline);
	free(p);
}

int dh_playout_set_idle(struct dh_playout *playout, struct dh_segment *idle)
{
	if (playout->timeline.idle)
		return -EALREADY;
	int err = dh_timeline_set_idle(&playout->timeline, idle);
	if (!err)
		playout->fanout.newcomers = true; /* waiting viewers get the anchor at once */
	return err;
}

/* --- segments */

static void emit(struct dh_playout *playout, enum dh_event_type type, struct dh_segment *segment, int64_t media_ticks,
	int64_t played_ticks)
{
	playout->sink.event(playout->sink_arg, &(struct dh_playout_event){ type, segment, media_ticks, played_ticks });
}

/* All segments end here. */
static void end_segment_at(struct dh_playout *playout, enum dh_event_type how, struct dh_segment *segment,
	int64_t media_ticks, int64_t played_ticks)
{
	if (how == DH_EVENT_FINISHED && dh_segment_error(segment, NULL))
		how = DH_EVENT_FAILED;
	emit(playout, how, segment, media_ticks, played_ticks);
	if (playout->sink.ended)
		playout->sink.ended(playout->sink_arg, segment);
	else
		dh_segment_free(&segment);
}

static void end_segment(struct dh_playout *playout, enum dh_event_type how, struct dh_segment *segment,
	int64_t played_ticks)
{
	end_segment_at(playout, how, segment, playout->slot_ticks, played_ticks);
}

static void end_playing(struct dh_playout *playout, enum dh_event_type how)
{
	int64_t played_ticks;
	struct dh_segment *segment = dh_timeline_stop(&playout->timeline, &played_ticks);
	end_segment(playout, how, segment, played_ticks);
}

struct dh_segment *dh_playout_find(struct dh_playout *playout, const char *id)
{
	struct dh_segment *playing = playout->timeline.playing;
	if (playing && !strcmp(dh_segment_id(playing), id))
		return playing;
	long at = dh_queue_find(&playout->queue, id);
	return at < 0 ? NULL : playout->queue.at[at];
}

static int push(struct dh_playout *playout, struct dh_segment *segment)
{
	const struct dh_queue_limits limits = { playout->config.max_queue, playout->config.max_queue_ticks,
		playout->config.max_queue_bytes };
	if (dh_playout_find(playout, dh_segment_id(segment)))
		return -EEXIST;
	return dh_queue_push(&playout->queue, segment, &limits);
}

static void tell_queued(struct dh_playout *playout, struct dh_segment *segment)
{
	emit(playout, DH_EVENT_QUEUED, segment, playout->slot_ticks, 0);
	if (dh_segment_is_open(segment) || dh_segment_error(segment, NULL))
		dh_playout_filled(playout, segment);
}

int dh_playout_enqueue(struct dh_playout *playout, struct dh_segment *segment)
{
	int err = push(playout, segment);
	if (!err)
		tell_queued(playout, segment);
	return err;
}

int dh_playout_enqueue_after(struct dh_playout *playout, struct dh_segment *segment, const char *id)
{
	int err = push(playout, segment);
	if (err)
		return err;
	long at = dh_queue_find(&playout->queue, id);
	dh_queue_move_last(&playout->queue, at < 0 ? 0 : (size_t)at + 1);
	tell_queued(playout, segment);
	return 0;
}

void dh_playout_filled(struct dh_playout *playout, struct dh_segment *segment)
{
	long at = dh_queue_find(&playout->queue, dh_segment_id(segment));
	if (at < 0)
		return; /* it is playing: the timeline notices by itself */
	if (dh_segment_error(segment, NULL)) {
		/* It failed before it began, so it never begins. */
		end_segment(playout, DH_EVENT_FAILED, dh_queue_take(&playout->queue, (size_t)at), 0);
		return;
	}
	if (dh_playout_is_ready(playout, segment) && dh_segment_mark_ready(segment))
		emit(playout, DH_EVENT_READY, segment, playout->slot_ticks, 0);
}

int dh_playout_skip(struct dh_playout *playout)
{
	if (!playout->timeline.playing)
		return -ENOENT;
	end_playing(playout, DH_EVENT_SKIPPED);
	return 0;
}

int dh_playout_remove(struct dh_playout *playout, const char *id)
{
	long at = dh_queue_find(&playout->queue, id);
	if (at < 0)
		return dh_playout_find(playout, id) ? -EBUSY : -ENOENT;
	end_segment(playout, DH_EVENT_REMOVED, dh_queue_take(&playout->queue, (size_t)at), 0);
	return 0;
}

int dh_playout_begin_interrupt(struct dh_playout *playout)
{
	int dropped = 0;
	while (dh_playout_continue_interrupt(playout))
		;
	if (playout->timeline.playing) {
		end_playing(playout, DH_EVENT_INTERRUPTED);
		dropped++;
	}
	dh_queue_clear(&playout->interrupted);
	playout->interrupted = playout->queue;
	playout->interrupted_ticks = playout->slot_ticks;
	playout->queue = (struct dh_queue){ 0 };
	return dropped + (int)playout->interrupted.count;
}

bool dh_playout_continue_interrupt(struct dh_playout *playout)
{
	if (!playout->interrupted.count)
		return false;
	end_segment_at(playout, DH_EVENT_INTERRUPTED, dh_queue_take(&playout->interrupted, 0),
		playout->interrupted_ticks, 0);
	return true;
}

int dh_playout_interrupt(struct dh_playout *playout)
{
	int dropped = dh_playout_begin_interrupt(playout);
	while (dh_playout_continue_interrupt(playout))
		;
	return dropped;
}

struct dh_segment *dh_playout_playing(const struct dh_playout *playout, int64_t *played_ticks)
{
	if (playout->timeline.playing && played_ticks)
		*played_ticks = playout->timeline.played_ticks;
	return playout->timeline.playing;
}

struct dh_segment *dh_playout_waiting(const struct dh_playout *playout, size_t index)
{
	return index < playout->queue.count ? playout->queue.at[index] : NULL;
}

size_t dh_playout_waiting_count(const struct dh_playout *playout)
{
	return playout->queue.count;
}

bool dh_playout_is_ready(const struct dh_playout *playout, const struct dh_segment *segment)
{
	return dh_timeline_is_ready(&playout->timeline, segment);
}

int64_t dh_playout_idle_at(const struct dh_playout *playout, int64_t now_ticks, int64_t *length_ticks)
{
	if (playout->timeline.playing || !playout->fanout.count)
		return -1;
	return dh_timeline_idle_at(&playout->timeline, dh_playout_media_ticks(playout, now_ticks), length_ticks);
}

/* --- viewers */

int dh_playout_add_viewer(struct dh_playout *playout, const struct dh_continuity_seed *seed, void *user,
	struct dh_viewer **viewer)
{
	int err = dh_fanout_add(&playout->fanout, seed, user, viewer);
	if (!err && playout->fanout.count == 1) /* the first viewer: the idle clip restarts at an entry */
		playout->timeline.idle_runs = false;
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

void dh_playout_viewer_pause(struct dh_playout *playout, struct dh_viewer *viewer, bool paused)
{
	dh_fanout_pause(&playout->fanout, viewer, paused);
}

void dh_playout_viewer_stats(const struct dh_viewer *viewer, struct dh_viewer_stats *stats)
{
	*stats = viewer->stats;
}

size_t dh_playout_viewers(const struct dh_playout *playout)
{
	return playout->fanout.count;
}

/* --- time */

static struct dh_segment *startable(const struct dh_playout *playout)
{
	struct dh_segment *next = dh_playout_waiting(playout, 0);
	return next && playout->timeline.idle && dh_playout_is_ready(playout, next) ? next : NULL;
}

int64_t dh_playout_deadline_ticks(const struct dh_playout *playout)
{
	int64_t media;
	if (playout->fanout.count) {
		int64_t due = dh_fanout_deadline_ticks(&playout->fanout);
		media = due < playout->slot_ticks ? due : playout->slot_ticks;
	} else if (!playout->timeline.playing) {
		media = playout->speaking || startable(playout) ? playout->slot_ticks : INT64_MAX;
	} else {
		media = dh_timeline_edge_ticks(&playout->timeline, playout->slot_ticks);
	}
	return media == INT64_MAX ? INT64_MAX : playout->origin_ticks + media;
}

static void keep_item(void *arg, const struct dh_item *item)
{
	dh_fanout_push(arg, item);
}

static void set_speaking(struct dh_playout *playout, bool speaking)
{
	if (playout->speaking == speaking)
		return;
	playout->speaking = speaking;
	emit(playout, speaking ? DH_EVENT_SPEAKING : DH_EVENT_IDLE, NULL, playout->slot_ticks, 0);
}

/* Ends what has ended, starts what is next, then fills the slot. `keep`: some of it can
 * still reach a viewer. */
static void decide_slot(struct dh_playout *playout, bool keep, bool in_time)
{
	struct dh_timeline *timeline = &playout->timeline;
	enum dh_slot_state state;
	while ((state = dh_timeline_state(timeline, playout->slot_ticks)) == DH_SLOT_END || state == DH_SLOT_IDLE) {
		if (state == DH_SLOT_END)
			end_playing(playout, DH_EVENT_FINISHED);
		struct dh_segment *next = startable(playout);
		if (!next)
			break;
		dh_timeline_start(timeline, dh_queue_take(&playout->queue, 0), playout->slot_ticks);
		set_speaking(playout, true);
		emit(playout, DH_EVENT_STARTED, next, playout->slot_ticks, 0);
	}
	if (!timeline->playing)
		set_speaking(playout, false);
	else if (timeline->held != (state == DH_SLOT_HOLD))
		emit(playout, timeline->held ? DH_EVENT_RESUMED : DH_EVENT_HELD, timeline->playing, playout->slot_ticks,
			timeline->played_ticks);
	dh_timeline_fill(timeline, playout->slot_ticks, in_time, keep ? keep_item : NULL, &playout->fanout);
	if (!keep)
		dh_fanout_lose(&playout->fanout);
	playout->slot_ticks += DH_SLOT_TICKS;
}

/* Whether any of the next slot can still reach a viewer. */
static bool is_wanted(const struct dh_playout *playout, int64_t media_ticks)
{
	int64_t last = playout->slot_ticks + DH_SLOT_TICKS + dh_fanout_reach_ticks(&playout->fanout);
	return playout->fanout.count && media_ticks <= last;
}

/* The media time before which no poll was due: without viewers, slots are only decided
 * at the next edge and are not late before it. */
static int64_t undisturbed_until(const struct dh_playout *playout)
{
	if (playout->fanout.count || !playout->timeline.playing)
		return 0;
	return dh_timeline_edge_ticks(&playout->timeline, playout->slot_ticks);
}

/* Skips slots while nobody watches and nothing can change by itself. */
static void jump(struct dh_playout *playout, int64_t media_ticks)
{
	int64_t to = dh_slot_ceil(media_ticks);
	if (playout->fanout.count || to <= playout->slot_ticks || startable(playout))
		return;
	if (playout->speaking && !playout->timeline.playing)
		return; /* event IDLE is still due */
	if (playout->timeline.playing && dh_timeline_edge_ticks(&playout->timeline, playout->slot_ticks) != INT64_MAX)
		return;
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
