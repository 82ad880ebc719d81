/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads a file in slices, so that other tasks in the lane get their turn. Lane's thread. */
#ifndef DH_FILE_SLICE_H
#define DH_FILE_SLICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "opener.h"

/* Receives what was read; a negative result stops the reading. */
typedef int dh_file_slice_fn(void *arg, const void *bytes, size_t size);

/* Reads a media file by its envelope or, if `opener` is NULL, an open file of our own. Reads
 * on from *at, and advances it, until the file or the turn ends. 1: there is more; 0:
 * end of file; or a negative errno: what `push` returned, or -ECANCELED soon after
 * *is_cancelled has become true. */
int dh_file_slice(struct dh_opener *opener, int fd, off_t *at, const atomic_bool *is_cancelled, dh_file_slice_fn *push,
	void *arg);

/* Whether reading so much took so long that whoever has to wait for it waits for the file system. */
bool dh_file_reads_slowly(off_t bytes, int64_t us);

#endif
