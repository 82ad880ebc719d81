/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prepared segments on disk: `<key>.dhs` files in one folder, the same bytes as
 * a worker writes (playout/stream.h). Bounded; what was used longest ago goes
 * first. A folder that is missing, full or not writable is warned of once and
 * costs nothing but the cache. What is read from it is to be judged as hostile.
 *
 * Any thread; every function but dh_cache_leave and dh_cache_fault may wait for the disk.
 */
#ifndef DH_CACHE_H
#define DH_CACHE_H

#include <stddef.h>
#include <stdint.h>

struct dh_cache;
struct dh_cache_entry;

/* Looks through the folder, with one reference; it is created where only its last part is
 * missing (mode 0700); removes what earlier runs left unfinished. A folder that
 * cannot be used is no error. -ENOMEM. */
int dh_cache_alloc(struct dh_cache **cache, const char *folder, int64_t max_bytes);
struct dh_cache *dh_cache_ref(struct dh_cache *cache);
void dh_cache_unref(struct dh_cache **cache);

/* `key`: hexadecimal digits. A descriptor to read the entry from, or a negative errno. */
int dh_cache_open(struct dh_cache *cache, const char *key);

/* The entry is damaged. */
void dh_cache_remove(struct dh_cache *cache, const char *key);

/* Begins an entry, aside. An entry is written by one thread at a time. */
int dh_cache_begin(struct dh_cache *cache, const char *key, struct dh_cache_entry **entry);
/* Negative errno: cannot be written (no space, larger than the whole cache); abandon it. */
int dh_cache_write(struct dh_cache_entry *entry, const void *bytes, size_t size);
/* In place of what was there under that key; then others go where the bound wants it. */
int dh_cache_commit(struct dh_cache_entry **entry);
/* Removes what has been written; *entry may be NULL. */
void dh_cache_abandon(struct dh_cache_entry **entry);
/* Waits for nothing: file and descriptor stay behind. The next scan removes the file. */
void dh_cache_leave(struct dh_cache_entry **entry);

/* The folder cannot be used, because of that errno; 0: it can be again. Logged when
 * that changes. Does not wait. */
void dh_cache_fault(struct dh_cache *cache, int error);

void dh_cache_stats(struct dh_cache *cache, int64_t *bytes, int *entries);

#endif
