/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ask_floor, leave_floor, give_floor, take_floor, floor: who may barge in */
#include "request_table.h"

#include <errno.h>

#include "request_errors.h"
#include "rooms/floor.h"

static guint viewer_of(const struct dh_request *request)
{
	return (guint)json_integer_value(json_object_get(request->body, "viewer"));
}

static void finish(struct dh_request *request, int err, const char *name, json_t *reply)
{
	if (err == -ENOENT)
		dh_request_fail(request, DH_ERROR_NO_VIEWER, "No such viewer (%u)", viewer_of(request));
	else if (err == -EPERM)
		dh_request_fail(request, DH_ERROR_STATE,
			"The room has no floor to be given: its \"barge_in_by\" is neither \"one\" nor \"named\"");
	else if (err == -ENOBUFS)
		dh_request_fail(request, DH_ERROR_LIMIT, "%d viewers wait for the floor already", DH_FLOOR_ASKS_MAX);
	else
		dh_request_finish(request, err, name, reply);
}

/* The handle's own viewer, a reference, whose room becomes the request's. */
static struct dh_member *own_viewer(struct dh_request *request)
{
	struct dh_member *member = request->session ? dh_session_member(request->session) : NULL;

	if (member && !member->observes) {
		request->room = dh_room_ref(member->room);
		return member;
	}
	dh_request_fail(request, DH_ERROR_STATE, "\"%s\" without \"watch\"", dh_request_text(request, "request"));
	dh_member_unref(&member);
	return NULL;
}

static void handle_ask(struct dh_request *request)
{
	struct dh_member *member = own_viewer(request);
	json_t *reply = NULL;
	int err = member ? dh_room_floor_ask(member->room, member->id, &reply) : 0;

	if (member)
		finish(request, err, "floor_asked", reply);
	dh_member_unref(&member);
}

static void handle_leave(struct dh_request *request)
{
	struct dh_member *member = own_viewer(request);
	json_t *reply = NULL;
	int err = member ? dh_room_floor_leave(member->room, member->id, &reply) : 0;

	if (member)
		finish(request, err, "floor_left", reply);
	dh_member_unref(&member);
}

static void handle_give(struct dh_request *request)
{
	json_t *reply = NULL;
	int err = dh_room_floor_give(request->room, viewer_of(request), &reply);

	finish(request, err, "floor_given", reply);
}

static void handle_take(struct dh_request *request)
{
	json_t *reply = NULL;
	int err = dh_room_floor_take(request->room, viewer_of(request), &reply);

	finish(request, err, "floor_taken", reply);
}

static void handle_floor(struct dh_request *request)
{
	json_t *reply = NULL;
	int err = dh_room_floor(request->room, &reply);

	finish(request, err, "floor", reply);
}

static const struct dh_field give_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "viewer", DH_FIELD_VIEWER, true, 0 },
	DH_FIELD_END,
};

static const struct dh_field take_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "viewer", DH_FIELD_VIEWER, false, 0 },
	DH_FIELD_END,
};

static const struct dh_field floor_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	DH_FIELD_END,
};

const struct dh_request_type dh_floor_requests[] = {
	{ "ask_floor", false, DH_AUTHORITY_NONE, NULL, handle_ask },
	{ "leave_floor", false, DH_AUTHORITY_NONE, NULL, handle_leave },
	{ "give_floor", false, DH_AUTHORITY_SECRET, give_fields, handle_give },
	{ "take_floor", false, DH_AUTHORITY_SECRET, take_fields, handle_take },
	{ "floor", false, DH_AUTHORITY_SECRET, floor_fields, handle_floor },
	DH_REQUEST_END,
};
