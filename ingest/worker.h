/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Workers: dh-prepare processes, made ahead of time, each for one job.
 *
 * prepare/job.h is the protocol: workers are copies of a server, which is started when the
 * first one is wanted. `warm` workers wait; giving one a job makes its replacement. Jobs
 * that read files and live jobs, which take as long as their source, have separate limits.
 * Beyond those, jobs wait: first those marked as next, then by turns among owners
 * (job_queue.h).
 *
 * Whatever a worker does (crash, hang, stop, flood, babble) costs its own job and nothing
 * else. If workers cannot be made, they are tried again with increasing delays; jobs keep
 * waiting, and fail with the reason once that has lasted `wait_ms`.
 *
 * I/O thread only. Listeners are never called from within dh_job_start, dh_job_ready or
 * dh_job_cancel.
 */
#ifndef DH_WORKER_H
#define DH_WORKER_H

#include "io.h"
#include "live_wait.h"
#include "loader.h"

struct dh_workers;
struct dh_job;

struct dh_workers_config {
	struct dh_loader *loader; /* closes media files; must outlive the workers; may be NULL */
	const char *path;         /* dh-prepare; copied, as is `user` */
	const char *user;         /* NULL or "": none */
	int warm;
	int max, max_live; /* concurrent jobs that read files; concurrent live jobs */
	int max_waiting;   /* jobs without a worker; more are refused */
	int memory_mb, cpu_s, nice;
	int start_ms;    /* the server's, from start to ready, and from a request to its answer */
	int wait_ms;     /* how long jobs wait while no worker can be made */
	int wait_log_ms; /* between waits for places that are for the log, of one cause */
};

#define DH_JOB_FDS 8

struct dh_job_listener {
	/* There is a worker: open the job's descriptors. Returns how many; the job takes
	 * ownership. Or a negative errno: the job fails (*error: a text for people, g_free,
	 * or NULL). -EINPROGRESS: not yet; call dh_job_ready later, and `open` is called
	 * again. Must not start or cancel jobs. */
	int (*open)(void *arg, int fds[DH_JOB_FDS], char **error);
	/* The job is live and next, and there is no place for it. Once; may be NULL. Must not start or
	 * cancel jobs. */
	void (*no_place)(void *arg, const struct dh_live_wait *wait);
	/* The worker has read the first byte of a source that is no file. May be NULL. */
	void (*first)(void *arg);
	/* Bytes of the stream, borrowed. A result other than 0 cancels the job; nothing
	 * more is called. */
	int (*data)(void *arg, const void *bytes, size_t size);
	/* The last call, once the stream has been read to its end. `code` is an enum
	 * dh_prepare_exit; `text` says why, "" with DH_PREPARE_OK. */
	void (*done)(void *arg, int code, const char *text);
};

struct dh_job_spec {
	const char *json;  /* at most DH_JOB_MAX bytes; copied */
	int silence_ms;    /* a worker that writes nothing for this long is killed */
	const void *owner; /* owners take turns; only compared */
	bool is_live;
	bool is_next; /* goes before jobs that are not */
};

struct dh_workers *dh_workers_new(struct dh_io *io, const struct dh_workers_config *config);

/* Kills all workers; does not wait. Every job must have ended or been cancelled. */
void dh_workers_free(struct dh_workers **workers);

/* `*job` is valid until `done`, a `data` that returns other than 0, or dh_job_cancel.
 * -ENOBUFS: too many jobs wait; -E2BIG: the job is too long. */
int dh_job_start(struct dh_workers *workers, const struct dh_job_spec *spec, const struct dh_job_listener *listener,
	void *arg, struct dh_job **job);

/* After -EINPROGRESS: `open` will succeed at once now. */
void dh_job_ready(struct dh_job *job);

/* From now on it goes before jobs that are not next. */
void dh_job_set_next(struct dh_job *job);

/* Stops reading what its worker writes, and measuring its silence; or goes on. May be
 * called from within `data`. */
void dh_job_hold(struct dh_job *job, bool is_held);

/* Ends the job and kills its worker. May be called from within `data`, which must then
 * return other than 0. *job may be NULL. */
void dh_job_cancel(struct dh_job **job);

struct dh_workers_stats {
	int ready;
	int busy, busy_live;       /* all; those with a live job */
	int waiting, waiting_live; /* jobs: all; the live ones */
	uint64_t jobs, failed;
};
void dh_workers_stats(const struct dh_workers *workers, struct dh_workers_stats *stats);

#endif
