/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tasks that read files for a preparation in the loader's lanes. Each reports one result in
 * the I/O thread, unless it is cancelled first. A task owns everything it reads and writes,
 * and lives until its last step has returned.
 *
 * The tasks of inspection.h, loading.h and open_files.h build on this.
 */
#ifndef DH_LOAD_TASK_H
#define DH_LOAD_TASK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "loader.h"

struct dh_load_task;

struct dh_load_task_kind {
	/* Lane's thread: does part of the work. True: call again. False: it has called
	 * dh_load_task_end or dh_load_task_go, or was cancelled. */
	bool (*step)(struct dh_load_task *task);
	/* I/O thread: the result. `text` says more than `err`, or is NULL. */
	void (*tell)(struct dh_load_task *task, int err, const char *text);
	/* Any thread. Frees it and what it owns. */
	void (*free)(struct dh_load_task *task);
};

/* First member of each kind's struct. */
struct dh_load_task {
	const struct dh_load_task_kind *kind;
	struct dh_loader *loader; /* a reference */
	struct dh_opener opener;  /* for `step`, which uses no other way to touch a media file */
	atomic_int refs;
	atomic_bool is_cancelled;
	void *arg;                  /* I/O thread: its owner; NULL once done or cancelled */
	const char *_Atomic option; /* the option that sets its time limit; NULL: it is opening a file */
	/* the lane's thread */
	bool goes_on; /* continues in another lane, given below */
	enum dh_lane lane;
	uint64_t device;
	atomic_int limit_ms; /* the watch thread reads it, too */
};

/* I/O thread. One reference, dropped when the result is in or the task is cancelled. */
void dh_load_task_init(struct dh_load_task *task, const struct dh_load_task_kind *kind, struct dh_loader *loader,
	void *arg);
/* I/O thread. Runs it in that lane. If that is impossible, the result says why. */
void dh_load_task_start(struct dh_load_task *task, enum dh_lane lane, uint64_t device, int limit_ms);
/* I/O thread. No result is reported any more. *task may be NULL. */
void dh_load_task_cancel(struct dh_load_task **task);

/* --- from within `step` */

/* The next step runs in that lane. Always returns false, for `step` to return. */
bool dh_load_task_go(struct dh_load_task *task, enum dh_lane lane, uint64_t device, int limit_ms);
/* Reports the result; `text` is copied. Always returns false. */
bool dh_load_task_end(struct dh_load_task *task, int err, const char *text);
bool dh_load_task_is_cancelled(struct dh_load_task *task);

/* Reports progress: runs fn(report) in the I/O thread. False: not possible, nothing runs. */
bool dh_load_task_report(struct dh_load_task *task, dh_io_fn *fn, void *report);
struct dh_load_task *dh_load_task_ref(struct dh_load_task *task);
void dh_load_task_unref(struct dh_load_task **task);

#endif
