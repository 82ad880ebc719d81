/* SPDX-License-Identifier: GPL-3.0-or-later */
/* enqueue, queue, skip, remove */
#include "request_table.h"

#include <errno.h>
#include <string.h>

#include "enqueue.h"
#include "ingest/log.h"
#include "ingest/media_files.h"
#include "request_errors.h"
#include "rooms/timed_text.h"
#include "rooms/webvtt.h"

/* --- enqueue */

static int file_count(const json_t *file)
{
	return json_is_array(file) ? 2 : 1;
}

static const char *file_at(const json_t *file, int i)
{
	return json_string_value(json_is_array(file) ? json_array_get(file, (size_t)i) : file);
}

static void find_files(struct dh_request *request, struct dh_ingest_source *source)
{
	const struct dh_config *config = request->instance->config;
	const json_t *file = json_object_get(request->body, "file");

	if (!dh_enqueue_has_folder(request))
		return;
	source->max_bytes = config->max_file_mb << 20;
	for (int i = 0; i < file_count(file) && !request->error_code; i++) {
		char *text = NULL;
		int err = dh_ingest_find(request->instance->ingest, config->segments_folders, file_at(file, i), source,
			&text);
		if (err)
			dh_enqueue_fail_file(request, "file", err, text);
		g_free(text);
	}
}

/* --- captions beside the file */

/* `path` with another ending; g_free it. */
static char *beside(const char *path, const char *ending)
{
	const char *name = strrchr(path, '/'), *dot = strrchr(name ? name + 1 : path, '.');

	return g_strdup_printf("%.*s%s", dot && dot > path ? (int)(dot - path) : (int)strlen(path), path, ending);
}

/* NULL: there is no such file, or nothing in it. */
static json_t *read_beside(struct dh_request *request, const char *path, const char *ending)
{
	char *name = beside(path, ending), *error = NULL;
	GBytes *bytes = NULL;
	json_t *captions = NULL;

	int err = dh_ingest_read(request->instance->ingest, request->instance->config->segments_folders, name,
		DH_WEBVTT_BYTES_MAX, &bytes, &error);
	if (err == 0) {
		gsize size;
		const char *text = g_bytes_get_data(bytes, &size);
		captions = text ? dh_webvtt_captions(text, size) : NULL;
		g_bytes_unref(bytes);
	}
	if ((err < 0 && err != -ENOENT) || (err == 0 && !captions))
		dh_log(DH_LOG_WARNING, "%s: there are no captions: %s", name, err < 0 ? error : "it has no cues");
	g_free(error);
	g_free(name);
	return captions;
}

/* The request's own captions, or words, go before them. */
static void find_captions(struct dh_request *request)
{
	static const char *const endings[] = { ".vtt", ".srt" };
	const json_t *file = json_object_get(request->body, "file");
	json_t *captions = NULL;

	if (json_object_get(request->body, "captions") || json_object_get(request->body, "words"))
		return;
	for (int i = 0; i < file_count(file); i++)
		for (size_t e = 0; e < G_N_ELEMENTS(endings) && !captions; e++)
			captions = read_beside(request, file_at(file, i), endings[e]);
	if (captions)
		json_object_set_new(request->body, "captions", captions);
}

void dh_enqueue_file(struct dh_request *request, const struct dh_feed_audience *audience)
{
	struct dh_ingest_source source;

	dh_ingest_source_init(&source);
	if (dh_enqueue_is_admitted(request))
		find_files(request, &source);
	if (!request->error_code)
		find_captions(request);
	if (!request->error_code)
		dh_enqueue(request, source.names[0], &source, NULL, audience);
	else if (audience)
		audience->gone(audience->arg);
}

static void handle_enqueue(struct dh_request *request)
{
	dh_enqueue_file(request, NULL);
}

/* --- others */

static void handle_queue(struct dh_request *request)
{
	json_t *reply = NULL;
	int err = dh_room_queue(request->room, request->is_trusted, &reply);

	dh_request_finish(request, err, "queue", reply);
}

static void handle_skip(struct dh_request *request)
{
	json_t *reply = NULL;
	int err = dh_room_skip(request->room, &reply);

	if (err == -ENOENT)
		dh_request_fail(request, DH_ERROR_STATE, "Nothing plays");
	else
		dh_request_finish(request, err, "skipped", reply);
}

static void remove_utterance(struct dh_request *request, const char *utterance)
{
	json_t *reply = NULL;
	int err = dh_room_remove_utterance(request->room, utterance, &reply);

	if (err == -ENOENT)
		dh_request_fail(request, DH_ERROR_NO_SEGMENT, "No such utterance (%s)", utterance);
	else
		dh_request_finish(request, err, "removed", reply);
}

static void handle_remove(struct dh_request *request)
{
	const char *id = dh_request_text(request, "segment"), *utterance = dh_request_text(request, "utterance");
	json_t *reply = NULL;

	if (!id && !utterance)
		dh_request_fail(request, DH_ERROR_MISSING, "Missing \"segment\" or \"utterance\"");
	else if (id && utterance)
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"utterance\": only one of \"segment\" and \"utterance\" is expected");
	else if (utterance)
		remove_utterance(request, utterance);
	if (!id || request->error_code)
		return;
	int err = dh_room_remove(request->room, id, &reply);

	if (err == -ENOENT)
		dh_request_fail(request, DH_ERROR_NO_SEGMENT, "No such segment (%s)", id);
	else if (err == -EBUSY)
		dh_request_fail(request, DH_ERROR_STATE, "The segment plays already (%s): skip it", id);
	else
		dh_request_finish(request, err, "removed", reply);
}

static const struct dh_field enqueue_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "file", DH_FIELD_FILES, true, DH_MEDIA_PATH_MAX },
	{ "text", DH_FIELD_PROSE, false, 0 },
	DH_ENQUEUE_FIELDS,
	DH_FIELD_END,
};

static const struct dh_field queue_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "pin", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "token", DH_FIELD_KEY, false, DH_TOKEN_MAX },
	DH_FIELD_END,
};

static const struct dh_field control_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	DH_FIELD_END,
};

static const struct dh_field remove_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "segment", DH_FIELD_TEXT, false, DH_SEGMENT_ID_MAX },
	{ "utterance", DH_FIELD_TEXT, false, DH_UTTERANCE_MAX },
	DH_FIELD_END,
};

const struct dh_request_type dh_segment_requests[] = {
	{ "enqueue", false, DH_AUTHORITY_SECRET, enqueue_fields, handle_enqueue },
	{ "queue", false, DH_AUTHORITY_LOOK, queue_fields, handle_queue },
	{ "skip", false, DH_AUTHORITY_SECRET, control_fields, handle_skip },
	{ "remove", false, DH_AUTHORITY_SECRET, remove_fields, handle_remove },
	DH_REQUEST_END,
};
