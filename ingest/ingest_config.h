/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths and limits of the ingest; the plugin fills them in from its options. */
#ifndef DH_INGEST_CONFIG_H
#define DH_INGEST_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

/* Options of the plugin that appear in error messages. */
#define DH_FILE_READ_OPTION "file_read_s"
#define DH_MEMORY_OPTION    "max_media_mb"

/* dh_ingest_alloc copies the strings. Zero never means "the default": start from
 * dh_ingest_config_init. */
struct dh_ingest_config {
	const char *worker_path;   /* dh-prepare: absolute, or a name looked up in PATH; "dh-prepare" */
	const char *opener_path;   /* dh-open, likewise; "dh-open" */
	const char *worker_user;   /* user of the workers if the gateway is root; "" no change; "nobody" */
	int warm_workers;          /* started ahead, 0 to 16; 2 */
	int max_workers;           /* concurrent jobs that read files, 1 to 64; 4 */
	int max_live;              /* concurrent live jobs, 1 to 1000; 100 */
	int max_jobs;              /* jobs waiting for a worker; 1000 */
	int worker_memory_mb;      /* data segment of each; 0 no limit; 1024 */
	int worker_cpu_s;          /* processor time per job; 0 no limit; 600 */
	int worker_nice;           /* 0 to 19; 10 */
	int worker_silence_ms;     /* a worker silent for this long is killed (idle clip: 4 times as long); 15000 */
	int worker_wait_ms;        /* how long jobs wait while no worker can be started; 30000 */
	int worker_start_ms;       /* a worker must be ready within this time; 10000 */
	int live_silence_ms;       /* longest silence of a live source; 30000 */
	int wait_log_ms;           /* the log hears of one cause why live sources get no worker this often; 60000 */
	int64_t max_ms;            /* longest segment; 600000 */
	int64_t max_live_ms;       /* longest one that is made while it plays; a day, which is the most */
	int max_side;              /* largest width or height of an input picture; 4096 */
	int64_t max_segment_bytes; /* one prepared segment; of a live one, what is kept; 512 MiB */
	const char *cache_folder;  /* NULL or "": no cache; created if its parent exists */
	int64_t cache_bytes;       /* all cache entries together; 2 GiB */
	int file_open_ms;          /* longest time to open and examine one; 3000 */
	int file_read_ms;          /* longest time to read a file; 60000 */
	int64_t memory_bytes;      /* prepared media of all rooms; 2 GiB */
	int descriptors_max;       /* open media files; a quarter of RLIMIT_NOFILE */
	int orphans_max;           /* preparations that go on with nobody waiting; 2 */
};

/* Sets the defaults: the last value of each comment above, and no cache folder. */
void dh_ingest_config_init(struct dh_ingest_config *config);

/* Whether every number is within its range. */
bool dh_ingest_config_is_valid(const struct dh_ingest_config *config);

#endif
