/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the segments of a room stand, and how those ended that are over; and the queue's
 * order. */
#include "room_private.h"

#include <errno.h>

#include "playout/timebase.h"

/* Copied in the room's thread, read by the caller. What changes in an account is copied. */
struct life_copy {
	struct dh_account *account; /* a reference */
	struct dh_life life;
	struct dh_script *script; /* a reference; NULL: none, or it is over */
	int64_t media_ticks;      /* now */
};

/* --- any other thread */

static void set_moments(json_t *json, const struct dh_life *life)
{
	static const char *const names[] = { "asked", "begun", "first_byte", "first_unit", "ready", "started",
		"ended" };
	json_t *media = json_object(), *wall = json_object();

	for (int i = 0; i < DH_MOMENT_COUNT; i++) {
		const struct dh_moment *moment = &life->moments[i];
		bool is_known = moment->media_ticks >= 0;
		dh_room_set_ms(media, names[i], moment->media_ticks);
		json_object_set_new(wall, names[i], is_known ? json_integer(moment->wall_ms) : json_null());
	}
	json_object_set_new(json, "media_ms", media);
	json_object_set_new(json, "wall_ms", wall);
}

/* The room's media time in both RTP clocks, which viewers' timestamps follow (docs/api.md). */
static json_t *rtp_time(const struct dh_moment *moment)
{
	if (moment->media_ticks < 0)
		return json_null();
	return json_pack("{s:I, s:I}", "audio", (json_int_t)(moment->media_ticks / DH_TICKS_PER_AUDIO_SAMPLE), "video",
		(json_int_t)(moment->media_ticks / DH_TICKS_PER_VIDEO_CLOCK));
}

static const char *state_of(const struct dh_life *life)
{
	if (life->state == DH_EVENT_QUEUED)
		return "preparing";
	if (life->state == DH_EVENT_STARTED)
		return "playing";
	return dh_room_event_name(life->state);
}

static void set_end(json_t *json, const struct dh_account *account)
{
	const char *reason = dh_room_reason_name(account->life.reason);

	if (reason)
		json_object_set_new(json, "reason", json_string(reason));
	if (account->error)
		json_object_set_new(json, "error", json_string(account->error));
	if (account->heard)
		json_object_set_new(json, "heard_text", json_string(account->heard));
}

static void set_heard_so_far(json_t *json, const struct life_copy *copy)
{
	char *heard = dh_life_heard(&copy->life, copy->script);

	if (heard)
		json_object_set_new(json, "heard_text", json_string(heard));
	g_free(heard);
}

static json_t *life_json(const struct life_copy *copy)
{
	const struct dh_account *account = copy->account;
	const struct dh_life *life = &copy->life;
	bool is_over = life->moments[DH_MOMENT_ENDED].media_ticks >= 0;
	int64_t held_ticks = life->held_ticks;
	json_t *json = json_pack("{s:s, s:s, s:s, s:o}", "segment", account->id, "name", account->name, "state",
		state_of(life), "metadata", account->metadata ? json_deep_copy(account->metadata) : json_object());

	if (account->utterance) {
		json_object_set_new(json, "utterance", json_string(account->utterance));
		json_object_set_new(json, "index", json_integer(life->index));
	}
	if (life->held_since_ticks >= 0)
		held_ticks += copy->media_ticks - life->held_since_ticks;
	set_moments(json, life);
	json_object_set_new(json, "rtp",
		json_pack("{s:o, s:o}", "started", rtp_time(&life->moments[DH_MOMENT_STARTED]), "ended",
			rtp_time(&life->moments[DH_MOMENT_ENDED])));
	dh_room_set_ms(json, "played_ms", life->played_ticks);
	dh_room_set_duration(json, life->duration_ticks, is_over ? -1 : life->stated_ticks);
	json_object_set_new(json, "holds", json_integer((json_int_t)life->holds));
	dh_room_set_ms(json, "held_ms", MAX(held_ticks, 0));
	if (life->is_on_hold)
		json_object_set_new(json, "on_hold", json_true());
	if (is_over)
		set_end(json, account);
	else
		set_heard_so_far(json, copy);
	return json;
}

/* --- in the room's thread */

static void copy_life(struct dh_room *room, struct life_copy *copy, struct dh_account *account,
	const struct dh_segment *segment)
{
	copy->account = dh_account_ref(account);
	copy->life = account->life;
	copy->life.reached_ticks = dh_spans_reached_ticks(account->spans);
	copy->script = dh_script_ref(account->script);
	copy->media_ticks = dh_playout_media_ticks(room->playout, dh_now_ticks());
	if (!segment)
		return;
	copy->life.duration_ticks = dh_segment_own_ticks(segment, room->facts.duration);
	copy->life.stated_ticks = dh_segment_stated_ticks(segment);
	copy->life.known_ticks = copy->life.duration_ticks < 0 ? dh_segment_known_ticks(segment) : 0;
	copy->life.is_broken_off = copy->life.is_broken_off || dh_segment_error(segment, NULL);
	if (segment == dh_playout_playing(room->playout, NULL))
		dh_playout_playing(room->playout, &copy->life.played_ticks);
}

struct history {
	const char *id; /* NULL: all */
	struct life_copy lives[DH_LEDGER_MAX];
	size_t count;
};

static int run_history(struct dh_room *room, void *arg)
{
	struct history *history = arg;
	struct dh_account *account;

	for (guint i = 0; (account = dh_ledger_over(room->ledger, i)); i++)
		if (!history->id || !g_strcmp0(account->id, history->id))
			copy_life(room, &history->lives[history->count++], account, NULL);
	return 0;
}

static int run_progress(struct dh_room *room, void *arg)
{
	struct history *history = arg;
	struct dh_segment *segment = dh_playout_find(room->playout, history->id);
	struct dh_account *account = segment ? dh_room_account(room, segment) :
					       dh_ledger_find(room->ledger, history->id);

	if (!account)
		return -ENOENT;
	if (segment)
		dh_room_note_first_byte(room, account, dh_segment_user(segment));
	copy_life(room, &history->lives[history->count++], account, segment);
	return 0;
}

struct move {
	const char *id;
	struct dh_place place;
};

static int run_move(struct dh_room *room, void *arg)
{
	const struct move *move = arg;

	room->queue_changed = true;
	return dh_playout_move(room->playout, move->id, &move->place);
}

struct removal {
	const char *utterance;
	int count; /* out */
};

static int run_remove_utterance(struct dh_room *room, void *arg)
{
	struct removal *removal = arg;

	removal->count = dh_playout_remove_utterance(room->playout, removal->utterance);
	return MIN(removal->count, 0);
}

/* --- any other thread */

static void history_free(struct history *history)
{
	for (size_t i = 0; i < history->count; i++) {
		dh_account_unref(&history->lives[i].account);
		dh_script_unref(&history->lives[i].script);
	}
	g_free(history);
}

int dh_room_history(struct dh_room *room, const char *id, json_t **reply)
{
	struct history *history = g_new0(struct history, 1);
	history->id = id;
	int err = dh_room_call(room, run_history, history);
	json_t *list = err ? NULL : json_array();

	for (size_t i = 0; list && i < history->count; i++)
		json_array_append_new(list, life_json(&history->lives[i]));
	if (list)
		*reply = json_pack("{s:o}", "history", list);
	history_free(history);
	return err;
}

int dh_room_progress(struct dh_room *room, const char *id, json_t **reply)
{
	struct history *history = g_new0(struct history, 1);
	history->id = id;
	int err = dh_room_call(room, run_progress, history);

	if (!err)
		*reply = life_json(&history->lives[0]);
	history_free(history);
	return err;
}

int dh_room_move(struct dh_room *room, const char *id, const char *before, const char *after, json_t **reply)
{
	struct move move = { id, { before, after } };
	int err = dh_room_call(room, run_move, &move);

	if (!err)
		*reply = json_pack("{s:s}", "segment", id);
	return err;
}

int dh_room_remove_utterance(struct dh_room *room, const char *utterance, json_t **reply)
{
	struct removal removal = { .utterance = utterance };
	int err = dh_room_call(room, run_remove_utterance, &removal);

	if (!err)
		*reply = json_pack("{s:s, s:i}", "utterance", utterance, "removed", removal.count);
	return err;
}
