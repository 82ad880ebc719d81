/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conversion.h"

#include <string.h>

#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>

#include "job.h"
#include "tone.h"

AVFrame *dh_conversion_frame(int width, int height, enum AVPixelFormat format)
{
	AVFrame *frame = av_frame_alloc();
	if (!frame)
		return NULL;
	frame->width = width;
	frame->height = height;
	frame->format = format;
	if (av_frame_get_buffer(frame, 0) < 0)
		av_frame_free(&frame);
	return frame;
}

void dh_conversion_close(struct dh_conversion *c)
{
	sws_freeContext(c->sws);
	c->sws = NULL;
	av_frame_free(&c->out);
}

static bool is_full_range(const AVFrame *frame)
{
	if (frame->color_range != AVCOL_RANGE_UNSPECIFIED)
		return frame->color_range == AVCOL_RANGE_JPEG;
	const char *name = av_get_pix_fmt_name(frame->format);
	/* grey comes from stills, with alpha (ya8, ya16) or without, yuvj from MJPEG */
	return name && (strncmp(name, "yuvj", 4) == 0 || strncmp(name, "gray", 4) == 0 || strncmp(name, "ya", 2) == 0);
}

static int sws_matrix(const AVFrame *frame)
{
	switch (frame->colorspace) {
	case AVCOL_SPC_BT709:
		return SWS_CS_ITU709;
	case AVCOL_SPC_SMPTE240M:
		return SWS_CS_SMPTE240M;
	case AVCOL_SPC_BT2020_NCL:
	case AVCOL_SPC_BT2020_CL:
		return SWS_CS_BT2020;
	case AVCOL_SPC_UNSPECIFIED:
		return dh_tone_is_needed(frame) ? SWS_CS_BT2020 : SWS_CS_ITU601;
	default: /* what FFmpeg and generators write unless they say otherwise */
		return SWS_CS_ITU601;
	}
}

/* The ranges must be known before it is initialised: of the same format and size, a picture of
 * full range would be copied. */
static struct SwsContext *open_sws(const struct dh_conversion *c, int width, int height, enum AVPixelFormat format)
{
	struct SwsContext *sws = sws_alloc_context();
	const struct {
		const char *name;
		int value;
	} options[] = { { "srcw", c->width }, { "srch", c->height }, { "src_format", c->format },
		{ "src_range", c->is_full_range }, { "dstw", width }, { "dsth", height }, { "dst_format", format },
		{ "dst_range", 0 }, { "sws_flags", SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP } };
	for (size_t i = 0; sws && i < sizeof options / sizeof *options; i++)
		av_opt_set_int(sws, options[i].name, options[i].value, 0);
	if (sws && sws_init_context(sws, NULL, NULL) < 0) {
		sws_freeContext(sws);
		return NULL;
	}
	return sws;
}

static int open_for(struct dh_conversion *c, const AVFrame *in, int width, int height, enum AVPixelFormat format)
{
	dh_conversion_close(c);
	c->width = in->width;
	c->height = in->height;
	c->format = in->format;
	c->colorspace = in->colorspace;
	c->is_full_range = is_full_range(in);
	c->out = dh_conversion_frame(width, height, format);
	if (!c->out)
		return DH_PREPARE_MEMORY;
	c->sws = open_sws(c, width, height, format);
	if (!c->sws)
		return DH_PREPARE_FORMAT;
	/* fails for some formats, which do not need it */
	sws_setColorspaceDetails(c->sws, sws_getCoefficients(sws_matrix(in)), c->is_full_range,
		sws_getCoefficients(SWS_CS_ITU601), 0, 0, 1 << 16, 1 << 16);
	return 0;
}

int dh_conversion_run(struct dh_conversion *c, const AVFrame *in, int width, int height, enum AVPixelFormat format)
{
	bool is_same = c->sws && c->width == in->width && c->height == in->height && c->format == in->format &&
		c->colorspace == (int)in->colorspace && c->is_full_range == is_full_range(in) &&
		c->out->width == width && c->out->height == height;
	int code = is_same ? 0 : open_for(c, in, width, height, format);
	if (code)
		return code;
	if (sws_scale(c->sws, (const uint8_t *const *)in->data, in->linesize, 0, in->height, c->out->data,
		    c->out->linesize) < 0)
		return DH_PREPARE_FORMAT;
	return 0;
}
