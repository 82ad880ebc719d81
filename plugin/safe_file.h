/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Replaces a file as a whole or not at all: writes PATH.new-XXXXXX, flushes and renames
 * it. */
#ifndef DH_SAFE_FILE_H
#define DH_SAFE_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* Negative errno: the file is as it was. */
int dh_safe_file_write(const char *path, const char *text, size_t size, mode_t mode);

/* Removes files that a process has left beside `path` because it was killed while
 * writing. */
void dh_safe_file_clean(const char *path);

#endif
