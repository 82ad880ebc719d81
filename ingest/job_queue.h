/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs waiting for a worker, and whose turn it is. I/O thread.
 *
 * Jobs marked as next go before all others. Otherwise owners take turns: the one served
 * longest ago goes first, and joining counts as being served. Jobs of one owner keep their
 * order.
 *
 * A live job keeps its worker until its segment has been played. So of three places or more for
 * those a quarter (but one in any case) is for jobs that are next. One owner gets at most half of
 * all for jobs that are next (but three in any case: what plays, what follows, what interrupts),
 * whatever else it has; and a quarter for jobs that are not, as long as it has less than half in
 * all (but two in any case). What plays or is next in one room waits for nothing that waits in
 * another, nor for what comes later in its own.
 */
#ifndef DH_JOB_QUEUE_H
#define DH_JOB_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>

struct dh_job_turn;

/* Embedded in a job. */
struct dh_queued {
	bool is_live, is_next;    /* see dh_job_queue_set_next */
	bool is_running;          /* a live one with a worker */
	bool is_opening;          /* its files are being opened: not its turn yet */
	bool is_ready;            /* they are open, or can be opened at once */
	int64_t opening_us;       /* when opening began */
	struct dh_job_turn *turn; /* private to job_queue.c */
	GList link;
};

struct dh_job_queue {
	GQueue waiting;
	int waiting_live;  /* live ones among them */
	int max_live;      /* places for them */
	int ahead;         /* running live ones that are not next */
	GHashTable *turns; /* by owner */
	uint64_t served;
};

void dh_job_queue_init(struct dh_job_queue *queue, int max_live);
/* The queue must be empty. */
void dh_job_queue_clear(struct dh_job_queue *queue);

void dh_job_queue_add(struct dh_job_queue *queue, struct dh_queued *job, const void *owner);
/* For a job that was cancelled, has failed, or has ended. */
void dh_job_queue_remove(struct dh_job_queue *queue, struct dh_queued *job);

/* Whose turn it is among jobs of files (`files`), live jobs (`live`) or both; NULL: nobody's. */
struct dh_queued *dh_job_queue_next(const struct dh_job_queue *queue, bool files, bool live);
/* Whether another job may open its files. A few are opened ahead of time; those that take
 * longer than DH_OPENING_SLOW_MS count only against a larger limit, so that a file system
 * that does not answer holds up nobody else. */
bool dh_job_queue_may_open(const struct dh_job_queue *queue, int64_t now_us);
#define DH_OPENING_SLOW_MS 100
/* For a job that has got a worker: it waits no more. A live one is counted until it is removed. */
void dh_job_queue_serve(struct dh_job_queue *queue, struct dh_queued *job);
/* Waiting or running. */
void dh_job_queue_set_next(struct dh_job_queue *queue, struct dh_queued *job);

/* How many live jobs that are next may run of one owner. */
int dh_job_queue_share(const struct dh_job_queue *queue);
/* Whether a live job that waits may run, as far as its owner's share goes. */
bool dh_job_queue_has_share(const struct dh_job_queue *queue, const struct dh_queued *job);
/* How many of the live jobs that wait could run in `places`. */
int dh_job_queue_runnable_live(const struct dh_job_queue *queue, int places);

int dh_job_queue_length(const struct dh_job_queue *queue);

#endif
