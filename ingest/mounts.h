/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds which file system a path is on without asking that file system, which may not
 * answer. Any thread.
 */
#ifndef DH_MOUNTS_H
#define DH_MOUNTS_H

#include <stdint.h>

/* The device (as in stat) of the file system on which `path` lies. `path` is absolute and
 * taken literally, symbolic links included. `table` is a mount table; NULL:
 * /proc/self/mountinfo. 0 if unknown. */
uint64_t dh_mounts_device(const char *path, const char *table);

#endif
