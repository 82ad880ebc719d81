/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Captions and markers of what plays, as listeners get them. */
#include "room_private.h"

#include "playout/timebase.h"

/* What is being said, while a screen is advanced. */
struct saying {
	struct dh_room *room;
	int64_t begun_ticks, most_ticks; /* media time of the segment's start, and no later than */
	bool is_withdrawn;
};

static struct dh_screen_play play_of(const struct dh_account *account, bool is_complete)
{
	return (struct dh_screen_play){ account->timed_text, account->script, is_complete };
}

static json_t *event_of(const struct saying *saying, const char *name, int64_t at_ticks, int64_t *media_ticks)
{
	json_t *event = dh_room_report_new(saying->room, name);

	*media_ticks = MIN(saying->begun_ticks + at_ticks, saying->most_ticks);
	dh_room_set_ms(event, "media_ms", *media_ticks);
	if (saying->room->on_screen)
		json_object_set_new(event, "segment", json_string(saying->room->on_screen->id));
	return event;
}

/* {"caption":…,"from_ms":…,"until_ms":…,"text":…,"words":…} */
static void describe_caption(const struct dh_room *room, json_t *json, const struct dh_screen_caption *shown,
	int64_t begun_ticks)
{
	const struct dh_account *account = room->on_screen;
	json_t *words = dh_timed_text_json(account->timed_text, account->script, &shown->caption, begun_ticks);

	json_object_set_new(json, "caption", json_integer(shown->number));
	dh_room_set_ms(json, "from_ms", begun_ticks + shown->caption.from_ticks);
	dh_room_set_ms(json, "until_ms", begun_ticks + shown->caption.to_ticks);
	json_object_update(json, words);
	json_decref(words);
}

static void say_shown(void *arg, const struct dh_screen_caption *shown, int64_t at_ticks)
{
	const struct saying *saying = arg;
	int64_t media_ticks;

	if (!saying->room->listeners->len)
		return;
	json_t *event = event_of(saying, "caption", at_ticks, &media_ticks);
	describe_caption(saying->room, event, shown, saying->begun_ticks);
	dh_room_listeners_post(saying->room, event, media_ticks);
}

static void say_ended(void *arg, const struct dh_screen_caption *shown, int64_t at_ticks)
{
	const struct saying *saying = arg;
	int64_t media_ticks;

	if (!saying->room->listeners->len)
		return;
	json_t *event = event_of(saying, "caption_end", at_ticks, &media_ticks);
	json_object_set_new(event, "caption", json_integer(shown->number));
	if (saying->is_withdrawn)
		json_object_set_new(event, "withdrawn", json_true());
	dh_room_listeners_post(saying->room, event, media_ticks);
}

static void say_marked(void *arg, json_t *data, int64_t at_ticks)
{
	const struct saying *saying = arg;
	struct dh_room *room = saying->room;
	int64_t media_ticks;
	json_t *event = event_of(saying, "marker", at_ticks, &media_ticks);

	json_object_set(event, "data", data);
	json_decref(room->marker);
	room->marker = json_incref(event);
	dh_room_listeners_post(room, event, media_ticks);
}

static void advance(struct dh_room *room, int64_t reached_ticks, bool is_complete, int64_t most_ticks)
{
	struct saying saying = { room, room->begun_ticks, most_ticks, false };
	const struct dh_screen_out out = { &saying, say_shown, say_ended, say_marked };
	const struct dh_screen_play play = play_of(room->on_screen, is_complete);

	dh_screen_advance(&room->screen, &play, reached_ticks, DH_SLOT_TICKS, &out);
}

/* It is said no more at `media_ticks`. */
static void end(struct dh_room *room, bool is_withdrawn, int64_t media_ticks)
{
	struct saying saying = { room, media_ticks, media_ticks, is_withdrawn };

	advance(room, media_ticks - room->begun_ticks, true, media_ticks);
	for (size_t i = 0; i < room->screen.count; i++)
		say_ended(&saying, &room->screen.shown[i], 0);
	dh_screen_begin(&room->screen);
	dh_account_unref(&room->on_screen);
}

/* On hold: the caption is not said now, nor perhaps ever. */
static void hold(struct dh_room *room, int64_t media_ticks)
{
	struct saying saying = { room, media_ticks, media_ticks, true };
	const struct dh_screen_out out = { &saying, say_shown, say_ended, say_marked };

	advance(room, media_ticks - room->begun_ticks, true, media_ticks);
	dh_screen_hold(&room->screen, 0, &out);
}

static void begin(struct dh_room *room, struct dh_account *account, const struct dh_playout_event *event)
{
	dh_account_unref(&room->on_screen);
	room->on_screen = dh_account_ref(account);
	dh_screen_begin(&room->screen);
	room->begun_ticks = event->media_ticks - event->position_ticks;
	room->underruns = false;
	if (event->position_ticks > 0)
		dh_spans_begin(&account->spans, event->position_ticks, event->media_ticks);
}

/* The underrun is over, and what came too late has been dropped. */
static void go_on(struct dh_room *room, const struct dh_playout_event *event)
{
	int64_t at_ticks = event->media_ticks - room->begun_ticks;

	room->underruns = false;
	if (dh_segment_order(event->segment)->underrun == DH_UNDERRUN_SKIP && at_ticks > 0)
		dh_spans_begin(&room->on_screen->spans, at_ticks, event->media_ticks);
}

void dh_room_screen_event(struct dh_room *room, const struct dh_playout_event *event)
{
	struct dh_account *account = event->segment ? dh_room_account(room, event->segment) : NULL;

	if (event->type == DH_EVENT_STARTED)
		begin(room, account, event);
	if (!account || account != room->on_screen)
		return;
	if (event->type == DH_EVENT_HELD) {
		room->underruns = true;
	} else if (event->type == DH_EVENT_RESUMED) {
		go_on(room, event);
	} else if (event->type == DH_EVENT_HOLDING) {
		room->begun_ticks = event->media_ticks - event->position_ticks;
		hold(room, event->media_ticks);
	} else if (event->type > DH_EVENT_STARTED && event->type <= DH_EVENT_FAILED) {
		room->begun_ticks = event->media_ticks - event->position_ticks;
		end(room, event->type != DH_EVENT_FINISHED, event->media_ticks);
	}
}

void dh_room_screen_poll(struct dh_room *room)
{
	const struct dh_segment *playing = dh_playout_playing(room->playout, NULL);

	if (!playing || !room->on_screen)
		return;
	room->begun_ticks = dh_playout_begun_ticks(room->playout);
	int64_t reached_ticks = dh_playout_position_ticks(room->playout);
	/* Here alone: what a late turn makes up for, up to an end or a hold, was not sent. */
	if (!room->underruns && reached_ticks > dh_playout_muted_ticks(room->playout))
		dh_spans_note(&room->on_screen->spans, room->begun_ticks, reached_ticks);
	advance(room, reached_ticks, dh_segment_is_complete(playing), INT64_MAX);
}

/* With viewers there is a turn for each slot; without, only what others listen to needs one. */
int64_t dh_room_screen_deadline_ticks(const struct dh_room *room, int64_t now_ticks)
{
	if (!room->listeners->len || !room->on_screen || dh_playout_viewers(room->playout))
		return INT64_MAX;
	const struct dh_screen_play play = play_of(room->on_screen, true);
	int64_t next_ticks = dh_screen_next_ticks(&room->screen, &play);
	if (next_ticks == INT64_MAX)
		return INT64_MAX;
	int64_t media_ticks = room->begun_ticks + next_ticks;
	int64_t wait_ticks = media_ticks - dh_playout_media_ticks(room->playout, now_ticks);
	return now_ticks + MAX(wait_ticks, DH_SLOT_TICKS);
}

void dh_room_screen_describe(const struct dh_room *room, json_t *state)
{
	int64_t begun_ticks = room->begun_ticks;
	json_t *captions = json_array();

	for (size_t i = 0; i < room->screen.count; i++) {
		const struct dh_screen_caption *shown = &room->screen.shown[i];
		json_t *json = json_pack("{s:s}", "segment", room->on_screen->id);
		describe_caption(room, json, shown, begun_ticks);
		json_array_append_new(captions, json);
	}
	json_object_set_new(state, "captions", captions);
	json_t *marker = room->marker ? json_copy(room->marker) : json_null();
	json_object_del(marker, "digitalhuman");
	json_object_del(marker, "event");
	json_object_del(marker, "id");
	json_object_set_new(state, "marker", marker);
}

void dh_room_screen_clear(struct dh_room *room)
{
	dh_account_unref(&room->on_screen);
	json_decref(room->marker);
	room->marker = NULL;
}

/* --- any other thread */

struct mark {
	json_t *data;
	const char *segment; /* NULL: none */
	int64_t at_ms;
	int64_t media_ticks; /* out; -1: not known */
};

static void mark_now(struct dh_room *room, struct mark *mark)
{
	struct saying saying = { room, dh_playout_media_ticks(room->playout, dh_now_ticks()), INT64_MAX, false };

	mark->media_ticks = saying.begun_ticks;
	say_marked(&saying, mark->data, 0);
}

static int run_marker(struct dh_room *room, void *arg)
{
	struct mark *mark = arg;
	const struct dh_segment *segment = mark->segment ? dh_playout_find(room->playout, mark->segment) : NULL;
	struct dh_account *account = segment ? dh_room_account(room, segment) : NULL;

	if (mark->segment && !account)
		return -ENOENT;
	if (!account || (account == room->on_screen && mark->at_ms * DH_TICKS_PER_MS < room->screen.reached_ticks)) {
		mark_now(room, mark);
		return 0;
	}
	size_t index = 0;
	int err = dh_timed_text_add_marker(&account->timed_text, mark->at_ms, mark->data, &index);
	mark->media_ticks = -1;
	if (!err && account == room->on_screen) {
		dh_screen_marker_added(&room->screen, index);
		mark->media_ticks = room->begun_ticks + mark->at_ms * DH_TICKS_PER_MS;
	}
	return err;
}

int dh_room_add_marker(struct dh_room *room, json_t *data, const char *segment, int64_t at_ms, json_t **reply)
{
	struct mark mark = { data, segment, at_ms, -1 };
	int err = dh_room_call(room, run_marker, &mark);

	if (!err) {
		*reply = json_object();
		dh_room_set_ms(*reply, "media_ms", mark.media_ticks);
	}
	return err;
}
