/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enqueue.h"

#include <errno.h>

#include "request_errors.h"

#define NAME_LENGTH 60 /* of the text, as the segment's name */

char *dh_enqueue_name(const char *text)
{
	const char *end = g_utf8_offset_to_pointer(text, MIN(g_utf8_strlen(text, -1), NAME_LENGTH));
	char *name = g_strdup_printf("%.*s%s", (int)(end - text), text, *end ? "…" : "");

	return g_strdelimit(name, "\r\n\t", ' ');
}

bool dh_enqueue_is_admitted(struct dh_request *request)
{
	char *text = NULL;

	if (dh_ingest_admit(request->instance->ingest, &text))
		dh_request_fail(request, DH_ERROR_LIMIT, "Nothing more can be queued: %s", text);
	g_free(text);
	return !request->error_code;
}

bool dh_enqueue_has_folder(struct dh_request *request)
{
	if (!request->instance->config->segments_folders)
		dh_request_fail(request, DH_ERROR_FILE, "There is no segments_folder");
	return !request->error_code;
}

void dh_enqueue_fail_file(struct dh_request *request, const char *field, int err, const char *text)
{
	bool is_limit = err == -EFBIG || err == -EMFILE || err == -EHOSTDOWN || err == -ENOBUFS;

	dh_request_fail(request, is_limit ? DH_ERROR_LIMIT : DH_ERROR_FILE, "\"%s\": %s%s", field, text,
		err == -EFBIG ? " (max_file_mb)" : "");
}

static void fail_enqueue(struct dh_request *request, const char *id, int err)
{
	const struct dh_config *config = request->instance->config;

	if (err == -EEXIST)
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"segment\": another one of that id plays or waits (%s)", id);
	else if (err == -ENOBUFS)
		dh_request_fail(request, DH_ERROR_LIMIT,
			"The queue is full: max_queue (%lld), max_queue_ms (%lld) "
			"or max_queue_mb (%lld)",
			(long long)config->max_queue, (long long)config->max_queue_ms, (long long)config->max_queue_mb);
	else if (err == -EHOSTDOWN)
		dh_request_fail(request, DH_ERROR_STATE, "The avatar could not be prepared: nothing can be played");
	else
		dh_request_fail_room(request, err);
}

void dh_enqueue(struct dh_request *request, const char *name, struct dh_ingest_source *source,
	const struct dh_feed_speech *speech, const struct dh_feed_audience *audience)
{
	const struct dh_feed_context context = dh_instance_feed_context(request->instance);
	const struct dh_avatar_config *avatar = dh_avatar_get_config(dh_room_facts(request->room)->avatar);
	const char *id = dh_request_text(request, "segment");
	json_t *metadata = json_object_get(request->body, "metadata"), *reply = NULL;

	source->kind = DH_INGEST_SEGMENT;
	source->width = (int)avatar->width;
	source->height = (int)avatar->height;
	source->kbps = (int)avatar->kbps;
	source->entry_ms = (int)avatar->entry_ms;
	const struct dh_feed_owner owner = dh_room_feed_owner(request->room);
	struct dh_feed *feed = dh_feed_new(&context, &owner, name, metadata, source, speech, audience);
	int err = dh_room_enqueue(request->room, feed, id, &reply);
	if (err)
		fail_enqueue(request, id, err);
	else
		dh_request_answer(request, "queued", reply);
	dh_feed_unref(&feed);
}
