/* SPDX-License-Identifier: GPL-3.0-or-later */
/* start, pause, configure, switch, stop: of a viewer about its own connection; in the
 * outbox's pool, answered by events */
#include "request_viewing.h"

#include <errno.h>
#include <string.h>

#include "admission.h"
#include "request_microphone.h"
#include "request_table.h"
#include "rooms/room.h"
#include "sdp.h"
#include "sdp_read.h"

void dh_viewing_notify(struct dh_request *request, const struct dh_member *member, const char *status)
{
	if (request->instance->config->events)
		dh_outbox_notify(request->instance->outbox, request->session,
			json_pack("{s:s, s:o, s:I}", "status", status, "id", dh_room_id_json(member->room), "viewer",
				(json_int_t)member->id));
}

void dh_viewing_answer(struct dh_request *request, const struct dh_member *member, const char *status)
{
	dh_outbox_push(request->instance->outbox, request->session, request->transaction,
		dh_member_status(member, status));
	dh_viewing_notify(request, member, status);
}

void dh_viewing_refuse(struct dh_request *request, int err, const char *what)
{
	if (err == -ENOTSUP)
		dh_request_fail(request, DH_ERROR_SDP,
			"The %s takes neither sound as Opus nor pictures as VP8, and there is nothing else", what);
	else if (err == -EXDEV)
		dh_request_fail(request, DH_ERROR_SDP,
			"The %s does not bundle: sound and pictures come on one transport (bundle policy "
			"\"max-bundle\" is expected)",
			what);
	else
		dh_request_fail(request, DH_ERROR_SDP, "Invalid JSEP: an %s is expected, of at most %d m-lines",
			strcmp(what, "offer") ? "answer to our offer" : "offer", DH_SDP_LINES_MAX);
}

void dh_viewing_close_stray(struct dh_request *request)
{
	const char *type = json_string_value(json_object_get(request->jsep, "type"));
	bool is_offer = request->session && type && !g_ascii_strcasecmp(type, "offer");
	unsigned closing = is_offer ? dh_session_end_stray(request->session) : 0;

	if (closing)
		dh_outbox_close(request->instance->outbox, request->session, closing);
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

/* Frees its place, and hangs up. False: somebody else has ended it. */
static bool end(struct dh_request *request, struct dh_member *member)
{
	unsigned closing = 0;
	struct dh_member *ended = dh_session_end_member(request->session, member, member->observes ? NULL : &closing);

	if (!ended)
		return false;
	dh_room_member_leave(ended);
	if (!ended->observes)
		dh_outbox_close(request->instance->outbox, request->session, closing);
	dh_member_unref(&ended);
	return true;
}

/* The answer may come with any of these requests. One that cannot be used ends the connection: Janus
 * has taken it already. True: once the request is answered, call dh_room_member_answered, which may say that it has
 * started. */
static bool take_answer(struct dh_request *request, struct dh_member *member)
{
	struct dh_line lines[2];

	if (!request->jsep)
		return false;
	int err = member->is_offerer ? -EINVAL : dh_sdp_take(request->jsep, request->raw_sdp, member->wants, lines);
	if (!err) {
		dh_member_set_lines(member, lines);
		dh_request_microphone_take(request, member);
		return true;
	}
	dh_viewing_refuse(request, err, "answer");
	end(request, member);
	return false;
}

static void handle_start(struct dh_request *request)
{
	struct dh_member *member = current(request);

	if (!member)
		return;
	bool is_answer = take_answer(request, member);
	if (!request->error_code && !is_answer && !atomic_load(&member->answered))
		dh_request_fail(request, DH_ERROR_SDP,
			"Missing JSEP: the first \"start\" brings the answer to our offer");
	if (!request->error_code) {
		dh_room_member_pause(member, false);
		dh_viewing_answer(request, member, atomic_load(&member->media) ? "started" : "starting");
	}
	if (is_answer)
		dh_room_member_answered(member);
	dh_member_unref(&member);
}

static void handle_pause(struct dh_request *request)
{
	struct dh_member *member = current(request);

	if (!member)
		return;
	bool is_answer = take_answer(request, member);
	if (!request->error_code) {
		dh_room_member_pause(member, true);
		dh_viewing_answer(request, member, "pausing");
	}
	if (is_answer)
		dh_room_member_answered(member);
	dh_member_unref(&member);
}

/* --- configure */

/* What is to be sent from now on. */
struct change {
	int sends[2]; /* by medium: 1 yes, 0 no, -1 as before */
	struct dh_quality_asked quality;
	bool asks_delay;
	struct dh_delay delay;
};

/* `stream` is the request itself, or one of its `streams`. Simulcast and layers mean nothing here. */
static void read_stream(struct dh_request *request, const json_t *stream, struct change *change)
{
	const json_t *mid = json_object_get(stream, "mid"), *send = json_object_get(stream, "send");
	bool is_known = !mid;

	if (!json_is_object(stream) || (send && !json_is_boolean(send)) || (mid && !json_is_string(mid))) {
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"streams\": objects with a \"mid\" and a \"send\" are expected");
		return;
	}
	for (int media = 0; media < 2; media++) {
		bool is_meant = !mid || !g_ascii_strcasecmp(json_string_value(mid), dh_sdp_mid((enum dh_media)media));
		is_known |= is_meant;
		if (is_meant && send)
			change->sends[media] = json_is_true(send);
		if (is_meant && media == DH_VIDEO)
			change->asks_delay |= dh_request_delay(request, stream, &change->delay);
	}
	if (!is_known)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"mid\": \"a\" or \"v\" is expected");
}

/* "auto", or a number up to `most`; what is not given stays. */
static void read_choice(struct dh_request *request, const char *field, json_int_t most, int *choice)
{
	const json_t *value = json_object_get(request->body, field);
	json_int_t number = json_integer_value(value);

	if (!value || json_is_null(value))
		return;
	*choice = json_is_integer(value) ? (int)MIN(MAX(number, 0), most) : DH_QUALITY_AUTO;
	if (json_is_integer(value) ? number < 0 || number > most : g_strcmp0(json_string_value(value), "auto") != 0)
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"%s\": \"auto\" or an integer from 0 to %d is expected", field, (int)most);
}

static void read_change(struct dh_request *request, const struct dh_member *member, struct change *change)
{
	static const char *const flags[] = { [DH_AUDIO] = "audio", [DH_VIDEO] = "video" };
	const json_t *streams = json_object_get(request->body, "streams"), *stream;
	size_t i;

	for (int media = 0; media < 2; media++) {
		const json_t *flag = json_object_get(request->body, flags[media]);
		change->sends[media] = flag ? json_is_true(flag) : -1;
	}
	dh_viewer_quality_asked(&member->quality, &change->quality);
	change->asks_delay = false;
	dh_viewer_delay_get(&member->delay, &change->delay);
	read_choice(request, "quality", DH_QUALITIES_MAX - 1, &change->quality.quality);
	if (member->quality.is_temporal) /* other rooms' clients may mean something else by it, or nothing */
		read_choice(request, "temporal", 1, &change->quality.temporal);
	if (!streams)
		read_stream(request, request->body, change);
	json_array_foreach(streams, i, stream) {
		if (json_array_size(streams) > 1 && !json_object_get(stream, "mid"))
			dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"streams\": each needs a \"mid\"");
		read_stream(request, stream, change);
	}
}

/* Whether there are captions is said to those who ask. */
static void answer_configured(struct dh_request *request, struct dh_member *member)
{
	const json_t *captions = json_object_get(request->body, "captions");
	json_t *result = json_pack("{s:s, s:I, s:b, s:b}", "event", "configured", "viewer", (json_int_t)member->id,
		"audio", dh_member_gets(member, DH_AUDIO), "video", dh_member_gets(member, DH_VIDEO));

	dh_viewer_quality_describe(&member->quality, result);
	dh_member_describe_delay(member, result);
	if (captions) {
		dh_room_member_listen(member, json_is_true(captions));
		json_object_set_new(result, "captions", json_boolean(json_is_true(captions)));
	}
	dh_request_microphone_answer(request, member,
		json_pack("{s:s, s:o}", "digitalhuman", "event", "result", result));
}

static void handle_configure(struct dh_request *request)
{
	struct dh_member *member = current(request);
	struct change change;

	if (!member)
		return;
	read_change(request, member, &change);
	dh_request_microphone_check(request, member);
	bool is_answer = !request->error_code && take_answer(request, member);
	if (!request->error_code) {
		for (int media = 0; media < 2; media++) {
			if (change.sends[media] >= 0)
				dh_room_member_mute(member, (enum dh_media)media, !change.sends[media]);
		}
		dh_room_member_ask_quality(member, &change.quality);
		if (change.asks_delay)
			dh_viewer_delay_ask(&member->delay, &change.delay);
		answer_configured(request, member);
	}
	if (is_answer)
		dh_room_member_answered(member);
	dh_member_unref(&member);
}

/* --- switch */

static void answer_switched(struct dh_request *request, const struct dh_member *member)
{
	json_t *result = json_pack("{s:s, s:o, s:I}", "switched", "ok", "id", dh_room_id_json(member->room), "viewer",
		(json_int_t)member->id);

	dh_avatar_describe_matte(member->avatar, result);
	dh_outbox_push(request->instance->outbox, request->session, request->transaction,
		json_pack("{s:s, s:o}", "digitalhuman", "event", "result", result));
}

/* All rooms have the same media, so the connection goes on. The room may have ended, which is said when the member is
 * attached: so that comes behind the answer. */
static void move(struct dh_request *request, struct dh_member *member)
{
	bool is_up = false;
	struct dh_member *to = dh_admit_move(request, member, &is_up);

	if (!to)
		return;
	answer_switched(request, to);
	dh_room_member_attach(to);
	dh_request_microphone_move(request, to);
	dh_room_member_move(member, to, is_up);
	dh_viewing_notify(request, to, "switching");
	dh_member_unref(&to);
}

static void handle_switch(struct dh_request *request)
{
	struct dh_member *member = current(request);

	if (member && member->room == request->room) {
		dh_room_member_pause(member, false);
		answer_switched(request, member);
	} else if (member) {
		move(request, member);
	}
	dh_member_unref(&member);
}

/* --- stop */

/* "stopped" follows when Janus has hung up; an observer has nothing to hang up. Where there is nothing
 * to stop it is taken silently, as in the Streaming plugin: its page says "stop" when it hears "stopped". */
static void handle_stop(struct dh_request *request)
{
	struct dh_member *member = dh_session_member(request->session);

	if (member && end(request, member))
		dh_viewing_answer(request, member, member->observes ? "stopped" : "stopping");
	else
		dh_outbox_push(request->instance->outbox, request->session, request->transaction,
			json_pack("{s:s, s:{s:s}}", "digitalhuman", "event", "result", "status", "idle"));
	dh_member_unref(&member);
}

static const struct dh_field configure_fields[] = {
	{ "audio", DH_FIELD_FLAG, false, 0 },
	{ "video", DH_FIELD_FLAG, false, 0 },
	{ "data", DH_FIELD_FLAG, false, 0 },
	{ "captions", DH_FIELD_FLAG, false, 0 },
	{ "mid", DH_FIELD_TEXT, false, 16 },
	{ "send", DH_FIELD_FLAG, false, 0 },
	{ "microphone", DH_FIELD_FLAG, false, 0 },
	{ "streams", DH_FIELD_ARRAY, false, 0 },
	DH_FIELD_END,
};

static const struct dh_field switch_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "pin", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "token", DH_FIELD_KEY, false, DH_TOKEN_MAX },
	DH_FIELD_END,
};

const struct dh_request_type dh_viewing_requests[] = {
	{ "start", true, DH_AUTHORITY_NONE, NULL, handle_start },
	{ "pause", true, DH_AUTHORITY_NONE, NULL, handle_pause },
	{ "configure", true, DH_AUTHORITY_NONE, configure_fields, handle_configure },
	{ "switch", true, DH_AUTHORITY_LOOK, switch_fields, handle_switch },
	{ "stop", true, DH_AUTHORITY_NONE, NULL, handle_stop },
	DH_REQUEST_END,
};
