/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the avatar of a room does while it does not speak: it idles, listens, or thinks. Two things say so, and what
 * the first says is kept while the second is shown: what was asked for, or came of `say`; and a viewer's voice. */
#include "room_private.h"

#include <errno.h>

#include "ingest/log.h"

static const char *const names[] = { "idle", "listening", "thinking", "speaking" };

/* --- in the room's thread */

enum dh_room_state dh_room_stance_state(const struct dh_room *room)
{
	static const enum dh_room_state states[] = { DH_ROOM_IDLE, DH_ROOM_LISTENING, DH_ROOM_THINKING };

	if (dh_playout_is_on_hold(room->playout))
		return DH_ROOM_LISTENING;
	return room->speaking ? DH_ROOM_SPEAKING : states[room->stance_shown];
}

static bool has_clip(const struct dh_room *room, enum dh_stance stance)
{
	return dh_avatar_clip_path(dh_avatar_get_config(room->facts.avatar), stance) != NULL;
}

/* Of these there are no other events. */
static void tell(struct dh_room *room)
{
	json_t *event = dh_room_report_new(room, names[room->stance_shown]);

	dh_room_set_ms(event, "media_ms", dh_playout_media_ticks(room->playout, dh_now_ticks()));
	dh_room_tell_all(room, event, NULL);
}

static void show(struct dh_room *room)
{
	enum dh_stance shown = room->hears_voice ? DH_STANCE_LISTENING : room->stance;

	if (room->stance_shown == shown)
		return;
	room->stance_shown = shown;
	dh_playout_set_stance(room->playout, shown);
	room->queue_changed = true; /* what plays may lead elsewhere */
	if (room->speaking)
		return;
	dh_room_bridge_turn(room);
	tell(room);
}

void dh_room_set_stance(struct dh_room *room, enum dh_stance stance, bool by_itself)
{
	if (stance == DH_STANCE_SPEAKING)
		return;
	room->stance_by_itself = by_itself;
	room->stance = stance;
	if (!by_itself)
		dh_room_voice_overrule(room);
	show(room);
}

void dh_room_stance_hears(struct dh_room *room, bool hears_voice)
{
	room->hears_voice = hears_voice && has_clip(room, DH_STANCE_LISTENING);
	show(room);
}

void dh_room_stance_clips(struct dh_room *room)
{
	for (int i = DH_STANCE_LISTENING; i < DH_STANCES; i++) {
		struct dh_segment *clip = NULL;
		int err = dh_avatar_stance_clip(room->facts.avatar, (enum dh_stance)i, &clip);
		if (err)
			continue;
		err = dh_playout_set_clip(room->playout, (enum dh_stance)i, clip);
		if (err) {
			dh_segment_free(&clip);
			dh_log(DH_LOG_ERROR, "room %s: the clip for \"%s\" cannot be used: %s", room->id, names[i],
				g_strerror(-err));
		}
	}
}

/* Who asks for speech makes the avatar think until it comes, if it has a clip for that. */
void dh_room_stance_asked(struct dh_room *room, const struct dh_feed *feed)
{
	if (dh_feed_is_generated(feed) && !room->speaking && has_clip(room, DH_STANCE_THINKING))
		dh_room_set_stance(room, DH_STANCE_THINKING, true);
}

/* Speech ends what came before it, and nothing is left of it behind that, but a voice that goes on. */
void dh_room_stance_event(struct dh_room *room, const struct dh_playout_event *event)
{
	if (event->type == DH_EVENT_SPEAKING) {
		room->stance = DH_STANCE_IDLE;
		show(room);
	} else if (event->type == DH_EVENT_IDLE && room->stance_shown != DH_STANCE_IDLE) {
		tell(room); /* that event only said that it does not speak any more */
	}
}

void dh_room_stance_poll(struct dh_room *room)
{
	if (room->stance == DH_STANCE_THINKING && room->stance_by_itself && !room->speaking &&
		!dh_playout_waiting_count(room->playout))
		dh_room_set_stance(room, DH_STANCE_IDLE, true); /* what it thought of has ended */
}

/* --- requests */

bool dh_stance_parse(const char *name, enum dh_stance *stance)
{
	for (int i = 0; i < DH_STANCE_SPEAKING; i++) {
		if (g_strcmp0(name, names[i]))
			continue;
		*stance = (enum dh_stance)i;
		return true;
	}
	return false;
}

struct stance_call {
	enum dh_stance wanted;
	enum dh_room_state shown;
};

static int run_state(struct dh_room *room, void *arg)
{
	struct stance_call *call = arg;

	dh_room_set_stance(room, call->wanted, false);
	call->shown = dh_room_stance_state(room);
	return 0;
}

int dh_room_state_set(struct dh_room *room, enum dh_stance stance, json_t **reply)
{
	struct stance_call call = { .wanted = stance };
	int err = dh_room_call(room, run_state, &call);

	if (!err)
		*reply = json_pack("{s:s}", "state", dh_room_state_name(call.shown));
	return err;
}

struct stance_command {
	struct dh_command command;
	enum dh_stance stance;
};

static void command_free(struct dh_command *command)
{
	g_free(command);
}

static void command_run(void *owner, struct dh_command *command)
{
	dh_room_set_stance(owner, ((struct stance_command *)command)->stance, false);
	command_free(command);
}

void dh_room_post_state(struct dh_room *room, enum dh_stance stance)
{
	struct stance_command *c = g_new0(struct stance_command, 1);

	c->command.run = command_run;
	c->command.discard = command_free;
	c->stance = stance;
	dh_room_thread_post(room->thread, &c->command);
}
