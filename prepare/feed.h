/* Bytes of one input: an AVIOContext on a descriptor that somebody else opened.
 * Regular files are read by position and can be sought in, and read again by a
 * second feed; everything else is read as it comes.
 */
#ifndef DH_FEED_H
#define DH_FEED_H

#include <libavformat/avio.h>

#include "fault.h"

struct dh_feed;

/* `fd` and `name` stay the caller's and outlive the feed. `silence_ms`: see
 * job.h. -> DH_PREPARE_INPUT where nothing can be read from `fd`. */
int dh_feed_alloc(struct dh_feed **feed, int fd, const char *name, int silence_ms, struct dh_fault *fault);
void dh_feed_free(struct dh_feed **feed);

AVIOContext *dh_feed_io(struct dh_feed *feed);
int dh_feed_is_file(const struct dh_feed *feed);
int64_t dh_feed_file_size(const struct dh_feed *feed); /* 0 for pipes */

/* After a demuxer or its probe failed, or when it reports the end: records the
 * reason where the bytes themselves are it (unreadable, silent, empty, an MP4
 * whose index is missing or comes last through a pipe). 0: they are not. */
int dh_feed_verdict(const struct dh_feed *feed, struct dh_fault *fault);

#endif
