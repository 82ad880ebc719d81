/* SPDX-License-Identifier: GPL-3.0-or-later */
/* watch, observe, start, pause, stop: in the outbox's pool, answered by events */
#include "request_table.h"

#include "admission.h"
#include "rooms/room.h"
#include "sdp.h"

/* {"status":…} for the handle, as the answer to its request. A new reference. */
static json_t *status_of(const struct dh_member *member, const char *status)
{
	json_t *event = dh_member_status(status);

	json_object_set_new(json_object_get(event, "result"), "viewer", json_integer(member->id));
	return event;
}

static void notify(struct dh_request *request, const struct dh_member *member, const char *status)
{
	if (request->instance->config->events)
		dh_outbox_notify(request->instance->outbox, request->session,
			json_pack("{s:s, s:o, s:I}", "status", status, "id", dh_room_id_json(member->room), "viewer",
				(json_int_t)member->id));
}

static void answer(struct dh_request *request, const struct dh_member *member, const char *status)
{
	dh_outbox_push(request->instance->outbox, request->session, request->transaction, status_of(member, status));
	notify(request, member, status);
}

/* The handle's viewer, a reference; NULL: it is none, and the request has failed. */
static struct dh_member *current(struct dh_request *request)
{
	struct dh_member *member = dh_session_member(request->session);

	if (member && !member->observes)
		return member;
	dh_request_fail(request, DH_ERROR_STATE, "\"%s\" without \"watch\"", dh_request_text(request, "request"));
	dh_member_unref(&member);
	return NULL;
}

/* --- offers */

struct offered {
	struct dh_instance *instance;
	char *transaction;
	struct dh_member *member; /* a reference */
	bool is_first;
};

/* If Janus refused the first offer, the viewer's place is freed. */
static void offered(void *arg, int err)
{
	struct offered *o = arg;
	struct dh_session *session = o->member->handle;

	if (err) {
		struct dh_request *request = dh_request_new(o->instance, session, NULL, NULL, NULL);
		struct dh_member *ended = o->is_first ? dh_session_end_member(session, o->member, NULL) : NULL;
		if (ended)
			dh_room_member_leave(ended);
		dh_member_unref(&ended);
		dh_request_fail(request, DH_ERROR_SDP, "Janus could not use the offer (%d), its log says why", err);
		dh_outbox_push(o->instance->outbox, session, o->transaction, dh_request_error(request));
		dh_request_free(&request);
	} else {
		dh_session_connected(session, o->member);
	}
	dh_member_unref(&o->member);
	g_free(o->transaction);
	g_free(o);
}

/* Requests of one handle run one at a time, so sdp_version needs no lock. */
static void offer(struct dh_request *request, struct dh_member *member, const char *status)
{
	const struct dh_sdp_origin origin = { member->sdp_session, ++member->sdp_version };
	struct offered *o = g_new0(struct offered, 1);

	o->instance = request->instance;
	o->transaction = g_strdup(request->transaction);
	o->member = dh_member_ref(member);
	o->is_first = origin.version == 1;
	dh_outbox_offer(request->instance->outbox, request->session, request->transaction, status_of(member, status),
		dh_sdp_offer(&origin, dh_room_facts(member->room)->id), offered, o);
	notify(request, member, status);
}

/* --- watch, observe */

static void begin(struct dh_request *request, enum dh_member_kind kind)
{
	struct dh_member *member = dh_admit(request, kind);

	if (!member)
		return;
	if (kind == DH_MEMBER_VIEWER)
		offer(request, member, "preparing");
	else
		answer(request, member, "observing");
	dh_room_member_attach(member);
	dh_member_unref(&member);
}

/* ICE restart: offers the same again for the existing PeerConnection. */
static void restart(struct dh_request *request)
{
	struct dh_member *member = current(request);

	if (!member)
		return;
	if (member->room != request->room)
		dh_request_fail(request, DH_ERROR_STATE, "\"restart\": this handle does not watch that room");
	else if (!atomic_load(&member->answered))
		dh_request_fail(request, DH_ERROR_STATE, "\"restart\" before \"start\"");
	else
		offer(request, member, "updating");
	dh_member_unref(&member);
}

static void handle_watch(struct dh_request *request)
{
	if (dh_request_flag(request, "restart"))
		restart(request);
	else
		begin(request, DH_MEMBER_VIEWER);
}

static void handle_observe(struct dh_request *request)
{
	begin(request, request->is_trusted ? DH_MEMBER_TRUSTED_OBSERVER : DH_MEMBER_OBSERVER);
}

/* --- start, pause, stop */

static void handle_start(struct dh_request *request)
{
	struct dh_member *member = current(request);

	if (!member)
		return;
	bool answered = atomic_load(&member->answered) != 0;
	if (request->jsep && !dh_sdp_is_answer(request->jsep)) {
		dh_request_fail(request, DH_ERROR_SDP, "Invalid JSEP: an answer to our offer is expected");
	} else if (!request->jsep && !answered) {
		dh_request_fail(request, DH_ERROR_SDP,
			"Missing JSEP: the first \"start\" brings the answer to our offer");
	} else {
		atomic_store(&member->answered, 1);
		dh_room_member_pause(member, false);
		answer(request, member, atomic_load(&member->media) ? "started" : "starting");
	}
	dh_member_unref(&member);
}

static void handle_pause(struct dh_request *request)
{
	struct dh_member *member = current(request);

	if (!member)
		return;
	dh_room_member_pause(member, true);
	answer(request, member, "pausing");
	dh_member_unref(&member);
}

/* "stopped" follows when Janus has hung up; an observer has nothing to hang up. */
static void handle_stop(struct dh_request *request)
{
	struct dh_member *member = dh_session_member(request->session), *ended = NULL;
	unsigned closing = 0;

	if (member)
		ended = dh_session_end_member(request->session, member, member->observes ? NULL : &closing);
	dh_member_unref(&member);
	if (!ended) {
		dh_request_fail(request, DH_ERROR_STATE, "\"stop\" without \"watch\"");
		return;
	}
	dh_room_member_leave(ended);
	answer(request, ended, ended->observes ? "stopped" : "stopping");
	if (!ended->observes)
		dh_outbox_close(request->instance->outbox, request->session, closing);
	dh_member_unref(&ended);
}

static const struct dh_field watch_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_TEXT, false, DH_KEY_MAX },
	{ "pin", DH_FIELD_TEXT, false, DH_KEY_MAX },
	{ "token", DH_FIELD_TEXT, false, DH_TOKEN_MAX },
	{ "restart", DH_FIELD_FLAG, false, 0 },
	DH_FIELD_END,
};

static const struct dh_field observe_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_TEXT, false, DH_KEY_MAX },
	{ "pin", DH_FIELD_TEXT, false, DH_KEY_MAX },
	{ "token", DH_FIELD_TEXT, false, DH_TOKEN_MAX },
	DH_FIELD_END,
};

const struct dh_request_type dh_watch_requests[] = {
	{ "watch", true, DH_AUTHORITY_LOOK, watch_fields, handle_watch },
	{ "observe", true, DH_AUTHORITY_LOOK, observe_fields, handle_observe },
	{ "start", true, DH_AUTHORITY_NONE, NULL, handle_start },
	{ "pause", true, DH_AUTHORITY_NONE, NULL, handle_pause },
	{ "stop", true, DH_AUTHORITY_NONE, NULL, handle_stop },
	DH_REQUEST_END,
};
