/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all requests that enqueue a segment have in common. */
#ifndef DH_ENQUEUE_H
#define DH_ENQUEUE_H

#include "request.h"

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

/* Enqueues a segment in the request's room, with the request's `segment` and `metadata`,
 * and answers. The other arguments are dh_feed_new's. */
void dh_enqueue(struct dh_request *request, const char *name, struct dh_ingest_source *source,
	const struct dh_feed_speech *speech, const struct dh_feed_audience *audience);

#endif
