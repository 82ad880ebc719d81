/* Who watches a live room. */
#include "room_private.h"

#include <errno.h>

#include "ingest/log.h"

/* --- in the room's thread */

/* Seeds are random, as RFC 3550 (5.1) wants it. The SSRC is Janus' own. */
static void seed_viewer(struct dh_continuity_seed *seed)
{
	*seed = (struct dh_continuity_seed){
		.payload_type = { [DH_AUDIO] = DH_PAYLOAD_TYPE_OPUS, [DH_VIDEO] = DH_PAYLOAD_TYPE_VP8 },
		.first_picture_id = (uint16_t)g_random_int_range(0, 0x8000),
		.first_tl0picidx = (uint8_t)g_random_int_range(0, 0x100),
	};
	for (int media = 0; media < 2; media++) {
		seed->first_sequence[media] = (uint16_t)g_random_int_range(0, 0x10000);
		seed->first_timestamp[media] = g_random_int();
	}
}

void dh_room_members_attach(struct dh_room *room, struct dh_member *member)
{
	if (member->left || member->attached)
		return;
	member->attached = TRUE;
	g_ptr_array_add(room->members, dh_member_ref(member));
}

static void put_out(struct dh_room *room, struct dh_member *member)
{
	g_atomic_int_set(&member->cut, 1);
	room->context.host->dismiss(room->context.host->arg, member->handle, member);
}

static void push(struct dh_room *room, struct dh_member *member, json_t *event)
{
	room->context.host->push(room->context.host->arg, member->handle, event);
}

static void update_pause(struct dh_room *room, struct dh_member *member)
{
	if (member->viewer)
		dh_playout_viewer_pause(room->playout, member->viewer,
			g_atomic_int_get(&member->paused) || !g_atomic_int_get(&room->enabled));
}

/* `joined` and `left`: a thousand viewers would make a million of them, so
 * viewers are not told of each other. */
static json_t *presence(struct dh_room *room, const char *name, const struct dh_member *member)
{
	json_t *event = dh_room_report_viewer(room, name, member);

	json_object_set_new(event, "viewers", json_integer((json_int_t)dh_playout_viewers(room->playout)));
	return event;
}

void dh_room_members_media(struct dh_room *room, struct dh_member *member)
{
	struct dh_continuity_seed seed;

	if (member->left || member->viewer)
		return;
	seed_viewer(&seed);
	if (dh_playout_add_viewer(room->playout, &seed, member, &member->viewer) < 0) {
		dh_log(DH_LOG_ERROR, "out of memory: a viewer gets nothing");
		put_out(room, member);
		return;
	}
	member->media_ticks = dh_playout_media_ticks(room->playout, dh_now_ticks());
	update_pause(room, member);
	dh_room_report_tell(room, presence(room, "joined", member), DH_TELL_TRUSTED, member);
}

void dh_room_members_pause(struct dh_room *room, struct dh_member *member)
{
	update_pause(room, member);
}

void dh_room_members_pli(struct dh_room *room, struct dh_member *member)
{
	if (member->viewer)
		dh_playout_viewer_pli(room->playout, member->viewer, dh_now_ticks());
}

void dh_room_members_slow_link(struct dh_room *room, struct dh_member *member, enum dh_media media)
{
	if (!member->viewer)
		return;
	member->slow_links++;
	json_t *event = dh_room_report_viewer(room, "slow_link", member);
	json_object_set_new(event, "media", json_string(media == DH_AUDIO ? "audio" : "video"));
	dh_room_report_tell(room, event, DH_TELL_TRUSTED_AND_SELF, member);
}

/* `left` is of no handle: Janus drops, without a word, what is told of one that
 * it is about to take away. */
static void remove_viewer(struct dh_room *room, struct dh_member *member)
{
	struct dh_viewer_stats stats;

	dh_playout_viewer_stats(member->viewer, &stats);
	dh_room_stats_add(&room->departed, &stats);
	dh_playout_remove_viewer(room->playout, &member->viewer);
	json_t *event = presence(room, "left", member);
	json_object_set_new(event, "sent", dh_room_stats_sent(&stats));
	dh_room_report_tell(room, event, DH_TELL_TRUSTED, NULL);
}

void dh_room_members_leave(struct dh_room *room, struct dh_member *member)
{
	if (member->left)
		return;
	member->left = TRUE;
	if (member->attached)
		g_ptr_array_remove_fast(room->members, member);
	if (member->viewer)
		remove_viewer(room, member);
}

void dh_room_members_orphan(struct dh_room *room, struct dh_member *member)
{
	push(room, member, dh_room_report_new(room, "destroyed"));
	put_out(room, member);
}

void dh_room_members_dismiss(struct dh_room *room)
{
	dh_room_report_tell(room, dh_room_report_new(room, "destroyed"), DH_TELL_ALL, NULL);
	while (room->members->len) {
		struct dh_member *member = dh_member_ref(room->members->pdata[0]);
		put_out(room, member);
		dh_room_members_leave(room, member);
		dh_member_unref(member);
	}
}

/* --- requests */

static int run_enable(struct dh_room *room, struct dh_room_call *call)
{
	if (g_atomic_int_get(&room->enabled) == call->flag)
		return 0;
	g_atomic_int_set(&room->enabled, call->flag);
	for (guint i = 0; i < room->members->len; i++)
		update_pause(room, room->members->pdata[i]);
	dh_room_report_tell(room, dh_room_report_new(room, call->flag ? "enabled" : "disabled"), DH_TELL_ALL, NULL);
	return 0;
}

static int run_edited(struct dh_room *room, struct dh_room_call *call)
{
	struct dh_settings *settings = dh_room_settings(room);
	json_t *event = dh_room_report_new(room, "edited");

	json_object_set_new(event, "description", json_string(settings->description));
	json_object_set(event, "metadata", settings->metadata);
	dh_room_report_tell(room, event, call->flag ? DH_TELL_ALL : DH_TELL_TRUSTED, NULL);
	dh_settings_unref(settings);
	return 0;
}

static void kick(struct dh_room *room, struct dh_member *member, const char *status)
{
	dh_member_ref(member);
	dh_room_report_tell(room, dh_room_report_viewer(room, "kicked", member), DH_TELL_TRUSTED, member);
	push(room, member, dh_member_status(status));
	put_out(room, member);
	dh_room_members_leave(room, member);
	dh_member_unref(member);
}

/* From the end: whoever leaves is replaced by the last one. */
static int run_kick(struct dh_room *room, struct dh_room_call *call)
{
	int kicked = 0;

	for (guint i = room->members->len; i > 0; i--) {
		struct dh_member *member = room->members->pdata[i - 1];
		if (call->viewer ? member->id != call->viewer : member->observes)
			continue;
		kick(room, member, call->viewer ? "kicked" : "kicked_all");
		kicked++;
	}
	if (call->viewer && !kicked)
		return -ENOENT;
	call->reply = call->viewer ? json_pack("{s:I}", "viewer", (json_int_t)call->viewer) :
		json_pack("{s:i}", "kicked", kicked);
	return 0;
}

/* --- any other thread */

int dh_room_enable(struct dh_room *room, gboolean enabled)
{
	struct dh_room_call call = { .run = run_enable, .flag = enabled };
	return dh_room_call(room, &call, NULL);
}

int dh_room_edited(struct dh_room *room, gboolean viewers)
{
	struct dh_room_call call = { .run = run_edited, .flag = viewers };
	return dh_room_call(room, &call, NULL);
}

int dh_room_kick(struct dh_room *room, guint viewer, json_t **reply)
{
	struct dh_room_call call = { .run = run_kick, .viewer = viewer };
	return dh_room_call(room, &call, reply);
}
