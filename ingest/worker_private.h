/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by worker.c (one process), job.c, workers.c (all processes), workers_wait.c and worker_version.c. */
#ifndef DH_WORKER_PRIVATE_H
#define DH_WORKER_PRIVATE_H

#include "child.h"
#include "job_queue.h"
#include "worker.h"
#include "worker_server.h"

struct dh_job {
	struct dh_workers *workers;
	struct dh_job_listener listener;
	void *arg;
	struct dh_queued queued;
	char *json;
	bool is_open; /* has its descriptors */
	int fds[DH_JOB_FDS], count;
	int silence_ms;
	uint64_t failed_starts;   /* the workers' failed_starts when it was queued */
	bool has_no_place;        /* its listener knows */
	bool is_held;             /* see dh_job_hold */
	bool is_in_data;          /* its listener's `data` is running */
	bool is_cancelled;        /* from within `data` */
	struct dh_worker *worker; /* NULL while waiting */
};

enum dh_worker_state {
	DH_WORKER_ASKED, /* for, of the server */
	DH_WORKER_READY, /* waiting for a job */
	DH_WORKER_BUSY,
};

struct dh_worker {
	struct dh_workers *workers;
	enum dh_worker_state state;
	struct dh_child *child;
	int control, output; /* our ends */
	GSource *control_source, *output_source, *timer;
	int64_t ready_us;   /* since when */
	struct dh_job *job; /* if BUSY, until cancelled */
	bool is_live;       /* if BUSY: the job is or was live */
	bool is_exited, is_drained;
	int64_t used_us; /* of processor time, when it was late; -1: it was not */
	int status;
	/* why we killed it, if we did */
	int why_code;
	char *why;
};

struct dh_workers {
	struct dh_io *io;
	struct dh_workers_config config;
	char *path, *user;
	struct dh_worker_server *server; /* NULL: not started, or it has ended */
	GPtrArray *all;                  /* struct dh_worker */
	struct dh_job_queue queue;
	GSource *pump;             /* all decisions are made in its callback */
	int failures;              /* consecutive workers or servers that were unusable */
	uint64_t failed_starts;    /* total */
	char *trouble;             /* why the last one was unusable */
	int64_t trouble_us;        /* since when */
	int64_t failed_us;         /* when the last one was */
	int64_t wait_logged_us[2]; /* when a wait was last for the log, by whether it was for a share; 0: never */
	uint64_t jobs, failed;
};

/* --- worker.c */

/* The command line of a dh-prepare that is confined: for `action`, an option. g_strfreev it. */
char **dh_worker_arguments(const struct dh_workers_config *config, const char *action);

/* Asks the server for one. It reports to workers.c. Negative errno: it could not be asked. */
int dh_worker_ask(struct dh_workers *workers, struct dh_worker **worker);
/* The server's answer: the worker is ready, or *error says why not (g_free it). */
int dh_worker_forked(struct dh_worker *worker, pid_t pid, char **error);
void dh_worker_free(struct dh_worker **worker);

/* Gives it `job`, whose descriptors are open. Negative errno: this worker cannot take it,
 * nothing has changed. */
int dh_worker_give(struct dh_worker *worker, struct dh_job *job);
/* Its job is held, or not any more. */
void dh_worker_hold(struct dh_worker *worker, bool is_held);
/* Kills it. Takes ownership of `why`, which may be NULL if nobody asks. */
void dh_worker_kill(struct dh_worker *worker, int code, char *why);

/* --- job.c */

/* The job that is queued as this. */
struct dh_job *dh_job_of(struct dh_queued *queued);
/* Opens its descriptors, or begins to (is_opening). Negative errno: it has failed and been freed. */
int dh_job_open(struct dh_job *job);
/* Closes its descriptors without waiting. */
void dh_job_close_fds(struct dh_job *job);
/* For a job that waits or has lost its worker: frees it and calls `done`. */
void dh_job_finish(struct dh_job *job, int code, const char *text);

/* --- workers.c */

/* Call when a worker is ready, a job was queued, or one has its files. */
void dh_workers_pump(struct dh_workers *workers);
/* Its process has ended and its output is read: frees it and ends its job. */
void dh_workers_ended(struct dh_worker *worker);

/* --- workers_wait.c */

/* Tells live jobs that are next and still wait, with so many places left for them, that they have none. */
void dh_workers_tell_waiting(struct dh_workers *workers, int places);

#endif
