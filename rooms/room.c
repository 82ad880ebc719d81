/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "room_private.h"

#include <errno.h>

#include "playout/timebase.h"
#include "room_id.h"
#include "rtp_forward.h"

static void member_unref(gpointer data)
{
	struct dh_member *member = data;

	dh_member_unref(&member);
}

/* --- in the room's thread */

static void on_packet(void *arg, void *viewer_user, enum dh_media media, const uint8_t *rtp, size_t size)
{
	(void)arg;
	switch (((const struct dh_outlet *)viewer_user)->kind) {
	case DH_OUTLET_FORWARD:
		dh_rtp_forward_send(viewer_user, media, rtp, size);
		break;
	case DH_OUTLET_RECORDING:
		dh_room_recording_packet(viewer_user, media, rtp, size);
		break;
	case DH_OUTLET_MEMBER:
		dh_member_relay(viewer_user, media, rtp, size);
	}
}

/* The clock is read once for all that one viewer is handed together: less than a hundredth of what that costs. */
static void on_handed(void *arg, void *viewer_user, const int64_t late_ticks[2])
{
	struct dh_room *room = arg;
	struct dh_member *member = viewer_user;
	int64_t now_ticks = dh_now_ticks(), later_ticks[2];
	struct dh_viewer_stats sent;

	if (member->outlet.kind != DH_OUTLET_MEMBER)
		return;
	for (int media = 0; media < 2; media++)
		later_ticks[media] = late_ticks[media] == DH_LATE_NONE ?
			DH_LATE_NONE :
			late_ticks[media] + now_ticks - room->turn_ticks;
	dh_punctuality_sent(&room->punctuality, &member->times, later_ticks);
	if (member->times.join_ticks >= 0 || late_ticks[DH_VIDEO] == DH_LATE_NONE)
		return;
	dh_playout_viewer_stats(member->viewer, &sent);
	if (sent.pictures)
		dh_punctuality_joined(&room->punctuality, &member->times, now_ticks);
}

static void on_event(void *arg, const struct dh_playout_event *event)
{
	struct dh_room *room = arg;

	room->events[event->type]++;
	dh_room_screen_event(room, event); /* while its words are known */
	if (event->segment)
		dh_account_event(dh_room_account(room, event->segment), event, room->facts.duration,
			g_get_real_time() / 1000);
	if (event->type == DH_EVENT_STARTED)
		dh_room_note_start(room, dh_room_account(room, event->segment), dh_segment_user(event->segment));
	room->queue_changed |= event->type == DH_EVENT_STARTED;
	room->queue_changes += event->type >= DH_EVENT_STARTED && event->type <= DH_EVENT_FAILED;
	if (event->type == DH_EVENT_SPEAKING || event->type == DH_EVENT_IDLE)
		room->speaking = event->type == DH_EVENT_SPEAKING;
	dh_room_report_event(room, event);
	dh_room_cut_event(room, event);
	dh_room_stance_event(room, event);
	if (event->type == DH_EVENT_MISSING)
		dh_room_pipes_missing(room, event);
	if (event->type >= DH_EVENT_FINISHED && event->type <= DH_EVENT_FAILED) {
		room->played_ticks += event->played_ticks;
		dh_room_segments_ended(room, event->segment);
	}
}

static void on_ended(void *arg, struct dh_segment *segment)
{
	dh_room_ended_add(arg, segment);
}

static void on_sound(void *arg, unsigned loudness, int64_t media_ticks, const uint8_t *payload, size_t size)
{
	struct dh_room *room = arg;

	dh_room_voice_sent(room, loudness);
	dh_forwards_reference(room->forwards, (uint32_t)(media_ticks / DH_TICKS_PER_AUDIO_SAMPLE), payload, size);
}

/* Also for each slot that a late turn makes up for, so that captions have the time of their sound. */
static void on_slot(void *arg, bool in_time)
{
	if (in_time)
		dh_room_screen_poll(arg);
}

/* For readers that do not wait for the thread. */
static void publish(struct dh_room *room)
{
	enum dh_room_state state = DH_ROOM_PREPARING;

	if (room->has_failed)
		state = DH_ROOM_FAILED;
	else if (room->has_clip)
		state = dh_room_stance_state(room);
	atomic_store(&room->state, state);
	atomic_store(&room->viewers, dh_room_members_watching(room));
	atomic_store(&room->waiting, (int)dh_playout_waiting_count(room->playout));
}

/* What it looks at grows with the queue: only when that has changed. */
static void publish_queue(struct dh_room *room)
{
	atomic_store(&room->waiting_ms, dh_ms_from_ticks(dh_playout_waiting_ticks(room->playout)));
	atomic_store(&room->waiting_bytes, (int64_t)dh_playout_waiting_bytes(room->playout));
}

static int64_t turn(void *owner, int64_t now_ticks)
{
	struct dh_room *room = owner;

	room->turn_ticks = now_ticks;
	dh_playout_poll(room->playout, now_ticks);
	dh_room_screen_poll(room); /* more words may have come */
	dh_room_listeners_poll(room, now_ticks);
	dh_room_members_poll(room, now_ticks);
	dh_room_voice_poll(room, now_ticks);
	dh_room_rtp_forwards_poll(room, now_ticks);
	dh_room_recording_poll(room, now_ticks);
	dh_room_ended_poll(room, now_ticks);
	dh_room_segments_poll(room, now_ticks);
	dh_room_cut_poll(room, now_ticks);
	dh_room_stance_poll(room);
	if (room->queue_changed) {
		dh_room_segments_prepare(room);
		dh_room_bridge_prepare(room);
		publish_queue(room);
	}
	dh_room_bridge_approach(room);
	publish(room);
	int64_t deadline_ticks = MIN(dh_room_members_deadline_ticks(room), dh_room_ended_deadline_ticks(room));
	deadline_ticks = MIN(deadline_ticks, dh_room_segments_deadline_ticks(room));
	deadline_ticks = MIN(deadline_ticks, dh_room_cut_deadline_ticks(room));
	deadline_ticks = MIN(deadline_ticks, dh_room_screen_deadline_ticks(room, now_ticks));
	deadline_ticks = MIN(deadline_ticks, dh_room_listeners_deadline_ticks(room));
	deadline_ticks = MIN(deadline_ticks, dh_room_voice_deadline_ticks(room));
	deadline_ticks = MIN(deadline_ticks, dh_room_recording_deadline_ticks(room, now_ticks));
	return MIN(deadline_ticks, dh_playout_deadline_ticks(room->playout));
}

static void close_room(void *owner)
{
	struct dh_room *room = owner;

	dh_room_bridge_close(room);
	dh_room_listeners_end(room);
	dh_playout_interrupt(room->playout);
	dh_room_members_dismiss(room);
	dh_room_rtp_forwards_close(room);
	dh_room_recording_close(room);
	dh_playout_free(&room->playout);
	dh_room_ended_close(room);
}

/* --- avatar */

struct avatar_command {
	struct dh_command command;
	struct dh_room *room; /* a reference */
};

static void avatar_free(struct dh_command *command)
{
	dh_room_unref(&((struct avatar_command *)command)->room);
	g_free(command);
}

static void avatar_run(void *owner, struct dh_command *command)
{
	dh_room_segments_avatar(owner);
	avatar_free(command);
}

static void avatar_changed(void *arg)
{
	struct avatar_command *c = g_new0(struct avatar_command, 1);
	struct dh_room *room = arg;

	c->command.run = avatar_run;
	c->command.discard = avatar_free;
	c->room = dh_room_ref(room);
	dh_room_thread_post(room->thread, &c->command);
}

static void *avatar_ref(void *arg)
{
	return dh_room_ref(arg);
}

static void avatar_unref(void *arg)
{
	struct dh_room *room = arg;

	dh_room_unref(&room);
}

static const struct dh_avatar_listener avatar_listener = {
	.changed = avatar_changed,
	.ref = avatar_ref,
	.unref = avatar_unref,
};

/* --- life */

static void configure(struct dh_playout_config *config, const struct dh_room_context *context,
	const struct dh_room_facts *facts)
{
	dh_playout_config_init(config);
	config->duration = facts->duration;
	config->seam_wait_ticks = facts->seam_wait_ms * DH_TICKS_PER_MS;
	config->seam_fade_ticks = dh_avatar_get_config(facts->avatar)->fade_ms * DH_TICKS_PER_MS;
	config->low_water_ticks = facts->low_water_ms * DH_TICKS_PER_MS;
	config->high_water_ticks = facts->high_water_ms * DH_TICKS_PER_MS;
	config->index_timeout_ticks = context->index_timeout_ms * DH_TICKS_PER_MS;
	config->spread_ticks = context->spread_ms * DH_TICKS_PER_MS;
	config->max_queue = (int)context->max_queue;
	config->max_queue_ticks = context->max_queue_ms * DH_TICKS_PER_MS;
	config->max_queue_bytes = (size_t)context->max_queue_mb << 20;
}

int dh_room_alloc(struct dh_room **out, const struct dh_room_context *context, const struct dh_room_facts *facts,
	struct dh_settings *settings)
{
	static const struct dh_playout_sink sink = { .packet = on_packet,
		.event = on_event,
		.ended = on_ended,
		.sound = on_sound,
		.handed = on_handed,
		.slot = on_slot };
	static const struct dh_room_thread_owner functions = { .turn = turn, .close = close_room };
	struct dh_room *room = g_new0(struct dh_room, 1);
	struct dh_playout_config config;
	char name[16];
	int err;

	atomic_init(&room->refs, 1);
	g_mutex_init(&room->lock);
	room->context = *context;
	room->facts = *facts;
	room->facts.id = room->id = g_strdup(facts->id);
	room->facts.ptime = facts->ptime ? facts->ptime : DH_PTIME_MIN;
	room->settings = dh_settings_ref(settings);
	room->enabled = true;
	room->live_poll_ticks = INT64_MAX;
	room->members = g_ptr_array_new_with_free_func(member_unref);
	room->listeners = g_ptr_array_new();
	g_queue_init(&room->posts);
	room->listen_ticks = INT64_MAX;
	room->ended = g_ptr_array_new();
	room->ledger = dh_ledger_new();
	room->first_frames = dh_room_first_frames_new(facts);
	room->pipes = dh_pipes_new();
	g_queue_init(&room->connecting);
	room->talkers = g_ptr_array_new();
	room->forwards = dh_forwards_new();
	room->rtp_forwards = g_ptr_array_new();
	dh_floor_init(&room->floor, dh_room_floor_changed, room);
	dh_room_voice_configure(room);
	configure(&config, context, facts);
	err = dh_playout_alloc(&room->playout, &config, &sink, room, dh_now_ticks());
	if (!err) {
		g_snprintf(name, sizeof(name), "dh room %s", facts->id);
		err = dh_room_thread_alloc(&room->thread, name, context->realtime, &functions, room);
	}
	if (err) {
		dh_playout_free(&room->playout);
		dh_room_unref(&room);
		return err;
	}
	dh_avatar_join(facts->avatar, &avatar_listener, room);
	*out = room;
	return 0;
}

struct dh_room *dh_room_ref(struct dh_room *room)
{
	atomic_fetch_add(&room->refs, 1);
	return room;
}

/* The thread has been joined by then: whoever closes the room holds a reference until
 * it is. */
void dh_room_unref(struct dh_room **room)
{
	struct dh_room *old = *room;

	*room = NULL;
	if (!old || atomic_fetch_sub(&old->refs, 1) != 1)
		return;
	dh_room_thread_free(&old->thread);
	dh_room_screen_clear(old);
	g_ptr_array_free(old->listeners, TRUE);
	g_ptr_array_free(old->members, TRUE);
	g_ptr_array_free(old->talkers, TRUE);
	dh_forwards_free(&old->forwards);
	g_ptr_array_free(old->rtp_forwards, TRUE);
	if (old->ended) /* its thread could not be started */
		g_ptr_array_unref(old->ended);
	dh_ledger_free(&old->ledger);
	dh_first_frames_free(&old->first_frames);
	dh_pipes_free(&old->pipes);
	dh_room_text_clear(old);
	for (int whose = 0; whose < DH_HANDLES_COUNT; whose++)
		g_clear_pointer(&old->handles[whose], g_ptr_array_unref);
	dh_settings_unref(&old->settings);
	g_mutex_clear(&old->lock);
	g_free(old->id);
	g_free(old);
}

void dh_room_close(struct dh_room *room)
{
	dh_room_thread_stop(room->thread);
	dh_avatar_leave(room->facts.avatar, room);
}

/* --- any thread */

const struct dh_room_facts *dh_room_facts(const struct dh_room *room)
{
	return &room->facts;
}

struct dh_forwards *dh_room_forwards(const struct dh_room *room)
{
	return room->forwards;
}

json_t *dh_room_id_json(const struct dh_room *room)
{
	return dh_room_id_to_json(room->id, room->context.string_ids);
}

struct dh_settings *dh_room_settings(struct dh_room *room)
{
	g_mutex_lock(&room->lock);
	struct dh_settings *settings = dh_settings_ref(room->settings);
	g_mutex_unlock(&room->lock);
	return settings;
}

void dh_room_set_settings(struct dh_room *room, struct dh_settings *settings)
{
	g_mutex_lock(&room->lock);
	struct dh_settings *old = room->settings;
	room->settings = settings;
	g_mutex_unlock(&room->lock);
	dh_settings_unref(&old);
}

enum dh_room_state dh_room_state(const struct dh_room *room)
{
	return (enum dh_room_state)atomic_load(&room->state);
}
