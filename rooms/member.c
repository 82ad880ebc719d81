#include "member.h"

#include "plugin/janus_api.h"
#include "room.h"
#include "room_thread.h"
#include "plugin/sdp.h"

enum member_op { MEMBER_ATTACH, MEMBER_MEDIA, MEMBER_PAUSE, MEMBER_PLI, MEMBER_SLOW_AUDIO, MEMBER_SLOW_VIDEO, MEMBER_LEAVE };

struct member_command {
	struct dh_command command;
	struct dh_member *member;
	enum member_op op;
};

struct dh_member *dh_member_new(struct dh_session *session, struct dh_room *room,
	enum dh_member_kind kind, struct dh_member_counts *counts)
{
	struct dh_member *member = g_new0(struct dh_member, 1);

	member->session = dh_session_ref(session);
	member->room = dh_room_ref(room);
	member->observes = kind != DH_MEMBER_VIEWER;
	member->is_trusted = kind == DH_MEMBER_TRUSTED_OBSERVER;
	member->sdp_session = (uint64_t)g_get_real_time();
	member->counts = counts;
	member->id = (guint)g_atomic_int_add(&counts->ever, 1) + 1;
	g_atomic_int_inc(&counts->now);
	dh_room_count_member(room, 1);
	g_atomic_ref_count_init(&member->refs);
	return member;
}

struct dh_member *dh_member_ref(struct dh_member *member)
{
	g_atomic_ref_count_inc(&member->refs);
	return member;
}

void dh_member_unref(struct dh_member *member)
{
	if (!member || !g_atomic_ref_count_dec(&member->refs))
		return;
	g_atomic_int_add(&member->counts->now, -1);
	dh_room_count_member(member->room, -1);
	dh_room_unref(member->room);
	dh_session_unref(member->session);
	g_free(member);
}

static void command_free(struct dh_command *command)
{
	struct member_command *c = (struct member_command *)command;

	dh_member_unref(c->member);
	g_free(c);
}

/* The room ended before it knew of the handle. */
static void attach_discard(struct dh_command *command)
{
	struct member_command *c = (struct member_command *)command;

	dh_room_orphan(c->member->room, c->member);
	command_free(command);
}

static void command_run(void *owner, struct dh_command *command)
{
	struct member_command *c = (struct member_command *)command;
	struct dh_room *room = owner;

	switch (c->op) {
	case MEMBER_ATTACH:
		dh_room_attach(room, c->member);
		break;
	case MEMBER_MEDIA:
		dh_room_media(room, c->member);
		break;
	case MEMBER_PAUSE:
		dh_room_pause(room, c->member);
		break;
	case MEMBER_PLI:
		g_atomic_int_set(&c->member->pli_posted, 0);
		dh_room_pli(room, c->member);
		break;
	case MEMBER_SLOW_AUDIO:
	case MEMBER_SLOW_VIDEO:
		dh_room_slow_link(room, c->member, c->op == MEMBER_SLOW_AUDIO ? DH_AUDIO : DH_VIDEO);
		break;
	case MEMBER_LEAVE:
		dh_room_leave(room, c->member);
		break;
	}
	command_free(command);
}

static void post(struct dh_member *member, enum member_op op)
{
	struct member_command *c = g_new0(struct member_command, 1);

	c->command.run = command_run;
	c->command.discard = op == MEMBER_ATTACH ? attach_discard : command_free;
	c->member = dh_member_ref(member);
	c->op = op;
	dh_room_post(member->room, &c->command);
}

void dh_member_attach(struct dh_member *member)
{
	post(member, MEMBER_ATTACH);
}

void dh_member_media(struct dh_member *member)
{
	if (g_atomic_int_compare_and_exchange(&member->media, 0, 1))
		post(member, MEMBER_MEDIA);
}

void dh_member_pause(struct dh_member *member, gboolean paused)
{
	if (g_atomic_int_compare_and_exchange(&member->paused, !paused, paused))
		post(member, MEMBER_PAUSE);
}

void dh_member_pli(struct dh_member *member)
{
	if (g_atomic_int_compare_and_exchange(&member->pli_posted, 0, 1))
		post(member, MEMBER_PLI);
}

void dh_member_slow_link(struct dh_member *member, enum dh_media media)
{
	post(member, media == DH_AUDIO ? MEMBER_SLOW_AUDIO : MEMBER_SLOW_VIDEO);
}

void dh_member_leave(struct dh_member *member)
{
	g_atomic_int_set(&member->cut, 1);
	post(member, MEMBER_LEAVE);
}

json_t *dh_status_event(const char *status)
{
	return json_pack("{s:s, s:{s:s}}", "digitalhuman", "event", "result", "status", status);
}

void dh_member_relay(struct dh_member *member, enum dh_media media, const uint8_t *rtp, size_t size)
{
	if (g_atomic_int_get(&member->cut))
		return;
	janus_plugin_rtp packet = {
		.mindex = DH_SDP_MINDEX(media),
		.video = media == DH_VIDEO,
		.buffer = (char *)rtp, /* Janus copies it */
		.length = (uint16_t)size,
	};
	janus_plugin_rtp_extensions_reset(&packet.extensions);
	dh_gateway->relay_rtp(member->session->handle, &packet);
}
