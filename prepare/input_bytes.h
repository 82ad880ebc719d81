/* Bytes of one input: an AVIOContext on a descriptor that somebody else opened.
 * Regular files are read by position and can be sought in, and read again by a
 * second feed; everything else is read as it comes.
 */
#ifndef DH_INPUT_BYTES_H
#define DH_INPUT_BYTES_H

#include <stdbool.h>

#include <libavformat/avio.h>

#include "fault.h"

struct dh_input_bytes;

/* `fd` and `name` stay the caller's and outlive the feed. `silence_ms`: see
 * job.h. -> DH_PREPARE_INPUT where nothing can be read from `fd`. */
int dh_input_bytes_alloc(struct dh_input_bytes **feed, int fd, const char *name, int silence_ms, struct dh_fault *fault);
void dh_input_bytes_free(struct dh_input_bytes **feed);

AVIOContext *dh_input_bytes_io(struct dh_input_bytes *feed);
int dh_input_bytes_is_file(const struct dh_input_bytes *feed);
int64_t dh_input_bytes_file_size(const struct dh_input_bytes *feed); /* 0 for pipes */

/* At the end of the input: whether the container has stated more than there is. */
bool dh_input_bytes_is_cut(const struct dh_input_bytes *feed);

/* After a demuxer or its probe failed, or when it reports the end: records the
 * reason where the bytes themselves are it (unreadable, silent, empty, an MP4
 * whose index is missing or comes last through a pipe). 0: they are not. */
int dh_input_bytes_verdict(const struct dh_input_bytes *feed, struct dh_fault *fault);

#endif
