/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ingest_config.h"

#include <stddef.h>
#include <sys/resource.h>

#include "prepare/job.h"

/* Janus and the viewers need most of them. */
static int quarter_of_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > 1 << 20)
		return 1 << 18;
	return limit.rlim_cur < 4 ? 1 : (int)(limit.rlim_cur / 4);
}

void dh_ingest_config_init(struct dh_ingest_config *config)
{
	*config = (struct dh_ingest_config){
		.worker_path = "dh-prepare",
		.opener_path = "dh-open",
		.worker_user = "nobody",
		.warm_workers = 2,
		.max_workers = 4,
		.max_live = 100,
		.max_jobs = 1000,
		.worker_memory_mb = 1024,
		.worker_cpu_s = 600,
		.worker_nice = 10,
		.worker_silence_ms = 15000,
		.worker_wait_ms = 30000,
		.worker_start_ms = 10000,
		.live_silence_ms = 30000,
		.wait_log_ms = 60000,
		.max_ms = 600000,
		.max_live_ms = DH_SEGMENT_MS_MAX,
		.max_side = 4096,
		.max_segment_bytes = INT64_C(512) << 20,
		.cache_folder = NULL,
		.cache_bytes = INT64_C(2) << 30,
		.file_open_ms = 3000,
		.file_read_ms = 60000,
		.memory_bytes = INT64_C(2) << 30,
		.descriptors_max = quarter_of_descriptors(),
		.orphans_max = 2,
	};
}

bool dh_ingest_config_is_valid(const struct dh_ingest_config *c)
{
	return c->worker_path && *c->worker_path && c->opener_path && *c->opener_path && c->warm_workers >= 0 &&
		c->warm_workers <= 16 && c->max_workers >= 1 && c->max_workers <= 64 && c->max_live >= 1 &&
		c->max_live <= 1000 && c->max_jobs >= 1 && c->worker_memory_mb >= 0 && c->worker_cpu_s >= 0 &&
		c->worker_nice >= 0 && c->worker_nice <= 19 && c->worker_silence_ms > 0 && c->worker_wait_ms >= 0 &&
		c->worker_start_ms > 0 && c->live_silence_ms > 0 && c->wait_log_ms >= 0 && c->max_ms > 0 &&
		c->max_live_ms > 0 && c->max_live_ms <= DH_SEGMENT_MS_MAX && c->max_side > 0 &&
		c->max_segment_bytes > 0 && c->cache_bytes >= 0 && c->file_open_ms > 0 && c->file_read_ms > 0 &&
		c->memory_bytes > 0 && c->descriptors_max > 0 && c->orphans_max >= 0;
}
