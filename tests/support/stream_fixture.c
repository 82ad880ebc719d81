/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/stream_fixture.h"

#include <inttypes.h>
#include <stdarg.h>

#include <zlib.h>

int bytes_write(void *arg, const void *from, size_t size)
{
	struct bytes *bytes = arg;
	if (size > sizeof bytes->at - bytes->size)
		return -ENOSPC;
	memcpy(bytes->at + bytes->size, from, size);
	bytes->size += size;
	return 0;
}

struct dh_unit *fixture_unit_new(const struct fixture_unit *from)
{
	uint8_t data[64];
	struct dh_unit *unit;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(from->pts_ticks / 1440 * 31 + (int64_t)i * 7);
	if (from->media == DH_VIDEO)
		vp8_fixture_picture(data, from->flags);
	unit = dh_unit_new(from->media, from->pts_ticks, from->duration_ticks, data, from->size);
	if (!unit)
		return NULL;
	unit->flags = from->flags;
	if (unit->media == DH_VIDEO)
		memset(unit->luma, (int)(from->pts_ticks / 1440), sizeof unit->luma);
	return unit;
}

int fixture_write_unit(const struct dh_stream_writer *writer, const struct fixture_unit *from)
{
	struct dh_unit *unit = fixture_unit_new(from);
	int err;
	if (!unit)
		return -ENOMEM;
	err = dh_stream_write_unit(writer, unit);
	dh_unit_unref(&unit);
	return err;
}

int fixture_write_picture(const struct dh_stream_writer *writer)
{
	uint8_t i420[FIXTURE_PICTURE];
	for (size_t i = 0; i < sizeof i420; i++)
		i420[i] = (uint8_t)(i * 3);
	return dh_stream_write_picture(writer, i420, sizeof i420);
}

int fixture_write(const struct dh_stream_writer *writer)
{
	int err = dh_stream_write_head(writer, &fixture_head);
	if (err == 0)
		err = dh_stream_write_anchor(writer, fixture_anchor, sizeof fixture_anchor);
	if (err == 0)
		err = fixture_write_picture(writer);
	if (err == 0)
		err = dh_stream_write_word(writer, &fixture_word);
	for (size_t i = 0; err == 0 && i < FIXTURE_UNITS; i++) {
		err = fixture_write_unit(writer, &fixture_units[i]);
		if (err == 0 && i == 4)
			err = dh_stream_write_note(writer,
				"half way, gr\xc3\xbc\xc3\x9f"
				"e");
	}
	if (err == 0)
		err = dh_stream_write_end(writer, &fixture_end);
	return err;
}

void fixture_record(struct bytes *out, const char type[4], const void *body, size_t size)
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

__attribute__((format(printf, 2, 3))) static int journal_add(struct journal *journal, const char *format, ...)
{
	va_list args;
	int length;
	if (++journal->calls == journal->fail_at)
		return journal->error;
	va_start(args, format);
	length = vsnprintf(journal->text + journal->used, sizeof journal->text - journal->used, format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= sizeof journal->text - journal->used)
		abort(); /* too large for the fixture */
	journal->used += (size_t)length;
	return 0;
}

unsigned long journal_crc(const void *bytes, size_t size)
{
	return crc32(0, bytes, (uInt)size);
}

static int journal_head(void *arg, const struct dh_stream_head *h)
{
	return journal_add(arg, "head %d%d %dx%d %" PRId64 "/%" PRId64 " %s\n", h->has_video, h->has_audio, h->width,
		h->height, h->rate_num, h->rate_den, h->encoder);
}

static int journal_anchor(void *arg, struct dh_unit *anchor)
{
	return journal_add(arg, "anchor %zu %lx\n", anchor->size, journal_crc(anchor->data, anchor->size));
}

static int journal_picture(void *arg, const uint8_t *i420, size_t size)
{
	return journal_add(arg, "picture %zu %lx\n", size, journal_crc(i420, size));
}

int journal_unit(void *arg, struct dh_unit *unit)
{
	return journal_add(arg, "%s %" PRId64 "+%" PRId64 " %u %zu %lx %lx\n",
		unit->media == DH_VIDEO ? "video" : "audio", unit->pts_ticks, unit->duration_ticks,
		(unsigned)unit->flags, unit->size, journal_crc(unit->data, unit->size),
		journal_crc(unit->luma, sizeof unit->luma));
}

static int journal_word(void *arg, const struct dh_stream_word *word)
{
	return journal_add(arg, "word %" PRId64 "-%" PRId64 " %s\n", word->from_ticks, word->to_ticks, word->text);
}

static int journal_note(void *arg, const char *text)
{
	return journal_add(arg, "note %s\n", text);
}

static int journal_end(void *arg, const struct dh_stream_end *end)
{
	return journal_add(arg, "end %" PRId64 " %" PRId64 "%s\n", end->video_ticks, end->audio_ticks,
		end->is_incomplete ? " incomplete" : "");
}

static int journal_failure(void *arg, int code, const char *text)
{
	return journal_add(arg, "failure %d %s\n", code, text);
}

const struct dh_stream_sink journal_sink = {
	.head = journal_head,
	.anchor = journal_anchor,
	.picture = journal_picture,
	.unit = journal_unit,
	.word = journal_word,
	.note = journal_note,
	.end = journal_end,
	.failure = journal_failure,
};
