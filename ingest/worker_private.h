/* What worker.c (one process) and workers.c (all of them, and their jobs) share. */
#ifndef DH_WORKER_PRIVATE_H
#define DH_WORKER_PRIVATE_H

#include "child.h"
#include "worker.h"

struct dh_job {
	struct dh_workers *workers;
	struct dh_job_listener listener;
	void *arg;
	char *json;
	int fds[DH_JOB_FDS], count;
	int silence_ms;
	uint64_t failed_starts; /* there had been, when it came */
	int is_in_data;         /* its listener's `data` runs */
	int is_cancelled;       /* from within `data` */
	struct dh_worker *worker; /* NULL while it waits */
};

void dh_job_free(struct dh_job *job);

enum dh_worker_state {
	DH_WORKER_STARTING,
	DH_WORKER_READY,  /* waits for a job */
	DH_WORKER_BUSY,
};

struct dh_worker {
	struct dh_workers *workers;
	enum dh_worker_state state;
	struct dh_child *child;
	int control, output;    /* our ends */
	GSource *control_source, *output_source, *timer;
	struct dh_job *job;     /* BUSY, until it is cancelled */
	int is_exited, is_drained;
	int status;
	/* why it was killed, where that was our wish */
	int why_code;
	char *why;
};

/* One of them, STARTING; what happens to it is told to workers.c. Negative errno, and
 * *error is set to a text. */
int dh_worker_start(struct dh_workers *workers, struct dh_worker **worker, char **error);
void dh_worker_free(struct dh_worker *worker);

/* Takes `job`; not 0: this worker cannot take it, nothing has changed. */
int dh_worker_give(struct dh_worker *worker, struct dh_job *job);
/* Kills it for `why` (taken over; NULL: nobody asks). */
void dh_worker_kill(struct dh_worker *worker, int code, char *why);

/* --- workers.c */

struct dh_io *dh_workers_io(struct dh_workers *workers);
const struct dh_workers_config *dh_workers_config(struct dh_workers *workers);

/* It said that it is ready. */
void dh_workers_ready(struct dh_worker *worker);
/* Its process ended and its output has been read: frees it, ends its job. */
void dh_workers_ended(struct dh_worker *worker);

#endif
