/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What cache.c and cache_entry.c share. */
#ifndef DH_CACHE_PRIVATE_H
#define DH_CACHE_PRIVATE_H

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "cache.h"

/* Prefix of temporary files. */
#define DH_CACHE_UNFINISHED "unfinished-"

struct dh_cache {
	atomic_int refs;
	/* immutable */
	char *folder;
	int64_t max_bytes;
	/* protected by lock */
	GMutex lock;
	GHashTable *known; /* key -> struct known */
	int64_t bytes;
	int64_t clock; /* larger than any `used` */
	uint64_t serial;
	bool is_broken;  /* and a warning was logged */
	GPtrArray *left; /* struct dh_cache_entry: to be abandoned by a thread that may wait */
};

/* --- cache.c */

/* The entry's file; free it with g_free. */
char *dh_cache_path(const struct dh_cache *cache, const char *key);
/* With the lock held: adds the entry to the index as the one used last. */
void dh_cache_know(struct dh_cache *cache, const char *key, int64_t bytes);
/* With the lock held: forgets the oldest entries beyond the limit. Returns their paths, for
 * dh_cache_remove_files. */
GPtrArray *dh_cache_shrink(struct dh_cache *cache);
/* Without the lock, since the disk may hang. Takes ownership of `paths`. An entry that was
 * written anew meanwhile is lost, and prepared again when it is wanted. */
void dh_cache_remove_files(GPtrArray *paths);

/* --- cache_entry.c */

/* Frees the entry alone: its descriptor and its file stay. */
void dh_cache_entry_free(struct dh_cache_entry **entry);

#endif
