/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "decoder.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>

struct dh_decoder {
	int width, height;
	vpx_codec_ctx_t codec;
	bool has_codec;
};

int dh_decoder_alloc(struct dh_decoder **decoder, int width, int height, struct dh_fault *fault)
{
	const vpx_codec_dec_cfg_t settings = { .threads = 1 };
	struct dh_decoder *d = calloc(1, sizeof *d);
	if (!d)
		return dh_fault_memory(fault);
	d->width = width;
	d->height = height;
	if (vpx_codec_dec_init(&d->codec, vpx_codec_vp8_dx(), &settings, 0)) {
		free(d);
		return dh_fault_set(fault, DH_PREPARE_INTERNAL, "VP8 decoder: it cannot be started");
	}
	d->has_codec = true;
	*decoder = d;
	return 0;
}

void dh_decoder_free(struct dh_decoder **decoder)
{
	struct dh_decoder *d = *decoder;
	*decoder = NULL;
	if (!d)
		return;
	if (d->has_codec)
		vpx_codec_destroy(&d->codec);
	free(d);
}

static uint8_t *copy_plane(uint8_t *to, const uint8_t *from, int stride, int width, int height)
{
	for (int y = 0; y < height; y++, to += width)
		memcpy(to, from + (ptrdiff_t)y * stride, (size_t)width);
	return to;
}

int dh_decoder_push(struct dh_decoder *d, const void *bytes, size_t size, uint8_t *i420, struct dh_fault *fault)
{
	vpx_codec_iter_t iter = NULL;
	if (vpx_codec_decode(&d->codec, bytes, (unsigned)size, NULL, 0))
		return dh_fault_set(fault, DH_PREPARE_FORMAT, "A prepared picture cannot be decoded: %s",
			vpx_codec_error(&d->codec));
	const vpx_image_t *image = vpx_codec_get_frame(&d->codec, &iter);
	if (!image || image->fmt != VPX_IMG_FMT_I420 || (int)image->d_w != d->width || (int)image->d_h != d->height)
		return dh_fault_set(fault, DH_PREPARE_FORMAT,
			"A prepared picture has not the size that its stream states");
	if (!i420)
		return 0;
	for (int plane = 0; plane < 3; plane++) {
		int shift = plane > 0;
		i420 = copy_plane(i420, image->planes[plane], image->stride[plane], d->width >> shift,
			d->height >> shift);
	}
	return 0;
}
