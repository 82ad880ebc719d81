/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs that wait for a worker, and whose turn it is.
 *
 * A job that is next goes before every one that is not. Otherwise owners take
 * turns: the one who was served longest ago goes first, where coming counts as
 * being served. The jobs of one owner keep their order.
 */
#ifndef DH_JOB_QUEUE_H
#define DH_JOB_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>

struct dh_job_turn;

/* Part of a job. */
struct dh_queued {
	bool is_live, is_next;    /* the job's; is_next may change while it waits */
	bool is_opening;          /* its files are being opened: it is nobody's turn */
	bool is_ready;            /* they are, or can be at once */
	int64_t opening_us;       /* when that began */
	struct dh_job_turn *turn; /* job_queue.c */
	GList link;
};

struct dh_job_queue {
	GQueue waiting;
	int live;          /* of these */
	GHashTable *turns; /* by owner */
	uint64_t served;
};

void dh_job_queue_init(struct dh_job_queue *queue);
/* Every job must have left it. */
void dh_job_queue_clear(struct dh_job_queue *queue);

void dh_job_queue_add(struct dh_job_queue *queue, struct dh_queued *job, const void *owner);
/* It waits no more: it was cancelled, or failed. */
void dh_job_queue_remove(struct dh_job_queue *queue, struct dh_queued *job);

/* Whose turn it is among the files' jobs, the live ones, or all; NULL: nobody's. */
struct dh_queued *dh_job_queue_next(const struct dh_job_queue *queue, bool files, bool live);
/* The next may be one whose files have still to be opened: a few are opened ahead,
 * and those that take long do not count, so that a file system that does not answer
 * holds up nobody. */
bool dh_job_queue_may_open(const struct dh_job_queue *queue, int64_t now_us);
#define DH_OPENING_SLOW_MS 100
/* It has a worker, and waits no more. */
void dh_job_queue_serve(struct dh_job_queue *queue, struct dh_queued *job);

int dh_job_queue_length(const struct dh_job_queue *queue);

#endif
