/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guard: what it reads in frame headers, and that it refuses what libvpx makes when
 * nothing tells it the rule of anchored video. */
#include <stdlib.h>

#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

#include "tests/support/check.h"
#include "playout/timebase.h"
#include "playout/guard.h"
#include "prepare/job.h"
#include "prepare/picture.h"
#include "prepare/job.h"
#include "prepare/video.h"

#define SIDE       64
#define FEW_KBPS   4 /* K is a coarser one than at 20000 */
#define FLAGS_REST (VP8_EFLAG_NO_REF_ARF | VP8_EFLAG_NO_UPD_GF | VP8_EFLAG_NO_UPD_ARF | VP8_EFLAG_NO_UPD_ENTROPY)

static void draw(uint8_t *i420, int n)
{
	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++)
			i420[y * SIDE + x] = (uint8_t)(64 + x + (x - n) * (y + n) / 8 % 40);
	memset(i420 + SIDE * SIDE, 128, SIDE * SIDE / 2);
}

/* An encoder that is not set up for anchored video. */
static void open_plain(vpx_codec_ctx_t *codec, int resilient, enum vpx_rc_mode mode)
{
	vpx_codec_enc_cfg_t settings;
	CHECK(!vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &settings, 0));
	settings.g_w = settings.g_h = SIDE;
	settings.g_timebase.den = 25;
	settings.g_lag_in_frames = 0;
	settings.g_error_resilient = (unsigned)resilient;
	settings.rc_end_usage = mode;
	settings.kf_mode = VPX_KF_DISABLED;
	CHECK(!vpx_codec_enc_init(codec, vpx_codec_vp8_cx(), &settings, 0));
	CHECK(!vpx_codec_control(codec, VP8E_SET_CPUUSED, -6));
}

static struct dh_vp8_header encode(vpx_codec_ctx_t *codec, int n, vpx_enc_frame_flags_t flags)
{
	uint8_t i420[SIDE * SIDE * 3 / 2];
	vpx_image_t image;
	vpx_codec_iter_t iter = NULL;
	struct dh_vp8_header header;
	draw(i420, n);
	vpx_img_wrap(&image, VPX_IMG_FMT_I420, SIDE, SIDE, 1, i420);
	CHECK(!vpx_codec_encode(codec, &image, n, 1, flags, VPX_DL_REALTIME));
	const vpx_codec_cx_pkt_t *packet = vpx_codec_get_cx_data(codec, &iter);
	CHECK(packet && packet->kind == VPX_CODEC_CX_FRAME_PKT);
	CHECK_INT(dh_vp8_header_parse(&header, packet->data.frame.buf, packet->data.frame.sz), 0);
	return header;
}

/* The flags are not enough: libvpx refreshes golden by itself. */
static void test_refuses_libvpx_on_its_own(void)
{
	vpx_codec_ctx_t codec;
	int refused = 0;
	open_plain(&codec, 0, VPX_VBR);
	struct dh_vp8_header anchor = encode(&codec, 0, VPX_EFLAG_FORCE_KF);
	CHECK(!dh_guard_check_anchor(&anchor));
	for (int n = 1; n < 40; n++) {
		struct dh_vp8_header frame = encode(&codec, n, FLAGS_REST);
		const char *wrong = dh_guard_check(&anchor, &frame);
		refused += wrong != NULL;
	}
	vpx_codec_destroy(&codec);
	CHECK(refused > 0, "libvpx kept the rule by itself");
}

static const struct refusal {
	const char *name;
	vpx_enc_frame_flags_t flags;
	const char *wrong;
} refusals[] = {
	{ "key", VPX_EFLAG_FORCE_KF, "is a key frame" },
	{ "golden", FLAGS_REST | VP8_EFLAG_FORCE_GF, "changes the golden frame" },
	{ "alternate", FLAGS_REST | VP8_EFLAG_FORCE_ARF, "changes the alternate frame" },
	{ "entropy", FLAGS_REST & ~VP8_EFLAG_NO_UPD_ENTROPY, "changes the entropy state" },
	{ "nothing", FLAGS_REST, NULL },
};

static void test_refuses(const void *arg)
{
	const struct refusal *row = arg;
	vpx_codec_ctx_t codec;
	open_plain(&codec, 0, VPX_VBR); /* it refreshes golden only from the eighth frame on */
	struct dh_vp8_header anchor = encode(&codec, 0, VPX_EFLAG_FORCE_KF);
	encode(&codec, 1, FLAGS_REST);
	vpx_enc_frame_flags_t flags = row->flags;
	if (flags & VP8_EFLAG_FORCE_GF)
		flags &= ~VP8_EFLAG_NO_UPD_GF;
	if (flags & VP8_EFLAG_FORCE_ARF)
		flags &= ~VP8_EFLAG_NO_UPD_ARF;
	struct dh_vp8_header frame = encode(&codec, 2, flags);
	vpx_codec_destroy(&codec);
	CHECK_STR(dh_guard_check(&anchor, &frame), row->wrong);
}

/* Started as CBR and error resilient, it uses segmentation throughout. */
static void test_refuses_segmentation(void)
{
	vpx_codec_ctx_t codec;
	int refused = 0;
	open_plain(&codec, 1, VPX_CBR);
	struct dh_vp8_header anchor = encode(&codec, 0, VPX_EFLAG_FORCE_KF);
	for (int n = 1; n < 12 && !refused; n++) {
		struct dh_vp8_header frame = encode(&codec, n, FLAGS_REST);
		const char *wrong = dh_guard_check(&anchor, &frame);
		refused = wrong && strcmp(wrong, "uses segmentation") == 0;
	}
	vpx_codec_destroy(&codec);
	CHECK(refused || dh_guard_check_anchor(&anchor));
}

static void test_deltas(void)
{
	struct dh_vp8_header anchor = { .is_key = true,
		.is_shown = true,
		.has_deltas = true,
		.has_delta_update = true,
		.ref_delta = { 2, 0, -2, -2 },
		.mode_delta = { 4, -2, 2, 4 },
		.ref_set = 15,
		.mode_set = 15 };
	struct dh_vp8_header frame = { .is_shown = true, .refresh_last = true, .has_deltas = true };
	CHECK_STR(dh_guard_check(&anchor, &frame), NULL);
	frame.has_delta_update = true;
	frame.ref_set = 1;
	frame.ref_delta[0] = 2;
	CHECK_STR(dh_guard_check(&anchor, &frame), NULL);
	frame.mode_set = 8;
	frame.mode_delta[3] = 5;
	CHECK_STR(dh_guard_check(&anchor, &frame), "changes loop-filter deltas");
	frame.mode_delta[3] = 4;
	frame.sign_bias_golden = 1;
	CHECK_STR(dh_guard_check(&anchor, &frame), "changes a sign bias");
}

/* Any bytes get an answer; copies of exactly their size reveal reads outside. */
static void test_any_bytes(void)
{
	struct dh_vp8_header header;
	uint32_t random = 1;
	for (int n = 0; n < 20000; n++) {
		size_t size = (random >> 8) % 40;
		uint8_t *bytes = malloc(size ? size : 1);
		for (size_t i = 0; i < size; i++)
			bytes[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
		if (size > 10 && n % 2)
			memcpy(bytes + 3, "\x9d\x01\x2a", 3);
		dh_vp8_header_parse(&header, bytes, size);
		free(bytes);
		random += (uint32_t)n;
	}
	CHECK(dh_vp8_header_parse(&header, (const uint8_t *)"", 0) < 0);
	CHECK(dh_vp8_header_parse(&header, (const uint8_t *)"\x10\x02\x00\x9d\x01\x2a\x40\x00\x40\x00", 10) < 0);
}

/* `known` as in struct dh_video_config. */
static struct dh_video *make_video_of(int number, int kbps, int64_t entry_ticks, const void *known, size_t size,
	struct dh_fault *fault)
{
	uint8_t i420[SIDE * SIDE * 3 / 2];
	struct dh_video_config config = { .width = SIDE,
		.height = SIDE,
		.kbps = { kbps },
		.entry_ticks = entry_ticks,
		.frame_ticks = DH_TICKS_PER_SECOND / 25,
		.known_anchor = known,
		.known_anchor_size = size,
		.speed = DH_SPEED_MAX,
		.speed_later = DH_SPEED_MIN };
	struct dh_video *video = NULL;
	draw(i420, number);
	CHECK_INT(dh_video_alloc(&video, &config, i420, fault), 0);
	return video;
}

static struct dh_video *make_video(int kbps, int64_t entry_ticks, struct dh_fault *fault)
{
	return make_video_of(0, kbps, entry_ticks, NULL, 0, fault);
}

/* Every second picture behind an entry refers to others, and none to it. */
static void test_droppable_pictures(void)
{
	uint8_t i420[SIDE * SIDE * 3 / 2];
	struct dh_video_config config = { .width = SIDE,
		.height = SIDE,
		.kbps = { 200 },
		.entry_ticks = DH_TICKS_PER_SECOND / 5,
		.frame_ticks = DH_TICKS_PER_SECOND / 25,
		.is_temporal = true,
		.speed = DH_SPEED_MAX,
		.speed_later = DH_SPEED_MIN };
	struct dh_fault fault = { 0 };
	struct dh_video *video = NULL;
	draw(i420, 0);
	CHECK_INT(dh_video_alloc(&video, &config, i420, &fault), 0);
	for (int n = 0; n < 100; n++) {
		struct dh_unit *unit;
		struct dh_vp8_header header;
		draw(i420, n);
		CHECK_INT(dh_video_encode(video, i420, dh_ticks_of_frame(n, 25, 1), DH_TICKS_PER_SECOND / 25, NULL,
				  &unit, &fault),
			0);
		CHECK_INT(unit->flags, n % 5 == 0 ? DH_UNIT_ENTRY : n % 5 % 2 ? DH_UNIT_DROPPABLE : 0);
		CHECK_INT(dh_vp8_header_parse(&header, unit->data, unit->size), 0);
		CHECK_INT(header.refresh_last, n % 5 % 2 == 0);
		CHECK_STR(dh_guard_check_layer(&header, n % 5 % 2), NULL);
		CHECK(dh_guard_check_layer(&header, n % 5 % 2 == 0));
		dh_unit_unref(&unit);
	}
	dh_video_free(&video);
}

/* The encoder keeps the rule over many frames, with entries on their grid. */
static void test_encoder_keeps_the_rule(void)
{
	uint8_t i420[SIDE * SIDE * 3 / 2];
	struct dh_fault fault = { 0 };
	struct dh_vp8_header anchor, header;
	const char *why;
	size_t size;
	struct dh_video *video = make_video(200, DH_TICKS_PER_SECOND / 2, &fault);
	const uint8_t *bytes = dh_video_anchor(video, &size);
	CHECK_INT(dh_vp8_header_parse(&anchor, bytes, size), 0);
	CHECK_INT(anchor.width, SIDE);
	CHECK(size <= 200 * 1000 / 8 / 2);
	int entries = 0;
	for (int n = 0; n < 400; n++) {
		struct dh_unit *unit;
		int64_t pts_ticks = dh_ticks_of_frame(n, 25, 1);
		draw(i420, n);
		CHECK_INT(dh_video_encode(video, i420, pts_ticks, DH_TICKS_PER_SECOND / 25, NULL, &unit, &fault), 0);
		CHECK_INT(dh_vp8_header_parse(&header, unit->data, unit->size), 0);
		CHECK_STR(dh_guard_check(&anchor, &header), NULL);
		CHECK_INT(header.quantizer > anchor.quantizer, 1);
		/* 500 ms at 25 fps: every 12th or 13th, 2 a second on average */
		int due = n == 0 ||
			pts_ticks / (DH_TICKS_PER_SECOND / 2) !=
				dh_ticks_of_frame(n - 1, 25, 1) / (DH_TICKS_PER_SECOND / 2);
		CHECK_INT(!!(unit->flags & DH_UNIT_ENTRY), due);
		entries += due;
		dh_unit_unref(&unit);
	}
	CHECK_INT(entries, 32);
	CHECK_INT(dh_video_restarts(video, &why), 0);
	dh_video_free(&video);
}

/* K is the same from every encoder, at every bit rate that it fits. */
static void test_anchor_is_the_same(void)
{
	struct dh_fault fault = { 0 };
	size_t size, other_size;
	struct dh_video *first = make_video(300, DH_TICKS_PER_SECOND, &fault);
	const uint8_t *bytes = dh_video_anchor(first, &size), *other;
	static const int rates[] = { 300, 800, 20000 };
	for (size_t i = 0; i < 3; i++) {
		struct dh_video *video = make_video(rates[i], DH_TICKS_PER_SECOND / 10, &fault);
		other = dh_video_anchor(video, &other_size);
		CHECK_BYTES(other, other_size, bytes, size);
		dh_video_free(&video);
	}
	dh_video_free(&first);
}

/* K that is known is taken, even if it would be another one at this bit rate; what is not K is not. */
static void test_known_anchor(void)
{
	struct dh_fault fault = { 0 };
	size_t size, fine_size, other_size;
	struct dh_video *fine = make_video(20000, DH_TICKS_PER_SECOND, &fault),
			*coarse = make_video(FEW_KBPS, DH_TICKS_PER_SECOND, &fault),
			*other = make_video_of(9, FEW_KBPS, DH_TICKS_PER_SECOND, NULL, 0, &fault);
	const uint8_t *fine_bytes = dh_video_anchor(fine, &fine_size), *bytes = dh_video_anchor(coarse, &size),
		      *other_bytes = dh_video_anchor(other, &other_size);
	CHECK(size != fine_size);
	uint8_t damaged[SIDE * SIDE], garbage[] = { 0x10, 0x02, 0, 0x9d, 0x01, 0x2a };
	CHECK(fine_size <= sizeof damaged);
	memcpy(damaged, fine_bytes, fine_size);
	damaged[fine_size / 2] ^= 1;
	const struct {
		const void *known, *wanted;
		size_t size, wanted_size;
	} rows[] = { { fine_bytes, fine_bytes, fine_size, fine_size }, { bytes, bytes, size, size },
		{ other_bytes, bytes, other_size, size }, { damaged, bytes, fine_size, size },
		{ fine_bytes, bytes, fine_size - 1, size }, { garbage, bytes, sizeof garbage, size },
		{ "", bytes, 0, size } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t got_size;
		struct dh_video *video = make_video_of(0, FEW_KBPS, DH_TICKS_PER_SECOND, rows[i].known, rows[i].size,
			&fault);
		const uint8_t *got = dh_video_anchor(video, &got_size);
		CHECK_AT("row %zu", i);
		CHECK_BYTES(got, got_size, rows[i].wanted, rows[i].wanted_size);
		dh_video_free(&video);
	}
	dh_video_free(&fine);
	dh_video_free(&coarse);
	dh_video_free(&other);
}

static const struct check_test tests[] = {
	TEST(test_refuses_libvpx_on_its_own),
	TABLE(test_refuses, refusals),
	TEST(test_refuses_segmentation),
	TEST(test_deltas),
	TEST(test_any_bytes),
	TEST(test_encoder_keeps_the_rule),
	TEST(test_droppable_pictures),
	TEST(test_anchor_is_the_same),
	TEST(test_known_anchor),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
