/* Tasks of the loader: inspecting sources, reading streams. Each tells its
 * preparation, in the I/O thread, while that has not cancelled it.
 */
#ifndef DH_LOAD_TASK_H
#define DH_LOAD_TASK_H

#include <stdatomic.h>

#include "file_hash.h"
#include "inputs.h"
#include "recording.h"

struct dh_preparation;

struct dh_load_task {
	struct dh_ingest *ingest;
	struct dh_inputs *inputs;
	atomic_int cancelled;
	struct dh_preparation *owner;  /* I/O thread; NULL: cancelled */
	char key[DH_HASH_SIZE];
	/* inspecting */
	char *version;                 /* NULL: unknown, no key is made */
	int is_stream;                 /* it is a prepared file */
	/* loading */
	int from_cache;                /* `key`; else the prepared file itself */
	struct dh_recording batch;     /* loader thread */
	char text[DH_STREAM_TEXT_MAX + 1]; /* what was wrong, "" unless the stream was */
};

/* Ends in dh_preparation_inspected. */
struct dh_load_task *dh_inspect(struct dh_preparation *owner, const char *version);
/* Calls dh_preparation_loaded, for the cache once and only with all of it. */
struct dh_load_task *dh_load(struct dh_preparation *owner, const char *key);
void dh_load_task_cancel(struct dh_load_task **task);

#endif
