/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker_private.h"

#include <string.h>

#include "log.h"
#include "prepare/job.h"

/* Delay after a worker that was unusable, doubled for each one that follows; shorter while
 * a job waits. */
#define BACKOFF_MIN_MS     100
#define BACKOFF_WAITING_MS 2000
#define BACKOFF_MAX_MS     30000
/* A worker that waited this long for a job did work, however it ends. */
#define WORKED_MS 1000
/* At most this many are asked for at a time: a socket takes few messages. */
#define ASKED_MAX 8

void dh_workers_pump(struct dh_workers *workers)
{
	dh_io_timer_set(workers->pump, 0);
}

/* --- counting */

/* Killed before it had a job, and not reaped yet, which may take long. */
static bool is_lost(const struct dh_worker *worker)
{
	return worker->state == DH_WORKER_READY && worker->why && !worker->is_exited;
}

static int count_lost(const struct dh_workers *workers)
{
	int n = 0;

	for (guint i = 0; i < workers->all->len; i++)
		n += is_lost(workers->all->pdata[i]);
	return n;
}

/* Those that are lost are not among them: others take their places. */
static int count(const struct dh_workers *workers, enum dh_worker_state state)
{
	int n = 0;

	for (guint i = 0; i < workers->all->len; i++) {
		const struct dh_worker *worker = workers->all->pdata[i];
		n += worker->state == state && !worker->is_exited && !is_lost(worker);
	}
	return n;
}

static int count_live(const struct dh_workers *workers)
{
	int n = 0;

	for (guint i = 0; i < workers->all->len; i++) {
		const struct dh_worker *worker = workers->all->pdata[i];
		n += worker->state == DH_WORKER_BUSY && worker->is_live && !worker->is_exited;
	}
	return n;
}

/* How many more jobs may run. */
struct places {
	int files, live;
};

static struct places count_places(const struct dh_workers *workers)
{
	int live = count_live(workers);

	return (struct places){
		.files = MAX(workers->config.max - (count(workers, DH_WORKER_BUSY) - live), 0),
		.live = MAX(workers->config.max_live - live, 0),
	};
}

/* How many of the waiting jobs could run. */
static int count_runnable(const struct dh_workers *workers)
{
	struct places places = count_places(workers);
	int files = dh_job_queue_length(&workers->queue) - workers->queue.waiting_live;

	return MIN(files, places.files) + dh_job_queue_runnable_live(&workers->queue, places.live);
}

static struct dh_worker *find_ready(const struct dh_workers *workers)
{
	for (guint i = 0; i < workers->all->len; i++) {
		struct dh_worker *worker = workers->all->pdata[i];
		if (worker->state == DH_WORKER_READY && !worker->is_exited && !is_lost(worker))
			return worker;
	}
	return NULL;
}

static struct dh_job *next_job(const struct dh_workers *workers)
{
	struct places places = count_places(workers);
	struct dh_queued *queued = dh_job_queue_next(&workers->queue, places.files > 0, places.live > 0);

	return queued ? dh_job_of(queued) : NULL;
}

/* --- supply */

/* Takes ownership of `text`. */
static void start_failed(struct dh_workers *workers, char *text)
{
	workers->failed_us = g_get_monotonic_time();
	if (workers->failures++ == 0)
		workers->trouble_us = workers->failed_us;
	workers->failed_starts++;
	if (!workers->trouble || strcmp(workers->trouble, text) != 0)
		dh_log(DH_LOG_ERROR, "no worker: %s", text);
	g_free(workers->trouble);
	workers->trouble = text;
	dh_workers_pump(workers);
}

static void server_ready(void *arg)
{
	dh_workers_pump(arg);
}

static void server_forked(void *arg, void *asker, pid_t pid)
{
	struct dh_workers *workers = arg;
	struct dh_worker *worker = asker;
	char *error = NULL;

	if (dh_worker_forked(worker, pid, &error) < 0) {
		g_ptr_array_remove_fast(workers->all, worker);
		dh_worker_free(&worker);
		start_failed(workers, error);
	}
	dh_workers_pump(workers);
}

static void server_ended(void *arg, char *text)
{
	struct dh_workers *workers = arg;

	dh_worker_server_free(&workers->server);
	for (guint i = workers->all->len; i-- > 0;) {
		struct dh_worker *worker = workers->all->pdata[i];
		if (worker->state != DH_WORKER_ASKED)
			continue;
		g_ptr_array_remove_index_fast(workers->all, i);
		dh_worker_free(&worker);
	}
	start_failed(workers, text);
}

static void start_server(struct dh_workers *workers)
{
	static const struct dh_worker_server_listener listener = { server_ready, server_forked, server_ended };
	char **argv = dh_worker_arguments(&workers->config, "--fork-server");
	const struct dh_worker_server_config config = { workers->io, argv, workers->config.start_ms };
	int err = dh_worker_server_start(&workers->server, &config, &listener, workers);

	g_strfreev(argv);
	if (err < 0)
		start_failed(workers,
			g_strdup_printf("%s cannot be started: %s", workers->config.path, g_strerror(-err)));
}

static void ask_for_one(struct dh_workers *workers)
{
	struct dh_worker *worker;
	int err = dh_worker_ask(workers, &worker);

	if (err < 0)
		start_failed(workers, g_strdup_printf("dh-prepare cannot be asked: %s", g_strerror(-err)));
	else
		g_ptr_array_add(workers->all, worker);
}

static void works_again(struct dh_workers *workers)
{
	if (workers->failures > 0)
		dh_log(DH_LOG_INFO, "workers can be started again");
	workers->failures = 0;
	g_clear_pointer(&workers->trouble, g_free); /* if the trouble returns, log it again */
}

/* Returns false if no worker is ready. */
static bool give_one(struct dh_workers *workers, struct dh_job *job)
{
	struct dh_worker *worker = find_ready(workers);

	if (!worker)
		return false;
	if (dh_job_open(job) < 0 || job->queued.is_opening)
		return true;
	if (dh_worker_give(worker, job) < 0) {
		/* Its exit follows; the job is still next. */
		dh_worker_kill(worker, DH_PREPARE_INTERNAL, g_strdup("a waiting dh-prepare closed its socket"));
		return true;
	}
	dh_job_queue_serve(&workers->queue, &job->queued);
	works_again(workers);
	return true;
}

static void give_jobs(struct dh_workers *workers)
{
	struct dh_job *job;

	while ((job = next_job(workers)) && give_one(workers, job))
		;
}

/* How long to wait after a failure, since it; 0: there was none, or it is over. */
static int64_t backoff_ms(const struct dh_workers *workers)
{
	int64_t most = dh_job_queue_length(&workers->queue) > 0 ? BACKOFF_WAITING_MS : BACKOFF_MAX_MS, ms;

	if (workers->failures == 0)
		return 0;
	ms = MIN(BACKOFF_MIN_MS << MIN(workers->failures - 1, 10), most);
	return MAX(ms - (g_get_monotonic_time() - workers->failed_us) / 1000, 0);
}

/* Whether another worker should be asked for now. After a failure, one at a time is enough to see
 * whether it works again. */
static bool wants_another(const struct dh_workers *workers)
{
	int asked = count(workers, DH_WORKER_ASKED), ready = count(workers, DH_WORKER_READY);

	return asked + ready < MAX(count_runnable(workers), workers->config.warm) &&
		asked < (workers->failures > 0 ? 1 : ASKED_MAX) && count_lost(workers) < ASKED_MAX;
}

/* When to look again, in ms; negative: when something happens. */
static int64_t start_workers(struct dh_workers *workers)
{
	while (wants_another(workers)) {
		int64_t ms = backoff_ms(workers);
		if (ms > 0)
			return ms;
		if (!workers->server)
			start_server(workers);
		if (workers->server && !dh_worker_server_is_ready(workers->server))
			return -1;
		if (workers->server)
			ask_for_one(workers);
	}
	return -1;
}

/* Jobs that were cancelled leave the workers behind that were started for them. */
static void stop_spare(struct dh_workers *workers)
{
	int needed = MAX(count_runnable(workers), workers->config.warm);
	struct dh_worker *worker;

	for (int n = count(workers, DH_WORKER_READY); n > needed && (worker = find_ready(workers)); n--) {
		g_ptr_array_remove_fast(workers->all, worker);
		dh_worker_free(&worker);
	}
}

/* --- jobs that cannot get a worker */

static void fail_job(struct dh_workers *workers, struct dh_job *job)
{
	char *text = g_strdup(workers->trouble);

	dh_job_finish(job, DH_PREPARE_INTERNAL, text);
	g_free(text);
}

/* When workers have been unusable for long enough, fails the jobs that have seen a failed
 * attempt. Returns when to look again, in ms; negative: when something happens. */
static int64_t fail_hopeless(struct dh_workers *workers)
{
	int64_t ms = workers->config.wait_ms - (g_get_monotonic_time() - workers->trouble_us) / 1000;
	GList *next;

	if (workers->failures == 0 || dh_job_queue_length(&workers->queue) == 0)
		return -1;
	if (ms > 0)
		return ms;
	for (GList *l = workers->queue.waiting.head; l; l = next) {
		struct dh_job *job = dh_job_of(l->data);
		next = l->next;
		if (job->failed_starts != workers->failed_starts)
			fail_job(workers, job);
	}
	return -1;
}

/* Negative means never. */
static int64_t sooner(int64_t a_ms, int64_t b_ms)
{
	return a_ms < 0 ? b_ms : b_ms < 0 ? a_ms : MIN(a_ms, b_ms);
}

static void look_again(struct dh_workers *workers, int64_t ms)
{
	if (ms >= 0)
		dh_io_timer_set(workers->pump, ms);
}

static gboolean pump(gpointer arg)
{
	struct dh_workers *workers = arg;
	int64_t open_ms, start_ms, fail_ms;

	give_jobs(workers);
	dh_workers_tell_waiting(workers, count_places(workers).live);
	open_ms = dh_job_queue_may_open(&workers->queue, g_get_monotonic_time()) ? -1 : DH_OPENING_SLOW_MS;
	stop_spare(workers);
	start_ms = start_workers(workers);
	fail_ms = fail_hopeless(workers);
	look_again(workers, sooner(open_ms, sooner(start_ms, fail_ms)));
	return G_SOURCE_CONTINUE;
}

/* --- ends */

/* Why the process ended; NULL: it did its job. */
static char *explain(const struct dh_worker *worker, int *code)
{
	if (!worker->why)
		return dh_worker_server_explain(worker->status,
			worker->workers->config.cpu_s * (worker->is_live ? DH_LIVE_CPU_TIMES : 1), code);
	*code = worker->why_code;
	return g_strdup(worker->why);
}

void dh_workers_ended(struct dh_worker *worker)
{
	struct dh_workers *workers = worker->workers;
	struct dh_job *job = worker->job;
	enum dh_worker_state state = worker->state;
	int code;
	char *text = explain(worker, &code);

	g_ptr_array_remove_fast(workers->all, worker);
	if (state == DH_WORKER_READY && g_get_monotonic_time() - worker->ready_us >= WORKED_MS * 1000)
		workers->failures = 0;
	dh_worker_free(&worker);
	if (state != DH_WORKER_BUSY)
		start_failed(workers,
			text ? g_steal_pointer(&text) : g_strdup("dh-prepare ended before it was given a job"));
	if (job) {
		job->worker = NULL;
		dh_job_finish(job, code, text ? text : "");
	}
	g_free(text);
	dh_workers_pump(workers);
}

/* --- all */

struct dh_workers *dh_workers_new(struct dh_io *io, const struct dh_workers_config *config)
{
	struct dh_workers *new = g_new0(struct dh_workers, 1);

	new->io = io;
	new->config = *config;
	new->config.path = new->path = g_strdup(config->path);
	new->config.user = new->user = g_strdup(config->user);
	new->all = g_ptr_array_new();
	dh_job_queue_init(&new->queue, config->max_live);
	new->pump = dh_io_timer(io, pump, new);
	dh_workers_pump(new);
	return new;
}

void dh_workers_free(struct dh_workers **workers)
{
	struct dh_workers *old = *workers;

	*workers = NULL;
	if (!old)
		return;
	dh_io_drop(&old->pump);
	dh_worker_server_free(&old->server);
	for (guint i = 0; i < old->all->len; i++) {
		struct dh_worker *worker = old->all->pdata[i];
		dh_worker_free(&worker);
	}
	g_ptr_array_free(old->all, TRUE);
	dh_job_queue_clear(&old->queue);
	g_free(old->trouble);
	g_free(old->path);
	g_free(old->user);
	g_free(old);
}

void dh_workers_stats(const struct dh_workers *workers, struct dh_workers_stats *stats)
{
	*stats = (struct dh_workers_stats){
		.ready = count(workers, DH_WORKER_READY),
		.busy = count(workers, DH_WORKER_BUSY),
		.busy_live = count_live(workers),
		.waiting = dh_job_queue_length(&workers->queue),
		.waiting_live = workers->queue.waiting_live,
		.jobs = workers->jobs,
		.failed = workers->failed,
	};
}
