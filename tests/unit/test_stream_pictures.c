/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pictures of the segment stream, its anchor first: what the reader refuses because a viewer's decoder could not
 * go on with it. */
#include "tests/support/check.h"
#include "tests/support/stream_script.h"

/* --- anchors */

static const struct anchor_row {
	const char *name;
	size_t byte;
	uint8_t value;
	const char *error;
} anchor_rows[] = {
	{ "inter frame", 0, 0x11, "not a shown VP8 key frame" },
	{ "hidden", 0, 0x00, "not a shown VP8 key frame" },
	{ "no start code", 3, 0x9c, "not a shown VP8 key frame" },
	{ "half a start code", 4, 0x00, "not a shown VP8 key frame" },
	{ "start code's end", 5, 0x2b, "not a shown VP8 key frame" },
	{ "another width", 6, 0x20, "the anchor has 32x16, the head 16x16" },
	{ "another height", 9, 0x01, "the anchor has 16x272, the head 16x16" },
	{ "scaling is no size", 7, 0x40, "" },
};

static void test_anchors(const void *arg)
{
	const struct anchor_row *row = arg;
	uint8_t anchor[sizeof fixture_anchor];
	struct bytes bytes = { .size = 0 };
	memcpy(anchor, fixture_anchor, sizeof anchor);
	anchor[row->byte] = row->value;
	script_write(&bytes, "H1");
	fixture_record(&bytes, "ANCH", anchor, sizeof anchor);
	script_write(&bytes, "V0+9:1 E9,0");
	check_verdict(&bytes, row->error[0] ? -EBADMSG : 0, row->error);
}

/* One whose first partition ends within its header, one that has segments, and one that is cut off. */
static void test_anchors_that_are_none(void)
{
	static const struct {
		uint8_t tag, flags;
		size_t size;
		const char *error;
	} rows[] = {
		{ 0x90, 0, sizeof fixture_anchor, "" },
		{ 0x30, 0, sizeof fixture_anchor, "the anchor is not a shown VP8 key frame" },
		{ 0x90, 0, 13, "the anchor is not a shown VP8 key frame" },
		{ 0x10, 0, sizeof fixture_anchor, "the anchor is not a shown VP8 key frame" },
		{ 0x90, 0x20, sizeof fixture_anchor,
			"the anchor switches segmentation on, expected a key frame that does not" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t anchor[sizeof fixture_anchor];
		struct bytes bytes = { .size = 0 };
		CHECK_AT("row %zu", i);
		memcpy(anchor, fixture_anchor, sizeof anchor);
		anchor[0] = rows[i].tag;
		anchor[10] = rows[i].flags;
		script_write(&bytes, "H1");
		fixture_record(&bytes, "ANCH", anchor, rows[i].size);
		script_write(&bytes, "V0+9:1 E9,0");
		check_verdict(&bytes, rows[i].error[0] ? -EBADMSG : 0, rows[i].error);
	}
}

/* --- pictures */

static const struct picture_row {
	const char *name;
	uint8_t tag; /* the first byte; 0: an inter frame's */
	uint64_t flags;
	unsigned unit_flags;
	const char *error, *lower_error; /* NULL: the same */
} picture_rows[] = {
	{ "an entry", 0, VP8_FIXTURE_FLAGS, 1, "", NULL },
	{ "any other", 0, VP8_FIXTURE_FLAGS, 0, "", NULL },
	{ "droppable", 0, VP8_FIXTURE_DROPPABLE, 2, "", NULL },
	{ "a key frame", 0xd0, VP8_FIXTURE_FLAGS, 0, "a picture is not a VP8 frame", NULL },
	{ "hidden", 0xc1, VP8_FIXTURE_FLAGS, 0, "a picture is hidden, expected an inter frame", NULL },
	{ "another version", 0xd3, VP8_FIXTURE_FLAGS, 0, "has another bitstream version", NULL },
	{ "cut off", 0xf1, VP8_FIXTURE_FLAGS, 0, "a picture is not a VP8 frame", NULL },
	{ "golden", 0, VP8_FIXTURE_GOLDEN, 0, "a picture changes the golden frame, expected an inter frame", NULL },
	{ "an entry's golden", 0, VP8_FIXTURE_GOLDEN, 1, "changes the golden frame", NULL },
	{ "copied to golden", 0, VP8_FIXTURE_COPIES, 0, "changes the golden frame", NULL },
	{ "alternate", 0, VP8_FIXTURE_ALTERNATE, 0, "changes the alternate frame", NULL },
	{ "probabilities", 0, VP8_FIXTURE_ENTROPY, 0, "changes the entropy state", NULL },
	{ "segments", 0, VP8_FIXTURE_SEGMENTS, 0, "uses segmentation", NULL },
	{ "dropped in vain", 0, VP8_FIXTURE_FLAGS, 2, "flags 0x2 is droppable and kept as a reference", "" },
	{ "not kept", 0, VP8_FIXTURE_DROPPABLE, 0, "flags 0x0 is not kept as a reference", "" },
	{ "an entry not kept", 0, VP8_FIXTURE_DROPPABLE, 1, "flags 0x1 is not kept as a reference", "" },
};

/* The second picture of a stream, in the best quality or in the lower one. */
static void check_picture(const struct picture_row *row, bool is_lower, const char *error)
{
	uint8_t body[16 + DH_LUMA_BYTES + VP8_FIXTURE_HEADER] = { 0 }, *picture = body + 16 + DH_LUMA_BYTES;
	uint8_t lower[VP8_FIXTURE_HEADER];
	struct bytes bytes = { .size = 0 };
	script_write(&bytes, "J1 K Q V0+720:1");
	script_put(body, 720, 8);
	script_put(body + 8, 720, 4);
	script_put(body + 12, row->unit_flags, 4);
	vp8_fixture_picture(lower, row->unit_flags);
	vp8_fixture_picture(picture, row->unit_flags);
	vp8_fixture_header(is_lower ? lower : picture, row->flags);
	if (row->tag)
		*(is_lower ? lower : picture) = row->tag;
	fixture_record(&bytes, "LOWR", lower, sizeof lower);
	fixture_record(&bytes, "VIDE", body, sizeof body);
	script_write(&bytes, "E1440,0");
	check_verdict(&bytes, *error ? -EBADMSG : 0, error);
}

/* Those that change what a viewer's decoder keeps of the anchor, for good, are refused. */
static void test_pictures(const void *arg)
{
	const struct picture_row *row = arg;
	check_picture(row, false, row->error);
	check_picture(row, true, row->lower_error ? row->lower_error : row->error);
}

/* A whole key frame, the anchor's own. */
static void test_a_second_key_frame(void)
{
	uint8_t body[16 + DH_LUMA_BYTES + sizeof fixture_anchor] = { 0 };
	struct bytes bytes = { .size = 0 };
	script_write(&bytes, "H1 K");
	script_put(body + 8, 720, 4);
	script_put(body + 12, DH_UNIT_ENTRY, 4);
	memcpy(body + 16 + DH_LUMA_BYTES, fixture_anchor, sizeof fixture_anchor);
	fixture_record(&bytes, "VIDE", body, sizeof body);
	check_verdict(&bytes, -EBADMSG, "a picture is a key frame, expected an inter frame that changes nothing but");
}

static const struct check_test tests[] = {
	TABLE(test_anchors, anchor_rows),
	TEST(test_anchors_that_are_none),
	TABLE(test_pictures, picture_rows),
	TEST(test_a_second_key_frame),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
