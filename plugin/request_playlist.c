/* SPDX-License-Identifier: GPL-3.0-or-later */
/* playlist */
#include "request_table.h"

#include "enqueue.h"
#include "playlists.h"
#include "request_errors.h"
#include "rooms/playlist.h"

/* NULL: the request has failed; null: there is to be none. */
static json_t *read_playlist(struct dh_request *request)
{
	json_t *items = json_object_get(request->body, "items"), *repeat = json_object_get(request->body, "repeat");
	bool is_none = json_is_array(items) && !json_array_size(items);
	const char *expected = is_none ? NULL : dh_playlist_check(items);

	if (expected)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"items\": %s, or an empty array", expected);
	if (expected || is_none)
		return expected ? NULL : json_null();
	return json_pack("{s:O, s:b, s:b, s:b}", "items", items, "shuffle", dh_request_flag(request, "shuffle"),
		"repeat", !repeat || json_is_true(repeat), "patient", dh_request_flag(request, "patient"));
}

static json_t *describe(struct dh_request *request)
{
	struct dh_settings *settings = dh_room_settings(request->room);
	json_t *json = json_pack("{s:O?}", "playlist", settings->playlist), *position = NULL;

	if (!settings->playlist)
		json_object_set_new(json, "playlist", json_null());
	else
		position = dh_playlists_position(request->instance->playlists, dh_room_facts(request->room)->id);
	if (position) {
		json_object_set(json, "file", json_object_get(position, "file"));
		json_object_set(json, "at_ms", json_object_get(position, "at_ms"));
	}
	json_decref(position);
	dh_settings_unref(&settings);
	return json;
}

static void change(struct dh_request *request, json_t *playlist)
{
	const struct dh_settings_change change = { .playlist = playlist };
	bool visible;
	int err = dh_instance_edit_room(request->instance, request->room, &change,
		dh_request_flag(request, "permanent"), &visible);

	dh_request_finish(request, err, "playlist", err ? NULL : describe(request));
}

static void handle_playlist(struct dh_request *request)
{
	if (!json_object_get(request->body, "items")) {
		dh_request_answer(request, "playlist", describe(request));
		return;
	}
	json_t *playlist = read_playlist(request);
	if (playlist && (json_is_null(playlist) || dh_enqueue_has_folder(request)))
		change(request, playlist);
	json_decref(playlist);
}

static const struct dh_field fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "items", DH_FIELD_ARRAY, false, 0 },
	{ "shuffle", DH_FIELD_FLAG, false, 0 },
	{ "repeat", DH_FIELD_FLAG, false, 0 },
	{ "patient", DH_FIELD_FLAG, false, 0 },
	{ "permanent", DH_FIELD_FLAG, false, 0 },
	DH_FIELD_END,
};

const struct dh_request_type dh_playlist_requests[] = {
	{ "playlist", false, DH_AUTHORITY_SECRET, fields, handle_playlist },
	DH_REQUEST_END,
};
