/* Streams for tests: bytes in memory, a valid stream in them, records made by
 * hand, and a sink that writes down what a reader reports. */
#ifndef DH_STREAM_FIXTURE_H
#define DH_STREAM_FIXTURE_H

#include "tests/support/check.h"

#include "playout/stream.h"
#include "playout/timebase.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#define FIXTURE_SIDE    16
#define FIXTURE_PICTURE (FIXTURE_SIDE * FIXTURE_SIDE * 3 / 2)

struct bytes {
	uint8_t at[16384];
	size_t size;
};

/* A dh_stream_write_fn into struct bytes. */
static inline int bytes_write(void *arg, const void *from, size_t size)
{
	struct bytes *bytes = arg;
	if (size > sizeof bytes->at - bytes->size)
		return -ENOSPC;
	memcpy(bytes->at + bytes->size, from, size);
	bytes->size += size;
	return 0;
}

/* --- a valid stream */

/* What a shown VP8 key frame of FIXTURE_SIDE squared begins with, and a little more. */
static const uint8_t fixture_anchor[] = {
	0x10, 0x02, 0, 0x9d, 0x01, 0x2a, FIXTURE_SIDE, 0, FIXTURE_SIDE, 0, 7, 8
};

static const struct dh_stream_head fixture_head = {
	.has_video = 1, .has_audio = 1, .width = FIXTURE_SIDE, .height = FIXTURE_SIDE,
	.rate_num = 25, .rate_den = 1, .encoder = "fixture 1.0",
};

static const struct dh_stream_end fixture_end = { 115200, 72000 - 100, true };

struct fixture_unit {
	enum dh_media media;
	uint32_t flags;
	int64_t pts_ticks, duration_ticks;
	size_t size; /* at most 64 */
};

static const struct fixture_unit fixture_units[] = {
	{ DH_VIDEO, DH_UNIT_ENTRY,     0,     28800, 40 },
	{ DH_AUDIO, 0,                 0,     14400, 20 },
	{ DH_AUDIO, 0,                 14400, 14400, 1 },
	{ DH_AUDIO, 0,                 28800, 14400, 30 },
	{ DH_VIDEO, DH_UNIT_DROPPABLE, 28800, 28800, 1 },
	{ DH_AUDIO, 0,                 43200, 14400, 25 },
	{ DH_AUDIO, 0,                 57600, 14400, 12 },
	{ DH_VIDEO, 0,                 57600, 28800, 33 },
	{ DH_VIDEO, DH_UNIT_ENTRY,     86400, 28800, 50 },
};

#define FIXTURE_UNITS (sizeof fixture_units / sizeof *fixture_units)

/* NULL when memory is short. The bytes follow from the time, so no two pictures
 * and no two sounds are alike. */
static inline struct dh_unit *fixture_unit_new(const struct fixture_unit *from)
{
	uint8_t data[64];
	struct dh_unit *unit;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(from->pts_ticks / 1440 * 31 + (int64_t)i * 7);
	unit = dh_unit_new(from->media, from->pts_ticks, from->duration_ticks, data, from->size);
	if (!unit)
		return NULL;
	unit->flags = from->flags;
	if (unit->media == DH_VIDEO)
		memset(unit->luma, (int)(from->pts_ticks / 1440), sizeof unit->luma);
	return unit;
}

static inline int fixture_write_unit(const struct dh_stream_writer *writer, const struct fixture_unit *from)
{
	struct dh_unit *unit = fixture_unit_new(from);
	int rc;
	if (!unit)
		return -ENOMEM;
	rc = dh_stream_write_unit(writer, unit);
	dh_unit_unref(&unit);
	return rc;
}

static inline int fixture_write_picture(const struct dh_stream_writer *writer)
{
	uint8_t i420[FIXTURE_PICTURE];
	for (size_t i = 0; i < sizeof i420; i++)
		i420[i] = (uint8_t)(i * 3);
	return dh_stream_write_picture(writer, i420, sizeof i420);
}

/* Every kind of record but FAIL. 0, or what a writing function returned. */
static inline int fixture_write(const struct dh_stream_writer *writer)
{
	int rc = dh_stream_write_head(writer, &fixture_head);
	if (rc == 0)
		rc = dh_stream_write_anchor(writer, fixture_anchor, sizeof fixture_anchor);
	if (rc == 0)
		rc = fixture_write_picture(writer);
	for (size_t i = 0; rc == 0 && i < FIXTURE_UNITS; i++) {
		rc = fixture_write_unit(writer, &fixture_units[i]);
		if (rc == 0 && i == 4)
			rc = dh_stream_write_note(writer, "half way, gr\xc3\xbc\xc3\x9f""e");
	}
	if (rc == 0)
		rc = dh_stream_write_end(writer, &fixture_end);
	return rc;
}

/* --- records by hand */

/* A record with a correct checksum, whatever is in it. */
static inline void fixture_record(struct bytes *out, const char type[4], const void *body, size_t size)
{
	uint8_t prefix[8], checksum[4];
	uint32_t crc;
	memcpy(prefix, type, 4);
	for (int i = 0; i < 4; i++)
		prefix[4 + i] = (uint8_t)(size >> 8 * i);
	crc = (uint32_t)crc32(crc32(0, prefix, sizeof prefix), body, (uInt)size);
	for (int i = 0; i < 4; i++)
		checksum[i] = (uint8_t)(crc >> 8 * i);
	bytes_write(out, prefix, sizeof prefix);
	bytes_write(out, body, size);
	bytes_write(out, checksum, sizeof checksum);
}

/* --- what was read */

/* One line for each call of the sink. */
struct journal {
	char text[4096];
	size_t used, calls;
	size_t fail_at; /* the call that returns `error`; 0: none */
	int error;
};

__attribute__((format(printf, 2, 3)))
static inline int journal_add(struct journal *journal, const char *format, ...)
{
	va_list args;
	int length;
	if (++journal->calls == journal->fail_at)
		return journal->error;
	va_start(args, format);
	length = vsnprintf(journal->text + journal->used, sizeof journal->text - journal->used, format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= sizeof journal->text - journal->used)
		abort(); /* the fixture is too large for it */
	journal->used += (size_t)length;
	return 0;
}

static inline unsigned long journal_crc(const void *bytes, size_t size)
{
	return crc32(0, bytes, (uInt)size);
}

static inline int journal_head(void *arg, const struct dh_stream_head *h)
{
	return journal_add(arg, "head %d%d %dx%d %" PRId64 "/%" PRId64 " %s\n", h->has_video, h->has_audio,
		h->width, h->height, h->rate_num, h->rate_den, h->encoder);
}

static inline int journal_anchor(void *arg, struct dh_unit *anchor)
{
	return journal_add(arg, "anchor %zu %lx\n", anchor->size, journal_crc(anchor->data, anchor->size));
}

static inline int journal_picture(void *arg, const uint8_t *i420, size_t size)
{
	return journal_add(arg, "picture %zu %lx\n", size, journal_crc(i420, size));
}

static inline int journal_unit(void *arg, struct dh_unit *unit)
{
	return journal_add(arg, "%s %" PRId64 "+%" PRId64 " %u %zu %lx %lx\n",
		unit->media == DH_VIDEO ? "video" : "audio", unit->pts_ticks, unit->duration_ticks,
		(unsigned)unit->flags, unit->size, journal_crc(unit->data, unit->size),
		journal_crc(unit->luma, sizeof unit->luma));
}

static inline int journal_note(void *arg, const char *text)
{
	return journal_add(arg, "note %s\n", text);
}

static inline int journal_end(void *arg, const struct dh_stream_end *end)
{
	return journal_add(arg, "end %" PRId64 " %" PRId64 "%s\n", end->video_ticks, end->audio_ticks,
		end->is_incomplete ? " incomplete" : "");
}

static inline int journal_failure(void *arg, int code, const char *text)
{
	return journal_add(arg, "failure %d %s\n", code, text);
}

static const struct dh_stream_sink journal_sink = {
	.head = journal_head, .anchor = journal_anchor, .picture = journal_picture, .unit = journal_unit,
	.note = journal_note, .end = journal_end, .failure = journal_failure,
};

/* Reads `bytes` and checks the verdict; `error` is a part of the reader's text. */
static inline void check_verdict(const struct bytes *bytes, int rc, const char *error)
{
	struct journal journal = { .used = 0 };
	struct dh_stream_reader *reader;
	int pushed;
	CHECK_INT(dh_stream_reader_alloc(&reader, NULL, &journal_sink, &journal), 0);
	pushed = dh_stream_reader_push(reader, bytes->at, bytes->size);
	CHECK(pushed == rc, "%d (%s), expected %d", pushed, dh_stream_reader_error(reader), rc);
	CHECK(strstr(dh_stream_reader_error(reader), error), "\"%s\" lacks \"%s\"",
		dh_stream_reader_error(reader), error);
	CHECK_INT(dh_stream_reader_finish(reader), rc);
	dh_stream_reader_free(&reader);
}

#endif
