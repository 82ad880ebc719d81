/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A viewer's numbering: RTP headers, picture IDs, and what wraps when. */
#include "tests/support/check.h"

#include "playout/continuity.h"

static const struct dh_continuity_seed seed = {
	.payload_type = { 111, 96 },
	.ssrc = { 0x01020304, 0xa0b0c0d0 },
	.first_sequence = { 65534, 7 },
	.first_timestamp = { 0xfffffc40, 0x80000000 },
	.first_picture_id = 0x7ffe,
	.first_tl0picidx = 0xff,
};

static void test_first_headers(void)
{
	static const uint8_t audio[] = { 0x80, 0x6f, 0xff, 0xfe, 0xff, 0xff, 0xfc, 0x40, 1, 2, 3, 4 };
	static const uint8_t video[] = { 0x80, 0xe0, 0x00, 0x07, 0x80, 0x00, 0x00, 0x00, 0xa0, 0xb0, 0xc0, 0xd0 };
	struct dh_continuity c;
	uint8_t out[DH_RTP_HEADER_SIZE];
	dh_continuity_init(&c, &seed);
	dh_continuity_next_header(&c, DH_AUDIO, 0, 0, out);
	CHECK_BYTES(out, sizeof out, audio, sizeof audio);
	dh_continuity_next_header(&c, DH_VIDEO, 0, 1, out);
	CHECK_BYTES(out, sizeof out, video, sizeof video);
}

static void test_sequence_wraps_and_media_are_apart(void)
{
	struct dh_continuity c;
	dh_continuity_init(&c, &seed);
	for (uint32_t i = 0; i < 200000; i++) {
		CHECK_INT(dh_continuity_next_sequence(&c, DH_AUDIO), (65534 + i) & 0xffff);
		if (i % 3 == 0)
			CHECK_INT(dh_continuity_next_sequence(&c, DH_VIDEO), (7 + i / 3) & 0xffff);
	}
}

static const struct time_row {
	const char *name;
	int64_t media_ticks;
	uint32_t audio, video;
} time_rows[] = {
	{ "start", 0, 0xfffffc40, 0x80000000 },
	{ "audio wraps after one slot", 14400, 0, 0x80000708 },
	{ "below a sample", 14, 0xfffffc40, 0x80000001 },
	{ "a second", 720000, 0xfffffc40 + 48000u, 0x80000000 + 90000u },
	{ "a week", INT64_C(604800) * 720000, (uint32_t)(0xfffffc40 + UINT64_C(604800) * 48000),
		(uint32_t)(0x80000000 + UINT64_C(604800) * 90000) },
	{ "a century", INT64_C(3153600000) * 720000, (uint32_t)(0xfffffc40 + UINT64_C(3153600000) * 48000),
		(uint32_t)(0x80000000 + UINT64_C(3153600000) * 90000) },
};

static void test_timestamps(const void *arg)
{
	const struct time_row *row = arg;
	struct dh_continuity c;
	uint8_t out[DH_RTP_HEADER_SIZE];
	dh_continuity_init(&c, &seed);
	CHECK_INT(dh_continuity_timestamp(&c, DH_AUDIO, row->media_ticks), row->audio);
	CHECK_INT(dh_continuity_timestamp(&c, DH_VIDEO, row->media_ticks), row->video);
	dh_continuity_next_header(&c, DH_VIDEO, row->media_ticks, 0, out);
	CHECK_INT((uint32_t)out[4] << 24 | (uint32_t)out[5] << 16 | (uint32_t)out[6] << 8 | out[7], row->video);
}

/* A week of slots: every step is exactly 960 samples, across every wrap. */
static void test_timestamps_have_no_seam(void)
{
	struct dh_continuity c;
	uint32_t last;
	dh_continuity_init(&c, &seed);
	last = dh_continuity_timestamp(&c, DH_AUDIO, 0);
	for (int64_t slot = 1; slot <= INT64_C(7) * 86400 * 50; slot++) {
		uint32_t now = dh_continuity_timestamp(&c, DH_AUDIO, slot * DH_SLOT_TICKS);
		if (now - last != 960)
			CHECK_INT(now - last, 960);
		last = now;
	}
}

static void test_pictures_count_up_and_wrap(void)
{
	struct dh_continuity c;
	struct dh_vp8_picture picture;
	dh_continuity_init(&c, &seed);
	for (uint32_t i = 0; i < 100000; i++) {
		dh_continuity_next_picture(&c, i % 10 == 0 ? DH_UNIT_ENTRY : 0, &picture);
		CHECK_AT("picture %u", (unsigned)i);
		CHECK_INT(picture.picture_id, (0x7ffe + i) & 0x7fff);
		CHECK_INT(picture.tl0picidx, (0xff + i / 10) & 0xff);
	}
}

static const struct layer_row {
	uint32_t flags;
	int tl0picidx, tid, is_sync;
} layer_rows[] = {
	{ DH_UNIT_ENTRY, 0xff, 0, 0 }, /* an anchor, too */
	{ DH_UNIT_ENTRY, 0x00, 0, 0 },
	{ 0, 0x00, 1, 1 }, /* refers to the entry */
	{ 0, 0x00, 1, 0 }, /* to the one before it, too */
	{ 0, 0x00, 1, 0 },
	{ DH_UNIT_DROPPABLE, 0x00, 1, 0 },
	{ DH_UNIT_ENTRY, 0x01, 0, 0 },
	{ DH_UNIT_DROPPABLE, 0x01, 1, 1 }, /* nothing refers to it, */
	{ 0, 0x01, 1, 1 },                 /* not this one either */
	{ DH_UNIT_DROPPABLE, 0x01, 1, 0 },
	{ 0, 0x01, 1, 0 },
};

/* Whatever can be shown without the picture before it is in layer 0. */
static void test_layers(void)
{
	struct dh_continuity c;
	struct dh_vp8_picture picture;
	dh_continuity_init(&c, &seed);
	for (uint32_t i = 0; i < sizeof layer_rows / sizeof *layer_rows; i++) {
		const struct layer_row *row = &layer_rows[i];
		CHECK_AT("picture %u", (unsigned)i);
		dh_continuity_next_picture(&c, row->flags, &picture);
		CHECK_INT(picture.picture_id, (0x7ffe + i) & 0x7fff);
		CHECK_INT(picture.tl0picidx, row->tl0picidx);
		CHECK_INT(picture.tid, row->tid);
		CHECK_INT(picture.is_layer_sync, row->is_sync);
		CHECK_INT(picture.is_non_reference, row->flags == DH_UNIT_DROPPABLE);
	}
}

static void test_the_index_goes_back(void)
{
	struct dh_continuity c;
	struct dh_vp8_picture picture;
	dh_continuity_init(&c, &seed);
	for (int i = 0; i < 3; i++)
		dh_continuity_next_picture(&c, DH_UNIT_ENTRY, &picture);
	dh_continuity_rewind(&c, 0);
	for (int i = 0; i < 3; i++) {
		dh_continuity_next_picture(&c, i == 1 ? 0 : DH_UNIT_ENTRY, &picture);
		CHECK_INT(picture.tl0picidx, i / 2);
		CHECK_INT(picture.picture_id, (0x7ffe + 3 + i) & 0x7fff);
	}
}

static void test_seed_is_cut_to_its_fields(void)
{
	struct dh_continuity_seed wide = { .payload_type = { 0xff, 0xe0 }, .first_picture_id = 0xffff };
	struct dh_vp8_picture picture;
	struct dh_continuity c;
	uint8_t out[DH_RTP_HEADER_SIZE];
	dh_continuity_init(&c, &wide);
	dh_continuity_next_header(&c, DH_AUDIO, 0, 0, out);
	CHECK_INT(out[1], 0x7f);
	dh_continuity_next_header(&c, DH_VIDEO, 0, 0, out);
	CHECK_INT(out[1], 0x60);
	dh_continuity_next_picture(&c, 0, &picture);
	CHECK_INT(picture.picture_id, 0x7fff);
}

static const struct check_test tests[] = {
	TEST(test_first_headers),
	TEST(test_sequence_wraps_and_media_are_apart),
	TABLE(test_timestamps, time_rows),
	TEST(test_timestamps_have_no_seam),
	TEST(test_pictures_count_up_and_wrap),
	TEST(test_layers),
	TEST(test_the_index_goes_back),
	TEST(test_seed_is_cut_to_its_fields),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
