/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which file system a path belongs to, told without asking that file system,
 * which may not answer. Any thread.
 */
#ifndef DH_MOUNTS_H
#define DH_MOUNTS_H

#include <stdint.h>

/* The device (as of stat) of the file system that is mounted where `path`
 * (absolute; taken as it is, with its symbolic links) lies in the table of
 * mounts `table`, NULL: /proc/self/mountinfo. 0 where that cannot be told. */
uint64_t dh_mounts_device(const char *path, const char *table);

#endif
