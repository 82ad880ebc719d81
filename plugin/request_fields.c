/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "request_fields.h"

#include <string.h>

#include "ingest/text.h"
#include "rooms/room_id.h"

static size_t limit_of(const struct dh_request *request, const struct dh_field *field)
{
	if (field->max)
		return field->max;
	return (size_t)(field->type == DH_FIELD_OBJECT ? request->instance->config->max_metadata :
							 request->instance->config->max_text);
}

/* jansson has checked that it is UTF-8. */
static bool is_plain(const char *text, size_t size, bool breaks)
{
	char *copy = g_strndup(text, size);
	bool is_whole = strlen(copy) == size;

	if (breaks)
		g_strdelimit(copy, "\r\n\t", ' ');
	bool has_controls = dh_text_has_controls(copy);
	g_free(copy);
	return is_whole && !has_controls;
}

static void check_text(struct dh_request *request, const struct dh_field *field, const json_t *value)
{
	size_t size = json_string_length(value), max = limit_of(request, field);
	size_t least = field->type != DH_FIELD_EMPTY && field->type != DH_FIELD_PIECE;
	bool is_prose = field->type == DH_FIELD_PROSE || field->type == DH_FIELD_PIECE;

	if (!json_is_string(value))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"%s\": a string is expected", field->name);
	else if (size > max && is_prose)
		dh_request_fail(request, DH_ERROR_LIMIT, "\"%s\" is longer than max_text (%zu bytes)", field->name,
			max);
	else if (size < least || size > max)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"%s\": %zu to %zu bytes are expected", field->name,
			least, max);
	else if (!is_plain(json_string_value(value), size, is_prose))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"%s\": control characters in it", field->name);
}

static void check_object(struct dh_request *request, const struct dh_field *field, const json_t *value)
{
	size_t max = limit_of(request, field);

	if (!json_is_object(value))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"%s\": an object is expected", field->name);
	else if (json_dumpb(value, NULL, 0, JSON_COMPACT) > max)
		dh_request_fail(request, DH_ERROR_LIMIT, "\"%s\" is larger than max_metadata (%zu bytes)", field->name,
			max);
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

static void check_number(struct dh_request *request, const struct dh_field *field, const json_t *value)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0 || (size_t)json_integer_value(value) > field->max)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"%s\": an integer from 0 to %zu is expected",
			field->name, field->max);
}

static void check_room(struct dh_request *request, const struct dh_field *field, const json_t *value)
{
	bool string_ids = request->instance->config->string_ids != 0;
	char *id = dh_room_id_from_json(value, string_ids);

	if (!id)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"%s\": %s is expected", field->name,
			string_ids ? "a text of 1 to 256 bytes" : "a positive integer");
	g_free(id);
}

static void check_field(struct dh_request *request, const struct dh_field *field)
{
	const json_t *value = json_object_get(request->body, field->name);
	bool is_none = field->type == DH_FIELD_KEY && json_is_string(value) && !json_string_length(value);

	if (!field->required && (is_none || json_is_null(value))) {
		json_object_del(request->body, field->name);
		return;
	}
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
	case DH_FIELD_NUMBER:
		check_number(request, field, value);
		break;
	case DH_FIELD_ARRAY:
		if (!json_is_array(value))
			dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"%s\": an array is expected", field->name);
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

/* Levels of nested objects and arrays, counted up to `most`. */
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

/* Janus and the outbox keep it until the request is answered. */
#define TRANSACTION_MAX 1024

static size_t size_of(const json_t *json)
{
	return json ? json_dumpb(json, NULL, 0, JSON_COMPACT) : 0;
}

void dh_request_check_size(struct dh_request *request)
{
	const struct dh_config *config = request->instance->config;
	size_t max = (size_t)config->max_request;

	if (depth_of(request->body, config->max_depth + 1) > config->max_depth)
		dh_request_fail(request, DH_ERROR_LIMIT, "The request is nested deeper than max_depth (%lld)",
			(long long)config->max_depth);
	else if (size_of(request->body) > max)
		dh_request_fail(request, DH_ERROR_LIMIT, "The request is larger than max_request (%zu bytes)", max);
	else if (size_of(request->jsep) > max)
		dh_request_fail(request, DH_ERROR_LIMIT, "The JSEP is larger than max_request (%zu bytes)", max);
	else if (request->transaction && strlen(request->transaction) > TRANSACTION_MAX)
		dh_request_fail(request, DH_ERROR_LIMIT, "The transaction is longer than %d bytes", TRANSACTION_MAX);
}

void dh_request_check_fields(struct dh_request *request, const struct dh_field *fields)
{
	for (const struct dh_field *field = fields; field && field->name && !request->error_code; field++)
		check_field(request, field);
}
