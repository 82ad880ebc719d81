/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingest.h"

#include <errno.h>
#include <string.h>

#include "cache.h"
#include "file_hash.h"
#include "ingest_state.h"
#include "limits.h"
#include "loader.h"
#include "log.h"
#include "preparation.h"
#include "worker.h"
#include "worker_version.h"

/* If there was no answer, the next preparation asks again after this long. */
#define ASK_AGAIN_US (5 * G_USEC_PER_SEC)
/* Per segment while it is prepared: picture and sound. */
#define SEGMENT_DESCRIPTORS 2

/* --- the workers */

static struct dh_workers_config workers_config(const struct dh_ingest *ingest)
{
	const struct dh_ingest_config *c = &ingest->config;

	return (struct dh_workers_config){
		.loader = ingest->loader,
		.path = c->worker_path,
		.user = c->worker_user,
		.warm = c->warm_workers,
		.max = c->max_workers,
		.max_live = c->max_live,
		.wait_ms = c->worker_wait_ms,
		.wait_log_ms = c->wait_log_ms,
		.max_waiting = c->max_jobs,
		.memory_mb = c->worker_memory_mb,
		.cpu_s = c->worker_cpu_s,
		.nice = c->worker_nice,
		.start_ms = c->worker_start_ms,
	};
}

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
	const struct dh_workers_config config = workers_config(ingest);
	int64_t now = g_get_monotonic_time();
	int err;

	if (ingest->asking)
		return true;
	if (ingest->version || (ingest->asked_us && now - ingest->asked_us < ASK_AGAIN_US))
		return false;
	ingest->asked_us = now;
	err = dh_worker_version_ask(&ingest->asking, ingest->io, &config, version_known, ingest);
	if (err < 0)
		dh_log(DH_LOG_WARNING, "%s --version: %s; nothing is cached or shared", ingest->config.worker_path,
			g_strerror(-err));
	return err == 0;
}

/* --- life */

static void start(void *arg)
{
	struct dh_ingest *ingest = arg;
	const struct dh_workers_config config = workers_config(ingest);

	ingest->workers = dh_workers_new(ingest->io, &config);
	dh_ingest_asks_version(ingest);
}

static void stop(void *arg)
{
	struct dh_ingest *ingest = arg;

	if (ingest->subscriptions > 0)
		dh_log(DH_LOG_ERROR, "%d subscriptions are left", ingest->subscriptions);
	while (ingest->all->len > 0) {
		struct dh_preparation *preparation = ingest->all->pdata[0];
		dh_preparation_free(&preparation);
	}
	dh_worker_version_free(&ingest->asking);
	dh_workers_free(&ingest->workers);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void release(struct dh_ingest *ingest)
{
	dh_cache_unref(&ingest->cache);
	dh_file_hashes_unref(&ingest->hashes);
	dh_limits_unref(&ingest->limits);
	g_ptr_array_unref(ingest->all);
	g_hash_table_destroy(ingest->by_key);
	g_free(ingest->version);
	g_free((char *)ingest->config.worker_path);
	g_free((char *)ingest->config.opener_path);
	g_free((char *)ingest->config.worker_user);
	g_free((char *)ingest->config.cache_folder);
	g_free(ingest);
}

static int alloc_loader(struct dh_ingest *ingest)
{
	struct dh_openers *openers = dh_openers_new(ingest->config.opener_path);
	int err = dh_loader_alloc(&ingest->loader, ingest->io, openers);

	if (err == 0)
		dh_loader_set_open_ms(ingest->loader, ingest->config.file_open_ms);
	dh_openers_unref(&openers);
	return err;
}

int dh_ingest_alloc(struct dh_ingest **ingest, struct dh_io *io, const struct dh_ingest_config *config)
{
	const int64_t most[DH_LIMIT_COUNT] = {
		[DH_LIMIT_DESCRIPTORS] = config->descriptors_max,
		[DH_LIMIT_MEMORY] = config->memory_bytes,
	};
	struct dh_ingest *new;
	int err;

	if (!dh_ingest_config_is_valid(config))
		return -EINVAL;
	new = g_new0(struct dh_ingest, 1);
	new->io = io;
	new->config = *config;
	new->config.worker_path = g_strdup(config->worker_path);
	new->config.opener_path = g_strdup(config->opener_path);
	new->config.worker_user = g_strdup(config->worker_user);
	new->config.cache_folder = g_strdup(config->cache_folder);
	new->all = g_ptr_array_new();
	new->by_key = g_hash_table_new(g_str_hash, g_str_equal);
	new->hashes = dh_file_hashes_new();
	new->limits = dh_limits_new(most);
	if (config->cache_folder && *config->cache_folder)
		new->cache = dh_cache_new(config->cache_folder, config->cache_bytes);
	err = alloc_loader(new);
	if (err < 0) {
		release(new);
		return err;
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
	/* Their tasks are cancelled; threads that hang are abandoned. Reports already
	 * posted still run, but reach nobody. */
	dh_loader_free(&old->loader);
	dh_io_call(old->io, nothing, NULL);
	release(old);
}

void dh_ingest_free_later(struct dh_ingest *ingest, dh_free_fn *some, void *thing)
{
	dh_free_later(ingest->loader, some, thing);
}

void dh_ingest_free_units_later(struct dh_ingest *ingest, GPtrArray *units)
{
	dh_free_units_later(ingest->loader, units);
}

/* --- limits */

bool dh_ingest_has_memory(struct dh_ingest *ingest)
{
	return dh_limits_used(ingest->limits, DH_LIMIT_MEMORY) < dh_limits_most(ingest->limits, DH_LIMIT_MEMORY);
}

/* Drops preparations that only the cache waits for. */
static void free_memory(void *arg)
{
	struct dh_ingest *ingest = arg;

	for (guint i = ingest->all->len; i > 0; i--) {
		struct dh_preparation *preparation = ingest->all->pdata[i - 1];
		if (preparation->subscriptions->len == 0)
			dh_preparation_free(&preparation);
	}
}

int dh_ingest_admit(struct dh_ingest *ingest, char **error)
{
	if (!dh_ingest_has_memory(ingest))
		dh_io_call(ingest->io, free_memory, ingest);
	if (!dh_ingest_has_memory(ingest)) {
		*error = g_strdup_printf("prepared media use all the memory they may: " DH_MEMORY_OPTION
					 " (%" G_GINT64_FORMAT ")",
			ingest->config.memory_bytes >> 20);
		return -ENOBUFS;
	}
	if (dh_limits_used(ingest->limits, DH_LIMIT_DESCRIPTORS) + SEGMENT_DESCRIPTORS <=
		dh_limits_most(ingest->limits, DH_LIMIT_DESCRIPTORS))
		return 0;
	*error = g_strdup_printf("too many files are open: %d, a quarter of what the system allows",
		ingest->config.descriptors_max);
	return -EMFILE;
}

/* --- stats */

struct asked_stats {
	struct dh_ingest *ingest;
	struct dh_ingest_stats *stats;
};

static struct dh_ingest_use use_of(struct dh_ingest *ingest, enum dh_limit which)
{
	return (struct dh_ingest_use){ dh_limits_used(ingest->limits, which), dh_limits_most(ingest->limits, which) };
}

static void get_stats(void *arg)
{
	struct dh_ingest *ingest = ((struct asked_stats *)arg)->ingest;
	struct dh_ingest_stats *stats = ((struct asked_stats *)arg)->stats;
	const struct dh_ingest_config *config = &ingest->config;
	struct dh_workers_stats workers;
	struct dh_loader_stats loader;

	dh_workers_stats(ingest->workers, &workers);
	dh_loader_stats(ingest->loader, &loader);
	*stats = (struct dh_ingest_stats){
		.workers_ready = workers.ready,
		.workers_busy = workers.busy,
		.workers_live = workers.busy_live,
		.jobs_waiting = workers.waiting,
		.jobs_waiting_live = workers.waiting_live,
		.preparations = (int)ingest->all->len,
		.subscriptions = ingest->subscriptions,
		.jobs = workers.jobs,
		.jobs_failed = workers.failed,
		.cache_hits = ingest->cache_hits,
		.cache_misses = ingest->cache_misses,
		.cache_bytes = -1,
		.io_longest_turn_us = dh_io_longest_turn_us(ingest->io),
	};
	if (ingest->cache)
		dh_cache_stats(ingest->cache, &stats->cache_bytes, &stats->cache_entries);
	stats->reads_waiting = loader.waiting;
	stats->reads_lost = loader.lost;
	stats->workers = (struct dh_ingest_use){ workers.busy - workers.busy_live, config->max_workers };
	stats->waiting = (struct dh_ingest_use){ workers.waiting, config->max_jobs };
	stats->cache = (struct dh_ingest_use){ MAX(stats->cache_bytes, 0), ingest->cache ? config->cache_bytes : 0 };
	stats->descriptors = use_of(ingest, DH_LIMIT_DESCRIPTORS);
	stats->memory = use_of(ingest, DH_LIMIT_MEMORY);
}

void dh_ingest_stats(struct dh_ingest *ingest, struct dh_ingest_stats *stats)
{
	struct asked_stats asked = { .ingest = ingest, .stats = stats };

	dh_io_call(ingest->io, get_stats, &asked);
}
