/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who listens to a preparation. */
#ifndef DH_LISTENER_H
#define DH_LISTENER_H

#include <stddef.h>
#include <glib.h>

#include "playout/stream.h"

/* What a subscriber is told, in this order: head, anchor (with video), picture
 * (idle clips), units any number of times, then end or failure, which is the
 * last call. Notes come in between; a failure may come at any point. Everything
 * passed is lent (units and picture: take references). A function may be NULL.
 * They may call any function here except dh_ingest_free. */
struct dh_ingest_listener {
	/* Of a source that is_opened_late, once: it has a worker now. *fd is taken
	 * over. Negative errno, and *error is a text (g_free): the failure that follows. */
	int (*open)(void *arg, int *fd, char **error);
	void (*head)(void *arg, const struct dh_stream_head *head);
	void (*anchor)(void *arg, struct dh_unit *anchor);
	void (*picture)(void *arg, GBytes *i420);
	void (*units)(void *arg, struct dh_unit *const *units, size_t count);
	void (*note)(void *arg, const char *text);
	void (*end)(void *arg, const struct dh_stream_end *end);
	/* `code` is of enum dh_prepare_exit; `text` is UTF-8 for a person, one line. */
	void (*failure)(void *arg, int code, const char *text);
};

#endif
