/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What worker.c (one process), job.c and workers.c (all processes) share. */
#ifndef DH_WORKER_PRIVATE_H
#define DH_WORKER_PRIVATE_H

#include "child.h"
#include "job_queue.h"
#include "worker.h"

struct dh_job {
	struct dh_workers *workers;
	struct dh_job_listener listener;
	void *arg;
	struct dh_queued queued;
	char *json;
	bool is_open; /* the descriptors are there */
	int fds[DH_JOB_FDS], count;
	int silence_ms;
	uint64_t failed_starts;   /* of workers, when it came */
	bool is_in_data;          /* its listener's `data` runs */
	bool is_cancelled;        /* from within `data` */
	struct dh_worker *worker; /* NULL while it waits */
};

enum dh_worker_state {
	DH_WORKER_STARTING,
	DH_WORKER_READY, /* waits for a job */
	DH_WORKER_BUSY,
};

struct dh_worker {
	struct dh_workers *workers;
	enum dh_worker_state state;
	struct dh_child *child;
	int control, output; /* our ends */
	GSource *control_source, *output_source, *timer;
	int64_t ready_us;   /* since when */
	struct dh_job *job; /* BUSY, until it is cancelled */
	bool is_live;       /* BUSY: with a live job */
	bool is_exited, is_drained;
	int status;
	/* why it was killed, where that was our wish */
	int why_code;
	char *why;
};

/* All of them. */
struct dh_workers {
	struct dh_io *io;
	struct dh_workers_config config;
	char *path, *user;
	GPtrArray *all; /* struct dh_worker */
	struct dh_job_queue queue;
	GSource *pump;          /* everything that is decided, is decided in it */
	int failures;           /* workers in a row that could not be used */
	uint64_t failed_starts; /* of all */
	char *trouble;          /* why the last of them could not */
	int64_t trouble_us;     /* since when */
	int64_t tried_us;       /* when one was last started */
	int64_t given_us;       /* when a job was last given to one */
	uint64_t jobs, failed;
};

/* --- worker.c */

/* One of them, STARTING; what happens to it is told to workers.c. Negative errno, and
 * *error is set to a text. */
int dh_worker_start(struct dh_workers *workers, struct dh_worker **worker, char **error);
void dh_worker_free(struct dh_worker **worker);

/* Takes `job`, whose descriptors are there. Negative errno: this worker cannot
 * take it, nothing has changed. */
int dh_worker_give(struct dh_worker *worker, struct dh_job *job);
/* Kills it for `why` (taken over; NULL: nobody asks). */
void dh_worker_kill(struct dh_worker *worker, int code, char *why);

/* --- job.c */

/* Opens its descriptors; negative errno: it has failed, and is gone. */
int dh_job_open(struct dh_job *job);
/* A job that waits or whose worker is gone: `done` is called. */
void dh_job_finish(struct dh_job *job, int code, const char *text);

/* --- workers.c */

/* A worker said that it is ready, a job waits, or waits no more. */
void dh_workers_pump(struct dh_workers *workers);
/* Its process ended and its output has been read: frees it, ends its job. */
void dh_workers_ended(struct dh_worker *worker);

#endif
