/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading a file in parts that leave the lane to others in between. Lane's thread. */
#ifndef DH_FILE_SLICE_H
#define DH_FILE_SLICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What is read; less than 0 ends it. */
typedef int dh_file_slice_fn(void *arg, const void *bytes, size_t size);

/* Reads on from *at, which grows, until the file ends or it is another's turn.
 * 1: there is more; 0: the end; or a negative errno, -ECANCELED soon after
 * *is_cancelled has become true, and what `push` returned. */
int dh_file_slice(int fd, off_t *at, const atomic_bool *is_cancelled, dh_file_slice_fn *push, void *arg);

#endif
