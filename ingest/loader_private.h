/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What loader.c and loader_watch.c share. */
#ifndef DH_LOADER_PRIVATE_H
#define DH_LOADER_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <glib.h>

#include "loader.h"

struct dh_loader_lane {
	enum dh_lane kind;
	uint64_t device;
	GQueue waiting; /* struct dh_loader_job, fewest steps first */
	int threads;    /* working for it */
	int lost;
};

struct dh_loader_job {
	struct dh_loader_task does;
	void *arg;
	int64_t left_us; /* of its time limit */
	unsigned steps;
	bool is_told; /* that it is late; `late` has been called */
};

/* A thread, working or lost. */
struct dh_loader_thread {
	struct dh_loader *loader; /* a reference */
	struct dh_loader_lane *lane;
	struct dh_loader_job *task; /* whose step it runs, or NULL */
	int64_t late_us;            /* when that step becomes late */
	bool is_lost;
};

/* Everything but `refs` is protected by lock. */
struct dh_loader {
	atomic_int refs;
	pthread_mutex_t lock;
	pthread_cond_t change;      /* wakes the watch, lost threads and dh_loader_free */
	struct dh_io *io;           /* NULL once dh_loader_free has been called */
	struct dh_openers *openers; /* a reference; immutable */
	int open_ms;                /* immutable once there are tasks */
	pthread_t watch;
	bool is_stopped;
	GPtrArray *lanes, *runners;
	GArray *ended; /* of pthread_t: threads that have left and are still to be joined */
};

/* --- loader.c */

/* With the lock held. Whether the lane may have one more thread. */
bool dh_loader_may_start(const struct dh_loader_lane *lane);
/* With the lock held. 0, or why there is no thread. */
int dh_loader_start_thread(struct dh_loader *loader, struct dh_loader_lane *lane);
/* With the lock held: puts everything that waits in the lane into `waiting`. */
void dh_loader_empty(struct dh_loader_lane *lane, GPtrArray *waiting);
/* With the lock held. Until something changes, or that time has come (0: none). */
void dh_loader_wait_until(struct dh_loader *loader, int64_t us);
/* Without the lock, by a thread that has exclusive use of the job: ends one that is late. */
void dh_loader_give_up(struct dh_loader_job *job);

/* --- loader_watch.c */

/* The watch's thread, of a struct dh_loader. Until that is stopped. */
void *dh_loader_watch(void *arg);

#endif
