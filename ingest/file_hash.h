/* What a file holds, as a SHA-256, remembered as long as the file is the same
 * (device, inode, size and time of change). Any thread.
 */
#ifndef DH_FILE_HASH_H
#define DH_FILE_HASH_H

#include <stdatomic.h>

#define DH_HASH_SIZE 65 /* hexadecimal digits and the NUL */

struct dh_file_hashes;
int dh_file_hashes_alloc(struct dh_file_hashes **hashes);
void dh_file_hashes_free(struct dh_file_hashes **hashes);

/* Reads the file from its start unless it is remembered; the descriptor's offset
 * stays. Blocks. -ECANCELED soon after *cancelled has become true, -EIO, … */
int dh_file_hash(struct dh_file_hashes *hashes, int fd, const atomic_int *cancelled, char hash[DH_HASH_SIZE]);

#endif
