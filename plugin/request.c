#include "request.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "rooms/room_id.h"

void dh_request_fail(struct dh_request *request, enum dh_error code, const char *format, ...)
{
	va_list args;

	request->error_code = code;
	va_start(args, format);
	g_vsnprintf(request->error, sizeof(request->error), format, args);
	va_end(args);
	/* A name that was cut in the middle of a character must not spoil the answer. */
	char *valid = g_utf8_make_valid(request->error, -1);
	g_strlcpy(request->error, valid, sizeof(request->error));
	g_free(valid);
}

static void request_free(struct dh_request *request)
{
	dh_session_unref(request->session);
	g_free(request->transaction);
	json_decref(request->body);
	json_decref(request->jsep);
	json_decref(request->reply);
	g_free(request);
}

/* --- checking */

static size_t limit_of(const struct dh_request *request, const struct dh_field *field)
{
	if (field->max)
		return field->max;
	return (size_t)(field->type == DH_FIELD_OBJECT ? request->instance->config->max_metadata :
		request->instance->config->max_text);
}

/* jansson has made sure that it is UTF-8. */
static gboolean is_plain(const char *text, size_t size, gboolean breaks)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];
		if ((c < 0x20 && !(breaks && (c == '\n' || c == '\r' || c == '\t'))) || c == 0x7f)
			return FALSE;
	}
	return TRUE;
}

static void check_text(struct dh_request *request, const struct dh_field *field, const json_t *value)
{
	size_t size = json_string_length(value), max = limit_of(request, field);
	size_t least = field->type != DH_FIELD_EMPTY;

	if (!json_is_string(value))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"%s\": a string is expected", field->name);
	else if (size > max && field->type == DH_FIELD_PROSE)
		dh_request_fail(request, DH_ERROR_LIMIT, "\"%s\" is longer than max_text (%zu bytes)", field->name, max);
	else if (size < least || size > max)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"%s\": %zu to %zu bytes are expected", field->name,
			least, max);
	else if (!is_plain(json_string_value(value), size, field->type == DH_FIELD_PROSE))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"%s\": control characters in it", field->name);
}

static void check_object(struct dh_request *request, const struct dh_field *field, const json_t *value)
{
	size_t max = limit_of(request, field);

	if (!json_is_object(value))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"%s\": an object is expected", field->name);
	else if (json_dumpb(value, NULL, 0, JSON_COMPACT) > max)
		dh_request_fail(request, DH_ERROR_LIMIT, "\"%s\" is larger than max_metadata (%zu bytes)",
			field->name, max);
}

static void check_files(struct dh_request *request, const struct dh_field *field, const json_t *value)
{
	if (!json_is_array(value)) {
		check_text(request, field, value);
	} else if (json_array_size(value) != 2) {
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"%s\": a path, or a list of a video and an audio file is expected", field->name);
	} else {
		for (size_t i = 0; i < 2 && !request->error_code; i++)
			check_text(request, field, json_array_get(value, i));
	}
}

static void check_room(struct dh_request *request, const struct dh_field *field, const json_t *value)
{
	gboolean string_ids = (gboolean)request->instance->config->string_ids;
	char *id = dh_room_id_from_json(value, string_ids);

	if (!id)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"%s\": %s is expected", field->name,
			string_ids ? "a text of 1 to 256 bytes" : "a positive integer");
	g_free(id);
}

static void check_field(struct dh_request *request, const struct dh_field *field)
{
	const json_t *value = json_object_get(request->body, field->name);

	if (!value) {
		if (field->required)
			dh_request_fail(request, DH_ERROR_MISSING, "Missing \"%s\"", field->name);
		return;
	}
	switch (field->type) {
	case DH_FIELD_ROOM:
		check_room(request, field, value);
		break;
	case DH_FIELD_VIEWER:
		if (!json_is_integer(value) || json_integer_value(value) < 1 || json_integer_value(value) > INT32_MAX)
			dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"%s\": a positive integer is expected",
				field->name);
		break;
	case DH_FIELD_FLAG:
		if (!json_is_boolean(value))
			dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"%s\": true or false is expected",
				field->name);
		break;
	case DH_FIELD_OBJECT:
		check_object(request, field, value);
		break;
	case DH_FIELD_FILES:
		check_files(request, field, value);
		break;
	default:
		check_text(request, field, value);
	}
}

/* How many levels of objects and lists there are; it looks no further than `most`. */
static int64_t depth_of(const json_t *value, int64_t most)
{
	int64_t deepest = 0;
	const char *key;
	json_t *inner;
	size_t i;

	if ((!json_is_object(value) && !json_is_array(value)) || most == 0)
		return 0;
	json_object_foreach((json_t *)value, key, inner)
		deepest = MAX(deepest, depth_of(inner, most - 1));
	json_array_foreach(value, i, inner)
		deepest = MAX(deepest, depth_of(inner, most - 1));
	return deepest + 1;
}

static void check_size(struct dh_request *request)
{
	const struct dh_config *config = request->instance->config;

	if (depth_of(request->body, config->max_depth + 1) > config->max_depth)
		dh_request_fail(request, DH_ERROR_LIMIT, "The request is nested deeper than max_depth (%lld)",
			(long long)config->max_depth);
	else if (json_dumpb(request->body, NULL, 0, JSON_COMPACT) > (size_t)config->max_request)
		dh_request_fail(request, DH_ERROR_LIMIT, "The request is larger than max_request (%lld bytes)",
			(long long)config->max_request);
}

static const struct dh_request_type *find_type(const char *name)
{
	static const struct dh_request_type *const tables[] = {
		dh_room_requests, dh_change_requests, dh_segment_requests, dh_viewer_requests, dh_watch_requests };

	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
		for (const struct dh_request_type *type = tables[i]; type->name; type++) {
			if (!strcmp(type->name, name))
				return type;
		}
	}
	return NULL;
}

/* What is asked for, when it can be; NULL: the request has failed. */
static const struct dh_request_type *check(struct dh_request *request)
{
	const json_t *name = json_object_get(request->body, "request");

	if (!request->body)
		dh_request_fail(request, DH_ERROR_NO_MESSAGE, "No message");
	else if (!json_is_object(request->body))
		dh_request_fail(request, DH_ERROR_JSON, "Not a JSON object");
	else
		check_size(request);
	if (request->error_code)
		return NULL;
	if (!name)
		dh_request_fail(request, DH_ERROR_MISSING, "Missing \"request\"");
	else if (!json_is_string(name))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"request\": a string is expected");
	if (request->error_code)
		return NULL;
	const struct dh_request_type *type = find_type(json_string_value(name));
	if (!type || (type->asynchronous && !request->session)) {
		dh_request_fail(request, DH_ERROR_REQUEST, "Unknown request \"%.64s\"", json_string_value(name));
		return NULL;
	}
	for (const struct dh_field *field = type->fields; field && field->name && !request->error_code; field++)
		check_field(request, field);
	return request->error_code ? NULL : type;
}

/* --- answering */

static json_t *error_of(const struct dh_request *request)
{
	return json_pack("{s:s, s:i, s:s}", "digitalhuman", "event", "error_code", request->error_code,
		"error", request->error);
}

static json_t *take_reply(struct dh_request *request)
{
	if (!request->error_code && !request->reply)
		dh_request_fail(request, DH_ERROR_INTERNAL, "Internal error");
	if (request->error_code)
		return error_of(request);
	json_t *reply = request->reply;
	request->reply = NULL;
	return reply;
}

struct deferred {
	struct dh_request *request;
	const struct dh_request_type *type;
};

/* Those that need no answer by event have pushed it themselves. */
static void run_deferred(void *arg)
{
	struct deferred *deferred = arg;
	struct dh_request *request = deferred->request;

	deferred->type->handle(request);
	if (request->error_code)
		dh_outbox_push(request->instance->outbox, request->session, request->transaction, error_of(request), NULL);
	request_free(request);
	g_free(deferred);
}

struct janus_plugin_result *dh_request_handle(struct dh_instance *instance, struct dh_session *session,
	char *transaction, json_t *message, json_t *jsep)
{
	struct dh_request *request = g_new0(struct dh_request, 1);

	request->instance = instance;
	request->session = dh_session_ref(session);
	request->transaction = transaction;
	request->body = message;
	request->jsep = jsep;
	const struct dh_request_type *type = check(request);
	if (type && type->asynchronous) {
		struct deferred *deferred = g_new(struct deferred, 1);
		deferred->request = request;
		deferred->type = type;
		dh_outbox_post(instance->outbox, run_deferred, deferred);
		return janus_plugin_result_new(JANUS_PLUGIN_OK_WAIT, NULL, NULL);
	}
	if (type)
		type->handle(request);
	json_t *reply = take_reply(request);
	request_free(request);
	return janus_plugin_result_new(JANUS_PLUGIN_OK, NULL, reply);
}

json_t *dh_request_admin(struct dh_instance *instance, json_t *message)
{
	struct dh_request *request = g_new0(struct dh_request, 1);

	request->instance = instance;
	request->body = json_incref(message);
	const struct dh_request_type *type = check(request);
	if (type)
		type->handle(request);
	json_t *reply = take_reply(request);
	request_free(request);
	return reply;
}

/* --- for handlers */

const char *dh_request_text(const struct dh_request *request, const char *field)
{
	return json_string_value(json_object_get(request->body, field));
}

struct dh_room *dh_request_room(struct dh_request *request)
{
	gboolean string_ids = (gboolean)request->instance->config->string_ids;
	char *id = dh_room_id_from_json(json_object_get(request->body, "id"), string_ids);
	struct dh_room *room = dh_instance_room(request->instance, id);

	if (!room)
		dh_request_fail(request, DH_ERROR_NO_ROOM, "No such room (%s)", id);
	g_free(id);
	return room;
}

/* As long as what was given, whatever the key is. */
static gboolean is_same(const char *given, const char *key)
{
	size_t size = strlen(given), key_size = strlen(key);
	unsigned char difference = size != key_size;

	for (size_t i = 0; i < size; i++)
		difference |= (unsigned char)(given[i] ^ key[key_size ? i % key_size : 0]);
	return !difference;
}

gboolean dh_request_knows(const struct dh_request *request, const char *field, const char *key)
{
	const char *given = dh_request_text(request, field);

	return given && is_same(given, key);
}

gboolean dh_request_authorize(struct dh_request *request, const char *field, const char *key)
{
	if (!key || dh_request_knows(request, field, key))
		return TRUE;
	dh_request_fail(request, DH_ERROR_UNAUTHORIZED, "Unauthorized (%s \"%s\")",
		json_object_get(request->body, field) ? "wrong" : "missing", field);
	return FALSE;
}

struct dh_room *dh_request_own_room(struct dh_request *request)
{
	struct dh_room *room = dh_request_room(request);

	if (!room)
		return NULL;
	struct dh_settings *settings = dh_room_settings(room);
	if (!dh_request_authorize(request, "secret", settings->secret)) {
		dh_room_unref(room);
		room = NULL;
	}
	dh_settings_unref(settings);
	return room;
}

gboolean dh_request_may_look(struct dh_request *request, struct dh_room *room, gboolean *is_trusted)
{
	struct dh_settings *settings = dh_room_settings(room);
	gboolean trusted = !settings->secret || dh_request_knows(request, "secret", settings->secret), may = TRUE;

	if (!trusted && json_object_get(request->body, "secret"))
		may = dh_request_authorize(request, "secret", settings->secret); /* fails */
	else if (!trusted || !settings->secret)
		may = dh_request_authorize(request, "pin", settings->pin);
	if (is_trusted)
		*is_trusted = trusted;
	dh_settings_unref(settings);
	return may;
}

void dh_request_fail_room(struct dh_request *request, int error)
{
	if (error == -ECANCELED || error == -ENOENT)
		dh_request_fail(request, DH_ERROR_NO_ROOM, "No such room (it was destroyed meanwhile)");
	else if (error == -ETIMEDOUT)
		dh_request_fail(request, DH_ERROR_INTERNAL, "The room does not answer; nothing has changed");
	else if (error == -ENOBUFS)
		dh_request_fail(request, DH_ERROR_LIMIT, "max_rooms is reached (%lld), in " DH_ROOMS_FILE,
			(long long)request->instance->config->max_rooms);
	else if (error == -EBADMSG)
		dh_request_fail(request, DH_ERROR_PERMANENT,
			"\"permanent\" is not possible: " DH_ROOMS_FILE " cannot be read, the log says why");
	else if (error == -EACCES || error == -EROFS || error == -ENOSPC || error == -EIO)
		dh_request_fail(request, DH_ERROR_PERMANENT, "\"permanent\" is not possible: " DH_ROOMS_FILE
			" cannot be written (%s)", g_strerror(-error));
	else
		dh_request_fail(request, DH_ERROR_INTERNAL, "Internal error: %s", g_strerror(-error));
}

json_t *dh_request_answer(const char *name, const struct dh_room *room, json_t *more)
{
	json_t *answer = json_pack("{s:s, s:o}", "digitalhuman", name, "id", dh_room_id_json(room));

	if (more)
		json_object_update(answer, more);
	json_decref(more);
	return answer;
}
