/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stats, kick, kick_all: viewers, and usage of the limits */
#include "request_table.h"

#include <errno.h>

#include "request_errors.h"
#include "rooms/member.h"
#include "rooms/first_frames.h"
#include "usage.h"

static guint viewer_of(const struct dh_request *request)
{
	return (guint)json_integer_value(json_object_get(request->body, "viewer"));
}

static void finish(struct dh_request *request, int err, const char *name, json_t *reply)
{
	if (err == -ENOENT)
		dh_request_fail(request, DH_ERROR_NO_VIEWER, "No such viewer (%u)", viewer_of(request));
	else
		dh_request_finish(request, err, name, reply);
}

/* Of a room, or of the whole plugin. */
static void handle_stats(struct dh_request *request)
{
	json_t *reply = NULL;

	if (!request->room) {
		bool with_rooms = json_is_true(json_object_get(request->body, "rooms"));
		request->reply = json_pack("{s:s, s:o, s:o}", "digitalhuman", "stats", "usage",
			dh_usage(request->instance, with_rooms), "first_frame",
			dh_first_frames_json(request->instance->first_frames));
		json_t *work = dh_usage_work(request->instance);
		json_object_update(request->reply, work);
		json_decref(work);
		return;
	}
	int err = dh_room_stats(request->room, viewer_of(request), &reply);
	finish(request, err, "stats", reply);
}

static void handle_kick(struct dh_request *request)
{
	json_t *reply = NULL;
	int err = dh_room_kick(request->room, viewer_of(request), &reply);

	finish(request, err, "kicked", reply);
}

static void handle_kick_all(struct dh_request *request)
{
	json_t *reply = NULL;
	int err = dh_room_kick(request->room, 0, &reply);

	finish(request, err, "kicked_all", reply);
}

/* A viewer may always ask about itself, and who knows the secret about all. */
static void handle_heard(struct dh_request *request)
{
	struct dh_member *member = NULL;
	json_t *reply = NULL;

	if (viewer_of(request) && !request->is_trusted) {
		dh_request_fail(request, DH_ERROR_UNAUTHORIZED,
			"Unauthorized (\"viewer\" needs the room's \"secret\")");
		return;
	}
	if (!viewer_of(request) && request->session)
		member = dh_session_member(request->session);
	bool is_own = member && !member->observes && member->room == request->room;
	if (!is_own && !viewer_of(request)) {
		dh_request_fail(request, DH_ERROR_STATE,
			"This handle does not watch that room: a \"viewer\" is expected");
	} else {
		int err = dh_room_heard(request->room, is_own ? member : NULL, viewer_of(request), &reply);
		finish(request, err, "heard", reply);
	}
	dh_member_unref(&member);
}

static const struct dh_field stats_fields[] = {
	{ "id", DH_FIELD_ROOM, false, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "admin_key", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "viewer", DH_FIELD_VIEWER, false, 0 },
	{ "rooms", DH_FIELD_FLAG, false, 0 },
	DH_FIELD_END,
};

static const struct dh_field heard_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "pin", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "token", DH_FIELD_KEY, false, DH_TOKEN_MAX },
	{ "viewer", DH_FIELD_VIEWER, false, 0 },
	DH_FIELD_END,
};

static const struct dh_field kick_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "viewer", DH_FIELD_VIEWER, true, 0 },
	DH_FIELD_END,
};

static const struct dh_field kick_all_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	DH_FIELD_END,
};

const struct dh_request_type dh_viewer_requests[] = {
	{ "stats", false, DH_AUTHORITY_SECRET_OR_ADMIN, stats_fields, handle_stats },
	{ "heard", false, DH_AUTHORITY_LOOK, heard_fields, handle_heard },
	{ "kick", false, DH_AUTHORITY_SECRET, kick_fields, handle_kick },
	{ "kick_all", false, DH_AUTHORITY_SECRET, kick_all_fields, handle_kick_all },
	DH_REQUEST_END,
};
