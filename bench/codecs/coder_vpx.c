/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VP8 and VP9 by libvpx. */
#include "coder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

#define TICKS 90000

static struct settings settings;
static vpx_codec_ctx_t codec;
static vpx_codec_enc_cfg_t config;
static bool is_vp9;

static int fault(const char *what)
{
	fprintf(stderr, "libvpx: %s: %s\n", what, vpx_codec_error(&codec));
	return -1;
}

/* VP8's encoder leaves golden alone only while it is error resilient, but the anchor has to adapt its entropy state.
 * VP9's changes that mode at key frames alone. */
static bool is_resilient(bool is_first)
{
	return settings.is_anchored && (is_vp9 ? !settings.has_entropy : !is_first);
}

/* One layer whose references are the caller's (VP9). With flags alone, as VP8 has them, an entry's only reference
 * would be called golden, which the fast search for modes hardly tries. */
static int layers(void)
{
	vpx_svc_extra_cfg_t svc;
	memset(&svc, 0, sizeof svc);
	svc.max_quantizers[0] = (int)config.rc_max_quantizer;
	svc.min_quantizers[0] = (int)config.rc_min_quantizer;
	svc.scaling_factor_num[0] = svc.scaling_factor_den[0] = 1;
	svc.temporal_layering_mode = VP9E_TEMPORAL_LAYERING_MODE_BYPASS;
	return vpx_codec_control(&codec, VP9E_SET_SVC, 1) || vpx_codec_control(&codec, VP9E_SET_SVC_PARAMETERS, &svc);
}

/* The anchor stays in slot 1, the frame before is in slot 0. All of an entry's references are the anchor, so its
 * header alone shows what it predicts from. */
static int refer(enum kind kind)
{
	vpx_svc_ref_frame_config_t refer;
	vpx_svc_layer_id_t layer;
	memset(&refer, 0, sizeof refer);
	memset(&layer, 0, sizeof layer);
	refer.lst_fb_idx[0] = kind == REST ? 0 : 1;
	refer.gld_fb_idx[0] = refer.alt_fb_idx[0] = 1;
	refer.reference_last[0] = 1;
	refer.reference_golden[0] = kind == REST;
	refer.update_buffer_slot[0] = 1;
	return vpx_codec_control(&codec, VP9E_SET_SVC_LAYER_ID, &layer) ||
		vpx_codec_control(&codec, VP9E_SET_SVC_REF_FRAME_CONFIG, &refer);
}

static int start(const struct settings *wanted)
{
	vpx_codec_iface_t *kind = is_vp9 ? vpx_codec_vp9_cx() : vpx_codec_vp8_cx();
	settings = *wanted;
	vpx_codec_enc_config_default(kind, &config, 0);
	config.g_w = (unsigned)settings.width;
	config.g_h = (unsigned)settings.height;
	config.g_timebase.num = 1;
	config.g_timebase.den = TICKS;
	config.g_threads = 1;
	config.g_lag_in_frames = 0;
	config.g_error_resilient = is_resilient(true) ? VPX_ERROR_RESILIENT_DEFAULT : 0;
	config.rc_end_usage = is_vp9 ? VPX_CBR : VPX_VBR;
	config.rc_target_bitrate = (unsigned)(settings.kbps ? settings.kbps : 1000);
	config.rc_dropframe_thresh = 0;
	config.rc_resize_allowed = 0;
	config.rc_min_quantizer = config.rc_max_quantizer = (unsigned)(settings.key_quantizer ? settings.key_quantizer :
												settings.quantizer);
	config.kf_mode = VPX_KF_DISABLED;
	if (is_vp9 && settings.is_anchored)
		config.temporal_layering_mode = VP9E_TEMPORAL_LAYERING_MODE_BYPASS;
	if (vpx_codec_enc_init(&codec, kind, &config, 0))
		return fault("open");
	/* the speed of the first frame is always the same: the anchor must be */
	if (vpx_codec_control(&codec, VP8E_SET_CPUUSED, is_vp9 ? 6 : -6) ||
		vpx_codec_control(&codec, VP8E_SET_ENABLEAUTOALTREF, 0u))
		return fault("controls");
	if (is_vp9 &&
		(vpx_codec_control(&codec, VP9E_SET_AQ_MODE, 0u) ||
			vpx_codec_control(&codec, VP9E_SET_TILE_COLUMNS, 0)))
		return fault("controls");
	if (is_vp9 && settings.is_anchored && layers())
		return fault("layers");
	return 0;
}

static int open_vp8(const struct settings *wanted)
{
	is_vp9 = false;
	return start(wanted);
}

static int open_vp9(const struct settings *wanted)
{
	is_vp9 = true;
	return start(wanted);
}

/* A map in units of 16x16 (VP8) or 8x8 (VP9) samples: 1 in the mouth's rectangle, 0 elsewhere. `roi` is
 * "roi:MOUTH:ELSE", differences of the quantizer, or "active": between entries only the mouth is coded. */
static int mark_mouth(bool is_entry)
{
	int unit = is_vp9 ? 8 : 16, columns = (settings.width + unit - 1) / unit,
	    rows = (settings.height + unit - 1) / unit;
	uint8_t *map = calloc((size_t)rows, (size_t)columns);
	int mouth = 0, other = 0, err = 0;
	const int *m = settings.mouth;
	if (!map)
		return -1;
	for (int y = m[1] / unit; y < rows && y * unit < m[1] + m[3]; y++)
		for (int x = m[0] / unit; x < columns && x * unit < m[0] + m[2]; x++)
			map[y * columns + x] = 1;
	if (sscanf(settings.roi, "roi:%d:%d", &mouth, &other) == 2) {
		vpx_roi_map_t roi = { .roi_map = map, .rows = (unsigned)rows, .cols = (unsigned)columns };
		roi.delta_q[0] = other;
		roi.delta_q[1] = mouth;
		for (int i = 0; i < 4; i++)
			roi.ref_frame[i] = -1;
		err = is_vp9 ? vpx_codec_control(&codec, VP9E_SET_ROI_MAP, &roi) :
			       vpx_codec_control(&codec, VP8E_SET_ROI_MAP, &roi);
	} else {
		vpx_active_map_t active = { .active_map = is_entry ? NULL : map,
			.rows = (unsigned)rows,
			.cols = (unsigned)columns };
		err = vpx_codec_control(&codec, VP8E_SET_ACTIVEMAP, &active);
	}
	free(map);
	return err ? fault("map") : 0;
}

/* After the first frame: the rate control, deadline and speed that the others get. */
static int go_on(void)
{
	config.g_error_resilient = is_resilient(false) ? VPX_ERROR_RESILIENT_DEFAULT : 0;
	config.rc_min_quantizer = config.rc_max_quantizer = (unsigned)settings.quantizer;
	if (settings.kbps) {
		config.rc_end_usage = VPX_CBR;
		config.rc_max_quantizer = (unsigned)settings.coarsest;
		config.rc_undershoot_pct = 100;
		config.rc_overshoot_pct = 15;
		config.rc_buf_initial_sz = 500;
		config.rc_buf_optimal_sz = 600;
		config.rc_buf_sz = 1000;
	}
	if (vpx_codec_enc_config_set(&codec, &config) || vpx_codec_control(&codec, VP8E_SET_CPUUSED, settings.speed))
		return fault("settings");
	if (is_vp9 && settings.is_anchored && layers())
		return fault("layers");
	return 0;
}

static vpx_enc_frame_flags_t flags_of(enum kind kind)
{
	vpx_enc_frame_flags_t rest = VP8_EFLAG_NO_REF_ARF | VP8_EFLAG_NO_UPD_GF | VP8_EFLAG_NO_UPD_ARF |
		VP8_EFLAG_NO_UPD_ENTROPY;
	if (kind == KEY)
		return VPX_EFLAG_FORCE_KF;
	if (kind == FREE || is_vp9)
		return 0;
	return kind == ENTRY ? rest | VP8_EFLAG_NO_REF_LAST : rest;
}

static int encode(const uint8_t *i420, enum kind kind, int64_t number, struct access_unit *unit)
{
	vpx_image_t image;
	vpx_codec_iter_t iter = NULL;
	const vpx_codec_cx_pkt_t *packet;
	if (number == 1 && go_on())
		return -1;
	if (number > 0 && settings.roi[0] && mark_mouth(kind != REST))
		return -1;
	if (is_vp9 && settings.is_anchored && refer(kind))
		return fault("references");
	vpx_img_wrap(&image, VPX_IMG_FMT_I420, (unsigned)settings.width, (unsigned)settings.height, 1, (uint8_t *)i420);
	if (vpx_codec_encode(&codec, &image, number * TICKS / settings.fps, (unsigned long)(TICKS / settings.fps),
		    flags_of(kind), settings.is_good && number > 0 ? VPX_DL_GOOD_QUALITY : VPX_DL_REALTIME))
		return fault("encode");
	do
		packet = vpx_codec_get_cx_data(&codec, &iter);
	while (packet && packet->kind != VPX_CODEC_CX_FRAME_PKT);
	if (!packet)
		return fault("no frame");
	unit->bytes = packet->data.frame.buf;
	unit->size = packet->data.frame.sz;
	return 0;
}

static void stop(void)
{
	vpx_codec_destroy(&codec);
}

const struct coder coder_vp8 = { "vp8", "VP80", open_vp8, encode, stop };
const struct coder coder_vp9 = { "vp9", "VP90", open_vp9, encode, stop };
