/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loader_private.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

static void unref(struct dh_loader *loader)
{
	if (atomic_fetch_sub(&loader->refs, 1) != 1)
		return;
	pthread_cond_destroy(&loader->change);
	pthread_mutex_destroy(&loader->lock);
	g_ptr_array_unref(loader->runners);
	g_array_unref(loader->ended);
	g_ptr_array_unref(loader->lanes);
	dh_openers_unref(&loader->openers);
	g_free(loader);
}

/* --- lanes; with the lock held */

static struct dh_loader_lane *find_lane(struct dh_loader *loader, enum dh_lane kind, uint64_t device)
{
	for (guint i = 0; i < loader->lanes->len; i++) {
		struct dh_loader_lane *lane = loader->lanes->pdata[i];
		if (lane->kind == kind && lane->device == device)
			return lane;
	}
	return NULL;
}

static struct dh_loader_lane *make_lane(struct dh_loader *loader, enum dh_lane kind, uint64_t device)
{
	struct dh_loader_lane *lane = find_lane(loader, kind, device);

	if (lane || loader->lanes->len >= DH_LANES)
		return lane;
	lane = g_new0(struct dh_loader_lane, 1);
	lane->kind = kind;
	lane->device = device;
	g_queue_init(&lane->waiting);
	g_ptr_array_add(loader->lanes, lane);
	return lane;
}

static void drop_lane(struct dh_loader *loader, struct dh_loader_lane *lane)
{
	if (lane->threads + lane->lost > 0 || !g_queue_is_empty(&lane->waiting))
		return;
	g_ptr_array_remove_fast(loader->lanes, lane);
	g_free(lane);
}

bool dh_loader_may_start(const struct dh_loader_lane *lane)
{
	return lane->threads < DH_LANE_THREADS && lane->threads + lane->lost < DH_LANE_LOST;
}

static bool is_lost(const struct dh_loader_lane *lane)
{
	return lane->lost >= DH_LANE_LOST;
}

/* Goes behind tasks with as many steps. */
static void insert(struct dh_loader_lane *lane, struct dh_loader_job *task)
{
	GList *at = lane->waiting.tail;

	while (at && ((struct dh_loader_job *)at->data)->steps > task->steps)
		at = at->prev;
	g_queue_insert_after(&lane->waiting, at, task);
}

/* --- threads */

static void release(struct dh_loader_job *task)
{
	task->does.release(task->arg);
	g_free(task);
}

void dh_loader_give_up(struct dh_loader_job *task)
{
	if (!task->is_told)
		task->does.late(task->arg);
	release(task);
}

/* With the lock held, but released while the step runs. Returns whether there is more to do. */
static bool run_step(struct dh_loader_thread *runner, struct dh_loader_job *task)
{
	struct dh_loader *loader = runner->loader;
	int64_t began_us = g_get_monotonic_time();
	bool is_more;

	runner->task = task;
	runner->late_us = began_us + task->left_us;
	pthread_cond_broadcast(&loader->change);
	pthread_mutex_unlock(&loader->lock);
	is_more = task->does.step(task->arg);
	pthread_mutex_lock(&loader->lock);
	runner->task = NULL;
	task->left_us -= g_get_monotonic_time() - began_us;
	task->steps++;
	while (runner->is_lost && !task->is_told)
		pthread_cond_wait(&loader->change, &loader->lock);
	return is_more;
}

/* With the lock held. */
static void work(struct dh_loader_thread *runner, struct dh_loader_job *task)
{
	struct dh_loader *loader = runner->loader;
	bool is_more = run_step(runner, task);

	if (is_more && !runner->is_lost && !loader->is_stopped && task->left_us > 0) {
		insert(runner->lane, task);
		return;
	}
	pthread_mutex_unlock(&loader->lock);
	if (is_more)
		dh_loader_give_up(task);
	else
		release(task);
	pthread_mutex_lock(&loader->lock);
}

/* With the lock held. They have left, and wait for nothing but a processor, for which the I/O thread does not wait. */
static void join_ended(struct dh_loader *loader, bool may_wait)
{
	for (guint i = loader->ended->len; i-- > 0;) {
		pthread_t thread = g_array_index(loader->ended, pthread_t, i);
		int err = may_wait ? pthread_join(thread, NULL) : pthread_tryjoin_np(thread, NULL);
		if (err != EBUSY)
			g_array_remove_index_fast(loader->ended, i);
	}
}

/* With the lock held. */
static void leave(struct dh_loader_thread *runner)
{
	struct dh_loader *loader = runner->loader;
	pthread_t self = pthread_self();

	if (runner->is_lost || loader->is_stopped)
		pthread_detach(self);
	else
		g_array_append_val(loader->ended, self);
	if (runner->is_lost)
		runner->lane->lost--;
	else
		runner->lane->threads--;
	drop_lane(loader, runner->lane);
	g_ptr_array_remove_fast(loader->runners, runner);
	pthread_cond_broadcast(&loader->change);
}

static void *run(void *arg)
{
	struct dh_loader_thread *runner = arg;
	struct dh_loader *loader = runner->loader;
	struct dh_loader_job *task;

	pthread_mutex_lock(&loader->lock);
	while (!runner->is_lost && (task = g_queue_pop_head(&runner->lane->waiting)))
		work(runner, task);
	leave(runner);
	pthread_mutex_unlock(&loader->lock);
	g_free(runner);
	unref(loader);
	return NULL;
}

int dh_loader_start_thread(struct dh_loader *loader, struct dh_loader_lane *lane)
{
	struct dh_loader_thread *runner = g_new0(struct dh_loader_thread, 1);
	pthread_t thread;
	int err;

	join_ended(loader, false);
	runner->loader = loader;
	runner->lane = lane;
	atomic_fetch_add(&loader->refs, 1);
	err = -pthread_create(&thread, NULL, run, runner);
	if (err < 0) {
		g_free(runner);
		atomic_fetch_sub(&loader->refs, 1); /* not the last one */
		return err;
	}
	lane->threads++;
	g_ptr_array_add(loader->runners, runner);
	return 0;
}

/* --- what the watch needs */

void dh_loader_empty(struct dh_loader_lane *lane, GPtrArray *waiting)
{
	struct dh_loader_job *task;

	while ((task = g_queue_pop_head(&lane->waiting)))
		g_ptr_array_add(waiting, task);
}

void dh_loader_wait_until(struct dh_loader *loader, int64_t us)
{
	struct timespec until = { us / G_USEC_PER_SEC, us % G_USEC_PER_SEC * 1000 };

	if (us)
		pthread_cond_timedwait(&loader->change, &loader->lock, &until);
	else
		pthread_cond_wait(&loader->change, &loader->lock);
}

/* --- life */

int dh_loader_alloc(struct dh_loader **loader, struct dh_io *io, struct dh_openers *openers)
{
	struct dh_loader *new = g_new0(struct dh_loader, 1);
	pthread_condattr_t monotonic;
	int err;

	atomic_init(&new->refs, 1);
	pthread_mutex_init(&new->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&new->change, &monotonic);
	pthread_condattr_destroy(&monotonic);
	new->io = io;
	new->openers = dh_openers_ref(openers);
	new->open_ms = DH_OPEN_MS;
	new->lanes = g_ptr_array_new();
	new->runners = g_ptr_array_new();
	new->ended = g_array_new(FALSE, FALSE, sizeof(pthread_t));
	err = -pthread_create(&new->watch, NULL, dh_loader_watch, new);
	if (err < 0)
		unref(new);
	else
		*loader = new;
	return err;
}

/* With the lock held. */
static bool is_busy(const struct dh_loader *loader)
{
	for (guint i = 0; i < loader->runners->len; i++)
		if (!((struct dh_loader_thread *)loader->runners->pdata[i])->is_lost)
			return true;
	return false;
}

void dh_loader_free(struct dh_loader **loader)
{
	struct dh_loader *old = *loader;
	int64_t until_us = g_get_monotonic_time() + DH_LOADER_END_MS * 1000;
	GPtrArray *over;

	*loader = NULL;
	if (!old)
		return;
	over = g_ptr_array_new();
	pthread_mutex_lock(&old->lock);
	while (is_busy(old) && g_get_monotonic_time() < until_us)
		dh_loader_wait_until(old, until_us);
	join_ended(old, true);
	old->is_stopped = true;
	old->io = NULL;
	for (guint i = 0; i < old->lanes->len; i++)
		dh_loader_empty(old->lanes->pdata[i], over);
	pthread_cond_broadcast(&old->change);
	pthread_mutex_unlock(&old->lock);
	pthread_join(old->watch, NULL);
	for (guint i = 0; i < over->len; i++)
		release(over->pdata[i]);
	g_ptr_array_unref(over);
	dh_openers_stop(old->openers);
	unref(old);
}

struct dh_openers *dh_loader_openers(struct dh_loader *loader)
{
	return loader->openers;
}

void dh_loader_set_open_ms(struct dh_loader *loader, int ms)
{
	loader->open_ms = ms;
}

int dh_loader_open_ms(const struct dh_loader *loader)
{
	return loader->open_ms;
}

struct dh_loader *dh_loader_ref(struct dh_loader *loader)
{
	atomic_fetch_add(&loader->refs, 1);
	return loader;
}

void dh_loader_unref(struct dh_loader **loader)
{
	if (*loader)
		unref(*loader);
	*loader = NULL;
}

/* --- posting */

int dh_loader_post(struct dh_loader *loader, enum dh_lane kind, uint64_t device, int limit_ms,
	const struct dh_loader_task *task, void *arg)
{
	struct dh_loader_lane *lane;
	struct dh_loader_job *new;
	int err = 0;

	pthread_mutex_lock(&loader->lock);
	lane = loader->is_stopped ? NULL : make_lane(loader, kind, device);
	if (!lane)
		err = -ENOBUFS;
	else if (is_lost(lane))
		err = -EHOSTDOWN;
	else if (dh_loader_may_start(lane))
		err = dh_loader_start_thread(loader, lane);
	if (err < 0 && lane && lane->threads > 0)
		err = 0; /* another thread will run it */
	if (err == 0) {
		new = g_new0(struct dh_loader_job, 1);
		*new = (struct dh_loader_job){ .does = *task, .arg = arg, .left_us = (int64_t)limit_ms * 1000 };
		insert(lane, new);
	} else if (lane)
		drop_lane(loader, lane);
	pthread_mutex_unlock(&loader->lock);
	return err;
}

bool dh_loader_is_lost(struct dh_loader *loader, enum dh_lane kind, uint64_t device)
{
	const struct dh_loader_lane *lane;
	bool answer;

	pthread_mutex_lock(&loader->lock);
	lane = find_lane(loader, kind, device);
	answer = lane && is_lost(lane);
	pthread_mutex_unlock(&loader->lock);
	return answer;
}

bool dh_loader_report(struct dh_loader *loader, dh_io_fn *fn, void *arg)
{
	bool is_there;

	pthread_mutex_lock(&loader->lock);
	is_there = loader->io != NULL;
	if (is_there)
		dh_io_post(loader->io, fn, arg);
	pthread_mutex_unlock(&loader->lock);
	return is_there;
}

void dh_loader_stats(struct dh_loader *loader, struct dh_loader_stats *stats)
{
	*stats = (struct dh_loader_stats){ 0 };
	pthread_mutex_lock(&loader->lock);
	stats->lanes = (int)loader->lanes->len;
	for (guint i = 0; i < loader->lanes->len; i++) {
		const struct dh_loader_lane *lane = loader->lanes->pdata[i];
		stats->threads += lane->threads;
		stats->lost += lane->lost;
		stats->waiting += (int)g_queue_get_length((GQueue *)&lane->waiting);
	}
	pthread_mutex_unlock(&loader->lock);
}
