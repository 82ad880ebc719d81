/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256 of files, remembered for as long as a file stays unchanged (file_identity.h). Any
 * thread.
 */
#ifndef DH_FILE_HASH_H
#define DH_FILE_HASH_H

#include <stdbool.h>
#include <stddef.h>

#include "file_identity.h"

#define DH_HASH_SIZE 65 /* hexadecimal digits and NUL */

struct dh_file_hash {
	char hex[DH_HASH_SIZE];
	bool is_slow;   /* reading it took long */
	bool is_stream; /* it starts like a segment that dh-prepare wrote */
};

/* --- remembered hashes; refcounted */

struct dh_file_hashes;
struct dh_file_hashes *dh_file_hashes_new(void);
struct dh_file_hashes *dh_file_hashes_ref(struct dh_file_hashes *hashes);
void dh_file_hashes_unref(struct dh_file_hashes **hashes);

bool dh_file_hashes_find(struct dh_file_hashes *hashes, const struct dh_file_identity *identity,
	struct dh_file_hash *hash);
/* `identity` must be from before the file was read. A file that changed only a moment ago
 * is not remembered. */
void dh_file_hashes_remember(struct dh_file_hashes *hashes, const struct dh_file_identity *identity,
	const struct dh_file_hash *hash);

/* --- hashing a file piece by piece; one thread at a time */

struct dh_file_hasher;
struct dh_file_hasher *dh_file_hasher_new(void);
void dh_file_hasher_free(struct dh_file_hasher **hasher);
void dh_file_hasher_push(struct dh_file_hasher *hasher, const void *bytes, size_t size);
/* Call once all bytes have been pushed. Sets `hex` only. */
void dh_file_hasher_finish(struct dh_file_hasher *hasher, struct dh_file_hash *hash);

#endif
