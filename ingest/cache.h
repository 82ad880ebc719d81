/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prepared segments on disk: `<key>.dhs` files in one folder, the same bytes that a worker
 * writes (playout/stream.h). The cache is bounded and evicts the least recently used entry
 * first. A missing, full or read-only folder costs nothing but the cache; a warning is
 * logged once. Treat what you read from it as hostile.
 *
 * Any thread. dh_cache_leave, dh_cache_fault and dh_cache_stats never wait for the disk. All
 * others may.
 */
#ifndef DH_CACHE_H
#define DH_CACHE_H

#include <stddef.h>
#include <stdint.h>

struct dh_cache;
struct dh_cache_entry;

/* Scans the folder, creates it (mode 0700) if its parent exists, and removes what earlier
 * runs left unfinished. A folder that cannot be used is not an error. One reference is the
 * caller's. */
struct dh_cache *dh_cache_new(const char *folder, int64_t max_bytes);
struct dh_cache *dh_cache_ref(struct dh_cache *cache);
void dh_cache_unref(struct dh_cache **cache);

/* Returns a descriptor to read the entry from, or a negative errno. `key`: hexadecimal digits. */
int dh_cache_open(struct dh_cache *cache, const char *key);

/* For an entry that turned out to be damaged. */
void dh_cache_remove(struct dh_cache *cache, const char *key);

/* Begins an entry in a temporary file. One thread at a time may use an entry, and the cache
 * must outlive it. */
int dh_cache_begin(struct dh_cache *cache, const char *key, struct dh_cache_entry **entry);
/* Negative errno if it cannot be written (no space, or larger than the whole cache): then
 * abandon the entry. */
int dh_cache_write(struct dh_cache_entry *entry, const void *bytes, size_t size);
/* It will have this key. */
void dh_cache_entry_set_key(struct dh_cache_entry *entry, const char *key);
/* Renames it into place, replacing any entry with that key, and evicts others to stay
 * within the limit. Always frees the entry. 0 or a negative errno. */
int dh_cache_commit(struct dh_cache_entry **entry);
/* Removes what was written. *entry may be NULL. */
void dh_cache_abandon(struct dh_cache_entry **entry);
/* Abandons the entry without waiting for the disk: the next dh_cache_begin removes what was
 * written. If none follows, its descriptor stays open, and a later scan removes the
 * temporary file. *entry may be NULL. */
void dh_cache_leave(struct dh_cache_entry **entry);

/* Reports that the folder cannot be used because of `error`, or with 0 that it works again.
 * Logged only when that changes. */
void dh_cache_fault(struct dh_cache *cache, int error);

void dh_cache_stats(struct dh_cache *cache, int64_t *bytes, int *entries);

#endif
