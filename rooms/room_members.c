/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The viewers and observers of a room. */
#include "room_private.h"

#include <errno.h>

#include "ingest/log.h"
#include "playout/timebase.h"
#include "seed.h"

/* At most this many viewers time out in one turn; the next turn follows at once, after
 * anything that is due. */
#define DISMISSED_MAX 16

/* --- in the room's thread */

/* One that comes from another room goes on. Janus chooses the SSRC. */
static void seed_viewer(struct dh_room *room, struct dh_member *member, struct dh_continuity_seed *seed)
{
	if (member->is_handed_over) {
		*seed = member->handover;
		dh_playout_seed_here(room->playout, seed);
		for (int media = 0; media < 2; media++)
			atomic_store(&member->rtp_start[media], seed->first_timestamp[media]);
		return;
	}
	*seed = (struct dh_continuity_seed){ 0 };
	dh_seed_numbers(seed);
	for (int media = 0; media < 2; media++)
		seed->first_timestamp[media] = atomic_load(&member->rtp_start[media]);
}

/* `event`: what its handle gets; NULL: nothing. */
static void dismiss(struct dh_room *room, struct dh_member *member, json_t *event)
{
	atomic_store(&member->cut, 1);
	room->context.host->dismiss(room->context.host->arg, member->handle, member, event);
}

static void count_without(struct dh_room *room, struct dh_member *member, enum dh_media media, bool is_without)
{
	if (member->is_without[media] != is_without)
		atomic_fetch_add(&room->without[media], is_without ? 1 : -1);
	member->is_without[media] = is_without;
}

static void update_flow(struct dh_room *room, struct dh_member *member)
{
	if (!member->viewer)
		return;
	for (int i = 0; i < 2; i++) {
		enum dh_media media = (enum dh_media)i;
		bool gets = dh_member_gets(member, media);
		dh_playout_viewer_payload_type(member->viewer, media,
			(uint8_t)dh_member_line(member, media).payload_type);
		dh_playout_viewer_mute(room->playout, member->viewer, media, !gets);
		count_without(room, member, media, !gets);
	}
	bool is_paused = atomic_load(&member->paused) || !atomic_load(&room->enabled);
	dh_playout_viewer_pause(room->playout, member->viewer, is_paused);
	member->times.was_held_back |= is_paused || !dh_member_gets(member, DH_VIDEO);
	dh_room_listeners_update(room, member);
	dh_room_heard_update(room, member);
}

/* --- connecting: all have the same timeout, so the oldest expires first */

static void begin_connecting(struct dh_room *room, struct dh_member *member)
{
	member->timeout_ticks = dh_now_ticks() + room->context.watch_timeout_ms * DH_TICKS_PER_MS;
	member->connecting.data = member;
	g_queue_push_tail_link(&room->connecting, &member->connecting);
}

static void end_connecting(struct dh_room *room, struct dh_member *member)
{
	if (!member->connecting.data)
		return;
	g_queue_unlink(&room->connecting, &member->connecting);
	member->connecting.data = NULL;
}

int64_t dh_room_members_deadline_ticks(const struct dh_room *room)
{
	const struct dh_member *oldest = room->connecting.head ? room->connecting.head->data : NULL;

	return oldest ? oldest->timeout_ticks : INT64_MAX;
}

/* --- joining */

int dh_room_members_watching(const struct dh_room *room)
{
	return (int)(dh_playout_viewers(room->playout) - room->rtp_forwards->len -
		(dh_room_recording_is_viewer(room) ? 1 : 0));
}

void dh_room_members_attach(struct dh_room *room, struct dh_member *member)
{
	if (member->left || member->attached)
		return;
	member->attached = true;
	member->index = room->members->len;
	g_ptr_array_add(room->members, dh_member_ref(member));
	dh_room_audience_changed(room, member, 1);
	if (!member->observes)
		begin_connecting(room, member);
	else
		dh_room_listeners_update(room, member);
}

/* `joined` and `left` go to trusted members only: a thousand viewers would cause a
 * million of them. */
static json_t *presence(struct dh_room *room, const char *name, const struct dh_member *member)
{
	json_t *event = dh_room_report_viewer(room, name, member);

	json_object_set_new(event, "viewers", json_integer(dh_room_members_watching(room)));
	return event;
}

/* As it asked, or as the room has it; no more than its answer takes. */
static int ptime_of(const struct dh_room *room, const struct dh_member *member)
{
	int ptime = member->ptime ? member->ptime : (int)room->facts.ptime;
	int most = dh_member_line(member, DH_AUDIO).maxptime;

	while (most && ptime > most && ptime > DH_PTIME_MIN)
		ptime -= DH_PTIME_MIN;
	return ptime;
}

void dh_room_members_media(struct dh_room *room, struct dh_member *member)
{
	const struct dh_viewer_way way = { .sender = atomic_load(&member->sender), .ptime = ptime_of(room, member) };
	struct dh_continuity_seed seed;

	if (member->left || member->viewer)
		return;
	end_connecting(room, member);
	seed_viewer(room, member, &seed);
	if (member->host->has_capture_time)
		dh_capture_time_begin(&member->capture, -dh_playout_media_ticks(room->playout, 0));
	if (dh_playout_add_viewer(room->playout, &seed, &way, member, &member->viewer)) {
		dh_log(DH_LOG_ERROR, "room %s: out of memory, viewer %u is dismissed", room->id, member->id);
		dh_member_ref(member);
		dismiss(room, member, NULL);
		dh_room_members_leave(room, member);
		dh_member_unref(&member);
		return;
	}
	member->times.connected_ticks = dh_now_ticks();
	member->media_ticks = dh_playout_media_ticks(room->playout, member->times.connected_ticks);
	room->queue_changed = true; /* the end of what plays will be seen */
	dh_room_members_quality(room, member);
	update_flow(room, member);
	if (dh_room_has_trusted_audience(room))
		dh_room_tell_trusted(room, presence(room, "joined", member), member, NULL);
}

void dh_room_members_pause(struct dh_room *room, struct dh_member *member)
{
	update_flow(room, member);
}

void dh_room_members_pli(struct dh_room *room, struct dh_member *member)
{
	if (member->viewer)
		dh_playout_viewer_pli(room->playout, member->viewer, dh_now_ticks());
}

void dh_room_members_report(struct dh_room *room, struct dh_member *member)
{
	struct dh_repair_report losses;

	(void)room;
	dh_receiver_take_losses(&member->receiver, DH_VIDEO, &losses);
	if (member->viewer)
		dh_playout_viewer_hear(member->viewer, &losses);
}

void dh_room_members_quality(struct dh_room *room, struct dh_member *member)
{
	(void)room;
	if (member->viewer)
		dh_playout_viewer_quality(member->viewer, atomic_load(&member->quality.wanted),
			atomic_load(&member->quality.thin));
}

void dh_room_members_slow_link(struct dh_room *room, struct dh_member *member, enum dh_media media)
{
	if (!member->viewer)
		return;
	member->slow_links++;
	room->slow_links++;
	json_t *event = dh_room_report_viewer(room, "slow_link", member);
	json_object_set_new(event, "media", json_string(media == DH_AUDIO ? "audio" : "video"));
	dh_room_tell_trusted(room, event, member, member);
}

/* --- leaving */

/* `left` names no handle: Janus would drop an event about a handle that it is
 * about to remove. */
static void remove_viewer(struct dh_room *room, struct dh_member *member)
{
	struct dh_receiver_stats receiver;
	struct dh_viewer_stats stats;
	bool is_told = dh_room_has_trusted_audience(room);
	json_t *figures = is_told ? dh_room_stats_of_viewer(room, member) : NULL;

	for (int media = 0; media < 2; media++)
		count_without(room, member, (enum dh_media)media, false);
	dh_playout_viewer_seed(room->playout, member->viewer, dh_now_ticks(), &member->handover);
	member->is_handed_over = true;
	dh_playout_viewer_stats(member->viewer, &stats);
	dh_room_stats_add(&room->departed, &stats);
	dh_receiver_get_stats(&member->receiver, &receiver);
	dh_receiver_stats_add(&room->departed_receivers, &receiver);
	dh_playout_remove_viewer(room->playout, &member->viewer);
	if (!is_told)
		return;
	json_t *event = presence(room, "left", member);
	json_object_update(event, figures);
	json_decref(figures);
	dh_room_tell_trusted(room, event, NULL, NULL);
}

static void detach(struct dh_room *room, struct dh_member *member)
{
	struct dh_member *last = room->members->pdata[room->members->len - 1];

	dh_room_audience_changed(room, member, -1);
	last->index = member->index;
	g_ptr_array_remove_index_fast(room->members, member->index);
}

/* The caller holds a reference. */
void dh_room_members_leave(struct dh_room *room, struct dh_member *member)
{
	if (member->left)
		return;
	member->left = true;
	dh_room_member_uncount(member);
	dh_room_voice_left(room, member);
	end_connecting(room, member);
	dh_room_listeners_leave(room, member);
	if (member->attached)
		detach(room, member);
	if (member->viewer)
		remove_viewer(room, member);
	dh_room_member_left(member);
}

/* `event` is for trusted members, `status` for the member itself. */
static void put_out(struct dh_room *room, struct dh_member *member, const char *event, const char *status)
{
	dh_member_ref(member);
	if (dh_room_has_trusted_audience(room))
		dh_room_tell_trusted(room, dh_room_report_viewer(room, event, member), member, NULL);
	dh_room_members_leave(room, member); /* first, so that its place is free when anybody hears of it */
	dismiss(room, member, dh_member_status(member, status));
	dh_member_unref(&member);
}

void dh_room_members_poll(struct dh_room *room, int64_t now_ticks)
{
	for (int i = 0; i < DISMISSED_MAX && dh_room_members_deadline_ticks(room) <= now_ticks; i++)
		put_out(room, room->connecting.head->data, "timeout", "timeout");
}

/* The room has ended. Its handle learns that however much waits for it. */
static void dismiss_at_end(struct dh_room *room, struct dh_member *member)
{
	dismiss(room, member, member->is_deaf ? NULL : dh_room_report_new(room, "destroyed"));
}

void dh_room_members_orphan(struct dh_room *room, struct dh_member *member)
{
	dh_room_member_uncount(member);
	dh_room_member_left(member);
	dismiss_at_end(room, member);
}

void dh_room_members_dismiss(struct dh_room *room)
{
	json_t *event = dh_room_report_new(room, "destroyed");

	dh_room_voice_end(room);
	dh_room_tell_beside(room, event, event);
	json_decref(event);
	dh_room_listeners_flush(room);
	while (room->members->len) {
		struct dh_member *member = dh_member_ref(room->members->pdata[room->members->len - 1]);
		dh_room_members_leave(room, member);
		dismiss_at_end(room, member);
		dh_member_unref(&member);
	}
}

/* --- requests, in the room's thread */

static int run_enable(struct dh_room *room, void *arg)
{
	bool enabled = *(const bool *)arg;

	if (atomic_load(&room->enabled) == enabled)
		return 0;
	atomic_store(&room->enabled, enabled);
	/* From the end, as in run_kick. */
	for (guint i = room->members->len; i > 0; i = MIN(i - 1, room->members->len)) {
		update_flow(room, room->members->pdata[i - 1]);
		dh_room_listeners_update(room, room->members->pdata[i - 1]);
		dh_room_thread_keep_time(room->thread);
	}
	dh_room_rtp_forwards_enable(room);
	dh_room_recording_enable(room);
	dh_room_tell_all(room, dh_room_report_new(room, enabled ? "enabled" : "disabled"), NULL);
	return 0;
}

static int run_edited(struct dh_room *room, void *arg)
{
	bool viewers = *(const bool *)arg;
	struct dh_settings *settings = dh_room_settings(room);
	json_t *event = dh_room_report_new(room, "edited");

	dh_room_voice_configure(room);

	json_object_set_new(event, "description", json_string(settings->description));
	json_object_set(event, "metadata", settings->metadata);
	if (settings->disclosure)
		json_object_set_new(event, "disclosure", json_string(settings->disclosure));
	if (viewers)
		dh_room_tell_all(room, event, NULL);
	else
		dh_room_tell_trusted(room, event, NULL, NULL);
	dh_settings_unref(&settings);
	return 0;
}

struct kick {
	guint viewer; /* 0: all viewers */
	int count;    /* out: how many */
};

/* From the end, because the last member takes the place of one that leaves. A turn in
 * between may dismiss others. */
static int run_kick(struct dh_room *room, void *arg)
{
	struct kick *kick = arg;

	for (guint i = room->members->len; i > 0; i = MIN(i - 1, room->members->len)) {
		struct dh_member *member = room->members->pdata[i - 1];
		if (kick->viewer ? member->id != kick->viewer : member->observes)
			continue;
		put_out(room, member, "kicked", kick->viewer ? "kicked" : "kicked_all");
		kick->count++;
		dh_room_thread_keep_time(room->thread);
	}
	return kick->viewer && !kick->count ? -ENOENT : 0;
}

/* --- any other thread */

int dh_room_enable(struct dh_room *room, bool enabled)
{
	return dh_room_call(room, run_enable, &enabled);
}

int dh_room_edited(struct dh_room *room, bool viewers)
{
	return dh_room_call(room, run_edited, &viewers);
}

int dh_room_kick(struct dh_room *room, guint viewer, json_t **reply)
{
	struct kick kick = { .viewer = viewer };
	int err = dh_room_call(room, run_kick, &kick);

	if (!err)
		*reply = viewer ? json_pack("{s:I}", "viewer", (json_int_t)viewer) :
				  json_pack("{s:i}", "kicked", kick.count);
	return err;
}
