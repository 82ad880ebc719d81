/* list, info, create, destroy */
#include "request.h"

#include <errno.h>
#include <string.h>

#include "rooms/room_id.h"

static void handle_list(struct dh_request *request)
{
	const char *key = request->instance->config->admin_key;
	gboolean all = FALSE;

	/* As the Streaming plugin: a wrong key is an error, none shows what is public. */
	if (key && json_object_get(request->body, "admin_key")) {
		if (!dh_request_authorize(request, "admin_key", key))
			return;
		all = TRUE;
	}
	json_t *list = json_array();
	GPtrArray *rooms = dh_instance_rooms(request->instance);
	for (guint i = 0; i < rooms->len; i++) {
		json_t *info = dh_room_info(rooms->pdata[i], FALSE);
		if (all || !json_is_true(json_object_get(info, "is_private")))
			json_array_append(list, info);
		json_decref(info);
	}
	g_ptr_array_free(rooms, TRUE);
	request->reply = json_pack("{s:s, s:o}", "digitalhuman", "list", "list", list);
}

static void answer_info(struct dh_request *request, struct dh_room *room, gboolean all)
{
	json_t *info = dh_room_info(room, all);

	if (all)
		json_object_set_new(info, "permanent", json_boolean(dh_instance_is_permanent(request->instance, room)));
	request->reply = json_pack("{s:s, s:o}", "digitalhuman", "info", "info", info);
}

static void handle_info(struct dh_request *request)
{
	struct dh_room *room = dh_request_room(request);

	if (!room)
		return;
	struct dh_settings *settings = dh_room_settings(room);
	gboolean all = !settings->secret || dh_request_knows(request, "secret", settings->secret);
	if (!all && json_object_get(request->body, "secret"))
		dh_request_authorize(request, "secret", settings->secret); /* fails */
	else
		answer_info(request, room, all);
	dh_settings_unref(settings);
	dh_room_unref(room);
}

/* --- create */

/* What cannot be checked without knowing the configuration. */
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

static void answer_create(struct dh_request *request, struct dh_room *room, gboolean permanent)
{
	struct dh_settings *settings = dh_room_settings(room);
	json_t *more = json_pack("{s:s, s:b}", "created", settings->description, "permanent", permanent);

	request->reply = dh_request_answer("created", room, more);
	if (request->instance->config->events)
		dh_outbox_notify(request->instance->outbox, request->session, json_pack("{s:s, s:o, s:s}",
			"event", "created", "id", dh_room_id_json(room), "description", settings->description));
	dh_settings_unref(settings);
}

static void create(struct dh_request *request, const struct dh_room_facts *facts,
	const struct dh_settings *settings)
{
	gboolean permanent = json_is_true(json_object_get(request->body, "permanent"));
	struct dh_room *room = NULL;
	int error = dh_instance_create_room(request->instance, facts, settings, permanent, &room);

	if (error == -EEXIST) {
		dh_request_fail(request, DH_ERROR_CREATE, "A room of that \"id\" exists already (%s)", facts->id);
	} else if (error == -ENOBUFS) {
		dh_request_fail(request, DH_ERROR_LIMIT, "max_rooms is reached (%lld)",
			(long long)request->instance->config->max_rooms);
	} else if (error) {
		dh_request_fail_room(request, error);
	} else {
		answer_create(request, room, permanent);
		dh_room_unref(room);
	}
}

static void handle_create(struct dh_request *request)
{
	const struct dh_config *config = request->instance->config;
	const char *duration = dh_request_text(request, "duration");
	const char *generator = dh_request_text(request, "generator");
	char *id = dh_room_id_from_json(json_object_get(request->body, "id"), (gboolean)config->string_ids);
	const struct dh_room_facts facts = {
		.id = id,
		.duration = duration && !strcmp(duration, "longest") ? DH_DURATION_LONGEST : DH_DURATION_SPEECH,
		.avatar = g_hash_table_lookup(request->instance->avatars, dh_request_text(request, "avatar")),
		.generator = generator ? dh_config_find_generator(config, generator) : NULL,
	};
	const struct dh_settings settings = {
		.description = dh_request_text(request, "description"),
		.metadata = json_object_get(request->body, "metadata"),
		.secret = dh_request_text(request, "secret"),
		.pin = dh_request_text(request, "pin"),
		.is_private = json_is_true(json_object_get(request->body, "is_private")),
		.signed_tokens = json_is_true(json_object_get(request->body, "signed_tokens")),
	};

	if (dh_request_authorize(request, "admin_key", config->admin_key))
		check_create(request, &facts);
	if (!request->error_code)
		create(request, &facts, &settings);
	g_free(id);
}

static void handle_destroy(struct dh_request *request)
{
	struct dh_room *room = dh_request_own_room(request);

	if (!room)
		return;
	int error = dh_instance_destroy_room(request->instance, room,
		json_is_true(json_object_get(request->body, "permanent")));
	if (error)
		dh_request_fail_room(request, error);
	else
		request->reply = dh_request_answer("destroyed", room, json_pack("{s:o}", "destroyed", dh_room_id_json(room)));
	dh_room_unref(room);
}

static const struct dh_field list_fields[] = {
	{ "admin_key", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	DH_FIELD_END,
};

static const struct dh_field info_fields[] = {
	{ "id", DH_FIELD_ROOM, TRUE, 0 },
	{ "secret", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	DH_FIELD_END,
};

static const struct dh_field create_fields[] = {
	{ "admin_key", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	{ "id", DH_FIELD_ROOM, FALSE, 0 },
	{ "avatar", DH_FIELD_TEXT, TRUE, DH_KEY_MAX },
	{ "description", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	{ "metadata", DH_FIELD_OBJECT, FALSE, 0 },
	{ "secret", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	{ "pin", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	{ "is_private", DH_FIELD_FLAG, FALSE, 0 },
	{ "signed_tokens", DH_FIELD_FLAG, FALSE, 0 },
	{ "permanent", DH_FIELD_FLAG, FALSE, 0 },
	{ "duration", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	{ "generator", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	DH_FIELD_END,
};

static const struct dh_field destroy_fields[] = {
	{ "id", DH_FIELD_ROOM, TRUE, 0 },
	{ "secret", DH_FIELD_TEXT, FALSE, DH_KEY_MAX },
	{ "permanent", DH_FIELD_FLAG, FALSE, 0 },
	DH_FIELD_END,
};

const struct dh_request_type dh_room_requests[] = {
	{ "list", FALSE, list_fields, handle_list },
	{ "info", FALSE, info_fields, handle_info },
	{ "create", FALSE, create_fields, handle_create },
	{ "destroy", FALSE, destroy_fields, handle_destroy },
	{ NULL, FALSE, NULL, NULL },
};
