/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "playout/stream.h"

#define UNFINISHED "unfinished-"
/* Another gateway may be writing to the same folder. */
#define UNFINISHED_S 3600

struct entry {
	int64_t bytes;
	int64_t used; /* only their order counts */
};

struct dh_cache {
	atomic_int refs;
	/* immutable */
	char *folder;
	int64_t max_bytes;
	/* protected by lock */
	pthread_mutex_t lock;
	GHashTable *entries; /* key -> struct entry */
	int64_t bytes;
	int64_t clock; /* larger than any `used` */
	uint64_t serial;
	bool is_broken;  /* and a warning was logged */
	GPtrArray *left; /* struct dh_cache_entry: to be abandoned by a thread that may wait */
};

struct dh_cache_entry {
	struct dh_cache *cache;
	char *key, *path;
	int fd;
	int64_t bytes;
};

static char *entry_path(const struct dh_cache *cache, const char *key)
{
	return g_strdup_printf("%s/%s" DH_STREAM_SUFFIX, cache->folder, key);
}

static void entry_free(struct dh_cache_entry *entry)
{
	g_free(entry->path);
	g_free(entry->key);
	g_free(entry);
}

/* --- the index; with the lock held */

static void forget(struct dh_cache *cache, const char *key)
{
	struct entry *entry = g_hash_table_lookup(cache->entries, key);

	if (!entry)
		return;
	cache->bytes -= entry->bytes;
	g_hash_table_remove(cache->entries, key);
}

static void know(struct dh_cache *cache, const char *key, int64_t bytes, int64_t used)
{
	struct entry *entry = g_new(struct entry, 1);

	forget(cache, key);
	*entry = (struct entry){ .bytes = bytes, .used = used };
	g_hash_table_insert(cache->entries, g_strdup(key), entry);
	cache->bytes += bytes;
	cache->clock = MAX(cache->clock, used) + 1;
}

static const char *oldest(struct dh_cache *cache)
{
	const char *key = NULL;
	gpointer name, value;
	GHashTableIter iter;
	int64_t used = INT64_MAX;

	g_hash_table_iter_init(&iter, cache->entries);
	while (g_hash_table_iter_next(&iter, &name, &value))
		if (((struct entry *)value)->used < used) {
			used = ((struct entry *)value)->used;
			key = name;
		}
	return key;
}

/* Forgets the oldest entries beyond the limit. Returns their paths, to be removed without
 * the lock. */
static GPtrArray *shrink(struct dh_cache *cache)
{
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
	const char *key;

	while (cache->bytes > cache->max_bytes && (key = oldest(cache))) {
		g_ptr_array_add(paths, entry_path(cache, key));
		forget(cache, key);
	}
	return paths;
}

/* Without the lock: the disk may hang. If an entry was written anew meanwhile, it is lost,
 * and prepared again when it is wanted. */
static void remove_files(GPtrArray *paths)
{
	for (guint i = 0; i < paths->len; i++) {
		const char *path = paths->pdata[i];
		if (unlink(path) < 0 && errno != ENOENT)
			dh_log(DH_LOG_WARNING, "%s cannot be removed: %s", path, g_strerror(errno));
	}
	g_ptr_array_unref(paths);
}

void dh_cache_fault(struct dh_cache *cache, int error)
{
	pthread_mutex_lock(&cache->lock);
	if (error && !cache->is_broken)
		dh_log(DH_LOG_WARNING, "the cache folder %s: %s; segments are prepared anew each time", cache->folder,
			g_strerror(error));
	else if (!error && cache->is_broken)
		dh_log(DH_LOG_INFO, "the cache folder %s can be used again", cache->folder);
	cache->is_broken = error != 0;
	pthread_mutex_unlock(&cache->lock);
}

/* --- the folder */

static bool is_key(const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!g_ascii_isxdigit(name[i]))
			return false;
	return length > 0;
}

static void look_at(struct dh_cache *cache, int dir, const char *name)
{
	size_t length = strlen(name), suffix = strlen(DH_STREAM_SUFFIX);
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return;
	if (g_str_has_prefix(name, UNFINISHED)) {
		if (time(NULL) - st.st_mtime > UNFINISHED_S)
			unlinkat(dir, name, 0);
	} else if (length > suffix && g_str_has_suffix(name, DH_STREAM_SUFFIX) && is_key(name, length - suffix)) {
		char *key = g_strndup(name, length - suffix);
		know(cache, key, st.st_size, st.st_mtim.tv_sec * G_GINT64_CONSTANT(1000000000) + st.st_mtim.tv_nsec);
		g_free(key);
	}
}

static int scan(struct dh_cache *cache)
{
	struct dirent *item;
	DIR *dir;

	if (mkdir(cache->folder, 0700) < 0 && errno != EEXIST)
		return -errno;
	dir = opendir(cache->folder);
	if (!dir)
		return -errno;
	while ((item = readdir(dir)))
		look_at(cache, dirfd(dir), item->d_name);
	closedir(dir);
	remove_files(shrink(cache));
	return access(cache->folder, W_OK | X_OK) < 0 ? -errno : 0;
}

int dh_cache_alloc(struct dh_cache **cache, const char *folder, int64_t max_bytes)
{
	struct dh_cache *new = calloc(1, sizeof *new);
	int err;

	if (!new)
		return -ENOMEM;
	atomic_init(&new->refs, 1);
	pthread_mutex_init(&new->lock, NULL);
	new->folder = g_strdup(folder);
	new->max_bytes = max_bytes;
	new->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	new->left = g_ptr_array_new();
	err = scan(new);
	dh_cache_fault(new, -err);
	*cache = new;
	return 0;
}

struct dh_cache *dh_cache_ref(struct dh_cache *cache)
{
	atomic_fetch_add(&cache->refs, 1);
	return cache;
}

void dh_cache_unref(struct dh_cache **cache)
{
	struct dh_cache *old = *cache;

	*cache = NULL;
	if (!old || atomic_fetch_sub(&old->refs, 1) != 1)
		return;
	for (guint i = 0; i < old->left->len; i++)
		entry_free(old->left->pdata[i]);
	g_ptr_array_unref(old->left);
	g_hash_table_destroy(old->entries);
	pthread_mutex_destroy(&old->lock);
	g_free(old->folder);
	free(old);
}

/* --- reading */

int dh_cache_open(struct dh_cache *cache, const char *key)
{
	char *path = entry_path(cache, key);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int err = fd < 0 ? -errno : 0;
	struct stat st;

	if (err == 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		err = -EINVAL;
	/* mtime records the last use, for the next run too. */
	if (err == 0)
		utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
	pthread_mutex_lock(&cache->lock);
	if (err == 0)
		know(cache, key, st.st_size, cache->clock);
	else
		forget(cache, key);
	pthread_mutex_unlock(&cache->lock);
	g_free(path);
	if (err < 0 && fd >= 0)
		close(fd);
	return err < 0 ? err : fd;
}

void dh_cache_remove(struct dh_cache *cache, const char *key)
{
	char *path = entry_path(cache, key);

	unlink(path);
	g_free(path);
	pthread_mutex_lock(&cache->lock);
	forget(cache, key);
	pthread_mutex_unlock(&cache->lock);
}

/* --- writing */

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

	pthread_mutex_lock(&cache->lock);
	left = cache->left;
	cache->left = g_ptr_array_new();
	pthread_mutex_unlock(&cache->lock);
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

	abandon_left(cache);
	pthread_mutex_lock(&cache->lock);
	serial = cache->serial++;
	pthread_mutex_unlock(&cache->lock);
	new->cache = cache;
	new->key = g_strdup(key);
	new->path = g_strdup_printf("%s/" UNFINISHED "%d-%" G_GUINT64_FORMAT "-%08x", cache->folder, (int)getpid(),
		serial, g_random_int());
	new->fd = create(cache, new->path);
	if (new->fd < 0) {
		int err = new->fd;
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

	entry->bytes += (int64_t)size;
	if (entry->bytes > entry->cache->max_bytes)
		return -EFBIG;
	while (size > 0) {
		ssize_t n = TEMP_FAILURE_RETRY(write(entry->fd, at, size));
		if (n < 0) {
			int error = errno;
			dh_cache_fault(entry->cache, error);
			return -error;
		}
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

int dh_cache_commit(struct dh_cache_entry **entry)
{
	struct dh_cache_entry *done = *entry;
	struct dh_cache *cache = done->cache;
	char *path = entry_path(cache, done->key);
	GPtrArray *old;
	int err = 0;

	/* Some network file systems report a full disk only on close. */
	if (close(done->fd) < 0)
		err = -errno;
	done->fd = -1;
	if (err == 0 && rename(done->path, path) < 0)
		err = -errno;
	/* The file was written, so the folder itself works. */
	if (err == -EISDIR || err == -ENOTEMPTY || err == -EEXIST || err == -EPERM || err == -EACCES) {
		dh_log(DH_LOG_WARNING, "the cache entry %s cannot be replaced: %s", path, g_strerror(-err));
		g_free(path);
		dh_cache_abandon(entry);
		return err;
	}
	if (err == 0) {
		g_clear_pointer(&done->path, g_free);
		pthread_mutex_lock(&cache->lock);
		know(cache, done->key, done->bytes, cache->clock);
		old = shrink(cache);
		pthread_mutex_unlock(&cache->lock);
		remove_files(old);
	}
	dh_cache_fault(cache, -err);
	g_free(path);
	dh_cache_abandon(entry);
	return err;
}

void dh_cache_abandon(struct dh_cache_entry **entry)
{
	struct dh_cache_entry *old = *entry;

	*entry = NULL;
	if (!old)
		return;
	if (old->fd >= 0)
		close(old->fd);
	if (old->path)
		unlink(old->path);
	entry_free(old);
}

void dh_cache_leave(struct dh_cache_entry **entry)
{
	struct dh_cache_entry *old = *entry;

	*entry = NULL;
	if (!old)
		return;
	pthread_mutex_lock(&old->cache->lock);
	g_ptr_array_add(old->cache->left, old);
	pthread_mutex_unlock(&old->cache->lock);
}

void dh_cache_stats(struct dh_cache *cache, int64_t *bytes, int *entries)
{
	pthread_mutex_lock(&cache->lock);
	*bytes = cache->bytes;
	*entries = (int)g_hash_table_size(cache->entries);
	pthread_mutex_unlock(&cache->lock);
}
