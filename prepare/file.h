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
	const char *path; /* NULL: standard output */
	char *aside;      /* the temporary name until it is complete */
	int64_t bytes;
};

/* Starts a file under a temporary name, one at a time in a process: SIGINT, SIGTERM
 * and SIGHUP remove it. `path` must outlive the writer; "-" is standard output. */
int dh_file_create(struct dh_file_writer *writer, const char *path, struct dh_fault *fault);
/* A dh_stream_write_fn: 0 or a negative errno. */
int dh_file_write(void *writer, const void *bytes, size_t size);
/* Renames the file to its name if `keep`, else removes it. */
int dh_file_finish(struct dh_file_writer *writer, bool keep, struct dh_fault *fault);

#endif
