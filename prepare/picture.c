/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "picture.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <libyuv.h>

#include "playout/stream.h"

/* A conversion, kept as long as its input does not change. */
struct step {
	struct SwsContext *sws;
	AVFrame *out;
	int width, height, format, colorspace;
	bool is_full_range;
};

struct dh_picture {
	int width, height;
	struct step flatten; /* blends transparency: to RGBA of the same size */
	struct step scale;   /* to I420 of its size on the canvas */
};

/* --- conversions */

static void step_close(struct step *step)
{
	sws_freeContext(step->sws);
	step->sws = NULL;
	av_frame_free(&step->out);
}

static bool is_full_range(const AVFrame *frame)
{
	if (frame->color_range != AVCOL_RANGE_UNSPECIFIED)
		return frame->color_range == AVCOL_RANGE_JPEG;
	const char *name = av_get_pix_fmt_name(frame->format);
	/* grey comes from stills, yuvj from MJPEG */
	return name && (strncmp(name, "yuvj", 4) == 0 || strncmp(name, "gray", 4) == 0);
}

static int sws_matrix(enum AVColorSpace space)
{
	switch (space) {
	case AVCOL_SPC_BT709:
		return SWS_CS_ITU709;
	case AVCOL_SPC_SMPTE240M:
		return SWS_CS_SMPTE240M;
	case AVCOL_SPC_BT2020_NCL:
	case AVCOL_SPC_BT2020_CL:
		return SWS_CS_BT2020;
	default: /* what FFmpeg and generators write unless they say otherwise */
		return SWS_CS_ITU601;
	}
}

static int step_open(struct step *step, const AVFrame *in, int width, int height, enum AVPixelFormat format)
{
	step_close(step);
	step->width = in->width;
	step->height = in->height;
	step->format = in->format;
	step->colorspace = in->colorspace;
	step->is_full_range = is_full_range(in);
	step->out = av_frame_alloc();
	if (!step->out)
		return DH_PREPARE_MEMORY;
	step->out->width = width;
	step->out->height = height;
	step->out->format = format;
	if (av_frame_get_buffer(step->out, 0) < 0)
		return DH_PREPARE_MEMORY;
	step->sws = sws_getContext(in->width, in->height, in->format, width, height, format,
		SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP, NULL, NULL, NULL);
	if (!step->sws)
		return DH_PREPARE_FORMAT;
	/* fails for some formats, which do not need it */
	sws_setColorspaceDetails(step->sws, sws_getCoefficients(sws_matrix(in->colorspace)), step->is_full_range,
		sws_getCoefficients(SWS_CS_ITU601), 0, 0, 1 << 16, 1 << 16);
	return 0;
}

static int step_run(struct step *step, const AVFrame *in, int width, int height, enum AVPixelFormat format)
{
	bool is_same = step->sws && step->width == in->width && step->height == in->height &&
		step->format == in->format && step->colorspace == (int)in->colorspace &&
		step->is_full_range == is_full_range(in) && step->out->width == width && step->out->height == height;
	int code = is_same ? 0 : step_open(step, in, width, height, format);
	if (code)
		return code;
	if (sws_scale(step->sws, (const uint8_t *const *)in->data, in->linesize, 0, in->height, step->out->data,
		    step->out->linesize) < 0)
		return DH_PREPARE_FORMAT;
	return 0;
}

/* --- the canvas */

/* Copies and turns a plane; `width` and `height` are the destination's. */
static void copy_plane(uint8_t *to, int to_stride, const uint8_t *from, int from_stride, int width, int height,
	const struct dh_turn *turn)
{
	if (!turn->transpose && !turn->flip_x && !turn->flip_y) {
		for (int y = 0; y < height; y++)
			memcpy(to + (size_t)y * to_stride, from + (ptrdiff_t)y * from_stride, (size_t)width);
		return;
	}
	for (int y = 0; y < height; y++) {
		int v = turn->flip_y ? height - 1 - y : y;
		uint8_t *row = to + (size_t)y * to_stride;
		for (int x = 0; x < width; x++) {
			int u = turn->flip_x ? width - 1 - x : x;
			row[x] = turn->transpose ? from[(ptrdiff_t)u * from_stride + v] :
						   from[(ptrdiff_t)v * from_stride + u];
		}
	}
}

static void to_canvas(const struct dh_picture *picture, const AVFrame *from, const struct dh_rect *rect,
	const struct dh_turn *turn, uint8_t *i420)
{
	size_t luma = (size_t)picture->width * picture->height;
	uint8_t *planes[3] = { i420, i420 + luma, i420 + luma + luma / 4 };
	if (rect->width != picture->width || rect->height != picture->height) {
		memset(i420, 16, luma);
		memset(i420 + luma, 128, luma / 2);
	}
	for (int i = 0; i < 3; i++) {
		int half = i > 0, stride = picture->width >> half;
		copy_plane(planes[i] + (size_t)(rect->y >> half) * stride + (rect->x >> half), stride, from->data[i],
			from->linesize[i], rect->width >> half, rect->height >> half, turn);
	}
}

/* Blends the frame with black; *flat is the result. */
static int flatten(struct dh_picture *picture, const AVFrame *frame, const AVFrame **flat)
{
	int code = step_run(&picture->flatten, frame, frame->width, frame->height, AV_PIX_FMT_RGBA);
	if (code)
		return code;
	AVFrame *out = picture->flatten.out;
	for (int y = 0; y < out->height; y++) {
		uint8_t *p = out->data[0] + (ptrdiff_t)y * out->linesize[0];
		for (int x = 0; x < out->width; x++, p += 4) {
			if (p[3] == 255)
				continue;
			for (int i = 0; i < 3; i++)
				p[i] = (uint8_t)((p[i] * p[3] + 127) / 255);
			p[3] = 255;
		}
	}
	out->sample_aspect_ratio = frame->sample_aspect_ratio;
	*flat = out;
	return 0;
}

/* What generators push: arrays of the avatar's size. libyuv needs an eighth of the time that
 * libswscale needs for them. False: it is something else. */
static bool convert_array(const struct dh_picture *picture, const AVFrame *frame, const struct dh_rect *rect,
	const struct dh_turn *turn, uint8_t *i420)
{
	int width = picture->width, height = picture->height, half = width / 2;
	uint8_t *u = i420 + (size_t)width * height, *v = u + (size_t)half * (height / 2);
	bool is_array = frame->format == AV_PIX_FMT_BGR24 || frame->format == AV_PIX_FMT_RGB24;
	if (!is_array || turn->transpose || turn->flip_x || turn->flip_y || frame->width != width ||
		frame->height != height || rect->width != width || rect->height != height || frame->linesize[0] < 0)
		return false;
	/* what libyuv calls RGB24 has blue first */
	return (frame->format == AV_PIX_FMT_BGR24 ? RGB24ToI420 : RAWToI420)(frame->data[0], frame->linesize[0], i420,
		       width, u, half, v, half, width, height) == 0;
}

int dh_picture_convert(struct dh_picture *picture, const AVFrame *frame, const struct dh_turn *turn, uint8_t *i420,
	struct dh_fault *fault)
{
	const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
	const AVFrame *from = frame;
	int code = format && !(format->flags & AV_PIX_FMT_FLAG_HWACCEL) ? 0 : DH_PREPARE_FORMAT;
	if (!code && format->flags & AV_PIX_FMT_FLAG_ALPHA)
		code = flatten(picture, frame, &from);
	struct dh_rect rect = dh_picture_fit(frame->width, frame->height, frame->sample_aspect_ratio.num,
		frame->sample_aspect_ratio.den, turn, picture->width, picture->height);
	if (!code && convert_array(picture, frame, &rect, turn, i420))
		return 0;
	if (!code)
		code = step_run(&picture->scale, from, turn->transpose ? rect.height : rect.width,
			turn->transpose ? rect.width : rect.height, AV_PIX_FMT_YUV420P);
	if (code == DH_PREPARE_MEMORY)
		return dh_fault_memory(fault);
	if (code)
		return dh_fault_set(fault, code, "Pixel format %s at %dx%d cannot be converted",
			format ? format->name : "unknown", frame->width, frame->height);
	to_canvas(picture, picture->scale.out, &rect, turn, i420);
	return 0;
}

int dh_picture_alloc(struct dh_picture **picture, int width, int height, struct dh_fault *fault)
{
	struct dh_picture *p = calloc(1, sizeof *p);
	if (!p)
		return dh_fault_memory(fault);
	p->width = width;
	p->height = height;
	*picture = p;
	return 0;
}

void dh_picture_free(struct dh_picture **picture)
{
	struct dh_picture *p = *picture;
	*picture = NULL;
	if (!p)
		return;
	step_close(&p->flatten);
	step_close(&p->scale);
	free(p);
}

/* A mean of some rows is as good for telling pictures apart, and takes a fraction of the time. */
#define LUMA_ROWS 8

void dh_picture_luma(const uint8_t *i420, int width, int height, uint8_t *luma)
{
	for (int j = 0; j < DH_LUMA_SIDE; j++) {
		int y0 = j * height / DH_LUMA_SIDE, y1 = (j + 1) * height / DH_LUMA_SIDE;
		int step = y1 - y0 > LUMA_ROWS ? (y1 - y0) / LUMA_ROWS : 1;
		for (int i = 0; i < DH_LUMA_SIDE; i++) {
			int x0 = i * width / DH_LUMA_SIDE, x1 = (i + 1) * width / DH_LUMA_SIDE;
			unsigned sum = 0, count = 0;
			for (int y = y0 + step / 2; y < y1; y += step) {
				for (int x = x0; x < x1; x++)
					sum += i420[(size_t)y * width + x];
				count += (unsigned)(x1 - x0);
			}
			luma[j * DH_LUMA_SIDE + i] = (uint8_t)(count ? (sum + count / 2) / count : 0);
		}
	}
}
