/* One preparation, from inspection to end. I/O thread. */
#ifndef DH_PREPARATION_H
#define DH_PREPARATION_H

#include "cache_writer.h"
#include "inputs.h"
#include "load_task.h"
#include "recording.h"
#include "worker.h"

enum dh_preparation_state {
	DH_PREPARATION_NEW,      /* waits for the version, is being inspected */
	DH_PREPARATION_LOADING,
	DH_PREPARATION_ENCODING, /* waits for a worker, or has one */
	DH_PREPARATION_OVER,     /* nothing more comes */
};

struct dh_preparation {
	struct dh_ingest *ingest;
	struct dh_inputs *inputs;
	enum dh_preparation_state state;
	char *key;                     /* in the ingest's table under it; NULL: not shared */
	int has_cache_key;
	GPtrArray *subscriptions;
	struct dh_recording recording;
	struct dh_load_task *task;
	struct dh_job *job;
	struct dh_stream_reader *reader;
	struct dh_cache_writer *feed;
};

/* Takes over `inputs`. */
struct dh_preparation *dh_preparation_new(struct dh_ingest *ingest, struct dh_inputs *inputs);
void dh_preparation_free(struct dh_preparation *preparation);
/* Goes on from NEW, the version being known or not to be had. */
void dh_preparation_begin(struct dh_preparation *preparation);
/* `error`: 0, or the negative errno of what could not be read. */
void dh_preparation_inspected(struct dh_preparation *preparation, struct dh_load_task *task, int error);
/* More of it, or with `is_last` the end: `error` as from the reader, `text` why. */
void dh_preparation_loaded(struct dh_preparation *preparation, struct dh_recording *batch, int is_last,
	int error, const char *text);
/* The last subscriber has left; may free it. */
void dh_preparation_unwanted(struct dh_preparation *preparation);

#endif
