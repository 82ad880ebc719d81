/* Whether a file is still the same one, unchanged. Any thread. */
#ifndef DH_FILE_IDENTITY_H
#define DH_FILE_IDENTITY_H

#include <stdint.h>

struct dh_file_identity {
	uint64_t device, inode;
	int64_t size, mtime_ns;
	/* Changed so recently that another change could have left the same time:
	 * not to be relied on. */
	int is_fresh;
};

/* 0; -EINVAL: not a regular file; else why it cannot be told. */
int dh_file_identity_get(struct dh_file_identity *identity, int fd);
/* Whether it is the same file, unchanged. */
int dh_file_identity_same(const struct dh_file_identity *a, const struct dh_file_identity *b);

#endif
