/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "opus_head.h"

#include <stdint.h>
#include <string.h>

#include <libavcodec/avcodec.h>

int dh_opus_head_set(struct AVCodecParameters *par)
{
	/* RFC 7845: version, channels, pre-skip 0 (already trimmed), 48 kHz */
	static const uint8_t opus_head[19] = { 'O', 'p', 'u', 's', 'H', 'e', 'a', 'd', 1, 1, 0, 0, 0x80, 0xbb };

	par->codec_type = AVMEDIA_TYPE_AUDIO;
	par->codec_id = AV_CODEC_ID_OPUS;
	par->sample_rate = 48000;
	av_channel_layout_default(&par->ch_layout, 1);
	par->extradata = av_mallocz(sizeof(opus_head) + AV_INPUT_BUFFER_PADDING_SIZE);
	if (!par->extradata)
		return AVERROR(ENOMEM);
	memcpy(par->extradata, opus_head, sizeof(opus_head));
	par->extradata_size = sizeof(opus_head);
	return 0;
}
