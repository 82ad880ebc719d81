/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enqueue.h"

#include <errno.h>
#include <stdlib.h>

#include "ingest/text.h"
#include "request_errors.h"

#define NAME_LENGTH 60 /* of the text, as the segment's name */

char *dh_enqueue_name(const char *text)
{
	const char *most = g_utf8_offset_to_pointer(text, MIN(g_utf8_strlen(text, -1), NAME_LENGTH));
	const char *end = dh_text_cut(text, most);
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

	if (!request->error_code)
		request->file_err = err;
	dh_request_fail(request, is_limit ? DH_ERROR_LIMIT : DH_ERROR_FILE, "\"%s\": %s%s", field, text,
		err == -EFBIG ? " (max_file_mb)" : "");
}

static void fail_place(struct dh_request *request, const struct dh_segment_request *asked, int err)
{
	const char *place = asked->before ? "before" : "after";

	if (err == -ENXIO)
		dh_request_fail(request, DH_ERROR_NO_SEGMENT, "Invalid \"%s\": no such segment waits (%s)", place,
			asked->before ? asked->before : asked->after);
	else if (err == -EBUSY)
		dh_request_fail(request, DH_ERROR_STATE, "Invalid \"%s\": the segment or its utterance plays already",
			place);
	else if (err == -EALREADY)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"index\": a piece of that index waits already");
	else if (err == -ERANGE)
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"index\": none above the utterance's last is expected, and no last one below others");
	else
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"%s\": a piece of an utterance that waits already is put beside the others", place);
}

static bool is_about_place(int err)
{
	return err == -ENXIO || err == -EBUSY || err == -EALREADY || err == -ERANGE || err == -EINVAL;
}

static void fail_enqueue(struct dh_request *request, const struct dh_segment_request *asked, int err)
{
	const struct dh_config *config = request->instance->config;

	if (err == -EEXIST)
		dh_request_fail(request, DH_ERROR_VALUE,
			"Invalid \"segment\": another one of that id plays or waits (%s)", asked->id);
	else if (is_about_place(err))
		fail_place(request, asked, err);
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

/* What is made while it plays is not read far ahead: what is to begin there would never come. */
static bool read_request(struct dh_request *request, struct dh_segment_request *asked, bool is_live)
{
	char *wrong = dh_segment_request_read(asked, request->body);

	if (wrong)
		dh_request_fail(request, DH_ERROR_VALUE, "%s", wrong);
	else if (is_live && asked->order.from_ticks)
		dh_request_fail(request, DH_ERROR_VALUE, "Invalid \"from_ms\": only a file may begin later");
	g_free(wrong);
	return !request->error_code;
}

/* A push brings its media along, so it cannot be the same one again. */
void dh_enqueue(struct dh_request *request, const char *name, struct dh_ingest_source *source,
	const struct dh_feed_speech *speech, const struct dh_feed_audience *audience)
{
	const struct dh_feed_context context = dh_instance_feed_context(request->instance);
	const struct dh_avatar_config *avatar = dh_avatar_get_config(dh_room_facts(request->room)->avatar);
	json_t *metadata = json_object_get(request->body, "metadata"), *reply = NULL;
	struct dh_segment_request asked;
	char *content = audience ? NULL : dh_segment_request_content(request->body);
	bool is_live = speech || (source->count > 0 && source->fds[0] >= 0);
	bool is_right = read_request(request, &asked, is_live);

	asked.content = content;
	source->kind = DH_INGEST_SEGMENT;
	source->width = (int)avatar->width;
	source->height = (int)avatar->height;
	source->kbps = (int)avatar->kbps;
	source->kbps_2 = (int)avatar->kbps_2;
	source->kbps_3 = (int)avatar->kbps_3;
	source->entry_ms = (int)avatar->entry_ms;
	source->temporal = avatar->temporal != 0;
	source->background = dh_avatar_plain_background(avatar);
	dh_avatar_source_mark(avatar, source);
	const struct dh_feed_owner owner = dh_room_feed_owner(request->room);
	struct dh_feed *feed = dh_feed_new(&context, &owner, name, metadata, source, speech, audience);
	int err = is_right ? dh_room_enqueue(request->room, feed, &asked, &reply) : 0;
	if (err)
		fail_enqueue(request, &asked, err);
	else if (is_right)
		dh_request_answer(request, "queued", reply);
	dh_feed_unref(&feed);
	free(content);
}
