/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AV1 by libaom. The anchor stays in slot 1, the frame before is in slot 0. */
#include "coder.h"

#include <stdio.h>

#include <aom/aom_encoder.h>
#include <aom/aomcx.h>

#define LAST_SLOT   0
#define ANCHOR_SLOT 1
#define LAST        0 /* places in a frame's list of references */
#define GOLDEN      3
#define ALTREF      6

static struct settings settings;
static aom_codec_ctx_t codec;
static aom_codec_enc_cfg_t config;

static int fault(const char *what)
{
	const char *detail = aom_codec_error_detail(&codec);
	fprintf(stderr, "libaom: %s: %s: %s\n", what, aom_codec_error(&codec), detail ? detail : "");
	return -1;
}

static int control_all(void)
{
	aom_svc_params_t layers = { .number_spatial_layers = 1, .number_temporal_layers = 1 };
	layers.max_quantizers[0] = (int)config.rc_max_quantizer;
	layers.min_quantizers[0] = (int)config.rc_min_quantizer;
	layers.scaling_factor_num[0] = layers.scaling_factor_den[0] = 1;
	layers.layer_target_bitrate[0] = (int)config.rc_target_bitrate;
	layers.framerate_factor[0] = 1;
	if (aom_codec_control(&codec, AOME_SET_CPUUSED, settings.speed) ||
		aom_codec_control(&codec, AV1E_SET_AQ_MODE, 0u) ||
		aom_codec_control(&codec, AV1E_SET_ENABLE_ORDER_HINT, 0) ||
		aom_codec_control(&codec, AV1E_SET_ENABLE_CDEF, 1) ||
		aom_codec_control(&codec, AV1E_SET_ENABLE_PALETTE, 0) ||
		aom_codec_control(&codec, AV1E_SET_ENABLE_GLOBAL_MOTION, 0) ||
		aom_codec_control(&codec, AV1E_SET_ENABLE_WARPED_MOTION, 0) ||
		aom_codec_control(&codec, AV1E_SET_ENABLE_OBMC, 0) ||
		aom_codec_control(&codec, AV1E_SET_ENABLE_REF_FRAME_MVS, 0) ||
		aom_codec_control(&codec, AV1E_SET_CDF_UPDATE_MODE, 1u) ||
		aom_codec_control(&codec, AV1E_SET_COEFF_COST_UPD_FREQ, 3u) ||
		aom_codec_control(&codec, AV1E_SET_MODE_COST_UPD_FREQ, 3u) ||
		aom_codec_control(&codec, AV1E_SET_MV_COST_UPD_FREQ, 3u))
		return fault("controls");
	if (settings.is_anchored && aom_codec_control(&codec, AV1E_SET_SVC_PARAMS, &layers))
		return fault("layers");
	return 0;
}

static int start(const struct settings *wanted)
{
	settings = *wanted;
	if (aom_codec_enc_config_default(aom_codec_av1_cx(), &config, AOM_USAGE_REALTIME))
		return fault("defaults");
	config.g_w = (unsigned)settings.width;
	config.g_h = (unsigned)settings.height;
	config.g_timebase.num = 1;
	config.g_timebase.den = settings.fps;
	config.g_threads = 1;
	config.g_lag_in_frames = 0;
	config.g_error_resilient = 0;
	config.rc_end_usage = AOM_CBR;
	config.rc_target_bitrate = (unsigned)(settings.kbps ? settings.kbps : 1000);
	config.rc_dropframe_thresh = 0;
	config.rc_min_quantizer = config.rc_max_quantizer = (unsigned)(settings.key_quantizer ? settings.key_quantizer :
												settings.quantizer);
	config.kf_mode = AOM_KF_DISABLED;
	if (aom_codec_enc_init(&codec, aom_codec_av1_cx(), &config, 0))
		return fault("open");
	return control_all();
}

static int go_on(void)
{
	config.rc_min_quantizer = (unsigned)settings.quantizer;
	config.rc_max_quantizer = (unsigned)(settings.kbps ? settings.coarsest : settings.quantizer);
	config.rc_undershoot_pct = config.rc_overshoot_pct = 50;
	config.rc_buf_initial_sz = 500;
	config.rc_buf_optimal_sz = 600;
	config.rc_buf_sz = 1000;
	return aom_codec_enc_config_set(&codec, &config) ? fault("settings") : 0;
}

/* Only slots that are in the list of references are refreshed, so an entry lists the frame before without using it. */
static int refer(enum kind kind)
{
	aom_svc_layer_id_t layer = { 0, 0 };
	aom_svc_ref_frame_config_t refer = { { 0 }, { 0 }, { 0 } };
	for (int i = 0; i < 7; i++)
		refer.ref_idx[i] = ANCHOR_SLOT;
	refer.reference[LAST] = 1;
	refer.ref_idx[LAST] = kind == REST ? LAST_SLOT : ANCHOR_SLOT;
	refer.reference[GOLDEN] = kind == REST;
	refer.ref_idx[ALTREF] = LAST_SLOT;
	refer.refresh[LAST_SLOT] = 1;
	refer.refresh[ANCHOR_SLOT] = kind == KEY;
	if (aom_codec_control(&codec, AV1E_SET_SVC_LAYER_ID, &layer) ||
		aom_codec_control(&codec, AV1E_SET_SVC_REF_FRAME_CONFIG, &refer))
		return fault("references");
	return 0;
}

static int encode(const uint8_t *i420, enum kind kind, int64_t number, struct access_unit *unit)
{
	aom_image_t image;
	aom_codec_iter_t iter = NULL;
	const aom_codec_cx_pkt_t *packet;
	aom_enc_frame_flags_t flags = kind == KEY ? AOM_EFLAG_FORCE_KF : 0;
	if (number == 1 && go_on())
		return -1;
	if (settings.is_anchored && refer(kind))
		return -1;
	if (kind == ENTRY || (kind == REST && !settings.has_entropy))
		flags |= AOM_EFLAG_SET_PRIMARY_REF_NONE;
	aom_img_wrap(&image, AOM_IMG_FMT_I420, (unsigned)settings.width, (unsigned)settings.height, 1, (uint8_t *)i420);
	if (aom_codec_encode(&codec, &image, number, 1, flags))
		return fault("encode");
	do
		packet = aom_codec_get_cx_data(&codec, &iter);
	while (packet && packet->kind != AOM_CODEC_CX_FRAME_PKT);
	if (!packet)
		return fault("no frame");
	unit->bytes = packet->data.frame.buf;
	unit->size = packet->data.frame.sz;
	return 0;
}

static void stop(void)
{
	aom_codec_destroy(&codec);
}

const struct coder coder_av1 = { "av1", "AV01", start, encode, stop };
