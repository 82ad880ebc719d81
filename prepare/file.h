/* Prepared segments as files: reading one, and writing one aside until it is
 * complete. */
#ifndef DH_FILE_H
#define DH_FILE_H

#include "fault.h"
#include "playout/stream.h"

/* Opens for reading; "-" is standard input. The descriptor in *fd. */
int dh_file_open(int *fd, const char *path, struct dh_fault *fault);

/* Feeds a whole prepared segment to `sink` and verifies it. Where a sink function
 * has recorded a fault itself and returned nonzero, that fault stands. */
int dh_file_read(const char *path, const struct dh_stream_sink *sink, void *arg, struct dh_fault *fault);

struct dh_file_writer {
	int fd;
	const char *path; /* NULL: standard output */
	char *aside;      /* the file's name until it is complete */
	int64_t bytes;
};

/* One at a time: SIGINT, SIGTERM and SIGHUP remove what was written aside. */
int dh_file_create(struct dh_file_writer *writer, const char *path, struct dh_fault *fault);
/* A dh_stream_write_fn. */
int dh_file_write(void *writer, const void *bytes, size_t size);
/* Puts the file in its place when `keep`, else removes it. */
int dh_file_finish(struct dh_file_writer *writer, int keep, struct dh_fault *fault);

#endif
