/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preparations: a source being encoded, or loaded from the cache, shared by any
 * number of subscribers (rooms).
 *
 * Subscribing to the same files with the same settings joins the preparation
 * that is there, whether it is in progress or already complete in memory, else
 * the cache on disk is asked, else a worker (worker.h) encodes. A late
 * subscriber first gets everything that is there already.
 *
 * Files are prepared into the cache at full speed, also when nobody waits for
 * them any more (`orphans_max` of them). What is not a regular file (a pipe) is
 * live: not cached, never shared, and ended when its subscriber leaves. Files
 * that dh-prepare wrote (`.dhs`) are read as they are, without a worker,
 * whatever their settings.
 *
 * Threads: every function here may be called from any thread; listeners are
 * called from the I/O thread, one at a time.
 */
#ifndef DH_INGEST_H
#define DH_INGEST_H

#include <stdint.h>

#include "ingest_config.h"
#include "io.h"
#include "listener.h"
#include "source.h"

struct dh_ingest;

/* Starts warm workers; it succeeds also where no worker can be started (jobs
 * then fail and say why). `io` must outlive it. -EINVAL, -ENOMEM, no thread. */
int dh_ingest_alloc(struct dh_ingest **ingest, struct dh_io *io, const struct dh_ingest_config *config);

/* Kills and reaps every worker. All subscriptions must be gone. Not from the
 * I/O thread. */
void dh_ingest_free(struct dh_ingest **ingest);

/* Looks for `path` (as a request names it) in the folders (NULL-terminated, in this
 * order) and adds it to the files of `source`, which are then `path` and the folder,
 * both lent, and which file it is. Nothing stays open. It takes DH_OPEN_MS
 * (load_task.h) for each folder at most, whatever its file system does. Not from
 * the I/O thread. 0, or as dh_media_open (media_files.h), or
 *     -ETIMEDOUT           its file system does not answer
 *     -EHOSTDOWN, -ENOBUFS too much waits for file systems already
 *     -EMFILE              there may be no more open files
 * *error is then set to a text (g_free it). */
int dh_ingest_find(struct dh_ingest *ingest, char *const *folders, const char *path, struct dh_ingest_source *source,
	char **error);

/* Whether one more segment may be queued: 0; -ENOBUFS: prepared media take all the
 * memory that they may, and none can be freed; -EMFILE: too many files are open.
 * *error is then set to a text (g_free it). Not from the I/O thread. */
int dh_ingest_admit(struct dh_ingest *ingest, char **error);

/* Whether there is memory for what need not be prepared yet. Any thread. */
bool dh_ingest_has_memory(struct dh_ingest *ingest);

struct dh_subscription;

/* A pipe in `source` is taken over and closed, whatever is returned; strings are
 * copied. `listener` is copied. The first call may come before this returns.
 * -EINVAL: a field of `source` is out of range; -ENOMEM. */
int dh_ingest_subscribe(struct dh_ingest *ingest, const struct dh_ingest_source *source,
	const struct dh_ingest_listener *listener, void *arg, struct dh_subscription **subscription);

/* What was to be prepared ahead is next now: it goes before what is still ahead. */
void dh_ingest_set_next(struct dh_subscription *subscription);

/* After it returns no listener function runs or will run (from within a
 * listener function: after that one has returned), so hold no lock here that a
 * listener function takes. NULL inside is fine. */
void dh_ingest_unsubscribe(struct dh_subscription **subscription);

/* What is used of a limit. */
struct dh_ingest_use {
	int64_t used, limit;
};

struct dh_ingest_stats {
	int workers_ready, workers_busy, workers_live; /* busy: all; live: those of them with a live job */
	int jobs_waiting, jobs_waiting_live;           /* all; the live ones of them */
	int preparations, subscriptions;
	uint64_t jobs, jobs_failed; /* given to workers; of which failed */
	uint64_t cache_hits, cache_misses;
	int64_t cache_bytes; /* -1 without cache */
	int cache_entries;
	int64_t io_longest_turn_us;    /* since these figures were last asked for; see io.h */
	int reads_waiting, reads_lost; /* tasks that wait for a disk; threads that do not come back */
	/* each against its limit */
	struct dh_ingest_use workers, waiting, cache, descriptors, memory;
};
/* Waits for the I/O thread (a moment). */
void dh_ingest_stats(struct dh_ingest *ingest, struct dh_ingest_stats *stats);

#endif
