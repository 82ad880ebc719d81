/* list, info, create, destroy */
#include "request.h"

#include <errno.h>
#include <string.h>

#define KEY_MAX 256

static void handle_list(struct dh_request *request)
{
	const char *key = request->stage->config->admin_key;
	gboolean all = FALSE;

	/* As the Streaming plugin: a wrong key is an error, none shows what is public. */
	if (key && json_object_get(request->body, "admin_key")) {
		if (!dh_request_authorize(request, "admin_key", key))
			return;
		all = TRUE;
	}
	json_t *list = json_array();
	GPtrArray *rooms = dh_stage_rooms(request->stage);
	for (guint i = 0; i < rooms->len; i++) {
		struct dh_live_room *room = rooms->pdata[i];
		if (all || !dh_live_room_facts(room)->is_private)
			json_array_append_new(list, dh_live_room_info(room, FALSE));
	}
	g_ptr_array_free(rooms, TRUE);
	request->reply = json_pack("{s:s, s:o}", "digitalhuman", "list", "list", list);
}

static void handle_info(struct dh_request *request)
{
	struct dh_live_room *room = dh_request_room(request);

	if (!room)
		return;
	const char *secret = dh_live_room_facts(room)->secret;
	gboolean all = !secret || dh_request_knows(request, "secret", secret);
	if (!all && json_object_get(request->body, "secret"))
		dh_request_authorize(request, "secret", secret); /* fails */
	else
		request->reply = json_pack("{s:s, s:o}", "digitalhuman", "info", "info", dh_live_room_info(room, all));
	dh_live_room_unref(room);
}

/* What cannot be checked without knowing the configuration. */
static void check_create(struct dh_request *request, const struct dh_live_room_facts *facts)
{
	const char *duration = dh_request_text(request, "duration");
	const char *generator = dh_request_text(request, "generator");

	if (json_is_true(json_object_get(request->body, "permanent")))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"permanent\": only false is possible");
	else if (duration && strcmp(duration, "speech") && strcmp(duration, "longest"))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"duration\": \"speech\" or \"longest\" is expected");
	else if (!facts->avatar)
		dh_request_fail(request, DH_ERROR_CREATE, "No such avatar (%s)", dh_request_text(request, "avatar"));
	else if (generator && !facts->generator)
		dh_request_fail(request, DH_ERROR_CREATE, "No such generator (%s)", generator);
}

static void create(struct dh_request *request, const struct dh_live_room_facts *facts)
{
	uint64_t id = 0;
	int error = dh_stage_create_room(request->stage, facts, &id);

	if (error == -EEXIST) {
		dh_request_fail(request, DH_ERROR_CREATE, "A room of that \"id\" exists already (%llu)",
			(unsigned long long)facts->id);
	} else if (error == -ENOBUFS) {
		dh_request_fail(request, DH_ERROR_LIMIT, "max_rooms is reached (%lld)",
			(long long)request->stage->config->max_rooms);
	} else if (error) {
		dh_request_fail(request, DH_ERROR_INTERNAL, "The room cannot be created: %s", g_strerror(-error));
	} else {
		const char *description = facts->description;
		char *made = description ? NULL : g_strdup_printf("Room %llu", (unsigned long long)id);
		request->reply = json_pack("{s:s, s:I, s:s, s:b}", "digitalhuman", "created", "id", (json_int_t)id,
			"created", description ? description : made, "permanent", FALSE);
		g_free(made);
	}
}

static void handle_create(struct dh_request *request)
{
	const struct dh_config *config = request->stage->config;
	const char *duration = dh_request_text(request, "duration");
	const char *generator = dh_request_text(request, "generator");
	const struct dh_live_room_facts facts = {
		.id = (uint64_t)json_integer_value(json_object_get(request->body, "id")),
		.description = dh_request_text(request, "description"),
		.metadata = json_object_get(request->body, "metadata"),
		.secret = dh_request_text(request, "secret"),
		.pin = dh_request_text(request, "pin"),
		.is_private = json_is_true(json_object_get(request->body, "is_private")),
		.duration = duration && !strcmp(duration, "longest") ? DH_DURATION_LONGEST : DH_DURATION_SPEECH,
		.avatar = g_hash_table_lookup(request->stage->avatars, dh_request_text(request, "avatar")),
		.generator = generator ? dh_config_generator(config, generator) : NULL,
	};

	if (dh_request_authorize(request, "admin_key", config->admin_key))
		check_create(request, &facts);
	if (!request->error_code)
		create(request, &facts);
}

static void handle_destroy(struct dh_request *request)
{
	struct dh_live_room *room = dh_request_own_room(request);

	if (!room)
		return;
	json_int_t id = (json_int_t)dh_live_room_facts(room)->id;
	if (dh_stage_destroy_room(request->stage, room) < 0)
		dh_request_fail(request, DH_ERROR_NO_ROOM, "No such room (%lld)", (long long)id);
	else
		request->reply = json_pack("{s:s, s:I, s:I}", "digitalhuman", "destroyed", "id", id, "destroyed", id);
	dh_live_room_unref(room);
}

static const struct dh_field list_fields[] = {
	{ "admin_key", DH_FIELD_TEXT, FALSE, KEY_MAX },
	{ NULL, 0, FALSE, 0 },
};

static const struct dh_field room_fields[] = {
	{ "id", DH_FIELD_ID, TRUE, 0 },
	{ "secret", DH_FIELD_TEXT, FALSE, KEY_MAX },
	{ NULL, 0, FALSE, 0 },
};

static const struct dh_field create_fields[] = {
	{ "admin_key", DH_FIELD_TEXT, FALSE, KEY_MAX },
	{ "id", DH_FIELD_ID, FALSE, 0 },
	{ "avatar", DH_FIELD_TEXT, TRUE, KEY_MAX },
	{ "description", DH_FIELD_TEXT, FALSE, KEY_MAX },
	{ "metadata", DH_FIELD_OBJECT, FALSE, 0 },
	{ "secret", DH_FIELD_TEXT, FALSE, KEY_MAX },
	{ "pin", DH_FIELD_TEXT, FALSE, KEY_MAX },
	{ "is_private", DH_FIELD_FLAG, FALSE, 0 },
	{ "permanent", DH_FIELD_FLAG, FALSE, 0 },
	{ "duration", DH_FIELD_TEXT, FALSE, KEY_MAX },
	{ "generator", DH_FIELD_TEXT, FALSE, KEY_MAX },
	{ NULL, 0, FALSE, 0 },
};

const struct dh_request_type dh_room_requests[] = {
	{ "list", FALSE, list_fields, handle_list },
	{ "info", FALSE, room_fields, handle_info },
	{ "create", FALSE, create_fields, handle_create },
	{ "destroy", FALSE, room_fields, handle_destroy },
	{ NULL, FALSE, NULL, NULL },
};
