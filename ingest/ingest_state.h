/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all preparations share. */
#ifndef DH_INGEST_STATE_H
#define DH_INGEST_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>

#include "ingest_config.h"
#include "limits.h"

struct dh_cache;
struct dh_file_hashes;
struct dh_io;
struct dh_loader;
struct dh_worker_version;
struct dh_workers;

struct dh_ingest {
	/* immutable; what they point to is safe in any thread */
	struct dh_io *io;
	struct dh_ingest_config config;
	struct dh_loader *loader;
	struct dh_cache *cache; /* may be NULL */
	struct dh_file_hashes *hashes;
	struct dh_limits *limits;
	/* I/O thread */
	struct dh_workers *workers;
	GPtrArray *all;     /* struct dh_preparation */
	GHashTable *by_key; /* those with a key, unless they failed */
	struct dh_worker_version *asking;
	char *version;    /* NULL: unknown */
	int64_t asked_us; /* 0: never */
	int subscriptions;
	uint64_t cache_hits, cache_misses;
};

/* I/O thread. Whether the version is being queried; dh_preparation_begin is called once the
 * answer, or a failure, is there. */
bool dh_ingest_asks_version(struct dh_ingest *ingest);

#endif
