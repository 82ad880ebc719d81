/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads that may wait for a disk, or for a file system that never answers.
 *
 * Tasks stand in lanes: what waits for one file system never waits for another.
 * A lane has DH_LANE_THREADS threads, started as there are tasks. A task runs in
 * steps; of those that wait, the one that has had the fewest steps goes next, so
 * that a small file does not wait for large ones.
 *
 * A task whose steps take longer than its limit, all together, is late: it is
 * over, and a thread that it does not give back is abandoned and replaced. A lane
 * that has abandoned DH_LANE_LOST of them takes no more tasks until one returns.
 * Such a thread may return when everything else is gone; so a task owns all that
 * its steps touch, and reports by dh_loader_report alone.
 *
 * Every function may be called from any thread.
 */
#ifndef DH_LOADER_H
#define DH_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include "io.h"

#define DH_LANE_THREADS 2
#define DH_LANE_LOST    4
#define DH_LANES        64 /* at once */

enum dh_lane { DH_LANE_OPEN, DH_LANE_READ, DH_LANE_CACHE_READ, DH_LANE_CACHE_WRITE };

struct dh_loader;

struct dh_loader_task {
	/* In a thread of the lane. Whether there is more to do. */
	bool (*step)(void *arg);
	/* Once, in another thread, while a step may still run: it is late, and there
	 * will be no further step. */
	void (*late)(void *arg);
	/* The last call: no step runs, and none will. */
	void (*release)(void *arg);
};

/* Reports go to `io`, which must outlive dh_loader_free. -ENOMEM, or why a thread
 * could not be started. */
int dh_loader_alloc(struct dh_loader **loader, struct dh_io *io);

/* Lets every task end, for DH_LOADER_END_MS at most, and abandons the threads that
 * are then left. No report is made after it returns. Not from the I/O thread. */
void dh_loader_free(struct dh_loader **loader);
#define DH_LOADER_END_MS 1000

/* Runs `task` in the lane of `device` (0 for the cache). `limit_ms`: of all its
 * steps together. -EHOSTDOWN: the lane has lost too many threads; -ENOBUFS: there
 * are too many lanes; or why no thread could be started. Then nothing is called. */
int dh_loader_post(struct dh_loader *loader, enum dh_lane lane, uint64_t device, int limit_ms,
	const struct dh_loader_task *task, void *arg);

/* Whether the lane has lost so many threads that it takes no task. */
bool dh_loader_is_lost(struct dh_loader *loader, enum dh_lane lane, uint64_t device);

/* From within the functions of a task: runs fn(arg) in the I/O thread. False: the
 * loader is gone, nothing is run. */
bool dh_loader_report(struct dh_loader *loader, dh_io_fn *fn, void *arg);

struct dh_loader_stats {
	int lanes, threads, waiting;
	int lost; /* threads that have been abandoned and are not back */
};
void dh_loader_stats(struct dh_loader *loader, struct dh_loader_stats *stats);

#endif
