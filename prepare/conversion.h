/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A conversion of size and pixel format, kept as long as its input does not change. */
#ifndef DH_CONVERSION_H
#define DH_CONVERSION_H

#include <stdbool.h>

#include <libavutil/frame.h>
#include <libswscale/swscale.h>

/* Zero-initialise it. */
struct dh_conversion {
	struct SwsContext *sws;
	AVFrame *out; /* the last result */
	int width, height, format, colorspace;
	bool is_full_range;
};

/* Converts `in`. 0, DH_PREPARE_MEMORY, or DH_PREPARE_FORMAT if the pixel format cannot be
 * converted. */
int dh_conversion_run(struct dh_conversion *conversion, const AVFrame *in, int width, int height,
	enum AVPixelFormat format);
void dh_conversion_close(struct dh_conversion *conversion);

/* A frame with memory for pixels; NULL: out of memory. */
AVFrame *dh_conversion_frame(int width, int height, enum AVPixelFormat format);

#endif
