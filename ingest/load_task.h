/* Tasks of the loader: inspecting sources, reading streams. Each tells its
 * preparation, in the I/O thread, while that has not cancelled it.
 */
#ifndef DH_LOAD_TASK_H
#define DH_LOAD_TASK_H

#include <stdatomic.h>
#include <stdbool.h>

#include "file_hash.h"
#include "inputs.h"
#include "recording.h"

struct dh_ingest;
struct dh_load_task;

/* In the I/O thread. */
struct dh_load_listener {
	/* The last call. `error`: 0, or the negative errno of what could not be read. */
	void (*inspected)(void *arg, const struct dh_load_task *task, int error);
	/* More of it, or with `is_last` the end and the last call: `error` as from
	 * the reader, `text` why. */
	void (*loaded)(void *arg, struct dh_recording *batch, bool is_last, int error, const char *text);
};

struct dh_load_task {
	struct dh_ingest *ingest;
	struct dh_inputs *inputs;
	atomic_int cancelled;
	const struct dh_load_listener *listener; /* I/O thread; NULL: cancelled */
	void *arg;
	char key[DH_HASH_SIZE];
	/* inspecting */
	char *version;                 /* NULL: unknown, no key is made */
	int is_stream;                 /* it is a prepared file */
	/* loading */
	int from_cache;                /* `key`; else the prepared file itself */
	struct dh_recording batch;     /* loader thread */
	char text[DH_STREAM_TEXT_MAX + 1]; /* what was wrong, "" unless the stream was */
};

/* Ends in `inspected`. */
struct dh_load_task *dh_inspect(struct dh_ingest *ingest, struct dh_inputs *inputs, const char *version,
	const struct dh_load_listener *listener, void *arg);
/* Calls `loaded`, for the cache once and only with all of it. */
struct dh_load_task *dh_load(struct dh_ingest *ingest, struct dh_inputs *inputs, const char *key,
	const struct dh_load_listener *listener, void *arg);
void dh_load_task_cancel(struct dh_load_task **task);

#endif
