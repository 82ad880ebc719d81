/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Live jobs that are next and find no place. */
#include "worker_private.h"

static bool is_for_log(struct dh_workers *workers, bool is_share)
{
	int64_t now_us = g_get_monotonic_time(), *logged_us = &workers->wait_logged_us[is_share];

	if (*logged_us > 0 && now_us - *logged_us < workers->config.wait_log_ms * INT64_C(1000))
		return false;
	*logged_us = now_us;
	return true;
}

/* Whether it waits for a place, rather than for a worker that is being made or for what it is made of. */
static bool has_no_place(const struct dh_workers *workers, const struct dh_queued *job, int places,
	struct dh_live_wait *wait)
{
	if (!job->is_live || !job->is_next || job->is_opening)
		return false;
	wait->is_share = !dh_job_queue_has_share(&workers->queue, job);
	wait->limit = wait->is_share ? dh_job_queue_share(&workers->queue) : workers->config.max_live;
	return wait->is_share || places == 0;
}

/* Live ones that have been killed, and hold their places until they have exited, when all is looked at again. */
static int count_leaving(const struct dh_workers *workers)
{
	int n = 0;

	for (guint i = 0; i < workers->all->len; i++) {
		const struct dh_worker *worker = workers->all->pdata[i];
		n += worker->state == DH_WORKER_BUSY && worker->is_live && !worker->job && !worker->is_exited;
	}
	return n;
}

void dh_workers_tell_waiting(struct dh_workers *workers, int places)
{
	places += count_leaving(workers);
	for (const GList *l = workers->queue.waiting.head; l; l = l->next) {
		struct dh_job *job = dh_job_of(l->data);
		struct dh_live_wait wait;
		if (!job->listener.no_place || job->has_no_place || !has_no_place(workers, &job->queued, places, &wait))
			continue;
		job->has_no_place = true;
		wait.is_for_log = is_for_log(workers, wait.is_share);
		job->listener.no_place(job->arg, &wait);
	}
}
