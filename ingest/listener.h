/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A listener to a preparation. */
#ifndef DH_LISTENER_H
#define DH_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <glib.h>

#include "live_wait.h"
#include "playout/stream.h"

/* Calls come in this order: head, anchor (if there is video), picture (idle clips), units
 * any number of times, then end or failure, which is the last. Words and notes come in between, and a
 * failure may come at any point. Arguments are borrowed; take references to keep units and
 * pictures. Any function but `open` may be NULL. They may call any function of ingest.h
 * that the I/O thread may call. */
struct dh_ingest_listener {
	/* Required if the source is_opened_late: a worker is ready, open the input. Called
	 * once; the caller takes ownership of *fd. Or a negative errno with *error a text
	 * (g_free) or NULL; a failure follows. -EINPROGRESS: not yet, see dh_ingest_ready. */
	int (*open)(void *arg, int *fd, char **error);
	/* The source, which is live, is next, and there is no place for it among those that workers encode: at most
	 * once, before all that follows. */
	void (*no_place)(void *arg, const struct dh_live_wait *wait);
	/* The first byte of the source, which is live, has come: before or after what follows. */
	void (*first_byte)(void *arg);
	void (*head)(void *arg, const struct dh_stream_head *head);
	void (*anchor)(void *arg, struct dh_unit *anchor);
	void (*picture)(void *arg, GBytes *i420);
	void (*units)(void *arg, struct dh_unit *const *units, size_t count);
	/* The source, which is live, is not read on for now; or (false) it is again. */
	void (*held)(void *arg, bool is_held);
	void (*word)(void *arg, const struct dh_stream_word *word);
	void (*note)(void *arg, const char *text);
	void (*end)(void *arg, const struct dh_stream_end *end);
	/* `code` is an enum dh_prepare_exit; `text` is one line of UTF-8 for people. */
	void (*failure)(void *arg, int code, const char *text);
};

#endif
