/* SPDX-License-Identifier: GPL-3.0-or-later */
/* say */
#include "request_table.h"

#include <errno.h>
#include <string.h>

#include "enqueue.h"
#include "ingest/media_files.h"
#include "request_errors.h"

/* The requested voice, if the configuration lists it; by default its first. */
static const char *choose_voice(struct dh_request *request, const struct dh_generator_config *generator)
{
	const char *wanted = dh_request_text(request, "voice");
	char **voice = generator->voices;

	if (!wanted)
		return voice ? voice[0] : NULL;
	while (voice && *voice && strcmp(*voice, wanted))
		voice++;
	if (!voice || !*voice)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"voice\": the room has none of that name (%s)",
			wanted);
	return voice ? *voice : NULL;
}

static void open_audio(struct dh_request *request, int *fd)
{
	const struct dh_config *config = request->instance->config;
	const char *path = dh_request_text(request, "audio");
	char *text = NULL;

	if (!path || !dh_enqueue_has_folder(request))
		return;
	int err = dh_ingest_open(request->instance->ingest, config->segments_folders, path, config->max_file_mb << 20,
		fd, &text);
	if (err)
		dh_enqueue_fail_file(request, "audio", err, text);
	g_free(text);
}

static void check_speech(struct dh_request *request, const struct dh_feed_speech *speech)
{
	const char *text = dh_request_text(request, "text"), *audio = dh_request_text(request, "audio");

	if (!text && !audio)
		dh_request_fail(request, DH_ERROR_MISSING, "Missing \"text\"");
	else if (audio && (text || speech->is_text_open))
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"audio\": it is said instead of a text");
	else if (!audio && !*text && !speech->is_text_open)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"text\": 1 to %lld bytes are expected",
			(long long)request->instance->config->max_text);
	else if (!speech->generator)
		dh_request_fail(request, DH_ERROR_STATE, "The room has no generator");
}

/* A new segment. */
static void start_saying(struct dh_request *request)
{
	const char *text = dh_request_text(request, "text");
	struct dh_ingest_source source;
	struct dh_feed_speech speech = {
		.generator = dh_room_facts(request->room)->generator,
		.text = text ? text : "",
		.audio = -1,
		.is_text_open = dh_request_flag(request, "more"),
	};

	check_speech(request, &speech);
	if (!request->error_code && dh_enqueue_is_admitted(request))
		speech.voice = choose_voice(request, speech.generator);
	if (!request->error_code)
		open_audio(request, &speech.audio);
	if (request->error_code)
		return;
	char *name = text ? dh_enqueue_name(text) : g_path_get_basename(dh_request_text(request, "audio"));
	dh_ingest_source_init(&source);
	dh_enqueue(request, name, &source, &speech, NULL);
	g_free(name);
}

static void fail_more(struct dh_request *request, const char *id, int err)
{
	const struct dh_config *config = request->instance->config;

	if (err == -EPIPE)
		dh_request_fail(request, DH_ERROR_NO_SEGMENT, "The segment has ended (%s)", id);
	else if (err == -ENOTCONN)
		dh_request_fail(request, DH_ERROR_STATE,
			"The segment's text has ended: nothing came within more_s (%lld)", (long long)config->more_s);
	else if (err == -EFBIG)
		dh_request_fail(request, DH_ERROR_LIMIT, "All of the \"text\" is longer than max_text (%lld bytes)",
			(long long)config->max_text);
	else if (err == -EAGAIN)
		dh_request_fail(request, DH_ERROR_LIMIT, "More pieces of \"text\" in a second than more_rate (%lld)",
			(long long)config->more_rate);
	else
		dh_request_fail_room(request, err);
}

/* Whether it is about a text that is being written. */
static bool say_more(struct dh_request *request, const char *text)
{
	const char *id = dh_request_text(request, "segment");
	json_t *reply = NULL;

	if (!id || !text)
		return false;
	int err = dh_room_add_text(request->room, id, text, !dh_request_flag(request, "more"), &reply);
	if (err == -ENOENT || err == -EEXIST)
		return false;
	if (err)
		fail_more(request, id, err);
	else
		dh_request_answer(request, "said", reply);
	return true;
}

static void handle_say(struct dh_request *request)
{
	if (!say_more(request, dh_request_text(request, "text")))
		start_saying(request);
}

static const struct dh_field say_fields[] = {
	{ "id", DH_FIELD_ROOM, true, 0 },
	{ "secret", DH_FIELD_KEY, false, DH_KEY_MAX },
	{ "text", DH_FIELD_PIECE, false, 0 },
	{ "audio", DH_FIELD_TEXT, false, DH_MEDIA_PATH_MAX },
	{ "more", DH_FIELD_FLAG, false, 0 },
	{ "voice", DH_FIELD_TEXT, false, DH_KEY_MAX },
	DH_ENQUEUE_FIELDS,
	DH_FIELD_END,
};

const struct dh_request_type dh_say_requests[] = {
	{ "say", false, DH_AUTHORITY_SECRET, say_fields, handle_say },
	DH_REQUEST_END,
};
