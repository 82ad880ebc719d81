/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/request_maker.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/plugin_files.h"

static const struct dh_request_type *const tables[] = { dh_room_requests, dh_change_requests, dh_segment_requests,
	dh_order_requests, dh_viewer_requests, dh_watch_requests, dh_viewing_requests };

const struct dh_request_type *maker_type(unsigned index)
{
	for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
		for (const struct dh_request_type *type = tables[i]; type->name; type++) {
			if (index-- == 0)
				return type;
		}
	}
	return NULL;
}

unsigned maker_types(void)
{
	unsigned count = 0;

	while (maker_type(count))
		count++;
	return count;
}

const struct dh_request_type *maker_find(const char *name)
{
	const struct dh_request_type *type;

	for (unsigned i = 0; (type = maker_type(i)) && strcmp(type->name, name) != 0; i++)
		;
	return type;
}

/* --- good values */

static unsigned choose(const struct request_maker *maker, unsigned count)
{
	return maker->choose(maker->arg, count);
}

/* A new segment gets a new id, so that its end can be recognised; all other requests get
 * an earlier segment's id. */
static json_t *segment_of(const struct request_maker *maker, const struct dh_request_type *type, const char *field)
{
	int makes = strcmp(type->name, "enqueue") == 0 || strcmp(type->name, "say") == 0;
	int is_new = makes && strcmp(field, "segment") == 0;
	int newest = is_new ? atomic_fetch_add(maker->segments, 1) + 1 : atomic_load(maker->segments);
	char id[20];

	snprintf(id, sizeof id, "x-%d", is_new ? newest : newest - (int)choose(maker, 8));
	return json_string(id);
}

static json_t *files_of(const struct request_maker *maker)
{
	unsigned count = 0;

	while (maker->files[count])
		count++;
	if (choose(maker, 16) == 0)
		return json_pack("[s, s]", maker->files[choose(maker, count)], maker->files[choose(maker, count)]);
	return json_string(maker->files[choose(maker, count)]);
}

/* What fields with these names contain; one of several values. */
static const struct known {
	const char *name;
	const char *values[4];
} known[] = {
	{ "secret", { FILES_SECRET, FILES_SECRET, FILES_SECRET, "wrong" } },
	{ "new_secret", { FILES_SECRET } },
	{ "pin", { FILES_PIN, FILES_PIN, FILES_PIN, "wrong" } },
	{ "new_pin", { FILES_PIN, FILES_PIN, "" } },
	{ "admin_key", { FILES_ADMIN_KEY } },
	{ "avatar", { FILES_AVATAR, FILES_AVATAR, FILES_AVATAR, "lost" } },
	{ "generator", { FILES_GENERATOR, FILES_GENERATOR, "none" } },
	{ "token", { "signed:room=1", "signed:room=4", "signed:room=5", "wrong" } },
	{ "voice", { "en", "de", "fr" } },
	{ "duration", { "speech", "longest" } },
	{ "utterance", { "u-1", "u-2", "u-3", "u-4" } },
	{ "priority", { "background", "normal", "normal", "urgent" } },
	{ "underrun", { "hold", "idle", "skip" } },
	{ "state", { "idle", "listening", "thinking" } },
	{ "barge_in_by", { "all", "one", "named", "nobody" } },
	{ "new_barge_in_by", { "all", "one", "one", "named" } },
	{ "barge_in_mode", { "interrupt", "hold" } },
	{ "new_barge_in_mode", { "interrupt", "hold" } },
	{ "host", { "127.0.0.1", "::1", "192.0.2.1" } },
	{ "mid", { "a", "v", "v", "x" } },
	{ "text", { "One, two, three.", "Line\nand line\t\xc3\xa4" } },
};

static json_t *text_of(const struct request_maker *maker, const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		unsigned count = 0;
		if (strcmp(known[i].name, name) != 0)
			continue;
		while (count < G_N_ELEMENTS(known[i].values) && known[i].values[count])
			count++;
		return json_string(known[i].values[choose(maker, count)]);
	}
	return json_sprintf("some %s", name);
}

static json_t *good_value(const struct request_maker *maker, const struct dh_request_type *type,
	const struct dh_field *field)
{
	if (strcmp(field->name, "segment") == 0 || strcmp(field->name, "before") == 0 ||
		strcmp(field->name, "after") == 0)
		return segment_of(maker, type, field->name);
	/* A room whose secret nobody knows could never be destroyed. */
	if (strcmp(field->name, "secret") == 0 && strcmp(type->name, "create") == 0)
		return json_string(FILES_SECRET);
	switch (field->type) {
	case DH_FIELD_ROOM:
		return json_integer(1 + (json_int_t)choose(maker, MAKER_ROOMS));
	case DH_FIELD_VIEWER:
		return json_integer(1 + (json_int_t)choose(maker, 200));
	case DH_FIELD_FLAG:
		return json_boolean(choose(maker, 4) == 0);
	case DH_FIELD_OBJECT:
		return json_pack("{s:i, s:[s]}", "number", (int)choose(maker, 100), "list", "\xc3\xa4");
	case DH_FIELD_FILES:
		return files_of(maker);
	case DH_FIELD_NUMBER:
		return json_integer((json_int_t)choose(maker, strcmp(field->name, "ttl_ms") == 0 ? 5000 : 5));
	case DH_FIELD_ARRAY:
		if (strcmp(field->name, "media") == 0)
			return json_pack("[s, s]", "v", choose(maker, 2) ? "a" : "x");
		if (strcmp(field->name, "streams") == 0)
			return json_pack("[{s:s, s:b}]", "mid", "v", "send", (int)choose(maker, 2));
		return json_pack("[[s, i, i], [s, i, i]]", "One", 0, 200, "two", 200, 500);
	default:
		return text_of(maker, field->name);
	}
}

/* --- bodies */

/* Secrets and segment ids are usually right; otherwise little would happen. */
static int is_given(const struct request_maker *maker, const struct dh_field *field)
{
	int is_key = strcmp(field->name, "secret") == 0 || strcmp(field->name, "admin_key") == 0;

	if (strcmp(field->name, "segment") == 0)
		return 1;
	if (field->required || is_key || strcmp(field->name, "id") == 0)
		return maker->odd_every == 0 || choose(maker, 2 * maker->odd_every) != 0;
	return choose(maker, 3) == 0;
}

/* Fields that contradict each other would have nearly every segment refused. */
static void agree(const struct request_maker *maker, json_t *body)
{
	if (choose(maker, 8) == 0)
		return;
	if (!json_object_get(body, "utterance")) {
		json_object_del(body, "index");
		json_object_del(body, "last");
	}
	if (json_object_get(body, "utterance") || choose(maker, 4) != 0) {
		json_object_del(body, "before");
		json_object_del(body, "after");
	}
	if (json_object_get(body, "before"))
		json_object_del(body, "after");
	if (json_object_get(body, "before") || json_object_get(body, "after"))
		json_object_del(body, "priority");
	if (json_integer_value(json_object_get(body, "repeat")) == 0)
		json_object_del(body, "repeat");
	if (json_integer_value(json_object_get(body, "ttl_ms")) == 0)
		json_object_del(body, "ttl_ms");
}

json_t *maker_body(const struct request_maker *maker, const struct dh_request_type *type)
{
	json_t *body = json_pack("{s:s}", "request", type->name);

	for (const struct dh_field *field = type->fields; field && field->name; field++) {
		if (!is_given(maker, field))
			continue;
		if (maker->odd_every && choose(maker, maker->odd_every) == 0)
			json_object_set_new(body, field->name, maker->odd(maker->arg));
		else
			json_object_set_new(body, field->name, good_value(maker, type, field));
	}
	if (strcmp(type->name, "enqueue") == 0 || strcmp(type->name, "say") == 0)
		agree(maker, body);
	return body;
}
