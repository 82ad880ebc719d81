/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes an entry to a temporary file that is renamed once it is complete. */
#include "cache_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

struct dh_cache_entry {
	struct dh_cache *cache;
	char *key;
	char *path; /* the temporary file; NULL once renamed */
	int fd;     /* -1: closed */
	int64_t bytes;
};

void dh_cache_entry_free(struct dh_cache_entry **entry)
{
	struct dh_cache_entry *old = *entry;

	*entry = NULL;
	if (!old)
		return;
	g_free(old->path);
	g_free(old->key);
	g_free(old);
}

static int create(struct dh_cache *cache, const char *path)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	int fd = open(path, flags, 0600);

	if (fd < 0 && errno == ENOENT && mkdir(cache->folder, 0700) == 0)
		fd = open(path, flags, 0600);
	return fd < 0 ? -errno : fd;
}

static void abandon_left(struct dh_cache *cache)
{
	GPtrArray *left;

	g_mutex_lock(&cache->lock);
	left = cache->left;
	cache->left = g_ptr_array_new();
	g_mutex_unlock(&cache->lock);
	for (guint i = 0; i < left->len; i++) {
		struct dh_cache_entry *entry = left->pdata[i];
		dh_cache_abandon(&entry);
	}
	g_ptr_array_unref(left);
}

int dh_cache_begin(struct dh_cache *cache, const char *key, struct dh_cache_entry **entry)
{
	struct dh_cache_entry *new = g_new0(struct dh_cache_entry, 1);
	uint64_t serial;
	int err;

	abandon_left(cache);
	g_mutex_lock(&cache->lock);
	serial = cache->serial++;
	g_mutex_unlock(&cache->lock);
	new->cache = cache;
	new->key = g_strdup(key);
	new->path = g_strdup_printf("%s/" DH_CACHE_UNFINISHED "%d-%" G_GUINT64_FORMAT "-%08x", cache->folder,
		(int)getpid(), serial, g_random_int());
	new->fd = create(cache, new->path);
	if (new->fd < 0) {
		err = new->fd;
		dh_cache_fault(cache, -err);
		dh_cache_abandon(&new);
		return err;
	}
	*entry = new;
	return 0;
}

int dh_cache_write(struct dh_cache_entry *entry, const void *bytes, size_t size)
{
	const char *at = bytes;
	ssize_t n;
	int err;

	entry->bytes += (int64_t)size;
	if (entry->bytes > entry->cache->max_bytes)
		return -EFBIG;
	while (size > 0) {
		n = TEMP_FAILURE_RETRY(write(entry->fd, at, size));
		if (n < 0) {
			err = -errno;
			dh_cache_fault(entry->cache, -err);
			return err;
		}
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

void dh_cache_entry_set_key(struct dh_cache_entry *entry, const char *key)
{
	g_free(entry->key);
	entry->key = g_strdup(key);
}

static int close_and_rename(struct dh_cache_entry *entry, const char *path)
{
	int fd = entry->fd;

	entry->fd = -1;
	/* Some network file systems report a full disk only on close. */
	if (close(fd) < 0 || rename(entry->path, path) < 0)
		return -errno;
	g_clear_pointer(&entry->path, g_free);
	return 0;
}

int dh_cache_commit(struct dh_cache_entry **entry)
{
	struct dh_cache_entry *done = *entry;
	struct dh_cache *cache = done->cache;
	char *path = dh_cache_path(cache, done->key);
	int err = close_and_rename(done, path);
	GPtrArray *old;

	if (err == 0) {
		g_mutex_lock(&cache->lock);
		dh_cache_know(cache, done->key, done->bytes);
		old = dh_cache_shrink(cache);
		g_mutex_unlock(&cache->lock);
		dh_cache_remove_files(old);
	}
	/* In these cases the folder itself works: the temporary file was written. */
	if (err == -EISDIR || err == -ENOTEMPTY || err == -EEXIST || err == -EPERM || err == -EACCES)
		dh_log(DH_LOG_WARNING, "the cache entry %s cannot be replaced: %s", path, g_strerror(-err));
	else
		dh_cache_fault(cache, -err);
	g_free(path);
	dh_cache_abandon(entry);
	return err;
}

void dh_cache_abandon(struct dh_cache_entry **entry)
{
	struct dh_cache_entry *old = *entry;

	if (!old)
		return;
	if (old->fd >= 0)
		close(old->fd);
	if (old->path)
		unlink(old->path);
	dh_cache_entry_free(entry);
}

void dh_cache_leave(struct dh_cache_entry **entry)
{
	struct dh_cache_entry *old = *entry;

	*entry = NULL;
	if (!old)
		return;
	g_mutex_lock(&old->cache->lock);
	g_ptr_array_add(old->cache->left, old);
	g_mutex_unlock(&old->cache->lock);
}
