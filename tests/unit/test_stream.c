/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The segment stream: what is written can be read; what is cut, damaged, out of order or
 * out of range is refused, and nothing of it is reported. */
#include "tests/support/check.h"
#include "tests/support/stream_fixture.h"

/* --- helpers */

static void make_stream(struct bytes *bytes)
{
	struct dh_stream_writer writer = { bytes_write, bytes };
	bytes->size = 0;
	CHECK_INT(fixture_write(&writer), 0);
}

/* Feeds `bytes` in pieces of `step`. Returns the reader's verdict, and its text in
 * `error` unless that is NULL. Each piece is a copy of exactly its size, so that
 * sanitizers see reads beyond the end. */
static int read_stream(const uint8_t *bytes, size_t size, size_t step, const struct dh_stream_limits *limits,
	struct journal *journal, char error[200])
{
	struct dh_stream_reader *reader;
	int err = 0, again, finished;
	CHECK_INT(dh_stream_reader_alloc(&reader, limits, &journal_sink, journal), 0);
	CHECK_STR(dh_stream_reader_error(reader), "");
	for (size_t i = 0; i < size && err == 0; i += step) {
		size_t part = step < size - i ? step : size - i;
		uint8_t *copy = malloc(part);
		CHECK(copy);
		memcpy(copy, bytes + i, part);
		err = dh_stream_reader_push(reader, copy, part);
		free(copy);
	}
	again = dh_stream_reader_push(reader, "", 0);
	CHECK_INT(again, err);
	finished = dh_stream_reader_finish(reader);
	CHECK(err == 0 || finished == err, "%d after %d", finished, err);
	CHECK_INT(dh_stream_reader_finish(reader), finished);
	if (error)
		snprintf(error, 200, "%s", dh_stream_reader_error(reader));
	CHECK(finished != 0 || dh_stream_reader_error(reader)[0] == '\0');
	dh_stream_reader_free(&reader);
	CHECK(!reader);
	return finished;
}

/* Checks that `got` is what was read of `whole` before something stopped it. */
static void check_prefix_of(const struct journal *got, const struct journal *whole)
{
	CHECK(got->used < whole->used && memcmp(got->text, whole->text, got->used) == 0,
		"reported what is not in the stream:\n%.*s", (int)got->used, got->text);
}

/* --- round trips */

static const char expected[] = "head 11 16x16 25/1 fixture 1.0\n"
			       "anchor 16 %lx\n"
			       "picture 384 %lx\n";

static void test_round_trip(void)
{
	struct bytes bytes;
	struct journal journal = { .used = 0 };
	char head[200];
	uint8_t i420[FIXTURE_PICTURE];
	size_t length;
	for (size_t i = 0; i < sizeof i420; i++)
		i420[i] = (uint8_t)(i * 3);
	make_stream(&bytes);
	CHECK_INT(read_stream(bytes.at, bytes.size, bytes.size, NULL, &journal, NULL), 0);
	length = (size_t)snprintf(head, sizeof head, expected, journal_crc(fixture_anchor, sizeof fixture_anchor),
		journal_crc(i420, sizeof i420));
	CHECK(strncmp(journal.text, head, length) == 0, "%s", journal.text);
	for (size_t i = 0; i < FIXTURE_UNITS; i++) {
		struct journal line = { .used = 0 };
		struct dh_unit *unit = fixture_unit_new(&fixture_units[i]);
		CHECK(unit);
		journal_unit(&line, unit);
		dh_unit_unref(&unit);
		CHECK(strstr(journal.text, line.text), "lost: %s", line.text);
	}
	CHECK(strstr(journal.text,
		"note half way, gr\xc3\xbc\xc3\x9f"
		"e\n"));
	CHECK(strstr(journal.text, "end 115200 71900 incomplete\n"));
	CHECK(strstr(journal.text, "word 720-7200 W\xc3\xb6rter\n"));
	CHECK_INT(journal.calls, 3 + FIXTURE_UNITS + 3);
}

static void test_any_step_reads_the_same(void)
{
	struct bytes bytes;
	struct journal whole = { .used = 0 };
	make_stream(&bytes);
	CHECK_INT(read_stream(bytes.at, bytes.size, bytes.size, NULL, &whole, NULL), 0);
	for (size_t step = 1; step < 300; step++) {
		struct journal journal = { .used = 0 };
		CHECK_AT("pieces of %zu bytes", step);
		CHECK_INT(read_stream(bytes.at, bytes.size, step, NULL, &journal, NULL), 0);
		CHECK_STR(journal.text, whole.text);
	}
}

static void test_cut_anywhere_reads_the_same(void)
{
	struct bytes bytes;
	struct journal whole = { .used = 0 };
	make_stream(&bytes);
	CHECK_INT(read_stream(bytes.at, bytes.size, bytes.size, NULL, &whole, NULL), 0);
	for (size_t cut = 0; cut <= bytes.size; cut++) {
		struct journal journal = { .used = 0 };
		struct dh_stream_reader *reader;
		CHECK_AT("cut at %zu", cut);
		CHECK_INT(dh_stream_reader_alloc(&reader, NULL, &journal_sink, &journal), 0);
		CHECK_INT(dh_stream_reader_push(reader, bytes.at, cut), 0);
		CHECK_INT(dh_stream_reader_push(reader, bytes.at + cut, bytes.size - cut), 0);
		CHECK_INT(dh_stream_reader_finish(reader), 0);
		dh_stream_reader_free(&reader);
		CHECK_STR(journal.text, whole.text);
	}
}

static void test_failure_ends_a_stream(void)
{
	struct bytes bytes = { .size = 0 };
	struct dh_stream_writer writer = { bytes_write, &bytes };
	struct journal journal = { .used = 0 };
	CHECK_INT(dh_stream_write_head(&writer, &fixture_head), 0);
	CHECK_INT(dh_stream_write_anchor(&writer, fixture_anchor, sizeof fixture_anchor), 0);
	CHECK_INT(fixture_write_unit(&writer, &fixture_units[0]), 0);
	CHECK_INT(dh_stream_write_failure(&writer, 9, "the input stopped coming"), 0);
	CHECK_INT(read_stream(bytes.at, bytes.size, 10, NULL, &journal, NULL), 0);
	CHECK(strstr(journal.text, "\nfailure 9 the input stopped coming\n"));
}

static void test_failure_alone_is_a_stream(void)
{
	struct bytes bytes = { .size = 0 };
	struct dh_stream_writer writer = { bytes_write, &bytes };
	struct journal journal = { .used = 0 };
	CHECK_INT(dh_stream_write_failure(&writer, -3, ""), 0);
	CHECK_INT(read_stream(bytes.at, bytes.size, 1, NULL, &journal, NULL), 0);
	CHECK_STR(journal.text, "failure -3 \n");
}

static void test_sink_without_functions(void)
{
	static const struct dh_stream_sink nothing = { .head = NULL };
	struct dh_stream_reader *reader;
	struct bytes bytes;
	make_stream(&bytes);
	CHECK_INT(dh_stream_reader_alloc(&reader, NULL, &nothing, NULL), 0);
	CHECK_INT(dh_stream_reader_push(reader, bytes.at, bytes.size), 0);
	CHECK_INT(dh_stream_reader_finish(reader), 0);
	dh_stream_reader_free(&reader);
	dh_stream_reader_free(&reader); /* *reader may be NULL */
}

static void test_an_error_of_the_sink_stops(void)
{
	struct bytes bytes;
	make_stream(&bytes);
	for (size_t call = 1; call <= 3 + FIXTURE_UNITS + 2; call++) {
		struct journal journal = { .fail_at = call, .error = -ENOSPC };
		CHECK_AT("call %zu", call);
		CHECK_INT(read_stream(bytes.at, bytes.size, 100, NULL, &journal, NULL), -ENOSPC);
		CHECK_INT(journal.calls, call);
	}
}

static int keep_unit(void *arg, struct dh_unit *unit)
{
	struct dh_unit **kept = arg;
	dh_unit_unref(kept);
	*kept = dh_unit_ref(unit);
	return 0;
}

static void test_units_outlive_the_reader(void)
{
	static const struct dh_stream_sink sink = { .unit = keep_unit };
	struct dh_unit *kept = NULL;
	struct dh_stream_reader *reader;
	struct bytes bytes;
	make_stream(&bytes);
	CHECK_INT(dh_stream_reader_alloc(&reader, NULL, &sink, &kept), 0);
	CHECK_INT(dh_stream_reader_push(reader, bytes.at, bytes.size), 0);
	dh_stream_reader_free(&reader);
	CHECK(kept);
	CHECK_INT(kept->pts_ticks, 86400);
	CHECK_INT(kept->flags, DH_UNIT_ENTRY);
	dh_unit_unref(&kept);
}

/* --- damaged streams */

static void test_every_truncation_is_refused(void)
{
	struct bytes bytes;
	struct journal whole = { .used = 0 };
	make_stream(&bytes);
	CHECK_INT(read_stream(bytes.at, bytes.size, bytes.size, NULL, &whole, NULL), 0);
	for (size_t size = 0; size < bytes.size; size++) {
		struct journal journal = { .used = 0 };
		CHECK_AT("%zu of %zu bytes", size, bytes.size);
		CHECK_INT(read_stream(bytes.at, size, 4096, NULL, &journal, NULL), -ENODATA);
		check_prefix_of(&journal, &whole);
	}
}

/* A flipped bit in a length may make the reader wait for a longer record, so -ENODATA is
 * a fair verdict, too; 0 never is. */
static void test_every_flipped_byte_is_refused(void)
{
	static const uint8_t flips[] = { 0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff, 0x55, 0x03 };
	struct bytes bytes;
	struct journal whole = { .used = 0 };
	make_stream(&bytes);
	CHECK_INT(read_stream(bytes.at, bytes.size, bytes.size, NULL, &whole, NULL), 0);
	for (size_t i = 0; i < bytes.size; i++) {
		for (size_t n = 0; n < sizeof flips; n++) {
			struct journal journal = { .used = 0 };
			int err;
			CHECK_AT("byte %zu ^ 0x%02x", i, flips[n]);
			bytes.at[i] ^= flips[n];
			err = read_stream(bytes.at, bytes.size, bytes.size, NULL, &journal, NULL);
			bytes.at[i] ^= flips[n];
			CHECK(err == -EBADMSG || err == -ENODATA, "%d", err);
			check_prefix_of(&journal, &whole);
		}
	}
}

static void test_a_missing_byte_is_refused(void)
{
	struct bytes bytes, shorter;
	struct journal whole = { .used = 0 };
	make_stream(&bytes);
	CHECK_INT(read_stream(bytes.at, bytes.size, bytes.size, NULL, &whole, NULL), 0);
	for (size_t i = 0; i < bytes.size; i++) {
		struct journal journal = { .used = 0 };
		int err;
		CHECK_AT("without byte %zu", i);
		shorter = bytes;
		memmove(shorter.at + i, shorter.at + i + 1, bytes.size - i - 1);
		err = read_stream(shorter.at, bytes.size - 1, bytes.size, NULL, &journal, NULL);
		CHECK(err == -EBADMSG || err == -ENODATA, "%d", err);
		check_prefix_of(&journal, &whole);
	}
}

static void test_bytes_after_the_end(void)
{
	struct bytes bytes;
	struct journal journal = { .used = 0 };
	char error[200];
	make_stream(&bytes);
	bytes.at[bytes.size] = 'D';
	CHECK_INT(read_stream(bytes.at, bytes.size + 1, bytes.size + 1, NULL, &journal, error), -EBADMSG);
	CHECK_STR(error, "bytes after the end");
}

/* --- the limits */

static const struct limit_row {
	const char *name;
	struct dh_stream_limits limits;
	int err;
	const char *error;
} limit_rows[] = {
	{ "none", { 0, 0, 0, 0 }, 0, "" },
	{ "all just met", { 115200, 2019, 16, 16 }, 0, "" },
	{ "one byte less", { 0, 2018, 0, 0 }, -EFBIG, "the stream is longer than 2018 bytes" },
	{ "no record fits", { 0, 1, 0, 0 }, -EFBIG, "the stream is longer than 1 bytes" },
	{ "one tick less", { 115199, 0, 0, 0 }, -EFBIG, "longer than 159 ms" },
	{ "shorter than any unit", { 1, 0, 0, 0 }, -EFBIG, "longer than 0 ms" },
	{ "width", { 0, 0, 14, 0 }, -EFBIG, "picture of 16x16, wider than 14" },
	{ "height", { 0, 0, 16, 14 }, -EFBIG, "picture of 16x16, higher than 14" },
};

static void test_limits(const void *arg)
{
	const struct limit_row *row = arg;
	struct bytes bytes;
	struct journal journal = { .used = 0 };
	char error[200];
	make_stream(&bytes);
	CHECK_INT(bytes.size, 2019);
	CHECK_INT(read_stream(bytes.at, bytes.size, 77, &row->limits, &journal, error), row->err);
	CHECK_STR(error, row->error);
}

static const struct check_test tests[] = {
	TEST(test_round_trip),
	TEST(test_any_step_reads_the_same),
	TEST(test_cut_anywhere_reads_the_same),
	TEST(test_failure_ends_a_stream),
	TEST(test_failure_alone_is_a_stream),
	TEST(test_sink_without_functions),
	TEST(test_an_error_of_the_sink_stops),
	TEST(test_units_outlive_the_reader),
	TEST(test_every_truncation_is_refused),
	TEST(test_every_flipped_byte_is_refused),
	TEST(test_a_missing_byte_is_refused),
	TEST(test_bytes_after_the_end),
	TABLE(test_limits, limit_rows),
};

int main(int argc, char **argv)
{
	return CHECK_MAIN(argc, argv, tests);
}
