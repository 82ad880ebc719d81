/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The segments of a room: what requests do to them, and their feeds. */
#include "room_private.h"

#include <errno.h>
#include <inttypes.h>

#include "ingest/log.h"
#include "playout/timebase.h"
#include "prepare/job.h"

/* At most this many of a room's segments are prepared at a time: however many are
 * enqueued, generators and workers stay few, and the next segment to play does not wait
 * for those behind it. */
#define AHEAD_MAX 4

/* --- in the room's thread */

struct dh_account *dh_room_account(const struct dh_room *room, const struct dh_segment *segment)
{
	return dh_ledger_account(room->ledger, dh_segment_user(segment));
}

void dh_room_segments_ended(struct dh_room *room, struct dh_segment *segment)
{
	struct dh_feed *feed = dh_segment_user(segment);

	dh_room_text_ended(room, segment);
	dh_room_pipes_ended(room, segment);
	dh_feed_stop(feed);
	dh_ledger_close(room->ledger, feed);
	dh_feed_unref(&feed);
	room->queue_changed = true;
}

struct feed_command {
	struct dh_command command;
	struct dh_feed *feed; /* a reference */
};

static void feed_free(struct dh_command *command)
{
	dh_feed_unref(&((struct feed_command *)command)->feed);
	g_free(command);
}

static void feed_run(void *owner, struct dh_command *command)
{
	struct dh_feed *feed = ((struct feed_command *)command)->feed;
	struct dh_room *room = owner;
	bool was_complete = dh_feed_is_complete(feed), is_more = dh_feed_fill(feed);

	if (dh_feed_segment(feed))
		dh_room_report_waiting(room, feed); /* before it can be ready */
	if (dh_feed_segment(feed) && dh_segment_error(dh_feed_segment(feed), NULL))
		dh_room_rest_continue(room, feed);
	if (dh_feed_segment(feed)) {
		/* Before the playout looks: it may end the segment. */
		dh_room_note_arrivals(room, feed);
		dh_playout_filled(room->playout, dh_feed_segment(feed));
	}
	if (!was_complete && dh_feed_is_complete(feed) && dh_feed_segment(feed))
		dh_room_report_prepared(room, dh_feed_segment(feed));
	room->queue_changed = true;
	if (is_more) /* after a turn, and after the commands of others */
		dh_room_thread_post(room->thread, command);
	else
		feed_free(command);
}

/* The I/O thread. */
static void feed_arrived(void *arg, struct dh_feed *feed)
{
	struct feed_command *c = g_new0(struct feed_command, 1);
	struct dh_room *room = arg;

	c->command.run = feed_run;
	c->command.discard = feed_free;
	c->feed = dh_feed_ref(feed);
	dh_room_thread_post(room->thread, &c->command);
}

static void feed_gone(void *arg)
{
	struct dh_room *room = arg;

	dh_room_unref(&room);
}

/* Its sender encodes, or waits: pushed segments have limits of their own. */
static bool is_pushed(const struct dh_feed *feed)
{
	return dh_feed_is_live(feed) && !dh_feed_is_generated(feed);
}

/* The playing segment is the first, if one plays. NULL beyond the last. */
static struct dh_segment *segment_at(const struct dh_room *room, size_t index)
{
	struct dh_segment *playing = dh_playout_playing(room->playout, NULL);

	if (!playing)
		return dh_playout_waiting(room->playout, index);
	return index ? dh_playout_waiting(room->playout, index - 1) : playing;
}

static void start_feed(struct dh_room *room, struct dh_feed *feed)
{
	const struct dh_avatar *avatar = room->facts.avatar;
	const struct dh_feed_look look = { .anchor = dh_avatar_picture(avatar),
		.frame = dh_avatar_frame(avatar),
		.background = dh_avatar_background(avatar),
		.mark = dh_avatar_mark(avatar) };

	dh_feed_start(feed, &look);
}

/* In queue order. The next segment to play is always prepared, those behind it only
 * while the queue has space for more bytes. A generator is read for as long as it takes
 * to generate, so only one at a time runs ahead of the segment that plays (or plays
 * first). */
void dh_room_segments_prepare(struct dh_room *room)
{
	const struct dh_segment *playing = dh_playout_playing(room->playout, NULL),
				*next = dh_playout_waiting(room->playout, 0);
	const struct dh_segment *first = playing ? playing : next, *segment, *before = NULL;
	const struct dh_segment *interrupting = dh_playout_interrupting(room->playout);
	size_t bytes = 0, most = (size_t)room->context.max_queue_mb << 20;
	bool live_ahead = false;
	int busy = 0;

	room->queue_changed = false;
	if (interrupting)
		dh_feed_make_way(dh_segment_user(playing), dh_segment_user(interrupting));
	for (size_t i = 0; room->has_clip && (segment = segment_at(room, i)); i++, before = segment) {
		struct dh_feed *feed = dh_segment_user(segment);
		if (!dh_feed_is_started(feed)) {
			bool is_full = busy >= AHEAD_MAX && !is_pushed(feed);
			if (segment != next && (is_full || bytes >= most || !dh_feed_may_begin_ahead(feed)))
				return;
			if (segment != next && dh_feed_is_generated(feed) && live_ahead)
				continue;
			dh_room_scene_set(room, feed, before);
			dh_room_note_moment(room, dh_room_account(room, segment), DH_MOMENT_BEGUN,
				g_get_monotonic_time());
			dh_room_pipes_start(room, feed);
			start_feed(room, feed);
		}
		if (segment == playing || segment == next)
			dh_feed_set_next(feed);
		bool is_busy = !dh_segment_is_complete(segment) && !dh_segment_error(segment, NULL);
		live_ahead = live_ahead || (is_busy && dh_feed_is_generated(feed) && segment != first);
		busy += is_busy && !is_pushed(feed);
		bytes += segment == playing ? 0 : dh_segment_bytes(segment);
	}
}

/* --- live segments */

void dh_room_segments_poll(struct dh_room *room, int64_t now_ticks)
{
	int64_t played_ticks;
	struct dh_segment *playing = dh_playout_playing(room->playout, &played_ticks);
	int64_t every_ticks = playing ? dh_feed_played_every_ticks(dh_segment_user(playing)) : 0;

	if (every_ticks == 0)
		room->live_poll_ticks = INT64_MAX;
	else if (room->live_poll_ticks == INT64_MAX || now_ticks >= room->live_poll_ticks) {
		dh_feed_played(dh_segment_user(playing), played_ticks, dh_playout_reached_ticks(room->playout));
		room->live_poll_ticks = now_ticks + every_ticks;
	}
}

int64_t dh_room_segments_deadline_ticks(const struct dh_room *room)
{
	return room->live_poll_ticks;
}

/* --- the avatar */

/* Without an idle clip none has begun to be prepared, and none ever will. */
static void fail_all(struct dh_room *room)
{
	struct dh_segment *segment;

	while ((segment = dh_playout_waiting(room->playout, 0))) {
		dh_segment_fail(segment, DH_PREPARE_INTERNAL, "the avatar could not be prepared");
		dh_playout_filled(room->playout, segment);
		dh_room_thread_keep_time(room->thread);
	}
}

void dh_room_segments_avatar(struct dh_room *room)
{
	struct dh_segment *clip = NULL;
	int err = 0;

	if (room->has_clip)
		return;
	enum dh_avatar_state state = dh_avatar_state(room->facts.avatar);
	if (state == DH_AVATAR_READY) {
		err = dh_avatar_clip(room->facts.avatar, &clip);
		if (!err)
			err = dh_playout_set_idle(room->playout, clip);
		if (err) {
			dh_segment_free(&clip);
			dh_log(DH_LOG_ERROR, "room %s: the idle clip cannot be used: %s", room->id, g_strerror(-err));
		}
		room->has_clip = !err;
		if (!err)
			dh_room_stance_clips(room);
	}
	room->has_failed = err || state == DH_AVATAR_FAILED;
	if (room->has_failed)
		fail_all(room);
	room->queue_changed = true;
}

/* --- requests, in the room's thread */

struct enqueue {
	struct dh_feed *feed;
	const struct dh_segment_request *request;
	struct dh_script *script;
	char id[DH_SEGMENT_ID_MAX + 1]; /* out */
	size_t position;                /* out */
};

void dh_room_segments_make_id(struct dh_room *room, char id[DH_ROOM_MADE_ID_SIZE])
{
	do
		g_snprintf(id, DH_ROOM_MADE_ID_SIZE, "s-%" PRIu64, ++room->next_segment);
	while (dh_playout_find(room->playout, id));
}

static int choose_id(struct dh_room *room, struct enqueue *enqueue)
{
	const char *id = enqueue->request->id;

	if (!id)
		dh_room_segments_make_id(room, enqueue->id);
	else if (g_strlcpy(enqueue->id, id, sizeof(enqueue->id)) >= sizeof(enqueue->id))
		return -EINVAL;
	return 0;
}

/* A request that was answered already, and whose answer may have been lost. */
static bool is_again(struct dh_room *room, struct enqueue *enqueue)
{
	const struct dh_segment *segment = dh_playout_find(room->playout, enqueue->id);
	const struct dh_account *account = segment ? dh_room_account(room, segment) : NULL;

	if (!account || !account->content || g_strcmp0(account->content, enqueue->request->content))
		return false;
	enqueue->position = account->position;
	return true;
}

/* What the request does not say is the generator's to say, then the room's. */
static struct dh_order complete_order(const struct dh_room *room, const struct dh_feed *feed,
	const struct dh_segment_request *request)
{
	struct dh_order order = request->order;
	const struct dh_generator_config *generator = dh_feed_is_generated(feed) ? room->facts.generator : NULL;
	int64_t preroll_ms = request->preroll_ms;

	if (!request->has_underrun)
		order.underrun = room->facts.underrun;
	if (!request->has_underrun && generator && generator->underrun)
		dh_underrun_parse(generator->underrun, &order.underrun);
	if (preroll_ms < 0)
		preroll_ms = generator && generator->preroll_ms >= 0 ? generator->preroll_ms : room->facts.preroll_ms;
	order.preroll_ticks = preroll_ms * DH_TICKS_PER_MS;
	if (!dh_feed_is_live(feed))
		return order;
	order.source = dh_feed_is_generated(feed) ? DH_SOURCE_GENERATOR : DH_SOURCE_PUSHES;
	/* It is not read further: more would never come. */
	order.preroll_most_ticks = dh_feed_ahead_ticks(feed) / 2;
	return order;
}

/* The feed is set first, and the account opened: the events of the segment need them. */
static int enqueue_feed(struct dh_room *room, const struct enqueue *enqueue, struct dh_segment *segment)
{
	const struct dh_place place = { enqueue->request->before, enqueue->request->after };
	const struct dh_order order = complete_order(room, enqueue->feed, enqueue->request);
	struct dh_feed *feed = enqueue->feed;

	dh_segment_set_order(segment, &order);
	dh_feed_set_segment(dh_feed_ref(feed), segment);
	struct dh_account *account = dh_ledger_open(room->ledger, feed, enqueue->id, enqueue->request, enqueue->script);
	dh_room_note_moment(room, account, DH_MOMENT_ASKED, g_get_monotonic_time());
	int err = dh_playout_enqueue_at(room->playout, segment, &place);
	if (err) {
		dh_ledger_cancel(room->ledger, feed);
		dh_feed_set_segment(feed, NULL);
		dh_feed_unref(&feed);
	}
	return err;
}

static int run_enqueue(struct dh_room *room, void *arg)
{
	struct enqueue *enqueue = arg;
	struct dh_segment *segment = NULL;

	if (room->has_failed)
		return -EHOSTDOWN;
	int err = choose_id(room, enqueue);
	if (!err && is_again(room, enqueue))
		return 0;
	if (!err)
		err = dh_segment_alloc(&segment, enqueue->id, enqueue->feed);
	if (!err)
		err = enqueue_feed(room, enqueue, segment);
	if (err) {
		dh_segment_free(&segment);
		return err;
	}
	room->queue_changed = true;
	/* It may have ended already: only compared. */
	const struct dh_segment *other;
	while ((other = dh_playout_waiting(room->playout, enqueue->position)) && other != segment)
		enqueue->position++;
	dh_room_stance_asked(room, enqueue->feed);
	struct dh_account *account = dh_ledger_account(room->ledger, enqueue->feed);
	if (account)
		account->position = enqueue->position;
	return 0;
}

/* `arg` is a char[DH_SEGMENT_ID_MAX + 1], out: the id of the skipped segment */
static int run_skip(struct dh_room *room, void *arg)
{
	const struct dh_segment *playing = dh_playout_playing(room->playout, NULL);

	if (!playing)
		return -ENOENT;
	g_strlcpy(arg, dh_segment_id(playing), DH_SEGMENT_ID_MAX + 1);
	return dh_playout_skip(room->playout);
}

static int run_remove(struct dh_room *room, void *arg)
{
	const char *const *id = arg;

	return dh_playout_remove(room->playout, *id);
}

/* --- any other thread */

struct dh_feed_owner dh_room_feed_owner(struct dh_room *room)
{
	return (struct dh_feed_owner){ .arg = dh_room_ref(room),
		.name = room->id,
		.arrived = feed_arrived,
		.gone = feed_gone };
}

int dh_room_enqueue(struct dh_room *room, struct dh_feed *feed, const struct dh_segment_request *request,
	json_t **reply)
{
	struct enqueue enqueue = { .feed = feed,
		.request = request,
		.script = dh_script_new(request->text, request->words) };
	int err = dh_room_call(room, run_enqueue, &enqueue);

	dh_script_unref(&enqueue.script);
	if (!err)
		*reply = json_pack("{s:s, s:s, s:I}", "segment", enqueue.id, "state", "preparing", "position",
			(json_int_t)enqueue.position);
	return err;
}

int dh_room_skip(struct dh_room *room, json_t **reply)
{
	char id[DH_SEGMENT_ID_MAX + 1];
	int err = dh_room_call(room, run_skip, id);

	if (!err)
		*reply = json_pack("{s:s}", "segment", id);
	return err;
}

int dh_room_remove(struct dh_room *room, const char *id, json_t **reply)
{
	int err = dh_room_call(room, run_remove, &id);

	if (!err)
		*reply = json_pack("{s:s}", "segment", id);
	return err;
}
