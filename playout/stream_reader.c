/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stream.h"

#include "stream_records.h"
#include "stream_wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The buffer grows as bytes arrive: a length field alone allocates nothing. */
#define BUFFER_MIN 4096u
/* A larger buffer is freed between records. */
#define BUFFER_KEEP (256u * 1024)

struct dh_stream_reader {
	struct dh_stream_records records;
	/* the current record, prefix and checksum included */
	uint8_t *buffer;
	size_t used, capacity;
	size_t need;  /* DH_WIRE_PREFIX until the length is known, then all of it */
	bool is_line; /* it is a line of JSON */
	int err;      /* the first error, kept for good */
};

static int fail(struct dh_stream_reader *reader, int err, const char *text)
{
	snprintf(reader->records.text, sizeof reader->records.text, "%s", text);
	return err;
}

static int reserve(struct dh_stream_reader *reader, size_t size)
{
	size_t capacity = reader->capacity * 2;
	uint8_t *buffer;
	if (reader->buffer && size <= reader->capacity)
		return 0;
	if (capacity > reader->need)
		capacity = reader->need;
	if (capacity < BUFFER_MIN)
		capacity = BUFFER_MIN;
	if (capacity < size)
		capacity = size;
	buffer = realloc(reader->buffer, capacity);
	if (!buffer)
		return fail(reader, -ENOMEM, "out of memory");
	reader->buffer = buffer;
	reader->capacity = capacity;
	return 0;
}

static void release(struct dh_stream_reader *reader)
{
	free(reader->buffer);
	reader->buffer = NULL;
	reader->capacity = 0;
}

static int finish_record(struct dh_stream_reader *reader)
{
	int err = dh_stream_records_read(&reader->records, reader->buffer, reader->need);
	reader->used = 0;
	reader->need = DH_WIRE_PREFIX;
	if (reader->capacity > BUFFER_KEEP || reader->records.is_ended)
		release(reader);
	return err < 0 ? err : 0;
}

/* Takes from `bytes` what the current line still lacks. */
static int take_line(struct dh_stream_reader *reader, const uint8_t *bytes, size_t size, size_t *taken)
{
	const uint8_t *end = memchr(bytes, '\n', size);
	size_t step = end ? (size_t)(end - bytes) + 1 : size;
	int err = 0;
	if (step > DH_STREAM_LINE_MAX - reader->used)
		return fail(reader, -EBADMSG, "a line between records is longer than 65536 bytes");
	reader->need = DH_STREAM_LINE_MAX;
	err = reserve(reader, reader->used + step);
	if (err < 0)
		return err;
	memcpy(reader->buffer + reader->used, bytes, step);
	reader->used += step;
	*taken = step;
	if (!end)
		return 0;
	err = dh_stream_records_line(&reader->records, (const char *)reader->buffer, reader->used - 1);
	reader->used = 0;
	reader->need = DH_WIRE_PREFIX;
	reader->is_line = false;
	return err < 0 ? err : 0;
}

/* Takes from `bytes` what the current record still lacks. Sets *taken to how many bytes
 * that were. */
static int take_bytes(struct dh_stream_reader *reader, const uint8_t *bytes, size_t size, size_t *taken)
{
	size_t step = reader->need - reader->used;
	int err;
	if (reader->used == 0 && reader->need == DH_WIRE_PREFIX && *bytes == DH_WIRE_LINE)
		reader->is_line = true;
	if (reader->is_line)
		return take_line(reader, bytes, size, taken);
	if (step > size)
		step = size;
	err = reserve(reader, reader->used + step);
	if (err < 0)
		return err;
	memcpy(reader->buffer + reader->used, bytes, step);
	reader->used += step;
	*taken = step;
	if (reader->used < reader->need)
		return 0;
	if (reader->need == DH_WIRE_PREFIX)
		return dh_stream_records_prefix(&reader->records, reader->buffer, &reader->need);
	return finish_record(reader);
}

int dh_stream_reader_push(struct dh_stream_reader *reader, const void *bytes, size_t size)
{
	const uint8_t *p = bytes;
	while (reader->err == 0 && size > 0) {
		size_t taken = 0;
		if (reader->records.is_ended)
			reader->err = fail(reader, -EBADMSG, "bytes after the end");
		else
			reader->err = take_bytes(reader, p, size, &taken);
		p += taken;
		size -= taken;
	}
	if (reader->err < 0)
		release(reader);
	return reader->err;
}

int dh_stream_reader_finish(struct dh_stream_reader *reader)
{
	if (reader->err < 0 || reader->records.is_ended)
		return reader->err;
	reader->err = fail(reader, -ENODATA,
		reader->records.bytes == 0 && reader->used == 0 ? "the stream is empty" : "the stream is cut short");
	release(reader);
	return reader->err;
}

const char *dh_stream_reader_error(const struct dh_stream_reader *reader)
{
	return reader->records.text;
}

int dh_stream_reader_alloc(struct dh_stream_reader **reader, const struct dh_stream_limits *limits,
	const struct dh_stream_sink *sink, void *arg)
{
	struct dh_stream_reader *r = calloc(1, sizeof *r);
	if (!r)
		return -ENOMEM;
	if (limits)
		r->records.limits = *limits;
	r->records.sink = *sink;
	r->records.arg = arg;
	r->need = DH_WIRE_PREFIX;
	*reader = r;
	return 0;
}

void dh_stream_reader_free(struct dh_stream_reader **reader)
{
	struct dh_stream_reader *r = *reader;
	*reader = NULL;
	if (!r)
		return;
	dh_stream_records_clear(&r->records);
	free(r->buffer);
	free(r);
}

const char *dh_stream_note_split(const char *note, char code[DH_STREAM_CODE_MAX + 1])
{
	size_t size = *note == '[' ? strspn(note + 1, "abcdefghijklmnopqrstuvwxyz0123456789_") : 0;
	if (size == 0 || size > DH_STREAM_CODE_MAX || note[size + 1] != ']' || note[size + 2] != ' ') {
		snprintf(code, DH_STREAM_CODE_MAX + 1, "other");
		return note;
	}
	memcpy(code, note + 1, size);
	code[size] = '\0';
	return note + size + 3;
}
