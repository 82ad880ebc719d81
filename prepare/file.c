/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "target.h"

int dh_file_open(int *fd, const char *path, struct dh_fault *fault)
{
	*fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		return dh_fault_set(fault, DH_PREPARE_INPUT, "%s cannot be opened: %s", path, strerror(errno));
	return 0;
}

static int read_all(int fd, const char *path, struct dh_stream_reader *reader, struct dh_fault *fault)
{
	uint8_t buffer[64 * 1024];
	int err = 0;
	while (!err) {
		ssize_t n = read(fd, buffer, sizeof buffer);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return dh_fault_set(fault, DH_PREPARE_INPUT, "%s cannot be read: %s", path, strerror(errno));
		if (n == 0)
			break;
		err = dh_stream_reader_push(reader, buffer, (size_t)n);
	}
	if (!err)
		err = dh_stream_reader_finish(reader);
	if (!err || fault->code)
		return fault->code;
	return dh_fault_set(fault, err == -ENOMEM ? DH_PREPARE_MEMORY : DH_PREPARE_FORMAT,
		"%s is not a whole prepared segment: %s", path, dh_stream_reader_error(reader));
}

int dh_file_read(const char *path, const struct dh_stream_sink *sink, void *arg, struct dh_fault *fault)
{
	struct dh_stream_reader *reader = NULL;
	int fd, code = dh_file_open(&fd, path, fault);
	if (code)
		return code;
	code = dh_stream_reader_alloc(&reader, NULL, sink, arg) ? dh_fault_memory(fault) :
								  read_all(fd, path, reader, fault);
	dh_stream_reader_free(&reader);
	close(fd);
	return code;
}

/* --- writing */

/* For the signal handler: what to remove. */
static char *volatile unfinished;

static void on_signal(int number)
{
	char *path = unfinished;
	if (path)
		unlink(path);
	signal(number, SIG_DFL);
	raise(number);
}

/* What is ignored stays so, as by nohup or in the background of a script. */
static void handle(int number)
{
	struct sigaction before;
	if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		signal(number, on_signal);
}

static int cannot_write(const struct dh_file_writer *writer, int error, struct dh_fault *fault)
{
	return dh_fault_set(fault, DH_PREPARE_OUTPUT, "%s cannot be written: %s", writer->name, strerror(error));
}

static void set_mode(const struct dh_file_writer *writer)
{
	struct stat st;
	if (stat(writer->path, &st) == 0) {
		/* where it may not be given away, it stays ours */
		int err = fchown(writer->fd, st.st_uid, st.st_gid);
		(void)err;
		fchmod(writer->fd, st.st_mode & 0777);
		return;
	}
	mode_t mask = umask(0);
	umask(mask);
	fchmod(writer->fd, 0666 & ~mask);
}

static int begin_aside(struct dh_file_writer *writer, struct dh_fault *fault)
{
	writer->aside = malloc(strlen(writer->path) + 8);
	if (!writer->aside)
		return dh_fault_memory(fault);
	sprintf(writer->aside, "%s.XXXXXX", writer->path);
	writer->fd = mkstemp(writer->aside);
	if (writer->fd < 0)
		return cannot_write(writer, errno, fault);
	set_mode(writer);
	unfinished = writer->aside;
	handle(SIGINT);
	handle(SIGTERM);
	handle(SIGHUP);
	return 0;
}

static void drop_names(struct dh_file_writer *writer)
{
	free(writer->path);
	free(writer->aside);
	writer->path = writer->aside = NULL;
}

int dh_file_create(struct dh_file_writer *writer, const char *name, struct dh_fault *fault)
{
	struct dh_target target;
	memset(writer, 0, sizeof *writer);
	signal(SIGPIPE, SIG_IGN);
	if (strcmp(name, "-") == 0) {
		writer->fd = STDOUT_FILENO;
		return 0;
	}
	writer->name = name;
	int code = dh_target_find(&target, name, fault);
	writer->fd = target.fd;
	writer->path = target.path;
	if (!code && target.path)
		code = begin_aside(writer, fault);
	if (code)
		drop_names(writer);
	return code;
}

int dh_file_write(void *arg, const void *bytes, size_t size)
{
	struct dh_file_writer *writer = arg;
	const char *p = bytes;
	while (size > 0) {
		ssize_t n = write(writer->fd, p, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		size -= (size_t)n;
		writer->bytes += n;
	}
	return 0;
}

int dh_file_finish(struct dh_file_writer *writer, bool keep, struct dh_fault *fault)
{
	int code = 0;
	if (!writer->name)
		return 0;
	if (close(writer->fd) < 0 && keep)
		code = cannot_write(writer, errno, fault);
	if (!writer->aside)
		return code;
	if (keep && !code && rename(writer->aside, writer->path) < 0)
		code = cannot_write(writer, errno, fault);
	if (!keep || code)
		unlink(writer->aside);
	unfinished = NULL;
	drop_names(writer);
	return code;
}
