/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "media_files.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "text.h"

/* Without O_NONBLOCK, opening a FIFO would wait for a writer. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

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

/* Whether any component is "..", even a harmless one. */
static bool goes_up(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p += 2)
		if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == 0))
			return true;
	return false;
}

/* `fd` is the negative errno of opening `path`. */
static int explain(int fd, const char *path, char **error)
{
	switch (fd) {
	case -ENOENT:
	case -ENOTDIR:
		return refuse(-ENOENT, error, "no such file: %s", path);
	case -EXDEV:
	case -ELOOP:
		return refuse(-EXDEV, error, "not beneath the segment folder: %s", path);
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

	return err < 0 || !goes_up(path) ? err : explain(-EXDEV, path, error);
}

/* Takes ownership of `fd`. */
static int check_file(int fd, const char *path, int64_t max_bytes, char **error)
{
	struct stat st;
	int flags, err;

	if (fstat(fd, &st) < 0)
		err = refuse(-errno, error, "%s: %s", path, g_strerror(errno));
	else if (S_ISDIR(st.st_mode))
		err = refuse(-EISDIR, error, "a folder, not a file: %s", path);
	else if (!S_ISREG(st.st_mode))
		err = refuse(-ENXIO, error, "not a regular file: %s", path);
	else if (max_bytes > 0 && st.st_size > max_bytes)
		err = refuse(-EFBIG, error, "larger than %" G_GINT64_FORMAT " MiB: %s", max_bytes >> 20, path);
	else if ((flags = fcntl(fd, F_GETFL)) < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		err = refuse(-errno, error, "%s: %s", path, g_strerror(errno));
	else
		return fd;
	close(fd);
	return err;
}

static int open_beneath(const char *folder, const char *path)
{
	struct open_how how = {
		.flags = OPEN_FLAGS,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	long fd;

	if (dir < 0)
		return -errno;
	/* EAGAIN: a concurrent rename, so that the kernel cannot be sure. */
	for (int i = 0; i < 10; i++) {
		fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	if (fd < 0)
		fd = -errno;
	close(dir);
	return (int)fd;
}

static int open_configured(const char *path)
{
	int fd = open(path, OPEN_FLAGS);

	return fd < 0 ? -errno : fd;
}

int dh_media_open(const char *folder, const char *path, int64_t max_bytes, char **error)
{
	int fd = folder ? dh_media_check_path(path, error) : check_text(path, error);

	if (fd < 0)
		return fd;
	fd = folder ? open_beneath(folder, path) : open_configured(path);
	if (fd == -ELOOP && !folder)
		return refuse(fd, error, "%s: %s", path, g_strerror(ELOOP));
	return fd < 0 ? explain(fd, path, error) : check_file(fd, path, max_bytes, error);
}
