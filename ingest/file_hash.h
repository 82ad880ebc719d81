/* What a file holds, as a SHA-256, remembered as long as the file is the same
 * (device, inode, size and time of change). Any thread.
 */
#ifndef DH_FILE_HASH_H
#define DH_FILE_HASH_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define DH_HASH_SIZE 65 /* hexadecimal digits and the NUL */

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

struct dh_file_hashes;
int dh_file_hashes_alloc(struct dh_file_hashes **hashes);
void dh_file_hashes_free(struct dh_file_hashes **hashes);

/* Reads the file from its start unless it is remembered; the descriptor's offset
 * stays. Blocks. -ECANCELED soon after *cancelled has become true, -EIO, … */
int dh_file_hash(struct dh_file_hashes *hashes, int fd, const atomic_int *cancelled, char hash[DH_HASH_SIZE]);

#endif
