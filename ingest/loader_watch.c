/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The loader's watch: looks for late steps. */
#include "loader_private.h"

/* What to report once the lock is released. */
struct late {
	GPtrArray *running; /* struct dh_loader_job: in lost threads, which wait for the report */
	GPtrArray *waiting; /* the same: from lanes without threads */
};

/* With the lock held. */
static void lose(struct dh_loader *loader, struct dh_loader_thread *runner, struct late *late)
{
	struct dh_loader_lane *lane = runner->lane;

	runner->is_lost = true;
	lane->threads--;
	lane->lost++;
	g_ptr_array_add(late->running, runner->task);
	if (!g_queue_is_empty(&lane->waiting) && dh_loader_may_start(lane))
		dh_loader_start_thread(loader, lane);
	if (lane->threads == 0)
		dh_loader_empty(lane, late->waiting);
}

/* With the lock held. Returns when the next step becomes late; 0: none is running. */
static int64_t lose_late(struct dh_loader *loader, struct late *late)
{
	int64_t next_us = 0;

	for (guint i = 0; i < loader->runners->len; i++) {
		struct dh_loader_thread *runner = loader->runners->pdata[i];
		if (runner->is_lost || !runner->task)
			continue;
		if (runner->late_us <= g_get_monotonic_time())
			lose(loader, runner, late);
		else if (!next_us || runner->late_us < next_us)
			next_us = runner->late_us;
	}
	return next_us;
}

/* With the lock held, but released while `late` is called. */
static void tell(struct dh_loader *loader, struct late *late)
{
	pthread_mutex_unlock(&loader->lock);
	for (guint i = 0; i < late->running->len; i++) {
		struct dh_loader_job *task = late->running->pdata[i];
		task->does.late(task->arg);
	}
	for (guint i = 0; i < late->waiting->len; i++)
		dh_loader_give_up(late->waiting->pdata[i]);
	pthread_mutex_lock(&loader->lock);
	for (guint i = 0; i < late->running->len; i++)
		((struct dh_loader_job *)late->running->pdata[i])->is_told = true;
	pthread_cond_broadcast(&loader->change);
	g_ptr_array_set_size(late->running, 0);
	g_ptr_array_set_size(late->waiting, 0);
}

void *dh_loader_watch(void *arg)
{
	struct late late = { g_ptr_array_new(), g_ptr_array_new() };
	struct dh_loader *loader = arg;

	pthread_mutex_lock(&loader->lock);
	while (!loader->is_stopped) {
		int64_t next_us = lose_late(loader, &late);
		if (late.running->len > 0)
			tell(loader, &late);
		else
			dh_loader_wait_until(loader, next_us);
	}
	pthread_mutex_unlock(&loader->lock);
	g_ptr_array_unref(late.running);
	g_ptr_array_unref(late.waiting);
	return NULL;
}
