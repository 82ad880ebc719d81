/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* As many as the kernel follows. */
#define LINKS_MAX 40

static int wrong(const char *name, int error, struct dh_fault *fault)
{
	return dh_fault_set(fault, DH_PREPARE_OUTPUT, "%s cannot be written: %s", name, strerror(error));
}

/* Bytes of `path` up to its last slash, including that. */
static size_t folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? (size_t)(slash + 1 - path) : 0;
}

/* Whether the link is one of procfs, which leads to an open file rather than to a name. */
static bool is_magic(const char *path)
{
	char folder[PATH_MAX] = ".";
	struct statfs fs;
	size_t length = folder_length(path);
	if (length > 0)
		memcpy(folder, path, length);
	folder[length > 0 ? length : 1] = '\0';
	return statfs(folder, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

/* The descriptor of this process that the magic link stands for; -1: it is another's. */
static int own_descriptor(const char *path)
{
	char folder[PATH_MAX] = "", *end, ours[PATH_MAX], theirs[PATH_MAX];
	size_t length = folder_length(path);
	memcpy(folder, path, length);
	long number = strtol(path + length, &end, 10);
	if (*end || end == path + length || number < 0 || number > INT_MAX || !realpath("/proc/self/fd", ours) ||
		!realpath(folder, theirs) || strcmp(ours, theirs) != 0)
		return -1;
	return (int)number;
}

/* Replaces the last part of `path`, a link, by what it says. */
static int follow(char path[PATH_MAX])
{
	char text[PATH_MAX];
	ssize_t size = readlink(path, text, sizeof text - 1);
	if (size < 0)
		return errno;
	text[size] = '\0';
	size_t keep = text[0] == '/' ? 0 : folder_length(path);
	if (keep + (size_t)size >= PATH_MAX)
		return ENAMETOOLONG;
	memcpy(path + keep, text, (size_t)size + 1);
	return 0;
}

/* Writes to what is there already. */
static int open_special(struct dh_target *target, const char *name, const char *path, struct dh_fault *fault)
{
	int own = own_descriptor(path);
	target->fd = own >= 0 ? fcntl(own, F_DUPFD_CLOEXEC, 0) : open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	return target->fd < 0 ? wrong(name, errno, fault) : 0;
}

int dh_target_find(struct dh_target *target, const char *name, struct dh_fault *fault)
{
	char path[PATH_MAX];
	struct stat st;
	int links = 0, error = 0;
	*target = (struct dh_target){ NULL, -1 };
	if (strlen(name) >= sizeof path)
		return wrong(name, ENAMETOOLONG, fault);
	memcpy(path, name, strlen(name) + 1);
	while (!error && lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) {
		if (is_magic(path))
			return open_special(target, name, path, fault);
		error = ++links > LINKS_MAX ? ELOOP : follow(path);
	}
	if (error)
		return wrong(name, error, fault);
	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return dh_fault_set(fault, DH_PREPARE_OUTPUT, "%s is a folder, expected a file to write", name);
		if (!S_ISREG(st.st_mode))
			return open_special(target, name, path, fault);
	}
	target->path = strdup(path);
	return target->path ? 0 : dh_fault_memory(fault);
}

int dh_target_check(const char *output, const char *input, struct dh_fault *fault)
{
	struct stat out, in;
	int err = strcmp(output, "-") ? stat(output, &out) : fstat(STDOUT_FILENO, &out);
	if (err < 0 || (strcmp(input, "-") ? stat(input, &in) : fstat(STDIN_FILENO, &in)) < 0)
		return 0;
	/* terminals and sockets go both ways, and /dev/null loses nothing */
	if ((!S_ISREG(in.st_mode) && !S_ISFIFO(in.st_mode) && !S_ISBLK(in.st_mode)) || in.st_dev != out.st_dev ||
		in.st_ino != out.st_ino)
		return 0;
	return dh_fault_set(fault, DH_PREPARE_USAGE, "%s is both input and output",
		strcmp(output, "-") ? output : input);
}
