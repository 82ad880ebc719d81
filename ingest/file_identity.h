/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a file is still the same one, unchanged. Any thread; may wait for a disk. */
#ifndef DH_FILE_IDENTITY_H
#define DH_FILE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

struct dh_file_identity {
	uint64_t device, inode;
	int64_t size, mtime_ns;
	/* The kernel sets it at every change, of contents, name or rights; nobody can
	 * set it back, as cp -p, rsync -t and touch -r do with mtime. */
	int64_t ctime_ns;
	/* Changed so recently that another change could have left the same time:
	 * not to be relied on later. */
	bool is_fresh;
};

/* 0; -EINVAL: not a regular file; else why it cannot be told. */
int dh_file_identity_get(struct dh_file_identity *identity, int fd);
/* Whether it is the same file, and nothing about it has changed. */
bool dh_file_identity_same(const struct dh_file_identity *a, const struct dh_file_identity *b);
/* Whether it is the same file and its size and mtime are: it may have been
 * renamed or removed meanwhile. */
bool dh_file_identity_alike(const struct dh_file_identity *a, const struct dh_file_identity *b);
/* For a table's key (g_free it). */
char *dh_file_identity_text(const struct dh_file_identity *identity);

#endif
