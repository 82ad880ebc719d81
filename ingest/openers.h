/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dh-open processes (ingest/dh_open.c) that openers share (opener.h). Idle ones are kept
 * for whoever comes next. Refcounted; any thread.
 */
#ifndef DH_OPENERS_H
#define DH_OPENERS_H

#include <stdbool.h>
#include <sys/types.h>

/* Kept while nobody uses them. */
#define DH_OPENERS_IDLE 4

struct dh_openers;

/* `program` is dh-open: a path, or a name that is looked up in PATH. Starts nothing yet. */
struct dh_openers *dh_openers_new(const char *program);
struct dh_openers *dh_openers_ref(struct dh_openers *openers);
void dh_openers_unref(struct dh_openers **openers); /* *openers may be NULL */

/* Closes an envelope without waiting; only if no process can be started, by itself. */
void dh_openers_close(struct dh_openers *openers, int envelope);

/* Kills idle processes and waits for their end, though only briefly for those that wait for
 * a file system. From now on none is kept. */
void dh_openers_stop(struct dh_openers *openers);

/* --- one process, for an opener's own use */

struct dh_opener_process {
	pid_t pid;
	int pidfd, socket;
};

/* NULL, with a line in the log, if none can be started. */
struct dh_opener_process *dh_openers_get(struct dh_openers *openers);
/* Back from use. `is_over`: it must not be used again; kills it and waits for its end. */
void dh_openers_put(struct dh_openers *openers, struct dh_opener_process *process, bool is_over);
void dh_opener_process_kill(struct dh_opener_process *process);

#endif
