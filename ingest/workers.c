#include "worker_private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "prepare/job.h"

/* After the n-th worker in a row that could not be used, the next is started
 * this much later, doubled each time; at once when a job comes and the last
 * attempt is BACKOFF_MIN_MS ago. */
#define BACKOFF_MIN_MS 500
#define BACKOFF_MAX_MS 30000
/* While another one waits, a replacement is started this much after a job was
 * given, so that it does not compete with that job's first pictures. */
#define REPLACE_MS 300

struct dh_workers {
	struct dh_io *io;
	struct dh_workers_config config;
	char *path, *user;
	GPtrArray *all;      /* struct dh_worker */
	GQueue waiting;      /* struct dh_job */
	GSource *pump;       /* everything that is decided, is decided in it */
	uint64_t failed_starts;
	int failures;        /* of these, in a row */
	char *trouble;       /* the last of them */
	int64_t tried_us;    /* when */
	int64_t given_us;    /* the last job */
	uint64_t jobs, failed;
};

struct dh_io *dh_workers_io(struct dh_workers *workers)
{
	return workers->io;
}

const struct dh_workers_config *dh_workers_config(struct dh_workers *workers)
{
	return &workers->config;
}

/* --- jobs */

void dh_job_free(struct dh_job *job)
{
	for (int i = 0; i < job->count; i++)
		close(job->fds[i]);
	g_free(job->json);
	g_free(job);
}

static void finish_job(struct dh_job *job, int code, const char *text)
{
	struct dh_job_listener listener = job->listener;
	void *arg = job->arg;

	if (code != DH_PREPARE_OK)
		job->workers->failed++;
	dh_job_free(job);
	listener.done(arg, code, text);
}

int dh_job_start(struct dh_workers *workers, const struct dh_job_spec *spec,
	const struct dh_job_listener *listener, void *arg, struct dh_job **job)
{
	struct dh_job *new;

	if (strlen(spec->json) > DH_JOB_MAX || spec->count > DH_JOB_FDS)
		return -E2BIG;
	if (g_queue_get_length(&workers->waiting) >= (guint)workers->config.max_waiting)
		return -ENOBUFS;
	new = g_new0(struct dh_job, 1);
	new->workers = workers;
	new->listener = *listener;
	new->arg = arg;
	new->silence_ms = spec->silence_ms;
	new->failed_starts = workers->failed_starts;
	new->json = g_strdup(spec->json);
	for (; new->count < spec->count; new->count++) {
		new->fds[new->count] = fcntl(spec->fds[new->count], F_DUPFD_CLOEXEC, 0);
		if (new->fds[new->count] < 0) {
			int error = errno;
			dh_job_free(new);
			return -error;
		}
	}
	workers->jobs++;
	g_queue_push_tail(&workers->waiting, new);
	dh_io_timer_set(workers->pump, 0);
	*job = new;
	return 0;
}

void dh_job_cancel(struct dh_job **job)
{
	struct dh_job *old = *job;
	struct dh_worker *worker;

	*job = NULL;
	if (!old)
		return;
	old->is_cancelled = 1;
	if (old->is_in_data)
		return;
	worker = old->worker;
	if (worker) {
		worker->job = NULL;
		if (worker->is_exited)
			dh_workers_ended(worker);
		else
			dh_worker_kill(worker, DH_PREPARE_OK, NULL);
	} else
		g_queue_remove(&old->workers->waiting, old);
	dh_job_free(old);
}

/* --- supply */

static int count(const struct dh_workers *workers, enum dh_worker_state state)
{
	int n = 0;

	for (guint i = 0; i < workers->all->len; i++) {
		const struct dh_worker *worker = workers->all->pdata[i];
		n += worker->state == state && !worker->is_exited;
	}
	return n;
}

static int backoff_ms(const struct dh_workers *workers)
{
	if (workers->failures == 0)
		return 0;
	return MIN(BACKOFF_MIN_MS << MIN(workers->failures - 1, 10), BACKOFF_MAX_MS);
}

/* Takes over `text`. */
static void start_failed(struct dh_workers *workers, char *text)
{
	workers->failures++;
	workers->failed_starts++;
	if (!workers->trouble || strcmp(workers->trouble, text) != 0)
		dh_log(DH_LOG_ERROR, "no worker: %s", text);
	g_free(workers->trouble);
	workers->trouble = text;
	dh_io_timer_set(workers->pump, 0);
}

static void start_one(struct dh_workers *workers)
{
	struct dh_worker *worker;
	char *error = NULL;

	workers->tried_us = g_get_monotonic_time();
	if (dh_worker_start(workers, &worker, &error) < 0)
		start_failed(workers, error);
	else
		g_ptr_array_add(workers->all, worker);
}

/* How long to wait before another may be started; 0: now. */
static int64_t wait_ms(const struct dh_workers *workers)
{
	int64_t since = (g_get_monotonic_time() - workers->tried_us) / 1000;
	int64_t least = g_queue_is_empty((GQueue *)&workers->waiting) ? backoff_ms(workers) : BACKOFF_MIN_MS;

	return workers->failures == 0 || since >= least ? 0 : least - since;
}

static void give_jobs(struct dh_workers *workers)
{
	for (guint i = 0; i < workers->all->len && !g_queue_is_empty(&workers->waiting); i++) {
		struct dh_worker *worker = workers->all->pdata[i];
		if (worker->state != DH_WORKER_READY || worker->is_exited)
			continue;
		if (count(workers, DH_WORKER_BUSY) >= workers->config.max)
			return;
		if (dh_worker_give(worker, g_queue_peek_head(&workers->waiting)) < 0) {
			dh_worker_kill(worker, DH_PREPARE_INTERNAL, g_strdup("a waiting dh-prepare closed its socket"));
			continue;
		}
		g_queue_pop_head(&workers->waiting);
		if (workers->failures > 0)
			dh_log(DH_LOG_INFO, "workers can be started again");
		workers->failures = 0;
		g_clear_pointer(&workers->trouble, g_free); /* if it returns, that is news */
		workers->given_us = g_get_monotonic_time();
	}
}

/* How long to wait before the next may be started; 0: now. After a failure one
 * is enough to see whether it works again. */
static int64_t start_in_ms(const struct dh_workers *workers, int is_urgent)
{
	int64_t since = (g_get_monotonic_time() - workers->given_us) / 1000;

	if (workers->failures > 0)
		return wait_ms(workers);
	return is_urgent || since >= REPLACE_MS ? 0 : REPLACE_MS - since;
}

static void start_workers(struct dh_workers *workers)
{
	int starting = count(workers, DH_WORKER_STARTING), ready = count(workers, DH_WORKER_READY);
	int places = workers->config.max - count(workers, DH_WORKER_BUSY);
	int jobs = MIN((int)g_queue_get_length(&workers->waiting), places);

	while (starting + ready < MAX(jobs, workers->config.warm)) {
		int64_t ms = start_in_ms(workers, starting + ready < MAX(jobs, 1));
		if (workers->failures > 0 && starting > 0)
			return;
		if (ms > 0) {
			dh_io_timer_set(workers->pump, ms);
			return;
		}
		start_one(workers);
		starting++;
	}
}

/* Whether the job waits for a worker that cannot be had: starting one has
 * failed since it came, or must not be tried yet. */
static int is_hopeless(struct dh_workers *workers, const struct dh_job *job)
{
	if (workers->failures == 0 || count(workers, DH_WORKER_BUSY) >= workers->config.max ||
	    count(workers, DH_WORKER_STARTING) + count(workers, DH_WORKER_READY) > 0)
		return 0;
	return job->failed_starts != workers->failed_starts || wait_ms(workers) > 0;
}

static void fail_hopeless(struct dh_workers *workers)
{
	struct dh_job *job;

	while ((job = g_queue_peek_head(&workers->waiting)) && is_hopeless(workers, job)) {
		char *text = g_strdup(workers->trouble);
		finish_job(g_queue_pop_head(&workers->waiting), DH_PREPARE_INTERNAL, text);
		g_free(text);
	}
}

static gboolean pump(gpointer arg)
{
	struct dh_workers *workers = arg;

	give_jobs(workers);
	fail_hopeless(workers);
	start_workers(workers);
	fail_hopeless(workers);
	return G_SOURCE_CONTINUE;
}

/* --- ends */

void dh_workers_ready(struct dh_worker *worker)
{
	dh_io_timer_set(worker->workers->pump, 0);
}

/* Why a process ended that nobody killed; NULL: it did what it should. */
static char *explain(const struct dh_worker *worker, int *code)
{
	int status = worker->status;

	*code = DH_PREPARE_INTERNAL;
	if (worker->why) {
		*code = worker->why_code;
		return g_strdup(worker->why);
	}
	if (status == -1)
		return g_strdup("dh-prepare is gone, nobody knows how");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
		*code = DH_PREPARE_LIMIT;
		return g_strdup_printf("it takes more than %d s of processor time", worker->workers->config.cpu_s);
	}
	if (WIFSIGNALED(status))
		return g_strdup_printf("dh-prepare was ended by signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) == DH_PREPARE_OK) {
		*code = DH_PREPARE_OK;
		return NULL;
	}
	if (WEXITSTATUS(status) <= DH_PREPARE_SILENT)
		*code = WEXITSTATUS(status);
	return g_strdup_printf("dh-prepare failed with exit code %d", WEXITSTATUS(status));
}

void dh_workers_ended(struct dh_worker *worker)
{
	struct dh_workers *workers = worker->workers;
	struct dh_job *job = worker->job;
	enum dh_worker_state state = worker->state;
	int code;
	char *text = explain(worker, &code);

	g_ptr_array_remove_fast(workers->all, worker);
	dh_worker_free(worker);
	if (state != DH_WORKER_BUSY)
		start_failed(workers, text ? g_steal_pointer(&text) :
			g_strdup("dh-prepare ended before it was given a job"));
	if (job) {
		job->worker = NULL;
		finish_job(job, code, text ? text : "");
	}
	g_free(text);
	dh_io_timer_set(workers->pump, 0);
}

/* --- all */

int dh_workers_alloc(struct dh_workers **workers, struct dh_io *io, const struct dh_workers_config *config)
{
	struct dh_workers *new = g_new0(struct dh_workers, 1);

	new->io = io;
	new->config = *config;
	new->config.path = new->path = g_strdup(config->path);
	new->config.user = new->user = g_strdup(config->user);
	new->all = g_ptr_array_new();
	g_queue_init(&new->waiting);
	new->pump = dh_io_timer(io, pump, new);
	dh_io_timer_set(new->pump, 0);
	*workers = new;
	return 0;
}

void dh_workers_free(struct dh_workers **workers)
{
	struct dh_workers *old = *workers;

	*workers = NULL;
	if (!old)
		return;
	dh_io_drop(&old->pump);
	for (guint i = 0; i < old->all->len; i++)
		dh_worker_kill(old->all->pdata[i], DH_PREPARE_OK, NULL);
	for (guint i = 0; i < old->all->len; i++)
		dh_worker_free(old->all->pdata[i]);
	g_ptr_array_free(old->all, TRUE);
	g_free(old->trouble);
	g_free(old->path);
	g_free(old->user);
	g_free(old);
}

void dh_workers_stats(const struct dh_workers *workers, struct dh_workers_stats *stats)
{
	stats->starting = count(workers, DH_WORKER_STARTING);
	stats->ready = count(workers, DH_WORKER_READY);
	stats->busy = count(workers, DH_WORKER_BUSY);
	stats->waiting = (int)g_queue_get_length((GQueue *)&workers->waiting);
	stats->jobs = workers->jobs;
	stats->failed = workers->failed;
}
