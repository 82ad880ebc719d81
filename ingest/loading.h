/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads a prepared segment, from the cache or from a file that dh-prepare wrote. */
#ifndef DH_LOADING_H
#define DH_LOADING_H

#include "cache.h"
#include "inputs.h"
#include "limits.h"
#include "load_task.h"
#include "playout/stream.h"
#include "recording.h"

/* I/O thread. */
struct dh_loading_listener {
	/* The next part; you may absorb `batch`. */
	void (*more)(void *arg, struct dh_recording *batch);
	/* The last call. `err` is 0, an error of the stream reader, or why it cannot be
	 * read; `text` says more, or is NULL. */
	void (*ended)(void *arg, int err, const char *text);
};

/* I/O thread. Delivers the file's contents as they are read. */
struct dh_load_task *dh_load_file(struct dh_loader *loader, struct dh_limits *limits, struct dh_inputs *inputs,
	const struct dh_file_identity *expected, const struct dh_stream_limits *bounds, int read_ms,
	const struct dh_loading_listener *listener, void *arg);

/* I/O thread. Delivers the entry only once all of it has proved good: otherwise the segment
 * is prepared again, and nobody may have heard anything yet. */
struct dh_load_task *dh_load_cached(struct dh_loader *loader, struct dh_limits *limits, struct dh_cache *cache,
	const char *key, const struct dh_stream_limits *bounds, const struct dh_loading_listener *listener, void *arg);

#endif
