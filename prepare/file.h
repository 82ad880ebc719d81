/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads and writes prepared segments as files. */
#ifndef DH_FILE_H
#define DH_FILE_H

#include <stdbool.h>

#include "fault.h"
#include "playout/stream.h"

/* Opens for reading; "-" is standard input. The caller closes *fd. */
int dh_file_open(int *fd, const char *path, struct dh_fault *fault);

/* Verifies a whole prepared segment and passes it to `sink`, whose functions may
 * record a fault of their own before they return an error. */
int dh_file_read(const char *path, const struct dh_stream_sink *sink, void *arg, struct dh_fault *fault);

struct dh_file_writer {
	int fd;
	const char *name; /* for messages; NULL: standard output */
	char *path;       /* the regular file that it will be; NULL: it is written directly */
	char *aside;      /* the temporary name until it is complete */
	int64_t bytes;
};

/* Starts a file under a temporary name, one at a time in a process: SIGINT, SIGTERM
 * and SIGHUP remove it. Links are followed; devices and FIFOs are written to (target.h).
 * `name` must outlive the writer; "-" is standard output. */
int dh_file_create(struct dh_file_writer *writer, const char *name, struct dh_fault *fault);
/* A dh_stream_write_fn: 0 or a negative errno. */
int dh_file_write(void *writer, const void *bytes, size_t size);
/* Renames the file to its name if `keep`, else removes it. An existing file's mode and, where
 * permitted, owner stay. */
int dh_file_finish(struct dh_file_writer *writer, bool keep, struct dh_fault *fault);

#endif
