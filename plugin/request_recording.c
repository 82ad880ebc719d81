/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recording, as in the Streaming plugin: what a room plays, into files. */
#include "request_table.h"

#include <errno.h>
#include <string.h>

#include "config.h"
#include "request_errors.h"

#define NAME_MAX_BYTES 128

static bool is_name(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

	return *name != '.' && *name != '-' && strspn(name, letters) == strlen(name);
}

/* Without a name it gets the room's id and the time. g_free it. */
static char *name_of(struct dh_request *request)
{
	const char *given = dh_request_text(request, "name");
	GDateTime *now = g_date_time_new_now_utc();
	char *time = g_date_time_format(now, "%Y%m%dT%H%M%SZ"), *id = g_strdup(dh_room_facts(request->room)->id), *name;

	for (char *at = id; *at; at++)
		*at = g_ascii_isalnum(*at) ? *at : '_';
	name = given ? g_strdup(given) : g_strdup_printf("room-%.64s-%s", id, time);
	g_free(id);
	g_free(time);
	g_date_time_unref(now);
	return name;
}

static void fail(struct dh_request *request, int err)
{
	const struct dh_config *config = request->instance->config;

	if (err == -EALREADY)
		dh_request_fail(request, DH_ERROR_STATE, "The room is being recorded already");
	else if (err == -ENOENT)
		dh_request_fail(request, DH_ERROR_FILE, "%s does not exist, or cannot be executed (recorder)",
			config->recorder);
	else if (err == -EAGAIN)
		dh_request_fail(request, DH_ERROR_FILE, "%s does not take what is to be recorded (recorder)",
			config->recorder);
	else
		dh_request_finish(request, err, NULL, NULL);
}

static void start(struct dh_request *request)
{
	struct dh_instance *instance = request->instance;
	const struct dh_config *config = instance->config;
	char *name = name_of(request);
	struct dh_room_recording_config recording = { .io = instance->io,
		.program = config->recorder,
		.folder = config->recordings_folder,
		.name = name,
		.webm = !json_object_get(request->body, "webm") || dh_request_flag(request, "webm"),
		.mjr = dh_request_flag(request, "mjr"),
		.count = &instance->recordings };
	json_t *reply = NULL;

	if (!*config->recordings_folder)
		dh_request_fail(request, DH_ERROR_FILE, "There is no recordings_folder");
	else if (!is_name(name))
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"name\": letters, digits, \"_\", \"-\" and \".\" are expected, "
			"a letter, a digit or \"_\" first");
	else if (!recording.webm && !recording.mjr)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"mjr\": true is expected without \"webm\"");
	else if (!dh_instance_take_place(&instance->recordings, config->max_recordings))
		dh_request_fail_limit(request, "max_recordings", config->max_recordings);
	else {
		int err = dh_room_start_recording(request->room, &recording, &reply);
		if (err)
			fail(request, err);
		else
			dh_request_answer(request, "recording", reply);
	}
	g_free(name);
}

static void stop(struct dh_request *request)
{
	json_t *reply = NULL;
	int err = dh_room_stop_recording(request->room, &reply);

	if (err == -ENOENT)
		dh_request_fail(request, DH_ERROR_STATE, "The room is not being recorded");
	else
		dh_request_finish(request, err, "recording", reply);
}

static void handle_recording(struct dh_request *request)
{
	const char *action = dh_request_text(request, "action");
	json_t *recording = NULL;

	if (!action) {
		int err = dh_room_recording_json(request->room, &recording);
		dh_request_finish(request, err, "recording", json_pack("{s:o?}", "recording", recording));
	} else if (!strcmp(action, "start")) {
		start(request);
	} else if (!strcmp(action, "stop")) {
		stop(request);
	} else {
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"action\": \"start\" or \"stop\" is expected");
	}
}

static const struct dh_field recording_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "action", DH_FIELD_TEXT, false, 8 },
	{ "name", DH_FIELD_TEXT, false, NAME_MAX_BYTES },
	{ "webm", DH_FIELD_FLAG, false, 0 },
	{ "mjr", DH_FIELD_FLAG, false, 0 },
	DH_FIELD_END,
};

const struct dh_request_type dh_recording_requests[] = {
	{ "recording", false, DH_AUTHORITY_SECRET, recording_fields, handle_recording },
	DH_REQUEST_END,
};
