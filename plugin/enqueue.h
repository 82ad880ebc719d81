/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all requests that enqueue a segment have in common. */
#ifndef DH_ENQUEUE_H
#define DH_ENQUEUE_H

#include "request_fields.h"

/* Fields of all of them, see rooms/segment_request.h. */
/* clang-format off */
#define DH_ENQUEUE_FIELDS \
	{ "segment", DH_FIELD_TEXT, false, DH_SEGMENT_ID_MAX }, \
	{ "metadata", DH_FIELD_OBJECT, false, 0 }, \
	{ "utterance", DH_FIELD_TEXT, false, DH_UTTERANCE_MAX }, \
	{ "index", DH_FIELD_NUMBER, false, DH_INDEX_MAX }, \
	{ "last", DH_FIELD_FLAG, false, 0 }, \
	{ "priority", DH_FIELD_TEXT, false, DH_KEY_MAX }, \
	{ "before", DH_FIELD_TEXT, false, DH_SEGMENT_ID_MAX }, \
	{ "after", DH_FIELD_TEXT, false, DH_SEGMENT_ID_MAX }, \
	{ "ttl_ms", DH_FIELD_NUMBER, false, DH_TTL_MS_MAX }, \
	{ "repeat", DH_FIELD_NUMBER, false, DH_REPEAT_MAX }, \
	{ "from_ms", DH_FIELD_NUMBER, false, DH_FROM_MS_MAX }, \
	{ "patient", DH_FIELD_FLAG, false, 0 }, \
	{ "underrun", DH_FIELD_TEXT, false, DH_KEY_MAX }, \
	{ "preroll_ms", DH_FIELD_NUMBER, false, DH_PREROLL_MS_MAX }, \
	{ "words", DH_FIELD_ARRAY, false, 0 }, \
	{ "captions", DH_FIELD_ARRAY, false, 0 }, \
	{ "markers", DH_FIELD_ARRAY, false, 0 }
/* clang-format on */

/* Names a spoken segment after the beginning of its text, on one line (g_free it). */
char *dh_enqueue_name(const char *text);

/* Whether there is memory for one more segment, and file descriptors; if not, the request
 * has failed. */
bool dh_enqueue_is_admitted(struct dh_request *request);

/* Whether there is a folder for files; if not, the request has failed. */
bool dh_enqueue_has_folder(struct dh_request *request);
/* A file that `field` names could not be found or opened: an error of dh_ingest_find and its
 * text. */
void dh_enqueue_fail_file(struct dh_request *request, const char *field, int err, const char *text);

/* Enqueues a segment in the request's room, as its fields above say, and answers. The
 * other arguments are dh_feed_new's. */
void dh_enqueue(struct dh_request *request, const char *name, struct dh_ingest_source *source,
	const struct dh_feed_speech *speech, const struct dh_feed_audience *audience);

/* What the request enqueue does: its `file` is found, and enqueued. `audience` may be NULL. */
void dh_enqueue_file(struct dh_request *request, const struct dh_feed_audience *audience);

#endif
