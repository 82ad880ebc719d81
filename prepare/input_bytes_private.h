/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The internals of an input's bytes; for input_bytes*.c only. */
#ifndef DH_INPUT_BYTES_PRIVATE_H
#define DH_INPUT_BYTES_PRIVATE_H

#include "input_bytes.h"
#include "input_end.h"
#include "mp4_index.h"
#include "nut_end.h"

#define DH_INPUT_BUFFER_BYTES (32 * 1024)

struct dh_input_bytes {
	AVIOContext *io;
	int fd;
	const char *name;
	int silence_ms, first_fd;
	bool is_file;
	bool is_in_order; /* it is read from front to back: not a file, or a container that allows it */
	int64_t size;     /* of a file, when it was opened; */
	int64_t mtime_ns; /* and when it had been written to last */
	int64_t position; /* in a file */
	int64_t total;    /* bytes read */
	/* the container that is being read, one of several that were joined */
	int64_t part_start, part_end; /* in a file; the end only with random access */
	bool has_next;                /* another follows */
	bool has_ended;               /* it was read to the input's end */
	struct dh_mp4_index index;
	bool is_watched;         /* where another container begins shows while it is read, though not in order */
	struct dh_input_end end; /* in order, or watched */
	struct dh_nut_end nut;   /* of a pipe */
	/* What was read in order, and not yet passed on: from `first` to `known` it is this
	 * container's, up to `used` nobody knows, or it is the next one's. */
	uint8_t *raw;
	size_t first, known, used;
	int error; /* errno of a failed read */
	bool is_silent;
	bool is_index_cut; /* a file that ends inside its index */
};

/* The next bytes, at least one; or an AVERROR, which is AVERROR_EOF at the end. `size` is at most
 * INT_MAX. */
int dh_input_bytes_read(struct dh_input_bytes *input, uint8_t *buffer, size_t size);

/* --- input_bytes_order.c: from front to back */

/* For AVIOContext. */
int dh_input_bytes_read_in_order(void *input, uint8_t *buffer, int size);
/* Reads a file on to where the next container begins. A pipe's demuxer has done so, or nobody
 * wants the rest. */
void dh_input_bytes_skip_to_next(struct dh_input_bytes *input);
void dh_input_bytes_begin_next(struct dh_input_bytes *input);

#endif
