/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media_files.h"

#include <errno.h>
#include <glib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "text.h"

static int G_GNUC_PRINTF(3, 4) refuse(int error, char **text, const char *format, ...)
{
	va_list args;

	if (text) {
		va_start(args, format);
		*text = g_strdup_vprintf(format, args);
		va_end(args);
	}
	return error;
}

static int check_text(const char *path, char **error)
{
	size_t length = strlen(path);

	if (length == 0)
		return refuse(-EINVAL, error, "the file's name is empty");
	if (length > DH_MEDIA_PATH_MAX)
		return refuse(-EINVAL, error, "the file's name is longer than %d bytes", DH_MEDIA_PATH_MAX);
	if (!g_utf8_validate(path, (gssize)length, NULL))
		return refuse(-EINVAL, error, "the file's name is not UTF-8");
	if (dh_text_has_controls(path))
		return refuse(-EINVAL, error, "the file's name has control characters");
	return 0;
}

/* Whether ".." leads out of the folder where the path begins. */
static bool goes_out(const char *path)
{
	int depth = 0;

	while (*path && depth >= 0) {
		size_t length = strcspn(path, "/");
		if (length == 2 && path[0] == '.' && path[1] == '.')
			depth--;
		else if (length > 1 || (length == 1 && *path != '.'))
			depth++;
		path += length + strspn(path + length, "/");
	}
	return depth < 0;
}

static const char *way_out(const char *path)
{
	if (*path == '/')
		return "it is an absolute path";
	return goes_out(path) ? "\"..\" leads out of it" : "a link leads out of it";
}

/* `fd` is the negative errno of opening `path`. */
static int explain(int fd, const char *path, char **error)
{
	switch (fd) {
	case -ENOENT:
	case -ENOTDIR:
		return refuse(-ENOENT, error, "no such file: %s", path);
	case -EXDEV:
		return refuse(-EXDEV, error, "not beneath the segment folder, %s: %s", way_out(path), path);
	case -ELOOP:
		return refuse(-ELOOP, error, "its links go round, or are too many: %s", path);
	case -ECHILD:
		return refuse(fd, error, "%s: dh-open cannot be started", path);
	case -ENOSYS:
		return refuse(-ENOSYS, error, "this system has no openat2 (Linux 5.6), %s cannot be opened safely",
			path);
	default:
		return refuse(fd, error, "%s: %s", path, g_strerror(-fd));
	}
}

int dh_media_check_path(const char *path, char **error)
{
	int err = check_text(path, error);

	return err < 0 || (*path != '/' && !goes_out(path)) ? err : explain(-EXDEV, path, error);
}

/* 0, or why such a file cannot be used. */
static int check_file(const struct stat *st, const char *path, int64_t max_bytes, char **error)
{
	if (S_ISDIR(st->st_mode))
		return refuse(-EISDIR, error, "a folder, not a file: %s", path);
	if (!S_ISREG(st->st_mode))
		return refuse(-ENXIO, error, "not a regular file: %s", path);
	if (max_bytes > 0 && st->st_size > max_bytes)
		return refuse(-EFBIG, error, "larger than %" G_GINT64_FORMAT " MiB: %s", max_bytes >> 20, path);
	return 0;
}

int dh_media_open(struct dh_opener *opener, const char *folder, const char *path, int64_t max_bytes, struct stat *st,
	char **error)
{
	int envelope = folder ? dh_media_check_path(path, error) : check_text(path, error), err;

	if (envelope < 0)
		return envelope;
	envelope = dh_opener_open(opener, folder, path, st);
	if (envelope < 0 && envelope != -ENODATA)
		return explain(envelope, path, error);
	err = check_file(st, path, max_bytes, error);
	if (err == 0)
		return envelope;
	if (envelope >= 0)
		dh_openers_close(opener->openers, envelope);
	return err;
}
