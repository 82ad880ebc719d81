/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The limits and paths of the ingest; the plugin fills them from its options. */
#ifndef DH_INGEST_CONFIG_H
#define DH_INGEST_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

/* The plugin's options that errors name. */
#define DH_FILE_READ_OPTION "file_read_s"
#define DH_MEMORY_OPTION    "max_media_mb"

/* Strings are copied by dh_ingest_alloc. Zero is never "the default": start
 * from dh_ingest_config_init. */
struct dh_ingest_config {
	const char *worker_path;   /* dh-prepare: absolute, or a name looked up in PATH; default "dh-prepare" */
	const char *worker_user;   /* workers run as this user when the gateway is root; "" no change; "nobody" */
	int warm_workers;          /* started ahead, 0 to 16; 2 */
	int max_workers;           /* jobs of files at once, 1 to 64; 4 */
	int max_live;              /* live jobs at once, 1 to 1000; 100 */
	int max_jobs;              /* that wait for a worker; 1000 */
	int worker_memory_mb;      /* of data, each; 0 no limit; 1024 */
	int worker_cpu_s;          /* processor time of a job; 0 no limit; 600 */
	int worker_nice;           /* 0 to 19; 10 */
	int worker_silence_ms;     /* a worker that writes nothing for this long while we read is killed (an
	                           * idle clip's first output may take four times as long); 15000 */
	int worker_wait_ms;        /* jobs wait so long for workers that cannot be started; 30000 */
	int worker_start_ms;       /* a worker must be ready after this long; 10000 */
	int live_silence_ms;       /* a live source must yield something this often; 30000 */
	int64_t max_ms;            /* longest segment; 600000 */
	int max_side;              /* widest or highest input picture; 4096 */
	int64_t max_segment_bytes; /* of one prepared segment; 512 MiB */
	const char *cache_folder;  /* NULL or "": no cache; it is created where only the last part is missing */
	int64_t cache_bytes;       /* of all entries together; 2 GiB */
	int file_read_ms;          /* reading a file may take so long; 60000 */
	int64_t memory_bytes;      /* of prepared media of all rooms; 2 GiB */
	int descriptors_max;       /* open files, pipes and sockets; a quarter of RLIMIT_NOFILE */
	int orphans_max;           /* preparations that go on although nobody waits; 2 */
};

/* The defaults, the last figure or word of each comment above; cache_folder is NULL. */
void dh_ingest_config_init(struct dh_ingest_config *config);

/* Whether every number is in its range. */
bool dh_ingest_config_is_valid(const struct dh_ingest_config *config);

#endif
