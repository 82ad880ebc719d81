/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "picture.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>
#include <libyuv.h>

#include "conversion.h"
#include "fields.h"
#include "playout/matte.h"
#include "spread.h"
#include "stack.h"
#include "tone.h"

struct dh_picture {
	int width, height;
	int coded_height; /* with its matte */
	const struct dh_background *background;
	const struct dh_mark *mark;
	struct dh_conversion scale; /* to I420 of its size on the canvas */
	/* interlaced pictures */
	AVFrame *before, *unwoven;
	/* high dynamic range */
	struct dh_conversion wide; /* to RGB48 of its size on the canvas, or of the same size */
	struct dh_tone *tone;
	AVFrame *mapped; /* RGB24 */
	/* transparency */
	struct dh_conversion flatten;       /* to RGBA of the same size, then multiplied by alpha */
	struct dh_conversion shrink;        /* that, of its size on the canvas */
	struct dh_conversion below, finish; /* the background to RGBA, the canvas to I420 */
	AVFrame *canvas;                    /* RGBA */
	struct dh_spread *spread;           /* if nothing is below */
};

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

static void fill(uint8_t *i420, size_t luma, int y, int u, int v)
{
	memset(i420, y, luma);
	memset(i420 + luma, u, luma / 4);
	memset(i420 + luma + luma / 4, v, luma / 4);
}

/* What shows beside an opaque picture: black, unless there is a background. */
static void fill_canvas(const struct dh_picture *picture, uint8_t *i420)
{
	const struct dh_background *b = picture->background;
	size_t luma = (size_t)picture->width * picture->height;
	double r = b->rgb[0], g = b->rgb[1], bl = b->rgb[2];
	if (b->i420)
		memcpy(i420, b->i420, dh_picture_size(picture->width, picture->height));
	else if (b->is_set)
		fill(i420, luma, (int)(16.5 + (65.481 * r + 128.553 * g + 24.966 * bl) / 255),
			(int)(128.5 + (-37.797 * r - 74.203 * g + 112.0 * bl) / 255),
			(int)(128.5 + (112.0 * r - 93.786 * g - 18.214 * bl) / 255));
	else
		fill(i420, luma, 16, 128, 128);
}

static void to_canvas(const struct dh_picture *picture, const AVFrame *from, const struct dh_rect *rect,
	const struct dh_turn *turn, uint8_t *i420)
{
	size_t luma = (size_t)picture->width * picture->coded_height;
	uint8_t *planes[3] = { i420, i420 + luma, i420 + luma + luma / 4 };
	bool is_beside = rect->width != picture->width || rect->height != picture->height;
	if (is_beside && !picture->background->is_clear)
		fill_canvas(picture, i420);
	for (int i = 0; i < 3; i++) {
		int half = i > 0, stride = picture->width >> half;
		copy_plane(planes[i] + (size_t)(rect->y >> half) * stride + (rect->x >> half), stride, from->data[i],
			from->linesize[i], rect->width >> half, rect->height >> half, turn);
	}
}

/* --- high dynamic range */

/* Replaces *frame by a picture of standard range. */
static int map_tones(struct dh_picture *picture, const AVFrame **frame, int width, int height)
{
	int code = dh_conversion_run(&picture->wide, *frame, width, height, AV_PIX_FMT_RGB48);
	if (code)
		return code;
	if (picture->tone && !dh_tone_fits(picture->tone, *frame))
		dh_tone_free(&picture->tone);
	if (!picture->tone && !(picture->tone = dh_tone_new(*frame)))
		return DH_PREPARE_MEMORY;
	if (picture->mapped && (picture->mapped->width != width || picture->mapped->height != height))
		av_frame_free(&picture->mapped);
	if (!picture->mapped && !(picture->mapped = dh_conversion_frame(width, height, AV_PIX_FMT_RGB24)))
		return DH_PREPARE_MEMORY;
	dh_tone_map(picture->tone, picture->wide.out, picture->mapped);
	*frame = picture->mapped;
	return 0;
}

/* --- transparency */

/* An old palette has the flag, whatever its colours. */
static bool has_alpha(const AVFrame *frame, const AVPixFmtDescriptor *format)
{
	if (!(format->flags & AV_PIX_FMT_FLAG_PAL))
		return format->flags & AV_PIX_FMT_FLAG_ALPHA;
	uint32_t colours[256];
	memcpy(colours, frame->data[1], sizeof colours);
	for (int i = 0; i < 256; i++)
		if (colours[i] >> 24 != 255)
			return true;
	return false;
}

/* The colours of transparent pixels must not bleed into their neighbours. */
static void multiply(AVFrame *rgba)
{
	for (int y = 0; y < rgba->height; y++) {
		uint8_t *p = rgba->data[0] + (ptrdiff_t)y * rgba->linesize[0];
		for (int x = 0; x < rgba->width; x++, p += 4)
			for (int i = 0; i < 3 && p[3] != 255; i++)
				p[i] = (uint8_t)((p[i] * p[3] + 127) / 255);
	}
}

static void lay_over(const AVFrame *over, AVFrame *canvas, const struct dh_rect *rect, const struct dh_turn *turn)
{
	for (int y = 0; y < rect->height; y++) {
		int v = turn->flip_y ? rect->height - 1 - y : y;
		uint8_t *to = canvas->data[0] + (ptrdiff_t)(rect->y + y) * canvas->linesize[0] + (ptrdiff_t)rect->x * 4;
		for (int x = 0; x < rect->width; x++, to += 4) {
			int u = turn->flip_x ? rect->width - 1 - x : x;
			ptrdiff_t row = turn->transpose ? u : v, column = turn->transpose ? v : u;
			const uint8_t *p = over->data[0] + row * over->linesize[0] + column * 4;
			for (int i = 0; i < 4; i++) {
				int sum = p[i] + (to[i] * (255 - p[3]) + 127) / 255;
				to[i] = (uint8_t)(sum > 255 ? 255 : sum);
			}
		}
	}
}

static void paint(AVFrame *canvas, const uint8_t *rgb)
{
	for (int y = 0; y < canvas->height; y++) {
		uint8_t *p = canvas->data[0] + (ptrdiff_t)y * canvas->linesize[0];
		for (int x = 0; x < canvas->width; x++, p += 4) {
			memcpy(p, rgb, 3);
			p[3] = 255;
		}
	}
}

static void wipe(AVFrame *canvas)
{
	for (int y = 0; y < canvas->height; y++)
		memset(canvas->data[0] + (ptrdiff_t)y * canvas->linesize[0], 0, (size_t)canvas->width * 4);
}

/* The empty canvas as RGBA. */
static int lay_ground(struct dh_picture *picture)
{
	int width = picture->width, height = picture->height;
	if (!picture->canvas && !(picture->canvas = dh_conversion_frame(width, height, AV_PIX_FMT_RGBA)))
		return DH_PREPARE_MEMORY;
	if (picture->background->is_clear) {
		wipe(picture->canvas);
		return 0;
	}
	if (!picture->background->i420) {
		paint(picture->canvas, picture->background->rgb);
		return 0;
	}
	if (!picture->below.out) {
		AVFrame ground = { .width = width, .height = height, .format = AV_PIX_FMT_YUV420P };
		ground.data[0] = picture->background->i420;
		ground.data[1] = ground.data[0] + (size_t)width * height;
		ground.data[2] = ground.data[1] + (size_t)width * height / 4;
		ground.linesize[0] = width;
		ground.linesize[1] = ground.linesize[2] = width / 2;
		ground.colorspace = AVCOL_SPC_UNSPECIFIED;
		int code = dh_conversion_run(&picture->below, &ground, width, height, AV_PIX_FMT_RGBA);
		if (code)
			return code;
	}
	const AVFrame *below = picture->below.out;
	for (int y = 0; y < height; y++)
		memcpy(picture->canvas->data[0] + (ptrdiff_t)y * picture->canvas->linesize[0],
			below->data[0] + (ptrdiff_t)y * below->linesize[0], (size_t)width * 4);
	return 0;
}

/* The canvas to I420. */
static int finish(struct dh_picture *picture, uint8_t *i420)
{
	static const struct dh_turn straight;
	const struct dh_rect all = { 0, 0, picture->width, picture->height };
	int code = dh_conversion_run(&picture->finish, picture->canvas, picture->width, picture->height,
		AV_PIX_FMT_YUV420P);
	if (!code)
		to_canvas(picture, picture->finish.out, &all, &straight, i420);
	return code;
}

/* The same with its matte. */
static int finish_clear(struct dh_picture *picture, uint8_t *i420)
{
	const AVFrame *canvas = picture->canvas;
	if (!picture->spread && !(picture->spread = dh_spread_new(picture->width, picture->height)))
		return DH_PREPARE_MEMORY;
	dh_spread_run(picture->spread, canvas->data[0], canvas->linesize[0], picture->background->rgb);
	dh_stack_rgba(canvas->data[0], canvas->linesize[0], picture->width, picture->height, i420);
	return 0;
}

/* RGBA of the same size. */
static int flatten(struct dh_picture *picture, const AVFrame *frame)
{
	int width = frame->width, height = frame->height;
	int code = dh_conversion_run(&picture->flatten, frame, width, height, AV_PIX_FMT_RGBA);
	if (code || !dh_tone_is_needed(frame))
		return code;
	code = map_tones(picture, &frame, width, height);
	for (int y = 0; y < height && !code; y++) {
		const uint8_t *from = frame->data[0] + (ptrdiff_t)y * frame->linesize[0];
		uint8_t *to = picture->flatten.out->data[0] + (ptrdiff_t)y * picture->flatten.out->linesize[0];
		for (int x = 0; x < width; x++, from += 3, to += 4)
			memcpy(to, from, 3);
	}
	return code;
}

static int convert_transparent(struct dh_picture *picture, const AVFrame *frame, const struct dh_rect *rect,
	const struct dh_turn *turn, uint8_t *i420)
{
	int width = turn->transpose ? rect->height : rect->width, height = turn->transpose ? rect->width : rect->height;
	int code = lay_ground(picture);
	if (!code)
		code = flatten(picture, frame);
	if (code)
		return code;
	multiply(picture->flatten.out);
	code = dh_conversion_run(&picture->shrink, picture->flatten.out, width, height, AV_PIX_FMT_RGBA);
	if (code)
		return code;
	lay_over(picture->shrink.out, picture->canvas, rect, turn);
	return picture->background->is_clear ? finish_clear(picture, i420) : finish(picture, i420);
}

/* --- opaque pictures */

/* What generators push: arrays of the avatar's size. libyuv needs an eighth of the time that
 * libswscale needs for them. False: it is something else. */
static bool convert_array(const struct dh_picture *picture, const AVFrame *frame, const struct dh_rect *rect,
	const struct dh_turn *turn, uint8_t *i420)
{
	int width = picture->width, height = picture->height, half = width / 2;
	uint8_t *u = i420 + (size_t)width * picture->coded_height, *v = u + (size_t)half * (picture->coded_height / 2);
	bool is_array = frame->format == AV_PIX_FMT_BGR24 || frame->format == AV_PIX_FMT_RGB24;
	if (!is_array || turn->transpose || turn->flip_x || turn->flip_y || frame->width != width ||
		frame->height != height || rect->width != width || rect->height != height || frame->linesize[0] < 0)
		return false;
	/* what libyuv calls RGB24 has blue first */
	return (frame->format == AV_PIX_FMT_BGR24 ? RGB24ToI420 : RAWToI420)(frame->data[0], frame->linesize[0], i420,
		       width, u, half, v, half, width, height) == 0;
}

static int convert_opaque(struct dh_picture *picture, const AVFrame *frame, const struct dh_rect *rect,
	const struct dh_turn *turn, uint8_t *i420)
{
	int width = turn->transpose ? rect->height : rect->width, height = turn->transpose ? rect->width : rect->height;
	int code = dh_tone_is_needed(frame) ? map_tones(picture, &frame, width, height) : 0;
	bool is_there = !code && convert_array(picture, frame, rect, turn, i420);
	if (!code && !is_there)
		code = dh_conversion_run(&picture->scale, frame, width, height, AV_PIX_FMT_YUV420P);
	if (!code && !is_there)
		to_canvas(picture, picture->scale.out, rect, turn, i420);
	if (!code && picture->background->is_clear)
		dh_stack_opaque(i420, picture->width, picture->height, rect);
	return code;
}

/* Replaces *frame by a picture of one moment. */
static int unweave(struct dh_picture *picture, const AVFrame **frame)
{
	const AVFrame *in = *frame;
	AVFrame *out = picture->unwoven;
	if (!out || out->width != in->width || out->height != in->height || out->format != in->format) {
		av_frame_free(&picture->unwoven);
		out = picture->unwoven = dh_conversion_frame(in->width, in->height, in->format);
	}
	if (!out || av_frame_copy_props(out, in) < 0)
		return DH_PREPARE_MEMORY;
	dh_fields_unweave(in, picture->before, out);
	av_frame_free(&picture->before);
	picture->before = av_frame_clone(in);
	*frame = out;
	return picture->before ? 0 : DH_PREPARE_MEMORY;
}

static int told(int code, const AVFrame *frame, const AVPixFmtDescriptor *format, struct dh_fault *fault)
{
	if (code == DH_PREPARE_MEMORY)
		return dh_fault_memory(fault);
	if (code)
		return dh_fault_set(fault, code, "Pixel format %s at %dx%d cannot be converted",
			format ? format->name : "unknown", frame->width, frame->height);
	return 0;
}

static bool is_in_memory(const AVPixFmtDescriptor *format)
{
	return format && !(format->flags & AV_PIX_FMT_FLAG_HWACCEL);
}

int dh_picture_convert(struct dh_picture *picture, const AVFrame *frame, const struct dh_turn *turn, uint8_t *i420,
	struct dh_fault *fault)
{
	const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
	int code = is_in_memory(format) ? 0 : DH_PREPARE_FORMAT;
	struct dh_rect rect = dh_picture_fit(frame->width, frame->height, frame->sample_aspect_ratio.num,
		frame->sample_aspect_ratio.den, turn, picture->width, picture->height);
	if (!code && dh_fields_are_woven(frame))
		code = unweave(picture, &frame);
	if (!code)
		code = (has_alpha(frame, format) ? convert_transparent : convert_opaque)(picture, frame, &rect, turn,
			i420);
	if (!code && picture->mark && picture->mark->i420)
		dh_mark_draw(picture->mark, i420, picture->width, picture->height, picture->background->is_clear);
	return told(code, frame, format, fault);
}

int dh_picture_place(struct dh_picture *picture, const AVFrame *frame, const struct dh_turn *turn,
	const struct dh_rect *rect, uint8_t *i420, struct dh_fault *fault)
{
	const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
	int code = is_in_memory(format) ? convert_transparent(picture, frame, rect, turn, i420) : DH_PREPARE_FORMAT;
	return told(code, frame, format, fault);
}

/* --- life */

int dh_picture_alloc(struct dh_picture **picture, int width, int height, const struct dh_background *background,
	const struct dh_mark *mark, struct dh_fault *fault)
{
	struct dh_picture *p = calloc(1, sizeof *p);
	if (!p)
		return dh_fault_memory(fault);
	p->width = width;
	p->height = height;
	p->coded_height = background->is_clear ? dh_matte_coded_height(height) : height;
	p->background = background;
	p->mark = mark;
	*picture = p;
	return 0;
}

void dh_picture_free(struct dh_picture **picture)
{
	struct dh_picture *p = *picture;
	*picture = NULL;
	if (!p)
		return;
	dh_conversion_close(&p->scale);
	dh_conversion_close(&p->wide);
	dh_conversion_close(&p->flatten);
	dh_conversion_close(&p->shrink);
	dh_conversion_close(&p->below);
	dh_conversion_close(&p->finish);
	dh_tone_free(&p->tone);
	av_frame_free(&p->before);
	av_frame_free(&p->unwoven);
	av_frame_free(&p->mapped);
	av_frame_free(&p->canvas);
	dh_spread_free(&p->spread);
	free(p);
}
