#include "file_hash.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file_identity.h"

#define READ_BYTES (256 * 1024)
#define REMEMBER   4096

struct dh_file_hashes {
	pthread_mutex_t lock;
	GHashTable *hashes; /* text of an identity -> hash; protected by lock */
};

int dh_file_hashes_alloc(struct dh_file_hashes **hashes)
{
	struct dh_file_hashes *new = calloc(1, sizeof *new);

	if (!new)
		return -ENOMEM;
	pthread_mutex_init(&new->lock, NULL);
	new->hashes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	*hashes = new;
	return 0;
}

void dh_file_hashes_free(struct dh_file_hashes **hashes)
{
	struct dh_file_hashes *old = *hashes;

	*hashes = NULL;
	if (!old)
		return;
	g_hash_table_destroy(old->hashes);
	pthread_mutex_destroy(&old->lock);
	free(old);
}

static int read_and_hash(int fd, const atomic_int *cancelled, char hash[DH_HASH_SIZE])
{
	GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
	void *buffer = g_malloc(READ_BYTES);
	off_t at = 0;
	ssize_t n;
	int r = 0;

	while ((n = TEMP_FAILURE_RETRY(pread(fd, buffer, READ_BYTES, at))) > 0 && !atomic_load(cancelled)) {
		g_checksum_update(sum, buffer, n);
		at += n;
	}
	if (n < 0)
		r = -errno;
	else if (n > 0)
		r = -ECANCELED;
	else
		memcpy(hash, g_checksum_get_string(sum), DH_HASH_SIZE);
	g_free(buffer);
	g_checksum_free(sum);
	return r;
}

static char *identity_text(const struct dh_file_identity *identity)
{
	return g_strdup_printf("%" PRIx64 ":%" PRIx64 ":%" PRId64 ":%" PRId64, identity->device, identity->inode,
		identity->size, identity->mtime_ns);
}

static int recall(struct dh_file_hashes *hashes, const char *text, char hash[DH_HASH_SIZE])
{
	const char *known;

	pthread_mutex_lock(&hashes->lock);
	known = g_hash_table_lookup(hashes->hashes, text);
	if (known)
		memcpy(hash, known, DH_HASH_SIZE);
	pthread_mutex_unlock(&hashes->lock);
	return known != NULL;
}

/* Takes over `text`. */
static void remember(struct dh_file_hashes *hashes, char *text, const char *hash)
{
	pthread_mutex_lock(&hashes->lock);
	/* Forgetting everything costs one more reading of each file, and needs no order. */
	if (g_hash_table_size(hashes->hashes) >= REMEMBER)
		g_hash_table_remove_all(hashes->hashes);
	g_hash_table_replace(hashes->hashes, text, g_strdup(hash));
	pthread_mutex_unlock(&hashes->lock);
}

int dh_file_hash(struct dh_file_hashes *hashes, int fd, const atomic_int *cancelled, char hash[DH_HASH_SIZE])
{
	struct dh_file_identity before, after;
	char *text;
	int r = dh_file_identity_get(&before, fd);

	if (r < 0)
		return r;
	text = identity_text(&before);
	if (!before.is_fresh && recall(hashes, text, hash)) {
		g_free(text);
		return 0;
	}
	r = read_and_hash(fd, cancelled, hash);
	if (r == 0 && !before.is_fresh && dh_file_identity_get(&after, fd) == 0 && dh_file_identity_same(&before, &after))
		remember(hashes, text, hash);
	else
		g_free(text);
	return r;
}
