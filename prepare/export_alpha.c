/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "export_alpha.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/opt.h>

#include "conversion.h"
#include "decoder.h"
#include "picture.h"
#include "playout/matte.h"
#include "stack.h"

#define QUANTIZER_MIN 2
#define QUANTIZER_MAX 20
#define BITS_MOST     20000000
#define KEY_EVERY     50

struct dh_export_alpha {
	int width, height, coded_height;
	struct dh_decoder *decoder;
	AVCodecContext *encoder;
	AVFrame *frame;
	uint8_t *i420; /* as coded */
	int64_t count;
};

static int open_encoder(struct dh_export_alpha *a, struct dh_fault *fault)
{
	const AVCodec *codec = avcodec_find_encoder_by_name("libvpx");
	AVCodecContext *c = codec ? avcodec_alloc_context3(codec) : NULL;
	if (!codec)
		return dh_fault_set(fault, DH_PREPARE_INTERNAL,
			"transparent pictures cannot be exported: FFmpeg was built without libvpx");
	if (!c)
		return dh_fault_memory(fault);
	a->encoder = c;
	c->width = a->width;
	c->height = a->height;
	c->pix_fmt = AV_PIX_FMT_YUVA420P;
	c->time_base = (AVRational){ 1, 25 }; /* of counted pictures: they have times of their own outside */
	c->thread_count = 1;
	c->bit_rate = BITS_MOST;
	c->qmin = QUANTIZER_MIN;
	c->qmax = QUANTIZER_MAX;
	c->gop_size = KEY_EVERY;
	av_opt_set_int(c->priv_data, "auto-alt-ref", 0, 0);
	av_opt_set_int(c->priv_data, "lag-in-frames", 0, 0);
	av_opt_set_int(c->priv_data, "cpu-used", 4, 0);
	if (avcodec_open2(c, codec, NULL) < 0)
		return dh_fault_set(fault, DH_PREPARE_INTERNAL,
			"transparent pictures cannot be exported: FFmpeg's libvpx cannot be set up");
	return 0;
}

int dh_export_alpha_alloc(struct dh_export_alpha **alpha, const struct dh_stream_head *head, struct dh_fault *fault)
{
	struct dh_export_alpha *a = calloc(1, sizeof *a);
	if (!a)
		return dh_fault_memory(fault);
	a->width = head->width;
	a->height = dh_matte_height(head->height);
	a->coded_height = head->height;
	a->i420 = malloc(dh_picture_size(a->width, a->coded_height));
	a->frame = dh_conversion_frame(a->width, a->height, AV_PIX_FMT_YUVA420P);
	int code = a->i420 && a->frame ? 0 : dh_fault_memory(fault);
	if (!code)
		code = dh_decoder_alloc(&a->decoder, a->width, a->coded_height, fault);
	if (!code)
		code = open_encoder(a, fault);
	if (code)
		dh_export_alpha_free(&a);
	*alpha = a;
	return code;
}

void dh_export_alpha_free(struct dh_export_alpha **alpha)
{
	struct dh_export_alpha *a = *alpha;
	*alpha = NULL;
	if (!a)
		return;
	dh_decoder_free(&a->decoder);
	avcodec_free_context(&a->encoder);
	av_frame_free(&a->frame);
	free(a->i420);
	free(a);
}

/* The picture's planes, and its matte as the fourth. */
static void take_apart(struct dh_export_alpha *a)
{
	size_t luma = (size_t)a->width * (size_t)a->coded_height;
	const uint8_t *from[3] = { a->i420, a->i420 + luma, a->i420 + luma + luma / 4 };
	for (int i = 0; i < 3; i++)
		for (int y = 0, half = i > 0; y < a->height >> half; y++)
			memcpy(a->frame->data[i] + (ptrdiff_t)y * a->frame->linesize[i],
				from[i] + (ptrdiff_t)y * (a->width >> half), (size_t)(a->width >> half));
	for (int y = 0; y < a->height; y++)
		dh_stack_alpha(a->i420 + (size_t)(dh_matte_top(a->height) + y) * (size_t)a->width, a->width,
			a->frame->data[3] + (ptrdiff_t)y * a->frame->linesize[3]);
}

int dh_export_alpha_push(struct dh_export_alpha *a, const struct dh_unit *unit, bool is_anchor, AVPacket *packet,
	struct dh_fault *fault)
{
	int code = dh_decoder_push(a->decoder, unit->data, unit->size, is_anchor ? NULL : a->i420, fault);
	if (code || is_anchor)
		return code;
	if (av_frame_make_writable(a->frame) < 0)
		return dh_fault_memory(fault);
	take_apart(a);
	a->frame->pts = a->count++;
	if (avcodec_send_frame(a->encoder, a->frame) < 0 || avcodec_receive_packet(a->encoder, packet) < 0)
		return dh_fault_set(fault, DH_PREPARE_INTERNAL, "a transparent picture cannot be coded");
	return 0;
}
