/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the writer of the segment stream refuses, mends and passes on. */
#include "tests/support/check.h"
#include "tests/support/stream_fixture.h"

/* --- texts */

/* `written` is what the writer makes of `text`; it equals `text` exactly where the reader
 * accepts that. */
static const struct text_row {
	const char *name, *text, *written;
} text_rows[] = {
	{ "empty", "", "" },
	{ "ASCII", "a b~", "a b~" },
	{ "two bytes", "\xc2\xa0\xdf\xbf", "\xc2\xa0\xdf\xbf" },
	{ "three bytes", "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",
		"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf" },
	{ "four bytes", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
	{ "white space", "a\nb\tc\rd", "a b c d" },
	{ "escape", "\x1b[2J", "?[2J" },
	{ "delete", "\x7f", "?" },
	{ "C1 control",
		"\xc2\x9b"
		"2J",
		"??2J" },
	{ "continuation alone", "\x80", "?" },
	{ "cut off", "a\xc3", "a?" },
	{ "three bytes cut off", "a\xe2\x82", "a??" },
	{ "not continued",
		"\xc3"
		"a",
		"?a" },
	{ "overlong 2", "\xc0\xaf", "??" },
	{ "overlong 2, second", "\xc1\xbf", "??" },
	{ "overlong 3", "\xe0\x9f\xbf", "???" },
	{ "overlong 4", "\xf0\x8f\xbf\xbf", "????" },
	{ "surrogate", "\xed\xa0\x80", "???" },
	{ "beyond Unicode", "\xf4\x90\x80\x80", "????" },
	{ "five bytes", "\xf8\x88\x80\x80\x80", "?????" },
	{ "Latin-1",
		"gr\xfc\xdf"
		"e",
		"gr??e" },
};

static void test_texts(const void *arg)
{
	const struct text_row *row = arg;
	struct bytes bytes = { .size = 0 };
	struct dh_stream_writer writer = { bytes_write, &bytes };
	uint8_t body[100];
	CHECK_INT(dh_stream_write_note(&writer, row->text), 0);
	CHECK_BYTES(bytes.at + 8, bytes.size - 12, row->written, strlen(row->written));
	bytes.size = 0;
	CHECK_INT(dh_stream_write_failure(&writer, 7, row->text), 0);
	CHECK_BYTES(bytes.at + 12, bytes.size - 16, row->written, strlen(row->written));
	check_verdict(&bytes, 0, "");
	bytes.size = 0;
	memcpy(body, "\0\0\0\0", 4);
	memcpy(body + 4, row->text, strlen(row->text));
	fixture_record(&bytes, "FAIL", body, 4 + strlen(row->text));
	check_verdict(&bytes, strcmp(row->text, row->written) == 0 ? 0 : -EBADMSG,
		strcmp(row->text, row->written) == 0 ? "" : "not UTF-8");
}

static void test_zero_byte_in_a_text(void)
{
	struct bytes bytes = { .size = 0 };
	fixture_record(&bytes, "FAIL", "\0\0\0\0a\0b", 7);
	check_verdict(&bytes, -EBADMSG, "not UTF-8");
}

/* A character never continues in what follows the text, whatever the checksum is. */
static void test_text_cut_off_in_a_character(void)
{
	for (int i = 0; i < 100; i++) {
		struct bytes bytes = { .size = 0 };
		char body[20] = "\0\0\0\0";
		int length = snprintf(body + 4, sizeof body - 4, "%d\xc3", i);
		CHECK_AT("text %d", i);
		fixture_record(&bytes, "FAIL", body, 4 + (size_t)length);
		check_verdict(&bytes, -EBADMSG, "not UTF-8");
	}
}

/* Cut to 1000 bytes, never within a character. */
static void test_long_texts(void)
{
	for (size_t lead = 0; lead < 5; lead++) {
		struct bytes bytes = { .size = 0 };
		struct dh_stream_writer writer = { bytes_write, &bytes };
		char text[2000];
		CHECK_AT("%zu bytes before the character", lead + 996);
		memset(text, 'x', sizeof text);
		memcpy(text + 996 + lead, "\xf0\x9f\x98\x80", 4);
		text[sizeof text - 1] = '\0';
		CHECK_INT(dh_stream_write_failure(&writer, 1, text), 0);
		CHECK_INT(bytes.size, 8 + 4 + (lead == 0 || lead == 4 ? 1000 : 996 + lead) + 4);
		check_verdict(&bytes, 0, "");
	}
}

/* --- writer */

static const struct refused_row {
	const char *name;
	struct fixture_unit unit;
} refused_rows[] = {
	{ "negative pts", { DH_VIDEO, 1, -1, 9, 3 } },
	{ "no duration", { DH_VIDEO, 1, 0, 0, 3 } },
	{ "negative duration", { DH_VIDEO, 1, 0, -9, 3 } },
	{ "long duration", { DH_VIDEO, 1, 0, INT64_C(4294967296), 3 } },
	{ "too late", { DH_VIDEO, 1, DH_STREAM_TICKS_MAX, 1, 3 } },
	{ "largest times", { DH_VIDEO, 1, INT64_MAX, INT64_MAX, 3 } },
	{ "droppable entry", { DH_VIDEO, 3, 0, 9, 3 } },
	{ "unknown flag", { DH_VIDEO, 4, 0, 9, 3 } },
	{ "empty", { DH_VIDEO, 1, 0, 9, 0 } },
	{ "audio off the grid", { DH_AUDIO, 0, 1, 14400, 3 } },
	{ "audio of 10 ms", { DH_AUDIO, 0, 0, 7200, 3 } },
	{ "audio with a flag", { DH_AUDIO, 1, 0, 14400, 3 } },
	{ "no medium", { (enum dh_media)2, 0, 0, 14400, 3 } },
};

static void test_refused_units(const void *arg)
{
	const struct refused_row *row = arg;
	struct bytes bytes = { .size = 0 };
	struct dh_stream_writer writer = { bytes_write, &bytes };
	CHECK_INT(fixture_write_unit(&writer, &row->unit), -EINVAL);
	CHECK_INT(bytes.size, 0);
}

static int swallow(void *arg, const void *bytes, size_t size)
{
	size_t *total = arg;
	(void)bytes;
	*total += size;
	return 0;
}

static void test_unit_sizes(void)
{
	static const struct {
		enum dh_media media;
		size_t size;
		int err;
	} rows[] = {
		{ DH_AUDIO, DH_AUDIO_UNIT_MAX, 0 },
		{ DH_AUDIO, DH_AUDIO_UNIT_MAX + 1, -EINVAL },
		{ DH_VIDEO, DH_VIDEO_UNIT_MAX, 0 },
		{ DH_VIDEO, DH_VIDEO_UNIT_MAX + 1, -EINVAL },
	};
	uint8_t *data = calloc(DH_VIDEO_UNIT_MAX + 1, 1);
	CHECK(data);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t total = 0;
		struct dh_stream_writer writer = { swallow, &total };
		struct dh_unit *unit = dh_unit_new(rows[i].media, 0, DH_SLOT_TICKS, data, rows[i].size);
		CHECK(unit);
		CHECK_INT(dh_stream_write_unit(&writer, unit), rows[i].err);
		CHECK(rows[i].err < 0 ? total == 0 : total > rows[i].size);
		dh_unit_unref(&unit);
	}
	free(data);
}

static int take_faded(void *arg, struct dh_unit *unit)
{
	size_t size;
	const uint8_t *fade = dh_unit_fade(unit, &size);
	CHECK_BYTES(unit->data, unit->size, "sound", 5);
	CHECK_BYTES(fade, size, "fading", 6);
	CHECK_INT(unit->pts_ticks, 0);
	++*(int *)arg;
	return 0;
}

static void test_fades(void)
{
	const struct dh_stream_sink sink = { .unit = take_faded };
	struct bytes bytes = { .size = 0 };
	struct dh_stream_writer writer = { bytes_write, &bytes };
	struct dh_stream_head head = { .has_audio = true, .rate_den = 1 };
	struct dh_unit *unit = dh_unit_new_sound(0, "sound", 5, "fading", 6), *without;
	struct dh_stream_reader *reader;
	int count = 0;

	CHECK_INT(dh_stream_write_head(&writer, &head), 0);
	CHECK_INT(dh_stream_write_unit(&writer, unit), 0);
	CHECK_INT(dh_stream_reader_alloc(&reader, NULL, &sink, &count), 0);
	CHECK_INT(dh_stream_reader_push(reader, bytes.at, bytes.size), 0);
	CHECK_INT(count, 1);
	dh_stream_reader_free(&reader);
	dh_unit_unref(&unit);
	without = dh_unit_new_sound(0, "sound", 5, NULL, 0);
	size_t size;
	CHECK(!dh_unit_fade(without, &size));
	dh_unit_unref(&without);
}

#define QUALITY_BYTES 20 /* of the best one */

/* A picture whose sizes say its quality, in `count` of them. */
static struct dh_unit *picture_of(int count)
{
	struct dh_unit *lower = NULL;
	while (count-- > 0) {
		uint8_t bytes[QUALITY_BYTES + 2] = { 0 };
		vp8_fixture_picture(bytes, DH_UNIT_ENTRY);
		struct dh_unit *unit = dh_unit_new(DH_VIDEO, 1440, 28800, bytes, QUALITY_BYTES + (size_t)count);
		CHECK(unit);
		unit->flags = DH_UNIT_ENTRY;
		unit->lower = lower;
		lower = unit;
	}
	return lower;
}

static int keep_unit(void *arg, struct dh_unit *unit)
{
	*(struct dh_unit **)arg = dh_unit_ref(unit);
	return 0;
}

static void test_qualities(void)
{
	const struct dh_stream_sink sink = { .unit = keep_unit };
	struct dh_stream_head head = fixture_head;
	struct bytes bytes = { .size = 0 };
	struct dh_stream_writer writer = { bytes_write, &bytes };
	struct dh_unit *unit = picture_of(3), *got = NULL;
	struct dh_stream_reader *reader;
	int number = 0;

	memcpy(head.kbps, (const int[]){ 800, 400, 200 }, sizeof head.kbps);
	CHECK_INT(dh_stream_write_head(&writer, &head), 0);
	CHECK_INT(dh_stream_write_anchor(&writer, fixture_anchor, sizeof fixture_anchor), 0);
	CHECK_INT(dh_stream_write_unit(&writer, unit), 0);
	CHECK_INT(dh_stream_reader_alloc(&reader, NULL, &sink, &got), 0);
	CHECK_INT(dh_stream_reader_push(reader, bytes.at, bytes.size), 0);
	dh_stream_reader_free(&reader);
	CHECK(got);
	CHECK_INT(dh_unit_bytes(got), 3 * QUALITY_BYTES + 1 + 2);
	for (const struct dh_unit *a = unit, *b = got; a || b; a = a->lower, b = b->lower, number++) {
		CHECK(a && b);
		CHECK(dh_unit_same_bytes(a, b));
		CHECK_INT(b->pts_ticks, 1440);
		CHECK_INT(b->duration_ticks, 28800);
		CHECK_INT(b->flags, DH_UNIT_ENTRY);
	}
	CHECK_INT(number, 3);
	dh_unit_unref(&unit);
	dh_unit_unref(&got);
}

/* A stream with one quality is one of version 4, which older readers accept. */
static void test_one_quality_is_as_before(void)
{
	struct bytes bytes = { .size = 0 };
	struct dh_stream_writer writer = { bytes_write, &bytes };
	struct dh_unit *unit = picture_of(1);
	CHECK_INT(dh_stream_write_head(&writer, &fixture_head), 0);
	CHECK_INT(bytes.at[8], 4);
	CHECK_INT(bytes.size, 8 + 20 + strlen(fixture_head.encoder) + 4);
	CHECK_INT(dh_stream_write_unit(&writer, unit), 0);
	CHECK_INT(bytes.size, 8 + 20 + strlen(fixture_head.encoder) + 4 + 8 + 16 + DH_LUMA_BYTES + QUALITY_BYTES + 4);
	dh_unit_unref(&unit);
}

static void test_refused_qualities(void)
{
	static const int rows[][DH_QUALITIES_MAX] = { { 800, 0, 0 }, { 800, 800, 0 }, { 800, 0, 200 },
		{ 800, 400, 800 }, { 20001, 200, 0 }, { 800, 49, 0 } };
	struct bytes bytes = { .size = 0 };
	struct dh_stream_writer writer = { bytes_write, &bytes };
	struct dh_stream_head sound = { .has_audio = true, .rate_den = 1, .kbps = { 800, 400 } };
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct dh_stream_head head = fixture_head;
		memcpy(head.kbps, rows[i], sizeof head.kbps);
		CHECK_INT(dh_stream_write_head(&writer, &head), -EINVAL);
	}
	CHECK_INT(dh_stream_write_head(&writer, &sound), -EINVAL);
	CHECK_INT(bytes.size, 0);
}

static void test_refused_heads_and_more(void)
{
	struct bytes bytes = { .size = 0 };
	struct dh_stream_writer writer = { bytes_write, &bytes };
	struct dh_stream_head none = fixture_head, size = fixture_head, odd = fixture_head, rate = fixture_head,
			      mark = fixture_head;
	uint8_t anchor[sizeof fixture_anchor] = { 0x11 };
	mark.has_video = 0;
	mark.width = mark.height = 0;
	mark.has_mark = true;
	none.has_video = none.has_audio = 0;
	size.has_video = 0;
	odd.width = 17;
	rate.rate_num = INT64_C(1) << 32;
	CHECK_INT(dh_stream_write_head(&writer, &none), -EINVAL);
	CHECK_INT(dh_stream_write_head(&writer, &size), -EINVAL);
	CHECK_INT(dh_stream_write_head(&writer, &odd), -EINVAL);
	CHECK_INT(dh_stream_write_head(&writer, &mark), -EINVAL);
	CHECK_INT(dh_stream_write_head(&writer, &rate), -EINVAL);
	rate.rate_num = -25;
	CHECK_INT(dh_stream_write_head(&writer, &rate), -EINVAL);
	CHECK_INT(dh_stream_write_anchor(&writer, anchor, sizeof anchor), -EINVAL);
	CHECK_INT(dh_stream_write_anchor(&writer, fixture_anchor, 9), -EINVAL);
	CHECK_INT(dh_stream_write_anchor(&writer, fixture_anchor, DH_VIDEO_UNIT_MAX + 1), -EINVAL);
	CHECK_INT(dh_stream_write_picture(&writer, anchor, 0), -EINVAL);
	CHECK_INT(dh_stream_write_picture(&writer, anchor, 2304 * 2304 * 3 / 2 + 1), -EINVAL);
	CHECK_INT(dh_stream_write_mark(&writer, DH_MARK_TOP_LEFT, anchor, 0), -EINVAL);
	CHECK_INT(dh_stream_write_mark(&writer, DH_MARK_TOP_LEFT, anchor, 2304 * 2304), -EINVAL);
	CHECK_INT(dh_stream_write_mark(&writer, (enum dh_mark_at)4, anchor, 1), -EINVAL);
	CHECK_INT(dh_stream_write_end(&writer, &(struct dh_stream_end){ .video_ticks = -1 }), -EINVAL);
	CHECK_INT(dh_stream_write_end(&writer, &(struct dh_stream_end){ .audio_ticks = DH_STREAM_TICKS_MAX + 1 }),
		-EINVAL);
	CHECK_INT(bytes.size, 0);
}

static int write_fails(void *arg, const void *bytes, size_t size)
{
	(void)bytes;
	(void)size;
	return *(int *)arg;
}

static void test_errors_of_write_come_back(void)
{
	int error = -EPIPE;
	struct dh_stream_writer writer = { write_fails, &error };
	CHECK_INT(dh_stream_write_head(&writer, &fixture_head), -EPIPE);
	CHECK_INT(dh_stream_write_anchor(&writer, fixture_anchor, sizeof fixture_anchor), -EPIPE);
	CHECK_INT(fixture_write_picture(&writer), -EPIPE);
	CHECK_INT(dh_stream_write_mark(&writer, DH_MARK_TOP_LEFT, fixture_anchor, sizeof fixture_anchor), -EPIPE);
	CHECK_INT(fixture_write_unit(&writer, &fixture_units[0]), -EPIPE);
	CHECK_INT(fixture_write_unit(&writer, &fixture_units[1]), -EPIPE);
	CHECK_INT(dh_stream_write_note(&writer, "n"), -EPIPE);
	CHECK_INT(dh_stream_write_end(&writer, &fixture_end), -EPIPE);
	CHECK_INT(dh_stream_write_failure(&writer, 1, "f"), -EPIPE);
}

/* --- words */

static const struct word_row {
	const char *name;
	struct dh_stream_word word;
	int err;
} word_rows[] = {
	{ "a word", { 0, 0, "w" }, 0 },
	{ "none", { 0, 1, "" }, -EINVAL },
	{ "a control character", { 0, 1, "a\nb" }, -EINVAL },
	{ "not UTF-8", { 0, 1, "\xfc" }, -EINVAL },
	{ "before the start", { -1, 1, "w" }, -EINVAL },
	{ "backwards", { 2, 1, "w" }, -EINVAL },
	{ "too late", { 0, DH_STREAM_TICKS_MAX + 1, "w" }, -EINVAL },
};

static void test_written_words(const void *arg)
{
	const struct word_row *row = arg;
	struct bytes bytes = { .size = 0 };
	struct dh_stream_writer writer = { bytes_write, &bytes };
	CHECK_INT(dh_stream_write_word(&writer, &row->word), row->err);
	CHECK_INT(bytes.size > 0, row->err == 0);
}

static void test_a_word_without_end(void)
{
	struct dh_stream_word word = { 0, 1, "" };
	struct bytes bytes = { .size = 0 };
	struct dh_stream_writer writer = { bytes_write, &bytes };
	memset(word.text, 'x', sizeof word.text);
	CHECK_INT(dh_stream_write_word(&writer, &word), -EINVAL);
}

static const struct check_test tests[] = {
	TABLE(test_written_words, word_rows),
	TEST(test_a_word_without_end),
	TABLE(test_texts, text_rows),
	TEST(test_zero_byte_in_a_text),
	TEST(test_text_cut_off_in_a_character),
	TEST(test_long_texts),
	TABLE(test_refused_units, refused_rows),
	TEST(test_unit_sizes),
	TEST(test_fades),
	TEST(test_qualities),
	TEST(test_one_quality_is_as_before),
	TEST(test_refused_qualities),
	TEST(test_refused_heads_and_more),
	TEST(test_errors_of_write_come_back),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
