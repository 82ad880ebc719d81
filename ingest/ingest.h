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

#include <stddef.h>
#include <stdint.h>
#include <glib.h>

#include "io.h"
#include "playout/stream.h"

/* Strings are copied by dh_ingest_alloc. Zero is never "the default": start
 * from dh_ingest_config_init. */
struct dh_ingest_config {
	const char *worker_path;  /* dh-prepare: absolute, or a name looked up in PATH; default "dh-prepare" */
	const char *worker_user;  /* workers run as this user when the gateway is root; "" no change; "nobody" */
	int warm_workers;         /* started ahead, 0 to 16; 2 */
	int max_workers;          /* jobs at once, 1 to 64; 4 */
	int max_jobs;             /* that wait for a worker; 1000 */
	int worker_memory_mb;     /* of data, each; 0 no limit; 1024 */
	int worker_cpu_s;         /* processor time of a job; 0 no limit; 600 */
	int worker_nice;          /* 0 to 19; 10 */
	int worker_silence_ms;    /* a worker that writes nothing for this long while we read is killed (an
	                           * idle clip's first output may take four times as long); 15000 */
	int worker_start_ms;      /* a worker must be ready after this long; 10000 */
	int live_silence_ms;      /* a live source must yield something this often; 30000 */
	int64_t max_ms;           /* longest segment; 600000 */
	int max_side;             /* widest or highest input picture; 4096 */
	int64_t max_segment_bytes;/* of one prepared segment; 512 MiB */
	const char *cache_folder; /* NULL or "": no cache; it is created where only the last part is missing */
	int64_t cache_bytes;      /* of all entries together; 2 GiB */
	int loader_threads;       /* that read and hash files, 1 to 16; 2 */
	int orphans_max;          /* preparations that go on although nobody waits; 2 */
};

/* The defaults, the last figure or word of each comment above; cache_folder is NULL. */
void dh_ingest_config_init(struct dh_ingest_config *config);

struct dh_ingest;

/* Starts warm workers; it succeeds also where no worker can be started (jobs
 * then fail and say why). `io` must outlive it. -EINVAL, -ENOMEM, no thread. */
int dh_ingest_alloc(struct dh_ingest **ingest, struct dh_io *io, const struct dh_ingest_config *config);

/* Kills and reaps every worker. All subscriptions must be gone. Not from the
 * I/O thread. */
void dh_ingest_free(struct dh_ingest **ingest);

enum dh_ingest_kind { DH_INGEST_SEGMENT, DH_INGEST_IDLE, DH_INGEST_PORTRAIT };

/* What to prepare, and for which avatar; see prepare/job.h for each field. */
struct dh_ingest_source {
	enum dh_ingest_kind kind;
	int count;              /* 1, or 2: picture and sound; idle clip and portrait */
	const char *names[2];   /* for messages; copied */
	int fds[2];             /* open for reading */
	int width, height;
	int kbps, audio_kbps, entry_ms, fps_max;
	int pingpong;           /* idle */
	int portrait_ms;        /* portrait */
	GBytes *anchor;         /* the anchor's picture, I420; NULL: the first picture; a reference is taken */
};

/* A segment of 512x512 with the defaults of prepare/job.h, no files. */
void dh_ingest_source_init(struct dh_ingest_source *source);

/* What a subscriber is told, in this order: head, anchor (with video), picture
 * (idle clips), units any number of times, then end or failure, which is the
 * last call. Notes come in between; a failure may come at any point. Everything
 * passed is lent (units and picture: take references). A function may be NULL.
 * They may call any function here except dh_ingest_free. */
struct dh_ingest_listener {
	void (*head)(void *arg, const struct dh_stream_head *head);
	void (*anchor)(void *arg, struct dh_unit *anchor);
	void (*picture)(void *arg, GBytes *i420);
	void (*units)(void *arg, struct dh_unit *const *units, size_t count);
	void (*note)(void *arg, const char *text);
	void (*end)(void *arg, const struct dh_stream_end *end);
	/* `code` is of enum dh_prepare_exit; `text` is UTF-8 for a person, one line. */
	void (*failure)(void *arg, int code, const char *text);
};

struct dh_subscription;

/* The descriptors in `source` are taken over and closed, whatever is returned.
 * `listener` is copied. The first call may come before this returns.
 * -EINVAL: a field of `source` is out of range; -ENOMEM. */
int dh_ingest_subscribe(struct dh_ingest *ingest, const struct dh_ingest_source *source,
	const struct dh_ingest_listener *listener, void *arg, struct dh_subscription **subscription);

/* After it returns no listener function runs or will run (from within a
 * listener function: after that one has returned), so hold no lock here that a
 * listener function takes. NULL inside is fine. */
void dh_ingest_unsubscribe(struct dh_subscription **subscription);

struct dh_ingest_stats {
	int workers_ready, workers_busy, jobs_waiting;
	int preparations, subscriptions;
	uint64_t jobs, jobs_failed;             /* given to workers; of which failed */
	uint64_t cache_hits, cache_misses;
	int64_t cache_bytes;                    /* -1 without cache */
	int cache_entries;
};
/* Waits for the I/O thread (a moment). */
void dh_ingest_stats(struct dh_ingest *ingest, struct dh_ingest_stats *stats);

#endif
