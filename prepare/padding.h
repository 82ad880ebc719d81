/* What a codec puts before and behind sound to fill its blocks, cut off where
 * the container says so.
 *
 * libavcodec does that for what is said of a packet (Matroska, Ogg, MP3). MP4 and
 * MOV say it of the track: it is heard from time 0 to its end. No more is cut than
 * padding can be; where a container says more, it is wrong, and nothing is cut.
 * Times are in `base`, the stream's time base. Private to track.c.
 */
#ifndef DH_PADDING_H
#define DH_PADDING_H

#include <libavutil/frame.h>

/* Of the first frames: what stands before time 0. Returns whether any is left. */
int dh_padding_cut_start(AVFrame *frame, AVRational base);

/* The samples of `frame` that stand behind `end`; 0: none. */
int dh_padding_excess(const AVFrame *frame, AVRational base, int64_t end);

/* Cuts them off, of the last frame. */
void dh_padding_cut_end(AVFrame *frame, AVRational base, int64_t end);

#endif
