/* Who watches a live room. */
#include "live_room_private.h"

#include <errno.h>

#include "log.h"
#include "sdp.h"

/* ---------------------------------------------- in the room's thread */

/* Seeds are random, as RFC 3550 (5.1) wants it. The SSRC is Janus' own. */
static void seed_viewer(struct dh_continuity_seed *seed)
{
	*seed = (struct dh_continuity_seed){
		.payload_type = { [DH_AUDIO] = DH_SDP_PAYLOAD_TYPE_OPUS, [DH_VIDEO] = DH_SDP_PAYLOAD_TYPE_VP8 },
		.first_picture_id = (uint16_t)g_random_int_range(0, 0x8000),
		.first_tl0picidx = (uint8_t)g_random_int_range(0, 0x100),
	};
	for (int media = 0; media < 2; media++) {
		seed->first_sequence[media] = (uint16_t)g_random_int_range(0, 0x10000);
		seed->first_timestamp[media] = g_random_int();
	}
}

void dh_live_room_attach(struct dh_live_room *room, struct dh_watch *watch)
{
	if (watch->left || watch->attached)
		return;
	watch->attached = TRUE;
	g_ptr_array_add(room->members, dh_watch_ref(watch));
}

static void update_pause(struct dh_live_room *room, struct dh_watch *watch)
{
	if (watch->viewer)
		dh_room_viewer_pause(room->room, watch->viewer,
			g_atomic_int_get(&watch->paused) || !g_atomic_int_get(&room->enabled));
}

/* `joined` and `left`: a thousand viewers would make a million of them, so
 * viewers are not told of each other. */
static json_t *presence(struct dh_live_room *room, const char *name, const struct dh_watch *watch)
{
	json_t *event = dh_live_report_viewer(room, name, watch);

	json_object_set_new(event, "viewers", json_integer((json_int_t)dh_room_viewers(room->room)));
	return event;
}

void dh_live_room_media(struct dh_live_room *room, struct dh_watch *watch)
{
	struct dh_continuity_seed seed;

	if (watch->left || watch->viewer)
		return;
	seed_viewer(&seed);
	if (dh_room_add_viewer(room->room, &seed, watch, &watch->viewer) < 0) {
		dh_log(DH_LOG_ERROR, "out of memory: a viewer gets nothing");
		dh_signals_close(room->context.signals, watch->session);
		return;
	}
	watch->media_ticks = dh_room_media_ticks(room->room, dh_now_ticks());
	update_pause(room, watch);
	dh_live_report_tell(room, presence(room, "joined", watch), DH_TELL_TRUSTED, watch);
}

void dh_live_room_pause(struct dh_live_room *room, struct dh_watch *watch)
{
	update_pause(room, watch);
}

void dh_live_room_pli(struct dh_live_room *room, struct dh_watch *watch)
{
	if (watch->viewer)
		dh_room_viewer_pli(room->room, watch->viewer, dh_now_ticks());
}

void dh_live_room_slow_link(struct dh_live_room *room, struct dh_watch *watch, enum dh_media media)
{
	if (!watch->viewer)
		return;
	watch->slow_links++;
	json_t *event = dh_live_report_viewer(room, "slow_link", watch);
	json_object_set_new(event, "media", json_string(media == DH_AUDIO ? "audio" : "video"));
	dh_live_report_tell(room, event, DH_TELL_TRUSTED_AND_SELF, watch);
}

/* `left` is of no handle: Janus drops, without a word, what is told of one that
 * it is about to take away. */
static void remove_viewer(struct dh_live_room *room, struct dh_watch *watch)
{
	struct dh_viewer_stats stats;

	dh_room_viewer_stats(watch->viewer, &stats);
	dh_live_stats_add(&room->departed, &stats);
	dh_room_remove_viewer(room->room, &watch->viewer);
	json_t *event = presence(room, "left", watch);
	json_object_set_new(event, "sent", dh_live_stats_sent(&stats));
	dh_live_report_tell(room, event, DH_TELL_TRUSTED, NULL);
}

void dh_live_room_leave(struct dh_live_room *room, struct dh_watch *watch)
{
	if (watch->left)
		return;
	watch->left = TRUE;
	if (watch->attached)
		g_ptr_array_remove_fast(room->members, watch);
	if (watch->viewer)
		remove_viewer(room, watch);
}

/* Whoever hangs up at this moment finds no watch any more, or found it before. */
static void hang_up(struct dh_live_room *room, struct dh_watch *watch)
{
	g_atomic_int_set(&watch->cut, 1);
	dh_watch_unref(dh_session_take_watch(watch->session, watch));
	if (!watch->observes)
		dh_signals_close(room->context.signals, watch->session);
}

void dh_live_room_orphan(struct dh_live_room *room, struct dh_watch *watch)
{
	dh_signals_push(room->context.signals, watch->session, NULL, dh_live_report_new(room, "destroyed"), NULL);
	hang_up(room, watch);
}

void dh_live_viewers_dismiss(struct dh_live_room *room)
{
	dh_live_report_tell(room, dh_live_report_new(room, "destroyed"), DH_TELL_ALL, NULL);
	while (room->members->len) {
		struct dh_watch *watch = dh_watch_ref(room->members->pdata[0]);
		hang_up(room, watch);
		dh_live_room_leave(room, watch);
		dh_watch_unref(watch);
	}
}

/* ------------------------------------------------------------ requests */

static int run_enable(struct dh_live_room *room, struct dh_live_call *call)
{
	if (g_atomic_int_get(&room->enabled) == call->flag)
		return 0;
	g_atomic_int_set(&room->enabled, call->flag);
	for (guint i = 0; i < room->members->len; i++)
		update_pause(room, room->members->pdata[i]);
	dh_live_report_tell(room, dh_live_report_new(room, call->flag ? "enabled" : "disabled"), DH_TELL_ALL, NULL);
	return 0;
}

static int run_edited(struct dh_live_room *room, struct dh_live_call *call)
{
	struct dh_settings *settings = dh_live_room_settings(room);
	json_t *event = dh_live_report_new(room, "edited");

	json_object_set_new(event, "description", json_string(settings->description));
	json_object_set(event, "metadata", settings->metadata);
	dh_live_report_tell(room, event, call->flag ? DH_TELL_ALL : DH_TELL_TRUSTED, NULL);
	dh_settings_unref(settings);
	return 0;
}

static void kick(struct dh_live_room *room, struct dh_watch *watch, const char *status)
{
	dh_watch_ref(watch);
	dh_live_report_tell(room, dh_live_report_viewer(room, "kicked", watch), DH_TELL_TRUSTED, watch);
	dh_signals_push(room->context.signals, watch->session, NULL, dh_watch_status(status), NULL);
	hang_up(room, watch);
	dh_live_room_leave(room, watch);
	dh_watch_unref(watch);
}

/* From the end: whoever leaves is replaced by the last one. */
static int run_kick(struct dh_live_room *room, struct dh_live_call *call)
{
	int kicked = 0;

	for (guint i = room->members->len; i > 0; i--) {
		struct dh_watch *watch = room->members->pdata[i - 1];
		if (call->viewer ? watch->id != call->viewer : watch->observes)
			continue;
		kick(room, watch, call->viewer ? "kicked" : "kicked_all");
		kicked++;
	}
	if (call->viewer && !kicked)
		return -ENOENT;
	call->reply = call->viewer ? json_pack("{s:I}", "viewer", (json_int_t)call->viewer) :
		json_pack("{s:i}", "kicked", kicked);
	return 0;
}

/* ---------------------------------------------------- any other thread */

int dh_live_room_enable(struct dh_live_room *room, gboolean enabled)
{
	struct dh_live_call call = { .run = run_enable, .flag = enabled };
	return dh_live_call(room, &call, NULL);
}

int dh_live_room_edited(struct dh_live_room *room, gboolean viewers)
{
	struct dh_live_call call = { .run = run_edited, .flag = viewers };
	return dh_live_call(room, &call, NULL);
}

int dh_live_room_kick(struct dh_live_room *room, guint viewer, json_t **reply)
{
	struct dh_live_call call = { .run = run_kick, .viewer = viewer };
	return dh_live_call(room, &call, reply);
}
