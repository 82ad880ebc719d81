/* Writes an entry of the cache behind the I/O thread's back: what is fed is
 * copied and written by the loader's threads, in order. Where the disk cannot
 * keep up or fails, the entry is given up and nobody waits.
 */
#ifndef DH_CACHE_WRITER_H
#define DH_CACHE_WRITER_H

#include <stddef.h>

#include "cache.h"
#include "loader.h"

struct dh_cache_writer;

/* `cache` and `loader` must outlive the loader's tasks. */
int dh_cache_writer_alloc(struct dh_cache_writer **writer, struct dh_cache *cache, struct dh_loader *loader,
	const char *key);

void dh_cache_writer_push(struct dh_cache_writer *writer, const void *bytes, size_t size);

/* No more comes; the entry is put in place, or abandoned. `*writer` becomes NULL;
 * NULL inside is fine. */
void dh_cache_writer_end(struct dh_cache_writer **writer, int commit);

#endif
