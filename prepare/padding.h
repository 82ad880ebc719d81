/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cuts off what a codec adds before and after sound to fill its blocks.
 *
 * libavcodec does so where packets say it (Matroska, Ogg, MP3). In MP4 and MOV the
 * track says it: it is heard from time 0 to its end. Never cuts more than padding can
 * be: a container that states more is wrong. Times are in `base`, the stream's time
 * base. Private to track.c.
 */
#ifndef DH_PADDING_H
#define DH_PADDING_H

#include <stdbool.h>

#include <libavutil/frame.h>

/* Cuts what is before time 0 off one of the first frames. Whether any is left. */
bool dh_padding_cut_start(AVFrame *frame, AVRational base);

/* How many samples of `frame` are after `end`. */
int dh_padding_excess(const AVFrame *frame, AVRational base, int64_t end);

/* Cuts those off the last frame. */
void dh_padding_cut_end(AVFrame *frame, AVRational base, int64_t end);

#endif
