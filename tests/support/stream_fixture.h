/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Streams for tests: bytes in memory, a valid stream, records made by hand, and a sink
 * that writes down what a reader reports. */
#ifndef DH_STREAM_FIXTURE_H
#define DH_STREAM_FIXTURE_H

#include "tests/support/check.h"

#include "playout/stream.h"
#include "playout/timebase.h"
#include "tests/support/vp8_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIXTURE_SIDE    16
#define FIXTURE_PICTURE (FIXTURE_SIDE * FIXTURE_SIDE * 3 / 2)

struct bytes {
	uint8_t at[16384];
	size_t size;
};

/* A dh_stream_write_fn that appends to a struct bytes. */
int bytes_write(void *arg, const void *from, size_t size);

/* --- a valid stream */

static const uint8_t fixture_anchor[] = VP8_FIXTURE_ANCHOR(FIXTURE_SIDE, FIXTURE_SIDE);

static const struct dh_stream_head fixture_head = {
	.has_video = 1,
	.has_audio = 1,
	.width = FIXTURE_SIDE,
	.height = FIXTURE_SIDE,
	.rate_num = 25,
	.rate_den = 1,
	.encoder = "fixture 1.0",
};

static const struct dh_stream_end fixture_end = { 115200, 72000 - 100, true };

static const struct dh_stream_word fixture_word = { 720, 7200, "W\xc3\xb6rter" };

struct fixture_unit {
	enum dh_media media;
	uint32_t flags;
	int64_t pts_ticks, duration_ticks;
	size_t size; /* at most 64; of a picture that is to be read at least VP8_FIXTURE_HEADER */
};

static const struct fixture_unit fixture_units[] = {
	{ DH_VIDEO, DH_UNIT_ENTRY, 0, 28800, 40 },
	{ DH_AUDIO, 0, 0, 14400, 20 },
	{ DH_AUDIO, 0, 14400, 14400, 1 },
	{ DH_AUDIO, 0, 28800, 14400, 30 },
	{ DH_VIDEO, DH_UNIT_DROPPABLE, 28800, 28800, 9 },
	{ DH_AUDIO, 0, 43200, 14400, 25 },
	{ DH_AUDIO, 0, 57600, 14400, 12 },
	{ DH_VIDEO, 0, 57600, 28800, 33 },
	{ DH_VIDEO, DH_UNIT_ENTRY, 86400, 28800, 50 },
};

#define FIXTURE_UNITS (sizeof fixture_units / sizeof *fixture_units)

/* NULL: out of memory. The bytes depend on the time, so that no two pictures and no two
 * packets of sound are alike. */
struct dh_unit *fixture_unit_new(const struct fixture_unit *from);
int fixture_write_unit(const struct dh_stream_writer *writer, const struct fixture_unit *from);
int fixture_write_picture(const struct dh_stream_writer *writer);

/* Writes every kind of record except FAIL. Returns 0, or what a writing function
 * returned. */
int fixture_write(const struct dh_stream_writer *writer);

/* --- records by hand */

/* Appends a record with a correct checksum, whatever it contains. */
void fixture_record(struct bytes *out, const char type[4], const void *body, size_t size);

/* --- what was read */

/* One line per call of the sink. */
struct journal {
	char text[4096];
	size_t used, calls;
	size_t fail_at; /* number of the call that returns `error`; 0: none */
	int error;
};

/* Formats bytes as the journal does. */
unsigned long journal_crc(const void *bytes, size_t size);
int journal_unit(void *arg, struct dh_unit *unit);
/* Its `arg` is a struct journal. */
extern const struct dh_stream_sink journal_sink;

/* Reads `bytes` and checks the verdict; `error` is part of the reader's text. */
static inline void check_verdict(const struct bytes *bytes, int err, const char *error)
{
	struct journal journal = { .used = 0 };
	struct dh_stream_reader *reader;
	int pushed;
	CHECK_INT(dh_stream_reader_alloc(&reader, NULL, &journal_sink, &journal), 0);
	pushed = dh_stream_reader_push(reader, bytes->at, bytes->size);
	CHECK(pushed == err, "%d (%s), expected %d", pushed, dh_stream_reader_error(reader), err);
	CHECK(strstr(dh_stream_reader_error(reader), error), "\"%s\" lacks \"%s\"", dh_stream_reader_error(reader),
		error);
	CHECK_INT(dh_stream_reader_finish(reader), err);
	dh_stream_reader_free(&reader);
}

#endif
