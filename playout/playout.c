#include "playout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pacer.h"
#include "queue.h"
#include "timebase.h"
#include "timeline.h"
#include "viewer.h"

struct dh_playout {
	struct dh_playout_config config;
	struct dh_viewer_out out;
	int64_t origin_ticks;
	int64_t slot_ticks;  /* the next slot to be decided, in media time */
	int speaking;
	int lost;            /* an item of this poll could not be kept */
	int newcomers;       /* a viewer is to get its first anchor at once */
	struct dh_queue queue;
	struct dh_timeline timeline;
	struct dh_pacer pacer;
	struct dh_viewer *viewers[DH_PACER_GROUPS_MAX]; /* lists by group */
	size_t viewer_count;
};

/* ------------------------------------------------------------- life */

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

static int config_is_valid(const struct dh_playout_config *config)
{
	return config->preroll_ticks >= 0 && config->late_ticks >= 0 && config->spread_ticks >= 0 &&
		config->spread_ticks <= 20 * DH_TICKS_PER_MS && config->spread_from >= 0 && config->max_queue >= 0;
}

int dh_playout_alloc(struct dh_playout **room, const struct dh_playout_config *config,
	const struct dh_playout_sink *sink, void *arg, int64_t now_ticks)
{
	if (!config_is_valid(config) || !sink->packet || !sink->event)
		return -EINVAL;
	struct dh_playout *r = calloc(1, sizeof *r + sizeof *sink);
	if (!r)
		return -ENOMEM;
	r->config = *config;
	*(struct dh_playout_sink *)(r + 1) = *sink;
	r->out = (struct dh_viewer_out){ (struct dh_playout_sink *)(r + 1), arg };
	r->origin_ticks = now_ticks;
	r->timeline.rule = config->duration;
	r->timeline.preroll_ticks = config->preroll_ticks;
	dh_pacer_init(&r->pacer, config->spread_ticks);
	*room = r;
	return 0;
}

void dh_playout_free(struct dh_playout **room)
{
	struct dh_playout *r = *room;
	*room = NULL;
	if (!r)
		return;
	for (int g = 0; g < r->pacer.groups; g++)
		while (r->viewers[g]) {
			struct dh_viewer *viewer = r->viewers[g];
			dh_playout_remove_viewer(r, &viewer);
		}
	dh_queue_clear(&r->queue);
	dh_timeline_clear(&r->timeline);
	dh_pacer_clear(&r->pacer);
	free(r);
}

int dh_playout_set_idle(struct dh_playout *room, struct dh_segment *idle)
{
	return room->timeline.idle ? -EALREADY : dh_timeline_set_idle(&room->timeline, idle);
}

/* --------------------------------------------------------- segments */

static void tell(struct dh_playout *room, enum dh_event_type type, struct dh_segment *segment,
	int64_t media_ticks, int64_t played_ticks)
{
	room->out.sink->event(room->out.arg, &(struct dh_playout_event){ type, segment, media_ticks, played_ticks });
}

/* The one way in which a segment leaves the room. */
static void end_segment(struct dh_playout *room, enum dh_event_type how, struct dh_segment *segment, int64_t played_ticks)
{
	if (how == DH_EVENT_FINISHED && dh_segment_error(segment, NULL))
		how = DH_EVENT_FAILED;
	tell(room, how, segment, room->slot_ticks, played_ticks);
	dh_segment_free(&segment);
}

static void end_playing(struct dh_playout *room, enum dh_event_type how)
{
	int64_t played_ticks;
	struct dh_segment *segment = dh_timeline_stop(&room->timeline, room->slot_ticks, &played_ticks);
	end_segment(room, how, segment, played_ticks);
}

struct dh_segment *dh_playout_find(struct dh_playout *room, const char *id)
{
	struct dh_segment *playing = room->timeline.playing;
	if (playing && !strcmp(dh_segment_id(playing), id))
		return playing;
	long at = dh_queue_find(&room->queue, id);
	return at < 0 ? NULL : room->queue.at[at];
}

int dh_playout_enqueue(struct dh_playout *room, struct dh_segment *segment)
{
	const struct dh_queue_limits limits = {
		room->config.max_queue, room->config.max_queue_ticks, room->config.max_queue_bytes };
	if (dh_playout_find(room, dh_segment_id(segment)))
		return -EEXIST;
	int err = dh_queue_push(&room->queue, segment, &limits);
	if (err)
		return err;
	tell(room, DH_EVENT_QUEUED, segment, room->slot_ticks, 0);
	if (dh_segment_is_open(segment) || dh_segment_error(segment, NULL))
		dh_playout_filled(room, segment);
	return 0;
}

void dh_playout_filled(struct dh_playout *room, struct dh_segment *segment)
{
	long at = dh_queue_find(&room->queue, dh_segment_id(segment));
	if (at < 0)
		return; /* it plays: the timeline sees for itself */
	if (dh_segment_error(segment, NULL)) {
		/* Broken before it began: it is not begun. */
		end_segment(room, DH_EVENT_FAILED, dh_queue_take(&room->queue, (size_t)at), 0);
		return;
	}
	if (dh_playout_is_ready(room, segment) && dh_segment_mark_ready(segment))
		tell(room, DH_EVENT_READY, segment, room->slot_ticks, 0);
}

int dh_playout_skip(struct dh_playout *room)
{
	if (!room->timeline.playing)
		return -ENOENT;
	end_playing(room, DH_EVENT_SKIPPED);
	return 0;
}

int dh_playout_remove(struct dh_playout *room, const char *id)
{
	long at = dh_queue_find(&room->queue, id);
	if (at < 0)
		return dh_playout_find(room, id) ? -EBUSY : -ENOENT;
	end_segment(room, DH_EVENT_REMOVED, dh_queue_take(&room->queue, (size_t)at), 0);
	return 0;
}

int dh_playout_interrupt(struct dh_playout *room)
{
	int dropped = 0;
	if (room->timeline.playing) {
		end_playing(room, DH_EVENT_INTERRUPTED);
		dropped++;
	}
	for (; room->queue.count; dropped++)
		end_segment(room, DH_EVENT_INTERRUPTED, dh_queue_take(&room->queue, 0), 0);
	return dropped;
}

struct dh_segment *dh_playout_playing(const struct dh_playout *room, int64_t *played_ticks)
{
	if (room->timeline.playing && played_ticks)
		*played_ticks = room->slot_ticks - room->timeline.start_ticks;
	return room->timeline.playing;
}

struct dh_segment *dh_playout_waiting(const struct dh_playout *room, size_t index)
{
	return index < room->queue.count ? room->queue.at[index] : NULL;
}

int dh_playout_is_ready(const struct dh_playout *room, const struct dh_segment *segment)
{
	return dh_timeline_is_ready(&room->timeline, segment);
}

/* ---------------------------------------------------------- viewers */

int dh_playout_add_viewer(struct dh_playout *room, const struct dh_continuity_seed *seed, void *user,
	struct dh_viewer **viewer)
{
	int err = dh_viewer_alloc(viewer, seed, user);
	if (err)
		return err;
	struct dh_viewer *v = *viewer;
	if (!room->viewer_count) /* nobody saw it so far: begin with an entry */
		room->timeline.idle_runs = 0;
	v->group = dh_pacer_join(&room->pacer, (size_t)room->config.spread_from);
	v->following = room->viewers[v->group];
	if (v->following)
		v->following->previous = v;
	room->viewers[v->group] = v;
	room->viewer_count++;
	room->newcomers = 1;
	return 0;
}

void dh_playout_remove_viewer(struct dh_playout *room, struct dh_viewer **viewer)
{
	struct dh_viewer *v = *viewer;
	if (v->previous)
		v->previous->following = v->following;
	else
		room->viewers[v->group] = v->following;
	if (v->following)
		v->following->previous = v->previous;
	dh_pacer_leave(&room->pacer, v->group);
	room->viewer_count--;
	dh_viewer_free(viewer);
}

int64_t dh_playout_media_ticks(const struct dh_playout *room, int64_t now_ticks)
{
	return now_ticks - room->origin_ticks;
}

void dh_playout_viewer_pli(struct dh_playout *room, struct dh_viewer *viewer, int64_t now_ticks)
{
	dh_viewer_pli(viewer, dh_playout_media_ticks(room, now_ticks));
}

void dh_playout_viewer_pause(struct dh_playout *room, struct dh_viewer *viewer, int paused)
{
	(void)room;
	dh_viewer_pause(viewer, paused);
}

void dh_playout_viewer_stats(const struct dh_viewer *viewer, struct dh_viewer_stats *stats)
{
	*stats = viewer->stats;
}

size_t dh_playout_viewers(const struct dh_playout *room)
{
	return room->viewer_count;
}

/* ------------------------------------------------------------- time */

static struct dh_segment *startable(const struct dh_playout *room)
{
	struct dh_segment *next = dh_playout_waiting(room, 0);
	return next && room->timeline.idle && dh_playout_is_ready(room, next) ? next : NULL;
}

int64_t dh_playout_deadline_ticks(const struct dh_playout *room)
{
	int64_t media;
	if (room->newcomers) {
		media = 0;
	} else if (room->viewer_count) {
		int64_t due = dh_pacer_deadline_ticks(&room->pacer);
		media = due < room->slot_ticks ? due : room->slot_ticks;
	} else if (!room->timeline.playing) {
		media = room->speaking || startable(room) ? room->slot_ticks : INT64_MAX;
	} else {
		media = dh_timeline_edge_ticks(&room->timeline, room->slot_ticks);
	}
	return media == INT64_MAX ? INT64_MAX : room->origin_ticks + media;
}

static void keep_item(void *arg, const struct dh_item *item)
{
	struct dh_playout *room = arg;
	if (dh_pacer_push(&room->pacer, item) && item->media == DH_VIDEO)
		room->lost = 1;
}

static void set_speaking(struct dh_playout *room, int speaking)
{
	if (room->speaking == speaking)
		return;
	room->speaking = speaking;
	tell(room, speaking ? DH_EVENT_SPEAKING : DH_EVENT_IDLE, NULL, room->slot_ticks, 0);
}

/* Ends what has ended and starts what is next, then fills the slot; what it
 * holds is kept only where it is still of use. */
static void decide_slot(struct dh_playout *room, int keep)
{
	struct dh_timeline *timeline = &room->timeline;
	enum dh_slot_state state;
	while ((state = dh_timeline_state(timeline, room->slot_ticks)) == DH_SLOT_END || state == DH_SLOT_IDLE) {
		if (state == DH_SLOT_END)
			end_playing(room, DH_EVENT_FINISHED);
		struct dh_segment *next = startable(room);
		if (!next)
			break;
		dh_timeline_start(timeline, dh_queue_take(&room->queue, 0), room->slot_ticks);
		set_speaking(room, 1);
		tell(room, DH_EVENT_STARTED, next, room->slot_ticks, 0);
	}
	if (!timeline->playing)
		set_speaking(room, 0);
	else if (timeline->held != (state == DH_SLOT_HOLD))
		tell(room, timeline->held ? DH_EVENT_RESUMED : DH_EVENT_HELD, timeline->playing, room->slot_ticks,
			room->slot_ticks - timeline->start_ticks);
	dh_timeline_fill(timeline, room->slot_ticks, keep ? keep_item : NULL, room);
	room->lost |= !keep;
	room->slot_ticks += DH_SLOT_TICKS;
}

/* Whether somebody can still be sent what slot `slot_ticks` holds. */
static int is_wanted(const struct dh_playout *room, int64_t media_ticks)
{
	int64_t last = room->slot_ticks + DH_SLOT_TICKS + room->config.spread_ticks + room->config.late_ticks;
	return room->viewer_count && media_ticks <= last;
}

/* Nobody watches and nothing can change by itself: no need to count slots. */
static void jump(struct dh_playout *room, int64_t media_ticks)
{
	int64_t to = dh_slot_ceil(media_ticks);
	if (room->viewer_count || to <= room->slot_ticks || startable(room))
		return;
	if (room->speaking && !room->timeline.playing)
		return; /* its end is still to be told */
	if (room->timeline.playing && dh_timeline_edge_ticks(&room->timeline, room->slot_ticks) != INT64_MAX)
		return;
	dh_timeline_jump(&room->timeline, room->slot_ticks, to);
	room->slot_ticks = to;
}

static void deliver_to(struct dh_playout *room, struct dh_viewer *viewer, int64_t media_ticks, uint64_t from, uint64_t to)
{
	int64_t offset = room->pacer.offset_ticks[viewer->group];
	struct dh_unit *anchor = dh_timeline_anchor(&room->timeline);
	if (!viewer->joined && anchor)
		dh_viewer_join(viewer, anchor, media_ticks - offset, &room->out);
	if (room->lost)
		dh_viewer_wait(viewer);
	for (; from < to; from++) {
		const struct dh_item *item = dh_pacer_item(&room->pacer, from);
		dh_viewer_send(viewer, item, media_ticks - offset - item->media_ticks, room->config.late_ticks, &room->out);
	}
}

/* Viewer by viewer: all that is due for one is handed over together. */
static void deliver(struct dh_playout *room, int64_t media_ticks)
{
	for (int g = 0; g < room->pacer.groups; g++) {
		uint64_t from, to;
		dh_pacer_due(&room->pacer, g, media_ticks, &from, &to);
		for (struct dh_viewer *v = room->viewers[g]; v; v = v->following)
			deliver_to(room, v, media_ticks, from, to);
	}
	room->lost = room->newcomers = 0;
	dh_pacer_trim(&room->pacer);
}

void dh_playout_poll(struct dh_playout *room, int64_t now_ticks)
{
	int64_t media_ticks = dh_playout_media_ticks(room, now_ticks);
	jump(room, media_ticks);
	while (room->slot_ticks <= media_ticks)
		decide_slot(room, is_wanted(room, media_ticks));
	deliver(room, media_ticks);
}
