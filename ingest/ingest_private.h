/* The ingest as the files behind ingest.h see it. */
#ifndef DH_INGEST_PRIVATE_H
#define DH_INGEST_PRIVATE_H

#include "cache.h"
#include "file_hash.h"
#include "ingest.h"
#include "loader.h"
#include "worker.h"
#include "worker_version.h"

struct dh_ingest {
	/* immutable; what they point to is any thread's */
	struct dh_io *io;
	struct dh_ingest_config config;
	struct dh_loader *loader;
	struct dh_cache *cache;        /* NULL: none */
	struct dh_file_hashes *hashes;
	/* I/O thread */
	struct dh_workers *workers;
	GPtrArray *all;                /* struct dh_preparation */
	GHashTable *by_key;            /* those with a key that have not failed */
	struct dh_worker_version *asking;
	char *version;                 /* NULL: not known */
	int64_t asked_us;              /* 0: never */
	int subscriptions;
	uint64_t cache_hits, cache_misses;
};

/* I/O thread. Whether the version is being asked for: dh_preparation_begin is
 * called when it is known or not to be had. */
int dh_ingest_asks_version(struct dh_ingest *ingest);

#endif
