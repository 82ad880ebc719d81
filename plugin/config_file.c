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
		return (struct dh_file_state){ 0 };
	return (struct dh_file_state){ .device = st.st_dev,
		.inode = st.st_ino,
		.size = (uint64_t)st.st_size,
		.modified_ns = ns_of(&st.st_mtim),
		.changed_ns = ns_of(&st.st_ctim) };
}

bool dh_file_state_is_same(const struct dh_file_state *a, const struct dh_file_state *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
		a->modified_ns == b->modified_ns && a->changed_ns == b->changed_ns;
}

/* --- reading */

static int wrong(const char *path, const char *why)
{
	dh_log(DH_LOG_ERROR, "%s cannot be read: %s", path, why);
	return -EINVAL;
}

static int check(const char *path)
{
	GError *error = NULL;
	char *text = NULL;
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? -ENOENT : wrong(path, g_strerror(errno));
	if (!S_ISREG(st.st_mode))
		return wrong(path, "it is no regular file");
	if (st.st_size > SIZE_MAX_MB << 20)
		return wrong(path, "it is larger than 16 MiB");
	if (!g_file_get_contents(path, &text, NULL, &error)) {
		wrong(path, error->message);
		g_error_free(error);
		return -EINVAL;
	}
	g_free(text);
	return 0;
}

int dh_config_file_parse(const char *path, janus_config **parsed)
{
	int err = check(path);

	if (err)
		return err;
	*parsed = janus_config_parse(path);
	return *parsed ? 0 : wrong(path, "it is no configuration, see the line before");
}
