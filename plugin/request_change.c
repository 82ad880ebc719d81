/* SPDX-License-Identifier: GPL-3.0-or-later */
/* edit, enable, disable */
#include "request_table.h"

#include "request_errors.h"

static void handle_edit(struct dh_request *request)
{
	const struct dh_settings_change change = {
		.description = dh_request_text(request, "new_description"),
		.metadata = json_object_get(request->body, "new_metadata"),
		.secret = dh_request_text(request, "new_secret"),
		.pin = dh_request_text(request, "new_pin"),
		.disclosure = dh_request_text(request, "new_disclosure"),
		.is_private = json_object_get(request->body, "new_is_private"),
		.barge_in = request->body,
	};
	bool permanent = dh_request_flag(request, "permanent"), visible = false;
	struct dh_barge_in barge_in = dh_barge_in_default;
	const char *expected, *wrong = dh_barge_in_read(&barge_in, request->body, "new_", &expected);

	if (wrong) {
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"new_%s\": %s is expected", wrong, expected);
		return;
	}
	int err = dh_instance_edit_room(request->instance, request->room, &change, permanent, &visible);

	/* The edit is done, even if the room ends before it can announce it. */
	if (!err)
		dh_room_edited(request->room, visible && dh_request_flag(request, "edited_event"));
	dh_request_finish(request, err, "edited", json_pack("{s:b}", "permanent", permanent));
}

/* "ok" is the Streaming plugin's word. */
static void handle_enable(struct dh_request *request)
{
	dh_request_finish(request, dh_room_enable(request->room, true), "ok", NULL);
}

static void handle_disable(struct dh_request *request)
{
	dh_request_finish(request, dh_room_enable(request->room, false), "ok", NULL);
}

static const struct dh_field edit_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "new_description", DH_FIELD_TEXT, false, DH_KEY_MAX },
	{ "new_metadata", DH_FIELD_OBJECT, false, 0 },
	{ "new_secret", DH_FIELD_TEXT, false, DH_KEY_MAX },
	{ "new_pin", DH_FIELD_EMPTY, false, DH_KEY_MAX },
	{ "new_disclosure", DH_FIELD_EMPTY, false, DH_KEY_MAX },
	{ "new_is_private", DH_FIELD_FLAG, false, 0 },
	{ "new_barge_in", DH_FIELD_NUMBER, false, DH_BARGE_IN_MS_MAX },
	{ "new_barge_in_mode", DH_FIELD_TEXT, false, DH_KEY_MAX },
	{ "new_barge_in_by", DH_FIELD_TEXT, false, DH_KEY_MAX },
	{ "new_floor_ms", DH_FIELD_NUMBER, false, DH_FLOOR_MS_MAX },
	{ "new_floor_silence_ms", DH_FIELD_NUMBER, false, DH_FLOOR_MS_MAX },
	{ "edited_event", DH_FIELD_FLAG, false, 0 },
	{ "permanent", DH_FIELD_FLAG, false, 0 },
	DH_FIELD_END,
};

static const struct dh_field enable_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	DH_FIELD_END,
};

const struct dh_request_type dh_change_requests[] = {
	{ "edit", false, DH_AUTHORITY_SECRET, edit_fields, handle_edit },
	{ "enable", false, DH_AUTHORITY_SECRET, enable_fields, handle_enable },
	{ "disable", false, DH_AUTHORITY_SECRET, enable_fields, handle_disable },
	DH_REQUEST_END,
};
