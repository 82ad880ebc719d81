/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job_queue.h"

/* How many jobs may have their files open, or being opened, without a worker: in all, and
 * not counting those that are slow to open. */
#define OPENING_MAX       32
#define OPENING_QUICK_MAX 4

/* One per owner with waiting jobs. */
struct dh_job_turn {
	const void *owner;
	int jobs;
	uint64_t served; /* when it was last served, or joined */
};

void dh_job_queue_init(struct dh_job_queue *queue)
{
	g_queue_init(&queue->waiting);
	queue->live = 0;
	queue->served = 0;
	queue->turns = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
}

void dh_job_queue_clear(struct dh_job_queue *queue)
{
	g_clear_pointer(&queue->turns, g_hash_table_destroy);
}

void dh_job_queue_add(struct dh_job_queue *queue, struct dh_queued *job, const void *owner)
{
	struct dh_job_turn *turn = g_hash_table_lookup(queue->turns, owner);

	if (!turn) {
		turn = g_new0(struct dh_job_turn, 1);
		turn->owner = owner;
		turn->served = queue->served;
		g_hash_table_insert(queue->turns, (gpointer)owner, turn);
	}
	turn->jobs++;
	job->turn = turn;
	job->link = (GList){ .data = job };
	queue->live += job->is_live;
	g_queue_push_tail_link(&queue->waiting, &job->link);
}

void dh_job_queue_remove(struct dh_job_queue *queue, struct dh_queued *job)
{
	g_queue_unlink(&queue->waiting, &job->link);
	queue->live -= job->is_live;
	if (--job->turn->jobs == 0)
		g_hash_table_remove(queue->turns, job->turn->owner);
	job->turn = NULL;
}

/* Whether `a`, which joined later, goes first. */
static bool goes_before(const struct dh_queued *a, const struct dh_queued *b)
{
	if (a->is_next != b->is_next)
		return a->is_next;
	return a->turn->served < b->turn->served;
}

bool dh_job_queue_may_open(const struct dh_job_queue *queue, int64_t now_us)
{
	int all = 0, quick = 0;

	for (const GList *l = queue->waiting.head; l; l = l->next) {
		const struct dh_queued *job = l->data;
		if (job->is_live)
			continue; /* it opens no files */
		bool is_slow = job->is_opening && now_us - job->opening_us >= DH_OPENING_SLOW_MS * 1000;
		all += job->is_opening || job->is_ready;
		quick += (job->is_opening && !is_slow) || job->is_ready;
	}
	return quick < OPENING_QUICK_MAX && all < OPENING_MAX;
}

struct dh_queued *dh_job_queue_next(const struct dh_job_queue *queue, bool files, bool live)
{
	bool may_open = dh_job_queue_may_open(queue, g_get_monotonic_time());
	struct dh_queued *first = NULL;

	for (const GList *l = queue->waiting.head; l; l = l->next) {
		struct dh_queued *job = l->data;
		if (job->is_opening || !(job->is_live ? live : files) || (!job->is_live && !job->is_ready && !may_open))
			continue;
		if (!first || goes_before(job, first))
			first = job;
	}
	return first;
}

void dh_job_queue_serve(struct dh_job_queue *queue, struct dh_queued *job)
{
	job->turn->served = ++queue->served;
	dh_job_queue_remove(queue, job);
}

int dh_job_queue_length(const struct dh_job_queue *queue)
{
	return (int)queue->waiting.length;
}
