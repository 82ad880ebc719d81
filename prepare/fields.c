/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fields.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

/* Noise, in eighths of a percent of the range: this much beyond both neighbours is no comb. */
#define COMB 10
/* This much since the frame before is no motion. */
#define STILL 10

bool dh_fields_are_woven(const AVFrame *frame)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
	bool is_interlaced = frame->flags & AV_FRAME_FLAG_INTERLACED;
#else
	bool is_interlaced = frame->interlaced_frame;
#endif
	const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
	return is_interlaced && frame->height >= 4 && format &&
		!(format->flags &
			(AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_HWACCEL |
				AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_FLOAT));
}

static bool is_top_first(const AVFrame *frame)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
	return frame->flags & AV_FRAME_FLAG_TOP_FIELD_FIRST;
#else
	return frame->top_field_first;
#endif
}

/* A line of the second field, and its neighbours of the first; with those of the frame
 * before, if there is one. */
struct lines {
	const uint8_t *above, *here, *below;
	const uint8_t *above_before, *here_before, *below_before; /* or NULL */
};

static int pick(int above, int here, int below, bool is_still, int comb)
{
	int least = above < below ? above : below, most = above < below ? below : above;
	return is_still || (here >= least - comb && here <= most + comb) ? here : (above + below + 1) / 2;
}

#define UNWEAVE(name, type) \
	static void name(const struct lines *l, uint8_t *to, size_t count, int range) \
	{ \
		const type *a = (const type *)l->above, *h = (const type *)l->here, *b = (const type *)l->below; \
		const type *a0 = (const type *)l->above_before, *h0 = (const type *)l->here_before, \
			   *b0 = (const type *)l->below_before; \
		int comb = range * COMB / 800, still = range * STILL / 800; \
		for (size_t i = 0; i < count; i++) { \
			bool is_still = a0 && abs(a[i] - a0[i]) <= still && abs(h[i] - h0[i]) <= still && \
				abs(b[i] - b0[i]) <= still; \
			((type *)to)[i] = (type)pick(a[i], h[i], b[i], is_still, comb); \
		} \
	}

UNWEAVE(unweave_bytes, uint8_t)
UNWEAVE(unweave_words, uint16_t)

static const uint8_t *line(const AVFrame *frame, int plane, int y)
{
	return frame ? frame->data[plane] + (ptrdiff_t)y * frame->linesize[plane] : NULL;
}

static void unweave_plane(const AVFrame *frame, const AVFrame *before, AVFrame *to, int plane, int height,
	const AVPixFmtDescriptor *format)
{
	int bytes = av_image_get_linesize(frame->format, frame->width, plane), depth = format->comp[0].depth;
	int kept = is_top_first(frame) ? 0 : 1;
	for (int y = 0; y < height; y++) {
		uint8_t *out = to->data[plane] + (ptrdiff_t)y * to->linesize[plane];
		if (y % 2 == kept) {
			memcpy(out, line(frame, plane, y), (size_t)bytes);
			continue;
		}
		int above = y > 0 ? y - 1 : y + 1, below = y + 1 < height ? y + 1 : y - 1;
		struct lines lines = { line(frame, plane, above), line(frame, plane, y), line(frame, plane, below),
			line(before, plane, above), line(before, plane, y), line(before, plane, below) };
		if (depth > 8)
			unweave_words(&lines, out, (size_t)bytes / 2, 1 << depth);
		else
			unweave_bytes(&lines, out, (size_t)bytes, 1 << 8);
	}
}

void dh_fields_unweave(const AVFrame *frame, const AVFrame *before, AVFrame *to)
{
	const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
	int planes = av_pix_fmt_count_planes(frame->format);
	if (before &&
		(before->width != frame->width || before->height != frame->height || before->format != frame->format))
		before = NULL;
	for (int i = 0; i < planes; i++) {
		bool is_chroma = (i == 1 || i == 2) && !(format->flags & AV_PIX_FMT_FLAG_RGB);
		int height = is_chroma ? AV_CEIL_RSHIFT(frame->height, format->log2_chroma_h) : frame->height;
		unweave_plane(frame, before, to, i, height, format);
	}
}
