/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ingest/log.h"

#define SIZE_MAX_MB 16

/* --- state */

static int64_t ns_of(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

struct dh_file_state dh_file_state(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return (struct dh_file_state){ .error = errno };
	return (struct dh_file_state){ .device = st.st_dev,
		.inode = st.st_ino,
		.size = (uint64_t)st.st_size,
		.modified_ns = ns_of(&st.st_mtim),
		.changed_ns = ns_of(&st.st_ctim) };
}

bool dh_file_state_is_same(const struct dh_file_state *a, const struct dh_file_state *b)
{
	return a->error == b->error && a->device == b->device && a->inode == b->inode && a->size == b->size &&
		a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

/* --- reading */

/* NULL: it can be read, or (*is_there) there is none. Else why it cannot; the caller's. */
static char *obstacle(const char *path, bool *is_there)
{
	GError *error = NULL;
	char *text = NULL;
	struct stat st;
	int err = stat(path, &st) < 0 ? errno : 0;

	*is_there = err != ENOENT;
	if (err)
		return *is_there ? g_strdup(g_strerror(err)) : NULL;
	if (!S_ISREG(st.st_mode))
		return g_strdup("it is no regular file");
	if (st.st_size > SIZE_MAX_MB << 20)
		return g_strdup("it is larger than 16 MiB");
	if (g_file_get_contents(path, &text, NULL, &error)) {
		g_free(text);
		return NULL;
	}
	char *why = g_strdup(error->message);
	g_error_free(error);
	return why;
}

bool dh_config_file_is_readable(const char *path)
{
	bool is_there;
	char *why = obstacle(path, &is_there);
	bool is_readable = !why;

	g_free(why);
	return is_readable;
}

/* Whether there is one that can be read: 0, or as dh_config_file_parse. */
static int check(const char *path)
{
	bool is_there;
	char *why = obstacle(path, &is_there);
	int err = why ? -EIO : is_there ? 0 : -ENOENT;

	if (why)
		dh_log(DH_LOG_ERROR, "%s cannot be read: %s", path, why);
	g_free(why);
	return err;
}

int dh_config_file_parse(const char *path, janus_config **parsed)
{
	int err = check(path);

	if (err)
		return err;
	*parsed = janus_config_parse(path);
	if (*parsed)
		return 0;
	err = check(path); /* it may have failed just then */
	if (!err)
		dh_log(DH_LOG_ERROR, "%s cannot be read: it is no configuration, see the line before", path);
	return err ? err : -EINVAL;
}
