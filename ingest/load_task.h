/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tasks that read files for a preparation, in the loader's lanes. Each tells its
 * result once, in the I/O thread, while it has not been cancelled. It owns what
 * it reads and writes, and lives until its last step has returned.
 *
 * This is what the tasks of inspection.h, loading.h and open_files.h share.
 */
#ifndef DH_LOAD_TASK_H
#define DH_LOAD_TASK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "loader.h"

/* Opening a file, and looking at it, may take so long. */
#define DH_OPEN_MS 3000

struct dh_load_task;

struct dh_load_task_kind {
	/* Lane's thread: does a part of the work. Whether there is more to do here; else
	 * dh_load_task_end or dh_load_task_go was called. */
	bool (*step)(struct dh_load_task *task);
	/* I/O thread; the result. `text`: why, where it says more than `err`; NULL where not. */
	void (*tell)(struct dh_load_task *task, int err, const char *text);
	/* Any thread. Frees it, with what it owns. */
	void (*free)(struct dh_load_task *task);
};

/* The first member of each kind's own struct. */
struct dh_load_task {
	const struct dh_load_task_kind *kind;
	struct dh_loader *loader;
	atomic_int refs;
	atomic_bool is_cancelled;
	void *arg;                  /* I/O thread: whose it is; NULL: it was told, or cancelled */
	const char *_Atomic option; /* that limits its time; NULL: none, it is opening a file */
	/* the lane's thread */
	bool goes_on; /* in another lane: */
	enum dh_lane lane;
	uint64_t device;
	int limit_ms;
};

/* I/O thread. With one reference, for who waits (until it is told or cancelled). */
void dh_load_task_init(struct dh_load_task *task, const struct dh_load_task_kind *kind, struct dh_loader *loader,
	void *arg);
/* I/O thread. Runs it in that lane; what stands in the way is told as a result. */
void dh_load_task_start(struct dh_load_task *task, enum dh_lane lane, uint64_t device, int limit_ms);
/* I/O thread. Nothing more is told. */
void dh_load_task_cancel(struct dh_load_task **task);

/* --- from within `step` */

/* The next step is to be in that lane. Returns false, for `step` to return. */
bool dh_load_task_go(struct dh_load_task *task, enum dh_lane lane, uint64_t device, int limit_ms);
/* The result (`text` is copied). Returns false. */
bool dh_load_task_end(struct dh_load_task *task, int err, const char *text);
bool dh_load_task_is_cancelled(struct dh_load_task *task);

/* A report in between: runs fn(report) in the I/O thread. False: it cannot. */
bool dh_load_task_report(struct dh_load_task *task, dh_io_fn *fn, void *report);
struct dh_load_task *dh_load_task_ref(struct dh_load_task *task);
void dh_load_task_unref(struct dh_load_task *task);

#endif
