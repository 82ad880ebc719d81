/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes an entry of the cache without anybody waiting for the disk: what is
 * pushed is copied and written in a lane of the loader, in order. Where the disk
 * cannot keep up, hangs or fails, the entry is given up.
 */
#ifndef DH_CACHE_WRITER_H
#define DH_CACHE_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "cache.h"
#include "limits.h"
#include "loader.h"

struct dh_cache_writer;

/* References to `cache` and `limits` are taken. `loader` must outlive dh_cache_writer_end. */
struct dh_cache_writer *dh_cache_writer_new(struct dh_cache *cache, struct dh_loader *loader, struct dh_limits *limits,
	const char *key);

void dh_cache_writer_push(struct dh_cache_writer *writer, const void *bytes, size_t size);

/* No more comes; the entry is put in place, or abandoned. `*writer` becomes NULL
 * (and may be NULL). */
void dh_cache_writer_end(struct dh_cache_writer **writer, bool commits);

#endif
