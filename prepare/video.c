/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "video.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

#include "job.h"
#include "playout/guard.h"
#include "playout/timebase.h"

/* K depends on it. */
#define ANCHOR_SPEED 6
/* So long the usual speed is kept, for those who wait for the first pictures. */
#define FIRST_TICKS DH_TICKS_PER_SECOND
/* K is finer than other frames: all entries predict from it. */
#define ANCHOR_QUANTIZER_MIN       8
#define ANCHOR_QUANTIZER_MAX       56
#define ANCHOR_QUANTIZER_STEP      2
#define REST_COARSER               8
#define REST_QUANTIZER_MIN_AT_MOST 32
#define REST_QUANTIZER_MAX         58
/* The rate control starts with coarse pictures; a short film would consist of them. */
#define SHORT_QUANTIZER_MAX 32

/* Entries predict from golden (K) alone, others from the last frame too. */
#define FLAGS_REST  (VP8_EFLAG_NO_REF_ARF | VP8_EFLAG_NO_UPD_GF | VP8_EFLAG_NO_UPD_ARF | VP8_EFLAG_NO_UPD_ENTROPY)
#define FLAGS_ENTRY (FLAGS_REST | VP8_EFLAG_NO_REF_LAST)
/* Nothing predicts from a droppable one. */
#define FLAGS_DROPPABLE (FLAGS_REST | VP8_EFLAG_NO_UPD_LAST)

struct dh_video {
	struct dh_video_config config;
	vpx_codec_ctx_t codec;
	bool has_codec;
	vpx_codec_enc_cfg_t settings;
	uint8_t *picture; /* the anchor's, for restarts */
	uint8_t *anchor;  /* K */
	size_t anchor_size;
	struct dh_vp8_header anchor_header;
	int quantizer;
	int64_t entry_due_ticks;
	int since_entry;     /* pictures */
	bool must_enter;     /* began anew at a picture that some do without, so the next one must not refer to it */
	int64_t codec_ticks; /* encoder time of the last picture */
	int codec_speed;     /* that the codec is set to */
	int64_t last_pts_ticks;
	int restarts;
	const char *why;
};

static int codec_fault(struct dh_video *video, const char *what, struct dh_fault *fault)
{
	const char *detail = video->has_codec ? vpx_codec_error_detail(&video->codec) : NULL;
	return dh_fault_set(fault, DH_PREPARE_INTERNAL, "VP8 encoder: %s: %s%s%s", what,
		video->has_codec ? vpx_codec_error(&video->codec) : "no encoder", detail ? ": " : "",
		detail ? detail : "");
}

static void codec_close(struct dh_video *video)
{
	if (video->has_codec)
		vpx_codec_destroy(&video->codec);
	video->has_codec = false;
}

static int codec_set_speed(struct dh_video *video, int speed, struct dh_fault *fault)
{
	if (vpx_codec_control(&video->codec, VP8E_SET_CPUUSED, -speed))
		return codec_fault(video, "its speed", fault);
	video->codec_speed = speed;
	return 0;
}

/* The start of every encoder. K depends on all of it: any change makes all prepared
 * segments differ from new ones. An encoder that starts as CBR or error resilient
 * makes another K. */
static int codec_open(struct dh_video *video, int quantizer, struct dh_fault *fault)
{
	vpx_codec_enc_cfg_t *s = &video->settings;
	codec_close(video);
	if (vpx_codec_enc_config_default(vpx_codec_vp8_cx(), s, 0))
		return codec_fault(video, "no default settings", fault);
	s->g_w = (unsigned)video->config.width;
	s->g_h = (unsigned)video->config.height;
	s->g_timebase.num = 1;
	s->g_timebase.den = 90000;
	s->g_threads = 1;
	s->g_lag_in_frames = 0;
	s->g_error_resilient = 0;
	s->g_pass = VPX_RC_ONE_PASS;
	s->rc_end_usage = VPX_VBR;
	s->rc_target_bitrate = (unsigned)video->config.kbps[video->config.quality];
	s->rc_dropframe_thresh = 0;
	s->rc_resize_allowed = 0;
	s->rc_min_quantizer = s->rc_max_quantizer = (unsigned)quantizer;
	s->kf_mode = VPX_KF_DISABLED;
	if (vpx_codec_enc_init(&video->codec, vpx_codec_vp8_cx(), s, 0))
		return codec_fault(video, "cannot be started", fault);
	video->has_codec = true;
	if (vpx_codec_control(&video->codec, VP8E_SET_ENABLEAUTOALTREF, 0u))
		return codec_fault(video, "cannot be set up", fault);
	return codec_set_speed(video, ANCHOR_SPEED, fault);
}

/* After K: error resilience keeps golden, CBR keeps single frames small. */
static int codec_continue(struct dh_video *video, struct dh_fault *fault)
{
	vpx_codec_enc_cfg_t *s = &video->settings;
	int least = video->quantizer + REST_COARSER;
	s->g_error_resilient = VPX_ERROR_RESILIENT_DEFAULT;
	s->rc_end_usage = VPX_CBR;
	s->rc_min_quantizer = (unsigned)(least < REST_QUANTIZER_MIN_AT_MOST ? least : REST_QUANTIZER_MIN_AT_MOST);
	s->rc_max_quantizer = REST_QUANTIZER_MAX;
	if (video->config.is_short && least < REST_QUANTIZER_MAX)
		s->rc_max_quantizer = (unsigned)(least > SHORT_QUANTIZER_MAX ? least : SHORT_QUANTIZER_MAX);
	s->rc_undershoot_pct = 100;
	s->rc_overshoot_pct = 15;
	s->rc_buf_initial_sz = 500;
	s->rc_buf_optimal_sz = 600;
	s->rc_buf_sz = 1000;
	if (vpx_codec_enc_config_set(&video->codec, s))
		return codec_fault(video, "settings", fault);
	return 0;
}

/* Encodes one picture; the packet belongs to the codec until the next call. */
static int codec_encode(struct dh_video *video, const uint8_t *i420, int64_t duration_ticks,
	vpx_enc_frame_flags_t flags, const vpx_codec_cx_pkt_t **packet, struct dh_fault *fault)
{
	vpx_image_t image;
	vpx_codec_iter_t iter = NULL;
	unsigned long duration = (unsigned long)(duration_ticks / DH_TICKS_PER_VIDEO_CLOCK);
	vpx_img_wrap(&image, VPX_IMG_FMT_I420, (unsigned)video->config.width, (unsigned)video->config.height, 1,
		(unsigned char *)i420);
	if (vpx_codec_encode(&video->codec, &image, video->codec_ticks / DH_TICKS_PER_VIDEO_CLOCK,
		    duration ? duration : 1, flags, VPX_DL_REALTIME))
		return codec_fault(video, "a picture", fault);
	do
		*packet = vpx_codec_get_cx_data(&video->codec, &iter);
	while (*packet && (*packet)->kind != VPX_CODEC_CX_FRAME_PKT);
	if (!*packet || (*packet)->data.frame.sz == 0 || (*packet)->data.frame.sz > DH_VIDEO_UNIT_MAX)
		return dh_fault_set(fault, DH_PREPARE_INTERNAL, "VP8 encoder: no frame for a picture");
	return 0;
}

/* Starts a new encoder and encodes K with `quantizer`. */
static int start(struct dh_video *video, int quantizer, const vpx_codec_cx_pkt_t **packet, struct dh_fault *fault)
{
	int code = codec_open(video, quantizer, fault);
	if (code)
		return code;
	video->codec_ticks = 0;
	return codec_encode(video, video->picture, video->config.frame_ticks, VPX_EFLAG_FORCE_KF, packet, fault);
}

/* On the scale of encoders, 0 to 63, what frames have as 0 to 127. -1: no encoder writes that. */
static int scale_quantizer(int index)
{
	static const uint8_t indices[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 15, 17, 18, 19, 20, 21, 23, 24, 25,
		26, 27, 28, 29, 30, 31, 33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61, 64, 67, 70, 73, 76,
		79, 82, 85, 88, 91, 94, 97, 100, 103, 106, 109, 112, 115, 118, 121, 124, 127 };
	for (int q = 0; q < (int)sizeof indices; q++)
		if (indices[q] == index)
			return q;
	return -1;
}

/* Encodes K as it is known; *packet NULL: it is not, or it comes out otherwise. */
static int make_known(struct dh_video *video, const vpx_codec_cx_pkt_t **packet, struct dh_fault *fault)
{
	const uint8_t *known = video->config.known_anchor;
	size_t size = video->config.known_anchor_size;
	struct dh_vp8_header header;
	*packet = NULL;
	if (!known || dh_vp8_header_parse(&header, known, size) || !header.is_key)
		return 0;
	video->quantizer = scale_quantizer(header.quantizer);
	int code = video->quantizer >= 0 ? start(video, video->quantizer, packet, fault) : 0;
	if (!code && *packet &&
		((*packet)->data.frame.sz != size || memcmp((*packet)->data.frame.buf, known, size) != 0))
		*packet = NULL;
	return code;
}

/* Finds the finest K of at most half a second of the bit rate, of the lowest one: all get it. */
static int search_anchor(struct dh_video *video, const vpx_codec_cx_pkt_t **packet, struct dh_fault *fault)
{
	const int *kbps = video->config.kbps;
	size_t most = (size_t)kbps[dh_qualities_count(kbps) - 1] * 1000 / 8 / 2;
	for (int q = ANCHOR_QUANTIZER_MIN;; q += ANCHOR_QUANTIZER_STEP) {
		int code = start(video, q, packet, fault);
		video->quantizer = q;
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): without a fault there is a packet */
		if (code || (*packet)->data.frame.sz <= most || q + ANCHOR_QUANTIZER_STEP > ANCHOR_QUANTIZER_MAX)
			return code;
	}
}

static int make_anchor(struct dh_video *video, struct dh_fault *fault)
{
	const vpx_codec_cx_pkt_t *packet = NULL;
	int code = make_known(video, &packet, fault);
	if (!code && !packet)
		code = search_anchor(video, &packet, fault);
	video->config.known_anchor = NULL;
	if (code)
		return code;
	video->anchor_size = packet->data.frame.sz;
	video->anchor = malloc(video->anchor_size);
	if (!video->anchor)
		return dh_fault_memory(fault);
	memcpy(video->anchor, packet->data.frame.buf, video->anchor_size);
	if (dh_vp8_header_parse(&video->anchor_header, video->anchor, video->anchor_size))
		return dh_fault_set(fault, DH_PREPARE_INTERNAL, "VP8 encoder: the anchor is not a VP8 frame");
	const char *wrong = dh_guard_check_anchor(&video->anchor_header);
	if (wrong)
		return dh_fault_set(fault, DH_PREPARE_INTERNAL, "VP8 encoder: the anchor %s", wrong);
	return codec_continue(video, fault);
}

int dh_video_alloc(struct dh_video **video, const struct dh_video_config *config, const uint8_t *anchor,
	struct dh_fault *fault)
{
	size_t size = (size_t)config->width * (size_t)config->height * 3 / 2;
	struct dh_video *v = calloc(1, sizeof *v);
	int code;
	if (!v)
		return dh_fault_memory(fault);
	v->config = *config;
	v->picture = malloc(size);
	if (v->picture) {
		memcpy(v->picture, anchor, size);
		code = make_anchor(v, fault);
	} else {
		code = dh_fault_memory(fault);
	}
	if (code) {
		dh_video_free(&v);
		return code;
	}
	*video = v;
	return 0;
}

void dh_video_free(struct dh_video **video)
{
	struct dh_video *v = *video;
	*video = NULL;
	if (!v)
		return;
	codec_close(v);
	free(v->picture);
	free(v->anchor);
	free(v);
}

const uint8_t *dh_video_anchor(const struct dh_video *video, size_t *size)
{
	*size = video->anchor_size;
	return video->anchor;
}

static vpx_enc_frame_flags_t flags_of(uint32_t kind)
{
	if (kind & DH_UNIT_ENTRY)
		return FLAGS_ENTRY;
	return kind & DH_UNIT_DROPPABLE ? FLAGS_DROPPABLE : FLAGS_REST;
}

/* Why the guard refuses the frame, or NULL. */
static const char *refused(const struct dh_video *video, const vpx_codec_cx_pkt_t *packet, uint32_t kind)
{
	struct dh_vp8_header header;
	if (!packet || dh_vp8_header_parse(&header, packet->data.frame.buf, packet->data.frame.sz))
		return "is not a VP8 frame";
	const char *wrong = dh_guard_check(&video->anchor_header, &header);
	return wrong ? wrong : dh_guard_check_layer(&header, (kind & DH_UNIT_DROPPABLE) != 0);
}

/* Starts a new encoder from K after the guard has refused a frame. */
static int restart(struct dh_video *video, const char *why, struct dh_fault *fault)
{
	const vpx_codec_cx_pkt_t *packet = NULL;
	int code = start(video, video->quantizer, &packet, fault);
	if (code)
		return code;
	if (!packet || packet->data.frame.sz != video->anchor_size ||
		memcmp(packet->data.frame.buf, video->anchor, video->anchor_size) != 0)
		return dh_fault_set(fault, DH_PREPARE_INTERNAL, "VP8 encoder: the same anchor came out different");
	video->restarts++;
	video->why = why;
	return codec_continue(video, fault);
}

/* `kind`: DH_UNIT_ENTRY, DH_UNIT_DROPPABLE or neither; what it became. */
static int encode_guarded(struct dh_video *video, const uint8_t *i420, int64_t pts_ticks, int64_t step_ticks,
	int64_t duration_ticks, uint32_t *kind, const vpx_codec_cx_pkt_t **packet, struct dh_fault *fault)
{
	int speed = pts_ticks < FIRST_TICKS ? video->config.speed : video->config.speed_later;
	for (int attempt = 0;; attempt++) {
		video->codec_ticks += step_ticks;
		int code = speed == video->codec_speed ? 0 : codec_set_speed(video, speed, fault);
		if (!code)
			code = codec_encode(video, i420, duration_ticks, flags_of(*kind), packet, fault);
		if (code)
			return code;
		/* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): it is set */
		const char *wrong = refused(video, *packet, *kind);
		if (!wrong)
			return 0;
		if (attempt)
			return dh_fault_set(fault, DH_PREPARE_INTERNAL, "VP8 encoder: a frame %s", wrong);
		code = restart(video, wrong, fault);
		if (code)
			return code;
		*kind = DH_UNIT_ENTRY;
		step_ticks = video->config.frame_ticks;
	}
}

/* The best quality decides; after a restart there the others begin anew, too. */
static uint32_t kind_of(const struct dh_video *video, int64_t pts_ticks, const struct dh_unit *better)
{
	if (better)
		return better->flags;
	if (pts_ticks >= video->entry_due_ticks)
		return DH_UNIT_ENTRY;
	return video->config.is_temporal && video->since_entry % 2 == 0 ? DH_UNIT_DROPPABLE : 0;
}

int dh_video_encode(struct dh_video *video, const uint8_t *i420, int64_t pts_ticks, int64_t duration_ticks,
	const struct dh_unit *better, struct dh_unit **unit, struct dh_fault *fault)
{
	uint32_t kind = kind_of(video, pts_ticks, better);
	bool is_droppable = (kind & DH_UNIT_DROPPABLE) != 0;
	if (video->must_enter && !is_droppable)
		kind = DH_UNIT_ENTRY;
	const vpx_codec_cx_pkt_t *packet;
	int64_t step_ticks = video->codec_ticks ? pts_ticks - video->last_pts_ticks : video->config.frame_ticks;
	if (step_ticks < DH_TICKS_PER_VIDEO_CLOCK)
		step_ticks = DH_TICKS_PER_VIDEO_CLOCK; /* the codec's clock must move */
	int code = encode_guarded(video, i420, pts_ticks, step_ticks, duration_ticks, &kind, &packet, fault);
	if (code)
		return code;
	video->last_pts_ticks = pts_ticks;
	video->must_enter = better && is_droppable && kind & DH_UNIT_ENTRY;
	/* entries are on a grid, so that their mean distance is the configured one */
	while (kind & DH_UNIT_ENTRY && video->entry_due_ticks <= pts_ticks)
		video->entry_due_ticks += video->config.entry_ticks;
	*unit = dh_unit_new(DH_VIDEO, pts_ticks, duration_ticks, packet->data.frame.buf, packet->data.frame.sz);
	if (!*unit)
		return dh_fault_memory(fault);
	video->since_entry = kind & DH_UNIT_ENTRY ? 0 : video->since_entry + 1;
	(*unit)->flags = better ? better->flags : kind;
	return 0;
}

int dh_video_restarts(const struct dh_video *video, const char **why)
{
	*why = video->why;
	return video->restarts;
}

int dh_video_anchor_quantizer(const struct dh_video *video)
{
	return video->quantizer;
}
