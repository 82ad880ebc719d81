/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "safe_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "ingest/log.h"

#define ASIDE  ".new-"
#define RANDOM "XXXXXX"

static int write_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, text, size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? -errno : -EIO;
		text += written;
		size -= (size_t)written;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* Makes the rename survive a power failure, too. The file is complete in any case. */
static void flush_folder(const char *path)
{
	char *folder = g_path_get_dirname(path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	g_free(folder);
}

int dh_safe_file_write(const char *path, const char *text, size_t size, mode_t mode)
{
	char *aside = g_strconcat(path, ASIDE RANDOM, NULL);
	int fd = mkostemp(aside, O_CLOEXEC), err = 0;

	if (fd < 0) {
		err = -errno;
		g_free(aside);
		return err;
	}
	if (fchmod(fd, mode) < 0)
		err = -errno;
	if (!err)
		err = write_all(fd, text, size);
	if (close(fd) < 0 && !err)
		err = -errno;
	if (!err && rename(aside, path) < 0)
		err = -errno;
	if (err)
		unlink(aside);
	else
		flush_folder(path);
	g_free(aside);
	return err;
}

static bool is_left_of(const char *name, const char *base)
{
	size_t length = strlen(base);

	return !strncmp(name, base, length) && g_str_has_prefix(name + length, ASIDE) &&
		strlen(name + length) == strlen(ASIDE RANDOM);
}

void dh_safe_file_clean(const char *path)
{
	char *folder = g_path_get_dirname(path), *base = g_path_get_basename(path);
	GDir *dir = g_dir_open(folder, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		char *left = is_left_of(name, base) ? g_build_filename(folder, name, NULL) : NULL;
		if (left && unlink(left) == 0)
			dh_log(DH_LOG_INFO, "%s is removed: it was being written when the plugin ended", left);
		g_free(left);
	}
	if (dir)
		g_dir_close(dir);
	g_free(base);
	g_free(folder);
}
