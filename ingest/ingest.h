/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preparations: a source that is being encoded, or loaded from the cache, shared by any
 * number of subscribers (rooms).
 *
 * Subscribing to the same files with the same settings joins an existing preparation, in
 * progress or complete in memory; otherwise the cache on disk is consulted, and otherwise a
 * worker (worker.h) encodes. A late subscriber first receives everything produced so far.
 *
 * Files are prepared into the cache at full speed, even when nobody waits for them any more
 * (`orphans_max` of them). Anything but a regular file (a pipe) is live: it is never
 * shared, and ends when its subscriber leaves. It is cached only if it is `made_of` something, and
 * its subscriber says so (dh_ingest_keep). Files that dh-prepare wrote (`.dhs`) are
 * read directly, without a worker, whatever the settings.
 *
 * Threads: call from any thread unless noted. Listeners are called from the I/O thread, one
 * at a time.
 */
#ifndef DH_INGEST_H
#define DH_INGEST_H

#include <stdint.h>

#include "free_later.h"
#include "ingest_config.h"
#include "io.h"
#include "listener.h"
#include "source.h"

struct dh_ingest;

/* Starts warm workers. Succeeds even if no worker can be started: then jobs fail and say
 * why. `io` must outlive it. -EINVAL, or why a thread could not be started. */
int dh_ingest_alloc(struct dh_ingest **ingest, struct dh_io *io, const struct dh_ingest_config *config);

/* Kills every worker; the I/O thread reaps them. Waits up to DH_LOADER_END_MS (loader.h)
 * for reads in progress. All subscriptions must be gone. Not from the I/O thread. */
void dh_ingest_free(struct dh_ingest **ingest);

/* Looks for `path`, as named in a request, in `folders` (NULL-terminated, in order) and
 * adds it to `source`, which must have space for one more: its name and folder (both
 * borrowed) and its identity. Leaves nothing open. Takes at most file_open_ms
 * per folder, whatever its file system does. Not from the I/O thread. Returns 0, an error
 * of dh_media_open (media_files.h), or
 *     -ETIMEDOUT           its file system does not answer
 *     -EHOSTDOWN, -ENOBUFS too many requests wait for file systems already
 *     -EMFILE              too many files are open
 * and then sets *error, NULL before the call, to a text (g_free it). */
int dh_ingest_find(struct dh_ingest *ingest, char *const *folders, const char *path, struct dh_ingest_source *source,
	char **error);

/* The same, but leaves the file open, in *fd, for somebody else to read. */
int dh_ingest_open(struct dh_ingest *ingest, char *const *folders, const char *path, int64_t max_bytes, int *fd,
	char **error);
/* The same for a folder: *names, an array of the names of its files in order of their bytes, those that begin with a
 * dot excepted. -EFBIG: they have more than 64 KiB. */
int dh_ingest_list(struct dh_ingest *ingest, char *const *folders, const char *path, GPtrArray **names, char **error);
/* The same for a small file, whose bytes are returned, at most `max_bytes` of them: *bytes, a reference. */
int dh_ingest_read(struct dh_ingest *ingest, char *const *folders, const char *path, int64_t max_bytes, GBytes **bytes,
	char **error);
/* Closes it, without waiting. -1 is allowed. Any thread. */
void dh_ingest_close(struct dh_ingest *ingest, int fd);

/* Whether one more segment may be queued. 0; -ENOBUFS: prepared media use all the memory
 * they may, and none can be freed; -EMFILE: too many files are open. On error sets *error
 * to a text (g_free it). Not from the I/O thread. */
int dh_ingest_admit(struct dh_ingest *ingest, char **error);

/* Whether there is memory to prepare segments ahead of their turn. Any thread. */
bool dh_ingest_has_memory(struct dh_ingest *ingest);

/* dh_free_later (free_later.h) in this ingest's threads. Any thread. */
void dh_ingest_free_later(struct dh_ingest *ingest, dh_free_fn *some, void *thing);
/* The same for an array of references to units; NULL is allowed. */
void dh_ingest_free_units_later(struct dh_ingest *ingest, GPtrArray *units);

struct dh_subscription;

/* Takes ownership of a pipe in `source` and closes it, even on error. Copies strings and
 * `listener`. The first call may come before this returns. -EINVAL: a field of `source` is
 * out of range. */
int dh_ingest_subscribe(struct dh_ingest *ingest, const struct dh_ingest_source *source,
	const struct dh_ingest_listener *listener, void *arg, struct dh_subscription **subscription);

/* Moves it ahead of everything that is prepared ahead of time. */
void dh_ingest_set_next(struct dh_subscription *subscription);

/* A live source may be read up to `ticks` of its media time. I/O thread. */
void dh_ingest_allow(struct dh_subscription *subscription, int64_t ticks);

/* A live source: what its listener has heard before `before_ticks` is not needed any more. I/O thread. */
void dh_ingest_release(struct dh_subscription *subscription, int64_t before_ticks);

/* After its `open` returned -EINPROGRESS: it will succeed now, and is called again. I/O thread. */
void dh_ingest_ready(struct dh_subscription *subscription);

/* A source that is `made_of` something has ended, and all of it has come: the cache keeps it.
 * I/O thread; may be called from a listener function. */
void dh_ingest_keep(struct dh_subscription *subscription);

/* Once it returns, no listener function runs or will run (if called from a listener
 * function: once that one has returned). So do not hold a lock that a listener function
 * takes. *subscription may be NULL. */
void dh_ingest_unsubscribe(struct dh_subscription **subscription);

/* How much of a limit is in use. */
struct dh_ingest_use {
	int64_t used, limit;
};

struct dh_ingest_stats {
	int workers_ready, workers_busy, workers_live; /* busy: all; live: those with a live job */
	int jobs_waiting, jobs_waiting_live;           /* all; the live ones among them */
	int preparations, subscriptions;
	uint64_t jobs, jobs_failed; /* since the start, waiting ones included; how many failed */
	uint64_t cache_hits, cache_misses;
	int64_t cache_bytes; /* -1 without a cache */
	int cache_entries;
	int64_t io_longest_turn_us;    /* of the last minute or two; see io.h */
	int reads_waiting, reads_lost; /* tasks waiting for a disk; threads that have not come back */
	/* `workers`: without live jobs, which have a limit of their own */
	struct dh_ingest_use workers, waiting, cache, descriptors, memory;
};
/* Waits for the I/O thread, which takes a moment. */
void dh_ingest_stats(struct dh_ingest *ingest, struct dh_ingest_stats *stats);

#endif
