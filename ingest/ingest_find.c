/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds a file named in a request, for a thread that must not hang. */
#include "ingest.h"

#include <errno.h>
#include <pthread.h>
#include <glib.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "ingest_state.h"
#include "load_task.h"
#include "loader.h"
#include "media_files.h"
#include "mounts.h"
#include "opener_wire.h"

/* Shared by the caller and the loader's thread, which may come back much later. */
struct search {
	atomic_int refs;
	struct dh_limits *limits;
	struct dh_opener opener;
	char *folder, *path;
	int64_t max_bytes;
	bool is_kept_open, is_read, is_listed;
	pthread_mutex_t lock;
	pthread_cond_t done;
	/* protected by lock */
	bool is_done;
	int err;
	char *error;
	struct dh_file_identity identity;
	int fd;            /* if kept open, until the caller takes it; -1: none */
	GByteArray *bytes; /* if it is read or listed, likewise; NULL: none */
};

static void close_file(struct search *search, int fd)
{
	dh_openers_close(search->opener.openers, fd);
	dh_limits_add(search->limits, DH_LIMIT_DESCRIPTORS, -1);
}

static void unref(struct search *search)
{
	if (atomic_fetch_sub(&search->refs, 1) != 1)
		return;
	if (search->fd >= 0)
		close_file(search, search->fd); /* nobody waited for it */
	dh_limits_unref(&search->limits);
	dh_opener_clear(&search->opener);
	pthread_mutex_destroy(&search->lock);
	pthread_cond_destroy(&search->done);
	g_free(search->folder);
	g_free(search->path);
	g_free(search->error);
	g_clear_pointer(&search->bytes, g_byte_array_unref);
	g_free(search);
}

/* The first answer counts. Takes ownership of `error`. */
static void answer(struct search *search, int err, char *error, const struct dh_file_identity *identity)
{
	pthread_mutex_lock(&search->lock);
	if (search->is_done) {
		g_free(error);
	} else {
		search->is_done = true;
		search->err = err;
		search->error = error;
		if (identity)
			search->identity = *identity;
		pthread_cond_signal(&search->done);
	}
	pthread_mutex_unlock(&search->lock);
}

/* --- the loader's thread */

/* Up to its end, or `max_bytes`. Only this thread knows the bytes until it has answered. */
static int read_all(struct search *search, int fd)
{
	guint8 some[16384];
	ssize_t size = 0;

	search->bytes = g_byte_array_new();
	while (search->bytes->len < search->max_bytes) {
		size_t most = MIN(sizeof(some), (size_t)search->max_bytes - search->bytes->len);
		size = dh_opener_read(&search->opener, fd, some, most, search->bytes->len);
		if (size <= 0)
			break;
		g_byte_array_append(search->bytes, some, (guint)size);
	}
	return (int)MIN(size, 0);
}

static int list_folder(struct search *search)
{
	char *names = g_malloc(DH_OPENER_BYTES);
	ssize_t size = dh_opener_list(&search->opener, search->folder, search->path, names, DH_OPENER_BYTES);

	if (size >= 0) {
		search->bytes = g_byte_array_new();
		g_byte_array_append(search->bytes, (const guint8 *)names, (guint)size);
	}
	g_free(names);
	return (int)MIN(size, 0);
}

static bool step(void *arg)
{
	struct search *search = arg;
	struct dh_file_identity identity;
	char *error = NULL;
	struct stat st;
	int fd, err = -EMFILE;

	if (search->is_listed) {
		err = list_folder(search);
		memset(&identity, 0, sizeof(identity));
	} else if (dh_limits_take(search->limits, DH_LIMIT_DESCRIPTORS, 1)) {
		fd = dh_media_open(&search->opener, search->folder, search->path, search->max_bytes, &st, &error);
		err = fd < 0 ? fd : dh_file_identity_of(&identity, &st);
		if (err == 0 && search->is_read)
			err = read_all(search, fd);
		if (err == 0 && search->is_kept_open)
			search->fd = fd;
		else if (fd >= 0)
			close_file(search, fd);
		else
			dh_limits_add(search->limits, DH_LIMIT_DESCRIPTORS, -1);
	}
	answer(search, err, error, err < 0 ? NULL : &identity);
	dh_opener_rest(&search->opener);
	return false;
}

static void late(void *arg)
{
	struct search *search = arg;

	answer(search, -ETIMEDOUT, NULL, NULL);
	dh_opener_stop(&search->opener);
}

static void release(void *arg)
{
	unref(arg);
}

/* --- the caller's thread */

/* What the caller wants beside the file's identity; NULL: it does not. */
struct wanted {
	int *fd;
	GBytes **bytes;
	bool is_folder; /* the bytes are the names in it */
};

static struct search *search_new(struct dh_ingest *ingest, const char *folder, const char *path, int64_t max_bytes,
	const struct wanted *wanted)
{
	struct search *search = g_new0(struct search, 1);
	pthread_condattr_t monotonic;

	atomic_init(&search->refs, 2);
	search->limits = dh_limits_ref(ingest->limits);
	dh_opener_init(&search->opener, dh_loader_openers(ingest->loader));
	search->folder = g_strdup(folder);
	search->path = g_strdup(path);
	search->max_bytes = max_bytes;
	search->is_kept_open = wanted->fd != NULL;
	search->is_read = wanted->bytes != NULL;
	search->is_listed = wanted->is_folder;
	search->fd = -1;
	pthread_mutex_init(&search->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&search->done, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return search;
}

static int wait_for(struct search *search, int limit_ms, struct dh_file_identity *identity, const struct wanted *wanted,
	char **error)
{
	struct timespec until;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += limit_ms / 1000;
	pthread_mutex_lock(&search->lock);
	while (!search->is_done && err == 0)
		err = pthread_cond_timedwait(&search->done, &search->lock, &until);
	err = search->is_done ? search->err : -ETIMEDOUT;
	if (search->is_done && search->error)
		*error = g_strdup(search->error);
	*identity = search->identity;
	if (err == 0 && wanted->fd) {
		*wanted->fd = search->fd;
		search->fd = -1;
	}
	if (err == 0 && wanted->bytes)
		*wanted->bytes = g_byte_array_free_to_bytes(g_steal_pointer(&search->bytes));
	pthread_mutex_unlock(&search->lock);
	return err;
}

static int search_in(struct dh_ingest *ingest, const char *folder, const char *path, int64_t max_bytes,
	struct dh_file_identity *identity, const struct wanted *wanted, char **error)
{
	static const struct dh_loader_task task = { .step = step, .late = late, .release = release };
	struct search *search = search_new(ingest, folder, path, max_bytes, wanted);
	char *whole = g_build_filename(folder, path, NULL);
	int limit_ms = ingest->config.file_open_ms;
	int err = dh_loader_post(ingest->loader, DH_LANE_OPEN, dh_mounts_device(whole, NULL), limit_ms, &task, search);

	if (err < 0)
		unref(search); /* the loader's reference */
	else
		err = wait_for(search, limit_ms, identity, wanted, error);
	unref(search); /* NOLINT(clang-analyzer-unix.Malloc): it had two references */
	g_free(whole);
	return err;
}

static char *explain(int err, const char *path, int limit_ms)
{
	if (err == -ETIMEDOUT)
		return g_strdup_printf("its file system does not answer within %d s: %s", limit_ms / 1000, path);
	if (err == -EHOSTDOWN || err == -ENOBUFS)
		return g_strdup_printf("too many requests wait for its file system already: %s", path);
	if (err == -EMFILE)
		return g_strdup_printf("too many files are open: %s", path);
	return g_strdup_printf("%s: %s", path, g_strerror(-err));
}

/* Looks in `folders`, in order; *folder is where it was found. */
static int search_all(struct dh_ingest *ingest, char *const *folders, const char *path, int64_t max_bytes,
	const char **folder, struct dh_file_identity *identity, const struct wanted *wanted, char **error)
{
	int err = dh_media_check_path(path, error);

	if (err < 0)
		return err;
	for (err = -ENOENT; *folders && (err == -ENOENT || err == -ENOTDIR); folders++) {
		g_clear_pointer(error, g_free);
		err = search_in(ingest, *folders, path, max_bytes, identity, wanted, error);
		*folder = *folders;
	}
	if (err < 0 && !*error)
		*error = err == -ENOENT ? g_strdup_printf("no such file: %s", path) :
					  explain(err, path, ingest->config.file_open_ms);
	return err;
}

int dh_ingest_find(struct dh_ingest *ingest, char *const *folders, const char *path, struct dh_ingest_source *source,
	char **error)
{
	struct dh_file_identity identity;
	const struct wanted nothing = { 0 };
	const char *folder;
	int err = search_all(ingest, folders, path, source->max_bytes, &folder, &identity, &nothing, error);

	if (err < 0)
		return err;
	source->names[source->count] = path;
	source->folders[source->count] = folder;
	source->is_found[source->count] = true;
	source->identities[source->count++] = identity;
	return 0;
}

int dh_ingest_open(struct dh_ingest *ingest, char *const *folders, const char *path, int64_t max_bytes, int *fd,
	char **error)
{
	struct dh_file_identity identity;
	const struct wanted wanted = { .fd = fd };
	const char *folder;

	return search_all(ingest, folders, path, max_bytes, &folder, &identity, &wanted, error);
}

int dh_ingest_read(struct dh_ingest *ingest, char *const *folders, const char *path, int64_t max_bytes, GBytes **bytes,
	char **error)
{
	struct dh_file_identity identity;
	const struct wanted wanted = { .bytes = bytes };
	const char *folder;

	return search_all(ingest, folders, path, max_bytes, &folder, &identity, &wanted, error);
}

/* NULL at the end of the array is not needed: its length counts. */
static GPtrArray *split(GBytes *bytes)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	gsize size;
	const char *at = g_bytes_get_data(bytes, &size), *end = at + size;

	for (; at < end; at += strlen(at) + 1)
		if (g_utf8_validate(at, -1, NULL))
			g_ptr_array_add(names, g_strdup(at));
	return names;
}

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int dh_ingest_list(struct dh_ingest *ingest, char *const *folders, const char *path, GPtrArray **names, char **error)
{
	struct dh_file_identity identity;
	GBytes *bytes = NULL;
	const struct wanted wanted = { .bytes = &bytes, .is_folder = true };
	const char *folder;
	int err = search_all(ingest, folders, path, 0, &folder, &identity, &wanted, error);

	if (err < 0)
		return err;
	*names = split(bytes);
	g_ptr_array_sort(*names, by_name);
	g_bytes_unref(bytes);
	return 0;
}

void dh_ingest_close(struct dh_ingest *ingest, int fd)
{
	if (fd < 0)
		return;
	dh_openers_close(dh_loader_openers(ingest->loader), fd);
	dh_limits_add(ingest->limits, DH_LIMIT_DESCRIPTORS, -1);
}
