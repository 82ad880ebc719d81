/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The containers and codecs that are accepted. None of the containers can refer to
 * another file.
 */
#ifndef DH_ACCEPT_H
#define DH_ACCEPT_H

#include <stdbool.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

/* Whether the demuxer is accepted. *is_still says whether it is for single pictures. */
bool dh_accept_container(const AVInputFormat *format, bool *is_still);

/* The decoder to use; NULL if the codec is not accepted. */
const AVCodec *dh_accept_decoder(enum AVCodecID codec);

/* The same for subtitles that are text. */
const AVCodec *dh_accept_captions(enum AVCodecID codec);

/* The decoder that shows the transparency of a codec whose usual one does not; NULL: none. */
const AVCodec *dh_accept_alpha_decoder(enum AVCodecID codec);

/* The names of all accepted decoders, comma-separated, for AVFormatContext. The
 * caller frees it with av_free. NULL when out of memory. */
char *dh_accept_decoder_names(void);

/* Lists for messages. */
const char *dh_accept_containers_text(void);
const char *dh_accept_codecs_text(void);

#endif
