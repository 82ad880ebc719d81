/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job_queue.h"

/* How many jobs may have their files open, or being opened, without a worker: in all, and
 * not counting those that are slow to open. */
#define OPENING_MAX       32
#define OPENING_QUICK_MAX 4
/* Of the live places, so many are for any one owner, however few there are: for jobs that are next (what plays, what
 * follows and what interrupts both), and for others. */
#define SHARE_LEAST_NEXT 3
#define SHARE_LEAST      2
/* So few places are for whoever comes. */
#define PLACES_FEW 2

/* One per owner with jobs that wait, or are live and run. */
struct dh_job_turn {
	const void *owner;
	int waiting, running;
	int ahead;              /* of those that run, those that are not next */
	int begin, begin_ahead; /* see dh_job_queue_runnable_live */
	uint64_t served;        /* when it was last served, or joined */
};

void dh_job_queue_init(struct dh_job_queue *queue, int max_live)
{
	g_queue_init(&queue->waiting);
	queue->waiting_live = 0;
	queue->max_live = max_live;
	queue->ahead = 0;
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
		g_hash_table_insert(queue->turns, (gpointer)owner, turn);
	}
	if (turn->waiting++ == 0)
		turn->served = queue->served;
	job->turn = turn;
	job->is_running = false;
	job->link = (GList){ .data = job };
	queue->waiting_live += job->is_live;
	g_queue_push_tail_link(&queue->waiting, &job->link);
}

static void count_running(struct dh_job_queue *queue, const struct dh_queued *job, int more)
{
	job->turn->running += more;
	if (job->is_next)
		return;
	job->turn->ahead += more;
	queue->ahead += more;
}

static void stop_waiting(struct dh_job_queue *queue, struct dh_queued *job)
{
	g_queue_unlink(&queue->waiting, &job->link);
	queue->waiting_live -= job->is_live;
	job->turn->waiting--;
}

static void forget(struct dh_job_queue *queue, struct dh_queued *job)
{
	if (job->turn->waiting == 0 && job->turn->running == 0)
		g_hash_table_remove(queue->turns, job->turn->owner);
	job->turn = NULL;
}

void dh_job_queue_remove(struct dh_job_queue *queue, struct dh_queued *job)
{
	if (job->is_running)
		count_running(queue, job, -1);
	else
		stop_waiting(queue, job);
	job->is_running = false;
	forget(queue, job);
}

void dh_job_queue_set_next(struct dh_job_queue *queue, struct dh_queued *job)
{
	if (job->is_running && !job->is_next) {
		job->turn->ahead--;
		queue->ahead--;
	}
	job->is_next = true;
}

/* --- shares */

int dh_job_queue_share(const struct dh_job_queue *queue)
{
	return MAX(SHARE_LEAST_NEXT, queue->max_live / 2);
}

/* Whether a live job may run if so many of its owner run (`running`), of which `ahead` are not next, as
 * are `all_ahead` of all owners. */
static bool has_share(const struct dh_job_queue *queue, const struct dh_queued *job, int running, int ahead,
	int all_ahead)
{
	int half = queue->max_live / 2, quarter = queue->max_live / 4;
	int reserve = queue->max_live > PLACES_FEW ? MAX(1, quarter) : 0;

	if (job->is_next)
		return running - ahead < dh_job_queue_share(queue);
	return running < MAX(SHARE_LEAST, half) && ahead < MAX(SHARE_LEAST, quarter) &&
		all_ahead < queue->max_live - reserve;
}

bool dh_job_queue_has_share(const struct dh_job_queue *queue, const struct dh_queued *job)
{
	return has_share(queue, job, job->turn->running, job->turn->ahead, queue->ahead);
}

static int begin_all(const struct dh_job_queue *queue, bool is_next)
{
	int count = 0, ahead = 0;

	for (const GList *l = queue->waiting.head; l; l = l->next) {
		const struct dh_queued *job = l->data;
		struct dh_job_turn *turn = job->turn;
		if (!job->is_live || job->is_next != is_next ||
			!has_share(queue, job, turn->running + turn->begin, turn->ahead + turn->begin_ahead,
				queue->ahead + ahead))
			continue;
		turn->begin++;
		turn->begin_ahead += !is_next;
		ahead += !is_next;
		count++;
	}
	return count;
}

int dh_job_queue_runnable_live(const struct dh_job_queue *queue, int places)
{
	for (const GList *l = queue->waiting.head; l; l = l->next) {
		struct dh_job_turn *turn = ((const struct dh_queued *)l->data)->turn;
		turn->begin = turn->begin_ahead = 0;
	}
	int next = begin_all(queue, true), ahead = begin_all(queue, false);
	return MIN(next + ahead, places);
}

/* --- whose turn it is */

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
		if (job->is_opening || !(job->is_live ? live : files) ||
			(job->is_live ? !dh_job_queue_has_share(queue, job) : !job->is_ready && !may_open))
			continue;
		if (!first || goes_before(job, first))
			first = job;
	}
	return first;
}

void dh_job_queue_serve(struct dh_job_queue *queue, struct dh_queued *job)
{
	job->turn->served = ++queue->served;
	stop_waiting(queue, job);
	if (job->is_live) {
		job->is_running = true;
		count_running(queue, job, 1);
	} else {
		forget(queue, job);
	}
}

int dh_job_queue_length(const struct dh_job_queue *queue)
{
	return (int)queue->waiting.length;
}
