#include "request.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

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

/* ------------------------------------------------------------- checking */

static size_t limit_of(const struct dh_request *request, const struct dh_field *field)
{
	if (field->max)
		return field->max;
	return (size_t)(field->type == DH_FIELD_OBJECT ? request->stage->config->max_metadata :
		request->stage->config->max_text);
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

	if (!json_is_string(value))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"%s\": a string is expected", field->name);
	else if (size > max && field->type == DH_FIELD_PROSE)
		dh_request_fail(request, DH_ERROR_LIMIT, "\"%s\" is longer than max_text (%zu bytes)", field->name, max);
	else if (size < 1 || size > max)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"%s\": 1 to %zu bytes are expected", field->name, max);
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

static void check_field(struct dh_request *request, const struct dh_field *field)
{
	const json_t *value = json_object_get(request->body, field->name);

	if (!value) {
		if (field->required)
			dh_request_fail(request, DH_ERROR_MISSING, "Missing \"%s\"", field->name);
		return;
	}
	switch (field->type) {
	case DH_FIELD_ID:
		if (!json_is_integer(value) || json_integer_value(value) < 1 ||
				json_integer_value(value) > INT64_C(9007199254740991))
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

static const struct dh_request_type *find_type(const char *name)
{
	static const struct dh_request_type *const tables[] = {
		dh_room_requests, dh_segment_requests, dh_watch_requests };

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
	else if (!name)
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

/* ------------------------------------------------------------ answering */

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
		dh_signals_push(request->stage->signals, request->session, request->transaction, error_of(request), NULL);
	request_free(request);
	g_free(deferred);
}

struct janus_plugin_result *dh_request_handle(struct dh_stage *stage, struct dh_session *session,
	char *transaction, json_t *message, json_t *jsep)
{
	struct dh_request *request = g_new0(struct dh_request, 1);

	request->stage = stage;
	request->session = dh_session_ref(session);
	request->transaction = transaction;
	request->body = message;
	request->jsep = jsep;
	const struct dh_request_type *type = check(request);
	if (type && type->asynchronous) {
		struct deferred *deferred = g_new(struct deferred, 1);
		deferred->request = request;
		deferred->type = type;
		dh_signals_post(stage->signals, run_deferred, deferred);
		return janus_plugin_result_new(JANUS_PLUGIN_OK_WAIT, NULL, NULL);
	}
	if (type)
		type->handle(request);
	json_t *reply = take_reply(request);
	request_free(request);
	return janus_plugin_result_new(JANUS_PLUGIN_OK, NULL, reply);
}

json_t *dh_request_admin(struct dh_stage *stage, json_t *message)
{
	struct dh_request *request = g_new0(struct dh_request, 1);

	request->stage = stage;
	request->body = json_incref(message);
	const struct dh_request_type *type = check(request);
	if (type)
		type->handle(request);
	json_t *reply = take_reply(request);
	request_free(request);
	return reply;
}

/* --------------------------------------------------------- for handlers */

const char *dh_request_text(const struct dh_request *request, const char *field)
{
	return json_string_value(json_object_get(request->body, field));
}

struct dh_live_room *dh_request_room(struct dh_request *request)
{
	uint64_t id = (uint64_t)json_integer_value(json_object_get(request->body, "id"));
	struct dh_live_room *room = dh_stage_room(request->stage, id);

	if (!room)
		dh_request_fail(request, DH_ERROR_NO_ROOM, "No such room (%" PRIu64 ")", id);
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

struct dh_live_room *dh_request_own_room(struct dh_request *request)
{
	struct dh_live_room *room = dh_request_room(request);

	if (room && !dh_request_authorize(request, "secret", dh_live_room_facts(room)->secret)) {
		dh_live_room_unref(room);
		room = NULL;
	}
	return room;
}

json_t *dh_request_answer(const char *name, const struct dh_live_room *room, json_t *more)
{
	json_int_t id = (json_int_t)dh_live_room_facts(room)->id;
	json_t *answer = json_pack("{s:s, s:I}", "digitalhuman", name, "id", id);

	json_object_update(answer, more);
	json_decref(more);
	return answer;
}
