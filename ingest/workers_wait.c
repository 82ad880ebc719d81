/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Live jobs that are next and find no place. */
#include "worker_private.h"

#include "log.h"

#define LOG_EVERY_US (60 * G_USEC_PER_SEC)

static void log_wait(struct dh_workers *workers, const struct dh_live_wait *wait)
{
	int64_t now_us = g_get_monotonic_time();

	if (workers->wait_logged_us > 0 && now_us - workers->wait_logged_us < LOG_EVERY_US)
		return;
	workers->wait_logged_us = now_us;
	if (wait->is_share)
		dh_log(DH_LOG_WARNING,
			"a segment that is next waits for a worker: its room has its share (%d) of max_live (%d)",
			wait->limit, workers->config.max_live);
	else
		dh_log(DH_LOG_WARNING,
			"a segment that is next waits for a worker: as many as max_live allows (%d) are being encoded",
			wait->limit);
}

/* Whether it waits for a place, rather than for a worker that is being made or for what it is made of. */
static bool has_no_place(const struct dh_workers *workers, const struct dh_queued *job, int places,
	struct dh_live_wait *wait)
{
	if (!job->is_live || !job->is_next || job->is_opening)
		return false;
	wait->is_share = places > 0;
	wait->limit = wait->is_share ? dh_job_queue_share(&workers->queue) : workers->config.max_live;
	return places == 0 || !dh_job_queue_has_share(&workers->queue, job);
}

void dh_workers_tell_waiting(struct dh_workers *workers, int places)
{
	for (const GList *l = workers->queue.waiting.head; l; l = l->next) {
		struct dh_job *job = dh_job_of(l->data);
		struct dh_live_wait wait;
		if (!job->listener.no_place || job->has_no_place || !has_no_place(workers, &job->queued, places, &wait))
			continue;
		job->has_no_place = true;
		log_wait(workers, &wait);
		job->listener.no_place(job->arg, &wait);
	}
}
