/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the gateway and a dh-open process say to each other, on a SOCK_SEQPACKET socket that
 * is the process's descriptor 3. Both are built together, so these are plain structs.
 *
 * One request, one answer; DH_OPENER_CLOSE has none. When its socket is closed, the process
 * exits.
 */
#ifndef DH_OPENER_WIRE_H
#define DH_OPENER_WIRE_H

#include <stdint.h>
#include <sys/stat.h>

#define DH_OPENER_FD 3
/* Of one read: with its head it must fit into a socket's default buffer. */
#define DH_OPENER_BYTES (64 * 1024)
/* Folder and path, each with its NUL. */
#define DH_OPENER_PATHS 8192

enum dh_opener_what {
	/* Body: folder, NUL, path, NUL. An empty folder: `path` is any path. Answers with the
	 * file's stat and, if it is a regular file, its envelope. */
	DH_OPENER_OPEN,
	/* With an envelope: that file is now the one that is read. No descriptor: none is. */
	DH_OPENER_ATTACH,
	DH_OPENER_STAT,
	DH_OPENER_READ, /* up to `size` bytes from `at`, as the answer's body */
	/* With an envelope, which is closed. */
	DH_OPENER_CLOSE,
	/* Body: folder, NUL, path, NUL. The names of the files in that folder, each with its NUL, as the answer's
	 * body. */
	DH_OPENER_LIST,
};

struct dh_opener_request {
	enum dh_opener_what what;
	uint32_t size;
	int64_t at;
};

struct dh_opener_answer {
	int64_t result; /* negative errno, or the number of bytes read */
	struct stat st;
};

#endif
