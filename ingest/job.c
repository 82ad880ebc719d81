/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker_private.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "close_later.h"
#include "prepare/job.h"

struct dh_job *dh_job_of(struct dh_queued *queued)
{
	return (struct dh_job *)((char *)queued - offsetof(struct dh_job, queued));
}

void dh_job_close_fds(struct dh_job *job)
{
	for (int i = 0; i < job->count; i++)
		dh_close_later(job->workers->config.loader, NULL, job->fds[i]);
	job->count = 0;
}

static void job_free(struct dh_job **job)
{
	dh_job_close_fds(*job);
	g_free((*job)->json);
	g_free(*job);
	*job = NULL;
}

int dh_job_start(struct dh_workers *workers, const struct dh_job_spec *spec, const struct dh_job_listener *listener,
	void *arg, struct dh_job **job)
{
	struct dh_job *new;

	if (strlen(spec->json) > DH_JOB_MAX)
		return -E2BIG;
	if (dh_job_queue_length(&workers->queue) >= workers->config.max_waiting)
		return -ENOBUFS;
	new = g_new0(struct dh_job, 1);
	new->workers = workers;
	new->listener = *listener;
	new->arg = arg;
	new->silence_ms = spec->silence_ms;
	new->failed_starts = workers->failed_starts;
	new->json = g_strdup(spec->json);
	new->queued.is_live = spec->is_live;
	new->queued.is_next = spec->is_next;
	dh_job_queue_add(&workers->queue, &new->queued, spec->owner);
	workers->jobs++;
	dh_workers_pump(workers);
	*job = new;
	return 0;
}

void dh_job_ready(struct dh_job *job)
{
	job->queued.is_opening = false;
	job->queued.is_ready = true;
	dh_workers_pump(job->workers);
}

void dh_job_set_next(struct dh_job *job)
{
	dh_job_queue_set_next(&job->workers->queue, &job->queued);
	dh_workers_pump(job->workers);
}

int dh_job_open(struct dh_job *job)
{
	char *error = NULL;
	int count;

	if (job->is_open)
		return 0;
	count = job->listener.open(job->arg, job->fds, &error);
	if (count == -EINPROGRESS) {
		job->queued.is_opening = true;
		job->queued.opening_us = g_get_monotonic_time();
		return 0;
	}
	if (count < 0) {
		dh_job_finish(job, DH_PREPARE_INPUT, error ? error : g_strerror(-count));
		g_free(error);
		return count;
	}
	job->count = count;
	job->is_open = true;
	return 0;
}

void dh_job_finish(struct dh_job *job, int code, const char *text)
{
	struct dh_job_listener listener = job->listener;
	void *arg = job->arg;

	if (job->queued.turn)
		dh_job_queue_remove(&job->workers->queue, &job->queued);
	if (code != DH_PREPARE_OK)
		job->workers->failed++;
	job_free(&job);
	listener.done(arg, code, text);
}

void dh_job_hold(struct dh_job *job, bool is_held)
{
	job->is_held = is_held;
	if (job->worker)
		dh_worker_hold(job->worker, is_held);
}

void dh_job_cancel(struct dh_job **job)
{
	struct dh_job *old = *job;
	struct dh_worker *worker;

	*job = NULL;
	if (!old)
		return;
	old->is_cancelled = true;
	if (old->is_in_data)
		return;
	worker = old->worker;
	if (old->queued.turn)
		dh_job_queue_remove(&old->workers->queue, &old->queued);
	if (worker) {
		worker->job = NULL;
		if (worker->is_exited)
			dh_workers_ended(worker);
		else
			dh_worker_kill(worker, DH_PREPARE_OK, NULL);
	}
	job_free(&old);
}
