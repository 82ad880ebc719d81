/* watch, observe, start, pause, stop: in the outbox's thread, answered by events */
#include "request.h"

#include "sdp.h"

#define TOKEN_MAX 4096

/* {"status":…} for the handle, as the answer to its request; and for Janus'
 * event handlers. Takes over `jsep`. */
static void answer(struct dh_request *request, const struct dh_member *member, const char *status, json_t *jsep)
{
	struct dh_outbox *outbox = request->instance->outbox;
	json_t *event = dh_member_status(status);

	json_object_set_new(json_object_get(event, "result"), "viewer", json_integer(member->id));
	dh_outbox_push(outbox, request->session, request->transaction, event, jsep);
	if (request->instance->config->events)
		dh_outbox_notify(outbox, request->session, json_pack("{s:s, s:o, s:I}", "status", status,
			"id", dh_room_id_json(member->room), "viewer", (json_int_t)member->id));
}

/* How the handle watches, a reference; NULL: it does not, which is an error. */
static struct dh_member *current(struct dh_request *request)
{
	struct dh_member *member = dh_session_member(request->session);

	if (member && !member->observes)
		return member;
	dh_request_fail(request, DH_ERROR_STATE, "\"%s\" without \"watch\"", dh_request_text(request, "request"));
	dh_member_unref(member);
	return NULL;
}

/* One thread handles all of these, so nobody slips in between. */
static void check_limits(struct dh_request *request, const struct dh_room *room)
{
	const struct dh_config *config = request->instance->config;

	if (dh_room_viewer_count(room) >= config->max_viewers_per_room)
		dh_request_fail(request, DH_ERROR_LIMIT, "max_viewers_per_room is reached (%lld)",
			(long long)config->max_viewers_per_room);
	else if (g_atomic_int_get(&request->instance->members.viewers) >= config->max_viewers)
		dh_request_fail(request, DH_ERROR_LIMIT, "max_viewers is reached (%lld)", (long long)config->max_viewers);
	else if (dh_session_is_closing(request->session))
		dh_request_fail(request, DH_ERROR_STATE,
			"The connection before is still being closed: wait for \"stopped\"");
}

/* FALSE: it has failed. Signed tokens are Janus' own, and go before the PIN. */
static gboolean check_token(struct dh_request *request, struct dh_room *room)
{
	struct dh_settings *settings = dh_room_settings(room);
	gboolean is_needed = settings->signed_tokens && dh_gateway->auth_is_signed();
	char *descriptor = g_strdup_printf("room=%s", dh_room_facts(room)->id);
	const char *token = dh_request_text(request, "token");

	dh_settings_unref(settings);
	if (is_needed && (!token || !dh_gateway->auth_signature_contains(&dh_plugin, token, descriptor)))
		dh_request_fail(request, DH_ERROR_UNAUTHORIZED, "Unauthorized (%s \"token\")", token ? "wrong" : "missing");
	g_free(descriptor);
	return !request->error_code;
}

static void offer(struct dh_request *request, struct dh_member *member, const char *status)
{
	const struct dh_sdp_origin origin = { member->sdp_session, ++member->sdp_version };

	answer(request, member, status, dh_sdp_offer(&origin, dh_room_facts(member->room)->id));
}

static void begin(struct dh_request *request, struct dh_room *room, enum dh_member_kind kind)
{
	struct dh_member *member = dh_room_member_new(room, request->session, kind, &request->instance->members);

	if (!dh_session_set_member(request->session, member)) {
		dh_request_fail(request, DH_ERROR_STATE, "This handle watches or observes already");
	} else {
		if (kind == DH_MEMBER_VIEWER)
			offer(request, member, "preparing");
		else
			answer(request, member, "observing", NULL);
		dh_room_member_attach(member);
	}
	dh_member_unref(member);
}

/* An ICE restart: the same offer once more, for the PeerConnection that is there. */
static void restart(struct dh_request *request, const struct dh_room *room)
{
	struct dh_member *member = current(request);

	if (!member)
		return;
	if (member->room != room)
		dh_request_fail(request, DH_ERROR_STATE, "\"restart\": this handle does not watch that room");
	else if (!g_atomic_int_get(&member->answered))
		dh_request_fail(request, DH_ERROR_STATE, "\"restart\" before \"start\"");
	else
		offer(request, member, "updating");
	dh_member_unref(member);
}

static void handle_watch(struct dh_request *request)
{
	gboolean is_restart = json_is_true(json_object_get(request->body, "restart"));
	struct dh_room *room = dh_request_room(request);

	if (!room)
		return;
	struct dh_settings *settings = dh_room_settings(room);
	if (check_token(request, room) && dh_request_authorize(request, "pin", settings->pin) && !is_restart)
		check_limits(request, room);
	if (!request->error_code && is_restart)
		restart(request, room);
	else if (!request->error_code)
		begin(request, room, DH_MEMBER_VIEWER);
	dh_settings_unref(settings);
	dh_room_unref(room);
}

static void handle_observe(struct dh_request *request)
{
	struct dh_room *room = dh_request_room(request);
	gboolean is_trusted = FALSE;

	if (!room)
		return;
	if (dh_request_may_look(request, room, &is_trusted) && (is_trusted || check_token(request, room)))
		check_limits(request, room);
	if (!request->error_code)
		begin(request, room, is_trusted ? DH_MEMBER_TRUSTED_OBSERVER : DH_MEMBER_OBSERVER);
	dh_room_unref(room);
}

static void handle_start(struct dh_request *request)
{
	struct dh_member *member = current(request);

	if (!member)
		return;
	gboolean answered = g_atomic_int_get(&member->answered);
	if (request->jsep && !dh_sdp_is_answer(request->jsep)) {
		dh_request_fail(request, DH_ERROR_SDP, "Invalid JSEP: an answer to our offer is expected");
	} else if (!request->jsep && !answered) {
		dh_request_fail(request, DH_ERROR_SDP, "Missing JSEP: the first \"start\" brings the answer to our offer");
	} else {
		g_atomic_int_set(&member->answered, 1);
		dh_room_member_pause(member, FALSE);
		answer(request, member, g_atomic_int_get(&member->media) ? "started" : "starting", NULL);
	}
	dh_member_unref(member);
}

static void handle_pause(struct dh_request *request)
{
	struct dh_member *member = current(request);

	if (!member)
		return;
	dh_room_member_pause(member, TRUE);
	answer(request, member, "pausing", NULL);
	dh_member_unref(member);
}

/* "stopped" follows when Janus has hung up; an observer has nothing to hang up. */
static void handle_stop(struct dh_request *request)
{
	struct dh_member *member = dh_session_member(request->session), *ended = NULL;

	if (member)
		ended = dh_session_end_member(request->session, member, !member->observes);
	dh_member_unref(member);
	if (!ended) {
		dh_request_fail(request, DH_ERROR_STATE, "\"stop\" without \"watch\"");
		return;
	}
	dh_room_member_leave(ended);
	answer(request, ended, ended->observes ? "stopped" : "stopping", NULL);
	if (!ended->observes)
		dh_outbox_close(request->instance->outbox, request->session);
	dh_member_unref(ended);
}

static const struct dh_field watch_fields[] = {
	{ "id", DH_FIELD_ROOM, TRUE, 0 },
	{ "pin", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	{ "token", DH_FIELD_TEXT, FALSE, TOKEN_MAX },
	{ "restart", DH_FIELD_FLAG, FALSE, 0 },
	DH_FIELD_END,
};

static const struct dh_field observe_fields[] = {
	{ "id", DH_FIELD_ROOM, TRUE, 0 },
	{ "secret", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	{ "pin", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	{ "token", DH_FIELD_TEXT, FALSE, TOKEN_MAX },
	DH_FIELD_END,
};

const struct dh_request_type dh_watch_requests[] = {
	{ "watch", TRUE, watch_fields, handle_watch },
	{ "observe", TRUE, observe_fields, handle_observe },
	{ "start", TRUE, NULL, handle_start },
	{ "pause", TRUE, NULL, handle_pause },
	{ "stop", TRUE, NULL, handle_stop },
	{ NULL, FALSE, NULL, NULL },
};
