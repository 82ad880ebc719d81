/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dh-open: opens, examines, reads and closes media files for the gateway, which must not
 * wait for their file systems itself: a thread that waits for a FUSE server's answer cannot
 * be killed, nor can its process end. This process can be left behind instead.
 *
 * It uses no library but C's, so that it starts at once.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "opener_wire.h"
#include "prepare/envelope.h"

/* Without O_NONBLOCK, opening a FIFO would wait for a writer. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static int file = -1; /* the one that is read */
static char body[DH_OPENER_BYTES];

static int open_at(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags, .resolve = resolve };
	long fd = -1;

	/* EAGAIN: a concurrent rename, so that the kernel cannot be sure. */
	for (int i = 0; i < 10; i++) {
		fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
			break;
	}
	return fd < 0 ? -errno : (int)fd;
}

/* The path of an open file, without links. */
static bool path_of(int fd, char path[PATH_MAX])
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX - 1);
	path[n < 0 ? 0 : n] = '\0';
	return n > 0;
}

/* The kernel follows no link that leaves the folder, not even one that comes back, such as an
 * absolute one. What it leads to is opened by its path from the folder, if it has one. */
static int open_linked(int dir, const char *path)
{
	char folder[PATH_MAX], whole[PATH_MAX];
	int fd = *path == '/' ? -EXDEV : open_at(dir, path, O_PATH | O_CLOEXEC, 0);
	size_t length;
	bool is_known;

	/* also where a link of procfs led: what counts is the path of what was found */
	if (fd < 0)
		return fd;
	is_known = path_of(dir, folder) && path_of(fd, whole);
	close(fd);
	length = is_known ? strlen(folder) : 0;
	if (length == 0 || strncmp(whole, folder, length) != 0 || whole[length] != '/')
		return -EXDEV;
	return open_at(dir, whole + length + 1, OPEN_FLAGS, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

static int open_beneath(const char *folder, const char *path)
{
	int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

	if (dir < 0)
		return -errno;
	fd = open_at(dir, path, OPEN_FLAGS, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
	if (fd == -EXDEV)
		fd = open_linked(dir, path);
	close(dir);
	return fd;
}

/* The envelope, -1 if it is not a regular file, or another negative errno. */
static int examine(int fd, struct dh_opener_answer *answer)
{
	int flags;

	if (fstat(fd, &answer->st) < 0)
		return -errno;
	if (!S_ISREG(answer->st.st_mode))
		return -1;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return -errno;
	return dh_envelope_seal(fd);
}

static int open_file(const char *paths, size_t size, struct dh_opener_answer *answer)
{
	const char *path = memchr(paths, 0, size);
	int fd, envelope;

	if (!path || !memchr(path + 1, 0, size - (size_t)(path + 1 - paths))) {
		answer->result = -EINVAL;
		return -1;
	}
	path++;
	fd = *paths ? open_beneath(paths, path) : open(path, OPEN_FLAGS);
	if (fd < 0) {
		answer->result = *paths ? fd : -errno;
		return -1;
	}
	envelope = examine(fd, answer);
	if (envelope < -1)
		answer->result = envelope;
	/* Before answering: closing it may hang as well. */
	close(fd);
	return envelope < 0 ? -1 : envelope;
}

/* Those that begin with a dot are hidden. What is neither file nor folder is seen when it is opened. */
static bool is_listed(const struct dirent *entry)
{
	return entry->d_name[0] != '.' &&
		(entry->d_type == DT_REG || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN);
}

static int64_t list_names(DIR *dir)
{
	const struct dirent *entry;
	size_t used = 0;

	for (errno = 0; (entry = readdir(dir)); errno = 0) {
		size_t size = strlen(entry->d_name) + 1;
		if (!is_listed(entry))
			continue;
		if (size > sizeof body - used)
			return -EFBIG;
		memcpy(body + used, entry->d_name, size);
		used += size;
	}
	return errno ? -errno : (int64_t)used;
}

static int64_t list_folder(const char *folder, size_t size)
{
	const char *path = memchr(folder, 0, size);
	int fd, err;
	DIR *dir;

	if (!path || !memchr(path + 1, 0, size - (size_t)(path + 1 - folder)))
		return -EINVAL;
	fd = open_beneath(folder, path + 1);
	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		err = -errno;
		close(fd);
		return err;
	}
	int64_t used = list_names(dir);
	closedir(dir);
	return used;
}

static int attach(int envelope)
{
	int fd = envelope < 0 ? -1 : dh_envelope_look(envelope);

	if (file >= 0)
		close(file);
	file = fd < 0 ? -1 : fd;
	return envelope >= 0 && fd < 0 ? fd : 0;
}

static int64_t read_file(const struct dh_opener_request *request)
{
	size_t size = request->size < sizeof body ? request->size : sizeof body;
	ssize_t n;

	do
		n = pread(file, body, size, request->at);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static bool has_body(enum dh_opener_what what)
{
	return what == DH_OPENER_READ || what == DH_OPENER_LIST;
}

/* Returns false if the gateway is gone. */
static bool serve(const struct dh_opener_request *request, const char *paths, size_t size, int envelope)
{
	struct dh_opener_answer answer;
	int fd = -1, err;

	memset(&answer, 0, sizeof answer);
	if (request->what == DH_OPENER_OPEN)
		fd = open_file(paths, size, &answer);
	else if (request->what == DH_OPENER_ATTACH)
		answer.result = attach(envelope);
	else if (request->what == DH_OPENER_STAT)
		answer.result = fstat(file, &answer.st) < 0 ? -errno : 0;
	else if (request->what == DH_OPENER_READ)
		answer.result = read_file(request);
	else if (request->what == DH_OPENER_LIST)
		answer.result = list_folder(paths, size);
	if (envelope >= 0)
		close(envelope);
	if (request->what == DH_OPENER_CLOSE)
		return true;
	err = dh_envelope_send(DH_OPENER_FD, &answer, sizeof answer, body,
		has_body(request->what) && answer.result > 0 ? (size_t)answer.result : 0, fd, 0);
	if (fd >= 0)
		close(fd);
	return err == 0;
}

int main(void)
{
	static const struct rlimit none = { 0, 0 };
	static char paths[DH_OPENER_PATHS];
	struct dh_opener_request request;
	ssize_t n;
	int fd;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &none);
	do
		n = dh_envelope_receive(DH_OPENER_FD, &request, sizeof request, paths, sizeof paths, &fd, 0);
	while (n >= (ssize_t)sizeof request && serve(&request, paths, (size_t)n - sizeof request, fd));
	return 0;
}
