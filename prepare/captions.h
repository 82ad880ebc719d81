/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The words of an input's subtitle track: the words of each cue, spread over the time of the
 * cue in proportion to their lengths. Private to source.c.
 */
#ifndef DH_CAPTIONS_H
#define DH_CAPTIONS_H

#include <stdbool.h>

#include <libavformat/avformat.h>

#include "fault.h"
#include "playout/stream.h"

struct dh_captions;

int dh_captions_alloc(struct dh_captions **captions, struct dh_fault *fault);
void dh_captions_free(struct dh_captions **captions);

/* Begins with a container's track: `stream` has a codec of dh_accept_captions and must stay until
 * dh_captions_end. Fails without memory only: a track that cannot be read has no words. */
int dh_captions_begin(struct dh_captions *captions, AVStream *stream, struct dh_fault *fault);
/* The container is over. Words that have not been placed are dropped. */
void dh_captions_end(struct dh_captions *captions);
/* -1 between containers. */
int dh_captions_stream(const struct dh_captions *captions);

/* Takes a packet of its track, which has a time (dh_time_is_sane); NULL: there are no more. A cue that does
 * not say how long it lasts lasts until the next one, which may be empty. */
int dh_captions_send(struct dh_captions *captions, const AVPacket *packet, struct dh_fault *fault);

/* `origin_ticks` is taken off the times of the words that have come since the last call. */
void dh_captions_place(struct dh_captions *captions, int64_t origin_ticks);

/* Takes the next word that has been placed, with the source's times, which may be negative.
 * False: none is known. */
bool dh_captions_next(struct dh_captions *captions, struct dh_stream_word *word);

/* Whether it has more words than a stream may have. */
bool dh_captions_is_full(const struct dh_captions *captions);

#endif
