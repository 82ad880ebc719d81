/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list, info, create, destroy */
#include "request_table.h"

#include <errno.h>
#include <string.h>

#include "playout/packets.h"
#include "request_errors.h"
#include "rooms/room_id.h"
#include "sdp.h"

/* With what the Streaming plugin's pages read. */
static json_t *describe(struct dh_room *room, bool all)
{
	json_t *info = dh_room_info(room, all);

	json_object_set_new(info, "type", json_string("live"));
	json_object_set_new(info, "media", dh_sdp_media());
	return info;
}

/* As in the Streaming plugin, private rooms are listed only with the key. */
static void handle_list(struct dh_request *request)
{
	json_t *list = json_array();
	GPtrArray *rooms = dh_instance_rooms(request->instance);

	for (guint i = 0; i < rooms->len; i++) {
		json_t *info = describe(rooms->pdata[i], false);
		if (request->is_trusted || !json_is_true(json_object_get(info, "is_private")))
			json_array_append(list, info);
		json_decref(info);
	}
	g_ptr_array_free(rooms, true);
	request->reply = json_pack("{s:s, s:o}", "digitalhuman", "list", "list", list);
}

static void handle_info(struct dh_request *request)
{
	json_t *info = describe(request->room, request->is_trusted);

	if (request->is_trusted)
		json_object_set_new(info, "permanent",
			json_boolean(dh_instance_is_permanent(request->instance, request->room)));
	request->reply = json_pack("{s:s, s:o}", "digitalhuman", "info", "info", info);
}

/* --- create */

/* Checks that need the configuration. */
static void check_create(struct dh_request *request, const struct dh_room_facts *facts)
{
	const char *duration = dh_request_text(request, "duration");
	const char *generator = dh_request_text(request, "generator");

	if (duration && strcmp(duration, "speech") && strcmp(duration, "longest"))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"duration\": \"speech\" or \"longest\" is expected");
	else if (!facts->avatar)
		dh_request_fail(request, DH_ERROR_CREATE, "No such avatar (%s)", dh_request_text(request, "avatar"));
	else if (generator && !facts->generator)
		dh_request_fail(request, DH_ERROR_CREATE, "No such generator (%s)", generator);
}

static void answer_create(struct dh_request *request, bool permanent)
{
	struct dh_settings *settings = dh_room_settings(request->room);

	dh_request_answer(request, "created",
		json_pack("{s:s, s:b}", "created", settings->description, "permanent", permanent));
	if (request->instance->config->events)
		dh_outbox_notify(request->instance->outbox, request->session,
			json_pack("{s:s, s:o, s:s}", "event", "created", "id", dh_room_id_json(request->room),
				"description", settings->description));
	dh_settings_unref(&settings);
}

static void create(struct dh_request *request, const struct dh_room_facts *facts, const struct dh_settings *settings)
{
	bool permanent = dh_request_flag(request, "permanent");
	int err = dh_instance_create_room(request->instance, facts, settings, permanent, &request->room);

	if (err == -EEXIST)
		dh_request_fail(request, DH_ERROR_CREATE, "A room of that \"id\" exists already (%s)", facts->id);
	else if (err == -EBUSY)
		dh_request_fail(request, DH_ERROR_CREATE,
			"A room of that \"id\" waits until " DH_ROOMS_FILE " can be read (%s)", facts->id);
	else if (err == -ENOBUFS)
		dh_request_fail_limit(request, "max_rooms", request->instance->config->max_rooms);
	else if (err)
		dh_request_fail_room(request, err);
	else
		answer_create(request, permanent);
}

static int64_t number_of(const struct dh_request *request, const char *field)
{
	return json_integer_value(json_object_get(request->body, field));
}

static void read_underrun(struct dh_request *request, struct dh_room_facts *facts)
{
	const char *underrun = dh_request_text(request, "underrun");

	if (underrun && !dh_underrun_parse(underrun, &facts->underrun))
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"underrun\": \"hold\", \"idle\" or \"skip\" is expected");
	if (facts->high_water_ms && facts->high_water_ms <= facts->low_water_ms)
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"high_water_ms\": more than \"low_water_ms\" is expected");
}

static void read_barge_in(struct dh_request *request, struct dh_settings *settings)
{
	const char *expected, *wrong;

	settings->barge_in = dh_barge_in_default;
	wrong = dh_barge_in_read(&settings->barge_in, request->body, "", &expected);
	if (wrong)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"%s\": %s is expected", wrong, expected);
}

static void handle_create(struct dh_request *request)
{
	const struct dh_config *config = request->instance->config;
	const char *duration = dh_request_text(request, "duration");
	const char *generator = dh_request_text(request, "generator");
	char *id = dh_room_id_from_json(json_object_get(request->body, "id"), config->string_ids != 0);
	struct dh_room_facts facts = {
		.id = id,
		.duration = duration && !strcmp(duration, "longest") ? DH_DURATION_LONGEST : DH_DURATION_SPEECH,
		.avatar = g_hash_table_lookup(request->instance->avatars, dh_request_text(request, "avatar")),
		.generator = generator ? dh_config_find_generator(config, generator) : NULL,
		.preroll_ms = number_of(request, "preroll_ms"),
		.seam_wait_ms = number_of(request, "seam_wait_ms"),
		.ptime = dh_request_ptime(request, DH_PTIME_MIN),
		.low_water_ms = number_of(request, "low_water_ms"),
		.high_water_ms = number_of(request, "high_water_ms"),
	};
	struct dh_settings settings = {
		.description = dh_request_text(request, "description"),
		.metadata = json_object_get(request->body, "metadata"),
		.secret = dh_request_text(request, "secret"),
		.pin = dh_request_text(request, "pin"),
		.disclosure = dh_request_text(request, "disclosure"),
		.is_private = dh_request_flag(request, "is_private"),
		.signed_tokens = dh_request_flag(request, "signed_tokens"),
	};

	check_create(request, &facts);
	dh_request_delay(request, request->body, &facts.delay);
	read_underrun(request, &facts);
	read_barge_in(request, &settings);
	if (!request->error_code)
		create(request, &facts, &settings);
	g_free(id);
}

static void handle_destroy(struct dh_request *request)
{
	int err = dh_instance_destroy_room(request->instance, request->room, dh_request_flag(request, "permanent"));

	dh_request_finish(request, err, "destroyed", json_pack("{s:o}", "destroyed", dh_room_id_json(request->room)));
}

static const struct dh_field list_fields[] = {
	{ "admin_key", DH_FIELD_KEY, false, DH_KEY_MAX },
	DH_FIELD_END,
};

static const struct dh_field info_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	DH_FIELD_END,
};

static const struct dh_field create_fields[] = {
	{ "admin_key", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "id", DH_FIELD_ROOM, false, 0 },
	{ "avatar", DH_FIELD_TEXT, true, DH_KEY_MAX },
	{ "description", DH_FIELD_TEXT, false, DH_KEY_MAX },
	{ "metadata", DH_FIELD_OBJECT, false, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "pin", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "disclosure", DH_FIELD_TEXT, false, DH_KEY_MAX },
	{ "is_private", DH_FIELD_FLAG, false, 0 },
	{ "signed_tokens", DH_FIELD_FLAG, false, 0 },
	{ "permanent", DH_FIELD_FLAG, false, 0 },
	{ "duration", DH_FIELD_TEXT, false, DH_KEY_MAX },
	{ "generator", DH_FIELD_TEXT, false, DH_KEY_MAX },
	{ "underrun", DH_FIELD_TEXT, false, DH_KEY_MAX },
	{ "preroll_ms", DH_FIELD_NUMBER, false, DH_PREROLL_MS_MAX },
	{ "seam_wait_ms", DH_FIELD_NUMBER, false, DH_SEAM_WAIT_MAX },
	{ "ptime", DH_FIELD_NUMBER, false, DH_PTIME_MAX },
	{ "low_water_ms", DH_FIELD_NUMBER, false, 86400000 },
	{ "high_water_ms", DH_FIELD_NUMBER, false, 86400000 },
	{ "barge_in", DH_FIELD_NUMBER, false, DH_BARGE_IN_MS_MAX },
	{ "barge_in_mode", DH_FIELD_TEXT, false, DH_KEY_MAX },
	{ "barge_in_by", DH_FIELD_TEXT, false, DH_KEY_MAX },
	{ "floor_ms", DH_FIELD_NUMBER, false, DH_FLOOR_MS_MAX },
	{ "floor_silence_ms", DH_FIELD_NUMBER, false, DH_FLOOR_MS_MAX },
	DH_FIELD_END,
};

static const struct dh_field destroy_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "permanent", DH_FIELD_FLAG, false, 0 },
	DH_FIELD_END,
};

const struct dh_request_type dh_room_requests[] = {
	{ "list", false, DH_AUTHORITY_PUBLIC_ROOMS, list_fields, handle_list },
	{ "info", false, DH_AUTHORITY_PUBLIC_ROOM, info_fields, handle_info },
	{ "create", false, DH_AUTHORITY_ADMIN, create_fields, handle_create },
	{ "destroy", false, DH_AUTHORITY_SECRET, destroy_fields, handle_destroy },
	DH_REQUEST_END,
};
