/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "loader.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <glib.h>

struct lane {
	enum dh_lane kind;
	uint64_t device;
	GQueue waiting; /* struct task, fewest steps first */
	int threads;    /* working for it */
	int lost;
};

struct task {
	struct dh_loader_task does;
	void *arg;
	int64_t left_us; /* of its time limit */
	unsigned steps;
	bool is_told; /* that it is late; `late` has been called */
};

/* A thread, working or lost. */
struct runner {
	struct dh_loader *loader; /* a reference */
	struct lane *lane;
	struct task *task; /* whose step it runs, or NULL */
	int64_t late_us;   /* when that step becomes late */
	bool is_lost;
};

/* Everything but `refs` is protected by lock. */
struct dh_loader {
	gatomicrefcount refs;
	pthread_mutex_t lock;
	pthread_cond_t change; /* wakes the watch, lost threads and dh_loader_free */
	struct dh_io *io;      /* NULL once dh_loader_free has been called */
	pthread_t watch;
	bool is_stopped;
	GPtrArray *lanes, *runners;
};

static int64_t now_us(void)
{
	return g_get_monotonic_time();
}

static void unref(struct dh_loader *loader)
{
	if (!g_atomic_ref_count_dec(&loader->refs))
		return;
	pthread_cond_destroy(&loader->change);
	pthread_mutex_destroy(&loader->lock);
	g_ptr_array_unref(loader->runners);
	g_ptr_array_unref(loader->lanes);
	g_free(loader);
}

/* --- lanes; with the lock held */

static struct lane *find_lane(struct dh_loader *loader, enum dh_lane kind, uint64_t device)
{
	for (guint i = 0; i < loader->lanes->len; i++) {
		struct lane *lane = loader->lanes->pdata[i];
		if (lane->kind == kind && lane->device == device)
			return lane;
	}
	return NULL;
}

static struct lane *make_lane(struct dh_loader *loader, enum dh_lane kind, uint64_t device)
{
	struct lane *lane = find_lane(loader, kind, device);

	if (lane || loader->lanes->len >= DH_LANES)
		return lane;
	lane = g_new0(struct lane, 1);
	lane->kind = kind;
	lane->device = device;
	g_queue_init(&lane->waiting);
	g_ptr_array_add(loader->lanes, lane);
	return lane;
}

static void drop_lane(struct dh_loader *loader, struct lane *lane)
{
	if (lane->threads + lane->lost > 0 || !g_queue_is_empty(&lane->waiting))
		return;
	g_ptr_array_remove_fast(loader->lanes, lane);
	g_free(lane);
}

static bool may_start(const struct lane *lane)
{
	return lane->threads < DH_LANE_THREADS && lane->threads + lane->lost < DH_LANE_LOST;
}

static bool is_lost(const struct lane *lane)
{
	return lane->lost >= DH_LANE_LOST;
}

/* Goes behind tasks with as many steps. */
static void insert(struct lane *lane, struct task *task)
{
	GList *at = lane->waiting.tail;

	while (at && ((struct task *)at->data)->steps > task->steps)
		at = at->prev;
	g_queue_insert_after(&lane->waiting, at, task);
}

/* --- threads */

/* Without the lock. */
static void release(struct task *task)
{
	task->does.release(task->arg);
	g_free(task);
}

/* Without the lock, by a thread that has exclusive use of the task. */
static void give_up(struct task *task)
{
	if (!task->is_told)
		task->does.late(task->arg);
	release(task);
}

/* With the lock held, but released while the step runs. Returns whether there is more to do. */
static bool run_step(struct runner *runner, struct task *task)
{
	struct dh_loader *loader = runner->loader;
	int64_t began_us = now_us();
	bool is_more;

	runner->task = task;
	runner->late_us = began_us + task->left_us;
	pthread_cond_broadcast(&loader->change);
	pthread_mutex_unlock(&loader->lock);
	is_more = task->does.step(task->arg);
	pthread_mutex_lock(&loader->lock);
	runner->task = NULL;
	task->left_us -= now_us() - began_us;
	task->steps++;
	while (runner->is_lost && !task->is_told)
		pthread_cond_wait(&loader->change, &loader->lock);
	return is_more;
}

/* With the lock held. */
static void work(struct runner *runner, struct task *task)
{
	struct dh_loader *loader = runner->loader;
	bool is_more = run_step(runner, task);

	if (is_more && !runner->is_lost && !loader->is_stopped && task->left_us > 0) {
		insert(runner->lane, task);
		return;
	}
	pthread_mutex_unlock(&loader->lock);
	if (is_more)
		give_up(task);
	else
		release(task);
	pthread_mutex_lock(&loader->lock);
}

/* With the lock held. */
static void leave(struct runner *runner)
{
	struct dh_loader *loader = runner->loader;

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
	struct runner *runner = arg;
	struct dh_loader *loader = runner->loader;
	struct task *task;

	pthread_mutex_lock(&loader->lock);
	while (!runner->is_lost && (task = g_queue_pop_head(&runner->lane->waiting)))
		work(runner, task);
	leave(runner);
	pthread_mutex_unlock(&loader->lock);
	g_free(runner);
	unref(loader);
	return NULL;
}

/* With the lock held. */
static int start_thread(struct dh_loader *loader, struct lane *lane)
{
	struct runner *runner = g_new0(struct runner, 1);
	pthread_t thread;
	int err;

	runner->loader = loader;
	runner->lane = lane;
	g_atomic_ref_count_inc(&loader->refs);
	err = -pthread_create(&thread, NULL, run, runner);
	if (err < 0) {
		g_free(runner);
		(void)g_atomic_ref_count_dec(&loader->refs); /* not the last one */
		return err;
	}
	pthread_detach(thread);
	lane->threads++;
	g_ptr_array_add(loader->runners, runner);
	return 0;
}

/* --- the watch: looks for late steps */

/* What to report once the lock is released. */
struct late {
	GPtrArray *running; /* struct task: in lost threads, which wait for the report */
	GPtrArray *waiting; /* struct task: from lanes without threads */
};

/* With the lock held. */
static void empty(struct lane *lane, GPtrArray *waiting)
{
	struct task *task;

	while ((task = g_queue_pop_head(&lane->waiting)))
		g_ptr_array_add(waiting, task);
}

/* With the lock held. */
static void lose(struct dh_loader *loader, struct runner *runner, struct late *late)
{
	struct lane *lane = runner->lane;
	runner->is_lost = true;
	lane->threads--;
	lane->lost++;
	g_ptr_array_add(late->running, runner->task);
	if (!g_queue_is_empty(&lane->waiting) && may_start(lane))
		start_thread(loader, lane);
	if (lane->threads == 0)
		empty(lane, late->waiting);
}

/* With the lock held. Returns when the next step becomes late; 0: none is running. */
static int64_t lose_late(struct dh_loader *loader, struct late *late)
{
	int64_t next_us = 0;

	for (guint i = 0; i < loader->runners->len; i++) {
		struct runner *runner = loader->runners->pdata[i];
		if (runner->is_lost || !runner->task)
			continue;
		if (runner->late_us <= now_us())
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
		struct task *task = late->running->pdata[i];
		task->does.late(task->arg);
	}
	for (guint i = 0; i < late->waiting->len; i++)
		give_up(late->waiting->pdata[i]);
	pthread_mutex_lock(&loader->lock);
	for (guint i = 0; i < late->running->len; i++)
		((struct task *)late->running->pdata[i])->is_told = true;
	pthread_cond_broadcast(&loader->change);
	g_ptr_array_set_size(late->running, 0);
	g_ptr_array_set_size(late->waiting, 0);
}

static void wait_until(struct dh_loader *loader, int64_t us)
{
	struct timespec until = { us / G_USEC_PER_SEC, us % G_USEC_PER_SEC * 1000 };

	if (us)
		pthread_cond_timedwait(&loader->change, &loader->lock, &until);
	else
		pthread_cond_wait(&loader->change, &loader->lock);
}

static void *watch(void *arg)
{
	struct late late = { g_ptr_array_new(), g_ptr_array_new() };
	struct dh_loader *loader = arg;

	pthread_mutex_lock(&loader->lock);
	while (!loader->is_stopped) {
		int64_t next_us = lose_late(loader, &late);
		if (late.running->len > 0)
			tell(loader, &late);
		else
			wait_until(loader, next_us);
	}
	pthread_mutex_unlock(&loader->lock);
	g_ptr_array_unref(late.running);
	g_ptr_array_unref(late.waiting);
	return NULL;
}

/* --- life */

int dh_loader_alloc(struct dh_loader **loader, struct dh_io *io)
{
	struct dh_loader *new = g_new0(struct dh_loader, 1);
	pthread_condattr_t monotonic;
	int err;

	g_atomic_ref_count_init(&new->refs);
	pthread_mutex_init(&new->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&new->change, &monotonic);
	pthread_condattr_destroy(&monotonic);
	new->io = io;
	new->lanes = g_ptr_array_new();
	new->runners = g_ptr_array_new();
	err = -pthread_create(&new->watch, NULL, watch, new);
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
		if (!((struct runner *)loader->runners->pdata[i])->is_lost)
			return true;
	return false;
}

void dh_loader_free(struct dh_loader **loader)
{
	struct dh_loader *old = *loader;
	int64_t until_us = now_us() + DH_LOADER_END_MS * 1000;
	GPtrArray *over;

	*loader = NULL;
	if (!old)
		return;
	over = g_ptr_array_new();
	pthread_mutex_lock(&old->lock);
	while (is_busy(old) && now_us() < until_us)
		wait_until(old, until_us);
	old->is_stopped = true;
	old->io = NULL;
	for (guint i = 0; i < old->lanes->len; i++)
		empty(old->lanes->pdata[i], over);
	pthread_cond_broadcast(&old->change);
	pthread_mutex_unlock(&old->lock);
	pthread_join(old->watch, NULL);
	for (guint i = 0; i < over->len; i++)
		release(over->pdata[i]);
	g_ptr_array_unref(over);
	unref(old);
}

struct dh_loader *dh_loader_ref(struct dh_loader *loader)
{
	g_atomic_ref_count_inc(&loader->refs);
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
	struct lane *lane;
	struct task *new;
	int err = 0;

	pthread_mutex_lock(&loader->lock);
	lane = loader->is_stopped ? NULL : make_lane(loader, kind, device);
	if (!lane)
		err = -ENOBUFS;
	else if (is_lost(lane))
		err = -EHOSTDOWN;
	else if (may_start(lane))
		err = start_thread(loader, lane);
	if (err < 0 && lane && lane->threads > 0)
		err = 0; /* another thread will run it */
	if (err == 0) {
		new = g_new0(struct task, 1);
		*new = (struct task){ .does = *task, .arg = arg, .left_us = (int64_t)limit_ms * 1000 };
		insert(lane, new);
	} else if (lane)
		drop_lane(loader, lane);
	pthread_mutex_unlock(&loader->lock);
	return err;
}

bool dh_loader_is_lost(struct dh_loader *loader, enum dh_lane kind, uint64_t device)
{
	const struct lane *lane;
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
		const struct lane *lane = loader->lanes->pdata[i];
		stats->threads += lane->threads;
		stats->lost += lane->lost;
		stats->waiting += (int)g_queue_get_length((GQueue *)&lane->waiting);
	}
	pthread_mutex_unlock(&loader->lock);
}
