/* SPDX-License-Identifier: GPL-3.0-or-later */
/* watch, observe: in the outbox's pool, answered by events */
#include "request_table.h"

#include <string.h>

#include "admission.h"
#include "playout/packets.h"
#include "request_microphone.h"
#include "request_viewing.h"
#include "rooms/room.h"
#include "sdp.h"

/* --- offers, and answers to the viewer's */

struct offered {
	struct dh_instance *instance;
	char *transaction;
	struct dh_member *member; /* a reference */
	bool is_first;
};

/* If Janus refused the first one, the viewer's place is freed. */
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
		dh_request_fail(request, DH_ERROR_SDP, "Janus could not use the %s (%d), its log says why",
			o->member->is_offerer ? "answer" : "offer", err);
		dh_outbox_push(o->instance->outbox, session, o->transaction, dh_request_error(request));
		dh_request_free(&request);
	} else {
		dh_session_connected(session, o->member);
	}
	dh_member_unref(&o->member);
	g_free(o->transaction);
	g_free(o);
}

/* Takes ownership of `jsep`. */
static void push_jsep(struct dh_request *request, struct dh_member *member, const char *status, json_t *jsep)
{
	struct offered *o = g_new0(struct offered, 1);

	o->instance = request->instance;
	o->transaction = g_strdup(request->transaction);
	o->member = dh_member_ref(member);
	o->is_first = member->sdp_version == 1;
	json_t *event = dh_member_status(member, status);
	uint32_t rtp_start[2];

	dh_member_get_rtp_start(member, rtp_start);
	json_object_set_new(json_object_get(event, "result"), "rtp_start", dh_rtp_start_json(rtp_start));
	dh_outbox_offer(request->instance->outbox, request->session, request->transaction, event, jsep, offered, o);
	dh_viewing_notify(request, member, status);
}

/* Requests of one handle run one at a time, so sdp_version needs no lock. */
static void offer(struct dh_request *request, struct dh_member *member, const char *status, bool restart)
{
	const struct dh_sdp_origin origin = { member->sdp_session, ++member->sdp_version };

	push_jsep(request, member, status,
		dh_request_microphone_offer(&origin, member,
			(enum dh_microphone_offer)atomic_load(&member->microphone_offer), restart));
}

/* --- what is wanted: as in the Streaming plugin, mids, or the older flags */

static bool has_mid(const json_t *mids, const char *wanted)
{
	const json_t *mid;
	size_t i;

	json_array_foreach(mids, i, mid)
		if (!g_ascii_strcasecmp(json_string_value(mid), wanted))
			return true;
	return false;
}

static void read_wants(struct dh_request *request, bool wants[2])
{
	const json_t *mids = json_object_get(request->body, "media"), *mid;
	size_t i;

	wants[DH_AUDIO] = !json_is_false(json_object_get(request->body, "offer_audio"));
	wants[DH_VIDEO] = !json_is_false(json_object_get(request->body, "offer_video"));
	json_array_foreach(mids, i, mid) {
		if (!json_is_string(mid)) {
			dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"media\": an array of mids is expected");
			return;
		}
	}
	for (int media = 0; media < 2 && json_array_size(mids); media++)
		wants[media] = has_mid(mids, dh_sdp_mid((enum dh_media)media));
	if (!wants[DH_AUDIO] && !wants[DH_VIDEO])
		dh_request_fail(request, DH_ERROR_VALUE,
			"Nothing is wanted: \"offer_audio\" or \"offer_video\", or \"media\" with the mid \"a\" "
			"or \"v\", is expected");
}

/* --- watch, observe */

/* A data channel is there for captions, unless they are not wanted. Where the viewer makes the offer there is none:
 * its answer would have to be understood by all. */
static void set_listening(struct dh_request *request, struct dh_member *member)
{
	const json_t *captions = json_object_get(request->body, "captions"), *mids;
	bool offers_data = dh_request_flag(request, "offer_data");

	mids = json_object_get(request->body, "media");
	offers_data = offers_data || (json_array_size(mids) && has_mid(mids, DH_SDP_DATA_MID));
	atomic_store(&member->listening.wants, captions ? json_is_true(captions) : offers_data);
	member->listening.offers_data = offers_data && !request->jsep;
}

/* A client that was written for another plugin would not know what a room's events are. */
static void set_wishes(struct dh_request *request, struct dh_member *member, const bool wants[2])
{
	const json_t *events = json_object_get(request->body, "events");
	struct dh_delay delay;

	dh_viewer_delay_get(&member->delay, &delay);
	if (dh_request_delay(request, request->body, &delay))
		dh_viewer_delay_ask(&member->delay, &delay);
	member->is_deaf = events ? json_is_false(events) : request->instance->config->also_answer_as != NULL;
	member->ptime = (int)dh_request_ptime(request, 0);
	memcpy(member->wants, wants, sizeof(member->wants));
	set_listening(request, member);
}

/* The viewer has made the offer. `member` NULL: it is to become one, if its offer can be answered. */
static void answer_offer(struct dh_request *request, struct dh_member *member, const bool wants[2])
{
	const struct dh_sdp_origin origin = { member ? member->sdp_session : (uint64_t)g_get_real_time(),
		member ? member->sdp_version + 1 : 1 };
	struct dh_line lines[2];
	json_t *answer = NULL;
	int err = dh_sdp_answer(request->jsep, request->raw_sdp, &origin, dh_room_facts(request->room)->id, wants,
		lines, &answer);
	struct dh_member *added = err || member ? NULL : dh_admit(request, DH_MEMBER_VIEWER);

	if (err)
		dh_viewing_refuse(request, err, "offer");
	member = member ? member : added;
	if (request->error_code || !member) {
		json_decref(answer);
		return;
	}
	member->is_offerer = true;
	member->sdp_session = origin.session_id;
	member->sdp_version = origin.version;
	if (added)
		set_wishes(request, added, wants);
	dh_member_set_lines(member, lines);
	dh_room_member_answered(member);
	push_jsep(request, member, added ? "starting" : "updating", answer);
	if (added) /* last: the room may have ended, which is reported then */
		dh_room_member_attach(added);
	dh_member_unref(&added);
}

static void begin(struct dh_request *request, enum dh_member_kind kind, const bool wants[2])
{
	struct dh_member *member = dh_admit(request, kind);

	if (!member)
		return;
	if (kind == DH_MEMBER_VIEWER) {
		set_wishes(request, member, wants);
		offer(request, member, "preparing", false);
	} else {
		atomic_store(&member->listening.wants, dh_request_flag(request, "captions"));
		dh_viewing_answer(request, member, "observing");
	}
	dh_room_member_attach(member);
	dh_member_unref(&member);
}

/* The handle has a member. One that watches the same room gets the offer anew, or an ICE restart. */
static void again(struct dh_request *request, struct dh_member *member)
{
	bool restart = dh_request_flag(request, "restart");
	const char *room = dh_room_facts(member->room)->id;

	if (member->observes)
		dh_request_fail(request, DH_ERROR_STATE, "This handle observes room %s already: \"stop\" first", room);
	else if (member->room != request->room)
		dh_request_fail(request, DH_ERROR_STATE,
			"This handle watches room %s already: \"switch\" to another one, or \"stop\" first", room);
	else if (!request->jsep != !member->is_offerer)
		dh_request_fail(request, DH_ERROR_STATE, "%s makes the offers of this connection",
			member->is_offerer ? "The viewer" : "The plugin");
	else if (member->is_offerer)
		answer_offer(request, member, member->wants);
	else if (!atomic_load(&member->answered))
		dh_request_fail(request, DH_ERROR_STATE,
			"This handle watches that room already, without an answer: \"start\" with an answer first; or "
			"\"stop\", then \"watch\" with \"offer_audio\" or \"offer_video\" false, if it is not wanted");
	else
		offer(request, member, restart ? "updating" : "preparing", restart);
}

static void handle_watch(struct dh_request *request)
{
	struct dh_member *member = dh_session_member(request->session);
	struct dh_delay delay = { 0 };
	bool wants[2];

	read_wants(request, wants);
	dh_request_ptime(request, 0);
	dh_request_delay(request, request->body, &delay);
	if (request->error_code)
		dh_member_unref(&member);
	else if (member)
		again(request, member);
	else if (dh_request_flag(request, "restart"))
		dh_request_fail(request, DH_ERROR_STATE, "\"restart\": this handle does not watch that room");
	else if (request->jsep)
		answer_offer(request, NULL, wants);
	else
		begin(request, DH_MEMBER_VIEWER, wants);
	dh_member_unref(&member);
}

static void handle_observe(struct dh_request *request)
{
	begin(request, request->is_trusted ? DH_MEMBER_TRUSTED_OBSERVER : DH_MEMBER_OBSERVER, NULL);
}

static const struct dh_field watch_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "pin", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "token", DH_FIELD_KEY, false, DH_TOKEN_MAX },
	{ "restart", DH_FIELD_FLAG, false, 0 },
	{ "events", DH_FIELD_FLAG, false, 0 },
	{ "media", DH_FIELD_ARRAY, false, 0 },
	{ "offer_audio", DH_FIELD_FLAG, false, 0 },
	{ "offer_video", DH_FIELD_FLAG, false, 0 },
	{ "offer_data", DH_FIELD_FLAG, false, 0 },
	{ "captions", DH_FIELD_FLAG, false, 0 },
	{ "ptime", DH_FIELD_NUMBER, false, DH_PTIME_MAX },
	DH_FIELD_END,
};

static const struct dh_field observe_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "pin", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "token", DH_FIELD_KEY, false, DH_TOKEN_MAX },
	{ "captions", DH_FIELD_FLAG, false, 0 },
	DH_FIELD_END,
};

const struct dh_request_type dh_watch_requests[] = {
	{ "watch", true, DH_AUTHORITY_LOOK, watch_fields, handle_watch },
	{ "observe", true, DH_AUTHORITY_LOOK, observe_fields, handle_observe },
	DH_REQUEST_END,
};
