/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "file_hash.h"

#include <glib.h>
#include <stdatomic.h>

#define REMEMBER 4096

struct dh_file_hashes {
	atomic_int refs;
	GMutex lock;
	GHashTable *hashes; /* text of an identity -> struct dh_file_hash; protected by lock */
};

struct dh_file_hasher {
	GChecksum *sum;
};

/* --- remembered hashes */

struct dh_file_hashes *dh_file_hashes_new(void)
{
	struct dh_file_hashes *hashes = g_new0(struct dh_file_hashes, 1);

	atomic_init(&hashes->refs, 1);
	g_mutex_init(&hashes->lock);
	hashes->hashes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return hashes;
}

struct dh_file_hashes *dh_file_hashes_ref(struct dh_file_hashes *hashes)
{
	atomic_fetch_add(&hashes->refs, 1);
	return hashes;
}

void dh_file_hashes_unref(struct dh_file_hashes **hashes)
{
	struct dh_file_hashes *old = *hashes;

	*hashes = NULL;
	if (!old || atomic_fetch_sub(&old->refs, 1) != 1)
		return;
	g_hash_table_destroy(old->hashes);
	g_mutex_clear(&old->lock);
	g_free(old);
}

bool dh_file_hashes_find(struct dh_file_hashes *hashes, const struct dh_file_identity *identity,
	struct dh_file_hash *hash)
{
	const struct dh_file_hash *known = NULL;
	char *text;

	if (identity->is_fresh)
		return false;
	text = dh_file_identity_text(identity);
	g_mutex_lock(&hashes->lock);
	known = g_hash_table_lookup(hashes->hashes, text);
	if (known)
		*hash = *known;
	g_mutex_unlock(&hashes->lock);
	g_free(text);
	return known != NULL;
}

void dh_file_hashes_remember(struct dh_file_hashes *hashes, const struct dh_file_identity *identity,
	const struct dh_file_hash *hash)
{
	if (identity->is_fresh)
		return;
	g_mutex_lock(&hashes->lock);
	/* Forgetting everything costs one more read of each file, and needs no LRU list. */
	if (g_hash_table_size(hashes->hashes) >= REMEMBER)
		g_hash_table_remove_all(hashes->hashes);
	g_hash_table_replace(hashes->hashes, dh_file_identity_text(identity), g_memdup2(hash, sizeof *hash));
	g_mutex_unlock(&hashes->lock);
}

/* --- hashing */

struct dh_file_hasher *dh_file_hasher_new(void)
{
	struct dh_file_hasher *hasher = g_new0(struct dh_file_hasher, 1);

	hasher->sum = g_checksum_new(G_CHECKSUM_SHA256);
	return hasher;
}

void dh_file_hasher_free(struct dh_file_hasher **hasher)
{
	if (*hasher)
		g_checksum_free((*hasher)->sum);
	g_clear_pointer(hasher, g_free);
}

void dh_file_hasher_push(struct dh_file_hasher *hasher, const void *bytes, size_t size)
{
	g_checksum_update(hasher->sum, bytes, (gssize)size);
}

void dh_file_hasher_finish(struct dh_file_hasher *hasher, struct dh_file_hash *hash)
{
	g_strlcpy(hash->hex, g_checksum_get_string(hasher->sum), sizeof hash->hex);
}
