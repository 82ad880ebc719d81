/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads that may wait for a disk, or for a file system that never answers.
 *
 * Tasks queue in lanes, one per kind of work and device, so that one file system never
 * delays another. A lane has up to DH_LANE_THREADS threads, started on demand. A task runs
 * in steps; of the waiting tasks, the one with the fewest steps so far goes next, so that a
 * small file need not wait for large ones.
 *
 * A task whose steps together exceed its time limit is late: it is over, and a thread stuck
 * in it is abandoned and replaced. A lane with DH_LANE_LOST abandoned threads takes no more
 * tasks until one of them returns. An abandoned thread may return after everything else is
 * gone, so a task must own all that its steps touch, and report through dh_loader_report
 * only.
 *
 * Any thread, unless noted.
 */
#ifndef DH_LOADER_H
#define DH_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include "io.h"
#include "opener.h"

#define DH_LANE_THREADS 2
#define DH_LANE_LOST    4
#define DH_LANES        64 /* at once */

enum dh_lane { DH_LANE_OPEN, DH_LANE_READ, DH_LANE_CACHE_READ, DH_LANE_CACHE_WRITE, DH_LANE_FREE };

struct dh_loader;

struct dh_loader_task {
	/* In a lane's thread. Returns whether there is more to do. */
	bool (*step)(void *arg);
	/* The task is late; no further step will run. Called once, in another thread while
	 * a step may still be running. */
	void (*late)(void *arg);
	/* The last call: no step is running or will run. */
	void (*release)(void *arg);
};

/* Reports go to `io`, which must outlive dh_loader_free. Takes a reference to `openers`. An
 * error if the watching thread cannot be started. */
int dh_loader_alloc(struct dh_loader **loader, struct dh_io *io, struct dh_openers *openers);
/* Borrowed. */
struct dh_openers *dh_loader_openers(struct dh_loader *loader);

/* Time limit for opening and examining a file. Set it before there are tasks. */
#define DH_OPEN_MS 3000
void dh_loader_set_open_ms(struct dh_loader *loader, int ms);
int dh_loader_open_ms(const struct dh_loader *loader);

/* Waits at most DH_LOADER_END_MS for tasks to end, then drops those that still wait,
 * abandons stuck threads and stops the openers. No report is made after it returns. Not from the I/O thread. */
void dh_loader_free(struct dh_loader **loader);
#define DH_LOADER_END_MS 1000

/* For those who may outlive dh_loader_free: from then on it takes no tasks and no reports. */
struct dh_loader *dh_loader_ref(struct dh_loader *loader);
void dh_loader_unref(struct dh_loader **loader); /* *loader may be NULL */

/* Runs `task` in the lane of `device` (0 for the cache and DH_LANE_FREE). `limit_ms` is for all its steps
 * together. -EHOSTDOWN: the lane has lost too many threads; -ENOBUFS: too many lanes, or
 * the loader is ending; or why no thread could be started. On error, nothing is called. */
int dh_loader_post(struct dh_loader *loader, enum dh_lane lane, uint64_t device, int limit_ms,
	const struct dh_loader_task *task, void *arg);

/* Whether the lane has lost so many threads that it takes no tasks. */
bool dh_loader_is_lost(struct dh_loader *loader, enum dh_lane lane, uint64_t device);

/* From within a task's functions: runs fn(arg) in the I/O thread. False: the loader is
 * gone, nothing runs. */
bool dh_loader_report(struct dh_loader *loader, dh_io_fn *fn, void *arg);

struct dh_loader_stats {
	int lanes, threads, waiting;
	int lost; /* abandoned threads that have not come back */
};
void dh_loader_stats(struct dh_loader *loader, struct dh_loader_stats *stats);

#endif
