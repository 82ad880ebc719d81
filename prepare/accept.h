/* What may be read: an explicit list of containers and codecs. Nothing on it
 * names another file.
 */
#ifndef DH_ACCEPT_H
#define DH_ACCEPT_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

/* Whether the demuxer is on the list; `still`: it reads pictures, not clips. */
int dh_accept_container(const AVInputFormat *format, int *still);

/* The decoder to use, or NULL where the codec is not on the list. */
const AVCodec *dh_accept_decoder(enum AVCodecID codec);

/* The names of all such decoders, comma-separated, for AVFormatContext. The
 * caller frees it with av_free. NULL when memory is short. */
char *dh_accept_decoder_names(void);

/* For messages. */
const char *dh_accept_containers_text(void);
const char *dh_accept_codecs_text(void);

#endif
