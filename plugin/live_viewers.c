/* Who watches a live room; in its thread. */
#include "live_room_private.h"

#include "log.h"
#include "sdp.h"

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
	if (g_atomic_int_get(&watch->paused))
		dh_room_viewer_pause(room->room, watch->viewer, 1);
}

void dh_live_room_pause(struct dh_live_room *room, struct dh_watch *watch)
{
	if (watch->viewer)
		dh_room_viewer_pause(room->room, watch->viewer, g_atomic_int_get(&watch->paused));
}

void dh_live_room_pli(struct dh_live_room *room, struct dh_watch *watch)
{
	if (watch->viewer)
		dh_room_viewer_pli(room->room, watch->viewer, dh_now_ticks());
}

void dh_live_room_leave(struct dh_live_room *room, struct dh_watch *watch)
{
	if (watch->left)
		return;
	watch->left = TRUE;
	if (watch->viewer)
		dh_room_remove_viewer(room->room, &watch->viewer);
	if (watch->attached)
		g_ptr_array_remove_fast(room->members, watch);
}

/* Whoever hangs up at this moment finds no watch any more, or found it before. */
static void hang_up(struct dh_live_room *room, struct dh_watch *watch)
{
	g_atomic_int_set(&watch->cut, 1);
	dh_watch_unref(dh_session_take_watch(watch->session, watch));
	dh_signals_close(room->context.signals, watch->session);
}

void dh_live_room_orphan(struct dh_live_room *room, struct dh_watch *watch)
{
	dh_signals_push(room->context.signals, watch->session, NULL, dh_live_report_new(room, "destroyed"), NULL);
	hang_up(room, watch);
}

void dh_live_viewers_dismiss(struct dh_live_room *room)
{
	dh_live_report_plain(room, "destroyed");
	while (room->members->len) {
		struct dh_watch *watch = dh_watch_ref(room->members->pdata[0]);
		hang_up(room, watch);
		dh_live_room_leave(room, watch);
		dh_watch_unref(watch);
	}
}
