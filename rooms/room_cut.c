/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interruptions and holds of a room. */
#include "room_private.h"

#include <errno.h>

#include "ingest/log.h"
#include "playout/timebase.h"

/* By then the last packet of what was cut has left for the viewers that get theirs last. */
#define LAST_TICKS (2 * DH_SLOT_TICKS)

static bool parse(const char *name, const char *const *names, size_t count, int *found)
{
	for (size_t i = 0; i < count; i++) {
		if (g_strcmp0(name, names[i]))
			continue;
		*found = (int)i;
		return true;
	}
	return false;
}

bool dh_cut_mode_parse(const char *name, enum dh_cut_mode *mode)
{
	static const char *const names[] = { "now", "word", "segment", "utterance" };
	int found = 0;
	bool is_known = parse(name, names, G_N_ELEMENTS(names), &found);

	if (is_known)
		*mode = (enum dh_cut_mode)found;
	return is_known;
}

bool dh_resume_at_parse(const char *name, enum dh_resume_at *at)
{
	static const char *const names[] = { "entry", "word", "sentence" };
	int found = 0;
	bool is_known = parse(name, names, G_N_ELEMENTS(names), &found);

	if (is_known)
		*at = (enum dh_resume_at)found;
	return is_known;
}

void dh_room_cut_init(struct dh_room_cut *cut)
{
	*cut = (struct dh_room_cut){ .word_ms = DH_WORD_MS, .asked_us = g_get_monotonic_time() };
}

/* --- in the room's thread: how long it takes */

/* What speaks falls silent at slot `cut_ticks`, in media time. */
static void follow(struct dh_room *room, enum dh_cut_kind kind, int64_t asked_us, int64_t cut_ticks)
{
	dh_cut_times_asked(&room->cut_times, kind, dh_ticks_from_ns(asked_us * 1000));
	dh_playout_watch_speech(room->playout, cut_ticks);
	room->cut_over_ticks = dh_now_ticks() + cut_ticks + LAST_TICKS -
		dh_playout_media_ticks(room->playout, dh_now_ticks());
}

void dh_room_cut_event(struct dh_room *room, const struct dh_playout_event *event)
{
	if (!room->word_segment || event->segment != room->word_segment || event->type < DH_EVENT_FINISHED ||
		event->type > DH_EVENT_FAILED)
		return;
	room->word_segment = NULL;
	if (event->type == DH_EVENT_INTERRUPTED)
		follow(room, DH_CUT_KIND_WORD, room->word_asked_us, event->media_ticks);
}

void dh_room_cut_poll(struct dh_room *room, int64_t now_ticks)
{
	if (room->cut_times.pending && now_ticks >= room->cut_over_ticks)
		dh_cut_times_over(&room->cut_times, dh_playout_end_watch(room->playout));
	if (!dh_playout_is_on_hold(room->playout) || now_ticks < room->hold_over_ticks)
		return;
	dh_log(DH_LOG_WARNING, "room %s: on hold for longer than hold_s: interrupted", room->id);
	dh_room_discard_now(room, &(struct dh_cut_result){ 0 });
}

int64_t dh_room_cut_deadline_ticks(const struct dh_room *room)
{
	int64_t deadline = room->cut_times.pending ? room->cut_over_ticks : INT64_MAX;

	return dh_playout_is_on_hold(room->playout) ? MIN(deadline, room->hold_over_ticks) : deadline;
}

/* --- in the room's thread: what is done */

static const struct dh_script *playing_script(const struct dh_room *room)
{
	const struct dh_segment *playing = dh_playout_playing(room->playout, NULL);

	return playing ? dh_room_account(room, playing)->script : NULL;
}

static void run_cut(struct dh_room *room, const struct dh_cut *cut, struct dh_cut_result *result, int *err)
{
	*err = dh_playout_begin_cut(room->playout, cut, result);
	if (*err)
		return;
	room->queue_changed = true;
	do
		dh_room_thread_keep_time(room->thread);
	while (dh_playout_continue_cut(room->playout));
}

int dh_room_cut_now(struct dh_room *room, const struct dh_room_cut *asked, struct dh_cut_result *result)
{
	const struct dh_segment *playing = dh_playout_playing(room->playout, NULL);
	bool was_on_hold = dh_playout_is_on_hold(room->playout);
	struct dh_cut cut = { .mode = asked->mode,
		.segment = asked->segment,
		.utterance = asked->utterance,
		.has_priority = asked->has_priority,
		.priority = asked->priority,
		.word_ticks = asked->word_ms * DH_TICKS_PER_MS };
	int err;

	if (cut.mode == DH_CUT_WORD)
		cut.word_end_ticks = dh_script_word_end(playing_script(room), dh_playout_position_ticks(room->playout));
	run_cut(room, &cut, result, &err);
	if (err)
		return err;
	room->cut_times.interruptions++;
	if (result->cut_ticks < 0 || was_on_hold)
		return 0;
	if (!dh_playout_is_cut_ahead(room->playout)) {
		follow(room, DH_CUT_KIND_NOW, asked->asked_us, result->cut_ticks);
		return 0;
	}
	room->word_segment = playing;
	room->word_asked_us = asked->asked_us;
	return 0;
}

int dh_room_hold_now(struct dh_room *room, int64_t regret_ms, int64_t asked_us)
{
	int64_t now_ticks = dh_now_ticks();
	bool speaks = dh_playout_playing(room->playout, NULL) != NULL;
	int err = dh_playout_hold(room->playout, regret_ms * DH_TICKS_PER_MS);

	if (err)
		return err;
	room->cut_times.holds++;
	room->hold_over_ticks = now_ticks + room->context.hold_s * DH_TICKS_PER_SECOND;
	if (speaks)
		follow(room, DH_CUT_KIND_NOW, asked_us,
			dh_playout_media_ticks(room->playout, now_ticks) + DH_SLOT_TICKS);
	return 0;
}

int dh_room_resume_now(struct dh_room *room, enum dh_resume_at at)
{
	bool is_undone = dh_playout_may_regret(room->playout);
	int64_t at_ticks = -1;

	if (at != DH_RESUME_ENTRY)
		at_ticks = dh_script_begin(playing_script(room), dh_playout_position_ticks(room->playout),
			at == DH_RESUME_SENTENCE);
	int err = dh_playout_resume(room->playout, at_ticks);
	if (err)
		return err;
	room->cut_times.resumed++;
	room->cut_times.undone += is_undone;
	return 0;
}

int dh_room_discard_now(struct dh_room *room, struct dh_cut_result *result)
{
	const struct dh_cut all = { .mode = DH_CUT_NOW };
	int err;

	if (!dh_playout_is_on_hold(room->playout))
		return -ENOENT;
	run_cut(room, &all, result, &err);
	room->cut_times.discarded++;
	return err;
}

/* --- from other threads */

enum action { INTERRUPT, HOLD, RESUME, DISCARD };

struct action_call {
	enum action what;
	struct dh_room_cut cut;
	int64_t regret_ms, asked_us;
	enum dh_resume_at at;
	/* out */
	struct dh_cut_result result;
	char segment[DH_SEGMENT_ID_MAX + 1]; /* the playing one; "": none */
	int64_t position_ticks, played_ticks, media_ticks;
	bool is_undone;
};

/* Where what plays stands. */
static void note_place(const struct dh_room *room, struct action_call *call)
{
	const struct dh_segment *playing = dh_playout_playing(room->playout, &call->played_ticks);

	call->media_ticks = dh_playout_media_ticks(room->playout, dh_now_ticks());
	call->position_ticks = MAX(dh_playout_position_ticks(room->playout), 0);
	if (playing)
		g_strlcpy(call->segment, dh_segment_id(playing), sizeof(call->segment));
}

static int act(struct dh_room *room, void *arg)
{
	struct action_call *call = arg;

	call->is_undone = dh_playout_may_regret(room->playout);
	switch (call->what) {
	case INTERRUPT:
		return dh_room_cut_now(room, &call->cut, &call->result);
	case DISCARD:
		return dh_room_discard_now(room, &call->result);
	case HOLD:
	case RESUME:
		break;
	}
	int err = call->what == HOLD ? dh_room_hold_now(room, call->regret_ms, call->asked_us) :
				       dh_room_resume_now(room, call->at);
	if (!err)
		note_place(room, call);
	return err;
}

static json_t *dropped_json(const struct action_call *call)
{
	json_t *json = json_pack("{s:i}", "dropped", call->result.dropped);

	if (call->what == INTERRUPT && call->cut.mode == DH_CUT_WORD)
		dh_room_set_ms(json, "cut_ms", call->result.cut_ticks);
	return json;
}

static json_t *place_json(const struct action_call *call)
{
	json_t *json = json_object();

	json_object_set_new(json, "segment", *call->segment ? json_string(call->segment) : json_null());
	dh_room_set_ms(json, "media_ms", call->media_ticks);
	dh_room_set_ms(json, "position_ms", call->position_ticks);
	if (call->what == RESUME)
		json_object_set_new(json, "undone", json_boolean(call->is_undone));
	return json;
}

static int call_room(struct dh_room *room, struct action_call *call, json_t **reply)
{
	int err = dh_room_call(room, act, call);

	if (!err && reply)
		*reply = call->what == INTERRUPT || call->what == DISCARD ? dropped_json(call) : place_json(call);
	return err;
}

int dh_room_interrupt(struct dh_room *room, const struct dh_room_cut *cut, json_t **reply)
{
	struct action_call call = { .what = INTERRUPT, .cut = *cut };

	return call_room(room, &call, reply);
}

int dh_room_hold(struct dh_room *room, int64_t regret_ms, json_t **reply)
{
	struct action_call call = { .what = HOLD, .regret_ms = regret_ms, .asked_us = g_get_monotonic_time() };

	return call_room(room, &call, reply);
}

int dh_room_resume(struct dh_room *room, enum dh_resume_at at, json_t **reply)
{
	struct action_call call = { .what = RESUME, .at = at };

	return call_room(room, &call, reply);
}

int dh_room_discard(struct dh_room *room, json_t **reply)
{
	struct action_call call = { .what = DISCARD };

	return call_room(room, &call, reply);
}

/* --- posted */

struct action_command {
	struct dh_command command;
	struct action_call call; /* its strings are its own */
};

static void action_free(struct dh_command *command)
{
	struct action_call *call = &((struct action_command *)command)->call;

	g_free((char *)call->cut.segment);
	g_free((char *)call->cut.utterance);
	g_free(command);
}

static void action_run(void *owner, struct dh_command *command)
{
	act(owner, &((struct action_command *)command)->call);
	action_free(command);
}

static void post(struct dh_room *room, const struct action_call *call)
{
	struct action_command *c = g_new0(struct action_command, 1);

	c->command.run = action_run;
	c->command.discard = action_free;
	c->call = *call;
	c->call.cut.segment = g_strdup(call->cut.segment);
	c->call.cut.utterance = g_strdup(call->cut.utterance);
	dh_room_thread_post(room->thread, &c->command);
}

void dh_room_post_interrupt(struct dh_room *room, const struct dh_room_cut *cut)
{
	post(room, &(struct action_call){ .what = INTERRUPT, .cut = *cut });
}

void dh_room_post_hold(struct dh_room *room, int64_t regret_ms, int64_t asked_us)
{
	post(room, &(struct action_call){ .what = HOLD, .regret_ms = regret_ms, .asked_us = asked_us });
}

void dh_room_post_resume(struct dh_room *room, enum dh_resume_at at)
{
	post(room, &(struct action_call){ .what = RESUME, .at = at });
}

void dh_room_post_discard(struct dh_room *room)
{
	post(room, &(struct action_call){ .what = DISCARD });
}
