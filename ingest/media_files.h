/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opens media files named in requests: only beneath the segment folders.
 *
 * The kernel enforces this (openat2 with RESOLVE_BENEATH), even if the folder changes at the
 * same moment: no absolute path, no ".." that leads out, no link to what lies elsewhere. Any
 * thread.
 */
#ifndef DH_MEDIA_FILES_H
#define DH_MEDIA_FILES_H

#include <stdint.h>

#include "opener.h"

#define DH_MEDIA_PATH_MAX 1024 /* bytes of a path in a request */

/* Opens `path` (relative, UTF-8) beneath `folder` (absolute): a regular file of at most
 * `max_bytes` (0: any size), for reading. With `folder` NULL, `path` comes from the
 * operator's configuration and may be any path. Waits for the file system. Returns the
 * file's envelope (opener.h), with its *st, or a negative errno:
 *     -EINVAL   empty, too long, not UTF-8, or with control characters
 *     -ENOENT   no such file
 *     -EXDEV    not beneath the folder: its path, a ".." in it or a link leads out
 *     -ELOOP    its links go round
 *     -EACCES, -EISDIR (a folder), -ENXIO (not a regular file), -EFBIG, …
 * On error sets *error, unless `error` is NULL, to a text (g_free it). */
int dh_media_open(struct dh_opener *opener, const char *folder, const char *path, int64_t max_bytes, struct stat *st,
	char **error);

/* Whether a request may name that path at all. 0, or -EINVAL or -EXDEV as above. */
int dh_media_check_path(const char *path, char **error);

#endif
