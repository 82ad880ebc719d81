/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of one input as an AVIOContext on an open descriptor. Regular files are
 * read by position, so a second reader does not disturb the first. Anything else is read as it
 * comes.
 *
 * Files may have been joined: the context ends where the first container does, and then
 * there may be another one. Containers that can be read from front to back are read so, even
 * from a file; the context of others is seekable.
 */
#ifndef DH_INPUT_BYTES_H
#define DH_INPUT_BYTES_H

#include <stdbool.h>

#include <libavformat/avio.h>

#include "fault.h"

struct dh_input_bytes;

/* `fd` and `name` are the caller's and must outlive it. `silence_ms`: see job.h;
 * `first_fd`: see task.h. Fails with DH_PREPARE_INPUT if `fd` cannot be read. */
int dh_input_bytes_alloc(struct dh_input_bytes **input, int fd, const char *name, int silence_ms, int first_fd,
	struct dh_fault *fault);
void dh_input_bytes_free(struct dh_input_bytes **input);

/* Valid until dh_input_bytes_next. */
AVIOContext *dh_input_bytes_io(struct dh_input_bytes *input);
bool dh_input_bytes_is_file(const struct dh_input_bytes *input);
int64_t dh_input_bytes_file_size(const struct dh_input_bytes *input); /* 0 for pipes */

/* At the end of the context: whether another container follows. Then dh_input_bytes_next
 * makes a new context for it; the old one must not be used any more. */
bool dh_input_bytes_has_next(struct dh_input_bytes *input);
int dh_input_bytes_next(struct dh_input_bytes *input, struct dh_fault *fault);

/* At the end of the context: whether its container promises more bytes than came, and how
 * many bytes follow that are no part of it and no other container. */
bool dh_input_bytes_is_cut(const struct dh_input_bytes *input);
int64_t dh_input_bytes_left(const struct dh_input_bytes *input);

/* Whether somebody has written to the file since it was opened. */
bool dh_input_bytes_has_changed(const struct dh_input_bytes *input);

/* After the demuxer failed or reached the end: records the reason if it lies in the
 * bytes themselves (unreadable, silent, empty, an MP4 whose index is missing, or
 * comes last through a pipe). 0 if it does not. */
int dh_input_bytes_verdict(const struct dh_input_bytes *input, struct dh_fault *fault);

#endif
