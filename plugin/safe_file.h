/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file that is replaced as a whole, or not at all: written aside, as
 * PATH.new-XXXXXX, flushed and renamed. */
#ifndef DH_SAFE_FILE_H
#define DH_SAFE_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* Negative errno: it is as it was. */
int dh_safe_file_write(const char *path, const char *text, size_t size, mode_t mode);

/* Removes what a process that was killed while it wrote has left beside `path`. */
void dh_safe_file_clean(const char *path);

#endif
