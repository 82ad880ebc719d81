/* What the files behind ingest.h share:
 *     ingest.c      all of it: configuration, life, version, table of preparations
 *     subscription.c  who listens, and what each has heard
 *     preparation.c   one preparation, from inspection to end
 *     inputs.c        the files of one, and the key of their contents
 *     load_task.c       tasks of the loader: inspecting sources, reading streams
 */
#ifndef DH_INGEST_PRIVATE_H
#define DH_INGEST_PRIVATE_H

#include <stdatomic.h>

#include "cache.h"
#include "cache_writer.h"
#include "file_hash.h"
#include "loader.h"
#include "ingest.h"
#include "recording.h"
#include "worker_version.h"
#include "worker.h"

/* --- inputs: shared by a preparation and its tasks; immutable but for `refs` */

struct dh_inputs {
	atomic_int refs;
	struct dh_ingest_source source;         /* owns names, descriptors and anchor */
	int is_live;
	struct dh_file_identity identities[2];/* of files */
};

/* Takes over the descriptors, also when it fails: -EINVAL. */
int dh_inputs_alloc(struct dh_inputs **inputs, const struct dh_ingest_source *source);
struct dh_inputs *dh_inputs_ref(struct dh_inputs *inputs);
void dh_inputs_unref(struct dh_inputs **inputs);
/* What the first input is called, without its folders. */
const char *dh_inputs_file_name(const struct dh_inputs *inputs);
/* Whether somebody has written to the files since they were opened. */
int dh_inputs_written_to(const struct dh_inputs *inputs);
/* Whether the files are still what they were. */
int dh_inputs_unchanged(const struct dh_inputs *inputs);
/* Loader thread. The key of what a worker with that version text makes of them;
 * or why one cannot be read. */
int dh_inputs_key(const struct dh_inputs *inputs, struct dh_file_hashes *hashes, const char *version,
	const atomic_int *cancelled, char key[DH_HASH_SIZE]);
/* The job for a worker (g_free it), prepare/job.h. */
char *dh_inputs_job(const struct dh_inputs *inputs, const struct dh_ingest_config *config);

/* --- tasks of the loader; each tells its preparation, in the I/O thread, while
 * that has not cancelled it */

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

/* --- preparations; I/O thread */

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
	int has_changed;               /* a file did, while a worker read it */
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

/* --- subscriptions; I/O thread */

/* Tells all of them what they have not heard yet. */
void dh_subscriptions_pump(struct dh_preparation *preparation);
/* They listen to `to` from now on, having heard nothing. */
void dh_subscriptions_move(struct dh_preparation *from, struct dh_preparation *to);

/* --- the ingest */

struct dh_ingest {
	/* immutable; what they point to is any thread's */
	struct dh_io *io;
	struct dh_ingest_config config;
	struct dh_loader *loader;
	struct dh_cache *cache;        /* NULL: none */
	struct dh_file_hashes *hashes;
	/* I/O thread */
	struct dh_workers *workers;
	GPtrArray *all;                /* struct dh_preparation */
	GHashTable *by_key;            /* those with a key that have not failed */
	struct dh_worker_version *asking;
	char *version;                 /* NULL: not known */
	int64_t asked_us;              /* 0: never */
	int subscriptions;
	uint64_t cache_hits, cache_misses;
};

/* I/O thread. Whether the version is being asked for: dh_preparation_begin is
 * called when it is known or not to be had. */
int dh_ingest_asks_version(struct dh_ingest *ingest);

#endif
