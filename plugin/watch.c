#include "watch.h"

#include "host.h"
#include "live_room.h"
#include "room_thread.h"
#include "sdp.h"

enum watch_op { WATCH_ATTACH, WATCH_MEDIA, WATCH_PAUSE, WATCH_PLI, WATCH_SLOW_AUDIO, WATCH_SLOW_VIDEO, WATCH_LEAVE };

struct watch_command {
	struct dh_command command;
	struct dh_watch *watch;
	enum watch_op op;
};

struct dh_watch *dh_watch_new(struct dh_session *session, struct dh_live_room *room,
	enum dh_watch_kind kind, struct dh_watch_counts *counts)
{
	struct dh_watch *watch = g_new0(struct dh_watch, 1);

	watch->session = dh_session_ref(session);
	watch->room = dh_live_room_ref(room);
	watch->observes = kind != DH_WATCH_VIEWER;
	watch->is_trusted = kind == DH_WATCH_TRUSTED_OBSERVER;
	watch->sdp_session = (uint64_t)g_get_real_time();
	watch->counts = counts;
	watch->id = (guint)g_atomic_int_add(&counts->ever, 1) + 1;
	g_atomic_int_inc(&counts->now);
	dh_live_room_count(room, 1);
	g_atomic_ref_count_init(&watch->refs);
	return watch;
}

struct dh_watch *dh_watch_ref(struct dh_watch *watch)
{
	g_atomic_ref_count_inc(&watch->refs);
	return watch;
}

void dh_watch_unref(struct dh_watch *watch)
{
	if (!watch || !g_atomic_ref_count_dec(&watch->refs))
		return;
	g_atomic_int_add(&watch->counts->now, -1);
	dh_live_room_count(watch->room, -1);
	dh_live_room_unref(watch->room);
	dh_session_unref(watch->session);
	g_free(watch);
}

static void command_free(struct dh_command *command)
{
	struct watch_command *c = (struct watch_command *)command;

	dh_watch_unref(c->watch);
	g_free(c);
}

/* The room ended before it knew of the handle. */
static void attach_discard(struct dh_command *command)
{
	struct watch_command *c = (struct watch_command *)command;

	dh_live_room_orphan(c->watch->room, c->watch);
	command_free(command);
}

static void command_run(void *owner, struct dh_command *command)
{
	struct watch_command *c = (struct watch_command *)command;
	struct dh_live_room *room = owner;

	switch (c->op) {
	case WATCH_ATTACH:
		dh_live_room_attach(room, c->watch);
		break;
	case WATCH_MEDIA:
		dh_live_room_media(room, c->watch);
		break;
	case WATCH_PAUSE:
		dh_live_room_pause(room, c->watch);
		break;
	case WATCH_PLI:
		g_atomic_int_set(&c->watch->pli_posted, 0);
		dh_live_room_pli(room, c->watch);
		break;
	case WATCH_SLOW_AUDIO:
	case WATCH_SLOW_VIDEO:
		dh_live_room_slow_link(room, c->watch, c->op == WATCH_SLOW_AUDIO ? DH_AUDIO : DH_VIDEO);
		break;
	case WATCH_LEAVE:
		dh_live_room_leave(room, c->watch);
		break;
	}
	command_free(command);
}

static void post(struct dh_watch *watch, enum watch_op op)
{
	struct watch_command *c = g_new0(struct watch_command, 1);

	c->command.run = command_run;
	c->command.discard = op == WATCH_ATTACH ? attach_discard : command_free;
	c->watch = dh_watch_ref(watch);
	c->op = op;
	dh_live_room_post(watch->room, &c->command);
}

void dh_watch_attach(struct dh_watch *watch)
{
	post(watch, WATCH_ATTACH);
}

void dh_watch_media(struct dh_watch *watch)
{
	if (g_atomic_int_compare_and_exchange(&watch->media, 0, 1))
		post(watch, WATCH_MEDIA);
}

void dh_watch_pause(struct dh_watch *watch, gboolean paused)
{
	if (g_atomic_int_compare_and_exchange(&watch->paused, !paused, paused))
		post(watch, WATCH_PAUSE);
}

void dh_watch_pli(struct dh_watch *watch)
{
	if (g_atomic_int_compare_and_exchange(&watch->pli_posted, 0, 1))
		post(watch, WATCH_PLI);
}

void dh_watch_slow_link(struct dh_watch *watch, enum dh_media media)
{
	post(watch, media == DH_AUDIO ? WATCH_SLOW_AUDIO : WATCH_SLOW_VIDEO);
}

void dh_watch_leave(struct dh_watch *watch)
{
	g_atomic_int_set(&watch->cut, 1);
	post(watch, WATCH_LEAVE);
}

json_t *dh_watch_status(const char *status)
{
	return json_pack("{s:s, s:{s:s}}", "digitalhuman", "event", "result", "status", status);
}

void dh_watch_relay(struct dh_watch *watch, enum dh_media media, const uint8_t *rtp, size_t size)
{
	if (g_atomic_int_get(&watch->cut))
		return;
	janus_plugin_rtp packet = {
		.mindex = DH_SDP_MINDEX(media),
		.video = media == DH_VIDEO,
		.buffer = (char *)rtp, /* Janus copies it */
		.length = (uint16_t)size,
	};
	janus_plugin_rtp_extensions_reset(&packet.extensions);
	dh_gateway->relay_rtp(watch->session->handle, &packet);
}
