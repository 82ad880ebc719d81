/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes the segment's container, frame by frame.
 *
 * Video and audio are uncompressed, so either container is little more than a
 * header before each frame. A program that links libavformat anyway should use
 * its muxers ("nut", "matroska"). dh-talker does not, because loading it takes
 * longer than drawing the first picture.
 */
#ifndef DH_TALKER_MUX_H
#define DH_TALKER_MUX_H

#include <stddef.h>
#include <stdint.h>

#include "talker_format.h"

struct dh_mux;

/* Writes the header to `fd`, which the caller keeps. 0, -ENOMEM, or the errno of
 * write(2) (-EPIPE: the reader has gone). */
int dh_mux_alloc(struct dh_mux **mux, int fd, const struct dh_mux_format *format);

/* Writes the next picture and its sound: `count` samples, which follow the last
 * ones without a gap. 0 or as above. */
int dh_mux_write(struct dh_mux *mux, const uint8_t *i420, const int16_t *samples, size_t count);

/* Writes a word that is spoken from `ms` on, in the order of their times; "" ends the one before.
 * 0 or as above. */
int dh_mux_word(struct dh_mux *mux, int64_t ms, const char *text);

/* Ends the container after the last picture. 0 or as above. */
int dh_mux_end(struct dh_mux *mux);

void dh_mux_free(struct dh_mux **mux);

#endif
