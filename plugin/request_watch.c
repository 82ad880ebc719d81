/* watch, observe, start, pause, stop: in the signals' thread, answered by events */
#include "request.h"

#include "sdp.h"

#define TOKEN_MAX 4096

/* {"status":…} for the handle, as the answer to its request; and for Janus'
 * event handlers. Takes over `jsep`. */
static void answer(struct dh_request *request, const struct dh_watch *watch, const char *status, json_t *jsep)
{
	struct dh_signals *signals = request->stage->signals;
	json_t *event = dh_watch_status(status);

	json_object_set_new(json_object_get(event, "result"), "viewer", json_integer(watch->id));
	dh_signals_push(signals, request->session, request->transaction, event, jsep);
	if (request->stage->config->events)
		dh_signals_notify(signals, request->session, json_pack("{s:s, s:o, s:I}", "status", status,
			"id", dh_live_room_id(watch->room), "viewer", (json_int_t)watch->id));
}

/* How the handle watches, a reference; NULL: it does not, which is an error. */
static struct dh_watch *current(struct dh_request *request)
{
	struct dh_watch *watch = dh_session_watch(request->session);

	if (watch && !watch->observes)
		return watch;
	dh_request_fail(request, DH_ERROR_STATE, "\"%s\" without \"watch\"", dh_request_text(request, "request"));
	dh_watch_unref(watch);
	return NULL;
}

/* One thread handles all of these, so nobody slips in between. */
static void check_limits(struct dh_request *request, const struct dh_live_room *room)
{
	const struct dh_config *config = request->stage->config;

	if (dh_live_room_watches(room) >= config->max_viewers_per_room)
		dh_request_fail(request, DH_ERROR_LIMIT, "max_viewers_per_room is reached (%lld)",
			(long long)config->max_viewers_per_room);
	else if (g_atomic_int_get(&request->stage->watches.now) >= config->max_viewers)
		dh_request_fail(request, DH_ERROR_LIMIT, "max_viewers is reached (%lld)", (long long)config->max_viewers);
	else if (dh_session_is_closing(request->session))
		dh_request_fail(request, DH_ERROR_STATE,
			"The connection before is still being closed: wait for \"stopped\"");
}

/* FALSE: it has failed. Signed tokens are Janus' own, and go before the PIN. */
static gboolean check_token(struct dh_request *request, struct dh_live_room *room)
{
	struct dh_settings *settings = dh_live_room_settings(room);
	gboolean is_needed = settings->signed_tokens && dh_gateway->auth_is_signed();
	char *descriptor = g_strdup_printf("room=%s", dh_live_room_facts(room)->id);
	const char *token = dh_request_text(request, "token");

	dh_settings_unref(settings);
	if (is_needed && (!token || !dh_gateway->auth_signature_contains(&dh_plugin, token, descriptor)))
		dh_request_fail(request, DH_ERROR_UNAUTHORIZED, "Unauthorized (%s \"token\")", token ? "wrong" : "missing");
	g_free(descriptor);
	return !request->error_code;
}

static void offer(struct dh_request *request, struct dh_watch *watch, const char *status)
{
	const struct dh_sdp_origin origin = { watch->sdp_session, ++watch->sdp_version };

	answer(request, watch, status, dh_sdp_offer(&origin, dh_live_room_facts(watch->room)->id));
}

static void begin(struct dh_request *request, struct dh_live_room *room, enum dh_watch_kind kind)
{
	struct dh_watch *watch = dh_watch_new(request->session, room, kind, &request->stage->watches);

	if (!dh_session_set_watch(request->session, watch)) {
		dh_request_fail(request, DH_ERROR_STATE, "This handle watches or observes already");
	} else {
		if (kind == DH_WATCH_VIEWER)
			offer(request, watch, "preparing");
		else
			answer(request, watch, "observing", NULL);
		dh_watch_attach(watch);
	}
	dh_watch_unref(watch);
}

/* An ICE restart: the same offer once more, for the PeerConnection that is there. */
static void restart(struct dh_request *request, const struct dh_live_room *room)
{
	struct dh_watch *watch = current(request);

	if (!watch)
		return;
	if (watch->room != room)
		dh_request_fail(request, DH_ERROR_STATE, "\"restart\": this handle does not watch that room");
	else if (!g_atomic_int_get(&watch->answered))
		dh_request_fail(request, DH_ERROR_STATE, "\"restart\" before \"start\"");
	else
		offer(request, watch, "updating");
	dh_watch_unref(watch);
}

static void handle_watch(struct dh_request *request)
{
	gboolean is_restart = json_is_true(json_object_get(request->body, "restart"));
	struct dh_live_room *room = dh_request_room(request);

	if (!room)
		return;
	struct dh_settings *settings = dh_live_room_settings(room);
	if (check_token(request, room) && dh_request_authorize(request, "pin", settings->pin) && !is_restart)
		check_limits(request, room);
	if (!request->error_code && is_restart)
		restart(request, room);
	else if (!request->error_code)
		begin(request, room, DH_WATCH_VIEWER);
	dh_settings_unref(settings);
	dh_live_room_unref(room);
}

static void handle_observe(struct dh_request *request)
{
	struct dh_live_room *room = dh_request_room(request);
	gboolean is_trusted = FALSE;

	if (!room)
		return;
	if (dh_request_may_look(request, room, &is_trusted) && (is_trusted || check_token(request, room)))
		check_limits(request, room);
	if (!request->error_code)
		begin(request, room, is_trusted ? DH_WATCH_TRUSTED_OBSERVER : DH_WATCH_OBSERVER);
	dh_live_room_unref(room);
}

static void handle_start(struct dh_request *request)
{
	struct dh_watch *watch = current(request);

	if (!watch)
		return;
	gboolean answered = g_atomic_int_get(&watch->answered);
	if (request->jsep && !dh_sdp_is_answer(request->jsep)) {
		dh_request_fail(request, DH_ERROR_SDP, "Invalid JSEP: an answer to our offer is expected");
	} else if (!request->jsep && !answered) {
		dh_request_fail(request, DH_ERROR_SDP, "Missing JSEP: the first \"start\" brings the answer to our offer");
	} else {
		g_atomic_int_set(&watch->answered, 1);
		dh_watch_pause(watch, FALSE);
		answer(request, watch, g_atomic_int_get(&watch->media) ? "started" : "starting", NULL);
	}
	dh_watch_unref(watch);
}

static void handle_pause(struct dh_request *request)
{
	struct dh_watch *watch = current(request);

	if (!watch)
		return;
	dh_watch_pause(watch, TRUE);
	answer(request, watch, "pausing", NULL);
	dh_watch_unref(watch);
}

/* "stopped" follows when Janus has hung up; an observer has nothing to hang up. */
static void handle_stop(struct dh_request *request)
{
	struct dh_watch *watch = dh_session_take_watch(request->session, NULL);

	if (!watch) {
		dh_request_fail(request, DH_ERROR_STATE, "\"stop\" without \"watch\"");
		return;
	}
	dh_watch_leave(watch);
	answer(request, watch, watch->observes ? "stopped" : "stopping", NULL);
	if (!watch->observes)
		dh_signals_close(request->stage->signals, request->session);
	dh_watch_unref(watch);
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
