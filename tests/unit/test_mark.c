/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disclosure marks: their places, what is prepared for them, and what lacks them. */
#include "tests/support/check.h"

#include <errno.h>
#include <string.h>

#include "ingest/inputs.h"
#include "playout/mark.h"
#include "playout/matte.h"
#include "tests/support/vp8_fixture.h"

/* --- places */

static const struct place_row {
	const char *name;
	int width, height;
	struct dh_mark_place place;
} places[] = {
	{ "usual", 512, 512, { 186, 144, 16, 170, 128 } },
	{ "small", 128, 96, { 44, 26, 2, 42, 24 } },
	{ "smallest", 16, 16, { 16, 16, 2, 5, 4 } },
	{ "narrow", 16, 2304, { 16, 578, 2, 5, 576 } },
	{ "largest", 2304, 2304, { 840, 648, 72, 768, 576 } },
};

static void test_places(const void *arg)
{
	const struct place_row *row = arg;
	struct dh_mark_place place = dh_mark_place(row->width, row->height);

	CHECK_INT(place.width, row->place.width);
	CHECK_INT(place.height, row->place.height);
	CHECK_INT(place.margin, row->place.margin);
	CHECK_INT(place.width_most, row->place.width_most);
	CHECK_INT(place.height_most, row->place.height_most);
	CHECK_INT(dh_mark_size(row->width, row->height), place.width * dh_matte_coded_height(place.height) * 3 / 2);
}

/* Of all sizes that there are: it lies within them, and has a matte. */
static void test_every_size(void)
{
	for (int width = DH_STREAM_SIDE_MIN; width <= DH_STREAM_SIDE_MAX; width += 2)
		for (int height = DH_STREAM_SIDE_MIN; height <= DH_STREAM_SIDE_MAX; height += 62) {
			struct dh_mark_place place = dh_mark_place(width, height);
			CHECK(place.width <= width && place.height <= height, "%dx%d", width, height);
			CHECK(place.width_most + 2 * place.margin <= width && place.width_most >= 1, "%dx%d", width,
				height);
			CHECK(place.height_most + 2 * place.margin <= height && place.height_most >= 1, "%dx%d", width,
				height);
			CHECK(place.width % 2 == 0 && place.height % 2 == 0 && place.margin % 2 == 0, "%dx%d", width,
				height);
			CHECK_INT(dh_matte_height(dh_matte_coded_height(place.height)), place.height);
		}
}

static void test_corners(void)
{
	static const char *const names[] = { "bottom-right", "bottom-left", "top-right", "top-left" };
	enum dh_mark_at at;

	for (int i = 0; i < 4; i++) {
		CHECK(dh_mark_at_parse(&at, names[i]), "%s", names[i]);
		CHECK_INT(at, i);
		CHECK_INT(strcmp(dh_mark_at_name(at), names[i]), 0);
	}
	CHECK(!dh_mark_at_parse(&at, "Top-left"));
	CHECK(!dh_mark_at_parse(&at, ""));
}

/* --- in a stream */

struct marked {
	struct dh_stream_reader *reader;
	int heads, marks;
};

static int feed(void *arg, const void *bytes, size_t size)
{
	return dh_stream_reader_push(((struct marked *)arg)->reader, bytes, size);
}

static int on_head(void *arg, const struct dh_stream_head *head)
{
	struct marked *marked = arg;

	marked->heads += head->has_mark;
	return 0;
}

static int on_mark(void *arg, enum dh_mark_at at, const uint8_t *i420, size_t size)
{
	struct marked *marked = arg;

	CHECK_INT(at, DH_MARK_TOP_RIGHT);
	CHECK_INT(size, dh_mark_size(16, 16));
	CHECK(i420[0] == 1 && i420[size - 1] == 2);
	marked->marks++;
	return 0;
}

static void test_what_is_written_is_read(void)
{
	static const uint8_t anchor[] = VP8_FIXTURE_ANCHOR(16, 16);
	static const struct dh_stream_sink sink = { .head = on_head, .mark = on_mark };
	const struct dh_stream_head head = { .has_video = true,
		.width = 16,
		.height = 16,
		.has_mark = true,
		.rate_den = 1 };
	size_t size = dh_mark_size(16, 16);
	uint8_t *corner = g_malloc0(size);
	struct marked marked = { .heads = 0 };
	const struct dh_stream_writer writer = { feed, &marked };

	corner[0] = 1;
	corner[size - 1] = 2;
	CHECK_INT(dh_stream_reader_alloc(&marked.reader, NULL, &sink, &marked), 0);
	CHECK_INT(dh_stream_write_head(&writer, &head), 0);
	CHECK_INT(dh_stream_write_anchor(&writer, anchor, sizeof anchor), 0);
	CHECK_INT(dh_stream_write_mark(&writer, DH_MARK_TOP_RIGHT, corner, size), 0);
	CHECK_INT(marked.heads, 1);
	CHECK_INT(marked.marks, 1);
	CHECK_INT(dh_stream_write_mark(&writer, DH_MARK_TOP_RIGHT, corner, size), -EBADMSG);
	dh_stream_reader_free(&marked.reader);
	g_free(corner);
}

/* --- what is prepared for it */

static void set_nothing(struct dh_ingest_source *source)
{
	(void)source;
}

static void set_corner(struct dh_ingest_source *source)
{
	source->mark_at = DH_MARK_TOP_LEFT;
}

static void set_other_mark(struct dh_ingest_source *source)
{
	g_bytes_unref(source->mark_picture);
	source->mark_picture = g_bytes_new_take(g_malloc0(dh_mark_size(source->width, source->height)),
		dh_mark_size(source->width, source->height));
}

static void set_no_mark(struct dh_ingest_source *source)
{
	source->has_mark = false;
	g_clear_pointer(&source->mark_picture, g_bytes_unref);
}

static void set_mark_without_picture(struct dh_ingest_source *source)
{
	g_clear_pointer(&source->mark_picture, g_bytes_unref);
}

static void set_picture_without_mark(struct dh_ingest_source *source)
{
	source->has_mark = false;
}

static void set_other_size(struct dh_ingest_source *source)
{
	source->width = 514;
}

static void set_bridge(struct dh_ingest_source *source)
{
	source->kind = DH_INGEST_BRIDGE;
	source->count = 2;
	source->names[1] = "b";
}

static void set_background(struct dh_ingest_source *source)
{
	source->kind = DH_INGEST_BACKGROUND;
}

static void set_made(struct dh_ingest_source *source)
{
	set_mark_without_picture(source);
	source->kind = DH_INGEST_MARK;
}

static const struct mark_row {
	const char *name;
	void (*set)(struct dh_ingest_source *source);
	int err;
	bool is_same; /* its key is that of the first */
} mark_rows[] = {
	{ "the same", set_nothing, 0, true },
	{ "another corner", set_corner, 0, false },
	{ "another mark", set_other_mark, 0, false },
	{ "no mark", set_no_mark, 0, false },
	{ "the mark itself", set_made, 0, false },
	{ "none of its picture", set_mark_without_picture, -EINVAL, false },
	{ "a picture of none", set_picture_without_mark, -EINVAL, false },
	{ "one of another size", set_other_size, -EINVAL, false },
	{ "of a bridge", set_bridge, -EINVAL, false },
	{ "of a background", set_background, -EINVAL, false },
};

static int key_of_marked(void (*set)(struct dh_ingest_source *source), char key[DH_HASH_SIZE])
{
	const struct dh_file_hash hash = { .hex = "file" };
	struct dh_ingest_source source;
	struct dh_inputs *inputs = NULL;
	char *mark;
	size_t size;

	dh_ingest_source_init(&source);
	source.names[0] = "a";
	source.count = 1;
	source.has_mark = true;
	size = dh_mark_size(source.width, source.height);
	mark = g_malloc0(size);
	mark[7] = 1;
	source.mark_picture = g_bytes_new_take(mark, size);
	set(&source);
	int err = dh_inputs_alloc(&inputs, &source);
	if (!err)
		dh_inputs_key(inputs, &hash, "version", key);
	dh_inputs_unref(&inputs);
	if (source.mark_picture)
		g_bytes_unref(source.mark_picture);
	return err;
}

static void test_marks(const void *arg)
{
	const struct mark_row *row = arg;
	char first[DH_HASH_SIZE], key[DH_HASH_SIZE];

	CHECK_INT(key_of_marked(set_nothing, first), 0);
	CHECK_INT(key_of_marked(row->set, key), row->err);
	if (!row->err)
		CHECK_INT(strcmp(first, key) == 0, row->is_same);
}

/* --- what comes from elsewhere */

static const struct misfit_row {
	const char *name;
	bool is_wanted, has_video, has_mark, is_refused;
} misfits[] = {
	{ "marked", true, true, true, false },
	{ "unmarked", true, true, false, true },
	{ "sound alone, over the avatar's own pictures", true, false, false, false },
	{ "of no marked avatar", false, true, false, false },
	{ "marked, of no marked avatar", false, true, true, false },
};

static void test_misfits(const void *arg)
{
	const struct misfit_row *row = arg;
	struct dh_stream_head head = { .has_audio = true, .has_video = row->has_video, .has_mark = row->has_mark };
	struct dh_ingest_source source;

	dh_ingest_source_init(&source);
	source.has_mark = row->is_wanted;
	const char *why = dh_ingest_source_misfit(&source, &head);
	CHECK_INT(why != NULL, row->is_refused);
	if (why)
		CHECK(strstr(why, "without --disclosure-mark"), "%s", why);
}

static const struct check_test tests[] = {
	TABLE(test_places, places),
	TEST(test_every_size),
	TEST(test_corners),
	TEST(test_what_is_written_is_read),
	TABLE(test_marks, mark_rows),
	TABLE(test_misfits, misfits),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
