/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cache_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "playout/stream.h"

/* Another gateway may be writing to the same folder, so newer temporary files stay. */
#define UNFINISHED_S 3600

/* What the index knows of an entry. */
struct known {
	int64_t bytes;
	int64_t used; /* only their order counts */
};

char *dh_cache_path(const struct dh_cache *cache, const char *key)
{
	return g_strdup_printf("%s/%s" DH_STREAM_SUFFIX, cache->folder, key);
}

/* --- the index; with the lock held */

static void forget(struct dh_cache *cache, const char *key)
{
	struct known *known = g_hash_table_lookup(cache->known, key);

	if (!known)
		return;
	cache->bytes -= known->bytes;
	g_hash_table_remove(cache->known, key);
}

static void know(struct dh_cache *cache, const char *key, int64_t bytes, int64_t used)
{
	struct known *known = g_new(struct known, 1);

	forget(cache, key);
	*known = (struct known){ .bytes = bytes, .used = used };
	g_hash_table_insert(cache->known, g_strdup(key), known);
	cache->bytes += bytes;
	cache->clock = MAX(cache->clock, used) + 1;
}

void dh_cache_know(struct dh_cache *cache, const char *key, int64_t bytes)
{
	know(cache, key, bytes, cache->clock);
}

static const char *oldest(struct dh_cache *cache)
{
	const char *key = NULL;
	gpointer name, value;
	GHashTableIter iter;
	int64_t used = INT64_MAX;

	g_hash_table_iter_init(&iter, cache->known);
	while (g_hash_table_iter_next(&iter, &name, &value))
		if (((struct known *)value)->used < used) {
			used = ((struct known *)value)->used;
			key = name;
		}
	return key;
}

GPtrArray *dh_cache_shrink(struct dh_cache *cache)
{
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
	const char *key;

	while (cache->bytes > cache->max_bytes && (key = oldest(cache))) {
		g_ptr_array_add(paths, dh_cache_path(cache, key));
		forget(cache, key);
	}
	return paths;
}

/* --- the folder */

void dh_cache_remove_files(GPtrArray *paths)
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
	g_mutex_lock(&cache->lock);
	if (error && !cache->is_broken)
		dh_log(DH_LOG_WARNING, "the cache folder %s: %s; segments are prepared anew each time", cache->folder,
			g_strerror(error));
	else if (!error && cache->is_broken)
		dh_log(DH_LOG_INFO, "the cache folder %s can be used again", cache->folder);
	cache->is_broken = error != 0;
	g_mutex_unlock(&cache->lock);
}

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
	if (g_str_has_prefix(name, DH_CACHE_UNFINISHED)) {
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
	dh_cache_remove_files(dh_cache_shrink(cache));
	return access(cache->folder, W_OK | X_OK) < 0 ? -errno : 0;
}

/* --- life */

struct dh_cache *dh_cache_new(const char *folder, int64_t max_bytes)
{
	struct dh_cache *new = g_new0(struct dh_cache, 1);

	atomic_init(&new->refs, 1);
	g_mutex_init(&new->lock);
	new->folder = g_strdup(folder);
	new->max_bytes = max_bytes;
	new->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	new->left = g_ptr_array_new();
	dh_cache_fault(new, -scan(new));
	return new;
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
		dh_cache_entry_free((struct dh_cache_entry **)&old->left->pdata[i]);
	g_ptr_array_unref(old->left);
	g_hash_table_destroy(old->known);
	g_mutex_clear(&old->lock);
	g_free(old->folder);
	g_free(old);
}

/* --- finished entries */

int dh_cache_open(struct dh_cache *cache, const char *key)
{
	char *path = dh_cache_path(cache, key);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int err = fd < 0 ? -errno : 0;
	struct stat st;

	if (err == 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		err = -EINVAL;
	/* mtime records the last use, for the next run too. */
	if (err == 0)
		utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
	g_mutex_lock(&cache->lock);
	if (err == 0)
		dh_cache_know(cache, key, st.st_size);
	else
		forget(cache, key);
	g_mutex_unlock(&cache->lock);
	g_free(path);
	if (err < 0 && fd >= 0)
		close(fd);
	return err < 0 ? err : fd;
}

void dh_cache_remove(struct dh_cache *cache, const char *key)
{
	char *path = dh_cache_path(cache, key);

	unlink(path);
	g_free(path);
	g_mutex_lock(&cache->lock);
	forget(cache, key);
	g_mutex_unlock(&cache->lock);
}

void dh_cache_stats(struct dh_cache *cache, int64_t *bytes, int *entries)
{
	g_mutex_lock(&cache->lock);
	*bytes = cache->bytes;
	*entries = (int)g_hash_table_size(cache->known);
	g_mutex_unlock(&cache->lock);
}
