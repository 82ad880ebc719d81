/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "file_slice.h"

#include <errno.h>
#include <glib.h>
#include <stdint.h>
#include <unistd.h>

#define READ_BYTES (128 * 1024)
/* A turn ends at whichever comes first. */
#define TURN_BYTES (16 * 1024 * 1024)
#define TURN_US    50000
/* Slower is slow, in bytes per microsecond. */
#define SLOW_PER_US 2

static ssize_t read_some(struct dh_opener *opener, int fd, void *buffer, off_t at)
{
	ssize_t n;

	if (opener)
		return dh_opener_read(opener, fd, buffer, READ_BYTES, at);
	n = TEMP_FAILURE_RETRY(pread(fd, buffer, READ_BYTES, at));
	return n < 0 ? -errno : n;
}

int dh_file_slice(struct dh_opener *opener, int fd, off_t *at, const atomic_bool *is_cancelled, dh_file_slice_fn *push,
	void *arg)
{
	int64_t until_us = g_get_monotonic_time() + TURN_US;
	off_t until = *at + TURN_BYTES;
	void *buffer = g_malloc(READ_BYTES);
	int err = 1, pushed;

	while (err > 0) {
		ssize_t n = read_some(opener, fd, buffer, *at);
		if (n < 0)
			err = (int)n;
		else if (atomic_load(is_cancelled))
			err = -ECANCELED;
		else if (n == 0)
			err = 0;
		else if ((pushed = push(arg, buffer, (size_t)n)) < 0)
			err = pushed;
		*at += MAX(n, 0);
		if (*at >= until || g_get_monotonic_time() >= until_us)
			break;
	}
	g_free(buffer);
	return err;
}

bool dh_file_reads_slowly(off_t bytes, int64_t us)
{
	return bytes / MAX(us, 1) < SLOW_PER_US;
}
