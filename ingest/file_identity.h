/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tells whether a file is still the same and unchanged. Any thread. */
#ifndef DH_FILE_IDENTITY_H
#define DH_FILE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "opener.h"

struct dh_file_identity {
	uint64_t device, inode;
	int64_t size, mtime_ns;
	/* The kernel updates it on every change of contents, name or mode, and nobody can
	 * set it back, as cp -p, rsync -t and touch -r do with mtime. */
	int64_t ctime_ns;
	/* Changed so recently that another change could have left the same time: do not
	 * rely on it later. */
	bool is_fresh;
};

/* Of a file just examined. 0, or -EINVAL if it is not a regular file. */
int dh_file_identity_of(struct dh_file_identity *identity, const struct stat *st);
/* Asks for it, and waits for its file system. An error of dh_opener_stat, or as above. */
int dh_file_identity_get(struct dh_file_identity *identity, struct dh_opener *opener, int envelope);
/* Same file, nothing changed. */
bool dh_file_identity_same(const struct dh_file_identity *a, const struct dh_file_identity *b);
/* Same file, size and mtime; it may have been renamed or unlinked. */
bool dh_file_identity_alike(const struct dh_file_identity *a, const struct dh_file_identity *b);
/* A key for hash tables (g_free it). */
char *dh_file_identity_text(const struct dh_file_identity *identity);

#endif
