/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Workers: dh-prepare processes, started ahead, each for one job.
 *
 * The contract with them is prepare/job.h. `warm` of them wait with their
 * libraries loaded; giving one a job starts its replacement. Jobs that read files
 * and live jobs, which take as long as their source does, have limits of their
 * own; beyond them, jobs wait their turn: those that are next before those
 * prepared ahead, and among these the owner's who was served longest ago.
 *
 * Whatever a worker does (crash, hang, stop, flood, babble) costs its own job and
 * nothing else. Where no worker can be started, it is tried again at growing
 * intervals; jobs wait on, and fail with the reason when that has lasted for
 * `wait_ms`.
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
	const char *path; /* dh-prepare; copied, as is `user` */
	const char *user; /* NULL or "": none */
	int warm;
	int max, max_live; /* jobs at once: of files, live ones */
	int max_waiting;   /* jobs without a worker */
	int memory_mb, cpu_s, nice;
	int start_ms; /* from being started to being ready */
	int wait_ms;  /* jobs wait for workers that cannot be started */
};

#define DH_JOB_FDS 4

struct dh_job_listener {
	/* There is a worker: opens the job's descriptors, which are taken over. Once.
	 * How many; or negative errno, and the job has failed (*error: a text for a
	 * person, g_free, or NULL). -EINPROGRESS: that takes a while, dh_job_ready
	 * follows, and then the same again. It must not start or cancel jobs. */
	int (*open)(void *arg, int fds[DH_JOB_FDS], char **error);
	/* Bytes of the stream, lent. Not 0: the job is cancelled, nothing more is called. */
	int (*data)(void *arg, const void *bytes, size_t size);
	/* The last call, with the stream read to its end: `code` is of enum
	 * dh_prepare_exit, `text` why, "" with DH_PREPARE_OK. */
	void (*done)(void *arg, int code, const char *text);
};

struct dh_job_spec {
	const char *json;  /* at most DH_JOB_MAX bytes; copied */
	int silence_ms;    /* without output while it is read: it hangs */
	const void *owner; /* who takes turns with others; only compared */
	bool is_live;
	bool is_next; /* it goes before those that are not */
};

void dh_workers_alloc(struct dh_workers **workers, struct dh_io *io, const struct dh_workers_config *config);

/* Kills them all, and waits for nothing. Every job must have ended or been cancelled. */
void dh_workers_free(struct dh_workers **workers);

/* `*job` is valid until `done`, a `data` that is not 0, or dh_job_cancel.
 * -ENOBUFS: too many wait; -E2BIG: the job is too long. */
int dh_job_start(struct dh_workers *workers, const struct dh_job_spec *spec, const struct dh_job_listener *listener,
	void *arg, struct dh_job **job);

/* Its descriptors can be opened at once now. */
void dh_job_ready(struct dh_job *job);

/* It is next from now on. */
void dh_job_set_next(struct dh_job *job);

/* Ends it, its worker is killed. May be called from within `data` too, which
 * must then return other than 0. *job may be NULL. */
void dh_job_cancel(struct dh_job **job);

struct dh_workers_stats {
	int starting, ready;
	int busy, busy_live;       /* of all, those with a live job */
	int waiting, waiting_live; /* jobs: of all, the live ones */
	uint64_t jobs, failed;
};
void dh_workers_stats(const struct dh_workers *workers, struct dh_workers_stats *stats);

#endif
