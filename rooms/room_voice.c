/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What viewers say: who speaks, who has the floor, and when the room is interrupted. */
#include "room_private.h"

#include <errno.h>

#include "microphone.h"
#include "playout/timebase.h"

struct voice_command {
	struct dh_command command;
	struct dh_member *member; /* a reference */
	enum dh_hearing_change change;
	int64_t at_us; /* when */
};

/* --- in the room's thread */

/* Takes ownership of `event`. One about a viewer that has left names no handle, as `left` does not. */
static void tell_json(struct dh_room *room, json_t *event, const struct dh_member *member)
{
	dh_room_tell_trusted(room, event, member && !member->left ? member : NULL, member);
}

static void tell(struct dh_room *room, const char *event, const struct dh_member *member, const char *key,
	json_t *value)
{
	json_t *json = dh_room_report_viewer(room, event, member);

	dh_room_set_ms(json, "media_ms", dh_playout_media_ticks(room->playout, dh_now_ticks()));
	if (key)
		json_object_set_new(json, key, value);
	tell_json(room, json, member);
}

static struct dh_member *find_member(const struct dh_room *room, guint viewer)
{
	for (guint i = 0; i < room->members->len; i++) {
		struct dh_member *member = room->members->pdata[i];
		if (member->id == viewer && !member->observes)
			return member;
	}
	return NULL;
}

void dh_room_floor_changed(void *arg, guint viewer, enum dh_floor_end end, bool waited)
{
	struct dh_room *room = arg;
	struct dh_member *member = find_member(room, viewer);

	if (member && end == DH_FLOOR_HAS) {
		tell(room, "floor_given", member, NULL, NULL);
		return;
	}
	json_t *json = member ? dh_room_report_viewer(room, "floor_ended", member) :
				dh_room_report_new(room, "floor_ended");
	if (member)
		dh_room_set_ms(json, "media_ms", dh_playout_media_ticks(room->playout, dh_now_ticks()));
	else
		json_object_set_new(json, "viewer", json_integer((json_int_t)viewer));
	json_object_set_new(json, "reason", json_string(dh_floor_end_name(end)));
	if (waited)
		json_object_set_new(json, "waited", json_true());
	else if (member)
		member->voice_had_floor = true;
	tell_json(room, json, member);
}

/* What barging in does; the voice had lasted at `asked_us`. False: there was nothing to interrupt. */
static bool fall_silent(struct dh_room *room, int64_t asked_us)
{
	struct dh_cut_result result = { 0 };
	struct dh_room_cut cut;

	if (room->barge_in_holds)
		return dh_room_hold_now(room, DH_REGRET_MS, asked_us) == 0;
	dh_room_cut_init(&cut);
	cut.asked_us = asked_us;
	return dh_room_cut_now(room, &cut, &result) == 0;
}

/* Whether somebody speaks to the avatar: somebody who may interrupt it, and for as long. */
static void listen(struct dh_room *room)
{
	bool is_spoken_to = false;

	for (guint i = 0; i < room->talkers->len && atomic_load(&room->barge_in_ms); i++) {
		const struct dh_member *member = room->talkers->pdata[i];
		is_spoken_to |= member->voice_lasts && !member->voice_overruled &&
			dh_floor_is_open(&room->floor, member->id);
	}
	dh_room_stance_hears(room, is_spoken_to);
}

void dh_room_voice_overrule(struct dh_room *room)
{
	for (guint i = 0; i < room->talkers->len; i++)
		((struct dh_member *)room->talkers->pdata[i])->voice_overruled = true;
	listen(room);
}

static void barge_in(struct dh_room *room, struct dh_member *member, int64_t asked_us)
{
	if (!member->voice_had_floor)
		dh_floor_speaks(&room->floor, member->id, dh_now_ticks());
	member->voice_lasts = true;
	listen(room);
	if (!dh_floor_is_open(&room->floor, member->id) || !room->speaking || dh_playout_is_on_hold(room->playout))
		return;
	tell(room, "barged_in", member, "mode", json_string(room->barge_in_holds ? "hold" : "interrupt"));
	room->barge_ins += fall_silent(room, asked_us);
}

static void set_speaking(struct dh_room *room, struct dh_member *member, bool is_speaking)
{
	if (member->is_speaking == is_speaking)
		return;
	member->is_speaking = is_speaking;
	member->voice_lasts = member->voice_overruled = member->voice_had_floor = false;
	if (is_speaking) {
		g_ptr_array_add(room->talkers, member);
		dh_floor_speaks(&room->floor, member->id, dh_now_ticks());
	} else {
		g_ptr_array_remove_fast(room->talkers, member);
		dh_floor_heard(&room->floor, member->id, dh_now_ticks());
	}
	tell(room, is_speaking ? "viewer_speaking" : "viewer_silent", member, NULL, NULL);
}

static void command_free(struct dh_command *command)
{
	dh_member_unref(&((struct voice_command *)command)->member);
	g_free(command);
}

static void command_run(void *owner, struct dh_command *command)
{
	struct voice_command *c = (struct voice_command *)command;
	bool is_on = !c->member->left && c->member->viewer && dh_member_is_listened_to(c->member);

	if (is_on && c->change == DH_HEARING_LASTING) {
		set_speaking(owner, c->member, true); /* both may have come in one packet */
		barge_in(owner, c->member, c->at_us);
	} else if (is_on || c->member->is_speaking) {
		set_speaking(owner, c->member, is_on && c->change == DH_HEARING_SPEAKING);
	}
	command_free(command);
}

void dh_room_voice_poll(struct dh_room *room, int64_t now_ticks)
{
	for (guint i = room->talkers->len; i > 0; i--) {
		struct dh_member *member = room->talkers->pdata[i - 1];
		if (dh_microphone_poll(atomic_load(&member->microphone), now_ticks) == DH_HEARING_SILENT)
			set_speaking(room, member, false);
		else if (member->id == room->floor.holder)
			dh_floor_heard(&room->floor, member->id, now_ticks);
	}
	dh_floor_poll(&room->floor, now_ticks);
	listen(room);
}

int64_t dh_room_voice_deadline_ticks(const struct dh_room *room)
{
	int64_t deadline_ticks = dh_floor_deadline_ticks(&room->floor);

	for (guint i = 0; i < room->talkers->len; i++) {
		const struct dh_member *member = room->talkers->pdata[i];
		deadline_ticks = MIN(deadline_ticks, dh_microphone_deadline_ticks(atomic_load(&member->microphone)));
	}
	return deadline_ticks;
}

void dh_room_voice_sent(struct dh_room *room, unsigned loudness)
{
	if (loudness && atomic_load_explicit(&room->microphones, memory_order_relaxed))
		dh_sent_put(&room->sent, 1 - (int)loudness, dh_now_ticks());
}

void dh_room_voice_configure(struct dh_room *room)
{
	struct dh_settings *settings = dh_room_settings(room);

	atomic_store(&room->barge_in_ms, (int)settings->barge_in.after_ms);
	room->barge_in_holds = settings->barge_in.holds;
	dh_floor_configure(&room->floor, &settings->barge_in, dh_now_ticks());
	dh_settings_unref(&settings);
}

void dh_room_voice_end(struct dh_room *room)
{
	while (room->talkers->len)
		set_speaking(room, room->talkers->pdata[room->talkers->len - 1], false);
	dh_floor_drop_all(&room->floor, DH_FLOOR_LEFT);
}

void dh_room_voice_left(struct dh_room *room, struct dh_member *member)
{
	set_speaking(room, member, false);
	dh_room_member_hear(member, false);
	dh_floor_drop(&room->floor, member->id, DH_FLOOR_LEFT, dh_now_ticks());
}

/* --- the gateway's threads */

static void post(struct dh_member *member, enum dh_hearing_change change)
{
	struct voice_command *c = g_new0(struct voice_command, 1);

	c->command.run = command_run;
	c->command.discard = command_free;
	c->member = dh_member_ref(member);
	c->change = change;
	c->at_us = g_get_monotonic_time();
	dh_room_thread_post(member->room->thread, &c->command);
}

int dh_room_microphones(const struct dh_room *room)
{
	return atomic_load(&room->microphones);
}

void dh_room_member_hear(struct dh_member *member, bool is_on)
{
	if (is_on && !atomic_load(&member->microphone)) /* who sees that it is listened to finds one */
		atomic_store(&member->microphone, dh_microphone_new());
	if (!atomic_compare_exchange_strong(&member->listened_to, &(int){ !is_on }, is_on))
		return;
	atomic_fetch_add(&member->room->microphones, is_on ? 1 : -1);
	if (!is_on)
		post(member, DH_HEARING_SILENT);
}

void dh_room_member_sound(struct dh_member *member, int mindex, const uint8_t *rtp, size_t size, int level)
{
	struct dh_microphone *microphone = atomic_load(&member->microphone);
	const struct dh_line line = dh_member_microphone_line(member);
	struct dh_room *room = member->room;

	if (!microphone || !dh_member_is_listened_to(member) || !line.is_taken || line.mindex != mindex)
		return;
	const struct dh_microphone_context context = { .viewer = member->id,
		.forwards = room->forwards,
		.payload_type = line.payload_type,
		.sent = &room->sent,
		.lasting_ticks = atomic_load(&room->barge_in_ms) * DH_TICKS_PER_MS };
	enum dh_hearing_change change = dh_microphone_take(microphone, rtp, size, level, &context, dh_now_ticks());
	if (change)
		post(member, change);
}

/* --- requests */

struct floor_call {
	guint viewer;
	int place;
};

/* What was so at one moment. */
struct floor_look {
	struct dh_floor floor;
	int64_t now_ticks;
	GArray *speaking; /* guint, viewers */
};

static int run_ask(struct dh_room *room, void *arg)
{
	struct floor_call *call = arg;
	const struct dh_member *member = find_member(room, call->viewer);
	guint before = room->floor.waiting;

	if (!member)
		return -ENOENT;
	call->place = dh_floor_ask(&room->floor, call->viewer, dh_now_ticks());
	if (call->place > 0 && room->floor.waiting > before)
		tell(room, "floor_asked", member, "position", json_integer(call->place));
	return MIN(call->place, 0);
}

static int run_give(struct dh_room *room, void *arg)
{
	struct floor_call *call = arg;

	return find_member(room, call->viewer) ? dh_floor_give(&room->floor, call->viewer, dh_now_ticks()) : -ENOENT;
}

/* `viewer` 0: whoever has it. */
static int run_take(struct dh_room *room, void *arg)
{
	struct floor_call *call = arg;

	call->viewer = call->viewer ? call->viewer : room->floor.holder;
	dh_floor_drop(&room->floor, call->viewer, DH_FLOOR_TAKEN, dh_now_ticks());
	return 0;
}

static int run_leave(struct dh_room *room, void *arg)
{
	struct floor_call *call = arg;

	dh_floor_drop(&room->floor, call->viewer, DH_FLOOR_GIVEN_BACK, dh_now_ticks());
	return 0;
}

static json_t *viewer_json(guint viewer)
{
	return viewer ? json_integer((json_int_t)viewer) : json_null();
}

/* JSON is made of it elsewhere: this is the room's thread. */
static int run_look(struct dh_room *room, void *arg)
{
	struct floor_look *look = arg;

	look->floor = room->floor;
	look->now_ticks = dh_now_ticks();
	for (guint i = 0; i < room->talkers->len; i++) {
		const struct dh_member *member = room->talkers->pdata[i];
		g_array_append_val(look->speaking, member->id);
	}
	return 0;
}

static json_t *look_json(const struct floor_look *look)
{
	const struct dh_floor *floor = &look->floor;
	int64_t silent_ticks = look->now_ticks - floor->voice_ticks;
	json_t *waiting = json_array(), *waited = json_array(), *speaking = json_array();

	for (guint i = 0; i < floor->waiting; i++) {
		const struct dh_floor_ask *ask = &floor->asks[i];
		json_array_append_new(waiting, json_integer((json_int_t)ask->viewer));
		json_array_append_new(waited, json_integer((look->now_ticks - ask->since_ticks) / DH_TICKS_PER_MS));
	}
	for (guint i = 0; i < look->speaking->len; i++) {
		guint viewer = g_array_index(look->speaking, guint, i);
		json_array_append_new(speaking, json_integer((json_int_t)viewer));
		if (viewer == floor->holder)
			silent_ticks = 0;
	}
	json_t *json = json_pack("{s:o, s:o, s:o, s:o}", "viewer", viewer_json(floor->holder), "waiting", waiting,
		"waited_ms", waited, "speaking", speaking);
	if (floor->holder) {
		dh_room_set_ms(json, "had_ms", look->now_ticks - floor->since_ticks);
		dh_room_set_ms(json, "silent_ms", silent_ticks);
	}
	return json;
}

int dh_room_floor_ask(struct dh_room *room, guint viewer, json_t **reply)
{
	struct floor_call call = { .viewer = viewer };
	int err = dh_room_call(room, run_ask, &call);

	if (!err)
		*reply = json_pack("{s:I, s:s, s:i}", "viewer", (json_int_t)viewer, "floor",
			call.place ? "waiting" : "yours", "position", call.place);
	return err;
}

/* Its answer has whom it was about. */
static int call_floor(struct dh_room *room, dh_room_call_fn *run, guint viewer, json_t **reply)
{
	struct floor_call call = { .viewer = viewer };
	int err = dh_room_call(room, run, &call);

	if (!err)
		*reply = json_pack("{s:o}", "viewer", viewer_json(call.viewer));
	return err;
}

int dh_room_floor_leave(struct dh_room *room, guint viewer, json_t **reply)
{
	return call_floor(room, run_leave, viewer, reply);
}

int dh_room_floor_give(struct dh_room *room, guint viewer, json_t **reply)
{
	return call_floor(room, run_give, viewer, reply);
}

int dh_room_floor_take(struct dh_room *room, guint viewer, json_t **reply)
{
	return call_floor(room, run_take, viewer, reply);
}

int dh_room_floor(struct dh_room *room, json_t **reply)
{
	struct floor_look look = { .speaking = g_array_new(FALSE, FALSE, sizeof(guint)) };
	int err = dh_room_call(room, run_look, &look);

	if (!err) {
		struct dh_settings *settings = dh_room_settings(room);
		*reply = look_json(&look);
		dh_barge_in_describe(&settings->barge_in, *reply);
		dh_settings_unref(&settings);
	}
	g_array_free(look.speaking, TRUE);
	return err;
}
