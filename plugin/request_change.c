/* edit, enable, disable */
#include "request.h"

static void edit(struct dh_request *request, struct dh_room *room)
{
	const struct dh_settings_change change = {
		.description = dh_request_text(request, "new_description"),
		.metadata = json_object_get(request->body, "new_metadata"),
		.secret = dh_request_text(request, "new_secret"),
		.pin = dh_request_text(request, "new_pin"),
		.is_private = json_object_get(request->body, "new_is_private"),
	};
	gboolean permanent = json_is_true(json_object_get(request->body, "permanent")), visible = FALSE;
	int error = dh_instance_edit_room(request->instance, room, &change, permanent, &visible);

	if (error) {
		dh_request_fail_room(request, error);
		return;
	}
	/* It is done, whether or not the room lives to tell of it. */
	dh_room_edited(room, visible && json_is_true(json_object_get(request->body, "edited_event")));
	request->reply = dh_request_answer("edited", room, json_pack("{s:b}", "permanent", permanent));
}

static void handle_edit(struct dh_request *request)
{
	struct dh_room *room = dh_request_own_room(request);

	if (room)
		edit(request, room);
	dh_room_unref(room);
}

/* "ok", as the Streaming plugin says it. */
static void set_enabled(struct dh_request *request, gboolean enabled)
{
	struct dh_room *room = dh_request_own_room(request);

	if (!room)
		return;
	int error = dh_room_enable(room, enabled);
	if (error)
		dh_request_fail_room(request, error);
	else
		request->reply = dh_request_answer("ok", room, NULL);
	dh_room_unref(room);
}

static void handle_enable(struct dh_request *request)
{
	set_enabled(request, TRUE);
}

static void handle_disable(struct dh_request *request)
{
	set_enabled(request, FALSE);
}

static const struct dh_field edit_fields[] = {
	{ "id", DH_FIELD_ROOM, TRUE, 0 },
	{ "secret", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	{ "new_description", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	{ "new_metadata", DH_FIELD_OBJECT, FALSE, 0 },
	{ "new_secret", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	{ "new_pin", DH_FIELD_EMPTY, FALSE, DH_KEY_MAX },
	{ "new_is_private", DH_FIELD_FLAG, FALSE, 0 },
	{ "edited_event", DH_FIELD_FLAG, FALSE, 0 },
	{ "permanent", DH_FIELD_FLAG, FALSE, 0 },
	DH_FIELD_END,
};

static const struct dh_field enable_fields[] = {
	{ "id", DH_FIELD_ROOM, TRUE, 0 },
	{ "secret", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	DH_FIELD_END,
};

const struct dh_request_type dh_change_requests[] = {
	{ "edit", FALSE, edit_fields, handle_edit },
	{ "enable", FALSE, enable_fields, handle_enable },
	{ "disable", FALSE, enable_fields, handle_disable },
	{ NULL, FALSE, NULL, NULL },
};
