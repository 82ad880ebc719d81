/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening media files that a request names: beneath the segment folders only.
 *
 * The kernel enforces it (openat2 with RESOLVE_BENEATH): no absolute path, no
 * "..", no symbolic link that leads out, also when the folder is changed at the
 * same moment. Any thread.
 */
#ifndef DH_MEDIA_FILES_H
#define DH_MEDIA_FILES_H

#include <stdint.h>

#define DH_MEDIA_PATH_MAX 1024 /* bytes of a path in a request */

/* Opens `path` (relative, UTF-8) beneath `folder` (absolute): a regular file of
 * at most `max_bytes` (0: any size), for reading, close-on-exec. Without a folder
 * any path that the operator wrote in the configuration. Waits for the file
 * system. Returns the descriptor or a negative errno:
 *     -EINVAL   empty, too long, not UTF-8 or with control characters
 *     -ENOENT   no such file
 *     -EXDEV    not beneath the folder
 *     -EACCES, -EISDIR (a folder), -ENXIO (not a regular file), -EFBIG, …
 * *error, where not NULL, is then set to a text for the caller (g_free it). */
int dh_media_open(const char *folder, const char *path, int64_t max_bytes, char **error);

/* Whether a request may name that path at all: 0, or -EINVAL or -EXDEV as above. */
int dh_media_check_path(const char *path, char **error);

#endif
