#include "ingest.h"

#include <errno.h>
#include <string.h>

#include "cache.h"
#include "file_hash.h"
#include "ingest_state.h"
#include "loader.h"
#include "log.h"
#include "preparation.h"
#include "worker.h"
#include "worker_version.h"

/* After an answer did not come, the next preparation asks again when that is
 * this long ago. */
#define ASK_AGAIN_US (5 * G_USEC_PER_SEC)

/* --- the version */

static void version_known(void *arg, const char *text, const char *error)
{
	struct dh_ingest *ingest = arg;
	GPtrArray *waiting = g_ptr_array_new();

	if (!text)
		dh_log(DH_LOG_WARNING, "%s --version: %s; nothing is cached or shared", ingest->config.worker_path,
			error);
	ingest->version = g_strdup(text);
	dh_worker_version_free(&ingest->asking);
	for (guint i = 0; i < ingest->all->len; i++) {
		struct dh_preparation *preparation = ingest->all->pdata[i];
		if (preparation->state == DH_PREPARATION_NEW && !preparation->task)
			g_ptr_array_add(waiting, preparation);
	}
	for (guint i = 0; i < waiting->len; i++)
		dh_preparation_begin(waiting->pdata[i]);
	g_ptr_array_unref(waiting);
}

bool dh_ingest_asks_version(struct dh_ingest *ingest)
{
	int64_t now = g_get_monotonic_time();
	int r;

	if (ingest->asking)
		return 1;
	if (ingest->version || (ingest->asked_us && now - ingest->asked_us < ASK_AGAIN_US))
		return 0;
	ingest->asked_us = now;
	r = dh_worker_version_ask(&ingest->asking, ingest->io, ingest->config.worker_path, version_known, ingest);
	if (r < 0)
		dh_log(DH_LOG_WARNING, "%s --version: %s; nothing is cached or shared", ingest->config.worker_path,
			g_strerror(-r));
	return r == 0;
}

/* --- life */

static void start(void *arg)
{
	struct dh_ingest *ingest = arg;
	const struct dh_ingest_config *c = &ingest->config;
	struct dh_workers_config config = {
		.path = c->worker_path, .user = c->worker_user, .warm = c->warm_workers, .max = c->max_workers,
		.max_live = c->max_live, .wait_ms = c->worker_wait_ms,
		.max_waiting = c->max_jobs, .memory_mb = c->worker_memory_mb, .cpu_s = c->worker_cpu_s,
		.nice = c->worker_nice, .start_ms = c->worker_start_ms,
	};

	dh_workers_alloc(&ingest->workers, ingest->io, &config);
	dh_ingest_asks_version(ingest);
}

static void stop(void *arg)
{
	struct dh_ingest *ingest = arg;

	if (ingest->subscriptions > 0)
		dh_log(DH_LOG_ERROR, "%d subscriptions are left", ingest->subscriptions);
	while (ingest->all->len > 0)
		dh_preparation_free(ingest->all->pdata[0]);
	dh_worker_version_free(&ingest->asking);
	dh_workers_free(&ingest->workers);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void release(struct dh_ingest *ingest)
{
	dh_cache_free(&ingest->cache);
	dh_file_hashes_free(&ingest->hashes);
	g_ptr_array_unref(ingest->all);
	g_hash_table_destroy(ingest->by_key);
	g_free(ingest->version);
	g_free((char *)ingest->config.worker_path);
	g_free((char *)ingest->config.worker_user);
	g_free((char *)ingest->config.cache_folder);
	g_free(ingest);
}

int dh_ingest_alloc(struct dh_ingest **ingest, struct dh_io *io, const struct dh_ingest_config *config)
{
	struct dh_ingest *new;
	int r;

	if (!dh_ingest_config_is_valid(config))
		return -EINVAL;
	new = g_new0(struct dh_ingest, 1);
	new->io = io;
	new->config = *config;
	new->config.worker_path = g_strdup(config->worker_path);
	new->config.worker_user = g_strdup(config->worker_user);
	new->config.cache_folder = g_strdup(config->cache_folder);
	new->all = g_ptr_array_new();
	new->by_key = g_hash_table_new(g_str_hash, g_str_equal);
	r = dh_file_hashes_alloc(&new->hashes);
	if (r == 0 && config->cache_folder && *config->cache_folder)
		r = dh_cache_alloc(&new->cache, config->cache_folder, config->cache_bytes);
	if (r == 0)
		r = dh_loader_alloc(&new->loader, config->loader_threads);
	if (r < 0) {
		release(new);
		return r;
	}
	dh_io_post(io, start, new);
	*ingest = new;
	return 0;
}

void dh_ingest_free(struct dh_ingest **ingest)
{
	struct dh_ingest *old = *ingest;

	*ingest = NULL;
	if (!old)
		return;
	dh_io_call(old->io, stop, old);
	/* Its tasks are cancelled; each still reports, to nobody. */
	dh_loader_free(&old->loader);
	dh_io_call(old->io, nothing, NULL);
	release(old);
}

/* --- stats */

struct asked_stats {
	struct dh_ingest *ingest;
	struct dh_ingest_stats *stats;
};

static void get_stats(void *arg)
{
	struct dh_ingest *ingest = ((struct asked_stats *)arg)->ingest;
	struct dh_ingest_stats *stats = ((struct asked_stats *)arg)->stats;
	struct dh_workers_stats workers;

	dh_workers_stats(ingest->workers, &workers);
	*stats = (struct dh_ingest_stats){
		.workers_ready = workers.ready, .workers_busy = workers.busy, .workers_live = workers.busy_live,
		.jobs_waiting = workers.waiting, .jobs_waiting_live = workers.waiting_live,
		.preparations = (int)ingest->all->len, .subscriptions = ingest->subscriptions,
		.jobs = workers.jobs, .jobs_failed = workers.failed,
		.cache_hits = ingest->cache_hits, .cache_misses = ingest->cache_misses, .cache_bytes = -1,
		.io_longest_turn_us = dh_io_longest_turn_us(ingest->io),
	};
	if (ingest->cache)
		dh_cache_stats(ingest->cache, &stats->cache_bytes, &stats->cache_entries);
}

void dh_ingest_stats(struct dh_ingest *ingest, struct dh_ingest_stats *stats)
{
	struct asked_stats asked = { .ingest = ingest, .stats = stats };

	dh_io_call(ingest->io, get_stats, &asked);
}
