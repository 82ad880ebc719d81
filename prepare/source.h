/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One input, demuxed and decoded: pictures and sound with the container's times. Of
 * containers that were joined, each follows the one before it.
 */
#ifndef DH_SOURCE_H
#define DH_SOURCE_H

#include <stdbool.h>

#include "frame.h"
#include "playout/stream.h"
#include "source_config.h"

struct dh_source;

/* What `config` points to must outlive the source. */
int dh_source_alloc(struct dh_source **source, const struct dh_source_config *config, struct dh_fault *fault);
void dh_source_free(struct dh_source **source);

/* Whether it has the medium and has not reached its end. */
bool dh_source_has(const struct dh_source *source, enum dh_media media);

/* Whether it is a still picture. */
bool dh_source_is_still(const struct dh_source *source);

/* The nominal frame rate; 0/1: variable or unknown. */
void dh_source_rate(const struct dh_source *source, int64_t *num, int64_t *den);

/* The length that the first container states for what is wanted of it; 0: none, or not known
 * before the first frame. */
int64_t dh_source_stated_ticks(const struct dh_source *source);

/* Decodes the next frame of any wanted medium; frame->av is NULL at the end. Damaged
 * packets are skipped and counted. */
int dh_source_next(struct dh_source *source, struct dh_frame *frame, struct dh_fault *fault);

/* Searches the rest of a file for more of `media`; reads each byte once, however often it is
 * called. If there is none, the last frames of that medium come next and dh_source_has turns
 * false before the input ends. Does nothing for pipes. */
int dh_source_look_ahead(struct dh_source *source, enum dh_media media, struct dh_fault *fault);

/* Whether a subtitle track says what is spoken. */
bool dh_source_has_words(const struct dh_source *source);
/* Takes the next word that was read, with the container's times; false: none yet. */
bool dh_source_next_word(struct dh_source *source, struct dh_stream_word *word);
/* Whether it has more words than a stream may have. */
bool dh_source_has_too_many_words(const struct dh_source *source);

/* At the end: whether the input ended before its container said it would, if that can
 * be known. */
bool dh_source_is_cut(const struct dh_source *source);

/* At the end: how many bytes follow that are no media; and whether a further container could
 * not be opened. */
int64_t dh_source_left_bytes(const struct dh_source *source);
bool dh_source_is_broken_off(const struct dh_source *source);

/* At the end: whether only a further container has this medium, which is left out then; and whether
 * somebody wrote to the file meanwhile. */
bool dh_source_is_late(const struct dh_source *source, enum dh_media media);
bool dh_source_has_changed(const struct dh_source *source);

/* The codec of a stream that cannot be played; NULL: all can. */
const char *dh_source_unplayed(const struct dh_source *source, enum dh_media media);

/* How often its times started again, or jumped. */
int dh_source_restarts(const struct dh_source *source);

/* How many packets could not be read or decoded. */
int dh_source_damaged(const struct dh_source *source);

#endif
