/* Workers: dh-prepare processes, started ahead, each for one job.
 *
 * The contract with them is prepare/job.h. `warm` of them wait with their
 * libraries loaded; giving one a job starts its replacement. At most `max` jobs
 * run at once, further jobs wait their turn. Whatever a worker does (crash,
 * hang, stop, flood, babble) costs its own job and nothing else. Where no worker
 * can be started, it is tried again at growing intervals, and jobs fail with the
 * reason.
 *
 * Everything here belongs to the I/O thread, and listeners are never called
 * from within the call that they answer.
 */
#ifndef DH_WORKER_H
#define DH_WORKER_H

#include "io.h"

struct dh_workers;
struct dh_job;

struct dh_workers_config {
	const char *path;     /* dh-prepare; copied, as is `user` */
	const char *user;     /* NULL or "": none */
	int warm, max;
	int max_waiting;      /* jobs without a worker */
	int memory_mb, cpu_s, nice;
	int start_ms;         /* from being started to being ready */
};

struct dh_job_listener {
	/* Bytes of the stream, lent. Not 0: the job is cancelled, nothing more is called. */
	int (*data)(void *arg, const void *bytes, size_t size);
	/* The last call, with the stream read to its end: `code` is of enum
	 * dh_prepare_exit, `text` why, "" with DH_PREPARE_OK. */
	void (*done)(void *arg, int code, const char *text);
};

/* What a worker is given; everything is copied, the descriptors are duplicated. */
struct dh_job_spec {
	const char *json;     /* at most DH_JOB_MAX bytes */
	const int *fds;
	int count;            /* at most DH_JOB_FDS */
	int silence_ms;       /* without output while it is read: it hangs */
};
#define DH_JOB_FDS 4

int dh_workers_alloc(struct dh_workers **workers, struct dh_io *io, const struct dh_workers_config *config);

/* Kills and reaps them all. Every job must have ended or been cancelled. */
void dh_workers_free(struct dh_workers **workers);

/* `*job` is valid until `done`, a `data` that is not 0, or dh_job_cancel.
 * -ENOBUFS: too many wait; -E2BIG: the job is too long; -EMFILE, -ENOMEM. */
int dh_job_start(struct dh_workers *workers, const struct dh_job_spec *spec,
	const struct dh_job_listener *listener, void *arg, struct dh_job **job);

/* Ends it, its worker is killed. May be called from within `data` too, which
 * must then return other than 0. NULL inside is fine. */
void dh_job_cancel(struct dh_job **job);

struct dh_workers_stats {
	int starting, ready, busy, waiting;
	uint64_t jobs, failed;
};
void dh_workers_stats(const struct dh_workers *workers, struct dh_workers_stats *stats);

#endif
