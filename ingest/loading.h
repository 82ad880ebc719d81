/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading a prepared segment, from the cache or from a file that dh-prepare wrote. */
#ifndef DH_LOADING_H
#define DH_LOADING_H

#include "cache.h"
#include "inputs.h"
#include "limits.h"
#include "load_task.h"
#include "playout/stream.h"
#include "recording.h"

/* In the I/O thread. */
struct dh_loading_listener {
	/* More of it; `batch` may be absorbed. */
	void (*more)(void *arg, struct dh_recording *batch);
	/* The last call: `err` is 0, or as from the reader, or why it cannot be read;
	 * `text` says so where it is not NULL. */
	void (*ended)(void *arg, int err, const char *text);
};

/* I/O thread. What comes from a file is told as it comes. */
struct dh_load_task *dh_load_file(struct dh_loader *loader, struct dh_limits *limits, struct dh_inputs *inputs,
	const struct dh_file_identity *expected, const struct dh_stream_limits *bounds, int read_ms,
	const struct dh_loading_listener *listener, void *arg);

/* I/O thread. What comes from the cache is told only when all of it is good: else it
 * has to be prepared again, and nobody may have heard anything. */
struct dh_load_task *dh_load_cached(struct dh_loader *loader, struct dh_limits *limits, struct dh_cache *cache,
	const char *key, const struct dh_stream_limits *bounds, const struct dh_loading_listener *listener, void *arg);

#endif
