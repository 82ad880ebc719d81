/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: any bytes as a segment stream. With DH_LIBFUZZER defined it is
 * libFuzzer's (-fsanitize=fuzzer), without it a program that replays files.
 *
 * The first byte of an input says what is done with the rest, see HOW_…. No
 * fuzzer guesses a CRC, so records may get correct ones; and a valid stream to
 * start from need not be guessed, either. What the reader reports is verified
 * against the promises of stream.h, and written again: the writer must accept
 * whatever the reader did. */
#include "playout/guard.h"
#include "playout/mark.h"
#include "playout/matte.h"
#include "tests/fuzz/promise.h"
#include "tests/support/stream_fixture.h"

#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOW_MENDED    1u /* give records correct checksums */
#define HOW_LIMITED   2u /* give the reader limits */
#define HOW_EDITED    4u /* the rest is a list of edits of a valid stream, 3 bytes each; otherwise it is the stream */
#define HOW_STEP(how) (1 + ((how) >> 3) * 16) /* bytes per push */

#define LIMIT_TICKS (INT64_C(10) * DH_TICKS_PER_SECOND)
#define LIMIT_BYTES 100000u

struct checker {
	struct dh_stream_writer writer; /* what was read, written again */
	int is_limited;
	int has_head, has_anchor, has_lead, is_ended, units;
	unsigned words;
	int64_t newest_ticks, end_ticks[2], word_ticks;
	struct dh_stream_head head;
	struct dh_vp8_header anchor;
	struct dh_unit *kept; /* the newest unit, kept beyond its record */
};

static int discard(void *arg, const void *bytes, size_t size)
{
	(void)arg;
	PROMISE(bytes && size >= 12);
	return 0;
}

static int see_head(void *arg, const struct dh_stream_head *head)
{
	struct checker *c = arg;
	PROMISE(!c->has_head && !c->is_ended);
	PROMISE(head->has_video || head->has_audio);
	PROMISE(strlen(head->encoder) <= DH_STREAM_TEXT_MAX);
	PROMISE(!c->is_limited || (head->width <= 640 && head->height <= 480));
	c->has_head = 1;
	c->head = *head;
	PROMISE(dh_stream_write_head(&c->writer, head) == 0);
	return 0;
}

static int see_anchor(void *arg, struct dh_unit *anchor)
{
	struct checker *c = arg;
	PROMISE(c->has_head && !c->has_anchor && c->units == 0 && !c->is_ended);
	c->has_anchor = 1;
	PROMISE(dh_vp8_header_parse(&c->anchor, anchor->data, anchor->size) == 0);
	PROMISE(!dh_guard_check_anchor(&c->anchor));
	PROMISE(dh_stream_write_anchor(&c->writer, anchor->data, anchor->size) == 0);
	return 0;
}

static int see_picture(void *arg, const uint8_t *i420, size_t size)
{
	struct checker *c = arg;
	PROMISE(c->has_anchor && c->units == 0 && !c->is_ended);
	PROMISE(size == (size_t)c->head.width * (size_t)c->head.height * 3 / 2);
	PROMISE(dh_stream_write_picture(&c->writer, i420, size) == 0);
	return 0;
}

static int see_mark(void *arg, enum dh_mark_at at, const uint8_t *i420, size_t size)
{
	struct checker *c = arg;
	PROMISE(c->has_anchor && c->head.has_mark && c->units == 0 && !c->is_ended && at <= DH_MARK_TOP_LEFT);
	PROMISE(size == dh_mark_size(c->head.width, dh_head_height(&c->head)));
	PROMISE(dh_stream_write_mark(&c->writer, at, i420, size) == 0);
	return 0;
}

static int see_lead(struct checker *c, struct dh_unit *unit)
{
	PROMISE(c->has_head && c->head.has_audio && c->units == 0 && !c->is_ended && !c->has_lead);
	PROMISE(unit->media == DH_AUDIO && unit->flags == DH_UNIT_LEAD && unit->size >= 1);
	PROMISE(unit->pts_ticks > 0 && unit->pts_ticks <= DH_STREAM_LEAD_TICKS_MAX && unit->duration_ticks > 0);
	c->has_lead = 1;
	PROMISE(dh_stream_write_unit(&c->writer, unit) == 0);
	return 0;
}

static void see_picture_header(const struct checker *c, const struct dh_unit *unit)
{
	struct dh_vp8_header header;
	PROMISE(dh_vp8_header_parse(&header, unit->data, unit->size) == 0);
	PROMISE(!dh_guard_check(&c->anchor, &header));
}

static int see_unit(void *arg, struct dh_unit *unit)
{
	struct checker *c = arg;
	if (unit->flags & DH_UNIT_LEAD)
		return see_lead(c, unit);
	PROMISE(c->has_head && !c->is_ended);
	PROMISE(unit->media == DH_VIDEO ? c->head.has_video && c->has_anchor : c->head.has_audio);
	PROMISE(unit->size >= 1 && unit->pts_ticks >= c->newest_ticks && unit->duration_ticks > 0);
	PROMISE(!c->is_limited || unit->pts_ticks + unit->duration_ticks <= LIMIT_TICKS);
	PROMISE(unit->media == DH_AUDIO || c->end_ticks[DH_VIDEO] > 0 || (unit->flags & DH_UNIT_ENTRY));
	int qualities = 0;
	for (const struct dh_unit *u = unit; u; u = u->lower, qualities++) {
		PROMISE(u->size >= 1 && u->pts_ticks == unit->pts_ticks && u->flags == unit->flags);
		if (u->media == DH_VIDEO)
			see_picture_header(c, u);
	}
	PROMISE(qualities == (unit->media == DH_VIDEO ? dh_qualities_count(c->head.kbps) : 1));
	c->newest_ticks = unit->pts_ticks;
	c->end_ticks[unit->media] = unit->pts_ticks + unit->duration_ticks;
	c->units++;
	PROMISE(dh_stream_write_unit(&c->writer, unit) == 0);
	dh_unit_unref(&c->kept);
	c->kept = dh_unit_ref(unit);
	return 0;
}

static int see_word(void *arg, const struct dh_stream_word *word)
{
	struct checker *c = arg;
	PROMISE(c->has_head && !c->is_ended && (c->has_anchor || !c->head.has_video));
	PROMISE(word->from_ticks >= c->word_ticks && word->to_ticks >= word->from_ticks);
	PROMISE(++c->words <= DH_STREAM_WORDS_MAX);
	c->word_ticks = word->from_ticks;
	PROMISE(dh_stream_write_word(&c->writer, word) == 0);
	return 0;
}

static int see_line(void *arg, const char *json, size_t size, const char **why)
{
	struct checker *c = arg;
	(void)why;
	PROMISE(c->has_head && !c->is_ended && (c->has_anchor || !c->head.has_video));
	PROMISE(size >= 1 && size < DH_STREAM_LINE_MAX && *json == '{' && !memchr(json, '\n', size));
	return 0;
}

static int see_note(void *arg, const char *text)
{
	struct checker *c = arg;
	PROMISE(c->has_head && !c->is_ended && strlen(text) <= DH_STREAM_TEXT_MAX);
	PROMISE(dh_stream_write_note(&c->writer, text) == 0);
	return 0;
}

static int see_end(void *arg, const struct dh_stream_end *end)
{
	struct checker *c = arg;
	PROMISE(c->units > 0 && !c->is_ended);
	PROMISE(end->video_ticks >= 0 && end->video_ticks <= c->end_ticks[DH_VIDEO]);
	PROMISE(end->audio_ticks >= 0 && end->audio_ticks <= c->end_ticks[DH_AUDIO]);
	c->is_ended = 1;
	PROMISE(dh_stream_write_end(&c->writer, end) == 0);
	return 0;
}

static int see_failure(void *arg, int code, const char *text)
{
	struct checker *c = arg;
	PROMISE(!c->is_ended && strlen(text) <= DH_STREAM_TEXT_MAX);
	c->is_ended = 1;
	PROMISE(dh_stream_write_failure(&c->writer, code, text) == 0);
	return 0;
}

/* Corrects the checksum of each whole record in `bytes`. */
static void mend_checksums(uint8_t *bytes, size_t size)
{
	while (size >= 12) {
		size_t length = bytes[4] | (size_t)bytes[5] << 8 | (size_t)bytes[6] << 16 | (size_t)bytes[7] << 24;
		uint32_t crc;
		if (length > size - 12)
			return;
		crc = (uint32_t)crc32(0, bytes, (uInt)(8 + length));
		for (int i = 0; i < 4; i++)
			bytes[8 + length + (size_t)i] = (uint8_t)(crc >> 8 * i);
		bytes += 12 + length;
		size -= 12 + length;
	}
}

static void read_stream(struct checker *checker, const uint8_t *bytes, size_t size, size_t step)
{
	static const struct dh_stream_sink sink = {
		.head = see_head,
		.anchor = see_anchor,
		.picture = see_picture,
		.mark = see_mark,
		.unit = see_unit,
		.word = see_word,
		.line = see_line,
		.note = see_note,
		.end = see_end,
		.failure = see_failure,
	};
	static const struct dh_stream_limits limits = { LIMIT_TICKS, LIMIT_BYTES, 640, 480 };
	struct dh_stream_reader *reader;
	int rc = 0, finished;
	if (dh_stream_reader_alloc(&reader, checker->is_limited ? &limits : NULL, &sink, checker) < 0)
		return;
	for (size_t i = 0; rc == 0 && i < size; i += step)
		rc = dh_stream_reader_push(reader, bytes + i, step < size - i ? step : size - i);
	PROMISE(rc == 0 || rc == -EBADMSG || rc == -EFBIG);
	PROMISE(dh_stream_reader_push(reader, bytes, 0) == rc);
	finished = dh_stream_reader_finish(reader);
	PROMISE(rc == 0 ? finished == (checker->is_ended ? 0 : -ENODATA) : finished == rc);
	PROMISE((finished == 0) == (dh_stream_reader_error(reader)[0] == '\0'));
	dh_stream_reader_free(&reader);
}

/* The valid stream with the bytes at some places changed: u16 place, u8 change. */
static uint8_t *edited_stream(const uint8_t *edits, size_t size, size_t *stream_size)
{
	static struct bytes valid;
	struct dh_stream_writer writer = { bytes_write, &valid };
	uint8_t *bytes;
	if (valid.size == 0)
		PROMISE(fixture_write(&writer) == 0);
	bytes = malloc(valid.size);
	if (!bytes)
		return NULL;
	memcpy(bytes, valid.at, valid.size);
	for (; size >= 3; size -= 3, edits += 3)
		bytes[(edits[0] | (size_t)edits[1] << 8) % valid.size] ^= edits[2];
	*stream_size = valid.size;
	return bytes;
}

/* A copy of exactly its size, so that sanitizers see reads beyond the end. */
static uint8_t *copied_stream(const uint8_t *data, size_t size, size_t *stream_size)
{
	uint8_t *bytes = malloc(size > 0 ? size : 1);
	if (bytes)
		memcpy(bytes, data, size);
	*stream_size = size;
	return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct checker checker = { .writer = { discard, NULL } };
	uint8_t *bytes;
	size_t stream_size = 0;
	unsigned how;
	if (size < 1)
		return 0;
	how = data[0];
	bytes = (how & HOW_EDITED ? edited_stream : copied_stream)(data + 1, size - 1, &stream_size);
	if (!bytes)
		return 0;
	if (how & HOW_MENDED)
		mend_checksums(bytes, stream_size);
	checker.is_limited = (how & HOW_LIMITED) != 0;
	read_stream(&checker, bytes, stream_size, HOW_STEP(how));
	/* An unedited stream must be valid. */
	PROMISE(!(how & HOW_EDITED) || size > 3 || checker.is_ended);
	dh_unit_unref(&checker.kept);
	free(bytes);
	return 0;
}

#ifndef DH_LIBFUZZER
/* Replays files: a fuzzer's findings, or its corpus. */
int main(int argc, char **argv)
{
	static uint8_t data[16 * 1024 * 1024];
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		size_t size;
		if (!file) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
			return 1;
		}
		size = fread(data, 1, sizeof data, file);
		fclose(file);
		LLVMFuzzerTestOneInput(data, size);
	}
	printf("%d inputs\n", argc - 1);
	return 0;
}
#endif
