/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "request_authority.h"

#include <string.h>

#include "request_errors.h"
#include "rooms/room_id.h"

/* The time depends on the length of `given` only, not on the key. */
static bool is_same(const char *given, const char *key)
{
	size_t size = strlen(given), key_size = strlen(key);
	unsigned char difference = size != key_size;

	for (size_t i = 0; i < size; i++)
		difference |= (unsigned char)(given[i] ^ key[key_size ? i % key_size : 0]);
	return !difference;
}

/* True if `field` holds `key`, or if there is no key. A wrong one fails the request. */
static bool knows(struct dh_request *request, const char *field, const char *key)
{
	const char *given = dh_request_text(request, field);

	if (!key || (given && is_same(given, key)))
		return true;
	if (given)
		dh_request_fail(request, DH_ERROR_UNAUTHORIZED, "Unauthorized (wrong \"%s\")", field);
	return false;
}

static void need(struct dh_request *request, const char *field, const char *key)
{
	if (!knows(request, field, key))
		dh_request_fail(request, DH_ERROR_UNAUTHORIZED, "Unauthorized (missing \"%s\")", field);
}

/* Signed tokens are Janus's own. */
static void need_token(struct dh_request *request)
{
	const char *token = dh_request_text(request, "token");
	char *descriptor = g_strdup_printf("room=%s", dh_room_facts(request->room)->id);

	if (!token || !dh_gateway->auth_signature_contains(&dh_plugin, token, descriptor))
		dh_request_fail(request, DH_ERROR_UNAUTHORIZED, "Unauthorized (%s \"token\")",
			token ? "wrong" : "missing");
	g_free(descriptor);
}

static void look(struct dh_request *request, const struct dh_settings *settings)
{
	request->is_trusted = knows(request, "secret", settings->secret);
	if (request->error_code || (request->is_trusted && settings->secret))
		return;
	if (settings->signed_tokens && dh_gateway->auth_is_signed())
		need_token(request);
	if (!request->error_code)
		need(request, "pin", settings->pin);
}

static void find_room(struct dh_request *request)
{
	bool string_ids = request->instance->config->string_ids != 0;
	char *id = dh_room_id_from_json(json_object_get(request->body, "id"), string_ids);

	request->room = dh_instance_room(request->instance, id);
	if (!request->room)
		dh_request_fail_no_room(request, id);
	g_free(id);
}

static void authorize_room(struct dh_request *request, enum dh_authority authority)
{
	find_room(request);
	if (!request->room)
		return;
	struct dh_settings *settings = dh_room_settings(request->room);
	if (authority == DH_AUTHORITY_LOOK) {
		look(request, settings);
	} else if (authority == DH_AUTHORITY_PUBLIC_ROOM) {
		request->is_trusted = knows(request, "secret", settings->secret);
	} else {
		need(request, "secret", settings->secret);
		request->is_trusted = true;
	}
	dh_settings_unref(&settings);
}

void dh_request_authorize(struct dh_request *request, enum dh_authority authority)
{
	const char *admin_key = request->instance->config->admin_key;

	if (authority == DH_AUTHORITY_SECRET_OR_ADMIN)
		authority = json_object_get(request->body, "id") ? DH_AUTHORITY_SECRET : DH_AUTHORITY_ADMIN;
	switch (authority) {
	case DH_AUTHORITY_NONE:
		break;
	case DH_AUTHORITY_PUBLIC_ROOMS:
		/* If there is no admin key, nobody sees private rooms. */
		request->is_trusted = knows(request, "admin_key", admin_key) && admin_key;
		break;
	case DH_AUTHORITY_ADMIN:
		need(request, "admin_key", admin_key);
		request->is_trusted = true;
		break;
	default:
		authorize_room(request, authority);
	}
}
