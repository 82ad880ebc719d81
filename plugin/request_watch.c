/* watch, start, pause, stop: in the signals' thread, answered by events */
#include "request.h"

#include "sdp.h"

#define KEY_MAX 256

/* {"status":…} for the handle, as the answer to its request; and for Janus'
 * event handlers. */
static void answer(struct dh_request *request, const struct dh_live_room *room, const char *status,
	json_t *jsep)
{
	struct dh_signals *signals = request->stage->signals;

	dh_signals_push(signals, request->session, request->transaction, dh_watch_status(status), jsep);
	if (request->stage->config->events)
		dh_signals_notify(signals, request->session, json_pack("{s:s, s:I}", "status", status,
			"id", (json_int_t)dh_live_room_facts(room)->id));
}

/* How the handle watches, a reference; NULL: it does not, which is an error. */
static struct dh_watch *current(struct dh_request *request)
{
	struct dh_watch *watch = dh_session_watch(request->session);

	if (!watch)
		dh_request_fail(request, DH_ERROR_STATE, "\"%s\" without \"watch\"", dh_request_text(request, "request"));
	return watch;
}

/* One thread handles all of these, so nobody slips in between. */
static void check_limits(struct dh_request *request, const struct dh_live_room *room)
{
	const struct dh_config *config = request->stage->config;

	if (dh_live_room_watches(room) >= config->max_viewers_per_room)
		dh_request_fail(request, DH_ERROR_LIMIT, "max_viewers_per_room is reached (%lld)",
			(long long)config->max_viewers_per_room);
	else if (g_atomic_int_get(&request->stage->viewers) >= config->max_viewers)
		dh_request_fail(request, DH_ERROR_LIMIT, "max_viewers is reached (%lld)", (long long)config->max_viewers);
	else if (dh_session_is_closing(request->session))
		dh_request_fail(request, DH_ERROR_STATE,
			"The connection before is still being closed: wait for \"stopped\"");
}

static void begin(struct dh_request *request, struct dh_live_room *room)
{
	struct dh_watch *watch = dh_watch_new(request->session, room, &request->stage->viewers);

	if (dh_session_set_watch(request->session, watch)) {
		uint64_t session_id = (uint64_t)g_get_real_time();
		answer(request, room, "preparing", dh_sdp_offer(session_id, dh_live_room_facts(room)->id));
		dh_watch_attach(watch);
	} else {
		dh_request_fail(request, DH_ERROR_STATE, "This handle watches already");
	}
	dh_watch_unref(watch);
}

static void handle_watch(struct dh_request *request)
{
	struct dh_live_room *room = dh_request_room(request);

	if (!room)
		return;
	if (dh_request_authorize(request, "pin", dh_live_room_facts(room)->pin))
		check_limits(request, room);
	if (!request->error_code)
		begin(request, room);
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
		answer(request, watch->room, g_atomic_int_get(&watch->media) ? "started" : "starting", NULL);
	}
	dh_watch_unref(watch);
}

static void handle_pause(struct dh_request *request)
{
	struct dh_watch *watch = current(request);

	if (!watch)
		return;
	dh_watch_pause(watch, TRUE);
	answer(request, watch->room, "pausing", NULL);
	dh_watch_unref(watch);
}

/* "stopped" follows when Janus has hung up. */
static void handle_stop(struct dh_request *request)
{
	struct dh_watch *watch = dh_session_take_watch(request->session, NULL);

	if (!watch) {
		dh_request_fail(request, DH_ERROR_STATE, "\"stop\" without \"watch\"");
		return;
	}
	dh_watch_leave(watch);
	answer(request, watch->room, "stopping", NULL);
	dh_signals_close(request->stage->signals, request->session);
	dh_watch_unref(watch);
}

static const struct dh_field watch_fields[] = {
	{ "id", DH_FIELD_ID, TRUE, 0 },
	{ "pin", DH_FIELD_TEXT, FALSE, KEY_MAX },
	{ NULL, 0, FALSE, 0 },
};

const struct dh_request_type dh_watch_requests[] = {
	{ "watch", TRUE, watch_fields, handle_watch },
	{ "start", TRUE, NULL, handle_start },
	{ "pause", TRUE, NULL, handle_pause },
	{ "stop", TRUE, NULL, handle_stop },
	{ NULL, FALSE, NULL, NULL },
};
