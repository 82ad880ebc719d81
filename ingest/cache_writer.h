/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes a cache entry without making anyone wait for the disk: pushed bytes are copied and
 * written in order in a loader lane. If the disk is too slow, hangs or fails, the entry is
 * dropped.
 *
 * One thread at a time.
 */
#ifndef DH_CACHE_WRITER_H
#define DH_CACHE_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "cache.h"
#include "limits.h"
#include "loader.h"

struct dh_cache_writer;

/* Takes references to `cache` and `limits`. `loader` must outlive dh_cache_writer_end. `key`
 * NULL: it is not known yet. */
struct dh_cache_writer *dh_cache_writer_new(struct dh_cache *cache, struct dh_loader *loader, struct dh_limits *limits,
	const char *key);

void dh_cache_writer_push(struct dh_cache_writer *writer, const void *bytes, size_t size);

void dh_cache_writer_set_key(struct dh_cache_writer *writer, const char *key);

/* Ends the stream: commits the entry, or abandons it, as it does while the key is unknown.
 * Sets *writer to NULL; *writer may be NULL. */
void dh_cache_writer_end(struct dh_cache_writer **writer, bool commits);

#endif
